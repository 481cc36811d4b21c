/* SPDX-License-Identifier: MIT */
/*
 * Screen captures, behind a guard.
 */
#include <wayland-server-protocol.h>

#include "host.h"
#include "wlr-screencopy-unstable-v1-server-protocol.h"

struct drawing {
	uint8_t *data;
	uint32_t seed;
};

static void draw_row(struct truth_buffer *buffer, uint32_t offset,
		uint32_t length, void *data) {
	const struct drawing *drawing = data;
	for (uint32_t i = offset; i < offset + length; i++) {
		drawing->data[i - buffer->start] =
			truth_get_pattern(drawing->seed, i);
	}
}

static struct compositor_taker *find_taker(struct host *host,
		const struct client *client) {
	struct compositor_taker *taker;
	wl_list_for_each(taker, &host->compositor.takers, link) {
		if (wl_resource_get_client(taker->resource) ==
				client->wl_client && taker->buffer.resource != NULL) {
			return taker;
		}
	}
	return NULL;
}

/* Returns whether another buffer of the same bytes was given to be captured into; it may
 * be destroyed since. What the client writes to these bytes is overwritten then when
 * either capture is ready. */
static bool is_lent_twice(const struct host *host,
		const struct host_buffer *buffer) {
	const struct truth_buffer *truth = buffer->truth;
	const struct host_buffer *other;
	wl_list_for_each(other, &host->buffers, link) {
		if (other != buffer && other->lent &&
				other->truth->file == truth->file &&
				other->truth->start < truth->end &&
				truth->start < other->truth->end) {
			return true;
		}
	}
	return false;
}

void host_capture(struct host *host, const struct client *client, int32_t top,
		int32_t bottom, bool tell) {
	struct compositor_taker *taker = find_taker(host, client);
	struct host_buffer *buffer = taker == NULL ? NULL :
		host_find_buffer(host, taker->buffer.resource);
	struct wl_shm_buffer *shm = buffer == NULL ? NULL :
		wl_shm_buffer_get(buffer->resource);
	struct truth_file *file = buffer == NULL ? NULL : buffer->truth->file;
	if (host->guard == NULL || shm == NULL ||
			file->changes_len > TRUTH_CHANGES_MAX - 10) {
		return;
	}
	struct truth_box box = { 0, top, buffer->truth->width, bottom };
	struct drawing drawing = {
		wl_shm_buffer_get_data(shm), client_get_seed(),
	};
	truth_for_each_row(buffer->truth, &box, draw_row, &drawing);
	if (!tell || is_lent_twice(host, buffer)) {
		/* It may be written back at any time, or undo what the client has
		 * written. */
		file->wild = true;
		return;
	}
	zwlr_screencopy_frame_v1_send_flags(taker->resource, 0);
	zwlr_screencopy_frame_v1_send_ready(taker->resource, 0, 0, 0);
	bool must = buffer->resource != NULL && host_can_write(buffer) &&
		host_get_claim(host, buffer) == TRUTH_SINCE &&
		buffer->captured_at == file->changes_len &&
		buffer->truth->end <= file->size;
	truth_draw(buffer->truth, &box, drawing.data);
	truth_adopt(buffer->truth, drawing.data, must);
	/* Otherwise, the client has drawn rows that the compositor has not read. */
	if (must) {
		buffer->captured_at = file->changes_len;
	}
}
