/* SPDX-License-Identifier: MIT */
#ifndef FAULTS_HOST_H
#define FAULTS_HOST_H

/**
 * The compositor whose calls fail. It tells the driver what it has read by
 * control.h, and does what the driver writes to its standard input: see host.c.
 */

#include <wayland-server-core.h>

#include <sealpool/shm.h>

#include "compositor.h"
#include "control.h"
#include "image.h"

/** It ended because it could not start; because something was left open or mapped. */
#define HOST_NOT_STARTED 10
#define HOST_LEFT_OPEN 11

struct host {
	struct wl_display *display;
	const struct host_face *face;
	struct compositor compositor;
	struct faults_control *control;
	/* By the order in which they connected; NULL for one that has gone. */
	struct wl_client *clients[FAULTS_CLIENTS_MAX];
	uint32_t clients_len;
	struct wl_listener client_created;
	struct wl_event_source *commands;
	/* A buffer that stays when its client has gone. */
	void *kept;
	/* The newest file that was received, but for keymaps; -1 for none. */
	int file;
	/* NULL where all of it is preloaded. */
	struct sealpool_shm *shm;
};

/** How a wl_shm is made, and how its buffers are read and written. */
struct host_face {
	const char *name;
	bool (*start)(struct host *host);
	/* Buffers outlive their wl_buffers while they are held. */
	bool holds;
	/* Sets "*held" for a wl_buffer or NULL, and lets go of what was held. */
	void (*hold)(void **held, struct wl_resource *buffer);
	/* Calls "func" with the image of what is held, or of a wl_buffer that is not. Returns false if it cannot
	 * be accessed. */
	bool (*access)(void *held, bool writes,
		void (*func)(const struct client_image *image, void *data),
		void *data);
	/* Has an fd made of it. */
	void (*get_fd)(void *held);
};

extern const struct host_face host_faces[];
extern const size_t host_faces_len;

#endif
