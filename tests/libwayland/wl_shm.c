/* SPDX-License-Identifier: MIT */
/*
 * libwayland's functions for wl_shm. The compositor keeps the address of a surface's
 * buffer, as compositors do in an image.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-server-protocol.h>

#include "host.h"
#include "libwayland/wl_shm.h"

static void each_kind_of_memory_has_one_address(void **state) {
	struct host *host = *state;
	client_memory_for_each(kind, CLIENT_MEMORY_SEALED) {
		struct peer *peer = create_shown(host, kind);
		expect_read(host->shown, 1);
		void *data = wl_shm_buffer_get_data(host->shown);
		for (uint32_t frame = 2; frame < 5; frame++) {
			tell(peer, draw_and_show, .frame = frame);
			expect_read(host->shown, frame);
			assert_ptr_equal(wl_shm_buffer_get_data(host->shown),
				data);
		}
		peer_finish(peer);
	}
}

static void the_address_is_there_before_an_access(void **state) {
	struct host *host = *state;
	struct peer *peer = create_shown(host, CLIENT_MEMORY_UNSEALED);
	void *data = wl_shm_buffer_get_data(host->shown);
	wl_shm_buffer_begin_access(host->shown);
	assert_ptr_equal(wl_shm_buffer_get_data(host->shown), data);
	expect(host->shown, 1);
	wl_shm_buffer_end_access(host->shown);
	peer_finish(peer);
}

static void the_address_stays_when_the_pool_grows(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	static const enum client_memory_kind kinds[] = {
		CLIENT_MEMORY_SEALED, CLIENT_MEMORY_UNSEALED,
	};
	for (int i = 0; i < 2; i++) {
		tell(peer, make_picture, .buffer = i, .kind = kinds[i],
			.width = WIDTH, .height = HEIGHT);
		tell(peer, draw_and_show, .buffer = i, .frame = 1);
		expect_read(host->shown, 1);
		void *data = wl_shm_buffer_get_data(host->shown);
		tell(peer, grow_memory, .memory = i, .size = 64 * BYTES);
		tell(peer, resize_pool, .pool = i, .size = 64 * BYTES);
		tell(peer, draw_and_show, .buffer = i, .frame = 2);
		expect_read(host->shown, 2);
		assert_ptr_equal(wl_shm_buffer_get_data(host->shown), data);
	}
	peer_finish(peer);
}

static void the_address_stays_when_the_file_is_sealed(void **state) {
	struct host *host = *state;
	struct peer *peer = create_shown(host, CLIENT_MEMORY_UNSEALED);
	expect_read(host->shown, 1);
	void *data = wl_shm_buffer_get_data(host->shown);
	tell(peer, seal_memory, .seals = F_SEAL_SHRINK);
	for (uint32_t frame = 2; frame < 10; frame++) {
		tell(peer, draw_and_show, .frame = frame);
		expect_read(host->shown, frame);
		assert_ptr_equal(wl_shm_buffer_get_data(host->shown), data);
	}
	peer_finish(peer);
}

static void a_buffer_that_is_sealed_before_it_is_read_is_direct(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, seal_memory, .seals = F_SEAL_SHRINK);
	tell(peer, draw_and_show, .frame = 1);
	expect_read(host->shown, 1);
	struct sealpool_stats stats = get_stats(host, peer);
	assert_int_equal(stats.buffers[SEALPOOL_MEMORY_DIRECT], 1);
	assert_int_equal(stats.bytes_copied_in, 0);
	peer_finish(peer);
}

static void only_what_is_read_and_damaged_is_copied(void **state) {
	struct host *host = *state;
	struct peer *peer = create_shown(host, CLIENT_MEMORY_UNSEALED);
	tell(peer, draw_and_show, .frame = 2);
	assert_int_equal(get_stats(host, peer).bytes_copied_in, 0);
	expect_read(host->shown, 2);
	assert_int_equal(get_stats(host, peer).bytes_copied_in, BYTES);
	tell(peer, draw_and_show, .width = 10, .height = 20, .frame = 2);
	expect_read(host->shown, 2);
	expect_read(host->shown, 2);
	assert_int_equal(get_stats(host, peer).bytes_copied_in,
		BYTES + 10 * 20 * 4);
	peer_finish(peer);
}

/* What the client draws meanwhile is shown by the next access. */
static void an_access_in_an_access_changes_nothing(void **state) {
	struct host *host = *state;
	struct peer *peer = create_shown(host, CLIENT_MEMORY_UNSEALED);
	wl_shm_buffer_begin_access(host->shown);
	tell(peer, draw_and_show, .frame = 2);
	wl_shm_buffer_begin_access(host->shown);
	expect(host->shown, 1);
	wl_shm_buffer_end_access(host->shown);
	wl_shm_buffer_end_access(host->shown);
	expect_read(host->shown, 2);
	peer_finish(peer);
}

static void references_keep_the_bytes(void **state) {
	struct host *host = *state;
	struct peer *peer = create_shown(host, CLIENT_MEMORY_UNSEALED);
	expect_read(host->shown, 1);
	struct wl_shm_buffer *buffer = host->shown;
	struct wl_shm_pool *pool = wl_shm_buffer_ref_pool(buffer);
	const uint8_t *data = wl_shm_buffer_get_data(buffer);
	uint8_t *before = malloc(BYTES);
	memcpy(before, data, BYTES);
	peer_finish(peer);
	assert_memory_equal(data, before, BYTES);
	free(before);
	wl_shm_pool_unref(pool);
}

static void a_short_file_reads_as_zero(void **state) {
	struct host *host = *state;
	struct peer *peer = create_shown(host, CLIENT_MEMORY_UNSEALED);
	expect_read(host->shown, 1);
	tell(peer, cut_memory, .size = 0);
	tell(peer, show);
	wl_shm_buffer_begin_access(host->shown);
	const uint8_t *data = wl_shm_buffer_get_data(host->shown);
	for (size_t i = 0; i < BYTES; i++) {
		assert_int_equal(data[i], 0);
	}
	wl_shm_buffer_end_access(host->shown);
	expect_number(refused(peer, "wl_buffer", 0, WL_SHM_ERROR_INVALID_FD,
		wait_for_the_end), BYTES);
	peer_finish(peer);
}

static void formats_are_those_of_wl_shm(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	static const uint32_t formats[] = {
		WL_SHM_FORMAT_ARGB8888, WL_SHM_FORMAT_XRGB8888,
		WL_SHM_FORMAT_RGB565, WL_SHM_FORMAT_NV12,
	};
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = 2 * BYTES);
	tell(peer, create_pool, .size = 2 * BYTES);
	for (int i = 0; i < 4; i++) {
		tell(peer, create_buffer, .buffer = i, .width = WIDTH,
			.height = HEIGHT, .stride = STRIDE,
			.format = formats[i]);
		tell(peer, show, .buffer = i);
		assert_int_equal(wl_shm_buffer_get_format(host->shown),
			formats[i]);
		assert_int_equal(wl_shm_buffer_get_stride(host->shown), STRIDE);
	}
	peer_finish(peer);
}

/* libwayland accepts such rows, and pixman has no others. */
static void a_row_of_24_bit_pixels_may_be_padded(void **state) {
	struct host *host = *state;
	static const enum client_memory_kind kinds[] = {
		CLIENT_MEMORY_SEALED, CLIENT_MEMORY_UNSEALED,
	};
	for (int i = 0; i < 2; i++) {
		struct peer *peer = peer_create_with_pool(&host->server,
			kinds[i], 4096);
		tell(peer, create_buffer, .width = 5, .height = 5, .stride = 16,
			.format = WL_SHM_FORMAT_RGB888);
		tell(peer, show);
		assert_int_equal(wl_shm_buffer_get_stride(host->shown), 16);
		peer_finish(peer);
	}
}

static void other_resources_are_no_buffers(void **state) {
	struct host *host = *state;
	struct peer *peer = create_shown(host, CLIENT_MEMORY_SEALED);
	assert_null(wl_shm_buffer_get(compositor_get_surface(
		&host->server.compositor, peer->client, 0)->resource));
	assert_null(wl_shm_buffer_get(NULL));
	peer_finish(peer);
}

/* Missing calls */

static void an_access_may_never_end(void **state) {
	struct host *host = *state;
	client_memory_for_each(kind, CLIENT_MEMORY_SEALED) {
		struct peer *peer = create_shown(host, kind);
		wl_shm_buffer_begin_access(host->shown);
		expect(host->shown, 1);
		tell(peer, make_picture, .buffer = 1,
			.kind = kind,
			.width = WIDTH, .height = HEIGHT);
		tell(peer, capture, .buffer = 1);
		wl_shm_buffer_begin_access(host->captured);
		peer_finish(peer);
	}
}

static void bytes_may_be_read_without_an_access(void **state) {
	struct host *host = *state;
	client_memory_for_each(kind, CLIENT_MEMORY_SEALED) {
		struct peer *peer = create_shown(host, kind);
		expect(host->shown, 1);
		tell(peer, capture);
		assert_non_null(wl_shm_buffer_get_data(host->captured));
		peer_finish(peer);
	}
}

struct seen {
	const struct wl_global *global;
	bool another;
};

static bool see_wl_shm(const struct wl_client *client,
		const struct wl_global *global, void *data) {
	struct seen *seen = data;
	if (wl_global_get_interface(global) == &wl_shm_interface) {
		seen->another |= seen->global != NULL && seen->global != global;
		seen->global = global;
	}
	return true;
}

static void a_wl_shm_is_created_once(void **state) {
	struct host *host = *state;
	assert_int_equal(wl_display_init_shm(host->server.display), 0);
	assert_ptr_equal(sp_libwayland_get_shm(host->server.display), host->shm);
	struct seen seen = { 0 };
	wl_display_set_global_filter(host->server.display, see_wl_shm, &seen);
	peer_finish(peer_create(&host->server));
	assert_non_null(seen.global);
	assert_false(seen.another);
}

/* Displays */

static void two_displays_have_one_each(void **state) {
	struct host *host = *state;
	struct peer *peer = create_shown(host, CLIENT_MEMORY_UNSEALED);

	struct host *other = host_create(0);
	assert_ptr_not_equal(other->shm, host->shm);
	struct peer *others = create_shown(other, CLIENT_MEMORY_UNSEALED);
	expect_read(other->shown, 1);
	assert_int_equal(get_stats(host, peer).bytes_copied_in, 0);
	peer_finish(others);
	assert_true(server_destroy(&other->server));

	expect_read(host->shown, 1);
	tell(peer, draw_and_show, .frame = 2);
	expect_read(host->shown, 2);
	peer_finish(peer);
}

static void a_display_may_have_no_wl_shm(void **state) {
	struct wl_display *display = wl_display_create();
	assert_non_null(display);
	assert_null(sp_libwayland_get_shm(display));
	assert_int_equal(*wl_display_add_shm_format(display,
		WL_SHM_FORMAT_RGB565), WL_SHM_FORMAT_RGB565);
	assert_null(sp_libwayland_get_shm(display));
	wl_display_destroy(display);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(each_kind_of_memory_has_one_address),
		TEST(the_address_is_there_before_an_access),
		TEST(the_address_stays_when_the_pool_grows),
		TEST(the_address_stays_when_the_file_is_sealed),
		TEST(a_buffer_that_is_sealed_before_it_is_read_is_direct),
		TEST(only_what_is_read_and_damaged_is_copied),
		TEST(an_access_in_an_access_changes_nothing),
		TEST(references_keep_the_bytes),
		TEST(a_short_file_reads_as_zero),
		TEST(formats_are_those_of_wl_shm),
		TEST(a_row_of_24_bit_pixels_may_be_padded),
		TEST(other_resources_are_no_buffers),
		TEST(an_access_may_never_end),
		TEST(bytes_may_be_read_without_an_access),
		TEST(a_wl_shm_is_created_once),
		TEST(two_displays_have_one_each),
		TEST(a_display_may_have_no_wl_shm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
