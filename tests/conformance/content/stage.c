/* SPDX-License-Identifier: MIT */
/*
 * The screen shows what the client has drawn, byte for byte, with each way to send
 * damage, and also if the client changes its memory afterwards.
 *
 * The place of a window, and what surrounds it, is not known. So there is one small
 * window at a time, and the whole output is searched for its picture. No two frames have
 * the same pixels, so an older one cannot be mistaken for it. The output is searched
 * twice for each picture: after the compositor has repainted the damage, and after a
 * subsurface has covered the window for a moment, so that the compositor had to repaint
 * the whole window from its own state.
 *
 * This client is correct: it draws into a buffer only before the buffer's first commit
 * and after its release.
 *
 * Nothing is destroyed at the end, since the process ends with its case.
 */
#include <stdio.h>
#include <string.h>
#include <wayland-client.h>

#include "stage.h"
#include "viewporter-client-protocol.h"
#include "xdg-shell-client-protocol.h"

void needs_window(struct test *test) {
	struct client_image image;
	test_needs_capture(test);
	if (test->client.wm_base == NULL) {
		test_skip(test, "the compositor has no xdg_wm_base");
	}
	/* It may have a protocol, but refuse this client. */
	if (!client_capture_output(&test->client, CLIENT_MEMORY_SEALED,
			&image)) {
		char reason[sizeof(test->client.error)];
		memcpy(reason, test->client.error, sizeof(reason));
		test_expect_alive(test);
		test_skip(test, "%s", reason);
	}
	client_image_destroy(&image);
}

void needs_subsurfaces(struct test *test) {
	if (test->client.subcompositor == NULL) {
		test_skip(test, "the compositor has no wl_subcompositor");
	}
}

void needs_buffer_damage(struct test *test) {
	if (wl_compositor_get_version(test->client.compositor) <
			WL_SURFACE_DAMAGE_BUFFER_SINCE_VERSION) {
		test_skip(test, "wl_surface.damage_buffer is newer than the "
			"compositor");
	}
}

void needs_viewporter(struct test *test) {
	if (test->client.viewporter == NULL) {
		test_skip(test, "the compositor has no wp_viewporter");
	}
}

void needs_format(struct test *test, uint32_t format,
		const char *name) {
	if (!test_has_format(test, format)) {
		test_skip(test, "the compositor does not offer %s", name);
	}
}

void image_create(struct test *test, struct client_image *image,
		int32_t width, int32_t height) {
	if (!client_image_create(image, width, height)) {
		test_fail(test, "no memory");
	}
}

void canvas_create_at(struct test *test, struct canvas *canvas,
		enum client_memory_kind kind, size_t buffers_len, int32_t width,
		int32_t height, uint32_t format, struct placing placing) {
	struct client *client = &test->client;
	int32_t stride = width * 4 + placing.padding;
	int32_t bytes = stride * height;
	int32_t size = placing.offset + bytes * (int32_t)buffers_len;
	*canvas = (struct canvas){ .buffers_len = buffers_len };
	must(test, client_memory_create(client, &canvas->memory, kind,
		(size_t)size));
	/* Bytes that are not a pixel of the buffer must not be shown. */
	memset(canvas->memory.data, 0xa5, (size_t)size);
	must(test, client_pool_create(client, &canvas->pool, &canvas->memory,
		size));
	for (size_t i = 0; i < buffers_len; i++) {
		must(test, client_buffer_create_with_format(&canvas->pool,
			&canvas->buffers[i], placing.offset +
			bytes * (int32_t)i, width, height, stride, format));
		must(test, client_buffer_get_image(client,
			&canvas->buffers[i], &canvas->images[i]));
	}
}

void canvas_create(struct test *test, struct canvas *canvas,
		enum client_memory_kind kind, size_t buffers_len, int32_t width,
		int32_t height) {
	canvas_create_at(test, canvas, kind, buffers_len, width, height,
		WL_SHM_FORMAT_XRGB8888, (struct placing){ 0 });
}

void scene_create(struct test *test, struct scene *scene, int32_t width,
		int32_t height) {
	struct client *client = &test->client;
	*scene = (struct scene){ 0 };
	must(test, client_window_create(client, &scene->window, "content"));
	if (client->subcompositor != NULL) {
		must(test, client_subsurface_create(client, &scene->cover,
			&scene->window.surface, 0, 0));
		client_subsurface_set_desync(&scene->cover);
		canvas_create(test, &scene->cover_canvas, CLIENT_MEMORY_FIXED,
			1, width, height);
	}
}

static void scene_flash(struct test *test, struct scene *scene) {
	struct client_surface *surface = &scene->cover.surface;
	if (surface->surface == NULL) {
		return;
	}
	must(test, client_surface_show(surface,
		&scene->cover_canvas.buffers[0]));
	client_surface_attach(surface, NULL);
	client_surface_commit(surface);
}

void scene_expect(struct test *test, struct scene *scene,
		const struct client_image *picture, const char *what) {
	char again[128];
	test_expect_seen(test, picture, what);
	scene_flash(test, scene);
	snprintf(again, sizeof(again), "%s, after it was covered", what);
	test_expect_seen(test, picture, again);
}

void stage_create(struct test *test, struct stage *stage,
		struct client_surface *surface, size_t buffers_len) {
	*stage = (struct stage){
		.test = test,
		.surface = surface,
		.scale = 1,
		.seed = 1,
	};
	canvas_create(test, &stage->canvas, test_get_kind(test), buffers_len,
		WIDTH, HEIGHT);
	image_create(test, &stage->expected, WIDTH, HEIGHT);
}

void stage_begin(struct test *test, struct scene *scene, struct stage *stage,
		size_t buffers_len) {
	needs_window(test);
	scene_create(test, scene, WIDTH, HEIGHT);
	stage_create(test, stage, &scene->window.surface, buffers_len);
}

void stage_set_buffers(struct stage *stage, int32_t width,
		int32_t height, uint32_t format, struct placing placing) {
	size_t buffers_len = stage->canvas.buffers_len;
	canvas_create_at(stage->test, &stage->canvas,
		test_get_kind(stage->test), buffers_len, width, height, format, placing);
}

/* The place of a surface's pixel in the buffer, without scale and crop. A transform is
 * what the client has done to the buffer: it has flipped it, and then rotated it
 * counter-clockwise. */
static void turn(int32_t transform, int32_t x, int32_t y, int32_t *to_x,
		int32_t *to_y) {
	if (transform >= WL_OUTPUT_TRANSFORM_FLIPPED) {
		x = WIDTH - 1 - x;
	}
	switch (transform % WL_OUTPUT_TRANSFORM_FLIPPED) {
	case WL_OUTPUT_TRANSFORM_NORMAL:
		*to_x = x;
		*to_y = y;
		break;
	case WL_OUTPUT_TRANSFORM_90:
		*to_x = y;
		*to_y = WIDTH - 1 - x;
		break;
	case WL_OUTPUT_TRANSFORM_180:
		*to_x = WIDTH - 1 - x;
		*to_y = HEIGHT - 1 - y;
		break;
	default: /* WL_OUTPUT_TRANSFORM_270 */
		*to_x = HEIGHT - 1 - y;
		*to_y = x;
		break;
	}
}

static uint32_t encode(const struct stage *stage, uint32_t pixel, int32_t x) {
	if (stage->blue_first) {
		pixel = (pixel & 0xff00ff00u) | (pixel & 0xffu) << 16 |
			(pixel >> 16 & 0xffu);
	}
	if (stage->any_top) {
		pixel = (pixel & 0xffffffu) | (uint32_t)x * 37 << 24;
	}
	return pixel;
}

static void put(const struct stage *stage, struct client_image *image,
		int32_t x, int32_t y) {
	uint32_t pixel = client_image_get(&stage->expected, x, y);
	int32_t to_x, to_y;
	turn(stage->transform, x, y, &to_x, &to_y);
	for (int32_t i = 0; i < stage->scale * stage->scale; i++) {
		client_image_set(image,
			to_x * stage->scale + i % stage->scale + stage->crop_x,
			to_y * stage->scale + i / stage->scale + stage->crop_y,
			encode(stage, pixel, x));
	}
}

static void put_rect(const struct stage *stage, struct client_image *image,
		const struct rect *rect) {
	for (int32_t y = rect->y; y < rect->y + rect->height; y++) {
		for (int32_t x = rect->x; x < rect->x + rect->width; x++) {
			put(stage, image, x, y);
		}
	}
}

void stage_draw(struct stage *stage, const struct rect *rect) {
	struct canvas *canvas = &stage->canvas;
	uint32_t frame = stage->frames++;
	size_t i = frame % canvas->buffers_len;
	stage->changed[frame] = frame > 0 ? *rect : everything;
	rect = &stage->changed[frame];
	client_image_draw_rect(&stage->expected, rect->x, rect->y, rect->width,
		rect->height, 1, frame);

	must(stage->test, client_buffer_wait_released(&stage->test->client,
		&canvas->buffers[i]));
	if (stage->next[i] == 0) {
		put_rect(stage, &canvas->images[i], &everything);
	}
	for (uint32_t j = stage->next[i]; stage->next[i] != 0 && j <= frame;
			j++) {
		put_rect(stage, &canvas->images[i], &stage->changed[j]);
	}
	stage->next[i] = frame + 1;
	client_surface_attach(stage->surface, &canvas->buffers[i]);
}

/* Converts to buffer coordinates. */
static struct rect to_buffer(const struct stage *stage,
		const struct rect *rect) {
	int32_t x1, y1, x2, y2;
	turn(stage->transform, rect->x, rect->y, &x1, &y1);
	turn(stage->transform, rect->x + rect->width - 1,
		rect->y + rect->height - 1, &x2, &y2);
	int32_t left = x1 < x2 ? x1 : x2, top = y1 < y2 ? y1 : y2;
	int32_t width = (x1 < x2 ? x2 - x1 : x1 - x2) + 1;
	int32_t height = (y1 < y2 ? y2 - y1 : y1 - y2) + 1;
	return (struct rect){
		left * stage->scale + stage->crop_x,
		top * stage->scale + stage->crop_y,
		width * stage->scale, height * stage->scale,
	};
}

void damage(struct client_surface *surface, const struct rect *rect,
		bool in_buffer) {
	if (in_buffer) {
		client_surface_damage_buffer(surface, rect->x, rect->y,
			rect->width, rect->height);
	} else {
		client_surface_damage(surface, rect->x, rect->y, rect->width,
			rect->height);
	}
}

static void stage_damage(struct stage *stage, const struct rect *rect,
		enum damage how) {
	struct rect top = *rect, bottom = *rect;
	struct rect in_buffer = to_buffer(stage, rect);
	switch (how) {
	case DAMAGE_IN_SURFACE:
		damage(stage->surface, rect, false);
		break;
	case DAMAGE_IN_BUFFER:
		damage(stage->surface, &in_buffer, true);
		break;
	case DAMAGE_IN_BOTH:
		top.height /= 2;
		bottom.y += top.height;
		bottom.height -= top.height;
		in_buffer = to_buffer(stage, &bottom);
		damage(stage->surface, &top, false);
		damage(stage->surface, &in_buffer, true);
		break;
	case DAMAGE_BY_TURNS:
		stage_damage(stage, rect, stage->frames % 2 == 0 ?
			DAMAGE_IN_BUFFER : DAMAGE_IN_SURFACE);
		break;
	}
}

static int32_t random_below(struct stage *stage, int32_t end) {
	stage->seed = stage->seed * 1103515245u + 12345u;
	return (int32_t)((stage->seed >> 8) % (uint32_t)end);
}

/* Returns a rectangle from 2x2 pixels up to half of the surface. */
static struct rect random_rect(struct stage *stage) {
	struct rect rect = {
		.width = 2 + random_below(stage, WIDTH / 2),
		.height = 2 + random_below(stage, HEIGHT / 2),
	};
	rect.x = random_below(stage, WIDTH - rect.width);
	rect.y = random_below(stage, HEIGHT - rect.height);
	return rect;
}

void stage_commit_frame(struct stage *stage, enum damage how) {
	struct rect rect = stage->frames == 0 ? everything :
		random_rect(stage);
	stage_draw(stage, &rect);
	stage_damage(stage, &rect, how);
	client_surface_commit(stage->surface);
}

void scene_show_frames(struct scene *scene, struct stage *stage,
		uint32_t count, enum damage how) {
	for (uint32_t i = 0; i < count; i++) {
		char what[40];
		snprintf(what, sizeof(what), "frame %u", stage->frames);
		stage_commit_frame(stage, how);
		scene_expect(stage->test, scene, &stage->expected, what);
	}
}

void needs_damage(struct test *test, enum damage how) {
	if (how != DAMAGE_IN_SURFACE) {
		needs_buffer_damage(test);
	}
}
