/* SPDX-License-Identifier: MIT */
#ifndef UNIT_GUEST_H
#define UNIT_GUEST_H

/**
 * Clients that hold what a test charges to them, as if they had pools.
 */

#include <sys/types.h>
#include <wayland-server-core.h>

#include "display.h"
#include "server/client.h"

/** A client, and its end of the connection. */
struct guest {
	struct wl_client *wl_client;
	struct sp_client *client;
	int fd;
	struct wl_listener destroy;
};

#define GUESTS_MAX 200

/** The display that guests connect to. */
extern struct display display;

/** Creates the display. */
int guests_setup(void **state, const struct sealpool_budget *budget);
/** For cmocka: destroys all guests and the display. Fails if anything is still
 * charged. */
int guests_teardown(void **state);

/** Guests are in memory in the order of their connections. */
struct guest *guest_connect(void);
/** Connects several clients of another process. Returns the first. */
struct guest *guests_connect_elsewhere(int count, pid_t *pid);
/** Releases all that the guest holds; otherwise, teardown does it. */
void guest_leave(struct guest *guest);

bool guest_is_connected(const struct guest *guest);

/* These return 0 or a negative errno. */

int guest_charge_fd(struct guest *guest);
int guest_charge_bytes(struct guest *guest, uint64_t bytes);
void guest_discharge_fd(struct guest *guest);
void guest_discharge_bytes(struct guest *guest, uint64_t bytes);

/** These fail the test if the charge is refused. */
void charge_fds(struct guest *guest, int count);
void charge_bytes(struct guest *guest, uint64_t bytes);

void expect_held(const struct guest *guest, uint32_t pools, uint64_t fds,
	uint64_t bytes);
/** Fails unless the client's error and the log contain these words. */
void expect_told(const struct guest *guest, const char *words);

#endif
