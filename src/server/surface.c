/* SPDX-License-Identifier: MIT */
/*
 * Surfaces: converts attach, damage and commit to stale pixels of buffers that are
 * copied.
 *
 * A surface gets a record here at its first commit of a buffer that is not direct, or
 * when it gets an unusual scale or transform. It collects damage only while such
 * buffers exist.
 *
 * A client with several buffers draws each frame into one that holds an older
 * frame. So all other buffers that were shown on the surface miss the damage of a
 * commit, and the client will draw it there before it commits them again. That commit
 * makes stale what was damaged since the buffer's last one. A reader that reads a buffer
 * before, for example a slow renderer, gets the frame that the buffer holds.
 *
 *   commit   of   damage   stale in A   stale in B
 *   first    A    D1       all
 *   second   B    D2       all          all
 *   (both are read)
 *   third    A    D3       D2+D3
 *   (A is read)
 *   fourth   B    D4                    D3+D4
 *
 * When in doubt, all of the buffer is stale, which is always correct.
 */
#include <limits.h>
#include <pixman.h>
#include <stdbool.h>
#include <stdlib.h>
#include <wayland-server-protocol.h>

#include "buffer.h"
#include "context.h"
#include "hold.h"
#include "image/region.h"
#include "pool.h"
#include "surface.h"

/* wl_surface's requests, in the order of wayland.xml; libwayland's server headers do not
 * name them. */
enum surface_request {
	SURFACE_ATTACH = 1,
	SURFACE_DAMAGE = 2,
	SURFACE_COMMIT = 6,
	SURFACE_SET_BUFFER_TRANSFORM = 7,
	SURFACE_SET_BUFFER_SCALE = 8,
	SURFACE_DAMAGE_BUFFER = 9,
	SURFACE_OFFSET = 10,
};

/* A surface keeps the damage of its last commits, this many. A buffer whose last commit is
 * older is stale as a whole. No toolkit uses more than four buffers. */
#define FRAMES_MAX 8

/* An attached buffer, until its wl_buffer is destroyed. */
struct sp_attachment {
	struct sealpool_buffer *buffer; /* NULL for none, or a foreign one */
	struct wl_listener destroy;
};

/* What a commit has damaged, in pixels. */
struct frame {
	/* All; "damage" has no meaning. */
	bool all;
	pixman_region32_t damage;
};

struct sp_surface {
	struct sp_surfaces *surfaces;
	struct wl_list link; /* sp_surfaces.list */
	struct wl_listener destroy;
	struct wl_list buffers; /* sp_tracked.link */
	uint64_t commits; /* so far */
	/* The last commits; commit n, from 1 on, is at n % FRAMES_MAX. */
	struct frame frames[FRAMES_MAX];
	/* The buffer that a commit without an attach shows. It may have been
	 * committed to another surface since. */
	struct sp_attachment current;
	/* Behind a guard, a reference to it: the compositor may still use it after
	 * its wl_buffer is destroyed. */
	struct sealpool_buffer *shown;

	/* The size of the current buffer, 0 for none or a foreign one. */
	int32_t width, height;
	int32_t scale;
	int32_t transform;
	/* Damage in surface coordinates does not say which pixels changed: there is or
	 * was a viewport, or the scale was not seen. Never reset: wp_viewport.destroy
	 * takes effect only at a commit, and a surface that had a viewport tends to get
	 * one again. */
	bool is_unclear;

	struct {
		bool attached;
		struct sp_attachment attachment;
		bool moved;
		int32_t scale;
		int32_t transform;
		/* In surface and in buffer coordinates. */
		pixman_region32_t surface_damage, buffer_damage;
	} pending;
};

/* A buffer that has a wl_buffer, and the surface that it was last committed to. The buffer
 * points to its record: a search among the listeners of its wl_buffer would take as long as
 * it has surfaces, and a client may commit one buffer to any number of them. */
struct sp_tracked {
	struct sealpool_buffer *buffer;
	struct sp_surface *surface;
	struct wl_list link; /* sp_surface.buffers */
	struct wl_listener destroy;
	uint64_t commit; /* its last one; see sp_surface.commits */
};

static void attachment_set(struct sp_attachment *attachment,
		struct sealpool_buffer *buffer) {
	if (attachment->buffer != NULL) {
		wl_list_remove(&attachment->destroy.link);
	}
	attachment->buffer = buffer;
	if (buffer != NULL) {
		wl_resource_add_destroy_listener(buffer->resource,
			&attachment->destroy);
	}
}

static void attachment_handle_destroy(struct wl_listener *listener,
		void *data) {
	struct sp_attachment *attachment =
		wl_container_of(listener, attachment, destroy);
	attachment_set(attachment, NULL);
}

static void set_tracked(struct sealpool_buffer *buffer, bool tracked) {
	sp_view_set_tracked(&buffer->view, tracked,
		sp_client_get_epoch(buffer->pool->client));
}

static void tracked_destroy(struct sp_tracked *tracked) {
	tracked->buffer->tracked = NULL;
	wl_list_remove(&tracked->link);
	wl_list_remove(&tracked->destroy.link);
	free(tracked);
}

/* Without a wl_buffer, no commit can change the contents. */
static void tracked_handle_destroy(struct wl_listener *listener, void *data) {
	struct sp_tracked *tracked = wl_container_of(listener, tracked, destroy);
	tracked_destroy(tracked);
}

/* Stops tracking: all of the buffer is stale at each access. */
static void give_up(struct sp_tracked *tracked) {
	set_tracked(tracked->buffer, false);
	tracked_destroy(tracked);
}

/* Starts tracking a buffer on a surface. All of it is stale: its contents were drawn for
 * another surface, or for none. */
static void track(struct sealpool_buffer *buffer, struct sp_surface *surface) {
	struct sp_tracked *tracked = buffer->tracked;
	if (tracked != NULL) {
		tracked_destroy(tracked);
	}
	tracked = calloc(1, sizeof(*tracked));
	if (tracked == NULL) {
		/* Without a record, all of it is copied at each access. */
		set_tracked(buffer, false);
		return;
	}
	tracked->buffer = buffer;
	buffer->tracked = tracked;
	tracked->surface = surface;
	tracked->commit = surface->commits;
	tracked->destroy.notify = tracked_handle_destroy;
	wl_resource_add_destroy_listener(buffer->resource, &tracked->destroy);
	wl_list_insert(&surface->buffers, &tracked->link);
	set_tracked(buffer, true);
}

static void change_users(const struct sp_surface *surface,
		struct sealpool_buffer *buffer, int change) {
	const struct sp_front *front = surface->surfaces->context->front;
	if (front->change_users != NULL && buffer != NULL) {
		front->change_users(buffer, change);
	}
}

static void expect_release(const struct sp_surfaces *surfaces,
		struct sealpool_buffer *buffer) {
	if (surfaces->context->front->expect_release != NULL && buffer != NULL) {
		surfaces->context->front->expect_release(buffer);
	}
}

/* If the wl_buffer is destroyed while it is pending, the surface remains a user of the
 * buffer: the compositor may have taken a reference. */
static void surface_set_pending(struct sp_surface *surface,
		struct sealpool_buffer *buffer) {
	struct sealpool_buffer *old = surface->pending.attachment.buffer;
	attachment_set(&surface->pending.attachment, buffer);
	change_users(surface, buffer, 1);
	change_users(surface, old, -1);
}

static void surface_set_shown(struct sp_surface *surface,
		struct sealpool_buffer *buffer) {
	struct sealpool_buffer *old = surface->shown;
	surface->shown = buffer != NULL ? sealpool_buffer_ref(buffer) : NULL;
	change_users(surface, buffer, 1);
	change_users(surface, old, -1);
	sealpool_buffer_unref(old);
}

static void surface_destroy(struct sp_surface *surface) {
	struct sp_tracked *tracked, *tmp;
	wl_list_for_each_safe(tracked, tmp, &surface->buffers, link) {
		give_up(tracked);
	}
	attachment_set(&surface->current, NULL);
	surface_set_pending(surface, NULL);
	surface_set_shown(surface, NULL);
	wl_list_remove(&surface->destroy.link);
	wl_list_remove(&surface->link);
	for (int i = 0; i < FRAMES_MAX; i++) {
		pixman_region32_fini(&surface->frames[i].damage);
	}
	pixman_region32_fini(&surface->pending.surface_damage);
	pixman_region32_fini(&surface->pending.buffer_damage);
	free(surface);
}

static void surface_handle_destroy(struct wl_listener *listener, void *data) {
	struct sp_surface *surface =
		wl_container_of(listener, surface, destroy);
	surface_destroy(surface);
}

/* Returns the record of a wl_surface, or NULL. */
static struct sp_surface *surface_find(struct sp_surfaces *surfaces,
		struct wl_resource *resource) {
	/* The common case while all memory is sealed. */
	if (wl_list_empty(&surfaces->list)) {
		return NULL;
	}
	struct wl_listener *listener = wl_resource_get_destroy_listener(
		resource, surface_handle_destroy);
	if (listener == NULL) {
		return NULL;
	}
	struct sp_surface *surface =
		wl_container_of(listener, surface, destroy);
	/* If the display has two contexts, it has two trackers. Only the first has a
	 * record of the surface; the other one copies whole buffers. */
	return surface->surfaces == surfaces ? surface : NULL;
}

/*
 * Returns the record of a wl_surface, and creates it if needed. Returns NULL when there is
 * no memory, after an error for the client: behind a guard, its buffers would be shown
 * without being copied, and a record created later would not have the scale.
 */
static struct sp_surface *surface_get(struct sp_surfaces *surfaces,
		struct wl_resource *resource) {
	struct wl_listener *listener = wl_resource_get_destroy_listener(
		resource, surface_handle_destroy);
	if (listener != NULL) {
		return surface_find(surfaces, resource);
	}
	struct sp_surface *surface = calloc(1, sizeof(*surface));
	if (surface == NULL) {
		sp_post_no_memory(surfaces->context,
			wl_resource_get_client(resource));
		return NULL;
	}
	surface->surfaces = surfaces;
	surface->scale = surface->pending.scale = 1;
	surface->transform = surface->pending.transform =
		WL_OUTPUT_TRANSFORM_NORMAL;
	for (int i = 0; i < FRAMES_MAX; i++) {
		pixman_region32_init(&surface->frames[i].damage);
	}
	pixman_region32_init(&surface->pending.surface_damage);
	pixman_region32_init(&surface->pending.buffer_damage);
	surface->current.destroy.notify = attachment_handle_destroy;
	surface->pending.attachment.destroy.notify = attachment_handle_destroy;
	wl_list_init(&surface->buffers);
	wl_list_insert(&surfaces->list, &surface->link);
	surface->destroy.notify = surface_handle_destroy;
	wl_resource_add_destroy_listener(resource, &surface->destroy);
	return surface;
}

static void attach(struct sp_surfaces *surfaces, struct wl_resource *resource,
		const union wl_argument *args) {
	struct wl_resource *buffer_resource = (struct wl_resource *)args[0].o;
	struct sealpool_buffer *buffer = buffer_resource != NULL ?
		surfaces->context->front->find_buffer(buffer_resource) : NULL;
	struct sp_surface *surface = surface_find(surfaces, resource);
	if (surface == NULL) {
		if (buffer == NULL || !sp_view_wants_commits(&buffer->view)) {
			return;
		}
		surface = surface_get(surfaces, resource);
		if (surface == NULL) {
			/* Without a record, nothing notices when the surface shows
			 * another buffer. */
			expect_release(surfaces, buffer);
			return;
		}
	}
	surface->pending.attached = true;
	surface_set_pending(surface, buffer);
	surface->pending.moved |= args[1].i != 0 || args[2].i != 0;
}

static void surface_damage(struct sp_surface *surface,
		const union wl_argument *args, pixman_region32_t *damage) {
	int32_t x = args[0].i, y = args[1].i;
	int32_t width = args[2].i, height = args[3].i;
	if (wl_list_empty(&surface->buffers) || width <= 0 || height <= 0) {
		return;
	}
	/* Clients pass INT32_MAX to damage everything. */
	pixman_box32_t box = {
		.x1 = x, .x2 = x > INT32_MAX - width ? INT32_MAX : x + width,
		.y1 = y, .y2 = y > INT32_MAX - height ? INT32_MAX : y + height,
	};
	sp_region_add_box(damage, &box);
}

static int32_t clip(int64_t value, int32_t max) {
	return (int32_t)(value < 0 ? 0 : value > max ? max : value);
}

/* Adds a region of the surface, at an integer scale, to a frame. */
static void add_scaled(struct frame *frame, const struct sp_surface *surface,
		const pixman_region32_t *damage, int32_t scale) {
	int boxes_len;
	const pixman_box32_t *boxes = pixman_region32_rectangles(
		(pixman_region32_t *)damage, &boxes_len);
	for (int i = 0; i < boxes_len; i++) {
		pixman_box32_t box = {
			.x1 = clip((int64_t)boxes[i].x1 * scale, surface->width),
			.y1 = clip((int64_t)boxes[i].y1 * scale, surface->height),
			.x2 = clip((int64_t)boxes[i].x2 * scale, surface->width),
			.y2 = clip((int64_t)boxes[i].y2 * scale, surface->height),
		};
		if (box.x1 < box.x2 && box.y1 < box.y2) {
			sp_region_add_box(&frame->damage, &box);
		}
	}
}

static void surface_add_frame(struct sp_surface *surface, bool all) {
	struct frame *frame =
		&surface->frames[++surface->commits % FRAMES_MAX];
	frame->all = all;
	pixman_region32_clear(&frame->damage);
	if (!all) {
		add_scaled(frame, surface, &surface->pending.surface_damage,
			surface->scale);
		add_scaled(frame, surface, &surface->pending.buffer_damage, 1);
	}
	pixman_region32_clear(&surface->pending.surface_damage);
	pixman_region32_clear(&surface->pending.buffer_damage);
}

/* Makes stale what was damaged since the buffer's last commit. */
static void age(struct sp_tracked *tracked, uint64_t epoch) {
	const struct sp_surface *surface = tracked->surface;
	struct sp_view *view = &tracked->buffer->view;
	uint64_t commit = tracked->commit;
	bool all = surface->commits - commit > FRAMES_MAX;
	pixman_region32_t damage;
	pixman_region32_init(&damage);
	while (!all && commit < surface->commits) {
		const struct frame *frame =
			&surface->frames[++commit % FRAMES_MAX];
		all = frame->all;
		sp_region_add(&damage, &frame->damage);
	}
	tracked->commit = surface->commits;
	sp_view_age(view, all ? NULL : &damage, epoch);
	pixman_region32_fini(&damage);
}

/* Applies the pending scale, transform and size. Returns whether the damage does not say
 * which pixels have changed. */
static bool surface_apply_pending(struct sp_surface *surface) {
	bool changed = surface->pending.moved ||
		surface->scale != surface->pending.scale ||
		surface->transform != surface->pending.transform;
	surface->scale = surface->pending.scale;
	surface->transform = surface->pending.transform;
	surface->pending.moved = false;

	if (surface->pending.attached) {
		const struct sealpool_buffer *buffer =
			surface->pending.attachment.buffer;
		int32_t width = buffer != NULL ? buffer->view.layout.width : 0;
		int32_t height = buffer != NULL ? buffer->view.layout.height : 0;
		changed |= width != surface->width || height != surface->height;
		surface->width = width;
		surface->height = height;
	}

	bool unclear = surface->is_unclear ||
		surface->transform != WL_OUTPUT_TRANSFORM_NORMAL;
	return changed || (unclear && pixman_region32_not_empty(
		&surface->pending.surface_damage));
}

/* Returns the buffer that the surface shows, if it is Sealpool's and not read in place. */
static struct sealpool_buffer *surface_commit(struct sp_surface *surface,
		struct wl_resource *resource) {
	struct sp_surfaces *surfaces = surface->surfaces;
	bool all = surface_apply_pending(surface);
	surface_add_frame(surface, all);

	struct sealpool_buffer *buffer;
	bool attached = surface->pending.attached;
	if (attached) {
		buffer = surface->pending.attachment.buffer;
		attachment_set(&surface->current, buffer);
		if (surfaces->context->front->change_users != NULL) {
			surface_set_shown(surface, buffer);
		}
		expect_release(surfaces, buffer);
		surface_set_pending(surface, NULL);
		surface->pending.attached = false;
		if (buffer == NULL) {
			sp_holds_release(resource);
		}
	}
	buffer = surface->current.buffer;
	if (buffer == NULL) {
		return NULL;
	}
	sp_view_handle_commit(&buffer->view);
	if (!sp_view_wants_commits(&buffer->view)) {
		/* It may just have become direct. */
		sp_surface_give_up(buffer);
		return NULL;
	}
	struct sp_client *client = buffer->pool->client;
	sp_client_note_request(client);
	uint64_t epoch = sp_client_get_epoch(client);
	struct sp_tracked *tracked = buffer->tracked;
	if (tracked != NULL && tracked->surface == surface) {
		age(tracked, epoch);
	} else if (attached) {
		track(buffer, surface);
	} else {
		/* It was committed to another surface, or passed to another request,
		 * since it was attached here. */
		sp_view_age(&buffer->view, NULL, epoch);
	}
	return buffer;
}

struct sealpool_buffer *sp_surface_handle_request(struct sp_surfaces *surfaces,
		const struct wl_protocol_logger_message *message) {
	struct wl_resource *resource = message->resource;
	const union wl_argument *args = message->arguments;
	struct sp_surface *surface;
	switch (message->message_opcode) {
	case SURFACE_ATTACH:
		attach(surfaces, resource, args);
		return NULL;
	case SURFACE_SET_BUFFER_TRANSFORM:
	case SURFACE_SET_BUFFER_SCALE:
		surface = surface_get(surfaces, resource);
		break;
	default:
		surface = surface_find(surfaces, resource);
	}
	if (surface == NULL) {
		return NULL;
	}
	switch (message->message_opcode) {
	case SURFACE_DAMAGE:
		surface_damage(surface, args, &surface->pending.surface_damage);
		break;
	case SURFACE_DAMAGE_BUFFER:
		surface_damage(surface, args, &surface->pending.buffer_damage);
		break;
	case SURFACE_COMMIT:
		return surface_commit(surface, resource);
	case SURFACE_SET_BUFFER_TRANSFORM:
		surface->pending.transform = args[0].i;
		break;
	case SURFACE_SET_BUFFER_SCALE:
		/* The compositor refuses a scale below 1. */
		if (args[0].i >= 1) {
			surface->pending.scale = args[0].i;
		}
		break;
	case SURFACE_OFFSET:
		surface->pending.moved |= args[0].i != 0 || args[1].i != 0;
		break;
	}
	return NULL;
}

void sp_surface_make_unclear(struct sp_surfaces *surfaces,
		struct wl_resource *resource) {
	struct sp_surface *surface = surface_get(surfaces, resource);
	if (surface != NULL) {
		surface->is_unclear = true;
	}
}

void sp_surface_give_up(struct sealpool_buffer *buffer) {
	if (buffer->tracked != NULL) {
		give_up(buffer->tracked);
	}
}

void sp_surface_forget(struct sealpool_buffer *buffer) {
	if (buffer->tracked != NULL) {
		tracked_destroy(buffer->tracked);
	}
}

void sp_surfaces_init(struct sp_surfaces *surfaces,
		struct sp_context *context) {
	surfaces->context = context;
	wl_list_init(&surfaces->list);
}

void sp_surfaces_finish(struct sp_surfaces *surfaces) {
	struct sp_surface *surface, *tmp;
	wl_list_for_each_safe(surface, tmp, &surfaces->list, link) {
		surface_destroy(surface);
	}
}
