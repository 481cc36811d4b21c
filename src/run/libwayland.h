/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_LIBWAYLAND_H
#define SEALPOOL_RUN_LIBWAYLAND_H

struct sp_libwayland;

/**
 * Returns why a program keeps libwayland's functions for wl_shm; NULL if Sealpool's can
 * take their place, since it begins an access before it reads.
 */
const char *libwayland_find_obstacle(const char *program);

/** Sets the functions to libwayland's own; NULL for those that it does not have. */
void libwayland_find_functions(struct sp_libwayland *functions);

#endif
