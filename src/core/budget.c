/* SPDX-License-Identifier: MIT */
/*
 * What each client may hold. Whoever asks for more is disconnected: any other
 * answer would make some other client pay.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "budget.h"
#include "shm.h"

#define DEFAULT_POOLS 2048
#define DEFAULT_SHADOW_BYTES ((uint64_t)1 << 30)

/*
 * Every pool holds an fd, and has at most six mappings: of the file for reading
 * and for writing and of the shadow, each before and after it grew. The kernel
 * allows a process 65530 (vm.max_map_count), and when there are no more,
 * malloc() fails as well.
 */
#define ALL_FDS_MAX 8192

void sp_budget_init(struct sp_budget *budget,
		const struct sealpool_budget *wanted) {
	*budget = (struct sp_budget){ .per_client = *wanted };
	uint32_t open_max = 1024;
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		open_max = limit.rlim_cur < UINT32_MAX ?
			(uint32_t)limit.rlim_cur : UINT32_MAX;
	}
	budget->fds_max = open_max / 4 * 3;
	if (budget->fds_max > ALL_FDS_MAX) {
		budget->fds_max = ALL_FDS_MAX;
	}
	/* The other eighth is the compositor's own. */
	budget->fds_reserve = budget->fds_max / 6;
	if (budget->per_client.pools == 0) {
		budget->per_client.pools = DEFAULT_POOLS;
	}
	if (budget->per_client.fds == 0) {
		budget->per_client.fds = budget->fds_max / 3;
	}
	if (budget->per_client.shadow_bytes == 0) {
		budget->per_client.shadow_bytes = DEFAULT_SHADOW_BYTES;
	}
}

static void client_handle_wl_client_destroy(struct wl_listener *listener,
		void *data) {
	struct sp_client *client =
		wl_container_of(listener, client, wl_client_destroy);
	wl_list_remove(&client->wl_client_destroy.link);
	client->wl_client = NULL;
	sp_client_unref(client);
}

struct sp_client *sp_client_find(struct sealpool_shm *shm,
		struct wl_client *wl_client) {
	/* The one list walk that does not grow with the number of clients. A
	 * wl_client may have a record with several displays' globals only in
	 * theory, but then the listeners are told apart by their shm. */
	struct wl_listener *listener = wl_client_get_destroy_listener(wl_client,
		client_handle_wl_client_destroy);
	if (listener == NULL) {
		return NULL;
	}
	struct sp_client *client =
		wl_container_of(listener, client, wl_client_destroy);
	if (client->shm == shm) {
		return client;
	}
	wl_list_for_each(client, &shm->clients, link) {
		if (client->wl_client == wl_client) {
			return client;
		}
	}
	return NULL;
}

struct sp_client *sp_client_get(struct sealpool_shm *shm,
		struct wl_client *wl_client) {
	struct sp_client *client = sp_client_find(shm, wl_client);
	if (client != NULL) {
		return client;
	}
	client = calloc(1, sizeof(*client));
	if (client == NULL) {
		return NULL;
	}
	client->shm = sp_shm_ref(shm);
	client->wl_client = wl_client;
	client->wl_client_destroy.notify = client_handle_wl_client_destroy;
	wl_client_add_destroy_listener(wl_client, &client->wl_client_destroy);
	wl_list_insert(&shm->clients, &client->link);
	wl_list_init(&client->pools);
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
	wl_list_remove(&client->link);
	sp_shm_unref(client->shm);
	free(client);
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
	sp_log(client->shm, SEALPOOL_LOG_INFO,
		"client %d is over its budget of %llu %s: disconnected",
		sp_client_get_pid(client), (unsigned long long)limit, budget);
	if (client->wl_client != NULL) {
		wl_client_post_implementation_error(client->wl_client,
			"wl_shm: over the budget of %llu %s",
			(unsigned long long)limit, budget);
	}
}

void sp_client_post_over(struct sp_client *client) {
	const struct sealpool_budget *limits =
		&client->shm->budget.per_client;
	switch (client->over) {
	case SP_BUDGET_POOLS:
		post_over(client, "pools", limits->pools);
		break;
	case SP_BUDGET_FDS:
		post_over(client, "fds", limits->fds);
		break;
	case SP_BUDGET_BYTES:
		post_over(client, "bytes of shadows", limits->shadow_bytes);
		break;
	}
}

/* "asking", if not NULL, goes only if nobody holds more; then it is told and
 * false is returned. */
static bool disconnect_largest_holder(struct sealpool_shm *shm,
		struct sp_client *asking) {
	struct sp_client *client, *largest = asking;
	wl_list_for_each(client, &shm->clients, link) {
		if (client->wl_client != NULL && (largest == NULL ||
				client->fds > largest->fds)) {
			largest = client;
		}
	}
	if (largest == NULL) {
		return false;
	}
	post_over(largest, "fds shared by all clients", shm->budget.fds_max);
	if (largest == asking) {
		return false;
	}
	/* libwayland ends a client with an error only when it hears from it
	 * again; this one may well keep silent. */
	wl_client_destroy(largest->wl_client);
	return true;
}

void sp_budget_make_room(struct sealpool_shm *shm) {
	if (shm->budget.fds >= shm->budget.fds_max) {
		disconnect_largest_holder(shm, NULL);
	}
}

static bool refuse(struct sp_client *client, enum sp_budget_kind kind) {
	client->over = kind;
	sp_client_post_over(client);
	return false;
}

bool sp_client_admit_pool(struct sp_client *client) {
	struct sp_budget *budget = &client->shm->budget;
	if (client->pools_len >= budget->per_client.pools) {
		return refuse(client, SP_BUDGET_POOLS);
	}
	if (client->fds >= budget->per_client.fds) {
		return refuse(client, SP_BUDGET_FDS);
	}
	if (budget->fds >= budget->fds_max &&
			!disconnect_largest_holder(client->shm, client)) {
		return false;
	}
	client->pools_len++;
	client->fds++;
	budget->fds++;
	return true;
}

void sp_client_dismiss_pool(struct sp_client *client) {
	client->pools_len--;
	sp_client_discharge_fd(client);
}

int sp_client_charge_fd(struct sp_client *client) {
	struct sp_budget *budget = &client->shm->budget;
	if (atomic_fetch_add(&client->fds, 1) >= budget->per_client.fds) {
		atomic_fetch_sub(&client->fds, 1);
		client->over = SP_BUDGET_FDS;
		return -EDQUOT;
	}
	uint32_t before = atomic_fetch_add(&budget->fds, 1);
	if (before >= budget->fds_max) {
		sp_fault_report_crowd(&client->shm->faults);
	}
	if (before >= budget->fds_max + budget->fds_reserve) {
		sp_client_discharge_fd(client);
		return -EMFILE;
	}
	return 0;
}

void sp_client_discharge_fd(struct sp_client *client) {
	atomic_fetch_sub(&client->fds, 1);
	atomic_fetch_sub(&client->shm->budget.fds, 1);
}

int sp_client_charge_bytes(struct sp_client *client, uint64_t bytes) {
	uint64_t limit = client->shm->budget.per_client.shadow_bytes;
	uint64_t before = atomic_fetch_add(&client->shadow_bytes, bytes);
	if (bytes > limit || before > limit - bytes) {
		atomic_fetch_sub(&client->shadow_bytes, bytes);
		client->over = SP_BUDGET_BYTES;
		return -EDQUOT;
	}
	return 0;
}

void sp_client_discharge_bytes(struct sp_client *client, uint64_t bytes) {
	atomic_fetch_sub(&client->shadow_bytes, bytes);
}
