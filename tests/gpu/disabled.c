/* SPDX-License-Identifier: MIT */
/*
 * Everything is uploaded if nobody asked for imports, and if there is no device. This
 * runs on any machine.
 */
#include <stdlib.h>
#include <wayland-client.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/render/dmabuf.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_compositor.h>

#include "gpu.h"

static int setup_off(void **state) {
	gpu_forget();
	return host_setup(state);
}

static int setup_env(void **state, const char *value, bool wanted) {
	const struct sealpool_options options = {
		.size = sizeof(options),
		.gpu_import = wanted ? SEALPOOL_GPU_IMPORT_AUTO :
			SEALPOOL_GPU_IMPORT_OFF,
	};
	gpu_forget();
	setenv("SEALPOOL_GPU_IMPORT", value, true);
	int ret = host_setup_with_options(state, &options);
	unsetenv("SEALPOOL_GPU_IMPORT");
	return ret;
}

static int setup_env_off(void **state) {
	return setup_env(state, "off", true);
}

static int setup_env_wrong(void **state) {
	return setup_env(state, "1", false);
}

/* A program that was built before there was the option. */
static int setup_old_options(void **state) {
	struct sealpool_options options = {
		.size = offsetof(struct sealpool_options, gpu_import),
		.gpu_import = SEALPOOL_GPU_IMPORT_AUTO,
	};
	gpu_forget();
	return host_setup_with_options(state, &options);
}

static void nothing_is_imported(void **state) {
	struct host *host = *state;
	struct wlr_dmabuf_attributes dmabuf;
	struct wlr_shm_attributes shm;
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < 2; i++) {
		tell(peer, make_picture, .buffer = i,
			.kind = CLIENT_MEMORY_SEALED, .width = WIDTH,
			.height = HEIGHT, .stride = STRIDE);
	}
	for (uint32_t frame = 1; frame < 9; frame++) {
		gpu_show(host, peer, (int)frame % 2, frame);
		assert_false(gpu_is_imported(host, peer));
		tell(peer, wait_released, .buffer = (int)frame % 2);
		struct wlr_buffer *source =
			host_get_client_buffer(host, peer)->source;
		assert_false(wlr_buffer_get_dmabuf(source, &dmabuf));
		assert_true(wlr_buffer_get_shm(source, &shm));
	}
	/* No probe was started. */
	assert_false(gpu_works());
	peer_finish(peer);
}

int main(void) {
#define TEST(setup) \
	{ "nothing_is_imported_" #setup, nothing_is_imported, setup, \
		host_teardown, NULL }
	const struct CMUnitTest tests[] = {
		TEST(setup_off),
		TEST(setup_env_off),
		TEST(setup_env_wrong),
		TEST(setup_old_options),
	};
	if (!host_init()) {
		return 77;
	}
	gpu_watch_log();
	int failed = cmocka_run_group_tests_name("disabled", tests, NULL, NULL);
	host_finish();
	return failed;
}
