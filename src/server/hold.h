/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_HOLD_H
#define SEALPOOL_SERVER_HOLD_H

#include <wayland-server-core.h>

#include <sealpool/shm.h>

struct sealpool_buffer;
struct sp_context;

/** What becomes of commits that show a buffer whose file has not answered yet. Returns
 * 0 or -ENOMEM. */
int sp_holds_init(struct sp_context *context);
/** No file's answer is waited for any more. While the display is still there. */
void sp_holds_finish(struct sp_context *context);

/** See sealpool_shm_set_commit_funcs(). */
void sp_holds_set_funcs(struct sp_context *context,
	sealpool_hold_commit_func hold, sealpool_release_commit_func release,
	void *data);

/**
 * A client commits a surface with a buffer, and the buffer's file was asked for all that
 * is stale. If the file has not answered, the commit is held back until it has. Where no
 * commit can be held back, the copy is brought up to date when the answer comes. On the display's
 * thread.
 */
void sp_hold_commit(struct sp_context *context, struct wl_resource *surface,
	struct sealpool_buffer *buffer);

#endif
