/* SPDX-License-Identifier: MIT */
#ifndef INTEGRATION_PEER_H
#define INTEGRATION_PEER_H

/**
 * A client process, as the test sees it: something that is told what to do, one
 * order at a time.
 *
 * The process is forked, and not exec'ed, from the test: so an order is any
 * function of the test program, and its arguments a struct. While it is carried
 * out, the test dispatches the display. When it is over, the compositor has
 * handled all requests that it sent. So a test reads from top to bottom, though
 * two processes take part in it, and nothing in it depends on timing.
 */

#include <sys/types.h>
#include <wayland-server-core.h>

#include "actor.h"

struct server;

/** How an order ended. */
struct answer {
	/* It could be carried out, and the client is still connected. */
	bool ok;
	/* Why not. */
	char error[512];
	/* What has become of the connection. */
	struct client_fate fate;
	/* Of a protocol error: which of its objects of that interface is meant,
	 * or -1. */
	int slot;
};

struct peer {
	struct wl_list link; /* server.peers */
	struct server *server;
	pid_t pid;
	/* The test's end of the socket that orders go through. */
	int orders;
	/* NULL once it is gone. */
	struct wl_client *client;
	struct wl_listener client_destroy;
	/* To the last order. */
	struct answer answer;
};

/** Starts a client process that is connected to the server. */
struct peer *peer_create(struct server *server);

/** The same, and lets it show frame 1 in a buffer of its own: memory, pool, buffer and
 * surface 0. */
struct peer *peer_create_with_picture(struct server *server,
	enum client_memory_kind kind, int32_t width, int32_t height);

/** Lets it disconnect and end, and checks that it did so in good order. */
void peer_finish(struct peer *peer);

/** Ends it without a word, and waits until the compositor has noticed. */
void peer_kill(struct peer *peer);

/** Frees what is left of a peer, however the test ended. */
void peer_destroy(struct peer *peer);

/** Has an order carried out, and fails the test unless all is well then. */
void peer_tell(struct peer *peer, order_func order, const char *name,
	const struct args *args);

/** The same in two halves: it is carried out while the test does other things,
 * among them to dispatch the display. */
void peer_begin(struct peer *peer, order_func order, const char *name,
	const struct args *args);
void peer_end(struct peer *peer, const char *name);

/**
 * The same, and fails the test unless the client gets a protocol error, from
 * the order or from something before it: "interface" and "code" as given, on
 * the object in that slot. Returns its human part, the peer's until its next
 * order.
 */
const char *peer_expect_error(struct peer *peer, order_func order,
	const char *name, const struct args *args, const char *interface,
	int slot, uint32_t code);

/* tell(peer, create_pool, .memory = 1, .size = 4096); */
#define tell(peer, order, ...) \
	peer_tell(peer, order, #order, &(struct args){ __VA_ARGS__ })

/* refused(peer, "wl_shm_pool", 0, WL_SHM_ERROR_INVALID_FD,
 *	resize_pool, .size = 1); */
#define refused(peer, interface, slot, code, order, ...) \
	peer_expect_error(peer, order, #order, \
		&(struct args){ __VA_ARGS__ }, interface, slot, code)

#endif
