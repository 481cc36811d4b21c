/* SPDX-License-Identifier: MIT */
/*
 * Commits of buffers whose slow file has not answered yet.
 *
 * Another thread reads a slow file, and the event loop does not wait for it. A compositor
 * that can delay a commit (wlroots) does so, and shows the previous frame until the file
 * answers. Other compositors handle the commit at once, and show what the copy has; the
 * copy is updated when the file answers.
 */
#include <errno.h>
#include <stdlib.h>

#include "buffer.h"
#include "context.h"
#include "hold.h"
#include "pool.h"

/* The most commits of one buffer that are held; others are not delayed. No honest client
 * commits a buffer to more surfaces before it is released. */
#define COMMITS_MAX 64

struct sp_holds {
	struct wl_list list; /* sp_hold.link */
	/* NULL if the compositor cannot delay commits. */
	sealpool_hold_commit_func hold;
	sealpool_release_commit_func release;
	void *data;
};

/* A buffer whose file has not answered. */
struct sp_hold {
	struct wl_list link; /* sp_holds.list */
	struct sealpool_buffer *buffer; /* a reference */
	/* The last commit's: see sp_view_get_generation(). */
	uint64_t generation;
	struct wl_list commits; /* held_commit.link, oldest first */
	unsigned commits_len;
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
	commit->hold->commits_len--;
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

/* Later commits of the same surface wait for the held one. */
static bool is_held(const struct sp_hold *hold,
		const struct wl_resource *surface) {
	const struct held_commit *commit;
	wl_list_for_each(commit, &hold->commits, link) {
		if (commit->surface == surface) {
			return true;
		}
	}
	return false;
}

void sp_hold_commit(struct sp_context *context, struct wl_resource *surface,
		struct sealpool_buffer *buffer) {
	struct sp_holds *holds = context->holds;
	uint64_t generation = sp_view_get_generation(&buffer->view);
	if (!sp_view_is_waiting(&buffer->view, generation)) {
		return;
	}
	/* Without memory, the buffer is shown as it is until its next commit. */
	struct sp_hold *hold = hold_get(holds, buffer);
	if (hold == NULL) {
		return;
	}
	hold->generation = generation;
	if (holds->hold == NULL || surface == NULL || is_held(hold, surface) ||
			hold->commits_len >= COMMITS_MAX) {
		return;
	}
	struct held_commit *commit = calloc(1, sizeof(*commit));
	if (commit == NULL) {
		return;
	}
	commit->hold = hold;
	commit->surface = surface;
	commit->generation = generation;
	commit->surface_destroy.notify = handle_surface_destroy;
	wl_resource_add_destroy_listener(surface, &commit->surface_destroy);
	wl_list_insert(hold->commits.prev, &commit->link);
	hold->commits_len++;
	commit->number = holds->hold(surface, holds->data);
}

/* The file has answered, or will not: it is too short, for example. */
static bool is_over(const struct sp_hold *hold, uint64_t generation) {
	return !sp_view_is_waiting(&hold->buffer->view, generation);
}

static bool release_one(struct sp_holds *holds, struct sp_hold *hold) {
	struct held_commit *commit;
	wl_list_for_each(commit, &hold->commits, link) {
		if (is_over(hold, commit->generation)) {
			struct wl_resource *surface = commit->surface;
			uint32_t number = commit->number;
			held_commit_destroy(commit);
			/* This may destroy clients, surfaces and other held
			 * commits. */
			holds->release(surface, number, holds->data);
			return true;
		}
	}
	return false;
}

/* Reader threads have finished jobs. */
static void handle_answers(struct sp_mail *mail) {
	struct sp_context *context = wl_container_of(mail, context, answers);
	sp_readers_handle_finished(&context->memory.readers);
	struct sp_holds *holds = context->holds;
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
		/* Takes the answer, and requests what was drawn since. */
		context->front->sync(hold->buffer);
		while (release_one(holds, hold)) {
		}
		if (is_over(hold, hold->generation)) {
			hold_destroy(hold);
		}
	}
}

int sp_holds_init(struct sp_context *context) {
	struct sp_holds *holds = calloc(1, sizeof(*holds));
	if (holds == NULL) {
		return -ENOMEM;
	}
	wl_list_init(&holds->list);
	context->holds = holds;
	sp_mailbox_add(&context->mailbox, &context->answers, handle_answers);
	return 0;
}

void sp_holds_finish(struct sp_context *context) {
	struct sp_holds *holds = context->holds;
	struct sp_hold *hold, *tmp;
	wl_list_for_each_safe(hold, tmp, &holds->list, link) {
		hold_destroy(hold);
	}
	free(holds);
	context->holds = NULL;
}

void sp_holds_set_funcs(struct sp_context *context,
		sealpool_hold_commit_func hold,
		sealpool_release_commit_func release, void *data) {
	struct sp_holds *holds = context->holds;
	holds->hold = hold;
	holds->release = release;
	holds->data = data;
}
