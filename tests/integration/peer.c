/* SPDX-License-Identifier: MIT */
/*
 * Client processes that carry out orders.
 *
 * A process ends with its test, even if the test is killed: its socket for orders is
 * closed, and the kernel sends it a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-client.h>

#include "peer.h"
#include "server.h"

/* The fds of its sockets in a client process. */
#define ORDERS_FD 3
#define WAYLAND_FD 4

struct order {
	/* NULL for the last order. */
	order_func func;
	struct args args;
};

/* The client's side */

static int find_slot(const struct actor *actor,
		const struct client_fate *fate) {
	struct wl_proxy *proxy;
	if (strcmp(fate->interface, "wl_shm") == 0) {
		proxy = (struct wl_proxy *)actor->client.shm;
		return proxy != NULL && wl_proxy_get_id(proxy) == fate->id ?
			0 : -1;
	}
	for (int i = 0; i < ACTOR_SLOTS; i++) {
		if (strcmp(fate->interface, "wl_shm_pool") == 0) {
			proxy = (struct wl_proxy *)actor->pools[i].pool;
		} else if (strcmp(fate->interface, "wl_buffer") == 0) {
			proxy = (struct wl_proxy *)actor->buffers[i].buffer;
		} else {
			proxy = NULL;
		}
		if (proxy != NULL && wl_proxy_get_id(proxy) == fate->id) {
			return i;
		}
	}
	return -1;
}

static void follow(struct actor *actor, const struct order *order,
		struct answer *answer) {
	struct client *client = &actor->client;
	*answer = (struct answer){ .slot = -1 };
	answer->ok = order->func(actor, &order->args);
	if (answer->ok) {
		answer->ok = client_roundtrip(client);
	}
	client_get_fate(client, &answer->fate);
	memcpy(answer->error, client->error, sizeof(answer->error));
	if (answer->fate.kind == CLIENT_PROTOCOL_ERROR) {
		answer->slot = find_slot(actor, &answer->fate);
	}
}

static _Noreturn void act(void) {
	/* On the heap, since it is large and its members must not move. */
	struct actor *actor = calloc(1, sizeof(*actor));
	if (actor == NULL || !client_connect(&actor->client, NULL)) {
		fprintf(stderr, "client: %s\n",
			actor != NULL ? actor->client.error : "no memory");
		_exit(1);
	}
	for (;;) {
		struct order order;
		ssize_t n = recv(ORDERS_FD, &order, sizeof(order), 0);
		if (n != (ssize_t)sizeof(order)) {
			/* The test has ended early. */
			_exit(1);
		}
		if (order.func == NULL) {
			break;
		}
		struct answer answer;
		follow(actor, &order, &answer);
		if (send(ORDERS_FD, &answer, sizeof(answer), MSG_NOSIGNAL) < 0) {
			_exit(1);
		}
	}
	wl_display_disconnect(actor->client.display);
	_exit(0);
}

static _Noreturn void run(int orders, int wayland, pid_t parent) {
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		_exit(1);
	}
	/* The fds of the compositor and of other clients must be closed here; otherwise,
	 * the compositor's close() would have no effect. The sockets are moved away
	 * first, as they may have the numbers that are needed. */
	orders = fcntl(orders, F_DUPFD, WAYLAND_FD + 1);
	wayland = fcntl(wayland, F_DUPFD, WAYLAND_FD + 1);
	if (orders < 0 || wayland < 0 || dup2(orders, ORDERS_FD) < 0 ||
			dup2(wayland, WAYLAND_FD) < 0 ||
			close_range(WAYLAND_FD + 1, ~0u, 0) < 0) {
		_exit(1);
	}
	char number[16];
	snprintf(number, sizeof(number), "%d", WAYLAND_FD);
	setenv("WAYLAND_SOCKET", number, true);
	unsetenv("WAYLAND_DEBUG");
	act();
}

/* The test's side */

static void handle_client_destroy(struct wl_listener *listener, void *data) {
	struct peer *peer = wl_container_of(listener, peer, client_destroy);
	peer->client = NULL;
}

struct peer *peer_create(struct server *server) {
	int orders[2], wayland[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, orders) < 0) {
		fail_msg("socketpair: %s", strerror(errno));
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wayland) < 0) {
		fail_msg("socketpair: %s", strerror(errno));
	}
	struct peer *peer = calloc(1, sizeof(*peer));
	assert_non_null(peer);
	pid_t parent = getpid();
	fflush(NULL);
	peer->pid = fork();
	if (peer->pid == 0) {
		run(orders[1], wayland[1], parent);
	}
	assert_true(peer->pid > 0);
	close(orders[1]);
	close(wayland[1]);
	peer->server = server;
	peer->orders = orders[0];
	wl_list_insert(server->peers.prev, &peer->link);
	peer->client = wl_client_create(server->display, wayland[0]);
	assert_non_null(peer->client);
	peer->client_destroy.notify = handle_client_destroy;
	wl_client_add_destroy_listener(peer->client, &peer->client_destroy);
	return peer;
}

/* Dispatches the display until the peer's end of the socket is readable. */
static void await_word(struct peer *peer, const char *what) {
	int64_t deadline = server_now_ms() + SERVER_PATIENCE_MS;
	while (!server_dispatch(peer->server, peer->orders, deadline)) {
		if (server_now_ms() >= deadline) {
			fail_msg("after %d ms, a client process has not "
				"finished: %s", SERVER_PATIENCE_MS, what);
		}
	}
}

void peer_begin(struct peer *peer, order_func func, const char *name,
		const struct args *args) {
	struct order order = { .func = func, .args = *args };
	if (send(peer->orders, &order, sizeof(order), MSG_NOSIGNAL) < 0) {
		fail_msg("a client process has ended before its order: %s", name);
	}
}

static void receive_answer(struct peer *peer, const char *name) {
	await_word(peer, name);
	ssize_t n = recv(peer->orders, &peer->answer, sizeof(peer->answer), 0);
	if (n != (ssize_t)sizeof(peer->answer)) {
		fail_msg("a client process ended during its order: %s", name);
	}
}

void peer_end(struct peer *peer, const char *name) {
	receive_answer(peer, name);
	if (!peer->answer.ok) {
		fail_msg("%s: %s", name, peer->answer.error);
	}
}

void peer_tell(struct peer *peer, order_func order, const char *name,
		const struct args *args) {
	peer_begin(peer, order, name, args);
	peer_end(peer, name);
}

struct peer *peer_create_with_pool(struct server *server,
		enum client_memory_kind kind, int64_t size) {
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = kind, .size = size);
	tell(peer, create_pool, .size = size);
	return peer;
}

struct peer *peer_create_with_picture(struct server *server,
		enum client_memory_kind kind, int32_t width, int32_t height) {
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = kind, .width = width,
		.height = height);
	tell(peer, draw_and_show, .frame = 1);
	return peer;
}

const char *peer_expect_error(struct peer *peer, order_func order,
		const char *name, const struct args *args,
		const char *interface, int slot, uint32_t code) {
	/* The event loop posts the errors of bytes that were read. */
	server_settle(peer->server);
	peer_begin(peer, order, name, args);
	receive_answer(peer, name);
	const struct client_fate *fate = &peer->answer.fate;
	if (fate->kind != CLIENT_PROTOCOL_ERROR) {
		fail_msg("%s: expected error %u on %s, got %s", name, code,
			interface, fate->kind == CLIENT_ALIVE ? "none" :
			"a connection closed without an error");
	}
	if (strcmp(fate->interface, interface) != 0 || fate->code != code ||
			peer->answer.slot != slot) {
		fail_msg("%s: expected error %u on %s %d, got error %u on "
			"%s %d: %s", name, code, interface, slot, fate->code,
			fate->interface, peer->answer.slot, fate->message);
	}
	return fate->message;
}

static void await_disconnected(struct peer *peer) {
	int64_t deadline = server_now_ms() + SERVER_PATIENCE_MS;
	while (peer->client != NULL) {
		server_dispatch(peer->server, -1, deadline);
		if (server_now_ms() >= deadline) {
			fail_msg("a client has ended, and the compositor has "
				"not noticed within %d ms", SERVER_PATIENCE_MS);
		}
	}
}

void peer_finish(struct peer *peer) {
	struct order last = { .func = NULL };
	if (send(peer->orders, &last, sizeof(last), MSG_NOSIGNAL) < 0) {
		fail_msg("a client process that should end has ended before");
	}
	/* The socket is closed when the process has ended. */
	await_word(peer, "end");
	await_disconnected(peer);
	int status;
	assert_int_equal(waitpid(peer->pid, &status, 0), peer->pid);
	peer->pid = -1;
	peer_destroy(peer);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fail_msg("a client process ended with status 0x%x", status);
	}
}

void peer_kill(struct peer *peer) {
	kill(peer->pid, SIGKILL);
	await_disconnected(peer);
	peer_destroy(peer);
}

void peer_destroy(struct peer *peer) {
	if (peer->pid > 0) {
		kill(peer->pid, SIGKILL);
		waitpid(peer->pid, NULL, 0);
	}
	close(peer->orders);
	if (peer->client != NULL) {
		wl_list_remove(&peer->client_destroy.link);
		wl_client_destroy(peer->client);
	}
	wl_list_remove(&peer->link);
	free(peer);
}
