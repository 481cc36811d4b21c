/* SPDX-License-Identifier: MIT */
/*
 * Creates a wl_shm and its parts; has the public functions of struct sealpool_shm.
 */
#include <assert.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gate/gate.h"
#include "memory/limits.h"
#include "observe/feedback.h"
#include "observe/monitor.h"
#include "observe/stats.h"
#include "policy/evict.h"
#include "policy/limits.h"
#include "server/buffer.h"
#include "server/client.h"
#include "server/context.h"
#include "server/hold.h"
#include "server/pool.h"
#include "server/upkeep.h"
#include "server/wl_shm.h"
#include "shm.h"

#define MIB (1024.0 * 1024)

static const struct sp_policy policy = {
	.account_ops = &sp_evict_account_ops,
	.make_room = sp_evict_for,
};

/* The log should show the version, and the limits that may disconnect clients. */
static void log_start(struct sp_context *context, bool few_fds) {
	const struct sealpool_budget *limits = &context->limits;
	sp_log(context, SEALPOOL_LOG_INFO, "version " SEALPOOL_VERSION
		" protects wl_shm: a client may hold %" PRIu32 " pools, %" PRIu32
		" file descriptors and %.1f MiB of copies; all clients %" PRIu32
		" and %.1f MiB%s", limits->pools, limits->fds,
		(double)limits->shadow_bytes / MIB, limits->all_fds,
		(double)limits->all_shadow_bytes / MIB, few_fds ?
		" (more descriptors with a higher soft limit RLIMIT_NOFILE)" : "");
}

/* Returns NULL after a log message. */
static struct sp_context *create_context(struct wl_display *display,
		const struct sealpool_options *options,
		const struct sp_front *front) {
	struct sealpool_budget limits;
	sp_budget_init(&limits, &options->budget);
	struct sp_context *context = sp_context_create(display, options,
		&limits, &policy, front);
	if (context == NULL) {
		return NULL;
	}
	sp_limits_set_all(&context->all, limits.all_fds, limits.all_shadow_bytes);
	int ret = sp_upkeep_init(context);
	if (ret < 0) {
		sp_log(context, SEALPOOL_LOG_ERROR, "cannot start: %s",
			strerror(-ret));
		sp_context_detach(context);
		sp_context_unref(context);
		return NULL;
	}
	log_start(context, options->budget.all_fds == 0 &&
		limits.all_fds < SP_ALL_FDS_MAX);
	return context;
}

static void leave_context(struct sp_context *context) {
	sp_upkeep_detach(context);
	sp_holds_finish(context);
	/* After the holds, whose buffers count as another thread's if that thread has
	 * dispatched the loop. */
	sp_buffers_finish(context);
	sp_context_detach(context);
	sp_context_unref(context);
}

void sp_shm_destroy(struct sealpool_shm *shm) {
	wl_list_remove(&shm->display_destroy.link);
	if (shm->global != NULL) {
		wl_global_destroy(shm->global);
	}
	wl_signal_emit(&shm->destroy, NULL);
	sp_gate_destroy(shm->gate);
	sp_commits_finish(&shm->commits);
	leave_context(shm->context);
	free(shm);
}

/*
 * While a thread waits for a file, the process's descriptors stay open, even after its
 * end. Not every compositor destroys its clients before its display (Weston does not), and
 * these would not notice that it has ended.
 */
static void end_connections(struct wl_display *display) {
	struct wl_client *client;
	wl_client_for_each(client, wl_display_get_client_list(display)) {
		shutdown(wl_client_get_fd(client), SHUT_RDWR);
	}
}

static void handle_display_destroy(struct wl_listener *listener, void *data) {
	struct sealpool_shm *shm =
		wl_container_of(listener, shm, display_destroy);
	struct sp_context *context = sp_context_ref(shm->context);
	sp_shm_destroy(shm);
	if (sp_readers_are_busy(&context->memory.readers)) {
		end_connections(data);
	}
	sp_context_unref(context);
}

/* A variable that is not "1" enables nothing. Not for a process that has more rights than
 * who has started it. */
static bool is_enabled(struct sp_context *context, const char *name) {
	const char *value = secure_getenv(name);
	if (value == NULL || value[0] == '\0' || strcmp(value, "0") == 0) {
		return false;
	}
	if (strcmp(value, "1") != 0) {
		sp_log(context, SEALPOOL_LOG_ERROR, "%s=%s in the environment is "
			"ignored: it is neither 0 nor 1", name, value);
		return false;
	}
	return true;
}

/* What the user of a compositor can enable without its help. */
static void observe(struct sealpool_shm *shm) {
	struct sp_context *context = shm->context;
	if (is_enabled(context, "SEALPOOL_MONITOR") &&
			sealpool_monitor_create(shm) != NULL) {
		sp_log(context, SEALPOOL_LOG_INFO,
			"SEALPOOL_MONITOR: sealpool-top can ask what clients cost");
	}
	if (!is_enabled(context, "SEALPOOL_FEEDBACK")) {
		return;
	}
	if (sealpool_feedback_create(shm) != NULL) {
		sp_log(context, SEALPOOL_LOG_INFO, "SEALPOOL_FEEDBACK: clients "
			"can ask how their memory is read");
	} else {
		sp_log(context, SEALPOOL_LOG_ERROR, "no memory for feedback");
	}
}

struct sealpool_shm *sp_shm_create(struct wl_display *display,
		const struct sealpool_options *options,
		const struct sp_front *front) {
	struct sealpool_options wanted = { 0 };
	if (options != NULL) {
		assert(options->size > 0);
		size_t size = options->size < sizeof(wanted) ?
			options->size : sizeof(wanted);
		memcpy(&wanted, options, size);
	}
	struct sp_context *context = create_context(display, &wanted, front);
	if (context == NULL) {
		return NULL;
	}
	struct sealpool_shm *shm = calloc(1, sizeof(*shm));
	if (shm == NULL) {
		goto error_context;
	}
	shm->context = context;
	wl_signal_init(&shm->destroy);
	sp_commits_init(&shm->commits, context);
	if (!wanted.wl_shm_only) {
		shm->gate = sp_gate_create(context);
		if (shm->gate == NULL) {
			goto error_shm;
		}
	}
	shm->display_destroy.notify = handle_display_destroy;
	wl_display_add_destroy_listener(display, &shm->display_destroy);
	observe(shm);
	return shm;

error_shm:
	sp_commits_finish(&shm->commits);
	free(shm);
error_context:
	sp_log(context, SEALPOOL_LOG_ERROR, "cannot start: %s",
		strerror(ENOMEM));
	leave_context(context);
	return NULL;
}

static bool add_formats(struct sp_context *context, const uint32_t *formats,
		size_t formats_len) {
	for (size_t i = 0; i < formats_len; i++) {
		if (!sp_context_add_format(context, formats[i])) {
			return false;
		}
	}
	assert(sp_context_has_format(context, DRM_FORMAT_ARGB8888));
	assert(sp_context_has_format(context, DRM_FORMAT_XRGB8888));
	return true;
}

bool sp_shm_offer(struct sealpool_shm *shm, uint32_t version,
		const uint32_t *formats, size_t formats_len,
		const struct sp_front *front) {
	if (add_formats(shm->context, formats, formats_len)) {
		shm->global = sp_wl_shm_create_global(shm->context,
			version);
	}
	if (shm->global == NULL) {
		sp_log(shm->context, SEALPOOL_LOG_ERROR,
			"cannot create wl_shm: %s", strerror(errno));
		return false;
	}
	shm->context->front = front;
	if (!shm->context->no_commit_tracker) {
		sp_commits_listen_when_needed(&shm->commits);
	}
	return true;
}

const struct sp_front sp_shm_front = {
	.find_buffer = sealpool_buffer_try_from_resource,
	.find_pool = sp_pool_try_from_resource,
	.sync = sp_buffer_sync,
	.client_gone = sp_buffers_handle_client_gone,
	.pool_size = sizeof(struct sp_pool),
	.buffer_size = sizeof(struct sealpool_buffer),
};

struct sealpool_shm *sealpool_shm_create(struct wl_display *display,
		uint32_t version, const uint32_t *formats, size_t formats_len,
		const struct sealpool_options *options) {
	struct sealpool_shm *shm =
		sp_shm_create(display, options, &sp_shm_front);
	if (shm != NULL && !sp_shm_offer(shm, version, formats, formats_len,
			&sp_shm_front)) {
		sp_shm_destroy(shm);
		return NULL;
	}
	return shm;
}

void sealpool_shm_add_new_buffer_listener(struct sealpool_shm *shm,
		struct wl_listener *listener) {
	wl_signal_add(&shm->context->new_buffer, listener);
}

struct sealpool_feedback *sealpool_feedback_create(struct sealpool_shm *shm) {
	return sp_feedback_create(shm->context, &shm->destroy);
}

struct sealpool_monitor *sealpool_monitor_create(struct sealpool_shm *shm) {
	struct sealpool_monitor *monitor =
		sp_monitor_create(shm->context, &shm->destroy);
	if (monitor == NULL) {
		int error = errno;
		sp_log(shm->context, SEALPOOL_LOG_ERROR, "cannot listen in "
			"$XDG_RUNTIME_DIR for sealpool-top: %s",
			strerror(error));
		errno = error;
	}
	return monitor;
}

void sealpool_shm_set_commit_funcs(struct sealpool_shm *shm,
		sealpool_hold_commit_func hold,
		sealpool_release_commit_func release, void *data) {
	sp_holds_set_funcs(shm->context, hold, release, data);
}

void sealpool_shm_get_client_stats(struct sealpool_shm *shm,
		struct wl_client *wl_client, struct sealpool_stats *stats) {
	struct sp_client *client = sp_client_find(shm->context, wl_client);
	if (client != NULL) {
		sp_client_get_stats(client, stats);
	} else {
		struct sealpool_stats none = { 0 };
		sp_stats_give(stats, &none);
	}
}

void sealpool_shm_for_each_pool(struct sealpool_shm *shm,
		struct wl_client *wl_client, sealpool_pool_stats_func func,
		void *data) {
	struct sp_client *client = sp_client_find(shm->context, wl_client);
	if (client != NULL) {
		sp_client_for_each_pool(client, func, data);
	}
}
