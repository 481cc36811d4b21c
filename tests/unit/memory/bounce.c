/* SPDX-License-Identifier: MIT */
/*
 * Copies through a bounce file: all bytes are copied, or none if any of them cannot be
 * read.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "memory/bounce.h"
#include "process.h"
#include "traces.h"

/* Not a power of two. */
#define PIECE 1000
#define PIECES 60
#define UNTOUCHED 0xee

static struct sp_bounce bounce;

static int setup(void **state) {
	traces_setup(state);
	return sp_bounce_init(&bounce);
}

static int teardown(void **state) {
	sp_bounce_finish(&bounce);
	return traces_teardown(state);
}

static uint8_t pattern(size_t i) {
	return (uint8_t)(1 + i % 211);
}

/* A file from which pieces are copied that do not touch one another. */
struct pieces {
	uint8_t *mapping;
	size_t size;
	uint8_t to[PIECES * PIECE];
	struct sp_bounce_piece list[PIECES];
	int fd;
};

static void pieces_create(struct pieces *pieces) {
	size_t gap = PIECE + 24;
	pieces->size = PIECES * gap;
	pieces->fd = memfd_create("sealpool-test", MFD_CLOEXEC);
	assert_true(pieces->fd >= 0);
	assert_int_equal(ftruncate(pieces->fd, (off_t)pieces->size), 0);
	pieces->mapping = mmap(NULL, pieces->size, PROT_READ | PROT_WRITE,
		MAP_SHARED, pieces->fd, 0);
	assert_true(pieces->mapping != MAP_FAILED);
	for (size_t i = 0; i < pieces->size; i++) {
		pieces->mapping[i] = pattern(i);
	}
	memset(pieces->to, UNTOUCHED, sizeof(pieces->to));
	for (size_t i = 0; i < PIECES; i++) {
		pieces->list[i] = (struct sp_bounce_piece){
			.offset = i * gap,
			/* In reverse order. */
			.to = pieces->to + (PIECES - 1 - i) * PIECE,
			.length = PIECE,
		};
	}
}

static void pieces_destroy(struct pieces *pieces) {
	munmap(pieces->mapping, pieces->size);
	close(pieces->fd);
}

static bool pieces_arrived(const struct pieces *pieces) {
	for (size_t i = 0; i < PIECES; i++) {
		for (size_t j = 0; j < PIECE; j++) {
			uint8_t expected = pattern(i * (PIECE + 24) + j);
			if (pieces->to[(PIECES - 1 - i) * PIECE + j] !=
					expected) {
				return false;
			}
		}
	}
	return true;
}

static bool pieces_are_untouched(const struct pieces *pieces) {
	for (size_t i = 0; i < sizeof(pieces->to); i++) {
		if (pieces->to[i] != UNTOUCHED) {
			return false;
		}
	}
	return true;
}

static void all_pieces_arrive_where_they_should(void **state) {
	struct pieces pieces;
	pieces_create(&pieces);
	assert_true(sp_bounce_copy(&bounce, pieces.mapping, pieces.list,
		PIECES));
	assert_true(pieces_arrived(&pieces));
	/* They must not be the bytes of the last copy. */
	memset(pieces.mapping, 7, pieces.size);
	assert_true(sp_bounce_copy(&bounce, pieces.mapping, pieces.list, 3));
	for (size_t i = 0; i < 3 * PIECE; i++) {
		assert_int_equal(pieces.to[sizeof(pieces.to) - 1 - i], 7);
	}
	pieces_destroy(&pieces);
}

static void as_much_as_there_is_room_for_arrives(void **state) {
	uint8_t *from = malloc(SP_BOUNCE_SIZE), *to = malloc(SP_BOUNCE_SIZE);
	assert_non_null(from);
	assert_non_null(to);
	memset(from, 5, SP_BOUNCE_SIZE);
	const struct sp_bounce_piece piece = { 0, to, SP_BOUNCE_SIZE };
	assert_true(sp_bounce_copy(&bounce, from, &piece, 1));
	assert_memory_equal(from, to, SP_BOUNCE_SIZE);
	free(from);
	free(to);
}

/* Also after a successful copy, whose bytes are still in the bounce file. */
static void where_the_file_has_ended_nothing_is_written(void **state) {
	struct pieces pieces;
	pieces_create(&pieces);
	for (size_t i = 0; i < 2; i++) {
		assert_true(sp_bounce_copy(&bounce, pieces.mapping, pieces.list,
			PIECES));
		memset(pieces.to, UNTOUCHED, sizeof(pieces.to));
		assert_int_equal(ftruncate(pieces.fd, i == 0 ? 8192 : 0), 0);
		assert_false(sp_bounce_copy(&bounce, pieces.mapping, pieces.list,
			PIECES));
		assert_true(pieces_are_untouched(&pieces));
		assert_int_equal(ftruncate(pieces.fd, (off_t)pieces.size), 0);
	}
	pieces_destroy(&pieces);
}

static const char *copy_without_fds(void) {
	static struct pieces pieces;
	pieces_create(&pieces);
	child_set_limit(RLIMIT_NOFILE, 0);
	if (sp_bounce_copy(&bounce, pieces.mapping, pieces.list,
			PIECES)) {
		return "copied without an fd";
	}
	if (!pieces_are_untouched(&pieces)) {
		return "something was written";
	}
	child_set_limit(RLIMIT_NOFILE, 64);
	if (!sp_bounce_copy(&bounce, pieces.mapping, pieces.list,
			PIECES) ||
			!pieces_arrived(&pieces)) {
		return "not copied when there were fds again";
	}
	pieces_destroy(&pieces);
	return NULL;
}

static void without_fds_nothing_is_written_until_there_are(void **state) {
	child_run(copy_without_fds);
}

static const char *copy_without_addresses(void) {
	static struct pieces pieces;
	pieces_create(&pieces);
	size_t fds = count_fds();
	child_limit_addresses(0);
	if (sp_bounce_copy(&bounce, pieces.mapping, pieces.list,
			PIECES)) {
		return "copied without addresses";
	}
	child_set_limit(RLIMIT_AS, RLIM_INFINITY);
	if (count_fds() != fds) {
		return "an fd was left";
	}
	return pieces_are_untouched(&pieces) ? NULL : "something was written";
}

static void without_addresses_nothing_is_left(void **state) {
	child_run(copy_without_addresses);
}

#define TIMES 2000

static void *copy_often(void *data) {
	struct pieces *pieces = data;
	for (size_t i = 0; i < TIMES; i++) {
		memset(pieces->to, UNTOUCHED, sizeof(pieces->to));
		if (!sp_bounce_copy(&bounce, pieces->mapping, pieces->list,
				PIECES) || !pieces_arrived(pieces)) {
			return pieces;
		}
	}
	return NULL;
}

/* Each thread has a file with bytes of its own. */
static void threads_do_not_get_one_anothers_bytes(void **state) {
	static struct pieces pieces[3];
	pthread_t threads[3];
	for (size_t i = 0; i < 3; i++) {
		pieces_create(&pieces[i]);
		/* Each thread in another order, so that mixed bytes are noticed. */
		for (size_t j = 0; j < i; j++) {
			struct sp_bounce_piece first = pieces[i].list[0];
			memmove(pieces[i].list, pieces[i].list + 1,
				(PIECES - 1) * sizeof(first));
			pieces[i].list[PIECES - 1] = first;
		}
		assert_int_equal(pthread_create(&threads[i], NULL, copy_often,
			&pieces[i]), 0);
	}
	for (size_t i = 0; i < 3; i++) {
		void *wrong;
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
		pieces_destroy(&pieces[i]);
	}
}

/* A page that is filled when the test wants, as while a client punches a hole. */
struct late_page {
	uint8_t *data;
	size_t size;
	int fd; /* a userfaultfd */
};

/* Returns false if userfaultfd is not permitted. */
static bool late_page_create(struct late_page *page) {
	page->size = (size_t)sysconf(_SC_PAGESIZE);
	page->fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (page->fd < 0) {
		assert_true(errno == EPERM || errno == ENOSYS);
		return false;
	}
	page->data = mmap(NULL, page->size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(page->data != MAP_FAILED);
	struct uffdio_api api = { .api = UFFD_API };
	assert_int_equal(ioctl(page->fd, UFFDIO_API, &api), 0);
	struct uffdio_register range = {
		.range = { (uintptr_t)page->data, page->size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	assert_int_equal(ioctl(page->fd, UFFDIO_REGISTER, &range), 0);
	return true;
}

static void late_page_wait_until_wanted(const struct late_page *page) {
	struct pollfd wanted = { .fd = page->fd, .events = POLLIN };
	assert_int_equal(poll(&wanted, 1, -1), 1);
}

static void late_page_bring(const struct late_page *page) {
	struct uffdio_zeropage zero = {
		.range = { (uintptr_t)page->data, page->size },
	};
	assert_int_equal(ioctl(page->fd, UFFDIO_ZEROPAGE, &zero), 0);
}

static void late_page_destroy(struct late_page *page) {
	munmap(page->data, page->size);
	close(page->fd);
}

static void *copy_late_page(void *data) {
	const struct late_page *page = data;
	uint8_t to[PIECE];
	const struct sp_bounce_piece piece = { 0, to, PIECE };
	return sp_bounce_copy(&bounce, page->data, &piece, 1) ? NULL : data;
}

static void *copy_once(void *data) {
	struct pieces *pieces = data;
	return sp_bounce_copy(&bounce, pieces->mapping, pieces->list,
				PIECES) &&
		pieces_arrived(pieces) ? NULL : data;
}

static void who_waits_for_a_page_keeps_no_other_waiting(void **state) {
	static struct pieces pieces;
	struct late_page page;
	if (!late_page_create(&page)) {
		skip();
	}
	pieces_create(&pieces);
	pthread_t waiting, other;
	assert_int_equal(pthread_create(&waiting, NULL, copy_late_page, &page),
		0);
	late_page_wait_until_wanted(&page);
	assert_int_equal(pthread_create(&other, NULL, copy_once, &pieces), 0);
	/* The longest time that it may wait. */
	struct timespec end;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 60;
	void *wrong;
	int ret = pthread_timedjoin_np(other, &wrong, &end);
	late_page_bring(&page);
	assert_int_equal(ret, 0);
	assert_null(wrong);
	pthread_join(waiting, &wrong);
	assert_null(wrong);
	pieces_destroy(&pieces);
	late_page_destroy(&page);
}

#define TEST_BOUNCE(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST_BOUNCE(all_pieces_arrive_where_they_should),
		TEST_BOUNCE(as_much_as_there_is_room_for_arrives),
		TEST_BOUNCE(where_the_file_has_ended_nothing_is_written),
		TEST_BOUNCE(without_fds_nothing_is_written_until_there_are),
		TEST_BOUNCE(without_addresses_nothing_is_left),
		TEST_BOUNCE(threads_do_not_get_one_anothers_bytes),
		TEST_BOUNCE(who_waits_for_a_page_keeps_no_other_waiting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
