/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_SHM_H
#define SEALPOOL_CORE_SHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include <sealpool/shm.h>

#include "bounce.h"
#include "budget.h"
#include "fault.h"
#include "idle.h"
#include "turn.h"

struct sp_commits;
struct sp_mapping;
struct sp_monitor;
struct sp_pool;

/**
 * What all pools of a display have in common, whoever made their wl_shm. Lives
 * until the display is destroyed and the last client record is gone.
 */
struct sealpool_shm {
	struct wl_display *display; /* NULL once destroyed */
	struct wl_global *global; /* NULL under a guard */
	struct wl_global *feedback_global; /* NULL unless wanted */
	struct wl_listener display_destroy;
	unsigned refs;

	uint32_t *formats; /* DRM fourcc codes */
	size_t formats_len;

	bool lenient;
	/* Whether this system has MAP_NOFAULT. */
	bool nofault;
	/* What is read where no copy can be had: as long as the largest pool. */
	struct sp_mapping *zeroes;
	sealpool_log_func log;
	void *log_data;
	sealpool_new_buffer_func new_buffer;
	void *new_buffer_data;

	struct sp_budget budget;
	struct wl_list clients; /* sp_client.link */
	uint64_t clients_made;
	struct sp_fault_queue faults;
	struct sp_idle idle;
	struct sp_turn turn;
	struct sp_bounce bounce;
	struct sp_commits *commits;
	/* Of all clients. */
	uint32_t feedbacks_len;
	struct sp_monitor *monitor; /* NULL for none */
	struct sealpool_buffer *(*find_buffer)(struct wl_resource *resource);
	struct sp_pool *(*find_pool)(struct wl_resource *resource);
};

/**
 * Creates all but the wl_shm global. "find_buffer" returns the buffer behind a
 * wl_buffer of whatever origin, or NULL; "find_pool" the pool behind a
 * wl_shm_pool. Returns NULL after a log message.
 */
struct sealpool_shm *sp_shm_create(struct wl_display *display,
	const struct sealpool_options *options,
	struct sealpool_buffer *(*find_buffer)(struct wl_resource *resource),
	struct sp_pool *(*find_pool)(struct wl_resource *resource));

/** Ends it before its display is destroyed, which does it else. */
void sp_shm_destroy(struct sealpool_shm *shm);

struct sealpool_shm *sp_shm_ref(struct sealpool_shm *shm);
void sp_shm_unref(struct sealpool_shm *shm);

bool sp_shm_has_format(const struct sealpool_shm *shm, uint32_t drm);

/** What a client holds and has cost: sealpool_shm_get_client_stats(). */
void sp_client_get_stats(struct sp_client *client,
	struct sealpool_stats *stats);

void sp_log(struct sealpool_shm *shm, enum sealpool_log_importance importance,
	const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Ends a client for which there is no memory, and logs that. */
void sp_post_no_memory(struct sealpool_shm *shm, struct wl_client *client);

#endif
