/* SPDX-License-Identifier: MIT */
/*
 * Counts the users of each page of a shadow.
 *
 * Buffers of a pool may overlap, and adjacent ones share a page. So users are counted for
 * each page: the cost depends only on a buffer's own size, however many buffers a client
 * creates of the same bytes.
 *
 * There is a record for each 2 MiB that have a user.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chunks.h"
#include "pages.h"
#include "uses.h"

/* A client can add any number of users to a page. A page that has had this many keeps a
 * user for ever. */
#define MANY UINT16_MAX

struct sp_uses_chunk {
	/* How many of the pages have a user. */
	uint32_t used;
	uint16_t users[];
};

void sp_uses_finish(struct sp_uses *uses) {
	for (size_t i = 0; i < uses->chunks_len; i++) {
		free(uses->chunks[i]);
	}
	free(uses->chunks);
	*uses = (struct sp_uses){ 0 };
}

static size_t get_chunk_pages(void) {
	return (size_t)(SP_CHUNK_SIZE / sp_pages_get_size());
}

/* Drops the records from "first" to "end" that have no user. */
static void drop_unused(struct sp_uses *uses, size_t first, size_t end) {
	for (size_t i = first; i < end; i++) {
		if (uses->chunks[i] != NULL && uses->chunks[i]->used == 0) {
			free(uses->chunks[i]);
			uses->chunks[i] = NULL;
		}
	}
}

static int make_chunks(struct sp_uses *uses, size_t first, size_t end) {
	if (end > uses->chunks_len) {
		struct sp_uses_chunk **chunks =
			realloc(uses->chunks, end * sizeof(chunks[0]));
		if (chunks == NULL) {
			return -ENOMEM;
		}
		memset(&chunks[uses->chunks_len], 0,
			(end - uses->chunks_len) * sizeof(chunks[0]));
		uses->chunks = chunks;
		uses->chunks_len = end;
	}
	for (size_t i = first; i < end; i++) {
		if (uses->chunks[i] != NULL) {
			continue;
		}
		struct sp_uses_chunk *chunk = calloc(1, sizeof(*chunk) +
			get_chunk_pages() * sizeof(chunk->users[0]));
		if (chunk == NULL) {
			drop_unused(uses, first, i);
			return -ENOMEM;
		}
		uses->chunks[i] = chunk;
	}
	return 0;
}

int64_t sp_uses_add(struct sp_uses *uses, uint64_t start, uint64_t end) {
	uint64_t page_size = sp_pages_get_size();
	size_t in_chunk = get_chunk_pages();
	size_t first = (size_t)(sp_pages_round_down(start) / page_size);
	size_t last = (size_t)(sp_pages_round_up(end) / page_size);
	if (make_chunks(uses, first / in_chunk,
			(last + in_chunk - 1) / in_chunk) < 0) {
		return -ENOMEM;
	}
	uint64_t unused = 0;
	for (size_t page = first; page < last; page++) {
		struct sp_uses_chunk *chunk = uses->chunks[page / in_chunk];
		uint16_t *users = &chunk->users[page % in_chunk];
		if (*users == 0) {
			chunk->used++;
			unused++;
		}
		*users += *users < MANY;
	}
	return (int64_t)(unused * page_size);
}

void sp_uses_remove(struct sp_uses *uses, uint64_t start, uint64_t end,
		void (*func)(void *data, uint64_t start, uint64_t end),
		void *data) {
	uint64_t page_size = sp_pages_get_size();
	size_t in_chunk = get_chunk_pages();
	size_t first = (size_t)(sp_pages_round_down(start) / page_size);
	size_t last = (size_t)(sp_pages_round_up(end) / page_size);
	/* The first of successive pages without a user. */
	size_t from = first;
	for (size_t page = first; page < last; page++) {
		struct sp_uses_chunk *chunk = uses->chunks[page / in_chunk];
		uint16_t *users = &chunk->users[page % in_chunk];
		*users -= *users < MANY;
		if (*users == 0) {
			chunk->used--;
			continue;
		}
		if (from < page) {
			func(data, from * page_size, page * page_size);
		}
		from = page + 1;
	}
	if (from < last) {
		func(data, from * page_size, last * page_size);
	}
	drop_unused(uses, first / in_chunk, (last + in_chunk - 1) / in_chunk);
}
