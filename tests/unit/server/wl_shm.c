/* SPDX-License-Identifier: MIT */
/* Which formats the requests of wl_shm accept. */
#include <drm_fourcc.h>
#include <wayland-server-protocol.h>

#include "server/wl_shm.h"
#include "traces.h"

static void only_two_formats_have_other_numbers_in_wl_shm(void **state) {
	static const uint32_t same[] = {
		DRM_FORMAT_ABGR8888, DRM_FORMAT_XBGR8888, DRM_FORMAT_RGB565,
		DRM_FORMAT_XRGB2101010, DRM_FORMAT_ABGR16161616F, DRM_FORMAT_R8,
		DRM_FORMAT_YUYV, DRM_FORMAT_NV12, DRM_FORMAT_YUV420,
	};
	assert_int_equal(sp_wl_shm_format_from_drm(DRM_FORMAT_ARGB8888),
		WL_SHM_FORMAT_ARGB8888);
	assert_int_equal(sp_wl_shm_format_from_drm(DRM_FORMAT_XRGB8888),
		WL_SHM_FORMAT_XRGB8888);
	assert_int_equal(sp_wl_shm_format_to_drm(WL_SHM_FORMAT_ARGB8888),
		DRM_FORMAT_ARGB8888);
	assert_int_equal(sp_wl_shm_format_to_drm(WL_SHM_FORMAT_XRGB8888),
		DRM_FORMAT_XRGB8888);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		assert_int_equal(sp_wl_shm_format_from_drm(same[i]), same[i]);
		assert_int_equal(sp_wl_shm_format_to_drm(same[i]), same[i]);
	}
}

static void what_lies_nowhere_is_no_place(void **state) {
	const struct sp_place places[] = {
		{ .offset = -1, .width = 1, .height = 1, .stride = 4 },
		{ .offset = 0, .width = 0, .height = 1, .stride = 4 },
		{ .offset = 0, .width = 1, .height = -1, .stride = 4 },
		{ .offset = 0, .width = 1, .height = 1, .stride = 0 },
	};
	const struct sp_place good = { .width = 1, .height = 1, .stride = 4 };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		assert_false(sp_place_is_positive(&places[i]));
	}
	assert_true(sp_place_is_positive(&good));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_two_formats_have_other_numbers_in_wl_shm),
		cmocka_unit_test(what_lies_nowhere_is_no_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
