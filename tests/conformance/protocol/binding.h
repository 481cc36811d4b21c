/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_PROTOCOL_BINDING_H
#define CONFORMANCE_PROTOCOL_BINDING_H

/**
 * The wl_shm global, bound again.
 */

#include "case.h"
#include "globals.h"

/* More than there are formats. */
#define FORMATS_MAX 1024

struct announced {
	uint32_t formats[FORMATS_MAX];
	size_t formats_len;
};

struct binding {
	struct wl_registry *registry;
	struct client_global global[2];
	struct wl_shm *shm;
	struct announced announced;
};

void find_global(struct test *test, struct client *client,
	struct binding *binding);

/** Binds wl_shm again, and receives its formats. */
void bind_shm(struct test *test, struct client *client,
	struct binding *binding, uint32_t version);

void release_shm(struct wl_shm *shm);
void unbind(struct binding *binding);

/** Returns the version that the client has bound. */
uint32_t newest_version(struct test *test);

void get_formats(struct test *test, struct announced *announced);
size_t count_format(const struct announced *announced,
	uint32_t format);
bool has_format(const struct announced *announced, uint32_t format);

#endif
