/* SPDX-License-Identifier: MIT */
/*
 * A shadow replaces a pool's file that cannot be trusted: a memfd of the pool's size,
 * sealed against shrinking, with the same bytes at the same offsets. Any process can map
 * it without a fault, so its fd can also be passed on instead of the client's.
 *
 * It is sparse. Memory is allocated for the ranges of buffers that are read, before they
 * are touched: a page fault without memory would raise SIGBUS, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "file.h"
#include "mapping.h"
#include "pages.h"
#include "shadow.h"

/* This has no limit. */
static void charge_pinned(struct sp_shadow *shadow, uint64_t bytes) {
	if (shadow->pinned) {
		sp_account_try_charge(shadow->account,
			SP_RESOURCE_PINNED_BYTES, bytes);
	}
}

int sp_shadow_prepay(struct sp_shadow *shadow, uint64_t bytes) {
	int ret = sp_account_charge(shadow->account, SP_RESOURCE_SHADOW_BYTES,
		bytes);
	if (ret == 0) {
		charge_pinned(shadow, bytes);
	}
	return ret;
}

static void discharge(struct sp_shadow *shadow, uint64_t bytes) {
	sp_account_discharge(shadow->account, SP_RESOURCE_SHADOW_BYTES, bytes);
	if (shadow->pinned) {
		sp_account_discharge(shadow->account,
			SP_RESOURCE_PINNED_BYTES, bytes);
	}
	shadow->charged -= bytes;
}

int sp_shadow_init(struct sp_shadow *shadow, struct sp_account *account,
		uint64_t size) {
	*shadow = (struct sp_shadow){ .account = account };
	int ret = sp_account_charge(account, SP_RESOURCE_FDS, 1);
	if (ret < 0) {
		return ret;
	}
	shadow->fd = memfd_create("sealpool-shadow",
		MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (shadow->fd < 0) {
		ret = -errno;
		goto error_charge;
	}
	/* F_SEAL_SEAL: a receiver of the fd must not seal it against writing or growing. */
	if (fcntl(shadow->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
		ret = -errno;
		goto error_fd;
	}
	ret = sp_shadow_grow(shadow, size);
	if (ret == 0) {
		return 0;
	}

error_fd:
	close(shadow->fd);
	shadow->fd = -1;
error_charge:
	sp_account_discharge(account, SP_RESOURCE_FDS, 1);
	return ret;
}

void sp_shadow_finish(struct sp_shadow *shadow) {
	sp_mapping_unref(shadow->mapping);
	close(shadow->fd);
	sp_account_discharge(shadow->account, SP_RESOURCE_FDS, 1);
	discharge(shadow, shadow->charged);
}

int sp_shadow_grow(struct sp_shadow *shadow, uint64_t size) {
	if (size > shadow->size) {
		if (!sp_file_may_be_as_long(sp_pages_round_up(size))) {
			return -EFBIG;
		}
		if (ftruncate(shadow->fd, (off_t)size) < 0) {
			return -errno;
		}
		shadow->size = size;
	}
	if (shadow->mapping != NULL && size <= shadow->mapping->size) {
		return 0;
	}
	/* Expect a pool that has grown to grow again. */
	bool roomy = shadow->mapping != NULL;
	struct sp_mapping *mapping = sp_mapping_create(shadow->fd,
		&sp_mapping_write, (size_t)size, (size_t)sp_pages_get_size(), roomy);
	if (mapping == NULL) {
		return -errno;
	}
	sp_mapping_unref(shadow->mapping);
	shadow->mapping = mapping;
	return 0;
}

uint64_t sp_shadow_settle(struct sp_shadow *shadow) {
	struct stat st;
	if (fstat(shadow->fd, &st) < 0) {
		return 0;
	}
	uint64_t allocated = (uint64_t)st.st_blocks * 512;
	if (allocated < shadow->charged) {
		discharge(shadow, shadow->charged - allocated);
		return 0;
	}
	return allocated - shadow->charged;
}

int sp_shadow_fill(struct sp_shadow *shadow, uint64_t start, uint64_t end,
		uint64_t paid) {
	start = sp_pages_round_down(start);
	end = sp_pages_round_up(end);
	shadow->charged += paid;
	int ret;
	do {
		ret = fallocate(shadow->fd, FALLOC_FL_KEEP_SIZE, (off_t)start,
			(off_t)(end - start)) < 0 ? -errno : 0;
	} while (ret == -EINTR);
	/* Huge pages are larger than requested. If the charge does not fit, they are
	 * charged to nobody. */
	uint64_t excess = sp_shadow_settle(shadow);
	if (excess > 0 && sp_account_try_charge(shadow->account,
			SP_RESOURCE_SHADOW_BYTES, excess)) {
		charge_pinned(shadow, excess);
		shadow->charged += excess;
	}
	return ret;
}

int sp_shadow_reserve(struct sp_shadow *shadow, uint64_t start, uint64_t end) {
	uint64_t bytes = sp_pages_round_up(end) - sp_pages_round_down(start);
	int ret = sp_shadow_prepay(shadow, bytes);
	return ret == 0 ? sp_shadow_fill(shadow, start, end, bytes) : ret;
}

void sp_shadow_release(struct sp_shadow *shadow, uint64_t start, uint64_t end) {
	start = sp_pages_round_down(start);
	end = sp_pages_round_up(end);
	if (start >= end) {
		return;
	}
	/* If it fails, the memory stays, and stays charged, until the pool is
	 * destroyed. */
	if (fallocate(shadow->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)start, (off_t)(end - start)) < 0) {
		return;
	}
	for (uint64_t chunk = (start + SP_CHUNK_SIZE - 1) / SP_CHUNK_SIZE;
			chunk < end / SP_CHUNK_SIZE; chunk++) {
		sp_chunks_clear(&shadow->written, chunk);
	}
	sp_shadow_settle(shadow);
}
