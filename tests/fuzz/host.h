/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_HOST_H
#define FUZZ_HOST_H

/**
 * A compositor with Sealpool's wl_shm, or with libwayland's behind a guard. By itself, it
 * follows what its clients attach, damage and commit, and checks each buffer that it
 * reads.
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
	/* An index into tables of limits; 0 for high ones. */
	uint8_t limits;
	/* A short file does not disconnect its client. */
	bool lenient;
	/* Each commit is read at once. */
	bool reads;
	/* Buffers are released when they are committed, not when they are replaced. */
	bool releases_early;
	/* The functions for delayed commits are set. */
	bool holds;
};

/** A wl_buffer, as the display knows it. */
struct host_buffer {
	struct wl_list link; /* host.buffers */
	struct truth_buffer *truth;
	struct client *client;
	/* NULL once it is destroyed. */
	struct wl_resource *resource;
	struct wl_listener destroy;
	bool writable;
	/* Commits of a surface show what is stale; otherwise, that is not known. */
	bool tracked;
	struct host_surface *surface;
	/* The number of changes of the file at the last capture. */
	uint8_t captured_at;
	/* It was passed to a capture. */
	bool lent;
};

struct host {
	struct wl_display *display;
	struct wl_event_loop *loop;
	struct host_options options;
	struct compositor compositor; /* of struct host_surface */
	struct sealpool_shm *shm;
	/* One of these is NULL. */
	struct sealpool_guard *guard;
	struct wl_protocol_logger *logger;
	struct client clients[CLIENTS];
	struct wl_list buffers; /* host_buffer.link; freed at the end */
};

void host_init(struct host *host, const struct host_options *options);
/** Destroys everything, and aborts if something is still charged. */
void host_finish(struct host *host);

/** Aborts, since an honest client was disconnected. */
_Noreturn void host_die_of_disconnected(void);

/** Dispatches all pending events. */
void host_settle(struct host *host);

/** Waits until no reader thread has a job. */
void host_wait_for_files(struct host *host);

/** Connects a client again. */
void host_connect(struct host *host, struct client *client);

/** Returns what is known of a wl_buffer, or NULL. */
struct host_buffer *host_find_buffer(struct host *host,
	struct wl_resource *resource);
/** Returns a client's object with this id if it is a wl_buffer, or NULL. */
struct wl_resource *host_get_buffer(const struct client *client, uint32_t id);

/** Returns whether its file and its fd permit writing. */
bool host_can_write(const struct host_buffer *buffer);
/** Returns how much is known of a buffer: little if budgets are used up. */
enum truth_claim host_get_claim(const struct host *host,
	const struct host_buffer *buffer);

/** Reads and checks what the client's surfaces show. */
void host_read_surfaces(struct host *host, const struct client *client);

/** Draws rows into the buffer that a client has passed to a capture last, and reports to
 * the client that it is ready. */
void host_capture(struct host *host, const struct client *client, int32_t top,
	int32_t bottom, bool tell);

/** Frees copies that were not read for this long. */
void host_drop_idle(struct host *host);

#endif
