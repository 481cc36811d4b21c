/* SPDX-License-Identifier: MIT */
/*
 * Textures outlive the buffers that they were made from, in any order.
 *
 * A wlr_client_buffer, which a surface keeps of an upload, does not lock its source, the
 * wlr_buffer that it was made from. It listens for the source's destruction. If a source
 * is freed without that event, a pointer to freed memory stays.
 */
#include <wayland-client.h>
#include <wlr/render/wlr_texture.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/util/addon.h>

#include "host.h"

#define WIDTH 64
#define HEIGHT 32
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static const enum client_memory_kind kinds[] = {
	CLIENT_MEMORY_SEALED, CLIENT_MEMORY_UNSEALED,
};

#define KINDS_LEN (sizeof(kinds) / sizeof(kinds[0]))

/* Fails unless the wlr_client_buffer knows that its source is destroyed. */
static void expect_no_source(struct wlr_client_buffer *client_buffer) {
	void *data;
	uint32_t format;
	size_t stride;
	assert_null(client_buffer->source);
	/* With wlroots 0.19 and later, this access is passed on to the source. */
	assert_false(wlr_buffer_begin_data_ptr_access(&client_buffer->base,
		WLR_BUFFER_DATA_PTR_ACCESS_READ, &data, &format, &stride));
}

static void expect_texture_frame(struct wlr_client_buffer *client_buffer,
		uint32_t frame) {
	struct client_image image;
	host_read_texture(client_buffer->texture, &image);
	host_expect_frame(&image, frame);
	client_image_destroy(&image);
}

static void a_texture_outlives_its_wl_buffer(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(&host->server,
			kinds[i], WIDTH, HEIGHT);
		tell(peer, destroy_buffer, .buffer = 0);
		expect_no_source(host_get_client_buffer(host, peer));
		host_expect_shown_frame(host, peer, 1);

		/* The texture is updated from another buffer. */
		struct client_image expected;
		assert_true(client_image_create(&expected, WIDTH, HEIGHT));
		client_image_draw(&expected, 1);
		tell(peer, make_picture, .buffer = 1, .kind = kinds[i],
			.width = WIDTH, .height = HEIGHT);
		tell(peer, draw_and_show, .buffer = 1, .x = 5, .y = 6,
			.width = 20, .height = 10, .frame = 2);
		client_image_draw_rect(&expected, 5, 6, 20, 10, 1, 2);
		host_expect_shown(host, peer, &expected);
		client_image_destroy(&expected);
		tell(peer, destroy_buffer, .buffer = 1);
		expect_no_source(host_get_client_buffer(host, peer));

		/* For another size, another texture is created, and the first one
		 * destroyed. */
		tell(peer, make_picture, .buffer = 2, .kind = kinds[i],
			.width = 2 * WIDTH, .height = HEIGHT);
		tell(peer, draw_and_show, .buffer = 2, .frame = 3);
		host_expect_shown_frame(host, peer, 3);
		/* The last one is destroyed with its surface. */
		tell(peer, destroy_buffer, .buffer = 2);
		expect_no_source(host_get_client_buffer(host, peer));
		tell(peer, destroy_surface, .surface = 0);
		peer_finish(peer);
	}
}

static void a_texture_outlives_its_pool(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(&host->server,
			kinds[i], WIDTH, HEIGHT);
		tell(peer, destroy_pool, .pool = 0);
		host_expect_shown_frame(host, peer, 1);
		tell(peer, draw_and_show, .frame = 2);
		host_expect_shown_frame(host, peer, 2);
		tell(peer, destroy_buffer, .buffer = 0);
		expect_no_source(host_get_client_buffer(host, peer));
		host_expect_shown_frame(host, peer, 2);
		peer_finish(peer);
	}
}

/* The objects that a client can destroy, in each of the six orders. */
static order_func const orders[][3] = {
	{ destroy_pool, destroy_buffer, destroy_surface },
	{ destroy_pool, destroy_surface, destroy_buffer },
	{ destroy_buffer, destroy_pool, destroy_surface },
	{ destroy_buffer, destroy_surface, destroy_pool },
	{ destroy_surface, destroy_pool, destroy_buffer },
	{ destroy_surface, destroy_buffer, destroy_pool },
};

static void a_held_texture_outlives_its_client(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		for (size_t j = 0; j < sizeof(orders) / sizeof(orders[0]); j++) {
			/* The client is killed at once, or after some of it. */
			for (size_t len = 0; len <= 3; len++) {
				struct peer *peer = peer_create_with_picture(
					&host->server, kinds[i], WIDTH, HEIGHT);
				struct wlr_client_buffer *held =
					host_get_client_buffer(host, peer);
				wlr_buffer_lock(&held->base);
				for (size_t k = 0; k < len; k++) {
					peer_tell(peer, orders[j][k], "destroy",
						&(struct args){ .pool = 0 });
				}
				peer_kill(peer);
				expect_no_source(held);
				expect_texture_frame(held, 1);
				wlr_buffer_unlock(&held->base);
			}
		}
	}
}

/* Counts how often a wlr_buffer reports its destruction: by an event, and by an addon. */
struct follower {
	struct wl_listener destroy;
	unsigned destroys;
	struct wlr_addon addon;
	unsigned addon_destroys;
};

static void follower_handle_destroy(struct wl_listener *listener, void *data) {
	struct follower *follower =
		wl_container_of(listener, follower, destroy);
	follower->destroys++;
	wl_list_remove(&follower->destroy.link);
}

static void addon_handle_destroy(struct wlr_addon *addon) {
	struct follower *follower = wl_container_of(addon, follower, addon);
	follower->addon_destroys++;
	wlr_addon_finish(addon);
}

static const struct wlr_addon_interface addon_impl = {
	.name = "test",
	.destroy = addon_handle_destroy,
};

static void follower_init(struct follower *follower,
		struct wlr_buffer *buffer) {
	*follower = (struct follower){ 0 };
	follower->destroy.notify = follower_handle_destroy;
	wl_signal_add(&buffer->events.destroy, &follower->destroy);
	wlr_addon_init(&follower->addon, &buffer->addons, follower,
		&addon_impl);
}

static void expect_ends(const struct follower *follower, unsigned ends) {
	assert_int_equal(follower->destroys, ends);
	assert_int_equal(follower->addon_destroys, ends);
}

static void a_wlr_buffer_ends_once_with_its_wl_buffer(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct follower follower;
		host->keeps = true;
		struct peer *peer = peer_create_with_picture(&host->server,
			kinds[i], WIDTH, HEIGHT);
		follower_init(&follower, host->kept);
		wlr_buffer_unlock(host->kept);
		host->kept = NULL;
		expect_ends(&follower, 0);
		tell(peer, destroy_buffer, .buffer = 0);
		expect_ends(&follower, 1);
		peer_finish(peer);
	}
}

static void a_wlr_buffer_ends_once_with_its_last_lock(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct follower follower;
		host->keeps = true;
		struct peer *peer = peer_create_with_picture(&host->server,
			kinds[i], WIDTH, HEIGHT);
		follower_init(&follower, host->kept);
		tell(peer, destroy_buffer, .buffer = 0);
		peer_kill(peer);
		expect_ends(&follower, 0);
		wlr_buffer_unlock(host->kept);
		host->kept = NULL;
		expect_ends(&follower, 1);
	}
}

/* Each frame has a buffer of its own, in alternating sizes, which is destroyed before
 * anything is answered. Freed memory is soon used for something else. */
static bool show_once(struct actor *actor, const struct args *args) {
	for (uint32_t i = 0; i < args->count; i++) {
		struct args picture = *args;
		picture.width = WIDTH + (int32_t)(i / 2 % 3);
		picture.height = HEIGHT;
		struct args drawn = { .frame = i };
		if (!make_picture(actor, &picture) ||
				!draw_and_show(actor, &drawn)) {
			return false;
		}
		destroy_buffer(actor, &drawn);
		destroy_pool(actor, &drawn);
		client_memory_destroy(&actor->memory[0]);
		/* File descriptors that were sent wait in the socket. */
		if (i % 8 == 7 && !client_roundtrip(&actor->client)) {
			return false;
		}
	}
	return true;
}

static void buffers_may_be_used_once(void **state) {
	struct host *host = *state;
	for (size_t i = 0; i < KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(&host->server,
			kinds[i], WIDTH, HEIGHT);
		tell(peer, show_once, .kind = kinds[i], .count = 500);
		assert_int_equal(host_get_surface(host, peer, 0)->commits, 501);
		host_expect_shown_frame(host, peer, 499);
		peer_finish(peer);
	}
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_texture_outlives_its_wl_buffer),
		TEST(a_texture_outlives_its_pool),
		TEST(a_held_texture_outlives_its_client),
		TEST(a_wlr_buffer_ends_once_with_its_wl_buffer),
		TEST(a_wlr_buffer_ends_once_with_its_last_lock),
		TEST(buffers_may_be_used_once),
	};
	if (!host_init()) {
		return 77;
	}
	int failed = cmocka_run_group_tests_name("lifetime", tests, NULL, NULL);
	host_finish();
	return failed;
}
