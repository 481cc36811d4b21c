/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_BYSTANDER_H
#define CONFORMANCE_BYSTANDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct compositor;

/** What a bystander reports, in memory that it shares with the process that started it. */
struct bystander_state {
	/* Which answer it is waiting for, counted from one; 0 if it is not. */
	atomic_uint waiting_for;
	/* The longest that it has waited for one, in milliseconds. */
	_Atomic int64_t longest_wait;
	/* Round trips made. */
	atomic_uint rounds;
	/* Its picture was found on the output when it began. */
	atomic_bool seen;
	/* It has come to harm; the text says which. */
	atomic_bool harmed;
	char text[512];
	/* For it: to look for its picture once more, and to end. */
	atomic_bool finish;
	/* It has ended as it should. */
	atomic_bool finished;
};

struct bystander {
	pid_t pid;
	struct bystander_state *state;
	/* The answer that it was waiting for at the last check, and since when, by
	 * test_now_ms() of the process that checks. */
	unsigned waiting_for;
	int64_t since;
};

/**
 * Starts a client, in a process of its own, that shows a small window, commits
 * frames, makes a pool now and then, and waits for the compositor's answer each
 * time. Returns once it has gone round a few times, or after "ms" milliseconds
 * if it has not.
 */
bool bystander_start(struct bystander *bystander,
	const struct compositor *compositor, int ms);

/** How long it has been waiting for an answer, in milliseconds, as far as it was
 * seen: to be called again and again. */
int64_t bystander_get_wait(struct bystander *bystander);

bool bystander_is_alive(struct bystander *bystander);

/** Waits until it has gone round so many times more, or came to harm, or waits
 * for more than "hang" milliseconds. */
void bystander_watch(struct bystander *bystander, unsigned rounds, int hang);

/** Ends it, at once if it does not answer. */
void bystander_stop(struct bystander *bystander, int hang);

#endif
