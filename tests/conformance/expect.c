/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"

static const char spaces[] = " \t\r\n";

static _Noreturn void fail(const char *path, unsigned line, const char *what) {
	fprintf(stderr, "sealpool-conformance: %s:%u: %s\n", path, line, what);
	exit(2);
}

static void add(struct expectations *expectations, const char *path,
		unsigned number, char *line) {
	char *pattern = line + strspn(line, spaces);
	if (*pattern == '\0' || *pattern == '#') {
		return;
	}
	char *end = pattern + strcspn(pattern, spaces);
	char *reason = end + strspn(end, spaces);
	if (*reason == '\0') {
		fail(path, number, "a reason must follow the pattern");
	}
	*end = '\0';
	for (end = reason + strlen(reason);
			strchr(spaces, end[-1]) != NULL; end--) {
		end[-1] = '\0';
	}
	size_t size = (expectations->len + 1) * sizeof(expectations->list[0]);
	struct expectation *list = realloc(expectations->list, size);
	if (list == NULL) {
		fail(path, number, strerror(ENOMEM));
	}
	expectations->list = list;
	struct expectation *added = &list[expectations->len++];
	*added = (struct expectation){
		.pattern = strdup(pattern),
		.reason = strdup(reason),
		.line = number,
	};
	if (added->pattern == NULL || added->reason == NULL) {
		fail(path, number, strerror(ENOMEM));
	}
}

void expectations_read(struct expectations *expectations, const char *path) {
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	unsigned number = 0;
	while (file != NULL && getline(&line, &size, file) >= 0) {
		add(expectations, path, ++number, line);
	}
	free(line);
	if (file == NULL || ferror(file)) {
		fprintf(stderr, "sealpool-conformance: %s: %s\n", path,
			strerror(errno));
		exit(2);
	}
	fclose(file);
}

void expectations_finish(struct expectations *expectations) {
	for (size_t i = 0; i < expectations->len; i++) {
		free(expectations->list[i].pattern);
		free(expectations->list[i].reason);
	}
	free(expectations->list);
}

const char *expectations_find(const struct expectations *expectations,
		const char *name) {
	for (size_t i = 0; i < expectations->len; i++) {
		if (fnmatch(expectations->list[i].pattern, name, 0) == 0) {
			return expectations->list[i].reason;
		}
	}
	return NULL;
}
