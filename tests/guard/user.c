/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include "user.h"

/* Returns whether all was sent. */
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

int connect_client(struct wl_display *server) {
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ||
			wl_client_create(server, fds[0]) == NULL) {
		exit(99);
	}
	return fds[1];
}

/* The requests are dispatched in between. */
void use_shm(struct wl_display *server, uint32_t global, int fd,
		uint32_t pools) {
	int socket = connect_client(server);
	/* Encoded by hand: wl_display.get_registry(2), wl_registry.bind(global, "wl_shm",
	 * 1, 3), wl_shm.create_pool(4, fd, 4096). */
	uint32_t words[] = {
		1, 12 << 16 | 1, 2,
		2, 32 << 16, global, 7, 0x735f6c77, 0x00006d68, 1, 3,
		3, 16 << 16, 4, 4096,
	};
	if (!send_words(socket, words, sizeof(words), fd)) {
		exit(99);
	}
	dispatch(server);
	for (uint32_t i = 1; i < pools; i++) {
		uint32_t another[] = { 3, 16 << 16, 4 + i, 4096 };
		if (!send_words(socket, another, sizeof(another), fd)) {
			printf("%u pools\n", i - 1);
			break;
		}
		dispatch(server);
	}
}

/* Returns the number of this process's descriptors that refer to the file. */
static int count_fds(void) {
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int count = 0;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char target[64] = { 0 };
		count += readlinkat(dirfd(dir), entry->d_name, target,
			sizeof(target) - 1) > 0 &&
			strncmp(target, "/memfd:unsealed", 15) == 0;
	}
	closedir(dir);
	return count;
}

void print_mapped(void) {
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int mapped = 0, shadows = 0;
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		mapped += strstr(line, "/memfd:unsealed") != NULL;
		shadows += strstr(line, "/memfd:sealpool-shadow") != NULL;
	}
	fclose(maps);
	printf("%s\n", mapped > 0 ? "unguarded" :
		shadows > 0 ? "guarded" : count_fds() > 1 ? "native" : "nothing");
	fflush(stdout);
}
