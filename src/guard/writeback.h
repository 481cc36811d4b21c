/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GUARD_WRITEBACK_H
#define SEALPOOL_GUARD_WRITEBACK_H

#include <pixman.h>

struct sealpool_buffer;
struct wl_protocol_logger_message;
struct wl_resource;

/**
 * Buffers that a request has handed to something else than a surface, to be read
 * or written there. What changes in their shadows is handed back to the client
 * before the object of that request sends an event, or when it goes.
 */

/** Notes that a buffer, whose shadow is up to date, is lent to an object. Returns
 * 0, -ENOMEM, or -EDQUOT when the client is over its budget. */
int sp_writeback_add(struct sealpool_buffer *buffer, struct wl_resource *resource);

/** An event, of whatever object, is about to be sent. */
void sp_writeback_handle_event(const struct wl_protocol_logger_message *message);

/** Around each change of a buffer's shadow that comes from the client, within a
 * region that is not empty. */
void sp_writeback_begin_sync(struct sealpool_buffer *buffer,
	const pixman_region32_t *region);
void sp_writeback_end_sync(struct sealpool_buffer *buffer,
	const pixman_region32_t *region);

/** The wl_buffer is about to go. */
void sp_writeback_forget(struct sealpool_buffer *buffer);

#endif
