/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "counters.h"
#include "impl.h"

#define NOTES_MAX 64

/** What the server has seen, shared with the process that started it. */
struct notes {
	/* For each stop, in their order. */
	struct spent spent[NOTES_MAX];
	uint32_t spent_len;
	/* System calls so far, where they are traced. */
	volatile uint64_t calls;
	/* Something that was to be measured could not be done. */
	bool failed;
};

/** A server in a process of its own. */
struct server {
	pid_t pid;
	/* The socket's path, for more than the first client. */
	char path[64];
	/* Where callgrind puts its files. */
	char folder[64];
	struct notes *notes;
};

/**
 * Starts a fresh server with one implementation, and connects to it. Returns the fd of
 * the connection, which breaks where the server cannot be run in that way.
 */
int server_start(struct server *server, enum impl_index impl, enum way way);
/** One more connection to it. */
int server_connect(struct server *server);
/** Ends it, and gives the notes back. */
void server_finish(struct server *server);

/** What main() does in a server: if these are a server's arguments, this does not
 * return. */
void server_main(int argc, char **argv);

#endif
