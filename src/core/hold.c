/* SPDX-License-Identifier: MIT */
/*
 * Commits of buffers whose file has not answered yet.
 *
 * A file that is not memory is read by another thread, and the event loop does not
 * wait for that. A compositor that can keep a commit until later (wlroots) does so,
 * and shows the frame before for as long. Elsewhere the commit is handled at once, and
 * shows what the copy has; the bytes come into the copy when they are there.
 */
#include <stdlib.h>

#include "buffer.h"
#include "context.h"
#include "hold.h"
#include "pool.h"

struct hold {
	struct wl_list link; /* sp_holds.list */
	struct sealpool_buffer *buffer; /* a reference */
	/* NULL if the commit was not held back. */
	struct wl_resource *surface;
	struct wl_listener surface_destroy;
	uint32_t number;
};

static void sync(struct sealpool_buffer *buffer) {
	sp_view_sync(&buffer->view, sp_client_get_epoch(buffer->pool->client));
}

void sp_holds_init(struct sp_holds *holds) {
	wl_list_init(&holds->list);
	holds->sync = sync;
}

static void hold_destroy(struct hold *hold) {
	wl_list_remove(&hold->link);
	wl_list_remove(&hold->surface_destroy.link);
	sealpool_buffer_unref(hold->buffer);
	free(hold);
}

static void hold_handle_surface_destroy(struct wl_listener *listener,
		void *data) {
	struct hold *hold = wl_container_of(listener, hold, surface_destroy);
	hold_destroy(hold);
}

void sp_holds_finish(struct sp_holds *holds) {
	struct hold *hold, *tmp;
	wl_list_for_each_safe(hold, tmp, &holds->list, link) {
		hold_destroy(hold);
	}
}

void sp_hold_commit(struct sp_context *context, struct wl_resource *surface,
		struct sealpool_buffer *buffer) {
	struct sp_holds *holds = &context->holds;
	if (!sp_view_is_late(&buffer->view)) {
		return;
	}
	struct hold *hold = calloc(1, sizeof(*hold));
	if (hold == NULL) {
		/* It is shown as it is, until the next commit. */
		return;
	}
	hold->buffer = sealpool_buffer_ref(buffer);
	wl_list_insert(holds->list.prev, &hold->link);
	wl_list_init(&hold->surface_destroy.link);
	if (holds->hold == NULL) {
		return;
	}
	hold->surface = surface;
	hold->surface_destroy.notify = hold_handle_surface_destroy;
	wl_resource_add_destroy_listener(surface, &hold->surface_destroy);
	hold->number = holds->hold(surface, holds->data);
}

static struct hold *find_answered(const struct sp_holds *holds) {
	struct hold *hold;
	wl_list_for_each(hold, &holds->list, link) {
		if (!sp_view_is_late(&hold->buffer->view) ||
				sp_view_has_answer(&hold->buffer->view)) {
			return hold;
		}
	}
	return NULL;
}

void sp_holds_handle_answers(struct sp_context *context) {
	struct sp_holds *holds = &context->holds;
	struct hold *hold;
	while ((hold = find_answered(holds)) != NULL) {
		holds->sync(hold->buffer);
		if (sp_view_is_late(&hold->buffer->view)) {
			/* What was drawn meanwhile has been asked for. */
			continue;
		}
		struct wl_resource *surface = hold->surface;
		uint32_t number = hold->number;
		hold_destroy(hold);
		/* Whatever this shows or ends. */
		if (surface != NULL) {
			holds->release(surface, number, holds->data);
		}
	}
}
