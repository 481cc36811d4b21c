/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_PROCESS_H
#define SEALPOOL_SERVER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A process, told from later ones that have the same number. */
struct sp_process {
	int pid; /* 0 where it has no number in our PID namespace */
	/* In ticks of the clock (_SC_CLK_TCK) since the machine started; 0 where
	 * that is not known. */
	uint64_t start;
};

#define SP_PROCESS_UNIT_SIZE 512

/** Reads when a process started, and its parent's number. Returns 0 or a negative
 * errno. */
int sp_process_read(int pid, struct sp_process *process, int *parent);

/**
 * Reads which unit of systemd (a service or a scope) the process runs in, of the
 * user's manager if it is one of its. "unit" is empty where it is not known. Returns 0
 * or a negative errno.
 */
int sp_process_read_unit(int pid, char unit[static SP_PROCESS_UNIT_SIZE]);

/** Finds the unit in what is in /proc/PID/cgroup, which is overwritten. Returns NULL
 * if there is none. */
const char *sp_process_find_unit(char *cgroup);

/** Whether the process that made the other end of a socket is still there, so that
 * its number is not another's; also true where the kernel cannot tell. */
bool sp_process_has_peer(int socket_fd);

/** The time now, as that of sp_process.start. */
uint64_t sp_process_now(void);

#endif
