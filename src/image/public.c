/* SPDX-License-Identifier: MIT */
/*
 * <sealpool/memory.h>: the state that all clients share, and hooks.
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

#define DEFAULT_IDLE_MS 10000

/* The interval of checks for files that do not answer, while there are any jobs. */
#define LOOK_MS 1000

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

/* Called with the cache's lock held. The event loop clears "is_set" before it takes that
 * lock, so it sees everything that was added before. */
static void handle_filled(struct sp_cache *cache) {
	struct sealpool_memory *memory = sp_list_entry(cache,
		struct sealpool_memory, memory.cache);
	if (memory->idle_ms != UINT32_MAX && !memory->is_set) {
		sp_alarm_ring(&memory->alarm);
	}
}

static void handle_answers(struct sp_readers *readers) {
	struct sealpool_memory *memory = sp_list_entry(readers,
		struct sealpool_memory, memory.readers);
	sp_alarm_ring(&memory->alarm);
}

static struct sealpool_view *from_view(struct sp_view *view) {
	return sp_list_entry(view, struct sealpool_view, view);
}

static struct sealpool_memory *get_memory(const struct sealpool_view *view) {
	return view->file->account->memory;
}

/* "value" is the file's size, or a negative errno. */
static void note(struct sp_view *sp_view, enum sp_note kind, int64_t value) {
	struct sealpool_view *view = from_view(sp_view);
	struct sealpool_memory *memory = get_memory(view);
	struct sp_notes *notes = &view->notes;
	sp_lock_acquire(&memory->lock);
	if (!(notes->told & kind)) {
		notes->told |= kind;
		notes->pending |= kind;
		if (kind == SP_NOTE_SHORT_FILE) {
			notes->file_size = (uint64_t)value;
		} else {
			notes->error = (int)value;
		}
		sp_list_remove(&notes->link);
		sp_list_append(&memory->noted, &notes->link);
		sp_alarm_ring(&memory->alarm);
	}
	sp_lock_release(&memory->lock);
}

static void note_short_file(struct sp_view *view, uint64_t file_size) {
	note(view, SP_NOTE_SHORT_FILE, (int64_t)file_size);
}

static void note_failed(struct sp_view *view, int error) {
	note(view, SP_NOTE_FAILED, error);
}

static void note_over_limit(struct sp_view *view) {
	struct sealpool_account *account = from_view(view)->file->account;
	/* Exceeding the limit of all clients is not this client's fault. */
	if (account->account.full == &account->account) {
		account->is_over = true;
		sp_alarm_ring(&account->memory->alarm);
	}
}

static void note_silent(struct sp_view *sp_view) {
	struct sealpool_view *view = from_view(sp_view);
	struct sealpool_memory *memory = get_memory(view);
	uint64_t generation = sp_view_get_generation(sp_view);
	sp_lock_acquire(&memory->lock);
	view->notes.generation = generation;
	sp_list_remove(&view->notes.unanswered_link);
	sp_list_append(&memory->unanswered, &view->notes.unanswered_link);
	sp_lock_release(&memory->lock);
	sp_alarm_ring(&memory->alarm);
}

const struct sp_view_ops sp_public_view_ops = {
	.short_file = note_short_file,
	.over_budget = note_over_limit,
	.failed = note_failed,
	.silent = note_silent,
};

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
	struct sealpool_memory *memory = get_memory(view);
	sp_lock_acquire(&memory->lock);
	sp_list_remove(&view->notes.link);
	sp_list_remove(&view->notes.unanswered_link);
	sp_lock_release(&memory->lock);
}

void sp_public_freeze_view(struct sealpool_view *view) {
	/* From now on, an access copies only what was damaged before. */
	view->view.tracked = true;
	sp_view_set_final(&view->view);
	if (view->file->account->gone) {
		sp_view_set_orphan(&view->view);
	}
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
		if (taken.pending == SP_NOTE_SHORT_FILE &&
				options->short_file != NULL) {
			options->short_file(view, taken.file_size, view->data);
		} else if (taken.pending == SP_NOTE_FAILED &&
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
	return sp_reader_get_silence(&account->reader, &account->account) >=
		SP_READER_PATIENCE ?
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

static uint64_t drop_idle(struct sealpool_memory *memory) {
	/* Cleared first, so that a copy which another thread adds now rings the alarm. */
	memory->is_set = false;
	uint64_t wait = memory->idle_ms == UINT32_MAX ? UINT64_MAX :
		sp_cache_drop_idle(&memory->memory.cache, memory->idle_ms);
	if (wait != UINT64_MAX) {
		memory->is_set = true;
	}
	return wait;
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
	uint64_t wait = drop_idle(memory);
	if (sp_readers_retry(&memory->memory.readers) && wait > LOOK_MS) {
		wait = LOOK_MS;
	}
	sp_alarm_set(&memory->alarm, wait);
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
	memory->idle_ms = memory->options.shadow_idle_ms != 0 ?
		memory->options.shadow_idle_ms : DEFAULT_IDLE_MS;
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
	ret = sp_memory_init(&memory->memory, handle_filled, handle_answers);
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
