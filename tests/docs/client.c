/* SPDX-License-Identifier: MIT */
/*
 * The context of a client's statements.
 *
 * packages: wayland-client
 */
#include <unistd.h>
#include <wayland-client.h>

void place(int fd, struct wl_shm_pool *pool, off_t new_size);

void place(int fd, struct wl_shm_pool *pool, off_t new_size) {
	SNIPPET;
}
