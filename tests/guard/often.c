/* SPDX-License-Identifier: MIT */
/*
 * Buffers that are passed to other objects, or attached, again and again, by requests that
 * are read together. How often the guard reads a shadow is counted by protecting it after
 * each request.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <wayland-client.h>

#include "host.h"
#include "weston-output-capture-server-protocol.h"

#define WIDTH 64
#define HEIGHT 64
#define BYTES (WIDTH * HEIGHT * 4)

/* All of them fit into one read of the client's socket. */
#define TIMES 80

#define SHADOWS_MAX 8

/* The mappings of shadows, the guard's own and libwayland's. */
static struct shadow {
	char *start;
	size_t length;
} shadows[SHADOWS_MAX];
static size_t shadows_len;
static volatile sig_atomic_t reads;
/* How many requests are not counted: each first one of a buffer copies it. */
static unsigned ignored;

static void protect_shadows(int protection) {
	for (size_t i = 0; i < shadows_len; i++) {
		mprotect(shadows[i].start, shadows[i].length, protection);
	}
}

static void handle_fault(int number, siginfo_t *info, void *context) {
	const char *address = info->si_addr;
	for (size_t i = 0; i < shadows_len; i++) {
		if (address >= shadows[i].start && address <
				shadows[i].start + shadows[i].length) {
			reads++;
			protect_shadows(PROT_READ | PROT_WRITE);
			return;
		}
	}
	signal(number, SIG_DFL);
}

static void find_shadows(void) {
	FILE *maps = fopen("/proc/self/maps", "re");
	assert_non_null(maps);
	char line[512];
	shadows_len = 0;
	while (fgets(line, sizeof(line), maps) != NULL) {
		uintptr_t start, end;
		if (strstr(line, "/memfd:sealpool-shadow") == NULL) {
			continue;
		}
		assert_in_range(shadows_len, 0, SHADOWS_MAX - 1);
		assert_int_equal(sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &start,
			&end), 2);
		shadows[shadows_len++] = (struct shadow){ (char *)start, end - start };
	}
	fclose(maps);
	assert_int_not_equal(shadows_len, 0);
}

/* A read from now on counts as one. */
static void handle_taken(struct compositor_taker *taker) {
	if (ignored > 0) {
		ignored--;
		return;
	}
	find_shadows();
	protect_shadows(PROT_NONE);
}

/* As Weston does if the client may not capture the screen. */
static void handle_taken_and_fail(struct compositor_taker *taker) {
	handle_taken(taker);
	weston_capture_source_v1_send_failed(taker->resource, "unauthorized");
}

/* Takes the buffers up to .buffer in turn. */
static bool take_and_destroy(struct actor *actor, const struct args *args) {
	for (uint32_t i = 0; i < args->count; i++) {
		const struct args taker = {
			.buffer = (int)i % (args->buffer + 1),
		};
		if (!take_icon(actor, &taker) || !destroy_taker(actor, &taker)) {
			return false;
		}
	}
	return true;
}

static bool take_often(struct actor *actor, const struct args *args) {
	for (uint32_t i = 0; i < args->count; i++) {
		const struct args taker = { .buffer = args->buffer };
		if (!take_again(actor, &taker)) {
			return false;
		}
	}
	return true;
}

/* Returns how often the shadow is read while an order is followed, after the first
 * requests. */
static unsigned count_reads(struct host *host, struct peer *peer, order_func order,
		int last_buffer, void (*taken)(struct compositor_taker *taker)) {
	const struct sigaction action = {
		.sa_sigaction = handle_fault,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};
	struct sigaction before;
	sigaction(SIGSEGV, &action, &before);
	host->taken = taken;
	reads = 0;
	ignored = (unsigned)last_buffer;
	tell(peer, order, .buffer = last_buffer, .count = TIMES);
	host->taken = NULL;
	protect_shadows(PROT_READ | PROT_WRITE);
	sigaction(SIGSEGV, &before, NULL);
	return (unsigned)reads;
}

/* Each read of the whole buffer would keep the other clients waiting. */
static void icons_that_are_destroyed_at_once_are_read_once(void **state) {
	struct host *host = *state;
	struct peer *peer = host_create_drawn_peer(host, WIDTH, HEIGHT);
	/* Binds the global before the measurement. */
	tell(peer, take_and_destroy, .count = 1);
	assert_in_range(count_reads(host, peer, take_and_destroy, 0, handle_taken),
		0, 1);
	peer_finish(peer);
}

/* Of the same bytes, fewer buffers than these are followed. */
static void so_are_more_buffers_than_can_be_followed(void **state) {
	struct host *host = *state;
	struct peer *peer = host_create_drawn_peer(host, WIDTH, HEIGHT);
	for (int i = 1; i < 4; i++) {
		tell(peer, create_buffer, .buffer = i, .width = WIDTH,
			.height = HEIGHT, .stride = WIDTH * 4, .format = 1);
	}
	tell(peer, take_and_destroy, .count = 1);
	assert_in_range(count_reads(host, peer, take_and_destroy, 3, handle_taken),
		0, 4);
	peer_finish(peer);
}

static void so_are_captures_that_fail(void **state) {
	struct host *host = *state;
	struct peer *peer = host_create_drawn_peer(host, WIDTH, HEIGHT);
	tell(peer, take_source);
	assert_in_range(count_reads(host, peer, take_often, 0,
		handle_taken_and_fail), 0, 1);
	peer_finish(peer);
}

/* Otherwise, each later event of the source would read all buffers that it has ever
 * had. */
static void a_source_is_done_with_what_it_has_captured(void **state) {
	struct host *host = *state;
	struct peer *peer = host_create_drawn_peer(host, WIDTH, HEIGHT);
	tell(peer, take_source);
	host_write(host_get_taker(host), 0, HEIGHT, 2);
	assert_true(host_get_stats(host, peer).shadow_bytes > BYTES);
	host_end_capture(host, peer, 0);
	tell(peer, expect_drawn, .frame = 2);
	assert_int_equal(host_get_stats(host, peer).shadow_bytes, BYTES);
	peer_finish(peer);
}

/* Turns of buffers */

/* The number of buffers that fit, and that there are. */
#define FIT 4
#define MANY 12

static int setup_limit(void **state) {
	*state = host_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.budget.shadow_bytes = FIT * BYTES,
	});
	return 0;
}

/* Commits each if .count is 1. */
static bool attach_in_turn(struct actor *actor, const struct args *args) {
	for (int i = 0; i < MANY; i++) {
		const struct args one = { .buffer = i };
		attach(actor, &one);
		if (args->count == 1) {
			commit(actor, &one);
		}
	}
	return true;
}

static void expect_over(const char *message) {
	if (strstr(message, "bytes of shadows") == NULL) {
		fail_msg("refused with \"%s\"", message);
	}
}

/* Freeing and allocating memory at each request would take as long as the client wants. No
 * client that waits for releases does so. */
static void turns_are_limited(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < MANY; i++) {
		tell(peer, make_picture, .buffer = i, .width = WIDTH,
			.height = HEIGHT, .kind = CLIENT_MEMORY_UNSEALED);
	}
	tell(peer, create_surface);
	expect_over(refused(peer, "wl_display", -1, 3, attach_in_turn));
	peer_finish(peer);
}

/* So would copying. */
static void copies_of_the_same_bytes_are_limited(void **state) {
	struct host *host = *state;
	struct peer *peer = host_create_drawn_peer(host, WIDTH, HEIGHT);
	for (int i = 1; i < MANY; i++) {
		tell(peer, create_buffer, .buffer = i, .width = WIDTH,
			.height = HEIGHT, .stride = WIDTH * 4, .format = 1);
	}
	/* One after another, they are copied. */
	for (int i = 0; i < MANY; i++) {
		tell(peer, show, .buffer = i);
	}
	expect_over(refused(peer, "wl_display", -1, 3, attach_in_turn,
		.count = 1));
	peer_finish(peer);
}

int main(void) {
#define often_test(function) \
	cmocka_unit_test_setup_teardown(function, host_setup, host_teardown)
	static const struct CMUnitTest tests[] = {
		often_test(icons_that_are_destroyed_at_once_are_read_once),
		often_test(so_are_more_buffers_than_can_be_followed),
		often_test(so_are_captures_that_fail),
		often_test(a_source_is_done_with_what_it_has_captured),
		cmocka_unit_test_setup_teardown(turns_are_limited, setup_limit,
			host_teardown),
		cmocka_unit_test_setup_teardown(
			copies_of_the_same_bytes_are_limited, setup_limit,
			host_teardown),
	};
	return cmocka_run_group_tests_name("often", tests, NULL, NULL);
}
