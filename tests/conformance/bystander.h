/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_BYSTANDER_H
#define CONFORMANCE_BYSTANDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct compositor;

/** What a bystander reports, in memory shared with the process that started it. */
struct bystander_state {
	/* The number of the answer that it waits for, counted from one; 0 if it does not
	 * wait. */
	atomic_uint waiting_for;
	/* The longest wait for an answer, in milliseconds. */
	_Atomic int64_t longest_wait;
	/* The number of roundtrips. */
	atomic_uint rounds;
	/* Its picture was found on the output at the beginning. */
	atomic_bool seen;
	/* It was harmed; the text says how. */
	atomic_bool harmed;
	char text[512];
	/* Asks it to look for its picture again, and to exit. */
	atomic_bool finish;
	/* It has exited without harm. */
	atomic_bool finished;
};

struct bystander {
	pid_t pid;
	struct bystander_state *state;
	/* The answer that it waited for at the last check, and since when, by
	 * test_now_ms() of the checking process. */
	unsigned waiting_for;
	int64_t since;
};

/**
 * Starts a client, in a process of its own, that shows a small window, commits frames,
 * sometimes creates a pool, and waits for the compositor's answer each time. Returns
 * after a few rounds, or after "ms" milliseconds.
 */
bool bystander_start(struct bystander *bystander,
	const struct compositor *compositor, int ms);

/** Returns how long it has been waiting for an answer, in milliseconds, as far as was
 * noticed. Call this repeatedly. */
int64_t bystander_get_wait(struct bystander *bystander);

bool bystander_is_alive(struct bystander *bystander);

/** Waits until it has gone this many more rounds, was harmed, or waits for more than
 * "hang" milliseconds. */
void bystander_watch(struct bystander *bystander, unsigned rounds, int hang);

/** Ends the process, at once if it does not respond. */
void bystander_stop(struct bystander *bystander, int hang);

#endif
