/* SPDX-License-Identifier: MIT */
/*
 * From an access on any thread to an error for the client.
 *
 * libwayland's objects belong to the thread of the event loop, so an access
 * that finds bytes missing leaves a report here. On that thread the error is posted
 * at once; on another one the loop is woken to do so, unless a request of the
 * client asks for it before. A client is disconnected from the loop only, never
 * inside an access: the compositor is using its buffer. A buffer has one report:
 * what a client does wrong a thousand times until then is told once.
 */
#include <inttypes.h>
#include <string.h>
#include <wayland-server-protocol.h>

#include "buffer.h"
#include "context.h"
#include "pool.h"
#include "report.h"

/* Returns whether the client is to go. */
static bool post_short(struct sealpool_buffer *buffer, uint64_t file_size) {
	struct sp_pool *pool = buffer->pool;
	struct sp_context *context = pool->client->context;
	if (context->lenient) {
		sp_log(context, SEALPOOL_LOG_INFO, "client %d: pool of "
			"%" PRIi32 " bytes, but its file has %" PRIu64 ": the "
			"buffer ends at %" PRIu64,
			sp_client_get_pid(pool->client), pool->size, file_size,
			buffer->view.layout.end);
		return false;
	}
	sp_post_error(context, buffer->resource, WL_SHM_ERROR_INVALID_FD,
		"pool of %" PRIi32 " bytes, but its file has %" PRIu64 ": the "
		"buffer ends at %" PRIu64, pool->size, file_size,
		buffer->view.layout.end);
	return true;
}

/* The same. */
static bool post(const struct sp_report *report) {
	struct sealpool_buffer *buffer = report->buffer;
	struct sp_client *client = buffer->pool->client;
	/* A client that has destroyed its wl_buffer has said that the contents
	 * no longer matter to it, and has no object left to blame. */
	if (buffer->resource == NULL || client->wl_client == NULL) {
		return false;
	}
	switch (report->kind) {
	case SP_REPORT_SHORT:
		return post_short(buffer, (uint64_t)report->value);
	case SP_REPORT_OVER_BUDGET:
		sp_client_post_full(client);
		return true;
	case SP_REPORT_FAILED:
		sp_log(client->context, SEALPOOL_LOG_ERROR, "cannot copy a "
			"buffer of client %d, which reads as zero or is not "
			"written to this time: %s",
			sp_client_get_pid(client),
			strerror((int)-report->value));
		return false;
	}
	return false;
}

/* Takes the first report of a client, or of any for NULL. Buffers are destroyed
 * on this thread only, so the report's is still there. */
static bool take(struct sp_reports *reports, const struct sp_client *client,
		struct sp_report *taken) {
	bool found = false;
	struct sp_report *report;
	pthread_mutex_lock(&reports->lock);
	wl_list_for_each(report, &reports->list, link) {
		if (client == NULL || report->buffer->pool->client == client) {
			*taken = *report;
			found = true;
			break;
		}
	}
	if (found) {
		wl_list_remove(&report->link);
		wl_list_init(&report->link);
		if (report->kind == SP_REPORT_FAILED) {
			report->logged = true;
		} else {
			report->told = true;
		}
	}
	pthread_mutex_unlock(&reports->lock);
	return found;
}

static void handle_mail(struct sp_mail *mail) {
	struct sp_reports *reports = wl_container_of(mail, reports, mail);
	struct sp_report report;
	while (take(reports, NULL, &report)) {
		/* With the client, other reports may go. */
		if (post(&report)) {
			wl_client_destroy(
				report.buffer->pool->client->wl_client);
		}
	}
}

int sp_reports_init(struct sp_reports *reports, struct sp_mailbox *mailbox) {
	int ret = pthread_mutex_init(&reports->lock, NULL);
	if (ret != 0) {
		return -ret;
	}
	wl_list_init(&reports->list);
	sp_mailbox_add(mailbox, &reports->mail, handle_mail);
	return 0;
}

void sp_reports_finish(struct sp_reports *reports) {
	pthread_mutex_destroy(&reports->lock);
}

void sp_report_init(struct sp_report *report, struct sealpool_buffer *buffer) {
	*report = (struct sp_report){ .buffer = buffer };
	wl_list_init(&report->link);
}

static struct sp_context *get_context(const struct sp_report *report) {
	return report->buffer->pool->client->context;
}

void sp_report_finish(struct sp_report *report) {
	struct sp_reports *reports = &get_context(report)->reports;
	pthread_mutex_lock(&reports->lock);
	wl_list_remove(&report->link);
	pthread_mutex_unlock(&reports->lock);
}

void sp_report_post(struct sp_report *report, enum sp_report_kind kind,
		int64_t value) {
	struct sp_context *context = get_context(report);
	struct sp_reports *reports = &context->reports;
	pthread_mutex_lock(&reports->lock);
	bool known = kind == SP_REPORT_FAILED ? report->logged : report->told;
	bool first = !known && wl_list_empty(&report->link);
	if (first) {
		report->kind = kind;
		report->value = value;
		wl_list_insert(reports->list.prev, &report->link);
	}
	pthread_mutex_unlock(&reports->lock);
	if (!first) {
		return;
	}
	if (sp_mailbox_is_here(&context->mailbox)) {
		sp_report_tell(report->buffer->pool->client);
	} else {
		sp_mailbox_post(&context->mailbox, &reports->mail);
	}
}

void sp_report_tell(struct sp_client *client) {
	struct sp_report report;
	while (!client->ending &&
			take(&client->context->reports, client, &report)) {
		if (post(&report)) {
			sp_client_end_later(client);
		}
	}
}
