/* SPDX-License-Identifier: MIT */
/*
 * Files for pools: each sort that clients are known to use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"
#include "memory.h"

static int create_shm(void) {
	for (int i = 0; i < 100; i++) {
		char name[64];
		snprintf(name, sizeof(name), "/sealpool-test-%ld-%d",
			(long)getpid(), i);
		int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
			0600);
		if (fd >= 0) {
			shm_unlink(name);
			return fd;
		}
		if (errno != EEXIST) {
			break;
		}
	}
	return -1;
}

static int create_file(void) {
	const char *dir = getenv("TMPDIR");
	char path[4096];
	snprintf(path, sizeof(path), "%s/sealpool-test-XXXXXX",
		dir != NULL ? dir : "/tmp");
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0) {
		unlink(path);
	}
	return fd;
}

static unsigned seals_of(enum client_memory_kind kind) {
	switch (kind) {
	case CLIENT_MEMORY_SEALED:
		return F_SEAL_SHRINK;
	case CLIENT_MEMORY_FIXED:
		return F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	case CLIENT_MEMORY_UNSEALED:
	case CLIENT_MEMORY_SHM_OPEN:
	case CLIENT_MEMORY_FILE:
		break;
	}
	return 0;
}

const char *client_memory_kind_name(enum client_memory_kind kind) {
	switch (kind) {
	case CLIENT_MEMORY_SEALED:
		return "sealed";
	case CLIENT_MEMORY_FIXED:
		return "fixed";
	case CLIENT_MEMORY_UNSEALED:
		return "unsealed";
	case CLIENT_MEMORY_SHM_OPEN:
		return "shm_open";
	case CLIENT_MEMORY_FILE:
		return "file";
	}
	return "unknown";
}

bool client_memory_create(struct client *client, struct client_memory *memory,
		enum client_memory_kind kind, size_t size) {
	*memory = (struct client_memory){ .fd = -1 };
	unsigned seals = seals_of(kind);
	if (kind == CLIENT_MEMORY_SHM_OPEN) {
		memory->fd = create_shm();
	} else if (kind == CLIENT_MEMORY_FILE) {
		memory->fd = create_file();
	} else {
		memory->fd = memfd_create("sealpool-test",
			MFD_CLOEXEC | MFD_ALLOW_SEALING);
	}
	const char *doing = "creating";
	if (memory->fd < 0) {
		goto error;
	}
	doing = "sizing";
	if (ftruncate(memory->fd, (off_t)size) != 0) {
		goto error;
	}
	memory->size = size;
	doing = "sealing";
	if (seals != 0 && fcntl(memory->fd, F_ADD_SEALS, seals) != 0) {
		goto error;
	}
	doing = "mapping";
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		memory->fd, 0);
	if (data == MAP_FAILED) {
		goto error;
	}
	memory->data = data;
	return true;

error:
	client_fail(client, "%s %zu bytes of memory (%s): %s", doing, size,
		client_memory_kind_name(kind), strerror(errno));
	client_memory_destroy(memory);
	return false;
}

void client_memory_destroy(struct client_memory *memory) {
	if (memory->data != NULL) {
		munmap(memory->data, memory->size);
		memory->data = NULL;
	}
	if (memory->fd >= 0) {
		close(memory->fd);
		memory->fd = -1;
	}
}

bool client_memory_grow(struct client *client, struct client_memory *memory,
		size_t size) {
	if (ftruncate(memory->fd, (off_t)size) != 0) {
		return client_fail(client, "growing a file to %zu bytes: %s",
			size, strerror(errno));
	}
	void *data = mremap(memory->data, memory->size, size, MREMAP_MAYMOVE);
	if (data == MAP_FAILED) {
		return client_fail(client, "growing a mapping to %zu bytes: %s",
			size, strerror(errno));
	}
	memory->data = data;
	memory->size = size;
	return true;
}

bool client_memory_cut(struct client *client, struct client_memory *memory,
		size_t size) {
	if (memory->data != NULL) {
		munmap(memory->data, memory->size);
		memory->data = NULL;
	}
	if (ftruncate(memory->fd, (off_t)size) != 0) {
		return client_fail(client, "truncating a file to %zu bytes: %s",
			size, strerror(errno));
	}
	memory->size = size;
	return true;
}

bool client_memory_seal(struct client *client, struct client_memory *memory,
		unsigned seals) {
	return fcntl(memory->fd, F_ADD_SEALS, seals) == 0 ||
		client_fail(client, "sealing a file: %s", strerror(errno));
}

bool client_memory_make_read_only(struct client *client,
		struct client_memory *memory) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory->fd);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return client_fail(client, "opening %s for reading: %s", path,
			strerror(errno));
	}
	close(memory->fd);
	memory->fd = fd;
	return true;
}
