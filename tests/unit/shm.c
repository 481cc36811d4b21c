/* SPDX-License-Identifier: MIT */
/* What it takes to make a wl_shm. */
#include <drm_fourcc.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include <sealpool/shm.h>

#include "child.h"
#include "traces.h"

static const char *create_shm_with_short_files(void) {
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888,
	};
	/* To write beyond the limit would be fatal. */
	signal(SIGXFSZ, SIG_DFL);
	for (size_t size = 0; size <= 3 * (size_t)sysconf(_SC_PAGESIZE); size += 512) {
		child_set_limit(RLIMIT_FSIZE, size);
		struct wl_display *display = wl_display_create();
		bool created = display != NULL && sealpool_shm_create(display, 2,
			formats, 2, NULL) != NULL;
		if (!created) {
			return child_wrong("no shm where files have %zu bytes",
				size);
		}
		wl_display_destroy(display);
	}
	return NULL;
}

static void shm_is_created_where_files_must_be_short(void **state) {
	child_run(create_shm_with_short_files);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shm_is_created_where_files_must_be_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
