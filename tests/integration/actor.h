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

/** The number of objects of each kind that a client process can have. */
#define ACTOR_SLOTS 16

/** For args.buffer: attaches nothing. */
#define NO_BUFFER (-1)

/** A client process, in that process. Objects are identified by their slots. */
struct actor {
	struct client client;
	struct client_memory memory[ACTOR_SLOTS];
	struct client_pool pools[ACTOR_SLOTS];
	struct client_buffer buffers[ACTOR_SLOTS];
	struct wl_surface *surfaces[ACTOR_SLOTS];
	struct wp_viewport *viewports[ACTOR_SLOTS];
};

/** The arguments of an order. Each order says below which it uses. */
struct args {
	/* slots */
	int memory, pool, buffer, surface;

	enum client_memory_kind kind;
	unsigned seals;
	/* Of a file or a pool, in bytes. */
	int64_t size;

	int32_t offset, width, height, stride;
	/* A wl_shm format: 0 is ARGB8888, 1 is XRGB8888. */
	uint32_t format;

	int32_t x, y;
	int32_t scale, transform;
	uint32_t version;
	/* The number of the test pattern. */
	uint32_t frame;
	/* A number of repetitions. */
	uint32_t count;
	/* Of sealpool-shm-feedback: enum kind and enum reason. */
	uint32_t told_kind, reasons;
	/* The path of a file, and the flags to open it with: O_*. */
	char path[128];
	int open_flags;
};

/**
 * An order for a client process (see peer.h). Returns false with client.error set if it
 * could not be carried out. Whether the compositor accepts its requests is found out
 * afterwards.
 */
typedef bool (*order_func)(struct actor *actor, const struct args *args);

/* Memory: these use .memory, and: */

/** Creates a file of .size bytes of zero, of .kind. */
bool make_memory(struct actor *actor, const struct args *args);
/** Fills the file with the bytes of pattern .frame. */
bool fill_memory(struct actor *actor, const struct args *args);
/** Grows the file to .size bytes. */
bool grow_memory(struct actor *actor, const struct args *args);
bool cut_memory(struct actor *actor, const struct args *args);
/** Grows the file, which was truncated, to .size bytes, and maps it again. */
bool map_memory_again(struct actor *actor, const struct args *args);
/** Adds the seals .seals, F_SEAL_*. */
bool seal_memory(struct actor *actor, const struct args *args);
/** From now on, an fd is sent that can only be read. */
bool make_memory_read_only(struct actor *actor, const struct args *args);
/** Sets O_APPEND on the open file description that is shared with the compositor. */
bool make_memory_append(struct actor *actor, const struct args *args);
/** Creates a file of one huge page, which is reserved. */
bool make_huge_page(struct actor *actor, const struct args *args);
/** Returns whether this machine has a huge page. */
bool has_huge_pages(void);
/** Fails unless the file has .size bytes. */
bool expect_size(struct actor *actor, const struct args *args);
/** Fails if the file has memory. */
bool expect_sparse(struct actor *actor, const struct args *args);

/* Pools: these use .pool, and: */

/** Creates a pool of .size bytes with the fd of .memory. */
bool create_pool(struct actor *actor, const struct args *args);
/** Requests a pool with any fd, or with none for NULL. It bypasses libwayland-client,
 * which can only send fds that it can duplicate, and closes its duplicate. Not an order
 * by itself. */
bool send_create_pool(struct actor *actor, const struct args *args,
	const int *fd);
/** Waits until there is an error. */
bool wait_for_the_end(struct actor *actor, const struct args *args);
/** Resizes the pool to .size bytes. */
bool resize_pool(struct actor *actor, const struct args *args);
bool destroy_pool(struct actor *actor, const struct args *args);

/** Releases the wl_shm. */
bool destroy_shm(struct actor *actor, const struct args *args);

/* Buffers: these use .buffer, and: */

/** Creates a buffer in .pool, with .offset, .width, .height, .stride and .format. */
bool create_buffer(struct actor *actor, const struct args *args);
bool destroy_buffer(struct actor *actor, const struct args *args);
/** Draws the pattern .frame on .x, .y, .width, .height; without .width, on the whole
 * buffer. */
bool draw(struct actor *actor, const struct args *args);
/** Fails unless the whole buffer has pattern .frame. */
bool expect_drawn(struct actor *actor, const struct args *args);
/** Has the compositor capture its screen into the buffer. */
bool capture(struct actor *actor, const struct args *args);

/* Surfaces: these use .surface, and: */

bool create_surface(struct actor *actor, const struct args *args);
bool destroy_surface(struct actor *actor, const struct args *args);
/** Attaches .buffer, or nothing for NO_BUFFER. The surface moves by .x, .y. */
bool attach(struct actor *actor, const struct args *args);
/** Damages .x, .y, .width, .height; without .width, the whole surface. */
bool damage(struct actor *actor, const struct args *args);
/** The same in buffer coordinates. */
bool damage_buffer(struct actor *actor, const struct args *args);
bool commit(struct actor *actor, const struct args *args);
/** Sets the scale .scale, at the next commit. */
bool set_scale(struct actor *actor, const struct args *args);
/** Sets the transform .transform, at the next commit. */
bool set_transform(struct actor *actor, const struct args *args);
bool create_viewport(struct actor *actor, const struct args *args);

/* Several of these orders: */

/**
 * Creates a file of .kind, a pool and a buffer, all in slot .buffer. The file and the
 * pool have the size of the buffer, or .size bytes. If .stride is 0, it is 4 bytes a
 * pixel. The format is XRGB8888.
 */
bool make_picture(struct actor *actor, const struct args *args);
/** Attaches .buffer to .surface, which is created if needed, damages .x, .y, .width,
 * .height of the buffer or the whole buffer, and commits. */
bool show(struct actor *actor, const struct args *args);
/** Draws .frame on that rectangle, and shows the buffer. */
bool draw_and_show(struct actor *actor, const struct args *args);

/** Does nothing. After each order, the compositor has handled all earlier requests. */
bool wait_handled(struct actor *actor, const struct args *args);

#endif
