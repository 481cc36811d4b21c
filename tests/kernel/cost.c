/* SPDX-License-Identifier: MIT */
/*
 * kernel-cost: how many instructions a frame costs the compositor, by memory kind: from
 * the commit on, with one read of everything.
 *
 * It needs a guest in which each instruction takes a nanosecond of its clock (QEMU's
 * -icount): the kernel's instructions count as well. Elsewhere, the figures are
 * nanoseconds.
 *
 * As in the integration tests, the compositor is in this process. It is alone on its
 * processor while it reads, since the client waits for its next order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "peer.h"
#include "server.h"

#define WIDTH 1920
#define HEIGHT 1080
#define BYTES (WIDTH * HEIGHT * 4)
#define FRAMES 5

static int64_t now(void) {
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Reads as a renderer does: the rows of the damage, once. */
static uint64_t sum_pixels(const struct sealpool_access *access, int32_t size) {
	int32_t width = size > 0 ? size : WIDTH;
	int32_t height = size > 0 ? size : HEIGHT;
	uint64_t sum = 0;
	for (int32_t y = 0; y < height; y++) {
		const uint64_t *row = (const uint64_t *)((uint8_t *)access->data +
			(size_t)y * access->stride);
		for (int32_t x = 0; x < width / 2; x++) {
			sum += row[x];
		}
	}
	return sum;
}

/* Returns the median of some frames that damage a square of "size", or everything for
 * 0. */
static int64_t measure(struct server *server, struct peer *peer, int32_t size,
		uint64_t *copied) {
	int64_t took[FRAMES];
	for (int i = 0; i < FRAMES; i++) {
		tell(peer, draw_and_show, .frame = (uint32_t)i + 2,
			.width = size, .height = size);
		server_settle(server);
		struct sealpool_buffer *buffer = server_get_shown(server, peer);
		server_count_copied(server, peer, copied);
		struct sealpool_access access;
		int64_t start = now();
		begin_read(buffer, &access);
		volatile uint64_t sum = sum_pixels(&access, size);
		(void)sum;
		sealpool_buffer_end_access(&access);
		took[i] = now() - start;
	}
	for (int i = 1; i < FRAMES; i++) {
		for (int j = i; j > 0 && took[j] < took[j - 1]; j--) {
			int64_t other = took[j];
			took[j] = took[j - 1];
			took[j - 1] = other;
		}
	}
	return took[FRAMES / 2];
}

static void measure_kind(struct server *server, enum client_memory_kind kind) {
	static const int32_t sizes[] = { 0, 256, 16 };
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = kind, .width = WIDTH,
		.height = HEIGHT);
	tell(peer, draw_and_show, .frame = 1);
	read_buffer(server_get_shown(server, peer));
	for (size_t i = 0; i < 3; i++) {
		uint64_t copied = 0;
		server_count_copied(server, peer, &copied);
		int64_t took = measure(server, peer, sizes[i], &copied);
		char damage[32] = "all";
		if (sizes[i] > 0) {
			snprintf(damage, sizeof(damage), "%dx%d", sizes[i],
				sizes[i]);
		}
		struct sealpool_buffer *buffer = server_get_shown(server, peer);
		printf("%-9s %-8s damage %-8s %10lld instructions  "
			"%8llu bytes of shadow\n",
			client_memory_kind_name(kind),
			sealpool_memory_kind_name(
				sealpool_buffer_get_kind(buffer)), damage,
			(long long)took, (unsigned long long)
			server_get_stats(server, peer).shadow_bytes);
	}
	peer_finish(peer);
}

static void frames_cost(void **state) {
	measure_kind(*state, CLIENT_MEMORY_SEALED);
	measure_kind(*state, CLIENT_MEMORY_UNSEALED);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(frames_cost, server_setup,
			server_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
