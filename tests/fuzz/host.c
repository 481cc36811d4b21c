/* SPDX-License-Identifier: MIT */
#include <drm_fourcc.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <wayland-server-protocol.h>

#include "host.h"
#include "memory/cache.h"
#include "server/client.h"
#include "server/context.h"
#include "shm.h"
#include "system.h"

#define BOXES_MAX 16
/* No thread takes longer than this. */
#define PATIENCE_MS 30000
/* Larger pools exceed the budgets below. */
#define POOL_SIZE_MAX (4 << 20)

static const struct sealpool_budget limits[] = {
	{ 256, 256, 64, 256, 64 << 20, 256 << 20 },
	{ 2, 3, 64, 256, 64 << 20, 256 << 20 },
	{ 256, 256, 3, 5, 64 << 20, 256 << 20 },
	{ 256, 256, 64, 256, 32 << 10, 48 << 10 },
	{ 3, 6, 5, 8, 64 << 10, 96 << 10 },
};

struct host_surface {
	struct compositor_surface base;
	int32_t scale, pending_scale, transform, pending_transform;
	bool has_viewport;
	bool attached;
	struct host_buffer *pending, *current;
	struct truth_box boxes[BOXES_MAX];
	bool in_buffer[BOXES_MAX];
	int boxes_len;
};

/* Buffers */

static void buffer_handle_destroy(struct wl_listener *listener, void *data) {
	struct host_buffer *buffer = wl_container_of(listener, buffer, destroy);
	buffer->resource = NULL;
	buffer->truth->is_final = true;
}

static struct client *find_client(struct host *host,
		const struct wl_client *wl_client) {
	for (int i = 0; i < CLIENTS; i++) {
		if (host->clients[i].wl_client == wl_client) {
			return &host->clients[i];
		}
	}
	return NULL;
}

struct host_buffer *host_find_buffer(struct host *host,
		struct wl_resource *resource) {
	struct wl_listener *listener = resource == NULL ? NULL :
		wl_resource_get_destroy_listener(resource,
			buffer_handle_destroy);
	if (listener != NULL) {
		struct host_buffer *buffer =
			wl_container_of(listener, buffer, destroy);
		return buffer;
	}
	struct client *client = resource == NULL ? NULL :
		find_client(host, wl_resource_get_client(resource));
	if (client == NULL || wl_resource_get_id(resource) >= CLIENT_IDS) {
		return NULL;
	}
	const struct client_buffer *made =
		&client->buffers[wl_resource_get_id(resource)];
	struct truth_buffer *truth = made->file == NULL ? NULL :
		truth_add_buffer(made->file, made->offset, made->width,
			made->height, made->stride, made->format);
	if (truth == NULL) {
		return NULL;
	}
	if (truth->end > (uint32_t)made->pool_size) {
		truth_die("a buffer up to %u is outside of its pool of %d bytes",
			truth->end, made->pool_size);
	}
	struct host_buffer *buffer = calloc(1, sizeof(*buffer));
	buffer->truth = truth;
	buffer->client = client;
	buffer->resource = resource;
	buffer->writable = made->writable;
	buffer->destroy.notify = buffer_handle_destroy;
	wl_resource_add_destroy_listener(resource, &buffer->destroy);
	wl_list_insert(&host->buffers, &buffer->link);
	truth_refresh(truth, NULL);
	return buffer;
}

struct wl_resource *host_get_buffer(const struct client *client, uint32_t id) {
	struct wl_resource *resource = client->wl_client == NULL ? NULL :
		wl_client_get_object(client->wl_client, id);
	return resource != NULL && strcmp(wl_resource_get_class(resource),
		wl_buffer_interface.name) == 0 ? resource : NULL;
}

bool host_can_write(const struct host_buffer *buffer) {
	int seals = fcntl(buffer->truth->file->fd, F_GET_SEALS);
	return buffer->writable && (seals < 0 ||
		!(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)));
}

enum truth_claim host_get_claim(const struct host *host,
		const struct host_buffer *buffer) {
	return host->options.limits > 1 || buffer->client->huge ? TRUTH_EVER :
		TRUTH_SINCE;
}

/* Requests, before the library and libwayland handle them */

static void note_pool(struct client *client, const union wl_argument *args) {
	uint32_t id = args[0].n;
	if (id < CLIENT_IDS) {
		client->pool_files[id] = truth_find_file(args[1].h);
		client->pool_writable[id] = (fcntl(args[1].h, F_GETFL) &
			O_ACCMODE) == O_RDWR;
		client->known_sizes[id] = args[2].i;
	}
	client->huge |= args[2].i > POOL_SIZE_MAX;
}

static void note_resize(struct client *client, uint32_t pool, int32_t size) {
	if (pool < CLIENT_IDS && size > client->known_sizes[pool]) {
		client->known_sizes[pool] = size;
	}
	client->huge |= size > POOL_SIZE_MAX;
}

static void note_buffer(struct client *client, uint32_t pool,
		const union wl_argument *args) {
	if (args[0].n < CLIENT_IDS && pool < CLIENT_IDS) {
		client->buffers[args[0].n] = (struct client_buffer){
			client->pool_files[pool], client->pool_writable[pool],
			client->known_sizes[pool], args[1].i, args[2].i, args[3].i, args[4].i, args[5].u,
		};
	}
}

/* Converts a box from surface to buffer coordinates. Returns false if that is not
 * known. */
static bool scale_box(const struct host_surface *surface, int i,
		struct truth_box *box) {
	*box = surface->boxes[i];
	if (surface->in_buffer[i]) {
		return true;
	}
	box->x1 *= surface->scale;
	box->y1 *= surface->scale;
	box->x2 *= surface->scale;
	box->y2 *= surface->scale;
	return surface->transform == WL_OUTPUT_TRANSFORM_NORMAL &&
		!surface->has_viewport;
}

/* The damaged pixels of a buffer are up to date when it is committed. */
static void note_commit(struct host *host, struct host_surface *surface) {
	surface->scale = surface->pending_scale;
	surface->transform = surface->pending_transform;
	struct host_buffer *buffer;
	wl_list_for_each(buffer, &host->buffers, link) {
		for (int i = 0; i < surface->boxes_len; i++) {
			struct truth_box box;
			bool known = scale_box(surface, i, &box);
			if (buffer->surface == surface) {
				truth_damage(buffer->truth, known ? &box : NULL);
			}
		}
	}
	surface->boxes_len = 0;
	if (surface->attached) {
		surface->current = surface->pending;
		surface->pending = NULL;
	}
	buffer = surface->current;
	if (buffer != NULL && buffer->resource != NULL) {
		truth_forget_copy(buffer->truth);
		if (buffer->surface != surface) {
			truth_damage(buffer->truth, NULL);
		}
		truth_commit(buffer->truth);
		if (surface->attached) {
			buffer->tracked = true;
			buffer->surface = surface;
		}
	}
	surface->attached = false;
}

static void note_damage(struct host_surface *surface, bool in_buffer,
		const union wl_argument *args) {
	if (surface->boxes_len < BOXES_MAX && args[2].i > 0 && args[3].i > 0) {
		surface->in_buffer[surface->boxes_len] = in_buffer;
		surface->boxes[surface->boxes_len++] = (struct truth_box){
			args[0].i, args[1].i, (int64_t)args[0].i + args[2].i,
			(int64_t)args[1].i + args[3].i,
		};
	}
}

static void note_surface_request(struct host *host, struct wl_resource *resource,
		const char *name, const union wl_argument *args) {
	struct host_surface *surface = wl_resource_get_user_data(resource);
	if (strcmp(name, "attach") == 0) {
		surface->attached = true;
		surface->pending = host_find_buffer(host,
			(struct wl_resource *)args[0].o);
	} else if (strcmp(name, "damage") == 0) {
		note_damage(surface, false, args);
	} else if (strcmp(name, "damage_buffer") == 0) {
		note_damage(surface, true, args);
	} else if (strcmp(name, "set_buffer_scale") == 0 && args[0].i >= 1) {
		surface->pending_scale = args[0].i;
	} else if (strcmp(name, "set_buffer_transform") == 0) {
		surface->pending_transform = args[0].i;
	} else if (strcmp(name, "commit") == 0) {
		note_commit(host, surface);
	}
}

static void handle_message(void *data, enum wl_protocol_logger_type direction,
		const struct wl_protocol_logger_message *message) {
	struct host *host = data;
	struct client *client = find_client(host,
		wl_resource_get_client(message->resource));
	if (direction != WL_PROTOCOL_LOGGER_REQUEST || client == NULL) {
		return;
	}
	const char *class = wl_resource_get_class(message->resource);
	const char *name = message->message->name;
	const union wl_argument *args = message->arguments;
	if (strcmp(name, "create_pool") == 0) {
		note_pool(client, args);
	} else if (strcmp(name, "create_buffer") == 0) {
		note_buffer(client, wl_resource_get_id(message->resource), args);
	} else if (strcmp(name, "resize") == 0) {
		note_resize(client, wl_resource_get_id(message->resource),
			args[0].i);
	} else if (strcmp(class, "wl_surface") == 0) {
		note_surface_request(host, message->resource, name, args);
	} else if (strcmp(name, "get_viewport") == 0) {
		struct host_surface *surface = wl_resource_get_user_data(
			(struct wl_resource *)args[1].o);
		surface->has_viewport = true;
	} else if (strncmp(name, "copy", 4) == 0) {
		struct host_buffer *buffer = host_find_buffer(host,
			(struct wl_resource *)args[0].o);
		if (buffer != NULL) {
			/* From now on, it may change without a commit. */
			buffer->tracked = false;
			truth_forget_copy(buffer->truth);
			buffer->surface = NULL;
		}
	}
}

/* Reading */

static void check_buffer(struct host *host, struct wl_resource *resource) {
	struct host_buffer *buffer = host_find_buffer(host, resource);
	if (buffer == NULL) {
		return;
	}
	if (host->guard != NULL) {
		struct wl_shm_buffer *shm = wl_shm_buffer_get(resource);
		if (shm != NULL) {
			truth_check(buffer->truth, wl_shm_buffer_get_data(shm),
				host_get_claim(host, buffer));
		}
		return;
	}
	struct sealpool_access access;
	struct sealpool_buffer *memory =
		sealpool_buffer_try_from_resource(resource);
	if (!buffer->tracked) {
		truth_refresh(buffer->truth, NULL);
	}
	if (sealpool_buffer_begin_access(memory, SEALPOOL_ACCESS_READ,
			&access) != 0) {
		truth_die("a read access failed");
	}
	truth_check(buffer->truth, access.data, host_get_claim(host, buffer));
	sealpool_buffer_end_access(&access);
}

void host_read_surfaces(struct host *host, const struct client *client) {
	struct compositor_surface *surface;
	wl_list_for_each(surface, &host->compositor.surfaces, link) {
		if (wl_resource_get_client(surface->resource) ==
				client->wl_client) {
			check_buffer(host, surface->current.resource);
		}
	}
}

static void handle_new_surface(struct compositor_surface *base) {
	struct host_surface *surface = wl_container_of(base, surface, base);
	surface->scale = surface->pending_scale = 1;
}

static void handle_commit(struct compositor_surface *base,
		struct wl_resource *replaced) {
	struct host *host = base->compositor->data;
	if (host->options.reads) {
		check_buffer(host, base->current.resource);
	}
	struct wl_resource *released = host->options.releases_early ?
		base->current.resource : replaced;
	if (base->attached && released != NULL) {
		wl_buffer_send_release(released);
	}
}

static void handle_surface_destroy(struct compositor_surface *base) {
	struct host *host = base->compositor->data;
	struct host_surface *surface = wl_container_of(base, surface, base);
	struct host_buffer *buffer;
	wl_list_for_each(buffer, &host->buffers, link) {
		if (buffer->surface != surface) {
			continue;
		}
		buffer->surface = NULL;
		/* Without a wl_buffer, the copy stays as it was. */
		if (buffer->resource != NULL) {
			buffer->tracked = false;
			truth_forget_copy(buffer->truth);
		}
	}
}

static void handle_take(struct compositor_taker *taker,
		struct wl_resource *resource) {
	struct host *host = taker->compositor->data;
	struct host_buffer *buffer = host_find_buffer(host, resource);
	if (buffer != NULL) {
		truth_refresh(buffer->truth, NULL);
		buffer->lent = true;
		buffer->captured_at = buffer->truth->file->changes_len;
		check_buffer(host, resource);
	}
}

/* The display */

static const struct compositor_impl impl = {
	.surface_size = sizeof(struct host_surface),
	.handle_new_surface = handle_new_surface,
	.handle_commit = handle_commit,
	.handle_surface_destroy = handle_surface_destroy,
	.handle_take = handle_take,
};

static char logged[256];

static void keep_log(void *data, enum sealpool_log_importance importance,
		const char *format, va_list args) {
	vsnprintf(logged, sizeof(logged), format, args);
	if (getenv("FUZZ_TRACE") != NULL) {
		fprintf(stderr, "the library: %s\n", logged);
	}
}

_Noreturn void host_die_of_disconnected(void) {
	truth_die("a client was disconnected without a reason; the last message: "
		"%s", logged);
}

static void ignore_wayland_log(const char *format, va_list args) {
	/* Sealpool logs it, too. */
}

static void ignore_short_file(struct sealpool_buffer *buffer,
		uint64_t file_size, void *data) {
	/* The missing bytes read as zero, which is checked. */
}

static uint32_t hold_commit(struct wl_resource *surface, void *data) {
	return 1;
}

static void release_commit(struct wl_resource *surface, uint32_t number,
		void *data) {
	/* Frames that come late are not checked. */
}

static void create_shm(struct host *host) {
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888, DRM_FORMAT_RGB565,
		DRM_FORMAT_RGB888, DRM_FORMAT_NV12, DRM_FORMAT_YUV420,
	};
	const size_t formats_len = sizeof(formats) / sizeof(formats[0]);
	struct sealpool_options options = {
		.size = sizeof(options),
		.budget = limits[host->options.limits %
			(sizeof(limits) / sizeof(limits[0]))],
		.short_file = host->options.lenient ? ignore_short_file : NULL,
		.log = keep_log,
		/* The clock stands still. */
		.shadow_idle_ms = 60000,
	};
	if (!host->options.guarded) {
		host->shm = sealpool_shm_create(host->display, 1, formats,
			formats_len, &options);
		if (host->options.holds) {
			sealpool_shm_set_commit_funcs(host->shm, hold_commit,
				release_commit, NULL);
		}
		return;
	}
	host->guard = sealpool_guard_create(host->display, &options);
	host->shm = sealpool_guard_get_shm(host->guard);
	wl_display_init_shm(host->display);
	for (size_t i = 2; i < formats_len; i++) {
		wl_display_add_shm_format(host->display, formats[i]);
	}
}

void host_init(struct host *host, const struct host_options *options) {
	*host = (struct host){ .options = *options };
	wl_list_init(&host->buffers);
	wl_log_set_handler_server(ignore_wayland_log);
	host->display = wl_display_create();
	host->loop = wl_display_get_event_loop(host->display);
	create_shm(host);
	struct sp_readers *readers = &host->shm->context->memory.readers;
	readers->allowance = readers->allowance_max =
		(int64_t)PATIENCE_MS * 1000;
	compositor_init(&host->compositor, host->display, &impl, host);
	compositor_offer(&host->compositor, &compositor_screencopy);
	compositor_offer(&host->compositor, &compositor_viewporter);
	compositor_offer(&host->compositor, &compositor_output);
	/* The newest logger is called first. */
	host->logger = wl_display_add_protocol_logger(host->display,
		handle_message, host);
	for (int i = 0; i < CLIENTS; i++) {
		host_connect(host, &host->clients[i]);
		struct wl_resource *last = wl_client_get_object(
			host->clients[i].wl_client, CLIENT_OUTPUT);
		if (last == NULL) {
			truth_die("a client could not connect");
		}
	}
}

static void check_account(const struct sp_account *account) {
	for (int i = 0; i < SP_RESOURCES; i++) {
		if (account->used[i] > account->limits[i]) {
			truth_die("%llu of resource %d are used, but %llu is the "
				"limit", (unsigned long long)account->used[i], i,
				(unsigned long long)account->limits[i]);
		}
	}
}

static void check_limits(const struct sp_context *context) {
	const struct sp_client *client;
	check_account(&context->all);
	wl_list_for_each(client, &context->clients, link) {
		check_account(&client->account);
		if (client->pools_len > context->limits.pools ||
				client->buffers_len > context->limits.buffers) {
			truth_die("a client has %u pools and %u buffers",
				client->pools_len, client->buffers_len);
		}
	}
}

void host_settle(struct host *host) {
	struct pollfd pollfd = {
		.fd = wl_event_loop_get_fd(host->loop), .events = POLLIN,
	};
	while (poll(&pollfd, 1, 0) > 0) {
		wl_event_loop_dispatch(host->loop, 0);
	}
	wl_display_flush_clients(host->display);
	for (int i = 0; i < CLIENTS; i++) {
		client_drain(&host->clients[i]);
	}
	check_limits(host->shm->context);
}

void host_connect(struct host *host, struct client *client) {
	client_connect(client, host->display);
	host_settle(host);
}

void host_wait_for_files(struct host *host) {
	while (sp_readers_are_busy(&host->shm->context->memory.readers)) {
		poll(NULL, 0, 1);
	}
}

void host_drop_idle(struct host *host) {
	struct sp_context *context = host->shm->context;
	sp_cache_drop_idle(&context->memory.cache, context->memory.idle_ms);
	struct host_buffer *buffer;
	wl_list_for_each(buffer, &host->buffers, link) {
		if (buffer->resource != NULL) {
			truth_forget_copy(buffer->truth);
		}
	}
}

static bool is_all_given_back(const struct sp_context *context) {
	for (int i = 0; i < SP_RESOURCES; i++) {
		if (context->all.used[i] != 0) {
			return false;
		}
	}
	return true;
}

void host_finish(struct host *host) {
	for (int i = 0; i < CLIENTS; i++) {
		struct client *client = &host->clients[i];
		if (client->socket >= 0 && client->wl_client == NULL &&
				!client->to_blame && host->options.limits == 0) {
			host_die_of_disconnected();
		}
		client_disconnect(client);
	}
	wl_display_destroy_clients(host->display);
	/* A thread may still have to close a file. */
	for (int i = 0; i < PATIENCE_MS; i++) {
		host_settle(host);
		if (is_all_given_back(host->shm->context)) {
			break;
		}
		poll(NULL, 0, 1);
	}
	for (int i = 0; i < SP_RESOURCES; i++) {
		if (host->shm->context->all.used[i] != 0) {
			truth_die("%llu of resource %d are still charged",
				(unsigned long long)
				host->shm->context->all.used[i], i);
		}
	}
	struct host_buffer *buffer, *tmp;
	wl_list_for_each_safe(buffer, tmp, &host->buffers, link) {
		truth_check_file(buffer->truth->file);
		free(buffer);
	}
	wl_protocol_logger_destroy(host->logger);
	wl_display_destroy(host->display);
}
