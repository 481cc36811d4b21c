/* SPDX-License-Identifier: MIT */
/*
 * Reports: errors that an access on any thread finds, posted to the client.
 *
 * Only the thread of the event loop may use libwayland's objects, so an access that
 * finds bytes missing adds a report. On that thread, the error is posted at once. On
 * another thread, the loop is woken to post it, unless a request of the client flushes
 * its reports before. A client is disconnected only by the loop, never inside an access,
 * since the compositor is using its buffer. Each buffer has one report, so a fault that
 * occurs a thousand times is posted once. The report's owner chooses the message.
 */
#include "client.h"
#include "context.h"
#include "report.h"

struct taken {
	struct sp_report *report;
	enum sp_event event;
	int64_t value;
};

/* Takes the first report of a client, or of any client for NULL. Owners of reports are
 * destroyed only on this thread, so the report stays valid. */
static bool take(struct sp_reports *reports, const struct sp_client *client,
		struct taken *taken) {
	bool found = false;
	struct sp_report *report;
	sp_lock_acquire(&reports->lock);
	wl_list_for_each(report, &reports->list, link) {
		if (client == NULL || report->client == client) {
			found = true;
			break;
		}
	}
	if (found) {
		*taken = (struct taken){ report, report->event, report->value };
		wl_list_remove(&report->link);
		wl_list_init(&report->link);
		if (report->event == SP_EVENT_FAILED) {
			report->logged = true;
		} else {
			report->posted = true;
		}
	}
	sp_lock_release(&reports->lock);
	return found;
}

static bool post(const struct taken *taken) {
	return taken->report->post(taken->report, taken->event, taken->value);
}

static void handle_mail(struct sp_mail *mail) {
	struct sp_reports *reports = wl_container_of(mail, reports, mail);
	struct taken taken;
	while (take(reports, NULL, &taken)) {
		/* Destroying the client may remove other reports. */
		if (post(&taken)) {
			wl_client_destroy(taken.report->client->wl_client);
		}
	}
}

void sp_reports_init(struct sp_context *context) {
	sp_mailbox_add(&context->mailbox, &context->reports.mail, handle_mail);
}

void sp_report_init(struct sp_report *report, struct sp_client *client,
		sp_report_func post_func) {
	*report = (struct sp_report){ .client = client, .post = post_func };
	wl_list_init(&report->link);
}

static struct sp_context *get_context(const struct sp_report *report) {
	return report->client->context;
}

void sp_report_finish(struct sp_report *report) {
	struct sp_reports *reports = &get_context(report)->reports;
	sp_lock_acquire(&reports->lock);
	wl_list_remove(&report->link);
	sp_lock_release(&reports->lock);
}

void sp_report_post(struct sp_report *report, enum sp_event event,
		int64_t value) {
	struct sp_context *context = get_context(report);
	struct sp_reports *reports = &context->reports;
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
		sp_report_flush(report->client);
	} else {
		sp_mailbox_post(&context->mailbox, &reports->mail);
	}
}

void sp_report_flush(struct sp_client *client) {
	struct taken taken;
	while (!client->disconnecting &&
			take(&client->context->reports, client, &taken)) {
		if (post(&taken)) {
			sp_client_disconnect_later(client);
		}
	}
}
