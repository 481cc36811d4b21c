/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_PROCESS_H
#define SEALPOOL_SERVER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/** A process; its start distinguishes it from later ones with the same pid. */
struct sp_process {
	int pid; /* 0 if it has none in our PID namespace */
	/* In ticks of the clock (_SC_CLK_TCK) since the machine started; 0 if
	 * unknown. */
	uint64_t start;
};

#define SP_PROCESS_UNIT_SIZE 512

/** Reads when a process started, and its parent's pid. Returns 0 or a negative errno. */
int sp_process_read(int pid, struct sp_process *process, int *parent);

/**
 * Reads the unit of systemd (a service or a scope) that the process runs in: the user
 * manager's unit if there is one. "unit" is empty if unknown. Returns 0 or a negative
 * errno.
 */
int sp_process_read_unit(int pid, char unit[static SP_PROCESS_UNIT_SIZE]);

/** Finds the unit in the text of /proc/PID/cgroup, which is overwritten. Returns NULL
 * if there is none. */
const char *sp_process_find_unit(char *cgroup);

/** Returns whether the process that created the other end of a socket still exists, so
 * that its pid is not another's. Also true if the kernel does not know. */
bool sp_process_has_peer(int socket_fd);

/** Returns the current time, in the unit of sp_process.start. */
uint64_t sp_process_now(void);

#endif
