/* SPDX-License-Identifier: MIT */
/*
 * The wl_shm global, and the public calls that concern all of it.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-server-protocol.h>

#include "commits.h"
#include "context.h"
#include "feedback.h"
#include "format.h"
#include "monitor.h"
#include "pool.h"
#include "shm.h"
#include "stats.h"

/* libwayland before 1.22.90 knows version 1 alone, which has no release. */
#ifdef WL_SHM_RELEASE_SINCE_VERSION
#define SHM_VERSION 2
#else
#define SHM_VERSION 1
#endif

static void shm_handle_create_pool(struct wl_client *client,
		struct wl_resource *resource, uint32_t id, int fd,
		int32_t size) {
	sp_pool_create(wl_resource_get_user_data(resource), client, resource,
		id, fd, size);
}

#if SHM_VERSION >= 2
static void shm_handle_release(struct wl_client *client,
		struct wl_resource *resource) {
	wl_resource_destroy(resource);
}
#endif

static const struct wl_shm_interface shm_impl = {
	.create_pool = shm_handle_create_pool,
#if SHM_VERSION >= 2
	.release = shm_handle_release,
#endif
};

static void shm_handle_resource_destroy(struct wl_resource *resource) {
	sp_context_unref(wl_resource_get_user_data(resource));
}

static void shm_bind(struct wl_client *client, void *data, uint32_t version,
		uint32_t id) {
	struct sp_context *context = data;
	struct wl_resource *resource = wl_resource_create(client,
		&wl_shm_interface, (int)version, id);
	if (resource == NULL) {
		sp_post_no_memory(context, client);
		return;
	}
	wl_resource_set_implementation(resource, &shm_impl,
		sp_context_ref(context), shm_handle_resource_destroy);
	for (size_t i = 0; i < context->formats_len; i++) {
		wl_shm_send_format(resource,
			sp_format_drm_to_wl_shm(context->formats[i]));
	}
}

void sp_shm_destroy(struct sealpool_shm *shm) {
	wl_list_remove(&shm->display_destroy.link);
	if (shm->global != NULL) {
		wl_global_destroy(shm->global);
	}
	if (shm->feedback_global != NULL) {
		wl_global_destroy(shm->feedback_global);
	}
	sp_monitor_destroy(shm->monitor);
	sp_commits_destroy(shm->commits);
	sp_context_detach(shm->context);
	sp_context_unref(shm->context);
	free(shm);
}

static void handle_display_destroy(struct wl_listener *listener, void *data) {
	struct sealpool_shm *shm =
		wl_container_of(listener, shm, display_destroy);
	sp_shm_destroy(shm);
}

struct sealpool_shm *sp_shm_create(struct wl_display *display,
		const struct sealpool_options *options,
		struct sealpool_buffer *(*find_buffer)(
			struct wl_resource *resource),
		struct sp_pool *(*find_pool)(struct wl_resource *resource)) {
	struct sealpool_options wanted = { 0 };
	if (options != NULL) {
		assert(options->size > 0);
		size_t size = options->size < sizeof(wanted) ?
			options->size : sizeof(wanted);
		memcpy(&wanted, options, size);
	}
	struct sp_context *context = sp_context_create(display, &wanted);
	if (context == NULL) {
		return NULL;
	}
	context->find_buffer = find_buffer;
	context->find_pool = find_pool;

	struct sealpool_shm *shm = calloc(1, sizeof(*shm));
	if (shm == NULL) {
		goto error_context;
	}
	shm->context = context;
	shm->commits = sp_commits_create(context);
	if (shm->commits == NULL) {
		goto error_shm;
	}
	shm->display_destroy.notify = handle_display_destroy;
	wl_display_add_destroy_listener(display, &shm->display_destroy);
	if (wanted.feedback) {
		shm->feedback_global = sp_feedback_create_global(context);
		if (shm->feedback_global == NULL) {
			sp_log(context, SEALPOOL_LOG_ERROR, "cannot create "
				"%s: %s", SP_FEEDBACK_MANAGER, strerror(errno));
			sp_shm_destroy(shm);
			return NULL;
		}
	}
	if (wanted.monitor) {
		/* Nobody is less safe without. */
		shm->monitor = sp_monitor_create(context);
		if (shm->monitor == NULL) {
			sp_log(context, SEALPOOL_LOG_ERROR, "cannot listen in "
				"$XDG_RUNTIME_DIR for sealpool-top: %s",
				strerror(errno));
		}
	}
	return shm;

error_shm:
	free(shm);
error_context:
	sp_log(context, SEALPOOL_LOG_ERROR, "cannot start: %s",
		strerror(ENOMEM));
	sp_context_detach(context);
	sp_context_unref(context);
	return NULL;
}

struct sealpool_shm *sealpool_shm_create(struct wl_display *display,
		const uint32_t *formats, size_t formats_len,
		const struct sealpool_options *options) {
	struct sealpool_shm *shm = sp_shm_create(display, options,
		sealpool_buffer_try_from_resource, sp_pool_try_from_resource);
	if (shm == NULL) {
		return NULL;
	}
	if (sp_context_set_formats(shm->context, formats, formats_len)) {
		shm->global = wl_global_create(display, &wl_shm_interface,
			SHM_VERSION, shm->context, shm_bind);
	}
	if (shm->global == NULL || !sp_commits_listen(shm->commits)) {
		sp_log(shm->context, SEALPOOL_LOG_ERROR,
			"cannot create wl_shm: %s", strerror(errno));
		sp_shm_destroy(shm);
		return NULL;
	}
	return shm;
}

void sealpool_shm_set_new_buffer_func(struct sealpool_shm *shm,
		sealpool_new_buffer_func func, void *data) {
	shm->context->new_buffer = func;
	shm->context->new_buffer_data = data;
}

void sealpool_shm_set_commit_funcs(struct sealpool_shm *shm,
		sealpool_hold_commit_func hold,
		sealpool_release_commit_func release, void *data) {
	struct sp_holds *holds = &shm->context->holds;
	holds->hold = hold;
	holds->release = release;
	holds->data = data;
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
