/* SPDX-License-Identifier: MIT */
#ifndef INTEGRATION_PEER_H
#define INTEGRATION_PEER_H

/**
 * A client process, as the test sees it. It carries out one order at a time.
 *
 * The process is forked from the test, without exec(), so an order is any function of the
 * test program, and its arguments are a struct. Meanwhile, the test dispatches the
 * display. When an order has ended, the compositor has handled all requests of it. So a
 * test reads from top to bottom, though two processes take part, and does not depend on
 * timing.
 */

#include <sys/types.h>
#include <wayland-server-core.h>

#include "actor.h"

struct server;

/** The result of an order. */
struct answer {
	/* The order was carried out, and the client is still connected. */
	bool ok;
	/* The reason otherwise. */
	char error[512];
	/* What has become of the connection. */
	struct client_fate fate;
	/* Of a protocol error: the slot of the object that it names, or -1. */
	int slot;
};

struct peer {
	struct wl_list link; /* server.peers */
	struct server *server;
	pid_t pid;
	/* The test's end of the socket for orders. */
	int orders;
	/* NULL after it is disconnected. */
	struct wl_client *client;
	struct wl_listener client_destroy;
	/* The answer to the last order. */
	struct answer answer;
};

/** Starts a client process that connects to the server. */
struct peer *peer_create(struct server *server);

/** The same, and has it create a file, and a pool of all of it. */
struct peer *peer_create_with_pool(struct server *server,
	enum client_memory_kind kind, int64_t size);

/** The same, and shows frame 1 in a buffer of its own: memory, pool, buffer and surface
 * 0. */
struct peer *peer_create_with_picture(struct server *server,
	enum client_memory_kind kind, int32_t width, int32_t height);

/** Has the client disconnect and exit, and checks that it does so without an error. */
void peer_finish(struct peer *peer);

/** Kills the process, and waits until the compositor has noticed. */
void peer_kill(struct peer *peer);

/** Frees a peer, however the test ended. */
void peer_destroy(struct peer *peer);

/** Has an order carried out, and fails the test unless it succeeds and the client stays
 * connected. */
void peer_tell(struct peer *peer, order_func order, const char *name,
	const struct args *args);

/** The same in two halves. Meanwhile, the test may do other things, but has to dispatch
 * the display. */
void peer_begin(struct peer *peer, order_func order, const char *name,
	const struct args *args);
void peer_end(struct peer *peer, const char *name);

/**
 * Has an order carried out, and fails the test unless the client gets a protocol error,
 * from the order or from an earlier one: "interface" and "code" as given, on the object
 * in that slot. Returns the error's message, which is valid until the peer's next order.
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
