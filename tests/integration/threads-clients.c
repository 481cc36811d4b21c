/* SPDX-License-Identifier: MIT */
/*
 * Two sorts of clients. The honest one draws only into a released buffer. The hostile one
 * commits while another thread of it truncates, grows and seals the file, and punches
 * holes into it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

#include "sanitizers.h"
#include "threads.h"

/* The buffers of an honest client. */
#define BUFFERS 3
#define BYTES (WIDTH * HEIGHT * 4)

struct shared *shared;
char socket_path[80];
uint32_t random_seed = 1;

uint32_t random_below(struct random *random, uint32_t end) {
	random->state ^= random->state << 13;
	random->state ^= random->state >> 17;
	random->state ^= random->state << 5;
	return random->state % end;
}

struct random random_create(uint32_t which) {
	/* The state must not be 0. */
	return (struct random){ .state = (random_seed * 2654435761u + which) | 1 };
}

uint32_t get_band_frame(uint32_t frame, uint32_t band) {
	uint32_t since = (frame + BANDS - band) % BANDS;
	return frame > since ? frame - since : 0;
}

uint32_t get_pixel(uint32_t frame, uint32_t index) {
	return (frame + 1) * 0x9e3779b1u + index * 0x85ebca77u;
}

/* The honest client */

static void draw_band(uint32_t *pixels, uint32_t band, uint32_t frame) {
	for (uint32_t i = band * BAND_PIXELS; i < (band + 1) * BAND_PIXELS;
			i++) {
		pixels[i] = get_pixel(frame, i);
	}
}

bool show_frames(struct actor *actor, const struct args *args) {
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
	/* The frame that each buffer holds. */
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
		/* The bands that this buffer has missed, and the new one. */
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

/* Changes the file at random times. */
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
			/* From now on, the file can only grow. */
			if (random_below(&random, 64) == 0) {
				fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
			}
			break;
		default:
			/* Half of the time, the size becomes the right one again. */
			if (size % 2 == 0) {
				size = 2 * SIDE_BYTES;
			}
			/* Fails once the file is sealed. */
			if (ftruncate(fd, size) < 0) {
				break;
			}
		}
	}
	return NULL;
}

#define POOL_SIZE_MAX (64 * SIDE_BYTES)

/* Resizes the pool, whether or not the file is large enough. */
static bool grow_pool(struct actor *actor, int32_t *pool_size) {
	*pool_size += SIDE_BYTES;
	return resize_pool(actor, &(struct args){ .size = *pool_size });
}

/*
 * Puts a buffer at a place that no buffer had before. Buffers that overlap, or that
 * follow one that is still read, share bytes and the place of their copies, so one thread
 * would copy there while another reads. That is in the nature of shared memory, but
 * ThreadSanitizer would report a race.
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

/* Sends one request, or a few. */
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

/* Attacks during one connection. */
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
		/* The object that the error is on may be destroyed by now. If the server
		 * had not read all requests, the kernel may have dropped the error with
		 * them. */
		if (fate.kind == CLIENT_PROTOCOL_ERROR &&
				fate.code != WL_SHM_ERROR_INVALID_FD) {
			return false;
		}
		shared->ended++;
		shared->told += fate.kind == CLIENT_PROTOCOL_ERROR;
	}
	client_memory_destroy(&actor->memory[0]);
	/* libwayland frees the connection, but not its objects. So they are destroyed
	 * first, which sends nothing if the connection is closed already. */
	for (int i = 0; i < 2; i++) {
		args.buffer = args.surface = i;
		destroy_buffer(actor, &args);
		destroy_surface(actor, &args);
	}
	destroy_pool(actor, &args);
	client_disconnect(client);
	return true;
}

bool attack(struct actor *actor, const struct args *args) {
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
