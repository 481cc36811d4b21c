/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait instead of the event loop.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>

#include "thread.h"

/* It also holds the thread-local variables of all libraries. */
#define STACK_SIZE ((size_t)256 * 1024)

/*
 * A compositor's thread may have a real-time policy, which its threads would inherit
 * (sway's SCHED_RR): a thread that copies a client's half gigabyte then keeps a
 * processor for 100 ms from the event loop, and from all else for as long as it takes.
 */
static void set_policy(pthread_attr_t *attr) {
	pthread_attr_setschedpolicy(attr, SCHED_OTHER);
	pthread_attr_setschedparam(attr, &(struct sched_param){ 0 });
	pthread_attr_setinheritsched(attr, PTHREAD_EXPLICIT_SCHED);
}

static int create(const pthread_attr_t *attr, void *(*run)(void *data),
		void *data) {
	pthread_t thread;
	return pthread_create(&thread, attr, run, data);
}

int sp_thread_start(void *(*run)(void *data), void *data) {
	/* Signals are for the compositor's own threads. */
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_t attr;
	int ret = pthread_attr_init(&attr);
	if (ret == 0) {
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&attr, STACK_SIZE);
		set_policy(&attr);
		ret = create(&attr, run, data);
		if (ret == EPERM) {
			/* A filter of system calls refuses sched_setscheduler(). */
			pthread_attr_setinheritsched(&attr,
				PTHREAD_INHERIT_SCHED);
			ret = create(&attr, run, data);
		}
		pthread_attr_destroy(&attr);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -ret;
}
