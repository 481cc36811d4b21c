/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GUARD_WRITEBACK_H
#define SEALPOOL_GUARD_WRITEBACK_H

#include <pixman.h>

struct sealpool_buffer;
struct sp_pool;
struct wl_protocol_logger_message;
struct wl_resource;

/**
 * Writebacks: buffers that a request has passed to an object other than a surface, to be
 * read or written. What changes in their shadows is written back to the client's file
 * before that object sends an event, or at the end of the epoch in which it is destroyed.
 */

void sp_writeback_init_pool(struct sp_pool *pool);
/** All of the pool's buffers have gone. */
void sp_writeback_finish_pool(struct sp_pool *pool);

/** Notes that a buffer, whose shadow is up to date, is passed to an object. Returns
 * 0, -ENOMEM, or -EDQUOT when the client exceeds its limit. */
int sp_writeback_add(struct sealpool_buffer *buffer, struct wl_resource *resource);

/** An event of any object is about to be sent. */
void sp_writeback_handle_event(const struct wl_protocol_logger_message *message);

/** Call these before and after copying a region, which is not empty, from the client's
 * file to the shadow. */
void sp_writeback_begin_sync(struct sealpool_buffer *buffer,
	const pixman_region32_t *region);
void sp_writeback_end_sync(struct sealpool_buffer *buffer,
	const pixman_region32_t *region);

/** The wl_buffer is about to be destroyed. */
void sp_writeback_forget(struct sealpool_buffer *buffer);

#endif
