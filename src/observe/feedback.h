/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_OBSERVE_FEEDBACK_H
#define SEALPOOL_OBSERVE_FEEDBACK_H

#define SP_FEEDBACK_MANAGER "sealpool_shm_feedback_manager_v1"

struct sp_context;
struct sp_feedback;

/** Creates the global. Returns NULL when there is no memory. */
struct sp_feedback *sp_feedback_create(struct sp_context *context);
/** While the display is still there. */
void sp_feedback_destroy(struct sp_feedback *feedback);

#endif
