/* SPDX-License-Identifier: MIT */
/*
 * The guard in a real compositor, started by sealpool-run:
 *
 *     guard-real SEALPOOL-RUN COMPOSITOR [ARGUMENT...]
 *
 * The compositor is sealpool-tiny with wlroots' own wl_shm. The tests of "content", which
 * are run on it as well, check the pictures.
 */
#include <stdio.h>
#include <string.h>
#include <wayland-client.h>

#include "screen.h"

#define FDS 10

/* For each pool, wlroots keeps an fd besides the guard's. */
static void fds_of_the_compositor_are_counted(void **state) {
	struct screen *screen = *state;
	struct client *client = &screen->client;
	struct client_memory memory;
	struct client_pool pools[FDS];
	must(screen, client_memory_create(client, &memory,
		CLIENT_MEMORY_SEALED, 4096));
	int i = 0;
	do {
		must(screen, client_pool_create(client, &pools[i], &memory,
			4096));
	} while (client_roundtrip(client) && ++i < FDS);
	assert_int_equal(i, FDS / 2);
	struct client_fate fate;
	client_get_fate(client, &fate);
	assert_int_equal(fate.kind, CLIENT_PROTOCOL_ERROR);
	assert_non_null(strstr(fate.message, "10 fds"));
}

static void and_given_back(void **state) {
	struct screen *screen = *state;
	struct client *client = &screen->client;
	struct client_memory memory;
	must(screen, client_memory_create(client, &memory,
		CLIENT_MEMORY_SEALED, 4096));
	for (int i = 0; i < 4 * FDS; i++) {
		struct client_pool pool;
		must(screen, client_pool_create(client, &pool, &memory, 4096));
		must(screen, client_roundtrip(client));
		client_pool_destroy(&pool);
	}
	must(screen, client_roundtrip(client));
}

int main(int argc, char *argv[]) {
	static const struct CMUnitTest tests[] = {
		screen_test(fds_of_the_compositor_are_counted),
		screen_test(and_given_back),
	};
	if (argc < 3 || argc > 10) {
		fprintf(stderr, "usage: %s SEALPOOL-RUN COMPOSITOR...\n",
			argv[0]);
		return 1;
	}
	char *command[16] = { argv[0], argv[1], (char[]){ "--fds" },
		(char[]){ "10" }, (char[]){ "--quiet" } };
	memcpy(command + 5, argv + 2, (size_t)(argc - 2) * sizeof(argv[0]));
	if (!screen_init(argc + 3, command)) {
		return 1;
	}
	return cmocka_run_group_tests_name("real", tests, NULL, NULL);
}
