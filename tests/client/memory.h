/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_MEMORY_H
#define CLIENT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct client;

/** Where a client's pixels may lie. */
enum client_memory_kind {
	/** A memfd that can only grow: F_SEAL_SHRINK. */
	CLIENT_MEMORY_SEALED,
	/** A memfd of one size for ever: F_SEAL_SHRINK, _GROW and _SEAL. */
	CLIENT_MEMORY_FIXED,
	/** A memfd without seals, but open to them. */
	CLIENT_MEMORY_UNSEALED,
	/** A POSIX shared memory object without a name any more. */
	CLIENT_MEMORY_SHM_OPEN,
	/** A regular file in $TMPDIR or /tmp, unlinked. */
	CLIENT_MEMORY_FILE,
};

/** A file, and this client's mapping of it. */
struct client_memory {
	/* What is sent to the compositor. */
	int fd;
	/* The file's size, in bytes. */
	size_t size;
	/* Moves when the file grows. NULL once it has been cut. */
	void *data;
};

/** Creates a file of "size" bytes, all zero, and maps all of it. */
bool client_memory_create(struct client *client, struct client_memory *memory,
	enum client_memory_kind kind, size_t size);
void client_memory_destroy(struct client_memory *memory);

/** Makes the file longer, and the mapping with it. */
bool client_memory_grow(struct client *client, struct client_memory *memory,
	size_t size);

/** Makes the file shorter. Its data is not to be touched any more. */
bool client_memory_cut(struct client *client, struct client_memory *memory,
	size_t size);

/** Adds F_SEAL_* flags, to kinds of memory that are memfds. */
bool client_memory_seal(struct client *client, struct client_memory *memory,
	unsigned seals);

/**
 * Puts an fd that can only be read in place of the one that is sent to the
 * compositor. This client still writes through its mapping.
 */
bool client_memory_make_read_only(struct client *client,
	struct client_memory *memory);

/** A short name: "sealed", "shm_open". */
const char *client_memory_kind_name(enum client_memory_kind kind);

#endif
