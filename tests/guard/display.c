/* SPDX-License-Identifier: MIT */
/*
 * What sealpool-run starts in its tests, where it is to know of a compositor
 * nothing but that it creates a display:
 *
 *     guard-display create|create-twice|many|cleared|closing|exit|none
 *         [STATUS [COMMAND [HOW]]]
 *
 * Creates as many displays with a wl_shm, connects a client to the last one that
 * commits an unsealed buffer, and prints how the file is called that its wl_shm
 * has mapped. Then it has the shell run COMMAND, and ends with STATUS; with
 * "exit", without destroying the display. HOW is start_shell()'s.
 *
 * With "many", the client has 400 pools; with "cleared", the environment is cleared
 * first; with "closing", all fds but the standard streams are closed first.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wayland-client.h>
#include <wayland-server-core.h>

#include "start.h"

/* Returns whether it was sent. */
static bool send_words(int socket, uint32_t *words, size_t size, int fd) {
	struct iovec iov = { .iov_base = words, .iov_len = size };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(socket, &message, MSG_NOSIGNAL) == (ssize_t)size;
}

static void dispatch(struct wl_display *server) {
	wl_event_loop_dispatch(wl_display_get_event_loop(server), 0);
	wl_display_flush_clients(server);
}

/* A client on the same thread: what it sends is dispatched in between. */
static void use_shm(struct wl_display *server, int fd, uint32_t pools) {
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ||
			wl_client_create(server, fds[0]) == NULL) {
		exit(99);
	}
	/* By hand: wl_display.get_registry(2), wl_registry.bind(1, "wl_shm", 1,
	 * 3), wl_shm.create_pool(4, fd, 4096). */
	uint32_t words[] = {
		1, 12 << 16 | 1, 2,
		2, 32 << 16, 1, 7, 0x735f6c77, 0x00006d68, 1, 3,
		3, 16 << 16, 4, 4096,
	};
	if (!send_words(fds[1], words, sizeof(words), fd)) {
		exit(99);
	}
	dispatch(server);
	for (uint32_t i = 1; i < pools; i++) {
		uint32_t another[] = { 3, 16 << 16, 4 + i, 4096 };
		if (!send_words(fds[1], another, sizeof(another), fd)) {
			printf("%u pools\n", i - 1);
			break;
		}
		dispatch(server);
	}
}

static void print_mapped(void) {
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int mapped = 0, shadows = 0;
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		mapped += strstr(line, "/memfd:unsealed") != NULL;
		shadows += strstr(line, "/memfd:sealpool-shadow") != NULL;
	}
	fclose(maps);
	printf("%s\n", mapped > 0 ? "unguarded" :
		shadows > 0 ? "guarded" : "nothing");
	fflush(stdout);
}

/* As those do who have a copy of it. */
static char **copy_environment(void) {
	size_t n = 0;
	while (environ[n] != NULL) {
		n++;
	}
	char **copy = calloc(n + 1, sizeof(copy[0]));
	for (size_t i = 0; copy != NULL && i < n; i++) {
		copy[i] = strdup(environ[i]);
	}
	return copy;
}

int main(int argc, char *argv[]) {
	char **envp = copy_environment();
	const char *what = argc > 1 ? argv[1] : "";
	int displays = strcmp(what, "none") == 0 ? 0 :
		strcmp(what, "create-twice") == 0 ? 2 : 1;
	struct wl_display *display = NULL, *first = NULL;
	if (strcmp(what, "closing") == 0) {
		close_range(STDERR_FILENO + 1, ~0u, 0);
	} else if (strcmp(what, "cleared") == 0) {
		clearenv();
	}
	for (int i = 0; i < displays; i++) {
		first = display;
		display = wl_display_create();
		if (display == NULL) {
			return 98;
		}
	}
	if (display != NULL) {
		int fd = memfd_create("unsealed", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, 4096) < 0 ||
				wl_display_init_shm(display) < 0) {
			return 99;
		}
		use_shm(display, fd, strcmp(what, "many") == 0 ? 400 : 1);
		print_mapped();
	}
	if (argc > 3 && (argc > 4 ? start_shell(argv[4], argv[3], envp) :
			system(argv[3])) != 0) {
		return 97;
	}
	if (strcmp(what, "exit") != 0) {
		for (int i = 0; i < displays; i++) {
			struct wl_display *each = i == 0 ? display : first;
			wl_display_destroy_clients(each);
			wl_display_destroy(each);
		}
	}
	return argc > 2 ? atoi(argv[2]) : 0;
}
