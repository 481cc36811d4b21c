/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_FILES_H
#define CONFORMANCE_FILES_H

#include "report.h"

/** Write all results to .json and to .junit. See report_end(). */
void files_write_json(const struct report *report, const char *error);
void files_write_junit(const struct report *report, const char *error);

#endif
