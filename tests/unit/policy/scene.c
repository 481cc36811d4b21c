/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/evict.h"
#include "scene.h"
#include "server/client.h"
#include "server/context.h"

struct scene scene;
/* The member that is connecting. */
static const struct member *connecting;
bool failed;

/* Replaces what the kernel says. */

void __wrap_wl_client_get_credentials(struct wl_client *client, pid_t *pid,
	uid_t *uid, gid_t *gid);
int __wrap_sp_process_read(int pid, struct sp_process *process, int *parent);
int __wrap_sp_process_read_unit(int pid,
	char unit[static SP_PROCESS_UNIT_SIZE]);
bool __wrap_sp_process_has_peer(int socket_fd);

void __wrap_wl_client_get_credentials(struct wl_client *client, pid_t *pid,
		uid_t *uid, gid_t *gid) {
	*pid = connecting != NULL ? connecting->process.pid : 0;
	if (uid != NULL) {
		*uid = 1000;
	}
}

int __wrap_sp_process_read(int pid, struct sp_process *process, int *parent) {
	if (pid == connecting->process.pid) {
		*process = connecting->process;
		*parent = connecting->parent;
	} else {
		*process = scene.attackers[0].process;
		*parent = 1;
	}
	return 0;
}

int __wrap_sp_process_read_unit(int pid,
		char unit[static SP_PROCESS_UNIT_SIZE]) {
	unit[0] = '\0';
	return 0;
}

bool __wrap_sp_process_has_peer(int socket_fd) {
	return true;
}

/* Members */

static void give_back_pool(struct member *member) {
	struct sp_account *account = &member->client->account;
	if (scene.machine->guarded) {
		sp_account_discharge(account, SP_RESOURCE_FDS, 1);
		sp_account_discharge(account, SP_RESOURCE_SHADOW_BYTES,
			member->pool_bytes);
		sp_account_discharge(account, SP_RESOURCE_PINNED_BYTES,
			member->pool_bytes);
	}
	sp_client_dismiss_pool(member->client, true);
	member->pools--;
}

static bool is_honest(const struct member *member) {
	return member->wants > 0;
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct member *member = wl_container_of(listener, member, destroy);
	const struct sp_account *account = &member->client->account;
	wl_list_remove(&member->destroy.link);
	bool is_above = account->used[SP_RESOURCE_FDS] > scene.share_fds ||
		account->used[SP_RESOURCE_PINNED_BYTES] > scene.share_bytes;
	if (!scene.leaving) {
		member->ended = true;
		if (!is_above && is_honest(member)) {
			fprintf(stderr, "%s is disconnected, which holds %u "
					"pools\n",
				member->name, member->pools);
			failed = true;
		}
	}
	while (member->pools > 0) {
		give_back_pool(member);
	}
	sp_client_unref(member->client);
	member->client = NULL;
}

void scene_start(struct member *member) {
	scene.processes++;
	member->process = (struct sp_process){
		.pid = 1000000 + scene.processes,
		.start = (uint64_t)scene.processes,
	};
}

void scene_connect_member(struct member *member) {
	int fds[2];
	if (member->client != NULL) {
		return;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		perror("socketpair");
		exit(1);
	}
	/* The event loop does not run, so the server does not notice. */
	close(fds[1]);
	struct wl_client *wl_client = wl_client_create(scene.display.wl, fds[0]);
	connecting = member;
	member->client = sp_client_get(scene.display.context, wl_client);
	connecting = NULL;
	sp_client_ref(member->client);
	member->ended = false;
	member->destroy.notify = handle_destroy;
	wl_client_add_destroy_listener(wl_client, &member->destroy);
}

void scene_leave(struct member *member) {
	if (member->client != NULL) {
		scene.leaving = true;
		wl_client_destroy(member->client->wl_client);
		scene.leaving = false;
	}
}

static bool charge(struct member *member, enum sp_resource resource,
		uint64_t amount) {
	while (sp_account_charge(&member->client->account, resource,
			amount) < 0) {
		if (!sp_client_make_room(member->client)) {
			return false;
		}
	}
	return true;
}

/* As the guard does at create_pool and attach. */
static bool charge_shadow(struct member *member) {
	struct sp_account *account = &member->client->account;
	if (!charge(member, SP_RESOURCE_FDS, 1)) {
		return false;
	}
	if (!charge(member, SP_RESOURCE_SHADOW_BYTES, member->pool_bytes)) {
		sp_account_discharge(account, SP_RESOURCE_FDS, 1);
		return false;
	}
	sp_account_charge(account, SP_RESOURCE_PINNED_BYTES,
		member->pool_bytes);
	return true;
}

/* Returns whether one more pool may exceed a limit of all clients. */
static bool is_tight(uint64_t pool_bytes) {
	const struct sp_account *all = &scene.display.context->all;
	return all->used[SP_RESOURCE_FDS] + 2 > all->wanted[SP_RESOURCE_FDS] ||
		all->used[SP_RESOURCE_SHADOW_BYTES] + pool_bytes >
		all->wanted[SP_RESOURCE_SHADOW_BYTES];
}

void scene_ask(struct member *member) {
	struct sp_context *context = scene.display.context;
	if (member->client == NULL) {
		return;
	}
	/* If a client is disconnected now, it must hold more than these shares. */
	scene.share_fds = scene.share_bytes = UINT64_MAX;
	if (is_tight(member->pool_bytes)) {
		scene.share_fds = sp_evict_get_share(context, SP_RESOURCE_FDS);
		scene.share_bytes = sp_evict_get_share(context,
			SP_RESOURCE_SHADOW_BYTES);
	}
	bool got = sp_client_admit_pool(member->client);
	if (got && scene.machine->guarded && !charge_shadow(member)) {
		sp_client_dismiss_pool(member->client, true);
		got = false;
	}
	if (!got) {
		wl_client_destroy(member->client->wl_client);
		return;
	}
	member->pools++;
	/* As the event loop would do next. */
	sp_evict_for(context, SP_RESOURCE_FDS, 0, NULL);
	sp_evict_for(context, SP_RESOURCE_SHADOW_BYTES, 0, NULL);
}

void scene_ask_up_to(struct member *members, int count, unsigned pools) {
	for (unsigned i = 1; i <= pools; i++) {
		for (int j = 0; j < count; j++) {
			if (members[j].pools < i) {
				scene_ask(&members[j]);
			}
		}
	}
}

/* The desktop */

static void add_honest(const char *name, unsigned pools, uint64_t pool_bytes) {
	scene.honest[scene.honest_len++] = (struct member){
		.name = name,
		.wants = pools,
		.pool_bytes = pool_bytes,
	};
}

void scene_make_desktop(int count) {
	add_honest("recorder", 16, 8 * MIB);
	add_honest("browser", 60, MIB);
	add_honest("bar", 2, MIB / 4);
	add_honest("editor", 8, 4 * MIB);
	add_honest("launcher", 3, MIB);
	while (scene.honest_len < count) {
		add_honest("terminal", 2 + (unsigned)scene.honest_len % 3,
			4 * MIB);
	}
}

void scene_start_desktop(void) {
	for (int i = 0; i < scene.honest_len; i++) {
		scene_start(&scene.honest[i]);
		scene_connect_member(&scene.honest[i]);
	}
	for (unsigned pools = 1; pools <= 60; pools++) {
		for (int i = 0; i < scene.honest_len; i++) {
			struct member *member = &scene.honest[i];
			if (member->pools < pools && member->wants >= pools) {
				scene_ask(member);
			}
		}
	}
}

void scene_use_desktop(void) {
	for (int i = 0; i < scene.honest_len; i++) {
		scene_ask(&scene.honest[i]);
		if (scene.honest[i].client != NULL) {
			give_back_pool(&scene.honest[i]);
		}
	}
}

bool scene_is_desktop_small(void) {
	uint64_t fds = 0, bytes = 0;
	for (int i = 0; i < scene.honest_len; i++) {
		fds += scene.honest[i].wants *
			(scene.machine->guarded ? 2 : 1);
		bytes += scene.honest[i].wants * scene.honest[i].pool_bytes;
	}
	return fds <= scene.machine->all_fds / 2 &&
		(!scene.machine->guarded || bytes <= 1024 * MIB);
}
