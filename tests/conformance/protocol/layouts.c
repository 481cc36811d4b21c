/* SPDX-License-Identifier: MIT */
/*
 * Formats, and buffers that are too small for them.
 */
#include <stdio.h>
#include <string.h>
#include <wayland-client.h>

#include "binding.h"
#include "layouts.h"
#include "picture.h"

#define PACKED(bytes, pixels) bytes, pixels, 1, 1
#define PLANAR(bytes, total, first) bytes, 1, total, first

const struct layout layouts[] = {
	{ WL_SHM_FORMAT_ARGB8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_XRGB8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_ABGR8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_XBGR8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_RGBA8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_RGBX8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_BGRA8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_BGRX8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_ARGB2101010, PACKED(4, 1) },
	{ WL_SHM_FORMAT_XRGB2101010, PACKED(4, 1) },
	{ WL_SHM_FORMAT_ABGR2101010, PACKED(4, 1) },
	{ WL_SHM_FORMAT_XBGR2101010, PACKED(4, 1) },
	{ WL_SHM_FORMAT_RGBA1010102, PACKED(4, 1) },
	{ WL_SHM_FORMAT_RGBX1010102, PACKED(4, 1) },
	{ WL_SHM_FORMAT_BGRA1010102, PACKED(4, 1) },
	{ WL_SHM_FORMAT_BGRX1010102, PACKED(4, 1) },
	{ WL_SHM_FORMAT_RGB565, PACKED(2, 1) },
	{ WL_SHM_FORMAT_BGR565, PACKED(2, 1) },
	{ WL_SHM_FORMAT_ARGB4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_XRGB4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_ABGR4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_XBGR4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_RGBA4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_RGBX4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_BGRA4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_BGRX4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_ARGB1555, PACKED(2, 1) },
	{ WL_SHM_FORMAT_XRGB1555, PACKED(2, 1) },
	{ WL_SHM_FORMAT_ABGR1555, PACKED(2, 1) },
	{ WL_SHM_FORMAT_XBGR1555, PACKED(2, 1) },
	{ WL_SHM_FORMAT_RGBA5551, PACKED(2, 1) },
	{ WL_SHM_FORMAT_RGBX5551, PACKED(2, 1) },
	{ WL_SHM_FORMAT_BGRA5551, PACKED(2, 1) },
	{ WL_SHM_FORMAT_BGRX5551, PACKED(2, 1) },
	{ WL_SHM_FORMAT_RGB888, PACKED(3, 1) },
	{ WL_SHM_FORMAT_BGR888, PACKED(3, 1) },
	{ WL_SHM_FORMAT_RGB332, PACKED(1, 1) },
	{ WL_SHM_FORMAT_BGR233, PACKED(1, 1) },
	{ WL_SHM_FORMAT_C8, PACKED(1, 1) },
	{ WL_SHM_FORMAT_R8, PACKED(1, 1) },
	{ WL_SHM_FORMAT_R16, PACKED(2, 1) },
	{ WL_SHM_FORMAT_RG88, PACKED(2, 1) },
	{ WL_SHM_FORMAT_GR88, PACKED(2, 1) },
	{ WL_SHM_FORMAT_RG1616, PACKED(4, 1) },
	{ WL_SHM_FORMAT_GR1616, PACKED(4, 1) },
	{ WL_SHM_FORMAT_XRGB16161616F, PACKED(8, 1) },
	{ WL_SHM_FORMAT_XBGR16161616F, PACKED(8, 1) },
	{ WL_SHM_FORMAT_ARGB16161616F, PACKED(8, 1) },
	{ WL_SHM_FORMAT_ABGR16161616F, PACKED(8, 1) },
	{ WL_SHM_FORMAT_XRGB16161616, PACKED(8, 1) },
	{ WL_SHM_FORMAT_XBGR16161616, PACKED(8, 1) },
	{ WL_SHM_FORMAT_ARGB16161616, PACKED(8, 1) },
	{ WL_SHM_FORMAT_ABGR16161616, PACKED(8, 1) },
	{ WL_SHM_FORMAT_YUYV, PACKED(4, 2) },
	{ WL_SHM_FORMAT_YVYU, PACKED(4, 2) },
	{ WL_SHM_FORMAT_UYVY, PACKED(4, 2) },
	{ WL_SHM_FORMAT_VYUY, PACKED(4, 2) },
	{ WL_SHM_FORMAT_Y210, PACKED(8, 2) },
	{ WL_SHM_FORMAT_Y212, PACKED(8, 2) },
	{ WL_SHM_FORMAT_Y216, PACKED(8, 2) },
	{ WL_SHM_FORMAT_AYUV, PACKED(4, 1) },
	{ WL_SHM_FORMAT_XYUV8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_VUY888, PACKED(3, 1) },
	{ WL_SHM_FORMAT_Y410, PACKED(4, 1) },
	{ WL_SHM_FORMAT_XVYU2101010, PACKED(4, 1) },
	{ WL_SHM_FORMAT_Y412, PACKED(8, 1) },
	{ WL_SHM_FORMAT_Y416, PACKED(8, 1) },
	{ WL_SHM_FORMAT_XVYU12_16161616, PACKED(8, 1) },
	{ WL_SHM_FORMAT_XVYU16161616, PACKED(8, 1) },
	{ WL_SHM_FORMAT_NV12, PLANAR(1, 3, 2) },
	{ WL_SHM_FORMAT_NV21, PLANAR(1, 3, 2) },
	{ WL_SHM_FORMAT_NV16, PLANAR(1, 2, 1) },
	{ WL_SHM_FORMAT_NV61, PLANAR(1, 2, 1) },
	{ WL_SHM_FORMAT_NV24, PLANAR(1, 3, 1) },
	{ WL_SHM_FORMAT_NV42, PLANAR(1, 3, 1) },
	{ WL_SHM_FORMAT_P010, PLANAR(2, 3, 2) },
	{ WL_SHM_FORMAT_P012, PLANAR(2, 3, 2) },
	{ WL_SHM_FORMAT_P016, PLANAR(2, 3, 2) },
	{ WL_SHM_FORMAT_P210, PLANAR(2, 2, 1) },
	{ WL_SHM_FORMAT_YUV410, PLANAR(1, 9, 8) },
	{ WL_SHM_FORMAT_YVU410, PLANAR(1, 9, 8) },
	{ WL_SHM_FORMAT_YUV411, PLANAR(1, 3, 2) },
	{ WL_SHM_FORMAT_YVU411, PLANAR(1, 3, 2) },
	{ WL_SHM_FORMAT_YUV420, PLANAR(1, 3, 2) },
	{ WL_SHM_FORMAT_YVU420, PLANAR(1, 3, 2) },
	{ WL_SHM_FORMAT_YUV422, PLANAR(1, 2, 1) },
	{ WL_SHM_FORMAT_YVU422, PLANAR(1, 2, 1) },
	{ WL_SHM_FORMAT_YUV444, PLANAR(1, 3, 1) },
	{ WL_SHM_FORMAT_YVU444, PLANAR(1, 3, 1) },
};

const size_t layouts_len = sizeof(layouts) / sizeof(layouts[0]);

bool is_planar(const struct layout *layout) {
	return layout->total > layout->first;
}

void add_name(struct names *names, uint32_t format) {
	size_t length = strlen(names->text);
	char name[5] = { 0 };
	for (size_t i = 0; i < 4; i++) {
		char c = (char)(format >> 8 * i & 0xff);
		name[i] = c >= ' ' && c < 127 ? c : '?';
	}
	snprintf(names->text + length, sizeof(names->text) - length, "%s%s",
		names->count++ > 0 ? ", " : "",
		format == WL_SHM_FORMAT_ARGB8888 ? "argb8888" :
		format == WL_SHM_FORMAT_XRGB8888 ? "xrgb8888" : name);
}

int32_t tight_stride(const struct layout *layout) {
	return FORMAT_WIDTH / layout->pixels * layout->bytes;
}

bool is_refused(struct test *test, const struct layout *layout,
		int32_t stride, int32_t size, bool committed,
		const char *const errors[]) {
	struct client *client = &test->client;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	/* The file is larger: only the pool counts. */
	must(test, client_memory_create(client, &memory, CLIENT_MEMORY_SEALED,
		(size_t)size * 2));
	must(test, client_pool_create(client, &pool, &memory, size));
	must(test, client_buffer_create_with_format(&pool, &buffer, 0,
		FORMAT_WIDTH, FORMAT_HEIGHT, stride, layout->format));
	bool alive = client_roundtrip(client);
	if (alive && committed) {
		commit_without_role(test, &buffer);
		alive = client_roundtrip(client);
	}
	if (!alive) {
		test_expect_error(test, NULL, errors);
	}
	client_buffer_destroy(&buffer);
	client_pool_destroy(&pool);
	client_memory_destroy(&memory);
	client_disconnect(client);
	test_connect(test, client);
	return !alive;
}

void expect_none(struct test *test, const struct names *accepted) {
	if (accepted->count > 0) {
		test_fail(test, "expected an error, got none with %s",
			accepted->text);
	}
}

static const char *const stride_errors[] = { "wl_shm.invalid_stride", NULL };
static const char *const place_errors[] = { "wl_shm.invalid_stride",
	"wl_shm.invalid_fd", NULL };

enum shortage {
	SHORT_BY_BYTE,
	SHORT_BY_PIXEL,
};

static void strides_hold_a_row(struct test *test) {
	static struct announced announced;
	struct names accepted = { 0 };
	get_formats(test, &announced);
	for (size_t i = 0; i < layouts_len; i++) {
		const struct layout *layout = &layouts[i];
		if (!has_format(&announced, layout->format) ||
				is_planar(layout)) {
			continue;
		}
		/* The last row ends outside of the pool. */
		int32_t stride = tight_stride(layout) -
			(test->argument == SHORT_BY_BYTE ? 1 : layout->bytes);
		if (!is_refused(test, layout, stride, stride * FORMAT_HEIGHT,
				false, stride_errors)) {
			add_name(&accepted, layout->format);
		}
	}
	expect_none(test, &accepted);
}

enum planes {
	PLANES_FIRST,
	PLANES_BUT_A_BYTE,
};

static void planes_are_in_the_pool(struct test *test) {
	static struct announced announced;
	struct names accepted = { 0 };
	size_t tried = 0;
	get_formats(test, &announced);
	for (size_t i = 0; i < layouts_len; i++) {
		const struct layout *layout = &layouts[i];
		if (!has_format(&announced, layout->format) ||
				!is_planar(layout)) {
			continue;
		}
		/* The stride is the smallest, so no arrangement of planes needs less. */
		int32_t stride = tight_stride(layout);
		int32_t first = stride * FORMAT_HEIGHT;
		int32_t size = test->argument == PLANES_FIRST ? first :
			first / layout->first * layout->total - 1;
		if (!is_refused(test, layout, stride, size, true,
				place_errors)) {
			add_name(&accepted, layout->format);
		}
		tried++;
	}
	if (tried == 0) {
		test_skip(test, "no planar format is announced");
	}
	expect_none(test, &accepted);
}

const struct test_case protocol_layout_cases[] = {
	{ "protocol/buffer-size:each-format-byte-short", CASE_REQUIRED,
		"In every advertised format, a stride must hold a row of pixels.", strides_hold_a_row, SHORT_BY_BYTE },
	{ "protocol/buffer-size:each-format-pixel-short", CASE_REQUIRED,
		"In every advertised format, a stride must hold a row of pixels.", strides_hold_a_row, SHORT_BY_PIXEL },
	{ "protocol/planes:first-only", CASE_ROBUSTNESS,
		"All planes of a format must be inside the pool: otherwise there is an "
		"error, at the commit at the latest, and nothing outside the pool is "
		"read.",
		planes_are_in_the_pool, PLANES_FIRST },
	{ "protocol/planes:byte-short", CASE_ROBUSTNESS,
		"If the last byte of the last plane is outside the pool, there is an "
		"error, at the commit at the latest.",
		planes_are_in_the_pool, PLANES_BUT_A_BYTE },
	{ 0 },
};
