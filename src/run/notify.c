/* SPDX-License-Identifier: MIT */
/*
 * The preloaded library sends messages to the watch through a socket in the abstract
 * namespace: many programs close inherited file descriptors when they start others, and
 * the name of an abstract socket vanishes with the socket. Other users can see that
 * name, so it has only the first half of the token, and each message has all of it.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify.h"
#include "settings.h"

#define NAME_TOKEN_LENGTH (SETTINGS_TOKEN_LENGTH / 2)
#define MESSAGE_SIZE (1 + SETTINGS_TOKEN_LENGTH)

static socklen_t get_address(struct sockaddr_un *address, const char *token) {
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	/* A leading null byte makes the name abstract. */
	int length = snprintf(address->sun_path + 1,
		sizeof(address->sun_path) - 1, "sealpool-run-%.*s",
		NAME_TOKEN_LENGTH, token);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
		(size_t)length);
}

static int open_socket(void) {
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int notify_listen(const char *token) {
	struct sockaddr_un address;
	socklen_t length = get_address(&address, token);
	int fd = open_socket();
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, length) < 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

enum notify_what notify_receive(int fd, const char *token) {
	char message[MESSAGE_SIZE + 1];
	ssize_t length;
	do {
		length = recv(fd, message, sizeof(message), 0);
		if (length == MESSAGE_SIZE && memcmp(message + 1, token,
				SETTINGS_TOKEN_LENGTH) == 0) {
			return (enum notify_what)message[0];
		}
	} while (length >= 0 || errno == EINTR);
	return NOTIFY_NOTHING;
}

void notify_send(const char *token, enum notify_what what) {
	struct sockaddr_un address;
	socklen_t length = get_address(&address, token);
	char message[MESSAGE_SIZE];
	message[0] = (char)what;
	memcpy(message + 1, token, SETTINGS_TOKEN_LENGTH);
	int fd = open_socket();
	if (fd >= 0) {
		sendto(fd, message, sizeof(message), MSG_NOSIGNAL,
			(struct sockaddr *)&address, length);
		close(fd);
	}
}
