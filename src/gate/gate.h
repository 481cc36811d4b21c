/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GATE_GATE_H
#define SEALPOOL_GATE_GATE_H

struct sp_context;
struct sp_gate;

/** Watches all requests with a file but wl_shm's. Returns NULL where there is no
 * memory. */
struct sp_gate *sp_gate_create(struct sp_context *context);
/** Before the display goes. NULL is allowed. */
void sp_gate_destroy(struct sp_gate *gate);

#endif
