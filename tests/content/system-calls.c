/* SPDX-License-Identifier: MIT */
/*
 * Reading buffers in place makes no system calls. Reading others makes no more than their
 * size justifies.
 *
 *     content-system-calls TRACE STRACE-COMMAND... COMPOSITOR
 *
 * strace runs the compositor, and writes all system calls of all its threads to the file
 * TRACE.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "screen.h"

#define SIDE 256
#define FRAMES 1000

static const char *trace_path;

/* A compositor must wait, talk to its clients, set a timer, and print its counters.
 * System calls about files, mappings, signal handlers and locks are not in this list. */
static const char *const expected_calls[] = {
	"epoll_ctl", "epoll_pwait", "epoll_wait", "read", "recvmsg", "sendmsg",
	"timerfd_settime",
};

/* A line is "PID CALL(ARGUMENTS...", or is not about a call. */
static const char *get_call(const char *line, size_t *length) {
	const char *call = strchr(line, ' ');
	if (call == NULL) {
		return NULL;
	}
	call += strspn(call, " ");
	*length = strspn(call, "abcdefghijklmnopqrstuvwxyz_0123456789");
	return *length > 0 && call[*length] == '(' ? call : NULL;
}

static bool is_expected(const char *call, size_t length) {
	size_t count = sizeof(expected_calls) / sizeof(expected_calls[0]);
	for (size_t i = 0; i < count; i++) {
		if (strlen(expected_calls[i]) == length &&
				memcmp(expected_calls[i], call, length) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_handler_for_sigbus(const char *line) {
	return strstr(line, "sigaction(SIGBUS") != NULL ||
		strstr(line, "signal(SIGBUS") != NULL;
}

/* Returns the number of calls in the trace between two prints of the counters: after the
 * first one, and before the names of clients are looked up for the second one. Fails if
 * one of them is unexpected. */
static unsigned check_trace(void) {
	FILE *trace = fopen(trace_path, "re");
	if (trace == NULL) {
		fail_msg("cannot read %s", trace_path);
	}
	bool printed = false, asked = false;
	unsigned calls = 0;
	char line[4096], wrong[4096] = "";
	while (fgets(line, sizeof(line), trace) != NULL) {
		size_t length = 0;
		const char *call = get_call(line, &length);
		asked |= printed && strstr(line, "/comm\"") != NULL;
		bool counts = printed && !asked && call != NULL;
		if (is_handler_for_sigbus(line) ||
				(counts && !is_expected(call, length))) {
			memcpy(wrong, line, sizeof(wrong));
		}
		calls += counts;
		printed |= strstr(line, "stats end") != NULL;
	}
	fclose(trace);
	if (wrong[0] != '\0') {
		fail_msg("the compositor made an unexpected call: %s", wrong);
	}
	return asked ? calls : 0;
}

static void show_frames(struct screen *screen, struct canvas *canvas,
		struct client_window *window, uint32_t first, uint32_t end) {
	for (uint32_t frame = first; frame < end; frame++) {
		size_t i = frame % 2;
		must(screen, client_buffer_wait_released(&screen->client,
			&canvas->buffers[i]));
		client_image_draw_rect(&canvas->images[i], 0, 0, SIDE, SIDE,
			16, frame);
		must(screen, client_surface_show(&window->surface,
			&canvas->buffers[i]));
	}
}

static void a_thousand_sealed_frames_make_no_system_call(void **state) {
	struct screen *screen = *state;
	struct canvas canvas;
	struct client_window window;
	struct compositor_counts counts;
	screen_needs_sealpool(screen);
	canvas_create(screen, &canvas, CLIENT_MEMORY_SEALED, 2, SIDE, SIDE);
	must(screen, client_window_create(&screen->client, &window, "sealed"));
	show_frames(screen, &canvas, &window, 0, 20);
	screen_count(screen, &counts);
	show_frames(screen, &canvas, &window, 20, 20 + FRAMES);
	screen_count(screen, &counts);
	assert_int_equal(counts.direct, 2);
	assert_int_equal(counts.copied_in, 0);

	unsigned calls = check_trace();
	print_message("%u system calls for %u frames\n", calls, FRAMES);
	/* At least one call waits for each frame, and one answers it. */
	assert_true(calls > FRAMES);
	client_window_destroy(&window);
	canvas_destroy(&canvas);
}

static unsigned count_calls(const char *begins) {
	FILE *trace = fopen(trace_path, "re");
	assert_non_null(trace);
	char line[4096];
	unsigned calls = 0;
	while (fgets(line, sizeof(line), trace) != NULL) {
		size_t length;
		const char *call = get_call(line, &length);
		calls += call != NULL &&
			strncmp(call, begins, strlen(begins)) == 0;
	}
	fclose(trace);
	return calls;
}

static unsigned count_reads(void) {
	return count_calls("pread64(");
}

/* Shows that the test above can fail. */
static void an_unsealed_frame_makes_system_calls(void **state) {
	struct screen *screen = *state;
	struct canvas canvas;
	struct client_window window;
	struct compositor_counts counts;
	screen_needs_sealpool(screen);
	canvas_create(screen, &canvas, CLIENT_MEMORY_UNSEALED, 2, SIDE, SIDE);
	must(screen, client_window_create(&screen->client, &window, "unsealed"));
	show_frames(screen, &canvas, &window, 0, 4);
	screen_count(screen, &counts);
	assert_true(count_reads() > 0);
	client_window_destroy(&window);
	canvas_destroy(&canvas);
}

static void expect_calls_of_small_frames(struct screen *screen,
		enum client_memory_kind kind, unsigned calls_of_one) {
	enum { WIDTH = 1024, SOME = 50 };
	static const char *const calls[] = {
		"fcntl(", "newfstatat(", "fstat(", "statx(", "getpid(",
		"pwritev(", "pread64(", "mmap(", "munmap(",
	};
	enum { CALLS = sizeof(calls) / sizeof(calls[0]) };
	struct canvas canvas;
	struct client_window window;
	struct compositor_counts counts;
	screen_needs_sealpool(screen);
	canvas_create(screen, &canvas, kind, 2, WIDTH, SIDE);
	must(screen, client_window_create(&screen->client, &window, "small"));
	unsigned before[CALLS], sum = 0;
	/* The first frames also copy what the other buffers lack. */
	for (int frame = -8; frame < SOME; frame++) {
		struct client_buffer *buffer = &canvas.buffers[frame & 1];
		if (frame == 0) {
			screen_count(screen, &counts);
			for (size_t i = 0; i < CALLS; i++) {
				before[i] = count_calls(calls[i]);
			}
		}
		must(screen, client_buffer_wait_released(&screen->client,
			buffer));
		client_image_draw(&canvas.images[frame & 1], 1);
		client_surface_attach(&window.surface, buffer);
		client_surface_damage_buffer(&window.surface, 0, 0,
			frame < -4 ? WIDTH : 10, frame < -4 ? SIDE : 20);
		must(screen, client_surface_present(&window.surface));
	}
	/* Before the counters are printed, which reads files. */
	for (size_t i = 0; i < CALLS; i++) {
		unsigned made = count_calls(calls[i]) - before[i];
		print_message("%s): %u\n", calls[i], made);
		sum += made;
	}
	screen_count(screen, &counts);
	assert_int_equal(counts.shadow, 2);
	assert_in_range(sum, SOME, calls_of_one * SOME + 8);
	client_window_destroy(&window);
	canvas_destroy(&canvas);
}

/* One each for its seals, its size and its pixels. */
static void a_small_unsealed_frame_makes_three_system_calls(void **state) {
	expect_calls_of_small_frames(*state, CLIENT_MEMORY_UNSEALED, 3);
}

static void what_can_never_be_sealed_makes_one_less(void **state) {
	expect_calls_of_small_frames(*state, CLIENT_MEMORY_SHM_OPEN, 2);
}

/* The copies get the memory of the client's last pool. */
static void a_new_pool_every_frame_makes_no_new_shadow(void **state) {
	enum { SOME = 12 };
	struct screen *screen = *state;
	struct canvas canvases[2];
	struct client_window window;
	struct compositor_counts counts;
	screen_needs_sealpool(screen);
	must(screen, client_window_create(&screen->client, &window, "pools"));
	unsigned shadows = 0;
	for (int frame = 0; frame < SOME; frame++) {
		struct canvas *canvas = &canvases[frame & 1];
		if (frame >= 2) {
			canvas_destroy(canvas);
		}
		canvas_create(screen, canvas, CLIENT_MEMORY_UNSEALED, 1, SIDE,
			SIDE);
		client_image_draw(&canvas->images[0], (uint32_t)frame);
		must(screen, client_surface_show(&window.surface,
			&canvas->buffers[0]));
		screen_count(screen, &counts);
		assert_int_equal(counts.shadow, frame == 0 ? 1 : 2);
		if (frame == 3) {
			shadows = count_calls("memfd_create(");
			assert_true(shadows > 0);
		}
	}
	assert_int_equal(count_calls("memfd_create("), shadows);
	client_window_destroy(&window);
	canvas_destroy(&canvases[0]);
	canvas_destroy(&canvases[1]);
}

/* A client chooses the shape of its damage: columns one pixel wide, on a tall buffer,
 * have a thousand times more rows than pages. */
static void damage_in_columns_makes_no_more_calls_than_pages(void **state) {
	enum { HEIGHT = 4096, COLUMNS = 60 };
	struct screen *screen = *state;
	struct canvas canvas;
	struct client_window window;
	struct compositor_counts counts;
	screen_needs_sealpool(screen);
	canvas_create(screen, &canvas, CLIENT_MEMORY_UNSEALED, 1, SIDE, HEIGHT);
	/* Holes are not read at all. */
	client_image_draw(&canvas.images[0], 1);
	must(screen, client_window_create(&screen->client, &window, "columns"));
	must(screen, client_surface_show(&window.surface, &canvas.buffers[0]));
	screen_count(screen, &counts);
	unsigned reads = count_reads();

	client_surface_attach(&window.surface, &canvas.buffers[0]);
	for (int32_t i = 0; i < COLUMNS; i++) {
		client_surface_damage_buffer(&window.surface, 4 * i, 0, 1,
			HEIGHT);
	}
	must(screen, client_surface_present(&window.surface));
	screen_count(screen, &counts);
	reads = count_reads() - reads;
	print_message("%u reads\n", reads);
	assert_true(reads > 0 && reads <= SIDE * HEIGHT * 4 / 4096);
	client_window_destroy(&window);
	canvas_destroy(&canvas);
}

int main(int argc, char *argv[]) {
	static const struct CMUnitTest tests[] = {
		screen_test(a_thousand_sealed_frames_make_no_system_call),
		screen_test(an_unsealed_frame_makes_system_calls),
		screen_test(a_small_unsealed_frame_makes_three_system_calls),
		screen_test(what_can_never_be_sealed_makes_one_less),
		screen_test(a_new_pool_every_frame_makes_no_new_shadow),
		screen_test(damage_in_columns_makes_no_more_calls_than_pages),
	};
	if (argc < 3) {
		fprintf(stderr, "usage: %s TRACE COMPOSITOR...\n", argv[0]);
		return 1;
	}
	trace_path = argv[1];
	if (!screen_init(argc - 1, argv + 1)) {
		return 1;
	}
	return cmocka_run_group_tests_name("system calls", tests, NULL, NULL);
}
