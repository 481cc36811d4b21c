/* SPDX-License-Identifier: MIT */
/*
 * Pixels in each sort of pool, from the client to the screen and back.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <wayland-client.h>

#include "screen.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

#define WIDTH 201
#define HEIGHT 147
#define BYTES (WIDTH * HEIGHT * 4)

/* How long a client may live that should be disconnected. */
#define FATE_MS 30000

static bool is_sealed(enum client_memory_kind kind) {
	return kind == CLIENT_MEMORY_SEALED || kind == CLIENT_MEMORY_FIXED;
}

/* A surface with the buffer that was committed. */
struct shown {
	struct client_surface *surface;
	struct client_buffer *buffer;
};

/* Waits until each surface shows its sight. Behind a guard, a busy compositor may not
 * wait for a file that is not memory, and show its bytes only at the next commit. */
static void expect_shown(struct screen *screen, const struct shown *shown,
		const struct sight *sights, size_t len) {
	bool may_be_late = screen->kind == CLIENT_MEMORY_FILE &&
		screen_is_guarded(screen);
	for (int tries = 0; may_be_late && tries < SCREEN_LATE_TRIES &&
			!screen_shows(screen, sights, len); tries++) {
		poll(NULL, 0, SCREEN_LATE_MS);
		for (size_t i = 0; i < len; i++) {
			must(screen, client_surface_show(shown[i].surface,
				shown[i].buffer));
		}
	}
	screen_expect(screen, sights, len);
}

static void expect_window(struct screen *screen, struct client_window *window,
		struct client_buffer *buffer,
		const struct client_image *image) {
	struct shown shown = { &window->surface, buffer };
	struct sight sight = { 0, 0, image };
	expect_shown(screen, &shown, &sight, 1);
}

static void a_pool_shows_its_bytes(void **state) {
	struct screen *screen = *state;
	struct canvas canvas;
	struct client_window window;
	bool direct = is_sealed(screen->kind);
	canvas_create(screen, &canvas, screen->kind, 1, WIDTH, HEIGHT);
	client_image_draw(&canvas.images[0], 0);
	must(screen, client_window_create(&screen->client, &window, "pool"));
	must(screen, client_surface_show(&window.surface, &canvas.buffers[0]));
	screen_expect_kinds(screen, direct, !direct);
	expect_window(screen, &window, &canvas.buffers[0], &canvas.images[0]);

	if (screen->compositor.counts) {
		struct compositor_counts counts;
		screen_count(screen, &counts);
		assert_int_equal(counts.copied_in,
			counts.shadow > 0 ? BYTES : 0);
	}
	client_window_destroy(&window);
	canvas_destroy(&canvas);
}

static void a_capture_arrives_in_a_pool(void **state) {
	struct screen *screen = *state;
	struct canvas canvas;
	struct client_window window;
	canvas_create(screen, &canvas, CLIENT_MEMORY_SEALED, 1, WIDTH, HEIGHT);
	client_image_draw(&canvas.images[0], 0);
	must(screen, client_window_create(&screen->client, &window, "pool"));
	must(screen, client_surface_show(&window.surface, &canvas.buffers[0]));
	struct sight sight = { 0, 0, &canvas.images[0] };
	screen_expect_through(screen, screen->kind, &sight, 1);

	/* For a file that is not memory, only what was written in time is counted. */
	if (screen->compositor.counts && screen->kind != CLIENT_MEMORY_FILE) {
		struct compositor_counts counts;
		screen_count(screen, &counts);
		assert_int_equal(counts.copied_out != 0,
			!is_sealed(screen->kind));
	}
	client_window_destroy(&window);
	canvas_destroy(&canvas);
}

static void a_capture_never_makes_a_short_file_longer(void **state) {
	struct screen *screen = *state;
	struct client *client = &screen->client;
	struct client_capture capture;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	struct client_fate fate;
	must(screen, client_capture_begin(client, &capture));
	int32_t size = capture.stride * capture.height;
	/* Not at the end of a page, past which a write would grow the file. */
	size_t file_size = (size_t)size / 2 + 100;
	must(screen, client_memory_create(client, &memory,
		CLIENT_MEMORY_UNSEALED, file_size));
	must(screen, client_pool_create(client, &pool, &memory, size));
	must(screen, client_buffer_create_with_format(&pool, &buffer, 0,
		capture.width, capture.height, capture.stride,
		capture.format));
	/* Whether the capture succeeds does not matter. */
	client_capture_copy(&capture, &buffer);
	client_wait_fate(client, FATE_MS, &fate);

	assert_int_equal(fate.kind, CLIENT_PROTOCOL_ERROR);
	assert_string_equal(fate.interface, "wl_buffer");
	assert_string_equal(fate.name, "wl_shm.invalid_fd");
	struct stat stat;
	assert_int_equal(fstat(memory.fd, &stat), 0);
	assert_int_equal(stat.st_size, file_size);
	client_buffer_destroy(&buffer);
	client_pool_destroy(&pool);
	client_memory_destroy(&memory);
	client_capture_end(&capture);
}

/* wlroots' own wl_shm does not accept read-only memory, and behind the guard it gets
 * sealed memory as it is. */
static void needs_read_only(struct screen *screen) {
	if (is_sealed(screen->kind)) {
		screen_needs_sealpool(screen);
	}
}

static void a_capture_into_read_only_memory_is_refused(void **state) {
	struct screen *screen = *state;
	struct client *client = &screen->client;
	struct client_capture capture;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	struct client_fate fate;
	needs_read_only(screen);
	must(screen, client_capture_begin(client, &capture));
	int32_t size = capture.stride * capture.height;
	must(screen, client_memory_create(client, &memory, screen->kind,
		(size_t)size));
	must(screen, client_memory_make_read_only(client, &memory));
	must(screen, client_pool_create(client, &pool, &memory, size));
	must(screen, client_buffer_create_with_format(&pool, &buffer, 0,
		capture.width, capture.height, capture.stride,
		capture.format));
	assert_false(client_capture_copy(&capture, &buffer));
	client_get_fate(client, &fate);
	assert_int_equal(fate.kind, CLIENT_PROTOCOL_ERROR);
	assert_string_equal(fate.interface, "wl_buffer");
	assert_string_equal(fate.name, "wl_shm.invalid_fd");
	const uint8_t *bytes = memory.data;
	for (int32_t i = 0; i < size; i++) {
		if (bytes[i] != 0) {
			fail_msg("byte %d was written", i);
		}
	}
	client_buffer_destroy(&buffer);
	client_pool_destroy(&pool);
	client_memory_destroy(&memory);
	client_capture_end(&capture);
}

#define FDS_MAX 2048

/* Returns how many descriptors the compositor's wl_shm keeps for a client by default: one
 * for each pool, and one for a copy that is written to. */
static int get_fds_max(const struct screen *screen) {
	struct rlimit limit;
	assert_int_equal(prlimit(screen->compositor.pid, RLIMIT_NOFILE, NULL,
		&limit), 0);
	rlim_t most = limit.rlim_cur / 4 * 3;
	return most < FDS_MAX ? (int)most : FDS_MAX;
}

/* wlroots' own error for this is "unsupported buffer type". */
static void a_capture_beyond_a_limit_names_the_limit(void **state) {
	struct screen *screen = *state;
	struct client *client = &screen->client;
	struct client_capture capture;
	struct client_memory memory;
	/* The buffer is in the first one. */
	static struct client_pool pools[FDS_MAX];
	struct client_buffer buffer;
	struct client_fate fate;
	char words[64];
	screen_needs_sealpool(screen);
	int most = get_fds_max(screen);
	must(screen, client_capture_begin(client, &capture));
	int32_t size = capture.stride * capture.height;
	must(screen, client_memory_create(client, &memory,
		CLIENT_MEMORY_UNSEALED, (size_t)size));
	must(screen, client_pool_create(client, &pools[0], &memory, size));
	must(screen, client_buffer_create_with_format(&pools[0], &buffer, 0,
		capture.width, capture.height, capture.stride,
		capture.format));
	for (int i = 1; i < most; i++) {
		must(screen, client_pool_create(client, &pools[i], &memory, size));
		must(screen, i % 100 != 0 || client_roundtrip(client));
	}
	must(screen, client_roundtrip(client));
	assert_false(client_capture_copy(&capture, &buffer));
	client_get_fate(client, &fate);
	assert_int_equal(fate.kind, CLIENT_PROTOCOL_ERROR);
	snprintf(words, sizeof(words), "wl_shm: over the budget of %d fds", most);
	assert_string_equal(fate.message, words);
	client_buffer_destroy(&buffer);
	for (int i = 0; i < most; i++) {
		client_pool_destroy(&pools[i]);
	}
	client_memory_destroy(&memory);
	client_capture_end(&capture);
}

/* A pool grows from one page to this size in bytes, which exceeds its first mapping. */
#define GROWN_BYTES (64 << 20)
#define GROWN_SIDE 32
#define GROWN_BUFFER_BYTES (GROWN_SIDE * GROWN_SIDE * 4)

/* Each step shows a buffer at the end of the grown pool, and changes a part of the first
 * one, which stays on the screen. */
static void a_grown_pool_shows_its_new_bytes(void **state) {
	struct screen *screen = *state;
	struct client *client = &screen->client;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer first, last = { 0 };
	struct client_window window, other;
	struct client_image first_image, last_image, expected;
	int32_t size = GROWN_BUFFER_BYTES;
	must(screen, client_memory_create(client, &memory, screen->kind,
		(size_t)size));
	must(screen, client_pool_create(client, &pool, &memory, size));
	must(screen, client_buffer_create(&pool, &first, 0, GROWN_SIDE,
		GROWN_SIDE, GROWN_SIDE * 4));
	must(screen, client_buffer_get_image(client, &first, &first_image));
	image_create(&expected, GROWN_SIDE, GROWN_SIDE);
	client_image_draw(&expected, 0);
	client_image_draw(&first_image, 0);
	must(screen, client_window_create(client, &window, "first"));
	must(screen, client_surface_show(&window.surface, &first));
	expect_window(screen, &window, &first, &expected);

	must(screen, client_window_create(client, &other, "last"));
	for (uint32_t frame = 1; size < GROWN_BYTES; frame++) {
		size *= 4;
		must(screen, client_memory_grow(client, &memory,
			(size_t)size));
		client_pool_resize(&pool, size);
		/* Still on the screen until it is replaced. */
		struct client_buffer before = last;
		must(screen, client_buffer_create(&pool, &last,
			size - GROWN_BUFFER_BYTES, GROWN_SIDE, GROWN_SIDE,
			GROWN_SIDE * 4));
		must(screen, client_buffer_get_image(client, &last,
			&last_image));
		client_image_draw(&last_image, frame);
		must(screen, client_surface_show(&other.surface, &last));
		client_buffer_destroy(&before);

		must(screen, client_buffer_get_image(client, &first,
			&first_image));
		client_image_draw_rect(&first_image, 5, (int32_t)frame, 9, 2,
			1, frame);
		client_image_draw_rect(&expected, 5, (int32_t)frame, 9, 2, 1,
			frame);
		client_surface_attach(&window.surface, &first);
		client_surface_damage(&window.surface, 5, (int32_t)frame, 9,
			2);
		must(screen, client_surface_present(&window.surface));

		struct sight sights[] = {
			{ 0, 0, &expected },
			{ GROWN_SIDE, 0, &last_image },
		};
		const struct shown shown[] = {
			{ &window.surface, &first },
			{ &other.surface, &last },
		};
		expect_shown(screen, shown, sights, 2);
		uint64_t sealed = is_sealed(screen->kind) ? 2 : 0;
		screen_expect_kinds(screen, sealed, 2 - sealed);
	}
	client_window_destroy(&other);
	client_window_destroy(&window);
	client_buffer_destroy(&last);
	client_buffer_destroy(&first);
	client_pool_destroy(&pool);
	client_memory_destroy(&memory);
	client_image_destroy(&expected);
}

static void show_at_offset(struct screen *screen, int32_t padding) {
	struct client *client = &screen->client;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	struct client_window window;
	struct client_image image, expected;
	int32_t offset = 1021 * 4, stride = WIDTH * 4 + padding;
	/* The pool may end before the padding of the last row. */
	int32_t size = offset + stride * HEIGHT;
	must(screen, client_memory_create(client, &memory, screen->kind,
		(size_t)size));
	/* Bytes outside the buffer must not be shown. */
	memset(memory.data, 0xa5, (size_t)size);
	must(screen, client_pool_create(client, &pool, &memory, size));
	must(screen, client_buffer_create(&pool, &buffer, offset, WIDTH,
		HEIGHT, stride));
	must(screen, client_buffer_get_image(client, &buffer, &image));
	image_create(&expected, WIDTH, HEIGHT);
	client_image_draw(&image, 0);
	client_image_draw(&expected, 0);
	must(screen, client_window_create(client, &window, "offset"));
	must(screen, client_surface_show(&window.surface, &buffer));
	expect_window(screen, &window, &buffer, &expected);

	client_image_draw_rect(&image, 31, 17, 100, 90, 1, 1);
	client_image_draw_rect(&expected, 31, 17, 100, 90, 1, 1);
	client_surface_attach(&window.surface, &buffer);
	client_surface_damage(&window.surface, 31, 17, 100, 90);
	must(screen, client_surface_present(&window.surface));
	expect_window(screen, &window, &buffer, &expected);

	client_window_destroy(&window);
	client_buffer_destroy(&buffer);
	client_pool_destroy(&pool);
	client_memory_destroy(&memory);
	client_image_destroy(&expected);
}

static void a_buffer_at_an_offset_with_padded_rows_shows_its_bytes(
		void **state) {
	struct screen *screen = *state;
	show_at_offset(screen, 52);
	show_at_offset(screen, 4096);
}

/* Returns the screen's pixel for a 16-bit pixel. */
static uint32_t widen(uint16_t pixel) {
	uint32_t red = pixel >> 11, green = pixel >> 5 & 0x3f;
	uint32_t blue = pixel & 0x1f;
	return (red << 3 | red >> 2) << 16 | (green << 2 | green >> 4) << 8 |
		(blue << 3 | blue >> 2);
}

static void a_16_bit_format_shows_its_bytes(void **state) {
	struct screen *screen = *state;
	struct client *client = &screen->client;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	struct client_window window;
	struct client_image expected;
	int32_t stride = WIDTH * 2 + 2, size = stride * HEIGHT;
	must(screen, client_memory_create(client, &memory, screen->kind,
		(size_t)size));
	must(screen, client_pool_create(client, &pool, &memory, size));
	must(screen, client_buffer_create_with_format(&pool, &buffer, 0, WIDTH,
		HEIGHT, stride, WL_SHM_FORMAT_RGB565));
	image_create(&expected, WIDTH, HEIGHT);
	must(screen, client_window_create(client, &window, "16 bit"));
	for (uint32_t frame = 0; frame < 3; frame++) {
		/* First the whole picture, then an odd part of it. */
		int32_t x = frame * 13, y = frame * 11;
		int32_t width = WIDTH - 2 * x, height = HEIGHT - 2 * y;
		for (int32_t i = y; i < y + height; i++) {
			uint16_t *row = (uint16_t *)memory.data +
				i * (stride / 2);
			for (int32_t j = x; j < x + width; j++) {
				row[j] = (uint16_t)client_pattern(j, i, frame);
				client_image_set(&expected, j, i,
					widen(row[j]));
			}
		}
		client_surface_attach(&window.surface, &buffer);
		client_surface_damage_buffer(&window.surface, x, y, width,
			height);
		must(screen, client_surface_present(&window.surface));
		screen_expect_window(screen, &expected);
	}
	client_window_destroy(&window);
	client_buffer_destroy(&buffer);
	client_pool_destroy(&pool);
	client_memory_destroy(&memory);
	client_image_destroy(&expected);
}

/* The memory is changed before its pool is created. The client draws through an older
 * mapping. */
static void show_twice(struct screen *screen, struct client_memory *memory) {
	struct client *client = &screen->client;
	struct client_pool pool;
	struct client_buffer buffer;
	struct client_window window;
	struct client_image image;
	must(screen, client_pool_create(client, &pool, memory, BYTES));
	must(screen, client_buffer_create(&pool, &buffer, 0, WIDTH, HEIGHT,
		WIDTH * 4));
	must(screen, client_buffer_get_image(client, &buffer, &image));
	must(screen, client_window_create(client, &window, "read-only"));
	for (uint32_t frame = 0; frame < 2; frame++) {
		client_image_draw(&image, frame);
		must(screen, client_surface_show(&window.surface, &buffer));
		expect_window(screen, &window, &buffer, &image);
	}
	bool direct = is_sealed(screen->kind);
	screen_expect_kinds(screen, direct, !direct);
	client_window_destroy(&window);
	client_buffer_destroy(&buffer);
	client_pool_destroy(&pool);
}

static void a_read_only_pool_shows_its_bytes(void **state) {
	struct screen *screen = *state;
	struct client_memory memory;
	needs_read_only(screen);
	must(screen, client_memory_create(&screen->client, &memory,
		screen->kind, BYTES));
	must(screen, client_memory_make_read_only(&screen->client, &memory));
	show_twice(screen, &memory);
	client_memory_destroy(&memory);
}

static void a_pool_sealed_against_writing_shows_its_bytes(void **state) {
	struct screen *screen = *state;
	struct client_memory memory;
	needs_read_only(screen);
	must(screen, client_memory_create(&screen->client, &memory,
		screen->kind, BYTES));
	must(screen, client_memory_seal(&screen->client, &memory,
		F_SEAL_FUTURE_WRITE));
	show_twice(screen, &memory);
	client_memory_destroy(&memory);
}

static void a_seal_that_comes_late_makes_a_buffer_direct(void **state) {
	struct screen *screen = *state;
	struct canvas canvas;
	struct client_window window;
	canvas_create(screen, &canvas, CLIENT_MEMORY_UNSEALED, 1, WIDTH,
		HEIGHT);
	client_image_draw(&canvas.images[0], 0);
	must(screen, client_window_create(&screen->client, &window, "late"));
	must(screen, client_surface_show(&window.surface, &canvas.buffers[0]));
	screen_expect_kinds(screen, 0, 1);

	must(screen, client_memory_seal(&screen->client, &canvas.memory,
		F_SEAL_SHRINK));
	for (uint32_t frame = 1; frame < 4; frame++) {
		client_image_draw(&canvas.images[0], frame);
		must(screen, client_surface_show(&window.surface,
			&canvas.buffers[0]));
		screen_expect_window(screen, &canvas.images[0]);
	}
	screen_expect_kinds(screen, 1, 0);
	client_window_destroy(&window);
	canvas_destroy(&canvas);
}

/* The buffers share pages: destroying one must not free the other's copy. */
static void a_destroyed_buffer_leaves_its_neighbours_alone(void **state) {
	struct screen *screen = *state;
	struct client *client = &screen->client;
	struct canvas canvas;
	struct client_window windows[3];
	struct cover covers[3];
	struct client_image expected[3];
	canvas_create(screen, &canvas, screen->kind, 3, 61, 47);
	for (int i = 0; i < 3; i++) {
		image_create(&expected[i], 61, 47);
		client_image_draw(&expected[i], (uint32_t)i);
		client_image_draw(&canvas.images[i], (uint32_t)i);
		must(screen, client_window_create(client, &windows[i],
			"neighbour"));
		cover_create(screen, &covers[i], &windows[i].surface, 61, 47);
		must(screen, client_surface_show(&windows[i].surface,
			&canvas.buffers[i]));
	}
	/* The windows are side by side; the middle one is closed. */
	struct sight sights[] = {
		{ 0, 0, &expected[0] },
		{ 2 * 61, 0, &expected[2] },
		{ 61, 0, &expected[1] },
	};
	screen_expect(screen, sights, 3);
	cover_destroy(&covers[1]);
	client_window_destroy(&windows[1]);
	client_buffer_destroy(&canvas.buffers[1]);

	for (int i = 0; i < 3; i += 2) {
		client_image_draw_rect(&canvas.images[i], 3, 4, 5, 6, 1, 9);
		client_image_draw_rect(&expected[i], 3, 4, 5, 6, 1, 9);
		client_surface_attach(&windows[i].surface, &canvas.buffers[i]);
		client_surface_damage(&windows[i].surface, 3, 4, 5, 6);
		must(screen, client_surface_present(&windows[i].surface));
		cover_flash(screen, &covers[i]);
	}
	screen_expect(screen, sights, 2);
	for (int i = 0; i < 3; i += 2) {
		cover_destroy(&covers[i]);
		client_window_destroy(&windows[i]);
	}
	for (int i = 0; i < 3; i++) {
		client_image_destroy(&expected[i]);
	}
	canvas_destroy(&canvas);
}

int main(int argc, char *argv[]) {
	static const struct CMUnitTest tests[] = {
		screen_test_with(a_pool_shows_its_bytes, SEALED),
		screen_test_with(a_pool_shows_its_bytes, FIXED),
		screen_test_with(a_pool_shows_its_bytes, UNSEALED),
		screen_test_with(a_pool_shows_its_bytes, SHM_OPEN),
		screen_test_with(a_pool_shows_its_bytes, FILE),
		screen_test_with(a_capture_arrives_in_a_pool, SEALED),
		screen_test_with(a_capture_arrives_in_a_pool, FIXED),
		screen_test_with(a_capture_arrives_in_a_pool, UNSEALED),
		screen_test_with(a_capture_arrives_in_a_pool, SHM_OPEN),
		screen_test_with(a_capture_arrives_in_a_pool, FILE),
		screen_test(a_capture_never_makes_a_short_file_longer),
		screen_test_with(a_capture_into_read_only_memory_is_refused,
			SEALED),
		screen_test_with(a_capture_into_read_only_memory_is_refused,
			UNSEALED),
		screen_test(a_capture_beyond_a_limit_names_the_limit),
		screen_test_with(a_grown_pool_shows_its_new_bytes, SEALED),
		screen_test_with(a_grown_pool_shows_its_new_bytes, UNSEALED),
		screen_test_with(a_grown_pool_shows_its_new_bytes, FILE),
		screen_test_with(
			a_buffer_at_an_offset_with_padded_rows_shows_its_bytes,
			SEALED),
		screen_test_with(
			a_buffer_at_an_offset_with_padded_rows_shows_its_bytes,
			UNSEALED),
		screen_test_with(
			a_buffer_at_an_offset_with_padded_rows_shows_its_bytes,
			FILE),
		screen_test_with(a_16_bit_format_shows_its_bytes, SEALED),
		screen_test_with(a_16_bit_format_shows_its_bytes, UNSEALED),
		screen_test_with(a_read_only_pool_shows_its_bytes, SEALED),
		screen_test_with(a_read_only_pool_shows_its_bytes, UNSEALED),
		screen_test_with(a_read_only_pool_shows_its_bytes, SHM_OPEN),
		screen_test_with(a_read_only_pool_shows_its_bytes, FILE),
		screen_test_with(a_pool_sealed_against_writing_shows_its_bytes,
			SEALED),
		screen_test_with(a_pool_sealed_against_writing_shows_its_bytes,
			UNSEALED),
		screen_test(a_seal_that_comes_late_makes_a_buffer_direct),
		screen_test_with(a_destroyed_buffer_leaves_its_neighbours_alone,
			SEALED),
		screen_test_with(a_destroyed_buffer_leaves_its_neighbours_alone,
			UNSEALED),
	};
	if (!screen_init(argc, argv)) {
		return 1;
	}
	return cmocka_run_group_tests_name("pools", tests, NULL, NULL);
}
