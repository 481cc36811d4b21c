/* SPDX-License-Identifier: MIT */
/*
 * The context of statements about libsealpool-wlroots.
 *
 * packages: sealpool-wlroots wayland-server
 */
#include <sys/resource.h>
#include <wayland-server-core.h>

#include <sealpool/wlroots.h>

void place(struct wl_display *display, struct wlr_renderer *renderer);

void place(struct wl_display *display, struct wlr_renderer *renderer) {
	SNIPPET;
}
