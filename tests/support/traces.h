/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_TRACES_H
#define SUPPORT_TRACES_H

/**
 * What a test leaves behind in its process: file descriptors, and mappings of
 * files that it made. It is to leave none.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/** Of memfds, and of files that have no name any more. */
size_t traces_count_mappings(void);

/** For cmocka: "state" remains the test's. */
int traces_setup(void **state);
int traces_teardown(void **state);

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, traces_setup, traces_teardown)

#endif
