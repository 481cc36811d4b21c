/* SPDX-License-Identifier: MIT */
/*
 * The reasons why a pool or a buffer is read in its way, as bits of the feedback
 * protocol.
 */
#include <fcntl.h>

#include "sealpool-shm-feedback-v1-server-protocol.h"

#include "memory/file.h"
#include "reasons.h"
#include "server/buffer.h"
#include "server/pool.h"

enum sealpool_memory_kind sp_reasons_get_pool_kind(
		const struct sp_pool *pool) {
	if (pool->backing.is_pinned || pool->backing.file.kind != SP_FILE_SHMEM) {
		return SEALPOOL_MEMORY_SHADOW;
	}
	if ((uint64_t)pool->size <= pool->backing.file.sealed_size) {
		return SEALPOOL_MEMORY_DIRECT;
	}
	const struct sp_unsealed *unsealed = pool->backing.memory->unsealed;
	return unsealed != NULL ? unsealed->kind : SEALPOOL_MEMORY_SHADOW;
}

uint32_t sp_reasons_get_kind(enum sealpool_memory_kind kind) {
	switch (kind) {
	case SEALPOOL_MEMORY_DIRECT:
		return SEALPOOL_SHM_FEEDBACK_V1_KIND_DIRECT;
	case SEALPOOL_MEMORY_NOFAULT:
		return SEALPOOL_SHM_FEEDBACK_V1_KIND_NOFAULT;
	case SEALPOOL_MEMORY_SHADOW:
		break;
	}
	return SEALPOOL_SHM_FEEDBACK_V1_KIND_SHADOW;
}

/* Returns the reasons that depend on the file, for the bytes below "end". */
static uint32_t file_get_reasons(const struct sp_file *file, uint64_t end,
		bool direct) {
	uint32_t reasons = 0;
	/* A slow file has no seals, and a reader thread may be reopening it. */
	int seals = file->kind == SP_FILE_SLOW ? 0 :
		fcntl(file->fd, F_GET_SEALS);
	if (seals < 0) {
		seals = 0;
	}
	if (!file->writable ||
			(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0) {
		reasons |= SEALPOOL_SHM_FEEDBACK_V1_REASON_READ_ONLY;
	}
	if (direct) {
		return reasons;
	}
	if (file->kind == SP_FILE_SLOW) {
		return reasons | SEALPOOL_SHM_FEEDBACK_V1_REASON_FILE_SYSTEM;
	}
	int64_t size = sp_file_get_size(file);
	if (size < 0 || (uint64_t)size < end) {
		reasons |= SEALPOOL_SHM_FEEDBACK_V1_REASON_SHORT;
	}
	if (file->kind != SP_FILE_SHMEM) {
		reasons |= SEALPOOL_SHM_FEEDBACK_V1_REASON_FILE_SYSTEM;
	} else if (!(seals & F_SEAL_SHRINK)) {
		reasons |= SEALPOOL_SHM_FEEDBACK_V1_REASON_NO_SEAL;
	}
	return reasons;
}

static bool may_be_sparse(const struct sp_file *file, uint64_t end) {
	return end > file->filled_size && sp_file_has_holes(file);
}

/* A buffer without a reason is judged again at its next commit. */
uint32_t sp_reasons_get(const struct sp_pool *pool,
		const struct sealpool_buffer *buffer,
		enum sealpool_memory_kind kind) {
	bool direct = kind == SEALPOOL_MEMORY_DIRECT;
	uint64_t end = buffer != NULL ? buffer->view.layout.end :
		(uint64_t)pool->size;
	uint32_t reasons = file_get_reasons(&pool->backing.file, end, direct);
	if (direct) {
		if (buffer == NULL && may_be_sparse(&pool->backing.file, end)) {
			reasons |= SEALPOOL_SHM_FEEDBACK_V1_REASON_SPARSE;
		}
		return reasons;
	}
	if ((reasons & ~SEALPOOL_SHM_FEEDBACK_V1_REASON_READ_ONLY) != 0) {
		return reasons;
	}
	if (pool->backing.is_pinned || kind != SEALPOOL_MEMORY_SHADOW) {
		reasons |= SEALPOOL_SHM_FEEDBACK_V1_REASON_LATE;
	} else if (buffer != NULL && buffer->view.no_room) {
		reasons |= SEALPOOL_SHM_FEEDBACK_V1_REASON_BUDGET;
	} else if (may_be_sparse(&pool->backing.file, end)) {
		reasons |= SEALPOOL_SHM_FEEDBACK_V1_REASON_SPARSE;
	}
	return reasons;
}
