/* SPDX-License-Identifier: MIT */
/*
 * The place for statements of a client.
 *
 * packages: wayland-client
 */
#include <unistd.h>
#include <wayland-client.h>

void place(int fd, struct wl_shm_pool *pool, off_t new_size);

void place(int fd, struct wl_shm_pool *pool, off_t new_size) {
	SNIPPET;
}
