/* SPDX-License-Identifier: MIT */
/*
 * Counts of a view's stale bytes. The views are up to 2 GiB large, and have no file, since
 * nothing is copied.
 */
#include <drm_fourcc.h>

#include "image/changes.h"
#include "image/copy.h"
#include "layout.h"

struct size {
	uint32_t format;
	int32_t width, height, stride;
};

static const struct size sizes[] = {
	{ DRM_FORMAT_XRGB8888, 64, 64, 256 },
	{ DRM_FORMAT_XRGB8888, 1, 32768, 65532 },
	{ DRM_FORMAT_NV12, 16384, 65536, 16384 },
#ifdef DRM_FORMAT_R1
	{ DRM_FORMAT_R1, 131072, 98304, 16384 },
	{ DRM_FORMAT_R1, 262136, 65534, 32767 },
#endif
};

#define SIZES_LEN (sizeof(sizes) / sizeof(sizes[0]))

static struct sp_view make_view(const struct size *size) {
	return (struct sp_view){
		.layout = make_layout(size->format, 0, size->width,
			size->height, size->stride),
		.kind = SEALPOOL_MEMORY_SHADOW,
		.tracked = true,
	};
}

static void all_bytes_of_a_new_view_are_stale(void **state) {
	for (size_t i = 0; i < SIZES_LEN; i++) {
		struct sp_view view = make_view(&sizes[i]);
		assert_int_equal(sp_view_count_stale(&view), view.layout.end);
	}
}

/* The upper half of a view, and the right half of that. */
static void stale_bytes_are_counted_in_proportion(void **state) {
	for (size_t i = 0; i < SIZES_LEN; i++) {
		const struct size *size = &sizes[i];
		struct sp_view view = make_view(size);
		struct sp_copy copy = { .place = SP_COPY_IN_STORE };
		struct sp_copies copies = { .view = &view };
		assert_int_equal(sp_lock_init(&copies.lock), 0);
		sp_list_init(&copies.list);
		sp_list_append(&copies.list, &copy.link);
		view.copies = &copies;
		uint64_t half = view.layout.end / 2;
		pixman_region32_init_rect(&copy.stale, 0, 0,
			(unsigned)size->width, (unsigned)size->height / 2);
		assert_int_equal(sp_view_count_stale(&view), half);
		pixman_region32_fini(&copy.stale);
		pixman_region32_init_rect(&copy.stale, size->width / 2, 0,
			(unsigned)size->width / 2, (unsigned)size->height / 2);
		assert_int_equal(sp_view_count_stale(&view),
			size->width > 1 ? half / 2 : 0);
		pixman_region32_fini(&copy.stale);
		sp_lock_finish(&copies.lock);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_bytes_of_a_new_view_are_stale),
		cmocka_unit_test(stale_bytes_are_counted_in_proportion),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
