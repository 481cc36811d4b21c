/* SPDX-License-Identifier: MIT */
/*
 * Many pools.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <wayland-client.h>

#include "greed.h"

static void pools_of_one_connection(struct test *test) {
	create_pools(test, &test->client, get_fd_limit(test) + 200,
		test_now_ms() + GREED_MS);
	linger();
}

#define CONNECTIONS 250

static void pools_of_many_connections(struct test *test) {
	static struct client clients[CONNECTIONS];
	int each = get_fd_limit(test) / CONNECTIONS + 8;
	int64_t deadline = test_now_ms() + GREED_MS;
	for (int i = 0; i < CONNECTIONS && test_now_ms() < deadline; i++) {
		/* It may be refused. */
		if (client_connect(&clients[i], test->display)) {
			create_pools(test, &clients[i], each, deadline);
		}
	}
	linger();
}

static void create_pools_over_many_connections(struct test *test,
		struct client *client) {
	pools_of_many_connections(test);
}

/* Never one too many, which would be refused and free the others. */
static void pools_to_the_limit(struct test *test) {
	struct client *client = &test->client;
	int limit = get_fd_limit(test);
	if (count_fds(test) < 0) {
		test_skip(test, "the compositor's descriptors are not known");
	}
	int64_t deadline = test_now_ms() + 2 * GREED_MS;
	/* Again when the bystander has closed one. */
	int64_t full_since = INT64_MAX;
	while (test_now_ms() < deadline &&
			test_now_ms() - full_since < 500) {
		int room = limit - count_fds(test);
		if (room <= 0) {
			if (full_since == INT64_MAX) {
				full_since = test_now_ms();
			}
			continue;
		}
		/* Reading a message takes one for a moment. */
		int count = room > 2 * BATCH ? BATCH : room > 8 ? room - 4 : 1;
		if (create_pools(test, client, count, INT64_MAX) < count ||
				wl_display_get_error(client->display) != 0) {
			return;
		}
	}
}

/* Many connections together hold all that their process may have. */
static void pools_to_the_budget(struct test *test) {
	static struct client clients[CONNECTIONS];
	int limit = get_fd_limit(test);
	int64_t deadline = test_now_ms() + GREED_MS;
	int each = limit / 8;
	for (int i = 0; i < CONNECTIONS && test_now_ms() < deadline; i++) {
		if (count_fds(test) > limit - 8 ||
				!client_connect(&clients[i], test->display)) {
			break;
		}
		for (int left = each; left > 0 && count_fds(test) <
				limit - 8; left -= BATCH) {
			if (create_pools(test, &clients[i], left < BATCH ?
					left : BATCH, deadline) < 0) {
				break;
			}
		}
		if (wl_display_get_error(clients[i].display) != 0) {
			client_disconnect(&clients[i]);
			each = each > 1 ? each / 2 : 1;
		}
	}
	linger();
}

/* Starts a process that does this, and then waits to be killed. It has a connection of
 * its own. */
static pid_t start_process(struct test *test, const int told[2],
		void (*run)(struct test *test, struct client *client)) {
	pid_t parent = getpid();
	pid_t pid = test_fork(test);
	if (pid > 0) {
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		_exit(1);
	}
	/* The copy of the parent's fd would keep the connection open. */
	close(wl_display_get_fd(test->client.display));
	static struct client client;
	bool ok = client_connect(&client, test->display);
	if (ok) {
		run(test, &client);
	}
	ok = ok && client_roundtrip(&client);
	if (write(told[1], ok ? "+" : "-", 1) != 1) {
		_exit(1);
	}
	for (;;) {
		pause();
	}
}

#define PROCESSES 20
#define POOLS_OF_EACH 30

static void create_their_pools(struct test *test, struct client *client) {
	create_pools(test, client, POOLS_OF_EACH, INT64_MAX);
}

static void pools_of_many_processes(struct test *test) {
	struct client *established = &test->client;
	create_pools(test, established, 12, INT64_MAX);
	test_expect_alive(test);
	int told[2];
	if (pipe2(told, O_CLOEXEC) < 0) {
		test_fail(test, "pipe: %s", strerror(errno));
	}
	for (int i = 0; i < PROCESSES; i++) {
		start_process(test, told, create_their_pools);
		/* At the same time, but after that client has begun. */
		create_page_pool(test, established);
		test_expect_alive(test);
	}
	for (int i = 0; i < PROCESSES; i++) {
		struct pollfd pollfd = { .fd = told[0], .events = POLLIN };
		char how;
		if (poll(&pollfd, 1, GREED_MS) == 1 &&
				read(told[0], &how, 1) != 1) {
			break;
		}
		test_expect_alive(test);
	}
	create_page_pool(test, established);
	test_expect_alive(test);
	linger();
}

/* The established client is in another process than the many connections. */
static void others_pools_remain(struct test *test) {
	int told[2];
	struct client *established = &test->client;
	create_pools(test, established, 12, INT64_MAX);
	test_expect_alive(test);
	if (pipe2(told, O_CLOEXEC) < 0) {
		test_fail(test, "pipe: %s", strerror(errno));
	}
	start_process(test, told, create_pools_over_many_connections);
	struct pollfd pollfd = { .fd = told[0], .events = POLLIN };
	int64_t deadline = test_now_ms() + 2 * GREED_MS;
	while (poll(&pollfd, 1, 20) == 0 && test_now_ms() < deadline) {
		test_expect_alive(test);
	}
	create_page_pool(test, established);
	test_expect_alive(test);
}

/* Pools and copies of their buffers: without a seal, a safe compositor needs a copy,
 * which may have a descriptor as well. */
static void pools_that_are_read(struct test *test) {
	struct client *client = &test->client;
	struct wl_surface *surface = greed_create_surface(test, client);
	int fd = greed_create_file(test, PAGE_BYTES, 0);
	int count = get_fd_limit(test) + 200;
	int64_t deadline = test_now_ms() + GREED_MS;
	for (int i = 0; i < count; i++) {
		struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd,
			PAGE_BYTES);
		greed_commit(surface, create_page_buffer(pool));
		if (i % BATCH == 0 && (!client_roundtrip(client) ||
				test_now_ms() > deadline)) {
			break;
		}
	}
	linger();
}

#define CHURN_POOLS 10000

/* The compositor must free what the client has destroyed. */
static void pools_come_and_go(struct test *test) {
	struct client *client = &test->client;
	struct wl_surface *surface = greed_create_surface(test, client);
	bool sealed = test->argument;
	/* The first one may leave something, once. */
	int fds = -1;
	int64_t bytes = -1;
	int64_t deadline = test_now_ms() + GREED_MS;
	for (int i = 0; i < CHURN_POOLS && test_now_ms() < deadline; i++) {
		if (i == 100) {
			must(test, client_roundtrip(client));
			fds = count_fds(test);
			bytes = get_memory(test, "VmRSS:");
		}
		int fd = greed_create_file(test, PAGE_BYTES,
			sealed ? F_SEAL_SHRINK : 0);
		struct wl_shm_pool *pool = wl_shm_create_pool(client->shm, fd,
			PAGE_BYTES);
		close(fd);
		struct wl_buffer *buffer = create_page_buffer(pool);
		greed_commit(surface, buffer);
		wl_buffer_destroy(buffer);
		wl_shm_pool_destroy(pool);
		if (i % BATCH == 0) {
			must(test, client_roundtrip(client));
		}
	}
	greed_commit(surface, NULL);
	must(test, client_roundtrip(client));
	if (fds < 0 || bytes < 0) {
		test_skip(test, "what the compositor holds is not known");
	}
	/* The bystander creates and destroys pools meanwhile. */
	int fds_now;
	int64_t bytes_now;
	deadline = test_now_ms() + 1000;
	do {
		poll(NULL, 0, 20);
		fds_now = count_fds(test);
		bytes_now = get_memory(test, "VmRSS:");
	} while ((fds_now > fds + 16 || bytes_now > bytes + 64 * MIB) &&
		test_now_ms() < deadline);
	if (fds_now > fds + 16) {
		test_fail(test, "%d pools that are gone have left %d "
			"descriptors behind", CHURN_POOLS, fds_now - fds);
	}
	if (bytes_now > bytes + 64 * MIB) {
		test_fail(test, "%d pools that are gone have left %" PRId64
			" MiB behind", CHURN_POOLS, (bytes_now - bytes) / MIB);
	}
}

#define REFUSED_CLIENTS 300

/* A descriptor that came with an error was received as well. */
static void refused_files_are_closed(struct test *test) {
	struct client *client = &test->client;
	int before = count_fds(test);
	int fds[2];
	if (before < 0) {
		test_skip(test, "the compositor's descriptors are not known");
	}
	if (pipe2(fds, O_CLOEXEC) < 0) {
		test_fail(test, "pipe: %s", strerror(errno));
	}
	for (int i = 0; i < REFUSED_CLIENTS; i++) {
		/* Without a size, or without memory. */
		if (test->argument) {
			wl_shm_create_pool(client->shm, fds[0], PAGE_BYTES);
		} else {
			int fd = greed_create_file(test, PAGE_BYTES, 0);
			wl_shm_create_pool(client->shm, fd, 0);
			close(fd);
		}
		client_roundtrip(client);
		client_disconnect(client);
		test_connect(test, client);
	}
	int64_t deadline = test_now_ms() + 1000;
	int now;
	do {
		poll(NULL, 0, 20);
		now = count_fds(test);
	} while (now > before + 16 && test_now_ms() < deadline);
	if (now > before + 16) {
		test_fail(test, "%d files that were no pools have left %d "
			"descriptors behind", REFUSED_CLIENTS, now - before);
	}
}

const struct test_case greed_pool_cases[] = {
	{ "greed/pools:one-connection", CASE_ROBUSTNESS,
		"A client requests more pools than the compositor can have "
		"descriptors; other clients still get pools.", pools_of_one_connection },
	{ "greed/pools:many-connections", CASE_ROBUSTNESS,
		"A process requests more pools than the compositor can have "
		"descriptors, over many connections; other clients still get pools.",
		pools_of_many_connections },
	{ "greed/pools:to-the-limit", CASE_ROBUSTNESS,
		"A client takes the compositor's last free descriptors one by one.", pools_to_the_limit },
	{ "greed/pools:to-the-budget", CASE_ROBUSTNESS,
		"A process takes all that its limits allow, over many connections; "
		"other clients still get pools.", pools_to_the_budget },
	{ "greed/pools:many-processes", CASE_ROBUSTNESS,
		"Many processes each create some pools; a client with a dozen is not "
		"disconnected.",
		pools_of_many_processes },
	{ "greed/pools:another-process", CASE_ROBUSTNESS,
		"A client with a dozen pools keeps them while another process "
		"requests pools without end.", others_pools_remain },
	{ "greed/pools:read", CASE_ROBUSTNESS,
		"Pools whose buffers are shown, which may take more descriptors, are "
		"requested without end.", pools_that_are_read },
	{ "greed/churn:sealed", CASE_ROBUSTNESS,
		"Pools are created and destroyed again and again; the compositor "
		"keeps no descriptors and no memory of them.", pools_come_and_go, 1 },
	{ "greed/churn:unsealed", CASE_ROBUSTNESS,
		"Pools are created and destroyed again and again; the compositor "
		"keeps no descriptors and no memory of them.", pools_come_and_go, 0 },

	{ "greed/refused:size", CASE_ROBUSTNESS,
		"Pools that are refused are requested again and again; the compositor "
		"keeps no descriptors of them.", refused_files_are_closed, 0 },
	{ "greed/refused:pipe", CASE_ROBUSTNESS,
		"Pools that are refused are requested again and again; the compositor "
		"keeps no descriptors of them.", refused_files_are_closed, 1 },
	{ 0 },
};
