/* SPDX-License-Identifier: MIT */
/*
 * The default limits of objects; memory/limits.c has those of descriptors and bytes.
 */
#include "limits.h"
#include "memory/limits.h"

#define DEFAULT_POOLS 2048
#define DEFAULT_BUFFERS 32768

void sp_budget_init(struct sealpool_budget *limits,
		const struct sealpool_budget *wanted) {
	struct sp_limits filled = {
		.fds = wanted->fds,
		.all_fds = wanted->all_fds,
		.shadow_bytes = wanted->shadow_bytes,
		.all_shadow_bytes = wanted->all_shadow_bytes,
	};
	sp_limits_init(&filled);
	*limits = *wanted;
	limits->pools = wanted->pools != 0 ? wanted->pools : DEFAULT_POOLS;
	limits->buffers =
		wanted->buffers != 0 ? wanted->buffers : DEFAULT_BUFFERS;
	limits->fds = filled.fds;
	limits->all_fds = filled.all_fds;
	limits->shadow_bytes = filled.shadow_bytes;
	limits->all_shadow_bytes = filled.all_shadow_bytes;
}
