/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_IMAGE_PUBLIC_H
#define SEALPOOL_IMAGE_PUBLIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sealpool/memory.h>

#include "memory/account.h"
#include "memory/alarm.h"
#include "memory/backing.h"
#include "memory/limits.h"
#include "memory/list.h"
#include "memory/lock.h"
#include "memory/memory.h"
#include "memory/store.h"
#include "view.h"

/*
 * The objects of <sealpool/memory.h>. Members are used on the event loop's thread, except
 * where another is named.
 */

struct sealpool_memory {
	struct sp_memory memory;
	struct sealpool_memory_options options;
	struct sp_limits limits;
	struct sp_alarm alarm;
	/* The creator's and each account's. */
	unsigned refs;
	struct sp_list accounts; /* sealpool_account.link */
	/* All below: any thread. */
	struct sp_account all;
	atomic_bool pressure;
	struct sp_lock lock; /* over all below, and the notes of views */
	struct sp_list noted; /* sp_notes.link */
	struct sp_list unanswered; /* sp_notes.unanswered_link */
};

struct sealpool_account {
	struct sealpool_memory *memory;
	struct sp_list link; /* sealpool_memory.accounts */
	struct sp_list files; /* sealpool_file.link */
	/* The creator's and each file's. */
	unsigned refs;
	bool gone;
	/* "exceeded" was called. */
	bool told;
	/* A copy of a view exceeded the limit. Any thread. */
	atomic_bool is_over;
	void *data;
	struct sp_account account;
	struct sp_reader reader;
	struct sp_spare_slot spare;
	struct sp_counters counters;
};

struct sealpool_file {
	struct sealpool_account *account;
	struct sp_list link; /* sealpool_account.files, or empty */
	struct sp_list views; /* sealpool_view.link */
	/* The opener's and each view's. */
	unsigned refs;
	bool closed;
	void *data;
	struct sp_backing backing;
};

/** Events of accesses that were not reported yet. Under the memory's lock. */
struct sp_notes {
	struct sp_list link; /* sealpool_memory.noted, or empty */
	struct sp_list unanswered_link; /* sealpool_memory.unanswered, or empty */
	/* Bits of enum sp_event: to be reported; ever added. */
	unsigned pending, told;
	uint64_t file_size;
	int error;
	/* See sp_view_is_waiting(). */
	uint64_t generation;
};

struct sealpool_view {
	struct sealpool_file *file;
	struct sp_list link; /* sealpool_file.views */
	void *data;
	struct sp_view view;
	struct sp_notes notes;
};

void sp_public_unref_memory(struct sealpool_memory *memory);
/** See sp_view_report_func. */
void sp_public_report(struct sp_view *view, enum sp_event event, int64_t value);
void sp_public_init_notes(struct sealpool_view *view);
/** Drops pending notes. */
void sp_public_finish_notes(struct sealpool_view *view);

#endif
