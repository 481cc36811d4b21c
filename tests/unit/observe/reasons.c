/* SPDX-License-Identifier: MIT */
/* The reasons why a pool is copied, by its file and its seals. */
#include <fcntl.h>
#include <unistd.h>

#include "sealpool-shm-feedback-v1-server-protocol.h"

#include "memfd.h"
#include "observe/reasons.h"
#include "server/pool.h"
#include "traces.h"

#define BYTES 8192

#define NO_SEAL SEALPOOL_SHM_FEEDBACK_V1_REASON_NO_SEAL
#define SHORT SEALPOOL_SHM_FEEDBACK_V1_REASON_SHORT
#define READ_ONLY SEALPOOL_SHM_FEEDBACK_V1_REASON_READ_ONLY
#define FILE_SYSTEM SEALPOOL_SHM_FEEDBACK_V1_REASON_FILE_SYSTEM
#define SPARSE SEALPOOL_SHM_FEEDBACK_V1_REASON_SPARSE
#define LATE SEALPOOL_SHM_FEEDBACK_V1_REASON_LATE
#define NOT_WRITABLE SEALPOOL_SHM_FEEDBACK_V1_REASON_NOT_WRITABLE

static struct sp_memory memory;

/* Makes a pool that has only its file. Takes ownership of the fd. */
static struct sp_pool make_pool(int fd) {
	struct sp_pool pool = {
		.size = BYTES,
		.backing = { .memory = &memory },
	};
	const char *reason;
	assert_int_equal(sp_file_init(&pool.backing.file, fd, &reason), 0);
	return pool;
}

/* Checks the reasons for a pool of the kind that its file allows, and closes it. */
static void expect_pool(struct sp_pool *pool, enum sealpool_memory_kind kind,
		uint32_t reasons) {
	assert_int_equal(sp_reasons_get_pool_kind(pool), kind);
	assert_int_equal(sp_reasons_get(pool, NULL, kind), reasons);
	close(pool->backing.file.fd);
}

static int create_drawn(off_t size, int seals) {
	int fd = create_memfd(size, 0);
	fill_memfd(fd, size, 1);
	assert_true(seals == 0 || fcntl(fd, F_ADD_SEALS, seals) == 0);
	return fd;
}

static void sealed_pool_has_none(void **state) {
	struct sp_pool pool = make_pool(create_drawn(BYTES, F_SEAL_SHRINK));
	expect_pool(&pool, SEALPOOL_MEMORY_DIRECT, 0);
}

static void pool_without_memory_is_sparse(void **state) {
	struct sp_pool pool = make_pool(create_memfd(BYTES, F_SEAL_SHRINK));
	expect_pool(&pool, SEALPOOL_MEMORY_DIRECT, SPARSE);
}

static void pool_without_a_seal(void **state) {
	struct sp_pool pool = make_pool(create_drawn(BYTES, 0));
	expect_pool(&pool, SEALPOOL_MEMORY_SHADOW, NO_SEAL);
}

static void file_that_is_too_short(void **state) {
	struct sp_pool pool = make_pool(create_drawn(BYTES / 2, F_SEAL_SHRINK));
	expect_pool(&pool, SEALPOOL_MEMORY_SHADOW, SHORT);
	pool = make_pool(create_drawn(BYTES / 2, 0));
	expect_pool(&pool, SEALPOOL_MEMORY_SHADOW, SHORT | NO_SEAL);
}

static void read_only_pool_is_read_in_place(void **state) {
	int fd = create_drawn(BYTES, F_SEAL_SHRINK);
	struct sp_pool pool = make_pool(reopen(fd, O_RDONLY));
	close(fd);
	expect_pool(&pool, SEALPOOL_MEMORY_DIRECT, READ_ONLY);
	pool = make_pool(create_drawn(BYTES, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE));
	expect_pool(&pool, SEALPOOL_MEMORY_DIRECT, READ_ONLY);
}

/* As with libwayland's functions for wl_shm. */
static void read_only_pool_is_copied_where_any_access_may_write(void **state) {
	memory.in_place = &sp_mapping_write;
	struct sp_pool pool = make_pool(
		create_drawn(BYTES, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE));
	expect_pool(&pool, SEALPOOL_MEMORY_SHADOW, READ_ONLY | NOT_WRITABLE);
	pool = make_pool(create_drawn(BYTES, F_SEAL_SHRINK));
	expect_pool(&pool, SEALPOOL_MEMORY_DIRECT, 0);
	memory.in_place = &sp_mapping_read;
}

static void pool_behind_a_guard_is_late(void **state) {
	struct sp_pool pool = make_pool(create_drawn(BYTES, F_SEAL_SHRINK));
	pool.backing.is_pinned = true;
	expect_pool(&pool, SEALPOOL_MEMORY_SHADOW, LATE);
}

/* The seals and the size of a slow file are not read. */
static void slow_file_has_the_wrong_file_system(void **state) {
	struct sp_pool pool = make_pool(create_drawn(BYTES / 2, 0));
	pool.backing.file.kind = SP_FILE_SLOW;
	expect_pool(&pool, SEALPOOL_MEMORY_SHADOW, FILE_SYSTEM);
}

static void kinds_are_the_protocols(void **state) {
	assert_int_equal(sp_reasons_get_kind(SEALPOOL_MEMORY_DIRECT),
		SEALPOOL_SHM_FEEDBACK_V1_KIND_DIRECT);
	assert_int_equal(sp_reasons_get_kind(SEALPOOL_MEMORY_NOFAULT),
		SEALPOOL_SHM_FEEDBACK_V1_KIND_NOFAULT);
	assert_int_equal(sp_reasons_get_kind(SEALPOOL_MEMORY_SHADOW),
		SEALPOOL_SHM_FEEDBACK_V1_KIND_SHADOW);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(sealed_pool_has_none),
		TEST(pool_without_memory_is_sparse),
		TEST(pool_without_a_seal),
		TEST(file_that_is_too_short),
		TEST(read_only_pool_is_read_in_place),
		TEST(read_only_pool_is_copied_where_any_access_may_write),
		TEST(pool_behind_a_guard_is_late),
		TEST(slow_file_has_the_wrong_file_system),
		TEST(kinds_are_the_protocols),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
