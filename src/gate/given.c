/* SPDX-License-Identifier: MIT */
/*
 * Charges the compositor's copies to clients.
 *
 * A keymap is read and closed when its request is dispatched, a profile when an image
 * description is created from it. Until then, the memory and the descriptor are the
 * compositor's own, so a client could make it use up all of either.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "given.h"
#include "memory/account.h"
#include "server/client.h"

struct given_copy {
	struct wl_list link; /* sp_given.copies */
	struct sp_given *given;
	struct sp_client *client;
	struct wl_listener resource_destroy;
	uint64_t bytes;
	/* What identifies the file behind this number. */
	int fd;
	dev_t device;
	ino_t inode;
};

static void forget(struct given_copy *copy) {
	if (copy->given->newest == copy) {
		copy->given->newest = NULL;
	}
	wl_list_remove(&copy->link);
	wl_list_remove(&copy->resource_destroy.link);
	sp_account_discharge(&copy->client->account, SP_RESOURCE_SHADOW_BYTES,
		copy->bytes);
	sp_account_discharge(&copy->client->account, SP_RESOURCE_FDS, 1);
	sp_client_unref(copy->client);
	free(copy);
}

static void handle_resource_destroy(struct wl_listener *listener, void *data) {
	struct given_copy *copy =
		wl_container_of(listener, copy, resource_destroy);
	forget(copy);
}

/* Only memory is asked for its inode: by now, the number may be that of a file whose
 * server never responds. */
static bool is_open(const struct given_copy *copy) {
	struct stat st;
	return fcntl(copy->fd, F_GET_SEALS) >= 0 && fstat(copy->fd, &st) == 0 &&
		st.st_dev == copy->device && st.st_ino == copy->inode;
}

/* A compositor may close a copy later, such as a keymap that another one has replaced.
 * Returns whether it has closed any. */
static bool forget_closed(struct sp_given *given) {
	bool found = false;
	struct given_copy *copy, *next;
	wl_list_for_each_safe(copy, next, &given->copies, link) {
		if (!is_open(copy)) {
			forget(copy);
			found = true;
		}
	}
	return found;
}

/* Returns false after an error for the client. */
static bool charge(struct sp_given *given, struct sp_client *client,
		enum sp_resource resource, uint64_t amount) {
	while (sp_account_charge(&client->account, resource, amount) < 0) {
		if (!forget_closed(given) && !sp_client_make_room(client)) {
			sp_client_post_refused(client);
			return false;
		}
	}
	return true;
}

void sp_given_init(struct sp_given *given) {
	wl_list_init(&given->copies);
	given->newest = NULL;
}

void sp_given_finish(struct sp_given *given) {
	struct given_copy *copy, *next;
	wl_list_for_each_safe(copy, next, &given->copies, link) {
		forget(copy);
	}
}

int sp_given_add(struct sp_given *given, struct sp_client *client,
		struct wl_resource *resource, int fd) {
	struct stat st;
	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	struct given_copy *copy = calloc(1, sizeof(*copy));
	if (copy == NULL) {
		return -ENOMEM;
	}
	/* st_blocks counts units of 512 bytes on every file system. */
	copy->bytes = (uint64_t)st.st_blocks * 512;
	if (!charge(given, client, SP_RESOURCE_FDS, 1)) {
		free(copy);
		return -EDQUOT;
	}
	if (!charge(given, client, SP_RESOURCE_SHADOW_BYTES, copy->bytes)) {
		sp_account_discharge(&client->account, SP_RESOURCE_FDS, 1);
		free(copy);
		return -EDQUOT;
	}
	copy->given = given;
	copy->client = client;
	sp_client_ref(client);
	copy->fd = fd;
	copy->device = st.st_dev;
	copy->inode = st.st_ino;
	copy->resource_destroy.notify = handle_resource_destroy;
	wl_resource_add_destroy_listener(resource, &copy->resource_destroy);
	wl_list_insert(&given->copies, &copy->link);
	given->newest = copy;
	return 0;
}

void sp_given_settle(struct sp_given *given) {
	if (!is_open(given->newest)) {
		forget(given->newest);
	}
	given->newest = NULL;
}
