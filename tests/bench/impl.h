/* SPDX-License-Identifier: MIT */
#ifndef BENCH_IMPL_H
#define BENCH_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wl_client;
struct wl_display;
struct wl_resource;

/** One implementation of wl_shm, as a compositor uses it. */
struct impl {
	/* Its name in the tables. */
	const char *title;

	/* Creates the global. */
	bool (*create)(struct wl_display *display);
	/* Returns a handle for a wl_buffer, or NULL for one that is not of this wl_shm.
	 * Valid until the wl_buffer is destroyed, or unlock() is called. */
	void *(*lock)(struct wl_resource *resource);
	/* Releases the buffer: sends wl_buffer.release. */
	void (*unlock)(void *buffer, struct wl_resource *resource);

	/* Begins a read access. "access" has IMPL_ACCESS_SIZE bytes for the
	 * implementation. */
	bool (*begin)(void *buffer, void *access, void **data, size_t *stride);
	void (*end)(void *buffer, void *access);
	/* Makes "count" accesses to the buffers in turn. */
	bool (*access)(void **buffers, size_t len, uint32_t count);

	/* Returns the bytes of a client that were copied so far. NULL for libwayland
	 * and wlroots. */
	uint64_t (*get_copied)(struct wl_client *client);
};

/* Enough for a struct sealpool_access. */
#define IMPL_ACCESS_SIZE 128

enum impl_index {
	IMPL_LIBWAYLAND,
	IMPL_WLROOTS,
	IMPL_CORE,
	IMPL_FACE,
	/* Only in scenarios that say so: a guard in front of libwayland's, and Sealpool
	 * with the gate. */
	IMPL_GUARDED,
	IMPL_GATED,
	IMPLS_LEN,
};

extern const struct impl impls[IMPLS_LEN];

#endif
