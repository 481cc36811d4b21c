/* SPDX-License-Identifier: MIT */
/*
 * Writebacks: buffers that objects other than surfaces may write to.
 *
 * Only an object's protocol knows whether the object reads or writes a buffer. So a sum
 * is stored for each row of the buffer, and rows whose sum has changed afterwards are
 * written back. Rows that were only read are never written to the client's file, in
 * which the client may be drawing again.
 *
 * An object may use its buffers as long as it exists. Meanwhile, pixels that the client
 * has drawn are copied into the same memory, for a commit for example. So rows that the
 * object has written are written back before such a copy, and the sums of the copied rows
 * are computed anew afterwards.
 *
 * An event tells the client that the object's rows are ready. A commit does not, nor does
 * the destruction of an object, which the client may have destroyed to draw anew. In
 * these cases, a row that the client has drawn since is newer than what the object has
 * written, and is not overwritten:
 *
 *   sum in the shadow      in the client's file
 *   unchanged                                     nothing was written
 *   changed                unchanged              copy the row to the file
 *   changed                changed                copy the row to the shadow
 *
 * If an object is destroyed and others use the same bytes, its rows cannot be
 * distinguished from theirs, for which an event may follow. So nothing is written back
 * then, and the next event is handled like a commit.
 *
 * Computing all sums of a large buffer takes long, and a client can create and destroy an
 * object by each 30 bytes of requests. So a writeback whose objects have all ended remains
 * until the end of the epoch. An event that says that a capture has failed writes nothing
 * back either, before that end.
 *
 * The sums are those of the client's file, whichever objects use the buffer. So each
 * buffer has them once:
 *
 *   frame  --- use ----.
 *                      +--- writeback: buffer A, a sum for each row
 *   icon   --- use ----'
 *          --- use -------- writeback: buffer B, a sum for each row
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
#include "server/context.h"
#include "sums.h"
#include "users.h"
#include "writeback.h"

/* The most sums of a buffer; in taller buffers, several rows share one. */
#define SUMS_MAX 8192

/*
 * Each event and commit checks all rows of the writebacks concerned, and a client can
 * have any number of buffers with the same bytes. So a pool has at most WRITEBACKS_MAX
 * writebacks, and their bytes are at most WRITEBACKS_OVERLAP times the memory of its
 * shadow. Above that, the oldest is dropped: its buffer was most likely only read, or its
 * object is done with it.
 */
#define WRITEBACKS_MAX 64
#define WRITEBACKS_OVERLAP 2

/* A buffer that at least one object uses, or has used in this epoch. */
struct writeback {
	struct sealpool_buffer *buffer;
	struct wl_list uses; /* use.writeback_link */
	struct wl_list pool_link; /* guard_pool.writebacks, the newest first */
	/* When it was last passed to an object; see sp_client_get_epoch(). */
	uint64_t epoch;
	/* Visited since mark_pool(). */
	bool visited;
	/* Since it was last passed to an object, rows were written back; and one of its
	 * objects has sent an event after that. */
	bool written, reported;
	/* An object that may have written to it is destroyed. */
	bool abandoned;
	struct sp_sums sums;
};

/* An object that uses buffers. */
struct writeback_object {
	struct wl_listener destroy;
	struct wl_list uses; /* use.object_link */
};

/* An object's use of a buffer; destroyed with the first of the two. */
struct use {
	struct writeback *writeback;
	struct wl_list writeback_link; /* writeback.uses */
	struct wl_list object_link; /* writeback_object.uses */
};

/* The number of objects of all displays, on any thread: events are checked only while
 * there are any. */
static atomic_size_t objects_len;

static struct wl_list *get_writebacks(struct sp_pool *pool) {
	return &sp_guard_pool(pool)->writebacks;
}

static uint64_t writeback_get_charge(const struct writeback *writeback) {
	return writeback->sums.len * sizeof(writeback->sums.values[0]) + sizeof(*writeback);
}

static uint64_t buffer_get_bytes(const struct sealpool_buffer *buffer) {
	return buffer->view.layout.end - sp_layout_start(&buffer->view.layout);
}

static void use_destroy(struct use *use) {
	sp_account_discharge(&use->writeback->buffer->pool->client->account,
		SP_RESOURCE_SHADOW_BYTES, sizeof(*use));
	wl_list_remove(&use->writeback_link);
	wl_list_remove(&use->object_link);
	free(use);
}

static void writeback_destroy(struct writeback *writeback) {
	struct use *use, *tmp;
	wl_list_for_each_safe(use, tmp, &writeback->uses, writeback_link) {
		use_destroy(use);
	}
	sp_account_discharge(&writeback->buffer->pool->client->account,
		SP_RESOURCE_SHADOW_BYTES, writeback_get_charge(writeback));
	wl_list_remove(&writeback->pool_link);
	sp_guard_change_users(writeback->buffer, -1);
	free(writeback->sums.values);
	free(writeback);
}

static void object_handle_destroy(struct wl_listener *listener, void *data);

static struct writeback_object *object_find(struct wl_resource *resource) {
	struct wl_listener *listener = wl_resource_get_destroy_listener(
		resource, object_handle_destroy);
	if (listener == NULL) {
		return NULL;
	}
	struct writeback_object *object =
		wl_container_of(listener, object, destroy);
	return object;
}

static struct writeback_object *object_get(struct wl_resource *resource) {
	struct writeback_object *object = object_find(resource);
	if (object != NULL) {
		return object;
	}
	object = calloc(1, sizeof(*object));
	if (object == NULL) {
		return NULL;
	}
	atomic_fetch_add_explicit(&objects_len, 1, memory_order_relaxed);
	wl_list_init(&object->uses);
	object->destroy.notify = object_handle_destroy;
	wl_resource_add_destroy_listener(resource, &object->destroy);
	return object;
}

static void note_failure(struct sealpool_buffer *buffer, int error) {
	struct sp_client *client = buffer->pool->client;
	/* An object may send an event while it is destroyed with its client. */
	if (client->wl_client == NULL || client->disconnecting) {
		return;
	}
	if (error != -EACCES) {
		/* A lack of resources of the compositor's, which disconnects nobody. */
		sp_buffer_report(buffer, SP_EVENT_FAILED, error);
		return;
	}
	sp_post_error(client->context, buffer->resource,
		WL_SHM_ERROR_INVALID_FD, "the pool's file cannot be written");
	sp_client_disconnect_later(client);
}

/* Writes back successive rows. A single region of all written rows would be rounded up
 * if it had many parts, and rows between these may be newer in the file. */
static void write_back_rows(struct writeback *writeback, struct sp_sum_range rows) {
	if (rows.first >= rows.end) {
		return;
	}
	pixman_box32_t box = sp_sums_get_box(&writeback->sums, rows.first);
	box.y2 = sp_sums_get_box(&writeback->sums, rows.end - 1).y2;
	pixman_region32_t region;
	pixman_region32_init_with_extents(&region, &box);
	int ret = sp_view_write_back(&writeback->buffer->view, &region);
	pixman_region32_fini(&region);
	writeback->written = true;
	if (ret < 0) {
		note_failure(writeback->buffer, ret);
	}
}

/* If the client has drawn the rows of a sum anew, copies them to the shadow and returns
 * true. Rows that cannot be read are written back: that fails too, and the client gets
 * its error. */
static bool take_newer(struct writeback *writeback, size_t i, struct sp_client_file *file) {
	file->missing = false;
	uint64_t sum = sp_sums_add_up(&writeback->sums, i, SP_SUM_IN_FILE, file);
	if (sum == writeback->sums.values[i] || file->missing) {
		return false;
	}
	/* The client may still be changing the row, so the copied bytes are added up. */
	writeback->sums.values[i] = sp_sums_add_up(&writeback->sums, i, SP_SUM_IN_FILE_TO_SHADOW, file);
	return true;
}

/* Writes back changed rows; with "newer", not those that the client has drawn anew. */
static void write_back(struct writeback *writeback, struct sp_sum_range range,
		struct sp_client_file *newer) {
	struct sp_sum_range rows = { range.first, range.first };
	for (size_t i = range.first; i < range.end; i++) {
		uint64_t sum = sp_sums_add_up(&writeback->sums, i, SP_SUM_IN_SHADOW, NULL);
		bool changed = sum != writeback->sums.values[i];
		if (!changed || (newer != NULL && take_newer(writeback, i, newer))) {
			write_back_rows(writeback, rows);
			rows.first = i + 1;
		} else {
			writeback->sums.values[i] = sum;
		}
		rows.end = i + 1;
	}
	write_back_rows(writeback, rows);
}

/* Writes back without an event. */
static void settle(struct writeback *writeback, struct sp_sum_range range) {
	struct sp_client_file newer;
	sp_client_file_init(&newer, writeback->buffer);
	write_back(writeback, range, &newer);
	sp_client_file_finish(&newer);
}

/* An event visits each writeback once, however often it finds it. */
static void mark_pool(struct sp_pool *pool) {
	struct writeback *writeback;
	wl_list_for_each(writeback, get_writebacks(pool), pool_link) {
		writeback->visited = false;
	}
}

static bool overlap(const struct sealpool_buffer *a,
		const struct sealpool_buffer *b) {
	return sp_layout_start(&a->view.layout) < b->view.layout.end &&
		sp_layout_start(&b->view.layout) < a->view.layout.end;
}

/* Handles all writebacks of these bytes: one whose sums were not updated would write
 * them back again later. */
static void write_back_bytes(struct sealpool_buffer *buffer, bool is_event) {
	struct writeback *writeback;
	wl_list_for_each(writeback, get_writebacks(buffer->pool), pool_link) {
		if (!writeback->visited && overlap(writeback->buffer, buffer)) {
			writeback->visited = true;
			if (is_event && !writeback->abandoned) {
				write_back(writeback, sp_sums_get_all(&writeback->sums), NULL);
			} else {
				settle(writeback, sp_sums_get_all(&writeback->sums));
			}
			writeback->abandoned = false;
		}
	}
}

/* Does not write back, since a client can destroy objects as fast as it creates them. */
static void abandon_bytes(const struct sealpool_buffer *buffer) {
	struct writeback *writeback;
	wl_list_for_each(writeback, get_writebacks(buffer->pool), pool_link) {
		writeback->abandoned |= overlap(writeback->buffer, buffer);
	}
}

/* No object uses the buffer any more. If an event was sent, as for most captures, the
 * rows need not be checked, which would cost as much as copying them. */
static void writeback_end(struct writeback *writeback) {
	const struct sp_client *client = writeback->buffer->pool->client;
	if (!writeback->reported && client->wl_client != NULL && !client->disconnecting) {
		settle(writeback, sp_sums_get_all(&writeback->sums));
	}
	writeback_destroy(writeback);
}

static void handle_epoch_ended(struct wl_listener *listener, void *data) {
	struct guard_pool *pool = wl_container_of(listener, pool, epoch_ended);
	wl_list_remove(&pool->epoch_ended.link);
	wl_list_init(&pool->epoch_ended.link);
	struct writeback *writeback, *tmp;
	wl_list_for_each_safe(writeback, tmp, &pool->writebacks, pool_link) {
		if (wl_list_empty(&writeback->uses)) {
			writeback_end(writeback);
		}
	}
}

void sp_writeback_init_pool(struct sp_pool *base) {
	struct guard_pool *pool = sp_guard_pool(base);
	wl_list_init(&pool->writebacks);
	pool->epoch_ended.notify = handle_epoch_ended;
	wl_list_init(&pool->epoch_ended.link);
}

void sp_writeback_finish_pool(struct sp_pool *base) {
	struct guard_pool *pool = sp_guard_pool(base);
	/* Creating the pool may have failed before. */
	if (pool->epoch_ended.notify != NULL) {
		wl_list_remove(&pool->epoch_ended.link);
	}
}

/* Its last object has ended. */
static void writeback_end_later(struct writeback *writeback) {
	struct sp_pool *base = writeback->buffer->pool;
	struct guard_pool *pool = sp_guard_pool(base);
	struct sp_epoch *epoch = &base->client->context->epoch;
	if (sp_epoch_enter(epoch) == 0) {
		writeback_end(writeback);
	} else if (wl_list_empty(&pool->epoch_ended.link)) {
		wl_signal_add(&epoch->ended, &pool->epoch_ended);
	}
}

/* The object is done with its buffers. */
static void object_end_uses(struct writeback_object *object) {
	struct use *use, *tmp;
	wl_list_for_each_safe(use, tmp, &object->uses, object_link) {
		struct writeback *writeback = use->writeback;
		use_destroy(use);
		bool is_last = wl_list_empty(&writeback->uses);
		if (!is_last || !writeback->reported) {
			abandon_bytes(writeback->buffer);
		}
		if (is_last) {
			writeback_end_later(writeback);
		}
	}
}

static void object_handle_destroy(struct wl_listener *listener, void *data) {
	struct writeback_object *object =
		wl_container_of(listener, object, destroy);
	object_end_uses(object);
	wl_list_remove(&object->destroy.link);
	free(object);
	atomic_fetch_sub_explicit(&objects_len, 1, memory_order_relaxed);
}

/* Makes room for a writeback. One of this same epoch is dropped without checking its
 * rows: there may be hundreds of those. */
static void limit_writebacks(struct sealpool_buffer *buffer) {
	struct sp_pool *pool = buffer->pool;
	uint64_t epoch = sp_client_get_epoch(pool->client);
	uint64_t bytes = buffer_get_bytes(buffer);
	uint64_t bytes_max = WRITEBACKS_OVERLAP * pool->backing.pinned.shadow.charged;
	int count = 1;
	mark_pool(pool);
	struct writeback *writeback, *tmp;
	wl_list_for_each_safe(writeback, tmp, get_writebacks(pool), pool_link) {
		bytes += buffer_get_bytes(writeback->buffer);
		if (++count <= WRITEBACKS_MAX && bytes <= bytes_max) {
			continue;
		}
		if (epoch == 0 || writeback->epoch != epoch) {
			write_back_bytes(writeback->buffer, false);
		}
		if (!wl_list_empty(&writeback->uses)) {
			/* Its objects still use it. */
			sp_guard_expect_release(writeback->buffer);
		}
		writeback_destroy(writeback);
	}
}

static int writeback_create(struct sealpool_buffer *buffer, struct writeback **writeback_ptr) {
	limit_writebacks(buffer);
	struct writeback *writeback = calloc(1, sizeof(*writeback));
	if (writeback == NULL) {
		return -ENOMEM;
	}
	int32_t height = buffer->view.layout.height;
	writeback->buffer = writeback->sums.buffer = buffer;
	writeback->sums.rows = (height - 1) / SUMS_MAX + 1;
	writeback->sums.len = (size_t)((height - 1) / writeback->sums.rows + 1);
	int ret = sp_account_charge(&buffer->pool->client->account,
		SP_RESOURCE_SHADOW_BYTES, writeback_get_charge(writeback));
	if (ret < 0) {
		free(writeback);
		return ret;
	}
	writeback->sums.values = calloc(writeback->sums.len, sizeof(writeback->sums.values[0]));
	if (writeback->sums.values == NULL) {
		sp_account_discharge(&buffer->pool->client->account,
		SP_RESOURCE_SHADOW_BYTES, writeback_get_charge(writeback));
		free(writeback);
		return -ENOMEM;
	}
	sp_sums_take(&writeback->sums, sp_sums_get_all(&writeback->sums));
	wl_list_init(&writeback->uses);
	wl_list_insert(get_writebacks(buffer->pool), &writeback->pool_link);
	sp_guard_change_users(buffer, 1);
	sp_guard_buffer(buffer)->written_back = sp_client_get_epoch(buffer->pool->client);
	*writeback_ptr = writeback;
	return 0;
}

/* Its writeback of this epoch made room for others, and would again. */
static bool was_dropped(struct sealpool_buffer *buffer) {
	uint64_t epoch = sp_client_get_epoch(buffer->pool->client);
	return epoch != 0 && sp_guard_buffer(buffer)->written_back == epoch;
}

static struct writeback *writeback_find(const struct sealpool_buffer *buffer) {
	struct writeback *writeback;
	wl_list_for_each(writeback, get_writebacks(buffer->pool), pool_link) {
		if (writeback->buffer == buffer) {
			return writeback;
		}
	}
	return NULL;
}

static bool has_use(const struct writeback_object *object,
		const struct writeback *writeback) {
	const struct use *use;
	wl_list_for_each(use, &object->uses, object_link) {
		if (use->writeback == writeback) {
			return true;
		}
	}
	return false;
}

static int use_create(struct writeback_object *object, struct writeback *writeback) {
	struct sp_client *client = writeback->buffer->pool->client;
	struct use *use;
	int ret = sp_account_charge(&client->account,
		SP_RESOURCE_SHADOW_BYTES, sizeof(*use));
	if (ret < 0) {
		return ret;
	}
	use = calloc(1, sizeof(*use));
	if (use == NULL) {
		sp_account_discharge(&client->account,
		SP_RESOURCE_SHADOW_BYTES, sizeof(*use));
		return -ENOMEM;
	}
	use->writeback = writeback;
	wl_list_insert(&writeback->uses, &use->writeback_link);
	wl_list_insert(&object->uses, &use->object_link);
	return 0;
}

/* Objects that no longer use a buffer once they are destroyed; unlike an icon, which is
 * still shown. */
static bool is_done_when_destroyed(struct wl_resource *resource) {
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

int sp_writeback_add(struct sealpool_buffer *buffer, struct wl_resource *resource) {
	struct writeback_object *object = object_get(resource);
	if (object == NULL) {
		return -ENOMEM;
	}
	/* The sums of an existing writeback stay: rows that differ from them were
	 * written by another object, and are still to be written back. */
	struct writeback *writeback = writeback_find(buffer);
	if (writeback == NULL && was_dropped(buffer)) {
		sp_guard_expect_release(buffer);
		return 0;
	}
	int ret = writeback == NULL ? writeback_create(buffer, &writeback) : 0;
	if (ret < 0) {
		return ret;
	}
	wl_list_remove(&writeback->pool_link);
	wl_list_insert(get_writebacks(buffer->pool), &writeback->pool_link);
	writeback->epoch = sp_client_get_epoch(buffer->pool->client);
	writeback->written = writeback->reported = false;
	if (!is_done_when_destroyed(resource)) {
		sp_guard_expect_release(buffer);
	}
	ret = has_use(object, writeback) ? 0 : use_create(object, writeback);
	if (wl_list_empty(&writeback->uses)) {
		writeback_destroy(writeback);
	}
	return ret;
}

/* What an event says of a capture: that its buffer may have been written to; what the
 * capture is like, perhaps for each frame; or that it has succeeded or failed, so that the
 * object is done with its buffers. (An object for one capture only is destroyed after it
 * has succeeded.) */
enum meaning { MAY_BE_WRITTEN, DESCRIBES, SUCCEEDS, FAILS };

static const struct {
	const char *interface, *name;
	enum meaning meaning;
} known_events[] = {
	{ "zwlr_screencopy_frame_v1", "buffer", DESCRIBES },
	{ "zwlr_screencopy_frame_v1", "linux_dmabuf", DESCRIBES },
	{ "zwlr_screencopy_frame_v1", "buffer_done", DESCRIBES },
	{ "zwlr_screencopy_frame_v1", "flags", DESCRIBES },
	{ "zwlr_screencopy_frame_v1", "damage", DESCRIBES },
	{ "zwlr_screencopy_frame_v1", "failed", FAILS },
	{ "ext_image_copy_capture_frame_v1", "transform", DESCRIBES },
	{ "ext_image_copy_capture_frame_v1", "damage", DESCRIBES },
	{ "ext_image_copy_capture_frame_v1", "presentation_time", DESCRIBES },
	{ "ext_image_copy_capture_frame_v1", "failed", FAILS },
	{ "weston_capture_source_v1", "format", DESCRIBES },
	{ "weston_capture_source_v1", "size", DESCRIBES },
	{ "weston_capture_source_v1", "complete", SUCCEEDS },
	{ "weston_capture_source_v1", "retry", FAILS },
	{ "weston_capture_source_v1", "failed", FAILS },
};

static enum meaning get_meaning(const struct wl_protocol_logger_message *message) {
	const char *interface = wl_resource_get_class(message->resource);
	for (size_t i = 0; i < sizeof(known_events) /
			sizeof(known_events[0]); i++) {
		if (strcmp(message->message->name, known_events[i].name) == 0 &&
				strcmp(interface,
					known_events[i].interface) == 0) {
			return known_events[i].meaning;
		}
	}
	return MAY_BE_WRITTEN;
}

static void write_back_object(struct writeback_object *object, bool is_done) {
	struct use *use;
	wl_list_for_each(use, &object->uses, object_link) {
		mark_pool(use->writeback->buffer->pool);
	}
	wl_list_for_each(use, &object->uses, object_link) {
		write_back_bytes(use->writeback->buffer, true);
		use->writeback->reported = is_done || use->writeback->written;
	}
}

void sp_writeback_handle_event(const struct wl_protocol_logger_message *message) {
	if (atomic_load_explicit(&objects_len, memory_order_relaxed) == 0) {
		return;
	}
	struct writeback_object *object = object_find(message->resource);
	enum meaning meaning = object != NULL ? get_meaning(message) : DESCRIBES;
	if (meaning == MAY_BE_WRITTEN || meaning == SUCCEEDS) {
		write_back_object(object, meaning == SUCCEEDS);
	}
	if (meaning == SUCCEEDS || meaning == FAILS) {
		object_end_uses(object);
	}
}

void sp_writeback_begin_sync(struct sealpool_buffer *buffer,
		const pixman_region32_t *region) {
	struct writeback *writeback;
	wl_list_for_each(writeback, get_writebacks(buffer->pool), pool_link) {
		settle(writeback, sp_sums_find(&writeback->sums, buffer, region));
	}
}

void sp_writeback_end_sync(struct sealpool_buffer *buffer,
		const pixman_region32_t *region) {
	struct writeback *writeback;
	wl_list_for_each(writeback, get_writebacks(buffer->pool), pool_link) {
		sp_sums_take(&writeback->sums, sp_sums_find(&writeback->sums, buffer, region));
	}
}

void sp_writeback_forget(struct sealpool_buffer *buffer) {
	struct writeback *writeback = writeback_find(buffer);
	if (writeback != NULL) {
		/* Its objects may hold references. */
		sp_guard_expect_release(buffer);
		writeback_end(writeback);
	}
}
