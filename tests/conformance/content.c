/* SPDX-License-Identifier: MIT */
/*
 * What is on the screen is what the client has drawn, byte for byte, whichever
 * way it says what has changed and whatever becomes of its memory afterwards.
 *
 * Nothing is known of where a window is put, nor of what is around it. So there
 * is one small window at a time, and its picture is looked for all over the
 * output; a frame has pixels of its own, so an older one is never mistaken for
 * it. Each picture is looked for twice: as the compositor repaired its output,
 * and after a subsurface has covered the window for a moment, so that all of it
 * had to be painted from what the compositor keeps.
 *
 * The client here is a correct one: it draws into a buffer only before the
 * buffer's first commit and after its release.
 *
 * Nothing is destroyed in the end: the process ends with its case.
 */
#include <stdio.h>
#include <string.h>
#include <viewporter-client-protocol.h>
#include <wayland-client.h>

#include "case.h"
#include "globals.h"

/* Not square, and rows that are no power of two. */
#define WIDTH 122
#define HEIGHT 94

#define BUFFERS_MAX 3
#define FRAMES_MAX 40

struct rect {
	int32_t x, y, width, height;
};

static const struct rect everything = { 0, 0, WIDTH, HEIGHT };

/* A file, a pool as large, and buffers of one size in it. */
struct canvas {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[BUFFERS_MAX];
	struct client_image images[BUFFERS_MAX];
	size_t buffers_len;
};

/* Where the buffers of a canvas lie. */
struct placing {
	/* Before the first, and at the end of each row, in bytes. */
	int32_t offset, padding;
};

/* A surface, drawn with buffer age: into a buffer goes what has changed since it
 * was drawn last, while the damage is what has changed since the last frame. */
struct stage {
	struct test *test;
	struct client_surface *surface;
	struct canvas canvas;
	/* How it should look. */
	struct client_image expected;

	/* How the surface's pixels lie in the buffers. */
	int32_t scale, transform, crop_x, crop_y;
	/* The buffers have blue where others have red; the top byte is not all
	 * ones. */
	bool blue_first, any_top;

	uint32_t frames;
	struct rect changed[FRAMES_MAX];
	/* The frame after the one that a buffer holds; 0 for none yet. */
	uint32_t next[BUFFERS_MAX];
	uint32_t seed;
};

/* A window and its cover. */
struct scene {
	struct client_window window;
	struct client_subsurface cover;
	struct canvas cover_canvas;
};

enum damage {
	DAMAGE_IN_SURFACE,
	DAMAGE_IN_BUFFER,
	DAMAGE_IN_BOTH,
	DAMAGE_BY_TURNS,
};

/* A case's argument is a memory kind and a variant. */
#define WITH(kind, variant) (CLIENT_MEMORY_##kind | (variant) << 8)

static enum client_memory_kind get_kind(const struct test *test) {
	return (enum client_memory_kind)(test->argument & 0xff);
}

static int32_t get_variant(const struct test *test) {
	return (int32_t)(test->argument >> 8);
}

static void needs_window(struct test *test) {
	struct client_image image;
	test_needs_capture(test);
	if (test->client.wm_base == NULL) {
		test_skip(test, "the compositor has no xdg_wm_base");
	}
	/* It may have a protocol, and refuse it to us. */
	if (!client_capture_output(&test->client, CLIENT_MEMORY_SEALED,
			&image)) {
		char reason[sizeof(test->client.error)];
		memcpy(reason, test->client.error, sizeof(reason));
		test_expect_alive(test);
		test_skip(test, "%s", reason);
	}
	client_image_destroy(&image);
}

static void needs_subsurfaces(struct test *test) {
	if (test->client.subcompositor == NULL) {
		test_skip(test, "the compositor has no wl_subcompositor");
	}
}

static void needs_buffer_damage(struct test *test) {
	if (wl_compositor_get_version(test->client.compositor) <
			WL_SURFACE_DAMAGE_BUFFER_SINCE_VERSION) {
		test_skip(test, "wl_surface.damage_buffer is newer than the "
			"compositor");
	}
}

static void needs_viewporter(struct test *test) {
	if (test->client.viewporter == NULL) {
		test_skip(test, "the compositor has no wp_viewporter");
	}
}

static void note_format(void *data, struct wl_shm *shm, uint32_t format) {
	uint32_t *wanted = data;
	if (*wanted == format) {
		*wanted = UINT32_MAX;
	}
}

static const struct wl_shm_listener shm_listener = { .format = note_format };

/* Formats are told at the bind, so another one is made. */
static void needs_format(struct test *test, uint32_t format,
		const char *name) {
	struct client *client = &test->client;
	struct client_global global[] = {
		{ .interface = &wl_shm_interface, .version = 1,
			.listener = &shm_listener, .data = &format },
		{ 0 },
	};
	struct wl_registry *registry =
		client_look_for_globals(client->display, global);
	if (registry == NULL) {
		test_fail(test, "no memory");
	}
	must(test, client_roundtrip(client) && client_roundtrip(client));
	wl_registry_destroy(registry);
	if (format != UINT32_MAX) {
		test_skip(test, "the compositor does not offer %s", name);
	}
}

static void image_create(struct test *test, struct client_image *image,
		int32_t width, int32_t height) {
	if (!client_image_create(image, width, height)) {
		test_fail(test, "no memory");
	}
}

static void canvas_create_at(struct test *test, struct canvas *canvas,
		enum client_memory_kind kind, size_t buffers_len, int32_t width,
		int32_t height, uint32_t format, struct placing placing) {
	struct client *client = &test->client;
	int32_t stride = width * 4 + placing.padding;
	int32_t bytes = stride * height;
	int32_t size = placing.offset + bytes * (int32_t)buffers_len;
	*canvas = (struct canvas){ .buffers_len = buffers_len };
	must(test, client_memory_create(client, &canvas->memory, kind,
		(size_t)size));
	/* What is not a buffer's pixel must not be seen. */
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

static void canvas_create(struct test *test, struct canvas *canvas,
		enum client_memory_kind kind, size_t buffers_len, int32_t width,
		int32_t height) {
	canvas_create_at(test, canvas, kind, buffers_len, width, height,
		WL_SHM_FORMAT_XRGB8888, (struct placing){ 0 });
}

/* As large as "width" and "height". */
static void scene_create(struct test *test, struct scene *scene, int32_t width,
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

/* That the window looks like this, and goes on to. */
static void scene_expect(struct test *test, struct scene *scene,
		const struct client_image *picture, const char *what) {
	char again[128];
	test_expect_seen(test, picture, what);
	scene_flash(test, scene);
	snprintf(again, sizeof(again), "%s, after it was covered", what);
	test_expect_seen(test, picture, again);
}

static void stage_create(struct test *test, struct stage *stage,
		struct client_surface *surface, size_t buffers_len) {
	*stage = (struct stage){
		.test = test,
		.surface = surface,
		.scale = 1,
		.seed = 1,
	};
	canvas_create(test, &stage->canvas, get_kind(test), buffers_len, WIDTH,
		HEIGHT);
	image_create(test, &stage->expected, WIDTH, HEIGHT);
}

/* In place of those that it has; none of them was seen yet. */
static void stage_set_buffers(struct stage *stage, int32_t width,
		int32_t height, uint32_t format, struct placing placing) {
	size_t buffers_len = stage->canvas.buffers_len;
	canvas_create_at(stage->test, &stage->canvas, get_kind(stage->test),
		buffers_len, width, height, format, placing);
}

/* Where a pixel of the surface is in the buffer, without scale and crop. A
 * transform is what the client has done to the buffer: turned it by so much
 * counter-clockwise, after having mirrored it. */
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

/* Draws a frame that differs from the one before within the rectangle, and
 * attaches it. */
static void stage_draw(struct stage *stage, const struct rect *rect) {
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

/* In the buffer's coordinates. */
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

static void damage(struct client_surface *surface, const struct rect *rect,
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

/* From two pixels each way up to half of the surface. */
static struct rect random_rect(struct stage *stage) {
	struct rect rect = {
		.width = 2 + random_below(stage, WIDTH / 2),
		.height = 2 + random_below(stage, HEIGHT / 2),
	};
	rect.x = random_below(stage, WIDTH - rect.width);
	rect.y = random_below(stage, HEIGHT - rect.height);
	return rect;
}

static void stage_commit_frame(struct stage *stage, enum damage how) {
	struct rect rect = stage->frames == 0 ? everything :
		random_rect(stage);
	stage_draw(stage, &rect);
	stage_damage(stage, &rect, how);
	client_surface_commit(stage->surface);
}

static void show_frames(struct scene *scene, struct stage *stage,
		uint32_t count, enum damage how) {
	for (uint32_t i = 0; i < count; i++) {
		char what[40];
		snprintf(what, sizeof(what), "frame %u", stage->frames);
		stage_commit_frame(stage, how);
		scene_expect(stage->test, scene, &stage->expected, what);
	}
}

static void needs_damage(struct test *test, enum damage how) {
	if (how != DAMAGE_IN_SURFACE) {
		needs_buffer_damage(test);
	}
}

/* Frames, from here on */

static void show_first_frame(struct test *test) {
	struct scene scene;
	struct stage stage;
	needs_window(test);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 1);
	show_frames(&scene, &stage, 1, DAMAGE_IN_SURFACE);
}

static void show_damage(struct test *test) {
	struct scene scene;
	struct stage stage;
	enum damage how = (enum damage)get_variant(test);
	needs_window(test);
	needs_damage(test, how);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 2);
	show_frames(&scene, &stage, 8, how);
}

static void show_many_rectangles(struct test *test) {
	struct scene scene;
	struct stage stage;
	needs_window(test);
	needs_buffer_damage(test);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 2);
	show_frames(&scene, &stage, 2, DAMAGE_IN_SURFACE);
	/* Together they are less than this one. */
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
	/* What is said, and what of it is within. */
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
	bool in_buffer = get_variant(test);
	needs_window(test);
	if (in_buffer) {
		needs_buffer_damage(test);
	}
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 2);
	show_frames(&scene, &stage, 2, DAMAGE_IN_SURFACE);
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

/* The buffer is given back while it is on the screen: by compositors that make
 * a copy of it. */
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
	size_t buffers_len = (size_t)get_variant(test);
	needs_window(test);
	needs_buffer_damage(test);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, buffers_len);
	show_frames(&scene, &stage, 1, DAMAGE_IN_SURFACE);
	if (buffers_len == 1 &&
			!is_released_soon(test, &stage.canvas.buffers[0])) {
		test_skip(test, "the compositor keeps a buffer until it gets "
			"another");
	}
	show_frames(&scene, &stage, 11, DAMAGE_BY_TURNS);
}

/* As fast as buffers come back, and some frames are never painted. */
static void swap_buffers_unseen(struct test *test) {
	struct scene scene;
	struct stage stage;
	needs_window(test);
	needs_buffer_damage(test);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface,
		(size_t)get_variant(test));
	show_frames(&scene, &stage, 3, DAMAGE_IN_SURFACE);
	for (int i = 0; i < 5; i++) {
		stage_commit_frame(&stage, DAMAGE_BY_TURNS);
		stage_commit_frame(&stage, DAMAGE_BY_TURNS);
		show_frames(&scene, &stage, 1, DAMAGE_BY_TURNS);
	}
}

static void show_thirty_frames(struct test *test) {
	struct scene scene;
	struct stage stage;
	needs_window(test);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 3);
	while (stage.frames < 29) {
		stage_commit_frame(&stage, DAMAGE_IN_SURFACE);
	}
	show_frames(&scene, &stage, 1, DAMAGE_IN_SURFACE);
}

/* Of two buffers attached, the one attached last; and a buffer that is committed
 * again has not changed. */
static void attach_again(struct test *test) {
	struct scene scene;
	struct stage stage;
	needs_window(test);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 2);
	struct canvas *canvas = &stage.canvas;
	show_frames(&scene, &stage, 1, DAMAGE_IN_SURFACE);
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
	show_frames(&scene, &stage, 2, DAMAGE_IN_SURFACE);
}

/* Pools and buffers, from here on */

#define GROWN_SIDE 32
#define GROWN_BUFFER_BYTES (GROWN_SIDE * GROWN_SIDE * 4)
#define GROWN_BYTES (16 << 20)

/* Each step shows a buffer at the end of the grown pool, then the first buffer
 * with a part of it drawn anew. */
static void grow_pool(struct test *test) {
	struct client *client = &test->client;
	struct scene scene;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer first, last[8];
	struct client_image first_image, last_image, expected;
	int32_t size = GROWN_BUFFER_BYTES;
	needs_window(test);
	must(test, client_memory_create(client, &memory, get_kind(test),
		(size_t)size));
	must(test, client_pool_create(client, &pool, &memory, size));
	must(test, client_buffer_create(&pool, &first, 0, GROWN_SIDE,
		GROWN_SIDE, GROWN_SIDE * 4));
	must(test, client_buffer_get_image(client, &first, &first_image));
	image_create(test, &expected, GROWN_SIDE, GROWN_SIDE);
	client_image_draw(&first_image, 0);
	client_image_draw(&expected, 0);
	scene_create(test, &scene, GROWN_SIDE, GROWN_SIDE);
	struct client_surface *surface = &scene.window.surface;
	client_surface_attach(surface, &first);
	damage(surface, &everything, false);
	client_surface_commit(surface);
	scene_expect(test, &scene, &expected, "the pool before it grew");

	for (int32_t step = 0; size < GROWN_BYTES; step++) {
		size *= 4;
		uint32_t frame = (uint32_t)step + 1;
		must(test, client_memory_grow(client, &memory, (size_t)size));
		client_pool_resize(&pool, size);
		must(test, client_buffer_create(&pool, &last[step],
			size - GROWN_BUFFER_BYTES, GROWN_SIDE, GROWN_SIDE,
			GROWN_SIDE * 4));
		must(test, client_buffer_get_image(client, &last[step],
			&last_image));
		client_image_draw(&last_image, 20 + frame);
		client_surface_attach(surface, &last[step]);
		damage(surface, &everything, false);
		client_surface_commit(surface);
		scene_expect(test, &scene, &last_image,
			"a buffer in the pool's new part");

		must(test, client_buffer_wait_released(client, &first));
		must(test, client_buffer_get_image(client, &first,
			&first_image));
		client_image_draw_rect(&first_image, 5, step, 9, 2, 1, frame);
		client_image_draw_rect(&expected, 5, step, 9, 2, 1, frame);
		client_surface_attach(surface, &first);
		damage(surface, &everything, false);
		client_surface_commit(surface);
		scene_expect(test, &scene, &expected,
			"a buffer from before the pool grew");
	}
}

/* The file has grown long ago when the pool does, and the pool's last buffer is
 * the only one. */
static void grow_pool_into_file(struct test *test) {
	struct client *client = &test->client;
	struct scene scene;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	struct client_image image;
	int32_t size = WIDTH * HEIGHT * 4;
	needs_window(test);
	must(test, client_memory_create(client, &memory, get_kind(test),
		(size_t)size * 2));
	must(test, client_pool_create(client, &pool, &memory, size));
	client_pool_resize(&pool, size * 2);
	must(test, client_buffer_create(&pool, &buffer, size, WIDTH, HEIGHT,
		WIDTH * 4));
	client_pool_destroy(&pool);
	must(test, client_buffer_get_image(client, &buffer, &image));
	client_image_draw(&image, 0);
	scene_create(test, &scene, WIDTH, HEIGHT);
	client_surface_attach(&scene.window.surface, &buffer);
	damage(&scene.window.surface, &everything, false);
	client_surface_commit(&scene.window.surface);
	scene_expect(test, &scene, &image, "a buffer in the pool's new part");
}

/* How much of what made the last frame is gone before it is painted. */
enum gone {
	GONE_BUFFER,
	GONE_POOL,
	GONE_BOTH,
	/* Also the client's mapping and its fd. */
	GONE_MEMORY,
};

static void destroy_after_commit(struct test *test) {
	struct scene scene;
	struct stage stage, next;
	enum gone gone = (enum gone)get_variant(test);
	needs_window(test);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 1);
	stage_commit_frame(&stage, DAMAGE_IN_SURFACE);
	if (gone != GONE_POOL) {
		client_buffer_destroy(&stage.canvas.buffers[0]);
	}
	if (gone != GONE_BUFFER) {
		client_pool_destroy(&stage.canvas.pool);
	}
	if (gone == GONE_MEMORY) {
		client_memory_destroy(&stage.canvas.memory);
	}
	scene_expect(test, &scene, &stage.expected, "what is destroyed now");

	/* And nothing of it is mistaken for what comes next. */
	stage_create(test, &next, &scene.window.surface, 2);
	next.frames = 10;
	next.changed[9] = everything;
	stage_draw(&next, &everything);
	damage(next.surface, &everything, false);
	client_surface_commit(next.surface);
	scene_expect(test, &scene, &next.expected, "the next buffer");
	show_frames(&scene, &next, 2, DAMAGE_IN_SURFACE);
}

/* The pool is no more than a way to make buffers. */
static void destroy_pool_first(struct test *test) {
	struct scene scene;
	struct stage stage;
	needs_window(test);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 2);
	client_pool_destroy(&stage.canvas.pool);
	show_frames(&scene, &stage, 5, DAMAGE_IN_SURFACE);
}

static void show_two_pools_of_one_file(struct test *test) {
	struct scene scene;
	struct stage stage;
	needs_window(test);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 2);
	struct canvas *canvas = &stage.canvas;
	struct client_pool other;
	int32_t bytes = WIDTH * HEIGHT * 4;
	must(test, client_pool_create(&test->client, &other, &canvas->memory,
		2 * bytes));
	client_buffer_destroy(&canvas->buffers[1]);
	must(test, client_buffer_create(&other, &canvas->buffers[1], bytes,
		WIDTH, HEIGHT, WIDTH * 4));
	show_frames(&scene, &stage, 5, DAMAGE_IN_SURFACE);
}

/* Buffers that share pages: what is kept of one must not go with another. */
static void destroy_neighbours(struct test *test) {
	struct scene scene;
	struct canvas canvas;
	needs_window(test);
	scene_create(test, &scene, 61, 47);
	canvas_create(test, &canvas, get_kind(test), 3, 61, 47);
	struct client_surface *surface = &scene.window.surface;
	for (size_t i = 0; i < 3; i++) {
		client_image_draw(&canvas.images[i], (uint32_t)i);
		client_surface_attach(surface, &canvas.buffers[i]);
		damage(surface, &everything, false);
		client_surface_commit(surface);
		scene_expect(test, &scene, &canvas.images[i], "a buffer");
		if (i > 0) {
			must(test, client_buffer_wait_released(&test->client,
				&canvas.buffers[i - 1]));
			client_buffer_destroy(&canvas.buffers[i - 1]);
			memset(canvas.images[i - 1].data, 0, 61 * 47 * 4);
			scene_expect(test, &scene, &canvas.images[i],
				"a buffer whose neighbour was destroyed");
		}
	}
}

/* One buffer after the other in the same bytes, each of another shape. */
static void use_bytes_again(struct test *test) {
	static const struct {
		int32_t width, height, padding;
	} shapes[] = {
		{ 100, 80, 0 }, { 80, 100, 12 }, { 33, 150, 64 }, { 100, 80, 0 },
	};
	struct client *client = &test->client;
	struct scene scene;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer between;
	needs_window(test);
	scene_create(test, &scene, 150, 150);
	struct client_surface *surface = &scene.window.surface;
	/* The first quarter is for what is shown meanwhile. */
	int32_t half = 150 * 150 * 4;
	must(test, client_memory_create(client, &memory, get_kind(test),
		2 * (size_t)half));
	must(test, client_pool_create(client, &pool, &memory, 2 * half));
	must(test, client_buffer_create(&pool, &between, 0, 50, 50, 200));
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct client_buffer buffer;
		struct client_image image;
		must(test, client_buffer_create(&pool, &buffer, half,
			shapes[i].width, shapes[i].height,
			shapes[i].width * 4 + shapes[i].padding));
		must(test, client_buffer_get_image(client, &buffer, &image));
		client_image_draw(&image, (uint32_t)i);
		client_surface_attach(surface, &buffer);
		client_surface_damage(surface, 0, 0, shapes[i].width,
			shapes[i].height);
		client_surface_commit(surface);
		scene_expect(test, &scene, &image, "a buffer in used bytes");

		client_surface_attach(surface, &between);
		client_surface_damage(surface, 0, 0, 50, 50);
		client_surface_commit(surface);
		must(test, client_buffer_wait_released(client, &buffer));
		client_buffer_destroy(&buffer);
	}
}

static void show_placed(struct test *test) {
	static const struct placing placings[] = {
		{ 1021 * 4, 0 }, { 0, 52 }, { 1021 * 4, 4096 },
	};
	struct scene scene;
	struct stage stage;
	needs_window(test);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 2);
	stage_set_buffers(&stage, WIDTH, HEIGHT, WL_SHM_FORMAT_XRGB8888,
		placings[get_variant(test)]);
	show_frames(&scene, &stage, 4, DAMAGE_IN_SURFACE);
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
	int32_t i = get_variant(test);
	needs_window(test);
	needs_format(test, formats[i].format, formats[i].name);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 2);
	stage.blue_first = formats[i].blue_first;
	stage.any_top = formats[i].any_top;
	stage_set_buffers(&stage, WIDTH, HEIGHT, formats[i].format,
		(struct placing){ 0 });
	show_frames(&scene, &stage, 4, DAMAGE_IN_SURFACE);
}

/* Colours that are black or as bright as can be, which are the same with any
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
	must(test, client_memory_create(client, &memory, get_kind(test),
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

/* Sizes and coordinates, from here on */

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
		canvas_create(test, canvas, get_kind(test), 1, sizes[i].width,
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
	enum damage how = (enum damage)get_variant(test);
	needs_window(test);
	needs_damage(test, how);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 2);
	/* Blocks of equal pixels have an exact average, so halving is exact. */
	stage.scale = 2;
	stage_set_buffers(&stage, 2 * WIDTH, 2 * HEIGHT, WL_SHM_FORMAT_XRGB8888,
		(struct placing){ 0 });
	client_surface_set_scale(stage.surface, 2);
	show_frames(&scene, &stage, 6, how);
}

/* All of a stage's next frame, in another canvas. */
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
		show_frames(&scene, stage, 2, DAMAGE_IN_SURFACE);
	}
}

static void show_turned(struct test *test) {
	struct scene scene;
	struct stage stage;
	needs_window(test);
	needs_buffer_damage(test);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 2);
	stage.transform = get_variant(test);
	bool upright = stage.transform % 2 == 0;
	stage_set_buffers(&stage, upright ? WIDTH : HEIGHT,
		upright ? HEIGHT : WIDTH, WL_SHM_FORMAT_XRGB8888,
		(struct placing){ 0 });
	wl_surface_set_buffer_transform(stage.surface->surface,
		stage.transform);
	show_frames(&scene, &stage, 6, DAMAGE_BY_TURNS);
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
	enum damage how = (enum damage)get_variant(test);
	needs_window(test);
	needs_viewporter(test);
	needs_damage(test, how);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 2);
	stage.crop_x = 37;
	stage.crop_y = 53;
	stage_set_buffers(&stage, 2 * WIDTH, 2 * HEIGHT, WL_SHM_FORMAT_XRGB8888,
		(struct placing){ 0 });
	must(test, client_surface_create_viewport(stage.surface));
	set_source(&stage, WIDTH, HEIGHT);
	show_frames(&scene, &stage, 6, how);
}

static void show_viewport(struct test *test) {
	struct scene scene;
	struct stage stage;
	needs_window(test);
	needs_viewporter(test);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 2);
	stage.scale = get_variant(test);
	stage_set_buffers(&stage, stage.scale * WIDTH, stage.scale * HEIGHT,
		WL_SHM_FORMAT_XRGB8888, (struct placing){ 0 });
	must(test, client_surface_create_viewport(stage.surface));
	set_source(&stage, stage.scale * WIDTH, stage.scale * HEIGHT);
	wp_viewport_set_destination(stage.surface->viewport, WIDTH, HEIGHT);
	show_frames(&scene, &stage, 6, DAMAGE_IN_SURFACE);
}

/* Another part of a buffer that is known already; then all of it. */
static void move_viewport(struct test *test) {
	struct scene scene;
	struct canvas canvas;
	struct client_image part;
	needs_window(test);
	needs_viewporter(test);
	scene_create(test, &scene, 2 * WIDTH, HEIGHT);
	canvas_create(test, &canvas, get_kind(test), 1, 2 * WIDTH, HEIGHT);
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

/* Several surfaces, from here on */

#define PARENT_WIDTH 180
#define PARENT_HEIGHT 160

/* A parent that never changes, with a subsurface. */
struct family {
	struct scene scene;
	struct canvas canvas;
	struct client_subsurface subsurface;
	struct stage stage;
	struct client_image picture;
};

static void family_create(struct test *test, struct family *family) {
	needs_window(test);
	needs_subsurfaces(test);
	scene_create(test, &family->scene, PARENT_WIDTH, PARENT_HEIGHT);
	canvas_create(test, &family->canvas, CLIENT_MEMORY_SEALED, 1,
		PARENT_WIDTH, PARENT_HEIGHT);
	client_image_draw(&family->canvas.images[0], 50);
	image_create(test, &family->picture, PARENT_WIDTH, PARENT_HEIGHT);
	client_image_paste(&family->picture, 0, 0, &family->canvas.images[0]);
	must(test, client_subsurface_create(&test->client, &family->subsurface,
		&family->scene.window.surface, 21, 33));
	/* The cover stays on top. */
	wl_subsurface_place_below(family->subsurface.subsurface,
		family->scene.cover.surface.surface);
	stage_create(test, &family->stage, &family->subsurface.surface, 2);
}

static void family_show_parent(struct family *family) {
	struct client_surface *surface = &family->scene.window.surface;
	client_surface_attach(surface, &family->canvas.buffers[0]);
	client_surface_damage(surface, 0, 0, PARENT_WIDTH, PARENT_HEIGHT);
	client_surface_commit(surface);
}

static void family_expect(struct test *test, struct family *family,
		const char *what) {
	client_image_paste(&family->picture, 21, 33, &family->stage.expected);
	scene_expect(test, &family->scene, &family->picture, what);
}

static void show_sync_subsurface(struct test *test) {
	struct family family;
	family_create(test, &family);
	stage_commit_frame(&family.stage, DAMAGE_IN_SURFACE);
	family_show_parent(&family);
	family_expect(test, &family, "the first frame");
	for (int i = 0; i < 6; i++) {
		stage_commit_frame(&family.stage, DAMAGE_IN_SURFACE);
		scene_expect(test, &family.scene, &family.picture,
			"before the parent's commit");
		client_surface_commit(&family.scene.window.surface);
		family_expect(test, &family, "after the parent's commit");
	}
}

static void show_desync_subsurface(struct test *test) {
	struct family family;
	family_create(test, &family);
	client_subsurface_set_desync(&family.subsurface);
	stage_commit_frame(&family.stage, DAMAGE_IN_SURFACE);
	family_show_parent(&family);
	family_expect(test, &family, "the first frame");
	for (int i = 0; i < 6; i++) {
		stage_commit_frame(&family.stage, DAMAGE_IN_SURFACE);
		family_expect(test, &family, "without the parent's commit");
	}
}

static void hide_subsurface(struct test *test) {
	struct family family;
	family_create(test, &family);
	client_subsurface_set_desync(&family.subsurface);
	stage_commit_frame(&family.stage, DAMAGE_IN_SURFACE);
	family_show_parent(&family);
	family_expect(test, &family, "the first frame");
	for (int i = 0; i < 3; i++) {
		client_surface_attach(family.stage.surface, NULL);
		client_surface_commit(family.stage.surface);
		scene_expect(test, &family.scene, &family.canvas.images[0],
			"a parent without its subsurface");
		/* All of it is new on the screen. */
		stage_draw(&family.stage, &everything);
		damage(family.stage.surface, &everything, false);
		client_surface_commit(family.stage.surface);
		family_expect(test, &family, "a subsurface that is back");
	}
}

#define TWIN_SIDE 70

/* Two subsurfaces that show the same bytes, by one wl_buffer or by two. */
static void show_twins(struct test *test) {
	struct client *client = &test->client;
	struct family family;
	static struct client_subsurface twins[2];
	static struct canvas canvas;
	/* For each twin, one for each half of the memory. */
	static struct client_buffer buffers[2][2];
	bool one_buffer = get_variant(test) == 1;
	family_create(test, &family);
	canvas_create(test, &canvas, get_kind(test), 2, TWIN_SIDE, TWIN_SIDE);
	for (int32_t i = 0; i < 2; i++) {
		must(test, client_subsurface_create(client, &twins[i],
			&family.scene.window.surface, 10 + 80 * i, 20));
		client_subsurface_set_desync(&twins[i]);
		wl_subsurface_place_below(twins[i].subsurface,
			family.scene.cover.surface.surface);
		for (int32_t j = 0; j < 2; j++) {
			must(test, client_buffer_create(&canvas.pool,
				&buffers[i][j],
				TWIN_SIDE * TWIN_SIDE * 4 * j, TWIN_SIDE,
				TWIN_SIDE, TWIN_SIDE * 4));
		}
	}
	family_show_parent(&family);
	/* Of a wl_buffer on two surfaces nobody can tell when it is released: it
	 * is drawn once. */
	for (uint32_t frame = 0; frame < (one_buffer ? 2u : 6u); frame++) {
		uint32_t half = frame % 2;
		for (int i = 0; i < 2; i++) {
			must(test, client_buffer_wait_released(client,
				&buffers[i][half]));
		}
		client_image_draw(&canvas.images[half], frame);
		for (int32_t i = 0; i < 2; i++) {
			client_surface_attach(&twins[i].surface,
				&buffers[one_buffer ? 0 : i][half]);
			client_surface_damage(&twins[i].surface, 0, 0,
				TWIN_SIDE, TWIN_SIDE);
			client_surface_commit(&twins[i].surface);
			client_image_paste(&family.picture, 10 + 80 * i, 20,
				&canvas.images[half]);
		}
		scene_expect(test, &family.scene, &family.picture,
			"the same bytes on two surfaces");
	}
}

/* Three buffers for two surfaces: what one surface gives back is drawn for the
 * other, whose last frame it has never held. */
static void move_buffers(struct test *test) {
	struct family family;
	static struct client_subsurface twins[2];
	static struct canvas canvas;
	struct client_image frames[2];
	family_create(test, &family);
	canvas_create(test, &canvas, get_kind(test), 3, TWIN_SIDE, TWIN_SIDE);
	for (int32_t i = 0; i < 2; i++) {
		must(test, client_subsurface_create(&test->client, &twins[i],
			&family.scene.window.surface, 10 + 80 * i, 20));
		client_subsurface_set_desync(&twins[i]);
		wl_subsurface_place_below(twins[i].subsurface,
			family.scene.cover.surface.surface);
		image_create(test, &frames[i], TWIN_SIDE, TWIN_SIDE);
	}
	family_show_parent(&family);
	for (uint32_t frame = 0; frame < 8; frame++) {
		int32_t i = frame % 2;
		struct client_buffer *buffer = &canvas.buffers[frame % 3];
		struct client_surface *surface = &twins[i].surface;
		struct rect rect = { 7 * i + 3, (int32_t)frame * 5, 40, 21 };
		if (frame < 2) {
			rect = (struct rect){ 0, 0, TWIN_SIDE, TWIN_SIDE };
		}
		client_image_draw_rect(&frames[i], rect.x, rect.y, rect.width,
			rect.height, 1, frame);
		must(test, client_buffer_wait_released(&test->client, buffer));
		client_image_paste(&canvas.images[frame % 3], 0, 0, &frames[i]);
		client_surface_attach(surface, buffer);
		damage(surface, &rect, false);
		client_surface_commit(surface);
		client_image_paste(&family.picture, 10 + 80 * i, 20,
			&frames[i]);
		if (frame > 0) {
			scene_expect(test, &family.scene, &family.picture,
				"a buffer from another surface");
		}
	}
}

/* The pointer, from here on */

struct pointer {
	uint32_t serial;
	bool entered;
};

static void handle_enter(void *data, struct wl_pointer *wl_pointer,
		uint32_t serial, struct wl_surface *surface, wl_fixed_t x,
		wl_fixed_t y) {
	struct pointer *pointer = data;
	pointer->serial = serial;
	pointer->entered = true;
}

static void handle_leave(void *data, struct wl_pointer *wl_pointer,
		uint32_t serial, struct wl_surface *surface) {
}

static void handle_motion(void *data, struct wl_pointer *wl_pointer,
		uint32_t time, wl_fixed_t x, wl_fixed_t y) {
}

static void handle_button(void *data, struct wl_pointer *wl_pointer,
		uint32_t serial, uint32_t time, uint32_t button,
		uint32_t state) {
}

static void handle_axis(void *data, struct wl_pointer *wl_pointer,
		uint32_t time, uint32_t axis, wl_fixed_t value) {
}

static const struct wl_pointer_listener pointer_listener = {
	.enter = handle_enter,
	.leave = handle_leave,
	.motion = handle_motion,
	.button = handle_button,
	.axis = handle_axis,
};

/* Cursors are not captured, or not by all compositors: what can be seen is that
 * the client lives and its window is right. A serial that is not the last one's
 * makes the request one that is ignored. */
static void show_cursor(struct test *test) {
	struct client *client = &test->client;
	struct pointer pointer = { 0 };
	struct scene scene;
	struct stage stage;
	struct canvas canvas;
	needs_window(test);
	if (client->seat == NULL ||
			!(client->seat_capabilities & WL_SEAT_CAPABILITY_POINTER)) {
		test_skip(test, "the compositor has no pointer");
	}
	struct wl_pointer *wl_pointer = wl_seat_get_pointer(client->seat);
	wl_pointer_add_listener(wl_pointer, &pointer_listener, &pointer);
	scene_create(test, &scene, WIDTH, HEIGHT);
	stage_create(test, &stage, &scene.window.surface, 2);
	canvas_create_at(test, &canvas, get_kind(test), 2, 24, 24,
		WL_SHM_FORMAT_ARGB8888, (struct placing){ 0 });
	struct client_surface cursor = {
		.client = client,
		.surface = wl_compositor_create_surface(client->compositor),
	};
	for (uint32_t frame = 0; frame < 4; frame++) {
		struct client_buffer *buffer = &canvas.buffers[frame % 2];
		show_frames(&scene, &stage, 1, DAMAGE_IN_SURFACE);
		wl_pointer_set_cursor(wl_pointer, pointer.serial,
			cursor.surface, 3, 4);
		if (buffer->released) {
			client_image_draw(&canvas.images[frame % 2], frame);
			client_surface_attach(&cursor, buffer);
			client_surface_damage(&cursor, 0, 0, 24, 24);
			client_surface_commit(&cursor);
		}
		test_expect_alive(test);
	}
	show_frames(&scene, &stage, 1, DAMAGE_IN_SURFACE);
}

#define rated(rating, name, variant, KIND, kind, text, run) \
	{ "content/" name kind, rating, text, run, WITH(KIND, variant) }
#define case_of(name, variant, KIND, kind, text, run) \
	rated(CASE_REQUIRED, name, variant, KIND, kind, text, run)
/* In memory that compositors read in place, and in memory that they cannot. */
#define both_kinds(name, variant, text, run) \
	case_of(name, variant, SEALED, "sealed", text, run), \
	case_of(name, variant, UNSEALED, "unsealed", text, run)
#define quality_of_both_kinds(name, variant, text, run) \
	rated(CASE_QUALITY, name, variant, SEALED, "sealed", text, run), \
	rated(CASE_QUALITY, name, variant, UNSEALED, "unsealed", text, run)
#define each_kind(name, variant, text, run) \
	both_kinds(name, variant, text, run), \
	case_of(name, variant, FIXED, "fixed", text, run), \
	case_of(name, variant, SHM_OPEN, "shm_open", text, run), \
	case_of(name, variant, FILE, "file", text, run)

const struct test_case content_cases[] = {
	each_kind("first-frame:", 0,
		"a commit shows the buffer's pixels", show_first_frame),
	both_kinds("damage:surface-", DAMAGE_IN_SURFACE,
		"wl_surface.damage says what has changed", show_damage),
	both_kinds("damage:buffer-", DAMAGE_IN_BUFFER,
		"wl_surface.damage_buffer says what has changed", show_damage),
	both_kinds("damage:both-", DAMAGE_IN_BOTH,
		"both kinds of damage count in one commit", show_damage),
	both_kinds("many-rectangles:", 0,
		"damage adds up until the commit", show_many_rectangles),
	both_kinds("damage-beyond-edges:surface-", 0,
		"damage outside of the surface is ignored",
		show_damage_beyond_edges),
	both_kinds("damage-beyond-edges:buffer-", 1,
		"damage outside of the buffer is ignored",
		show_damage_beyond_edges),
	both_kinds("swap:1-", 1,
		"a released buffer can be drawn and shown again", swap_buffers),
	both_kinds("swap:2-", 2,
		"damage is relative to the last frame, not to the last one in "
		"this buffer", swap_buffers),
	both_kinds("swap:3-", 3,
		"damage is relative to the last frame, not to the last one in "
		"this buffer", swap_buffers),
	both_kinds("swap-unseen:2-", 2,
		"damage of frames that were never painted counts",
		swap_buffers_unseen),
	both_kinds("swap-unseen:3-", 3,
		"damage of frames that were never painted counts",
		swap_buffers_unseen),
	both_kinds("thirty-frames:", 0,
		"of many commits, the last one is shown", show_thirty_frames),
	both_kinds("attach-again:", 0,
		"the buffer attached last is shown, and stays", attach_again),

	both_kinds("grown-pool:", 0,
		"wl_shm_pool.resize makes room for more buffers", grow_pool),
	case_of("grown-pool:", 0, SHM_OPEN, "shm_open",
		"wl_shm_pool.resize makes room for more buffers", grow_pool),
	case_of("grown-pool:", 0, FILE, "file",
		"wl_shm_pool.resize makes room for more buffers", grow_pool),
	each_kind("pool-grown-into-file:", 0,
		"a pool may be smaller than its file, and grow",
		grow_pool_into_file),
	both_kinds("destroyed-after-commit:pool-", GONE_POOL,
		"buffers outlive their pool", destroy_after_commit),
	/* The protocol allows it, and does not quite say what comes of it. */
	quality_of_both_kinds("destroyed-after-commit:buffer-", GONE_BUFFER,
		"what a buffer has shown stays as long as its bytes do",
		destroy_after_commit),
	quality_of_both_kinds("destroyed-after-commit:both-", GONE_BOTH,
		"what a buffer has shown stays as long as its bytes do",
		destroy_after_commit),
	quality_of_both_kinds("destroyed-after-commit:memory-", GONE_MEMORY,
		"the compositor has an fd and a mapping of its own",
		destroy_after_commit),
	both_kinds("pool-destroyed-first:", 0,
		"buffers outlive their pool", destroy_pool_first),
	both_kinds("two-pools-of-one-file:", 0,
		"a file can be more than one pool's",
		show_two_pools_of_one_file),
	both_kinds("neighbour-destroyed:", 0,
		"destroying a buffer changes no other", destroy_neighbours),
	both_kinds("bytes-used-again:", 0,
		"a buffer's bytes can be another's later", use_bytes_again),
	both_kinds("placing:offset-", 0,
		"a buffer begins at its offset", show_placed),
	both_kinds("placing:stride-", 1,
		"a row begins a stride after the one before", show_placed),
	both_kinds("placing:offset-and-stride-", 2,
		"a row begins a stride after the one before", show_placed),
	both_kinds("format:argb8888-", 0,
		"every compositor has this format", show_format),
	both_kinds("format:xrgb8888-", 1,
		"every compositor has this format, and ignores its top byte",
		show_format),
	both_kinds("format:abgr8888-", 2,
		"a format that is offered can be used", show_format),
	both_kinds("format:xbgr8888-", 3,
		"a format that is offered can be used", show_format),
	both_kinds("format:rgb565-", 0,
		"a format that is offered can be used", show_rgb565),

	both_kinds("size-change:", 0,
		"a surface takes each buffer's size", change_size),
	both_kinds("scale-2:surface-", DAMAGE_IN_SURFACE,
		"a buffer has scale times the surface's pixels", show_scaled),
	both_kinds("scale-2:buffer-", DAMAGE_IN_BUFFER,
		"a buffer has scale times the surface's pixels", show_scaled),
	both_kinds("scale-change:", 0,
		"a scale counts from the commit after it", change_scale),
	both_kinds("transform:90-", WL_OUTPUT_TRANSFORM_90,
		"a buffer may be turned", show_turned),
	both_kinds("transform:180-", WL_OUTPUT_TRANSFORM_180,
		"a buffer may be turned", show_turned),
	both_kinds("transform:270-", WL_OUTPUT_TRANSFORM_270,
		"a buffer may be turned", show_turned),
	both_kinds("transform:flipped-", WL_OUTPUT_TRANSFORM_FLIPPED,
		"a buffer may be mirrored", show_turned),
	both_kinds("transform:flipped-90-", WL_OUTPUT_TRANSFORM_FLIPPED_90,
		"a buffer may be mirrored and turned", show_turned),
	both_kinds("transform:flipped-180-", WL_OUTPUT_TRANSFORM_FLIPPED_180,
		"a buffer may be mirrored and turned", show_turned),
	both_kinds("transform:flipped-270-", WL_OUTPUT_TRANSFORM_FLIPPED_270,
		"a buffer may be mirrored and turned", show_turned),
	both_kinds("viewport:source-surface-", DAMAGE_IN_SURFACE,
		"wp_viewport.set_source cuts out a part of the buffer",
		show_cropped),
	both_kinds("viewport:source-buffer-", DAMAGE_IN_BUFFER,
		"wp_viewport.set_source cuts out a part of the buffer",
		show_cropped),
	both_kinds("viewport:destination-", 1,
		"a destination of the source's size changes nothing",
		show_viewport),
	both_kinds("viewport:halved-", 2,
		"the source is scaled to the destination", show_viewport),
	both_kinds("viewport:moved-", 0,
		"a source counts from the commit after it, also in an old buffer",
		move_viewport),

	both_kinds("subsurface:sync-", 0,
		"a subsurface's commit waits for its parent's",
		show_sync_subsurface),
	both_kinds("subsurface:desync-", 0,
		"a desynchronized subsurface's commit shows at once",
		show_desync_subsurface),
	both_kinds("subsurface:hidden-", 0,
		"a surface without a buffer is not shown", hide_subsurface),
	both_kinds("two-surfaces:one-buffer-", 1,
		"a buffer can be attached to more than one surface", show_twins),
	both_kinds("two-surfaces:two-buffers-", 2,
		"buffers can have the same bytes", show_twins),
	both_kinds("two-surfaces:three-buffers-", 0,
		"a buffer can be shown on another surface later",
		move_buffers),
	both_kinds("cursor:", 0,
		"a cursor's buffer changes nothing of the window", show_cursor),
	{ 0 },
};
