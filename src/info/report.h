/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_INFO_REPORT_H
#define SEALPOOL_INFO_REPORT_H

#include "probe.h"

/** Prints results to stdout as text or JSON: "add" is called for each result, between
 * "begin" and "end". Protected: the compositor was seen to use Sealpool. */
struct report {
	void (*begin)(const struct connection *connection,
		const struct budgets *budgets);
	void (*add)(const struct sort *sort, const struct result *result,
		bool first);
	void (*end)(bool has_feedback, bool is_protected);
};

extern const struct report text_report, json_report;

#endif
