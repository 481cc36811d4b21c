/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait instead of the event loop.
 */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#include "thread.h"

/* It also holds the thread-local variables of all libraries. */
#define STACK_SIZE ((size_t)256 * 1024)

int sp_thread_start(void *(*run)(void *data), void *data) {
	/* Signals are for the compositor's own threads. */
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_t attr;
	pthread_t thread;
	int ret = pthread_attr_init(&attr);
	if (ret == 0) {
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&attr, STACK_SIZE);
		ret = pthread_create(&thread, &attr, run, data);
		pthread_attr_destroy(&attr);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -ret;
}
