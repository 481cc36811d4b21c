/* SPDX-License-Identifier: MIT */
/*
 * The pages of a pinned shadow: one that the guarded wl_shm has mapped.
 *
 * The guarded wl_shm reads without notice. If it reads a page that was freed, it sees
 * zeroes, and the page has memory again that is charged to nobody. So before anything
 * here changes the shadow's memory, the kernel's number is compared with the charge. If
 * there is more, the compositor reads buffers after releasing them, and from then on
 * nothing is freed.
 *
 * If the kernel uses huge pages for shadows (shmem_enabled), a page's neighbours are
 * allocated with it, which looks like such a read. Nothing is freed then, either.
 *
 * Nothing is reclaimed while the lock is held: that may be pages of the same shadow. All of
 * this runs on the event loop's thread, behind a guard, so that no backing is destroyed
 * while one of its copies is being freed.
 */
#include "account.h"
#include "pinned.h"

static void look_for_reads(struct sp_pinned *pinned)
		SP_REQUIRES(pinned->lock) {
	if (pinned->gave_back && sp_shadow_settle(&pinned->shadow) > 0) {
		*pinned->reads_late = true;
	}
}

static void punch(void *data, uint64_t start, uint64_t end) {
	struct sp_pinned *pinned = data;
	sp_shadow_release(&pinned->shadow, start, end);
	pinned->gave_back = true;
}

int sp_pinned_use(struct sp_pinned *pinned, uint64_t start, uint64_t end) {
	struct sp_shadow *shadow = &pinned->shadow;
	sp_lock_acquire(pinned->lock);
	look_for_reads(pinned);
	int64_t lacking = sp_uses_add(&pinned->uses, start, end);
	sp_lock_release(pinned->lock);
	if (lacking <= 0) {
		return (int)lacking;
	}
	/* The charge may reclaim pages, but not these, which have a user. */
	uint64_t paid = (uint64_t)lacking;
	int ret = sp_shadow_prepay(shadow, paid);
	sp_lock_acquire(pinned->lock);
	if (ret == 0) {
		ret = sp_shadow_fill(shadow, start, end, paid);
	}
	if (ret < 0) {
		sp_uses_remove(&pinned->uses, start, end, punch, pinned);
	} else {
		pinned->allocated += paid;
	}
	sp_lock_release(pinned->lock);
	return ret;
}

void sp_pinned_give_back(struct sp_pinned *pinned, uint64_t start,
		uint64_t end) {
	sp_lock_acquire(pinned->lock);
	look_for_reads(pinned);
	if (!*pinned->reads_late) {
		sp_uses_remove(&pinned->uses, start, end, punch, pinned);
	}
	sp_lock_release(pinned->lock);
}

int sp_pinned_init(struct sp_pinned *pinned, struct sp_account *account,
		struct sp_lock *lock, atomic_bool *reads_late,
		uint64_t size) {
	pinned->lock = lock;
	pinned->reads_late = reads_late;
	int ret = sp_shadow_init(&pinned->shadow, account, size);
	pinned->shadow.pinned = ret == 0;
	return ret;
}

void sp_pinned_finish(struct sp_pinned *pinned) {
	sp_lock_acquire(pinned->lock);
	look_for_reads(pinned);
	sp_lock_release(pinned->lock);
	sp_uses_finish(&pinned->uses);
	sp_shadow_finish(&pinned->shadow);
}
