/* SPDX-License-Identifier: MIT */
/*
 * Pictures whose pool grows or is destroyed.
 */
#include <stdio.h>
#include <string.h>
#include <wayland-client.h>

#include "stage.h"

#define GROWN_SIDE 32
#define GROWN_BUFFER_BYTES (GROWN_SIDE * GROWN_SIDE * 4)
#define GROWN_BYTES (16 << 20)

/* Each step shows a buffer at the end of the grown pool, then the first buffer with a
 * part drawn again. */
static void grow_pool(struct test *test) {
	struct client *client = &test->client;
	struct scene scene;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer first, last[8];
	struct client_image first_image, last_image, expected;
	int32_t size = GROWN_BUFFER_BYTES;
	needs_window(test);
	must(test, client_memory_create(client, &memory, test_get_kind(test),
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

/* The file grows long before the pool, which has only one buffer, at its end. */
static void grow_pool_into_file(struct test *test) {
	struct client *client = &test->client;
	struct scene scene;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	struct client_image image;
	int32_t size = WIDTH * HEIGHT * 4;
	needs_window(test);
	must(test, client_memory_create(client, &memory, test_get_kind(test),
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

/* What is destroyed before the last frame is painted. */
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
	enum gone gone = (enum gone)test_get_variant(test);
	stage_begin(test, &scene, &stage, 1);
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

	/* It must not affect what is created next. */
	stage_create(test, &next, &scene.window.surface, 2);
	next.frames = 10;
	next.changed[9] = everything;
	stage_draw(&next, &everything);
	damage(next.surface, &everything, false);
	client_surface_commit(next.surface);
	scene_expect(test, &scene, &next.expected, "the next buffer");
	scene_show_frames(&scene, &next, 2, DAMAGE_IN_SURFACE);
}

/* A pool is needed only to create buffers. */
static void destroy_pool_first(struct test *test) {
	struct scene scene;
	struct stage stage;
	stage_begin(test, &scene, &stage, 2);
	client_pool_destroy(&stage.canvas.pool);
	scene_show_frames(&scene, &stage, 5, DAMAGE_IN_SURFACE);
}

static void show_two_pools_of_one_file(struct test *test) {
	struct scene scene;
	struct stage stage;
	stage_begin(test, &scene, &stage, 2);
	struct canvas *canvas = &stage.canvas;
	struct client_pool other;
	int32_t bytes = WIDTH * HEIGHT * 4;
	must(test, client_pool_create(&test->client, &other, &canvas->memory,
		2 * bytes));
	client_buffer_destroy(&canvas->buffers[1]);
	must(test, client_buffer_create(&other, &canvas->buffers[1], bytes,
		WIDTH, HEIGHT, WIDTH * 4));
	scene_show_frames(&scene, &stage, 5, DAMAGE_IN_SURFACE);
}

/* The buffers share pages: destroying one must not change the pixels of another. */
static void destroy_neighbours(struct test *test) {
	struct scene scene;
	struct canvas canvas;
	needs_window(test);
	scene_create(test, &scene, 61, 47);
	canvas_create(test, &canvas, test_get_kind(test), 3, 61, 47);
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

/* One buffer after another has the same bytes, each with another shape. */
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
	must(test, client_memory_create(client, &memory, test_get_kind(test),
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

const struct test_case content_pool_cases[] = {
	both_kinds("grown-pool:", 0,
		"wl_shm_pool.resize makes room for more buffers.", grow_pool),
	case_of("grown-pool:", 0, SHM_OPEN, "shm_open",
		"wl_shm_pool.resize makes room for more buffers.", grow_pool),
	case_of("grown-pool:", 0, FILE, "file",
		"wl_shm_pool.resize makes room for more buffers.", grow_pool),
	each_kind("pool-grown-into-file:", 0,
		"A pool may be smaller than its file, and grow.",
		grow_pool_into_file),
	both_kinds("destroyed-after-commit:pool-", GONE_POOL,
		"Buffers outlive their pool.", destroy_after_commit),
	/* The protocol permits this, but does not clearly define the result. */
	quality_of_both_kinds("destroyed-after-commit:buffer-", GONE_BUFFER,
		"The contents of a buffer stay while its bytes do not change.",
		destroy_after_commit),
	quality_of_both_kinds("destroyed-after-commit:both-", GONE_BOTH,
		"The contents of a buffer stay while its bytes do not change.",
		destroy_after_commit),
	quality_of_both_kinds("destroyed-after-commit:memory-", GONE_MEMORY,
		"The compositor has an fd and a mapping of its own.",
		destroy_after_commit),
	both_kinds("pool-destroyed-first:", 0,
		"Buffers outlive their pool.", destroy_pool_first),
	both_kinds("two-pools-of-one-file:", 0,
		"Several pools may have the same file.",
		show_two_pools_of_one_file),
	both_kinds("neighbour-destroyed:", 0,
		"Destroying a buffer does not change other buffers.", destroy_neighbours),
	both_kinds("bytes-used-again:", 0,
		"A buffer's bytes may be used by another buffer later.", use_bytes_again),
	{ 0 },
};
