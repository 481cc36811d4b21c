/* SPDX-License-Identifier: MIT */
#ifndef GUARD_START_H
#define GUARD_START_H

/**
 * Has a shell run a command, and waits for it. It is started by the function of the
 * name "how", with the environment "envp" if that takes one; "closing" closes all fds
 * but the standard streams before; "limited" sets a limit of 500 fds of its own;
 * "failing" starts nothing, and prints the limit after it has tried. Returns the shell's status, or -1.
 */
int start_shell(const char *how, char *command, char *envp[]);

#endif
