/* SPDX-License-Identifier: MIT */
/*
 * Textures that were imported show what an upload would show, and clients get their
 * buffers back.
 */
#include <string.h>
#include <time.h>
#include <wayland-client.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/render/dmabuf.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_compositor.h>

#include "gpu.h"

static const struct args picture = {
	.kind = CLIENT_MEMORY_SEALED, .width = WIDTH, .height = HEIGHT,
	.stride = STRIDE,
};

static bool count_releases(struct actor *actor, const struct args *args) {
	unsigned releases = actor->buffers[args->buffer].releases;
	return releases == args->count || client_fail(&actor->client,
		"%u releases instead of %u", releases, args->count);
}

/* By turns: gpu_create_peer() has shown 2 in buffer 1. */
static int buffer_of(uint32_t frame) {
	return (int)(frame + 1) % 2;
}

static void a_buffer_that_comes_again_is_imported(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	assert_true(gpu_works());
	for (uint32_t frame = 3; frame < 9; frame++) {
		gpu_show(host, peer, buffer_of(frame), frame);
		assert_true(gpu_is_imported(host, peer));
		/* The other one is the client's again. */
		tell(peer, wait_released, .buffer = 1 - buffer_of(frame));
	}
	assert_int_equal(gpu_count_dmabufs(), 2);
	/* It is the client's memory itself. */
	tell(peer, draw, .buffer = buffer_of(8), .frame = 100);
	gpu_expect_drawn(host, peer, 100);
	peer_finish(peer);
	assert_int_equal(gpu_count_dmabufs(), 0);
}

/* Damage says what is new; the rest was drawn before. */
static void damage_is_shown(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	for (uint32_t frame = 3; frame < 7; frame++) {
		struct client_image expected;
		int buffer = buffer_of(frame);
		gpu_show(host, peer, 1 - buffer, 50);
		tell(peer, draw, .buffer = buffer, .frame = 50);
		tell(peer, draw_and_show, .buffer = buffer, .frame = frame,
			.x = 7, .y = 9, .width = 30, .height = 20);
		assert_true(gpu_is_imported(host, peer));
		assert_true(client_image_create(&expected, WIDTH, HEIGHT));
		client_image_draw(&expected, 50);
		client_image_draw_rect(&expected, 7, 9, 30, 20, 1, frame);
		host_expect_shown(host, peer, &expected);
		client_image_destroy(&expected);
	}
	peer_finish(peer);
}

static void offsets_and_strides_are_imported(void **state) {
	static const struct {
		int32_t offset, width, height, stride, size;
	} pictures[] = {
		{ 0, 64, 64, 256, 16384 },
		{ 4096, 64, 64, 256, 20480 },
		{ 256, 63, 37, 512, 20480 },
		{ 3 * 4096 + 768, 200, 60, 1024, 20 * 4096 },
		{ 0, 1, 16, 256, 4096 },
	};
	struct host *host = *state;
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		struct peer *peer = gpu_create_peer_with(host, (struct args){
			.kind = CLIENT_MEMORY_SEALED,
			.offset = pictures[i].offset,
			.width = pictures[i].width,
			.height = pictures[i].height,
			.stride = pictures[i].stride,
			.size = pictures[i].size,
		});
		/* What is beside the picture has no holes either. */
		for (uint32_t frame = 3; frame < 6; frame++) {
			gpu_show(host, peer, buffer_of(frame), frame);
		}
		assert_int_equal(gpu_is_imported(host, peer), true);
		peer_finish(peer);
	}
}

static bool make_formats(struct actor *actor, const struct args *args) {
	struct args buffer = *args;
	for (int i = 0; i < 2; i++) {
		buffer.buffer = i;
		buffer.offset = i * BYTES;
		if (!create_buffer(actor, &buffer)) {
			return false;
		}
	}
	return true;
}

/* The pattern is of XRGB8888; its alpha is opaque, and red and blue may be exchanged. */
static void formats_are_those_of_an_upload(void **state) {
	static const uint32_t formats[] = {
		WL_SHM_FORMAT_ARGB8888, WL_SHM_FORMAT_XRGB8888,
		WL_SHM_FORMAT_ABGR8888, WL_SHM_FORMAT_XBGR8888,
	};
	struct host *host = *state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct client_image uploaded, imported;
		struct peer *peer = peer_create(&host->server);
		tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED,
			.size = 2 * BYTES);
		tell(peer, create_pool, .size = 2 * BYTES);
		tell(peer, make_formats, .width = WIDTH, .height = HEIGHT,
			.stride = STRIDE, .format = formats[i]);
		tell(peer, draw_and_show, .buffer = 0, .frame = 1);
		gpu_wait_for_probe(host);
		assert_false(gpu_is_imported(host, peer));
		host_read_texture(host_get_client_buffer(host, peer)->texture,
			&uploaded);
		tell(peer, draw_and_show, .buffer = 1, .frame = 1);
		tell(peer, draw_and_show, .buffer = 0, .frame = 1);
		assert_true(gpu_is_imported(host, peer));
		host_read_texture(host_get_client_buffer(host, peer)->texture,
			&imported);
		host_expect_image(&imported, &uploaded);
		client_image_destroy(&uploaded);
		client_image_destroy(&imported);
		peer_finish(peer);
	}
}

/* One that waits for its release would wait for ever. */
static void a_single_buffer_is_uploaded(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create_with_picture(&host->server,
		CLIENT_MEMORY_SEALED, 64, 64);
	assert_true(gpu_wait_for_probe(host));
	for (uint32_t frame = 2; frame < 6; frame++) {
		tell(peer, wait_released, .buffer = 0);
		gpu_show(host, peer, 0, frame);
		assert_false(gpu_is_imported(host, peer));
	}
	tell(peer, wait_released, .buffer = 0);
	peer_finish(peer);
}

/* The client has one buffer left, which the surface shows. */
static void the_last_of_two_buffers_is_given_back(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	gpu_show(host, peer, 0, 3);
	gpu_show(host, peer, 1, 4);
	assert_true(gpu_is_imported(host, peer));
	tell(peer, destroy_buffer, .buffer = 0);
	tell(peer, wait_released, .buffer = 1);
	/* It may draw now, and what is shown stays until it commits. */
	tell(peer, draw, .buffer = 1, .frame = 5);
	gpu_expect_drawn(host, peer, 4);
	gpu_show(host, peer, 1, 5);
	tell(peer, wait_released, .buffer = 1);
	peer_finish(peer);
}

/* The other one is on another surface now. */
static void a_buffer_left_alone_by_another_surface_is_given_back(
		void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	gpu_show(host, peer, 0, 3);
	gpu_show(host, peer, 1, 4);
	assert_true(gpu_is_imported(host, peer));
	tell(peer, draw_and_show, .surface = 1, .buffer = 0, .frame = 7);
	tell(peer, wait_released, .buffer = 1);
	tell(peer, draw, .buffer = 1, .frame = 5);
	gpu_expect_drawn(host, peer, 4);
	peer_finish(peer);
}

/* One buffer of each size, as of a window that is big and small by turns. */
static void a_single_buffer_of_its_size_is_uploaded(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	for (int i = 2; i < 4; i++) {
		tell(peer, make_picture, .buffer = i, .kind = picture.kind,
			.width = 64, .height = 32 * i);
	}
	for (uint32_t frame = 3; frame < 10; frame++) {
		int buffer = 1 + (int)frame % 3;
		gpu_show(host, peer, buffer, frame);
		assert_false(gpu_is_imported(host, peer));
		tell(peer, wait_released, .buffer = buffer);
	}
	peer_finish(peer);
}

/* What is left has another size. */
static void the_last_buffer_of_its_size_is_given_back(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	tell(peer, make_picture, .buffer = 2, .kind = picture.kind, .width = 64,
		.height = 64);
	gpu_show(host, peer, 2, 3);
	for (uint32_t frame = 4; frame < 7; frame++) {
		gpu_show(host, peer, buffer_of(frame), frame);
	}
	assert_true(gpu_is_imported(host, peer));
	tell(peer, destroy_buffer, .buffer = 1 - buffer_of(6));
	tell(peer, wait_released, .buffer = buffer_of(6));
	peer_finish(peer);
}

/* Each surface shows it, until the surface is committed again. */
static void a_buffer_on_two_surfaces_is_given_back(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	gpu_show(host, peer, 0, 3);
	gpu_show(host, peer, 1, 4);
	assert_true(gpu_is_imported(host, peer));
	tell(peer, wait_released, .buffer = 0);
	gpu_watch_releases(host, peer);
	tell(peer, show, .surface = 1, .buffer = 1);
	/* One for each commit. */
	assert_int_equal(gpu_count_releases(), 2);
	tell(peer, draw, .buffer = 1, .frame = 5);
	gpu_expect_drawn(host, peer, 4);
	gpu_show(host, peer, 1, 6);
	assert_int_equal(gpu_count_releases(), 3);
	peer_finish(peer);
}

/* The compositor fades it out, for example. */
static void a_buffer_whose_old_texture_is_kept_is_given_back(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	gpu_show(host, peer, 0, 3);
	gpu_show(host, peer, 1, 4);
	struct wlr_client_buffer *held = host_get_client_buffer(host, peer);
	wlr_buffer_lock(&held->base);
	tell(peer, destroy_buffer, .buffer = 0);
	tell(peer, wait_released, .buffer = 1);
	for (uint32_t frame = 5; frame < 8; frame++) {
		gpu_show(host, peer, 1, frame);
		tell(peer, wait_released, .buffer = 1);
		gpu_expect_texture(held->texture, 4);
	}
	wlr_buffer_unlock(&held->base);
	tell(peer, count_releases, .buffer = 1, .count = 5);
	peer_finish(peer);
	assert_int_equal(gpu_count_dmabufs(), 0);
}

/* A release is sent once, and not for what is committed later. */
static void each_commit_has_one_release(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	gpu_show(host, peer, 0, 3);
	gpu_show(host, peer, 1, 4);
	tell(peer, destroy_buffer, .buffer = 0);
	tell(peer, wait_released, .buffer = 1);
	tell(peer, count_releases, .buffer = 1, .count = 2);
	/* Its texture, with the copy, ends here. */
	peer_tell(peer, make_picture, "make_picture", &(struct args){
		.buffer = 2, .kind = picture.kind, .width = WIDTH,
		.height = HEIGHT, .stride = STRIDE });
	gpu_show(host, peer, 2, 5);
	tell(peer, count_releases, .buffer = 1, .count = 2);
	gpu_show(host, peer, 1, 6);
	gpu_show(host, peer, 2, 7);
	tell(peer, wait_released, .buffer = 1);
	tell(peer, count_releases, .buffer = 1, .count = 3);
	peer_finish(peer);
}

static void a_release_waits_for_the_gpu(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	gpu_show(host, peer, 0, 3);
	gpu_show(host, peer, 1, 4);
	tell(peer, wait_released, .buffer = 0);
	egl_behavior.is_busy = true;
	gpu_show(host, peer, 0, 5);
	/* Each order ends when the compositor has handled all of it. */
	for (int i = 0; i < 20; i++) {
		tell(peer, wait_handled, 0);
	}
	tell(peer, count_releases, .buffer = 1, .count = 1);
	egl_behavior.is_busy = false;
	tell(peer, wait_released, .buffer = 1);
	peer_finish(peer);
}

/* The other client's buffers are released in between, again and again. */
static void a_release_is_not_put_off_by_others(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	struct peer *other = gpu_create_peer(host);
	for (uint32_t frame = 3; frame < 5; frame++) {
		gpu_show(host, peer, buffer_of(frame), frame);
		gpu_show(host, other, buffer_of(frame), frame);
	}
	struct wlr_client_buffer *held = host_get_client_buffer(host, other);
	wlr_buffer_lock(&held->base);
	gpu_show(host, other, 0, 5);
	egl_behavior.is_busy = true;
	gpu_show(host, peer, 0, 5);
	gpu_watch_releases(host, peer);
	egl_behavior.is_busy = false;
	egl_behavior.is_late = true;
	/* The GPU is asked again after 1 ms. */
	nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	wlr_buffer_unlock(&held->base);
	wl_event_loop_dispatch(host->server.loop, 0);
	assert_int_equal(gpu_count_releases(), 1);
	egl_behavior.is_late = false;
	tell(other, wait_released, .buffer = 1);
	peer_finish(peer);
	peer_finish(other);
}

static void only_a_texture_is_made_of_a_dmabuf(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	gpu_show(host, peer, 0, 3);
	assert_true(gpu_is_imported(host, peer));
	struct wlr_client_buffer *client_buffer =
		host_get_client_buffer(host, peer);
	struct wlr_dmabuf_attributes dmabuf;
	struct wlr_shm_attributes shm;
	void *data;
	uint32_t format;
	size_t stride;
	/* Neither capture, nor scan-out, nor a parent compositor. */
	assert_false(wlr_buffer_get_dmabuf(&client_buffer->base, &dmabuf));
	assert_false(wlr_buffer_get_dmabuf(client_buffer->source, &dmabuf));
	assert_false(wlr_buffer_get_shm(client_buffer->source, &shm));
	assert_true(wlr_buffer_begin_data_ptr_access(client_buffer->source,
		WLR_BUFFER_DATA_PTR_ACCESS_READ, &data, &format, &stride));
	struct client_image image = {
		.data = data, .width = WIDTH, .height = HEIGHT,
		.stride = (int32_t)stride,
	};
	host_expect_frame(&image, 3);
	wlr_buffer_end_data_ptr_access(client_buffer->source);
	peer_finish(peer);
}

static void an_unmapped_window_gives_back_everything(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	gpu_show(host, peer, 0, 3);
	gpu_show(host, peer, 1, 4);
	assert_true(gpu_is_imported(host, peer));
	tell(peer, attach, .buffer = NO_BUFFER);
	tell(peer, commit, 0);
	tell(peer, wait_released, .buffer = 0);
	tell(peer, wait_released, .buffer = 1);
	gpu_wait_for_dmabufs(host, 0);
	/* It is mapped again. */
	for (uint32_t frame = 5; frame < 9; frame++) {
		gpu_show(host, peer, buffer_of(frame), frame);
	}
	peer_finish(peer);
}

static void an_idle_buffer_is_given_back(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	gpu_show(host, peer, 0, 3);
	gpu_show(host, peer, 1, 4);
	/* That of the other one goes. The texture that is shown keeps its own. */
	gpu_wait_for_dmabufs(host, 1);
	tell(peer, wait_released, .buffer = 1);
	tell(peer, draw, .buffer = 1, .frame = 6);
	gpu_expect_drawn(host, peer, 4);
	for (uint32_t frame = 6; frame < 12; frame++) {
		gpu_show(host, peer, buffer_of(frame), frame);
	}
	peer_finish(peer);
}

/* The other buffer does not qualify, and stays. */
static void an_idle_buffer_beside_an_uploaded_one_is_given_back(
		void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < 2; i++) {
		tell(peer, make_picture, .buffer = i, .kind = picture.kind,
			.width = WIDTH, .height = HEIGHT,
			.stride = i == 0 ? STRIDE : WIDTH * 4);
		gpu_show(host, peer, i, (uint32_t)i + 1);
		gpu_wait_for_probe(host);
	}
	gpu_show(host, peer, 0, 3);
	tell(peer, wait_released, .buffer = 0);
	tell(peer, draw, .buffer = 0, .frame = 6);
	gpu_expect_drawn(host, peer, 3);
	peer_finish(peer);
}

/* The same memory, in new buffers. */
static bool create_buffers_again(struct actor *actor, const struct args *args) {
	struct args all = *args;
	for (int i = 0; i < 2; i++) {
		all.buffer = all.pool = i;
		if (!destroy_buffer(actor, &all) || !create_buffer(actor, &all)) {
			return false;
		}
	}
	return true;
}

/* The other client has a buffer imported more often than the timer runs: each second. */
static void an_idle_buffer_is_given_back_while_others_are_not(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	struct peer *other = gpu_create_peer(host);
	gpu_show(host, peer, 0, 3);
	gpu_show(host, peer, 1, 4);
	tell(peer, wait_released, .buffer = 0);
	gpu_watch_releases(host, peer);
	host->is_blind = true;
	int64_t deadline = server_now_ms() + 30000;
	while (gpu_count_releases() == 0 && server_now_ms() < deadline) {
		tell(other, create_buffers_again, .width = WIDTH,
			.height = HEIGHT, .stride = STRIDE,
			.format = WL_SHM_FORMAT_XRGB8888);
		for (int i = 0; i < 3; i++) {
			tell(other, show, .buffer = i % 2);
		}
		assert_true(gpu_is_imported(host, other));
	}
	assert_int_equal(gpu_count_releases(), 1);
	peer_finish(peer);
	peer_finish(other);
}

static void a_texture_outlives_its_client(void **state) {
	struct host *host = *state;
	struct peer *peer = gpu_create_peer(host);
	gpu_show(host, peer, 0, 3);
	assert_true(gpu_is_imported(host, peer));
	struct wlr_client_buffer *held = host_get_client_buffer(host, peer);
	wlr_buffer_lock(&held->base);
	peer_kill(peer);
	struct client_image image;
	host_read_texture(held->texture, &image);
	host_expect_frame(&image, 3);
	client_image_destroy(&image);
	assert_int_equal(gpu_count_dmabufs(), 1);
	wlr_buffer_unlock(&held->base);
	assert_int_equal(gpu_count_dmabufs(), 0);
}

static void two_buffers_of_one_file_are_imported(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = 2 * BYTES);
	tell(peer, create_pool, .size = 2 * BYTES);
	tell(peer, make_formats, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = WL_SHM_FORMAT_XRGB8888);
	for (uint32_t frame = 1; frame < 8; frame++) {
		gpu_show(host, peer, buffer_of(frame), frame);
		gpu_wait_for_probe(host);
		assert_int_equal(gpu_is_imported(host, peer), frame > 2);
	}
	/* The file grows; so may what is imported of it. */
	tell(peer, grow_memory, .size = 4 * BYTES);
	tell(peer, resize_pool, .size = 4 * BYTES);
	for (int i = 2; i < 4; i++) {
		tell(peer, create_buffer, .buffer = i, .offset = i * BYTES,
			.width = WIDTH, .height = HEIGHT, .stride = STRIDE,
			.format = WL_SHM_FORMAT_XRGB8888);
	}
	for (uint32_t frame = 8; frame < 20; frame++) {
		gpu_show(host, peer, (int)frame % 4, frame);
	}
	assert_true(gpu_is_imported(host, peer));
	assert_int_equal(gpu_count_dmabufs(), 4);
	peer_finish(peer);
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, gpu_setup, gpu_teardown)
#define IDLE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, gpu_setup_idle, gpu_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_buffer_that_comes_again_is_imported),
		TEST(damage_is_shown),
		TEST(offsets_and_strides_are_imported),
		TEST(formats_are_those_of_an_upload),
		TEST(a_single_buffer_is_uploaded),
		TEST(the_last_of_two_buffers_is_given_back),
		TEST(a_buffer_left_alone_by_another_surface_is_given_back),
		TEST(a_single_buffer_of_its_size_is_uploaded),
		TEST(the_last_buffer_of_its_size_is_given_back),
		TEST(a_buffer_on_two_surfaces_is_given_back),
		TEST(a_buffer_whose_old_texture_is_kept_is_given_back),
		TEST(each_commit_has_one_release),
		TEST(a_release_waits_for_the_gpu),
		TEST(a_release_is_not_put_off_by_others),
		TEST(only_a_texture_is_made_of_a_dmabuf),
		IDLE_TEST(an_unmapped_window_gives_back_everything),
		IDLE_TEST(an_idle_buffer_is_given_back),
		IDLE_TEST(an_idle_buffer_beside_an_uploaded_one_is_given_back),
		cmocka_unit_test_setup_teardown(
			an_idle_buffer_is_given_back_while_others_are_not,
			gpu_setup_slow_idle, gpu_teardown),
		TEST(a_texture_outlives_its_client),
		TEST(two_buffers_of_one_file_are_imported),
	};
	if (!host_init()) {
		return 77;
	}
	gpu_watch_log();
	int failed = cmocka_run_group_tests_name("import", tests, NULL, NULL);
	host_finish();
	return failed;
}
