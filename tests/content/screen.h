/* SPDX-License-Identifier: MIT */
#ifndef CONTENT_SCREEN_H
#define CONTENT_SCREEN_H

/**
 * Common parts of these tests: a compositor, a client, and a comparison of the whole
 * screen with what it should show.
 *
 * sealpool-tiny places windows side by side from the top left, undecorated, on black.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "buffer.h"
#include "capture.h"
#include "client.h"
#include "compositor.h"
#include "image.h"
#include "memory.h"
#include "surface.h"

struct screen {
	struct compositor compositor;
	struct client client;
	/* The memory that the test is run with. */
	enum client_memory_kind kind;
};

/** An image that should be shown with its top left corner at x, y. */
struct sight {
	int32_t x, y;
	const struct client_image *image;
};

/**
 * A subsurface that covers its parent for a moment, so that everything below it is
 * repainted. Only that shows an error in the compositor's copy.
 */
struct cover {
	struct client_subsurface subsurface;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
};

/* After the compositor has waited for a file that is not memory, it needs this time
 * before it may wait again. */
#define SCREEN_LATE_MS 200
#define SCREEN_LATE_TRIES 100

#define CANVAS_BUFFERS_MAX 3

/** A file, a pool of the same size, and buffers of one size side by side in it. */
struct canvas {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[CANVAS_BUFFERS_MAX];
	/* The pixels of each buffer. */
	struct client_image images[CANVAS_BUFFERS_MAX];
	size_t buffers_len;
};

/** Fails the test with the client's error unless "call" is true. */
#define must(screen, call) \
	do { \
		if (!(call)) { \
			fail_msg("%s", (screen)->client.error); \
		} \
	} while (0)

/** Setup and teardown of a test. Teardown fails unless the compositor is alive and exits
 * with success. The state is a struct screen. */
int screen_setup(void **state);
int screen_teardown(void **state);

#define screen_test(function) \
	{ #function, function, screen_setup, screen_teardown, NULL }
/** A test with memory of the kind CLIENT_MEMORY_k. */
#define screen_test_with(function, k) \
	{ #function "(" #k ")", function, screen_setup, screen_teardown, \
		(void *)(intptr_t)CLIENT_MEMORY_##k }

/** Takes the compositor's command line from the program's. Call it before any test. */
bool screen_init(int argc, char *argv[]);

/** Skips the test unless the compositor's wl_shm is Sealpool's. */
void screen_needs_sealpool(struct screen *screen);

/** Returns whether it is another wl_shm, behind a guard. */
bool screen_is_guarded(const struct screen *screen);

/** Takes a picture with memory of a kind, and compares the whole of it. */
void screen_expect_through(struct screen *screen, enum client_memory_kind kind,
	const struct sight *sights, size_t sights_len);
/** The same, with sealed memory. */
void screen_expect(struct screen *screen, const struct sight *sights,
	size_t sights_len);
/** Returns whether the screen shows each sight. It may show other things as well. */
bool screen_shows(struct screen *screen, const struct sight *sights,
	size_t sights_len);
/** Expects one window, at the top left. */
void screen_expect_window(struct screen *screen,
	const struct client_image *image);

/** Returns the compositor's counters, after all requests so far. */
void screen_count(struct screen *screen, struct compositor_counts *counts);
/** Checks how many buffers are direct and shadow, if the compositor counts them. nofault
 * counts as shadow. */
void screen_expect_kinds(struct screen *screen, uint64_t direct,
	uint64_t shadow);

void canvas_create(struct screen *screen, struct canvas *canvas,
	enum client_memory_kind kind, size_t buffers_len, int32_t width,
	int32_t height);
void canvas_destroy(struct canvas *canvas);

/** Create it before the parent's next commit. */
void cover_create(struct screen *screen, struct cover *cover,
	struct client_surface *parent, int32_t width, int32_t height);
void cover_destroy(struct cover *cover);
/** Covers and uncovers the parent. */
void cover_flash(struct screen *screen, struct cover *cover);

void image_create(struct client_image *image, int32_t width, int32_t height);

#endif
