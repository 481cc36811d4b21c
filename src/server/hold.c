/* SPDX-License-Identifier: MIT */
/*
 * Commits of buffers whose bytes come later.
 *
 * Another thread reads a slow file, and the event loop does not wait for it. A compositor
 * that can delay a commit (wlroots) does so, and shows the previous frame until the file
 * answers. Other compositors handle the commit at once, and show what the copy has; the
 * copy is updated when the file answers.
 *
 * Much memory takes long to copy. For a compositor that can delay commits, another thread
 * copies it too, and the copy is current when the compositor handles the commit. What is
 * committed meanwhile is copied before that as well, unless it is little: once, so that a
 * client that draws again and again without waiting for a release is shown. What it has
 * committed since then is copied by the event loop.
 *
 * A compositor checks a commit when it arrives, against what was handled before, and then
 * relies on that: wlroots asserts that a window which is hidden was configured. So no
 * commit is held while its surface is hidden, or gets a role that one with a buffer may not
 * get. That commit need not be shown any more, and is released without its bytes.
 */
#include <stdlib.h>

#include "buffer.h"
#include "client.h"
#include "context.h"
#include "hold.h"
#include "pool.h"

/* The event loop itself copies at most these bytes of memory in one epoch, for all clients
 * together, and as many of slow files in 10 ms: 4 to 50 ms of work in new copies, less in
 * others. */
#define COPIED_AT_ONCE_MAX ((uint64_t)16 << 20)

/* A buffer whose file has not answered, or which a thread copies. */
struct sp_hold {
	struct wl_list link; /* sp_holds.list */
	struct sealpool_buffer *buffer; /* a reference */
	/* Copies memory. */
	struct sp_job job;
	uint64_t epoch;
	bool copying;
	/* It copies for the second time. */
	bool again;
	/* The last commit's: see sp_view_get_generation(). */
	uint64_t generation;
	struct wl_list commits; /* held_commit.link, oldest first */
};

/* A commit that is delayed. */
struct held_commit {
	struct wl_list link; /* sp_hold.commits */
	struct sp_hold *hold;
	struct wl_resource *surface;
	struct wl_listener surface_destroy;
	uint64_t generation;
	uint32_t number;
};

static void held_commit_destroy(struct held_commit *commit) {
	wl_list_remove(&commit->link);
	wl_list_remove(&commit->surface_destroy.link);
	free(commit);
}

static void handle_surface_destroy(struct wl_listener *listener, void *data) {
	struct held_commit *commit =
		wl_container_of(listener, commit, surface_destroy);
	held_commit_destroy(commit);
}

static void hold_destroy(struct sp_hold *hold) {
	struct held_commit *commit, *tmp;
	wl_list_for_each_safe(commit, tmp, &hold->commits, link) {
		held_commit_destroy(commit);
	}
	wl_list_remove(&hold->link);
	hold->buffer->hold = NULL;
	sealpool_buffer_unref(hold->buffer);
	free(hold);
}

static struct sp_hold *hold_get(struct sp_holds *holds,
		struct sealpool_buffer *buffer) {
	if (buffer->hold != NULL) {
		return buffer->hold;
	}
	struct sp_hold *hold = calloc(1, sizeof(*hold));
	if (hold == NULL) {
		return NULL;
	}
	hold->buffer = sealpool_buffer_ref(buffer);
	buffer->hold = hold;
	wl_list_init(&hold->commits);
	wl_list_insert(holds->list.prev, &hold->link);
	return hold;
}

/* A client may commit a buffer to any number of surfaces. */
#define COMPARED_MAX 64

/* Later commits of the same surface wait for the held one. To hold another one as well
 * changes nothing. */
static bool is_held(const struct sp_hold *hold,
		const struct wl_resource *surface) {
	unsigned compared = 0;
	const struct held_commit *commit;
	wl_list_for_each_reverse(commit, &hold->commits, link) {
		if (commit->surface == surface) {
			return true;
		}
		if (++compared == COMPARED_MAX) {
			break;
		}
	}
	return false;
}

/* Memory */

static void copy(struct sp_job *job) {
	struct sp_hold *hold = wl_container_of(job, hold, job);
	/* If that fails, an access tries again and reports it. */
	sp_view_sync(&hold->buffer->view, hold->epoch);
}

static void finish_copy(struct sp_job *job) {
	struct sp_hold *hold = wl_container_of(job, hold, job);
	hold->copying = false;
}

static struct sp_reader *get_copier(const struct sealpool_buffer *buffer) {
	return &buffer->pool->client->member.identity->copier;
}

/* Returns whether the event loop copies it: it is little, or there is no thread. */
static bool is_copied_at_once(struct sp_context *context,
		struct sealpool_buffer *buffer) {
	struct sp_holds *holds = &context->holds;
	/* It is read in place, or each access copies the whole buffer again. */
	if (buffer->view.kind != SEALPOOL_MEMORY_SHADOW ||
			!buffer->view.tracked) {
		return true;
	}
	uint64_t epoch = sp_epoch_enter(&context->epoch);
	if (holds->epoch != epoch) {
		holds->epoch = epoch;
		holds->copied_at_once = 0;
	}
	uint64_t bytes = sp_view_count_stale(&buffer->view);
	if (bytes > COPIED_AT_ONCE_MAX - holds->copied_at_once) {
		return !sp_reader_is_available(get_copier(buffer));
	}
	holds->copied_at_once += bytes;
	return true;
}

/* Returns whether a thread copies the buffer from now on. */
static bool begin_to_copy(struct sp_hold *hold) {
	hold->job.run = copy;
	hold->job.finish = finish_copy;
	hold->epoch = sp_client_get_epoch(hold->buffer->pool->client);
	hold->copying =
		sp_reader_submit(get_copier(hold->buffer), &hold->job) == 0;
	/* Which notices if no thread does it. */
	sp_context_request_upkeep(hold->buffer->pool->client->context);
	return hold->copying;
}

static void stop_copying(struct sp_context *context, struct sp_hold *hold) {
	struct sp_reader *copier = get_copier(hold->buffer);
	if (sp_reader_cancel(copier, &hold->job)) {
		hold->copying = false;
		return;
	}
	sp_reader_join(copier, &hold->job);
	sp_readers_handle_finished(&context->memory.readers);
}

static bool is_slow(const struct sealpool_buffer *buffer) {
	return buffer->pool->backing.file.kind == SP_FILE_SLOW;
}

/* Returns whether a slow file has still to answer. Then handle_answers() is called. If it
 * has answered since the wait for it was given up, that may have been called already, and
 * the answer is taken here. A second one is for what was drawn since the first was asked
 * for. */
static bool is_waiting(struct sp_context *context,
		struct sealpool_buffer *buffer) {
	const struct sp_view *view = &buffer->view;
	bool waiting = false;
	for (int i = 0; i < 2 && !waiting; i++) {
		waiting = sp_view_is_waiting(view, sp_view_get_generation(view));
		if (!waiting && sp_view_has_answer(view)) {
			context->front->sync(buffer);
		}
	}
	return waiting;
}

/* Returns whether the bytes of a commit come later. */
static bool is_late(struct sp_context *context, struct wl_resource *surface,
		struct sealpool_buffer *buffer) {
	if (is_slow(buffer)) {
		return is_waiting(context, buffer);
	}
	if (context->holds.hold == NULL || surface == NULL ||
			buffer->hold != NULL) {
		return buffer->hold != NULL;
	}
	if (is_copied_at_once(context, buffer)) {
		return false;
	}
	struct sp_hold *hold = hold_get(&context->holds, buffer);
	if (hold != NULL && !begin_to_copy(hold)) {
		hold_destroy(hold);
		return false;
	}
	return hold != NULL;
}

bool sp_hold_commit(struct sp_context *context, struct wl_resource *surface,
		struct sealpool_buffer *buffer) {
	struct sp_holds *holds = &context->holds;
	bool late = is_late(context, surface, buffer);
	/* Without memory, the buffer is shown as it is until its next commit. */
	struct sp_hold *hold = late ? hold_get(holds, buffer) : NULL;
	if (hold == NULL) {
		return late;
	}
	uint64_t generation = sp_view_get_generation(&buffer->view);
	hold->generation = generation;
	if (holds->hold == NULL || surface == NULL || is_held(hold, surface)) {
		return true;
	}
	struct held_commit *commit = calloc(1, sizeof(*commit));
	if (commit == NULL) {
		return true;
	}
	commit->hold = hold;
	commit->surface = surface;
	commit->generation = generation;
	commit->surface_destroy.notify = handle_surface_destroy;
	wl_resource_add_destroy_listener(surface, &commit->surface_destroy);
	wl_list_insert(hold->commits.prev, &commit->link);
	commit->number = holds->hold(surface, holds->data);
	return true;
}

/* The file has answered, or will not: it is too short, for example. */
static bool is_over(const struct sp_hold *hold, uint64_t generation) {
	return is_slow(hold->buffer) ?
		!sp_view_is_waiting(&hold->buffer->view, generation) :
		!hold->copying;
}

/* This may destroy clients, surfaces and other held commits. */
static void held_commit_release(struct held_commit *commit) {
	const struct sp_holds *holds =
		&commit->hold->buffer->pool->client->context->holds;
	struct wl_resource *surface = commit->surface;
	uint32_t number = commit->number;
	held_commit_destroy(commit);
	holds->release(surface, number, holds->data);
}

static bool release_oldest(struct sp_hold *hold) {
	if (wl_list_empty(&hold->commits)) {
		return false;
	}
	struct held_commit *oldest =
		wl_container_of(hold->commits.next, oldest, link);
	bool over = is_over(hold, oldest->generation);
	if (over) {
		held_commit_release(oldest);
	}
	return over;
}

void sp_holds_release(struct wl_resource *surface) {
	struct wl_listener *oldest;
	while ((oldest = wl_resource_get_destroy_listener(surface,
			handle_surface_destroy)) != NULL) {
		struct held_commit *commit =
			wl_container_of(oldest, commit, surface_destroy);
		/* The hold keeps it. */
		struct sp_view *view = &commit->hold->buffer->view;
		view->unneeded = true;
		held_commit_release(commit);
		view->unneeded = false;
	}
}

void sp_holds_handle_answers(struct sp_context *context) {
	sp_readers_handle_finished(&context->memory.readers);
	struct sp_holds *holds = &context->holds;
	struct wl_list all;
	wl_list_init(&all);
	wl_list_insert_list(&all, &holds->list);
	wl_list_init(&holds->list);
	while (!wl_list_empty(&all)) {
		struct sp_hold *hold = wl_container_of(all.next, hold, link);
		wl_list_remove(&hold->link);
		wl_list_insert(holds->list.prev, &hold->link);
		if (!is_over(hold, hold->generation)) {
			continue;
		}
		/* Takes the answer, and requests or copies what was drawn since. */
		if (is_slow(hold->buffer)) {
			context->front->sync(hold->buffer);
		} else if (!hold->again &&
				!is_copied_at_once(context, hold->buffer)) {
			hold->again = begin_to_copy(hold);
		}
		bool waiting;
		do {
			waiting = is_slow(hold->buffer) ?
				is_waiting(context, hold->buffer) : hold->copying;
		} while (release_oldest(hold));
		if (!waiting) {
			hold_destroy(hold);
		}
	}
}

void sp_holds_tend(struct sp_context *context) {
	bool found = false;
	struct sp_hold *hold;
	wl_list_for_each(hold, &context->holds.list, link) {
		struct sp_reader *copier = get_copier(hold->buffer);
		if (hold->copying && sp_reader_is_stranded(copier) &&
				sp_reader_cancel(copier, &hold->job)) {
			/* The event loop copies it. */
			hold->copying = false;
			hold->again = found = true;
		}
	}
	if (found) {
		sp_holds_handle_answers(context);
	}
}

void sp_holds_finish(struct sp_context *context) {
	struct sp_holds *holds = &context->holds;
	struct sp_hold *hold, *tmp;
	wl_list_for_each_safe(hold, tmp, &holds->list, link) {
		if (hold->copying) {
			stop_copying(context, hold);
		}
		hold_destroy(hold);
	}
}

void sp_holds_set_funcs(struct sp_context *context,
		sealpool_hold_commit_func hold,
		sealpool_release_commit_func release, void *data) {
	struct sp_holds *holds = &context->holds;
	/* Commits can wait for reader threads. */
	context->memory.at_once.max = hold != NULL ? COPIED_AT_ONCE_MAX :
		UINT64_MAX;
	holds->hold = hold;
	holds->release = release;
	holds->data = data;
}
