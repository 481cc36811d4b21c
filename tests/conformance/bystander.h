/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_BYSTANDER_H
#define CONFORMANCE_BYSTANDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** What a bystander tells, in memory that it shares with who started it. */
struct bystander_state {
	/* Since when it has been waiting for an answer, by test_now_ms(); 0 if
	 * it is not. */
	_Atomic int64_t waiting_since;
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
};

/**
 * Starts a client, in a process of its own, that shows a small window, commits
 * frames, makes a pool now and then, and waits for the compositor's answer each
 * time. Returns once it has gone round a few times, or after "ms" milliseconds
 * if it has not.
 */
bool bystander_start(struct bystander *bystander, const char *display, int ms);

/** How long it has been waiting for an answer, in milliseconds. */
int64_t bystander_get_wait(const struct bystander *bystander);

bool bystander_is_alive(struct bystander *bystander);

/** Waits until it has gone round so many times more, or came to harm, or waits
 * for more than "hang" milliseconds. */
void bystander_watch(struct bystander *bystander, unsigned rounds, int hang);

/** Ends it, at once if it does not answer. */
void bystander_stop(struct bystander *bystander, int hang);

#endif
