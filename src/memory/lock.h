/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_LOCK_H
#define SEALPOOL_MEMORY_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/*
 * Locks that clang's -Wthread-safety knows: a function that is to be called with a lock
 * held says so by SP_REQUIRES(), and clang rejects a call without it, and a path that
 * keeps a lock or releases it twice. A lock is known by the expression that it is taken
 * by, so a function that requires "copies->lock" takes "copies" as an argument. Calls of
 * function pointers are not checked. Which members a lock protects is not said here:
 * ThreadSanitizer finds that out.
 */
#ifdef __clang__
#define SP_LOCK_ATTRIBUTE(...) __attribute__((__VA_ARGS__))
#else
#define SP_LOCK_ATTRIBUTE(...)
#endif

/** The caller holds the lock, at the beginning and at the end. */
#define SP_REQUIRES(lock) SP_LOCK_ATTRIBUTE(requires_capability(lock))

struct SP_LOCK_ATTRIBUTE(capability("lock")) sp_lock {
	pthread_mutex_t mutex;
};

#define SP_LOCK_INITIALIZER { .mutex = PTHREAD_MUTEX_INITIALIZER }

/** Returns 0 or a negative errno. */
static inline int sp_lock_init(struct sp_lock *lock) {
	return -pthread_mutex_init(&lock->mutex, NULL);
}

static inline void sp_lock_finish(struct sp_lock *lock) {
	pthread_mutex_destroy(&lock->mutex);
}

/* Clang knows nothing of pthread's: it believes what is said of these. */

static inline void sp_lock_acquire(struct sp_lock *lock)
		SP_LOCK_ATTRIBUTE(acquire_capability(*lock))
		SP_LOCK_ATTRIBUTE(no_thread_safety_analysis) {
	pthread_mutex_lock(&lock->mutex);
}

/** Returns whether it has the lock, without waiting for it. */
static inline bool sp_lock_try_acquire(struct sp_lock *lock)
		SP_LOCK_ATTRIBUTE(try_acquire_capability(true, *lock))
		SP_LOCK_ATTRIBUTE(no_thread_safety_analysis) {
	return pthread_mutex_trylock(&lock->mutex) == 0;
}

static inline void sp_lock_release(struct sp_lock *lock)
		SP_LOCK_ATTRIBUTE(release_capability(*lock))
		SP_LOCK_ATTRIBUTE(no_thread_safety_analysis) {
	pthread_mutex_unlock(&lock->mutex);
}

/** Waits for a condition, without the lock meanwhile. */
static inline void sp_lock_wait(pthread_cond_t *condition, struct sp_lock *lock)
		SP_REQUIRES(*lock) {
	pthread_cond_wait(condition, &lock->mutex);
}

/** The same until a deadline of the condition's clock. Returns 0 or a negative errno:
 * -ETIMEDOUT. */
static inline int sp_lock_wait_until(pthread_cond_t *condition,
		struct sp_lock *lock, const struct timespec *deadline)
		SP_REQUIRES(*lock) {
	return -pthread_cond_timedwait(condition, &lock->mutex, deadline);
}

#endif
