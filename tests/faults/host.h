/* SPDX-License-Identifier: MIT */
#ifndef FAULTS_HOST_H
#define FAULTS_HOST_H

/**
 * The compositor whose calls fail. It reports what it has read through control.h, and
 * runs the commands that the driver writes to its standard input: see host.c.
 */

#include <wayland-server-core.h>

#include <sealpool/shm.h>

#include "compositor.h"
#include "control.h"
#include "image.h"

struct host {
	struct wl_display *display;
	const struct host_face *face;
	struct compositor compositor;
	struct faults_control *control;
	/* In the order of connecting; NULL for one that has disconnected. */
	struct wl_client *clients[FAULTS_CLIENTS_MAX];
	uint32_t clients_len;
	struct wl_listener client_created;
	struct wl_event_source *commands;
	/* A buffer that is kept after its client has disconnected. */
	void *kept;
	/* The newest received file other than a keymap; -1 for none. */
	int file;
	/* NULL if everything is preloaded. */
	struct sealpool_shm *shm;
};

/** How a wl_shm is created, and how its buffers are read and written. */
struct host_face {
	const char *name;
	bool (*start)(struct host *host);
	/* Buffers outlive their wl_buffers while they are held. */
	bool holds;
	/* Sets "*held" for a wl_buffer or NULL, and releases what was held. */
	void (*hold)(void **held, struct wl_resource *buffer);
	/* Calls "func" with an image of the held buffer, or of a wl_buffer that is not
	 * held. Returns false if it cannot be accessed. */
	bool (*access)(void *held, bool writes,
		void (*func)(const struct client_image *image, void *data),
		void *data);
	/* Requests an fd of it. */
	void (*get_fd)(void *held);
};

extern const struct host_face host_faces[];
extern const size_t host_faces_len;

#endif
