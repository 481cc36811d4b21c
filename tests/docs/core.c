/* SPDX-License-Identifier: MIT */
/*
 * The context of statements about a buffer.
 *
 * packages: sealpool wayland-server
 */
#include <wayland-server-core.h>

#include <sealpool/shm.h>

void upload(const void *data, size_t stride, uint32_t format, int32_t width,
	int32_t height);
void place(struct wl_resource *wl_buffer);

void place(struct wl_resource *wl_buffer) {
	SNIPPET;
}
