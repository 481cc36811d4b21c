/* SPDX-License-Identifier: MIT */
/*
 * libsealpool-libwayland, which always uses Sealpool.
 */
#include <sealpool/libwayland.h>

#include "wl_shm.h"

const struct sp_libwayland *sp_libwayland_choose(void) {
	return &sp_libwayland;
}

void sealpool_libwayland_set_options(const struct sealpool_options *options) {
	sp_libwayland_set_options(options);
}
