/* SPDX-License-Identifier: MIT */
/*
 * libwayland-server's functions for wl_shm, with libwayland's signatures and rules:
 *
 * - The address of a buffer's bytes stays as long as the buffer. A compositor may keep it,
 *   in an image for example.
 * - The bytes are those of the client when an access begins. libwayland shows what the
 *   client draws meanwhile; a copy does not.
 * - An access may write. libwayland's functions do not say so. What is written must never
 *   crash the compositor, so a file is read in place only if it can be written to. A buffer
 *   on a surface is usually only read; any other may be the target of a capture: what the
 *   compositor has written when the access ends reaches the client.
 */
#include <assert.h>
#include <drm_fourcc.h>
#include <stdlib.h>
#include <string.h>

#include "image/held.h"
#include "server/buffer.h"
#include "server/client.h"
#include "server/context.h"
#include "server/pool.h"
#include "server/wl_shm.h"
#include "shm.h"
#include "wl_shm.h"

struct wl_shm_buffer {
	struct sealpool_buffer base;
	struct sp_held reading, writing;
	/* The one that was used last, or NULL. */
	struct sp_held *held;
	unsigned accesses;
	/* Of the last access: it was on no surface. */
	bool may_write;
};

/* What is attached to the wl_display. */
struct shm_display {
	struct wl_listener destroy;
	struct sealpool_shm *shm; /* NULL if it was neither created nor given */
	/* After wl_display_init_shm(). */
	bool offered;
	struct wl_array formats; /* wl_shm's codes */
};

static struct sealpool_options options = { .size = sizeof(options) };

/* Buffers */

static struct wl_shm_buffer *buffer_from_base(struct sealpool_buffer *base) {
	struct wl_shm_buffer *buffer = wl_container_of(base, buffer, base);
	return buffer;
}

static uint64_t get_epoch(struct wl_shm_buffer *buffer) {
	return sp_client_get_epoch(buffer->base.pool->client);
}

static void handle_buffer_gone(struct sealpool_buffer *base) {
	struct wl_shm_buffer *buffer = buffer_from_base(base);
	sp_view_drop(&base->view, &buffer->writing);
	sp_view_drop(&base->view, &buffer->reading);
}

/* A slow file has answered, or is asked at a commit. */
static void sync(struct sealpool_buffer *base) {
	struct wl_shm_buffer *buffer = buffer_from_base(base);
	/* Not a buffer that the compositor is writing to. */
	bool writing = buffer->writing.begun &&
		!(buffer->accesses > 0 && buffer->may_write);
	if (writing) {
		sp_view_hold(&base->view, get_epoch(buffer), &buffer->writing,
			true);
	}
	if (buffer->reading.begun) {
		sp_view_hold(&base->view, get_epoch(buffer), &buffer->reading,
			false);
	} else if (!writing) {
		sp_buffer_sync(base);
	}
}

static const struct sp_front front = {
	.find_buffer = sealpool_buffer_try_from_resource,
	.find_pool = sp_pool_try_from_resource,
	.sync = sync,
	.client_gone = sp_buffers_handle_client_gone,
	/* As libwayland's own does. pixman, with which Weston draws, has no other rows. */
	.pads_rows = true,
	.pool_size = sizeof(struct sp_pool),
	.buffer_size = sizeof(struct wl_shm_buffer),
	.buffer_gone = handle_buffer_gone,
};

static struct wl_shm_buffer *shm_buffer_get(struct wl_resource *resource) {
	/* Compositors may pass on a destroyed wl_buffer. */
	struct sealpool_buffer *buffer = resource != NULL ?
		sealpool_buffer_try_from_resource(resource) : NULL;
	return buffer != NULL ? buffer_from_base(buffer) : NULL;
}

/* libwayland has deprecated it, and returns NULL as well. */
static struct wl_shm_buffer *shm_buffer_create(struct wl_client *client,
		uint32_t id, int32_t width, int32_t height, int32_t stride,
		uint32_t format) {
	return NULL;
}

/* If there are two copies, for writing and for reading, both are current: the compositor
 * may have kept the address of either. */
static void hold(struct wl_shm_buffer *buffer) {
	struct sp_view *view = &buffer->base.view;
	uint64_t epoch = get_epoch(buffer);
	buffer->may_write = !view->tracked;
	if (buffer->reading.begun) {
		sp_view_hold(view, epoch, &buffer->reading, false);
	}
	if ((buffer->writing.begun || buffer->may_write) && sp_view_hold(view,
			epoch, &buffer->writing, true) != NULL) {
		buffer->held = &buffer->writing;
		return;
	}
	if (!buffer->reading.begun) {
		sp_view_hold(view, epoch, &buffer->reading, false);
	}
	buffer->held = &buffer->reading;
}

static void shm_buffer_begin_access(struct wl_shm_buffer *buffer) {
	if (buffer->accesses++ == 0) {
		hold(buffer);
	}
}

static void shm_buffer_end_access(struct wl_shm_buffer *buffer) {
	assert(buffer->accesses > 0);
	if (--buffer->accesses > 0) {
		return;
	}
	struct sp_view *view = &buffer->base.view;
	if (buffer->may_write || !buffer->held->writing) {
		sp_view_flush(view, buffer->held);
	}
	if (!buffer->held->begun) {
		/* It may have been a capture. */
		sp_memory_clear_zeroes(view->backing->memory,
			view->layout.end - sp_layout_start(&view->layout));
	}
}

static void *shm_buffer_get_data(struct wl_shm_buffer *buffer) {
	if (buffer->held == NULL) {
		hold(buffer);
	}
	return buffer->held->access.data;
}

static int32_t shm_buffer_get_stride(const struct wl_shm_buffer *buffer) {
	return sealpool_buffer_get_stride(&buffer->base);
}

static uint32_t shm_buffer_get_format(const struct wl_shm_buffer *buffer) {
	return sp_wl_shm_format_from_drm(
		sealpool_buffer_get_format(&buffer->base));
}

static int32_t shm_buffer_get_width(const struct wl_shm_buffer *buffer) {
	return sealpool_buffer_get_width(&buffer->base);
}

static int32_t shm_buffer_get_height(const struct wl_shm_buffer *buffer) {
	return sealpool_buffer_get_height(&buffer->base);
}

static struct wl_shm_buffer *shm_buffer_ref(struct wl_shm_buffer *buffer) {
	sealpool_buffer_ref(&buffer->base);
	return buffer;
}

static void shm_buffer_unref(struct wl_shm_buffer *buffer) {
	sealpool_buffer_unref(&buffer->base);
}

/* Callers want the bytes to stay, which a reference to the buffer ensures. */
static struct wl_shm_pool *shm_buffer_ref_pool(
		struct wl_shm_buffer *buffer) {
	return (struct wl_shm_pool *)shm_buffer_ref(buffer);
}

static void shm_pool_unref(struct wl_shm_pool *pool) {
	shm_buffer_unref((struct wl_shm_buffer *)pool);
}

/* Displays */

static void handle_display_destroy(struct wl_listener *listener, void *data) {
	struct shm_display *display =
		wl_container_of(listener, display, destroy);
	wl_array_release(&display->formats);
	free(display);
}

static struct shm_display *display_find(struct wl_display *wl) {
	struct wl_listener *listener =
		wl_display_get_destroy_listener(wl, handle_display_destroy);
	if (listener == NULL) {
		return NULL;
	}
	struct shm_display *display =
		wl_container_of(listener, display, destroy);
	return display;
}

static struct shm_display *display_get(struct wl_display *wl) {
	struct shm_display *display = display_find(wl);
	if (display != NULL) {
		return display;
	}
	display = calloc(1, sizeof(*display));
	if (display == NULL) {
		return NULL;
	}
	wl_array_init(&display->formats);
	display->destroy.notify = handle_display_destroy;
	wl_display_add_destroy_listener(wl, &display->destroy);
	return display;
}

static bool add_format(struct shm_display *display, uint32_t format) {
	return !display->offered || sp_context_add_format(
		display->shm->context, sp_wl_shm_format_to_drm(format));
}

static uint32_t *display_add_shm_format(struct wl_display *wl,
		uint32_t format) {
	struct shm_display *display = display_get(wl);
	if (display == NULL || !add_format(display, format)) {
		return NULL;
	}
	uint32_t *added = wl_array_add(&display->formats, sizeof(*added));
	if (added != NULL) {
		*added = format;
	}
	return added;
}

/* Offers the formats that were added so far. */
static bool offer(struct shm_display *display) {
	struct sp_context *context = display->shm->context;
	int ret = sp_memory_allow_writing(&context->memory);
	if (ret < 0) {
		sp_log(context, SEALPOOL_LOG_ERROR, "cannot start: %s",
			strerror(-ret));
		return false;
	}
	size_t added_len = display->formats.size / sizeof(uint32_t);
	uint32_t *formats = calloc(added_len + 2, sizeof(formats[0]));
	if (formats == NULL) {
		return false;
	}
	formats[0] = DRM_FORMAT_ARGB8888;
	formats[1] = DRM_FORMAT_XRGB8888;
	const uint32_t *added = display->formats.data;
	for (size_t i = 0; i < added_len; i++) {
		formats[i + 2] = sp_wl_shm_format_to_drm(added[i]);
	}
	display->offered = sp_shm_offer(display->shm, 2, formats, added_len + 2,
		&front);
	free(formats);
	return display->offered;
}

static int display_init_shm(struct wl_display *wl) {
	struct shm_display *display = display_get(wl);
	if (display == NULL) {
		return -1;
	}
	if (display->offered) {
		return 0;
	}
	bool given = display->shm != NULL;
	if (!given) {
		display->shm = sp_shm_create(wl, &options, &front);
	}
	if (display->shm == NULL) {
		return -1;
	}
	bool ok = offer(display);
	if (!ok && !given) {
		sp_shm_destroy(display->shm);
		display->shm = NULL;
	}
	return ok ? 0 : -1;
}

const struct sp_libwayland sp_libwayland = {
#define MEMBER(type, name, parameters, arguments) .name = name,
	SP_LIBWAYLAND_FUNCTIONS(MEMBER)
#undef MEMBER
};

void sp_libwayland_set_options(const struct sealpool_options *wanted) {
	size_t size = wanted->size < sizeof(options) ? wanted->size :
		sizeof(options);
	options = (struct sealpool_options){ 0 };
	memcpy(&options, wanted, size);
	options.size = sizeof(options);
}

bool sp_libwayland_give_shm(struct wl_display *wl, struct sealpool_shm *shm) {
	struct shm_display *display = display_get(wl);
	if (display == NULL) {
		return false;
	}
	display->shm = shm;
	return true;
}

struct sealpool_shm *sp_libwayland_get_shm(struct wl_display *wl) {
	struct shm_display *display = display_find(wl);
	return display != NULL ? display->shm : NULL;
}
