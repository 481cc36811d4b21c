/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"

/* What a thread does. */
enum work {
	WORK_NOTHING,
	WORK_BEGIN,
	WORK_END,
	/* Both of these, with a copy of the bytes in between. */
	WORK_READ,
	WORK_DROP,
};

struct slot {
	/* NULL if there is no reference. */
	struct sealpool_buffer *buffer;
	struct host_buffer *host_buffer;
	struct sealpool_access access;
	bool active, writing;
	/* The access is in place, and shows the file as it is now. */
	bool direct;
	/* A copy of the bytes. */
	uint8_t *seen;
	/* A thread reads it; and what was known before that. */
	bool racing;
	struct truth_buffer before;
	int ret;
};

struct thread {
	pthread_t pthread;
	enum work work;
	struct slot *slot;
	uint32_t flags;
};

static struct slot slots[ACCESSES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct thread threads[ACCESS_THREADS];

/* Threads */

struct copying {
	const uint8_t *from;
	uint8_t *to;
};

static void copy_row(struct truth_buffer *buffer, uint32_t offset,
		uint32_t length, void *data) {
	const struct copying *copying = data;
	memcpy(copying->to + (offset - buffer->start),
		copying->from + (offset - buffer->start), length);
}

static void see(struct slot *slot) {
	struct copying copying = { slot->access.data, slot->seen };
	truth_for_each_row(&slot->before, NULL, copy_row, &copying);
}

static void do_work(struct slot *slot, enum work work, uint32_t flags) {
	if (work == WORK_BEGIN || work == WORK_READ) {
		slot->ret = sealpool_buffer_begin_access(slot->buffer, flags,
			&slot->access);
	}
	if (work == WORK_READ) {
		see(slot);
	}
	if (work == WORK_END || work == WORK_READ) {
		sealpool_buffer_end_access(&slot->access);
	}
	if (work == WORK_DROP) {
		sealpool_buffer_unref(slot->buffer);
	}
}

static void *run_thread(void *data) {
	struct thread *thread = data;
	pthread_mutex_lock(&lock);
	for (;;) {
		while (thread->work == WORK_NOTHING) {
			pthread_cond_wait(&changed, &lock);
		}
		pthread_mutex_unlock(&lock);
		do_work(thread->slot, thread->work, thread->flags);
		pthread_mutex_lock(&lock);
		thread->work = WORK_NOTHING;
		pthread_cond_broadcast(&changed);
	}
	return NULL;
}

void access_init(void) {
	for (int i = 0; i < ACCESS_THREADS; i++) {
		pthread_create(&threads[i].pthread, NULL, run_thread,
			&threads[i]);
	}
}

static void await(const struct thread *thread) {
	pthread_mutex_lock(&lock);
	while (thread->work != WORK_NOTHING) {
		pthread_cond_wait(&changed, &lock);
	}
	pthread_mutex_unlock(&lock);
}

static void submit(int number, struct slot *slot, enum work work,
		uint32_t flags) {
	if (number == 0) {
		do_work(slot, work, flags);
		return;
	}
	struct thread *thread = &threads[number - 1];
	await(thread);
	pthread_mutex_lock(&lock);
	thread->slot = slot;
	thread->flags = flags;
	thread->work = work;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void submit_and_await(int number, struct slot *slot, enum work work,
		uint32_t flags) {
	submit(number, slot, work, flags);
	if (number > 0) {
		await(&threads[number - 1]);
	}
}

/* References */

void access_hold(struct host *host, int number, struct wl_resource *resource) {
	struct slot *slot = &slots[number];
	struct host_buffer *buffer = host_find_buffer(host, resource);
	if (buffer == NULL || host->guard != NULL || slot->racing) {
		return;
	}
	access_drop(host, number, 0);
	slot->buffer = sealpool_buffer_ref(
		sealpool_buffer_try_from_resource(resource));
	slot->host_buffer = buffer;
}

void access_drop(struct host *host, int number, int thread) {
	struct slot *slot = &slots[number];
	if (slot->buffer == NULL || slot->racing) {
		return;
	}
	access_end(host, number, thread);
	submit_and_await(thread, slot, WORK_DROP, 0);
	slot->buffer = NULL;
}

/* Accesses */

static size_t get_size(const struct slot *slot) {
	return slot->before.end - slot->before.start;
}

/* If it is not known what is stale, everything is copied again. */
static bool prepare(struct slot *slot) {
	struct host_buffer *buffer = slot->host_buffer;
	if (slot->buffer == NULL || slot->racing || slot->active) {
		return false;
	}
	slot->direct = sealpool_buffer_get_kind(slot->buffer) ==
		SEALPOOL_MEMORY_DIRECT;
	if (!buffer->tracked || slot->direct) {
		truth_refresh(buffer->truth, NULL);
		truth_forget_copy(buffer->truth);
	}
	slot->before = *buffer->truth;
	slot->seen = calloc(1, get_size(slot));
	return true;
}

/* Checks why a write access was refused: because of the client's file, or because a
 * resource is missing. */
static void check_refusal(const struct host *host, const struct slot *slot) {
	const struct host_buffer *buffer = slot->host_buffer;
	bool allowed = host_can_write(buffer);
	if (slot->ret != 0 && !slot->writing) {
		truth_die("a read access failed: %s", strerror(-slot->ret));
	}
	if (slot->ret == 0 && slot->writing && !allowed) {
		truth_die("a write access to a read-only file was granted");
	}
	if (slot->ret != 0 && allowed && buffer->resource != NULL &&
			host_get_claim(host, buffer) == TRUTH_SINCE) {
		truth_die("a write access failed: %s", strerror(-slot->ret));
	}
}

void access_begin(struct host *host, int number, int thread, bool write) {
	struct slot *slot = &slots[number];
	for (int i = 0; i < ACCESSES && write; i++) {
		if (slots[i].active && slots[i].writing) {
			/* Of two write accesses, one would undo the other. */
			return;
		}
	}
	/* Otherwise it would not be known whether this one is in place. */
	access_join(host);
	if (slot->buffer == NULL || (write && slot->host_buffer->truth->file->
			changes_len > TRUTH_CHANGES_MAX - 10) || !prepare(slot)) {
		return;
	}
	slot->writing = write;
	submit_and_await(thread, slot, WORK_BEGIN, write ?
		SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE :
		SEALPOOL_ACCESS_READ);
	check_refusal(host, slot);
	if (slot->ret != 0) {
		free(slot->seen);
		return;
	}
	slot->active = true;
	slot->direct = sealpool_buffer_get_kind(slot->buffer) ==
		SEALPOOL_MEMORY_DIRECT;
	struct host_buffer *buffer = slot->host_buffer;
	if (write || slot->direct) {
		/* A write access is to another copy than reads. */
		truth_forget_copy(buffer->truth);
	} else if (buffer->tracked) {
		truth_note_copy(buffer->truth);
	}
	enum truth_claim claim = host_get_claim(host, buffer);
	truth_check(slot->host_buffer->truth, slot->access.data,
		slot->direct && claim == TRUTH_SINCE ? TRUTH_NOW : claim);
	see(slot);
}

static void draw_row(struct truth_buffer *buffer, uint32_t offset,
		uint32_t length, void *data) {
	struct slot *slot = data;
	uint8_t *row = (uint8_t *)slot->access.data + (offset - buffer->start);
	for (uint32_t i = 0; i < length; i++) {
		row[i] ^= 0x55;
	}
}

void access_draw(struct host *host, int number, int32_t top, int32_t bottom) {
	struct slot *slot = &slots[number];
	if (!slot->active || !slot->writing || slot->host_buffer->truth->file->
			changes_len > TRUTH_CHANGES_MAX - 10) {
		return;
	}
	struct truth_buffer *truth = slot->host_buffer->truth;
	struct truth_box box = { 0, top, truth->width, bottom };
	truth_for_each_row(truth, &box, draw_row, slot);
	see(slot);
	if (slot->direct) {
		truth_adopt(truth, slot->access.data, true);
	}
}

/* A copy for writing is written back as a whole. */
static void end_write(struct host *host, struct slot *slot, int thread) {
	struct host_buffer *buffer = slot->host_buffer;
	submit_and_await(thread, slot, WORK_END, 0);
	if (!slot->direct) {
		truth_adopt(buffer->truth, slot->seen,
			host_get_claim(host, buffer) == TRUTH_SINCE);
	}
	truth_refresh(buffer->truth, NULL);
	truth_forget_copy(buffer->truth);
}

static void check_same_row(struct truth_buffer *buffer, uint32_t offset,
		uint32_t length, void *data) {
	const struct slot *slot = data;
	uint32_t at = offset - buffer->start;
	if (memcmp((uint8_t *)slot->access.data + at, slot->seen + at,
			length) != 0) {
		truth_die("a copy has changed while it was used");
	}
}

void access_end(struct host *host, int number, int thread) {
	struct slot *slot = &slots[number];
	if (!slot->active || slot->racing) {
		return;
	}
	struct truth_buffer *truth = slot->host_buffer->truth;
	if (!slot->direct) {
		truth_for_each_row(truth, NULL, check_same_row, slot);
	} else if (host_get_claim(host, slot->host_buffer) == TRUTH_SINCE) {
		truth_check(truth, slot->access.data, TRUTH_NOW);
	}
	if (slot->writing) {
		end_write(host, slot, thread);
	} else {
		submit_and_await(thread, slot, WORK_END, 0);
	}
	free(slot->seen);
	slot->active = false;
}

/* Races */

void access_race(struct host *host, int number, int thread) {
	struct slot *slot = &slots[number];
	if (thread == 0 || !prepare(slot)) {
		return;
	}
	/* Changes during the read may be seen, or not. */
	size_t size = get_size(slot);
	slot->before.since = malloc(size);
	memcpy(slot->before.since, slot->host_buffer->truth->since, size);
	slot->racing = true;
	submit(thread, slot, WORK_READ, SEALPOOL_ACCESS_READ);
}

void access_join(struct host *host) {
	for (int i = 0; i < ACCESS_THREADS; i++) {
		await(&threads[i]);
	}
	for (int i = 0; i < ACCESSES; i++) {
		struct slot *slot = &slots[i];
		if (!slot->racing) {
			continue;
		}
		slot->racing = false;
		if (slot->ret != 0) {
			truth_die("a read access failed: %s",
				strerror(-slot->ret));
		}
		truth_check(&slot->before, slot->seen,
			host_get_claim(host, slot->host_buffer));
		free(slot->before.since);
		free(slot->seen);
	}
}

void access_finish(struct host *host) {
	access_join(host);
	for (int i = 0; i < ACCESSES; i++) {
		access_drop(host, i, 0);
	}
}
