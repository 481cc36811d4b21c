/* SPDX-License-Identifier: MIT */
/*
 * Lent buffers.
 *
 * Whether an object reads a buffer or writes it, only its protocol knows. So a
 * number is kept for each row of what was lent, and rows that have another one
 * afterwards are handed back. What was only read is never written to the client's
 * file, in which it may be drawing again.
 */
#include <pixman.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-server-protocol.h>

#include "buffer.h"
#include "lent.h"
#include "pool.h"
#include "region.h"
#include "shm.h"

struct lent {
	struct sealpool_buffer *buffer;
	struct wl_list link; /* lent_object.buffers */
	/* One for each row of pixels, over all planes. */
	uint64_t *sums;
};

/* An object that buffers are lent to. */
struct lent_object {
	struct wl_listener destroy;
	struct wl_list link; /* objects */
	struct wl_list buffers; /* lent.link */
};

/* All there are, whatever the display: a buffer that goes has to be looked for.
 * Used by the thread of the event loop alone, and there are seldom any. */
static struct wl_list objects = { &objects, &objects };

/* FNV-1a over words: equal rows have equal sums, and others hardly ever. */
static uint64_t add_to_sum(uint64_t sum, const uint8_t *bytes, size_t length) {
	uint64_t word;
	for (; length >= sizeof(word); length -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		sum = (sum ^ word) * 0x100000001b3u;
		sum ^= sum >> 29;
		bytes += sizeof(word);
	}
	for (; length > 0; length--) {
		sum = (sum ^ *bytes++) * 0x100000001b3u;
	}
	return sum;
}

static uint64_t sum_row(const struct sealpool_buffer *buffer, int32_t y) {
	const struct sp_layout *layout = &buffer->layout;
	const uint8_t *base = buffer->pool->shadow.mapping->data;
	pixman_box32_t box = { 0, y, layout->width, y + 1 };
	uint64_t sum = 0xcbf29ce484222325u;
	for (uint32_t i = 0; i < layout->planes_len; i++) {
		struct sp_span span = sp_plane_span(&layout->planes[i], &box);
		sum = add_to_sum(sum, base + span.offset, span.row_bytes);
	}
	return sum;
}

static void lent_destroy(struct lent *lent) {
	wl_list_remove(&lent->link);
	free(lent->sums);
	free(lent);
}

static void object_handle_destroy(struct wl_listener *listener, void *data) {
	struct lent_object *object =
		wl_container_of(listener, object, destroy);
	struct lent *lent, *tmp;
	wl_list_for_each_safe(lent, tmp, &object->buffers, link) {
		lent_destroy(lent);
	}
	wl_list_remove(&object->destroy.link);
	wl_list_remove(&object->link);
	free(object);
}

static struct lent_object *object_find(struct wl_resource *resource) {
	struct wl_listener *listener = wl_resource_get_destroy_listener(
		resource, object_handle_destroy);
	if (listener == NULL) {
		return NULL;
	}
	struct lent_object *object =
		wl_container_of(listener, object, destroy);
	return object;
}

static struct lent_object *object_get(struct wl_resource *resource) {
	struct lent_object *object = object_find(resource);
	if (object != NULL) {
		return object;
	}
	object = calloc(1, sizeof(*object));
	if (object == NULL) {
		return NULL;
	}
	wl_list_init(&object->buffers);
	wl_list_insert(&objects, &object->link);
	object->destroy.notify = object_handle_destroy;
	wl_resource_add_destroy_listener(resource, &object->destroy);
	return object;
}

bool sp_lent_add(struct sealpool_buffer *buffer, struct wl_resource *resource) {
	struct lent_object *object = object_get(resource);
	struct lent *lent = calloc(1, sizeof(*lent));
	if (object == NULL || lent == NULL) {
		free(lent);
		return false;
	}
	lent->buffer = buffer;
	lent->sums = calloc((size_t)buffer->layout.height,
		sizeof(lent->sums[0]));
	if (lent->sums == NULL) {
		free(lent);
		return false;
	}
	for (int32_t y = 0; y < buffer->layout.height; y++) {
		lent->sums[y] = sum_row(buffer, y);
	}
	/* Lent again, it is the newer state that counts. */
	struct lent *other, *tmp;
	wl_list_for_each_safe(other, tmp, &object->buffers, link) {
		if (other->buffer == buffer) {
			lent_destroy(other);
		}
	}
	wl_list_insert(&object->buffers, &lent->link);
	return true;
}

static void hand_back(struct lent *lent) {
	struct sealpool_buffer *buffer = lent->buffer;
	pixman_region32_t changed;
	pixman_region32_init(&changed);
	for (int32_t y = 0; y < buffer->layout.height; y++) {
		uint64_t sum = sum_row(buffer, y);
		if (sum != lent->sums[y]) {
			lent->sums[y] = sum;
			sp_region_add_box(&changed, &(pixman_box32_t){
				0, y, buffer->layout.width, y + 1,
			});
		}
	}
	if (pixman_region32_not_empty(&changed) &&
			sp_memory_hand_back(buffer, &changed) < 0) {
		wl_resource_post_error(buffer->resource,
			WL_SHM_ERROR_INVALID_FD,
			"the pool's file cannot be written");
	}
	pixman_region32_fini(&changed);
}

void sp_lent_hand_back(struct wl_resource *resource) {
	struct lent_object *object =
		wl_list_empty(&objects) ? NULL : object_find(resource);
	if (object == NULL) {
		return;
	}
	struct lent *lent;
	wl_list_for_each(lent, &object->buffers, link) {
		hand_back(lent);
	}
}

void sp_lent_forget(struct sealpool_buffer *buffer) {
	struct lent_object *object;
	wl_list_for_each(object, &objects, link) {
		struct lent *lent, *tmp;
		wl_list_for_each_safe(lent, tmp, &object->buffers, link) {
			if (lent->buffer == buffer) {
				lent_destroy(lent);
			}
		}
	}
}
