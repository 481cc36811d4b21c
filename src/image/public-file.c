/* SPDX-License-Identifier: MIT */
/*
 * <sealpool/memory.h>: one file of a client.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "memory/look.h"
#include "public.h"

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
	sp_public_unref_account(account);
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
	bool is_over = own->full == own;
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
	sp_backing_grow(&file->backing, size);
	return 0;
}

void sealpool_file_close(struct sealpool_file *file) {
	if (file == NULL) {
		return;
	}
	assert(!file->closed);
	file->closed = true;
	/* Reading the type of a slow file would only delay other files. */
	sp_look_cancel(&file->backing);
	sp_public_unref_file(file);
}

void sp_public_unref_file(struct sealpool_file *file) {
	assert(file->refs > 0);
	if (--file->refs > 0) {
		return;
	}
	assert(sp_list_is_empty(&file->views));
	sp_list_remove(&file->link);
	sp_look_close(&file->backing);
}
