/* SPDX-License-Identifier: MIT */
/*
 * One wl_buffer. The compositor may reference the buffer longer than the wl_buffer
 * exists.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-server-protocol.h>

#include "buffer.h"
#include "context.h"
#include "pool.h"

void sp_buffer_leave_resource(struct sealpool_buffer *buffer) {
	buffer->resource = NULL;
	/* From now on the contents are those of the last commit: later commits of
	 * other buffers in the same memory make nothing stale. */
	sp_view_set_final(&buffer->view);
	if (atomic_load(&buffer->refs) > 1 && buffer->pool->client->wl_client == NULL) {
		sp_view_set_orphan(&buffer->view);
	}
	sealpool_buffer_unref(buffer);
}

void sp_buffers_handle_client_gone(struct sp_client *client) {
	struct sp_pool *pool;
	struct sealpool_buffer *buffer;
	/* Most buffers that still have a wl_buffer are destroyed with it. */
	wl_list_for_each(pool, &client->pools, link) {
		wl_list_for_each(buffer, &pool->buffers, link) {
			if (buffer->resource == NULL) {
				sp_view_set_orphan(&buffer->view);
			}
		}
	}
}

void sp_buffer_sync(struct sealpool_buffer *buffer) {
	sp_view_sync(&buffer->view, sp_client_get_epoch(buffer->pool->client));
}

static void buffer_destroy(struct sealpool_buffer *buffer) {
	assert(buffer->tracked == NULL);
	struct sp_context *context = buffer->pool->client->context;
	sp_lock_acquire(&context->reports.lock);
	wl_list_remove(&buffer->report.link);
	sp_lock_release(&context->reports.lock);
	const struct sp_front *front = context->front;
	if (front->buffer_gone != NULL) {
		front->buffer_gone(buffer);
	}
	sp_view_finish(&buffer->view);
	wl_list_remove(&buffer->link);
	sp_client_dismiss_buffer(buffer->pool->client);
	sp_pool_unref(buffer->pool);
	free(buffer);
}

/*
 * Reports of accesses
 *
 * Only the thread of the event loop may use libwayland's objects, so an access that
 * finds bytes missing adds a report. On that thread, the error is posted at once. On
 * another thread, the loop is woken to post it, unless a request of the client flushes
 * its reports before. A client is disconnected only by the loop, never inside an access,
 * since the compositor is using its buffer. Each buffer has one report, so a fault that
 * occurs a thousand times is posted once.
 */

/* Returns whether to disconnect the client. */
static bool post_short(struct sealpool_buffer *buffer,
		uint64_t file_size) {
	const struct sp_pool *pool = buffer->pool;
	struct sp_context *context = pool->client->context;
	if (context->short_file != NULL) {
		sp_log(context, SEALPOOL_LOG_INFO, "client %d: pool of "
			"%" PRIi32 " bytes, but its file has %" PRIu64 ": the "
			"buffer ends at %" PRIu64,
			sp_client_get_pid(pool->client), pool->size, file_size,
			buffer->view.layout.end);
		context->short_file(buffer, file_size, context->short_file_data);
		return false;
	}
	sp_post_error(context, buffer->resource, WL_SHM_ERROR_INVALID_FD,
		"pool of %" PRIi32 " bytes, but its file has %" PRIu64 ": the "
		"buffer ends at %" PRIu64, pool->size, file_size,
		buffer->view.layout.end);
	return true;
}

/* Returns whether to disconnect the client. */
static bool post(struct sealpool_buffer *buffer,
		const struct sp_report *report) {
	struct sp_client *client = buffer->pool->client;
	/* A client that has destroyed its wl_buffer no longer cares for the contents,
	 * and there is no object left for an error. */
	if (buffer->resource == NULL || client->wl_client == NULL) {
		return false;
	}
	switch (report->event) {
	case SP_EVENT_SHORT_FILE:
		return post_short(buffer, (uint64_t)report->value);
	case SP_EVENT_REFUSED:
		sp_client_post_refused(client);
		return true;
	case SP_EVENT_FAILED:
		sp_log(client->context, SEALPOOL_LOG_ERROR, "cannot copy a "
			"buffer of client %d, which reads as zero or is not "
			"written this time: %s",
			sp_client_get_pid(client), strerror((int)-report->value));
		return false;
	case SP_EVENT_SILENT:
		break;
	}
	return false;
}

/* Takes the first report of a client, or of any client for NULL. Buffers are destroyed only
 * on this thread, so the buffer stays valid. Returns NULL if there is no report. */
static struct sealpool_buffer *take_report(struct sp_reports *reports,
		const struct sp_client *client, struct sp_report *taken) {
	struct sealpool_buffer *buffer, *found = NULL;
	sp_lock_acquire(&reports->lock);
	wl_list_for_each(buffer, &reports->list, report.link) {
		if (client == NULL || buffer->pool->client == client) {
			found = buffer;
			break;
		}
	}
	if (found != NULL) {
		*taken = found->report;
		wl_list_remove(&found->report.link);
		wl_list_init(&found->report.link);
		found->report.logged |= taken->event == SP_EVENT_FAILED;
		found->report.posted |= taken->event != SP_EVENT_FAILED;
	}
	sp_lock_release(&reports->lock);
	return found;
}

static void handle_reports(struct sp_mailbox *mailbox) {
	struct sp_context *context = wl_container_of(mailbox, context, mailbox);
	struct sealpool_buffer *buffer;
	struct sp_report taken;
	while ((buffer = take_report(&context->reports, NULL, &taken)) != NULL) {
		/* Destroying the client may remove other reports. */
		if (post(buffer, &taken)) {
			wl_client_destroy(buffer->pool->client->wl_client);
		}
	}
}

void sp_reports_flush(struct sp_client *client) {
	struct sealpool_buffer *buffer;
	struct sp_report taken;
	while (!client->disconnecting && (buffer = take_report(
			&client->context->reports, client, &taken)) != NULL) {
		if (post(buffer, &taken)) {
			sp_client_disconnect_later(client);
		}
	}
}

void sp_buffer_report(struct sealpool_buffer *buffer, enum sp_event event,
		int64_t value) {
	struct sp_context *context = buffer->pool->client->context;
	struct sp_reports *reports = &context->reports;
	struct sp_report *report = &buffer->report;
	sp_lock_acquire(&reports->lock);
	bool known = event == SP_EVENT_FAILED ? report->logged : report->posted;
	bool first = !known && wl_list_empty(&report->link);
	if (first) {
		report->event = event;
		report->value = value;
		wl_list_insert(reports->list.prev, &report->link);
	}
	sp_lock_release(&reports->lock);
	if (!first) {
		return;
	}
	if (sp_mailbox_is_here(&context->mailbox)) {
		sp_reports_flush(buffer->pool->client);
	} else {
		sp_mailbox_post(&context->mailbox, SP_MAIL_REPORTS,
			handle_reports);
	}
}

static void handle_event(struct sp_view *view, enum sp_event event,
		int64_t value) {
	struct sealpool_buffer *buffer = wl_container_of(view, buffer, view);
	const struct sp_client *client = buffer->pool->client;
	if (event == SP_EVENT_SILENT) {
		sp_context_request_upkeep(client->context);
		return;
	}
	/* Exceeding the limit of all clients is not this client's fault. */
	if (event == SP_EVENT_REFUSED && !sp_client_exceeds_limit(client)) {
		return;
	}
	/* A slow file may be late at each access to any buffer of its pool. */
	if (event == SP_EVENT_FAILED && value == -ETIMEDOUT &&
			atomic_exchange(&buffer->pool->logged_late, true)) {
		return;
	}
	sp_buffer_report(buffer, event, value);
}

struct sealpool_buffer *sp_buffer_new(struct sp_pool *pool,
		const struct sp_layout *layout, bool guarded) {
	if (!sp_client_admit_buffer(pool->client)) {
		return NULL;
	}
	struct sealpool_buffer *buffer =
		calloc(1, pool->client->context->front->buffer_size);
	if (buffer == NULL) {
		sp_client_dismiss_buffer(pool->client);
		sp_post_no_memory(pool->client->context,
			pool->client->wl_client);
		return NULL;
	}
	buffer->pool = pool;
	sp_pool_ref(pool);
	wl_list_insert(&pool->buffers, &buffer->link);
	buffer->refs = 1;
	wl_list_init(&buffer->report.link);
	sp_view_init(&buffer->view, &pool->backing, layout, handle_event,
		guarded);
	return buffer;
}

struct sealpool_buffer *sealpool_buffer_ref(struct sealpool_buffer *buffer) {
	buffer->refs++;
	return buffer;
}

void sp_buffers_finish(struct sp_context *context) {
	struct sealpool_buffer *buffer =
		atomic_exchange(&context->unused_buffers, NULL);
	while (buffer != NULL) {
		struct sealpool_buffer *next = buffer->next_unused;
		buffer_destroy(buffer);
		buffer = next;
	}
}

static void handle_unused(struct sp_mailbox *mailbox) {
	struct sp_context *context = wl_container_of(mailbox, context, mailbox);
	/* The last buffer of a client frees the client, but not the context. */
	sp_buffers_finish(context);
}

/* A buffer is destroyed only on the event loop's thread, or after the loop is destroyed:
 * its pool and client use libwayland's objects. */
void sealpool_buffer_unref(struct sealpool_buffer *buffer) {
	if (buffer == NULL) {
		return;
	}
	/* The reference keeps the context alive. */
	struct sp_context *context = buffer->pool->client->context;
	unsigned refs = atomic_fetch_sub(&buffer->refs, 1);
	assert(refs > 0);
	if (refs > 1) {
		return;
	}
	if (context->display == NULL ||
			sp_mailbox_is_here(&context->mailbox)) {
		buffer_destroy(buffer);
		return;
	}
	buffer->next_unused = context->unused_buffers;
	while (!atomic_compare_exchange_weak(&context->unused_buffers,
			&buffer->next_unused, buffer)) {
	}
	sp_mailbox_post(&context->mailbox, SP_MAIL_UNUSED, handle_unused);
}

struct wl_resource *sealpool_buffer_get_resource(
		struct sealpool_buffer *buffer) {
	return buffer->resource;
}

int32_t sealpool_buffer_get_width(const struct sealpool_buffer *buffer) {
	return buffer->view.layout.width;
}

int32_t sealpool_buffer_get_height(const struct sealpool_buffer *buffer) {
	return buffer->view.layout.height;
}

int32_t sealpool_buffer_get_stride(const struct sealpool_buffer *buffer) {
	return (int32_t)buffer->view.layout.planes[0].stride;
}

int32_t sealpool_buffer_get_offset(const struct sealpool_buffer *buffer) {
	return (int32_t)sp_layout_start(&buffer->view.layout);
}

uint32_t sealpool_buffer_get_format(const struct sealpool_buffer *buffer) {
	return buffer->view.layout.format->drm;
}

bool sealpool_buffer_get_plane(const struct sealpool_buffer *buffer,
		uint32_t plane, int32_t *offset, int32_t *stride) {
	const struct sp_layout *layout = &buffer->view.layout;
	if (plane >= layout->format->planes_len) {
		return false;
	}
	*offset = (int32_t)layout->planes[plane].offset;
	*stride = (int32_t)layout->planes[plane].stride;
	return true;
}

enum sealpool_memory_kind sealpool_buffer_get_kind(
		const struct sealpool_buffer *buffer) {
	return atomic_load_explicit(&buffer->view.kind, memory_order_acquire);
}

int sealpool_buffer_get_fd(struct sealpool_buffer *buffer) {
	return sealpool_buffer_get_kind(buffer) == SEALPOOL_MEMORY_DIRECT &&
			!buffer->view.orphan ?
		buffer->pool->backing.file.fd : -ENOTSUP;
}

/* Fills in everything but the data. */
static void describe(struct sealpool_buffer *buffer,
		struct sealpool_access *access) {
	access->format = buffer->view.layout.format->drm;
	access->stride = buffer->view.layout.planes[0].stride;
	access->buffer = buffer;
}

/* Apart from what follows, as the compiler would save registers for it there. */
__attribute__((noinline))
static int begin_any(struct sealpool_buffer *buffer, uint32_t flags,
		struct sealpool_access *access) {
	assert(flags != 0);
	assert((flags & ~(SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE)) == 0);
	uint64_t epoch = sp_client_get_epoch(buffer->pool->client);
	struct sp_access begun;
	int ret = (flags & SEALPOOL_ACCESS_WRITE) ?
		sp_view_begin_write(&buffer->view, epoch, &begun) :
		sp_view_begin_read(&buffer->view, epoch, &begun);
	*access = (struct sealpool_access){
		.data = begun.data,
		.held = begun.held,
		.flags = begun.flags,
	};
	describe(buffer, access);
	return ret;
}

/* The most common access, reading a direct buffer, takes the fewest instructions. */
int sealpool_buffer_begin_access(struct sealpool_buffer *buffer,
		uint32_t flags, struct sealpool_access *access) {
	uint8_t *data;
	if (flags != SEALPOOL_ACCESS_READ ||
			!sp_view_begin_direct(&buffer->view, &data)) {
		return begin_any(buffer, flags, access);
	}
	describe(buffer, access);
	access->flags = 0;
	access->data = data;
	return 0;
}

__attribute__((noinline))
static void end_any(struct sealpool_access *access) {
	struct sp_access begun = {
		.held = access->held,
		.flags = access->flags,
	};
	sp_view_end(&access->buffer->view, &begun);
	access->flags = 0;
}

void sealpool_buffer_end_access(struct sealpool_access *access) {
	if (access->flags != 0) {
		end_any(access);
	}
}

bool sealpool_buffer_is_tracked(const struct sealpool_buffer *buffer) {
	return buffer->view.tracked;
}

void sealpool_buffer_send_release(struct sealpool_buffer *buffer) {
	if (buffer->resource != NULL) {
		wl_buffer_send_release(buffer->resource);
	}
}
