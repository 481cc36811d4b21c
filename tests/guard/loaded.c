/* SPDX-License-Identifier: MIT */
/*
 * A compositor that loads libwayland-server, and is not linked with it:
 *
 *     guard-loaded [wait]
 *
 * Prints whether it could create a display. With "wait", it does not exit by itself.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char *argv[]) {
	void *library = dlopen("libwayland-server.so.0", RTLD_NOW);
	if (library == NULL) {
		return 99;
	}
	void *(*create)(void);
	*(void **)&create = dlsym(library, "wl_display_create");
	puts(create != NULL && create() != NULL ? "a display" : "no display");
	fflush(stdout);
	if (argc > 1) {
		pause();
	}
	return 0;
}
