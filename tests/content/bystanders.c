/* SPDX-License-Identifier: MIT */
/*
 * Attacks have no effect on what other clients show.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

#include "attack.h"
#include "screen.h"
#include "silent-files.h"

#define SIDE 150
#define FATE_MS 30000

/* Another client's window, in memory that is copied or not. */
struct bystander {
	struct canvas canvas;
	struct client_window window;
	struct cover cover;
	struct client_image expected;
};

static void bystander_create(struct screen *screen,
		struct bystander *bystander, enum client_memory_kind kind) {
	canvas_create(screen, &bystander->canvas, kind, 2, SIDE, SIDE);
	image_create(&bystander->expected, SIDE, SIDE);
	must(screen, client_window_create(&screen->client, &bystander->window,
		"bystander"));
	cover_create(screen, &bystander->cover, &bystander->window.surface,
		SIDE, SIDE);
	for (int i = 0; i < 2; i++) {
		client_image_draw(&bystander->canvas.images[i], 0);
		must(screen, client_surface_show(&bystander->window.surface,
			&bystander->canvas.buffers[i]));
	}
	client_image_draw(&bystander->expected, 0);
}

static void bystander_destroy(struct bystander *bystander) {
	cover_destroy(&bystander->cover);
	client_window_destroy(&bystander->window);
	canvas_destroy(&bystander->canvas);
	client_image_destroy(&bystander->expected);
}

static void bystander_go_on(struct screen *screen, struct bystander *bystander,
		uint32_t frame) {
	struct client_surface *surface = &bystander->window.surface;
	/* The buffer that is not shown. */
	size_t i = (frame + 1) % 2;
	struct client_buffer *buffer = &bystander->canvas.buffers[i];
	must(screen, client_buffer_wait_released(&screen->client, buffer));
	client_image_draw_rect(&bystander->canvas.images[i], 20, 30, 40,
		50, 1, frame);
	client_image_draw_rect(&bystander->expected, 20, 30, 40, 50, 1, frame);
	client_surface_attach(surface, buffer);
	client_surface_damage(surface, 20, 30, 40, 50);
	must(screen, client_surface_present(surface));
}

/* Attacks while bystanders show windows. Their pixels are exact before, afterwards, and
 * in later frames, and only the attacker gets an error. */
static void attack_beside_bystanders(struct screen *screen,
		enum attack_kind kind, const char *interface) {
	static const enum client_memory_kind kinds[] = {
		CLIENT_MEMORY_SEALED, CLIENT_MEMORY_UNSEALED,
	};
	struct bystander bystanders[2];
	struct sight sights[2];
	for (int i = 0; i < 2; i++) {
		bystander_create(screen, &bystanders[i], kinds[i]);
		sights[i] = (struct sight){
			i * SIDE, 0, &bystanders[i].expected,
		};
	}
	screen_expect(screen, sights, 2);

	for (uint32_t round = 0; round < 3; round++) {
		struct client attacker;
		struct client_fate fate;
		if (!client_connect(&attacker, screen->compositor.display) ||
				!attack(&attacker, kind, FATE_MS, &fate)) {
			fail_msg("%s", attacker.error);
		}
		client_disconnect(&attacker);
		assert_int_equal(fate.kind, CLIENT_PROTOCOL_ERROR);
		assert_string_equal(fate.interface, interface);
		assert_string_equal(fate.name, "wl_shm.invalid_fd");
		/* The message helps a client's developer. */
		assert_non_null(strstr(fate.message, "bytes"));

		assert_true(compositor_is_alive(&screen->compositor));
		screen_expect(screen, sights, 2);
		screen_expect_through(screen, CLIENT_MEMORY_UNSEALED, sights,
			2);
		for (int i = 0; i < 2; i++) {
			bystander_go_on(screen, &bystanders[i], 1 + round);
		}
		screen_expect(screen, sights, 2);
		for (int i = 0; i < 2; i++) {
			cover_flash(screen, &bystanders[i].cover);
		}
		screen_expect(screen, sights, 2);
	}
	for (int i = 0; i < 2; i++) {
		bystander_destroy(&bystanders[i]);
	}
}

static void a_truncated_file_hurts_its_client_only(void **state) {
	struct screen *screen = *state;
	attack_beside_bystanders(screen, ATTACK_TRUNCATE, "wl_buffer");
}

static void a_short_file_hurts_its_client_only(void **state) {
	struct screen *screen = *state;
	attack_beside_bystanders(screen, ATTACK_SHORT, "wl_buffer");
}

static void a_pool_resized_past_its_sealed_file_hurts_its_client_only(
		void **state) {
	struct screen *screen = *state;
	/* Behind the guard there is a wl_shm that would map the file. */
	attack_beside_bystanders(screen, ATTACK_SEALED_RESIZE,
		screen_is_guarded(screen) ? "wl_shm_pool" : "wl_buffer");
}

/* A file without seals, a pool and a buffer. */
struct picture {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
};

static void picture_create(struct client *client, struct picture *picture,
		int32_t side) {
	if (!client_memory_create(client, &picture->memory,
			CLIENT_MEMORY_UNSEALED,
			(size_t)side * (size_t)side * 4) ||
			!client_pool_create(client, &picture->pool,
				&picture->memory, side * side * 4) ||
			!client_buffer_create(&picture->pool,
				&picture->buffer, 0, side, side, side * 4)) {
		fail_msg("%s", client->error);
	}
}

static void picture_destroy(struct picture *picture) {
	client_buffer_destroy(&picture->buffer);
	client_pool_destroy(&picture->pool);
	client_memory_destroy(&picture->memory);
}

static void picture_commit(struct picture *picture,
		struct client_window *window, int32_t side) {
	client_surface_attach(&window->surface, &picture->buffer);
	client_surface_damage_buffer(&window->surface, 0, 0, side, side);
	client_surface_commit(&window->surface);
}

/*
 * One window's next buffer cannot be copied, as it exceeds the budget of 512 MiB. This
 * window is drawn once more before its client is disconnected, since the compositor is
 * busy with another window's copy until the next frame is due.
 */
static void a_window_beyond_the_budget_hurts_its_client_only(void **state) {
	enum { SMALL = 64, BUSY = 5000, LARGE = 12000 };
	struct screen *screen = *state;
	struct bystander bystander;
	bystander_create(screen, &bystander, CLIENT_MEMORY_UNSEALED);
	const struct sight sight = { 0, 0, &bystander.expected };

	struct client attacker;
	struct client_window windows[2];
	struct picture small[2], busy, large;
	struct client_fate fate;
	if (!client_connect(&attacker, screen->compositor.display)) {
		fail_msg("%s", attacker.error);
	}
	picture_create(&attacker, &busy, BUSY);
	picture_create(&attacker, &large, LARGE);
	memset(busy.memory.data, 0x55, busy.memory.size);
	for (int i = 0; i < 2; i++) {
		picture_create(&attacker, &small[i], SMALL);
		if (!client_window_create(&attacker, &windows[i], "attacker") ||
				!client_surface_show(&windows[i].surface,
					&small[i].buffer)) {
			fail_msg("%s", attacker.error);
		}
	}
	picture_commit(&busy, &windows[0], BUSY);
	picture_commit(&large, &windows[1], LARGE);
	client_wait_fate(&attacker, FATE_MS, &fate);
	assert_int_equal(fate.kind, CLIENT_PROTOCOL_ERROR);
	assert_string_equal(fate.name, "wl_display.implementation");
	assert_non_null(strstr(fate.message, "bytes"));
	for (int i = 0; i < 2; i++) {
		client_window_destroy(&windows[i]);
		picture_destroy(&small[i]);
	}
	picture_destroy(&busy);
	picture_destroy(&large);
	client_disconnect(&attacker);

	assert_true(compositor_is_alive(&screen->compositor));
	screen_expect(screen, &sight, 1);
	bystander_go_on(screen, &bystander, 1);
	screen_expect(screen, &sight, 1);
	bystander_destroy(&bystander);
}

#define SILENT_CLIENTS 20

/* Another compositor may take its place: its connections are closed, and its socket and
 * the socket's lock are removed. */
static void expect_ended(struct screen *screen, struct client *clients) {
	struct client_fate fate;
	for (int i = 0; i < SILENT_CLIENTS; i++) {
		client_wait_fate(&clients[i], FATE_MS, &fate);
		assert_int_equal(fate.kind, CLIENT_DISCONNECTED);
	}
	char lock[160];
	const char *socket = screen->compositor.display;
	snprintf(lock, sizeof(lock), "%s.lock", socket);
	for (int i = 0; access(socket, F_OK) == 0 || access(lock, F_OK) == 0; i++) {
		if (i == 1000) {
			fail_msg("its socket, or the lock of that, is still there");
		}
		poll(NULL, 0, 10);
	}
}

/* Each client serves its file itself, and never responds. */
static void a_compositor_ends_while_files_do_not_answer(void **state) {
	struct screen *screen = *state;
	struct silent_files files;
	static struct client clients[SILENT_CLIENTS];
	struct wl_shm_pool *pools[SILENT_CLIENTS];
	if (!silent_files_mount_about(&files, ~0u)) {
		print_message("%s\n", files.error);
		skip();
	}
	int fd = open(files.file, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	for (int i = 0; i < SILENT_CLIENTS; i++) {
		struct client *client = &clients[i];
		if (!client_connect(client, screen->compositor.display)) {
			fail_msg("%s", client->error);
		}
		pools[i] = wl_shm_create_pool(client->shm, fd, 4096);
		if (!client_roundtrip(client)) {
			fail_msg("%s", client->error);
		}
	}
	while (!silent_files_were_asked(&files)) {
		poll(NULL, 0, 1);
	}
	compositor_tell_to_end(&screen->compositor);
	expect_ended(screen, clients);
	/* Only now can its process end, since the kernel waits for the file, too. */
	assert_true(silent_files_unmount(&files));
	close(fd);
	for (int i = 0; i < SILENT_CLIENTS; i++) {
		wl_shm_pool_destroy(pools[i]);
		client_disconnect(&clients[i]);
	}
}

int main(int argc, char *argv[]) {
	static const struct CMUnitTest tests[] = {
		screen_test(a_truncated_file_hurts_its_client_only),
		screen_test(a_short_file_hurts_its_client_only),
		screen_test(
			a_pool_resized_past_its_sealed_file_hurts_its_client_only),
		screen_test(a_window_beyond_the_budget_hurts_its_client_only),
		screen_test(a_compositor_ends_while_files_do_not_answer),
	};
	if (!screen_init(argc, argv)) {
		return 1;
	}
	return cmocka_run_group_tests_name("bystanders", tests, NULL, NULL);
}
