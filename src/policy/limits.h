/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_POLICY_LIMITS_H
#define SEALPOOL_POLICY_LIMITS_H

#include <sealpool/shm.h>

/** Fills in defaults where "wanted" has zero. */
void sp_budget_init(struct sealpool_budget *limits,
	const struct sealpool_budget *wanted);

#endif
