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
 * was written there until then is handed back before, and the numbers are taken
 * anew after, of the rows that are concerned.
 *
 * An event tells the client that what was written is there. A commit does not, nor
 * does the end of an object, which the client may have destroyed to draw anew. So a
 * row that it has drawn since is newer than what was written, and is left alone:
 *
 *   number in the shadow   in the client's file
 *   as it was kept                                nothing was written
 *   another                as it was kept         the shadow's row to the file
 *   another                another                the file's row to the shadow
 *
 * Where an object goes and others have the same bytes, its rows cannot be told from
 * theirs, of which they may yet tell. So all stay, and the next event is like a
 * commit.
 *
 * The numbers are those of what the client's file has, whoever the buffer was
 * lent to. So each buffer has them once:
 *
 *   frame  --- loan ---.
 *                      +--- lent: buffer A, a number for each row
 *   icon   --- loan ---'
 *          --- loan ------- lent: buffer B, a number for each row
 */
#include <errno.h>
#include <pixman.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "memory/untrusted.h"
#include "server/buffer.h"
#include "server/context.h"
#include "server/pool.h"
#include "sums.h"
#include "writeback.h"

/* How many numbers are kept at most; rows of taller buffers share them. */
#define SUMS_MAX 8192

/*
 * What is lent is looked at again and again, and a client can have any number of
 * buffers of the same bytes. So there are limits for a pool: this many, and their
 * bytes not more than so many times what the pool has in memory. What was lent
 * first is given up then: it is most likely to have been read only, or over.
 */
#define LENTS_MAX 64
#define LENTS_OVERLAP 2

/* A buffer that is lent to at least one object. */
struct lent {
	struct sealpool_buffer *buffer;
	struct wl_list loans; /* loan.lent_link */
	struct wl_list pool_link; /* sp_pool.lents, the newest first */
	/* When it was lent last; see sp_client_get_epoch(). */
	uint64_t epoch;
	/* Looked at since mark_pool(). */
	bool looked_at;
	/* Since it was lent last, rows were handed back, and one of its objects has
	 * sent an event after that. */
	bool written, told;
	/* An object is gone that may have written there. */
	bool abandoned;
	struct sp_sums sums;
};

/* An object that buffers are lent to. */
struct lent_object {
	struct wl_listener destroy;
	struct wl_list loans; /* loan.object_link */
};

/* Goes with its object or its lent, whichever goes first. */
struct loan {
	struct lent *lent;
	struct wl_list lent_link; /* lent.loans */
	struct wl_list object_link; /* lent_object.loans */
};

/* How many there are, whatever the display and its thread: events are looked at
 * only while there are any. */
static atomic_size_t objects_len;

static uint64_t lent_get_charge(const struct lent *lent) {
	return lent->sums.len * sizeof(lent->sums.values[0]) + sizeof(*lent);
}

static uint64_t buffer_get_bytes(const struct sealpool_buffer *buffer) {
	return buffer->view.layout.end - sp_layout_start(&buffer->view.layout);
}

static void loan_destroy(struct loan *loan) {
	sp_account_discharge(&loan->lent->buffer->pool->client->account,
		SP_RESOURCE_SHADOW_BYTES, sizeof(*loan));
	wl_list_remove(&loan->lent_link);
	wl_list_remove(&loan->object_link);
	free(loan);
}

static void lent_destroy(struct lent *lent) {
	struct loan *loan, *tmp;
	wl_list_for_each_safe(loan, tmp, &lent->loans, lent_link) {
		loan_destroy(loan);
	}
	sp_account_discharge(&lent->buffer->pool->client->account,
		SP_RESOURCE_SHADOW_BYTES, lent_get_charge(lent));
	wl_list_remove(&lent->pool_link);
	sp_buffer_remove_user(lent->buffer);
	free(lent->sums.values);
	free(lent);
}

static void object_handle_destroy(struct wl_listener *listener, void *data);

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
	wl_list_init(&object->loans);
	object->destroy.notify = object_handle_destroy;
	wl_resource_add_destroy_listener(resource, &object->destroy);
	return object;
}

static void note_failure(struct sealpool_buffer *buffer, int error) {
	struct sp_client *client = buffer->pool->client;
	/* What an object says when it goes with its client is an event too. */
	if (client->wl_client == NULL || client->disconnecting) {
		return;
	}
	if (error != -EACCES) {
		/* A lack of ours, which ends nobody. */
		sp_report_post(&buffer->report, SP_REPORT_FAILED, error);
		return;
	}
	sp_post_error(client->context, buffer->resource,
		WL_SHM_ERROR_INVALID_FD, "the pool's file cannot be written");
	sp_client_disconnect_later(client);
}

/* Rows that follow each other. A region of all rows that were written is rounded up
 * where it has many parts, and what lies between may be newer in the file.
 */
static void hand_back_rows(struct lent *lent, struct sp_sum_range rows) {
	if (rows.first >= rows.end) {
		return;
	}
	pixman_box32_t box = sp_sums_get_box(&lent->sums, rows.first);
	box.y2 = sp_sums_get_box(&lent->sums, rows.end - 1).y2;
	pixman_region32_t region;
	pixman_region32_init_with_extents(&region, &box);
	int ret = sp_view_write_back(&lent->buffer->view, &region);
	pixman_region32_fini(&region);
	lent->written = true;
	if (ret < 0) {
		note_failure(lent->buffer, ret);
	}
}

/* If the client has drawn the rows of a sum anew, copies them to the shadow. Rows
 * that cannot be read are handed back: that fails too, and tells the client why. */
static bool take_newer(struct lent *lent, size_t i, struct sp_client_file *file) {
	file->missing = false;
	uint64_t sum = sp_sums_add_up(&lent->sums, i, SP_SUM_IN_FILE, file);
	if (sum == lent->sums.values[i] || file->missing) {
		return false;
	}
	/* It may be changing still. */
	lent->sums.values[i] = sp_sums_add_up(&lent->sums, i, SP_SUM_IN_FILE_TO_SHADOW, file);
	return true;
}

/* With a file, rows that the client has drawn anew are left as they are there. */
static void hand_back(struct lent *lent, struct sp_sum_range range,
		struct sp_client_file *newer) {
	struct sp_sum_range rows = { range.first, range.first };
	for (size_t i = range.first; i < range.end; i++) {
		uint64_t sum = sp_sums_add_up(&lent->sums, i, SP_SUM_IN_SHADOW, NULL);
		bool changed = sum != lent->sums.values[i];
		if (!changed || (newer != NULL && take_newer(lent, i, newer))) {
			hand_back_rows(lent, rows);
			rows.first = i + 1;
		} else {
			lent->sums.values[i] = sum;
		}
		rows.end = i + 1;
	}
	hand_back_rows(lent, rows);
}

/* Hands back where the client is not told of it. */
static void settle(struct lent *lent, struct sp_sum_range range) {
	struct sp_client_file newer;
	sp_client_file_init(&newer, lent->buffer);
	hand_back(lent, range, &newer);
	sp_client_file_finish(&newer);
}

/* Each is looked at once for an event, by however many ways it is found. */
static void mark_pool(struct sp_pool *pool) {
	struct lent *lent;
	wl_list_for_each(lent, &pool->lents, pool_link) {
		lent->looked_at = false;
	}
}

static bool overlap(const struct sealpool_buffer *a,
		const struct sealpool_buffer *b) {
	return sp_layout_start(&a->view.layout) < b->view.layout.end &&
		sp_layout_start(&b->view.layout) < a->view.layout.end;
}

/* By all that was lent of these bytes: whose sums were not brought up to date
 * would hand them back once more, later. */
static void hand_back_bytes(struct sealpool_buffer *buffer, bool is_event) {
	struct lent *lent;
	wl_list_for_each(lent, &buffer->pool->lents, pool_link) {
		if (!lent->looked_at && overlap(lent->buffer, buffer)) {
			lent->looked_at = true;
			if (is_event && !lent->abandoned) {
				hand_back(lent, sp_sums_get_all(&lent->sums), NULL);
			} else {
				settle(lent, sp_sums_get_all(&lent->sums));
			}
			lent->abandoned = false;
		}
	}
}

/* In no time: a client can destroy objects as fast as it makes them. */
static void abandon_bytes(const struct sealpool_buffer *buffer) {
	struct lent *lent;
	wl_list_for_each(lent, &buffer->pool->lents, pool_link) {
		lent->abandoned |= overlap(lent->buffer, buffer);
	}
}

/* No object has it any more. To look at all rows of a capture that is over, as most
 * are, would cost as much as to copy them. */
static void lent_end(struct lent *lent) {
	const struct sp_client *client = lent->buffer->pool->client;
	if (!lent->told && client->wl_client != NULL && !client->disconnecting) {
		settle(lent, sp_sums_get_all(&lent->sums));
		abandon_bytes(lent->buffer);
	}
	lent_destroy(lent);
}

static void object_handle_destroy(struct wl_listener *listener, void *data) {
	struct lent_object *object =
		wl_container_of(listener, object, destroy);
	struct loan *loan, *tmp;
	wl_list_for_each_safe(loan, tmp, &object->loans, object_link) {
		struct lent *lent = loan->lent;
		loan_destroy(loan);
		if (wl_list_empty(&lent->loans)) {
			lent_end(lent);
		} else {
			abandon_bytes(lent->buffer);
		}
	}
	wl_list_remove(&object->destroy.link);
	free(object);
	atomic_fetch_sub_explicit(&objects_len, 1, memory_order_relaxed);
}

/* Makes room for a buffer. What was lent in this very epoch is
 * not looked at once more when it is given up: there may be hundreds of those. */
static void limit_lents(struct sealpool_buffer *buffer) {
	struct sp_pool *pool = buffer->pool;
	uint64_t epoch = sp_client_get_epoch(pool->client);
	uint64_t bytes = buffer_get_bytes(buffer);
	uint64_t bytes_max = LENTS_OVERLAP * pool->backing.pinned.shadow.charged;
	int count = 1;
	mark_pool(pool);
	struct lent *lent, *tmp;
	wl_list_for_each_safe(lent, tmp, &pool->lents, pool_link) {
		bytes += buffer_get_bytes(lent->buffer);
		if (++count <= LENTS_MAX && bytes <= bytes_max) {
			continue;
		}
		if (epoch == 0 || lent->epoch != epoch) {
			hand_back_bytes(lent->buffer, false);
		}
		/* Its objects still have it. */
		sp_buffer_hand_over(lent->buffer);
		lent_destroy(lent);
	}
}

static int lent_create(struct sealpool_buffer *buffer, struct lent **lent_ptr) {
	limit_lents(buffer);
	struct lent *lent = calloc(1, sizeof(*lent));
	if (lent == NULL) {
		return -ENOMEM;
	}
	int32_t height = buffer->view.layout.height;
	lent->buffer = lent->sums.buffer = buffer;
	lent->sums.rows = (height - 1) / SUMS_MAX + 1;
	lent->sums.len = (size_t)((height - 1) / lent->sums.rows + 1);
	int ret = sp_account_charge(&buffer->pool->client->account,
		SP_RESOURCE_SHADOW_BYTES, lent_get_charge(lent));
	if (ret < 0) {
		free(lent);
		return ret;
	}
	lent->sums.values = calloc(lent->sums.len, sizeof(lent->sums.values[0]));
	if (lent->sums.values == NULL) {
		sp_account_discharge(&buffer->pool->client->account,
		SP_RESOURCE_SHADOW_BYTES, lent_get_charge(lent));
		free(lent);
		return -ENOMEM;
	}
	sp_sums_take(&lent->sums, sp_sums_get_all(&lent->sums));
	wl_list_init(&lent->loans);
	wl_list_insert(&buffer->pool->lents, &lent->pool_link);
	sp_buffer_add_user(buffer);
	*lent_ptr = lent;
	return 0;
}

static struct lent *lent_find(const struct sealpool_buffer *buffer) {
	struct lent *lent;
	wl_list_for_each(lent, &buffer->pool->lents, pool_link) {
		if (lent->buffer == buffer) {
			return lent;
		}
	}
	return NULL;
}

static bool has_loan(const struct lent_object *object,
		const struct lent *lent) {
	const struct loan *loan;
	wl_list_for_each(loan, &object->loans, object_link) {
		if (loan->lent == lent) {
			return true;
		}
	}
	return false;
}

static int loan_create(struct lent_object *object, struct lent *lent) {
	struct sp_client *client = lent->buffer->pool->client;
	struct loan *loan;
	int ret = sp_account_charge(&client->account,
		SP_RESOURCE_SHADOW_BYTES, sizeof(*loan));
	if (ret < 0) {
		return ret;
	}
	loan = calloc(1, sizeof(*loan));
	if (loan == NULL) {
		sp_account_discharge(&client->account,
		SP_RESOURCE_SHADOW_BYTES, sizeof(*loan));
		return -ENOMEM;
	}
	loan->lent = lent;
	wl_list_insert(&lent->loans, &loan->lent_link);
	wl_list_insert(&object->loans, &loan->object_link);
	return 0;
}

/* Objects that have nothing more to do with a buffer when they are gone. An icon is
 * shown all the same. */
static bool is_over_at_its_end(struct wl_resource *resource) {
	static const char *const interfaces[] = {
		"ext_image_copy_capture_frame_v1",
		"hyprland_toplevel_export_frame_v1",
		"weston_capture_source_v1",
		"zwlr_screencopy_frame_v1",
	};
	const char *interface = wl_resource_get_class(resource);
	for (size_t i = 0; i < sizeof(interfaces) / sizeof(interfaces[0]);
			i++) {
		if (strcmp(interface, interfaces[i]) == 0) {
			return true;
		}
	}
	return false;
}

int sp_lent_add(struct sealpool_buffer *buffer, struct wl_resource *resource) {
	struct lent_object *object = object_get(resource);
	if (object == NULL) {
		return -ENOMEM;
	}
	/* What its sums differ from was written for somebody, and is still to
	 * be handed back: they stay as they are. */
	struct lent *lent = lent_find(buffer);
	int ret = lent == NULL ? lent_create(buffer, &lent) : 0;
	if (ret < 0) {
		return ret;
	}
	wl_list_remove(&lent->pool_link);
	wl_list_insert(&buffer->pool->lents, &lent->pool_link);
	lent->epoch = sp_client_get_epoch(buffer->pool->client);
	lent->written = lent->told = false;
	if (!is_over_at_its_end(resource)) {
		sp_buffer_hand_over(buffer);
	}
	ret = has_loan(object, lent) ? 0 : loan_create(object, lent);
	if (wl_list_empty(&lent->loans)) {
		lent_destroy(lent);
	}
	return ret;
}

/* What captures say before they are done, of each frame perhaps. Of any other
 * event it is not known what it means. */
static const struct {
	const char *interface, *name;
} descriptions[] = {
	{ "zwlr_screencopy_frame_v1", "buffer" },
	{ "zwlr_screencopy_frame_v1", "linux_dmabuf" },
	{ "zwlr_screencopy_frame_v1", "buffer_done" },
	{ "zwlr_screencopy_frame_v1", "flags" },
	{ "zwlr_screencopy_frame_v1", "damage" },
	{ "ext_image_copy_capture_frame_v1", "transform" },
	{ "ext_image_copy_capture_frame_v1", "damage" },
	{ "ext_image_copy_capture_frame_v1", "presentation_time" },
};

static bool only_describes(const struct wl_protocol_logger_message *message) {
	const char *interface = wl_resource_get_class(message->resource);
	for (size_t i = 0; i < sizeof(descriptions) /
			sizeof(descriptions[0]); i++) {
		if (strcmp(message->message->name, descriptions[i].name) == 0 &&
				strcmp(interface,
					descriptions[i].interface) == 0) {
			return true;
		}
	}
	return false;
}

void sp_lent_handle_event(const struct wl_protocol_logger_message *message) {
	if (atomic_load_explicit(&objects_len, memory_order_relaxed) == 0) {
		return;
	}
	struct lent_object *object = object_find(message->resource);
	if (object == NULL || only_describes(message)) {
		return;
	}
	struct loan *loan;
	wl_list_for_each(loan, &object->loans, object_link) {
		mark_pool(loan->lent->buffer->pool);
	}
	wl_list_for_each(loan, &object->loans, object_link) {
		hand_back_bytes(loan->lent->buffer, true);
		loan->lent->told = loan->lent->written;
	}
}

void sp_lent_begin_sync(struct sealpool_buffer *buffer,
		const pixman_region32_t *region) {
	struct lent *lent;
	wl_list_for_each(lent, &buffer->pool->lents, pool_link) {
		settle(lent, sp_sums_find(&lent->sums, buffer, region));
	}
}

void sp_lent_end_sync(struct sealpool_buffer *buffer,
		const pixman_region32_t *region) {
	struct lent *lent;
	wl_list_for_each(lent, &buffer->pool->lents, pool_link) {
		sp_sums_take(&lent->sums, sp_sums_find(&lent->sums, buffer, region));
	}
}

void sp_lent_forget(struct sealpool_buffer *buffer) {
	struct lent *lent = lent_find(buffer);
	if (lent != NULL) {
		/* Its objects may have taken references. */
		sp_buffer_hand_over(buffer);
		lent_end(lent);
	}
}
