/* SPDX-License-Identifier: MIT */
/*
 * wlroots' textures contain what clients have drawn and committed. What is written to
 * memory that cannot be written is discarded.
 */
#include <drm_fourcc.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <wayland-client.h>
#include <wlr/render/wlr_texture.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_compositor.h>

#include "host.h"

/* A row ends within a cache line, and the last one within a page. */
#define WIDTH 201
#define HEIGHT 147
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static const enum client_memory_kind kinds[] = {
	CLIENT_MEMORY_SEALED, CLIENT_MEMORY_FIXED, CLIENT_MEMORY_UNSEALED,
	CLIENT_MEMORY_SHM_OPEN, CLIENT_MEMORY_FILE,
};

#define KINDS_LEN (sizeof(kinds) / sizeof(kinds[0]))

static void image_create(struct client_image *image, int32_t width,
		int32_t height) {
	assert_true(client_image_create(image, width, height));
}

static void a_texture_has_what_its_client_drew(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(&host->server,
			kinds[i], WIDTH, HEIGHT);
		host_expect_shown_frame(host, peer, 1);
		tell(peer, make_picture, .buffer = 1, .kind = kinds[i],
			.width = WIDTH, .height = HEIGHT);
		for (uint32_t frame = 2; frame < 6; frame++) {
			int buffer = (int)frame % 2;
			tell(peer, draw_and_show, .buffer = buffer,
				.frame = frame);
			host_expect_shown_frame(host, peer, frame);
			/* An upload is a copy. */
			tell(peer, wait_released, .buffer = buffer);
		}
		peer_finish(peer);
	}
}

/* Layout in the pool */

static void a_buffer_at_an_offset_with_padded_rows_is_uploaded(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create(&host->server);
		tell(peer, make_picture, .kind = kinds[i], .offset = 1021 * 4,
			.stride = STRIDE + 52, .width = WIDTH,
			.height = HEIGHT);
		for (uint32_t frame = 1; frame < 4; frame++) {
			tell(peer, draw_and_show, .frame = frame);
			host_expect_shown_frame(host, peer, frame);
		}
		peer_finish(peer);
	}
}

static void damage_updates_its_rectangle(void **state) {
	static const struct {
		int32_t x, y, width, height;
	} rects[] = {
		{ 0, 0, 1, 1 }, { WIDTH - 1, HEIGHT - 1, 1, 1 },
		{ 0, 50, WIDTH, 1 }, { 77, 0, 1, HEIGHT },
		{ 13, 17, 40, 60 }, { 30, 40, 100, 100 },
	};
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(&host->server,
			kinds[i], WIDTH, HEIGHT);
		struct wlr_client_buffer *client_buffer =
			host_get_client_buffer(host, peer);
		struct client_image expected;
		image_create(&expected, WIDTH, HEIGHT);
		client_image_draw(&expected, 1);
		for (size_t j = 0; j < sizeof(rects) / sizeof(rects[0]); j++) {
			uint32_t frame = (uint32_t)j + 2;
			/* The whole buffer is drawn, but not all of it is damaged. */
			tell(peer, draw, .frame = frame);
			tell(peer, show, .x = rects[j].x, .y = rects[j].y,
				.width = rects[j].width,
				.height = rects[j].height);
			client_image_draw_rect(&expected, rects[j].x,
				rects[j].y, rects[j].width, rects[j].height, 1,
				frame);
			host_expect_shown(host, peer, &expected);
			/* The texture is updated, not replaced. */
			assert_ptr_equal(host_get_client_buffer(host, peer),
				client_buffer);
		}
		client_image_destroy(&expected);
		peer_finish(peer);
	}
}

/* The second of two buffers lacks what was damaged since it was shown last. wlroots does
 * not read that, since the texture has it. */
static void damage_of_two_buffers_adds_up(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(&host->server,
			kinds[i], WIDTH, HEIGHT);
		struct client_image expected;
		image_create(&expected, WIDTH, HEIGHT);
		client_image_draw(&expected, 1);
		tell(peer, make_picture, .buffer = 1, .kind = kinds[i],
			.width = WIDTH, .height = HEIGHT);
		tell(peer, draw, .buffer = 1, .frame = 1);
		for (uint32_t frame = 2; frame < 9; frame++) {
			int32_t x = (int32_t)frame * 15, y = (int32_t)frame * 3;
			tell(peer, draw_and_show, .buffer = (int)frame % 2,
				.x = x, .y = y, .width = 20, .height = 90,
				.frame = frame);
			client_image_draw_rect(&expected, x, y, 20, 90, 1,
				frame);
			host_expect_shown(host, peer, &expected);
		}
		client_image_destroy(&expected);
		peer_finish(peer);
	}
}

static void a_buffer_of_another_size_is_shown(void **state) {
	static const struct {
		int32_t width, height;
	} sizes[] = { { 1, 1 }, { 300, 2 }, { 7, 400 }, { WIDTH, HEIGHT } };
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(&host->server,
			kinds[i], WIDTH, HEIGHT);
		for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			uint32_t frame = (uint32_t)j + 2;
			int buffer = (int)j + 1;
			tell(peer, make_picture, .buffer = buffer,
				.kind = kinds[i], .width = sizes[j].width,
				.height = sizes[j].height);
			tell(peer, draw_and_show, .buffer = buffer,
				.frame = frame);
			host_expect_shown_frame(host, peer, frame);
			tell(peer, draw_and_show, .buffer = buffer,
				.width = sizes[j].width,
				.height = sizes[j].height, .frame = frame + 9);
			host_expect_shown_frame(host, peer, frame + 9);
		}
		peer_finish(peer);
	}
}

static void a_grown_pool_shows_its_new_bytes(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		if (kinds[i] == CLIENT_MEMORY_FIXED) {
			continue;
		}
		struct peer *peer = peer_create_with_picture(&host->server,
			kinds[i], WIDTH, HEIGHT);
		int64_t size = BYTES;
		for (int j = 1; j < 6; j++) {
			size *= 3;
			tell(peer, grow_memory, .size = size);
			tell(peer, resize_pool, .size = size);
			tell(peer, create_buffer, .buffer = j,
				.offset = (int32_t)(size - BYTES),
				.width = WIDTH, .height = HEIGHT,
				.stride = STRIDE,
				.format = WL_SHM_FORMAT_XRGB8888);
			tell(peer, draw_and_show, .buffer = j,
				.frame = (uint32_t)j + 1);
			host_expect_shown_frame(host, peer, (uint32_t)j + 1);
		}
		peer_finish(peer);
	}
}

/* wlroots creates another texture if somebody holds the current one. */
static void a_texture_that_is_held_keeps_its_picture(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(&host->server,
			kinds[i], WIDTH, HEIGHT);
		struct wlr_client_buffer *held =
			host_get_client_buffer(host, peer);
		wlr_buffer_lock(&held->base);
		tell(peer, draw_and_show, .frame = 2);
		host_expect_shown_frame(host, peer, 2);
		assert_ptr_not_equal(host_get_client_buffer(host, peer), held);
		struct client_image image;
		host_read_texture(held->texture, &image);
		host_expect_frame(&image, 1);
		client_image_destroy(&image);
		wlr_buffer_unlock(&held->base);
		peer_finish(peer);
	}
}

static void no_buffer_means_no_texture(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create_with_picture(&host->server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct host_surface *surface = host_get_surface(host, peer, 0);
	tell(peer, attach, .buffer = NO_BUFFER);
	tell(peer, commit, .surface = 0);
	assert_int_equal(surface->commits, 2);
	assert_null(surface->image.data);
	tell(peer, draw_and_show, .frame = 2);
	host_expect_shown_frame(host, peer, 2);
	peer_finish(peer);
}

/* Formats */

static const struct {
	const char *name;
	uint32_t format; /* As DRM codes, like all formats here. */
	int32_t pixel_bytes;
	/* GLES 2 can read textures only in few formats. This one has the same bytes
	 * first. */
	uint32_t read_format;
	int32_t read_bytes;
	/* The meaningful bits of each pixel. */
	uint8_t mask[4];
} formats[] = {
	{ "ARGB8888", DRM_FORMAT_ARGB8888, 4, DRM_FORMAT_ARGB8888, 4,
		{ 255, 255, 255, 255 } },
	{ "XRGB8888", DRM_FORMAT_XRGB8888, 4, DRM_FORMAT_XRGB8888, 4,
		{ 255, 255, 255 } },
	{ "ABGR8888", DRM_FORMAT_ABGR8888, 4, DRM_FORMAT_ABGR8888, 4,
		{ 255, 255, 255, 255 } },
	{ "XBGR8888", DRM_FORMAT_XBGR8888, 4, DRM_FORMAT_XBGR8888, 4,
		{ 255, 255, 255 } },
	{ "BGR888", DRM_FORMAT_BGR888, 3, DRM_FORMAT_XBGR8888, 4,
		{ 255, 255, 255 } },
	{ "RGB565", DRM_FORMAT_RGB565, 2, DRM_FORMAT_RGB565, 2, { 255, 255 } },
	{ "RGBA4444", DRM_FORMAT_RGBA4444, 2, DRM_FORMAT_RGBA4444, 2,
		{ 255, 255 } },
	{ "RGBA5551", DRM_FORMAT_RGBA5551, 2, DRM_FORMAT_RGBA5551, 2,
		{ 255, 255 } },
};

/* As WL_SHM_FORMAT_*: the two required formats have other numbers there. */
static uint32_t shm_format(uint32_t format) {
	switch (format) {
	case DRM_FORMAT_ARGB8888:
		return WL_SHM_FORMAT_ARGB8888;
	case DRM_FORMAT_XRGB8888:
		return WL_SHM_FORMAT_XRGB8888;
	}
	return format;
}

/* Fails unless the texture has pattern "frame", as fill_memory() draws it. */
static void expect_filled(struct wlr_texture *texture, size_t i,
		int32_t stride, uint32_t frame) {
	int32_t pixel = formats[i].pixel_bytes, read_pixel = formats[i].read_bytes;
	int32_t read_stride = WIDTH * read_pixel;
	uint8_t *data = calloc(HEIGHT, (size_t)read_stride);
	assert_non_null(data);
	if (!wlr_texture_read_pixels(texture,
			&(struct wlr_texture_read_pixels_options){
				.data = data,
				.format = formats[i].read_format,
				.stride = (uint32_t)read_stride,
			})) {
		fail_msg("%s: cannot read the texture", formats[i].name);
	}
	for (int32_t j = 0; j < WIDTH * HEIGHT * pixel; j++) {
		int32_t x = j / pixel % WIDTH, y = j / pixel / WIDTH;
		int32_t k = j % pixel;
		uint8_t mask = formats[i].mask[k];
		uint8_t drawn = mask & (uint8_t)client_pattern(
			y * stride + x * pixel + k, 0, frame);
		uint8_t got = mask & data[y * read_stride + x * read_pixel + k];
		if (got != drawn) {
			fail_msg("%s: byte %d of the pixel at %d,%d should be "
				"0x%02x, but is 0x%02x", formats[i].name, k, x,
				y, drawn, got);
		}
	}
	free(data);
}

static void each_format_shows_its_bytes(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		for (size_t j = 0; j < KINDS_LEN; j++) {
			int32_t stride = (WIDTH + 3) * formats[i].pixel_bytes;
			struct peer *peer = peer_create_with_pool(&host->server,
				kinds[j], stride * HEIGHT);
			tell(peer, create_buffer, .width = WIDTH,
				.height = HEIGHT, .stride = stride,
				.format = shm_format(formats[i].format));
			for (uint32_t frame = 1; frame < 3; frame++) {
				tell(peer, fill_memory, .frame = frame);
				tell(peer, show, .buffer = 0);
				expect_filled(host_get_client_buffer(host,
					peer)->texture, i, stride, frame);
			}
			peer_finish(peer);
		}
	}
}

/* The compositor may open no file, but a copy for writing is a file. wlroots cannot
 * handle an access that fails, and the client has done nothing wrong. */
static void what_cannot_be_written_is_discarded(void **state) {
	struct host *host = *state;
	host->keeps = true;
	struct peer *peer = peer_create_with_picture(&host->server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	const struct rlimit none = { 0, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	void *data;
	uint32_t format;
	size_t stride;
	bool begun = wlr_buffer_begin_data_ptr_access(host->kept,
		WLR_BUFFER_DATA_PTR_ACCESS_WRITE, &data, &format, &stride);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(begun);
	assert_int_equal(stride, STRIDE);
	memset(data, 0x55, BYTES);
	wlr_buffer_end_data_ptr_access(host->kept);
	tell(peer, expect_drawn, .frame = 1);
	wlr_buffer_unlock(host->kept);
	host->kept = NULL;
	peer_finish(peer);
}

static enum wl_iterator_result find_buffer(struct wl_resource *resource,
		void *data) {
	struct wlr_buffer **found = data;
	if (strcmp(wl_resource_get_class(resource), "wl_buffer") != 0) {
		return WL_ITERATOR_CONTINUE;
	}
	*found = wlr_buffer_try_from_resource(resource);
	return WL_ITERATOR_STOP;
}

/* wlroots refuses an icon if it is not shared memory. A surface's buffer may be passed on to
 * a parent compositor, so what others can truncate is not. */
static void an_icon_is_shared_memory(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_pool(&host->server, kinds[i],
			BYTES);
		tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
			.stride = STRIDE, .format = WL_SHM_FORMAT_XRGB8888);
		tell(peer, fill_memory, .frame = 1);
		struct wlr_buffer *buffer = NULL;
		wl_client_for_each_resource(peer->client, find_buffer, &buffer);
		assert_non_null(buffer);
		struct wlr_shm_attributes shm;
		assert_true(wlr_buffer_get_shm(buffer, &shm));
		assert_int_equal(shm.stride, STRIDE);
		assert_true(fcntl(shm.fd, F_GET_SEALS) & F_SEAL_SHRINK);
		struct stat st;
		assert_int_equal(fstat(shm.fd, &st), 0);
		assert_true(st.st_size >= BYTES);
		tell(peer, show, .buffer = 0);
		assert_int_equal(wlr_buffer_get_shm(buffer, &shm),
			kinds[i] == CLIENT_MEMORY_SEALED ||
			kinds[i] == CLIENT_MEMORY_FIXED);
		wlr_buffer_unlock(buffer);
		peer_finish(peer);
	}
}

/* Else SIGXFSZ would end the compositor. */
static void an_icon_is_no_file_beyond_the_limit(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_UNSEALED, BYTES);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = WL_SHM_FORMAT_XRGB8888);
	struct wlr_buffer *buffer = NULL;
	wl_client_for_each_resource(peer->client, find_buffer, &buffer);
	assert_non_null(buffer);
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	const struct rlimit small = { 1 << 20, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	struct wlr_shm_attributes shm;
	bool is_shm = wlr_buffer_get_shm(buffer, &shm);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_false(is_shm);
	wlr_buffer_unlock(buffer);
	peer_finish(peer);
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_texture_has_what_its_client_drew),
		TEST(a_buffer_at_an_offset_with_padded_rows_is_uploaded),
		TEST(damage_updates_its_rectangle),
		TEST(damage_of_two_buffers_adds_up),
		TEST(a_buffer_of_another_size_is_shown),
		TEST(a_grown_pool_shows_its_new_bytes),
		TEST(a_texture_that_is_held_keeps_its_picture),
		TEST(no_buffer_means_no_texture),
		TEST(each_format_shows_its_bytes),
		TEST(what_cannot_be_written_is_discarded),
		TEST(an_icon_is_shared_memory),
		TEST(an_icon_is_no_file_beyond_the_limit),
	};
	if (!host_init()) {
		return 77;
	}
	int failed = cmocka_run_group_tests_name("content", tests, NULL, NULL);
	host_finish();
	return failed;
}
