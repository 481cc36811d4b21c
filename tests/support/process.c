/* SPDX-License-Identifier: MIT */
/*
 * What this process has open, mapped and running.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "process.h"

size_t count_fds(void) {
	DIR *dir = opendir("/proc/self/fd");
	assert_non_null(dir);
	/* Neither ".", "..", nor the directory's own fd. */
	size_t count = 0;
	while (readdir(dir) != NULL) {
		count++;
	}
	closedir(dir);
	return count - 3;
}

size_t count_threads(void) {
	struct stat st;
	/* The number of links is that of the threads, and two. */
	assert_int_equal(stat("/proc/self/task", &st), 0);
	return (size_t)st.st_nlink - 2;
}

size_t count_resident_bytes(void) {
	unsigned long total, resident;
	FILE *statm = fopen("/proc/self/statm", "re");
	assert_non_null(statm);
	assert_int_equal(fscanf(statm, "%lu %lu", &total, &resident), 2);
	fclose(statm);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t add_mappings(const char *text, const char *other,
		size_t *bytes) {
	FILE *maps = fopen("/proc/self/maps", "re");
	assert_non_null(maps);
	char line[4096 + 256];
	size_t count = 0, start, end;
	*bytes = 0;
	while (fgets(line, sizeof(line), maps) != NULL) {
		if ((strstr(line, text) != NULL ||
				strstr(line, other) != NULL) &&
				sscanf(line, "%zx-%zx", &start, &end) == 2) {
			count++;
			*bytes += end - start;
		}
	}
	fclose(maps);
	return count;
}

size_t count_mappings(const char *text, const char *other) {
	size_t bytes;
	return add_mappings(text, other, &bytes);
}

size_t count_mapped_bytes(const char *text, const char *other) {
	size_t bytes;
	add_mappings(text, other, &bytes);
	return bytes;
}
