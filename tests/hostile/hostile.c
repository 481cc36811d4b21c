/* SPDX-License-Identifier: MIT */
/*
 * sealpool-hostile CASE: attacks the compositor at $WAYLAND_DISPLAY through the memory that
 * it shares with it, and prints what happened to this client, on one line:
 *
 *     hostile case=short fate=protocol_error interface=wl_buffer id=12 code=2
 *         name=wl_shm.invalid_fd message="..."
 *     hostile case=short fate=alive
 *     hostile case=short fate=disconnected
 *
 * Exits with 0 if the attack was carried out, whatever the result; else with 1. The caller
 * checks whether the compositor still runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "client.h"

/* How long the attack lasts before the client counts as alive. */
#define ATTACK_MS 10000

static bool find_case(const char *name, enum attack_kind *kind) {
	for (int i = 0; i < ATTACK_KINDS; i++) {
		if (strcmp(name, attack_name((enum attack_kind)i)) == 0) {
			*kind = (enum attack_kind)i;
			return true;
		}
	}
	return false;
}

int main(int argc, char *argv[]) {
	enum attack_kind kind;
	if (argc != 2 || !find_case(argv[1], &kind)) {
		fputs("usage: sealpool-hostile CASE, one of:\n", stderr);
		for (int i = 0; i < ATTACK_KINDS; i++) {
			fprintf(stderr, "  %s\n",
				attack_name((enum attack_kind)i));
		}
		return EXIT_FAILURE;
	}
	struct client client;
	struct client_fate fate;
	if (!client_connect(&client, NULL) ||
			!attack(&client, kind, ATTACK_MS, &fate)) {
		fprintf(stderr, "sealpool-hostile: %s\n", client.error);
		client_disconnect(&client);
		return EXIT_FAILURE;
	}
	printf("hostile case=%s ", argv[1]);
	client_fate_print(&fate, stdout);
	puts("");
	client_disconnect(&client);
	return EXIT_SUCCESS;
}
