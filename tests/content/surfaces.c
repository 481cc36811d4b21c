/* SPDX-License-Identifier: MIT */
/*
 * The time between a commit and the read of its buffer: subsurfaces that wait for their
 * parent, and buffers that are destroyed or on two surfaces.
 */
#include <wayland-client.h>

#include "screen.h"

#define SIDE 128
/* The position of the subsurface on its parent. */
#define SUB_X 150
#define SUB_Y 60
#define PARENT_WIDTH 400
#define PARENT_HEIGHT 240

/* A parent that never changes, with one subsurface. */
struct family {
	struct canvas parent_canvas, canvas;
	struct client_window window;
	struct client_subsurface subsurface;
	struct cover cover;
	struct client_image expected;
};

static void family_create(struct screen *screen, struct family *family) {
	struct client *client = &screen->client;
	*family = (struct family){ 0 };
	canvas_create(screen, &family->parent_canvas, CLIENT_MEMORY_SEALED, 1,
		PARENT_WIDTH, PARENT_HEIGHT);
	canvas_create(screen, &family->canvas, screen->kind, 2, SIDE, SIDE);
	client_image_draw(&family->parent_canvas.images[0], 40);
	must(screen, client_window_create(client, &family->window, "parent"));
	must(screen, client_subsurface_create(client, &family->subsurface,
		&family->window.surface, SUB_X, SUB_Y));
	cover_create(screen, &family->cover, &family->window.surface,
		PARENT_WIDTH, PARENT_HEIGHT);
	image_create(&family->expected, SIDE, SIDE);
	client_image_draw(&family->expected, 0);
	client_image_draw(&family->canvas.images[0], 0);
	client_surface_attach(&family->subsurface.surface,
		&family->canvas.buffers[0]);
	client_surface_damage(&family->subsurface.surface, 0, 0, SIDE, SIDE);
	client_surface_commit(&family->subsurface.surface);
	must(screen, client_surface_show(&family->window.surface,
		&family->parent_canvas.buffers[0]));
}

static void family_destroy(struct family *family) {
	cover_destroy(&family->cover);
	client_subsurface_destroy(&family->subsurface);
	client_window_destroy(&family->window);
	canvas_destroy(&family->canvas);
	canvas_destroy(&family->parent_canvas);
	client_image_destroy(&family->expected);
}

static void family_check(struct screen *screen, const struct family *family) {
	struct client_image all;
	image_create(&all, PARENT_WIDTH, PARENT_HEIGHT);
	client_image_paste(&all, 0, 0, &family->parent_canvas.images[0]);
	client_image_paste(&all, SUB_X, SUB_Y, &family->expected);
	screen_expect_window(screen, &all);
	client_image_destroy(&all);
}

static void check_both_ways(struct screen *screen, struct family *family) {
	family_check(screen, family);
	cover_flash(screen, &family->cover);
	family_check(screen, family);
}

/* Draws a column of the pattern, damages it, and commits. */
static void commit_column(struct screen *screen, struct family *family,
		size_t buffer, int32_t x, uint32_t frame) {
	struct client_surface *surface = &family->subsurface.surface;
	client_image_draw_rect(&family->canvas.images[buffer], x, 0, 10, SIDE,
		1, frame);
	client_surface_attach(surface, &family->canvas.buffers[buffer]);
	client_surface_damage(surface, x, 0, 10, SIDE);
	client_surface_commit(surface);
}

static void a_desync_subsurface_shows_at_once(void **state) {
	struct screen *screen = *state;
	struct family family;
	family_create(screen, &family);
	check_both_ways(screen, &family);
	client_subsurface_set_desync(&family.subsurface);
	for (uint32_t frame = 1; frame < 6; frame++) {
		int32_t x = (int32_t)frame * 20;
		commit_column(screen, &family, 0, x, frame);
		client_image_draw_rect(&family.expected, x, 0, 10, SIDE, 1,
			frame);
		check_both_ways(screen, &family);
	}
	family_destroy(&family);
}

/* Two commits that show nothing before the parent's commit. The buffers alternate. */
static void a_sync_subsurface_shows_with_its_parent(void **state) {
	struct screen *screen = *state;
	struct family family;
	struct client_image next;
	family_create(screen, &family);
	check_both_ways(screen, &family);
	image_create(&next, SIDE, SIDE);
	client_image_paste(&next, 0, 0, &family.expected);
	size_t shown = 0;
	for (uint32_t frame = 1; frame < 10; frame++) {
		/* The buffer that is not shown may be drawn on. */
		size_t buffer = 1 - shown;
		int32_t x = (int32_t)(frame * 23 % (SIDE - 30));
		must(screen, client_buffer_wait_released(&screen->client,
			&family.canvas.buffers[buffer]));
		client_image_paste(&family.canvas.images[buffer], 0, 0, &next);
		commit_column(screen, &family, buffer, x, frame);
		commit_column(screen, &family, buffer, x + 15, frame + 20);
		check_both_ways(screen, &family);

		client_image_draw_rect(&next, x, 0, 10, SIDE, 1, frame);
		client_image_draw_rect(&next, x + 15, 0, 10, SIDE, 1,
			frame + 20);
		must(screen, client_surface_present(&family.window.surface));
		client_image_paste(&family.expected, 0, 0, &next);
		check_both_ways(screen, &family);
		shown = buffer;
	}
	client_image_destroy(&next);
	family_destroy(&family);
}

/*
 * A buffer on the screen is read while the next one waits for the parent's commit. It was
 * drawn before that commit's damage. So reading it must not make it current for later
 * commits: the client draws what the buffer lacks when it is released.
 */
static void a_buffer_read_while_the_next_one_waits_is_up_to_date_later(
		void **state) {
	struct screen *screen = *state;
	struct family family;
	family_create(screen, &family);
	/* Both buffers are shown once, so that both are tracked. */
	client_image_paste(&family.canvas.images[1], 0, 0, &family.expected);
	commit_column(screen, &family, 1, 0, 1);
	client_image_draw_rect(&family.expected, 0, 0, 10, SIDE, 1, 1);
	must(screen, client_surface_present(&family.window.surface));
	check_both_ways(screen, &family);

	must(screen, client_buffer_wait_released(&screen->client,
		&family.canvas.buffers[0]));
	client_image_paste(&family.canvas.images[0], 0, 0, &family.expected);
	commit_column(screen, &family, 0, 20, 2);
	/* Buffer 1 is painted again, twice. */
	check_both_ways(screen, &family);
	client_image_draw_rect(&family.expected, 20, 0, 10, SIDE, 1, 2);
	must(screen, client_surface_present(&family.window.surface));
	check_both_ways(screen, &family);

	must(screen, client_buffer_wait_released(&screen->client,
		&family.canvas.buffers[1]));
	client_image_paste(&family.canvas.images[1], 0, 0, &family.expected);
	commit_column(screen, &family, 1, 40, 3);
	client_image_draw_rect(&family.expected, 40, 0, 10, SIDE, 1, 3);
	must(screen, client_surface_present(&family.window.surface));
	check_both_ways(screen, &family);
	family_destroy(&family);
}

static void a_subsurface_shows_anew_after_it_was_hidden(void **state) {
	struct screen *screen = *state;
	struct family family;
	family_create(screen, &family);
	client_subsurface_set_desync(&family.subsurface);
	check_both_ways(screen, &family);
	for (uint32_t frame = 1; frame < 4; frame++) {
		struct client_surface *surface = &family.subsurface.surface;
		client_surface_attach(surface, NULL);
		client_surface_commit(surface);
		screen_expect_window(screen, &family.parent_canvas.images[0]);

		client_image_draw(&family.canvas.images[0], frame);
		client_image_draw(&family.expected, frame);
		must(screen, client_surface_show(surface,
			&family.canvas.buffers[0]));
		check_both_ways(screen, &family);
	}
	family_destroy(&family);
}

/* What is destroyed before the frame is painted. */
enum gone {
	GONE_BUFFER,
	GONE_POOL,
	/* Also the client's mapping and its fd. */
	GONE_MEMORY,
};

static void destroy_right_after_commit(struct screen *screen, enum gone gone) {
	struct canvas canvas;
	struct client_window window;
	struct client_image expected;
	struct cover cover;
	canvas_create(screen, &canvas, screen->kind, 1, SIDE, SIDE);
	image_create(&expected, SIDE, SIDE);
	client_image_draw(&expected, 0);
	client_image_draw(&canvas.images[0], 0);
	must(screen, client_window_create(&screen->client, &window, "short"));
	cover_create(screen, &cover, &window.surface, SIDE, SIDE);
	client_surface_attach(&window.surface, &canvas.buffers[0]);
	client_surface_damage(&window.surface, 0, 0, SIDE, SIDE);
	client_surface_commit(&window.surface);
	client_buffer_destroy(&canvas.buffers[0]);
	if (gone >= GONE_POOL) {
		client_pool_destroy(&canvas.pool);
	}
	if (gone >= GONE_MEMORY) {
		client_memory_destroy(&canvas.memory);
	}
	screen_expect_window(screen, &expected);
	cover_flash(screen, &cover);
	screen_expect_window(screen, &expected);
	cover_destroy(&cover);
	client_window_destroy(&window);
	canvas_destroy(&canvas);
	client_image_destroy(&expected);
}

static void a_buffer_destroyed_after_its_commit_is_shown(void **state) {
	destroy_right_after_commit(*state, GONE_BUFFER);
}

static void a_pool_destroyed_after_the_commit_is_shown(void **state) {
	destroy_right_after_commit(*state, GONE_POOL);
}

static void memory_unmapped_after_the_commit_is_shown(void **state) {
	destroy_right_after_commit(*state, GONE_MEMORY);
}

/* A pool is needed only to create buffers. */
static void buffers_work_without_their_pool(void **state) {
	struct screen *screen = *state;
	struct canvas canvas;
	struct client_window window;
	struct cover cover;
	struct client_image expected;
	canvas_create(screen, &canvas, screen->kind, 2, SIDE, SIDE);
	client_pool_destroy(&canvas.pool);
	must(screen, client_window_create(&screen->client, &window, "pool"));
	cover_create(screen, &cover, &window.surface, SIDE, SIDE);
	image_create(&expected, SIDE, SIDE);
	for (uint32_t frame = 0; frame < 6; frame++) {
		must(screen, client_buffer_wait_released(&screen->client,
			&canvas.buffers[frame % 2]));
		client_image_draw(&canvas.images[frame % 2], frame);
		client_image_draw(&expected, frame);
		must(screen, client_surface_show(&window.surface,
			&canvas.buffers[frame % 2]));
		screen_expect_window(screen, &expected);
		cover_flash(screen, &cover);
		screen_expect_window(screen, &expected);
	}
	cover_destroy(&cover);
	client_window_destroy(&window);
	canvas_destroy(&canvas);
	client_image_destroy(&expected);
}

/* The protocol does not define what this surface shows then, but others must not
 * change. */
static void a_buffer_destroyed_between_attach_and_commit_does_no_harm(
		void **state) {
	struct screen *screen = *state;
	struct canvas canvas;
	struct client_window windows[2];
	canvas_create(screen, &canvas, screen->kind, 2, SIDE, SIDE);
	for (int i = 0; i < 2; i++) {
		client_image_draw(&canvas.images[i], (uint32_t)i);
		must(screen, client_window_create(&screen->client, &windows[i],
			"window"));
		must(screen, client_surface_show(&windows[i].surface,
			&canvas.buffers[i]));
	}
	struct sight sights[] = {
		{ 0, 0, &canvas.images[0] }, { SIDE, 0, &canvas.images[1] },
	};
	screen_expect(screen, sights, 2);

	client_surface_attach(&windows[1].surface, &canvas.buffers[1]);
	client_surface_damage(&windows[1].surface, 9, 8, 70, 60);
	client_buffer_destroy(&canvas.buffers[1]);
	client_surface_commit(&windows[1].surface);
	must(screen, client_roundtrip(&screen->client));
	client_window_destroy(&windows[1]);
	screen_expect(screen, sights, 1);
	client_window_destroy(&windows[0]);
	canvas_destroy(&canvas);
}

/* Each surface shows a change after a commit of its own. */
static void one_buffer_shows_on_two_surfaces(void **state) {
	struct screen *screen = *state;
	struct canvas canvas;
	struct client_window windows[2];
	struct cover covers[2];
	struct client_image expected;
	canvas_create(screen, &canvas, screen->kind, 1, SIDE, SIDE);
	image_create(&expected, SIDE, SIDE);
	client_image_draw(&expected, 0);
	client_image_draw(&canvas.images[0], 0);
	for (int i = 0; i < 2; i++) {
		must(screen, client_window_create(&screen->client, &windows[i],
			"twin"));
		cover_create(screen, &covers[i], &windows[i].surface, SIDE,
			SIDE);
		must(screen, client_surface_show(&windows[i].surface,
			&canvas.buffers[0]));
	}
	struct sight sights[] = { { 0, 0, &expected }, { SIDE, 0, &expected } };
	screen_expect(screen, sights, 2);
	for (uint32_t frame = 1; frame < 7; frame++) {
		int32_t x = (int32_t)frame * 15;
		client_image_draw_rect(&canvas.images[0], x, 3, 11, 90, 1,
			frame);
		client_image_draw_rect(&expected, x, 3, 11, 90, 1, frame);
		for (int i = 0; i < 2; i++) {
			struct client_surface *surface =
				&windows[(frame + i) % 2].surface;
			client_surface_attach(surface, &canvas.buffers[0]);
			client_surface_damage(surface, x, 3, 11, 90);
			if (frame % 3 == 0) {
				client_surface_commit(surface);
			} else {
				must(screen, client_surface_present(surface));
			}
		}
		screen_expect(screen, sights, 2);
		cover_flash(screen, &covers[0]);
		cover_flash(screen, &covers[1]);
		screen_expect(screen, sights, 2);
	}
	for (int i = 0; i < 2; i++) {
		cover_destroy(&covers[i]);
		client_window_destroy(&windows[i]);
	}
	canvas_destroy(&canvas);
	client_image_destroy(&expected);
}

#define with_each_kind(function) \
	screen_test_with(function, SEALED), \
	screen_test_with(function, UNSEALED)

int main(int argc, char *argv[]) {
	static const struct CMUnitTest tests[] = {
		with_each_kind(a_desync_subsurface_shows_at_once),
		with_each_kind(a_sync_subsurface_shows_with_its_parent),
		with_each_kind(
		a_buffer_read_while_the_next_one_waits_is_up_to_date_later),
		with_each_kind(a_subsurface_shows_anew_after_it_was_hidden),
		with_each_kind(a_buffer_destroyed_after_its_commit_is_shown),
		with_each_kind(a_pool_destroyed_after_the_commit_is_shown),
		with_each_kind(memory_unmapped_after_the_commit_is_shown),
		with_each_kind(buffers_work_without_their_pool),
		with_each_kind(
			a_buffer_destroyed_between_attach_and_commit_does_no_harm),
		with_each_kind(one_buffer_shows_on_two_surfaces),
	};
	if (!screen_init(argc, argv)) {
		return 1;
	}
	return cmocka_run_group_tests_name("surfaces", tests, NULL, NULL);
}
