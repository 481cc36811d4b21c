/* SPDX-License-Identifier: MIT */
/*
 * One wl_shm_pool: a file and a size.
 *
 * Creating or resizing a pool maps nothing and promises nothing. It is the
 * buffer whose range is judged, and mapped, when it is made.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "context.h"
#include "pool.h"
#include "silence.h"

/* Files that may never answer: the pool has one job at a time */

static struct sp_pool *pool_from_job(struct sp_job *job) {
	struct sp_pool *pool = wl_container_of(job, pool, job);
	return pool;
}

/* What is read at once must not be opened for direct I/O, which the client could do
 * at any time to the open file that it shares with us. */
static bool open_anew(struct sp_backing *backing) {
	struct sp_file *file = &backing->file;
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
	int fd = open(path, (file->writable ? O_RDWR : O_RDONLY) | O_CLOEXEC |
		O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		return false;
	}
	int old = file->fd;
	sp_lock_acquire(&backing->lock);
	file->fd = fd;
	sp_lock_release(&backing->lock);
	close(old);
	return true;
}

static void look_at_file(struct sp_job *job) {
	struct sp_pool *pool = pool_from_job(job);
	struct sp_file *file = &pool->backing.file;
	struct stat st;
	bool known = fstat(file->fd, &st) == 0;
	/* A server that is in trouble says nothing about the file. */
	pool->is_regular = !known || S_ISREG(st.st_mode);
	file->own = known && pool->is_regular && open_anew(&pool->backing);
}

static void finish_look(struct sp_job *job) {
	struct sp_pool *pool = pool_from_job(job);
	pool->looking = false;
	if (!pool->is_regular && pool->resource != NULL &&
			!pool->client->ending) {
		sp_pool_refuse_file(pool->client->context, pool->resource,
			-EINVAL, "is not a regular file");
		sp_client_end_later(pool->client);
	}
	sp_pool_unref(pool);
}

/* Nobody waits for the type of such a file: one that is not regular is refused when
 * that is known. */
static int pool_look_at_file(struct sp_pool *pool) {
	pool->job.run = look_at_file;
	pool->job.finish = finish_look;
	pool->job.owner = &pool->client->account;
	int ret = sp_reader_submit(&pool->client->member.identity->reader, &pool->job);
	if (ret == 0) {
		pool->looking = true;
		sp_pool_ref(pool);
		sp_silence_note(pool->client->context);
	}
	return ret;
}

void sp_pool_leave_resource(struct sp_pool *pool) {
	pool->resource = NULL;
	/* A file that answers late holds up no other that nobody needs. */
	if (pool->looking && sp_reader_cancel(
			&pool->client->member.identity->reader, &pool->job)) {
		pool->looking = false;
		sp_pool_unref(pool);
	}
	sp_pool_unref(pool);
}

static void pool_free(struct sp_pool *pool, bool has_fd) {
	sp_client_dismiss_pool(pool->client, has_fd);
	sp_client_unref(pool->client);
	free(pool);
}

static void count_slow_pool(struct sp_client *client, int32_t change) {
	client->context->slow_pools_len += (uint32_t)change;
	client->member.identity->slow_pools_len += (uint32_t)change;
}

static void close_file(struct sp_job *job) {
	close(pool_from_job(job)->backing.file.fd);
}

static void finish_close(struct sp_job *job) {
	struct sp_pool *pool = pool_from_job(job);
	count_slow_pool(pool->client, -1);
	pool_free(pool, true);
}

/* It counts as the client's until no thread uses it. */
static void pool_close_file(struct sp_pool *pool) {
	pool->job.run = close_file;
	pool->job.finish = finish_close;
	if (pool->backing.file.jobs_len == 0 || sp_reader_submit(
			&pool->client->member.identity->reader, &pool->job) < 0) {
		sp_file_discard_fd(pool->backing.file.fd);
		finish_close(&pool->job);
	}
}

/* Nobody can close the fd of a file while a thread waits for that file. So all such
 * files together may have a quarter of the fds, and those of one identity half of that. */
#define SLOW_FDS_PART 4

static bool may_have_slow_file(struct sp_client *client) {
	struct sp_identity *identity = client->member.identity;
	uint32_t most = client->context->limits.all_fds / SLOW_FDS_PART;
	return sp_reader_is_available(&identity->reader) &&
		client->context->slow_pools_len < most &&
		identity->slow_pools_len < (most + 1) / 2;
}

/* Nobody could read it. */
static void refuse_slow_file(struct sp_client *client) {
	static const char reason[] = "a pool's file that is not memory cannot be "
		"read now: there are too many, or they do not answer";
	sp_log(client->context, SEALPOOL_LOG_INFO, "client %d: %s: disconnected",
		sp_client_get_pid(client), reason);
	wl_client_post_implementation_error(client->wl_client, "wl_shm: %s",
		reason);
}

struct sp_pool *sp_pool_new(struct sp_context *context,
		struct wl_client *wl_client, struct sp_file *file,
		int32_t size) {
	/* Before there is a buffer to be accessed. */
	sp_mailbox_note_thread(&context->mailbox);
	struct sp_client *client = sp_client_get(context, wl_client);
	if (client == NULL) {
		sp_post_no_memory(context, wl_client);
		goto error_file;
	}
	if (file->kind == SP_FILE_SLOW && !may_have_slow_file(client)) {
		refuse_slow_file(client);
		goto error_file;
	}
	if (!sp_client_admit_pool(client)) {
		goto error_file;
	}
	struct sp_pool *pool = calloc(1, sizeof(*pool));
	if (pool == NULL) {
		sp_post_no_memory(context, wl_client);
		goto error_admitted;
	}
	if (sp_backing_init(&pool->backing, &context->memory, &client->account,
			&client->spare, &client->member.identity->reader, &client->counters,
			file, (uint64_t)size) < 0) {
		sp_post_no_memory(context, wl_client);
		goto error_pool;
	}
	pool->client = client;
	sp_client_ref(client);
	wl_list_insert(client->pools.prev, &pool->link);
	wl_list_init(&pool->buffers);
	wl_list_init(&pool->lents);
	pool->refs = 1;
	pool->size = size;
	if (file->kind == SP_FILE_SLOW) {
		count_slow_pool(client, 1);
	}
	if (file->kind == SP_FILE_SLOW && pool_look_at_file(pool) < 0) {
		refuse_slow_file(client);
		sp_pool_unref(pool);
		return NULL;
	}
	return pool;

error_pool:
	free(pool);
error_admitted:
	sp_client_dismiss_pool(client, true);
error_file:
	sp_file_discard_fd(file->fd);
	return NULL;
}

void sp_pool_refuse_file(struct sp_context *context,
		struct wl_resource *resource, int error,
		const char *reason) {
	if (error != -EINVAL && error != -EACCES && error != -EBADF) {
		struct wl_client *wl_client =
			wl_resource_get_client(resource);
		pid_t pid;
		wl_client_get_credentials(wl_client, &pid, NULL, NULL);
		sp_log(context, SEALPOOL_LOG_ERROR, "client %d: the pool's "
			"file %s: %s: disconnected", (int)pid, reason,
			strerror(-error));
		wl_client_post_no_memory(wl_client);
		return;
	}
	sp_post_error(context, resource, WL_SHM_ERROR_INVALID_FD,
		"the pool's file %s", reason);
}

void sp_pool_ref(struct sp_pool *pool) {
	pool->refs++;
}

void sp_pool_unref(struct sp_pool *pool) {
	assert(pool->refs > 0);
	if (--pool->refs > 0) {
		return;
	}
	assert(wl_list_empty(&pool->buffers));
	bool has_fd = sp_backing_finish(&pool->backing);
	wl_list_remove(&pool->link);
	if (pool->fd_behind) {
		sp_account_discharge(&pool->client->account, SP_RESOURCE_FDS, 1);
	}
	if (pool->backing.file.kind == SP_FILE_SLOW) {
		pool_close_file(pool);
	} else {
		pool_free(pool, has_fd);
	}
}
