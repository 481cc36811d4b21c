/* SPDX-License-Identifier: MIT */
/*
 * The commit tracker: follows the requests that make pixels of buffers stale.
 *
 * It sees the requests of the display before they are dispatched. So it needs no help
 * from the compositor, and is done before the compositor handles a commit. surface.c
 * has the state of surfaces. A compositor can do without the tracker, and
 * report commits itself.
 */
#include <assert.h>
#include <string.h>
#include <wayland-server-protocol.h>

#include "buffer.h"
#include "commits.h"
#include "context.h"
#include "hold.h"
#include "pool.h"
#include "surface.h"

/* wl_surface.commit */
#define SURFACE_COMMIT 6

/* Sealpool's own protocol. */
#define FEEDBACK_MANAGER "sealpool_shm_feedback_manager_v1"

enum viewporter_request {
	VIEWPORTER_GET_VIEWPORT = 1,
};

static bool is_buffer_interface(const struct wl_interface *interface) {
	return interface == &wl_buffer_interface || (interface != NULL &&
		strcmp(interface->name, wl_buffer_interface.name) == 0);
}

static bool is_surface(const struct wl_resource *resource) {
	const char *class = wl_resource_get_class((struct wl_resource *)resource);
	return class == wl_surface_interface.name ||
		strcmp(class, wl_surface_interface.name) == 0;
}

/* xdg_wm_base.get_xdg_surface, zwlr_layer_shell_v1.get_layer_surface and others, which
 * refuse a surface that shows a buffer. Those of Xwayland and of input methods do not;
 * wp_alpha_modifier_v1.get_surface and its like give no role. */
static bool gives_role(const struct wl_message *message) {
	static const char end[] = "_surface";
	const char *name = message->name;
	size_t length = strlen(name);
	return strncmp(name, "get_", 4) == 0 && length > strlen("get__surface") &&
		strcmp(name + length - (sizeof(end) - 1), end) == 0 &&
		strcmp(name, "get_xwayland_surface") != 0 &&
		strcmp(name, "get_input_popup_surface") != 0;
}

/* A buffer that is passed to another object than a surface may be read or written there,
 * and drawn by its client, without a commit. Until its next commit, all of it may be
 * stale. */
static void handle_other_request(struct sp_commits *commits,
		const struct wl_protocol_logger_message *message,
		sp_passed_func passed) {
	/* There is one type for each argument, but a signature also has digits (the
	 * version since which the request exists) and question marks (may be null). A
	 * new_id has a type, but no object yet. */
	int i = 0;
	bool is_role = gives_role(message->message);
	for (const char *c = message->message->signature; *c != '\0'; c++) {
		if ((*c >= '0' && *c <= '9') || *c == '?') {
			continue;
		}
		const struct wl_interface *type = message->message->types[i];
		struct wl_resource *resource = *c == 'o' ?
			(struct wl_resource *)message->arguments[i].o : NULL;
		i++;
		if (resource != NULL && is_role && is_surface(resource)) {
			sp_holds_release(resource);
		}
		if (resource == NULL || !is_buffer_interface(type)) {
			continue;
		}
		struct sealpool_buffer *buffer =
			commits->surfaces.context->front->find_buffer(resource);
		if (buffer == NULL) {
			continue;
		}
		sp_surface_give_up(buffer);
		if (passed != NULL) {
			passed(buffer, message);
		}
	}
}

/* Interfaces are compared by name, since one may be compiled into a compositor more than
 * once. */
struct sealpool_buffer *sp_commits_handle_request(struct sp_commits *commits,
		const struct wl_protocol_logger_message *message,
		sp_passed_func passed) {
	if (is_surface(message->resource)) {
		struct sealpool_buffer *buffer =
			sp_surface_handle_request(&commits->surfaces, message);
		if (message->message_opcode == SURFACE_COMMIT) {
			wl_signal_emit(&commits->surfaces.context->commit,
				wl_resource_get_client(message->resource));
		}
		return buffer;
	}
	/* Most requests pass no object. */
	if (strchr(message->message->signature, 'o') == NULL) {
		return NULL;
	}
	const char *class = wl_resource_get_class(message->resource);
	/* Feedback about a buffer neither reads nor writes it. */
	if (strcmp(class, FEEDBACK_MANAGER) == 0) {
		return NULL;
	}
	if (strcmp(class, "wp_viewporter") == 0) {
		if (message->message_opcode == VIEWPORTER_GET_VIEWPORT) {
			sp_surface_make_unclear(&commits->surfaces,
				(struct wl_resource *)message->arguments[1].o);
		}
		return NULL;
	}
	handle_other_request(commits, message, passed);
	return NULL;
}

static void handle_message(void *data, enum wl_protocol_logger_type direction,
		const struct wl_protocol_logger_message *message) {
	struct sp_commits *commits = data;
	struct sealpool_buffer *buffer = direction == WL_PROTOCOL_LOGGER_REQUEST ?
		sp_commits_handle_request(commits, message, NULL) : NULL;
	if (buffer != NULL) {
		/* If the display has two contexts, it may be the other one's. */
		struct sp_context *context = buffer->pool->client->context;
		if (buffer->pool->backing.file.kind == SP_FILE_SLOW) {
			context->front->sync(buffer);
		}
		sp_hold_commit(context, message->resource, buffer);
	}
}

/* Which scale and transform it has was not seen. */
static enum wl_iterator_result handle_unseen(struct wl_resource *resource,
		void *data) {
	struct sp_commits *commits = data;
	if (is_surface(resource)) {
		sp_surface_make_unclear(&commits->surfaces, resource);
	}
	return WL_ITERATOR_CONTINUE;
}

static void handle_needed(struct wl_listener *listener, void *data) {
	struct sp_commits *commits =
		wl_container_of(listener, commits, needed);
	struct wl_display *display = commits->surfaces.context->display;
	commits->logger = wl_display_add_protocol_logger(display,
		handle_message, commits);
	if (commits->logger == NULL) {
		/* Until the next time, whole buffers are copied. */
		return;
	}
	wl_list_remove(&commits->needed.link);
	wl_list_init(&commits->needed.link);
	struct wl_client *client;
	wl_client_for_each(client, wl_display_get_client_list(display)) {
		wl_client_for_each_resource(client, handle_unseen, commits);
	}
}

void sp_commits_init(struct sp_commits *commits, struct sp_context *context) {
	commits->logger = NULL;
	wl_list_init(&commits->needed.link);
	sp_surfaces_init(&commits->surfaces, context);
}

void sp_commits_listen_when_needed(struct sp_commits *commits) {
	commits->needed.notify = handle_needed;
	wl_signal_add(&commits->surfaces.context->commits_needed,
		&commits->needed);
}

void sp_commits_finish(struct sp_commits *commits) {
	wl_list_remove(&commits->needed.link);
	if (commits->logger != NULL) {
		wl_protocol_logger_destroy(commits->logger);
	}
	sp_surfaces_finish(&commits->surfaces);
}

bool sealpool_buffer_damage(struct sealpool_buffer *buffer,
		struct wl_resource *surface, const struct sealpool_box *boxes,
		size_t boxes_len) {
	struct sp_client *client = buffer->pool->client;
	assert(client->context->no_commit_tracker);
	sp_client_note_request(client);
	sp_view_damage(&buffer->view, boxes, boxes_len,
		sp_client_get_epoch(client));
	bool late = sp_hold_commit(client->context, surface, buffer);
	if (client->wl_client != NULL) {
		wl_signal_emit(&client->context->commit, client->wl_client);
	}
	return !late;
}
