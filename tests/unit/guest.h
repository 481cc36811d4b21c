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

/** What guests connect to. */
extern struct display display;

/** Creates the display. */
int guests_setup(void **state, const struct sealpool_budget *budget);
/** For cmocka: all guests leave, and the display goes. Fails when anything is
 * still charged. */
int guests_teardown(void **state);

/** Guests lie in memory in the order in which they have connected. */
struct guest *guest_connect(void);
/** The same for several clients of another process. Returns the first. */
struct guest *guests_connect_elsewhere(int count, pid_t *pid);
/** Gives back all it holds; teardown does it else. */
void guest_leave(struct guest *guest);

bool guest_is_connected(const struct guest *guest);

/* These return 0 or a negative errno. */

int guest_charge_fd(struct guest *guest);
int guest_charge_bytes(struct guest *guest, uint64_t bytes);
void guest_discharge_fd(struct guest *guest);
void guest_discharge_bytes(struct guest *guest, uint64_t bytes);

/** These fail the test where the charge is refused. */
void charge_fds(struct guest *guest, int count);
void charge_bytes(struct guest *guest, uint64_t bytes);

void expect_held(const struct guest *guest, uint32_t pools, uint64_t fds,
	uint64_t bytes);
/** Fails unless the client, and the log, were told a text with these words in
 * it. */
void expect_told(const struct guest *guest, const char *words);

#endif
