/* SPDX-License-Identifier: MIT */
/*
 * Sealed files that are shorter than their pools.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attacker.h"

enum sealed_resize {
	RESIZE_BEFORE_BUFFER,
	RESIZE_FIXED,
	RESIZE_TWICE,
	/* The buffer lies across the old end. */
	RESIZE_OVERLAPPING,
};

/* The seal and the size were right earlier. */
static void sealed_and_resized(struct test *test) {
	struct attacker *a = attacker_begin(test);
	struct client_buffer good;
	attacker_create_memory(a, test->argument == RESIZE_FIXED ?
		CLIENT_MEMORY_FIXED : CLIENT_MEMORY_SEALED, PAGE_BYTES);
	attacker_create_pool(a, PAGE_BYTES);
	must(test, client_buffer_create(&a->pool, &good, 0, PAGE_SIDE,
		PAGE_SIDE, PAGE_SIDE * 4));
	attacker_show_good(a, &good);
	if (test->argument == RESIZE_TWICE) {
		client_pool_resize(&a->pool, 2 * PAGE_BYTES);
		client_roundtrip(a->client);
	}
	client_pool_resize(&a->pool, BYTES);
	if (test->argument == RESIZE_OVERLAPPING) {
		client_buffer_create(&a->pool, &a->buffer, 0, SIDE, SIDE,
			STRIDE);
	} else {
		client_buffer_create(&a->pool, &a->buffer, PAGE_BYTES, SIDE,
			REST_ROWS, STRIDE);
	}
	/* The old buffer, in its new mapping, as well. */
	for (int i = 0; i < 5 && attacker_keep_committing(a, &a->buffer,
			ATTACK_MS / 5); i++) {
		attacker_keep_committing(a, &good, 1);
	}
}

static void sealed_but_short(struct test *test) {
	struct attacker *a = attacker_begin(test);
	attacker_create_memory(a, (enum client_memory_kind)test->argument,
		PAGE_BYTES);
	attacker_create_pool(a, BYTES);
	attacker_create_buffer(a);
	attacker_keep_committing(a, &a->buffer, ATTACK_MS);
}

/* Sealing does not restore the size. */
static void sealed_when_short(struct test *test) {
	attacker_begin_with_good(test, CLIENT_MEMORY_UNSEALED);
	struct attacker *a = &attacker;
	attacker_cut_memory(a, PAGE_BYTES);
	must(test, client_memory_seal(a->client, &a->memory, F_SEAL_SHRINK));
	attacker_keep_committing(a, &a->buffer, ATTACK_MS / 2);
	/* The compositor judges the new buffer again. */
	client_buffer_destroy(&a->buffer);
	client_buffer_create(&a->pool, &a->buffer, 0, SIDE, SIDE, STRIDE);
	attacker_keep_committing(a, &a->buffer, ATTACK_MS / 2);
}

static void cut_and_seal(int fd) {
	/* At a different time for each file. */
	static unsigned times;
	for (volatile unsigned i = 0; i < times++ * 977 % 40000; i++) {
	}
	ftruncate(fd, PAGE_BYTES);
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
	_exit(0);
}

/* A file can be sealed once, so each attempt needs a new one. */
static void sealed_in_race(struct test *test) {
	int64_t deadline = test_now_ms() + RACE_MS;
	attacker_begin(test);
	struct attacker *a = &attacker;
	while (test_now_ms() < deadline) {
		attacker_create_memory(a, CLIENT_MEMORY_UNSEALED, BYTES);
		munmap(a->memory.data, BYTES);
		a->memory.data = NULL;
		pid_t child = start_child(test, a->memory.fd, true, 1000,
			cut_and_seal);
		attacker_create_pool(a, BYTES);
		for (int i = 0; i < 8; i++) {
			attacker_create_buffer(a);
			attacker_commit(&a->bare, &a->buffer);
			if (a->window.surface.surface != NULL) {
				attacker_commit(&a->window.surface, &a->buffer);
			}
			client_buffer_destroy(&a->buffer);
		}
		client_pool_destroy(&a->pool);
		bool alive = client_roundtrip(a->client);
		waitpid(child, NULL, 0);
		close(a->memory.fd);
		if (!alive) {
			attacker_come_back(a);
			attacker_begin(test);
		}
	}
}

/* The file was short when it was read, and has grown since. */
static void sealed_short_then_grown(struct test *test) {
	struct attacker *a = attacker_begin(test);
	struct client_buffer good;
	struct client_image picture;
	need_capture(test);
	attacker_create_memory(a, CLIENT_MEMORY_SEALED, PAGE_BYTES);
	attacker_create_pool(a, PAGE_BYTES);
	must(test, client_buffer_create(&a->pool, &good, 0, PAGE_SIDE,
		PAGE_SIDE, PAGE_SIDE * 4));
	must(test, client_buffer_get_image(a->client, &good, &picture));
	client_image_draw(&picture, 1);
	attacker_show_good(a, &good);
	test_expect_seen(test, &picture, "what is in order");
	client_pool_resize(&a->pool, BYTES);
	must(test, client_buffer_create(&a->pool, &a->buffer, PAGE_BYTES, SIDE,
		REST_ROWS, STRIDE));
	if (!attacker_keep_committing(a, &a->buffer, ATTACK_MS)) {
		/* This was the only allowed error. */
		return;
	}
	must(test, client_memory_grow(a->client, &a->memory, BYTES));
	must(test, client_buffer_get_image(a->client, &a->buffer, &picture));
	client_image_draw(&picture, 2);
	if (!attacker_keep_committing(a, &a->buffer, ATTACK_MS)) {
		test_expect_alive(test);
	}
	test_expect_seen(test, &picture, "what was short and has grown");
}

#define sealed_resize_case(variant, argument) \
	{ "hostile/sealed-resize:" variant, CASE_ROBUSTNESS, \
		"A pool is resized beyond the end of its sealed file, which " \
		"was large enough before.", \
		sealed_and_resized, argument }

const struct test_case hostile_sealed_cases[] = {
	sealed_resize_case("shrink", RESIZE_BEFORE_BUFFER),
	sealed_resize_case("fixed", RESIZE_FIXED),
	sealed_resize_case("twice", RESIZE_TWICE),
	sealed_resize_case("overlapping", RESIZE_OVERLAPPING),
	{ "hostile/sealed-short:shrink", CASE_ROBUSTNESS,
		"A sealed file is shorter than its pool from the start.",
		sealed_but_short, CLIENT_MEMORY_SEALED },
	{ "hostile/sealed-short:fixed", CASE_ROBUSTNESS,
		"A sealed file is shorter than its pool from the start.",
		sealed_but_short, CLIENT_MEMORY_FIXED },
	{ "hostile/sealed-late", CASE_ROBUSTNESS,
		"The client truncates its file first and then seals it: a seal alone "
		"says nothing about the size.",
		sealed_when_short },
	{ "hostile/sealed-in-race", CASE_ROBUSTNESS,
		"The client truncates and seals its file while the compositor checks "
		"it.",
		sealed_in_race },
	{ "hostile/sealed-short-grown", CASE_QUALITY,
		"If a client is not disconnected for missing bytes, they are shown "
		"once it has added them to the file.",
		sealed_short_then_grown },
	{ 0 },
};
