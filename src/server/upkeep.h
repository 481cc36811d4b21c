/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_UPKEEP_H
#define SEALPOOL_SERVER_UPKEEP_H

struct sp_context;

/** Returns 0 or -ENOMEM. */
int sp_upkeep_init(struct sp_context *context);
/** Call it before the display is destroyed. */
void sp_upkeep_detach(struct sp_context *context);

#endif
