/* SPDX-License-Identifier: MIT */
/*
 * The screen of a compositor that exists for one test.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "screen.h"

/* Set before all tests: cmocka passes nothing else to a setup than the test's own
 * state. */
static char **compositor_command;

int screen_setup(void **state) {
	struct screen *screen = calloc(1, sizeof(*screen));
	if (screen == NULL) {
		return -1;
	}
	screen->kind = (enum client_memory_kind)(intptr_t)*state;
	*state = screen;
	if (!compositor_start(&screen->compositor, compositor_command)) {
		print_error("%s\n", screen->compositor.error);
		goto error;
	}
	if (!client_connect(&screen->client, screen->compositor.display)) {
		print_error("%s\n", screen->client.error);
		goto error;
	}
	return 0;

error:
	client_disconnect(&screen->client);
	compositor_stop(&screen->compositor);
	free(screen);
	return -1;
}

int screen_teardown(void **state) {
	struct screen *screen = *state;
	client_disconnect(&screen->client);
	bool ok = compositor_stop(&screen->compositor);
	if (!ok) {
		print_error("%s\n", screen->compositor.error);
	}
	free(screen);
	return ok ? 0 : -1;
}

bool screen_init(int argc, char *argv[]) {
	if (argc < 2) {
		fprintf(stderr, "usage: %s COMPOSITOR [ARGUMENT...]\n", argv[0]);
		return false;
	}
	compositor_command = argv + 1;
	return true;
}

void screen_needs_sealpool(struct screen *screen) {
	if (screen_is_guarded(screen)) {
		skip();
	}
}

bool screen_is_guarded(const struct screen *screen) {
	return !screen->compositor.counts;
}

static bool shows(const struct client_image *got, const struct sight *sights,
		size_t sights_len) {
	char error[256];
	for (size_t i = 0; i < sights_len; i++) {
		if (!client_image_expect(got, sights[i].x, sights[i].y,
				sights[i].image, error, sizeof(error))) {
			return false;
		}
	}
	return true;
}

/* Another thread writes to a file that is not memory, and the compositor waits for it
 * only briefly: on a busy machine, the first picture may come too late. */
static void capture(struct screen *screen, enum client_memory_kind kind,
		const struct sight *sights, size_t sights_len,
		struct client_image *got) {
	must(screen, client_capture_output(&screen->client, kind, got));
	for (int i = 0; kind == CLIENT_MEMORY_FILE && i < SCREEN_LATE_TRIES &&
			!shows(got, sights, sights_len); i++) {
		poll(NULL, 0, SCREEN_LATE_MS);
		client_image_destroy(got);
		must(screen, client_capture_output(&screen->client, kind, got));
	}
}

void screen_expect_through(struct screen *screen, enum client_memory_kind kind,
		const struct sight *sights, size_t sights_len) {
	struct client_image got, all;
	capture(screen, kind, sights, sights_len, &got);

	/* Each sight by itself first, which gives better messages. */
	char error[256];
	for (size_t i = 0; i < sights_len; i++) {
		if (!client_image_expect(&got, sights[i].x, sights[i].y,
				sights[i].image, error, sizeof(error))) {
			fail_msg("at %d,%d of the screen, captured with %s "
				"memory: %s", sights[i].x, sights[i].y,
				client_memory_kind_name(kind), error);
		}
	}
	image_create(&all, got.width, got.height);
	for (size_t i = 0; i < sights_len; i++) {
		client_image_paste(&all, sights[i].x, sights[i].y,
			sights[i].image);
	}
	if (!client_image_expect(&got, 0, 0, &all, error, sizeof(error))) {
		fail_msg("elsewhere on the screen, captured with %s memory: %s",
			client_memory_kind_name(kind), error);
	}
	client_image_destroy(&all);
	client_image_destroy(&got);
}

void screen_expect(struct screen *screen, const struct sight *sights,
		size_t sights_len) {
	screen_expect_through(screen, CLIENT_MEMORY_SEALED, sights, sights_len);
}

bool screen_shows(struct screen *screen, const struct sight *sights,
		size_t sights_len) {
	struct client_image got;
	must(screen, client_capture_output(&screen->client,
		CLIENT_MEMORY_SEALED, &got));
	bool shown = shows(&got, sights, sights_len);
	client_image_destroy(&got);
	return shown;
}

void screen_expect_window(struct screen *screen,
		const struct client_image *image) {
	struct sight sight = { 0, 0, image };
	screen_expect(screen, &sight, 1);
}

void screen_count(struct screen *screen, struct compositor_counts *counts) {
	must(screen, client_roundtrip(&screen->client));
	if (!compositor_count(&screen->compositor, counts)) {
		fail_msg("%s", screen->compositor.error);
	}
}

void screen_expect_kinds(struct screen *screen, uint64_t direct,
		uint64_t shadow) {
	if (!screen->compositor.counts) {
		return;
	}
	struct compositor_counts counts;
	screen_count(screen, &counts);
	assert_int_equal(counts.direct, direct);
	assert_int_equal(counts.nofault + counts.shadow, shadow);
}

void canvas_create(struct screen *screen, struct canvas *canvas,
		enum client_memory_kind kind, size_t buffers_len, int32_t width,
		int32_t height) {
	struct client *client = &screen->client;
	int32_t stride = width * 4;
	int32_t bytes = stride * height;
	int32_t size = bytes * (int32_t)buffers_len;
	*canvas = (struct canvas){ .buffers_len = buffers_len };
	must(screen, client_memory_create(client, &canvas->memory, kind,
		(size_t)size));
	must(screen, client_pool_create(client, &canvas->pool, &canvas->memory,
		size));
	for (size_t i = 0; i < buffers_len; i++) {
		must(screen, client_buffer_create(&canvas->pool,
			&canvas->buffers[i], bytes * (int32_t)i, width, height,
			stride));
		must(screen, client_buffer_get_image(client,
			&canvas->buffers[i], &canvas->images[i]));
	}
}

void canvas_destroy(struct canvas *canvas) {
	for (size_t i = 0; i < canvas->buffers_len; i++) {
		client_buffer_destroy(&canvas->buffers[i]);
	}
	client_pool_destroy(&canvas->pool);
	client_memory_destroy(&canvas->memory);
}

void cover_create(struct screen *screen, struct cover *cover,
		struct client_surface *parent, int32_t width, int32_t height) {
	struct client *client = &screen->client;
	int32_t size = width * height * 4;
	*cover = (struct cover){ 0 };
	must(screen, client_subsurface_create(client, &cover->subsurface,
		parent, 0, 0));
	client_subsurface_set_desync(&cover->subsurface);
	must(screen, client_memory_create(client, &cover->memory,
		CLIENT_MEMORY_FIXED, (size_t)size));
	must(screen, client_pool_create(client, &cover->pool, &cover->memory,
		size));
	must(screen, client_buffer_create(&cover->pool, &cover->buffer, 0,
		width, height, width * 4));
}

void cover_destroy(struct cover *cover) {
	client_subsurface_destroy(&cover->subsurface);
	client_buffer_destroy(&cover->buffer);
	client_pool_destroy(&cover->pool);
	client_memory_destroy(&cover->memory);
}

void cover_flash(struct screen *screen, struct cover *cover) {
	struct client_surface *surface = &cover->subsurface.surface;
	must(screen, client_surface_show(surface, &cover->buffer));
	client_surface_attach(surface, NULL);
	client_surface_commit(surface);
}

void image_create(struct client_image *image, int32_t width, int32_t height) {
	if (!client_image_create(image, width, height)) {
		fail_msg("no memory");
	}
}
