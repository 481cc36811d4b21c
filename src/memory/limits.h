/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_LIMITS_H
#define SEALPOOL_MEMORY_LIMITS_H

#include <stdint.h>

struct sp_account;

/** The largest default limit of the file descriptors of all clients. */
#define SP_ALL_FDS_MAX 6000

/** The limits of a client, and of all clients together. */
struct sp_limits {
	uint32_t fds, all_fds;
	uint64_t shadow_bytes, all_shadow_bytes;
};

/** Replaces zero by defaults. */
void sp_limits_init(struct sp_limits *limits);

/** Sets the limits of the account of all clients, with a reserve above "wanted". */
void sp_limits_set_all(struct sp_account *account, uint64_t fds,
	uint64_t shadow_bytes);
/** Sets the limits of the account of one client. */
void sp_limits_set_client(struct sp_account *account, uint64_t fds,
	uint64_t shadow_bytes);

#endif
