/* SPDX-License-Identifier: MIT */
/*
 * What a test leaves behind, from /proc.
 */
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "process.h"
#include "traces.h"

/* The numbers before the current test. */
static size_t fds_before, mappings_before;

size_t traces_count_mappings(void) {
	return count_mappings("/memfd:", " (deleted)");
}

int traces_setup(void **state) {
	fds_before = count_fds();
	mappings_before = traces_count_mappings();
	return 0;
}

int traces_teardown(void **state) {
	/* A thread may close some of them: see discard.c. */
	for (int i = 0; i < 1000 && count_fds() != fds_before; i++) {
		usleep(1000);
	}
	ssize_t fds = (ssize_t)count_fds() - (ssize_t)fds_before;
	ssize_t mappings = (ssize_t)traces_count_mappings() -
		(ssize_t)mappings_before;
	if (fds != 0 || mappings != 0) {
		print_error("the test has left %zd fds open, and %zd "
			"mappings\n", fds, mappings);
		return -1;
	}
	return 0;
}
