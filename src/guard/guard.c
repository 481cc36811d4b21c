/* SPDX-License-Identifier: MIT */
/*
 * The guard: protects another wl_shm with the pools and buffers of the core.
 *
 * libwayland calls a protocol logger for each request after it has decoded the
 * arguments, and then dispatches the request with the same arguments. So the guard can
 * inspect a request, replace its fd or size, and disconnect the client with an error:
 * that one request is still dispatched, the following ones are not. The guard must
 * change each request that would make the compositor map a file that can be truncated.
 *
 *   wl_shm.create_pool       not sealed, too short, or not to be written, since every
 *                            known wl_shm maps it for writing: the fd is replaced by
 *                            that of the pool's shadow; not shared memory: by an empty
 *                            file
 *   wl_shm_pool.resize       the shadow grows first; if a sealed file has not grown,
 *                            the client is disconnected
 *   wl_shm_pool.create_buffer  pixels outside the pool: the client is disconnected
 *   both of a pool that is not known: the client is disconnected
 *   wl_surface.attach        memory of the shadow is allocated; without memory,
 *                            nothing is attached
 *   wl_surface.commit        what is stale is copied into the shadow
 *   any other with a buffer  the whole buffer is copied in, once in an epoch; before
 *                            the next event of that request's object, what has changed
 *                            is written back. Without memory for that, or if the
 *                            client is disconnecting, the object gets a dummy
 *                            wl_buffer
 *
 * After a wl_buffer.release of the guarded wl_shm, the buffer may have no user left:
 * then its memory in the shadow can be freed until the next such request.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include <sealpool/guard.h>

#include "guard.h"
#include "image/format.h"
#include "image/region.h"
#include "memory/file.h"
#include "objects.h"
#include "server/commits.h"
#include "server/context.h"
#include "server/hold.h"
#include "server/wl_shm.h"
#include "shm.h"
#include "users.h"
#include "writeback.h"

/* In the order of wayland.xml; libwayland's server headers do not name them. */
enum shm_request {
	SHM_CREATE_POOL = 0,
};

enum surface_request {
	SURFACE_ATTACH = 1,
};

enum buffer_event {
	BUFFER_RELEASE = 0,
};

enum pool_request {
	POOL_CREATE_BUFFER = 0,
	POOL_RESIZE = 2,
};

struct sealpool_guard {
	struct sealpool_shm *shm;
	/* NULL once a wl_shm has replaced the guard. */
	struct wl_protocol_logger *logger;
	struct wl_listener display_destroy;

	struct sp_unborn unborn;
	bool reported_late_reads;
};

/* wl_shm */

/* The logger's arguments are const, but the same ones are dispatched afterwards
 * (libwayland 1.21 to 1.26), so changing them changes the request. */
static union wl_argument *get_arguments(
		const struct wl_protocol_logger_message *message) {
	return (union wl_argument *)message->arguments;
}

/*
 * The guarded wl_shm must neither use nor close the file of a refused request: both may
 * block. It gets an empty file instead; if no fd can be created, it gets -1, which mmap()
 * refuses.
 */
static void give_nothing(union wl_argument *fd) {
	fd->h = memfd_create("sealpool-refused",
		MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

/* Replaces the client's file, which the pool owns now, by the pool's shadow. */
static int give_shadow(struct sp_pool *pool, union wl_argument *fd) {
	int ret;
	do {
		ret = sp_backing_pin(&pool->backing);
	} while (ret == -EDQUOT && sp_client_make_room(pool->client));
	fd->h = ret == 0 ? fcntl(pool->backing.pinned.shadow.fd, F_DUPFD_CLOEXEC, 0) : -1;
	return ret == 0 && fd->h < 0 ? -errno : ret;
}

/* Passes the file. The guard keeps an fd to check the file later, and so that the file is
 * not freed when the guarded wl_shm unmaps it. */
static int give_file(struct sp_pool *pool, union wl_argument *fd) {
	pool->backing.file.passed = true;
	fd->h = fcntl(pool->backing.file.fd, F_DUPFD_CLOEXEC, 0);
	return fd->h < 0 ? -errno : 0;
}

static void handle_create_pool(struct sealpool_guard *guard,
		const struct wl_protocol_logger_message *message) {
	union wl_argument *args = get_arguments(message);
	struct wl_client *wl_client =
		wl_resource_get_client(message->resource);
	int fd = args[1].h;
	int32_t size = args[2].i;

	struct sp_file file;
	const char *reason;
	int ret = sp_file_init(&file, fd, &reason);
	if (ret < 0) {
		sp_pool_refuse_file(guard->shm->context, message->resource,
			ret, reason);
		give_nothing(&args[1]);
		sp_file_discard_fd(fd);
		return;
	}
	if (size <= 0) {
		/* The guarded wl_shm will refuse it, and would close the file. */
		give_nothing(&args[1]);
		sp_file_discard_fd(fd);
		return;
	}
	/* From here on, the pool owns the fd. */
	struct sp_pool *pool =
		sp_pool_new(guard->shm->context, wl_client, &file, size);
	if (pool == NULL) {
		give_nothing(&args[1]);
		return;
	}
	sp_writeback_init_pool(pool);
	bool safe = file.kind == SP_FILE_SHMEM &&
		sp_file_is_sealed_to(&pool->backing.file, (uint64_t)size) &&
		sp_file_may_be_written(&pool->backing.file) &&
		!sp_inplace_exceeds(&file, (uint64_t)size);
	ret = safe ? give_file(pool, &args[1]) :
		give_shadow(pool, &args[1]);
	if (ret < 0) {
		sp_guard_refuse(pool->client, "no shadow for a pool", ret);
		sp_pool_leave_resource(pool);
		give_nothing(&args[1]);
		return;
	}
	sp_unborn_expect_pool(&guard->unborn, wl_client, args[0].n, pool,
		args[1].h);
}

static void handle_create_buffer(struct sealpool_guard *guard,
		struct sp_pool *pool,
		const struct wl_protocol_logger_message *message) {
	struct sp_context *context = guard->shm->context;
	const union wl_argument *args = message->arguments;
	const struct sp_place place = {
		.offset = args[1].i,
		.width = args[2].i,
		.height = args[3].i,
		.stride = args[4].i,
		.format = args[5].u,
	};
	if (!sp_place_is_positive(&place)) {
		/* The guarded wl_shm will refuse it. */
		return;
	}
	if (sp_format_get(sp_wl_shm_format_to_drm(place.format)) == NULL) {
		/* The guarded wl_shm nearly always refuses it. If not, it would show
		 * a shadow that nothing is copied to. */
		if (pool->backing.is_pinned) {
			sp_post_error(context, message->resource,
				WL_SHM_ERROR_INVALID_FORMAT,
				"unknown format 0x%08" PRIx32, args[5].u);
		}
		return;
	}
	/* libwayland accepts a stride that is too small for the width, or is not a
	 * whole number of pixels, and checks only the first plane. A compositor then
	 * reads past the pool's end, except for 24-bit pixels in rows of whole words,
	 * which are legal and common. */
	struct sp_layout layout;
	if (!sp_wl_shm_make_layout(pool, message->resource, &place, true,
			&layout)) {
		return;
	}
	struct sealpool_buffer *buffer = sp_buffer_new(pool, &layout, true);
	if (buffer != NULL) {
		sp_unborn_expect_buffer(&guard->unborn,
			wl_resource_get_client(message->resource), args[0].n,
			buffer);
	}
}

/* Returns whether the guarded wl_shm may map "size" bytes of its file. */
static bool resize(struct sp_pool *pool, struct wl_resource *resource,
		int32_t size) {
	struct sp_backing *backing = &pool->backing;
	if (backing->is_pinned) {
		int ret = sp_backing_grow(backing, (uint64_t)size);
		if (ret < 0) {
			sp_guard_refuse(pool->client, "cannot grow a shadow", ret);
		}
		return ret == 0;
	}
	if (sp_file_is_sealed_to(&backing->file, (uint64_t)size)) {
		return true;
	}
	int64_t file_size = sp_file_get_size(&backing->file);
	if (file_size < 0) {
		sp_guard_refuse(pool->client, "cannot get the size of a pool's "
			"file", (int)file_size);
	} else {
		sp_post_error(pool->client->context, resource,
			WL_SHM_ERROR_INVALID_FD, "pool of %" PRIi32 " bytes "
			"resized to %" PRIi32 ", but its file has %" PRIi64,
			pool->size, size, file_size);
	}
	return false;
}

/*
 * The guarded wl_shm will map the file with the new size, so the file must be that long.
 * The request is dispatched even after an error, so an unsafe size is replaced by the old
 * one.
 */
static void handle_resize(struct sp_pool *pool,
		const struct wl_protocol_logger_message *message) {
	int32_t *size = &get_arguments(message)[0].i;
	if (*size <= pool->size) {
		return;
	}
	if (resize(pool, message->resource, *size)) {
		pool->size = *size;
	} else {
		*size = pool->size;
	}
}

/*
 * Without a record of the pool, nothing is known of its file, and its shadow, if it has one,
 * is not filled. That is so for a pool that was created before the guard. The request is
 * dispatched even after an error, so it is made one that every wl_shm refuses.
 */
static void refuse_unknown_pool(struct sealpool_guard *guard,
		const struct wl_protocol_logger_message *message) {
	struct wl_client *wl_client = wl_resource_get_client(message->resource);
	uint32_t id = wl_resource_get_id(message->resource);
	union wl_argument *args = get_arguments(message);
	if (message->message_opcode == POOL_CREATE_BUFFER) {
		args[2].i = 0; /* width */
	} else if (message->message_opcode == POOL_RESIZE) {
		args[0].i = 0; /* size */
	} else {
		return;
	}
	pid_t pid;
	wl_client_get_credentials(wl_client, &pid, NULL, NULL);
	sp_log(guard->shm->context, SEALPOOL_LOG_ERROR, "client %d: "
		"wl_shm_pool@%" PRIu32 " is not known to the guard: disconnected",
		(int)pid, id);
	wl_client_post_implementation_error(wl_client,
		"wl_shm_pool@%" PRIu32 " is not known to the guard", id);
}

static void handle_pool_request(struct sealpool_guard *guard,
		const struct wl_protocol_logger_message *message) {
	struct sp_pool *pool = sp_guard_find_pool(message->resource);
	if (pool == NULL) {
		refuse_unknown_pool(guard, message);
	} else if (message->message_opcode == POOL_CREATE_BUFFER) {
		handle_create_buffer(guard, pool, message);
	} else if (message->message_opcode == POOL_RESIZE) {
		handle_resize(pool, message);
	}
}

/* Surfaces, and everything else */

/*
 * Allocates memory for a buffer. The kernel frees and zeroes memory if a client takes turns
 * with more buffers than fit, and a client can create any number of buffers of the same
 * bytes, each of which is copied. That may take seconds for the requests that are read at
 * once. So in an epoch, only about as much as a client may hold is allocated and copied; one
 * that waits for releases never needs more.
 */
static int reserve(struct sealpool_buffer *buffer) {
	struct sp_client *client = buffer->pool->client;
	const uint64_t *allocated = &buffer->pool->backing.pinned.allocated;
	sp_client_note_request(client);
	uint64_t epoch = sp_client_get_epoch(client);
	if (epoch == 0 || client->work_epoch != epoch) {
		client->work_epoch = epoch;
		client->work = 0;
	}
	if (client->work / 2 > client->context->limits.shadow_bytes) {
		sp_client_post_exceeded(client, SP_RESOURCE_SHADOW_BYTES, true);
		sp_client_disconnect_later(client);
		return -EDQUOT;
	}
	uint64_t before = *allocated;
	int ret;
	do {
		ret = sp_view_reserve(&buffer->view);
	} while (ret == -EDQUOT && sp_client_make_room(client));
	client->work += *allocated - before;
	return ret;
}

/* If the compositor touched a shadow without memory, the kernel would allocate some that
 * is charged to nobody, and raise SIGBUS if there is none. */
static void handle_attach(struct sealpool_guard *guard,
		const struct wl_protocol_logger_message *message) {
	union wl_argument *args = get_arguments(message);
	struct wl_resource *resource = (struct wl_resource *)args[0].o;
	struct sealpool_buffer *buffer =
		resource != NULL ? sp_guard_find_buffer(resource) : NULL;
	if (buffer == NULL || !sp_view_wants_commits(&buffer->view)) {
		return;
	}
	int ret = reserve(buffer);
	if (ret < 0) {
		sp_guard_refuse(buffer->pool->client, "no memory to copy a buffer", ret);
		args[0].o = NULL;
	}
}

/* Most commits change little of the buffers that have writebacks, or nothing. Handling all
 * of their rows at each commit would take as long as the client likes. */
static int sync_buffer(struct sealpool_buffer *buffer) {
	struct sp_client *client = buffer->pool->client;
	uint64_t epoch = sp_client_get_epoch(client);
	pixman_region32_t stale;
	pixman_region32_init(&stale);
	sp_view_get_stale(&buffer->view, epoch, &stale);
	int ret = 0;
	if (pixman_region32_not_empty(&stale)) {
		uint64_t before = client->counters.copied_in;
		sp_writeback_begin_sync(buffer, &stale);
		ret = sp_view_sync(&buffer->view, epoch);
		client->work += client->counters.copied_in - before;
		sp_writeback_end_sync(buffer, &stale);
	}
	pixman_region32_fini(&stale);
	return ret;
}

static void handle_buffer_request_destroy(struct wl_client *client,
		struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

static const struct wl_buffer_interface dummy_buffer_impl = {
	.destroy = handle_buffer_request_destroy,
};

/*
 * Replaces a buffer that a request must not get. Clients also have buffers that are not
 * of a wl_shm, so every receiver can handle the dummy. It is destroyed with its client,
 * which does not know of it.
 */
static void give_dummy_buffer(const struct sealpool_buffer *buffer,
		const struct wl_protocol_logger_message *message) {
	union wl_argument *args = get_arguments(message);
	struct wl_resource *resource = wl_resource_create(
		wl_resource_get_client(message->resource),
		&wl_buffer_interface, 1, 0);
	if (resource == NULL) {
		/* Without this memory, the compositor cannot continue either. */
		return;
	}
	wl_resource_set_implementation(resource, &dummy_buffer_impl, NULL,
		NULL);
	for (int i = 0; i < message->arguments_count; i++) {
		const struct wl_interface *type = message->message->types[i];
		if (type != NULL && strcmp(type->name,
				wl_buffer_interface.name) == 0 &&
				(struct wl_resource *)args[i].o ==
					buffer->resource) {
			args[i].o = (void *)resource;
		}
	}
}

static int begin_writeback(struct sealpool_buffer *buffer, struct wl_resource *resource) {
	struct sp_client *client = buffer->pool->client;
	int ret = reserve(buffer);
	if (ret == 0) {
		ret = sync_buffer(buffer);
	}
	if (ret < 0) {
		return ret;
	}
	sp_reports_flush(client);
	return client->disconnecting ? 0 : sp_writeback_add(buffer, resource);
}

/* An object that uses a buffer may not survive that its client disconnects: Weston's GL
 * renderer aborts when the buffer of a capture is destroyed. So a disconnecting client's
 * buffer is never passed on, even if the client began to disconnect in this function. */
static void handle_passed(struct sealpool_buffer *buffer,
		const struct wl_protocol_logger_message *message) {
	struct sp_client *client = buffer->pool->client;
	sp_reports_flush(client);
	if (!client->disconnecting && sp_view_wants_commits(&buffer->view)) {
		int ret = begin_writeback(buffer, message->resource);
		if (ret < 0) {
			sp_guard_refuse(client, "no memory to copy a buffer", ret);
		}
		sp_reports_flush(client);
	}
	if (client->disconnecting) {
		give_dummy_buffer(buffer, message);
	}
}

/* Its memory was allocated when it was attached. */
static void handle_shown(struct sealpool_buffer *buffer) {
	int ret = sync_buffer(buffer);
	if (ret < 0) {
		sp_guard_refuse(buffer->pool->client, "no memory to copy a buffer", ret);
	}
	sp_hold_commit(buffer->pool->client->context, NULL, buffer);
}

static void handle_request(struct sealpool_guard *guard,
		const struct wl_protocol_logger_message *message) {
	const char *class = wl_resource_get_class(message->resource);
	if (strcmp(class, wl_shm_interface.name) == 0) {
		if (message->message_opcode == SHM_CREATE_POOL) {
			handle_create_pool(guard, message);
		}
	} else if (strcmp(class, wl_shm_pool_interface.name) == 0) {
		handle_pool_request(guard, message);
	} else {
		if (message->message_opcode == SURFACE_ATTACH && strcmp(class,
				wl_surface_interface.name) == 0) {
			handle_attach(guard, message);
		}
		struct sealpool_buffer *buffer = sp_commits_handle_request(
			&guard->shm->commits, message, handle_passed);
		if (buffer != NULL) {
			handle_shown(buffer);
		}
	}
}

static void handle_event(const struct wl_protocol_logger_message *message) {
	sp_writeback_handle_event(message);
	if (message->message_opcode != BUFFER_RELEASE ||
			strcmp(wl_resource_get_class(message->resource),
				wl_buffer_interface.name) != 0) {
		return;
	}
	struct sealpool_buffer *buffer = sp_guard_find_buffer(message->resource);
	if (buffer != NULL) {
		sp_guard_handle_release(buffer);
	}
}

/* From then on, clients may be refused because of the compositor, whose author should
 * know. */
static void report_late_reads(struct sealpool_guard *guard) {
	guard->reported_late_reads = true;
	sp_log(guard->shm->context, SEALPOOL_LOG_INFO, "the compositor reads "
		"buffers after it has released them: their shadows keep their "
		"memory from now on");
}

static void handle_message(void *data, enum wl_protocol_logger_type direction,
		const struct wl_protocol_logger_message *message) {
	struct sealpool_guard *guard = data;
	sp_unborn_connect(&guard->unborn);
	if (direction == WL_PROTOCOL_LOGGER_REQUEST) {
		handle_request(guard, message);
	} else {
		handle_event(message);
	}
	if (guard->shm->context->memory.reads_late &&
			!guard->reported_late_reads) {
		report_late_reads(guard);
	}
}

static void handle_display_destroy(struct wl_listener *listener, void *data) {
	struct sealpool_guard *guard =
		wl_container_of(listener, guard, display_destroy);
	sp_unborn_connect(&guard->unborn);
	wl_list_remove(&guard->display_destroy.link);
	if (guard->logger != NULL) {
		wl_protocol_logger_destroy(guard->logger);
	}
	free(guard);
}

static void sync_late(struct sealpool_buffer *buffer) {
	sync_buffer(buffer);
}

static const struct sp_front front = {
	.find_buffer = sp_guard_find_buffer,
	.find_pool = sp_guard_find_pool,
	.sync = sync_late,
	.client_gone = sp_buffers_handle_client_gone,
	.pool_size = sizeof(struct guard_pool),
	.buffer_size = sizeof(struct guard_buffer),
	.pool_gone = sp_guard_handle_pool_gone,
	.buffer_gone = sp_guard_handle_buffer_gone,
	.change_users = sp_guard_change_users,
	.expect_release = sp_guard_expect_release,
};

struct sealpool_guard *sealpool_guard_create(struct wl_display *display,
		const struct sealpool_options *options) {
	struct sealpool_shm *shm = sp_shm_create(display, options, &front);
	if (shm == NULL) {
		return NULL;
	}
	struct sealpool_guard *guard = calloc(1, sizeof(*guard));
	if (guard == NULL) {
		goto error;
	}
	assert(!shm->context->no_commit_tracker);
	guard->shm = shm;
	guard->logger = wl_display_add_protocol_logger(display, handle_message,
		guard);
	if (guard->logger == NULL) {
		goto error;
	}
	guard->display_destroy.notify = handle_display_destroy;
	wl_display_add_destroy_listener(display, &guard->display_destroy);
	return guard;

error:
	sp_log(shm->context, SEALPOOL_LOG_ERROR, "cannot create a guard: %s",
		strerror(ENOMEM));
	free(guard);
	sp_shm_destroy(shm);
	return NULL;
}

void sp_guard_leave(struct sealpool_guard *guard) {
	wl_protocol_logger_destroy(guard->logger);
	guard->logger = NULL;
}

struct wl_global *sp_guard_replace(struct sealpool_guard *guard,
		uint32_t version, const uint32_t *formats, size_t formats_len) {
	struct sealpool_shm *shm = guard->shm;
	if (guard->logger == NULL) {
		return sp_wl_shm_create_global(shm->context, version);
	}
	uint32_t *drm_formats = calloc(formats_len, sizeof(formats[0]));
	if (drm_formats == NULL) {
		return NULL;
	}
	for (size_t i = 0; i < formats_len; i++) {
		drm_formats[i] = sp_wl_shm_format_to_drm(formats[i]);
	}
	bool ok = sp_shm_offer(shm, version, drm_formats, formats_len,
		&sp_shm_front);
	free(drm_formats);
	if (!ok) {
		return NULL;
	}
	sp_guard_leave(guard);
	struct wl_global *global = shm->global;
	shm->global = NULL;
	return global;
}

struct sealpool_shm *sealpool_guard_get_shm(struct sealpool_guard *guard) {
	return guard->shm;
}
