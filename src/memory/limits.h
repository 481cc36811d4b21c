/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_LIMITS_H
#define SEALPOOL_MEMORY_LIMITS_H

#include <stdint.h>

struct sp_account;

/** The file descriptors of all clients, where the process may have plenty. */
#define SP_ALL_FDS_MAX 6000

/** What a client may hold, and what all clients may. */
struct sp_limits {
	uint32_t fds, all_fds;
	uint64_t shadow_bytes, all_shadow_bytes;
};

/** Fills in defaults where there is zero. */
void sp_limits_init(struct sp_limits *limits);

/** Sets the limits of the account of all clients, with a reserve above what is
 * wanted. */
void sp_limits_set_all(const struct sp_limits *limits,
	struct sp_account *account);
/** Sets those of one client's. */
void sp_limits_set_client(const struct sp_limits *limits,
	struct sp_account *account);

#endif
