/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_COMMITS_H
#define SEALPOOL_SERVER_COMMITS_H

#include <stdbool.h>
#include <wayland-server-core.h>

#include "surface.h"

struct sealpool_buffer;
struct sp_context;

struct sp_commits {
	/* NULL as long as nothing needs it. */
	struct wl_protocol_logger *logger;
	struct wl_listener needed; /* sp_context.commits_needed */
	struct sp_surfaces surfaces;
};

void sp_commits_init(struct sp_commits *commits, struct sp_context *context);
/** Call it before the display is destroyed. */
void sp_commits_finish(struct sp_commits *commits);

/** Follows all requests of the display, from when something needs that: see
 * sp_context.commits_needed. */
void sp_commits_listen_when_needed(struct sp_commits *commits);

/** Called for each buffer that a request passes to an object other than a surface. */
typedef void (*sp_passed_func)(struct sealpool_buffer *buffer,
	const struct wl_protocol_logger_message *message);

/**
 * Follows one request, for a caller that listens itself. If the request is a commit,
 * returns the buffer that it shows, else NULL. "passed" may be NULL.
 */
struct sealpool_buffer *sp_commits_handle_request(struct sp_commits *commits,
	const struct wl_protocol_logger_message *message, sp_passed_func passed);

#endif
