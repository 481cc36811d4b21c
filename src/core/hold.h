/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_HOLD_H
#define SEALPOOL_CORE_HOLD_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include <sealpool/shm.h>

struct sealpool_buffer;
struct sp_context;

/** What becomes of a commit that shows a buffer whose file has not answered yet. */
struct sp_holds {
	struct wl_list list; /* sp_hold.link */
	/* Copies what is stale. */
	void (*sync)(struct sealpool_buffer *buffer);
	/* NULL where commits cannot be held back: see
	 * sealpool_shm_set_commit_funcs(). */
	sealpool_hold_commit_func hold;
	sealpool_release_commit_func release;
	void *data;
};

void sp_holds_init(struct sp_holds *holds);
/** No file's answer is waited for any more. */
void sp_holds_finish(struct sp_holds *holds);

/**
 * A client commits a surface with a buffer, and the buffer's file was asked for all that
 * is stale. If the file has not answered, the commit is held back until it has. Where no
 * commit can be held back, the copy is brought up to date when the answer comes. On the display's
 * thread.
 */
void sp_hold_commit(struct sp_context *context, struct wl_resource *surface,
	struct sealpool_buffer *buffer);

/** Some files may have answered. On the display's thread. */
void sp_holds_handle_answers(struct sp_context *context);

#endif
