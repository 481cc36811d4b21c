/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_REPORT_H
#define SEALPOOL_SERVER_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "image/view.h"

struct sp_client;
struct sp_context;

struct sp_report;

/** Posts an error to the report's client, or logs it. Returns whether to disconnect the
 * client. */
typedef bool (*sp_report_func)(const struct sp_report *report,
	enum sp_event event, int64_t value);

/** The error of an access, to be posted on the event loop's thread. */
struct sp_report {
	struct wl_list link; /* sp_reports.list, or empty */
	struct sp_client *client;
	sp_report_func post;
	/* An error for the client was posted, or logged instead. */
	bool posted;
	/* An error of the compositor's has been logged. */
	bool logged;
	enum sp_event event;
	int64_t value;
};

/** Call it before there is a report. */
void sp_reports_init(struct sp_context *context);

void sp_report_init(struct sp_report *report, struct sp_client *client,
	sp_report_func post);
void sp_report_finish(struct sp_report *report);

/**
 * Posts a report. On the event loop's thread, the
 * client gets its error at once, so that no later error of the compositor's hides it,
 * but is disconnected later. Any thread; the caller keeps the report alive, and holds no
 * lock.
 */
void sp_report_post(struct sp_report *report, enum sp_event event,
	int64_t value);

/** Posts the reports of a client now, and schedules its disconnection if one is fatal.
 * On the event loop's thread. */
void sp_report_flush(struct sp_client *client);

#endif
