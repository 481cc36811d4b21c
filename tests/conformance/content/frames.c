/* SPDX-License-Identifier: MIT */
/*
 * One frame after another, and their damage.
 */
#include <stdio.h>
#include <wayland-client.h>

#include "stage.h"

static void show_first_frame(struct test *test) {
	struct scene scene;
	struct stage stage;
	stage_begin(test, &scene, &stage, 1);
	scene_show_frames(&scene, &stage, 1, DAMAGE_IN_SURFACE);
}

static void show_damage(struct test *test) {
	struct scene scene;
	struct stage stage;
	enum damage how = (enum damage)test_get_variant(test);
	needs_damage(test, how);
	stage_begin(test, &scene, &stage, 2);
	scene_show_frames(&scene, &stage, 8, how);
}

static void show_many_rectangles(struct test *test) {
	struct scene scene;
	struct stage stage;
	needs_buffer_damage(test);
	stage_begin(test, &scene, &stage, 2);
	scene_show_frames(&scene, &stage, 2, DAMAGE_IN_SURFACE);
	/* Together, the rectangles are smaller than this one. */
	struct rect around = { 0, 0, 20 * 6, 15 * 6 };
	stage_draw(&stage, &around);
	for (int32_t i = 0; i < 300; i++) {
		struct rect rect = { i % 20 * 6, i / 20 * 6, 6, 6 };
		damage(stage.surface, &rect, i % 2 != 0);
	}
	client_surface_commit(stage.surface);
	scene_expect(test, &scene, &stage.expected, "300 rectangles");
}

static void show_damage_beyond_edges(struct test *test) {
	/* The requested damage, and the part of it within the buffer. */
	static const struct {
		struct rect said, within;
	} all[] = {
		{ { -10, -20, 30, 50 }, { 0, 0, 20, 30 } },
		{ { WIDTH - 7, 11, 1000, 5 }, { WIDTH - 7, 11, 7, 5 } },
		{ { 13, HEIGHT - 3, 9, 100000 }, { 13, HEIGHT - 3, 9, 3 } },
		{ { 0, 0, INT32_MAX, INT32_MAX }, { 0, 0, WIDTH, HEIGHT } },
		{ { 50, 60, INT32_MAX - 50, INT32_MAX - 60 },
			{ 50, 60, WIDTH - 50, HEIGHT - 60 } },
		{ { -1000, -1000, INT32_MAX, INT32_MAX },
			{ 0, 0, WIDTH, HEIGHT } },
	};
	struct scene scene;
	struct stage stage;
	bool in_buffer = test_get_variant(test);
	if (in_buffer) {
		needs_buffer_damage(test);
	}
	stage_begin(test, &scene, &stage, 2);
	scene_show_frames(&scene, &stage, 2, DAMAGE_IN_SURFACE);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct rect *said = &all[i].said;
		char what[100];
		snprintf(what, sizeof(what), "damage of %dx%d at %d,%d",
			said->width, said->height, said->x, said->y);
		stage_draw(&stage, &all[i].within);
		damage(stage.surface, said, in_buffer);
		client_surface_commit(stage.surface);
		scene_expect(test, &scene, &stage.expected, what);
	}
}

/* Compositors that copy a buffer release it while it is shown. */
static bool is_released_soon(struct test *test,
		const struct client_buffer *buffer) {
	int patience = test->client.patience;
	test->client.patience = 500;
	bool released = client_buffer_wait_released(&test->client, buffer);
	test->client.patience = patience;
	if (!released) {
		test_expect_alive(test);
	}
	return released;
}

static void swap_buffers(struct test *test) {
	struct scene scene;
	struct stage stage;
	size_t buffers_len = (size_t)test_get_variant(test);
	needs_buffer_damage(test);
	stage_begin(test, &scene, &stage, buffers_len);
	scene_show_frames(&scene, &stage, 1, DAMAGE_IN_SURFACE);
	if (buffers_len == 1 &&
			!is_released_soon(test, &stage.canvas.buffers[0])) {
		test_skip(test, "the compositor keeps a buffer until it gets "
			"another");
	}
	scene_show_frames(&scene, &stage, 11, DAMAGE_BY_TURNS);
}

/* As fast as buffers are released, so that some frames are never painted. */
static void swap_buffers_unseen(struct test *test) {
	struct scene scene;
	struct stage stage;
	needs_buffer_damage(test);
	stage_begin(test, &scene, &stage, (size_t)test_get_variant(test));
	scene_show_frames(&scene, &stage, 3, DAMAGE_IN_SURFACE);
	for (int i = 0; i < 5; i++) {
		stage_commit_frame(&stage, DAMAGE_BY_TURNS);
		stage_commit_frame(&stage, DAMAGE_BY_TURNS);
		scene_show_frames(&scene, &stage, 1, DAMAGE_BY_TURNS);
	}
}

static void show_thirty_frames(struct test *test) {
	struct scene scene;
	struct stage stage;
	stage_begin(test, &scene, &stage, 3);
	while (stage.frames < 29) {
		stage_commit_frame(&stage, DAMAGE_IN_SURFACE);
	}
	scene_show_frames(&scene, &stage, 1, DAMAGE_IN_SURFACE);
}

/* Of two attached buffers, the last one counts. A buffer that is committed again has not
 * changed. */
static void attach_again(struct test *test) {
	struct scene scene;
	struct stage stage;
	stage_begin(test, &scene, &stage, 2);
	struct canvas *canvas = &stage.canvas;
	scene_show_frames(&scene, &stage, 1, DAMAGE_IN_SURFACE);
	client_surface_attach(stage.surface, NULL);
	stage_commit_frame(&stage, DAMAGE_IN_SURFACE);
	scene_expect(test, &scene, &stage.expected,
		"a buffer attached in place of none");

	client_surface_attach(stage.surface, &canvas->buffers[1]);
	client_surface_commit(stage.surface);
	scene_expect(test, &scene, &stage.expected,
		"the same buffer without damage");
	client_surface_commit(stage.surface);
	scene_expect(test, &scene, &stage.expected, "a commit of nothing");
	scene_show_frames(&scene, &stage, 2, DAMAGE_IN_SURFACE);
}

const struct test_case content_frame_cases[] = {
	each_kind("first-frame:", 0,
		"A commit shows the buffer's pixels.", show_first_frame),
	both_kinds("damage:surface-", DAMAGE_IN_SURFACE,
		"wl_surface.damage says what has changed.", show_damage),
	both_kinds("damage:buffer-", DAMAGE_IN_BUFFER,
		"wl_surface.damage_buffer says what has changed.", show_damage),
	both_kinds("damage:both-", DAMAGE_IN_BOTH,
		"Both kinds of damage count in one commit.", show_damage),
	both_kinds("many-rectangles:", 0,
		"Damage accumulates until the commit.", show_many_rectangles),
	both_kinds("damage-beyond-edges:surface-", 0,
		"Damage outside of the surface is ignored.",
		show_damage_beyond_edges),
	both_kinds("damage-beyond-edges:buffer-", 1,
		"Damage outside of the buffer is ignored.",
		show_damage_beyond_edges),
	both_kinds("swap:1-", 1,
		"A released buffer can be drawn and shown again.", swap_buffers),
	both_kinds("swap:2-", 2,
		"Damage is relative to the previous frame, not to the previous frame "
		"in this buffer.", swap_buffers),
	both_kinds("swap:3-", 3,
		"Damage is relative to the previous frame, not to the previous frame "
		"in this buffer.", swap_buffers),
	both_kinds("swap-unseen:2-", 2,
		"Damage of frames that were never painted counts.",
		swap_buffers_unseen),
	both_kinds("swap-unseen:3-", 3,
		"Damage of frames that were never painted counts.",
		swap_buffers_unseen),
	both_kinds("thirty-frames:", 0,
		"Of many commits, the last is shown.", show_thirty_frames),
	both_kinds("attach-again:", 0,
		"The last attached buffer is shown, and stays.", attach_again),
	{ 0 },
};
