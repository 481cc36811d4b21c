/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_MEMORY_H
#define CLIENT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct client;

/** The memory of a client's pixels. */
enum client_memory_kind {
	/** A memfd that can only grow: F_SEAL_SHRINK. */
	CLIENT_MEMORY_SEALED,
	/** A memfd of a fixed size: F_SEAL_SHRINK, _GROW and _SEAL. */
	CLIENT_MEMORY_FIXED,
	/** A memfd without seals, which can be sealed. */
	CLIENT_MEMORY_UNSEALED,
	/** A POSIX shared memory object that was unlinked. */
	CLIENT_MEMORY_SHM_OPEN,
	/** A regular file in $TMPDIR or /tmp that was unlinked. */
	CLIENT_MEMORY_FILE,
};

#define client_memory_for_each(kind, first) \
	for (enum client_memory_kind kind = first; \
			kind <= CLIENT_MEMORY_FILE; kind++)

/** A file and this client's mapping of it. */
struct client_memory {
	/* The fd that is sent to the compositor. */
	int fd;
	/* The file's size, in bytes. */
	size_t size;
	/* Moves when the file grows. NULL once the file was truncated. */
	void *data;
};

/** Creates a file of "size" bytes of zero, and maps the whole file. */
bool client_memory_create(struct client *client, struct client_memory *memory,
	enum client_memory_kind kind, size_t size);
void client_memory_destroy(struct client_memory *memory);

/** Grows the file and the mapping. */
bool client_memory_grow(struct client *client, struct client_memory *memory,
	size_t size);

/** Truncates the file. Its data must not be accessed any more. */
bool client_memory_cut(struct client *client, struct client_memory *memory,
	size_t size);

/** Adds F_SEAL_* flags. The memory must be a memfd. */
bool client_memory_seal(struct client *client, struct client_memory *memory,
	unsigned seals);

/**
 * Replaces the fd that is sent to the compositor by one that can only be read. This
 * client still writes through its mapping.
 */
bool client_memory_make_read_only(struct client *client,
	struct client_memory *memory);

/** Returns a short name: "sealed", "shm_open". */
const char *client_memory_kind_name(enum client_memory_kind kind);

#endif
