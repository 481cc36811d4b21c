/* SPDX-License-Identifier: MIT */
/*
 * libwayland-server's functions for wl_shm under their own names.
 */
#include <wayland-server-core.h>

#include "wl_shm.h"

/* Newer headers of libwayland say const in some functions. */
#ifndef SP_LIBWAYLAND_SAYS_CONST
#undef SP_READ_ONLY
#define SP_READ_ONLY
#endif

/* libwayland's header has these two since version 1.24. */
struct wl_shm_buffer *wl_shm_buffer_ref(struct wl_shm_buffer *buffer);
void wl_shm_buffer_unref(struct wl_shm_buffer *buffer);

#define EXPORT(type, name, parameters, arguments) \
	type wl_##name parameters { \
		return sp_libwayland_choose()->name arguments; \
	}

SP_LIBWAYLAND_FUNCTIONS(EXPORT)
