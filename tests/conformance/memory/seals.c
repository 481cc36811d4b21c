/* SPDX-License-Identifier: MIT */
/*
 * Files that are sealed or read-only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "show.h"

/* The client still draws, through an older mapping. */
static void show_read_only(struct test *test) {
	struct show show;
	show_init(test, &show, test_get_kind(test));
	must(test, client_memory_make_read_only(&test->client, &show.memory));
	show_begin(&show);
	show_draw_frames(&show, FRAMES);
}

/* Seals that do not affect the client's mapping. */
static void show_sealed(struct test *test) {
	struct show show;
	show_init(test, &show, CLIENT_MEMORY_UNSEALED);
	show_seal(&show, (unsigned)test_get_variant(test));
	show_begin(&show);
	show_draw_frames(&show, FRAMES);
}

/* Two frames are drawn, then the file is sealed against all writing. */
static void show_sealed_for_good(struct test *test) {
	struct show show;
	show_init(test, &show, CLIENT_MEMORY_UNSEALED);
	for (uint32_t i = 0; i < 2; i++) {
		struct client_image image = {
			.width = WIDTH, .height = HEIGHT, .stride = WIDTH * 4,
			.data = (char *)show.memory.data + i * ROOM,
		};
		client_image_draw(&image, i);
	}
	show_unmap(&show);
	show_seal(&show, (unsigned)test_get_variant(test));
	show_begin(&show);
	for (uint32_t i = 0; i < FRAMES; i++) {
		client_image_draw(&show.expected, i % 2);
		show_frame(&show);
	}
}

static void seal_later(struct test *test) {
	struct show show;
	show_init(test, &show, CLIENT_MEMORY_UNSEALED);
	show_begin(&show);
	show_draw_frames(&show, FRAMES);
	show_seal(&show, (unsigned)test_get_variant(test));
	show_draw_frames(&show, FRAMES);
}

/* The file grows twice, and is sealed in between or afterwards. */
static void grow_and_seal(struct test *test) {
	struct show show;
	bool sealed_first = (unsigned)test_get_variant(test);
	show_init(test, &show, CLIENT_MEMORY_UNSEALED);
	show_begin(&show);
	show_draw_frames(&show, 2);
	for (int i = 0; i < 2; i++) {
		if (sealed_first) {
			show_seal(&show, F_SEAL_SHRINK);
		}
		show.offset = show.size;
		show.size += 2 * ROOM;
		must(test, client_memory_grow(&test->client, &show.memory,
			(size_t)show.size));
		client_pool_resize(&show.pool, show.size);
		/* The last buffer is still on the screen, and stays there until it is
		 * replaced. */
		client_buffer_destroy(&show.buffers[0]);
		client_buffer_destroy(&show.buffers[1]);
		show_create_buffers(&show);
		show_draw_frames(&show, FRAMES);
	}
	show_seal(&show, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	show_draw_frames(&show, FRAMES);
}

const struct test_case memory_seal_cases[] = {
	quality_of_both("read-only:", 0,
		"A pool's descriptor is read-only: a compositor only has to read it.",
		show_read_only),
	quality("read-only:shm_open", SHM_OPEN, 0,
		"A pool's descriptor is read-only: a compositor only has to read it.", show_read_only),
	quality("read-only:file", FILE, 0,
		"A pool's descriptor is read-only: a compositor only has to read it.", show_read_only),
	quality("seal-future-write:alone", UNSEALED, F_SEAL_FUTURE_WRITE,
		"A file is sealed with F_SEAL_FUTURE_WRITE: only the client, through "
		"an older mapping, can write to it.", show_sealed),
	quality("seal-future-write:shrink", UNSEALED,
		F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK,
		"A file is sealed with F_SEAL_FUTURE_WRITE: only the client, through "
		"an older mapping, can write to it.", show_sealed),
	quality("seal-grow", UNSEALED, F_SEAL_GROW,
		"A file is sealed with F_SEAL_GROW alone.", show_sealed),
	quality("seal-seal", UNSEALED, F_SEAL_SEAL,
		"A file is sealed with F_SEAL_SEAL alone, so no other seal can "
		"follow.", show_sealed),
	quality("seal-write:alone", UNSEALED, F_SEAL_WRITE,
		"A file is sealed with F_SEAL_WRITE: its pictures never change.",
		show_sealed_for_good),
	quality("seal-write:shrink", UNSEALED, F_SEAL_WRITE | F_SEAL_SHRINK,
		"A file is sealed with F_SEAL_WRITE: its pictures never change.",
		show_sealed_for_good),
	quality("seal-write:all", UNSEALED, F_SEAL_WRITE | F_SEAL_SHRINK |
		F_SEAL_GROW | F_SEAL_SEAL,
		"A file is sealed with F_SEAL_WRITE: its pictures never change.",
		show_sealed_for_good),
	quality("sealed-later:shrink", UNSEALED, F_SEAL_SHRINK,
		"A file is sealed after frames of its pool were shown.", seal_later),
	quality("sealed-later:all", UNSEALED,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
		"A file is sealed after frames of its pool were shown.", seal_later),
	quality("sealed-later:future-write", UNSEALED, F_SEAL_FUTURE_WRITE,
		"A file is sealed after frames of its pool were shown.", seal_later),
	quality("grown:then-sealed", UNSEALED, 0,
		"A pool grows, and its file is sealed afterwards.", grow_and_seal),
	quality("grown:after-seal", UNSEALED, 1,
		"A file is sealed against shrinking, and grows afterwards.", grow_and_seal),
	{ 0 },
};
