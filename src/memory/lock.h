/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_LOCK_H
#define SEALPOOL_MEMORY_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/*
 * Locks that clang's -Wthread-safety checks: a function that requires a lock declares it
 * by SP_REQUIRES(). Clang rejects a call without the lock, and a path that keeps a lock or
 * releases it twice. It identifies a lock by the expression in which it is acquired, so a
 * function that requires "copies->lock" takes "copies" as an argument. Calls of function
 * pointers are not checked. Members are not annotated: ThreadSanitizer checks which lock
 * protects them.
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

/* Clang does not know pthread's functions, and trusts these annotations. */

static inline void sp_lock_acquire(struct sp_lock *lock)
		SP_LOCK_ATTRIBUTE(acquire_capability(*lock))
		SP_LOCK_ATTRIBUTE(no_thread_safety_analysis) {
	pthread_mutex_lock(&lock->mutex);
}

/** Acquires the lock if that is possible without waiting. Returns whether it did. */
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

/** Waits for a condition; the lock is released while waiting. */
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
