/* SPDX-License-Identifier: MIT */
/*
 * From an access on any thread to an error for the client.
 *
 * libwayland's objects belong to the thread of the event loop, so an access
 * that finds bytes missing leaves a note here. On that thread the error is posted
 * at once; on another one the loop is woken to do so, unless a request of the
 * client asks for it before. A client is disconnected from the loop only, never
 * inside an access: the compositor is using its buffer. A buffer has one note:
 * what a client does wrong a thousand times until then is told once.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "buffer.h"
#include "context.h"
#include "fault.h"
#include "pool.h"

/* Returns whether the client is to go. */
static bool post_short(struct sealpool_buffer *buffer, uint64_t file_size) {
	struct sp_pool *pool = buffer->pool;
	struct sp_context *context = pool->client->context;
	sp_log(context, SEALPOOL_LOG_INFO, "client %d: a buffer ends at byte "
		"%" PRIu64 " of a pool of %" PRIi32 " bytes, whose file has "
		"%" PRIu64 "%s", sp_client_get_pid(pool->client),
		buffer->layout.end, pool->size, file_size,
		context->lenient ? "" : ": disconnected");
	if (context->lenient) {
		return false;
	}
	wl_resource_post_error(buffer->resource, WL_SHM_ERROR_INVALID_FD,
		"pool of %" PRIi32 " bytes, but its file has %" PRIu64 ": "
		"the buffer ends at %" PRIu64, pool->size, file_size,
		buffer->layout.end);
	return true;
}

/* The same. */
static bool post_fault(const struct sp_fault *fault) {
	struct sealpool_buffer *buffer = fault->buffer;
	struct sp_client *client = buffer->pool->client;
	/* A client that has destroyed its wl_buffer has said that the contents
	 * no longer matter to it, and has no object left to blame. */
	if (buffer->resource == NULL || client->wl_client == NULL) {
		return false;
	}
	switch (fault->kind) {
	case SP_FAULT_SHORT:
		return post_short(buffer, (uint64_t)fault->value);
	case SP_FAULT_OVER_BUDGET:
		sp_client_post_over(client);
		return true;
	case SP_FAULT_FAILED:
		sp_log(client->context, SEALPOOL_LOG_ERROR, "cannot copy a buffer "
			"of client %d, which reads as zero: %s",
			sp_client_get_pid(client),
			strerror((int)-fault->value));
		return false;
	}
	return false;
}

/* Takes the first note of a client, or of any for NULL. Buffers are destroyed on
 * this thread only, so the note's is still there. */
static bool take_note(struct sp_fault_queue *queue,
		const struct sp_client *client, struct sp_fault *note) {
	bool found = false;
	struct sp_fault *fault;
	pthread_mutex_lock(&queue->lock);
	wl_list_for_each(fault, &queue->faults, link) {
		if (client == NULL || fault->buffer->pool->client == client) {
			*note = *fault;
			found = true;
			break;
		}
	}
	if (found) {
		wl_list_remove(&fault->link);
		wl_list_init(&fault->link);
		if (fault->kind == SP_FAULT_FAILED) {
			fault->logged = true;
		} else {
			fault->told = true;
		}
	}
	pthread_mutex_unlock(&queue->lock);
	return found;
}

/* One's end may be another's, if a compositor so wishes. */
static void disconnect_ending(struct sp_context *context) {
	struct sp_client *client;
	bool found;
	do {
		found = false;
		wl_list_for_each(client, &context->clients, link) {
			if (client->ending && client->wl_client != NULL) {
				found = true;
				wl_client_destroy(client->wl_client);
				break;
			}
		}
	} while (found);
}

static int handle_wakeup(int fd, uint32_t mask, void *data) {
	struct sp_context *context = data;
	struct sp_fault_queue *queue = &context->faults;
	eventfd_t count;
	eventfd_read(fd, &count);
	sp_fault_queue_note_thread(queue);
	sp_idle_handle_wakeup(context);
	/* Who goes in any case may make room enough. */
	if (queue->ending) {
		queue->ending = false;
		disconnect_ending(context);
	}
	struct sp_fault note;
	while (take_note(queue, NULL, &note)) {
		/* With the client, other notes may go. */
		if (post_fault(&note)) {
			wl_client_destroy(note.buffer->pool->client->wl_client);
		}
	}
	if (atomic_exchange(&queue->crowd, false)) {
		sp_budget_make_room(context);
	}
	return 0;
}

int sp_fault_queue_init(struct sp_context *context) {
	struct sp_fault_queue *queue = &context->faults;
	sp_fault_queue_note_thread(queue);
	wl_list_init(&queue->faults);
	queue->wakeup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (queue->wakeup_fd < 0) {
		return -errno;
	}
	queue->wakeup = wl_event_loop_add_fd(
		wl_display_get_event_loop(context->display), queue->wakeup_fd,
		WL_EVENT_READABLE, handle_wakeup, context);
	if (queue->wakeup == NULL) {
		close(queue->wakeup_fd);
		return -ENOMEM;
	}
	int ret = pthread_mutex_init(&queue->lock, NULL);
	if (ret != 0) {
		wl_event_source_remove(queue->wakeup);
		close(queue->wakeup_fd);
		return -ret;
	}
	return 0;
}

void sp_fault_queue_detach(struct sp_context *context) {
	wl_event_source_remove(context->faults.wakeup);
	context->faults.wakeup = NULL;
}

void sp_fault_queue_finish(struct sp_context *context) {
	close(context->faults.wakeup_fd);
	pthread_mutex_destroy(&context->faults.lock);
}

void sp_fault_init(struct sp_fault *fault, struct sealpool_buffer *buffer) {
	*fault = (struct sp_fault){ .buffer = buffer };
	wl_list_init(&fault->link);
}

static struct sp_fault_queue *get_queue(struct sp_fault *fault) {
	return &fault->buffer->pool->client->context->faults;
}

void sp_fault_finish(struct sp_fault *fault) {
	struct sp_fault_queue *queue = get_queue(fault);
	pthread_mutex_lock(&queue->lock);
	wl_list_remove(&fault->link);
	pthread_mutex_unlock(&queue->lock);
}

void sp_fault_wake_up(struct sp_fault_queue *queue) {
	/* Fails only when the counter is full, that is, when the loop has been
	 * woken already. */
	eventfd_write(queue->wakeup_fd, 1);
}

void sp_fault_queue_note_thread(struct sp_fault_queue *queue) {
	atomic_store_explicit(&queue->thread, pthread_self(),
		memory_order_relaxed);
}

void sp_fault_report(struct sp_fault *fault, enum sp_fault_kind kind,
		int64_t value) {
	struct sp_fault_queue *queue = get_queue(fault);
	pthread_mutex_lock(&queue->lock);
	bool known = kind == SP_FAULT_FAILED ? fault->logged : fault->told;
	bool first = !known && wl_list_empty(&fault->link);
	if (first) {
		fault->kind = kind;
		fault->value = value;
		wl_list_insert(queue->faults.prev, &fault->link);
	}
	pthread_mutex_unlock(&queue->lock);
	if (!first) {
		return;
	}
	if (pthread_equal(queue->thread, pthread_self())) {
		sp_fault_tell(fault->buffer->pool->client);
	} else {
		sp_fault_wake_up(queue);
	}
}

void sp_fault_tell(struct sp_client *client) {
	struct sp_fault note;
	while (!client->ending &&
			take_note(&client->context->faults, client, &note)) {
		if (post_fault(&note)) {
			sp_client_end_later(client);
		}
	}
}

void sp_fault_report_ending(struct sp_fault_queue *queue) {
	queue->ending = true;
	sp_fault_wake_up(queue);
}

void sp_fault_report_crowd(struct sp_fault_queue *queue) {
	if (!atomic_exchange(&queue->crowd, true)) {
		sp_fault_wake_up(queue);
	}
}
