/* SPDX-License-Identifier: MIT */
/*
 * sealpool-run: starts a compositor with a guard before its wl_shm.
 *
 * It becomes the command, so that the compositor has the process that it would
 * have without. What it starts before that is watch.c's.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "notify.h"
#include "settings.h"
#include "watch.h"

#define DEFAULT_PATIENCE 10

static const char usage[] =
	"usage: sealpool-run [OPTION...] COMMAND [ARGUMENT...]\n"
	"\n"
	"Runs a Wayland compositor that no client can crash, hang or starve through\n"
	"the memory that it shares.\n"
	"\n"
	"  --lenient                leave clients alive whose files are too short\n"
	"  --feedback               let clients ask how their own memory is seen:\n"
	"                           see sealpool-info(1)\n"
	"  --monitor                let this user ask what all clients cost: see\n"
	"                           sealpool-top(1)\n"
	"  --pools N                that a client may have (default: 2048)\n"
	"  --buffers N              that a client may have (default: 32768)\n"
	"  --fds N                  file descriptors that are kept for a client\n"
	"                           (default: 2048, at most those for all)\n"
	"  --all-fds N              for all clients together (default: three quarters\n"
	"                           of RLIMIT_NOFILE, which is raised to 16384 if it\n"
	"                           may be, at most 6000)\n"
	"  --shadow-bytes N         memory for copies for a client (default: 512 MiB,\n"
	"                           at most that for all)\n"
	"  --all-shadow-bytes N     for all clients together (default: a quarter of\n"
	"                           the memory, or of what the control group may\n"
	"                           have, at most 2 GiB)\n"
	"  --stats SECONDS          print statistics as often, and at the end\n"
	"  --quiet                  print nothing but the compositor's own errors\n"
	"  --patience SECONDS       how long to wait for a display before it is said\n"
	"                           that there is no guard (default: 10)\n"
	"  --require                end what has no guard by then\n"
	"  --help, --version\n";

static _Noreturn void die(const char *format, const char *what) {
	fputs("sealpool-run: ", stderr);
	fprintf(stderr, format, what);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t parse(const char *option, const char *text, uint64_t max) {
	char *end;
	errno = 0;
	uintmax_t number = strtoumax(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
			number == 0 || number > max) {
		fprintf(stderr, "sealpool-run: --%s: \"%s\" is not a number "
			"from 1 to %" PRIu64 "\n", option, text, max);
		exit(2);
	}
	return number;
}

static bool find_program(const char *name, char *path, size_t size) {
	if (strchr(name, '/') != NULL) {
		snprintf(path, size, "%s", name);
		return access(path, X_OK) == 0;
	}
	const char *dirs = getenv("PATH");
	for (const char *dir = dirs != NULL ? dirs : "/usr/bin:/bin";;) {
		size_t length = strcspn(dir, ":");
		/* With a slash: it is not to be searched for once more. */
		snprintf(path, size, "%.*s/%s", length > 0 ? (int)length : 1,
			length > 0 ? dir : ".", name);
		struct stat st;
		if (access(path, X_OK) == 0 && stat(path, &st) == 0 &&
				S_ISREG(st.st_mode)) {
			return true;
		}
		if (dir[length] == '\0') {
			return false;
		}
		dir += length + 1;
	}
}

/* Under no_new_privs the kernel disregards both; and S_ISGID without the right to
 * execute is something else: mandatory locking, once. */
static bool is_set_id(const struct stat *st) {
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
		return false;
	}
	return ((st->st_mode & S_ISUID) && st->st_uid != geteuid()) ||
		((st->st_mode & S_ISGID) && (st->st_mode & S_IXGRP) &&
		st->st_gid != getegid());
}

/* The dynamic linker preloads nothing into programs that get more rights than
 * who starts them (AT_SECURE). With file capabilities the kernel sets that also
 * under no_new_privs, where it gives none (seen on Linux 6.18). */
static void check_program(const char *path) {
	struct stat st;
	if (stat(path, &st) < 0) {
		die("%s cannot be found", path);
	}
	if (is_set_id(&st)) {
		die("%s is set-user-ID or set-group-ID, and cannot be "
			"guarded: start a copy of it without that", path);
	}
	if (geteuid() != 0 &&
			getxattr(path, "security.capability", NULL, 0) > 0) {
		die("%s has file capabilities, and cannot be guarded: start "
			"a copy of it, which has none", path);
	}
}

/* 128 random bits. */
static void make_token(struct settings *settings) {
	uint64_t random[2];
	if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
		die("getrandom: %s", strerror(errno));
	}
	snprintf(settings->token, sizeof(settings->token),
		"%016" PRIx64 "%016" PRIx64, random[0], random[1]);
}

/* It would be taken for several. */
static void check_library(const char *library) {
	if (strpbrk(library, ": ") != NULL) {
		die("%s cannot be preloaded: there must be no space and no "
			"colon in its path", library);
	}
}

/* It is beside this program in the build folder; installed, it is as far from it
 * as it was installed, so that all may be moved, or be in a DESTDIR. (This program
 * has no more rights than who starts it: there is nobody to be fooled.) */
static void find_library(struct settings *settings) {
	static const char *const places[] = {
		"sealpool-preload.so", SEALPOOL_PRELOAD_RELATIVE,
		SEALPOOL_PRELOAD,
	};
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[length > 0 ? length : 0] = '\0';
	char *slash = strrchr(path, '/');
	int dir = slash != NULL ? (int)(slash + 1 - path) : 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		bool absolute = places[i][0] == '/';
		if (!absolute && dir == 0) {
			continue;
		}
		int size = snprintf(settings->library,
			sizeof(settings->library), "%.*s%s",
			absolute ? 0 : dir, path, places[i]);
		if (size < (int)sizeof(settings->library) &&
				access(settings->library, R_OK) == 0) {
			return;
		}
	}
	die("%s is missing", SEALPOOL_PRELOAD);
}

enum { LENIENT = 1, FEEDBACK, MONITOR, POOLS, BUFFERS, FDS, ALL_FDS, BYTES, ALL_BYTES,
	STATS, QUIET, PATIENCE, REQUIRE, HELP, VERSION };
static const struct option options[] = {
	{ "lenient", no_argument, NULL, LENIENT },
	{ "feedback", no_argument, NULL, FEEDBACK },
	{ "monitor", no_argument, NULL, MONITOR },
	{ "pools", required_argument, NULL, POOLS },
	{ "buffers", required_argument, NULL, BUFFERS },
	{ "fds", required_argument, NULL, FDS },
	{ "all-fds", required_argument, NULL, ALL_FDS },
	{ "shadow-bytes", required_argument, NULL, BYTES },
	{ "all-shadow-bytes", required_argument, NULL, ALL_BYTES },
	{ "stats", required_argument, NULL, STATS },
	{ "quiet", no_argument, NULL, QUIET },
	{ "patience", required_argument, NULL, PATIENCE },
	{ "require", no_argument, NULL, REQUIRE },
	{ "help", no_argument, NULL, HELP },
	{ "version", no_argument, NULL, VERSION },
	{ 0 },
};

/* Returns whether it was one. */
static bool set_budget(struct sealpool_budget *budget, int option,
		const char *name) {
	switch (option) {
	case POOLS:
		budget->pools = (uint32_t)parse(name, optarg, UINT32_MAX);
		break;
	case BUFFERS:
		budget->buffers =
			(uint32_t)parse(name, optarg, UINT32_MAX);
		break;
	case FDS:
		budget->fds = (uint32_t)parse(name, optarg, UINT32_MAX);
		break;
	case ALL_FDS:
		budget->all_fds =
			(uint32_t)parse(name, optarg, UINT32_MAX);
		break;
	case BYTES:
		budget->shadow_bytes = parse(name, optarg, INT64_MAX);
		break;
	case ALL_BYTES:
		budget->all_shadow_bytes =
			parse(name, optarg, INT64_MAX);
		break;
	default:
		return false;
	}
	return true;
}

static void set_option(struct settings *settings, int *patience, int option,
		const char *name) {
	switch (option) {
	case LENIENT:
		settings->lenient = true;
		break;
	case FEEDBACK:
		settings->feedback = true;
		break;
	case MONITOR:
		settings->monitor = true;
		break;
	case STATS:
		settings->stats_seconds =
			(unsigned)parse(name, optarg, 86400);
		break;
	case QUIET:
		settings->quiet = true;
		break;
	case PATIENCE:
		*patience = (int)parse(name, optarg, 86400);
		break;
	case REQUIRE:
		settings->require = true;
		break;
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

static void read_options(int argc, char *argv[], struct settings *settings,
		int *patience) {
	int option, index;
	/* '+': what comes behind the command is the command's. */
	while ((option = getopt_long(argc, argv, "+", options, &index)) != -1) {
		const char *name = option != '?' ? options[index].name : NULL;
		if (option == HELP) {
			fputs(usage, stdout);
			exit(0);
		} else if (option == VERSION) {
			puts("sealpool-run " SEALPOOL_VERSION);
			exit(0);
		}
		if (!set_budget(&settings->budget, option, name)) {
			set_option(settings, patience, option, name);
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		exit(2);
	}
}

int main(int argc, char *argv[]) {
	struct settings settings = { 0 };
	int patience = DEFAULT_PATIENCE;
	read_options(argc, argv, &settings, &patience);
	char path[PATH_MAX];
	if (!find_program(argv[optind], path, sizeof(path))) {
		die("%s: command not found", argv[optind]);
	}
	check_program(path);
	find_library(&settings);
	check_library(settings.library);
	/* The kernel lets nobody beside it end that. */
	if (settings.require && getpid() == 1) {
		die("%s", "--require: there must be an init process");
	}
	make_token(&settings);
	if (!settings_put(&settings)) {
		die("%s", "no memory");
	}
	if (!watch_start(&settings, patience, argv[optind])) {
		die("cannot watch for a guard: %s", strerror(errno));
	}
	/* A script without "#!" is for the shell. */
	execvp(path, &argv[optind]);
	int error = errno;
	/* There is nothing to be said about what never began. */
	notify_send(settings.token, NOTIFY_CANCELED);
	die("cannot start it: %s", strerror(error));
}
