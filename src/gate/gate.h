/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GATE_GATE_H
#define SEALPOOL_GATE_GATE_H

struct sp_context;
struct sp_gate;

/** Examines the files in all requests except wl_shm's. Returns NULL if there is no
 * memory. */
struct sp_gate *sp_gate_create(struct sp_context *context);
/** Call it before the display is destroyed. NULL is allowed. */
void sp_gate_destroy(struct sp_gate *gate);

#endif
