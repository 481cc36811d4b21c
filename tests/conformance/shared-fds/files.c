/* SPDX-License-Identifier: MIT */
/*
 * Files, and how hostile ones are sent.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "files.h"
#include "hostile/attacker.h"
#include "silent-files.h"

#define ALL_SEALS \
	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* A busy compositor may not wait long enough for a disk, and refuse the file. */
#define DISK_TRIES 100
#define DISK_MS 200

static int create_memory(struct test *test, const void *bytes, size_t size) {
	int fd = memfd_create("shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) {
		test_fail(test, "memfd_create: %s", strerror(errno));
	}
	return fd;
}

static int open_read_only(int fd) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int create_on_disk(struct test *test, const void *bytes, size_t size) {
	char path[] = "/var/tmp/sealpool-conformance-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0) {
		test_skip(test, "%s: %s", path, strerror(errno));
	}
	unlink(path);
	if (write(fd, bytes, size) != (ssize_t)size) {
		test_fail(test, "%s: %s", path, strerror(errno));
	}
	return fd;
}

static int open_end(struct test *test, bool of_socket) {
	int fds[2];
	/* The other end stays open, so read() blocks. */
	int ret = of_socket ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
		fds) : pipe2(fds, O_CLOEXEC);
	if (ret < 0) {
		test_fail(test, "no pipe and no socket: %s", strerror(errno));
	}
	return fds[0];
}

void bind_or_skip(struct test *test, struct client_global *global) {
	struct client_global globals[] = { *global, { 0 } };
	struct wl_registry *registry =
		client_look_for_globals(test->client.display, globals);
	must(test, registry != NULL && client_roundtrip(&test->client));
	wl_registry_destroy(registry);
	*global = globals[0];
	if (global->object == NULL || global->offered < global->version) {
		test_skip(test, "there is no %s of version %u",
			global->interface->name, global->version);
	}
}

int open_shared(struct test *test, enum shared_file kind,
		const struct shared_interface *interface) {
	int fd;
	switch (kind) {
	case FILE_SEALED:
		fd = create_memory(test, interface->bytes, interface->size);
		fcntl(fd, F_ADD_SEALS, ALL_SEALS);
		return fd;
	case FILE_READ_ONLY:
		return open_read_only(create_memory(test, interface->bytes,
			interface->size));
	case FILE_ON_DISK:
		return create_on_disk(test, interface->bytes, interface->size);
	case FILE_SHORT:
		return create_memory(test, interface->bytes,
			interface->size / 2);
	case FILE_EMPTY:
		return create_memory(test, NULL, 0);
	case FILE_PIPE:
		return open_end(test, false);
	case FILE_SOCKET:
		return open_end(test, true);
	case FILE_DIRECTORY:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case FILE_SILENT_READ:
		return open_silent_file(test, SILENT_FILES_READ);
	case FILE_SILENT_GETATTR:
		return open_silent_file(test, SILENT_FILES_GETATTR);
	case FILE_SILENT_FLUSH:
		return open_silent_file(test, SILENT_FILES_FLUSH);
	case FILE_UNSEALED:
	case FILE_SIZE_0:
	case FILE_SIZE_MAX:
	case FILE_CUT_AFTERWARDS:
	case FILE_CUT_MEANWHILE:
		return create_memory(test, interface->bytes, interface->size);
	}
	return -1;
}

void *send_valid(struct test *test, const struct shared_interface *interface) {
	enum shared_file kind = (enum shared_file)test->argument;
	int fd = open_shared(test, kind, interface);
	for (int tries = 0;; tries++) {
		void *object = interface->create(test);
		lseek(fd, 0, SEEK_SET);
		interface->send(object, fd, interface->size);
		if (client_roundtrip(&test->client) || kind != FILE_ON_DISK ||
				tries == DISK_TRIES) {
			test_expect_alive(test);
			return object;
		}
		poll(NULL, 0, DISK_MS);
		client_disconnect(&test->client);
		test_connect(test, &test->client);
	}
}

static void cut_and_restore(int fd) {
	static uint8_t bytes[4096];
	if (pread(fd, bytes, 1, 0) < 0) {
		return;
	}
	ftruncate(fd, 0);
	ftruncate(fd, 1 << 16);
}

/* A client that is disconnected reconnects. */
static void send_while_it_is_cut(struct test *test,
		const struct shared_interface *interface, int fd) {
	pid_t child = start_child(test, fd, true, RACE_MS, cut_and_restore);
	int64_t deadline = test_now_ms() + RACE_MS / 2;
	while (test_now_ms() < deadline) {
		interface->send(interface->create(test), fd, interface->size);
		if (!client_roundtrip(&test->client)) {
			client_disconnect(&test->client);
			test_connect(test, &test->client);
		}
	}
	end_child(child);
}

void send_hostile(struct test *test, const struct shared_interface *interface) {
	enum shared_file kind = (enum shared_file)test->argument;
	void *object = interface->create(test);
	int fd = open_shared(test, kind, interface);
	uint32_t size = interface->size;
	if (kind == FILE_SIZE_0) {
		size = 0;
	} else if (kind == FILE_SIZE_MAX) {
		size = UINT32_MAX;
	}
	if (kind == FILE_CUT_MEANWHILE) {
		send_while_it_is_cut(test, interface, fd);
	} else {
		interface->send(object, fd, size);
		client_roundtrip(&test->client);
	}
	if (kind == FILE_CUT_AFTERWARDS) {
		ftruncate(fd, 0);
	}
	/* The compositor may have other processes read it. */
	poll(NULL, 0, ATTACK_MS);
	client_disconnect(&test->client);
	probe(test);
	if (silent_files.pid > 0) {
		silent_files_unmount(&silent_files);
	}
}
