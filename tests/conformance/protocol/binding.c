/* SPDX-License-Identifier: MIT */
/*
 * A binding of wl_shm in addition to the client's own, and its formats.
 */
#include <wayland-client.h>

#include "binding.h"
#include "globals.h"

static void handle_format(void *data, struct wl_shm *shm, uint32_t format) {
	struct announced *announced = data;
	if (announced->formats_len < FORMATS_MAX) {
		announced->formats[announced->formats_len++] = format;
	}
}

static const struct wl_shm_listener shm_listener = {
	.format = handle_format,
};

void find_global(struct test *test, struct client *client,
		struct binding *binding) {
	*binding = (struct binding){
		.global = { { .interface = &wl_shm_interface } },
	};
	binding->registry =
		client_look_for_globals(client->display, binding->global);
	if (binding->registry == NULL) {
		test_fail(test, "no memory");
	}
	if (!client_roundtrip(client)) {
		test_fail_client(test, client);
	}
}

void bind_shm(struct test *test, struct client *client,
		struct binding *binding, uint32_t version) {
	find_global(test, client, binding);
	const struct client_global *global = &binding->global[0];
	if (version > global->offered) {
		test_skip(test, "wl_shm is offered in version %u only",
			global->offered);
	}
	if (version > (uint32_t)wl_shm_interface.version) {
		test_skip(test, "this was built with a libwayland that knows "
			"version %d only", wl_shm_interface.version);
	}
	binding->shm = wl_registry_bind(binding->registry, global->name,
		&wl_shm_interface, version);
	if (binding->shm == NULL) {
		test_fail(test, "no memory");
	}
	wl_shm_add_listener(binding->shm, &shm_listener, &binding->announced);
	if (!client_roundtrip(client)) {
		test_fail_client(test, client);
	}
}

void release_shm(struct wl_shm *shm) {
#ifdef WL_SHM_RELEASE_SINCE_VERSION
	if (wl_shm_get_version(shm) >= WL_SHM_RELEASE_SINCE_VERSION) {
		wl_shm_release(shm);
		return;
	}
#endif
	wl_shm_destroy(shm);
}

void unbind(struct binding *binding) {
	release_shm(binding->shm);
	wl_registry_destroy(binding->registry);
}

uint32_t newest_version(struct test *test) {
	return wl_shm_get_version(test->client.shm);
}

void get_formats(struct test *test, struct announced *announced) {
	static struct binding binding;
	bind_shm(test, &test->client, &binding, 1);
	*announced = binding.announced;
	unbind(&binding);
}

size_t count_format(const struct announced *announced,
		uint32_t format) {
	size_t count = 0;
	for (size_t i = 0; i < announced->formats_len; i++) {
		count += announced->formats[i] == format;
	}
	return count;
}

bool has_format(const struct announced *announced, uint32_t format) {
	return count_format(announced, format) > 0;
}
