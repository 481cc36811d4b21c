/* SPDX-License-Identifier: MIT */
/*
 * The context of statements about the guard.
 *
 * packages: sealpool wayland-server
 */
#include <wayland-server-core.h>

#include <sealpool/guard.h>

int place(void);

int place(void) {
	SNIPPET;
	return 0;
}
