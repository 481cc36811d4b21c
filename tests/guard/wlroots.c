/* SPDX-License-Identifier: MIT */
/*
 * What sealpool-run starts in tests of native modules: a compositor that loads wlroots, and
 * carries out its arguments in order:
 *
 *     guard-wlroots LIBRARY STEP...
 *
 *     display         creates a display, which the next steps use
 *     wl_shm, wl_display, create, create_with_renderer
 *                     calls this function of wlroots
 *     own             creates libwayland's wl_shm
 *     loaded          the same, by a function that it looks up in libwayland itself
 *     format          adds a format to it
 *     foreign         creates a wl_shm of its own, which does nothing
 *     connect         connects a client
 *     NUMBER          a client uses the global of this number: see print_mapped()
 *     shell COMMAND   runs a command
 *     end             destroys the display
 *
 * Prints "failed" if such a function fails. Always exits with 0.
 */
#include <dlfcn.h>
#include <drm_fourcc.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "user.h"

static void *library;
static void *renderer;

/* The caller knows the type of the function. */
static void *find(const char *name) {
	void *function = dlsym(library, name);
	if (function == NULL) {
		fprintf(stderr, "no %s\n", name);
		exit(99);
	}
	return function;
}

static bool init(struct wl_display *display, const char *name) {
	bool (*function)(void *, struct wl_display *);
	*(void **)&function = find(name);
	return function(renderer, display);
}

static bool create(struct wl_display *display) {
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888,
	};
	void *(*function)(struct wl_display *, uint32_t, const uint32_t *, size_t);
	*(void **)&function = find("wlr_shm_create");
	return function(display, 1, formats, 2) != NULL;
}

static bool create_with_renderer(struct wl_display *display) {
	void *(*function)(struct wl_display *, uint32_t, void *);
	*(void **)&function = find("wlr_shm_create_with_renderer");
	return function(display, 2, renderer) != NULL;
}

/* Like a program that loads libwayland by itself, and so does not get the preloaded
 * functions. */
static bool init_loaded(struct wl_display *display) {
	void *libwayland = dlopen("libwayland-server.so.0", RTLD_NOW);
	int (*function)(struct wl_display *) = NULL;
	if (libwayland != NULL) {
		*(void **)&function = dlsym(libwayland, "wl_display_init_shm");
	}
	return function != NULL && function(display) == 0;
}

static void use(struct wl_display *display, uint32_t global) {
	int fd = memfd_create("unsealed", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 4096) < 0) {
		exit(99);
	}
	use_shm(display, global, fd, 1);
	print_mapped();
	close(fd);
}

static void bind_nothing(struct wl_client *client, void *data, uint32_t version,
		uint32_t id) {
	wl_client_post_no_memory(client);
}

/* Returns the display for the next step. */
static struct wl_display *take_step(struct wl_display *display, const char *step) {
	bool ok = true;
	if (strcmp(step, "display") == 0) {
		display = wl_display_create();
		ok = display != NULL;
	} else if (strcmp(step, "wl_shm") == 0) {
		ok = init(display, "wlr_renderer_init_wl_shm");
	} else if (strcmp(step, "wl_display") == 0) {
		ok = init(display, "wlr_renderer_init_wl_display");
	} else if (strcmp(step, "create") == 0) {
		ok = create(display);
	} else if (strcmp(step, "create_with_renderer") == 0) {
		ok = create_with_renderer(display);
	} else if (strcmp(step, "own") == 0) {
		ok = wl_display_init_shm(display) == 0;
	} else if (strcmp(step, "loaded") == 0) {
		ok = init_loaded(display);
	} else if (strcmp(step, "format") == 0) {
		ok = wl_display_add_shm_format(display, WL_SHM_FORMAT_RGB565) !=
			NULL;
	} else if (strcmp(step, "foreign") == 0) {
		ok = wl_global_create(display, &wl_shm_interface, 1, NULL,
			bind_nothing) != NULL;
	} else if (strcmp(step, "connect") == 0) {
		connect_client(display);
	} else if (strcmp(step, "end") == 0) {
		wl_display_destroy_clients(display);
		wl_display_destroy(display);
	} else {
		use(display, (uint32_t)atoi(step));
	}
	if (!ok) {
		puts("failed");
		fflush(stdout);
	}
	return display;
}

int main(int argc, char *argv[]) {
	library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
	if (library == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return 99;
	}
	void *(*create_renderer)(void);
	*(void **)&create_renderer = find("wlr_pixman_renderer_create");
	renderer = create_renderer();
	struct wl_display *display = NULL;
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "shell") == 0 && i + 1 < argc) {
			if (system(argv[++i]) != 0) {
				return 97;
			}
		} else {
			display = take_step(display, argv[i]);
		}
	}
	return 0;
}
