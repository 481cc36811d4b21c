/* SPDX-License-Identifier: MIT */
/*
 * What each client may hold. Whoever asks for more is disconnected: any other
 * answer would make some other client pay.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "budget.h"
#include "context.h"
#include "kept.h"

#define DEFAULT_POOLS 2048
#define DEFAULT_BUFFERS 32768
#define DEFAULT_SHADOW_BYTES ((uint64_t)512 << 20)
#define DEFAULT_ALL_SHADOW_BYTES ((uint64_t)2 << 30)

/*
 * The kernel allows a process 65530 mappings (vm.max_map_count), and when there
 * are no more, malloc() fails as well. Whoever has one of ours holds an fd, too:
 *
 *   for a pool's file     six: for reading, for writing, and where the kernel has
 *                         it with MAP_NOFAULT, each before and after it grew
 *   for a shadow          two: before and after it grew
 *
 * So a pool with a shadow has eight, and two fds. Most are had by fds for files
 * alone, and what all may hold beyond their limit (the reserve) is for shadows.
 * At least a fifth is left to the compositor.
 */
#define ALL_FDS_MAX 8192
#define RESERVE_PART 6
#define MAPPINGS_OF_FILE 6
#define MAPPINGS_OF_SHADOW 2
#define MAPPINGS_MAX 65530

_Static_assert(ALL_FDS_MAX * MAPPINGS_OF_FILE +
	ALL_FDS_MAX / RESERVE_PART * MAPPINGS_OF_SHADOW <=
	MAPPINGS_MAX / 5 * 4, "a process has not as many mappings");

/* Who holds less than this part of what all may hold does not have to go for
 * the others. */
#define SPARED_PART 16

static uint64_t min(uint64_t a, uint64_t b) {
	return a < b ? a : b;
}

static uint64_t max(uint64_t a, uint64_t b) {
	return a > b ? a : b;
}

static uint32_t get_default_fds(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
		limit.rlim_cur = 1024;
	}
	/* A quarter is the compositor's own, but for the reserve. */
	return (uint32_t)min((uint64_t)limit.rlim_cur / 4 * 3, ALL_FDS_MAX);
}

/* The number in a file of the kernel's; UINT64_MAX where there is none. */
static uint64_t read_number(const char *path) {
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return UINT64_MAX;
	}
	unsigned long long number;
	if (fscanf(file, "%llu", &number) != 1) {
		number = UINT64_MAX;
	}
	fclose(file);
	return number;
}

/*
 * What the control groups (version 2) of this process let it have. Beyond that
 * it is not refused memory, it is killed.
 */
static uint64_t get_cgroup_memory(void) {
	FILE *file = fopen("/proc/self/cgroup", "re");
	if (file == NULL) {
		return UINT64_MAX;
	}
	char line[PATH_MAX], path[PATH_MAX + 64];
	uint64_t least = UINT64_MAX;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "0::/", 4) != 0) {
			continue;
		}
		line[strcspn(line, "\n")] = '\0';
		char *group = line + 3, *slash;
		while ((slash = strrchr(group, '/')) != NULL) {
			snprintf(path, sizeof(path),
				"/sys/fs/cgroup%s/memory.max", group);
			least = min(least, read_number(path));
			*slash = '\0';
		}
		break;
	}
	fclose(file);
	return least;
}

static uint64_t get_default_shadow_bytes(void) {
	long pages = sysconf(_SC_PHYS_PAGES);
	long page_size = sysconf(_SC_PAGESIZE);
	uint64_t memory = get_cgroup_memory();
	if (pages > 0 && page_size > 0) {
		memory = min(memory, (uint64_t)pages * (uint64_t)page_size);
	}
	/* Zero would be the default once more. */
	return max(min(memory / 4, DEFAULT_ALL_SHADOW_BYTES), 1);
}

void sp_budget_init(struct sp_budget *budget,
		const struct sealpool_budget *wanted) {
	*budget = (struct sp_budget){ .limits = *wanted };
	struct sealpool_budget *limits = &budget->limits;
	if (limits->pools == 0) {
		limits->pools = DEFAULT_POOLS;
	}
	if (limits->buffers == 0) {
		limits->buffers = DEFAULT_BUFFERS;
	}
	if (limits->all_fds == 0) {
		limits->all_fds = get_default_fds();
	}
	if (limits->fds == 0) {
		limits->fds = (uint32_t)max(limits->all_fds / 3, 1);
	}
	if (limits->all_shadow_bytes == 0) {
		limits->all_shadow_bytes = get_default_shadow_bytes();
	}
	if (limits->shadow_bytes == 0) {
		limits->shadow_bytes = min(DEFAULT_SHADOW_BYTES,
			max(limits->all_shadow_bytes / 2, 1));
	}
	budget->fds.max = limits->all_fds;
	budget->fds.reserve = limits->all_fds / RESERVE_PART;
	budget->shadow_bytes.max = limits->all_shadow_bytes;
	budget->shadow_bytes.reserve = limits->all_shadow_bytes / 4;
}

static void client_handle_wl_client_destroy(struct wl_listener *listener,
		void *data) {
	struct sp_client *client =
		wl_container_of(listener, client, wl_client_destroy);
	wl_list_remove(&client->wl_client_destroy.link);
	client->wl_client = NULL;
	sp_kept_drop(client);
	sp_client_unref(client);
}

struct sp_client *sp_client_find(struct sp_context *context,
		struct wl_client *wl_client) {
	/* The one list walk that does not grow with the number of clients. A
	 * wl_client may have a record with several displays' globals only in
	 * theory, but then the listeners are told apart by their context. */
	struct wl_listener *listener = wl_client_get_destroy_listener(wl_client,
		client_handle_wl_client_destroy);
	if (listener == NULL) {
		return NULL;
	}
	struct sp_client *client =
		wl_container_of(listener, client, wl_client_destroy);
	if (client->context == context) {
		return client;
	}
	wl_list_for_each(client, &context->clients, link) {
		if (client->wl_client == wl_client) {
			return client;
		}
	}
	return NULL;
}

struct sp_client *sp_client_get(struct sp_context *context,
		struct wl_client *wl_client) {
	struct sp_client *client = sp_client_find(context, wl_client);
	if (client != NULL) {
		return client;
	}
	client = calloc(1, sizeof(*client));
	if (client == NULL) {
		return NULL;
	}
	client->context = sp_context_ref(context);
	client->wl_client = wl_client;
	client->id = ++context->clients_made;
	client->wl_client_destroy.notify = client_handle_wl_client_destroy;
	wl_client_add_destroy_listener(wl_client, &client->wl_client_destroy);
	wl_list_insert(&context->clients, &client->link);
	wl_list_init(&client->pools);
	wl_list_init(&client->feedbacks);
	client->refs = 1;
	return client;
}

void sp_client_ref(struct sp_client *client) {
	client->refs++;
}

void sp_client_unref(struct sp_client *client) {
	assert(client->refs > 0);
	if (--client->refs > 0) {
		return;
	}
	assert(wl_list_empty(&client->pools));
	assert(wl_list_empty(&client->feedbacks));
	sp_kept_drop(client);
	wl_list_remove(&client->link);
	sp_context_unref(client->context);
	free(client);
}

void sp_client_note_request(struct sp_client *client) {
	client->epoch = sp_epoch_enter(&client->context->epoch);
}

uint64_t sp_client_get_epoch(const struct sp_client *client) {
	uint64_t epoch = client->epoch;
	return sp_epoch_is_current(&client->context->epoch, epoch) ? epoch : 0;
}

int sp_client_get_pid(const struct sp_client *client) {
	pid_t pid = 0;
	if (client->wl_client != NULL) {
		wl_client_get_credentials(client->wl_client, &pid, NULL, NULL);
	}
	return (int)pid;
}

static void post_over(struct sp_client *client, const char *budget,
		uint64_t limit) {
	sp_log(client->context, SEALPOOL_LOG_INFO,
		"client %d is over the budget of %llu %s: disconnected",
		sp_client_get_pid(client), (unsigned long long)limit, budget);
	if (client->wl_client != NULL) {
		wl_client_post_implementation_error(client->wl_client,
			"wl_shm: over the budget of %llu %s",
			(unsigned long long)limit, budget);
	}
}

void sp_client_post_over(struct sp_client *client) {
	const struct sealpool_budget *limits = &client->context->budget.limits;
	switch ((enum sp_budget_kind)client->over) {
	case SP_BUDGET_POOLS:
		post_over(client, "pools", limits->pools);
		break;
	case SP_BUDGET_BUFFERS:
		post_over(client, "buffers", limits->buffers);
		break;
	case SP_BUDGET_FDS:
		post_over(client, "fds", limits->fds);
		break;
	case SP_BUDGET_ALL_FDS:
		post_over(client, "fds for all clients", limits->all_fds);
		break;
	case SP_BUDGET_SHADOW_BYTES:
		post_over(client, "bytes of shadows", limits->shadow_bytes);
		break;
	case SP_BUDGET_ALL_SHADOW_BYTES:
		post_over(client, "bytes of shadows for all clients",
			limits->all_shadow_bytes);
		break;
	}
}

/* Destroying a client may destroy others, so the walk is begun anew. */
static void handle_ending(struct sp_mail *mail) {
	struct sp_context *context = wl_container_of(mail, context, ending);
	struct sp_client *client;
	bool found;
	do {
		found = false;
		wl_list_for_each(client, &context->clients, link) {
			if (client->ending && client->wl_client != NULL) {
				found = true;
				wl_client_destroy(client->wl_client);
				break;
			}
		}
	} while (found);
}

void sp_clients_init(struct sp_context *context) {
	wl_list_init(&context->clients);
	sp_mailbox_add(&context->mailbox, &context->ending, handle_ending);
}

void sp_client_end_later(struct sp_client *client) {
	client->ending = true;
	sp_mailbox_post(&client->context->mailbox, &client->context->ending);
}

static bool refuse(struct sp_client *client, enum sp_budget_kind kind) {
	client->over = kind;
	sp_client_post_over(client);
	return false;
}

/* What all clients hold together */

static uint64_t client_get_held(const struct sp_client *client,
		enum sp_budget_kind kind) {
	return kind == SP_BUDGET_ALL_FDS ? client->fds : client->shadow_bytes;
}

/* A connection that the compositor made itself, for a program that it started,
 * tells the compositor's process. Those of all processes that are not in the
 * compositor's PID namespace (a compositor in a container) tell 0. */
static bool are_of_one_process(const struct sp_client *a,
		const struct sp_client *b) {
	int pid = sp_client_get_pid(a);
	return a == b || (pid != 0 && pid == sp_client_get_pid(b) &&
		pid != getpid());
}

/* Who goes in any case; before anybody else has to. */
static struct sp_client *find_ending_holder(struct sp_context *context,
		enum sp_budget_kind kind) {
	struct sp_client *client;
	wl_list_for_each(client, &context->clients, link) {
		if (client->ending && client->wl_client != NULL &&
				client_get_held(client, kind) > 0) {
			return client;
		}
	}
	return NULL;
}

/*
 * The client to go: a connection costs nothing, so it is processes that are
 * compared. NULL when nobody holds much.
 */
static struct sp_client *find_largest_holder(struct sp_context *context,
		enum sp_budget_kind kind, uint64_t max) {
	struct sp_client *client, *other, *found = NULL;
	uint64_t most = max / SPARED_PART;
	wl_list_for_each(client, &context->clients, link) {
		uint64_t held = 0;
		bool is_largest = client->wl_client != NULL;
		wl_list_for_each(other, &context->clients, link) {
			if (other->wl_client != NULL &&
					are_of_one_process(client, other)) {
				held += client_get_held(other, kind);
				is_largest &= client_get_held(other, kind) <=
					client_get_held(client, kind);
			}
		}
		if (is_largest && held > most) {
			most = held;
			found = client;
		}
	}
	return found;
}

/*
 * Returns false when "asking", which may be NULL, was told to go. Else one has
 * gone if there was no room; what it held may come back a little later, when the
 * compositor has let go of its buffers.
 */
static bool make_room(struct sp_context *context, struct sp_common *common,
		enum sp_budget_kind kind, struct sp_client *asking) {
	if (common->held < common->max) {
		return true;
	}
	/* What nobody uses goes before anybody does. */
	sp_kept_drop_all(context);
	if (common->held < common->max) {
		return true;
	}
	struct sp_client *client = find_ending_holder(context, kind);
	if (client == NULL) {
		client = find_largest_holder(context, kind, common->max);
		if (client == NULL || client == asking) {
			return asking == NULL || refuse(asking, kind);
		}
		refuse(client, kind);
	}
	/* libwayland ends a client with an error only when it hears from it
	 * again; this one may well keep silent. */
	wl_client_destroy(client->wl_client);
	return true;
}

void sp_budget_make_room(struct sp_context *context) {
	struct sp_budget *budget = &context->budget;
	make_room(context, &budget->fds, SP_BUDGET_ALL_FDS, NULL);
	make_room(context, &budget->shadow_bytes, SP_BUDGET_ALL_SHADOW_BYTES,
		NULL);
}

static void handle_pressure(struct sp_mail *mail) {
	struct sp_context *context = wl_container_of(mail, context, pressure);
	sp_budget_make_room(context);
}

void sp_budget_listen(struct sp_context *context) {
	sp_mailbox_add(&context->mailbox, &context->pressure, handle_pressure);
}

/* Adds to a count unless that would exceed the limit: not even for a moment,
 * which would have another thread's charge refused. Returns whether it did. */
static bool add_up_to(_Atomic uint64_t *count, uint64_t amount,
		uint64_t limit) {
	uint64_t before = *count;
	do {
		if (amount > limit || before > limit - amount) {
			return false;
		}
	} while (!atomic_compare_exchange_weak(count, &before,
		before + amount));
	return true;
}

/* One charge against a client's limit and that of all. */
static int charge(struct sp_client *client, _Atomic uint64_t *held,
		uint64_t limit, struct sp_common *common, uint64_t amount,
		enum sp_budget_kind kind, enum sp_budget_kind common_kind) {
	if (!add_up_to(held, amount, limit)) {
		client->over = kind;
		return -EDQUOT;
	}
	bool ok = add_up_to(&common->held, amount,
		common->max + common->reserve);
	if (!ok || common->held > common->max) {
		sp_mailbox_post(&client->context->mailbox,
			&client->context->pressure);
	}
	if (!ok) {
		*held -= amount;
		client->over = common_kind;
		return -EDQUOT;
	}
	return 0;
}

int sp_client_charge_fd(struct sp_client *client) {
	struct sp_budget *budget = &client->context->budget;
	int ret;
	do {
		ret = charge(client, &client->fds, budget->limits.fds,
			&budget->fds, 1, SP_BUDGET_FDS, SP_BUDGET_ALL_FDS);
	} while (ret < 0 && sp_kept_drop(client));
	return ret;
}

void sp_client_discharge_fd(struct sp_client *client) {
	client->fds--;
	client->context->budget.fds.held--;
}

int sp_client_charge_bytes(struct sp_client *client, uint64_t bytes) {
	struct sp_budget *budget = &client->context->budget;
	int ret;
	do {
		ret = charge(client, &client->shadow_bytes,
			budget->limits.shadow_bytes, &budget->shadow_bytes,
			bytes, SP_BUDGET_SHADOW_BYTES,
			SP_BUDGET_ALL_SHADOW_BYTES);
	} while (ret < 0 && sp_kept_drop(client));
	return ret;
}

void sp_client_discharge_bytes(struct sp_client *client, uint64_t bytes) {
	client->shadow_bytes -= bytes;
	client->context->budget.shadow_bytes.held -= bytes;
}

bool sp_client_admit_pool(struct sp_client *client) {
	struct sp_budget *budget = &client->context->budget;
	if (client->ending) {
		return false;
	}
	if (client->pools_len >= budget->limits.pools) {
		return refuse(client, SP_BUDGET_POOLS);
	}
	if (!make_room(client->context, &budget->fds, SP_BUDGET_ALL_FDS, client)) {
		return false;
	}
	if (sp_client_charge_fd(client) < 0) {
		sp_client_post_over(client);
		return false;
	}
	client->pools_len++;
	return true;
}

void sp_client_dismiss_pool(struct sp_client *client) {
	client->pools_len--;
	sp_client_discharge_fd(client);
}

bool sp_client_admit_buffer(struct sp_client *client) {
	if (client->buffers_len >= client->context->budget.limits.buffers) {
		return refuse(client, SP_BUDGET_BUFFERS);
	}
	client->buffers_len++;
	return true;
}

void sp_client_dismiss_buffer(struct sp_client *client) {
	client->buffers_len--;
}
