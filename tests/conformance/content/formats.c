/* SPDX-License-Identifier: MIT */
/*
 * The place of a buffer in its pool, and the layout of its pixels.
 */
#include <string.h>
#include <wayland-client.h>

#include "stage.h"

static void show_placed(struct test *test) {
	static const struct placing placings[] = {
		{ 1021 * 4, 0 }, { 0, 52 }, { 1021 * 4, 4096 },
	};
	struct scene scene;
	struct stage stage;
	stage_begin(test, &scene, &stage, 2);
	stage_set_buffers(&stage, WIDTH, HEIGHT, WL_SHM_FORMAT_XRGB8888,
		placings[test_get_variant(test)]);
	scene_show_frames(&scene, &stage, 4, DAMAGE_IN_SURFACE);
}

static void show_format(struct test *test) {
	static const struct {
		const char *name;
		uint32_t format;
		bool blue_first, any_top;
	} formats[] = {
		{ "argb8888", WL_SHM_FORMAT_ARGB8888, false, false },
		{ "xrgb8888", WL_SHM_FORMAT_XRGB8888, false, true },
		{ "abgr8888", WL_SHM_FORMAT_ABGR8888, true, false },
		{ "xbgr8888", WL_SHM_FORMAT_XBGR8888, true, true },
	};
	struct scene scene;
	struct stage stage;
	int32_t i = test_get_variant(test);
	needs_format(test, formats[i].format, formats[i].name);
	stage_begin(test, &scene, &stage, 2);
	stage.blue_first = formats[i].blue_first;
	stage.any_top = formats[i].any_top;
	stage_set_buffers(&stage, WIDTH, HEIGHT, formats[i].format,
		(struct placing){ 0 });
	scene_show_frames(&scene, &stage, 4, DAMAGE_IN_SURFACE);
}

/* Only colours whose components are minimal or maximal, which are the same with any
 * number of bits. */
static void show_rgb565(struct test *test) {
	struct client *client = &test->client;
	struct scene scene;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_image expected;
	needs_window(test);
	needs_format(test, WL_SHM_FORMAT_RGB565, "rgb565");
	int32_t stride = WIDTH * 2 + 4, bytes = stride * HEIGHT;
	must(test, client_memory_create(client, &memory, test_get_kind(test),
		2 * (size_t)bytes));
	must(test, client_pool_create(client, &pool, &memory, 2 * bytes));
	image_create(test, &expected, WIDTH, HEIGHT);
	scene_create(test, &scene, WIDTH, HEIGHT);
	for (int32_t i = 0; i < 2; i++) {
		must(test, client_buffer_create_with_format(&pool, &buffers[i],
			i * bytes, WIDTH, HEIGHT, stride,
			WL_SHM_FORMAT_RGB565));
		for (int32_t j = 0; j < WIDTH * HEIGHT; j++) {
			int32_t x = j % WIDTH, y = j / WIDTH;
			uint32_t bits = client_pattern(x, y, (uint32_t)i) >> 3;
			uint16_t pixel = (bits & 1 ? 0xf800 : 0) |
				(bits & 2 ? 0x07e0 : 0) | (bits & 4 ? 0x1f : 0);
			memcpy((char *)memory.data + i * bytes + y * stride +
				x * 2, &pixel, sizeof(pixel));
			client_image_set(&expected, x, y,
				(bits & 1 ? 0xff0000u : 0) |
				(bits & 2 ? 0xff00u : 0) |
				(bits & 4 ? 0xffu : 0));
		}
		client_surface_attach(&scene.window.surface, &buffers[i]);
		damage(&scene.window.surface, &everything, false);
		client_surface_commit(&scene.window.surface);
		scene_expect(test, &scene, &expected, "a picture of 16 bits");
	}
}

const struct test_case content_format_cases[] = {
	both_kinds("placing:offset-", 0,
		"A buffer begins at its offset.", show_placed),
	both_kinds("placing:stride-", 1,
		"Each row begins one stride after the previous one.", show_placed),
	both_kinds("placing:offset-and-stride-", 2,
		"Each row begins one stride after the previous one.", show_placed),
	both_kinds("format:argb8888-", 0,
		"Every compositor has this format.", show_format),
	both_kinds("format:xrgb8888-", 1,
		"Every compositor has this format, and ignores its top byte.",
		show_format),
	both_kinds("format:abgr8888-", 2,
		"Each format that is offered can be used.", show_format),
	both_kinds("format:xbgr8888-", 3,
		"Each format that is offered can be used.", show_format),
	both_kinds("format:rgb565-", 0,
		"Each format that is offered can be used.", show_rgb565),
	{ 0 },
};
