/* SPDX-License-Identifier: MIT */
/*
 * <sealpool/memory.h>: the state that all clients share, and hooks. public-objects.c has
 * the objects of a client.
 *
 * Accesses and reader threads add notes and ring an alarm. The event loop calls
 * sealpool_memory_dispatch(), the only caller of hooks. A hook may destroy accounts, files
 * and views, so one note is taken at a time, and its object is not touched after the
 * hook.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "nofault.h"
#include "public.h"

/* Any thread */

static struct sealpool_memory *from_account(struct sp_account *account) {
	while (account->parent != NULL) {
		account = account->parent;
	}
	return sp_list_entry(account, struct sealpool_memory, all);
}

static bool reclaim(struct sp_account *account, enum sp_resource resource,
		uint64_t amount) {
	return sp_cache_reclaim(&from_account(account)->memory.cache, account,
		resource, amount);
}

/* Bytes of copies cause no pressure: a copy that is being read will be unused in a
 * moment. */
static void note_pressure(struct sp_account *account,
		enum sp_resource resource) {
	struct sealpool_memory *memory = from_account(account);
	if (account == &memory->all && resource == SP_RESOURCE_FDS) {
		memory->pressure = true;
		sp_alarm_ring(&memory->alarm);
	}
}

static const struct sp_account_ops account_ops = {
	.reclaim = reclaim,
	.pressure = note_pressure,
};

static void handle_wake(struct sp_memory *sp_memory) {
	struct sealpool_memory *memory = sp_list_entry(sp_memory,
		struct sealpool_memory, memory);
	sp_alarm_ring(&memory->alarm);
}

/* Returns whether the event is new. */
static bool add_note(struct sealpool_memory *memory, struct sealpool_view *view,
		enum sp_event event, int64_t value) SP_REQUIRES(memory->lock) {
	struct sp_notes *notes = &view->notes;
	if (notes->told & event) {
		return false;
	}
	notes->told |= event;
	notes->pending |= event;
	if (event == SP_EVENT_SHORT_FILE) {
		notes->file_size = (uint64_t)value;
	} else {
		notes->error = (int)value;
	}
	sp_list_remove(&notes->link);
	sp_list_append(&memory->noted, &notes->link);
	return true;
}

void sp_public_report(struct sp_view *sp_view, enum sp_event event,
		int64_t value) {
	struct sealpool_view *view =
		sp_list_entry(sp_view, struct sealpool_view, view);
	struct sealpool_account *account = view->file->account;
	struct sealpool_memory *memory = account->memory;
	uint64_t generation = sp_view_get_generation(sp_view);
	bool is_new = true;
	sp_lock_acquire(&memory->lock);
	switch (event) {
	case SP_EVENT_SHORT_FILE:
	case SP_EVENT_FAILED:
		is_new = add_note(memory, view, event, value);
		break;
	case SP_EVENT_REFUSED:
		/* Exceeding the limit of all clients is not this client's fault. */
		is_new = account->account.refused_by == &account->account;
		account->is_over |= is_new;
		break;
	case SP_EVENT_SILENT:
		view->notes.generation = generation;
		sp_list_remove(&view->notes.unanswered_link);
		sp_list_append(&memory->unanswered,
			&view->notes.unanswered_link);
		break;
	}
	sp_lock_release(&memory->lock);
	if (is_new) {
		sp_alarm_ring(&memory->alarm);
	}
}

uint32_t sealpool_account_get_fds(const struct sealpool_account *account) {
	return (uint32_t)account->account.used[SP_RESOURCE_FDS];
}

uint64_t sealpool_account_get_shadow_bytes(
		const struct sealpool_account *account) {
	return account->account.used[SP_RESOURCE_SHADOW_BYTES];
}

/* The event loop's thread */

void sp_public_init_notes(struct sealpool_view *view) {
	sp_list_init(&view->notes.link);
	sp_list_init(&view->notes.unanswered_link);
}

void sp_public_finish_notes(struct sealpool_view *view) {
	struct sealpool_memory *memory = view->file->account->memory;
	sp_lock_acquire(&memory->lock);
	sp_list_remove(&view->notes.link);
	sp_list_remove(&view->notes.unanswered_link);
	sp_lock_release(&memory->lock);
}

static struct sealpool_view *take_noted(struct sealpool_memory *memory,
		struct sp_notes *taken) {
	struct sealpool_view *view = NULL;
	sp_lock_acquire(&memory->lock);
	if (!sp_list_is_empty(&memory->noted)) {
		view = sp_list_entry(memory->noted.next, struct sealpool_view,
			notes.link);
		*taken = view->notes;
		/* The lowest bit. */
		taken->pending &= -taken->pending;
		view->notes.pending -= taken->pending;
		if (view->notes.pending == 0) {
			sp_list_remove(&view->notes.link);
		}
	}
	sp_lock_release(&memory->lock);
	return view;
}

static void tell_noted(struct sealpool_memory *memory) {
	const struct sealpool_memory_options *options = &memory->options;
	struct sealpool_view *view;
	struct sp_notes taken;
	while ((view = take_noted(memory, &taken)) != NULL) {
		if (taken.pending == SP_EVENT_SHORT_FILE &&
				options->short_file != NULL) {
			options->short_file(view, taken.file_size, view->data);
		} else if (taken.pending == SP_EVENT_FAILED &&
				options->failed != NULL) {
			options->failed(view, taken.error, view->data);
		}
	}
}

static struct sealpool_view *take_answered(struct sealpool_memory *memory) {
	struct sealpool_view *view, *found = NULL;
	sp_lock_acquire(&memory->lock);
	sp_list_for_each(view, &memory->unanswered, struct sealpool_view,
			notes.unanswered_link) {
		if (!sp_view_is_waiting(&view->view, view->notes.generation)) {
			sp_list_remove(&view->notes.unanswered_link);
			found = view;
			break;
		}
	}
	sp_lock_release(&memory->lock);
	return found;
}

static void tell_answered(struct sealpool_memory *memory) {
	struct sealpool_view *view;
	while ((view = take_answered(memory)) != NULL) {
		if (memory->options.answered != NULL) {
			memory->options.answered(view, view->data);
		}
	}
}

/* Calls the hook once for an account, which may destroy this account and others. */
static void tell_exceeded(struct sealpool_account *account,
		const char *reason) {
	account->told = true;
	if (account->memory->options.exceeded != NULL) {
		account->memory->options.exceeded(account, reason,
			account->data);
	}
}

static const char *get_reason(struct sealpool_account *account) {
	if (account->is_over) {
		return "is over the limit for copies of its buffers";
	}
	return sp_reader_is_silent(&account->reader, &account->account,
		SP_READER_PATIENCE) ?
		"has a file that does not answer" : NULL;
}

static bool tell_next_exceeded(struct sealpool_memory *memory) {
	struct sealpool_account *account;
	sp_list_for_each(account, &memory->accounts, struct sealpool_account,
			link) {
		const char *reason = account->gone || account->told ? NULL :
			get_reason(account);
		if (reason != NULL) {
			tell_exceeded(account, reason);
			return true;
		}
	}
	return false;
}

static void tell_pressure(struct sealpool_memory *memory) {
	struct sealpool_account *account, *largest = NULL;
	if (memory->options.pressure != NULL) {
		memory->options.pressure(memory->options.data);
		return;
	}
	sp_list_for_each(account, &memory->accounts, struct sealpool_account,
			link) {
		if (!account->gone && !account->told && (largest == NULL ||
				sealpool_account_get_fds(account) >
				sealpool_account_get_fds(largest))) {
			largest = account;
		}
	}
	if (largest != NULL) {
		tell_exceeded(largest, "holds the most file descriptors, of "
			"which all clients hold too many");
	}
}

void sealpool_memory_dispatch(struct sealpool_memory *memory) {
	sp_alarm_clear(&memory->alarm);
	sp_readers_handle_finished(&memory->memory.readers);
	tell_noted(memory);
	tell_answered(memory);
	while (tell_next_exceeded(memory)) {
	}
	if (atomic_exchange(&memory->pressure, false)) {
		tell_pressure(memory);
	}
	sp_alarm_set(&memory->alarm, sp_memory_tend(&memory->memory));
}

int sealpool_memory_get_fd(const struct sealpool_memory *memory) {
	return memory->alarm.fd;
}

static void set_options(struct sealpool_memory *memory,
		const struct sealpool_memory_options *options) {
	if (options != NULL) {
		assert(options->size > 0);
		size_t size = options->size < sizeof(*options) ?
			options->size : sizeof(*options);
		memcpy(&memory->options, options, size);
	}
	memory->limits.all_fds = memory->options.all_fds;
	memory->limits.all_shadow_bytes = memory->options.all_shadow_bytes;
	sp_limits_init(&memory->limits);
}

struct sealpool_memory *sealpool_memory_create(
		const struct sealpool_memory_options *options) {
	struct sealpool_memory *memory = calloc(1, sizeof(*memory));
	if (memory == NULL) {
		return NULL;
	}
	set_options(memory, options);
	memory->refs = 1;
	sp_account_init(&memory->all, NULL, &account_ops);
	sp_limits_set_all(&memory->all, memory->limits.all_fds,
		memory->limits.all_shadow_bytes);
	sp_list_init(&memory->accounts);
	sp_list_init(&memory->noted);
	sp_list_init(&memory->unanswered);
	int ret = sp_lock_init(&memory->lock);
	if (ret < 0) {
		goto error_memory;
	}
	ret = sp_alarm_init(&memory->alarm);
	if (ret < 0) {
		goto error_lock;
	}
	ret = sp_memory_init(&memory->memory, memory->options.shadow_idle_ms,
		handle_wake);
	if (ret < 0) {
		goto error_alarm;
	}
	memory->memory.unsealed = sp_nofault_find();
	return memory;

error_alarm:
	sp_alarm_finish(&memory->alarm);
error_lock:
	sp_lock_finish(&memory->lock);
error_memory:
	free(memory);
	errno = -ret;
	return NULL;
}

void sealpool_memory_destroy(struct sealpool_memory *memory) {
	memory->options = (struct sealpool_memory_options){ 0 };
	/* Later answers of files are not handled. */
	sp_readers_drain(&memory->memory.readers);
	/* Idle copies are not freed any more. */
	sp_cache_drop_old(&memory->memory.cache, UINT64_MAX);
	sp_public_unref_memory(memory);
}

void sp_public_unref_memory(struct sealpool_memory *memory) {
	assert(memory->refs > 0);
	if (--memory->refs > 0) {
		return;
	}
	sp_memory_finish(&memory->memory);
	sp_alarm_finish(&memory->alarm);
	sp_lock_finish(&memory->lock);
	free(memory);
}
