/* SPDX-License-Identifier: MIT */
#ifndef INTEGRATION_ACTOR_H
#define INTEGRATION_ACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "client.h"
#include "memory.h"

struct wl_surface;
struct wp_viewport;

/** How many of each kind of object a client process has room for. */
#define ACTOR_SLOTS 16

/** For args.buffer: attach nothing. */
#define NO_BUFFER (-1)

/** A client process, as it sees itself. Objects go by their slots. */
struct actor {
	struct client client;
	struct client_memory memory[ACTOR_SLOTS];
	struct client_pool pools[ACTOR_SLOTS];
	struct client_buffer buffers[ACTOR_SLOTS];
	struct wl_surface *surfaces[ACTOR_SLOTS];
	struct wp_viewport *viewports[ACTOR_SLOTS];
};

/** What an order may need to know; each one says below what it uses. */
struct args {
	/* slots */
	int memory, pool, buffer, surface;

	enum client_memory_kind kind;
	unsigned seals;
	/* Of a file or a pool, in bytes. */
	int64_t size;

	int32_t offset, width, height, stride;
	/* Of wl_shm; 0 is ARGB8888 there, XRGB8888 is 1. */
	uint32_t format;

	int32_t x, y;
	int32_t scale, transform;
	uint32_t version;
	/* Which of the test patterns. */
	uint32_t frame;
	/* How many times. */
	uint32_t count;
	/* Of sealpool-shm-feedback: enum kind, and enum reason. */
	uint32_t told_kind, reasons;
	/* A file, and how to open it: O_*. */
	char path[128];
	int open_flags;
};

/**
 * Something that a client process can be told to do (see peer.h). Returns false
 * with client.error set when it could not be done; what the compositor thinks
 * of it is found out afterwards.
 */
typedef bool (*order_func)(struct actor *actor, const struct args *args);

/* Memory: .memory, and: */

/** A file of .size bytes, all zero, of .kind. */
bool make_memory(struct actor *actor, const struct args *args);
/** All bytes of the file of .memory become those of pattern .frame. */
bool fill_memory(struct actor *actor, const struct args *args);
/** To .size bytes. */
bool grow_memory(struct actor *actor, const struct args *args);
bool cut_memory(struct actor *actor, const struct args *args);
/** Makes the file, which was cut, .size bytes long and maps it again. */
bool map_memory_again(struct actor *actor, const struct args *args);
/** .seals, F_SEAL_*. */
bool seal_memory(struct actor *actor, const struct args *args);
/** The fd to send can be read only. */
bool make_memory_read_only(struct actor *actor, const struct args *args);
/** Sets O_APPEND on the file that is shared with the compositor. */
bool make_memory_append(struct actor *actor, const struct args *args);
/** A file of one huge page, reserved. */
bool make_huge_page(struct actor *actor, const struct args *args);
/** Returns whether this machine has one. */
bool has_huge_pages(void);
/** Fails unless the file has .size bytes. */
bool expect_size(struct actor *actor, const struct args *args);

/* Pools: .pool, and: */

/** With the fd of .memory, of .size bytes. */
bool create_pool(struct actor *actor, const struct args *args);
/** Asks for a pool of any fd, or of none for NULL, past libwayland-client: that can only
 * send fds that it can duplicate, and closes its duplicate. Not an order by itself. */
bool send_create_pool(struct actor *actor, const struct args *args,
	const int *fd);
/** Until there is an error. */
bool wait_for_the_end(struct actor *actor, const struct args *args);
/** To .size bytes. */
bool resize_pool(struct actor *actor, const struct args *args);
bool destroy_pool(struct actor *actor, const struct args *args);

/** Releases the wl_shm. */
bool destroy_shm(struct actor *actor, const struct args *args);

/* Buffers: .buffer, and: */

/** In .pool, at .offset, of .width x .height, .stride and .format. */
bool create_buffer(struct actor *actor, const struct args *args);
bool destroy_buffer(struct actor *actor, const struct args *args);
/** Draws the pattern .frame on .x, .y, .width, .height, or on all of it if
 * there is no .width. */
bool draw(struct actor *actor, const struct args *args);
/** Fails unless all of the buffer's pixels are those of pattern .frame. */
bool expect_drawn(struct actor *actor, const struct args *args);
/** Has the compositor capture into it. */
bool capture(struct actor *actor, const struct args *args);

/* Surfaces: .surface, and: */

bool create_surface(struct actor *actor, const struct args *args);
bool destroy_surface(struct actor *actor, const struct args *args);
/** .buffer, or NO_BUFFER; the surface moves by .x, .y. */
bool attach(struct actor *actor, const struct args *args);
/** .x, .y, .width, .height, or all there is if there is no .width. */
bool damage(struct actor *actor, const struct args *args);
/** The same in the buffer's coordinates. */
bool damage_buffer(struct actor *actor, const struct args *args);
bool commit(struct actor *actor, const struct args *args);
/** .scale, at the next commit. */
bool set_scale(struct actor *actor, const struct args *args);
/** .transform, at the next commit. */
bool set_transform(struct actor *actor, const struct args *args);
bool create_viewport(struct actor *actor, const struct args *args);

/* Several of these: */

/**
 * A file of .kind, a pool and a buffer, all in slot .buffer; the file and the
 * pool are as large as the buffer needs, or of .size bytes. .stride is 4 bytes
 * a pixel if it is 0; .format is XRGB8888.
 */
bool make_picture(struct actor *actor, const struct args *args);
/** Attaches .buffer to .surface, which is made if need be, damages .x, .y,
 * .width, .height of the buffer or all of it, and commits. */
bool show(struct actor *actor, const struct args *args);
/** Draws .frame on the same rectangle, and shows it. */
bool draw_and_show(struct actor *actor, const struct args *args);

/** Nothing; what came before has been handled by then, as after each order. */
bool wait_handled(struct actor *actor, const struct args *args);

#endif
