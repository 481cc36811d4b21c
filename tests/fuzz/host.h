/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_HOST_H
#define FUZZ_HOST_H

/**
 * A compositor with Sealpool's wl_shm, or with libwayland's and a guard before it. It
 * follows what its clients attach, damage and commit by itself, and says of each buffer
 * that it reads what it must show.
 */

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include <sealpool/guard.h>
#include <sealpool/shm.h>

#include "client.h"
#include "compositor.h"
#include "truth.h"

struct host_options {
	bool guarded;
	/* An index of tables of limits; 0 for large ones. */
	uint8_t limits;
	/* Short files end nobody. */
	bool lenient;
	/* Each commit is read at once. */
	bool reads;
	/* Buffers are released when they are committed, not when they are replaced. */
	bool releases_early;
	/* There are functions that hold back commits. */
	bool holds;
};

/** A wl_buffer that the display knows. */
struct host_buffer {
	struct wl_list link; /* host.buffers */
	struct truth_buffer *truth;
	struct client *client;
	/* NULL once destroyed. */
	struct wl_resource *resource;
	struct wl_listener destroy;
	bool writable;
	/* Commits of a surface tell what is stale; else, nothing is known. */
	bool tracked;
	struct host_surface *surface;
	/* How often the file was changed when it was captured into. */
	uint8_t captured_at;
	/* It was given to be captured into. */
	bool lent;
};

struct host {
	struct wl_display *display;
	struct wl_event_loop *loop;
	struct host_options options;
	struct compositor compositor; /* of struct host_surface */
	struct sealpool_shm *shm;
	/* Either is NULL. */
	struct sealpool_guard *guard;
	struct wl_protocol_logger *logger;
	struct client clients[CLIENTS];
	struct wl_list buffers; /* host_buffer.link; freed at the end */
};

void host_init(struct host *host, const struct host_options *options);
/** Ends everything, and dies unless all is given back. */
void host_finish(struct host *host);

/** Does all that is to be done now. */
void host_settle(struct host *host);

/** Connects a client anew. */
void host_connect(struct host *host, struct client *client);

/** What is known of a wl_buffer, or NULL. */
struct host_buffer *host_find_buffer(struct host *host,
	struct wl_resource *resource);
/** A client's object with that id if it is a wl_buffer; or NULL. */
struct wl_resource *host_get_buffer(const struct client *client, uint32_t id);

/** Whether its file, or its fd, allows it. */
bool host_can_write(const struct host_buffer *buffer);
/** How much is known of a buffer: if budgets are used up, little. */
enum truth_claim host_get_claim(const struct host *host,
	const struct host_buffer *buffer);

/** Reads, and checks, what the client's surfaces show. */
void host_read_surfaces(struct host *host, const struct client *client);

/** Draws rows into the buffer that a client has given to be captured into last, and
 * tells it so. */
void host_capture(struct host *host, const struct client *client, int32_t top,
	int32_t bottom, bool tell);

/** Gives back copies that nobody has read for so long. */
void host_drop_idle(struct host *host);

#endif
