/* SPDX-License-Identifier: MIT */
/*
 * The wl_shm global, and the public calls that concern all of it.
 */
#include <assert.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-server-protocol.h>

#include "buffer.h"
#include "commits.h"
#include "feedback.h"
#include "format.h"
#include "kept.h"
#include "mapping.h"
#include "monitor.h"
#include "pool.h"
#include "shm.h"

/* libwayland before 1.22.90 knows version 1 alone, which has no release. */
#ifdef WL_SHM_RELEASE_SINCE_VERSION
#define SHM_VERSION 2
#else
#define SHM_VERSION 1
#endif

void sp_log(struct sealpool_shm *shm, enum sealpool_log_importance importance,
		const char *format, ...) {
	va_list args;
	va_start(args, format);
	shm->log(shm->log_data, importance, format, args);
	va_end(args);
}

void sp_post_no_memory(struct sealpool_shm *shm, struct wl_client *client) {
	pid_t pid;
	wl_client_get_credentials(client, &pid, NULL, NULL);
	sp_log(shm, SEALPOOL_LOG_ERROR, "client %d: no memory: disconnected",
		(int)pid);
	wl_client_post_no_memory(client);
}

static void log_to_stderr(void *data, enum sealpool_log_importance importance,
		const char *format, va_list args) {
	if (importance > SEALPOOL_LOG_INFO) {
		return;
	}
	fprintf(stderr, "sealpool: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
}

static void shm_handle_create_pool(struct wl_client *client,
		struct wl_resource *resource, uint32_t id, int fd,
		int32_t size) {
	struct sealpool_shm *shm = wl_resource_get_user_data(resource);
	sp_pool_create(shm, client, resource, id, fd, size);
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
	sp_shm_unref(wl_resource_get_user_data(resource));
}

static void shm_bind(struct wl_client *client, void *data, uint32_t version,
		uint32_t id) {
	struct sealpool_shm *shm = data;
	struct wl_resource *resource = wl_resource_create(client,
		&wl_shm_interface, (int)version, id);
	if (resource == NULL) {
		sp_post_no_memory(shm, client);
		return;
	}
	wl_resource_set_implementation(resource, &shm_impl, sp_shm_ref(shm),
		shm_handle_resource_destroy);
	for (size_t i = 0; i < shm->formats_len; i++) {
		wl_shm_send_format(resource,
			sp_format_drm_to_wl_shm(shm->formats[i]));
	}
}

bool sp_shm_has_format(const struct sealpool_shm *shm, uint32_t drm) {
	for (size_t i = 0; i < shm->formats_len; i++) {
		if (shm->formats[i] == drm) {
			return true;
		}
	}
	return false;
}

struct sealpool_shm *sp_shm_ref(struct sealpool_shm *shm) {
	shm->refs++;
	return shm;
}

void sp_shm_unref(struct sealpool_shm *shm) {
	assert(shm->refs > 0);
	if (--shm->refs > 0) {
		return;
	}
	assert(wl_list_empty(&shm->clients));
	sp_fault_queue_finish(shm);
	sp_bounce_finish(&shm->bounce);
	sp_mapping_unref(shm->zeroes);
	free(shm->formats);
	free(shm);
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
	shm->monitor = NULL;
	sp_commits_destroy(shm->commits);
	shm->commits = NULL;
	sp_turn_detach(shm);
	sp_idle_detach(shm);
	sp_fault_queue_detach(shm);
	shm->display = NULL;
	sp_kept_drop_all(shm);
	sp_shm_unref(shm);
}

static void handle_display_destroy(struct wl_listener *listener, void *data) {
	struct sealpool_shm *shm =
		wl_container_of(listener, shm, display_destroy);
	sp_shm_destroy(shm);
}

static bool copy_formats(struct sealpool_shm *shm, const uint32_t *formats,
		size_t formats_len) {
	shm->formats = calloc(formats_len, sizeof(formats[0]));
	if (shm->formats == NULL) {
		return false;
	}
	for (size_t i = 0; i < formats_len; i++) {
		if (sp_format_get(formats[i]) == NULL) {
			sp_log(shm, SEALPOOL_LOG_DEBUG, "format 0x%08x is not "
				"offered: its layout is not known",
				(unsigned)formats[i]);
		} else if (!sp_shm_has_format(shm, formats[i])) {
			shm->formats[shm->formats_len++] = formats[i];
		}
	}
	assert(sp_shm_has_format(shm, DRM_FORMAT_ARGB8888));
	assert(sp_shm_has_format(shm, DRM_FORMAT_XRGB8888));
	return true;
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

	struct sealpool_shm blank = {
		.display = display,
		.refs = 1,
		.lenient = wanted.lenient,
		.log = wanted.log != NULL ? wanted.log : log_to_stderr,
		.log_data = wanted.log_data,
		.find_buffer = find_buffer,
		.find_pool = find_pool,
	};
	struct sealpool_shm *shm = malloc(sizeof(*shm));
	if (shm == NULL) {
		sp_log(&blank, SEALPOOL_LOG_ERROR, "cannot start: %s",
			strerror(errno));
		return NULL;
	}
	*shm = blank;
	wl_list_init(&shm->clients);
	sp_turn_init(shm);
	sp_budget_init(&shm->budget, &wanted.budget);
	shm->nofault = sp_mapping_probe_nofault();

	shm->zeroes = sp_mapping_create_zeroes();
	if (shm->zeroes == NULL) {
		goto error_shm;
	}
	int ret = sp_bounce_init(&shm->bounce);
	if (ret < 0) {
		errno = -ret;
		goto error_zeroes;
	}
	ret = sp_fault_queue_init(shm);
	if (ret < 0) {
		errno = -ret;
		goto error_bounce;
	}
	ret = sp_idle_init(shm, wanted.shadow_idle_ms);
	if (ret < 0) {
		errno = -ret;
		goto error_faults;
	}
	shm->commits = sp_commits_create(shm);
	if (shm->commits == NULL) {
		goto error_idle;
	}
	shm->display_destroy.notify = handle_display_destroy;
	wl_display_add_destroy_listener(display, &shm->display_destroy);
	if (wanted.feedback && !sp_feedback_create_global(shm)) {
		sp_log(shm, SEALPOOL_LOG_ERROR, "cannot create %s: %s",
			SP_FEEDBACK_MANAGER, strerror(errno));
		sp_shm_destroy(shm);
		return NULL;
	}
	if (wanted.monitor) {
		/* Nobody is less safe without. */
		shm->monitor = sp_monitor_create(shm);
		if (shm->monitor == NULL) {
			sp_log(shm, SEALPOOL_LOG_ERROR, "cannot listen in "
				"$XDG_RUNTIME_DIR for sealpool-top: %s",
				strerror(errno));
		}
	}
	return shm;

error_idle:
	sp_idle_detach(shm);
error_faults:
	sp_fault_queue_detach(shm);
	sp_fault_queue_finish(shm);
error_bounce:
	sp_bounce_finish(&shm->bounce);
error_zeroes:
	sp_mapping_unref(shm->zeroes);
error_shm:
	sp_log(shm, SEALPOOL_LOG_ERROR, "cannot start: %s", strerror(errno));
	free(shm);
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
	if (copy_formats(shm, formats, formats_len)) {
		shm->global = wl_global_create(display, &wl_shm_interface,
			SHM_VERSION, shm, shm_bind);
	}
	if (shm->global == NULL || !sp_commits_listen(shm->commits)) {
		sp_log(shm, SEALPOOL_LOG_ERROR, "cannot create wl_shm: %s",
			strerror(errno));
		sp_shm_destroy(shm);
		return NULL;
	}
	return shm;
}

void sealpool_shm_set_new_buffer_func(struct sealpool_shm *shm,
		sealpool_new_buffer_func func, void *data) {
	shm->new_buffer = func;
	shm->new_buffer_data = data;
}

/* Statistics */

static void count_buffers(const struct sp_pool *pool,
		struct sealpool_stats *stats) {
	const struct sealpool_buffer *buffer;
	wl_list_for_each(buffer, &pool->buffers, link) {
		stats->buffers[sealpool_buffer_get_kind(buffer)]++;
	}
}

static void count_shadows(struct sp_pool *pool, struct sealpool_stats *stats) {
	pthread_mutex_lock(&pool->lock);
	if (pool->has_shadow) {
		stats->fds++;
		stats->shadow_bytes += pool->shadow.charged;
	}
	pthread_mutex_unlock(&pool->lock);
	const struct sealpool_buffer *buffer;
	wl_list_for_each(buffer, &pool->buffers, link) {
		sp_memory_count(buffer, &stats->fds, &stats->shadow_bytes);
	}
}

/* Hands out no more than the caller's struct has room for. */
static void give_stats(struct sealpool_stats *to, struct sealpool_stats *from) {
	assert(to->size > 0);
	from->size = to->size;
	memcpy(to, from, to->size < sizeof(*from) ? to->size : sizeof(*from));
}

void sp_client_get_stats(struct sp_client *client,
		struct sealpool_stats *stats) {
	struct sealpool_stats sum = {
		.pools = client->pools_len,
		.fds = (uint32_t)client->fds,
		.shadow_bytes = client->shadow_bytes,
		.bytes_copied_in = client->bytes_copied_in,
		.bytes_copied_out = client->bytes_copied_out,
		.faults = client->faults,
	};
	struct sp_pool *pool;
	wl_list_for_each(pool, &client->pools, link) {
		sum.pool_bytes += (uint64_t)pool->size;
		count_buffers(pool, &sum);
	}
	give_stats(stats, &sum);
}

void sealpool_shm_get_client_stats(struct sealpool_shm *shm,
		struct wl_client *wl_client, struct sealpool_stats *stats) {
	struct sp_client *client = sp_client_find(shm, wl_client);
	if (client != NULL) {
		sp_client_get_stats(client, stats);
	} else {
		struct sealpool_stats none = { 0 };
		give_stats(stats, &none);
	}
}

void sealpool_shm_for_each_pool(struct sealpool_shm *shm,
		struct wl_client *wl_client, sealpool_pool_stats_func func,
		void *data) {
	struct sp_client *client = sp_client_find(shm, wl_client);
	if (client == NULL) {
		return;
	}
	struct sp_pool *pool;
	wl_list_for_each(pool, &client->pools, link) {
		struct sealpool_stats stats = {
			.size = sizeof(stats),
			.pools = 1,
			.fds = 1,
			.pool_bytes = (uint64_t)pool->size,
			.bytes_copied_in = pool->bytes_copied_in,
			.bytes_copied_out = pool->bytes_copied_out,
			.faults = pool->faults,
		};
		count_buffers(pool, &stats);
		count_shadows(pool, &stats);
		func(&stats, data);
	}
}

const char *sealpool_memory_kind_name(enum sealpool_memory_kind kind) {
	switch (kind) {
	case SEALPOOL_MEMORY_DIRECT:
		return "direct";
	case SEALPOOL_MEMORY_NOFAULT:
		return "nofault";
	case SEALPOOL_MEMORY_SHADOW:
		return "shadow";
	}
	return "unknown";
}
