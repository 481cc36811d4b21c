/* SPDX-License-Identifier: MIT */
/*
 * What clients may hold: each limit to the unit, what a refusal says and leaves
 * as it was, who has to go when all together hold too much, and that charges of
 * many threads add up.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "between.h"
#include "child.h"
#include "display.h"
#include "policy/evict.h"
#include "policy/limits.h"
#include "server/client.h"
#include "server/context.h"
#include "server/pool.h"
#include "shm.h"
#include "traces.h"

/* Each another number, so that none is hit in another's place. */
#define POOLS 5
#define FDS 7
#define BUFFERS 9
#define BYTES 1000

/* For all clients together, where each may hold plenty. */
#define ALL_FDS 48
#define ALL_BYTES 4800

static struct display display;

/* Processes are as in another PID namespace. */
static bool are_elsewhere;

void __real_wl_client_get_credentials(struct wl_client *client, pid_t *pid,
	uid_t *uid, gid_t *gid);
void __wrap_wl_client_get_credentials(struct wl_client *client, pid_t *pid,
	uid_t *uid, gid_t *gid);

/* As the kernel tells of who has no number here (seen on Linux 6.18). */
void __wrap_wl_client_get_credentials(struct wl_client *client, pid_t *pid,
		uid_t *uid, gid_t *gid) {
	__real_wl_client_get_credentials(client, pid, uid, gid);
	if (are_elsewhere && pid != NULL) {
		*pid = 0;
	}
}

/* A client, and its end of the connection. */
struct guest {
	struct wl_client *wl_client;
	struct sp_client *client;
	int fd;
	struct wl_listener destroy;
};

static int setup_with(void **state, const struct sealpool_budget *budget) {
	traces_setup(state);
	display_init(&display, budget);
	return 0;
}

static int setup(void **state) {
	return setup_with(state, &(struct sealpool_budget){
		.pools = POOLS,
		.fds = FDS,
		.buffers = BUFFERS,
		.shadow_bytes = BYTES,
	});
}

/* Plenty for one, so that only what all have in common runs out. */
static int setup_common(void **state) {
	return setup_with(state, &(struct sealpool_budget){
		.pools = 1000,
		.fds = 1000,
		.all_fds = ALL_FDS,
		.shadow_bytes = 100000,
		.all_shadow_bytes = ALL_BYTES,
	});
}

static int teardown(void **state) {
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

static void make_room(void) {
	sp_evict_for(display.context, SP_RESOURCE_FDS, 0, NULL);
	sp_evict_for(display.context, SP_RESOURCE_SHADOW_BYTES, 0, NULL);
}

static int charge_fd(struct sp_client *client) {
	return sp_account_charge(&client->account, SP_RESOURCE_FDS, 1);
}

static void discharge_fd(struct sp_client *client) {
	sp_account_discharge(&client->account, SP_RESOURCE_FDS, 1);
}

/* Of what another wl_shm has mapped, as it cannot be reclaimed. */
static int charge_bytes_of(struct sp_client *client, uint64_t bytes) {
	int ret = sp_account_charge(&client->account,
		SP_RESOURCE_SHADOW_BYTES, bytes);
	return ret < 0 ? ret : sp_account_charge(&client->account,
		SP_RESOURCE_PINNED_BYTES, bytes);
}

static void discharge_bytes(struct sp_client *client, uint64_t bytes) {
	sp_account_discharge(&client->account, SP_RESOURCE_SHADOW_BYTES,
		bytes);
	sp_account_discharge(&client->account, SP_RESOURCE_PINNED_BYTES,
		bytes);
}

/* Gives back all it holds, as its pools do when they go. */
static void give_back(struct sp_client *client) {
	while (client->pools_len > 0) {
		sp_client_dismiss_pool(client, true);
	}
	while (client->buffers_len > 0) {
		sp_client_dismiss_buffer(client);
	}
	while (client->account.used[SP_RESOURCE_FDS] > 0) {
		discharge_fd(client);
	}
	discharge_bytes(client, client->account.used[SP_RESOURCE_SHADOW_BYTES]);
}

static void handle_guest_destroy(struct wl_listener *listener, void *data) {
	struct guest *guest = wl_container_of(listener, guest, destroy);
	wl_list_remove(&guest->destroy.link);
	wl_list_init(&guest->destroy.link);
	give_back(guest->client);
}

static void guest_init(struct guest *guest, struct wl_client *wl_client,
		int fd) {
	*guest = (struct guest){ .wl_client = wl_client, .fd = fd };
	guest->client = sp_client_get(display.context, wl_client);
	assert_non_null(guest->client);
	/* To look at it when it has gone. */
	sp_client_ref(guest->client);
	guest->destroy.notify = handle_guest_destroy;
	wl_client_add_destroy_listener(wl_client, &guest->destroy);
}

static void guest_connect(struct guest *guest) {
	int fd;
	struct wl_client *wl_client = display_connect(&display, &fd);
	guest_init(guest, wl_client, fd);
}

static void guest_leave(struct guest *guest) {
	wl_list_remove(&guest->destroy.link);
	give_back(guest->client);
	sp_client_unref(guest->client);
	close(guest->fd);
}

#define ELSEWHERE_MAX 4

/* Like guest_connect(), for several clients of another process. */
static void guests_connect_elsewhere(struct guest *guests, int count) {
	int mine[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, mine), 0);
	int fds[2 * ELSEWHERE_MAX];
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
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* The kernel notes who made them. */
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
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(recvmsg(mine[0], &message, MSG_CMSG_CLOEXEC), 1);
	assert_int_equal(control.header.cmsg_len, CMSG_LEN(size));
	memcpy(fds, CMSG_DATA(&control.header), size);
	close(mine[0]);
	close(mine[1]);
	for (int i = 0; i < count; i++) {
		struct wl_client *wl_client =
			wl_client_create(display.wl, fds[2 * i]);
		assert_non_null(wl_client);
		guest_init(&guests[i], wl_client, fds[2 * i + 1]);
		assert_int_equal(sp_client_get_pid(guests[i].client),
			are_elsewhere ? 0 : pid);
	}
}

static void guest_connect_elsewhere(struct guest *guest) {
	guests_connect_elsewhere(guest, 1);
}

static void expect_held(const struct guest *guest, uint32_t pools,
		uint64_t fds, uint64_t bytes) {
	const struct sp_client *client = guest->client;
	if (client->pools_len != pools ||
			client->account.used[SP_RESOURCE_FDS] != fds ||
			client->account.used[SP_RESOURCE_SHADOW_BYTES] != bytes) {
		fail_msg("the client holds %u pools, %llu fds and %llu bytes, "
			"not %u, %llu and %llu", client->pools_len,
			(unsigned long long)client->account.used[SP_RESOURCE_FDS],
			(unsigned long long)client->account.used[SP_RESOURCE_SHADOW_BYTES], pools,
			(unsigned long long)fds, (unsigned long long)bytes);
	}
}

static bool is_connected(const struct guest *guest) {
	return guest->client->wl_client != NULL;
}

/* The client is told with a text that has these words in it. */
static void expect_told(const struct guest *guest, const char *words) {
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

/* Defaults */

static struct sealpool_budget make_budget(struct sealpool_budget wanted) {
	struct sealpool_budget budget;
	sp_budget_init(&budget, &wanted);
	return budget;
}

static void what_is_not_asked_for_has_a_default(void **state) {
	struct sealpool_budget budget = make_budget((struct sealpool_budget){ 0 });
	assert_int_equal(budget.pools, 2048);
	assert_int_equal(budget.buffers, 32768);
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) *
		(uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t all = (uint64_t)2 << 30;
	if (all > memory / 4) {
		all = memory / 4;
	}
	assert_int_equal(budget.all_shadow_bytes, all);
	assert_int_equal(budget.shadow_bytes,
		all < 512 << 20 ? all : 512 << 20);
}

static void budget_that_is_asked_for_is_kept(void **state) {
	struct sealpool_budget budget = make_budget((struct sealpool_budget){
		.pools = 1, .buffers = 2, .fds = 3, .all_fds = 60,
		.shadow_bytes = 5, .all_shadow_bytes = 80,
	});
	assert_int_equal(budget.pools, 1);
	assert_int_equal(budget.buffers, 2);
	assert_int_equal(budget.fds, 3);
	assert_int_equal(budget.shadow_bytes, 5);
	assert_int_equal(budget.all_fds, 60);
	assert_int_equal(budget.all_shadow_bytes, 80);
}

static void share_of_a_client_follows_from_that_of_all(void **state) {
	struct sealpool_budget budget = make_budget((struct sealpool_budget){
		.all_fds = 60, .all_shadow_bytes = 80,
	});
	assert_int_equal(budget.fds, 60);
	assert_int_equal(budget.shadow_bytes, 80);
}

static const char *expect_fds(rlim_t limit, uint64_t all, uint32_t each) {
	child_set_limit(RLIMIT_NOFILE, limit);
	struct sealpool_budget budget = make_budget((struct sealpool_budget){ 0 });
	if (budget.all_fds != all || budget.fds != each) {
		return child_wrong("with %llu fds, all clients may hold %u, "
			"and each %u", (unsigned long long)limit,
			budget.all_fds, budget.fds);
	}
	return NULL;
}

static const char *count_fds_of_1024(void) {
	return expect_fds(1024, 768, 768);
}

static const char *count_fds_of_256(void) {
	return expect_fds(256, 192, 192);
}

static const char *count_fds_of_many(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
			limit.rlim_max < 16384) {
		return NULL;
	}
	return expect_fds(limit.rlim_max, 6000, 2048);
}

static void fds_are_a_share_of_what_the_process_may_open(void **state) {
	child_run(count_fds_of_1024);
	child_run(count_fds_of_256);
	child_run(count_fds_of_many);
}

/* Each limit */

static void pools_are_admitted_up_to_the_budget(void **state) {
	struct guest guest;
	guest_connect(&guest);
	for (int i = 0; i < POOLS; i++) {
		assert_int_equal(sp_client_admit_pool(guest.client), true);
	}
	expect_held(&guest, POOLS, POOLS, 0);
	assert_int_equal(display.messages, 0);
	assert_int_equal(sp_client_admit_pool(guest.client), false);
	expect_held(&guest, POOLS, POOLS, 0);
	assert_int_equal(display.context->all.used[SP_RESOURCE_FDS], POOLS);
	expect_told(&guest, "5 pools");
	guest_leave(&guest);
}

static void pool_that_goes_makes_room_for_another(void **state) {
	struct guest guest;
	guest_connect(&guest);
	for (int i = 0; i < POOLS; i++) {
		assert_int_equal(sp_client_admit_pool(guest.client), true);
	}
	sp_client_dismiss_pool(guest.client, true);
	expect_held(&guest, POOLS - 1, POOLS - 1, 0);
	assert_int_equal(sp_client_admit_pool(guest.client), true);
	guest_leave(&guest);
}

static void fds_are_charged_up_to_the_budget(void **state) {
	struct guest guest;
	guest_connect(&guest);
	for (int i = 0; i < FDS; i++) {
		assert_int_equal(charge_fd(guest.client), 0);
	}
	expect_held(&guest, 0, FDS, 0);
	assert_int_equal(charge_fd(guest.client), -EDQUOT);
	expect_held(&guest, 0, FDS, 0);
	assert_int_equal(display.context->all.used[SP_RESOURCE_FDS], FDS);
	discharge_fd(guest.client);
	assert_int_equal(charge_fd(guest.client), 0);
	guest_leave(&guest);
}

static void pool_takes_an_fd_of_the_budget(void **state) {
	struct guest guest;
	guest_connect(&guest);
	for (int i = 0; i < FDS - 1; i++) {
		assert_int_equal(charge_fd(guest.client), 0);
	}
	assert_int_equal(sp_client_admit_pool(guest.client), true);
	assert_int_equal(sp_client_admit_pool(guest.client), false);
	expect_held(&guest, 1, FDS, 0);
	expect_told(&guest, "7 fds");
	guest_leave(&guest);
}

static void buffers_are_admitted_up_to_the_budget(void **state) {
	struct guest guest;
	guest_connect(&guest);
	for (int i = 0; i < BUFFERS; i++) {
		assert_int_equal(sp_client_admit_buffer(guest.client), true);
	}
	assert_int_equal(display.messages, 0);
	assert_int_equal(sp_client_admit_buffer(guest.client), false);
	assert_int_equal(guest.client->buffers_len, BUFFERS);
	expect_told(&guest, "9 buffers");
	sp_client_dismiss_buffer(guest.client);
	assert_int_equal(sp_client_admit_buffer(guest.client), true);
	/* They have no fds. */
	expect_held(&guest, 0, 0, 0);
	guest_leave(&guest);
}

static void bytes_are_charged_up_to_the_budget(void **state) {
	struct guest guest;
	guest_connect(&guest);
	assert_int_equal(charge_bytes_of(guest.client, BYTES - 1), 0);
	assert_int_equal(charge_bytes_of(guest.client, 2), -EDQUOT);
	expect_held(&guest, 0, 0, BYTES - 1);
	assert_int_equal(charge_bytes_of(guest.client, 1), 0);
	expect_held(&guest, 0, 0, BYTES);
	assert_int_equal(charge_bytes_of(guest.client, 1), -EDQUOT);
	assert_int_equal(charge_bytes_of(guest.client, 0), 0);
	discharge_bytes(guest.client, 400);
	expect_held(&guest, 0, 0, BYTES - 400);
	assert_int_equal(charge_bytes_of(guest.client, 401), -EDQUOT);
	assert_int_equal(charge_bytes_of(guest.client, 400), 0);
	guest_leave(&guest);
}

static void whole_budget_of_bytes_can_be_charged_at_once(void **state) {
	struct guest guest;
	guest_connect(&guest);
	assert_int_equal(charge_bytes_of(guest.client, BYTES + 1),
		-EDQUOT);
	assert_int_equal(charge_bytes_of(guest.client, BYTES), 0);
	expect_held(&guest, 0, 0, BYTES);
	guest_leave(&guest);
}

static void bytes_that_overflow_are_refused(void **state) {
	struct guest guest;
	guest_connect(&guest);
	assert_int_equal(charge_bytes_of(guest.client, 500), 0);
	assert_int_equal(charge_bytes_of(guest.client, UINT64_MAX),
		-EDQUOT);
	assert_int_equal(charge_bytes_of(guest.client,
		UINT64_MAX - 499), -EDQUOT);
	expect_held(&guest, 0, 0, 500);
	guest_leave(&guest);
}

static void each_client_has_a_budget_of_its_own(void **state) {
	struct guest first, second;
	guest_connect(&first);
	guest_connect(&second);
	for (int i = 0; i < FDS; i++) {
		assert_int_equal(charge_fd(first.client), 0);
	}
	assert_int_equal(charge_bytes_of(first.client, BYTES), 0);
	expect_held(&second, 0, 0, 0);
	assert_int_equal(charge_fd(second.client), 0);
	assert_int_equal(charge_bytes_of(second.client, BYTES), 0);
	assert_int_equal(sp_client_admit_pool(second.client), true);
	guest_leave(&first);
	guest_leave(&second);
}

static void client_is_told_which_budget_it_is_over(void **state) {
	struct guest fds, bytes;
	guest_connect(&fds);
	guest_connect(&bytes);
	for (int i = 0; i <= FDS; i++) {
		charge_fd(fds.client);
	}
	sp_client_post_refused(fds.client);
	expect_told(&fds, "7 fds");
	charge_bytes_of(bytes.client, BYTES + 1);
	sp_client_post_refused(bytes.client);
	expect_told(&bytes, "1000 bytes of shadows");
	guest_leave(&fds);
	guest_leave(&bytes);
}

/* What all clients hold together */

static void charge_fds(const struct guest *guest, int count) {
	for (int i = 0; i < count; i++) {
		assert_int_equal(charge_fd(guest->client), 0);
	}
}

static void charge_bytes(const struct guest *guest, uint64_t bytes) {
	assert_int_equal(charge_bytes_of(guest->client, bytes), 0);
}

static void pool_in_a_crowd_costs_the_one_who_holds_most(void **state) {
	struct guest small, large, asking;
	guest_connect(&small);
	guest_connect(&large);
	guest_connect(&asking);
	charge_fds(&small, 14);
	charge_fds(&large, 20);
	charge_fds(&asking, ALL_FDS - 34);
	assert_int_equal(display.messages, 0);
	assert_int_equal(sp_client_admit_pool(asking.client), true);
	assert_int_equal(is_connected(&large), false);
	assert_int_equal(is_connected(&small), true);
	assert_int_equal(is_connected(&asking), true);
	expect_told(&large, "48 fds for all clients");
	assert_int_equal(display.messages, 1);
	guest_leave(&small);
	guest_leave(&large);
	guest_leave(&asking);
}

static void pool_before_there_is_a_crowd_costs_nobody(void **state) {
	struct guest large, asking;
	guest_connect(&large);
	guest_connect(&asking);
	charge_fds(&large, ALL_FDS - 1);
	assert_int_equal(sp_client_admit_pool(asking.client), true);
	assert_int_equal(is_connected(&large), true);
	guest_leave(&large);
	guest_leave(&asking);
}

static void who_holds_most_and_asks_for_more_is_refused(void **state) {
	struct guest other, asking;
	guest_connect(&other);
	guest_connect(&asking);
	charge_fds(&other, ALL_FDS / 2 - 1);
	charge_fds(&asking, ALL_FDS / 2 + 1);
	assert_int_equal(sp_client_admit_pool(asking.client), false);
	expect_held(&asking, 0, ALL_FDS / 2 + 1, 0);
	expect_told(&asking, "48 fds for all clients");
	assert_int_equal(is_connected(&other), true);
	guest_leave(&other);
	guest_leave(&asking);
}

static void who_has_gone_is_not_disconnected_again(void **state) {
	struct guest gone, large, asking;
	guest_connect(&gone);
	guest_connect(&large);
	guest_connect(&asking);
	charge_fds(&large, 20);
	wl_client_destroy(gone.wl_client);
	/* Its buffers are still shown, say. */
	charge_fds(&gone, ALL_FDS - 20);
	assert_int_equal(sp_client_admit_pool(asking.client), true);
	assert_int_equal(is_connected(&large), false);
	assert_int_equal(display.messages, 1);
	guest_leave(&gone);
	guest_leave(&large);
	guest_leave(&asking);
}

/* Many connections with little each are no way around it. */
static void process_that_holds_most_has_to_go(void **state) {
	struct guest few[3], honest, asking;
	guest_connect_elsewhere(&honest);
	guest_connect_elsewhere(&asking);
	guests_connect_elsewhere(few, 3);
	for (int i = 0; i < 3; i++) {
		charge_fds(&few[i], i == 1 ? 11 : 10);
	}
	charge_fds(&honest, 15);
	charge_fds(&asking, 2);
	assert_int_equal(sp_client_admit_pool(asking.client), true);
	assert_int_equal(is_connected(&honest), true);
	assert_int_equal(is_connected(&few[0]), true);
	assert_int_equal(is_connected(&few[1]), false);
	assert_int_equal(is_connected(&few[2]), true);
	for (int i = 0; i < 3; i++) {
		guest_leave(&few[i]);
	}
	guest_leave(&honest);
	guest_leave(&asking);
}

static void single_large_client_has_to_go_before_small_ones(void **state) {
	struct guest few[3], large, asking;
	guest_connect_elsewhere(&large);
	guest_connect_elsewhere(&asking);
	guests_connect_elsewhere(few, 3);
	for (int i = 0; i < 3; i++) {
		charge_fds(&few[i], 6);
	}
	charge_fds(&large, ALL_FDS - 18);
	assert_int_equal(sp_client_admit_pool(asking.client), true);
	assert_int_equal(is_connected(&large), false);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(is_connected(&few[i]), true);
		guest_leave(&few[i]);
	}
	guest_leave(&large);
	guest_leave(&asking);
}

/* Those that it made for programs that it has started, which are many. */
static void connections_of_this_process_are_told_apart(void **state) {
	struct guest own[3], largest, asking;
	guest_connect_elsewhere(&largest);
	guest_connect_elsewhere(&asking);
	for (int i = 0; i < 3; i++) {
		guest_connect(&own[i]);
		charge_fds(&own[i], 10);
	}
	charge_fds(&largest, ALL_FDS - 30);
	assert_int_equal(sp_client_admit_pool(asking.client), true);
	assert_int_equal(is_connected(&largest), false);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(is_connected(&own[i]), true);
		guest_leave(&own[i]);
	}
	guest_leave(&largest);
	guest_leave(&asking);
}

/* Whose processes have no number here: nobody knows which are of one. */
static void clients_without_a_process_are_told_apart(void **state) {
	struct guest some[3], largest, asking;
	guest_connect_elsewhere(&largest);
	guest_connect_elsewhere(&asking);
	are_elsewhere = true;
	guests_connect_elsewhere(some, 3);
	are_elsewhere = false;
	for (int i = 0; i < 3; i++) {
		charge_fds(&some[i], 10);
	}
	charge_fds(&largest, ALL_FDS - 30);
	assert_int_equal(sp_client_admit_pool(asking.client), true);
	assert_int_equal(is_connected(&largest), false);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(is_connected(&some[i]), true);
		guest_leave(&some[i]);
	}
	guest_leave(&largest);
	guest_leave(&asking);
}

/* Connects processes, each after those before, and charges fds to each. */
static void connect_crowd(struct guest *guests, int count, int fds) {
	for (int i = 0; i < count; i++) {
		guest_connect_elsewhere(&guests[i]);
		charge_fds(&guests[i], fds);
	}
}

static int count_connected(const struct guest *guests, int count) {
	int connected = 0;
	for (int i = 0; i < count; i++) {
		connected += is_connected(&guests[i]);
	}
	return connected;
}

static void leave_crowd(struct guest *guests, int count) {
	for (int i = 0; i < count; i++) {
		guest_leave(&guests[i]);
	}
}

static uint64_t get_share_of_fds(void) {
	return sp_evict_get_share(display.context, SP_RESOURCE_FDS);
}

static void shares_take_half_of_what_all_may_hold(void **state) {
	struct guest many[8];
	assert_int_equal(get_share_of_fds(), 48);
	connect_crowd(many, 1, 1);
	assert_int_equal(get_share_of_fds(), ALL_FDS / 2);
	connect_crowd(many + 1, 7, 1);
	assert_int_equal(get_share_of_fds(), ALL_FDS / 16);
	/* Who holds nothing takes no share; nor who has gone, but what is left
	 * of it cannot be shared. */
	discharge_fd(many[0].client);
	discharge_fd(many[1].client);
	assert_int_equal(get_share_of_fds(), ALL_FDS / 12);
	wl_client_destroy(many[2].wl_client);
	wl_client_destroy(many[3].wl_client);
	charge_fds(&many[3], 16);
	assert_int_equal(get_share_of_fds(), (ALL_FDS - 16) / 8);
	leave_crowd(many, 8);
}

static void who_holds_no_more_than_the_share_is_spared(void **state) {
	struct guest small[5], large[2], asking;
	connect_crowd(small, 5, 3);
	connect_crowd(large, 1, 5);
	connect_crowd(large + 1, 1, 28);
	guest_connect_elsewhere(&asking);
	/* 48 / (2 * 7), and of the two above it, the larger. */
	assert_int_equal(get_share_of_fds(), 3);
	assert_int_equal(sp_client_admit_pool(asking.client), true);
	assert_int_equal(count_connected(small, 5), 5);
	assert_int_equal(is_connected(&large[0]), true);
	assert_int_equal(is_connected(&large[1]), false);
	leave_crowd(small, 5);
	leave_crowd(large, 2);
	guest_leave(&asking);
}

/* It is not the large one that makes it tight. */
static void crowd_of_small_ones_is_thinned_out_before_a_large_one(
		void **state) {
	struct guest many[12], large;
	connect_crowd(&large, 1, 12);
	connect_crowd(many, 12, 3);
	/* Each has 2 more than its share, in sum 24; the large one 11. */
	assert_int_equal(get_share_of_fds(), 1);
	assert_int_equal(sp_client_admit_pool(large.client), true);
	assert_int_equal(is_connected(&large), true);
	assert_int_equal(count_connected(many, 12), 11);
	leave_crowd(many, 12);
	guest_leave(&large);
}

/* An honest one among a crowd that holds as much, but came after it or before. */
static void expect_middle_of_a_crowd(bool honest_first) {
	struct guest many[6], honest;
	if (honest_first) {
		connect_crowd(&honest, 1, 8);
	}
	connect_crowd(many, 5, 8);
	if (!honest_first) {
		connect_crowd(&honest, 1, 8);
	}
	guest_connect_elsewhere(&many[5]);
	assert_int_equal(sp_client_admit_pool(many[5].client), true);
	assert_int_equal(is_connected(&honest), true);
	assert_int_equal(count_connected(many, 6), 5);
	leave_crowd(many, 6);
	guest_leave(&honest);
}

static void crowd_that_comes_later_is_thinned_out(void **state) {
	expect_middle_of_a_crowd(true);
}

static void crowd_that_came_before_is_thinned_out(void **state) {
	expect_middle_of_a_crowd(false);
}

static void asking_client_stays_where_its_process_has_a_larger_one(
		void **state) {
	struct guest few[2], honest;
	connect_crowd(&honest, 1, 10);
	guests_connect_elsewhere(few, 2);
	charge_fds(&few[0], 20);
	charge_fds(&few[1], 18);
	assert_int_equal(sp_client_admit_pool(few[1].client), true);
	assert_int_equal(is_connected(&few[0]), false);
	assert_int_equal(is_connected(&honest), true);
	leave_crowd(few, 2);
	guest_leave(&honest);
}

/* And no more than that. */
static void as_many_have_to_go_as_it_takes(void **state) {
	struct guest hogs[5], honest;
	connect_crowd(hogs, 5, 1);
	connect_crowd(&honest, 1, 1);
	for (int i = 0; i < 5; i++) {
		charge_bytes(&hogs[i], ALL_BYTES / 4 - 1);
	}
	charge_bytes(&honest, 1);
	assert_int_equal(count_connected(hogs, 5), 5);
	display_settle(&display);
	assert_int_equal(count_connected(hogs, 5), 4);
	assert_int_equal(sp_evict_for(display.context,
		SP_RESOURCE_SHADOW_BYTES, ALL_BYTES / 2, honest.client), true);
	assert_int_equal(count_connected(hogs, 5), 2);
	assert_int_equal(is_connected(&honest), true);
	/* There is never as much. */
	assert_int_equal(sp_evict_for(display.context,
		SP_RESOURCE_SHADOW_BYTES, ALL_BYTES + 1, honest.client), false);
	assert_int_equal(count_connected(hogs, 5), 2);
	assert_int_equal(is_connected(&honest), true);
	leave_crowd(hogs, 5);
	guest_leave(&honest);
}

static void shadows_in_a_crowd_take_from_the_reserve(void **state) {
	struct guest guest;
	guest_connect(&guest);
	int all = ALL_FDS + ALL_FDS / 6;
	charge_fds(&guest, all);
	assert_int_equal(charge_fd(guest.client), -EDQUOT);
	assert_ptr_equal(guest.client->account.full, &display.context->all);
	expect_held(&guest, 0, (uint64_t)all, 0);
	assert_int_equal(display.context->all.used[SP_RESOURCE_FDS], all);
	guest_leave(&guest);
}

static void bytes_in_a_crowd_are_taken_from_the_reserve(void **state) {
	struct guest guest;
	guest_connect(&guest);
	uint64_t all = ALL_BYTES + ALL_BYTES / 4;
	charge_bytes(&guest, all - 1);
	assert_int_equal(charge_bytes_of(guest.client, 2), -EDQUOT);
	assert_false(sp_client_exceeds_limit(guest.client));
	charge_bytes(&guest, 1);
	expect_held(&guest, 0, 0, all);
	assert_int_equal(display.context->all.used[SP_RESOURCE_SHADOW_BYTES], all);
	sp_client_post_refused(guest.client);
	guest_leave(&guest);
}

static void crowd_is_thinned_out_by_the_event_loop(void **state) {
	struct guest small, large;
	guest_connect(&small);
	guest_connect(&large);
	charge_fds(&small, ALL_FDS / 3);
	charge_fds(&large, ALL_FDS - ALL_FDS / 3);
	display_settle(&display);
	/* There are as many as may be, but nobody has asked for more. */
	assert_int_equal(is_connected(&large), true);
	charge_fds(&small, 1);
	assert_int_equal(is_connected(&large), true);
	display_settle(&display);
	assert_int_equal(is_connected(&large), false);
	assert_int_equal(is_connected(&small), true);
	guest_leave(&small);
	guest_leave(&large);
}

static void crowd_of_bytes_is_thinned_out_as_well(void **state) {
	struct guest small, large;
	guest_connect(&small);
	guest_connect(&large);
	/* What counts is bytes. */
	charge_fds(&small, 30);
	charge_bytes(&small, ALL_BYTES / 3);
	charge_bytes(&large, ALL_BYTES - ALL_BYTES / 3);
	display_settle(&display);
	assert_int_equal(is_connected(&large), true);
	charge_bytes(&small, 1);
	display_settle(&display);
	assert_int_equal(is_connected(&large), false);
	assert_int_equal(is_connected(&small), true);
	expect_told(&large, "4800 bytes of shadows for all clients");
	guest_leave(&small);
	guest_leave(&large);
}

static void crowd_that_has_gone_costs_nobody(void **state) {
	struct guest guest;
	guest_connect(&guest);
	charge_fds(&guest, ALL_FDS + 1);
	discharge_fd(guest.client);
	discharge_fd(guest.client);
	display_settle(&display);
	assert_int_equal(is_connected(&guest), true);
	guest_leave(&guest);
}

static void room_is_made_only_where_it_is_short(void **state) {
	struct guest guest;
	guest_connect(&guest);
	charge_fds(&guest, ALL_FDS - 1);
	charge_bytes(&guest, ALL_BYTES - 1);
	make_room();
	assert_int_equal(is_connected(&guest), true);
	charge_bytes(&guest, 1);
	charge_fds(&guest, 1);
	make_room();
	assert_int_equal(is_connected(&guest), true);
	charge_bytes(&guest, 1);
	make_room();
	assert_int_equal(is_connected(&guest), false);
	/* With nobody left to go. */
	charge_bytes(&guest, ALL_BYTES);
	make_room();
	guest_leave(&guest);
}

/* What one held may come back later, when its buffers are let go of. */
static void one_client_has_to_go_at_a_time(void **state) {
	static const uint64_t bytes[] = { 1300, 2000, 1800 };
	struct guest guests[3];
	for (int i = 0; i < 3; i++) {
		guest_connect(&guests[i]);
		charge_bytes(&guests[i], bytes[i]);
	}
	wl_list_remove(&guests[1].destroy.link);
	wl_list_init(&guests[1].destroy.link);
	display_settle(&display);
	assert_int_equal(is_connected(&guests[0]), true);
	assert_int_equal(is_connected(&guests[1]), false);
	assert_int_equal(is_connected(&guests[2]), true);
	/* It has not come back, and someone wants more. */
	charge_bytes(&guests[0], 1);
	display_settle(&display);
	assert_int_equal(is_connected(&guests[0]), true);
	assert_int_equal(is_connected(&guests[2]), false);
	for (int i = 0; i < 3; i++) {
		guest_leave(&guests[i]);
	}
}

/* Whatever it was told to go for. */
static void who_goes_in_any_case_goes_first(void **state) {
	struct guest going, large, asking;
	guest_connect(&going);
	guest_connect(&large);
	guest_connect(&asking);
	charge_fds(&going, 1);
	charge_fds(&large, ALL_FDS - 1);
	sp_client_disconnect_later(going.client);
	assert_int_equal(is_connected(&going), true);
	assert_int_equal(sp_client_admit_pool(asking.client), true);
	assert_int_equal(is_connected(&going), false);
	assert_int_equal(is_connected(&large), true);
	assert_int_equal(display.messages, 0);
	display_settle(&display);
	assert_int_equal(is_connected(&large), true);
	guest_leave(&going);
	guest_leave(&large);
	guest_leave(&asking);
}

static void crowd_that_goes_in_any_case_costs_nobody(void **state) {
	struct guest going, large;
	guest_connect(&going);
	guest_connect(&large);
	charge_fds(&going, 4);
	charge_fds(&large, ALL_FDS - 2);
	sp_client_disconnect_later(going.client);
	display_settle(&display);
	assert_int_equal(is_connected(&going), false);
	assert_int_equal(is_connected(&large), true);
	assert_int_equal(display.messages, 0);
	guest_leave(&going);
	guest_leave(&large);
}

static void who_is_to_go_gets_nothing_more(void **state) {
	struct guest going, large;
	guest_connect(&going);
	guest_connect(&large);
	charge_fds(&large, ALL_FDS);
	sp_client_disconnect_later(going.client);
	assert_int_equal(sp_client_admit_pool(going.client), false);
	expect_held(&going, 0, 0, 0);
	assert_int_equal(is_connected(&large), true);
	assert_int_equal(display.messages, 0);
	assert_int_equal(is_connected(&going), true);
	display_settle(&display);
	assert_int_equal(is_connected(&going), false);
	guest_leave(&going);
	guest_leave(&large);
}

/* So that mappings need no budget of their own. */
static void mappings_are_few_for_each_fd(void **state) {
	static const enum sp_mapping_mode modes[] = {
		SP_MAPPING_READ, SP_MAPPING_WRITE, SP_MAPPING_NOFAULT,
	};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t before = traces_count_mappings();
	struct guest guest;
	guest_connect(&guest);
	int fd = memfd_create("sealpool-test", MFD_CLOEXEC);
	struct sp_file file;
	const char *reason;
	assert_int_equal(sp_file_init(&file, fd, &reason), 0);
	struct sp_pool *pool = sp_pool_new(display.context, guest.wl_client, &file,
		(int32_t)page);
	assert_non_null(pool);
	/* Each is in use, and stays so, while the pool grows. */
	struct sp_mapping *used[5 * 3 + 6];
	size_t used_len = 0;
	for (size_t times = 1; times <= 5; times++) {
		sp_backing_grow(&pool->backing, times * page);
		for (size_t i = 0; i < 3; i++) {
			used[used_len] = sp_backing_map(&pool->backing, modes[i],
				times * page);
			assert_non_null(used[used_len++]);
		}
	}
	expect_held(&guest, 1, 1, 0);
	assert_int_equal(traces_count_mappings() - before, 6);
	assert_int_equal(sp_backing_pin(&pool->backing), 0);
	for (size_t times = 5; times <= 10; times++) {
		assert_int_equal(sp_backing_grow_pinned(&pool->backing, times * page),
			0);
		used[used_len++] = sp_mapping_ref(pool->backing.pinned.shadow.mapping);
	}
	expect_held(&guest, 1, 2, 0);
	assert_int_equal(traces_count_mappings() - before, 8);
	while (used_len > 0) {
		sp_mapping_unref(used[--used_len]);
	}
	sp_pool_unref(pool);
	guest_leave(&guest);
}

/* Records */

static void client_has_a_record_once_it_needs_one(void **state) {
	int fd;
	struct wl_client *wl_client = display_connect(&display, &fd);
	assert_null(sp_client_find(display.context, wl_client));
	struct sp_client *client = sp_client_get(display.context, wl_client);
	assert_non_null(client);
	assert_ptr_equal(sp_client_find(display.context, wl_client), client);
	assert_ptr_equal(sp_client_get(display.context, wl_client), client);
	assert_int_equal(wl_list_length(&display.context->clients), 1);
	close(fd);
}

static void record_goes_with_its_client(void **state) {
	int fd;
	struct wl_client *wl_client = display_connect(&display, &fd);
	sp_client_get(display.context, wl_client);
	wl_client_destroy(wl_client);
	assert_int_equal(wl_list_length(&display.context->clients), 0);
	close(fd);
}

static void record_stays_while_something_is_held(void **state) {
	struct guest guest;
	guest_connect(&guest);
	assert_int_equal(sp_client_get_pid(guest.client), getpid());
	wl_client_destroy(guest.wl_client);
	charge_fds(&guest, 2);
	assert_int_equal(wl_list_length(&display.context->clients), 1);
	assert_int_equal(is_connected(&guest), false);
	assert_int_equal(sp_client_get_pid(guest.client), 0);
	/* There is nobody to be told, and that is no harm. */
	sp_client_post_refused(guest.client);
	expect_held(&guest, 0, 2, 0);
	guest_leave(&guest);
	assert_int_equal(wl_list_length(&display.context->clients), 0);
}

static void two_globals_of_a_display_keep_records_apart(void **state) {
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888,
	};
	struct sealpool_shm *other = sealpool_shm_create(display.wl, 2, formats,
		2, NULL);
	assert_non_null(other);
	struct guest guest;
	guest_connect(&guest);
	assert_null(sp_client_find(other->context, guest.wl_client));
	struct sp_client *second = sp_client_get(other->context, guest.wl_client);
	assert_ptr_not_equal(second, guest.client);
	assert_ptr_equal(sp_client_find(other->context, guest.wl_client), second);
	assert_ptr_equal(sp_client_find(display.context, guest.wl_client),
		guest.client);
	charge_fds(&guest, 3);
	assert_int_equal(second->account.used[SP_RESOURCE_FDS], 0);
	guest_leave(&guest);
}

/* Threads */

#define THREADS 4
#define ROUNDS 20000

struct crowd {
	struct sp_client *client;
	/* What the threads hold, as they know it themselves. */
	atomic_uint fds, fds_most;
	_Atomic uint64_t bytes, bytes_most;
	atomic_uint granted, refused;
};

static void raise_to(atomic_uint *most, unsigned value) {
	unsigned before = *most;
	while (before < value &&
			!atomic_compare_exchange_weak(most, &before, value)) {
	}
}

static void *charge_and_discharge(void *data) {
	struct crowd *crowd = data;
	for (uint64_t i = 0; i < ROUNDS; i++) {
		uint64_t bytes = 1 + i * 37 % (BYTES / 2);
		if (charge_bytes_of(crowd->client, bytes) == 0) {
			uint64_t now = atomic_fetch_add(&crowd->bytes, bytes) +
				bytes;
			uint64_t before = crowd->bytes_most;
			while (before < now && !atomic_compare_exchange_weak(
					&crowd->bytes_most, &before, now)) {
			}
			crowd->granted++;
			atomic_fetch_sub(&crowd->bytes, bytes);
			discharge_bytes(crowd->client, bytes);
		} else {
			crowd->refused++;
		}
		unsigned got = 0;
		while (got < 3 && charge_fd(crowd->client) == 0) {
			got++;
			raise_to(&crowd->fds_most,
				atomic_fetch_add(&crowd->fds, 1) + 1);
		}
		for (; got > 0; got--) {
			atomic_fetch_sub(&crowd->fds, 1);
			discharge_fd(crowd->client);
		}
	}
	return NULL;
}

static void charges_of_many_threads_add_up(void **state) {
	struct guest guest;
	guest_connect(&guest);
	struct crowd crowd = { .client = guest.client };
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL,
			charge_and_discharge, &crowd), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
	expect_held(&guest, 0, 0, 0);
	assert_int_equal(display.context->all.used[SP_RESOURCE_FDS], 0);
	assert_int_equal(crowd.granted + crowd.refused, THREADS * ROUNDS);
	expect_between(crowd.bytes_most, 1, BYTES);
	expect_between(crowd.fds_most, 1, FDS);
	guest_leave(&guest);
}

#define TEST_BUDGET(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_COMMON(name) \
	cmocka_unit_test_setup_teardown(name, setup_common, teardown)

struct greedy {
	struct sp_client *client;
	uint64_t bytes;
	atomic_bool over;
};

static void *ask_for_too_much(void *data) {
	struct greedy *greedy = data;
	while (!greedy->over) {
		if (charge_bytes_of(greedy->client, greedy->bytes) == 0) {
			break;
		}
	}
	return NULL;
}

static void refusal_on_one_thread_costs_no_other(void **state) {
	struct guest guests[2];
	guest_connect(&guests[0]);
	guest_connect(&guests[1]);
	struct greedy greedy = {
		.client = guests[0].client,
		.bytes = 2 * ALL_BYTES,
	};
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, ask_for_too_much,
		&greedy), 0);
	unsigned refused = 0;
	for (int i = 0; i < 100000; i++) {
		if (charge_bytes_of(guests[1].client, 1) == 0) {
			discharge_bytes(guests[1].client, 1);
		} else {
			refused++;
		}
	}
	greedy.over = true;
	pthread_join(thread, NULL);
	assert_int_equal(refused, 0);
	guest_leave(&guests[0]);
	guest_leave(&guests[1]);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_asked_for_has_a_default),
		TEST(budget_that_is_asked_for_is_kept),
		TEST(share_of_a_client_follows_from_that_of_all),
		TEST(fds_are_a_share_of_what_the_process_may_open),

		TEST_BUDGET(pools_are_admitted_up_to_the_budget),
		TEST_BUDGET(pool_that_goes_makes_room_for_another),
		TEST_BUDGET(fds_are_charged_up_to_the_budget),
		TEST_BUDGET(pool_takes_an_fd_of_the_budget),
		TEST_BUDGET(buffers_are_admitted_up_to_the_budget),
		TEST_BUDGET(bytes_are_charged_up_to_the_budget),
		TEST_BUDGET(whole_budget_of_bytes_can_be_charged_at_once),
		TEST_BUDGET(bytes_that_overflow_are_refused),
		TEST_BUDGET(each_client_has_a_budget_of_its_own),
		TEST_BUDGET(client_is_told_which_budget_it_is_over),

		TEST_COMMON(pool_in_a_crowd_costs_the_one_who_holds_most),
		TEST_COMMON(pool_before_there_is_a_crowd_costs_nobody),
		TEST_COMMON(who_holds_most_and_asks_for_more_is_refused),
		TEST_COMMON(who_has_gone_is_not_disconnected_again),
		TEST_COMMON(process_that_holds_most_has_to_go),
		TEST_COMMON(single_large_client_has_to_go_before_small_ones),
		TEST_COMMON(connections_of_this_process_are_told_apart),
		TEST_COMMON(clients_without_a_process_are_told_apart),
		TEST_COMMON(shares_take_half_of_what_all_may_hold),
		TEST_COMMON(who_holds_no_more_than_the_share_is_spared),
		TEST_COMMON(crowd_of_small_ones_is_thinned_out_before_a_large_one),
		TEST_COMMON(crowd_that_comes_later_is_thinned_out),
		TEST_COMMON(crowd_that_came_before_is_thinned_out),
		TEST_COMMON(asking_client_stays_where_its_process_has_a_larger_one),
		TEST_COMMON(as_many_have_to_go_as_it_takes),
		TEST_COMMON(shadows_in_a_crowd_take_from_the_reserve),
		TEST_COMMON(bytes_in_a_crowd_are_taken_from_the_reserve),
		TEST_COMMON(crowd_is_thinned_out_by_the_event_loop),
		TEST_COMMON(crowd_of_bytes_is_thinned_out_as_well),
		TEST_COMMON(crowd_that_has_gone_costs_nobody),
		TEST_COMMON(room_is_made_only_where_it_is_short),
		TEST_COMMON(one_client_has_to_go_at_a_time),
		TEST_COMMON(who_goes_in_any_case_goes_first),
		TEST_COMMON(crowd_that_goes_in_any_case_costs_nobody),
		TEST_COMMON(who_is_to_go_gets_nothing_more),

		TEST_BUDGET(mappings_are_few_for_each_fd),

		TEST_BUDGET(client_has_a_record_once_it_needs_one),
		TEST_BUDGET(record_goes_with_its_client),
		TEST_BUDGET(record_stays_while_something_is_held),
		TEST_BUDGET(two_globals_of_a_display_keep_records_apart),

		TEST_BUDGET(charges_of_many_threads_add_up),
		TEST_COMMON(refusal_on_one_thread_costs_no_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
