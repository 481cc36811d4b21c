/* SPDX-License-Identifier: MIT */
/*
 * The state below all objects of one wl_shm.
 */
#include <assert.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "client.h"
#include "context.h"
#include "evict.h"
#include "format.h"
#include "silence.h"

#define MIB (1024.0 * 1024)

void sp_log(struct sp_context *context,
		enum sealpool_log_importance importance,
		const char *format, ...) {
	va_list args;
	va_start(args, format);
	context->log(context->log_data, importance, format, args);
	va_end(args);
}

static int get_pid(struct wl_client *client) {
	pid_t pid;
	wl_client_get_credentials(client, &pid, NULL, NULL);
	return (int)pid;
}

void sp_post_error(struct sp_context *context, struct wl_resource *resource,
		uint32_t code, const char *format, ...) {
	char message[256];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	sp_log(context, SEALPOOL_LOG_INFO, "client %d: %s: disconnected",
		get_pid(wl_resource_get_client(resource)), message);
	wl_resource_post_error(resource, code, "%s", message);
}

void sp_post_no_memory(struct sp_context *context, struct wl_client *client) {
	sp_log(context, SEALPOOL_LOG_ERROR, "client %d: no memory: "
		"disconnected", get_pid(client));
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

static void init_account(struct sp_context *context) {
	const struct sealpool_budget *limits = &context->limits;
	uint32_t fds_reserve = limits->all_fds / SP_FDS_RESERVE_PART;
	uint64_t bytes_reserve =
		limits->all_shadow_bytes / SP_BYTES_RESERVE_PART;
	sp_account_init(&context->all, NULL, &sp_evict_account_ops);
	sp_account_set_limit(&context->all, SP_RESOURCE_FDS,
		limits->all_fds, fds_reserve);
	sp_account_set_limit(&context->all, SP_RESOURCE_SHADOW_BYTES,
		limits->all_shadow_bytes, bytes_reserve);
	/* Twice that: it is the clients' own memory, as long as they keep it. */
	sp_account_set_limit(&context->all, SP_RESOURCE_IN_PLACE_BYTES,
		limits->all_shadow_bytes, limits->all_shadow_bytes);
}

static void handle_cache_filled(struct sp_cache *cache) {
	struct sp_context *context =
		wl_container_of(cache, context, memory.cache);
	sp_idle_note(context);
}

static void handle_readers_wake(struct sp_readers *readers) {
	struct sp_context *context =
		wl_container_of(readers, context, memory.readers);
	sp_mailbox_post(&context->mailbox, &context->answers);
}

static void handle_answers(struct sp_mail *mail) {
	struct sp_context *context = wl_container_of(mail, context, answers);
	sp_readers_handle_finished(&context->memory.readers);
	sp_holds_handle_answers(context);
}

/* So that who reads a log knows what is there, and by which limit a client is ended. */
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

struct sp_context *sp_context_create(struct wl_display *display,
		const struct sealpool_options *options) {
	struct sp_context blank = {
		.display = display,
		.refs = 1,
		.lenient = options->lenient,
		.log = options->log != NULL ? options->log : log_to_stderr,
		.log_data = options->log_data,
	};
	struct sp_context *context = malloc(sizeof(*context));
	if (context == NULL) {
		sp_log(&blank, SEALPOOL_LOG_ERROR, "cannot start: %s",
			strerror(errno));
		return NULL;
	}
	*context = blank;
	sp_epoch_init(&context->epoch, wl_display_get_event_loop(display));
	sp_budget_init(&context->limits, &options->budget);
	init_account(context);

	int ret = sp_memory_init(&context->memory, handle_cache_filled,
		handle_readers_wake);
	if (ret < 0) {
		goto error_context;
	}
	ret = sp_mailbox_init(&context->mailbox,
		wl_display_get_event_loop(display));
	if (ret < 0) {
		goto error_memory;
	}
	ret = sp_idle_init(context, options->shadow_idle_ms);
	if (ret < 0) {
		goto error_mailbox;
	}
	/* Disconnecting those that go in any case may make room enough. */
	sp_clients_init(context);
	sp_mailbox_add(&context->mailbox, &context->answers, handle_answers);
	sp_holds_init(&context->holds);
	ret = sp_reports_init(&context->reports, &context->mailbox);
	if (ret < 0) {
		goto error_idle;
	}
	ret = sp_silence_init(context);
	if (ret < 0) {
		goto error_reports;
	}
	sp_evict_init(context);
	log_start(context, options->budget.all_fds == 0 &&
		context->limits.all_fds < SP_ALL_FDS_MAX);
	return context;

error_reports:
	sp_reports_finish(&context->reports);
error_idle:
	sp_idle_detach(context);
error_mailbox:
	sp_mailbox_detach(&context->mailbox);
	sp_mailbox_finish(&context->mailbox);
error_memory:
	sp_memory_finish(&context->memory);
error_context:
	sp_log(context, SEALPOOL_LOG_ERROR, "cannot start: %s", strerror(-ret));
	free(context);
	return NULL;
}

void sp_context_detach(struct sp_context *context) {
	sp_epoch_detach(&context->epoch);
	sp_idle_detach(context);
	sp_silence_detach(context);
	sp_mailbox_detach(&context->mailbox);
	context->display = NULL;
	sp_holds_finish(&context->holds);
	/* What a file answers later, nobody would handle. */
	sp_readers_drain(&context->memory.readers);
	/* Nothing would give them back later. */
	sp_cache_drop_old(&context->memory.cache, UINT64_MAX);
}

struct sp_context *sp_context_ref(struct sp_context *context) {
	context->refs++;
	return context;
}

void sp_context_unref(struct sp_context *context) {
	assert(context->refs > 0);
	if (--context->refs > 0) {
		return;
	}
	assert(wl_list_empty(&context->clients));
	sp_reports_finish(&context->reports);
	sp_mailbox_finish(&context->mailbox);
	sp_memory_finish(&context->memory);
	free(context->formats);
	free(context);
}

bool sp_context_has_format(const struct sp_context *context, uint32_t drm) {
	for (size_t i = 0; i < context->formats_len; i++) {
		if (context->formats[i] == drm) {
			return true;
		}
	}
	return false;
}

bool sp_context_set_formats(struct sp_context *context,
		const uint32_t *formats, size_t formats_len) {
	context->formats = calloc(formats_len, sizeof(formats[0]));
	if (context->formats == NULL) {
		return false;
	}
	for (size_t i = 0; i < formats_len; i++) {
		if (sp_format_get(formats[i]) == NULL) {
			sp_log(context, SEALPOOL_LOG_DEBUG, "format 0x%08x is "
				"not offered: its layout is not known",
				(unsigned)formats[i]);
		} else if (!sp_context_has_format(context, formats[i])) {
			context->formats[context->formats_len++] = formats[i];
		}
	}
	assert(sp_context_has_format(context, DRM_FORMAT_ARGB8888));
	assert(sp_context_has_format(context, DRM_FORMAT_XRGB8888));
	return true;
}
