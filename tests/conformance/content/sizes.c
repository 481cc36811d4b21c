/* SPDX-License-Identifier: MIT */
/*
 * Sizes and coordinates: scale, transform, viewport.
 */
#include <string.h>
#include <wayland-client.h>

#include "stage.h"
#include "viewporter-client-protocol.h"

static void change_size(struct test *test) {
	static const struct rect sizes[] = {
		{ 0, 0, 60, 60 }, { 0, 0, 150, 40 }, { 0, 0, 40, 150 },
		{ 0, 0, 150, 150 }, { 0, 0, 1, 1 }, { 0, 0, 60, 60 },
	};
	struct scene scene;
	needs_window(test);
	scene_create(test, &scene, 150, 150);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		static struct canvas canvases[sizeof(sizes) / sizeof(sizes[0])];
		struct canvas *canvas = &canvases[i];
		canvas_create(test, canvas, test_get_kind(test), 1,
			sizes[i].width,
			sizes[i].height);
		client_image_draw(&canvas->images[0], (uint32_t)i);
		client_surface_attach(&scene.window.surface,
			&canvas->buffers[0]);
		damage(&scene.window.surface, &sizes[i], false);
		client_surface_commit(&scene.window.surface);
		scene_expect(test, &scene, &canvas->images[0],
			"a buffer of another size");
	}
}

static void show_scaled(struct test *test) {
	struct scene scene;
	struct stage stage;
	enum damage how = (enum damage)test_get_variant(test);
	needs_damage(test, how);
	stage_begin(test, &scene, &stage, 2);
	/* Blocks of equal pixels have an exact average, so scaling by one half is
	 * exact. */
	stage.scale = 2;
	stage_set_buffers(&stage, 2 * WIDTH, 2 * HEIGHT, WL_SHM_FORMAT_XRGB8888,
		(struct placing){ 0 });
	client_surface_set_scale(stage.surface, 2);
	scene_show_frames(&scene, &stage, 6, how);
}

/* Draws all of a stage's next frame, in another canvas. */
static void show_anew(struct scene *scene, struct stage *stage,
		const char *what) {
	memset(stage->next, 0, sizeof(stage->next));
	stage_draw(stage, &everything);
	damage(stage->surface, &everything, false);
	client_surface_commit(stage->surface);
	scene_expect(stage->test, scene, &stage->expected, what);
}

static void change_scale(struct test *test) {
	struct scene scene;
	static struct stage stages[3];
	needs_window(test);
	scene_create(test, &scene, WIDTH, HEIGHT);
	for (int i = 0; i < 3; i++) {
		struct stage *stage = &stages[i];
		stage_create(test, stage, &scene.window.surface, 2);
		stage->frames = 8 * (uint32_t)i;
		stage->scale = 1 + i % 2;
		stage_set_buffers(stage, WIDTH * stage->scale,
			HEIGHT * stage->scale, WL_SHM_FORMAT_XRGB8888,
			(struct placing){ 0 });
		client_surface_set_scale(stage->surface, stage->scale);
		show_anew(&scene, stage, "a buffer of another scale");
		scene_show_frames(&scene, stage, 2, DAMAGE_IN_SURFACE);
	}
}

static void show_turned(struct test *test) {
	struct scene scene;
	struct stage stage;
	needs_buffer_damage(test);
	stage_begin(test, &scene, &stage, 2);
	stage.transform = test_get_variant(test);
	bool upright = stage.transform % 2 == 0;
	stage_set_buffers(&stage, upright ? WIDTH : HEIGHT,
		upright ? HEIGHT : WIDTH, WL_SHM_FORMAT_XRGB8888,
		(struct placing){ 0 });
	wl_surface_set_buffer_transform(stage.surface->surface,
		stage.transform);
	scene_show_frames(&scene, &stage, 6, DAMAGE_BY_TURNS);
}

static void set_source(struct stage *stage, int32_t width, int32_t height) {
	wp_viewport_set_source(stage->surface->viewport,
		wl_fixed_from_int(stage->crop_x),
		wl_fixed_from_int(stage->crop_y),
		wl_fixed_from_int(width), wl_fixed_from_int(height));
}

static void show_cropped(struct test *test) {
	struct scene scene;
	struct stage stage;
	enum damage how = (enum damage)test_get_variant(test);
	needs_viewporter(test);
	needs_damage(test, how);
	stage_begin(test, &scene, &stage, 2);
	stage.crop_x = 37;
	stage.crop_y = 53;
	stage_set_buffers(&stage, 2 * WIDTH, 2 * HEIGHT, WL_SHM_FORMAT_XRGB8888,
		(struct placing){ 0 });
	must(test, client_surface_create_viewport(stage.surface));
	set_source(&stage, WIDTH, HEIGHT);
	scene_show_frames(&scene, &stage, 6, how);
}

static void show_viewport(struct test *test) {
	struct scene scene;
	struct stage stage;
	needs_viewporter(test);
	stage_begin(test, &scene, &stage, 2);
	stage.scale = test_get_variant(test);
	stage_set_buffers(&stage, stage.scale * WIDTH, stage.scale * HEIGHT,
		WL_SHM_FORMAT_XRGB8888, (struct placing){ 0 });
	must(test, client_surface_create_viewport(stage.surface));
	set_source(&stage, stage.scale * WIDTH, stage.scale * HEIGHT);
	wp_viewport_set_destination(stage.surface->viewport, WIDTH, HEIGHT);
	scene_show_frames(&scene, &stage, 6, DAMAGE_IN_SURFACE);
}

/* Shows another part of a buffer that was already shown, and then the whole buffer. */
static void move_viewport(struct test *test) {
	struct scene scene;
	struct canvas canvas;
	struct client_image part;
	needs_window(test);
	needs_viewporter(test);
	scene_create(test, &scene, 2 * WIDTH, HEIGHT);
	canvas_create(test, &canvas, test_get_kind(test), 1, 2 * WIDTH, HEIGHT);
	client_image_draw(&canvas.images[0], 0);
	struct client_surface *surface = &scene.window.surface;
	must(test, client_surface_create_viewport(surface));
	for (int32_t i = 0; i < 4; i++) {
		part = canvas.images[0];
		part.width = 40;
		part.height = 30;
		int32_t x = i * 67, y = i * 21;
		part.data = (char *)part.data + y * part.stride + x * 4;
		wp_viewport_set_source(surface->viewport, wl_fixed_from_int(x),
			wl_fixed_from_int(y), wl_fixed_from_int(40),
			wl_fixed_from_int(30));
		client_surface_attach(surface, &canvas.buffers[0]);
		client_surface_damage(surface, 0, 0, 40, 30);
		client_surface_commit(surface);
		scene_expect(test, &scene, &part, "another part of a buffer");
	}
	wp_viewport_destroy(surface->viewport);
	surface->viewport = NULL;
	client_surface_attach(surface, &canvas.buffers[0]);
	client_surface_damage(surface, 0, 0, 2 * WIDTH, HEIGHT);
	client_surface_commit(surface);
	scene_expect(test, &scene, &canvas.images[0], "all of a buffer");
}

const struct test_case content_size_cases[] = {
	both_kinds("size-change:", 0,
		"A surface takes each buffer's size.", change_size),
	both_kinds("scale-2:surface-", DAMAGE_IN_SURFACE,
		"A buffer's size is that of the surface, multiplied by the scale.", show_scaled),
	both_kinds("scale-2:buffer-", DAMAGE_IN_BUFFER,
		"A buffer's size is that of the surface, multiplied by the scale.", show_scaled),
	both_kinds("scale-change:", 0,
		"A scale applies from the next commit on.", change_scale),
	both_kinds("transform:90-", WL_OUTPUT_TRANSFORM_90,
		"A buffer may be rotated.", show_turned),
	both_kinds("transform:180-", WL_OUTPUT_TRANSFORM_180,
		"A buffer may be rotated.", show_turned),
	both_kinds("transform:270-", WL_OUTPUT_TRANSFORM_270,
		"A buffer may be rotated.", show_turned),
	both_kinds("transform:flipped-", WL_OUTPUT_TRANSFORM_FLIPPED,
		"A buffer may be flipped.", show_turned),
	both_kinds("transform:flipped-90-", WL_OUTPUT_TRANSFORM_FLIPPED_90,
		"A buffer may be flipped and rotated.", show_turned),
	both_kinds("transform:flipped-180-", WL_OUTPUT_TRANSFORM_FLIPPED_180,
		"A buffer may be flipped and rotated.", show_turned),
	both_kinds("transform:flipped-270-", WL_OUTPUT_TRANSFORM_FLIPPED_270,
		"A buffer may be flipped and rotated.", show_turned),
	both_kinds("viewport:source-surface-", DAMAGE_IN_SURFACE,
		"wp_viewport.set_source cuts out a part of the buffer.",
		show_cropped),
	both_kinds("viewport:source-buffer-", DAMAGE_IN_BUFFER,
		"wp_viewport.set_source cuts out a part of the buffer.",
		show_cropped),
	both_kinds("viewport:destination-", 1,
		"A destination with the source's size changes nothing.",
		show_viewport),
	both_kinds("viewport:halved-", 2,
		"The source is scaled to the destination.", show_viewport),
	both_kinds("viewport:moved-", 0,
		"A source rectangle applies from the next commit on, also to a buffer "
		"that is already attached.",
		move_viewport),
	{ 0 },
};
