/* SPDX-License-Identifier: MIT */
/*
 * Compositors that use libwayland's functions for wl_shm.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "libwayland.h"
#include "libwayland/wl_shm.h"

/* Found with the conformance suite, which compares pictures of the screen; that a program
 * begins no access, by the functions that it is linked with. */
static const struct {
	const char *program;
	/* NULL if all of its pictures are right. */
	const char *obstacle;
} programs[] = {
	{ "enlightenment", "it begins no access before it reads" },
	{ "gnome-shell", "its pictures could not be captured, to compare them" },
	{ "mutter", "its pictures could not be captured, to compare them" },
	{ "weston", NULL },
};

const char *libwayland_find_obstacle(const char *program) {
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (strcmp(program, programs[i].program) == 0) {
			return programs[i].obstacle;
		}
	}
	return "it is not known to begin an access before each read";
}

static void *find(const char *name) {
	return dlsym(RTLD_NEXT, name);
}

void libwayland_find_functions(struct sp_libwayland *functions) {
	*(void **)&functions->buffer_get = find("wl_shm_buffer_get");
	*(void **)&functions->buffer_create = find("wl_shm_buffer_create");
	*(void **)&functions->buffer_begin_access =
		find("wl_shm_buffer_begin_access");
	*(void **)&functions->buffer_end_access =
		find("wl_shm_buffer_end_access");
	*(void **)&functions->buffer_get_data = find("wl_shm_buffer_get_data");
	*(void **)&functions->buffer_get_stride =
		find("wl_shm_buffer_get_stride");
	*(void **)&functions->buffer_get_format =
		find("wl_shm_buffer_get_format");
	*(void **)&functions->buffer_get_width = find("wl_shm_buffer_get_width");
	*(void **)&functions->buffer_get_height =
		find("wl_shm_buffer_get_height");
	*(void **)&functions->buffer_ref = find("wl_shm_buffer_ref");
	*(void **)&functions->buffer_unref = find("wl_shm_buffer_unref");
	*(void **)&functions->buffer_ref_pool = find("wl_shm_buffer_ref_pool");
	*(void **)&functions->pool_unref = find("wl_shm_pool_unref");
	*(void **)&functions->display_init_shm = find("wl_display_init_shm");
	*(void **)&functions->display_add_shm_format =
		find("wl_display_add_shm_format");
}
