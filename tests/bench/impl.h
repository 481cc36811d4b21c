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
	/* As it is written in a table. */
	const char *title;
	/* Not one of the two that come with libwayland and wlroots. */
	bool ours;

	/* Creates the global. */
	bool (*create)(struct wl_display *display);
	/* What to call a wl_buffer by; NULL for one of another make. Valid as
	 * long as the wl_buffer, or until unlock(). */
	void *(*lock)(struct wl_resource *resource);
	/* The compositor has done with it: sends wl_buffer.release. */
	void (*unlock)(void *buffer, struct wl_resource *resource);

	/* A read access. "access" is room for whatever it needs. */
	bool (*begin)(void *buffer, void *access, void **data, size_t *stride);
	void (*end)(void *buffer, void *access);
	/* So many of them, of the buffers in turn, and nothing else. */
	bool (*access)(void **buffers, size_t len, uint32_t count);

	/* Bytes of a client that were copied so far; NULL where none are. */
	uint64_t (*get_copied)(struct wl_client *client);
};

/* Room for a struct sealpool_access. */
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
