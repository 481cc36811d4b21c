/* SPDX-License-Identifier: MIT */
/*
 * Reading on several threads, while a client changes its file at random.
 *
 *     integration-threads [--seconds N] [--seed N]
 *
 * There are three client processes: two honest ones, of which one is read in place and one
 * is copied, and a hostile one, which commits while another thread of it truncates, grows
 * and seals the file, and punches holes into it. Four threads of the compositor read the
 * buffers that are shown. At each read, each pixel of the honest clients must be right, as
 * if the hostile client did not exist.
 *
 * An honest client draws only into a released buffer, and a buffer is released when the
 * last thread has read it. So the pixels of a buffer are known while it is read: those of
 * the frame that was committed with it. They are wrong if the damage of one commit is lost,
 * for example because another thread copied at the same time.
 */
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

#include "directory.h"
#include "peer.h"
#include "server.h"
#include "threads.h"

#define READERS 4
#define HONEST 2

/* The test runs until this has happened. */
#define FRAMES_MIN 20
#define READS_MIN 20

static int seconds = 3;

/* The compositor */

/** A buffer as it was committed. */
struct shown {
	struct wl_list link; /* scene.shown */
	/* A reference. */
	struct sealpool_buffer *buffer;
	/* The number of the honest client, or -1 for the hostile one. */
	int honest;
	uint32_t frame;
	unsigned readers;
	/* The surface shows another buffer by now. */
	bool retired;
};

struct scene {
	struct server *server;
	struct peer *honest[HONEST];
	uint32_t frames[HONEST];
	/* A thread writes to it when it has read a retired buffer. */
	int wakeup_fd;
	struct wl_event_source *wakeup;

	atomic_bool stop;
	atomic_uint reads[HONEST];
	atomic_uint hostile_reads;
	/* The first failure. */
	atomic_bool failed;
	char failure[256];

	pthread_mutex_t lock; /* over all below, and what they point to */
	struct wl_list shown; /* shown.link */
	/* Without retired ones. */
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

/* Requires: scene->lock. */
static void drop_shown(struct shown *shown) {
	wl_list_remove(&shown->link);
	sealpool_buffer_send_release(shown->buffer);
	sealpool_buffer_unref(shown->buffer);
	free(shown);
}

/* Shows another buffer on a surface. */
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

/* The reader threads */

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
		note_failure(scene, "an honest client's buffer cannot be read: "
				"%s",
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

/* The sums are stored, so that the reads are not optimised away. */
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
	/* One of the threads writes as well, as a screen capture would. */
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
		/* In one of the two tests, copies are created and freed all the time. */
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
	/* After a test that failed. */
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

/* Returns whether everything has happened at least a few times. */
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

/* Dispatches the display for the time of the test. Returns false on a failure, or if
 * something never happened. */
static bool run(struct scene *scene, bool lenient) {
	int64_t end = server_now_ms() + (int64_t)seconds * 1000;
	int64_t deadline = end + SERVER_PATIENCE_MS;
	while (!scene->failed) {
		int64_t now = server_now_ms();
		if (now >= end && is_enough(scene, lenient)) {
			return true;
		}
		if (now >= deadline) {
			note_failure(scene, "not everything has happened often "
					"enough");
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
	/* Forks all processes before the first thread is created. */
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
		"client's %u times; it was disconnected %u times, and received "
		"the error %u times\n",
		scene->frames[0], scene->frames[1], scene->reads[0],
		scene->reads[1], scene->hostile_reads, shared->ended,
		shared->told);
	if (!ok) {
		fail_msg("%s", scene->failure);
	}

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
	/* Closes what the hostile client left to the kernel to close. */
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

/* Its bytes do not change during a read. */
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
			random_seed = (uint32_t)strtoul(argv[++i], NULL, 10);
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
