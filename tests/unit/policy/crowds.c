/* SPDX-License-Identifier: MIT */
/*
 * Crowds of attackers beside honest desktops: who has to go.
 *
 *     crowds          prints the table of docs/security.md
 *     crowds FILE     fails unless the file has that table in it
 *
 * It fails as well when up to 100 processes end an honest client in a way that
 * docs/security.md says they do not, or when anybody is ended that holds no more than
 * its share. Nothing is simulated but the processes and what they do: clients, accounts
 * and the choice are the library's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "display.h"
#include "policy/evict.h"
#include "server/client.h"
#include "server/context.h"
#include "server/process.h"

#define MIB ((uint64_t)1 << 20)
#define ATTACKERS_MAX 1000
#define DESKTOP_MAX 60
#define LINE_SIZE 1024

/* What the compositor allows, and what of it a pool takes. */
struct machine {
	const char *name;
	uint32_t all_fds;
	bool guarded;
};

static const struct machine machines[] = {
	{ "768", 768, false },
	{ "6000", 6000, false },
	{ "768 guarded", 768, true },
	{ "6000 guarded", 6000, true },
};
#define MACHINES (sizeof(machines) / sizeof(machines[0]))

static const int desktops[] = { 10, DESKTOP_MAX };
static const int crowds[] = { 1, 10, 100, ATTACKERS_MAX };
#define CROWDS (sizeof(crowds) / sizeof(crowds[0]))

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
	/* While one leaves on its own. */
	bool leaving;
	/* Of the identities when the last request began. */
	uint64_t share_fds, share_bytes;
};

static struct scene scene;
/* The one that is connecting. */
static const struct member *connecting;
static bool failed;

/* What the kernel says. */

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
			fprintf(stderr, "%s is ended, which holds %u pools\n",
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

/* A process starts, but need not connect yet. */
static void start(struct member *member) {
	scene.processes++;
	member->process = (struct sp_process){
		.pid = 1000000 + scene.processes,
		.start = (uint64_t)scene.processes,
	};
}

static void connect_member(struct member *member) {
	int fds[2];
	if (member->client != NULL) {
		return;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		perror("socketpair");
		exit(1);
	}
	/* The event loop does not run, so nobody notices. */
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

static void leave(struct member *member) {
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

/* One pool more may end somebody. */
static bool is_tight(uint64_t pool_bytes) {
	const struct sp_account *all = &scene.display.context->all;
	return all->used[SP_RESOURCE_FDS] + 2 > all->wanted[SP_RESOURCE_FDS] ||
		all->used[SP_RESOURCE_SHADOW_BYTES] + pool_bytes >
		all->wanted[SP_RESOURCE_SHADOW_BYTES];
}

static void ask(struct member *member) {
	struct sp_context *context = scene.display.context;
	if (member->client == NULL) {
		return;
	}
	/* If somebody is ended now, nobody is to be above this. */
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
	/* What the event loop would do next. */
	sp_evict_for(context, SP_RESOURCE_FDS, 0, NULL);
	sp_evict_for(context, SP_RESOURCE_SHADOW_BYTES, 0, NULL);
}

static void ask_up_to(struct member *members, int count, unsigned pools) {
	for (unsigned i = 1; i <= pools; i++) {
		for (int j = 0; j < count; j++) {
			if (members[j].pools < i) {
				ask(&members[j]);
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

static void make_desktop(int count) {
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

static void start_desktop(void) {
	for (int i = 0; i < scene.honest_len; i++) {
		start(&scene.honest[i]);
		connect_member(&scene.honest[i]);
	}
	for (unsigned pools = 1; pools <= 60; pools++) {
		for (int i = 0; i < scene.honest_len; i++) {
			struct member *member = &scene.honest[i];
			if (member->pools < pools && member->wants >= pools) {
				ask(member);
			}
		}
	}
}

/* Each window is resized: one pool more, for a moment. */
static void use_desktop(void) {
	for (int i = 0; i < scene.honest_len; i++) {
		ask(&scene.honest[i]);
		if (scene.honest[i].client != NULL) {
			give_back_pool(&scene.honest[i]);
		}
	}
}

/* Where the desktop alone takes most of what all may hold, most of what is above
 * the shares is its own, and nobody can tell who is the crowd. */
static bool is_desktop_small(void) {
	uint64_t fds = 0, bytes = 0;
	for (int i = 0; i < scene.honest_len; i++) {
		fds += scene.honest[i].wants *
			(scene.machine->guarded ? 2 : 1);
		bytes += scene.honest[i].wants * scene.honest[i].pool_bytes;
	}
	return fds <= scene.machine->all_fds / 2 &&
		(!scene.machine->guarded || bytes <= 1024 * MIB);
}

/* Attackers */

#define BROWSER_POOLS 60
#define ATTACKER_POOL_BYTES (2 * MIB)

static uint64_t min(uint64_t a, uint64_t b) {
	return a < b ? a : b;
}

/* What is left beside the desktop, in pools of an attacker. */
static uint64_t count_pools_left(bool beside_desktop) {
	uint64_t fds = scene.machine->all_fds, bytes = 2048 * MIB;
	uint64_t each = scene.machine->guarded ? 2 : 1;
	for (int i = 0; i < scene.honest_len && beside_desktop; i++) {
		fds -= scene.honest[i].wants * each;
		bytes -= scene.honest[i].wants * scene.honest[i].pool_bytes;
	}
	return scene.machine->guarded ?
		min(fds / each, bytes / ATTACKER_POOL_BYTES) : fds;
}

/* With one more, all that is left is taken. */
static unsigned get_part(void) {
	return (unsigned)(count_pools_left(true) /
		(uint64_t)scene.attackers_len) + 1;
}

static void connect_attackers(int from, int to) {
	for (int i = from; i < to; i++) {
		start(&scene.attackers[i]);
		connect_member(&scene.attackers[i]);
	}
}

static void attack(int from, int to, unsigned pools) {
	connect_attackers(from, to);
	ask_up_to(scene.attackers + from, to - from, pools);
}

static void all_at_once(void) {
	start_desktop();
	attack(0, scene.attackers_len, (unsigned)(3 * count_pools_left(false) /
		(uint64_t)scene.attackers_len) + 60);
}

static void one_after_another(void) {
	start_desktop();
	for (int i = 0; i < scene.attackers_len; i++) {
		attack(i, i + 1, scene.machine->all_fds / 3);
		use_desktop();
	}
}

static void as_much_as_the_browser(void) {
	start_desktop();
	attack(0, scene.attackers_len, BROWSER_POOLS);
	use_desktop();
	ask_up_to(scene.attackers, scene.attackers_len, BROWSER_POOLS);
}

static void each_its_share(void) {
	start_desktop();
	connect_attackers(0, scene.attackers_len);
	unsigned each = scene.machine->guarded ? 2 : 1;
	for (int i = 0; i < scene.attackers_len; i++) {
		uint64_t share = sp_evict_get_share(scene.display.context,
			SP_RESOURCE_FDS);
		ask_up_to(&scene.attackers[i], 1, (unsigned)share / each);
	}
}

static void full_then_still_after(void) {
	start_desktop();
	attack(0, scene.attackers_len, get_part());
	use_desktop();
}

static void full_then_still_before(void) {
	attack(0, scene.attackers_len, (unsigned)(count_pools_left(false) /
		(uint64_t)scene.attackers_len) + 1);
	start_desktop();
}

static void nearly_full_then_still_before(void) {
	attack(0, scene.attackers_len, get_part());
	start_desktop();
}

static void reconnect(int i) {
	leave(&scene.attackers[i]);
	connect_member(&scene.attackers[i]);
	ask_up_to(&scene.attackers[i], 1, get_part());
}

static void reconnecting(void) {
	attack(0, scene.attackers_len, get_part());
	start_desktop();
	for (int i = 0; i < 2 * scene.attackers_len; i++) {
		reconnect(i % scene.attackers_len);
	}
}

static void forks(void) {
	start_desktop();
	connect_attackers(0, 1);
	for (int i = 1; i < scene.attackers_len; i++) {
		scene.attackers[i].parent = scene.attackers[0].process.pid;
	}
	ask_up_to(scene.attackers, 1, get_part());
	attack(1, scene.attackers_len, get_part());
	use_desktop();
	for (int i = 1; i < scene.attackers_len; i++) {
		start(&scene.attackers[i]);
		reconnect(i);
	}
}

static void half_before_half_after(void) {
	attack(0, scene.attackers_len / 2, get_part());
	start_desktop();
	attack(scene.attackers_len / 2, scene.attackers_len, get_part());
}

static void replaced_one_by_one(void) {
	attack(0, scene.attackers_len, get_part());
	start_desktop();
	for (int i = 0; i < scene.attackers_len; i++) {
		start(&scene.attackers[i]);
		reconnect(i);
	}
}

/* Those in between hold nothing that could be taken from them. */
static void set_apart(int idle) {
	start_desktop();
	unsigned part = get_part() * (unsigned)(idle + 1);
	connect_attackers(0, scene.attackers_len);
	for (unsigned pools = 1; pools <= part; pools++) {
		for (int i = 0; i < scene.attackers_len; i++) {
			if (pools == 1 || i % (idle + 1) == 0) {
				ask(&scene.attackers[i]);
			}
		}
	}
	use_desktop();
}

static void every_other_idle(void) {
	set_apart(1);
}

static void most_idle(void) {
	set_apart(4);
}

struct shape {
	const char *name;
	void (*play)(void);
	/* Up to 100 of them end nobody, natively or behind the guard. */
	bool promised, promised_guarded;
};

static const struct shape shapes[] = {
	{ "all at once, without end", all_at_once, true, true },
	{ "one after another, without end", one_after_another, true, true },
	{ "as much as the browser", as_much_as_the_browser, true, true },
	{ "their shares", each_its_share, true, true },
	{ "until it is full, then still", full_then_still_after, true,
		true },
	{ "the same, before the desktop starts", full_then_still_before, true,
		true },
	{ "nearly full, before the desktop starts",
		nearly_full_then_still_before, true,
		true },
	{ "the same, then each connects anew, twice", reconnecting, true, true },
	{ "children of one attacker, connecting anew", forks, true, true },
	{ "half of them before the desktop, half after",
		half_before_half_after, true, false },
	{ "nearly full before, then each in a new process",
		replaced_one_by_one, true, false },
	{ "one large, one small, and so on", every_other_idle, true, false },
	{ "one large, four small, and so on", most_idle, false, false },
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* The table */

static void append(char *line, const char *text) {
	size_t length = strlen(line), more = strlen(text);
	assert_true(length + more < LINE_SIZE);
	memcpy(line + length, text, more + 1);
}

/* Names who was ended, each name once with its number. Returns how many were. */
static int name_ended(char *line) {
	int ended = 0;
	for (int i = 0; i < scene.honest_len; i++) {
		const struct member *member = &scene.honest[i];
		int others = 0, before = 0;
		for (int j = 0; j < scene.honest_len; j++) {
			bool same = scene.honest[j].ended &&
				strcmp(scene.honest[j].name, member->name) == 0;
			others += same && j > i;
			before += same && j < i;
		}
		if (!member->ended) {
			continue;
		}
		ended++;
		if (before == 0) {
			char text[64];
			snprintf(text, sizeof(text), others > 0 ? "%s%d %ss" :
				"%s%.0d%s", ended > 1 ? ", " : "",
				others > 0 ? others + 1 : 0, member->name);
			append(line, text);
		}
	}
	return ended;
}

static void play(const struct shape *shape, const struct machine *machine,
		int desktop, int attackers) {
	scene = (struct scene){
		.machine = machine,
		.attackers_len = attackers,
	};
	for (int i = 0; i < attackers; i++) {
		scene.attackers[i].name = "attacker";
		scene.attackers[i].parent = 1;
		scene.attackers[i].pool_bytes = ATTACKER_POOL_BYTES;
	}
	display_init(&scene.display, &(struct sealpool_budget){
		.all_fds = machine->all_fds,
		.shadow_bytes = 512 * MIB,
		.all_shadow_bytes = 2048 * MIB,
	});
	make_desktop(desktop);
	shape->play();
	use_desktop();
	use_desktop();
	scene.leaving = true;
	display_finish(&scene.display);
	scene.leaving = false;
}

static void play_all(const struct shape *shape, int attackers, char *line) {
	bool none = true;
	for (size_t i = 0; i < MACHINES; i++) {
		for (size_t j = 0; j < 2; j++) {
			char names[LINE_SIZE] = "", text[2 * LINE_SIZE];
			play(shape, &machines[i], desktops[j], attackers);
			int ended = name_ended(names);
			if (ended == 0) {
				continue;
			}
			snprintf(text, sizeof(text), "%s%s/%d: %s",
				none ? "" : "; ", machines[i].name,
				desktops[j], names);
			append(line, text);
			none = false;
			bool promised = machines[i].guarded ?
				shape->promised_guarded : shape->promised;
			if (attackers <= 100 && promised &&
					is_desktop_small()) {
				fprintf(stderr, "%d attackers, %s: %s\n",
					attackers, shape->name, text);
				failed = true;
			}
		}
	}
	if (none) {
		append(line, "none");
	}
}

static bool has_line(const char *text, const char *line) {
	return text == NULL || strstr(text, line) != NULL;
}

static char *read_file(const char *path) {
	static char text[1 << 20];
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		perror(path);
		exit(1);
	}
	size_t length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	return text;
}

int main(int argc, char *argv[]) {
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < ATTACKERS_MAX + 200) {
		printf("there are too few file descriptors\n");
		return 77;
	}
	const char *text = argc > 1 ? read_file(argv[1]) : NULL;
	for (size_t i = 0; i < SHAPES; i++) {
		char line[LINE_SIZE] = "| ";
		append(line, shapes[i].name);
		for (size_t j = 0; j < CROWDS; j++) {
			append(line, " | ");
			play_all(&shapes[i], crowds[j], line);
		}
		append(line, " |\n");
		fputs(line, stdout);
		fflush(stdout);
		if (!has_line(text, line)) {
			fprintf(stderr, "%s has another line\n", argv[1]);
			failed = true;
		}
	}
	return failed;
}
