/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "impl.h"
#include "measure.h"

#define NOTES_MAX 32

/** What the server has seen, shared with the process that started it. */
struct notes {
	/* For each stop and each access, in their order. */
	struct spent spent[NOTES_MAX];
	uint32_t spent_len;
	/* For each note_memory: bytes allocated on the heap. */
	uint64_t heap[NOTES_MAX];
	uint32_t heap_len;
	/* For each note_shadows. */
	uint64_t held[NOTES_MAX], copied[NOTES_MAX];
	uint32_t held_len;
	/* Something that was to be measured could not be done. */
	bool failed;
};

/** A server in a process of its own. */
struct server {
	pid_t pid;
	/* The socket's path, for more than the first client. */
	char path[64];
	struct notes *notes;
};

/**
 * Starts a fresh server with one implementation, and connects to it. Returns
 * the fd of the connection, or -1 after a message. "idle_ms" is when copies are
 * given back, 0 for the default.
 */
int server_start(struct server *server, const struct impl *impl,
	uint32_t idle_ms);
/** One more connection to it, or -1. */
int server_connect(struct server *server);
/** Ends it. Returns false if it had failed; its notes stay. */
bool server_stop(struct server *server);
/** Gives the notes back. */
void server_finish(struct server *server);

#endif
