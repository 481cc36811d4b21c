/* SPDX-License-Identifier: MIT */
/*
 * A client of <sealpool/memory.h>, and hooks that count.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"

const struct sealpool_layout layout = {
	0, SIDE, SIDE, STRIDE, DRM_FORMAT_XRGB8888,
};
const struct sealpool_box all = { 0, 0, SIDE, SIDE };

struct client the;

static void handle_short_file(struct sealpool_view *view,
		uint64_t file_size, void *data) {
	the.short_files++;
	the.file_size = file_size;
	the.data = data;
}

static void handle_failed(struct sealpool_view *view, int error, void *data) {
	the.failures++;
}

static void handle_answered(struct sealpool_view *view, void *data) {
	the.answers++;
}

static void handle_refused(struct sealpool_file *file, void *data) {
	the.refusals++;
	the.data = data;
}

static void handle_exceeded(struct sealpool_account *account,
		const char *reason, void *data) {
	the.exceeded_len++;
	the.data = data;
	the.reason = reason;
}

struct sealpool_memory_options make_options(void) {
	return (struct sealpool_memory_options){
		.size = sizeof(struct sealpool_memory_options),
		.data = &the,
		.exceeded = handle_exceeded,
		.refused = handle_refused,
		.short_file = handle_short_file,
		.failed = handle_failed,
		.answered = handle_answered,
	};
}

void create_memory(const struct sealpool_memory_options *options,
		const struct sealpool_account_limits *limits) {
	the.memory = sealpool_memory_create(options);
	assert_non_null(the.memory);
	the.account = sealpool_account_create(the.memory, limits, &the.account);
	assert_non_null(the.account);
}

int create_file(size_t size, int byte, int seals) {
	static uint8_t bytes[2 * BYTES];
	the.fd = memfd_create("unit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	memset(bytes, byte, size);
	assert_int_equal(pwrite(the.fd, bytes, size, 0), size);
	assert_int_equal(fcntl(the.fd, F_ADD_SEALS, seals), 0);
	return fcntl(the.fd, F_DUPFD_CLOEXEC, 0);
}

void open_view(int fd) {
	the.file = sealpool_file_open(the.account, fd, BYTES, &the.file, NULL);
	assert_non_null(the.file);
	the.view = sealpool_view_create(the.file, &layout, &the.view);
	assert_non_null(the.view);
}

int public_setup(void **state) {
	memset(&the, 0, sizeof(the));
	the.fd = -1;
	return traces_setup(state);
}

int public_teardown(void **state) {
	if (the.view != NULL) {
		sealpool_view_destroy(the.view);
	}
	sealpool_file_close(the.file);
	if (the.account != NULL) {
		sealpool_account_destroy(the.account);
	}
	if (the.memory != NULL) {
		sealpool_memory_destroy(the.memory);
	}
	if (the.fd >= 0) {
		close(the.fd);
	}
	return traces_teardown(state);
}

void fill(size_t offset, size_t size, int byte) {
	uint8_t bytes[BYTES];
	memset(bytes, byte, size);
	assert_int_equal(pwrite(the.fd, bytes, size, (off_t)offset), size);
}

uint8_t read_at(int x, int y) {
	struct sealpool_view_access access;
	assert_int_equal(sealpool_view_begin(the.view, SEALPOOL_ACCESS_READ,
		&access), 0);
	assert_int_equal(access.format, DRM_FORMAT_XRGB8888);
	assert_int_equal(access.stride, STRIDE);
	const uint8_t *data = access.data;
	uint8_t byte = data[(size_t)y * access.stride + (size_t)x * 4];
	sealpool_view_end(the.view, &access);
	return byte;
}

bool is_ready(int ms) {
	struct pollfd ready = {
		.fd = sealpool_memory_get_fd(the.memory),
		.events = POLLIN,
	};
	return poll(&ready, 1, ms) == 1;
}

void dispatch_until(const unsigned *counter) {
	for (int i = 0; i < 1000 && *counter == 0; i++) {
		if (is_ready(10)) {
			sealpool_memory_dispatch(the.memory);
		}
	}
	assert_true(*counter > 0);
}

void dispatch_now(void) {
	for (int i = 0; i < 10 && is_ready(0); i++) {
		sealpool_memory_dispatch(the.memory);
	}
	assert_false(is_ready(0));
}

void expect_refused(int fd, uint64_t size, int error) {
	const char *reason = NULL;
	errno = 0;
	assert_null(sealpool_file_open(the.account, fd, size, NULL, &reason));
	assert_int_equal(errno, error);
	assert_non_null(reason);
}
