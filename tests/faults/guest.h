/* SPDX-License-Identifier: MIT */
#ifndef FAULTS_GUEST_H
#define FAULTS_GUEST_H

/**
 * A client of the compositor whose calls fail, and what the compositor has to show of it.
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
/** Buffers are squares of pixels 0xXXRRGGBB. */
#define GUEST_SIDE 32
#define GUEST_BYTES (GUEST_SIDE * GUEST_SIDE * 4)

struct compositor_process;

struct guest {
	const char *name;
	struct compositor_process *compositor;
	/* Of control.h: its number among the actors, and among the clients. */
	uint32_t actor, slot;
	struct client client;
	bool connected;
	/* The connection has ended. */
	bool over;
	/* Its bytes may come after the frame. */
	bool late;
	/* The number of calls that had failed before this step. */
	uint32_t failed_before;

	struct client_memory memory;
	struct client_pool pools[GUEST_POOLS];
	struct client_buffer buffers[GUEST_BUFFERS];
	struct wl_surface *surface;
	/* The buffer that is shown, and its expected contents. */
	int shown;
	struct client_image now;
	uint32_t frame;
};

/* All of these return false with a message in client.error. */

bool guest_connect(struct guest *guest);
void guest_disconnect(struct guest *guest);

/** Creates memory, a pool of all of it in .pools[0], and a surface. */
bool guest_begin(struct guest *guest, enum client_memory_kind kind, size_t size);

/** Creates .buffers[index], the square with this number in the pool. */
bool guest_add_buffer(struct guest *guest, int index);

/** Draws a new frame into the buffer and shows it. */
bool guest_show(struct guest *guest, int index);

/** Draws squares of a new frame into the shown buffer, "side" pixels wide and apart, and
 * damages only these. */
bool guest_redraw(struct guest *guest, int32_t side);

/** Attaches, damages the whole buffer, and commits. Waits until the compositor has
 * handled that. */
bool guest_commit(struct guest *guest, int index);

/** Has the buffer read again with a command of host.c, and checks it. */
bool guest_look(struct guest *guest, char command);

/** Has a picture captured into a buffer, and checks it. */
bool guest_capture(struct guest *guest, int index);

/** Passes a buffer to a capture that ends without an event. */
bool guest_abandon_capture(struct guest *guest, int index);

/** Waits until the connection ends with this error, or with any for NULL. */
bool guest_expect_error(struct guest *guest, const char *name);

#endif
