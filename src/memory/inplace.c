/* SPDX-License-Identifier: MIT */
/*
 * Limits how much is read in place.
 *
 * Reading a client's bytes in place costs the compositor two things:
 *
 *   memory   Pages that it has touched count as its own for the OOM killer (RSS). A
 *            page that is allocated by reading a hole is charged to its control group.
 *   time     A page fault waits while the client punches a hole over that page, until
 *            all of the hole is freed, which may be as large as the file.
 *
 * The account limits memory. A view is charged when it is first read in place, for all
 * its pages, whether they have memory later or not: the client can change that at any
 * time with holes. A pool is charged for at most its size:
 *
 *   two views of 8 MiB of a pool of 24 MiB               16 MiB
 *   both are destroyed: their pages may still be mapped  16 MiB
 *   two more                                             24 MiB, the pool
 *
 * Pages of destroyed views stay in the page tables until the pool is destroyed or the
 * client punches a hole there. When a pool's charge is 16 MiB above that of its
 * views, the file is asked how much memory it has, and the pool is charged for no more.
 * (A terminal scrolls through 512 MiB in this way, and has 10 MiB of memory.)
 *
 * The file's memory bounds the time: a file with many times the memory of all its
 * client's buffers is not read in place. A large size does not show that, since such
 * files may be sparse. But a small size excludes it, so that clients with small files cost
 * no system call.
 *
 * All this is judged when a buffer is created and when it is attached. A client that
 * allocates memory and frees it between two checks is not noticed.
 */
#include "account.h"
#include "clock.h"
#include "file.h"
#include "inplace.h"
#include "pages.h"

#define LOOK_MS 1000

static uint64_t min(uint64_t a, uint64_t b) {
	return a < b ? a : b;
}

static uint64_t count_bytes(uint64_t start, uint64_t end) {
	return sp_pages_round_up(end) - sp_pages_round_down(start);
}

void sp_inplace_init(struct sp_inplace *inplace, struct sp_account *account,
		struct sp_file *file) {
	*inplace = (struct sp_inplace){
		.account = account,
		.file = file,
		.looked_at = sp_clock_now(),
	};
}

void sp_inplace_add_view(struct sp_inplace *inplace, uint64_t start,
		uint64_t end) {
	/* This has no limit. */
	sp_account_try_charge(inplace->account, SP_RESOURCE_BUFFER_BYTES,
		count_bytes(start, end));
}

void sp_inplace_remove_view(struct sp_inplace *inplace, uint64_t start,
		uint64_t end) {
	sp_account_discharge(inplace->account, SP_RESOURCE_BUFFER_BYTES,
		count_bytes(start, end));
}

/* Memory */

static void discharge(struct sp_inplace *inplace, uint64_t bytes) {
	if (bytes > 0) {
		sp_account_discharge(inplace->account,
			SP_RESOURCE_IN_PLACE_BYTES, bytes);
		inplace->charged -= bytes;
	}
}

/* Existing views may lie in holes, and get memory by the next read: so they count in
 * addition to the file's memory. */
static void settle(struct sp_inplace *inplace) {
	sp_file_look_again(inplace->file);
	uint64_t most = inplace->live + inplace->file->allocated;
	if (inplace->charged > most) {
		discharge(inplace, inplace->charged - most);
	}
}

bool sp_inplace_begin(struct sp_inplace *inplace, struct sp_lock *lock,
		uint64_t pool_size, uint64_t start, uint64_t end) {
	uint64_t bytes = count_bytes(start, end);
	if (inplace->charged > inplace->live + SP_FILE_SLACK) {
		settle(inplace);
	}
	/* Views may overlap. */
	uint64_t all = min(inplace->charged + bytes,
		sp_pages_round_up(pool_size));
	uint64_t more = all - min(all, inplace->charged);
	if (more > 0 && !sp_account_try_charge(inplace->account,
			SP_RESOURCE_IN_PLACE_BYTES, more)) {
		return false;
	}
	inplace->charged += more;
	inplace->live += bytes;
	return true;
}

void sp_inplace_end(struct sp_inplace *inplace, struct sp_lock *lock,
		uint64_t start, uint64_t end) {
	inplace->live -= count_bytes(start, end);
}

void sp_inplace_finish(struct sp_inplace *inplace) {
	discharge(inplace, inplace->charged);
}

/* Time */

bool sp_inplace_exceeds(const struct sp_file *file, uint64_t bytes) {
	return file->allocated > SP_FILE_MANY * bytes + SP_FILE_SLACK;
}

static void look_again(struct sp_inplace *inplace) {
	uint64_t now = sp_clock_now(), last = inplace->looked_at;
	if (now - last >= LOOK_MS && atomic_compare_exchange_strong(
			&inplace->looked_at, &last, now)) {
		sp_file_look_again(inplace->file);
	}
}

bool sp_inplace_is_large(struct sp_inplace *inplace) {
	if (!inplace->file->never_grows || sp_inplace_may_be_large(inplace->file,
			inplace->account)) {
		look_again(inplace);
	}
	return sp_inplace_exceeds(inplace->file,
		sp_inplace_count_buffers(inplace->account));
}
