/* SPDX-License-Identifier: MIT */
/*
 * The context of statements about damage that the compositor declares.
 *
 * packages: sealpool wayland-server
 */
#include <wayland-server-core.h>

#include <sealpool/shm.h>

struct sealpool_shm *place(struct wl_display *display, const uint32_t *formats,
	size_t formats_len, struct sealpool_buffer *buffer,
	struct wl_resource *surface);

struct sealpool_shm *place(struct wl_display *display, const uint32_t *formats,
		size_t formats_len, struct sealpool_buffer *buffer,
		struct wl_resource *surface) {
	struct sealpool_shm *shm;
	SNIPPET;
	return shm;
}
