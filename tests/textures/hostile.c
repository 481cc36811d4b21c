/* SPDX-License-Identifier: MIT */
/*
 * Bytes that are missing when wlroots uploads them: the texture has zeroes in their
 * place, the client gets its error, and other textures do not change.
 */
#include <wayland-client.h>

#include "host.h"

#define WIDTH 64
#define HEIGHT 32
#define STRIDE (WIDTH * 4)
/* Whole pages. */
#define BYTES (STRIDE * HEIGHT)

/* Not whole pages: the kernel fills the last one with zeroes. */
#define CUT_ROWS 13
#define CUT_BYTES (CUT_ROWS * STRIDE)

static const enum client_memory_kind unsealed_kinds[] = {
	CLIENT_MEMORY_UNSEALED, CLIENT_MEMORY_SHM_OPEN, CLIENT_MEMORY_FILE,
};

#define UNSEALED_KINDS_LEN (sizeof(unsealed_kinds) / sizeof(unsealed_kinds[0]))

/* Two bystanders, one whose memory is copied and one whose memory is read in place. */
struct bystanders {
	struct host *host;
	struct peer *peers[2];
	uint32_t frame;
};

static void bystanders_create(struct host *host,
		struct bystanders *bystanders) {
	*bystanders = (struct bystanders){ .host = host, .frame = 1 };
	bystanders->peers[0] = peer_create_with_picture(&host->server,
		CLIENT_MEMORY_SEALED, WIDTH, HEIGHT);
	bystanders->peers[1] = peer_create_with_picture(&host->server,
		CLIENT_MEMORY_UNSEALED, WIDTH, HEIGHT);
}

/* They still show the same, and then something else. */
static void bystanders_go_on(struct bystanders *bystanders) {
	for (int i = 0; i < 2; i++) {
		struct peer *peer = bystanders->peers[i];
		host_expect_shown_frame(bystanders->host, peer,
			bystanders->frame);
		tell(peer, draw_and_show, .frame = bystanders->frame + 1);
		host_expect_shown_frame(bystanders->host, peer,
			bystanders->frame + 1);
	}
	bystanders->frame++;
}

static void bystanders_finish(struct bystanders *bystanders) {
	for (int i = 0; i < 2; i++) {
		peer_finish(bystanders->peers[i]);
	}
}

/* Shows .buffer of a client that is disconnected for it. Returns its surface, which shows
 * the first rows of pattern "frame", and zeroes below. */
static struct host_surface *expect_end(struct host *host, struct peer *peer,
		int buffer, int32_t rows, uint32_t frame) {
	struct host_surface *surface = host_get_surface(host, peer, 0);
	unsigned commits = surface->commits;
	refused(peer, "wl_buffer", buffer, WL_SHM_ERROR_INVALID_FD,
		show_and_wait_for_end, .buffer = buffer);
	assert_int_equal(surface->commits, commits + 1);
	host_expect_logged("disconnected");

	struct client_image expected;
	assert_true(client_image_create(&expected, surface->image.width,
		surface->image.height));
	client_image_draw_rect(&expected, 0, 0, expected.width, rows, 1, frame);
	host_expect_image(&surface->image, &expected);
	client_image_destroy(&expected);
	return surface;
}

static void a_file_cut_after_a_commit_is_zeroes_at_the_next(void **state) {
	static const int32_t rows[] = { 0, CUT_ROWS, HEIGHT - 1 };
	struct host *host = *state;
	struct bystanders bystanders;
	bystanders_create(host, &bystanders);
	for (size_t i = 0; i < UNSEALED_KINDS_LEN; i++) {
		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++) {
			struct peer *peer = peer_create_with_picture(
				&host->server, unsealed_kinds[i], WIDTH, HEIGHT);
			/* The bytes of a file on a disk may come late. */
			host_expect_shown_frame(host, peer, 1);
			tell(peer, draw, .frame = 2);
			tell(peer, cut_memory, .size = rows[j] * STRIDE);
			/* The texture belongs to wlroots. */
			host_expect_shown_frame(host, peer, 1);
			expect_end(host, peer, 0, rows[j], 2);
			peer_kill(peer);
			bystanders_go_on(&bystanders);
		}
	}
	bystanders_finish(&bystanders);
}

/* If a texture is updated, only the damage is uploaded. */
static void a_file_cut_after_a_commit_is_zeroes_within_the_damage(
		void **state) {
	struct host *host = *state;
	struct bystanders bystanders;
	bystanders_create(host, &bystanders);
	for (size_t i = 0; i < UNSEALED_KINDS_LEN; i++) {
		struct peer *peer = peer_create_with_picture(&host->server,
			unsealed_kinds[i], WIDTH, HEIGHT);
		struct host_surface *surface = host_get_surface(host, peer, 0);
		tell(peer, draw, .frame = 2);
		tell(peer, cut_memory, .size = CUT_BYTES);
		refused(peer, "wl_buffer", 0, WL_SHM_ERROR_INVALID_FD,
			show_and_wait_for_end, .x = 3, .y = CUT_ROWS - 2,
			.width = 20, .height = 7);

		struct client_image expected, zeroes;
		assert_true(client_image_create(&expected, WIDTH, HEIGHT));
		assert_true(client_image_create(&zeroes, 20, 5));
		client_image_draw(&expected, 1);
		client_image_draw_rect(&expected, 3, CUT_ROWS - 2, 20, 2, 1, 2);
		client_image_paste(&expected, 3, CUT_ROWS, &zeroes);
		host_expect_image(&surface->image, &expected);
		client_image_destroy(&zeroes);
		client_image_destroy(&expected);
		peer_kill(peer);
		bystanders_go_on(&bystanders);
	}
	bystanders_finish(&bystanders);
}

static void a_file_shorter_than_its_pool_is_zeroes_past_its_end(void **state) {
	struct host *host = *state;
	struct bystanders bystanders;
	bystanders_create(host, &bystanders);
	for (size_t i = 0; i < UNSEALED_KINDS_LEN; i++) {
		/* A buffer within the file, one across its end, and one past it. */
		for (int j = 1; j < 3; j++) {
			struct peer *peer = peer_create(&host->server);
			tell(peer, make_memory, .kind = unsealed_kinds[i],
				.size = BYTES + CUT_BYTES);
			tell(peer, create_pool, .size = 3 * BYTES);
			tell(peer, fill_memory, .frame = 1);
			tell(peer, create_buffer, .width = WIDTH,
				.height = HEIGHT, .stride = STRIDE);
			tell(peer, draw_and_show, .frame = 1);
			host_expect_shown_frame(host, peer, 1);

			int32_t rows = j == 1 ? CUT_ROWS : 0;
			if (rows > 0) {
				tell(peer, create_buffer, .buffer = 3,
					.offset = BYTES, .width = WIDTH,
					.height = rows, .stride = STRIDE);
				tell(peer, draw, .buffer = 3, .frame = 2);
			}
			tell(peer, create_buffer, .buffer = j,
				.offset = j * BYTES, .width = WIDTH,
				.height = HEIGHT, .stride = STRIDE);
			expect_end(host, peer, j, rows, 2);
			peer_kill(peer);
			bystanders_go_on(&bystanders);
		}
	}
	bystanders_finish(&bystanders);
}

/* The seal holds only for the bytes that the file had when the seal was seen. */
static void a_pool_resized_past_its_sealed_file_is_zeroes_past_its_end(
		void **state) {
	static const enum client_memory_kind kinds[] = {
		CLIENT_MEMORY_SEALED, CLIENT_MEMORY_FIXED,
	};
	struct host *host = *state;
	struct bystanders bystanders;
	bystanders_create(host, &bystanders);
	for (int i = 0; i < 2; i++) {
		struct peer *peer = peer_create_with_picture(&host->server,
			kinds[i], WIDTH, HEIGHT);
		tell(peer, resize_pool, .size = 64 * BYTES);
		/* This buffer is still read in place. */
		tell(peer, draw_and_show, .frame = 2);
		host_expect_shown_frame(host, peer, 2);
		/* Only its first rows are within the file. */
		tell(peer, create_buffer, .buffer = 1,
			.offset = BYTES - CUT_BYTES, .width = WIDTH,
			.height = 50 * HEIGHT, .stride = STRIDE);
		tell(peer, create_buffer, .buffer = 2,
			.offset = BYTES - CUT_BYTES, .width = WIDTH,
			.height = CUT_ROWS, .stride = STRIDE);
		tell(peer, draw, .buffer = 2, .frame = 3);
		expect_end(host, peer, 1, CUT_ROWS, 3);
		peer_kill(peer);
		bystanders_go_on(&bystanders);
	}
	bystanders_finish(&bystanders);
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_file_cut_after_a_commit_is_zeroes_at_the_next),
		TEST(a_file_cut_after_a_commit_is_zeroes_within_the_damage),
		TEST(a_file_shorter_than_its_pool_is_zeroes_past_its_end),
		TEST(a_pool_resized_past_its_sealed_file_is_zeroes_past_its_end),
	};
	if (!host_init()) {
		return 77;
	}
	int failed = cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
	host_finish();
	return failed;
}
