/* SPDX-License-Identifier: MIT */
/*
 * sealpool-tiny: a small Wayland compositor on wlroots with Sealpool's wl_shm.
 * That takes one line, in create_globals(). Everything else is what any wlroots
 * compositor does, in a simple form, except the section "Counters", which shows how to
 * get the statistics of a client.
 *
 * The one idea: the screen depends only on the clients, so that pictures of it can be
 * compared byte for byte. Windows have the size that they choose, no decoration and a
 * fixed place (see place_window()), the background is black, and no cursor is drawn
 * without a pointer.
 *
 * It draws to a window of the parent compositor if there is one, else to memory.
 */
#include <assert.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <wayland-server-core.h>
#include <wlr/backend.h>
#include <wlr/backend/headless.h>
#include <wlr/render/allocator.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_data_device.h>
#include <wlr/types/wlr_gamma_control_v1.h>
#include <wlr/types/wlr_input_device.h>
#include <wlr/types/wlr_keyboard.h>
#include <wlr/types/wlr_keyboard_group.h>
#include <wlr/types/wlr_layer_shell_v1.h>
#include <wlr/types/wlr_output.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/types/wlr_pointer.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_screencopy_v1.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_shm.h>
#include <wlr/types/wlr_subcompositor.h>
#include <wlr/types/wlr_viewporter.h>
#include <wlr/types/wlr_virtual_keyboard_v1.h>
#include <wlr/types/wlr_xcursor_manager.h>
#include <wlr/types/wlr_xdg_output_v1.h>
#include <wlr/types/wlr_xdg_shell.h>
#include <wlr/util/log.h>
#include <wlr/version.h>
#include <xkbcommon/xkbcommon.h>

#include <sealpool/wlroots.h>
#ifdef MEMORY_SHM
#include "memory-shm.h"
#endif

/* All differences between wlroots 0.18, 0.19 and 0.20 here depend on this. */
#define HAVE_WLROOTS_0_19 (WLR_VERSION_NUM >= (19 << 8))

#if HAVE_WLROOTS_0_19
#include <wlr/types/wlr_ext_image_capture_source_v1.h>
#include <wlr/types/wlr_ext_image_copy_capture_v1.h>
#endif

/* A process is one compositor, so the state is global. */
static struct tiny_server {
	struct wl_display *display;
	struct wlr_backend *backend; /* NULL once destroyed */
	struct wlr_renderer *renderer;
	struct wlr_allocator *allocator;
	struct sealpool_shm *shm; /* NULL with --stock */

	struct wlr_scene *scene;
	struct wlr_scene_output_layout *scene_layout;
	struct wlr_scene_tree *windows_tree;
	struct wlr_scene_tree *layers[4]; /* enum zwlr_layer_shell_v1_layer */
	struct wlr_output_layout *output_layout;
	struct wlr_seat *seat;
	struct wlr_keyboard_group *keyboards;
	struct wlr_cursor *cursor;
	struct wlr_xcursor_manager *cursor_images;

	int width, height; /* of outputs that have no modes */
	struct wl_list outputs; /* tiny_output.link */
	struct wl_list windows; /* tiny_window.link, last focused first */
	struct wl_list layer_surfaces; /* tiny_layer_surface.link */

	/* For signals of objects that live as long as the program. */
	struct wl_listener listeners[18];
	size_t listeners_len;
} server;

struct tiny_client {
	struct wl_client *wl_client;
	pid_t pid;
	char comm[16]; /* the name of its process */
	struct wl_listener destroy;
};

/* A toplevel or a popup. */
struct tiny_window {
	struct wl_list link; /* in tiny_server.windows: a mapped toplevel */
	struct wlr_xdg_surface *xdg_surface;
	struct wlr_scene_tree *tree; /* NULL once the parent's is destroyed */
	struct wlr_box place; /* the toplevel's, since it was mapped */
	struct wl_listener commit;
	struct wl_listener map;
	struct wl_listener unmap;
	struct wl_listener tree_destroy;
	struct wl_listener destroy;
};

/* A keyboard that a client types on. It has a keymap of its own, and so is not one of
 * the group. */
struct tiny_virtual_keyboard {
	struct wlr_keyboard *wlr_keyboard;
	struct wl_listener key;
	struct wl_listener modifiers;
	struct wl_listener destroy;
};

struct tiny_layer_surface {
	struct wl_list link;
	struct wlr_layer_surface_v1 *wlr_surface;
	struct wlr_scene_layer_surface_v1 *scene_surface;
	struct wl_listener commit;
	struct wl_listener destroy;
};

struct tiny_output {
	struct wl_list link;
	struct wlr_output *wlr_output;
	struct wlr_scene_output *scene_output;
	struct wl_listener frame;
	struct wl_listener request_state;
	struct wl_listener destroy;
};

static void listen_to(struct wl_signal *signal, struct wl_listener *listener,
		wl_notify_func_t notify) {
	listener->notify = notify;
	wl_signal_add(signal, listener);
}

/*
 * Counters
 */

/* Leaves the name alone if the process has ended. The client chooses the name, so
 * characters that could break our lines are replaced. */
static void client_read_comm(struct tiny_client *client) {
	char path[64], name[sizeof(client->comm)];
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)client->pid);
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return;
	}
	/* At most 15 bytes and a newline. */
	size_t len = fread(name, 1, sizeof(name), file);
	fclose(file);
	if (len < 2) {
		return;
	}
	for (size_t i = 0; i < len - 1; i++) {
		bool plain = name[i] > ' ' && name[i] < 0x7f && name[i] != '=';
		client->comm[i] = plain ? name[i] : '_';
	}
	client->comm[len - 1] = '\0';
}

/* Prints a line, or leaves it out if the output is a full pipe: the event loop must not wait
 * for its reader. A pipe is ready if it has room for PIPE_BUF bytes. */
__attribute__((format(printf, 1, 2)))
static void print_line(const char *format, ...) {
	struct pollfd output = { .fd = STDOUT_FILENO, .events = POLLOUT };
	if (poll(&output, 1, 0) == 1 && output.revents == POLLOUT) {
		va_list args;
		va_start(args, format);
		vdprintf(STDOUT_FILENO, format, args);
		va_end(args);
	}
}

static void print_pool(const struct sealpool_stats *stats, void *data) {
	const char *who = data;
	print_line("pool %s size=%" PRIu64 " direct=%" PRIu32 " nofault=%" PRIu32
		" shadow=%" PRIu32 " copied_in=%" PRIu64 " copied_out=%" PRIu64
		" faults=%" PRIu64 "\n", who, stats->pool_bytes,
		stats->buffers[SEALPOOL_MEMORY_DIRECT],
		stats->buffers[SEALPOOL_MEMORY_NOFAULT],
		stats->buffers[SEALPOOL_MEMORY_SHADOW],
		stats->bytes_copied_in, stats->bytes_copied_out, stats->faults);
}

/* Prints a line for each pool of the client, then one for what the client holds, and
 * has cost since it connected. */
static void print_client(struct tiny_client *client, const char *event) {
	client_read_comm(client);
	char who[64];
	snprintf(who, sizeof(who), "event=%s pid=%d comm=%s", event,
		(int)client->pid, client->comm);
	sealpool_shm_for_each_pool(server.shm, client->wl_client, print_pool,
		who);

	struct sealpool_stats stats = { .size = sizeof(stats) };
	sealpool_shm_get_client_stats(server.shm, client->wl_client, &stats);
	print_line("client %s pools=%" PRIu32 " fds=%" PRIu32
		" shadow_bytes=%" PRIu64 " copied_in=%" PRIu64
		" copied_out=%" PRIu64 " faults=%" PRIu64 "\n", who,
		stats.pools, stats.fds, stats.shadow_bytes,
		stats.bytes_copied_in, stats.bytes_copied_out, stats.faults);
}

/* libwayland calls this before it destroys the client's objects, so the pools still
 * exist. */
static void client_handle_destroy(struct wl_listener *listener, void *data) {
	struct tiny_client *client = wl_container_of(listener, client, destroy);
	print_client(client, "gone");
	wl_list_remove(&client->destroy.link);
	free(client);
}

static void handle_client_created(struct wl_listener *listener, void *data) {
	struct wl_client *wl_client = data;
	struct tiny_client *client = calloc(1, sizeof(*client));
	if (client == NULL) {
		wl_client_post_no_memory(wl_client);
		return;
	}
	client->wl_client = wl_client;
	wl_client_get_credentials(wl_client, &client->pid, NULL, NULL);
	client->comm[0] = '?';
	client_read_comm(client);
	client->destroy.notify = client_handle_destroy;
	wl_client_add_destroy_listener(wl_client, &client->destroy);
}

static int handle_sigusr1(int signal_number, void *data) {
	if (server.shm == NULL) {
		return 0;
	}
	struct wl_client *wl_client;
	wl_client_for_each(wl_client,
			wl_display_get_client_list(server.display)) {
		struct wl_listener *listener = wl_client_get_destroy_listener(
			wl_client, client_handle_destroy);
		if (listener != NULL) {
			struct tiny_client *client =
				wl_container_of(listener, client, destroy);
			print_client(client, "signal");
		}
	}
	print_line("stats end\n");
	return 0;
}

/*
 * Commits, with --tell-damage: where Sealpool is not to listen to all requests
 */

struct tiny_surface {
	struct wlr_surface *wlr_surface;
	struct wl_listener client_commit;
	struct wl_listener destroy;
};

/* Before wlroots reads the buffer, or puts the commit off. The box of all pixels is
 * right in any case. Less is the damage of all commits since the one that showed this
 * buffer last. */
static void surface_handle_client_commit(struct wl_listener *listener,
		void *data) {
	struct tiny_surface *surface =
		wl_container_of(listener, surface, client_commit);
	const struct wlr_surface_state *pending = &surface->wlr_surface->pending;
	struct sealpool_buffer *buffer = NULL;
	if ((pending->committed & WLR_SURFACE_STATE_BUFFER) &&
			pending->buffer != NULL) {
		buffer = sealpool_wlr_buffer_try_get(pending->buffer);
	}
	if (buffer != NULL) {
		const struct sealpool_box all = {
			.width = pending->buffer->width,
			.height = pending->buffer->height,
		};
		sealpool_buffer_damage(buffer, surface->wlr_surface->resource,
			&all, 1);
	}
}

static void surface_handle_destroy(struct wl_listener *listener, void *data) {
	struct tiny_surface *surface =
		wl_container_of(listener, surface, destroy);
	wl_list_remove(&surface->client_commit.link);
	wl_list_remove(&surface->destroy.link);
	free(surface);
}

static void handle_new_surface(struct wl_listener *listener, void *data) {
	struct wlr_surface *wlr_surface = data;
	struct tiny_surface *surface = calloc(1, sizeof(*surface));
	if (surface == NULL) {
		wl_resource_post_no_memory(wlr_surface->resource);
		return;
	}
	surface->wlr_surface = wlr_surface;
	listen_to(&wlr_surface->events.client_commit, &surface->client_commit,
		surface_handle_client_commit);
	listen_to(&wlr_surface->events.destroy, &surface->destroy,
		surface_handle_destroy);
}

/*
 * Windows
 */

static void focus_window(struct tiny_window *window) {
	struct tiny_window *last =
		wl_container_of(server.windows.next, last, link);
	if (last != window) {
		wlr_xdg_toplevel_set_activated(last->xdg_surface->toplevel,
			false);
	}
	wlr_xdg_toplevel_set_activated(window->xdg_surface->toplevel, true);
	wl_list_remove(&window->link);
	wl_list_insert(&server.windows, &window->link);
	wlr_scene_node_raise_to_top(&window->tree->node);

	struct wlr_keyboard *keyboard = &server.keyboards->keyboard;
	wlr_seat_keyboard_notify_enter(server.seat,
		window->xdg_surface->surface, keyboard->keycodes,
		keyboard->num_keycodes, &keyboard->modifiers);
}

/* Moves "box" along its shelf until it covers no window. Returns whether it fits there;
 * at the left edge, any box fits. */
static bool find_place_on_shelf(struct wlr_box *box,
		const struct wlr_box *screen) {
	struct tiny_window *other;
	bool free = false;
	box->x = screen->x;
	while (!free && box->x < screen->x + screen->width) {
		free = true;
		wl_list_for_each(other, &server.windows, link) {
			struct wlr_box overlap;
			if (wlr_box_intersection(&overlap, box,
					&other->place)) {
				box->x = other->place.x + other->place.width;
				free = false;
			}
		}
	}
	return free && (box->x == screen->x ||
		box->x + box->width <= screen->x + screen->width);
}

/* A shelf begins at the top of each window, and below the lowest window. */
static int next_shelf(int y) {
	int next = INT_MAX, lowest = INT_MIN;
	struct tiny_window *other;
	wl_list_for_each(other, &server.windows, link) {
		int bottom = other->place.y + other->place.height;
		if (other->place.y > y && other->place.y < next) {
			next = other->place.y;
		}
		if (bottom > lowest) {
			lowest = bottom;
		}
	}
	return lowest > y && lowest < next ? lowest : next;
}

/*
 * Windows are placed side by side on a shelf, from the left, and on the next shelf
 * below when a row is full. A new window gets the first free place, and keeps it
 * while it is mapped. A window that is too large extends beyond the screen's edge;
 * if no shelf is left on the screen, it covers others at the top left.
 */
static void place_window(struct tiny_window *window, int width, int height) {
	struct wlr_box screen;
	wlr_output_layout_get_box(server.output_layout, NULL, &screen);

	/* Sizes are limited to the screen's, so that no size of a client's can
	 * overflow. */
	struct wlr_box box = {
		.x = screen.x,
		.y = screen.y,
		.width = width < screen.width ? width : screen.width,
		.height = height < screen.height ? height : screen.height,
	};
	while (!find_place_on_shelf(&box, &screen)) {
		box.y = next_shelf(box.y);
		if (box.y >= screen.y + screen.height) {
			box.x = screen.x;
			box.y = screen.y;
			break;
		}
	}
	window->place = box;
	wlr_scene_node_set_position(&window->tree->node, box.x, box.y);
}

static void window_handle_map(struct wl_listener *listener, void *data) {
	struct tiny_window *window = wl_container_of(listener, window, map);
	struct wlr_box geometry;
#if HAVE_WLROOTS_0_19
	geometry = window->xdg_surface->geometry;
#else
	wlr_xdg_surface_get_geometry(window->xdg_surface, &geometry);
#endif
	place_window(window, geometry.width, geometry.height);
	wl_list_insert(server.windows.prev, &window->link);
	focus_window(window);
}

static void window_handle_unmap(struct wl_listener *listener, void *data) {
	struct tiny_window *window = wl_container_of(listener, window, unmap);
	bool focused = server.windows.next == &window->link;
	wl_list_remove(&window->link);
	if (focused && !wl_list_empty(&server.windows)) {
		struct tiny_window *next =
			wl_container_of(server.windows.next, next, link);
		focus_window(next);
	} else if (focused) {
		wlr_seat_keyboard_notify_clear_focus(server.seat);
	}
}

static void window_handle_commit(struct wl_listener *listener, void *data) {
	struct tiny_window *window = wl_container_of(listener, window, commit);
	struct wlr_xdg_surface *xdg_surface = window->xdg_surface;
	if (!xdg_surface->initial_commit) {
		return;
	}
	/* Both send a configure event. It has no size, so that the client chooses
	 * one; a toplevel cannot be maximized and so on. */
	if (xdg_surface->role == WLR_XDG_SURFACE_ROLE_TOPLEVEL) {
		wlr_xdg_toplevel_set_wm_capabilities(xdg_surface->toplevel, 0);
	} else {
		wlr_xdg_surface_schedule_configure(xdg_surface);
	}
}

static void window_handle_tree_destroy(struct wl_listener *listener,
		void *data) {
	struct tiny_window *window =
		wl_container_of(listener, window, tree_destroy);
	wl_list_remove(&window->tree_destroy.link);
	window->xdg_surface->data = NULL;
	window->tree = NULL;
}

/* The xdg_surface may survive and get its role again. A parent's tree, which contains its
 * children's, may be destroyed before or after the popup. */
static void window_handle_destroy(struct wl_listener *listener, void *data) {
	struct tiny_window *window = wl_container_of(listener, window, destroy);
	wl_list_remove(&window->commit.link);
	wl_list_remove(&window->map.link);
	wl_list_remove(&window->unmap.link);
	wl_list_remove(&window->destroy.link);
	if (window->tree != NULL) {
		wlr_scene_node_destroy(&window->tree->node);
	}
	free(window);
}

static struct tiny_window *create_window(struct wlr_xdg_surface *xdg_surface,
		struct wlr_scene_tree *parent, struct wl_signal *destroy) {
	struct tiny_window *window = calloc(1, sizeof(*window));
	struct wlr_scene_tree *tree =
		wlr_scene_xdg_surface_create(parent, xdg_surface);
	if (window == NULL || tree == NULL) {
		wl_resource_post_no_memory(xdg_surface->resource);
		free(window);
		return NULL;
	}
	window->xdg_surface = xdg_surface;
	window->tree = tree;
	xdg_surface->data = tree; /* the parent of its popups' trees */
	wl_list_init(&window->map.link);
	wl_list_init(&window->unmap.link);
	listen_to(&xdg_surface->surface->events.commit, &window->commit,
		window_handle_commit);
	listen_to(&tree->node.events.destroy, &window->tree_destroy,
		window_handle_tree_destroy);
	listen_to(destroy, &window->destroy, window_handle_destroy);
	return window;
}

static void handle_new_toplevel(struct wl_listener *listener, void *data) {
	struct wlr_xdg_toplevel *toplevel = data;
	struct wlr_surface *surface = toplevel->base->surface;
	struct tiny_window *window = create_window(toplevel->base,
		server.windows_tree, &toplevel->events.destroy);
	if (window != NULL) {
		listen_to(&surface->events.map, &window->map,
			window_handle_map);
		listen_to(&surface->events.unmap, &window->unmap,
			window_handle_unmap);
	}
}

static void handle_new_popup(struct wl_listener *listener, void *data) {
	struct wlr_xdg_popup *popup = data;
	/* Without a parent here, it belongs to a layer surface, and is not shown. */
	struct wlr_xdg_surface *parent = popup->parent == NULL ? NULL :
		wlr_xdg_surface_try_from_wlr_surface(popup->parent);
	if (parent != NULL && parent->data != NULL) {
		create_window(popup->base, parent->data,
			&popup->events.destroy);
	}
}

/*
 * Layer surfaces: backgrounds, panels and so on. They are placed where they request,
 * and windows do not make room for them.
 */

static void configure_layer_surface(struct tiny_layer_surface *surface) {
	struct wlr_box full, usable;
	wlr_output_layout_get_box(server.output_layout,
		surface->wlr_surface->output, &full);
	usable = full;
	wlr_scene_layer_surface_v1_configure(surface->scene_surface, &full,
		&usable);
}

static void layer_surface_handle_commit(struct wl_listener *listener,
		void *data) {
	struct tiny_layer_surface *surface =
		wl_container_of(listener, surface, commit);
	struct wlr_layer_surface_v1 *wlr_surface = surface->wlr_surface;
	if (wlr_surface->initial_commit ||
			(wlr_surface->initialized &&
			wlr_surface->current.committed != 0)) {
		wlr_scene_node_reparent(&surface->scene_surface->tree->node,
			server.layers[wlr_surface->current.layer]);
		configure_layer_surface(surface);
	}
}

static void layer_surface_handle_destroy(struct wl_listener *listener,
		void *data) {
	struct tiny_layer_surface *surface =
		wl_container_of(listener, surface, destroy);
	wl_list_remove(&surface->commit.link);
	wl_list_remove(&surface->destroy.link);
	wl_list_remove(&surface->link);
	free(surface);
}

static void handle_new_layer_surface(struct wl_listener *listener,
		void *data) {
	struct wlr_layer_surface_v1 *wlr_surface = data;
	if (wlr_surface->output == NULL && !wl_list_empty(&server.outputs)) {
		struct tiny_output *output =
			wl_container_of(server.outputs.next, output, link);
		wlr_surface->output = output->wlr_output;
	}
	if (wlr_surface->output == NULL) {
		wlr_layer_surface_v1_destroy(wlr_surface);
		return;
	}

	struct tiny_layer_surface *surface = calloc(1, sizeof(*surface));
	struct wlr_scene_layer_surface_v1 *scene_surface =
		wlr_scene_layer_surface_v1_create(
			server.layers[wlr_surface->pending.layer], wlr_surface);
	if (surface == NULL || scene_surface == NULL) {
		wl_resource_post_no_memory(wlr_surface->resource);
		free(surface);
		return;
	}
	surface->wlr_surface = wlr_surface;
	surface->scene_surface = scene_surface;
	wl_list_insert(&server.layer_surfaces, &surface->link);
	listen_to(&wlr_surface->surface->events.commit, &surface->commit,
		layer_surface_handle_commit);
	listen_to(&wlr_surface->events.destroy, &surface->destroy,
		layer_surface_handle_destroy);
}

/*
 * Outputs
 */

static void output_handle_frame(struct wl_listener *listener, void *data) {
	struct tiny_output *output = wl_container_of(listener, output, frame);
	wlr_scene_output_commit(output->scene_output, NULL);

	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	wlr_scene_output_send_frame_done(output->scene_output, &now);
}

/* The parent compositor has resized our window. */
static void output_handle_request_state(struct wl_listener *listener,
		void *data) {
	struct tiny_output *output =
		wl_container_of(listener, output, request_state);
	const struct wlr_output_event_request_state *event = data;
	wlr_output_commit_state(output->wlr_output, event->state);

	struct tiny_layer_surface *surface;
	wl_list_for_each(surface, &server.layer_surfaces, link) {
		if (surface->wlr_surface->initialized) {
			configure_layer_surface(surface);
		}
	}
}

static void output_handle_destroy(struct wl_listener *listener, void *data) {
	struct tiny_output *output = wl_container_of(listener, output, destroy);
	struct tiny_layer_surface *surface, *tmp;
	wl_list_for_each_safe(surface, tmp, &server.layer_surfaces, link) {
		if (surface->wlr_surface->output == output->wlr_output) {
			wlr_layer_surface_v1_destroy(surface->wlr_surface);
		}
	}
	wl_list_remove(&output->frame.link);
	wl_list_remove(&output->request_state.link);
	wl_list_remove(&output->destroy.link);
	wl_list_remove(&output->link);
	free(output);
	if (wl_list_empty(&server.outputs)) {
		/* The user closed our last window on the parent compositor. */
		wl_display_terminate(server.display);
	}
}

static void handle_new_output(struct wl_listener *listener, void *data) {
	struct wlr_output *wlr_output = data;
	struct wlr_output_state state;
	wlr_output_state_init(&state);
	wlr_output_state_set_enabled(&state, true);
	struct wlr_output_mode *mode = wlr_output_preferred_mode(wlr_output);
	if (mode != NULL) {
		wlr_output_state_set_mode(&state, mode);
	} else {
		wlr_output_state_set_custom_mode(&state, server.width,
			server.height, 0);
	}
	bool ok = wlr_output_init_render(wlr_output, server.allocator,
		server.renderer) && wlr_output_commit_state(wlr_output, &state);
	wlr_output_state_finish(&state);

	struct tiny_output *output = ok ? calloc(1, sizeof(*output)) : NULL;
	struct wlr_scene_output *scene_output = output == NULL ? NULL :
		wlr_scene_output_create(server.scene, wlr_output);
	struct wlr_output_layout_output *layout_output =
		scene_output == NULL ? NULL :
		wlr_output_layout_add_auto(server.output_layout, wlr_output);
	if (layout_output == NULL) {
		wlr_log(WLR_ERROR, "cannot use output %s", wlr_output->name);
		free(output);
		return;
	}
	wlr_scene_output_layout_add_output(server.scene_layout, layout_output,
		scene_output);

	output->wlr_output = wlr_output;
	output->scene_output = scene_output;
	wl_list_insert(server.outputs.prev, &output->link);
	listen_to(&wlr_output->events.frame, &output->frame,
		output_handle_frame);
	listen_to(&wlr_output->events.request_state, &output->request_state,
		output_handle_request_state);
	listen_to(&wlr_output->events.destroy, &output->destroy,
		output_handle_destroy);
}

/*
 * Input; there is none without a parent compositor
 */

static void handle_new_input(struct wl_listener *listener, void *data) {
	struct wlr_input_device *device = data;
	if (device->type == WLR_INPUT_DEVICE_KEYBOARD) {
		struct wlr_keyboard *keyboard =
			wlr_keyboard_from_input_device(device);
		wlr_keyboard_set_keymap(keyboard,
			server.keyboards->keyboard.keymap);
		wlr_keyboard_group_add_keyboard(server.keyboards, keyboard);
	} else if (device->type == WLR_INPUT_DEVICE_POINTER) {
		wlr_cursor_attach_input_device(server.cursor, device);
	}
}

static void handle_key(struct wl_listener *listener, void *data) {
	const struct wlr_keyboard_key_event *event = data;
	wlr_seat_set_keyboard(server.seat, &server.keyboards->keyboard);
	wlr_seat_keyboard_notify_key(server.seat, event->time_msec,
		event->keycode, event->state);
}

static void handle_modifiers(struct wl_listener *listener, void *data) {
	wlr_seat_set_keyboard(server.seat, &server.keyboards->keyboard);
	wlr_seat_keyboard_notify_modifiers(server.seat,
		&server.keyboards->keyboard.modifiers);
}

static void virtual_keyboard_handle_key(struct wl_listener *listener,
		void *data) {
	struct tiny_virtual_keyboard *keyboard =
		wl_container_of(listener, keyboard, key);
	const struct wlr_keyboard_key_event *event = data;
	wlr_seat_set_keyboard(server.seat, keyboard->wlr_keyboard);
	wlr_seat_keyboard_notify_key(server.seat, event->time_msec,
		event->keycode, event->state);
}

static void virtual_keyboard_handle_modifiers(struct wl_listener *listener,
		void *data) {
	struct tiny_virtual_keyboard *keyboard =
		wl_container_of(listener, keyboard, modifiers);
	wlr_seat_set_keyboard(server.seat, keyboard->wlr_keyboard);
	wlr_seat_keyboard_notify_modifiers(server.seat,
		&keyboard->wlr_keyboard->modifiers);
}

static void virtual_keyboard_handle_destroy(struct wl_listener *listener,
		void *data) {
	struct tiny_virtual_keyboard *keyboard =
		wl_container_of(listener, keyboard, destroy);
	if (wlr_seat_get_keyboard(server.seat) == keyboard->wlr_keyboard) {
		wlr_seat_set_keyboard(server.seat, &server.keyboards->keyboard);
	}
	wl_list_remove(&keyboard->key.link);
	wl_list_remove(&keyboard->modifiers.link);
	wl_list_remove(&keyboard->destroy.link);
	free(keyboard);
}

static void handle_new_virtual_keyboard(struct wl_listener *listener,
		void *data) {
	struct wlr_virtual_keyboard_v1 *virtual_keyboard = data;
	struct tiny_virtual_keyboard *keyboard = calloc(1, sizeof(*keyboard));
	if (keyboard == NULL) {
		wl_resource_post_no_memory(virtual_keyboard->resource);
		return;
	}
	keyboard->wlr_keyboard = &virtual_keyboard->keyboard;
	listen_to(&keyboard->wlr_keyboard->events.key, &keyboard->key,
		virtual_keyboard_handle_key);
	listen_to(&keyboard->wlr_keyboard->events.modifiers,
		&keyboard->modifiers, virtual_keyboard_handle_modifiers);
	listen_to(&keyboard->wlr_keyboard->base.events.destroy,
		&keyboard->destroy, virtual_keyboard_handle_destroy);
}

static struct wlr_surface *surface_under_cursor(double *sx, double *sy) {
	struct wlr_scene_node *node = wlr_scene_node_at(
		&server.scene->tree.node, server.cursor->x, server.cursor->y,
		sx, sy);
	if (node == NULL || node->type != WLR_SCENE_NODE_BUFFER) {
		return NULL;
	}
	struct wlr_scene_surface *scene_surface =
		wlr_scene_surface_try_from_buffer(
			wlr_scene_buffer_from_node(node));
	return scene_surface != NULL ? scene_surface->surface : NULL;
}

static void handle_cursor_motion(struct wl_listener *listener, void *data) {
	const struct wlr_pointer_motion_absolute_event *event = data;
	wlr_cursor_warp_absolute(server.cursor, &event->pointer->base,
		event->x, event->y);

	double sx, sy;
	struct wlr_surface *surface = surface_under_cursor(&sx, &sy);
	if (surface != NULL) {
		wlr_seat_pointer_notify_enter(server.seat, surface, sx, sy);
		wlr_seat_pointer_notify_motion(server.seat, event->time_msec,
			sx, sy);
	} else {
		wlr_cursor_set_xcursor(server.cursor, server.cursor_images,
			"default");
		wlr_seat_pointer_clear_focus(server.seat);
	}
}

static void handle_cursor_button(struct wl_listener *listener, void *data) {
	const struct wlr_pointer_button_event *event = data;
	wlr_seat_pointer_notify_button(server.seat, event->time_msec,
		event->button, event->state);

	double sx, sy;
	struct wlr_surface *surface = surface_under_cursor(&sx, &sy);
	if (surface == NULL ||
			event->state != WL_POINTER_BUTTON_STATE_PRESSED) {
		return;
	}
	surface = wlr_surface_get_root_surface(surface);
	struct tiny_window *window;
	wl_list_for_each(window, &server.windows, link) {
		if (window->xdg_surface->surface == surface) {
			focus_window(window);
			break;
		}
	}
}

static void handle_cursor_axis(struct wl_listener *listener, void *data) {
	const struct wlr_pointer_axis_event *event = data;
	wlr_seat_pointer_notify_axis(server.seat, event->time_msec,
		event->orientation, event->delta, event->delta_discrete,
		event->source, event->relative_direction);
}

static void handle_cursor_frame(struct wl_listener *listener, void *data) {
	wlr_seat_pointer_notify_frame(server.seat);
}

static void handle_request_set_cursor(struct wl_listener *listener,
		void *data) {
	const struct wlr_seat_pointer_request_set_cursor_event *event = data;
	if (event->seat_client == server.seat->pointer_state.focused_client) {
		wlr_cursor_set_surface(server.cursor, event->surface,
			event->hotspot_x, event->hotspot_y);
	}
}

static void handle_request_set_selection(struct wl_listener *listener,
		void *data) {
	const struct wlr_seat_request_set_selection_event *event = data;
	wlr_seat_set_selection(server.seat, event->source, event->serial);
}

/*
 * Start and end
 */

/* Adds a listener that remove_listeners() removes. */
static void server_listen_to(struct wl_signal *signal,
		wl_notify_func_t notify) {
	assert(server.listeners_len <
		sizeof(server.listeners) / sizeof(server.listeners[0]));
	listen_to(signal, &server.listeners[server.listeners_len++], notify);
}

/* wlroots asserts that a destroyed object has no listeners left. */
static void remove_listeners(void) {
	while (server.listeners_len > 0) {
		wl_list_remove(&server.listeners[--server.listeners_len].link);
	}
}

/* The parent compositor has ended, and with it our windows and devices. */
static void handle_backend_destroy(struct wl_listener *listener, void *data) {
	remove_listeners();
	server.backend = NULL;
	wl_display_terminate(server.display);
}

/* SIGINT or SIGTERM */
static int handle_end(int signal_number, void *data) {
	wl_display_terminate(server.display);
	return 0;
}

static int handle_sigchld(int signal_number, void *data) {
	/* One signal may stand for several children. */
	while (waitpid(-1, NULL, WNOHANG) > 0) {
	}
	return 0;
}

static void run_command(const char *command) {
	pid_t pid = fork();
	if (pid < 0) {
		wlr_log_errno(WLR_ERROR, "cannot start %s", command);
	} else if (pid == 0) {
		/* The command must not inherit blocked and ignored signals. */
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGPIPE, SIG_DFL);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
}

/* Exits if something could not be created. Only for use before the socket is created, so
 * that nothing is left behind. */
static void *need(void *object, const char *what) {
	if (object == NULL) {
		fprintf(stderr, "sealpool-tiny: failed: %s\n", what);
		exit(EXIT_FAILURE);
	}
	return object;
}
#define NEED(call) need(call, #call)

static struct wlr_backend *create_backend(struct wl_event_loop *loop) {
	if (getenv("WAYLAND_DISPLAY") || getenv("WLR_BACKENDS")) {
		return wlr_backend_autocreate(loop, NULL);
	}
	struct wlr_backend *backend = NEED(wlr_headless_backend_create(loop));
	NEED(wlr_headless_add_output(backend, (unsigned)server.width,
		(unsigned)server.height));
	return backend;
}

/* A client gave an output another gamma table, or has gone. */
static void handle_set_gamma(struct wl_listener *listener, void *data) {
	const struct wlr_gamma_control_manager_v1_set_gamma_event *event = data;
	struct wlr_output_state state;
	wlr_output_state_init(&state);
	if ((!wlr_gamma_control_v1_apply(event->control, &state) ||
			!wlr_output_commit_state(event->output, &state)) &&
			event->control != NULL) {
		wlr_gamma_control_v1_send_failed_and_destroy(event->control);
	}
	wlr_output_state_finish(&state);
}

static void create_globals(struct wl_display *display, bool stock,
		bool tell_damage, bool feedback, bool monitor) {
	struct wlr_compositor *compositor =
		NEED(wlr_compositor_create(display, 6, server.renderer));
#ifdef MEMORY_SHM
	/* Only in sealpool-tiny-memory. */
	if (!memory_shm_create(display, compositor, server.renderer)) {
		need(NULL, "memory_shm_create()");
	}
#else
	/*
	 * This is the only use of Sealpool. Options that are zero, or NULL for all of
	 * them, are the defaults: see struct sealpool_options for limits and messages.
	 * wlr_renderer_init_wl_display() is not called, because it would create
	 * a second wl_shm.
	 */
	if (!stock) {
		const struct sealpool_options options = {
			.size = sizeof(options),
			.no_commit_tracker = tell_damage,
		};
		server.shm = NEED(sealpool_wlr_shm_create_with_renderer(
			display, 2, server.renderer, &options));
		if (feedback) {
			NEED(sealpool_feedback_create(server.shm));
		}
		if (monitor) {
			/* It logs its own errors. */
			sealpool_monitor_create(server.shm);
		}
	} else {
		NEED(wlr_shm_create_with_renderer(display, 2, server.renderer));
	}
#endif
	if (tell_damage) {
		server_listen_to(&compositor->events.new_surface,
			handle_new_surface);
	}

	NEED(wlr_subcompositor_create(display));
	NEED(wlr_viewporter_create(display));
	NEED(wlr_data_device_manager_create(display));
	NEED(wlr_xdg_output_manager_v1_create(display, server.output_layout));
	NEED(wlr_screencopy_manager_v1_create(display));
	struct wlr_gamma_control_manager_v1 *gamma =
		NEED(wlr_gamma_control_manager_v1_create(display));
	server_listen_to(&gamma->events.set_gamma, handle_set_gamma);
	struct wlr_virtual_keyboard_manager_v1 *virtual_keyboards =
		NEED(wlr_virtual_keyboard_manager_v1_create(display));
	server_listen_to(&virtual_keyboards->events.new_virtual_keyboard,
		handle_new_virtual_keyboard);
#if HAVE_WLROOTS_0_19
	NEED(wlr_ext_image_copy_capture_manager_v1_create(display, 1));
	NEED(wlr_ext_output_image_capture_source_manager_v1_create(display, 1));
#endif

	struct wlr_xdg_shell *xdg_shell =
		NEED(wlr_xdg_shell_create(display, 5));
	server_listen_to(&xdg_shell->events.new_toplevel, handle_new_toplevel);
	server_listen_to(&xdg_shell->events.new_popup, handle_new_popup);
	struct wlr_layer_shell_v1 *layer_shell =
		NEED(wlr_layer_shell_v1_create(display, 4));
	server_listen_to(&layer_shell->events.new_surface,
		handle_new_layer_surface);
}

static void create_scene(void) {
	server.output_layout = NEED(wlr_output_layout_create(server.display));
	server.scene = NEED(wlr_scene_create());
	server.scene_layout = NEED(wlr_scene_attach_output_layout(server.scene,
		server.output_layout));
	for (size_t i = 0; i < 4; i++) {
		server.layers[i] =
			NEED(wlr_scene_tree_create(&server.scene->tree));
	}
	server.windows_tree = NEED(wlr_scene_tree_create(&server.scene->tree));
	wlr_scene_node_place_above(&server.windows_tree->node,
		&server.layers[ZWLR_LAYER_SHELL_V1_LAYER_BOTTOM]->node);
}

/* The seat always has a pointer and a keyboard, with or without devices, so that clients
 * find them even if devices are added later. */
static void create_seat(void) {
	server.seat = NEED(wlr_seat_create(server.display, "seat0"));
	server_listen_to(&server.seat->events.request_set_cursor,
		handle_request_set_cursor);
	server_listen_to(&server.seat->events.request_set_selection,
		handle_request_set_selection);
	wlr_seat_set_capabilities(server.seat,
		WL_SEAT_CAPABILITY_POINTER | WL_SEAT_CAPABILITY_KEYBOARD);

	struct xkb_context *context =
		NEED(xkb_context_new(XKB_CONTEXT_NO_FLAGS));
	struct xkb_keymap *keymap = NEED(xkb_keymap_new_from_names(context,
		NULL, XKB_KEYMAP_COMPILE_NO_FLAGS));
	server.keyboards = NEED(wlr_keyboard_group_create());
	wlr_keyboard_set_keymap(&server.keyboards->keyboard, keymap);
	xkb_keymap_unref(keymap);
	xkb_context_unref(context);
	server_listen_to(&server.keyboards->keyboard.events.key, handle_key);
	server_listen_to(&server.keyboards->keyboard.events.modifiers,
		handle_modifiers);
	wlr_seat_set_keyboard(server.seat, &server.keyboards->keyboard);

	server.cursor = NEED(wlr_cursor_create());
	server.cursor_images = NEED(wlr_xcursor_manager_create(NULL, 24));
	wlr_cursor_attach_output_layout(server.cursor, server.output_layout);
	server_listen_to(&server.cursor->events.motion_absolute,
		handle_cursor_motion);
	server_listen_to(&server.cursor->events.button, handle_cursor_button);
	server_listen_to(&server.cursor->events.axis, handle_cursor_axis);
	server_listen_to(&server.cursor->events.frame, handle_cursor_frame);
}

/* Parses WIDTHxHEIGHT, up to the largest possible output. */
static bool parse_size(const char *text, int *width, int *height) {
	char more;
	return text[strspn(text, "0123456789x")] == '\0' &&
		sscanf(text, "%5dx%5d%c", width, height, &more) == 2 &&
		*width > 0 && *width <= 32767 &&
		*height > 0 && *height <= 32767;
}

static void add_socket(const char *name) {
	if (name == NULL) {
		name = NEED((void *)wl_display_add_socket_auto(server.display));
	} else if (wl_display_add_socket(server.display, name) != 0) {
		need(NULL, "wl_display_add_socket(): is the name in use?");
	}
	setenv("WAYLAND_DISPLAY", name, true);
	printf("WAYLAND_DISPLAY=%s\n", name);
	fflush(stdout);
}

static const char usage[] =
	"Usage: sealpool-tiny [-s COMMAND] [--stock] [--tell-damage] [--feedback]\n"
	"                     [--monitor] [--size WIDTHxHEIGHT] [--socket NAME] [-d]\n"
	"\n"
	"A small Wayland compositor with Sealpool's wl_shm. It prints\n"
	"WAYLAND_DISPLAY=NAME when clients can connect. When a client disconnects,\n"
	"it prints what the client's shared memory has cost; on SIGUSR1, it prints\n"
	"that for every client.\n"
	"\n"
	"  -s, --startup COMMAND  run COMMAND with /bin/sh once ready\n"
	"      --stock            use wlroots' own wl_shm; print no costs\n"
	"      --tell-damage      report commits to Sealpool, which then tracks none\n"
	"      --feedback         let clients ask how their memory is read\n"
	"      --monitor          let sealpool-top ask what clients cost\n"
	"      --size WxH         the size of its output (default: 1280x720)\n"
	"      --socket NAME      name the socket (default: the next free name)\n"
	"  -d, --debug            show all of wlroots' messages, not only errors\n"
	"  -h, --help             show this\n"
	"\n"
	"If $WAYLAND_DISPLAY is set, its output is a window there. $WLR_BACKENDS,\n"
	"if set, chooses another output. Otherwise the output is in memory. A\n"
	"screen with a size of its own keeps it.\n";

int main(int argc, char *argv[]) {
	static const struct option long_options[] = {
		{ "startup", required_argument, NULL, 's' },
		{ "stock", no_argument, NULL, 'S' },
		{ "tell-damage", no_argument, NULL, 't' },
		{ "feedback", no_argument, NULL, 'f' },
		{ "monitor", no_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 'z' },
		{ "socket", required_argument, NULL, 'n' },
		{ "debug", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *command = NULL, *socket_name = NULL;
	enum wlr_log_importance importance = WLR_ERROR;
	bool stock = false, tell_damage = false;
	bool feedback = false, monitor = false;
	server.width = 1280;
	server.height = 720;
	int option;
	while ((option = getopt_long(argc, argv, "s:dh", long_options,
			NULL)) != -1) {
		switch (option) {
		case 's':
			command = optarg;
			break;
		case 'S':
			stock = true;
			break;
		case 't':
			tell_damage = true;
			break;
		case 'f':
			feedback = true;
			break;
		case 'm':
			monitor = true;
			break;
		case 'z':
			if (!parse_size(optarg, &server.width,
					&server.height)) {
				fprintf(stderr, "sealpool-tiny: --size wants "
					"WIDTHxHEIGHT, not %s\n", optarg);
				return EXIT_FAILURE;
			}
			break;
		case 'n':
			socket_name = optarg;
			break;
		case 'd':
			importance = WLR_DEBUG;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			optind = argc + 1;
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return EXIT_FAILURE;
	}
	wlr_log_init(importance, NULL);
	wl_list_init(&server.outputs);
	wl_list_init(&server.windows);
	wl_list_init(&server.layer_surfaces);

	server.display = NEED(wl_display_create());
	struct wl_event_loop *loop = wl_display_get_event_loop(server.display);

	/* libwayland blocks these signals and reads them from a file descriptor. Do
	 * this before a driver creates threads, which inherit the blocked signals. */
	struct wl_event_source *signals[] = {
		NEED(wl_event_loop_add_signal(loop, SIGINT, handle_end, NULL)),
		NEED(wl_event_loop_add_signal(loop, SIGTERM, handle_end, NULL)),
		NEED(wl_event_loop_add_signal(loop, SIGUSR1, handle_sigusr1,
			NULL)),
		NEED(wl_event_loop_add_signal(loop, SIGCHLD, handle_sigchld,
			NULL)),
	};
	signal(SIGPIPE, SIG_IGN);

	server.backend = NEED(create_backend(loop));
	server.renderer = NEED(wlr_renderer_autocreate(server.backend));
	server.allocator = NEED(wlr_allocator_autocreate(server.backend,
		server.renderer));
	create_scene();
	create_seat();
	create_globals(server.display, stock, tell_damage, feedback, monitor);

	server_listen_to(&server.backend->events.destroy,
		handle_backend_destroy);
	server_listen_to(&server.backend->events.new_output,
		handle_new_output);
	server_listen_to(&server.backend->events.new_input, handle_new_input);
	if (!wlr_backend_start(server.backend)) {
		need(NULL, "wlr_backend_start()");
	}
	struct wl_listener client_created = { .notify = handle_client_created };
	wl_list_init(&client_created.link);
	if (server.shm != NULL) {
		wl_display_add_client_created_listener(server.display,
			&client_created);
	}

	add_socket(socket_name);
	if (command != NULL) {
		run_command(command);
	}
	wl_display_run(server.display);

	wl_display_destroy_clients(server.display);
	wl_list_remove(&client_created.link);
	remove_listeners();
	wlr_scene_node_destroy(&server.scene->tree.node);
	wlr_cursor_destroy(server.cursor);
	wlr_xcursor_manager_destroy(server.cursor_images);
	wlr_keyboard_group_destroy(server.keyboards);
	wlr_allocator_destroy(server.allocator);
	wlr_renderer_destroy(server.renderer);
	if (server.backend != NULL) {
		wlr_backend_destroy(server.backend);
	}
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		wl_event_source_remove(signals[i]);
	}
	wl_display_destroy(server.display);
	return EXIT_SUCCESS;
}
