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

void libwayland_find_functions(struct sp_libwayland *functions) {
#define FIND(type, name, parameters, arguments) \
	*(void **)&functions->name = dlsym(RTLD_NEXT, "wl_" #name);
	SP_LIBWAYLAND_FUNCTIONS(FIND)
#undef FIND
}
