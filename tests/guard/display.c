/* SPDX-License-Identifier: MIT */
/*
 * What sealpool-run starts in its tests. All that it needs to know of a compositor is that
 * it creates a display:
 *
 *     guard-display create|create-twice|many|cleared|closing|exit|again|none
 *         [STATUS [COMMAND [HOW]]]
 *
 * Creates one display with a wl_shm, two or none. A client connects to the last one and
 * creates an unsealed pool, and what its wl_shm has mapped is printed (see print_mapped()).
 * Then a shell runs COMMAND, and the program exits with STATUS; with "exit", without
 * destroying the display. HOW is that of start_shell().
 *
 * With "many", the client has 400 pools. With "cleared", the environment is cleared first.
 * With "closing", all fds but the standard streams are closed first. With "again", the
 * shell replaces the program.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include "start.h"
#include "user.h"

/* As some programs do. */
static char **copy_environment(void) {
	size_t n = 0;
	while (environ[n] != NULL) {
		n++;
	}
	char **copy = calloc(n + 1, sizeof(copy[0]));
	for (size_t i = 0; copy != NULL && i < n; i++) {
		copy[i] = strdup(environ[i]);
	}
	return copy;
}

int main(int argc, char *argv[]) {
	char **envp = copy_environment();
	const char *what = argc > 1 ? argv[1] : "";
	int displays = strcmp(what, "none") == 0 ? 0 :
		strcmp(what, "create-twice") == 0 ? 2 : 1;
	struct wl_display *display = NULL, *first = NULL;
	if (strcmp(what, "closing") == 0) {
		close_range(STDERR_FILENO + 1, ~0u, 0);
	} else if (strcmp(what, "cleared") == 0) {
		clearenv();
	}
	for (int i = 0; i < displays; i++) {
		first = display;
		display = wl_display_create();
		if (display == NULL) {
			return 98;
		}
	}
	if (display != NULL) {
		int fd = memfd_create("unsealed", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, 4096) < 0 ||
				wl_display_init_shm(display) < 0) {
			return 99;
		}
		use_shm(display, 1, fd, strcmp(what, "many") == 0 ? 400 : 1);
		print_mapped();
	}
	if (argc > 4 && strcmp(what, "again") == 0) {
		exec_shell(argv[4], argv[3], envp);
	}
	if (argc > 3 && (argc > 4 ? start_shell(argv[4], argv[3], envp) :
			system(argv[3])) != 0) {
		return 97;
	}
	if (strcmp(what, "exit") != 0) {
		for (int i = 0; i < displays; i++) {
			struct wl_display *each = i == 0 ? display : first;
			wl_display_destroy_clients(each);
			wl_display_destroy(each);
		}
	}
	return argc > 2 ? atoi(argv[2]) : 0;
}
