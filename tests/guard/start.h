/* SPDX-License-Identifier: MIT */
#ifndef GUARD_START_H
#define GUARD_START_H

/**
 * Has a shell run a command, and waits for it. The function named "how" starts it, with the
 * environment "envp" if it takes one. "closing" first closes all fds but the standard
 * streams; "limited" first sets its own limit of 500 fds; "failing" starts nothing, and
 * prints the limit after the attempt. Returns the shell's status, or -1.
 */
int start_shell(const char *how, char *command, char *envp[]);

/** Replaces this process by such a shell; "how" is not "posix_spawn" or "posix_spawnp".
 * Exits with 96 if that fails. */
void exec_shell(const char *how, char *command, char *envp[]);

#endif
