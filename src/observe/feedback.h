/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_OBSERVE_FEEDBACK_H
#define SEALPOOL_OBSERVE_FEEDBACK_H

struct sp_context;
struct sp_feedback;

/** Creates the global. Returns NULL when there is no memory. */
struct sp_feedback *sp_feedback_create(struct sp_context *context);
/** Call it before the display is destroyed. */
void sp_feedback_destroy(struct sp_feedback *feedback);
struct wl_global *sp_feedback_get_global(const struct sp_feedback *feedback);

#endif
