/* SPDX-License-Identifier: MIT */
/*
 * Files that are shorter than their pools, from the start or later.
 */
#include <poll.h>
#include <unistd.h>
#include <wayland-client.h>

#include "attacker.h"
#include "xdg-shell-client-protocol.h"

static void short_file(struct test *test) {
	struct attacker *a = attacker_begin(test);
	attacker_create_memory(a, (enum client_memory_kind)test->argument,
		BYTES / 2);
	attacker_create_pool(a, BYTES);
	attacker_create_buffer(a);
	attacker_keep_committing(a, &a->buffer, ATTACK_MS);
}

static void empty_file(struct test *test) {
	struct attacker *a = attacker_begin(test);
	attacker_create_memory(a, (enum client_memory_kind)test->argument,
		BYTES);
	attacker_cut_memory(a, 0);
	attacker_create_pool(a, BYTES);
	attacker_create_buffer(a);
	attacker_keep_committing(a, &a->buffer, ATTACK_MS);
}

static void cut_after_commit(struct test *test) {
	attacker_begin_with_good(test, (enum client_memory_kind)test->argument);
	attacker_cut_memory(&attacker, 0);
	/* The buffer is painted again, and then committed again. */
	attacker_keep_committing(&attacker, NULL, ATTACK_MS / 2);
	attacker_keep_committing(&attacker, &attacker.buffer, ATTACK_MS);
}

static void cut_before_commit(struct test *test) {
	struct attacker *a = &attacker;
	attacker_begin_with_good(test, (enum client_memory_kind)test->argument);
	for (int i = 0; i < 2; i++) {
		struct client_surface *surface = i == 0 ? &a->bare :
			&a->window.surface;
		if (surface->surface != NULL) {
			client_surface_attach(surface, &a->buffer);
			damage_all(surface);
		}
	}
	must(test, client_roundtrip(a->client));
	attacker_cut_memory(a, 0);
	attacker_keep_committing(a, NULL, ATTACK_MS / 2);
	attacker_keep_committing(a, &a->buffer, ATTACK_MS / 2);
}

static void cut_after_buffer_destroy(struct test *test) {
	attacker_begin_with_good(test, (enum client_memory_kind)test->argument);
	client_buffer_destroy(&attacker.buffer);
	must(test, client_roundtrip(&test->client));
	attacker_cut_memory(&attacker, 0);
	attacker_keep_committing(&attacker, NULL, ATTACK_MS);
}

static void cut_after_pool_destroy(struct test *test) {
	attacker_begin_with_good(test, (enum client_memory_kind)test->argument);
	client_pool_destroy(&attacker.pool);
	must(test, client_roundtrip(&test->client));
	attacker_cut_memory(&attacker, 0);
	attacker_keep_committing(&attacker, &attacker.buffer, ATTACK_MS);
}

static void cut_after_all_is_destroyed(struct test *test) {
	struct attacker *a = &attacker;
	attacker_begin_with_good(test, (enum client_memory_kind)test->argument);
	attacker_commit(&a->bare, &a->buffer);
	attacker_commit(a->window.surface.surface != NULL ? &a->window.surface :
		&a->bare, &a->buffer);
	client_buffer_destroy(&a->buffer);
	client_pool_destroy(&a->pool);
	/* Before the compositor has received these requests. */
	attacker_cut_memory(a, 0);
	attacker_keep_committing(a, NULL, ATTACK_MS);
}

static void cut_destroyed_while_attached(struct test *test) {
	struct attacker *a = &attacker;
	attacker_begin_with_good(test, (enum client_memory_kind)test->argument);
	client_surface_attach(&a->bare, &a->buffer);
	if (a->window.surface.surface != NULL) {
		client_surface_attach(&a->window.surface, &a->buffer);
	}
	client_buffer_destroy(&a->buffer);
	attacker_cut_memory(a, 0);
	attacker_commit_once(a, NULL);
	/* The window has no buffer now. What follows is not a matter of wl_shm: cage uses
	 * freed memory at the next commit. */
	int64_t deadline = test_now_ms() + ATTACK_MS;
	while (attacker_is_alive(a) && test_now_ms() < deadline) {
		attacker_commit(&a->bare, NULL);
		client_roundtrip(a->client);
		poll(NULL, 0, 1);
	}
}

static void cut_to_nothing(int fd) {
	if (ftruncate(fd, 0) != 0) {
		_exit(1);
	}
	poll(NULL, 0, 1);
}

static void cut_after_end(struct test *test) {
	struct attacker *a = &attacker;
	attacker_begin_with_good(test, (enum client_memory_kind)test->argument);
	/* The connection is closed without an error, with commits pending. */
	start_child(test, a->memory.fd, false, 2000, cut_to_nothing);
	attacker_commit(&a->bare, &a->buffer);
	attacker_commit(a->window.surface.surface != NULL ? &a->window.surface :
		&a->bare, &a->buffer);
	wl_display_flush(a->client->display);
}

static void cut_after_disconnect(struct test *test) {
	struct attacker *a = &attacker;
	attacker_begin_with_good(test, (enum client_memory_kind)test->argument);
	attacker_commit(&a->bare, &a->buffer);
	attacker_commit(a->window.surface.surface != NULL ? &a->window.surface :
		&a->bare, &a->buffer);
	wl_display_flush(a->client->display);
	client_disconnect(a->client);
	attacker_cut_memory(a, 0);
	/* The window may still be painted while it is closed. */
	poll(NULL, 0, ATTACK_MS);
	probe(test);
}

static void cut_and_grow(int fd) {
	if (ftruncate(fd, 0) != 0 || ftruncate(fd, BYTES) != 0) {
		_exit(1);
	}
}

static void cut_in_race(struct test *test) {
	attacker_begin_with_good(test, (enum client_memory_kind)test->argument);
	struct attacker *a = &attacker;
	pid_t child = start_child(test, a->memory.fd, true, RACE_MS,
		cut_and_grow);
	/* A client that is disconnected reconnects. */
	int64_t deadline = test_now_ms() + RACE_MS;
	int left;
	while ((left = (int)(deadline - test_now_ms())) > 0 &&
			!attacker_keep_committing(a, &a->buffer, left)) {
		int fd = a->memory.fd;
		attacker_come_back(a);
		attacker_begin(test);
		a->memory = (struct client_memory){ .fd = fd, .size = BYTES };
		attacker_create_pool(a, BYTES);
		attacker_create_buffer(a);
	}
	end_child(child);
}

enum role {
	ROLE_SUBSURFACE,
	ROLE_SUBSURFACE_DESYNC,
	ROLE_TWO_WINDOWS,
	ROLE_CURSOR,
};

static void keep_committing_to(struct attacker *a,
		struct client_surface *surface) {
	int64_t deadline = test_now_ms() + ATTACK_MS;
	do {
		attacker_commit(surface, &a->buffer);
		/* The state of a synchronized subsurface is applied with its parent's. */
	} while (attacker_commit_once(a, &a->buffer) &&
		test_now_ms() < deadline);
}

static void truncated_in_role(struct test *test) {
	static struct client_subsurface subsurface;
	static struct client_window window;
	attacker_begin_with_good(test, CLIENT_MEMORY_UNSEALED);
	struct attacker *a = &attacker;
	struct client_surface *surface = NULL;
	if (a->window.surface.surface == NULL) {
		test_skip(test, "the compositor has no xdg_wm_base");
	}
	switch ((enum role)test->argument) {
	case ROLE_SUBSURFACE:
	case ROLE_SUBSURFACE_DESYNC:
		if (a->client->subcompositor == NULL) {
			test_skip(test, "there is no wl_subcompositor");
		}
		must(test, client_subsurface_create(a->client, &subsurface,
			&a->window.surface, 10, 10));
		if (test->argument == ROLE_SUBSURFACE_DESYNC) {
			client_subsurface_set_desync(&subsurface);
		}
		surface = &subsurface.surface;
		break;
	case ROLE_TWO_WINDOWS:
		must(test, client_window_create(a->client, &window,
			"hostile too"));
		surface = &window.surface;
		break;
	case ROLE_CURSOR:
		if (a->client->seat == NULL || !(a->client->seat_capabilities &
				WL_SEAT_CAPABILITY_POINTER)) {
			test_skip(test, "there is no pointer");
		}
		surface = &a->bare;
		wl_pointer_set_cursor(wl_seat_get_pointer(a->client->seat), 0,
			surface->surface, 0, 0);
		break;
	}
	attacker_commit(surface, &a->buffer);
	must(test, attacker_commit_once(a, &a->buffer));
	attacker_cut_memory(a, 0);
	keep_committing_to(a, surface);
}

const struct test_case hostile_truncated_cases[] = {
	unsealed_kinds("hostile/short:", short_file,
		"A file is shorter than its pool, and a buffer lies past its "
		"end."),
	unsealed_kinds("hostile/empty:", empty_file,
		"A file is empty."),
	unsealed_kinds("hostile/truncated-after-commit:", cut_after_commit,
		"The client truncates its file while it is shown."),
	unsealed_kinds("hostile/truncated-before-commit:", cut_before_commit,
		"The client truncates its file between attach and commit."),
	unsealed_kinds("hostile/truncated-after-buffer-destroy:", cut_after_buffer_destroy,
		"The client destroys its buffer and truncates the file, while "
		"the surface still shows it."),
	unsealed_kinds("hostile/truncated-after-pool-destroy:", cut_after_pool_destroy,
		"The client destroys its pool and truncates the file, while "
		"its buffer is shown."),
	{ "hostile/truncated-after-all-destroyed:unsealed", CASE_ROBUSTNESS,
		"The client sends a commit and the destruction of its buffer "
		"together, and truncates the file.",
		cut_after_all_is_destroyed, CLIENT_MEMORY_UNSEALED },
	{ "hostile/truncated-destroyed-while-attached:unsealed", CASE_ROBUSTNESS,
		"The client destroys a buffer between attach and commit, and "
		"truncates the file.",
		cut_destroyed_while_attached, CLIENT_MEMORY_UNSEALED },
	unsealed_kinds("hostile/truncated-after-disconnect:", cut_after_disconnect,
		"The client disconnects, then truncates its file."),
	unsealed_kinds("hostile/truncated-after-exit:", cut_after_end,
		"Another process truncates the file after its client has "
		"ended."),
	unsealed_kinds("hostile/truncated-in-race:", cut_in_race,
		"The client truncates its file and grows it again, over and "
		"over, while it is read."),
	{ "hostile/truncated-in-role:subsurface", CASE_ROBUSTNESS,
		"The client truncates the file of a subsurface.",
		truncated_in_role, ROLE_SUBSURFACE },
	{ "hostile/truncated-in-role:subsurface-desync", CASE_ROBUSTNESS,
		"The client truncates the file of a desynchronized subsurface.",
		truncated_in_role, ROLE_SUBSURFACE_DESYNC },
	{ "hostile/truncated-in-role:two-windows", CASE_ROBUSTNESS,
		"The client truncates a file that is shown in two windows.",
		truncated_in_role, ROLE_TWO_WINDOWS },
	{ "hostile/truncated-in-role:cursor", CASE_ROBUSTNESS,
		"The client truncates the file of a cursor.",
		truncated_in_role, ROLE_CURSOR },
	{ 0 },
};
