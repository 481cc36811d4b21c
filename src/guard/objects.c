/* SPDX-License-Identifier: MIT */
/*
 * Finds pools and buffers behind a guard by the resources of the guarded wl_shm, and
 * charges the fds that the guarded wl_shm keeps for them.
 *
 * The resource of a new object does not exist yet when its request is handled. It is
 * taken up at the next message, whichever client that belongs to.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "objects.h"
#include "server/context.h"
#include "server/surface.h"
#include "users.h"
#include "writeback.h"

/* How many buffers to check for an fd: another thread may have taken the fd's number. */
#define BUFFERS_LOOKED_AT_MAX 16

static void pool_handle_destroy(struct wl_listener *listener, void *data) {
	struct guard_pool *pool = wl_container_of(listener, pool, destroy);
	sp_pool_leave_resource(&pool->base);
}

struct sp_pool *sp_guard_find_pool(struct wl_resource *resource) {
	struct wl_listener *listener = wl_resource_get_destroy_listener(
		resource, pool_handle_destroy);
	if (listener == NULL) {
		return NULL;
	}
	struct guard_pool *pool = wl_container_of(listener, pool, destroy);
	return &pool->base;
}

static void leave_resource(struct sealpool_buffer *buffer) {
	sp_writeback_forget(buffer);
	/* The tracker's own listener is called after others, which may destroy the
	 * surface. */
	sp_surface_forget(buffer);
	sp_buffer_leave_resource(buffer);
}

static void buffer_handle_destroy(struct wl_listener *listener, void *data) {
	struct guard_buffer *buffer =
		wl_container_of(listener, buffer, destroy);
	leave_resource(&buffer->base);
}

struct sealpool_buffer *sp_guard_find_buffer(struct wl_resource *resource) {
	struct wl_listener *listener = wl_resource_get_destroy_listener(
		resource, buffer_handle_destroy);
	if (listener == NULL) {
		return NULL;
	}
	struct guard_buffer *buffer =
		wl_container_of(listener, buffer, destroy);
	return &buffer->base;
}

/* Errors */

static bool is_gone(const struct sp_client *client) {
	return client->wl_client == NULL || client->disconnecting;
}

static void refuse_over(struct sp_client *client) {
	if (!is_gone(client)) {
		sp_client_post_refused(client);
		sp_client_disconnect_later(client);
	}
}

void sp_guard_refuse(struct sp_client *client, const char *what, int error) {
	if (error == -EDQUOT) {
		refuse_over(client);
		return;
	}
	if (is_gone(client)) {
		return;
	}
	sp_log(client->context, SEALPOOL_LOG_ERROR, "client %d: %s: %s: "
		"disconnected", sp_client_get_pid(client), what,
		strerror(-error));
	wl_client_post_implementation_error(client->wl_client,
		"wl_shm: %s: %s", what, strerror(-error));
	sp_client_disconnect_later(client);
}

/* The fds that the guarded wl_shm keeps */

/* Returns an fd of the file that the guarded wl_shm got. */
static int get_given_fd(const struct sp_pool *pool) {
	return pool->backing.is_pinned ? pool->backing.pinned.shadow.fd :
		pool->backing.file.fd;
}

/* Returns whether "fd" is still open on the file that the guarded wl_shm got; also if
 * kcmp() is not allowed. Unlike fstat(), kcmp() never asks the file system: the number
 * may belong to another client's file by now. */
static bool is_still_there(const struct sp_pool *pool, int fd) {
	if (fcntl(fd, F_GETFD) < 0) {
		return false;
	}
	long pid = getpid();
	return syscall(SYS_kcmp, pid, pid, KCMP_FILE, fd,
		get_given_fd(pool)) <= 0;
}

static void discharge_fd(struct sp_client *client) {
	sp_account_discharge(&client->account, SP_RESOURCE_FDS, 1);
}

/* Disconnects nobody else: it may be called while another client's request is handled,
 * and that client must not be destroyed. */
static bool charge_fd(struct sp_client *client) {
	if (sp_account_charge(&client->account, SP_RESOURCE_FDS, 1) < 0) {
		refuse_over(client);
		return false;
	}
	return true;
}

/* Makes room for what charge_fd() will charge. While the client's own request is handled,
 * and before its object is expected: the error of a client that is disconnected is the
 * next message. */
static void make_room_for_fd(struct sp_client *client) {
	while (sp_account_charge(&client->account, SP_RESOURCE_FDS, 1) < 0) {
		if (!sp_client_make_room(client)) {
			return;
		}
	}
	discharge_fd(client);
}

/* libwayland closes the fd after mapping it. wlroots keeps it, so it is charged to the
 * client. */
static void charge_guarded_fd(struct sp_pool *pool, int fd) {
	if (!is_still_there(pool, fd)) {
		return;
	}
	if (!charge_fd(pool->client)) {
		return;
	}
	sp_guard_pool(pool)->guarded_fd = true;
}

void sp_guard_handle_pool_gone(struct sp_pool *pool) {
	sp_writeback_finish_pool(pool);
	if (sp_guard_pool(pool)->guarded_fd) {
		discharge_fd(pool->client);
	}
}

void sp_guard_handle_buffer_gone(struct sealpool_buffer *buffer) {
	if (sp_guard_buffer(buffer)->guarded_fd) {
		discharge_fd(buffer->pool->client);
	}
}

/* Returns the number that the next fd will have, unless another thread is faster; -1 if
 * there is none. */
static int guess_next_fd(const struct sp_pool *pool) {
	int fd = fcntl(get_given_fd(pool), F_DUPFD_CLOEXEC, 0);
	if (fd >= 0) {
		close(fd);
	}
	return fd;
}

/* KWin keeps an fd for each buffer, so a client could use up all fds with a single
 * pool. */
static void charge_fd_of_buffer(struct sp_unborn *unborn,
		struct sealpool_buffer *buffer, int fd) {
	if (fd >= 0 && is_still_there(buffer->pool, fd)) {
		unborn->buffers_have_fds = true;
	}
	if (!unborn->buffers_have_fds) {
		return;
	}
	if (!charge_fd(buffer->pool->client)) {
		return;
	}
	sp_guard_buffer(buffer)->guarded_fd = true;
}

/* Objects whose resource does not exist yet */

void sp_unborn_connect(struct sp_unborn *unborn) {
	struct wl_client *client = unborn->client;
	if (client == NULL) {
		return;
	}
	struct wl_resource *resource = wl_client_get_object(client, unborn->id);
	struct sp_pool *pool = unborn->pool;
	struct sealpool_buffer *buffer = unborn->buffer;
	wl_list_remove(&unborn->client_destroy.link);
	unborn->client = NULL;
	if (pool != NULL && resource != NULL) {
		struct wl_listener *destroy = &sp_guard_pool(pool)->destroy;
		pool->resource = resource;
		destroy->notify = pool_handle_destroy;
		wl_resource_add_destroy_listener(resource, destroy);
		charge_guarded_fd(pool, unborn->fd);
	} else if (pool != NULL) {
		sp_pool_leave_resource(pool);
	} else if (resource != NULL) {
		struct wl_listener *destroy = &sp_guard_buffer(buffer)->destroy;
		buffer->resource = resource;
		destroy->notify = buffer_handle_destroy;
		wl_resource_add_destroy_listener(resource, destroy);
		charge_fd_of_buffer(unborn, buffer, unborn->fd);
	} else {
		leave_resource(buffer);
	}
}

static void handle_client_destroy(struct wl_listener *listener, void *data) {
	struct sp_unborn *unborn =
		wl_container_of(listener, unborn, client_destroy);
	sp_unborn_connect(unborn);
}

static void expect(struct sp_unborn *unborn, struct wl_client *client,
		uint32_t id) {
	unborn->client = client;
	unborn->id = id;
	unborn->pool = NULL;
	unborn->buffer = NULL;
	unborn->fd = -1;
	unborn->client_destroy.notify = handle_client_destroy;
	wl_client_add_destroy_listener(client, &unborn->client_destroy);
}

void sp_unborn_expect_pool(struct sp_unborn *unborn, struct wl_client *client,
		uint32_t id, struct sp_pool *pool, int fd) {
	make_room_for_fd(pool->client);
	expect(unborn, client, id);
	unborn->pool = pool;
	unborn->fd = fd;
}

void sp_unborn_expect_buffer(struct sp_unborn *unborn,
		struct wl_client *client, uint32_t id,
		struct sealpool_buffer *buffer) {
	if (unborn->buffers_have_fds) {
		make_room_for_fd(buffer->pool->client);
	}
	expect(unborn, client, id);
	unborn->buffer = buffer;
	if (!unborn->buffers_have_fds &&
			unborn->buffers_looked_at < BUFFERS_LOOKED_AT_MAX) {
		unborn->buffers_looked_at++;
		unborn->fd = guess_next_fd(buffer->pool);
	}
}
