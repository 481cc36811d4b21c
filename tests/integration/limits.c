/* SPDX-License-Identifier: MIT */
/*
 * Clients that exceed a limit, and clients that do not.
 */
#include <string.h>
#include <wayland-client.h>

#include "limits.h"

int server_setup_with_budget(void **state, const struct sealpool_budget *budget) {
	*state = server_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.budget = *budget,
	});
	return *state != NULL ? 0 : -1;
}

struct peer *create_bystander(struct server *server) {
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, draw_and_show, .frame = 1);
	expect_frame(server_get_shown(server, peer), 1);
	return peer;
}

void finish_bystander(struct server *server, struct peer *peer) {
	expect_frame(server_get_shown(server, peer), 1);
	tell(peer, draw_and_show, .frame = 2);
	expect_frame(server_get_shown(server, peer), 2);
	tell(peer, make_picture, .buffer = 1, .kind = CLIENT_MEMORY_SEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, draw_and_show, .buffer = 1, .frame = 3);
	expect_frame(server_get_shown(server, peer), 3);
	peer_finish(peer);
}

void expect_over_budget(struct peer *peer, order_func order,
		const char *order_name, const struct args *args,
		const char *name, int64_t limit) {
	const char *message = peer_expect_error(peer, order, order_name, args,
		"wl_display", -1, WL_DISPLAY_ERROR_IMPLEMENTATION);
	if (strstr(message, name) == NULL) {
		fail_msg("no \"%s\" in \"%s\"", name, message);
	}
	expect_number(message, limit);
}

void show_pictures(struct peer *peer, enum client_memory_kind kind,
		int count) {
	for (int i = 0; i < count; i++) {
		tell(peer, make_picture, .buffer = i, .kind = kind,
			.width = WIDTH, .height = HEIGHT);
		tell(peer, draw_and_show, .surface = i, .buffer = i,
			.frame = (uint32_t)i + 1);
	}
}

struct sealpool_buffer *get_picture(struct server *server,
		const struct peer *peer, int index) {
	return server_get_surface(server, peer, index)->current;
}
