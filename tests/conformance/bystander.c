/* SPDX-License-Identifier: MIT */
/*
 * A client that does what clients do, and notices if that fails.
 *
 * Its memory is sealed and unsealed alternately. It measures how long answers take: a
 * compositor that is busy with one client's memory makes all others wait. Time in which
 * this client or the compositor waits for a processor does not count (clock.h).
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bystander.h"
#include "case.h"
#include "clock.h"
#include "compositor.h"

#define SIDE 64
#define SIZE (SIDE * SIDE * 4)
#define ROUND_MS 5
/* The time limit until the picture is on the output. */
#define SEEN_MS 2000

struct window {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	struct client_window window;
};

static struct bystander_state *state;

static _Noreturn void end(void) {
	/* Without the functions that were registered with atexit(). */
	_exit(0);
}

static _Noreturn void harm(const struct client *client) {
	snprintf(state->text, sizeof(state->text), "%s", client->error);
	state->harmed = true;
	end();
}

static void need(struct client *client, bool ok) {
	if (!ok) {
		harm(client);
	}
}

static bool create_buffer(struct client *client, struct window *window,
		enum client_memory_kind kind) {
	return client_memory_create(client, &window->memory, kind, SIZE) &&
		client_pool_create(client, &window->pool, &window->memory,
			SIZE) &&
		client_buffer_create(&window->pool, &window->buffer, 0, SIDE,
			SIDE, SIDE * 4);
}

static void destroy_buffer(struct window *window) {
	client_buffer_destroy(&window->buffer);
	client_pool_destroy(&window->pool);
	client_memory_destroy(&window->memory);
}

static int64_t begin_wait(void) {
	static unsigned waits;
	state->waiting_for = ++waits;
	return test_now_ms();
}

static void end_wait(int64_t since) {
	int64_t wait = test_now_ms() - since;
	state->waiting_for = 0;
	if (wait > state->longest_wait) {
		state->longest_wait = wait;
	}
}

static void go_round(struct client *client, struct window *window,
		unsigned round) {
	/* A compositor may read a surface without a role. If there is a window, its
	 * picture stays the same. */
	struct client_surface *surface = &window->window.surface;
	if (surface->surface != NULL) {
		client_surface_attach(surface, &window->buffer);
		client_surface_damage(surface, 0, 0, SIDE, SIDE);
		client_surface_commit(surface);
	}
	struct window extra = { 0 };
	if (round % 4 == 0) {
		need(client, create_buffer(client, &extra, round % 8 == 0 ?
			CLIENT_MEMORY_SEALED : CLIENT_MEMORY_UNSEALED));
	}
	int64_t since = begin_wait();
	need(client, client_roundtrip(client));
	end_wait(since);
	if (round % 4 == 0) {
		destroy_buffer(&extra);
	}
	state->rounds = round + 1;
}

/* Returns whether the picture is on the output, exactly. */
static bool is_seen(struct client *client, const struct client_image *picture) {
	struct client_image output;
	int32_t x, y;
	int64_t since = begin_wait();
	bool captured = client_capture_output(client, CLIENT_MEMORY_SEALED,
		&output);
	need(client, captured || client_roundtrip(client));
	end_wait(since);
	if (!captured) {
		return false;
	}
	bool seen = client_image_find(&output, picture, &x, &y);
	client_image_destroy(&output);
	return seen;
}

static bool becomes_seen(struct client *client, struct window *window,
		const struct client_image *picture) {
	int64_t deadline = test_now_ms() + SEEN_MS;
	unsigned round = state->rounds;
	while (!is_seen(client, picture)) {
		if (test_now_ms() > deadline) {
			return false;
		}
		go_round(client, window, round++);
		poll(NULL, 0, ROUND_MS);
	}
	return true;
}

static _Noreturn void live(const struct compositor *compositor) {
	static struct client client;
	static struct window window;
	struct client_image picture;
	client_clock_follow(compositor->pid);
	need(&client, client_connect(&client, compositor->display));
	/* The process that watches decides what is too long. */
	client.patience = INT_MAX;
	need(&client, create_buffer(&client, &window, CLIENT_MEMORY_SEALED));
	need(&client, client_buffer_get_image(&client, &window.buffer,
		&picture));
	client_image_draw(&picture, 99);
	if (client.wm_base != NULL) {
		need(&client, client_window_create(&client, &window.window,
			"bystander"));
	}
	for (unsigned round = 0; round < 4; round++) {
		go_round(&client, &window, round);
	}
	state->seen = client_capture_is_possible(&client) &&
		becomes_seen(&client, &window, &picture);
	/* The case may begin only now. */
	unsigned round = 1000;
	while (!state->finish) {
		go_round(&client, &window, round++);
		poll(NULL, 0, ROUND_MS);
	}
	/* Some compositors leave it to their user to uncover a window that another one
	 * has covered. A new window is visible, as at the beginning. */
	if (state->seen && !is_seen(&client, &picture)) {
		client_window_destroy(&window.window);
		need(&client, client_window_create(&client, &window.window,
			"bystander"));
	}
	if (state->seen && !becomes_seen(&client, &window, &picture)) {
		client_fail(&client, "its picture is no longer on the "
			"output");
		harm(&client);
	}
	state->finished = true;
	client_disconnect(&client);
	end();
}

bool bystander_start(struct bystander *bystander,
		const struct compositor *compositor, int ms) {
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (state == MAP_FAILED) {
		return false;
	}
	*bystander = (struct bystander){ .state = state };
	pid_t parent = getpid();
	fflush(NULL);
	bystander->pid = fork();
	if (bystander->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent) {
			end();
		}
		live(compositor);
	}
	if (bystander->pid < 0) {
		munmap(state, sizeof(*state));
		return false;
	}
	int64_t deadline = test_now_ms() + ms;
	while (state->rounds < 1000 && !state->harmed &&
			test_now_ms() < deadline) {
		poll(NULL, 0, 1);
	}
	return true;
}

int64_t bystander_get_wait(struct bystander *bystander) {
	unsigned waiting_for = bystander->state->waiting_for;
	int64_t now = test_now_ms();
	if (waiting_for != bystander->waiting_for) {
		bystander->waiting_for = waiting_for;
		bystander->since = now;
	}
	return waiting_for != 0 ? now - bystander->since : 0;
}

bool bystander_is_alive(struct bystander *bystander) {
	siginfo_t info = { 0 };
	return waitid(P_PID, (id_t)bystander->pid, &info,
			WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

void bystander_watch(struct bystander *bystander, unsigned rounds, int hang) {
	unsigned until = bystander->state->rounds + rounds;
	while (bystander->state->rounds < until &&
			!bystander->state->harmed &&
			bystander_get_wait(bystander) <= hang &&
			bystander_is_alive(bystander)) {
		poll(NULL, 0, 1);
	}
}

void bystander_stop(struct bystander *bystander, int hang) {
	bystander->state->finish = true;
	while (bystander_is_alive(bystander) &&
			bystander_get_wait(bystander) <= hang) {
		poll(NULL, 0, 1);
	}
	if (bystander_is_alive(bystander)) {
		kill(bystander->pid, SIGKILL);
	}
	waitpid(bystander->pid, NULL, 0);
}
