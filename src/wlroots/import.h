/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_WLROOTS_IMPORT_H
#define SEALPOOL_WLROOTS_IMPORT_H

#include <stdint.h>
#include <wayland-server-core.h>
#include <wlr/render/dmabuf.h>

struct sealpool_buffer;
struct wlr_renderer;

/** Bytes of memory that dma-bufs pin, and how many of them there are. */
struct sp_pins {
	uint64_t bytes, bytes_max;
	unsigned number, number_max;
};

/** The dma-bufs of a client. It lives as long as the wl_client, or one of them. */
struct sp_pinner {
	struct wl_list link; /* sp_imports.pinners */
	struct wl_client *client; /* NULL once it is gone */
	struct wl_listener client_destroy;
	struct sp_pins pins;
};

/** The dma-bufs of a display. */
struct sp_imports {
	int device; /* /dev/udmabuf, or -1 */
	uint64_t size_max; /* of one */
	struct sp_pins all;
	struct wl_list pinners; /* sp_pinner.link */
};

/** One dma-buf, of the pages that a buffer is on. */
struct sp_import {
	struct sp_imports *imports;
	struct sp_pinner *pinner;
	struct wlr_dmabuf_attributes dmabuf;
	uint64_t pinned;
};

/** Opens the device. Returns 0 or a negative errno. */
int sp_imports_init(struct sp_imports *imports);
/** All dma-bufs are destroyed. */
void sp_imports_finish(struct sp_imports *imports);

/** Makes a dma-buf. Returns NULL, and why in "reason", if the buffer does not qualify, or the
 * kernel refuses; or NULL without a reason, if limits leave no room now. */
struct sp_import *sp_import_create(struct sp_imports *imports,
	struct wl_client *client, struct sealpool_buffer *buffer,
	struct wlr_renderer *renderer, const char **reason);
void sp_import_destroy(struct sp_import *import);

#endif
