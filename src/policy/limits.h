/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_POLICY_LIMITS_H
#define SEALPOOL_POLICY_LIMITS_H

#include <sealpool/shm.h>

/** The file descriptors of all clients, where the process may have plenty. */
#define SP_ALL_FDS_MAX 6000

/** Of what all clients may hold, so much more is for those that ask while a client
 * has to go. */
#define SP_FDS_RESERVE_PART 6
#define SP_BYTES_RESERVE_PART 4

/** Fills in defaults where "wanted" has zero. */
void sp_budget_init(struct sealpool_budget *limits,
	const struct sealpool_budget *wanted);

#endif
