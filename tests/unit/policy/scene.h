/* SPDX-License-Identifier: MIT */
#ifndef UNIT_SCENE_H
#define UNIT_SCENE_H

/**
 * An honest desktop and its attackers. Only the processes and what they request are
 * simulated. Clients, accounts, and the choice of the client to disconnect are the
 * library's.
 */

#include "display.h"
#include "server/process.h"

#define MIB ((uint64_t)1 << 20)
#define ATTACKERS_MAX 1000
#define DESKTOP_MAX 60

/* The compositor's resources, and what one pool takes of them. */
struct machine {
	const char *name;
	uint32_t all_fds;
	bool guarded;
};

struct member {
	const char *name;
	unsigned wants, pools;
	uint64_t pool_bytes;
	struct sp_process process;
	int parent;
	struct sp_client *client; /* NULL before it connects */
	struct wl_listener destroy;
	bool ended;
};

struct scene {
	const struct machine *machine;
	struct display display;
	struct member honest[DESKTOP_MAX], attackers[ATTACKERS_MAX];
	int honest_len, attackers_len;
	int processes;
	/* While a member disconnects on its own. */
	bool leaving;
	/* The shares of an identity when the last request began. */
	uint64_t share_fds, share_bytes;
};

extern struct scene scene;
/** A member was disconnected although it held no more than its share. */
extern bool failed;

/** Starts a process, which need not connect yet. */
void scene_start(struct member *member);
void scene_connect_member(struct member *member);
void scene_leave(struct member *member);

/** Requests one more pool. */
void scene_ask(struct member *member);
/** Requests pools for each in turn, until each has this many. */
void scene_ask_up_to(struct member *members, int count, unsigned pools);

void scene_make_desktop(int count);
void scene_start_desktop(void);
/** Resizes each window: this takes one more pool, for a moment. */
void scene_use_desktop(void);
/** If the desktop alone holds most of the limit of all clients, most of what is held
 * above the shares is its own, and nothing shows which clients are the crowd. */
bool scene_is_desktop_small(void);

#endif
