/* SPDX-License-Identifier: MIT */
/*
 * Captures: the compositor writes into a buffer.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "show.h"

enum target {
	TARGET_PLAIN,
	TARGET_SEALED_LATER,
	TARGET_SPARSE,
	TARGET_APPEND,
	TARGET_POSITION,
	TARGET_WITHOUT_MAPPING,
};

/* The bytes around the buffer, which neither begins nor ends at a page boundary. */
#define MARK 0x5a
#define BEFORE (4096 + 52)
#define AFTER 1000

static void prepare_target(struct test *test, struct show *show,
		enum target target) {
	switch (target) {
	case TARGET_PLAIN:
		break;
	case TARGET_SEALED_LATER:
		show_seal(show, F_SEAL_SHRINK);
		break;
	case TARGET_SPARSE:
		must(test, client_memory_grow(&test->client, &show->memory,
			SPARSE_BYTES));
		client_pool_resize(&show->pool, SPARSE_BYTES);
		break;
	case TARGET_APPEND:
		show_set_append(show);
		break;
	case TARGET_POSITION:
		lseek(show->memory.fd, 777, SEEK_SET);
		break;
	case TARGET_WITHOUT_MAPPING:
		show_unmap(show);
		break;
	}
}

static void map_again(struct show *show) {
	if (show->memory.data == NULL) {
		void *data = mmap(NULL, show->memory.size,
			PROT_READ | PROT_WRITE, MAP_SHARED, show->memory.fd, 0);
		if (data == MAP_FAILED) {
			fail_errno(show->test, "mmap()");
		}
		show->memory.data = data;
	}
}

static void expect_marks(struct test *test, const struct show *show,
		int32_t start, int32_t end) {
	const unsigned char *bytes = show->memory.data;
	for (int32_t i = start; i < end; i++) {
		if (bytes[i] != MARK) {
			test_fail(test, "the capture has changed byte %d, which "
				"is not the buffer's", i);
		}
	}
}

static bool has_captured(struct test *test, struct client_capture *capture,
		struct client_buffer *buffer,
		const struct client_image *picture) {
	struct client_image image;
	int32_t x, y;
	must(test, client_capture_read(capture, buffer, &image));
	bool found = client_image_find(&image, picture, &x, &y);
	client_image_destroy(&image);
	return found;
}

static void expect_captured(struct test *test,
		struct client_capture *capture, struct client_buffer *buffer,
		const struct client_image *picture) {
	struct client_image image;
	char error[300] = "the picture is nowhere in it";
	int32_t x, y;
	must(test, client_capture_read(capture, buffer, &image));
	if (client_image_find(&image, picture, &x, &y)) {
		client_image_destroy(&image);
		return;
	}
	if (client_image_find_closest(&image, picture, &x, &y)) {
		client_image_expect(&image, x, y, picture, error,
			sizeof(error));
	}
	test_fail(test, "a captured picture is wrong: %s", error);
}

/* A picture is on the screen, and is captured into memory of a kind; twice, since the
 * compositor knows the buffer the second time. */
static void capture_into(struct test *test) {
	struct client *client = &test->client;
	struct show show, target;
	test_needs_capture(test);
	show_init(test, &show, CLIENT_MEMORY_SEALED);
	if (!show.can_see) {
		test_skip(test, "the compositor does not let this client "
			"capture its output");
	}
	show_begin(&show);
	show_draw_frames(&show, 1);

	struct client_capture capture;
	must(test, client_capture_begin(client, &capture));
	int32_t bytes = capture.stride * capture.height;
	int32_t size = BEFORE + bytes + AFTER;
	target = (struct show){ .test = test };
	must(test, client_memory_create(client, &target.memory,
		test_get_kind(test),
		(size_t)size));
	memset(target.memory.data, MARK, (size_t)size);
	must(test, client_pool_create(client, &target.pool, &target.memory,
		size));
	must(test, client_buffer_create_with_format(&target.pool,
		&target.buffers[0], BEFORE, capture.width, capture.height,
		capture.stride, capture.format));
	prepare_target(test, &target, (enum target)test_get_variant(test));
	for (int i = 0; i < 2; i++) {
		if (i > 0) {
			client_capture_end(&capture);
			show_draw_frames(&show, 1);
			must(test, client_capture_begin(client, &capture));
		}
		must(test, client_capture_copy(&capture, &target.buffers[0]));
		map_again(&target);
		/* Another thread may write to a file that is not memory: late on a busy
		 * machine, or not at all this time. */
		for (int tries = 0; test_get_kind(test) == CLIENT_MEMORY_FILE &&
				tries < LATE_TRIES && !has_captured(test, &capture,
				&target.buffers[0], &show.expected); tries++) {
			poll(NULL, 0, LATE_WAIT_MS);
			client_capture_end(&capture);
			must(test, client_capture_begin(client, &capture));
			must(test, client_capture_copy(&capture,
				&target.buffers[0]));
		}
		expect_captured(test, &capture, &target.buffers[0],
			&show.expected);
		expect_marks(test, &target, 0, BEFORE);
		expect_marks(test, &target, BEFORE + bytes, size);
		struct stat st;
		if (fstat(target.memory.fd, &st) != 0) {
			fail_errno(test, "fstat()");
		}
		if (st.st_size != (off_t)target.memory.size) {
			test_fail(test, "the capture has made a file of %zu "
				"bytes one of %lld", target.memory.size,
				(long long)st.st_size);
		}
	}
	client_capture_end(&capture);
	test_expect_alive(test);
}

const struct test_case memory_capture_cases[] = {
	quality("capture:sealed", SEALED, TARGET_PLAIN,
		"A screen is captured into a buffer, which then has the picture.", capture_into),
	quality("capture:fixed", FIXED, TARGET_PLAIN,
		"A screen is captured into a buffer, which then has the picture.", capture_into),
	quality("capture:unsealed", UNSEALED, TARGET_PLAIN,
		"A screen is captured into a buffer, which then has the picture.", capture_into),
	quality("capture:shm_open", SHM_OPEN, TARGET_PLAIN,
		"A screen is captured into a buffer, which then has the picture.", capture_into),
	quality("capture:file", FILE, TARGET_PLAIN,
		"A screen is captured into a buffer, which then has the picture.", capture_into),
	quality("capture:sealed-later", UNSEALED, TARGET_SEALED_LATER,
		"A file is sealed after frames of its pool were shown.", capture_into),
	quality_of_both("capture:sparse-", TARGET_SPARSE,
		"A large pool has memory only where something was drawn.",
		capture_into),
	quality_of_both("capture:append-", TARGET_APPEND,
		"The descriptor has the flag O_APPEND.", capture_into),
	quality("capture:position-unsealed", UNSEALED, TARGET_POSITION,
		"The descriptor's offset is not at the file's start.",
		capture_into),
	quality("capture:without-mapping", UNSEALED, TARGET_WITHOUT_MAPPING,
		"A screen is captured into a buffer, and the client gets it with "
		"read(), not through a mapping.", capture_into),
	{ 0 },
};
