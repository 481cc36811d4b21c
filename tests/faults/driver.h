/* SPDX-License-Identifier: MIT */
#ifndef FAULTS_DRIVER_H
#define FAULTS_DRIVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "control.h"

/** The compositor whose calls fail: host.c. */
struct compositor_process {
	pid_t pid;
	int to, from;
	char socket[64];
	char directory[64];
	struct faults_control *control;
	uint32_t clients;
	/* The wl_shm is libwayland's, behind a guard. */
	bool libwayland;
	/* libsealpool-libwayland: a copy stays as long as its buffer, and neither feedback
	 * nor a monitor is offered. */
	bool keeps_copies;
	/* There is no display, and sealpool-run is to end it for that. */
	bool unguarded;
	/* What was found first. */
	char failure[1024];
};

/** Has it do what a command of host.c's says. Returns false if it is gone. */
bool compositor_tell(struct compositor_process *compositor, char command,
	uint32_t client);

/** Notes what is wrong, unless something was before. Returns false. */
bool compositor_fail(struct compositor_process *compositor, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Does all steps. What went wrong is in .failure. */
void scenario_run(struct compositor_process *compositor);

/** "truncating": an actor of control.h. */
const char *scenario_get_name(uint32_t actor);
uint32_t scenario_find_actor(const char *name);

#endif
