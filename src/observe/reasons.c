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
#include "server/client.h"
#include "server/pool.h"

/* How many pools of a client are looked at, so that a snapshot takes no long time. */
#define POOLS_MAX 64

/* Memory is read in place only if it can be written there, too. A guarded wl_shm maps no
 * other. */
static bool lacks_writing(const struct sp_backing *backing) {
	return (backing->is_pinned || backing->memory->in_place ==
		&sp_mapping_write) && !sp_file_may_be_written(&backing->file);
}

enum sealpool_memory_kind sp_reasons_get_pool_kind(
		const struct sp_pool *pool) {
	if (pool->backing.is_pinned || lacks_writing(&pool->backing) ||
			pool->backing.file.kind != SP_FILE_SHMEM) {
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
	if (!sp_file_may_be_written(file)) {
		reasons |= SEALPOOL_SHM_FEEDBACK_V1_REASON_READ_ONLY;
	}
	if (direct) {
		return reasons;
	}
	/* A reader thread may be reopening it. */
	if (file->kind == SP_FILE_SLOW) {
		return reasons | SEALPOOL_SHM_FEEDBACK_V1_REASON_FILE_SYSTEM;
	}
	int64_t size = sp_file_get_size(file);
	if (size < 0 || (uint64_t)size < end) {
		reasons |= SEALPOOL_SHM_FEEDBACK_V1_REASON_SHORT;
	}
	if (file->kind != SP_FILE_SHMEM) {
		reasons |= SEALPOOL_SHM_FEEDBACK_V1_REASON_FILE_SYSTEM;
	} else if (!(fcntl(file->fd, F_GET_SEALS) & F_SEAL_SHRINK)) {
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
	if (lacks_writing(&pool->backing)) {
		reasons |= SEALPOOL_SHM_FEEDBACK_V1_REASON_NOT_WRITABLE;
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

void sp_reasons_print(FILE *file, uint32_t reasons) {
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{ SEALPOOL_SHM_FEEDBACK_V1_REASON_NO_SEAL, "no_seal" },
		{ SEALPOOL_SHM_FEEDBACK_V1_REASON_SHORT, "short" },
		{ SEALPOOL_SHM_FEEDBACK_V1_REASON_READ_ONLY, "read_only" },
		{ SEALPOOL_SHM_FEEDBACK_V1_REASON_FILE_SYSTEM, "file_system" },
		{ SEALPOOL_SHM_FEEDBACK_V1_REASON_SPARSE, "sparse" },
		{ SEALPOOL_SHM_FEEDBACK_V1_REASON_BUDGET, "budget" },
		{ SEALPOOL_SHM_FEEDBACK_V1_REASON_LATE, "late" },
		{ SEALPOOL_SHM_FEEDBACK_V1_REASON_NOT_WRITABLE, "not_writable" },
	};
	const char *separator = "";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (reasons & names[i].bit) {
			fprintf(file, "%s%s", separator, names[i].name);
			separator = ",";
		}
	}
	if (reasons == 0) {
		fputs("none", file);
	}
}

/* Returns a buffer of the pool that is not read in place, or NULL. */
static const struct sealpool_buffer *find_copied(const struct sp_pool *pool) {
	const struct sealpool_buffer *buffer;
	wl_list_for_each(buffer, &pool->buffers, link) {
		if (sealpool_buffer_get_kind(buffer) != SEALPOOL_MEMORY_DIRECT) {
			return buffer;
		}
	}
	return NULL;
}

/* The file of a client that has disconnected may be closed already. */
uint32_t sp_reasons_get_client(const struct sp_client *client) {
	uint32_t reasons = 0;
	int left = POOLS_MAX;
	const struct sp_pool *pool;
	if (client->wl_client == NULL) {
		return 0;
	}
	wl_list_for_each_reverse(pool, &client->pools, link) {
		const struct sealpool_buffer *buffer = find_copied(pool);
		if (buffer != NULL) {
			reasons |= sp_reasons_get(pool, buffer,
				sealpool_buffer_get_kind(buffer));
		}
		if (--left == 0) {
			break;
		}
	}
	return reasons;
}
