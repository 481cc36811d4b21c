/* SPDX-License-Identifier: MIT */
/*
 * What is uploaded as ever: buffers that do not qualify, that the kernel or the driver
 * refuses, that exceed a limit, and all of them if the device does not work.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-client.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_subcompositor.h>

#include "gpu.h"

#define DEVICE "/dev/udmabuf"
#define SIZE_LIMIT "/sys/module/udmabuf/parameters/size_limit_mb"

static const struct args picture = {
	.kind = CLIENT_MEMORY_SEALED, .width = WIDTH, .height = HEIGHT,
	.stride = STRIDE,
};

/* By turns: gpu_create_peer() has shown 2 in buffer 1. */
static int buffer_of(uint32_t frame) {
	return (int)(frame + 1) % 2;
}

/* Its buffers come again and again, and are shown, without an import. */
static void expect_uploads(struct host *host, struct peer *peer) {
	for (uint32_t frame = 3; frame < 9; frame++) {
		gpu_show(host, peer, buffer_of(frame), frame);
		assert_false(gpu_is_imported(host, peer));
		tell(peer, wait_released, .buffer = buffer_of(frame));
	}
	assert_int_equal(gpu_count_dmabufs(), 0);
	peer_finish(peer);
}

static void what_does_not_qualify_is_uploaded(void **state) {
	static const struct args pictures[] = {
		/* The stride, the offset, the last page, the seals. */
		{ .width = 250, .height = 64, .stride = 1000, .size = 65536 },
		{ .width = 64, .height = 64, .stride = 512, .offset = 64,
			.size = 65536 },
		{ .width = 250, .height = 250, .stride = 1024,
			.size = 250 * 1024 },
		{ .kind = CLIENT_MEMORY_UNSEALED, .width = WIDTH,
			.height = HEIGHT, .stride = STRIDE },
		{ .kind = CLIENT_MEMORY_SHM_OPEN, .width = WIDTH,
			.height = HEIGHT, .stride = STRIDE },
	};
	struct host *host = *state;
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		expect_uploads(host, gpu_create_peer_with(host, pictures[i]));
	}
	assert_true(gpu_works());
}

static void sealed_against_writing_is_uploaded(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < 2; i++) {
		struct args sealed = picture;
		sealed.buffer = i;
		peer_tell(peer, make_picture, "make_picture", &sealed);
		/* It draws through the mapping that it has. */
		tell(peer, seal_memory, .memory = i,
			.seals = F_SEAL_FUTURE_WRITE);
		gpu_show(host, peer, i, (uint32_t)i + 1);
		gpu_wait_for_probe(host);
	}
	expect_uploads(host, peer);
}

static bool punch(struct actor *actor, const struct args *args) {
	const struct client_memory *memory = &actor->memory[args->memory];
	return fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE |
		FALLOC_FL_KEEP_SIZE, args->offset, args->size) == 0 ||
		client_fail(&actor->client, "fallocate: %s", strerror(errno));
}

/* The hole is where no damage is. It was not there when the buffer was judged. */
static void holes_are_not_filled(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	for (int i = 0; i < 2; i++) {
		tell(peer, punch, .memory = i, .offset = BYTES - 8192,
			.size = 8192);
	}
	for (uint32_t frame = 3; frame < 7; frame++) {
		int buffer = buffer_of(frame);
		tell(peer, draw_and_show, .buffer = buffer, .frame = frame,
			.width = 20, .height = 20);
		assert_false(gpu_is_imported(host, peer));
	}
	assert_int_equal(gpu_count_dmabufs(), 0);
	peer_finish(peer);
}

/* What was imported before does not follow the file any more, as its client has it. It
 * counts as long as it is there. */
static void punched_pages_are_shown_as_they_were(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	gpu_show(host, peer, 0, 3);
	assert_true(gpu_is_imported(host, peer));
	tell(peer, punch, .memory = 0, .size = BYTES);
	struct client_image image;
	host_read_texture(host_get_client_buffer(host, peer)->texture, &image);
	host_expect_frame(&image, 3);
	client_image_destroy(&image);
	peer_finish(peer);
}

static void set_size_limit(const char *value) {
	int fd = open(SIZE_LIMIT, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, value, strlen(value)),
		(ssize_t)strlen(value));
	close(fd);
}

static void what_the_kernel_refuses_is_uploaded(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	assert_true(gpu_works());
	/* Sealpool has read it before. */
	set_size_limit("0");
	expect_uploads(host, peer);
	set_size_limit("64");
}

static void what_the_driver_refuses_is_uploaded(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	assert_true(gpu_works());
	egl_behavior.refuses_images = true;
	expect_uploads(host, peer);
}

/* Another client has no part in it. */
static void an_error_of_the_driver_refuses_one_buffer(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	egl_behavior.has_errors = true;
	gpu_show(host, peer, 0, 3);
	egl_behavior.has_errors = false;
	assert_false(gpu_is_imported(host, peer));
	tell(peer, wait_released, .buffer = 0);
	gpu_show(host, peer, 1, 4);
	assert_true(gpu_is_imported(host, peer));
	gpu_show(host, peer, 0, 5);
	assert_false(gpu_is_imported(host, peer));
	peer_finish(peer);
	assert_int_equal(gpu_count_dmabufs(), 0);
}

static bool make_many(struct actor *actor, const struct args *args) {
	struct args memory = *args;
	memory.size = (int64_t)args->size * args->count;
	if (!make_memory(actor, &memory) || !create_pool(actor, &memory)) {
		return false;
	}
	/* No holes. */
	memset(actor->memory[args->memory].data, 0x55, (size_t)memory.size);
	struct args buffer = *args;
	for (uint32_t i = 0; i < args->count; i++) {
		buffer.buffer = (int)i;
		buffer.offset = (int32_t)(args->size * i);
		if (!create_buffer(actor, &buffer)) {
			return false;
		}
	}
	return true;
}

static void a_format_of_16_bits_is_uploaded(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_many, .kind = CLIENT_MEMORY_SEALED, .count = 2,
		.size = 32768, .width = 64, .height = 64, .stride = 512,
		.format = WL_SHM_FORMAT_RGB565);
	for (int i = 0; i < 6; i++) {
		tell(peer, show, .buffer = i % 2);
		assert_true(gpu_wait_for_probe(host));
		assert_false(gpu_is_imported(host, peer));
	}
	peer_finish(peer);
}

static void handle_global(void *data, struct wl_registry *registry,
		uint32_t name, const char *interface, uint32_t version) {
	struct wl_subcompositor **subcompositor = data;
	if (strcmp(interface, wl_subcompositor_interface.name) == 0) {
		*subcompositor = wl_registry_bind(registry, name,
			&wl_subcompositor_interface, 1);
	}
}

static void handle_global_remove(void *data, struct wl_registry *registry,
		uint32_t name) {
	/* This test's compositor removes none. */
}

static const struct wl_registry_listener registry_listener = {
	.global = handle_global,
	.global_remove = handle_global_remove,
};

/* Makes surface 1 a child of surface 0. It is synchronized. */
static bool make_subsurface(struct actor *actor, const struct args *args) {
	struct wl_subcompositor *subcompositor = NULL;
	struct wl_registry *registry =
		wl_display_get_registry(actor->client.display);
	wl_registry_add_listener(registry, &registry_listener, &subcompositor);
	if (!create_surface(actor, &(struct args){ .surface = 0 }) ||
			!create_surface(actor, &(struct args){ .surface = 1 }) ||
			/* It is known before it has a parent. */
			!commit(actor, &(struct args){ .surface = 1 }) ||
			!client_roundtrip(&actor->client) ||
			subcompositor == NULL) {
		return client_fail(&actor->client, "no subsurface");
	}
	wl_subcompositor_get_subsurface(subcompositor, actor->surfaces[1],
		actor->surfaces[0]);
	return true;
}

/* libwlroots calls it. */
static const struct wl_array *failing_array;

__attribute__((visibility("default")))
void *wl_array_add(struct wl_array *array, size_t size) {
	static void *(*real)(struct wl_array *array, size_t size);
	if (real == NULL) {
		*(void **)&real = dlsym(RTLD_NEXT, "wl_array_add");
	}
	return array == failing_array ? NULL : real(array, size);
}

/* It has a child, whose state wlroots keeps in the same arrays. It is followed from the next
 * commit on. */
static void a_surface_that_is_not_followed_is_uploaded(void **state) {
	struct host *host = *state;
	assert_non_null(wlr_subcompositor_create(host->server.display));
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_subsurface, 0);
	struct wlr_surface *surface =
		host_get_surface(host, peer, 0)->wlr_surface;
	failing_array = &surface->pending.synced;
	tell(peer, commit, .surface = 0);
	failing_array = &surface->current.synced;
	tell(peer, commit, .surface = 0);
	failing_array = NULL;
	for (int i = 0; i < 2; i++) {
		struct args sealed = picture;
		sealed.buffer = i;
		peer_tell(peer, make_picture, "make_picture", &sealed);
	}
	for (uint32_t frame = 1; frame < 5; frame++) {
		gpu_show(host, peer, buffer_of(frame), frame);
		assert_true(gpu_wait_for_probe(host));
	}
	assert_true(gpu_is_imported(host, peer));
	peer_finish(peer);
}

/* It is uploaded when its parent is committed, in another request. */
static void a_synchronized_subsurface_is_uploaded(void **state) {
	struct host *host = *state;
	assert_non_null(wlr_subcompositor_create(host->server.display));
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_subsurface, 0);
	for (int i = 0; i < 2; i++) {
		struct args sealed = picture;
		sealed.buffer = i;
		peer_tell(peer, make_picture, "make_picture", &sealed);
	}
	for (uint32_t frame = 1; frame < 8; frame++) {
		tell(peer, draw_and_show, .surface = 1,
			.buffer = buffer_of(frame), .frame = frame);
		gpu_wait_for_probe(host);
		tell(peer, commit, .surface = 0);
		const struct host_surface *surface =
			host_get_surface(host, peer, 1);
		host_expect_frame(&surface->image, frame);
		assert_int_equal(
			surface->wlr_surface->buffer->source->n_locks, 0);
		tell(peer, wait_released, .buffer = buffer_of(frame));
	}
	assert_true(gpu_works());
	assert_int_equal(gpu_count_dmabufs(), 0);
	peer_finish(peer);
}

/* 48 MiB each, of 128. Their pictures are small; it is their rows that are long. */
static void pinned_bytes_of_a_client_are_limited(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_many, .kind = CLIENT_MEMORY_SEALED, .count = 3,
		.size = 48 << 20, .width = 64, .height = 48, .stride = 1 << 20,
		.format = WL_SHM_FORMAT_XRGB8888);
	for (uint32_t frame = 0; frame < 6; frame++) {
		gpu_show(host, peer, (int)frame % 3, frame);
		gpu_wait_for_probe(host);
		assert_int_equal(gpu_is_imported(host, peer),
			frame == 3 || frame == 4);
	}
	assert_int_equal(gpu_count_dmabufs(), 2);
	peer_finish(peer);
}

static void the_number_of_a_clients_imports_is_limited(void **state) {
	struct host *host = *state;
	struct peer *peers[5];
	for (int i = 0; i < 5; i++) {
		peers[i] = peer_create(&host->server);
		/* More than 16 do not fit into the slots. So all clients together reach
		 * their limit, with 4 of them. */
		tell(peers[i], make_many, .kind = CLIENT_MEMORY_SEALED,
			.count = 16, .size = 16384, .width = 64, .height = 64,
			.stride = 256, .format = WL_SHM_FORMAT_XRGB8888);
		for (uint32_t frame = 0; frame < 32; frame++) {
			gpu_show(host, peers[i], (int)frame % 16, frame);
			gpu_wait_for_probe(host);
		}
		assert_int_equal(gpu_is_imported(host, peers[i]), i < 4);
	}
	assert_int_equal(gpu_count_dmabufs(), 64);
	peer_finish(peers[0]);
	assert_int_equal(gpu_count_dmabufs(), 48);
	/* There is room again. */
	for (uint32_t frame = 0; frame < 16; frame++) {
		gpu_show(host, peers[4], (int)frame % 16, 100 + frame);
		assert_true(gpu_is_imported(host, peers[4]));
	}
	for (int i = 1; i < 5; i++) {
		peer_finish(peers[i]);
	}
	assert_int_equal(gpu_count_dmabufs(), 0);
}

/* Devices */

/* Returns the one before. */
static char *use_probe(const char *probe) {
	const char *before = getenv("SEALPOOL_GPU_PROBE");
	char *kept = before != NULL ? strdup(before) : NULL;
	if (probe != NULL) {
		setenv("SEALPOOL_GPU_PROBE", probe, true);
	} else {
		unsetenv("SEALPOOL_GPU_PROBE");
	}
	return kept;
}

static void use_probe_again(char *kept) {
	free(use_probe(kept));
	free(kept);
}

static void write_probe(char *path, const char *text) {
	int fd = mkostemp(path, O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "#!/bin/sh\n%s\n", text) > 0);
	fchmod(fd, 0755);
	close(fd);
}

static void expect_no_imports_with(struct host *host, const char *probe) {
	char *kept = use_probe(probe);
	struct peer *peer = gpu_create_peer(host);
	use_probe_again(kept);
	assert_false(gpu_works());
	expect_uploads(host, peer);
}

static void with_probe(struct host *host, const char *text) {
	char path[] = "/tmp/probe.XXXXXX";
	write_probe(path, text);
	expect_no_imports_with(host, path);
	unlink(path);
}

static void a_probe_that_fails_disables_imports(void **state) {
	with_probe(*state, "echo 'does not work: as the test wants it'; exit 1");
}

static void a_probe_that_crashes_disables_imports(void **state) {
	with_probe(*state, "kill -SEGV $$");
}

static void a_probe_that_is_missing_disables_imports(void **state) {
	expect_no_imports_with(*state, "/nowhere/probe");
}

/* It is killed, and reaped. */
static void a_lost_renderer_ends_the_probe(void **state) {
	struct host *host = *state;
	char path[] = "/tmp/probe.XXXXXX";
	write_probe(path, "kill -STOP $$");
	char *kept = use_probe(path);
	struct peer *peer = peer_create_with_picture(&host->server,
		CLIENT_MEMORY_SEALED, 64, 64);
	use_probe_again(kept);
	wl_signal_emit(&host_get_renderer()->events.lost, NULL);
	peer_finish(peer);
	unlink(path);
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_int_equal(errno, ECHILD);
}

static int setup_without_device(void **state) {
	rename(DEVICE, DEVICE ".away");
	return gpu_setup(state);
}

static int teardown_with_device(void **state) {
	rename(DEVICE ".away", DEVICE);
	return gpu_teardown(state);
}

static void without_the_device_everything_is_uploaded(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	assert_false(gpu_works());
	expect_uploads(host, peer);
}

/* The descriptor stays. */
static void a_device_that_goes_away_is_used_on(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	rename(DEVICE, DEVICE ".away");
	gpu_show(host, peer, 0, 3);
	assert_true(gpu_is_imported(host, peer));
	rename(DEVICE ".away", DEVICE);
	peer_finish(peer);
}

/* The textures of the lost renderer are its compositor's to replace. */
static void a_lost_renderer_ends_imports(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	gpu_show(host, peer, 0, 3);
	gpu_show(host, peer, 1, 4);
	assert_true(gpu_is_imported(host, peer));
	egl_behavior.is_busy = true;
	tell(peer, draw_and_show, .buffer = 0, .frame = 5);
	wl_signal_emit(&host_get_renderer()->events.lost, NULL);
	egl_behavior.is_busy = false;
	/* Nothing waits for what is lost. */
	tell(peer, wait_released, .buffer = 1);
	gpu_show(host, peer, 1, 6);
	assert_false(gpu_is_imported(host, peer));
	tell(peer, wait_released, .buffer = 0);
	for (uint32_t frame = 7; frame < 12; frame++) {
		gpu_show(host, peer, buffer_of(frame), frame);
		assert_false(gpu_is_imported(host, peer));
		tell(peer, wait_released, .buffer = buffer_of(frame));
	}
	peer_finish(peer);
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, gpu_setup, gpu_teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_does_not_qualify_is_uploaded),
		TEST(sealed_against_writing_is_uploaded),
		TEST(holes_are_not_filled),
		TEST(punched_pages_are_shown_as_they_were),
		TEST(what_the_kernel_refuses_is_uploaded),
		TEST(what_the_driver_refuses_is_uploaded),
		TEST(an_error_of_the_driver_refuses_one_buffer),
		TEST(a_format_of_16_bits_is_uploaded),
		TEST(a_surface_that_is_not_followed_is_uploaded),
		TEST(a_synchronized_subsurface_is_uploaded),
		TEST(pinned_bytes_of_a_client_are_limited),
		TEST(the_number_of_a_clients_imports_is_limited),
		TEST(a_probe_that_fails_disables_imports),
		TEST(a_probe_that_crashes_disables_imports),
		TEST(a_probe_that_is_missing_disables_imports),
		TEST(a_lost_renderer_ends_the_probe),
		cmocka_unit_test_setup_teardown(
			without_the_device_everything_is_uploaded,
			setup_without_device, teardown_with_device),
		TEST(a_device_that_goes_away_is_used_on),
		TEST(a_lost_renderer_ends_imports),
	};
	if (!host_init()) {
		return 77;
	}
	gpu_watch_log();
	int failed = cmocka_run_group_tests_name("refuse", tests, NULL, NULL);
	host_finish();
	return failed;
}
