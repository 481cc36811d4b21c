/* SPDX-License-Identifier: MIT */
/*
 * Several surfaces.
 */
#include <wayland-client.h>

#include "stage.h"

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
		/* All pixels are new on the screen. */
		stage_draw(&family.stage, &everything);
		damage(family.stage.surface, &everything, false);
		client_surface_commit(family.stage.surface);
		family_expect(test, &family, "a subsurface that is back");
	}
}

#define TWIN_SIDE 70

/* Two subsurfaces show the same bytes, with one wl_buffer or two. */
static void show_twins(struct test *test) {
	struct client *client = &test->client;
	struct family family;
	static struct client_subsurface twins[2];
	static struct canvas canvas;
	/* Each twin has one for each half of the memory. */
	static struct client_buffer buffers[2][2];
	bool one_buffer = test_get_variant(test) == 1;
	family_create(test, &family);
	canvas_create(test, &canvas, test_get_kind(test), 2, TWIN_SIDE,
		TWIN_SIDE);
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
	/* A release does not say from which of two surfaces, so a wl_buffer is drawn only
	 * once. */
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

/* Three buffers for two surfaces: a buffer that one surface has released is drawn for the
 * other one, whose last frame it never contained. */
static void move_buffers(struct test *test) {
	struct family family;
	static struct client_subsurface twins[2];
	static struct canvas canvas;
	struct client_image frames[2];
	family_create(test, &family);
	canvas_create(test, &canvas, test_get_kind(test), 3, TWIN_SIDE,
		TWIN_SIDE);
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

const struct test_case content_surface_cases[] = {
	both_kinds("subsurface:sync-", 0,
		"A subsurface's commit waits for its parent's.",
		show_sync_subsurface),
	both_kinds("subsurface:desync-", 0,
		"A desynchronized subsurface's commit applies at once.",
		show_desync_subsurface),
	both_kinds("subsurface:hidden-", 0,
		"A surface without a buffer is not shown.", hide_subsurface),
	both_kinds("two-surfaces:one-buffer-", 1,
		"A buffer can be attached to more than one surface.", show_twins),
	both_kinds("two-surfaces:two-buffers-", 2,
		"Several buffers may have the same bytes.", show_twins),
	both_kinds("two-surfaces:three-buffers-", 0,
		"A buffer can be shown on another surface later.",
		move_buffers),
	{ 0 },
};
