/* SPDX-License-Identifier: MIT */
/*
 * The preloaded library sends messages to the watch through a socket in the abstract
 * namespace: many programs close inherited file descriptors when they start others, and
 * the name of an abstract socket vanishes with the socket. Other users can see that
 * name, so it has only the first half of the token, and each message has all of it.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
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

/* How often the watch is asked, and how long each answer is waited for: half a minute for
 * a watch that is stopped. */
#define ASKED_MAX 300
#define ANSWER_MS 100

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

static bool send_to(int fd, const struct sockaddr_un *address,
		socklen_t length, const char *token, enum notify_what what) {
	char message[MESSAGE_SIZE];
	message[0] = (char)what;
	memcpy(message + 1, token, SETTINGS_TOKEN_LENGTH);
	return sendto(fd, message, sizeof(message), MSG_NOSIGNAL,
		(const struct sockaddr *)address, length) >= 0;
}

enum notify_what notify_receive(int fd, const char *token) {
	char message[MESSAGE_SIZE + 1];
	ssize_t length;
	do {
		struct sockaddr_un from;
		socklen_t from_length = sizeof(from);
		length = recvfrom(fd, message, sizeof(message), 0,
			(struct sockaddr *)&from, &from_length);
		if (length != MESSAGE_SIZE || memcmp(message + 1, token,
				SETTINGS_TOKEN_LENGTH) != 0) {
			continue;
		}
		if (message[0] != NOTIFY_ENDING) {
			return (enum notify_what)message[0];
		}
		send_to(fd, &from, from_length, token, NOTIFY_UNGUARDED);
	} while (length >= 0 || errno == EINTR);
	return NOTIFY_NOTHING;
}

void notify_send(const char *token, enum notify_what what) {
	struct sockaddr_un address;
	socklen_t length = get_address(&address, token);
	int fd = open_socket();
	if (fd >= 0) {
		send_to(fd, &address, length, token, what);
		close(fd);
	}
}

bool notify_is_waiting(const char *token) {
	struct sockaddr_un address;
	socklen_t length = get_address(&address, token);
	int fd = open_socket();
	/* The kernel chooses a name, to which the watch can answer. */
	struct sockaddr_un own = { .sun_family = AF_UNIX };
	bool waiting = false;
	if (fd >= 0 && bind(fd, (struct sockaddr *)&own,
			sizeof(own.sun_family)) == 0) {
		/* Asks again, since the watch may end without an answer; then this
		 * fails. */
		for (int i = 0; i < ASKED_MAX && !waiting && (send_to(fd, &address,
				length, token, NOTIFY_ENDING) || errno == EAGAIN);
				i++) {
			struct pollfd pollfd = { .fd = fd, .events = POLLIN };
			poll(&pollfd, 1, ANSWER_MS);
			waiting = notify_receive(fd, token) == NOTIFY_UNGUARDED;
		}
	}
	if (fd >= 0) {
		close(fd);
	}
	return waiting;
}
