/* SPDX-License-Identifier: MIT */
/*
 * <sealpool/memory.h>: clients, their files and buffers.
 *
 * An account lives until sealpool_account_destroy() was called and the last of its files
 * is closed. It has at most one reader thread, so that a file that never answers delays
 * only its own client.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "changes.h"
#include "format.h"
#include "memory/look.h"
#include "public.h"

/* Clients */

struct sealpool_account *sealpool_account_create(struct sealpool_memory *memory,
		const struct sealpool_account_limits *account_limits,
		void *data) {
	struct sealpool_account_limits wanted = { 0 };
	if (account_limits != NULL) {
		assert(account_limits->size > 0);
		size_t size = account_limits->size < sizeof(wanted) ?
			account_limits->size : sizeof(wanted);
		memcpy(&wanted, account_limits, size);
	}
	struct sealpool_account *account = calloc(1, sizeof(*account));
	if (account == NULL) {
		return NULL;
	}
	account->memory = memory;
	memory->refs++;
	account->refs = 1;
	account->data = data;
	struct sp_limits limits = memory->limits;
	limits.fds = wanted.fds;
	limits.shadow_bytes = wanted.shadow_bytes;
	sp_limits_init(&limits);
	sp_account_init(&account->account, &memory->all, memory->all.ops);
	sp_limits_set_client(&account->account, limits.fds,
		limits.shadow_bytes);
	sp_reader_init(&account->reader, &memory->memory.readers);
	sp_list_init(&account->files);
	sp_list_append(&memory->accounts, &account->link);
	return account;
}

static void account_unref(struct sealpool_account *account) {
	assert(account->refs > 0);
	if (--account->refs > 0) {
		return;
	}
	struct sealpool_memory *memory = account->memory;
	assert(sp_list_is_empty(&account->files));
	/* A destroyed view may have left a spare. */
	sp_spare_close(&memory->memory.cache, &account->spare);
	sp_cache_settle(&memory->memory.cache);
	sp_list_remove(&account->link);
	free(account);
	sp_public_unref_memory(memory);
}

void sealpool_view_freeze(struct sealpool_view *view) {
	/* From now on, an access copies only what was damaged before. */
	view->view.tracked = true;
	sp_view_set_final(&view->view);
	if (view->file->account->gone) {
		sp_view_set_orphan(&view->view);
	}
}

void sealpool_account_destroy(struct sealpool_account *account) {
	struct sealpool_file *file;
	struct sealpool_view *view;
	assert(!account->gone);
	account->gone = true;
	sp_list_for_each(file, &account->files, struct sealpool_file, link) {
		sp_list_for_each(view, &file->views, struct sealpool_view,
				link) {
			sealpool_view_freeze(view);
		}
	}
	sp_spare_close(&account->memory->memory.cache, &account->spare);
	account_unref(account);
}

/* Files */

static struct sealpool_file *from_backing(struct sp_backing *backing) {
	return sp_list_entry(backing, struct sealpool_file, backing);
}

static void handle_refused(struct sp_backing *backing) {
	struct sealpool_file *file = from_backing(backing);
	const struct sealpool_memory_options *options =
		&file->account->memory->options;
	if (options->refused != NULL) {
		options->refused(file, file->data);
	}
}

static void handle_closed(struct sp_backing *backing, bool had_fd) {
	struct sealpool_file *file = from_backing(backing);
	struct sealpool_account *account = file->account;
	if (had_fd) {
		sp_account_discharge(&account->account, SP_RESOURCE_FDS, 1);
	}
	free(file);
	account_unref(account);
}

static const struct sp_look_ops look_ops = {
	.refused = handle_refused,
	.closed = handle_closed,
};

/* Returns 0 or a negative errno. */
static int charge_fd(struct sealpool_account *account, const char **reason) {
	struct sp_account *own = &account->account;
	if (sp_account_charge(own, SP_RESOURCE_FDS, 1) == 0) {
		return 0;
	}
	bool is_over = own->refused_by == own;
	*reason = is_over ? "is one more than the client may have" :
		"is one more than all clients may have";
	return is_over ? -EDQUOT : -EMFILE;
}

/* Takes ownership of "found" on success. Returns 0 or a negative errno. */
static int file_create(struct sealpool_account *account,
		const struct sp_file *found, uint64_t size,
		struct sealpool_file **file_ptr, const char **reason) {
	struct sealpool_memory *memory = account->memory;
	if (found->kind == SP_FILE_SLOW && !sp_look_has_room(&account->reader,
			memory->limits.all_fds)) {
		*reason = "is not memory, and there are too many such files, or "
			"they do not answer";
		return -EBUSY;
	}
	int ret = charge_fd(account, reason);
	if (ret < 0) {
		return ret;
	}
	*reason = "cannot be opened: there is no memory";
	struct sealpool_file *file = calloc(1, sizeof(*file));
	ret = file == NULL ? -ENOMEM : sp_backing_init(&file->backing,
		&memory->memory, &account->account, &account->spare,
		&account->reader, &account->counters, found, size);
	if (ret < 0) {
		free(file);
		sp_account_discharge(&account->account, SP_RESOURCE_FDS, 1);
		return ret;
	}
	file->account = account;
	account->refs++;
	file->refs = 1;
	sp_list_init(&file->views);
	sp_list_append(&account->files, &file->link);
	*file_ptr = file;
	return 0;
}

struct sealpool_file *sealpool_file_open(struct sealpool_account *account,
		int fd, uint64_t size, void *data, const char **reason_ptr) {
	assert(!account->gone);
	struct sealpool_file *file = NULL;
	struct sp_file found;
	const char *reason = "is for a pool of zero or more than 2147483647 bytes";
	int ret = size > 0 && size <= INT32_MAX ? 0 : -EINVAL;
	if (ret == 0) {
		ret = sp_file_init(&found, fd, &reason);
	}
	if (ret == 0) {
		ret = file_create(account, &found, size, &file, &reason);
	}
	if (ret < 0) {
		sp_file_discard_fd(fd);
		goto error;
	}
	file->data = data;
	ret = sp_look_begin(&file->backing, &look_ops);
	if (ret < 0) {
		reason = "is not memory, and there is no thread to read it";
		sealpool_file_close(file);
		ret = -EBUSY;
		goto error;
	}
	if (found.kind == SP_FILE_SLOW) {
		/* The dispatcher has to check whether it answers. */
		sp_alarm_ring(&account->memory->alarm);
	}
	return file;

error:
	if (reason_ptr != NULL) {
		*reason_ptr = reason;
	}
	errno = -ret;
	return NULL;
}

int sealpool_file_grow(struct sealpool_file *file, uint64_t size) {
	if (size < file->backing.size || size > INT32_MAX) {
		return -EINVAL;
	}
	return sp_backing_grow(&file->backing, size);
}

static void file_unref(struct sealpool_file *file) {
	assert(file->refs > 0);
	if (--file->refs > 0) {
		return;
	}
	assert(sp_list_is_empty(&file->views));
	sp_list_remove(&file->link);
	sp_look_close(&file->backing);
}

void sealpool_file_close(struct sealpool_file *file) {
	if (file == NULL) {
		return;
	}
	assert(!file->closed);
	file->closed = true;
	/* Reading the type of a slow file would only delay other files. */
	sp_look_cancel(&file->backing);
	file_unref(file);
}

/* Buffers */

bool sealpool_format_is_known(uint32_t format) {
	return sp_format_get(format) != NULL;
}

/* Returns 0 or a negative errno. */
static int find_layout(const struct sealpool_file *file,
		const struct sealpool_layout *wanted,
		struct sp_layout *layout) {
	const struct sp_format *format = sp_format_get(wanted->format);
	if (format == NULL) {
		return -ENOTSUP;
	}
	if (wanted->offset < 0 || wanted->width <= 0 || wanted->height <= 0 ||
			wanted->stride <= 0 || !sp_layout_init(layout, format,
			wanted->offset, wanted->width, wanted->height,
			wanted->stride)) {
		return -EINVAL;
	}
	return layout->end <= file->backing.size ? 0 : -ERANGE;
}

struct sealpool_view *sealpool_view_create(struct sealpool_file *file,
		const struct sealpool_layout *wanted, void *data) {
	assert(!file->closed);
	assert(!file->account->gone);
	struct sp_layout layout;
	int ret = find_layout(file, wanted, &layout);
	if (ret < 0) {
		errno = -ret;
		return NULL;
	}
	struct sealpool_view *view = calloc(1, sizeof(*view));
	if (view == NULL) {
		return NULL;
	}
	view->file = file;
	file->refs++;
	view->data = data;
	sp_public_init_notes(view);
	sp_list_append(&file->views, &view->link);
	sp_view_init(&view->view, &file->backing, &layout, sp_public_report,
		false);
	return view;
}

void sealpool_view_destroy(struct sealpool_view *view) {
	struct sealpool_file *file = view->file;
	sp_public_finish_notes(view);
	sp_view_finish(&view->view);
	sp_list_remove(&view->link);
	free(view);
	file_unref(file);
}

bool sealpool_view_damage(struct sealpool_view *view,
		const struct sealpool_box *boxes, size_t boxes_len) {
	assert(!view->file->account->gone);
	return sp_view_damage(&view->view, boxes, boxes_len, 0);
}

enum sealpool_memory_kind sealpool_view_get_kind(
		const struct sealpool_view *view) {
	return atomic_load_explicit(&view->view.kind, memory_order_acquire);
}

int sealpool_view_get_fd(const struct sealpool_view *view) {
	return sealpool_view_get_kind(view) == SEALPOOL_MEMORY_DIRECT &&
		!view->view.orphan ? view->file->backing.file.fd : -ENOTSUP;
}

bool sealpool_view_get_plane(const struct sealpool_view *view, uint32_t plane,
		int32_t *offset, int32_t *stride) {
	const struct sp_layout *layout = &view->view.layout;
	if (plane >= layout->format->planes_len) {
		return false;
	}
	*offset = (int32_t)layout->planes[plane].offset;
	*stride = (int32_t)layout->planes[plane].stride;
	return true;
}

int sealpool_view_begin(struct sealpool_view *view, uint32_t flags,
		struct sealpool_view_access *access) {
	assert(flags != 0);
	assert((flags & ~(SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE)) == 0);
	struct sp_access begun;
	int ret = (flags & SEALPOOL_ACCESS_WRITE) ?
		sp_view_begin_write(&view->view, 0, &begun) :
		sp_view_begin_read(&view->view, 0, &begun);
	*access = (struct sealpool_view_access){
		.data = begun.data,
		.format = view->view.layout.format->drm,
		.stride = view->view.layout.planes[0].stride,
		.held = begun.held,
		.flags = begun.flags,
	};
	return ret;
}

void sealpool_view_end(struct sealpool_view *view,
		struct sealpool_view_access *access) {
	struct sp_access begun = {
		.held = access->held,
		.flags = access->flags,
	};
	if (access->flags != 0) {
		sp_view_end(&view->view, &begun);
	}
	*access = (struct sealpool_view_access){ 0 };
}
