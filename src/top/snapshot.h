/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_TOP_SNAPSHOT_H
#define SEALPOOL_TOP_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a client holds and has cost: see struct sealpool_stats. */
struct client {
	uint64_t id;
	/* 0 once it has gone, and the compositor holds something of it. */
	int pid;
	uint64_t pools, fds;
	/* Buffers, by memory kind. */
	uint64_t direct, nofault, shadow;
	uint64_t pool_bytes, shadow_bytes;
	uint64_t copied_in, copied_out;
	uint64_t faults;
	/* Of its process; only letters that can be printed. */
	char name[16];
};

struct snapshot {
	/* When, in milliseconds of some clock. */
	int64_t time;
	struct client *clients;
	size_t clients_len;
};

/** Reads one. Returns false, with a sentence in "error", where that cannot be. */
bool snapshot_read(struct snapshot *snapshot, const char *path, char *error,
	size_t error_size);
void snapshot_finish(struct snapshot *snapshot);

/** The same client in another snapshot, or NULL. */
const struct client *snapshot_find(const struct snapshot *snapshot,
	uint64_t id);

#endif
