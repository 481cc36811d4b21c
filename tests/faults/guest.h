/* SPDX-License-Identifier: MIT */
#ifndef FAULTS_GUEST_H
#define FAULTS_GUEST_H

/**
 * A client of the compositor whose calls fail, and what it knows that the compositor
 * has to show.
 */

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "client.h"
#include "control.h"
#include "image.h"
#include "memory.h"

#define GUEST_BUFFERS 24
#define GUEST_POOLS 16
/** Buffers are squares, 0xXXRRGGBB. */
#define GUEST_SIDE 32
#define GUEST_BYTES (GUEST_SIDE * GUEST_SIDE * 4)

struct compositor_process;

struct guest {
	const char *name;
	struct compositor_process *compositor;
	/* Of control.h: as what it acts, and which of the clients it is. */
	uint32_t actor, slot;
	struct client client;
	bool connected;
	/* Its connection has ended. */
	bool over;
	/* Its bytes may come after the frame. */
	bool late;
	/* How many calls had failed before this step. */
	uint32_t failed_before;

	struct client_memory memory;
	struct client_pool pools[GUEST_POOLS];
	struct client_buffer buffers[GUEST_BUFFERS];
	struct wl_surface *surface;
	/* The buffer that is shown, and what is to be seen of it. */
	int shown;
	struct client_image now;
	uint32_t frame;
};

/* All of these return false after a sentence in client.error. */

bool guest_connect(struct guest *guest);
void guest_disconnect(struct guest *guest);

/** Creates memory, .pools[0] over all of it, and a surface. */
bool guest_begin(struct guest *guest, enum client_memory_kind kind, size_t size);

/** Creates .buffers[index], the index-th square of the pool. */
bool guest_add_buffer(struct guest *guest, int index);

/** Draws a new frame into the buffer and shows it. */
bool guest_show(struct guest *guest, int index);

/** Draws squares of a new frame into what is shown, of "side" pixels and as far from
 * one another, and damages no more than those. */
bool guest_redraw(struct guest *guest, int32_t side);

/** Attaches, damages all and commits. Waits until that was handled. */
bool guest_commit(struct guest *guest, int index);

/** Has it read again by a command of host.c, and looks. */
bool guest_look(struct guest *guest, char command);

/** Has a picture put into a buffer, and looks at that. */
bool guest_capture(struct guest *guest, int index);

/** Hands a buffer to a capture that ends without a word. */
bool guest_abandon_capture(struct guest *guest, int index);

/** Waits for the end of the connection with this error, or NULL for any. */
bool guest_expect_error(struct guest *guest, const char *name);

#endif
