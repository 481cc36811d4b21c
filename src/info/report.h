/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_INFO_REPORT_H
#define SEALPOOL_INFO_REPORT_H

#include "probe.h"

/** The two ways of telling what was found out; to stdout. Results come one after
 * the other, between begin and end. */
struct report {
	void (*begin)(const struct connection *connection,
		const struct budgets *budgets);
	void (*add)(const struct sort *sort, const struct result *result,
		bool first);
	void (*end)(void);
};

extern const struct report text_report, json_report;

#endif
