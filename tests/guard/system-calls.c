/* SPDX-License-Identifier: MIT */
/*
 * Frames of a sealed client make no more system calls with the guard than without it.
 *
 *     guard-system-calls TRACE STRACE SEALPOOL-RUN COMPOSITOR [ARGUMENT...]
 *
 * strace runs the compositor, without the guard and with it, and writes its calls to the
 * file TRACE. The client marks its frames with the titles of its window, which are in the
 * trace as well.
 */
#include <stdio.h>
#include <string.h>
#include <wayland-client.h>

#include "screen.h"
#include "xdg-shell-client-protocol.h"

#define SIDE 64
#define FRAMES 200
#define CALLS_MAX 64

static const char *trace_path, *strace_path, *run_path;
static char **compositor_command;

struct count {
	char name[32];
	unsigned calls;
};

struct counts {
	struct count counts[CALLS_MAX];
	size_t len;
	/* The frames in between were marked. */
	bool complete;
};

/* Calls that wait for clients, send to them, or set a timer: their number depends on the
 * scheduling. */
static bool is_waiting(const char *name) {
	static const char *const names[] = {
		"epoll_wait", "epoll_pwait", "epoll_ctl", "read", "recvmsg",
		"sendmsg", "timerfd_settime", "restart_syscall",
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static void add_call(struct counts *counts, const char *name) {
	for (size_t i = 0; i < counts->len; i++) {
		if (strcmp(counts->counts[i].name, name) == 0) {
			counts->counts[i].calls++;
			return;
		}
	}
	assert_true(counts->len < CALLS_MAX);
	struct count *count = &counts->counts[counts->len++];
	snprintf(count->name, sizeof(count->name), "%s", name);
	count->calls = 1;
}

static unsigned get_calls(const struct counts *counts, const char *name) {
	for (size_t i = 0; i < counts->len; i++) {
		if (strcmp(counts->counts[i].name, name) == 0) {
			return counts->counts[i].calls;
		}
	}
	return 0;
}

/* A line is "PID CALL(ARGUMENTS...", or is not about a call. */
static void read_trace(struct counts *counts) {
	FILE *trace = fopen(trace_path, "re");
	if (trace == NULL) {
		fail_msg("cannot read %s", trace_path);
	}
	*counts = (struct counts){ 0 };
	bool between = false;
	char line[4096], name[32];
	while (fgets(line, sizeof(line), trace) != NULL) {
		counts->complete |= between &&
			strstr(line, "LASTFRAME") != NULL;
		between &= !counts->complete;
		if (between && sscanf(line, "%*d %31[a-z0-9_](", name) == 1 &&
				!is_waiting(name)) {
			add_call(counts, name);
		}
		between |= strstr(line, "FIRSTFRAME") != NULL;
	}
	fclose(trace);
}

static void show_frame(struct screen *screen, struct canvas *canvas,
		struct client_window *window, uint32_t frame) {
	size_t i = frame % 2;
	must(screen, client_buffer_wait_released(&screen->client,
		&canvas->buffers[i]));
	client_image_draw_rect(&canvas->images[i], 0, 0, SIDE, SIDE, 16, frame);
	must(screen, client_surface_show(&window->surface,
		&canvas->buffers[i]));
}

static void mark(struct screen *screen, struct client_window *window,
		const char *title) {
	must(screen, client_roundtrip(&screen->client));
	xdg_toplevel_set_title(window->xdg_toplevel, title);
	must(screen, client_roundtrip(&screen->client));
}

static void count_calls(enum client_memory_kind kind, bool guarded,
		struct counts *counts) {
	char *command[32] = {
		(char *)strace_path, (char *)"-D", (char *)"-f",
		(char *)"-qq", (char *)"-o", (char *)trace_path,
	};
	size_t len = 6;
	if (guarded) {
		command[len++] = (char *)run_path;
		command[len++] = (char *)"--quiet";
		command[len++] = (char *)"--guard";
	}
	for (char **argument = compositor_command; *argument != NULL;
			argument++) {
		command[len++] = *argument;
	}
	struct screen screen = { 0 };
	if (!compositor_start(&screen.compositor, command)) {
		fail_msg("%s", screen.compositor.error);
	}
	must(&screen, client_connect(&screen.client,
		screen.compositor.display));
	struct canvas canvas;
	struct client_window window;
	canvas_create(&screen, &canvas, kind, 2, SIDE, SIDE);
	must(&screen, client_window_create(&screen.client, &window, "frames"));
	for (uint32_t frame = 0; frame < 20; frame++) {
		show_frame(&screen, &canvas, &window, frame);
	}
	mark(&screen, &window, "FIRSTFRAME");
	for (uint32_t frame = 20; frame < 20 + FRAMES; frame++) {
		show_frame(&screen, &canvas, &window, frame);
	}
	mark(&screen, &window, "LASTFRAME");
	client_window_destroy(&window);
	canvas_destroy(&canvas);
	client_disconnect(&screen.client);
	if (!compositor_stop(&screen.compositor)) {
		fail_msg("%s", screen.compositor.error);
	}
	read_trace(counts);
	if (!counts->complete) {
		fail_msg("no frames in the trace");
	}
}

static void sealed_frames_make_no_more_system_calls(void **state) {
	struct counts plain, guarded;
	count_calls(CLIENT_MEMORY_SEALED, false, &plain);
	count_calls(CLIENT_MEMORY_SEALED, true, &guarded);
	/* A frame may be painted again for another reason. */
	for (size_t i = 0; i < guarded.len; i++) {
		const struct count *count = &guarded.counts[i];
		unsigned before = get_calls(&plain, count->name);
		print_message("%s: %u without, %u with the guard\n",
			count->name, before, count->calls);
		if (count->calls > before + FRAMES / 20) {
			fail_msg("%u frames called %s %u times without and %u "
				"times with the guard", FRAMES, count->name,
				before, count->calls);
		}
	}
}

/* Shows that the test above can fail. */
static void unsealed_frames_make_some(void **state) {
	struct counts guarded;
	count_calls(CLIENT_MEMORY_UNSEALED, true, &guarded);
	assert_true(get_calls(&guarded, "pread64") >= FRAMES);
}

int main(int argc, char *argv[]) {
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_frames_make_no_more_system_calls),
		cmocka_unit_test(unsealed_frames_make_some),
	};
	if (argc < 5 || argc > 16) {
		fprintf(stderr, "usage: %s TRACE STRACE SEALPOOL-RUN "
			"COMPOSITOR...\n", argv[0]);
		return 1;
	}
	trace_path = argv[1];
	strace_path = argv[2];
	run_path = argv[3];
	compositor_command = argv + 4;
	return cmocka_run_group_tests_name("system calls", tests, NULL, NULL);
}
