/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_CONTENT_STAGE_H
#define CONFORMANCE_CONTENT_STAGE_H

/**
 * The contents of a window, and its expected contents.
 */

#include "case.h"

/* Not square, and with rows that are no power of two. */
#define WIDTH 122
#define HEIGHT 94

#define BUFFERS_MAX 3
#define FRAMES_MAX 40

struct rect {
	int32_t x, y, width, height;
};

static const struct rect everything = { 0, 0, WIDTH, HEIGHT };

/* A file, a pool of the same size, and buffers of one size in it. */
struct canvas {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[BUFFERS_MAX];
	struct client_image images[BUFFERS_MAX];
	size_t buffers_len;
};

/* The places of a canvas's buffers. */
struct placing {
	/* Bytes before the first buffer, and at the end of each row. */
	int32_t offset, padding;
};

/* A surface, drawn with buffer age: what has changed since a buffer was drawn last is
 * drawn into it, while the damage is what has changed since the last frame. */
struct stage {
	struct test *test;
	struct client_surface *surface;
	struct canvas canvas;
	/* The expected contents. */
	struct client_image expected;

	/* The relation of the surface's pixels to those of the buffers. */
	int32_t scale, transform, crop_x, crop_y;
	/* The buffers have blue in the place of red; the top byte is not all ones. */
	bool blue_first, any_top;

	uint32_t frames;
	struct rect changed[FRAMES_MAX];
	/* The frame after the one in each buffer; 0 if nothing was drawn. */
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

#define rated(rating, name, variant, KIND, kind, text, run) \
	{ "content/" name kind, rating, text, run, WITH(KIND, variant) }
#define case_of(name, variant, KIND, kind, text, run) \
	rated(CASE_REQUIRED, name, variant, KIND, kind, text, run)
/* In memory that compositors can read in place, and in memory that they cannot. */
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

void needs_window(struct test *test);
void needs_subsurfaces(struct test *test);
void needs_buffer_damage(struct test *test);
void needs_viewporter(struct test *test);
void needs_format(struct test *test, uint32_t format,
	const char *name);
void image_create(struct test *test, struct client_image *image,
	int32_t width, int32_t height);
void canvas_create_at(struct test *test, struct canvas *canvas,
	enum client_memory_kind kind, size_t buffers_len, int32_t width,
	int32_t height, uint32_t format, struct placing placing);
void canvas_create(struct test *test, struct canvas *canvas,
	enum client_memory_kind kind, size_t buffers_len, int32_t width,
	int32_t height);

/** "width" and "height" are the size of the window. */
void scene_create(struct test *test, struct scene *scene, int32_t width,
	int32_t height);

/** Expects that the window shows this picture, also after it was covered. */
void scene_expect(struct test *test, struct scene *scene,
	const struct client_image *picture, const char *what);

void stage_create(struct test *test, struct stage *stage,
	struct client_surface *surface, size_t buffers_len);

/** Creates a scene and a stage on its window. Skips the case if no window can be seen. */
void stage_begin(struct test *test, struct scene *scene, struct stage *stage,
	size_t buffers_len);

/** Replaces the buffers by others that were not shown yet. */
void stage_set_buffers(struct stage *stage, int32_t width,
	int32_t height, uint32_t format, struct placing placing);

/** Draws a frame that differs from the one before within the rectangle, and attaches
 * it. */
void stage_draw(struct stage *stage, const struct rect *rect);

void damage(struct client_surface *surface, const struct rect *rect,
	bool in_buffer);
void stage_commit_frame(struct stage *stage, enum damage how);
void scene_show_frames(struct scene *scene, struct stage *stage,
	uint32_t count, enum damage how);
void needs_damage(struct test *test, enum damage how);

#endif
