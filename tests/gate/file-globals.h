/* SPDX-License-Identifier: MIT */
#ifndef GATE_FILE_GLOBALS_H
#define GATE_FILE_GLOBALS_H

/**
 * Interfaces with requests that carry files. Each is a global here, though compositors
 * create some of them by requests on other objects.
 */

#include <stdbool.h>
#include <stdint.h>

struct wl_display;
struct wl_message;
union wl_argument;

/** An interface that the gate does not know: take(fd), take_two(fd, number, fd),
 * plain(number). */
extern const struct wl_interface gate_unknown_interface;

/** Takes ownership of an fd, which may be -1. */
typedef void (*file_func)(const struct wl_message *message,
	const union wl_argument *args, int fd, void *data);

/** Advertises all of them, on one display at a time. Returns false if there is no
 * memory. */
bool file_globals_create(struct wl_display *display, file_func func,
	void *data);

#endif
