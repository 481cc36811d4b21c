/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_TRACES_H
#define SUPPORT_TRACES_H

/**
 * Checks that a test leaves nothing behind in its process: no file descriptors, and no
 * mappings of files that it created.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/** Counts the mappings of memfds, and of files without a name. */
size_t traces_count_mappings(void);

/** For cmocka. "state" remains the test's own. */
int traces_setup(void **state);
int traces_teardown(void **state);

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, traces_setup, traces_teardown)

#endif
