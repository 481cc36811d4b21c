/* SPDX-License-Identifier: MIT */
/*
 * Reading on several threads, while a client does its worst to its file.
 *
 *     integration-threads [--seconds N] [--seed N]
 *
 * Three client processes: two honest ones, of which one is read in place and one
 * is copied, and one that commits while a thread of its own cuts, grows, seals
 * and punches holes in the file. Four threads of the compositor read whatever is
 * shown. What is shown of the honest clients must be exact, in each pixel and
 * each time: that the other one is there must make no difference.
 *
 * An honest client draws only in a buffer that was given back, and it is given
 * back when the last thread has done with it. So a buffer's pixels are known
 * while it is read: those of the frame that was committed with it. They lack
 * something as soon as one commit's damage gets lost, even if it comes while
 * another thread copies.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <wayland-client.h>

#include "directory.h"
#include "peer.h"
#include "sanitizers.h"
#include "server.h"

#define READERS 4
#define HONEST 2
#define BUFFERS 3

/* Of the honest clients' buffers. */
#define WIDTH 256
#define BANDS 8
#define BAND_HEIGHT 24
#define BAND_PIXELS (BAND_HEIGHT * WIDTH)
#define HEIGHT (BANDS * BAND_HEIGHT)
#define BYTES (WIDTH * HEIGHT * 4)

/* Of the other's. */
#define SIDE 128
#define SIDE_BYTES (SIDE * SIDE * 4)

/* To have happened before the test can end. */
#define FRAMES_MIN 20
#define READS_MIN 20

static int seconds = 3;
static uint32_t seed = 1;
/* Where the compositor listens, for those that come back. */
static char socket_path[80];

/* What the processes have in common. */
struct shared {
	atomic_bool stop;
	/* How often the compositor has ended the hostile client's connection,
	 * and how often it was heard why. */
	atomic_uint ended, told;
};

static struct shared *shared;

struct random {
	uint32_t state;
};

/* From 0 to end - 1. */
static uint32_t random_below(struct random *random, uint32_t end) {
	random->state ^= random->state << 13;
	random->state ^= random->state >> 17;
	random->state ^= random->state << 5;
	return random->state % end;
}

static struct random random_create(uint32_t which) {
	/* Anything but 0. */
	return (struct random){ .state = (seed * 2654435761u + which) | 1 };
}

/*
 * A frame draws one band of rows anew, each band in its turn, and damages that
 * one only. So the pixels of frame 10, with 8 bands, are those of
 *
 *     band      0  1  2  3  4  5  6  7
 *     frame     8  9 10  3  4  5  6  7
 *
 * and before its first turn a band is as frame 0 has drawn all of them.
 */
static uint32_t get_band_frame(uint32_t frame, uint32_t band) {
	uint32_t since = (frame + BANDS - band) % BANDS;
	return frame > since ? frame - since : 0;
}

/* Pixel number "index" as the frame has drawn it. */
static uint32_t get_pixel(uint32_t frame, uint32_t index) {
	return (frame + 1) * 0x9e3779b1u + index * 0x85ebca77u;
}

/* The honest client */

static void draw_band(uint32_t *pixels, uint32_t band, uint32_t frame) {
	for (uint32_t i = band * BAND_PIXELS; i < (band + 1) * BAND_PIXELS;
			i++) {
		pixels[i] = get_pixel(frame, i);
	}
}

/* In memory of .kind, until it is told to stop. */
static bool show_frames(struct actor *actor, const struct args *args) {
	struct args place = {
		.kind = args->kind,
		.size = BUFFERS * BYTES,
		.width = WIDTH,
		.height = HEIGHT,
		.stride = WIDTH * 4,
	};
	if (!make_memory(actor, &place) || !create_pool(actor, &place)) {
		return false;
	}
	uint32_t *pixels[BUFFERS];
	/* Which frame each of them holds. */
	uint32_t frames[BUFFERS] = { 0 };
	for (int i = 0; i < BUFFERS; i++) {
		place.buffer = i;
		place.offset = i * BYTES;
		if (!create_buffer(actor, &place)) {
			return false;
		}
		pixels[i] = (uint32_t *)actor->memory[0].data +
			i * WIDTH * HEIGHT;
		for (uint32_t band = 0; band < BANDS; band++) {
			draw_band(pixels[i], band, 0);
		}
	}
	for (uint32_t frame = 1; !shared->stop; frame++) {
		uint32_t index = frame % BUFFERS;
		if (!client_buffer_wait_released(&actor->client,
				&actor->buffers[index])) {
			return false;
		}
		/* With what it has missed. */
		for (uint32_t i = frames[index] + 1; i <= frame; i++) {
			draw_band(pixels[index], i % BANDS, i);
		}
		frames[index] = frame;
		struct args band = {
			.buffer = (int)index,
			.y = (int32_t)(frame % BANDS) * BAND_HEIGHT,
			.width = WIDTH,
			.height = BAND_HEIGHT,
		};
		if (!show(actor, &band)) {
			return false;
		}
	}
	return true;
}

/* The hostile client */

struct attack {
	struct actor *actor;
	struct random random;
	atomic_bool over;
};

/* Does to the file what its own compositor could never foresee. */
static void *spoil_file(void *data) {
	struct attack *attack = data;
	struct random random = attack->random;
	int fd = attack->actor->memory[0].fd;
	while (!attack->over) {
		off_t size = (off_t)random_below(&random, 4 * SIDE_BYTES);
		switch (random_below(&random, 16)) {
		case 0:
			fallocate(fd, FALLOC_FL_PUNCH_HOLE |
				FALLOC_FL_KEEP_SIZE, size / 2, SIDE_BYTES);
			break;
		case 1:
			/* From here on it can only grow. */
			if (random_below(&random, 64) == 0) {
				fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
			}
			break;
		default:
			/* Half of the time, back to what is right. */
			if (size % 2 == 0) {
				size = 2 * SIDE_BYTES;
			}
			/* Refused once it is sealed. */
			if (ftruncate(fd, size) < 0) {
				break;
			}
		}
	}
	return NULL;
}

#define POOL_SIZE_MAX (64 * SIDE_BYTES)

/* Makes the pool longer, whether or not its file is. */
static bool grow_pool(struct actor *actor, int32_t *pool_size) {
	*pool_size += SIDE_BYTES;
	return resize_pool(actor, &(struct args){ .size = *pool_size });
}

/*
 * Buffers that overlap, also with one that is gone but for its readers, show
 * each other's bytes, and are copied to the same place, by one thread while
 * another one reads there. That is how shared memory is, but ThreadSanitizer
 * cannot know that it is meant: for it, each has a place that none had before.
 */
static bool replace_buffer(struct actor *actor, struct random *random,
		int buffer, int32_t *pool_size) {
	struct args args = {
		.buffer = buffer,
		.width = SIDE,
		.height = SIDE,
		.stride = SIDE * 4,
	};
	if (!WITH_THREAD_SANITIZER) {
		args.offset = (int32_t)random_below(random,
			(uint32_t)(*pool_size - SIDE_BYTES + 1));
	} else if (*pool_size < POOL_SIZE_MAX && grow_pool(actor, pool_size)) {
		args.offset = *pool_size - SIDE_BYTES;
	} else {
		return true;
	}
	return destroy_buffer(actor, &args) && create_buffer(actor, &args);
}

/* One request or a few. */
static bool act_at_random(struct actor *actor, struct random *random,
		int32_t *pool_size) {
	struct args args = {
		.buffer = (int)random_below(random, 2),
		.surface = (int)random_below(random, 2),
		.width = 1 + (int32_t)random_below(random, SIDE),
		.height = 1 + (int32_t)random_below(random, SIDE),
	};
	switch (random_below(random, 16)) {
	case 0:
		return *pool_size >= POOL_SIZE_MAX ||
			grow_pool(actor, pool_size);
	case 1:
		return replace_buffer(actor, random, args.buffer, pool_size);
	case 2:
		return capture(actor, &args);
	case 3:
		return damage(actor, &args) && commit(actor, &args);
	case 4:
		return destroy_surface(actor, &args) &&
			create_surface(actor, &args);
	default:
		return show(actor, &args);
	}
}

/* One connection, from begin to end. */
static bool attack_once(struct actor *actor, struct random *random) {
	struct client *client = &actor->client;
	struct attack attack = {
		.actor = actor,
		.random = { .state = ~random->state | 1 },
	};
	if (!client_connect(client, socket_path)) {
		return false;
	}
	int32_t pool_size = 2 * SIDE_BYTES;
	struct args args = {
		.kind = random_below(random, 4) == 0 ?
			CLIENT_MEMORY_SEALED : CLIENT_MEMORY_UNSEALED,
		.size = pool_size,
		.width = SIDE,
		.height = SIDE,
		.stride = SIDE * 4,
	};
	if (!make_memory(actor, &args) || !create_pool(actor, &args)) {
		return false;
	}
	for (int i = 0; i < 2; i++) {
		args.buffer = args.surface = i;
		args.offset = i * SIDE_BYTES;
		if (!create_buffer(actor, &args) ||
				!create_surface(actor, &args)) {
			return false;
		}
	}
	pthread_t thread;
	int ret = pthread_create(&thread, NULL, spoil_file, &attack);
	if (ret != 0) {
		return client_fail(client, "pthread_create: %s",
			strerror(ret));
	}
	bool alive = true;
	uint32_t requests = 100 + random_below(random, 2000);
	for (uint32_t i = 0; alive && i < requests && !shared->stop; i++) {
		alive = act_at_random(actor, random, &pool_size);
		if (i % 4 == 0) {
			alive = client_roundtrip(client);
		}
	}
	attack.over = true;
	pthread_join(thread, NULL);
	if (!alive) {
		struct client_fate fate;
		client_get_fate(client, &fate);
		/* The object of the error may be gone by now; and where there
		 * were requests on their way, the kernel may have let go of
		 * the error, as of all that was not read yet. */
		if (fate.kind == CLIENT_PROTOCOL_ERROR &&
				fate.code != WL_SHM_ERROR_INVALID_FD) {
			return false;
		}
		shared->ended++;
		shared->told += fate.kind == CLIENT_PROTOCOL_ERROR;
	}
	client_memory_destroy(&actor->memory[0]);
	/* libwayland frees the connection, and with it no objects; these go
	 * first, and where there is no connection any more, nobody hears. */
	for (int i = 0; i < 2; i++) {
		args.buffer = args.surface = i;
		destroy_buffer(actor, &args);
		destroy_surface(actor, &args);
	}
	destroy_pool(actor, &args);
	client_disconnect(client);
	return true;
}

static bool attack(struct actor *actor, const struct args *args) {
	struct actor *attacker = calloc(1, sizeof(*attacker));
	if (attacker == NULL) {
		return client_fail(&actor->client, "no memory");
	}
	struct random random = random_create(100);
	bool ok = true;
	while (ok && !shared->stop) {
		ok = attack_once(attacker, &random);
	}
	if (!ok) {
		client_fail(&actor->client, "the hostile client: %s",
			attacker->client.error);
	}
	free(attacker);
	return ok;
}

/* The compositor */

/** A buffer as it was committed once. */
struct shown {
	struct wl_list link; /* scene.shown */
	/* A reference. */
	struct sealpool_buffer *buffer;
	/* Whose it is, or -1 for the hostile client's. */
	int honest;
	uint32_t frame;
	unsigned readers;
	/* Something else is shown there by now. */
	bool retired;
};

struct scene {
	struct server *server;
	struct peer *honest[HONEST];
	uint32_t frames[HONEST];
	/* Written to when a thread has done with something retired. */
	int wakeup_fd;
	struct wl_event_source *wakeup;

	atomic_bool stop;
	atomic_uint reads[HONEST];
	atomic_uint hostile_reads;
	/* The first thing that was not as it should be. */
	atomic_bool failed;
	char failure[256];

	pthread_mutex_t lock; /* over all below, and what they point to */
	struct wl_list shown; /* shown.link */
	/* Without what is retired. */
	unsigned shown_len;
};

static void note_failure(struct scene *scene, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void note_failure(struct scene *scene, const char *format, ...) {
	if (atomic_exchange(&scene->failed, true)) {
		return;
	}
	va_list args;
	va_start(args, format);
	vsnprintf(scene->failure, sizeof(scene->failure), format, args);
	va_end(args);
}

/* With the lock held. */
static void drop_shown(struct shown *shown) {
	wl_list_remove(&shown->link);
	sealpool_buffer_send_release(shown->buffer);
	sealpool_buffer_unref(shown->buffer);
	free(shown);
}

/* Puts another buffer in the place of what a surface shows. */
static void replace_shown(struct server_surface *surface, struct shown *shown) {
	struct scene *scene = surface->server->data;
	struct shown *old = surface->data;
	surface->data = shown;
	pthread_mutex_lock(&scene->lock);
	if (old != NULL) {
		old->retired = true;
		scene->shown_len--;
		if (old->readers == 0) {
			drop_shown(old);
		}
	}
	if (shown != NULL) {
		wl_list_insert(&scene->shown, &shown->link);
		scene->shown_len++;
	}
	pthread_mutex_unlock(&scene->lock);
}

static void handle_commit(struct server_surface *surface) {
	struct scene *scene = surface->server->data;
	if (surface->current == NULL) {
		replace_shown(surface, NULL);
		return;
	}
	struct shown *shown = calloc(1, sizeof(*shown));
	assert_non_null(shown);
	shown->buffer = sealpool_buffer_ref(surface->current);
	shown->honest = -1;
	for (int i = 0; i < HONEST; i++) {
		if (wl_resource_get_client(surface->base.resource) ==
				scene->honest[i]->client) {
			shown->honest = i;
			shown->frame = ++scene->frames[i];
		}
	}
	replace_shown(surface, shown);
}

static void handle_surface_destroy(struct server_surface *surface) {
	replace_shown(surface, NULL);
}

static int handle_wakeup(int fd, uint32_t mask, void *data) {
	struct scene *scene = data;
	eventfd_t count;
	eventfd_read(fd, &count);
	pthread_mutex_lock(&scene->lock);
	struct shown *shown, *tmp;
	wl_list_for_each_safe(shown, tmp, &scene->shown, link) {
		if (shown->retired && shown->readers == 0) {
			drop_shown(shown);
		}
	}
	pthread_mutex_unlock(&scene->lock);
	return 0;
}

/* The reading threads */

static struct shown *pick_shown(struct scene *scene, struct random *random) {
	struct shown *shown, *picked = NULL;
	pthread_mutex_lock(&scene->lock);
	if (scene->shown_len > 0) {
		uint32_t index = random_below(random, scene->shown_len);
		wl_list_for_each(shown, &scene->shown, link) {
			if (!shown->retired && index-- == 0) {
				picked = shown;
				picked->readers++;
				break;
			}
		}
	}
	pthread_mutex_unlock(&scene->lock);
	return picked;
}

static void put_shown(struct scene *scene, struct shown *shown) {
	pthread_mutex_lock(&scene->lock);
	if (--shown->readers == 0 && shown->retired) {
		eventfd_write(scene->wakeup_fd, 1);
	}
	pthread_mutex_unlock(&scene->lock);
}

static void read_honest(struct scene *scene, const struct shown *shown) {
	struct sealpool_access access;
	int ret = sealpool_buffer_begin_access(shown->buffer,
		SEALPOOL_ACCESS_READ, &access);
	if (ret < 0) {
		note_failure(scene, "an honest client's buffer cannot be read: %s",
			strerror(-ret));
		return;
	}
	const uint32_t *pixels = access.data;
	uint32_t wrong = 0, first = 0;
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) {
		uint32_t frame = get_band_frame(shown->frame, i / BAND_PIXELS);
		if (pixels[i] != get_pixel(frame, i) && wrong++ == 0) {
			first = i;
		}
	}
	if (wrong > 0) {
		note_failure(scene, "frame %u of honest client %d (%s): %u "
			"pixels are wrong, the first at %u,%u", shown->frame,
			shown->honest, sealpool_memory_kind_name(
				sealpool_buffer_get_kind(shown->buffer)),
			wrong, first % WIDTH, first / WIDTH);
	}
	sealpool_buffer_end_access(&access);
	scene->reads[shown->honest]++;
}

/* Where the sum goes, so that the bytes are looked at. */
static _Atomic uint32_t checksum;

static void read_hostile(struct scene *scene, const struct shown *shown,
		bool write) {
	struct sealpool_access access;
	uint32_t flags = write ? SEALPOOL_ACCESS_WRITE : SEALPOOL_ACCESS_READ;
	int ret = sealpool_buffer_begin_access(shown->buffer, flags, &access);
	if (ret < 0) {
		note_failure(scene, "the hostile client's buffer cannot be %s: %s",
			write ? "written" : "read", strerror(-ret));
		return;
	}
	uint32_t sum = 0;
	for (int32_t y = 0; y < SIDE; y++) {
		const uint8_t *row =
			(uint8_t *)access.data + (size_t)y * access.stride;
		for (int32_t x = 0; x < SIDE * 4; x++) {
			sum = sum * 31 + row[x];
		}
	}
	checksum ^= sum;
	sealpool_buffer_end_access(&access);
	scene->hostile_reads++;
}

struct reader {
	struct scene *scene;
	pthread_t thread;
	struct random random;
	/* One of them writes as well, as a screen capture would. */
	bool writes;
};

static void *read_what_is_shown(void *data) {
	struct reader *reader = data;
	struct scene *scene = reader->scene;
	while (!scene->stop) {
		struct shown *shown = pick_shown(scene, &reader->random);
		if (shown == NULL) {
			sched_yield();
		} else {
			if (shown->honest >= 0) {
				read_honest(scene, shown);
			} else {
				read_hostile(scene, shown, reader->writes &&
					random_below(&reader->random, 4) == 0);
			}
			put_shown(scene, shown);
		}
	}
	return NULL;
}

/* The test */

static bool listen_for_clients(struct server *server) {
	char directory[64];
	if (!client_directory_create(directory, sizeof(directory),
			"sealpool-threads")) {
		return false;
	}
	snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		socket_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && bind(fd, (struct sockaddr *)&address,
		sizeof(address)) == 0 && listen(fd, 8) == 0 &&
		wl_display_add_socket_fd(server->display, fd) == 0;
}

static void stop_listening(void) {
	unlink(socket_path);
	*strrchr(socket_path, '/') = '\0';
	rmdir(socket_path);
}

static int setup_with(void **state, bool lenient) {
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct server *server = server_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.short_file = lenient ? server_ignore_short_file : NULL,
		/* Copies come and go all the time in one of the two. */
		.shadow_idle_ms = lenient ? 1 : 0,
	});
	struct scene *scene = calloc(1, sizeof(*scene));
	if (shared == MAP_FAILED || server == NULL || scene == NULL ||
			!listen_for_clients(server)) {
		return -1;
	}
	scene->server = server;
	wl_list_init(&scene->shown);
	scene->wakeup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	scene->wakeup = wl_event_loop_add_fd(server->loop, scene->wakeup_fd,
		WL_EVENT_READABLE, handle_wakeup, scene);
	if (scene->wakeup_fd < 0 || scene->wakeup == NULL ||
			pthread_mutex_init(&scene->lock, NULL) != 0) {
		return -1;
	}
	server->data = scene;
	server->handle_commit = handle_commit;
	server->handle_surface_destroy = handle_surface_destroy;
	*state = server;
	return 0;
}

static int teardown(void **state) {
	struct server *server = *state;
	struct scene *scene = server->data;
	wl_display_destroy_clients(server->display);
	/* Of a test that failed. */
	struct shown *shown, *tmp;
	wl_list_for_each_safe(shown, tmp, &scene->shown, link) {
		drop_shown(shown);
	}
	wl_event_source_remove(scene->wakeup);
	close(scene->wakeup_fd);
	pthread_mutex_destroy(&scene->lock);
	free(scene);
	munmap(shared, sizeof(*shared));
	stop_listening();
	return server_teardown(state);
}

static int setup_lenient(void **state) {
	return setup_with(state, true);
}

static int setup_strict(void **state) {
	return setup_with(state, false);
}

/* Whether all has happened at least a few times. */
static bool is_enough(const struct scene *scene, bool lenient) {
	for (int i = 0; i < HONEST; i++) {
		if (scene->frames[i] < FRAMES_MIN ||
				scene->reads[i] < READS_MIN) {
			return false;
		}
	}
	return scene->hostile_reads >= READS_MIN &&
		(lenient ? scene->server->messages : shared->told) > 0;
}

/* Dispatches the display for the time of the test. Returns false if something
 * went wrong, or never happened. */
static bool run(struct scene *scene, bool lenient) {
	int64_t end = server_now_ms() + (int64_t)seconds * 1000;
	int64_t deadline = end + SERVER_PATIENCE_MS;
	while (!scene->failed) {
		int64_t now = server_now_ms();
		if (now >= end && is_enough(scene, lenient)) {
			return true;
		}
		if (now >= deadline) {
			note_failure(scene, "too little has happened");
			break;
		}
		server_dispatch(scene->server, -1, now < end ? end : deadline);
	}
	return false;
}

static void read_on_threads(struct server *server, bool lenient) {
	static const enum client_memory_kind kinds[HONEST] = {
		CLIENT_MEMORY_SEALED, CLIENT_MEMORY_UNSEALED,
	};
	struct scene *scene = server->data;
	/* All processes before the first thread: a fork takes but one of them
	 * along. */
	for (int i = 0; i < HONEST; i++) {
		scene->honest[i] = peer_create(server);
	}
	struct peer *hostile = peer_create(server);
	struct reader readers[READERS];
	for (uint32_t i = 0; i < READERS; i++) {
		readers[i] = (struct reader){
			.scene = scene,
			.random = random_create(i),
			.writes = i == 0,
		};
		assert_int_equal(pthread_create(&readers[i].thread, NULL,
			read_what_is_shown, &readers[i]), 0);
	}
	for (int i = 0; i < HONEST; i++) {
		peer_begin(scene->honest[i], show_frames, "show_frames",
			&(struct args){ .kind = kinds[i] });
	}
	peer_begin(hostile, attack, "attack", &(struct args){ 0 });

	bool ok = run(scene, lenient);
	shared->stop = true;
	scene->stop = true;
	for (int i = 0; i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
	}
	print_message("%u and %u frames, read %u and %u times; the hostile "
		"client's %u times, ended %u times, told why %u times\n",
		scene->frames[0], scene->frames[1], scene->reads[0],
		scene->reads[1], scene->hostile_reads, shared->ended,
		shared->told);
	if (!ok) {
		fail_msg("%s", scene->failure);
	}

	/* Each commit is compared with all of them. */
	peer_end(hostile, "attack");
	for (int i = 0; i < HONEST; i++) {
		peer_end(scene->honest[i], "show_frames");
	}
	for (int i = 0; i < HONEST; i++) {
		expect_kind(server_get_shown(server, scene->honest[i]),
			kinds[i] == CLIENT_MEMORY_SEALED ?
			SEALPOOL_MEMORY_DIRECT : SEALPOOL_MEMORY_SHADOW);
		peer_finish(scene->honest[i]);
	}
	peer_finish(hostile);
	/* Whatever the hostile client left to the kernel to close. */
	wl_display_destroy_clients(server->display);
	handle_wakeup(scene->wakeup_fd, WL_EVENT_READABLE, scene);
	assert_true(wl_list_empty(&scene->shown));
}

static void honest_clients_are_exact_beside_a_hostile_one(void **state) {
	read_on_threads(*state, false);
}

static void honest_clients_are_exact_beside_one_that_is_let_live(void **state) {
	read_on_threads(*state, true);
}

static void *begin_and_end(void *data) {
	for (int i = 0; i < 2000; i++) {
		read_buffer(data);
	}
	return NULL;
}

/* Not a byte of it changes. */
static void readers_of_one_copy_do_not_disturb_each_other(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = SIDE, .height = SIDE);
	tell(peer, draw_and_show, .frame = 1);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	pthread_t threads[READERS];
	for (int i = 0; i < READERS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL,
			begin_and_end, buffer), 0);
	}
	for (int i = 0; i < READERS; i++) {
		pthread_join(threads[i], NULL);
	}
	expect_frame(buffer, 1);
	assert_int_equal(server_get_stats(server, peer).bytes_copied_in,
		SIDE_BYTES);
	peer_finish(peer);
}

int main(int argc, char *argv[]) {
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
			seconds = atoi(argv[++i]);
		} else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
			seed = (uint32_t)strtoul(argv[++i], NULL, 10);
		} else {
			fprintf(stderr,
				"usage: %s [--seconds N] [--seed N]\n",
				argv[0]);
			return 2;
		}
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			readers_of_one_copy_do_not_disturb_each_other,
			server_setup, server_teardown),
		cmocka_unit_test_setup_teardown(
			honest_clients_are_exact_beside_a_hostile_one,
			setup_strict, teardown),
		cmocka_unit_test_setup_teardown(
			honest_clients_are_exact_beside_one_that_is_let_live,
			setup_lenient, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
