/* SPDX-License-Identifier: MIT */
/*
 * Crowds of attackers beside honest desktops: which clients are disconnected.
 *
 *     crowds          prints the table of docs/security.md
 *     crowds FILE     fails unless the file contains that table
 *
 * It also fails if up to 100 attackers cause an honest client to be disconnected where
 * docs/security.md says that they cannot, or if a client is disconnected that holds no more
 * than its share.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <wayland-server-core.h>

#include "policy/evict.h"
#include "scene.h"

#define LINE_SIZE 1024

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

/* What attackers do */

#define BROWSER_POOLS 60
#define ATTACKER_POOL_BYTES (2 * MIB)

static uint64_t min(uint64_t a, uint64_t b) {
	return a < b ? a : b;
}

/* Returns how many pools of an attacker fit beside the desktop. */
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

/* Returns the pools of each attacker. Together, they are more than fit beside the
 * desktop. */
static unsigned get_part(void) {
	return (unsigned)(count_pools_left(true) /
		(uint64_t)scene.attackers_len) + 1;
}

static void connect_attackers(int from, int to) {
	for (int i = from; i < to; i++) {
		scene_start(&scene.attackers[i]);
		scene_connect_member(&scene.attackers[i]);
	}
}

static void attack(int from, int to, unsigned pools) {
	connect_attackers(from, to);
	scene_ask_up_to(scene.attackers + from, to - from, pools);
}

static void all_at_once(void) {
	scene_start_desktop();
	attack(0, scene.attackers_len, (unsigned)(3 * count_pools_left(false) /
		(uint64_t)scene.attackers_len) + 60);
}

static void one_after_another(void) {
	scene_start_desktop();
	for (int i = 0; i < scene.attackers_len; i++) {
		attack(i, i + 1, scene.machine->all_fds / 3);
		scene_use_desktop();
	}
}

static void as_much_as_the_browser(void) {
	scene_start_desktop();
	attack(0, scene.attackers_len, BROWSER_POOLS);
	scene_use_desktop();
	scene_ask_up_to(scene.attackers, scene.attackers_len, BROWSER_POOLS);
}

static void each_its_share(void) {
	scene_start_desktop();
	connect_attackers(0, scene.attackers_len);
	unsigned each = scene.machine->guarded ? 2 : 1;
	for (int i = 0; i < scene.attackers_len; i++) {
		uint64_t share = sp_evict_get_share(scene.display.context,
			SP_RESOURCE_FDS);
		scene_ask_up_to(&scene.attackers[i], 1, (unsigned)share / each);
	}
}

static void full_then_still_after(void) {
	scene_start_desktop();
	attack(0, scene.attackers_len, get_part());
	scene_use_desktop();
}

static void full_then_still_before(void) {
	attack(0, scene.attackers_len, (unsigned)(count_pools_left(false) /
		(uint64_t)scene.attackers_len) + 1);
	scene_start_desktop();
}

static void nearly_full_then_still_before(void) {
	attack(0, scene.attackers_len, get_part());
	scene_start_desktop();
}

static void reconnect(int i) {
	scene_leave(&scene.attackers[i]);
	scene_connect_member(&scene.attackers[i]);
	scene_ask_up_to(&scene.attackers[i], 1, get_part());
}

static void reconnecting(void) {
	attack(0, scene.attackers_len, get_part());
	scene_start_desktop();
	for (int i = 0; i < 2 * scene.attackers_len; i++) {
		reconnect(i % scene.attackers_len);
	}
}

static void forks(void) {
	scene_start_desktop();
	connect_attackers(0, 1);
	for (int i = 1; i < scene.attackers_len; i++) {
		scene.attackers[i].parent = scene.attackers[0].process.pid;
	}
	scene_ask_up_to(scene.attackers, 1, get_part());
	attack(1, scene.attackers_len, get_part());
	scene_use_desktop();
	for (int i = 1; i < scene.attackers_len; i++) {
		scene_start(&scene.attackers[i]);
		reconnect(i);
	}
}

static void half_before_half_after(void) {
	attack(0, scene.attackers_len / 2, get_part());
	scene_start_desktop();
	attack(scene.attackers_len / 2, scene.attackers_len, get_part());
}

static void replaced_one_by_one(void) {
	attack(0, scene.attackers_len, get_part());
	scene_start_desktop();
	for (int i = 0; i < scene.attackers_len; i++) {
		scene_start(&scene.attackers[i]);
		reconnect(i);
	}
}

/* Attackers between them hold one pool, which is within their share. */
static void set_apart(int idle) {
	scene_start_desktop();
	unsigned part = get_part() * (unsigned)(idle + 1);
	connect_attackers(0, scene.attackers_len);
	for (unsigned pools = 1; pools <= part; pools++) {
		for (int i = 0; i < scene.attackers_len; i++) {
			if (pools == 1 || i % (idle + 1) == 0) {
				scene_ask(&scene.attackers[i]);
			}
		}
	}
	scene_use_desktop();
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
	/* Up to 100 attackers cause no honest client to be disconnected: natively, and
	 * behind the guard. */
	bool promised, promised_guarded;
};

static const struct shape shapes[] = {
	{ "create pools without end, all at once", all_at_once, true, true },
	{ "create pools without end, one attacker after another", one_after_another, true, true },
	{ "each holds as much as the browser", as_much_as_the_browser, true, true },
	{ "each holds its share", each_its_share, true, true },
	{ "fill the limit, then do nothing", full_then_still_after, true,
		true },
	{ "fill the limit before the desktop starts", full_then_still_before, true,
		true },
	{ "nearly fill the limit before the desktop starts",
		nearly_full_then_still_before, true,
		true },
	{ "nearly fill the limit before the desktop starts, then each reconnects twice", reconnecting, true, true },
	{ "are children of one attacker, and reconnect", forks, true, true },
	{ "half of them start before the desktop, half after it",
		half_before_half_after, true, false },
	{ "nearly fill the limit first, then each reconnects from a new process",
		replaced_one_by_one, true, false },
	{ "every second one holds only one pool", every_other_idle, true, false },
	{ "four of five hold only one pool", most_idle, false, false },
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* The table */

static void append(char *line, const char *text) {
	size_t length = strlen(line), more = strlen(text);
	assert_true(length + more < LINE_SIZE);
	memcpy(line + length, text, more + 1);
}

/* Adds the names of disconnected clients to the line, each once with its number. Returns
 * how many clients these are. */
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
	scene_make_desktop(desktop);
	shape->play();
	scene_use_desktop();
	scene_use_desktop();
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
					scene_is_desktop_small()) {
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
