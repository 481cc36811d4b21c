/* SPDX-License-Identifier: MIT */
/*
 * The state that all objects of one wl_shm share.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "image/format.h"
#include "image/nofault.h"

void sp_log(struct sp_context *context,
		enum sealpool_log_importance importance,
		const char *format, ...) {
	va_list args;
	va_start(args, format);
	context->log(context->log_data, importance, format, args);
	va_end(args);
}

int sp_get_pid(struct wl_client *client) {
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
		sp_get_pid(wl_resource_get_client(resource)), message);
	wl_resource_post_error(resource, code, "%s", message);
}

void sp_post_no_memory(struct sp_context *context, struct wl_client *client) {
	sp_log(context, SEALPOOL_LOG_ERROR, "client %d: no memory: "
		"disconnected", sp_get_pid(client));
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

void sp_context_request_upkeep(struct sp_context *context) {
	sp_mailbox_post(&context->mailbox, SP_MAIL_UPKEEP,
		context->upkeep.handle_mail);
}

static void handle_wake(struct sp_memory *memory) {
	struct sp_context *context = wl_container_of(memory, context, memory);
	sp_context_request_upkeep(context);
}

struct sp_context *sp_context_create(struct wl_display *display,
		const struct sealpool_options *options,
		const struct sealpool_budget *limits,
		const struct sp_policy *policy, const struct sp_front *front) {
	struct sp_context blank = {
		.display = display,
		.refs = 1,
		.short_file = options->short_file,
		.short_file_data = options->short_file_data,
		.no_commit_tracker = options->no_commit_tracker,
		.log = options->log != NULL ? options->log : log_to_stderr,
		.log_data = options->log_data,
		.front = front,
		.policy = policy,
		.limits = *limits,
	};
	struct sp_context *context = malloc(sizeof(*context));
	if (context == NULL) {
		sp_log(&blank, SEALPOOL_LOG_ERROR, "cannot start: %s",
			strerror(errno));
		return NULL;
	}
	*context = blank;
	sp_epoch_init(&context->epoch, wl_display_get_event_loop(display));
	sp_account_init(&context->all, NULL, policy->account_ops);
	wl_list_init(&context->clients);
	wl_list_init(&context->identities);
	wl_list_init(&context->reports.list);
	wl_list_init(&context->holds.list);
	wl_signal_init(&context->new_buffer);
	wl_signal_init(&context->commits_needed);
	wl_signal_init(&context->commit);

	int ret = sp_lock_init(&context->reports.lock);
	if (ret < 0) {
		goto error_context;
	}
	ret = sp_memory_init(&context->memory, options->shadow_idle_ms,
		handle_wake);
	if (ret < 0) {
		goto error_reports;
	}
	context->memory.unsealed = sp_nofault_find();
	ret = sp_mailbox_init(&context->mailbox,
		wl_display_get_event_loop(display));
	if (ret < 0) {
		goto error_memory;
	}
	return context;

error_memory:
	sp_memory_finish(&context->memory);
error_reports:
	sp_lock_finish(&context->reports.lock);
error_context:
	sp_log(context, SEALPOOL_LOG_ERROR, "cannot start: %s", strerror(-ret));
	free(context);
	return NULL;
}

void sp_context_detach(struct sp_context *context) {
	sp_epoch_detach(&context->epoch);
	sp_mailbox_detach(&context->mailbox);
	context->display = NULL;
	/* Later answers of files are not handled. */
	sp_readers_drain(&context->memory.readers);
	/* No timer frees idle copies any more. */
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
	sp_lock_finish(&context->reports.lock);
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

bool sp_context_add_format(struct sp_context *context, uint32_t drm) {
	if (sp_format_get(drm) == NULL) {
		sp_log(context, SEALPOOL_LOG_DEBUG, "format 0x%08x is not offered: "
			"its layout is not known", (unsigned)drm);
		return true;
	}
	if (sp_context_has_format(context, drm)) {
		return true;
	}
	uint32_t *formats = realloc(context->formats,
		(context->formats_len + 1) * sizeof(formats[0]));
	if (formats == NULL) {
		return false;
	}
	formats[context->formats_len++] = drm;
	context->formats = formats;
	return true;
}
