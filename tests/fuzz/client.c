/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

/* The opcodes of requests, which are encoded here. */
enum {
	DISPLAY_SYNC = 0,
	DISPLAY_GET_REGISTRY = 1,
	REGISTRY_BIND = 0,
};

uint32_t client_get_seed(void) {
	static uint32_t seed;
	return ++seed;
}

/* The connection */

void client_send_bytes(struct client *client, const void *bytes, size_t length,
		int fd) {
	struct iovec all = { (void *)bytes, length };
	union {
		struct cmsghdr header;
		uint8_t space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr message = { .msg_iov = &all, .msg_iovlen = 1 };
	if (fd >= 0) {
		message.msg_control = control.space;
		message.msg_controllen = sizeof(control.space);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	}
	if (length > 0 && client->socket >= 0) {
		/* It may be closed. */
		sendmsg(client->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

void client_send(struct client *client, uint32_t object, uint16_t opcode,
		int fd, int words_len, const uint32_t *words) {
	uint32_t message[10] = { object };
	size_t length = sizeof(uint32_t) * (size_t)(2 + words_len);
	message[1] = (uint32_t)length << 16 | opcode;
	for (int i = 0; i < words_len; i++) {
		message[2 + i] = words[i];
	}
	client_send_bytes(client, message, length, fd);
}

static void bind_global(struct client *client, uint32_t id, const char *interface,
		uint32_t version) {
	struct {
		uint32_t object, header, name, length;
		char interface[32];
	} begin = {
		.object = CLIENT_REGISTRY,
		.name = id - CLIENT_SHM + 1,
		.length = (uint32_t)strlen(interface) + 1,
	};
	strcpy(begin.interface, interface);
	size_t length = 4 * sizeof(uint32_t) + ((begin.length + 3) & ~3u);
	const uint32_t end[] = { version, id };
	begin.header = (uint32_t)(length + sizeof(end)) << 16 | REGISTRY_BIND;
	client_send_bytes(client, &begin, length, -1);
	client_send_bytes(client, end, sizeof(end), -1);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct client *client = wl_container_of(listener, client, destroy);
	client->wl_client = NULL;
}

void client_connect(struct client *client, struct wl_display *display) {
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		truth_die("no sockets");
	}
	*client = (struct client){ .socket = fds[1] };
	for (int i = 0; i < CLIENT_FILES; i++) {
		client->files[i].fd = -1;
	}
	client->wl_client = wl_client_create(display, fds[0]);
	client->destroy.notify = handle_destroy;
	wl_client_add_destroy_listener(client->wl_client, &client->destroy);
	client_request(client, CLIENT_DISPLAY, DISPLAY_GET_REGISTRY, -1,
		CLIENT_REGISTRY);
	bind_global(client, CLIENT_SHM, "wl_shm", 1);
	bind_global(client, CLIENT_COMPOSITOR, "wl_compositor", 5);
	bind_global(client, CLIENT_SCREENCOPY, "zwlr_screencopy_manager_v1", 3);
	bind_global(client, CLIENT_VIEWPORTER, "wp_viewporter", 1);
	bind_global(client, CLIENT_OUTPUT, "wl_output", 2);
	/* libwayland wants ids to be used in order, so all are used once. */
	for (uint32_t id = CLIENT_POOLS; id < CLIENT_OBJECTS; id++) {
		client_request(client, CLIENT_DISPLAY, DISPLAY_SYNC, -1, id);
	}
}

void client_drain(struct client *client) {
	uint8_t bytes[4096];
	while (client->socket >= 0 && recv(client->socket, bytes, sizeof(bytes),
			MSG_DONTWAIT) > 0) {
	}
}

void client_disconnect(struct client *client) {
	if (client->socket >= 0) {
		close(client->socket);
		client->socket = -1;
	}
	for (int i = 0; i < CLIENT_FILES; i++) {
		if (client->files[i].fd >= 0) {
			close(client->files[i].fd);
			client->files[i].fd = -1;
			client->files[i].truth = NULL;
		}
	}
}

/* Files */

static int create_on_disk(void) {
	char path[4096];
	const char *folder = getenv("TMPDIR");
	snprintf(path, sizeof(path), "%s/sealpool-fuzz-XXXXXX",
		folder != NULL ? folder : "/var/tmp");
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0) {
		unlink(path);
	}
	return fd;
}

static int reopen(int fd) {
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The truth's own fd is always writable; all changes use it. */
void client_create_file(struct client *client, int slot,
		enum client_file_kind kind, uint32_t size) {
	struct client_file *file = &client->files[slot];
	if (file->fd >= 0) {
		close(file->fd);
	}
	*file = (struct client_file){ .fd = -1, .kind = kind };
	int pipes[2];
	if (kind == CLIENT_FILE_PIPE && pipe(pipes) == 0) {
		file->fd = pipes[0];
		close(pipes[1]);
		return;
	}
	if (kind == CLIENT_FILE_DIRECTORY) {
		file->fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return;
	}
	file->fd = kind == CLIENT_FILE_ON_DISK ? create_on_disk() :
		memfd_create("fuzz", MFD_CLOEXEC | (kind ==
		CLIENT_FILE_UNSEALABLE ? 0 : MFD_ALLOW_SEALING));
	file->truth = truth_add_file(file->fd);
	if (file->truth == NULL) {
		return;
	}
	client_truncate(client, slot, size);
	client_write(client, slot, 0, size);
	if (kind == CLIENT_FILE_SEALED || kind == CLIENT_FILE_READ_ONLY_SEALED) {
		client_seal(client, slot, F_SEAL_SHRINK);
	} else if (kind == CLIENT_FILE_FIXED) {
		client_seal(client, slot, F_SEAL_SHRINK | F_SEAL_GROW);
	}
	if (kind == CLIENT_FILE_READ_ONLY ||
			kind == CLIENT_FILE_READ_ONLY_SEALED) {
		int read_only = reopen(file->fd);
		close(file->fd);
		file->fd = read_only;
	}
}

/* Returns whether another change fits. Some changes are reserved for what is written
 * back. */
static bool can_change(const struct truth_file *truth) {
	return truth != NULL && truth->changes_len < TRUTH_CHANGES_MAX - 100;
}

void client_write(struct client *client, int slot, uint32_t start,
		uint32_t length) {
	static uint8_t bytes[TRUTH_FILE_MAX];
	struct truth_file *truth = client->files[slot].truth;
	if (!can_change(truth) || start >= truth->size) {
		return;
	}
	if (length > truth->size - start) {
		length = truth->size - start;
	}
	uint32_t seed = client_get_seed();
	for (uint32_t i = 0; i < length; i++) {
		bytes[i] = truth_get_pattern(seed, start + i);
	}
	if (pwrite(truth->fd, bytes, length, start) == length) {
		truth_change(truth, start, start + length, seed);
	}
}

void client_truncate(struct client *client, int slot, uint32_t size) {
	struct truth_file *truth = client->files[slot].truth;
	if (!can_change(truth) || size > TRUTH_FILE_MAX) {
		return;
	}
	client->to_blame |= size < truth->size;
	if (ftruncate(truth->fd, size) == 0) {
		truth_set_size(truth, size);
	}
}

void client_punch(struct client *client, int slot, uint32_t start,
		uint32_t length) {
	struct truth_file *truth = client->files[slot].truth;
	if (!can_change(truth) || start >= truth->size) {
		return;
	}
	if (length > truth->size - start) {
		length = truth->size - start;
	}
	if (length > 0 && fallocate(truth->fd, FALLOC_FL_PUNCH_HOLE |
			FALLOC_FL_KEEP_SIZE, start, length) == 0) {
		truth_change(truth, start, start + length, 0);
	}
}

void client_seal(struct client *client, int slot, int seals) {
	struct truth_file *truth = client->files[slot].truth;
	if (truth != NULL) {
		/* Some files cannot be sealed. */
		fcntl(truth->fd, F_ADD_SEALS, seals);
	}
}
