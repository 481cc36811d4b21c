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
	/* libsealpool-libwayland: a copy stays as long as its buffer, and there is
	 * neither feedback nor a monitor. */
	bool keeps_copies;
	/* There is no display, so sealpool-run is to end the command. */
	bool unguarded;
	/* The first failure. */
	char failure[1024];
};

/** Has the compositor run a command of host.c. Returns false if it has ended. */
bool compositor_tell(struct compositor_process *compositor, char command,
	uint32_t client);

/** Keeps the first failure. Returns false. */
bool compositor_fail(struct compositor_process *compositor, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Runs all steps. A failure is in .failure. */
void scenario_run(struct compositor_process *compositor);

/** Returns the name of an actor of control.h, for example "truncating". */
const char *scenario_get_name(uint32_t actor);
uint32_t scenario_find_actor(const char *name);

#endif
