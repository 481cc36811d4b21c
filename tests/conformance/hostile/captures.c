/* SPDX-License-Identifier: MIT */
/*
 * Captures into invalid memory, and planes outside of it.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wayland-client.h>

#include "attacker.h"
#include "silent-files.h"

/* The pool, and a sealed file, have only the first plane. */
static void planes_outside(struct test *test) {
	uint32_t format = (uint32_t)test->argument;
	if (!test_has_format(test, format)) {
		test_skip(test, "the compositor does not announce the format");
	}
	struct attacker *a = attacker_begin(test);
	attacker_create_memory(a, CLIENT_MEMORY_FIXED, BYTES);
	attacker_create_pool(a, BYTES);
	must(test, client_buffer_create_with_format(&a->pool, &a->buffer, 0,
		SIDE, BYTES / SIDE, SIDE, format));
	attacker_keep_committing(a, &a->buffer, ATTACK_MS);
}

enum capture_target {
	TARGET_SHORT,
	TARGET_SEALED_SHORT,
	TARGET_EMPTY,
	TARGET_READ_ONLY,
	TARGET_TRUNCATED,
	TARGET_HOLES,
	TARGET_APPENDING,
	TARGET_SILENT,
};

/* Returns the size of a target's file. */
static size_t target_size(enum capture_target target, size_t size) {
	switch (target) {
	case TARGET_SHORT:
		/* In the middle of a page. */
		return size / 2 + 100;
	case TARGET_SEALED_SHORT:
		return PAGE_BYTES;
	case TARGET_EMPTY:
	case TARGET_READ_ONLY:
	case TARGET_TRUNCATED:
	case TARGET_HOLES:
	case TARGET_APPENDING:
	case TARGET_SILENT:
		break;
	}
	return size;
}

static int target_fd;
static off_t target_length;

static void cut_and_grow_target(int fd) {
	if (ftruncate(fd, 0) != 0 || ftruncate(fd, target_length) != 0) {
		_exit(1);
	}
}

static void create_target(struct attacker *a, enum capture_target target,
		size_t size) {
	struct test *test = a->test;
	if (target == TARGET_SILENT) {
		a->memory.fd = open_silent_file(test, SILENT_FILES_READ);
		target_fd = a->memory.fd;
		return;
	}
	attacker_create_memory(a, target == TARGET_SEALED_SHORT ?
		CLIENT_MEMORY_SEALED : CLIENT_MEMORY_UNSEALED,
		target_size(target, size));
	target_fd = a->memory.fd;
	if (target == TARGET_EMPTY) {
		attacker_cut_memory(a, 0);
	} else if (target == TARGET_READ_ONLY) {
		must(test, client_memory_make_read_only(a->client,
			&a->memory));
	} else if (target == TARGET_APPENDING) {
		must(test, fcntl(a->memory.fd, F_SETFL, O_APPEND) == 0);
	} else if (target == TARGET_HOLES) {
		fallocate(a->memory.fd, FALLOC_FL_PUNCH_HOLE |
			FALLOC_FL_KEEP_SIZE, 0, (off_t)size);
	}
}

/* The compositor writes. It must not be harmed, and must not make the file longer, which
 * the client would have to pay for. */
static void capture(struct test *test) {
	enum capture_target target = (enum capture_target)test->argument;
	need_capture(test);
	struct attacker *a = attacker_begin(test);
	struct client_capture capture;
	must(test, client_capture_begin(a->client, &capture));
	size_t size = (size_t)capture.stride * (size_t)capture.height;
	create_target(a, target, size);
	pid_t child = -1;
	target_length = (off_t)size;
	if (target == TARGET_TRUNCATED) {
		child = start_child(test, a->memory.fd, true, RACE_MS,
			cut_and_grow_target);
	}
	attacker_create_pool_of_fd(a, a->memory.fd, (int32_t)size);
	client_buffer_create_with_format(&a->pool, &a->buffer, 0,
		capture.width, capture.height, capture.stride, capture.format);
	int64_t deadline = test_now_ms() + (child > 0 ? RACE_MS / 2 : 300);
	a->client->patience = 1000;
	do {
		client_capture_copy(&capture, &a->buffer);
		client_capture_end(&capture);
	} while (attacker_is_alive(a) && test_now_ms() < deadline &&
		client_capture_begin(a->client, &capture));
	if (child > 0) {
		end_child(child);
		return;
	}
	probe(test);
	if (target == TARGET_SILENT) {
		client_disconnect(a->client);
		poll(NULL, 0, ATTACK_MS);
		probe(test);
		silent_files_unmount(&silent_files);
		return;
	}
	struct stat st;
	size_t was = target == TARGET_EMPTY ? 0 : target_size(target, size);
	if (fstat(a->memory.fd, &st) == 0 && (size_t)st.st_size != was) {
		test_fail(test, "the file of a capture's target had %zu bytes, "
			"and the compositor has made it %lld long", was,
			(long long)st.st_size);
	}
}

#define planes_outside_case(variant, argument) \
	{ "hostile/planes-outside:" variant, CASE_ROBUSTNESS, \
		"In a format with several planes, only the first plane is " \
		"inside the pool.", \
		planes_outside, argument }

#define capture_target_case(variant, argument) \
	{ "hostile/capture-target:" variant, CASE_ROBUSTNESS, \
		"A screen is captured into a buffer whose file cannot take " \
		"it: too short, read-only, silent and the like. The file " \
		"does not become longer.", \
		capture, argument }

const struct test_case hostile_capture_cases[] = {
	planes_outside_case("nv12", WL_SHM_FORMAT_NV12),
	planes_outside_case("nv16", WL_SHM_FORMAT_NV16),
	planes_outside_case("yuv420", WL_SHM_FORMAT_YUV420),
	planes_outside_case("yuv444", WL_SHM_FORMAT_YUV444),
	planes_outside_case("p010", WL_SHM_FORMAT_P010),
	capture_target_case("short", TARGET_SHORT),
	capture_target_case("sealed-short", TARGET_SEALED_SHORT),
	capture_target_case("empty", TARGET_EMPTY),
	capture_target_case("read-only", TARGET_READ_ONLY),
	capture_target_case("truncated", TARGET_TRUNCATED),
	capture_target_case("holes", TARGET_HOLES),
	capture_target_case("appending", TARGET_APPENDING),
	capture_target_case("silent", TARGET_SILENT),
	{ 0 },
};
