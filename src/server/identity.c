/* SPDX-License-Identifier: MIT */
/*
 * Identities: clients that count as one.
 *
 * An attacker can make connections for nothing, and processes for little. So a client's
 * identity is the thing about it that is hardest to multiply:
 *
 *   a unit of systemd   Desktops and sandboxes start each program in a scope of its
 *                       own. The control group shows the unit; a group that a client
 *                       creates inside its unit's counts with the unit. The
 *                       compositor's own unit says nothing about a client.
 *   a process           With its descendants: if an ancestor of a process is a
 *                       client already, the process counts with that client.
 *   a connection        If the compositor created it itself, for a program that it
 *                       starts, or if the process is in another PID namespace.
 *
 * The identity is determined once, when the client creates its first pool.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context.h"
#include "identity.h"
#include "process.h"

#define ANCESTORS_MAX 32

/* Finds a process and its ancestors, the process first, up to the compositor, which
 * is excluded. Returns their number. */
static size_t find_ancestors(int pid,
		struct sp_process ancestors[ANCESTORS_MAX]) {
	size_t count = 0;
	int parent;
	while (count < ANCESTORS_MAX && pid > 1 && pid != getpid() &&
			sp_process_read(pid, &ancestors[count], &parent) == 0) {
		count++;
		pid = parent;
	}
	return count;
}

static bool has_process(const struct wl_list *members,
		const struct sp_process *process) {
	const struct sp_member *member;
	wl_list_for_each(member, members, link) {
		if (member->process.pid == process->pid &&
				member->process.start == process->start) {
			return true;
		}
	}
	return false;
}

static struct sp_identity *find_process(struct sp_context *context,
		const struct sp_process *process) {
	struct sp_identity *identity;
	wl_list_for_each(identity, &context->identities, link) {
		if (identity->unit == NULL &&
				has_process(&identity->members, process)) {
			return identity;
		}
	}
	return NULL;
}

static struct sp_identity *find_unit(struct sp_context *context,
		uid_t uid, const char *unit) {
	struct sp_identity *identity;
	wl_list_for_each(identity, &context->identities, link) {
		if (identity->unit != NULL && identity->uid == uid &&
				strcmp(identity->unit, unit) == 0) {
			return identity;
		}
	}
	return NULL;
}

static struct sp_identity *identity_create(struct sp_context *context,
		uid_t uid, const char *unit, uint64_t since) {
	struct sp_identity *identity = calloc(1, sizeof(*identity));
	if (identity == NULL) {
		return NULL;
	}
	if (unit != NULL && (identity->unit = strdup(unit)) == NULL) {
		free(identity);
		return NULL;
	}
	identity->uid = uid;
	identity->since = since;
	sp_reader_init(&identity->reader, &context->memory.readers);
	sp_reader_init(&identity->copier, &context->memory.readers);
	wl_list_init(&identity->members);
	struct sp_identity *older;
	wl_list_for_each_reverse(older, &context->identities, link) {
		if (older->since <= since) {
			break;
		}
	}
	wl_list_insert(&older->link, &identity->link);
	return identity;
}

/* Leaves "unit" empty if it is unknown or the compositor's own. */
static void read_unit(int pid, char unit[static SP_PROCESS_UNIT_SIZE]) {
	char own[SP_PROCESS_UNIT_SIZE];
	if (sp_process_read_unit(pid, unit) < 0 ||
			sp_process_read_unit(getpid(), own) < 0 ||
			strcmp(unit, own) == 0) {
		unit[0] = '\0';
	}
}

/* Finds or creates the identity of a client, and sets its process. */
static struct sp_identity *identity_get(struct sp_context *context,
		struct wl_client *wl_client, struct sp_process *process) {
	pid_t pid;
	uid_t uid;
	wl_client_get_credentials(wl_client, &pid, &uid, NULL);
	if (pid == 0 || pid == getpid()) {
		return identity_create(context, uid, NULL, sp_process_now());
	}
	process->pid = pid;
	struct sp_process ancestors[ANCESTORS_MAX];
	char unit[SP_PROCESS_UNIT_SIZE] = "";
	size_t count = find_ancestors(pid, ancestors);
	read_unit(pid, unit);
	/* If the process has ended, all this may be about another one with its pid. */
	if (count == 0 || !sp_process_has_peer(
			wl_client_get_fd(wl_client))) {
		ancestors[0] = *process;
		count = 1;
		unit[0] = '\0';
	}
	*process = ancestors[0];
	struct sp_identity *identity = NULL;
	if (unit[0] != '\0') {
		identity = find_unit(context, uid, unit);
	}
	for (size_t i = 0; unit[0] == '\0' && identity == NULL && i < count;
			i++) {
		identity = find_process(context, &ancestors[i]);
	}
	if (identity != NULL) {
		return identity;
	}
	return identity_create(context, uid, unit[0] != '\0' ? unit : NULL,
		process->start != 0 ? process->start : sp_process_now());
}

int sp_identity_join(struct sp_context *context, struct wl_client *wl_client,
		const struct sp_account *account, struct sp_member *member) {
	struct sp_identity *identity =
		identity_get(context, wl_client, &member->process);
	if (identity == NULL) {
		return -ENOMEM;
	}
	member->identity = identity;
	member->account = account;
	wl_list_insert(&identity->members, &member->link);
	return 0;
}

void sp_identity_leave(struct sp_member *member) {
	struct sp_identity *identity = member->identity;
	wl_list_remove(&member->link);
	if (wl_list_empty(&identity->members)) {
		wl_list_remove(&identity->link);
		free(identity->unit);
		free(identity);
	}
}

uint64_t sp_identity_get_held(const struct sp_identity *identity,
		enum sp_resource resource) {
	uint64_t held = 0;
	const struct sp_member *member;
	wl_list_for_each(member, &identity->members, link) {
		held += member->gone ? 0 : member->account->used[resource];
	}
	return held;
}
