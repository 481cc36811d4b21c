/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_POLICY_LIMITS_H
#define SEALPOOL_POLICY_LIMITS_H

#include <sealpool/shm.h>

/** Sets the limits to those wanted, with defaults in place of zero. */
void sp_budget_init(struct sealpool_budget *limits,
	const struct sealpool_budget *wanted);

#endif
