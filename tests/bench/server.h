/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "counters.h"
#include "impl.h"

#define NOTES_MAX 64

/** The server's results, in memory shared with the process that started it. */
struct notes {
	/* One for each stop, in order. */
	struct spent spent[NOTES_MAX];
	uint32_t spent_len;
	/* System calls so far, if they are traced. */
	volatile uint64_t calls;
	/* Something could not be measured. */
	bool failed;
};

/** A server in a process of its own. */
struct server {
	pid_t pid;
	/* The socket's path, for the second client and later ones. */
	char path[64];
	/* The folder of callgrind's files. */
	char folder[64];
	struct notes *notes;
};

/**
 * Starts a fresh server with one implementation, and connects to it. Returns the fd of
 * the connection, which is closed by the other end if the server cannot be run in this
 * way.
 */
int server_start(struct server *server, enum impl_index impl, enum way way);
/** Connects once more. */
int server_connect(struct server *server);
/** Stops the server, and unmaps the notes. */
void server_finish(struct server *server);

/** To be called first in main(): if these are a server's arguments, it runs the server
 * and does not return. */
void server_main(int argc, char **argv);

#endif
