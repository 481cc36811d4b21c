/* SPDX-License-Identifier: MIT */
/*
 * Finds the monitor's socket of the compositor at $WAYLAND_DISPLAY.
 *
 * The socket is named after the compositor's process, which the kernel reports as the
 * peer of a connection to the display. If another process has opened the display's
 * socket for the compositor, there is usually only one monitor to be found.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "find.h"

#define PREFIX "sealpool-"

int socket_connect(const char *path) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	if (length >= sizeof(address.sun_path)) {
		return -ENAMETOOLONG;
	}
	memcpy(address.sun_path, path, length);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	/* Of connect() as well, which waits while too many others wait. */
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int ret = errno == EAGAIN ? -ETIMEDOUT : -errno;
		close(fd);
		return ret;
	}
	return fd;
}

static bool is_socket(const char *path) {
	int fd = socket_connect(path);
	if (fd >= 0) {
		close(fd);
	}
	return fd >= 0;
}

/* Returns the compositor's pid, or 0. */
static pid_t get_compositor(const char *dir) {
	const char *display = getenv("WAYLAND_DISPLAY");
	if (display == NULL || display[0] == '\0') {
		display = "wayland-0";
	}
	char path[4096];
	if (display[0] == '/') {
		snprintf(path, sizeof(path), "%s", display);
	} else {
		snprintf(path, sizeof(path), "%s/%s", dir, display);
	}
	int fd = socket_connect(path);
	if (fd < 0) {
		return 0;
	}
	struct ucred peer = { 0 };
	socklen_t length = sizeof(peer);
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
	close(fd);
	return peer.pid;
}

bool find_socket(char *path, size_t size) {
	const char *dir = getenv("XDG_RUNTIME_DIR");
	if (dir == NULL) {
		fputs("sealpool-top: XDG_RUNTIME_DIR is not set\n", stderr);
		return false;
	}
	pid_t pid = get_compositor(dir);
	if (pid > 0) {
		snprintf(path, size, "%s/" PREFIX "%d", dir, (int)pid);
		if (is_socket(path)) {
			return true;
		}
	}
	unsigned found = 0;
	DIR *entries = opendir(dir);
	for (struct dirent *entry; entries != NULL &&
			(entry = readdir(entries)) != NULL;) {
		const char *digits = entry->d_name + strlen(PREFIX);
		char other[4096];
		snprintf(other, sizeof(other), "%s/%s", dir, entry->d_name);
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 ||
				digits[0] < '0' || digits[0] > '9' ||
				!is_socket(other)) {
			continue;
		}
		if (found++ > 0) {
			fprintf(stderr, found == 2 ? "sealpool-top: found "
				"several compositors. Choose one of\n"
				"  --socket %s\n" : "%s", found == 2 ? path : "");
			fprintf(stderr, "  --socket %s\n", other);
		}
		snprintf(path, size, "%s", other);
	}
	if (entries != NULL) {
		closedir(entries);
	}
	if (found == 0) {
		fputs("sealpool-top: found no compositor with monitoring "
			"enabled. Start it with SEALPOOL_MONITOR=1 in its "
			"environment, or with sealpool-run --monitor\n", stderr);
	}
	return found == 1;
}
