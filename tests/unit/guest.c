/* SPDX-License-Identifier: MIT */
/*
 * Clients in the test's own process, or in one that has exited. Only their connections
 * are used.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "server/context.h"
#include "traces.h"

struct display display;

static struct guest guests[GUESTS_MAX];
static int guests_len;

int guests_setup(void **state, const struct sealpool_budget *budget) {
	traces_setup(state);
	display_init(&display, budget);
	return 0;
}

int guests_teardown(void **state) {
	while (guests_len > 0) {
		guests_len--;
		if (guests[guests_len].client != NULL) {
			guest_leave(&guests[guests_len]);
		}
	}
	const struct sp_account *all = &display.context->all;
	uint64_t fds = all->used[SP_RESOURCE_FDS];
	uint64_t bytes = all->used[SP_RESOURCE_SHADOW_BYTES];
	display_finish(&display);
	if (fds != 0 || bytes != 0) {
		print_error("%llu fds and %llu bytes are still charged\n",
			(unsigned long long)fds, (unsigned long long)bytes);
		return -1;
	}
	return traces_teardown(state);
}

int guest_charge_fd(struct guest *guest) {
	return sp_account_charge(&guest->client->account, SP_RESOURCE_FDS, 1);
}

void guest_discharge_fd(struct guest *guest) {
	sp_account_discharge(&guest->client->account, SP_RESOURCE_FDS, 1);
}

/* Charged as the shadow of another wl_shm, which cannot be reclaimed. */
int guest_charge_bytes(struct guest *guest, uint64_t bytes) {
	struct sp_account *account = &guest->client->account;
	int ret = sp_account_charge(account, SP_RESOURCE_SHADOW_BYTES, bytes);
	return ret < 0 ? ret : sp_account_charge(account,
		SP_RESOURCE_PINNED_BYTES, bytes);
}

void guest_discharge_bytes(struct guest *guest, uint64_t bytes) {
	struct sp_account *account = &guest->client->account;
	sp_account_discharge(account, SP_RESOURCE_SHADOW_BYTES, bytes);
	sp_account_discharge(account, SP_RESOURCE_PINNED_BYTES, bytes);
}

void charge_fds(struct guest *guest, int count) {
	for (int i = 0; i < count; i++) {
		assert_int_equal(guest_charge_fd(guest), 0);
	}
}

void charge_bytes(struct guest *guest, uint64_t bytes) {
	assert_int_equal(guest_charge_bytes(guest, bytes), 0);
}

/* As destroying its pools does. */
static void give_back(struct guest *guest) {
	struct sp_client *client = guest->client;
	while (client->pools_len > 0) {
		sp_client_dismiss_pool(client, true);
	}
	while (client->buffers_len > 0) {
		sp_client_dismiss_buffer(client);
	}
	while (client->account.used[SP_RESOURCE_FDS] > 0) {
		guest_discharge_fd(guest);
	}
	guest_discharge_bytes(guest,
		client->account.used[SP_RESOURCE_SHADOW_BYTES]);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct guest *guest = wl_container_of(listener, guest, destroy);
	wl_list_remove(&guest->destroy.link);
	wl_list_init(&guest->destroy.link);
	give_back(guest);
}

static struct guest *add_guest(struct wl_client *wl_client, int fd) {
	assert_in_range(guests_len, 0, GUESTS_MAX - 1);
	struct guest *guest = &guests[guests_len++];
	*guest = (struct guest){ .wl_client = wl_client, .fd = fd };
	guest->client = sp_client_get(display.context, wl_client);
	assert_non_null(guest->client);
	/* The reference keeps the record after the client has gone. */
	sp_client_ref(guest->client);
	guest->destroy.notify = handle_destroy;
	wl_client_add_destroy_listener(wl_client, &guest->destroy);
	return guest;
}

struct guest *guest_connect(void) {
	int fd;
	struct wl_client *wl_client = display_connect(&display, &fd);
	return add_guest(wl_client, fd);
}

void guest_leave(struct guest *guest) {
	wl_list_remove(&guest->destroy.link);
	give_back(guest);
	sp_client_unref(guest->client);
	guest->client = NULL;
	close(guest->fd);
}

struct guest *guests_connect_elsewhere(int count, pid_t *pid) {
	int mine[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, mine), 0);
	int fds[2 * GUESTS_MAX];
	size_t size = 2 * sizeof(int) * (size_t)count;
	assert_true(size <= sizeof(fds));
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(size),
	};
	fflush(NULL);
	*pid = fork();
	assert_true(*pid >= 0);
	if (*pid == 0) {
		/* The kernel records which process creates the sockets. */
		for (int i = 0; i < count; i++) {
			if (socketpair(AF_UNIX, SOCK_STREAM, 0,
					&fds[2 * i]) < 0) {
				_exit(1);
			}
		}
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(&control.header), fds, size);
		_exit(sendmsg(mine[1], &message, 0) != 1);
	}
	int status;
	assert_int_equal(waitpid(*pid, &status, 0), *pid);
	assert_int_equal(status, 0);
	assert_int_equal(recvmsg(mine[0], &message, MSG_CMSG_CLOEXEC), 1);
	assert_int_equal(control.header.cmsg_len, CMSG_LEN(size));
	memcpy(fds, CMSG_DATA(&control.header), size);
	close(mine[0]);
	close(mine[1]);
	struct guest *first = &guests[guests_len];
	for (int i = 0; i < count; i++) {
		struct wl_client *wl_client =
			wl_client_create(display.wl, fds[2 * i]);
		assert_non_null(wl_client);
		add_guest(wl_client, fds[2 * i + 1]);
	}
	return first;
}

bool guest_is_connected(const struct guest *guest) {
	return guest->client->wl_client != NULL;
}

void expect_held(const struct guest *guest, uint32_t pools, uint64_t fds,
		uint64_t bytes) {
	const struct sp_client *client = guest->client;
	uint64_t has_fds = client->account.used[SP_RESOURCE_FDS];
	uint64_t has_bytes = client->account.used[SP_RESOURCE_SHADOW_BYTES];
	if (client->pools_len != pools || has_fds != fds ||
			has_bytes != bytes) {
		fail_msg("the client holds %u pools, %llu fds and %llu bytes, "
			"not %u, %llu and %llu", client->pools_len,
			(unsigned long long)has_fds,
			(unsigned long long)has_bytes, pools,
			(unsigned long long)fds, (unsigned long long)bytes);
	}
}

void expect_told(const struct guest *guest, const char *words) {
	char bytes[4096];
	wl_display_flush_clients(display.wl);
	ssize_t n = recv(guest->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n <= 0 || memmem(bytes, (size_t)n, words, strlen(words)) == NULL) {
		fail_msg("not told of \"%s\" in %zd bytes", words, n);
	}
	if (strstr(display.message, words) == NULL) {
		fail_msg("no \"%s\" in the log: \"%s\"", words,
			display.message);
	}
}
