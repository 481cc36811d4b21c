/* SPDX-License-Identifier: MIT */
/*
 * What clients do while calls of the compositor fail.
 *
 * They act in turn, one step at a time. A step ends when the compositor has handled all of
 * it. So a call that fails belongs to the client whose step it is. After each step:
 *
 * - A client for which no call has failed so far sees what it should: its pixels are exact,
 *   and it is connected (or has got the error that its request deserves).
 * - A client for which calls have failed may have been disconnected. If it is not, and
 *   calls do not continue to fail, each later step is as exact as for any other client.
 */
#include <stdlib.h>
#include <string.h>
#include <wayland-client.h>

#include "driver.h"
#include "steps.h"

struct step {
	const char *who;
	bool (*func)(struct guest *guest, int arg);
	int arg;
};

static const struct step steps[] = {
	{ "watcher", step_connect },
	{ "watcher", step_begin, CLIENT_MEMORY_SEALED },
	{ "watcher", step_show, 0 },
	{ "neighbour", step_connect },
	{ "neighbour", step_begin, CLIENT_MEMORY_UNSEALED },
	{ "neighbour", step_show, 0 },

	{ "sealed", step_connect },
	{ "sealed", step_begin, CLIENT_MEMORY_SEALED },
	{ "sealed", step_show, 0 },
	{ "sealed", step_show, 1 },
	{ "sealed", step_redraw, 8 },
	{ "sealed", step_get_fd },
	{ "sealed", step_grow, 2 },
	{ "sealed", step_show, 3 },
	{ "sealed", step_capture, 2 },
	{ "sealed", step_look, 't' },
	{ "sealed", step_destroy_pool },
	{ "sealed", step_look, 'r' },
	{ "sealed", step_hide },

	{ "unsealed", step_connect },
	{ "unsealed", step_begin, CLIENT_MEMORY_UNSEALED },
	{ "unsealed", step_show, 0 },
	{ "unsealed", step_show, 1 },
	{ "unsealed", step_redraw, 1 },
	{ "unsealed", step_redraw, 8 },
	{ "unsealed", step_commit_twice },
	{ "unsealed", step_get_fd },
	{ "unsealed", step_grow, 2 },
	{ "unsealed", step_show, 3 },
	{ "unsealed", step_capture, 2 },
	{ "unsealed", step_abandon_capture, 2 },
	{ "unsealed", step_look, 't' },
	{ "unsealed", step_seal },
	{ "unsealed", step_show, 1 },
	{ "unsealed", step_look, 'r' },
	{ "unsealed", step_destroy_pool },
	{ "unsealed", step_look, 'r' },
	{ "unsealed", step_destroy_buffer, 0 },
	{ "unsealed", step_show, 3 },
	{ "unsealed", step_hide },

	{ "file", step_connect },
	{ "file", step_begin, CLIENT_MEMORY_FILE },
	{ "file", step_show, 0 },
	{ "file", step_show, 1 },
	{ "file", step_redraw, 8 },
	{ "file", step_grow, 2 },
	{ "file", step_show, 3 },
	{ "file", step_capture, 2 },
	{ "file", step_abandon_capture, 2 },

	{ "cold-file", step_connect },
	{ "cold-file", step_begin, CLIENT_MEMORY_FILE },
	{ "cold-file", step_show, 0 },
	{ "cold-file", step_show, 1 },
	{ "cold-file", step_redraw, 8 },
	{ "cold-file", step_commit_twice },
	{ "cold-file", step_hide },

	{ "shm-open", step_connect },
	{ "shm-open", step_begin, CLIENT_MEMORY_SHM_OPEN },
	{ "shm-open", step_show, 0 },
	{ "shm-open", step_capture, 1 },

	{ "read-only", step_connect },
	{ "read-only", step_make_read_only },
	{ "read-only", step_show, 0 },
	{ "read-only", step_capture_refused, 1 },

	{ "cutting", step_connect },
	{ "cutting", step_begin, CLIENT_MEMORY_UNSEALED },
	{ "cutting", step_show, 0 },
	{ "cutting", step_cut },

	{ "cutting-file", step_connect },
	{ "cutting-file", step_begin, CLIENT_MEMORY_FILE },
	{ "cutting-file", step_show, 0 },
	{ "cutting-file", step_cut },

	{ "resizing", step_connect },
	{ "resizing", step_begin, CLIENT_MEMORY_SEALED },
	{ "resizing", step_show, 0 },
	{ "resizing", step_resize_beyond },

	{ "pipe", step_connect },
	{ "pipe", step_send_fd, 'p' },
	{ "directory", step_connect },
	{ "directory", step_send_fd, 'd' },
	{ "device", step_connect },
	{ "device", step_send_fd, 'n' },
	{ "write-only", step_connect },
	{ "write-only", step_send_fd, 'w' },

	{ "crooked", step_connect },
	{ "crooked", step_begin, CLIENT_MEMORY_SEALED },
	{ "crooked", step_bad_stride },
	{ "pools", step_connect },
	{ "pools", step_begin, CLIENT_MEMORY_SEALED },
	{ "pools", step_too_many_pools },
	{ "buffers", step_connect },
	{ "buffers", step_begin, CLIENT_MEMORY_SEALED },
	{ "buffers", step_too_many_buffers },
	{ "heavy", step_connect },
	{ "heavy", step_too_many_bytes, 600 },

	{ "large", step_connect },
	{ "large", step_show_large_sealed, 300 },
	{ "large", step_look, 't' },

	{ "sparse", step_connect },
	{ "sparse", step_show_sparse, 160 },
	{ "sparse", step_redraw_column, 160 },
	{ "huge", step_connect },
	{ "huge", step_begin_huge },
	{ "huge", step_show, 0 },
	{ "huge", step_destroy_pool },
	{ "huge", step_destroy_buffer, 0 },
	{ "huge", step_leave },
	{ "huge-pages", step_connect },
	{ "huge-pages", step_begin_huge_pages },
	{ "cutting-capture", step_connect },
	{ "cutting-capture", step_begin, CLIENT_MEMORY_UNSEALED },
	{ "cutting-capture", step_cut_captured },
	{ "kept", step_connect },
	{ "kept", step_begin, CLIENT_MEMORY_UNSEALED },
	{ "kept", step_show, 0 },
	{ "kept", step_keep },
	{ "kept", step_leave },
	{ "kept-sealed", step_connect },
	{ "kept-sealed", step_begin, CLIENT_MEMORY_SEALED },
	{ "kept-sealed", step_show, 0 },
	{ "kept-sealed", step_keep },
	{ "kept-sealed", step_leave },
	{ "curious", step_connect },
	{ "curious", step_begin, CLIENT_MEMORY_UNSEALED },
	{ "curious", step_show, 0 },
	{ "curious", step_ask },

	{ "typing", step_connect },
	{ "typing", step_send_keymap },
	{ "typing", step_send_gamma },
	{ "typing", step_receive },
	{ "typing", step_send_keymap },
	{ "typing", step_send_short_keymap },
	{ "typing-on-disk", step_connect },
	{ "typing-on-disk", step_send_keymap_on_disk },
	{ "importing", step_connect },
	{ "importing", step_send_no_dmabuf },
	{ "receiving", step_connect },
	{ "receiving", step_receive_into_file },

	{ "watcher", step_show, 1 },
	{ "watcher", step_capture, 0 },
	{ "neighbour", step_redraw, 8 },
	{ "neighbour", step_capture, 1 },
	{ "monitor", step_monitor },
	{ "nobody", step_tell, 's' },
	{ "nobody", step_tell, 'i' },
	{ "watcher", step_show, 0 },
	{ "neighbour", step_show, 0 },
	{ "unsealed", step_show, 1 },
	{ "file", step_show, 1 },
	/* A second after the start, with sealpool-run: files may have grown. */
	{ "newcomer", step_connect },
	{ "newcomer", step_begin, CLIENT_MEMORY_SEALED },
	{ "newcomer", step_show, 0 },
	{ "sealed", step_leave },
	{ "shm-open", step_leave },
	{ "file", step_leave },
	{ "nobody", step_tell, 's' },
	{ "watcher", step_look, 'r' },
	{ "neighbour", step_look, 'r' },
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

static const char *names[FAULTS_ACTORS_MAX] = { "start", "end", "nobody" };

static void find_names(void) {
	for (size_t i = 0; i < STEPS; i++) {
		size_t actor = 0;
		while (names[actor] != NULL &&
				strcmp(names[actor], steps[i].who) != 0) {
			actor++;
		}
		if (actor == FAULTS_ACTORS_MAX - 1) {
			abort();
		}
		names[actor] = steps[i].who;
	}
}

const char *scenario_get_name(uint32_t actor) {
	find_names();
	return names[actor];
}

uint32_t scenario_find_actor(const char *name) {
	if (strcmp(name, "any") == 0) {
		return FAULTS_ANYBODY;
	}
	find_names();
	uint32_t actor = 0;
	while (names[actor] != NULL && strcmp(names[actor], name) != 0) {
		actor++;
	}
	return actor;
}

static bool is_hit(const struct compositor_process *compositor, uint32_t actor) {
	return (compositor->control->failed_actors >> actor & 1) != 0;
}

/* Returns whether the failure of a step is due to a failed call. */
static bool is_excused(const struct compositor_process *compositor,
		const struct guest *guest) {
	/* What these request is advertised only if it could be created. */
	if ((strcmp(guest->name, "monitor") == 0 ||
			strcmp(guest->name, "curious") == 0) && is_hit(compositor, FAULTS_START)) {
		return true;
	}
	return is_hit(compositor, guest->actor) &&
		(compositor->control->failed != guest->failed_before ||
		compositor->control->always || guest->over);
}

static void run_step(struct compositor_process *compositor,
		const struct step *step, struct guest *guest) {
	struct faults_control *control = compositor->control;
	guest->failed_before = control->failed;
	control->actor = guest->actor;
	/* If it could not be found out that the file is memory, it is read late. */
	guest->late |= is_hit(compositor, guest->actor);
	control->cold = strcmp(guest->name, "cold-file") == 0;
	bool ok = step->func(guest, step->arg);
	control->cold = false;
	if (guest->connected && guest->client.display != NULL &&
			wl_display_get_error(guest->client.display) != 0) {
		guest->over = true;
	}
	if (!ok && !is_excused(compositor, guest)) {
		compositor_fail(compositor, "%s, step %zu: %s%s", guest->name,
			(size_t)(step - steps), guest->client.error,
			is_hit(compositor, guest->actor) ?
			" (after a call of its own had failed)" : "");
	}
	if (guest->over) {
		step_leave(guest, 0);
	}
	control->actor = FAULTS_NOBODY;
}

/* A client without further steps is still connected. */
static void check_connected(struct compositor_process *compositor,
		struct guest *guest) {
	compositor->control->actor = guest->actor;
	if (guest->connected && !guest->over && !client_roundtrip(&guest->client) &&
			!is_hit(compositor, guest->actor)) {
		compositor_fail(compositor, "%s, at last: %s", guest->name,
			guest->client.error);
	}
}

void scenario_run(struct compositor_process *compositor) {
	static struct guest guests[FAULTS_ACTORS_MAX];
	for (size_t i = 0; i < STEPS && compositor->failure[0] == '\0'; i++) {
		uint32_t actor = scenario_find_actor(steps[i].who);
		struct guest *guest = &guests[actor];
		if (guest->name == NULL) {
			*guest = (struct guest){
				.name = steps[i].who, .actor = actor,
				.compositor = compositor, .memory.fd = -1,
			};
		}
		if (!guest->over) {
			run_step(compositor, &steps[i], guest);
		}
	}
	for (size_t i = 0; i < FAULTS_ACTORS_MAX && compositor->failure[0] == '\0';
			i++) {
		check_connected(compositor, &guests[i]);
	}
}
