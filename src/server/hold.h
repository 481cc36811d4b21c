/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_HOLD_H
#define SEALPOOL_SERVER_HOLD_H

#include <stdbool.h>
#include <wayland-server-core.h>

#include <sealpool/shm.h>

struct sealpool_buffer;
struct sp_context;

/** Reader threads have finished jobs: releases commits whose bytes have come. */
void sp_holds_handle_answers(struct sp_context *context);
/** Releases the held commits of a surface, which is about to be hidden or to get a role.
 * While they are handled, bytes that were not copied yet read as zero, and nobody waits. */
void sp_holds_release(struct wl_resource *surface);
/** Releases commits of memory that no thread is going to copy. */
void sp_holds_tend(struct sp_context *context);
/** Drops all held commits. Call it before the display is destroyed. */
void sp_holds_finish(struct sp_context *context);

/** See sealpool_shm_set_commit_funcs(). */
void sp_holds_set_funcs(struct sp_context *context,
	sealpool_hold_commit_func hold, sealpool_release_commit_func release,
	void *data);

/**
 * A client commits a surface (NULL if it is not known) with a buffer. If the file is slow, a
 * reader thread was asked to read what is stale; if much memory is stale, a thread is
 * asked to copy it, unless the compositor cannot delay commits. Then the commit is
 * delayed until that is done. If the compositor cannot delay it, the copy is updated when
 * a slow file answers. Returns whether the bytes come later. On the display's thread.
 */
bool sp_hold_commit(struct sp_context *context, struct wl_resource *surface,
	struct sealpool_buffer *buffer);

#endif
