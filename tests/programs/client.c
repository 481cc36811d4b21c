/* SPDX-License-Identifier: MIT */
/*
 * A client with a picture of 64x64 pixels in unsealed memory. It shows a frame, prints
 * "ready", and stays until its standard input is closed. The name of its process has
 * characters that must not reach a terminal.
 */
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <wayland-client.h>

#include "buffer.h"
#include "client.h"
#include "image.h"
#include "memory.h"

int main(void) {
	static struct client client;
	static struct client_memory memory;
	static struct client_pool pool;
	static struct client_buffer buffer;
	struct client_image image;
	prctl(PR_SET_NAME, "a b\x1b[31m");
	if (!client_connect(&client, NULL) || !client_memory_create(&client,
			&memory, CLIENT_MEMORY_UNSEALED, 64 * 64 * 4) ||
			!client_pool_create(&client, &pool, &memory,
				64 * 64 * 4) ||
			!client_buffer_create(&pool, &buffer, 0, 64, 64,
				64 * 4) ||
			!client_buffer_get_image(&client, &buffer, &image)) {
		fprintf(stderr, "client: %s\n", client.error);
		return 1;
	}
	client_image_draw(&image, 1);
	struct wl_surface *surface =
		wl_compositor_create_surface(client.compositor);
	wl_surface_attach(surface, buffer.buffer, 0, 0);
	wl_surface_damage(surface, 0, 0, 64, 64);
	wl_surface_commit(surface);
	if (!client_roundtrip(&client)) {
		fprintf(stderr, "client: %s\n", client.error);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	char byte;
	while (read(STDIN_FILENO, &byte, 1) > 0) {
	}
	return 0;
}
