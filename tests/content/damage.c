/* SPDX-License-Identifier: MIT */
/*
 * Damage: what the client damages is read again, and no damage is lost, for each kind of
 * damage request and each buffer.
 *
 * Each picture is compared twice: after the compositor has repainted the damage, and
 * after it had to repaint the whole window.
 */
#include <string.h>
#include <viewporter-client-protocol.h>
#include <wayland-client.h>

#include "screen.h"

#define SIDE 160

struct rect {
	int32_t x, y, width, height;
};

/* A window with a cover, and its expected contents. */
struct subject {
	struct canvas canvas;
	struct client_window window;
	struct cover cover;
	/* In surface coordinates. */
	struct client_image expected;
	uint32_t seed;
};

static void subject_create(struct screen *screen, struct subject *subject,
		size_t buffers_len, int32_t width, int32_t height) {
	*subject = (struct subject){ .seed = 1 };
	canvas_create(screen, &subject->canvas, screen->kind, buffers_len,
		width, height);
	must(screen, client_window_create(&screen->client, &subject->window,
		"subject"));
	cover_create(screen, &subject->cover, &subject->window.surface, SIDE,
		SIDE);
	image_create(&subject->expected, SIDE, SIDE);
}

static void subject_destroy(struct subject *subject) {
	cover_destroy(&subject->cover);
	client_window_destroy(&subject->window);
	canvas_destroy(&subject->canvas);
	client_image_destroy(&subject->expected);
}

static void subject_check(struct screen *screen, struct subject *subject) {
	screen_expect_window(screen, &subject->expected);
	cover_flash(screen, &subject->cover);
	screen_expect_window(screen, &subject->expected);
}

static int32_t random_below(struct subject *subject, int32_t end) {
	subject->seed = subject->seed * 1103515245u + 12345u;
	return (int32_t)((subject->seed >> 8) % (uint32_t)end);
}

/* Returns a rectangle of 1x1 or more within SIDE x SIDE. */
static struct rect random_rect(struct subject *subject) {
	struct rect rect = {
		.x = random_below(subject, SIDE),
		.y = random_below(subject, SIDE),
	};
	rect.width = 1 + random_below(subject, SIDE - rect.x);
	rect.height = 1 + random_below(subject, SIDE - rect.y);
	return rect;
}

static void draw(struct client_image *image, const struct rect *rect,
		uint32_t frame) {
	client_image_draw_rect(image, rect->x, rect->y, rect->width,
		rect->height, 1, frame);
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

static void show_first_frame(struct screen *screen, struct subject *subject) {
	client_image_draw(&subject->canvas.images[0], 0);
	client_image_draw(&subject->expected, 0);
	must(screen, client_surface_show(&subject->window.surface,
		&subject->canvas.buffers[0]));
	subject_check(screen, subject);
}

static void show_damage(struct screen *screen, struct subject *subject,
		const struct rect *rect) {
	struct client_surface *surface = &subject->window.surface;
	client_surface_attach(surface, &subject->canvas.buffers[0]);
	damage(surface, rect, false);
	must(screen, client_surface_present(surface));
	subject_check(screen, subject);
}

/* Several rectangles per frame, in a single buffer. */
static void show_damaged_frames(struct screen *screen, bool in_surface,
		bool in_buffer) {
	struct subject subject;
	subject_create(screen, &subject, 1, SIDE, SIDE);
	show_first_frame(screen, &subject);
	for (uint32_t frame = 1; frame <= 8; frame++) {
		struct client_surface *surface = &subject.window.surface;
		client_surface_attach(surface, &subject.canvas.buffers[0]);
		for (uint32_t i = 0; i < 1 + frame % 3; i++) {
			struct rect rect = random_rect(&subject);
			draw(&subject.canvas.images[0], &rect, frame);
			draw(&subject.expected, &rect, frame);
			damage(surface, &rect,
				in_buffer && (!in_surface || i % 2 == 0));
		}
		must(screen, client_surface_present(surface));
		subject_check(screen, &subject);
	}
	subject_destroy(&subject);
}

static void surface_damage_is_shown(void **state) {
	show_damaged_frames(*state, true, false);
}

static void buffer_damage_is_shown(void **state) {
	show_damaged_frames(*state, false, true);
}

static void both_damages_of_one_commit_are_shown(void **state) {
	show_damaged_frames(*state, true, true);
}

static void many_rectangles_in_one_commit_are_shown(void **state) {
	struct screen *screen = *state;
	struct subject subject;
	struct client_surface *surface = &subject.window.surface;
	subject_create(screen, &subject, 1, SIDE, SIDE);
	show_first_frame(screen, &subject);
	client_surface_attach(surface, &subject.canvas.buffers[0]);
	for (int32_t i = 0; i < 300; i++) {
		/* Apart from one another, so that they are not merged. */
		struct rect rect = {
			i % 20 * 8 + i % 3, i / 20 * 10 + i % 5, 2, 3,
		};
		draw(&subject.canvas.images[0], &rect, 1);
		draw(&subject.expected, &rect, 1);
		damage(surface, &rect, i % 2 != 0);
	}
	must(screen, client_surface_present(surface));
	subject_check(screen, &subject);
	subject_destroy(&subject);
}

static void damage_beyond_the_edges_counts_within_them(void **state) {
	struct screen *screen = *state;
	struct subject subject;
	/* The requested damage, and the part of it within the buffer. Nothing ends beyond
	 * INT32_MAX, where wlroots' arithmetic overflows. */
	static const struct {
		struct rect said, within;
	} cases[] = {
		{ { -10, -20, 30, 50 }, { 0, 0, 20, 30 } },
		{ { SIDE - 7, 11, 1000, 5 }, { SIDE - 7, 11, 7, 5 } },
		{ { 13, SIDE - 3, 9, INT32_MAX - SIDE },
			{ 13, SIDE - 3, 9, 3 } },
		{ { 50, 60, INT32_MAX - 50, INT32_MAX - 60 },
			{ 50, 60, SIDE - 50, SIDE - 60 } },
		{ { -INT32_MAX, 70, INT32_MAX, 4 }, { 0, 0, 0, 0 } },
		{ { -1000, -1000, INT32_MAX, INT32_MAX },
			{ 0, 0, SIDE, SIDE } },
	};
	subject_create(screen, &subject, 1, SIDE, SIDE);
	show_first_frame(screen, &subject);
	uint32_t frame = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int in_buffer = 0; in_buffer < 2; in_buffer++) {
			struct client_surface *surface =
				&subject.window.surface;
			frame++;
			draw(&subject.canvas.images[0], &cases[i].within,
				frame);
			draw(&subject.expected, &cases[i].within, frame);
			client_surface_attach(surface,
				&subject.canvas.buffers[0]);
			damage(surface, &cases[i].said, in_buffer);
			must(screen, client_surface_present(surface));
			subject_check(screen, &subject);
		}
	}
	subject_destroy(&subject);
}

static void copy_rect(struct client_image *to, const struct client_image *from,
		const struct rect *rect) {
	for (int32_t y = rect->y; y < rect->y + rect->height; y++) {
		for (int32_t x = rect->x; x < rect->x + rect->width; x++) {
			client_image_set(to, x, y,
				client_image_get(from, x, y));
		}
	}
}

#define SWAP_FRAMES 14

/*
 * Draws like a client with buffer age: it draws what has changed since the buffer was
 * used last, and damages what has changed since the last frame. Of each "unseen" + 1
 * frames, only the last is waited for and compared.
 */
static void swap_buffers(struct screen *screen, size_t buffers_len,
		uint32_t unseen) {
	struct subject subject;
	struct client_surface *surface = &subject.window.surface;
	struct rect changed[SWAP_FRAMES];
	/* The frame after the one in each buffer; 0 if nothing was drawn. */
	uint32_t next[CANVAS_BUFFERS_MAX] = { 0 };
	subject_create(screen, &subject, buffers_len, SIDE, SIDE);
	for (uint32_t frame = 0; frame < SWAP_FRAMES; frame++) {
		size_t i = frame % buffers_len;
		struct client_buffer *buffer = &subject.canvas.buffers[i];
		struct client_image *image = &subject.canvas.images[i];
		changed[frame] = frame > 0 ? random_rect(&subject) :
			(struct rect){ 0, 0, SIDE, SIDE };
		draw(&subject.expected, &changed[frame], frame);

		if (buffers_len > 1) {
			must(screen, client_buffer_wait_released(
				&screen->client, buffer));
		}
		if (next[i] == 0) {
			client_image_paste(image, 0, 0, &subject.expected);
		}
		for (uint32_t j = next[i]; next[i] != 0 && j <= frame; j++) {
			copy_rect(image, &subject.expected, &changed[j]);
		}
		next[i] = frame + 1;

		client_surface_attach(surface, buffer);
		damage(surface, &changed[frame], frame % 2 != 0);
		if (frame % (unseen + 1) == unseen) {
			must(screen, client_surface_present(surface));
			subject_check(screen, &subject);
		} else {
			client_surface_commit(surface);
		}
	}
	subject_destroy(&subject);
}

static void one_buffer_is_shown_again_and_again(void **state) {
	swap_buffers(*state, 1, 0);
}

static void two_buffers_take_turns(void **state) {
	swap_buffers(*state, 2, 0);
}

static void three_buffers_take_turns(void **state) {
	swap_buffers(*state, 3, 0);
}

static void damage_of_frames_that_nobody_saw_adds_up(void **state) {
	swap_buffers(*state, 1, 2);
}

static void damage_of_buffers_that_nobody_saw_adds_up(void **state) {
	swap_buffers(*state, 3, 1);
}

/* Blocks of 2x2 equal pixels have an exact average, so scaling by one half is exact. */
static void draw_halved(struct client_image *image, struct client_image *expected,
		const struct rect *rect, uint32_t frame) {
	client_image_draw_rect(image, 2 * rect->x, 2 * rect->y,
		2 * rect->width, 2 * rect->height, 2, frame);
	draw(expected, rect, frame);
}

static void damage_at_scale_two_is_shown(void **state) {
	struct screen *screen = *state;
	struct subject subject;
	struct client_surface *surface = &subject.window.surface;
	subject_create(screen, &subject, 1, 2 * SIDE, 2 * SIDE);
	client_surface_set_scale(surface, 2);
	for (uint32_t frame = 0; frame < 9; frame++) {
		struct rect rect = frame > 0 ? random_rect(&subject) :
			(struct rect){ 0, 0, SIDE, SIDE };
		draw_halved(&subject.canvas.images[0], &subject.expected,
			&rect, frame);
		client_surface_attach(surface, &subject.canvas.buffers[0]);
		if (frame % 3 == 2) {
			client_surface_damage_buffer(surface, 2 * rect.x,
				2 * rect.y, 2 * rect.width, 2 * rect.height);
		} else {
			damage(surface, &rect, false);
		}
		must(screen, client_surface_present(surface));
		subject_check(screen, &subject);
	}
	subject_destroy(&subject);
}

/* From a buffer at scale 1 to one at scale 2, with little damage. */
static void a_change_of_scale_shows_all_of_the_buffer(void **state) {
	struct screen *screen = *state;
	struct subject subject;
	struct client_surface *surface = &subject.window.surface;
	subject_create(screen, &subject, 1, 2 * SIDE, 2 * SIDE);
	struct client_image whole;
	image_create(&whole, 2 * SIDE, 2 * SIDE);
	client_image_draw(&whole, 0);
	client_image_draw(&subject.canvas.images[0], 0);
	must(screen, client_surface_show(surface, &subject.canvas.buffers[0]));
	screen_expect_window(screen, &whole);

	struct rect all = { 0, 0, SIDE, SIDE };
	draw_halved(&subject.canvas.images[0], &subject.expected, &all, 1);
	client_surface_set_scale(surface, 2);
	client_surface_attach(surface, &subject.canvas.buffers[0]);
	client_surface_damage(surface, 0, 0, INT32_MAX, INT32_MAX);
	must(screen, client_surface_present(surface));
	subject_check(screen, &subject);

	struct rect some = { 21, 34, 50, 60 };
	draw_halved(&subject.canvas.images[0], &subject.expected, &some, 2);
	show_damage(screen, &subject, &some);
	client_image_destroy(&whole);
	subject_destroy(&subject);
}

#define CROP_X 37
#define CROP_Y 53

/* The origin of surface coordinates is within the buffer. */
static void damage_of_a_cropped_buffer_is_shown(void **state) {
	struct screen *screen = *state;
	struct subject subject;
	struct client_surface *surface = &subject.window.surface;
	subject_create(screen, &subject, 1, 2 * SIDE, 2 * SIDE);
	must(screen, client_surface_create_viewport(surface));
	wp_viewport_set_source(surface->viewport, wl_fixed_from_int(CROP_X),
		wl_fixed_from_int(CROP_Y), wl_fixed_from_int(SIDE),
		wl_fixed_from_int(SIDE));
	wp_viewport_set_destination(surface->viewport, SIDE, SIDE);
	for (uint32_t frame = 0; frame < 8; frame++) {
		struct rect rect = frame > 0 ? random_rect(&subject) :
			(struct rect){ 0, 0, SIDE, SIDE };
		for (int32_t y = rect.y; y < rect.y + rect.height; y++) {
			for (int32_t x = rect.x; x < rect.x + rect.width; x++) {
				uint32_t pixel = client_pattern(x, y, frame);
				client_image_set(&subject.canvas.images[0],
					x + CROP_X, y + CROP_Y, pixel);
				client_image_set(&subject.expected, x, y,
					pixel);
			}
		}
		show_damage(screen, &subject, &rect);
	}
	subject_destroy(&subject);
}

/* The whole buffer is shown at half its size. */
static void damage_of_a_scaled_buffer_is_shown(void **state) {
	struct screen *screen = *state;
	struct subject subject;
	struct client_surface *surface = &subject.window.surface;
	subject_create(screen, &subject, 1, 2 * SIDE, 2 * SIDE);
	must(screen, client_surface_create_viewport(surface));
	wp_viewport_set_destination(surface->viewport, SIDE, SIDE);
	for (uint32_t frame = 0; frame < 8; frame++) {
		struct rect rect = frame > 0 ? random_rect(&subject) :
			(struct rect){ 0, 0, SIDE, SIDE };
		draw_halved(&subject.canvas.images[0], &subject.expected,
			&rect, frame);
		show_damage(screen, &subject, &rect);
	}
	subject_destroy(&subject);
}

/* A viewport is added to a surface with a buffer, and removed again. */
static void damage_is_shown_when_a_viewport_comes_and_goes(void **state) {
	struct screen *screen = *state;
	struct subject subject;
	struct client_surface *surface = &subject.window.surface;
	subject_create(screen, &subject, 1, SIDE, SIDE);
	show_first_frame(screen, &subject);
	must(screen, client_surface_create_viewport(surface));
	for (uint32_t frame = 1; frame < 6; frame++) {
		/* Not scaled, but cropped to the right half. */
		bool cropped = frame == 2 || frame == 3;
		if (frame == 2) {
			wp_viewport_set_source(surface->viewport,
				wl_fixed_from_int(SIDE / 2), 0,
				wl_fixed_from_int(SIDE / 2),
				wl_fixed_from_int(SIDE));
		} else if (frame == 4) {
			wp_viewport_destroy(surface->viewport);
			surface->viewport = NULL;
		}
		struct rect rect = { 90, 20, 30, 40 };
		draw(&subject.canvas.images[0], &rect, frame);
		draw(&subject.expected, &rect, frame);
		rect.x -= cropped ? SIDE / 2 : 0;
		client_surface_attach(surface, &subject.canvas.buffers[0]);
		damage(surface, &rect, false);
		must(screen, client_surface_present(surface));
		if (!cropped) {
			subject_check(screen, &subject);
			continue;
		}
		struct client_image half = subject.expected;
		half.owned = false;
		half.width = SIDE / 2;
		half.data = (uint32_t *)half.data + SIDE / 2;
		screen_expect_window(screen, &half);
	}
	subject_destroy(&subject);
}

/* The buffer's pixels are rotated by 90 degrees counter-clockwise, and damage is in
 * surface coordinates. */
static void damage_of_a_turned_buffer_is_shown(void **state) {
	struct screen *screen = *state;
	struct subject subject;
	struct client_surface *surface = &subject.window.surface;
	subject_create(screen, &subject, 1, SIDE, SIDE);
	wl_surface_set_buffer_transform(surface->surface,
		WL_OUTPUT_TRANSFORM_90);
	for (uint32_t frame = 0; frame < 8; frame++) {
		struct rect rect = frame > 0 ? random_rect(&subject) :
			(struct rect){ 0, 0, SIDE, SIDE };
		draw(&subject.expected, &rect, frame);
		for (int32_t y = rect.y; y < rect.y + rect.height; y++) {
			for (int32_t x = rect.x; x < rect.x + rect.width; x++) {
				client_image_set(&subject.canvas.images[0], y,
					SIDE - 1 - x,
					client_pattern(x, y, frame));
			}
		}
		show_damage(screen, &subject, &rect);
	}
	subject_destroy(&subject);
}

static void a_frame_copies_only_its_damage(void **state) {
	struct screen *screen = *state;
	struct subject subject;
	struct client_surface *surface = &subject.window.surface;
	struct compositor_counts before, after;
	screen_needs_sealpool(screen);
	subject_create(screen, &subject, 2, SIDE, SIDE);
	for (int i = 0; i < 2; i++) {
		client_image_draw(&subject.canvas.images[i], 0);
		must(screen, client_surface_show(surface,
			&subject.canvas.buffers[i]));
	}
	draw(&subject.expected, &(struct rect){ 0, 0, SIDE, SIDE }, 0);
	subject_check(screen, &subject);
	for (uint32_t frame = 1; frame < 9; frame++) {
		/* The same rectangle each time, so the other buffer lacks the same
		 * pixels. */
		struct rect rect = { 40, 50, 25, 16 };
		size_t i = (frame + 1) % 2;
		struct client_buffer *buffer = &subject.canvas.buffers[i];
		screen_count(screen, &before);
		must(screen, client_buffer_wait_released(&screen->client,
			buffer));
		draw(&subject.canvas.images[i], &rect, frame);
		draw(&subject.expected, &rect, frame);
		client_surface_attach(surface, buffer);
		damage(surface, &rect, false);
		must(screen, client_surface_present(surface));
		screen_count(screen, &after);
		/* The first frame also copies what the other buffer's first frame
		 * damaged. */
		assert_int_equal(after.copied_in - before.copied_in,
			frame > 1 ? 25 * 16 * 4 : SIDE * SIDE * 4);
		subject_check(screen, &subject);
	}
	subject_destroy(&subject);
}

static void create_screen_image(struct screen *screen,
		struct client_image *image) {
	struct client_image got;
	must(screen, client_capture_output(&screen->client,
		CLIENT_MEMORY_SEALED, &got));
	assert_true(got.width >= 600 && got.height >= 400);
	image_create(image, got.width, got.height);
	client_image_destroy(&got);
}

/* The screen shows its top left part. */
static void a_large_frame_copies_only_its_damage(void **state) {
	enum { WIDTH = 3840, HEIGHT = 2160, DAMAGE = 100 };
	struct screen *screen = *state;
	struct canvas canvas;
	struct client_window window;
	struct client_image expected;
	struct compositor_counts before, after;
	screen_needs_sealpool(screen);
	canvas_create(screen, &canvas, CLIENT_MEMORY_UNSEALED, 2, WIDTH,
		HEIGHT);
	create_screen_image(screen, &expected);
	client_image_draw(&expected, 0);
	must(screen, client_window_create(&screen->client, &window, "large"));
	for (int i = 0; i < 2; i++) {
		client_image_draw(&canvas.images[i], 0);
		must(screen, client_surface_show(&window.surface,
			&canvas.buffers[i]));
	}
	for (uint32_t frame = 1; frame < 20; frame++) {
		size_t i = (frame + 1) % 2;
		struct rect rect = { 500, 300, DAMAGE, DAMAGE };
		must(screen, client_buffer_wait_released(&screen->client,
			&canvas.buffers[i]));
		draw(&canvas.images[i], &rect, frame);
		draw(&expected, &rect, frame);
		screen_count(screen, &before);
		client_surface_attach(&window.surface, &canvas.buffers[i]);
		damage(&window.surface, &rect, true);
		must(screen, client_surface_present(&window.surface));
		screen_count(screen, &after);
		/* The first frame also copies what the other buffer's first frame
		 * damaged. */
		assert_int_equal(after.copied_in - before.copied_in, 4 *
			(frame > 1 ? DAMAGE * DAMAGE : WIDTH * HEIGHT));
	}
	screen_expect_window(screen, &expected);
	client_window_destroy(&window);
	canvas_destroy(&canvas);
	client_image_destroy(&expected);
}

#define with_each_kind(function) \
	screen_test_with(function, SEALED), \
	screen_test_with(function, UNSEALED)

int main(int argc, char *argv[]) {
	static const struct CMUnitTest tests[] = {
		with_each_kind(surface_damage_is_shown),
		with_each_kind(buffer_damage_is_shown),
		with_each_kind(both_damages_of_one_commit_are_shown),
		with_each_kind(many_rectangles_in_one_commit_are_shown),
		with_each_kind(damage_beyond_the_edges_counts_within_them),
		with_each_kind(one_buffer_is_shown_again_and_again),
		with_each_kind(two_buffers_take_turns),
		with_each_kind(three_buffers_take_turns),
		with_each_kind(damage_of_frames_that_nobody_saw_adds_up),
		with_each_kind(damage_of_buffers_that_nobody_saw_adds_up),
		with_each_kind(damage_at_scale_two_is_shown),
		with_each_kind(a_change_of_scale_shows_all_of_the_buffer),
		with_each_kind(damage_of_a_cropped_buffer_is_shown),
		with_each_kind(damage_of_a_scaled_buffer_is_shown),
		with_each_kind(damage_is_shown_when_a_viewport_comes_and_goes),
		with_each_kind(damage_of_a_turned_buffer_is_shown),
		screen_test_with(a_frame_copies_only_its_damage, UNSEALED),
		screen_test(a_large_frame_copies_only_its_damage),
	};
	if (!screen_init(argc, argv)) {
		return 1;
	}
	return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
