/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "advice.h"

const struct advice advices[] = {
	{ "file_system", "not in ordinary memory",
		"use memfd_create(), without MFD_HUGETLB" },
	{ "short", "larger than its file",
		"set the file's size before the pool is created" },
	{ "no_seal", "not sealed", "add F_SEAL_SHRINK" },
	{ "late", "sealed too late",
		"set the size and the seal before the pool is created" },
	{ "sparse", "not drawn completely",
		"draw the whole buffer before its first commit, and punch no holes" },
	{ "not_writable", "not writable",
		"pass a descriptor that can be written to, and do not seal the file against writing" },
	{ "budget", "too large to be read in place",
		"share less, and keep no unused memory in the file" },
	{ 0 },
};

static bool is_in(const struct advice *advice, const char *reasons) {
	size_t length = strlen(advice->reason);
	for (const char *reason = reasons; *reason != '\0';) {
		size_t end = strcspn(reason, ",");
		if (end == length && strncmp(reason, advice->reason, end) == 0) {
			return true;
		}
		reason += end + (reason[end] == ',');
	}
	return false;
}

const struct advice *advice_find(const char *reasons) {
	for (const struct advice *advice = advices; advice->reason != NULL;
			advice++) {
		if (is_in(advice, reasons)) {
			return advice;
		}
	}
	return NULL;
}
