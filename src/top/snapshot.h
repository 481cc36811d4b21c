/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_TOP_SNAPSHOT_H
#define SEALPOOL_TOP_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a client holds and has cost: see struct sealpool_stats. */
struct client {
	uint64_t id;
	/* 0 if it has disconnected, and the compositor still holds its memory. */
	int pid;
	uint64_t pools, fds;
	/* Buffers, by memory kind. */
	uint64_t direct, nofault, shadow;
	uint64_t pool_bytes, shadow_bytes;
	uint64_t copied_in, copied_out;
	uint64_t faults;
	/* How many times bytes were copied from the client's memory. */
	uint64_t copies;
	/* Why, separated by commas; "-" if it is not known, or for no reason. */
	char reasons[80];
	/* The process's, with printable characters only. */
	char name[16];
};

struct snapshot {
	/* When it was read, in milliseconds of CLOCK_MONOTONIC. */
	int64_t time;
	struct client *clients;
	size_t clients_len;
};

/** Reads a snapshot. On failure, returns false with a message in "error". */
bool snapshot_read(struct snapshot *snapshot, const char *path, char *error,
	size_t error_size);
void snapshot_finish(struct snapshot *snapshot);

/** Returns the client with this id, or NULL. */
const struct client *snapshot_find(const struct snapshot *snapshot,
	uint64_t id);

#endif
