/* SPDX-License-Identifier: MIT */
/*
 * OpenBSD has the flag in each of its kernels, by the name __MAP_NOFAULT: there
 * is nothing to try.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "mapping.h"

void *__real_mmap(void *address, size_t size, int protection, int flags, int fd,
	off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd,
	off_t offset);
/* Which mmap() may well be, where off_t has 64 bits. */
void *__wrap_mmap64(void *address, size_t size, int protection, int flags,
	int fd, off_t offset) __attribute__((alias("__wrap_mmap")));

static int seen_flags;

/* The flag's value is another flag here. */
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd,
		off_t offset) {
	seen_flags = flags;
	return __real_mmap(address, size, protection, flags & ~__MAP_NOFAULT,
		fd, offset);
}

static void nofault_is_there_without_a_try(void **state) {
	seen_flags = 0;
	assert_true(sp_mapping_probe_nofault());
	assert_int_equal(seen_flags, 0);
}

static void nofault_goes_by_its_own_name(void **state) {
	FILE *file = tmpfile();
	assert_non_null(file);
	int fd = fileno(file);
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	struct sp_mapping *mapping = sp_mapping_create(fd, SP_MAPPING_NOFAULT,
		page_size, page_size, false);
	assert_non_null(mapping);
	assert_int_equal(seen_flags, MAP_PRIVATE | __MAP_NOFAULT);
	sp_mapping_unref(mapping);

	/* And nothing else has it. */
	mapping = sp_mapping_create(fd, SP_MAPPING_READ, page_size, page_size,
		false);
	assert_non_null(mapping);
	assert_int_equal(seen_flags, MAP_SHARED);
	sp_mapping_unref(mapping);
	fclose(file);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nofault_is_there_without_a_try),
		cmocka_unit_test(nofault_goes_by_its_own_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
