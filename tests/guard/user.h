/* SPDX-License-Identifier: MIT */
#ifndef GUARD_USER_H
#define GUARD_USER_H

#include <stdint.h>

struct wl_display;

/** Connects a silent client to a display of this thread. Returns its socket. */
int connect_client(struct wl_display *server);

/** Has a client create pools of one page of a file. It binds the global with this number,
 * which must be a wl_shm. */
void use_shm(struct wl_display *server, uint32_t global, int fd,
	uint32_t pools);

/**
 * Prints how pools of the memfd "unsealed" are read. This process has one descriptor of
 * it, besides those of the pools:
 *
 * - unguarded: the file is mapped
 * - guarded: a shadow is mapped
 * - native: nothing is mapped, but a pool has a descriptor of the file
 * - nothing: there is no such pool
 */
void print_mapped(void);

#endif
