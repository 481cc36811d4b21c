/* SPDX-License-Identifier: MIT */
/*
 * Attacks on a process that reads a client's memory.
 *
 * The attacker may get an error, be disconnected, or stay connected: only the compositor
 * and the bystander matter. So everything before an attack must succeed, and nothing
 * after it needs to. An attack takes some time. It is made in a window that was on the
 * output before, and on a surface without a role, since compositors read at different
 * times: at a commit, or when they paint.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-client.h>

#include "attacker.h"
#include "silent-files.h"

struct attacker attacker;

/* This is not the first connection. */
static bool is_back;

/* Setting up */

static void create_bare_surface(struct test *test,
		struct client_surface *surface) {
	*surface = (struct client_surface){
		.client = &test->client,
		.surface = wl_compositor_create_surface(
			test->client.compositor),
	};
	if (surface->surface == NULL) {
		test_fail(test, "no memory");
	}
}

struct attacker *attacker_begin(struct test *test) {
	attacker = (struct attacker){
		.test = test,
		.client = &test->client,
		.memory.fd = -1,
	};
	if (test->client.wm_base != NULL && !is_back) {
		must(test, client_window_create(&test->client,
			&attacker.window, "hostile"));
	}
	create_bare_surface(test, &attacker.bare);
	return &attacker;
}

void attacker_create_memory(struct attacker *a, enum client_memory_kind kind,
		size_t size) {
	must(a->test, client_memory_create(a->client, &a->memory, kind, size));
	memset(a->memory.data, 0x5a, size);
}

void attacker_cut_memory(struct attacker *a, size_t size) {
	must(a->test, client_memory_cut(a->client, &a->memory, size));
}

void attacker_create_pool(struct attacker *a, int32_t size) {
	must(a->test, client_pool_create(a->client, &a->pool, &a->memory,
		size));
}

void attacker_create_buffer(struct attacker *a) {
	must(a->test, client_buffer_create(&a->pool, &a->buffer, 0, SIDE, SIDE,
		STRIDE));
}

void attacker_create_pool_of_fd(struct attacker *a, int fd, int32_t size) {
	struct client *client = a->client;
	a->pool = (struct client_pool){
		.client = client,
		.memory = &a->memory,
		/* Allocates an id without a request. */
		.pool = (struct wl_shm_pool *)wl_proxy_create(
			(struct wl_proxy *)client->shm,
			&wl_shm_pool_interface),
	};
	if (a->pool.pool == NULL || wl_display_flush(client->display) < 0) {
		test_fail_client(a->test, client);
	}
	uint32_t words[4] = {
		wl_proxy_get_id((struct wl_proxy *)client->shm),
		sizeof(words) << 16 | WL_SHM_CREATE_POOL,
		wl_proxy_get_id((struct wl_proxy *)a->pool.pool),
		(uint32_t)size,
	};
	struct iovec iov = { .iov_base = words, .iov_len = sizeof(words) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	if (sendmsg(wl_display_get_fd(client->display), &msg, MSG_NOSIGNAL) !=
			(ssize_t)sizeof(words)) {
		test_fail(a->test, "sendmsg: %s", strerror(errno));
	}
}

/* Committing */

bool attacker_is_alive(const struct attacker *a) {
	return wl_display_get_error(a->client->display) == 0;
}

void damage_all(struct client_surface *surface) {
	client_surface_damage(surface, 0, 0, INT32_MAX, INT32_MAX);
}

void attacker_commit(struct client_surface *surface,
		struct client_buffer *buffer) {
	if (buffer != NULL) {
		client_surface_attach(surface, buffer);
	}
	damage_all(surface);
	client_surface_commit(surface);
}

/* The same, and waits for the next frame, but not for long. */
static bool attacker_present(struct attacker *a, struct client_surface *surface,
		struct client_buffer *buffer) {
	int patience = a->client->patience;
	if (buffer != NULL) {
		client_surface_attach(surface, buffer);
	}
	damage_all(surface);
	a->client->patience = FRAME_MS;
	client_surface_present(surface);
	a->client->patience = patience;
	return attacker_is_alive(a);
}

bool attacker_commit_once(struct attacker *a, struct client_buffer *buffer) {
	attacker_commit(&a->bare, buffer);
	if (a->window.surface.surface != NULL) {
		return attacker_present(a, &a->window.surface, buffer);
	}
	return client_roundtrip(a->client);
}

bool attacker_keep_committing(struct attacker *a, struct client_buffer *buffer,
		int ms) {
	int64_t deadline = test_now_ms() + ms;
	while (attacker_commit_once(a, buffer) && test_now_ms() < deadline) {
		poll(NULL, 0, 1);
	}
	return attacker_is_alive(a) && client_roundtrip(a->client);
}

void attacker_show_good(struct attacker *a, struct client_buffer *buffer) {
	for (int i = 0; i < 4; i++) {
		attacker_commit_once(a, buffer);
	}
	must(a->test, client_roundtrip(a->client));
}

void attacker_begin_with_good(struct test *test, enum client_memory_kind kind) {
	struct attacker *a = attacker_begin(test);
	attacker_create_memory(a, kind, BYTES);
	attacker_create_pool(a, BYTES);
	attacker_create_buffer(a);
	attacker_show_good(a, &a->buffer);
}

/* Child processes */

pid_t start_child(struct test *test, int fd, bool with_case, int ms,
		void (*disturb)(int fd)) {
	pid_t parent = getpid();
	pid_t pid = test_fork(test);
	if (pid > 0) {
		return pid;
	}
	if (with_case) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	/* Only the case decides when the connection ends. */
	fd = dup2(fd, STDIN_FILENO);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	while (!with_case && getppid() == parent) {
		poll(NULL, 0, 1);
	}
	int64_t deadline = test_now_ms() + ms;
	while (test_now_ms() < deadline) {
		disturb(fd);
	}
	_exit(0);
}

void end_child(pid_t pid) {
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void attacker_come_back(struct attacker *a) {
	is_back = true;
	client_disconnect(a->client);
	test_connect(a->test, a->client);
}

void probe(struct test *test) {
	struct client client;
	test_connect(test, &client);
	if (!client_roundtrip(&client)) {
		test_fail_client(test, &client);
	}
	client_disconnect(&client);
}

void need_capture(struct test *test) {
	struct client_image output;
	test_needs_capture(test);
	if (!client_capture_output(&test->client, CLIENT_MEMORY_SEALED,
			&output)) {
		test_skip(test, "the output cannot be captured: %.400s",
			test->client.error);
	}
	client_image_destroy(&output);
}

struct silent_files silent_files;

int open_silent_file(struct test *test, unsigned silences) {
	if (!silent_files_are_built()) {
		test_lack(test, "libfuse 3");
	}
	if (!silent_files_mount_about(&silent_files, silences)) {
		test_skip(test, "%s", silent_files.error);
	}
	int fd = open(silent_files.file, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		int error = errno;
		silent_files_unmount(&silent_files);
		test_skip(test, "%s: %s", silent_files.file, strerror(error));
	}
	return fd;
}
