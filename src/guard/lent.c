/* SPDX-License-Identifier: MIT */
/*
 * Lent buffers.
 *
 * Whether an object reads a buffer or writes it, only its protocol knows. So a
 * number is kept for each row of what was lent, and rows that have another one
 * afterwards are handed back. What was only read is never written to the client's
 * file, in which it may be drawing again.
 *
 * An object may have its buffers for as long as it lives, and meanwhile what the
 * client has drawn is copied into the same memory, for a commit, say. So what
 * was written until then is handed back before, and the numbers are taken anew
 * after.
 */
#include <errno.h>
#include <pixman.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-server-protocol.h>

#include "buffer.h"
#include "lent.h"
#include "pool.h"
#include "region.h"
#include "shm.h"

/* How many numbers are kept at most; rows of taller buffers share them. */
#define SUMS_MAX 8192

/*
 * What is lent is looked at again and again, and a client can have any number of
 * buffers of the same bytes, and of objects for each. So there are limits for a
 * pool: this many, and their bytes not more than so many times what the pool has
 * in memory. What was lent first is given up then: it is most likely to have
 * been read only, or over.
 */
#define LENTS_MAX 64
#define LENTS_OVERLAP 4

struct lent {
	struct sealpool_buffer *buffer;
	struct wl_list object_link; /* lent_object.lents */
	struct wl_list pool_link; /* sp_pool.lents */
	const struct lent_object *object;
	/* Looked at since mark_pool(). */
	bool looked_at;
	/* One for so many rows of pixels, over all planes. */
	int32_t sum_rows;
	size_t sums_len;
	uint64_t *sums;
};

/* An object that buffers are lent to. */
struct lent_object {
	struct wl_listener destroy;
	struct wl_list lents; /* lent.object_link */
};

/* How many there are, whatever the display and its thread: events are looked at
 * only while there are any. */
static atomic_size_t objects_len;

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

/* Where the rows of a sum are. */
static pixman_box32_t sum_box(const struct lent *lent, size_t i) {
	const struct sp_layout *layout = &lent->buffer->layout;
	int32_t y = (int32_t)i * lent->sum_rows;
	return (pixman_box32_t){
		.x1 = 0, .x2 = layout->width,
		.y1 = y, .y2 = layout->height - y > lent->sum_rows ?
			y + lent->sum_rows : layout->height,
	};
}

static uint64_t sum_up(const struct lent *lent, const pixman_box32_t *box) {
	const struct sp_layout *layout = &lent->buffer->layout;
	const uint8_t *base = lent->buffer->pool->shadow.mapping->data;
	uint64_t sum = 0xcbf29ce484222325u;
	for (uint32_t i = 0; i < layout->format->planes_len; i++) {
		const struct sp_plane *plane = &layout->planes[i];
		struct sp_span span = sp_plane_span(plane, box);
		for (uint32_t row = 0; row < span.rows; row++) {
			sum = add_to_sum(sum, base + span.offset +
				(uint64_t)plane->stride * row, span.row_bytes);
		}
	}
	return sum;
}

static void take_sums(struct lent *lent) {
	for (size_t i = 0; i < lent->sums_len; i++) {
		pixman_box32_t box = sum_box(lent, i);
		lent->sums[i] = sum_up(lent, &box);
	}
}

static uint64_t lent_get_charge(const struct lent *lent) {
	return lent->sums_len * sizeof(lent->sums[0]) + sizeof(*lent);
}

static uint64_t buffer_get_bytes(const struct sealpool_buffer *buffer) {
	return buffer->layout.end - sp_layout_start(&buffer->layout);
}

static void lent_destroy(struct lent *lent) {
	sp_client_discharge_bytes(lent->buffer->pool->client,
		lent_get_charge(lent));
	wl_list_remove(&lent->object_link);
	wl_list_remove(&lent->pool_link);
	free(lent->sums);
	free(lent);
}

static void object_handle_destroy(struct wl_listener *listener, void *data) {
	struct lent_object *object =
		wl_container_of(listener, object, destroy);
	struct lent *lent, *tmp;
	wl_list_for_each_safe(lent, tmp, &object->lents, object_link) {
		lent_destroy(lent);
	}
	wl_list_remove(&object->destroy.link);
	free(object);
	atomic_fetch_sub_explicit(&objects_len, 1, memory_order_relaxed);
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
	atomic_fetch_add_explicit(&objects_len, 1, memory_order_relaxed);
	wl_list_init(&object->lents);
	object->destroy.notify = object_handle_destroy;
	wl_resource_add_destroy_listener(resource, &object->destroy);
	return object;
}

/* It is the client that has given us a file that cannot be written, or it is we
 * who have no memory to do so. */
static void post_failure(struct sealpool_buffer *buffer, int error) {
	struct sp_client *client = buffer->pool->client;
	bool ours = error != -EACCES;
	sp_log(client->shm, ours ? SEALPOOL_LOG_ERROR : SEALPOOL_LOG_INFO,
		"client %d: cannot hand back a captured buffer: %s: "
		"disconnected", sp_client_get_pid(client), strerror(-error));
	if (ours) {
		wl_resource_post_no_memory(buffer->resource);
	} else {
		wl_resource_post_error(buffer->resource,
			WL_SHM_ERROR_INVALID_FD,
			"the pool's file cannot be written");
	}
}

static void hand_back(struct lent *lent) {
	if (lent->looked_at) {
		return;
	}
	lent->looked_at = true;
	pixman_region32_t changed;
	pixman_region32_init(&changed);
	for (size_t i = 0; i < lent->sums_len; i++) {
		pixman_box32_t box = sum_box(lent, i);
		uint64_t sum = sum_up(lent, &box);
		if (sum != lent->sums[i]) {
			lent->sums[i] = sum;
			sp_region_add_box(&changed, &box);
		}
	}
	if (pixman_region32_not_empty(&changed)) {
		int ret = sp_memory_hand_back(lent->buffer, &changed);
		if (ret < 0) {
			post_failure(lent->buffer, ret);
		}
	}
	pixman_region32_fini(&changed);
}

/* Makes room for one more, and forgets what the same object had of the buffer:
 * it is the newer state that counts. */
static void limit_lents(struct sealpool_buffer *buffer,
		const struct lent_object *object) {
	struct sp_pool *pool = buffer->pool;
	uint64_t bytes = buffer_get_bytes(buffer);
	uint64_t bytes_max = LENTS_OVERLAP * pool->shadow.charged;
	int count = 1;
	struct lent *lent, *tmp;
	wl_list_for_each_safe(lent, tmp, &pool->lents, pool_link) {
		if (lent->buffer == buffer && lent->object == object) {
			lent_destroy(lent);
			continue;
		}
		bytes += buffer_get_bytes(lent->buffer);
		if (++count > LENTS_MAX || bytes > bytes_max) {
			lent->looked_at = false;
			hand_back(lent);
			lent_destroy(lent);
		}
	}
}

int sp_lent_add(struct sealpool_buffer *buffer, struct wl_resource *resource) {
	struct lent_object *object = object_get(resource);
	struct lent *lent = calloc(1, sizeof(*lent));
	if (object == NULL || lent == NULL) {
		free(lent);
		return -ENOMEM;
	}
	limit_lents(buffer, object);
	int32_t height = buffer->layout.height;
	lent->buffer = buffer;
	lent->object = object;
	lent->sum_rows = (height - 1) / SUMS_MAX + 1;
	lent->sums_len = (size_t)((height - 1) / lent->sum_rows + 1);
	int ret = sp_client_charge_bytes(buffer->pool->client,
		lent_get_charge(lent));
	if (ret < 0) {
		free(lent);
		return ret;
	}
	lent->sums = calloc(lent->sums_len, sizeof(lent->sums[0]));
	if (lent->sums == NULL) {
		sp_client_discharge_bytes(buffer->pool->client,
			lent_get_charge(lent));
		free(lent);
		return -ENOMEM;
	}
	take_sums(lent);
	wl_list_insert(&object->lents, &lent->object_link);
	wl_list_insert(&buffer->pool->lents, &lent->pool_link);
	return 0;
}

static bool overlap(const struct sealpool_buffer *a,
		const struct sealpool_buffer *b) {
	return sp_layout_start(&a->layout) < b->layout.end &&
		sp_layout_start(&b->layout) < a->layout.end;
}

/* Each is looked at once for an event, by however many ways it is found. */
static void mark_pool(struct sp_pool *pool) {
	struct lent *lent;
	wl_list_for_each(lent, &pool->lents, pool_link) {
		lent->looked_at = false;
	}
}

/* By all that was lent of these bytes: whose sums were not brought up to date
 * would hand them back once more, later. */
static void hand_back_bytes(struct sealpool_buffer *buffer) {
	struct lent *lent;
	wl_list_for_each(lent, &buffer->pool->lents, pool_link) {
		if (overlap(lent->buffer, buffer)) {
			hand_back(lent);
		}
	}
}

void sp_lent_hand_back(struct wl_resource *resource) {
	if (atomic_load_explicit(&objects_len, memory_order_relaxed) == 0) {
		return;
	}
	struct lent_object *object = object_find(resource);
	if (object == NULL) {
		return;
	}
	struct lent *lent;
	wl_list_for_each(lent, &object->lents, object_link) {
		mark_pool(lent->buffer->pool);
	}
	wl_list_for_each(lent, &object->lents, object_link) {
		hand_back_bytes(lent->buffer);
	}
}

void sp_lent_begin_sync(struct sealpool_buffer *buffer) {
	mark_pool(buffer->pool);
	hand_back_bytes(buffer);
}

void sp_lent_end_sync(struct sealpool_buffer *buffer) {
	struct lent *lent;
	wl_list_for_each(lent, &buffer->pool->lents, pool_link) {
		if (overlap(lent->buffer, buffer)) {
			take_sums(lent);
		}
	}
}

void sp_lent_forget(struct sealpool_buffer *buffer) {
	struct lent *lent, *tmp;
	wl_list_for_each_safe(lent, tmp, &buffer->pool->lents, pool_link) {
		if (lent->buffer == buffer) {
			lent_destroy(lent);
		}
	}
}
