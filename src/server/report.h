/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_REPORT_H
#define SEALPOOL_SERVER_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

struct sp_client;
struct sp_context;

enum sp_report_kind {
	/* The client's file ends before the buffer does. */
	SP_REPORT_SHORT,
	/* The copy does not fit the client's budget. */
	SP_REPORT_OVER_BUDGET,
	/* The compositor lacks what a copy takes. Nobody is ended for that. */
	SP_REPORT_FAILED,
};

struct sp_report;

/** Tells the report's client, or the log in its place. Returns whether the client is to
 * be disconnected. "value" as in struct sp_report. */
typedef bool (*sp_report_func)(const struct sp_report *report,
	enum sp_report_kind kind, int64_t value);

/** What an access met, to be told to the client on the event loop's thread. */
struct sp_report {
	struct wl_list link; /* sp_reports.list, or empty */
	struct sp_client *client;
	sp_report_func post;
	/* The client has been told, or the log in its place. */
	bool posted;
	/* An error of the compositor's has been logged. */
	bool logged;
	enum sp_report_kind kind;
	/* SP_REPORT_SHORT: the size of the client's file, in bytes.
	 * SP_REPORT_FAILED: a negative errno. */
	int64_t value;
};

/** Before any report is posted. */
void sp_reports_init(struct sp_context *context);

void sp_report_init(struct sp_report *report, struct sp_client *client,
	sp_report_func post);
void sp_report_finish(struct sp_report *report);

/**
 * Reports what an access met; "value" as in struct sp_report. On the event loop's
 * thread the client gets its error at once, so that no later error of the
 * compositor's hides it, but is disconnected later. Any thread; the caller
 * keeps the report alive, and holds no lock.
 */
void sp_report_post(struct sp_report *report, enum sp_report_kind kind,
	int64_t value);

/** Tells a client at once what it would be told later, and has it disconnected
 * later if that is to be. On the event loop's thread. */
void sp_report_flush(struct sp_client *client);

#endif
