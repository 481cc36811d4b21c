/* SPDX-License-Identifier: MIT */
/*
 * Has a compositor show this many frames of a sealed client, and ends it:
 *
 *     guard-frames FRAMES COMPOSITOR [ARGUMENT...]
 */
#include <stdio.h>
#include <stdlib.h>

#include "screen.h"

#define SIDE 256

static unsigned frames;

static void frames_are_shown(void **state) {
	struct screen *screen = *state;
	struct canvas canvas;
	struct client_window window;
	canvas_create(screen, &canvas, CLIENT_MEMORY_SEALED, 2, SIDE, SIDE);
	must(screen, client_window_create(&screen->client, &window, "frames"));
	for (uint32_t frame = 0; frame < frames; frame++) {
		size_t i = frame % 2;
		must(screen, client_buffer_wait_released(&screen->client,
			&canvas.buffers[i]));
		client_image_draw_rect(&canvas.images[i], 0, 0, SIDE, SIDE, 16,
			frame);
		must(screen, client_surface_show(&window.surface,
			&canvas.buffers[i]));
	}
	client_window_destroy(&window);
	canvas_destroy(&canvas);
}

int main(int argc, char *argv[]) {
	static const struct CMUnitTest tests[] = {
		screen_test(frames_are_shown),
	};
	if (argc < 3) {
		fprintf(stderr, "usage: %s FRAMES COMPOSITOR...\n", argv[0]);
		return 1;
	}
	frames = (unsigned)atoi(argv[1]);
	return screen_init(argc - 1, argv + 1) ?
		cmocka_run_group_tests_name("frames", tests, NULL, NULL) : 1;
}
