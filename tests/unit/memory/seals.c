/* SPDX-License-Identifier: MIT */
/*
 * The sealed size of files.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "accept.h"
#include "memfd.h"
#include "memory/file.h"
#include "traces.h"

#define SIZE 12345

static void file_without_a_seal_is_sealed_to_nothing(void **state) {
	struct sp_file file = accept_file(create_memfd(SIZE, 0));
	assert_int_equal(file.sealed_size, 0);
	assert_int_equal(sp_file_is_sealed_to(&file, 1), false);
	assert_int_equal(sp_file_is_sealed_to(&file, SIZE), false);
	assert_int_equal(file.sealed_size, 0);
	sp_file_finish(&file);
}

static void only_the_seal_against_shrinking_counts(void **state) {
	static const int seals[] = {
		F_SEAL_SEAL, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_FUTURE_WRITE,
		F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE,
	};
	for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		struct sp_file file = accept_file(create_memfd(SIZE, seals[i]));
		if (file.sealed_size != 0 || sp_file_is_sealed_to(&file, 1)) {
			fail_msg("seals 0x%x seal the file to %llu", seals[i],
				(unsigned long long)file.sealed_size);
		}
		sp_file_finish(&file);
	}
}

static void sealed_file_is_sealed_to_its_size(void **state) {
	struct sp_file file = accept_file(create_memfd(SIZE, F_SEAL_SHRINK));
	assert_int_equal(file.sealed_size, SIZE);
	assert_int_equal(sp_file_is_sealed_to(&file, SIZE - 1), true);
	assert_int_equal(sp_file_is_sealed_to(&file, SIZE), true);
	sp_file_finish(&file);
}

static void byte_past_a_sealed_file_is_not_sealed(void **state) {
	struct sp_file file = accept_file(create_memfd(SIZE, F_SEAL_SHRINK));
	assert_int_equal(sp_file_is_sealed_to(&file, SIZE + 1), false);
	assert_int_equal(sp_file_is_sealed_to(&file, UINT64_MAX), false);
	assert_int_equal(file.sealed_size, SIZE);
	sp_file_finish(&file);
}

static void sealed_size_grows_with_the_file(void **state) {
	struct sp_file file = accept_file(create_memfd(SIZE, F_SEAL_SHRINK));
	assert_int_equal(ftruncate(file.fd, 2 * SIZE), 0);
	assert_int_equal(sp_file_is_sealed_to(&file, 2 * SIZE + 1), false);
	/* The size is recorded although the answer is false. */
	assert_int_equal(file.sealed_size, 2 * SIZE);
	assert_int_equal(sp_file_is_sealed_to(&file, 2 * SIZE), true);
	sp_file_finish(&file);
}

static void file_is_not_looked_at_below_its_sealed_size(void **state) {
	struct sp_file file = accept_file(create_memfd(SIZE, F_SEAL_SHRINK));
	int other = create_memfd(0, 0);
	assert_int_equal(dup2(other, file.fd), file.fd);
	close(other);
	assert_int_equal(sp_file_is_sealed_to(&file, SIZE), true);
	assert_int_equal(sp_file_is_sealed_to(&file, SIZE + 1), false);
	sp_file_finish(&file);
}

static void sealed_size_never_falls(void **state) {
	struct sp_file file = accept_file(create_memfd(SIZE, F_SEAL_SHRINK));
	/* As if another thread had asked when the file was larger. */
	int smaller = create_memfd(SIZE / 2, F_SEAL_SHRINK);
	assert_int_equal(dup2(smaller, file.fd), file.fd);
	close(smaller);
	assert_int_equal(sp_file_is_sealed_to(&file, SIZE + 1), false);
	assert_int_equal(file.sealed_size, SIZE);
	sp_file_finish(&file);
}

static void seal_that_comes_later_is_seen(void **state) {
	struct sp_file file = accept_file(create_memfd(SIZE, 0));
	assert_int_equal(sp_file_is_sealed_to(&file, SIZE), false);
	assert_int_equal(fcntl(file.fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_int_equal(sp_file_is_sealed_to(&file, SIZE), true);
	assert_int_equal(file.sealed_size, SIZE);
	sp_file_finish(&file);
}

/* Once the seal is known to be impossible, from the start or later, the kernel is not
 * asked again. */
static void seal_that_cannot_come_is_not_asked_for(void **state) {
	for (size_t i = 0; i < 2; i++) {
		struct sp_file file = accept_file(create_memfd(SIZE,
			i == 0 ? F_SEAL_GROW | F_SEAL_SEAL : 0));
		if (i == 1) {
			assert_int_equal(fcntl(file.fd, F_ADD_SEALS,
				F_SEAL_SEAL), 0);
			assert_int_equal(sp_file_is_sealed_to(&file, 1), false);
		}
		int other = create_memfd(SIZE, F_SEAL_SHRINK);
		assert_int_equal(dup2(other, file.fd), file.fd);
		close(other);
		assert_int_equal(sp_file_is_sealed_to(&file, 1), false);
		sp_file_finish(&file);
	}
}

static void last_seal_with_the_one_against_shrinking_counts(void **state) {
	struct sp_file file = accept_file(create_memfd(SIZE, 0));
	assert_int_equal(fcntl(file.fd, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_SEAL), 0);
	assert_int_equal(sp_file_is_sealed_to(&file, SIZE), true);
	sp_file_finish(&file);
	file = accept_file(create_memfd(SIZE, F_SEAL_SHRINK | F_SEAL_SEAL));
	assert_int_equal(ftruncate(file.fd, 2 * SIZE), 0);
	assert_int_equal(sp_file_is_sealed_to(&file, 2 * SIZE), true);
	sp_file_finish(&file);
}

static void file_whose_size_cannot_be_told_is_not_sealed(void **state) {
	struct sp_file file = accept_file(create_memfd(SIZE, 0));
	int fd = file.fd;
	close(fd);
	assert_int_equal(sp_file_is_sealed_to(&file, 1), false);
	assert_int_equal(sp_file_get_size(&file), -EBADF);
	file.fd = -1;
	sp_file_finish(&file);
}

#define STEPS 200

struct watch {
	struct sp_file *file;
	atomic_bool *over;
	uint64_t fell_to;
	uint64_t trusted_too_far;
};

/* Watches the sealed size, as a thread that reads buffers would. */
static void *watch_sealed_size(void *data) {
	struct watch *watch = data;
	uint64_t seen = 0;
	while (!*watch->over) {
		/* Under valgrind, one thread runs at a time. */
		sched_yield();
		uint64_t end = seen + 1;
		bool sealed = sp_file_is_sealed_to(watch->file, end);
		uint64_t now = watch->file->sealed_size;
		if (now < seen) {
			watch->fell_to = now;
		}
		if (sealed && now < end) {
			watch->trusted_too_far = end;
		}
		seen = now;
	}
	return NULL;
}

static void sealed_size_only_grows_when_threads_ask_at_once(void **state) {
	struct sp_file file = accept_file(create_memfd(1, F_SEAL_SHRINK));
	atomic_bool over = false;
	struct watch watches[3];
	pthread_t threads[3];
	for (int i = 0; i < 3; i++) {
		watches[i] = (struct watch){ .file = &file, .over = &over };
		assert_int_equal(pthread_create(&threads[i], NULL,
			watch_sealed_size, &watches[i]), 0);
	}
	int failed = 0;
	for (int i = 1; i <= STEPS; i++) {
		failed += ftruncate(file.fd, i * 10) != 0;
		failed += !sp_file_is_sealed_to(&file, (uint64_t)i * 10);
	}
	over = true;
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
	}
	assert_int_equal(failed, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(watches[i].fell_to, 0);
		assert_int_equal(watches[i].trusted_too_far, 0);
	}
	assert_int_equal(file.sealed_size, STEPS * 10);
	sp_file_finish(&file);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(file_without_a_seal_is_sealed_to_nothing),
		TEST(only_the_seal_against_shrinking_counts),
		TEST(sealed_file_is_sealed_to_its_size),
		TEST(byte_past_a_sealed_file_is_not_sealed),
		TEST(sealed_size_grows_with_the_file),
		TEST(file_is_not_looked_at_below_its_sealed_size),
		TEST(sealed_size_never_falls),
		TEST(seal_that_comes_later_is_seen),
		TEST(seal_that_cannot_come_is_not_asked_for),
		TEST(last_seal_with_the_one_against_shrinking_counts),
		TEST(file_whose_size_cannot_be_told_is_not_sealed),
		TEST(sealed_size_only_grows_when_threads_ask_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
