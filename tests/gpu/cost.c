/* SPDX-License-Identifier: MIT */
/*
 * What a commit costs the compositor: uploaded, and imported. In a guest whose clock counts
 * instructions, a nanosecond is one.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wayland-client.h>

#include "gpu.h"

#define FRAMES 20

static const struct {
	int32_t width, height;
} sizes[] = { { 1920, 1080 }, { 3840, 2160 } };

/* Fills what is damaged only: the client's time is not counted. */
static bool make_picture_without_holes(struct actor *actor,
		const struct args *args) {
	if (!make_picture(actor, args)) {
		return false;
	}
	const struct client_memory *memory = &actor->memory[args->buffer];
	memset(memory->data, 0x40, memory->size);
	return true;
}

static uint64_t get_cpu_ns(void) {
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t measure(struct host *host, struct peer *peer, int32_t width,
		int32_t height) {
	uint64_t sum = 0;
	for (int i = 0; i < FRAMES + 4; i++) {
		uint64_t before = get_cpu_ns();
		tell(peer, show, .buffer = i % 2, .width = width,
			.height = height);
		/* The first ones import, or make textures. */
		sum += i < 4 ? 0 : get_cpu_ns() - before;
	}
	return sum / FRAMES;
}

static void measure_size(struct host *host, int32_t width, int32_t height,
		enum client_memory_kind kind, const char *way) {
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < 2; i++) {
		tell(peer, make_picture_without_holes, .buffer = i,
			.kind = kind, .width = width, .height = height,
			.size = (width * height * 4 + 4095) & ~4095);
	}
	tell(peer, show, .buffer = 0);
	if (strcmp(way, "imported") == 0) {
		assert_true(gpu_wait_for_probe(host));
	}
	uint64_t little = measure(host, peer, 10, 20);
	uint64_t all = measure(host, peer, width, height);
	assert_int_equal(gpu_is_imported(host, peer),
		strcmp(way, "imported") == 0);
	printf("# %dx%d, %s: damage of 10x20 %llu, of all %llu\n", (int)width,
		(int)height, way, (unsigned long long)little,
		(unsigned long long)all);
	peer_finish(peer);
}

static void measure_sizes(void **state, const char *way) {
	struct host *host = *state;
	/* It would read each texture back. */
	host->is_blind = true;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		measure_size(host, sizes[i].width, sizes[i].height,
			CLIENT_MEMORY_SEALED, way);
	}
}

static void a_commit_uploaded(void **state) {
	measure_sizes(state, "uploaded");
}

/* Unsealed memory is copied first: if it is larger, by a thread, while the commit waits. */
static void a_commit_copied(void **state) {
	struct host *host = *state;
	host->is_blind = true;
	measure_size(host, sizes[0].width, sizes[0].height,
		CLIENT_MEMORY_UNSEALED, "copied and uploaded");
}

static void a_commit_imported(void **state) {
	measure_sizes(state, "imported");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_commit_uploaded, host_setup,
			gpu_teardown),
		cmocka_unit_test_setup_teardown(a_commit_copied, host_setup,
			gpu_teardown),
		cmocka_unit_test_setup_teardown(a_commit_imported, gpu_setup,
			gpu_teardown),
	};
	if (!host_init()) {
		return 77;
	}
	gpu_watch_log();
	int failed = cmocka_run_group_tests_name("cost", tests, NULL, NULL);
	host_finish();
	return failed;
}
