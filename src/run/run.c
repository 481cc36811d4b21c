/* SPDX-License-Identifier: MIT */
/*
 * sealpool-run: starts a compositor with Sealpool's wl_shm, or a guard in front of its own.
 *
 * It replaces itself with the command, so that the compositor has the same process
 * as without sealpool-run. Before that, it starts the watch (watch.c).
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
	"  --native                 let the compositor have no wl_shm but Sealpool's\n"
	"  --guard                  keep the compositor's wl_shm, with a guard in front\n"
	"                           of it (default: Sealpool's wl_shm where that is\n"
	"                           possible, else a guard)\n"
	"  --lenient                do not disconnect clients whose files are too\n"
	"                           short\n"
	"  --wl-shm-only            leave the files of other interfaces alone:\n"
	"                           keymaps, color profiles, gamma tables, dma-bufs\n"
	"  --feedback               let clients ask how their own memory is read:\n"
	"                           see sealpool-info(1)\n"
	"  --monitor                let this user ask what all clients cost: see\n"
	"                           sealpool-top(1)\n"
	"  --pools N                pools of a client (default: 2048)\n"
	"  --buffers N              buffers of a client (default: 32768)\n"
	"  --fds N                  file descriptors kept open for a client\n"
	"                           (default: 2048, at most the limit for all)\n"
	"  --all-fds N              the same for all clients together (default: three\n"
	"                           quarters of RLIMIT_NOFILE, which is raised to\n"
	"                           16384 if possible; at most 6000)\n"
	"  --shadow-bytes N         bytes of copies for a client (default: 512 MiB,\n"
	"                           at most the limit for all)\n"
	"  --all-shadow-bytes N     the same for all clients together (default: a\n"
	"                           quarter of the memory, or of the control group's\n"
	"                           limit; at most 2 GiB)\n"
	"  --stats SECONDS          print statistics at this interval and at the end\n"
	"  --quiet                  print only the compositor's own errors\n"
	"  --patience SECONDS       how long to wait for a display before reporting\n"
	"                           that the compositor is not protected (default: 10)\n"
	"  --require                terminate a compositor that is not protected\n"
	"  -h, --help               print this\n"
	"  --version                print the version\n"
	"\n"
	"The exit status is the command's, or 1 if it cannot be started; 3 if it ends\n"
	"with 0 before it was protected.\n";

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
		/* Contains a slash, so that execvp() does not search again. */
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

/* Under no_new_privs the kernel ignores both bits. S_ISGID without the right to
 * execute does not set the group (it once meant mandatory locking). */
static bool is_set_id(const struct stat *st) {
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
		return false;
	}
	return ((st->st_mode & S_ISUID) && st->st_uid != geteuid()) ||
		((st->st_mode & S_ISGID) && (st->st_mode & S_IXGRP) &&
		st->st_gid != getegid());
}

/* The dynamic linker preloads nothing into a program that gets more rights than its
 * parent (AT_SECURE). With file capabilities, the kernel sets AT_SECURE even under
 * no_new_privs, where it grants none (seen on Linux 6.18). */
static void check_program(const char *path) {
	struct stat st;
	if (stat(path, &st) < 0) {
		die("%s cannot be found", path);
	}
	if (is_set_id(&st)) {
		die("%s is set-user-ID or set-group-ID, and cannot be "
			"guarded: start a copy of it without these bits", path);
	}
	if (geteuid() != 0 &&
			getxattr(path, "security.capability", NULL, 0) > 0) {
		die("%s has file capabilities, and cannot be guarded: start "
			"a copy of it without them", path);
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

/* LD_PRELOAD separates its entries by spaces and colons, and replaces $LIB and others in
 * them. */
static void check_library(const char *library) {
	if (strpbrk(library, ": $") != NULL) {
		die("%s cannot be preloaded: its path must not contain a "
			"space, a colon or a dollar sign", library);
	}
}

/* In the build folder, the library is beside this program. Installed, it is found by
 * its path relative to this program, so that an installation can be moved, or be in a
 * DESTDIR. (Trusting that path is safe: this program has no more rights than its
 * parent.) */
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

enum { NATIVE = 1, GUARD, LENIENT, WL_SHM_ONLY, FEEDBACK, MONITOR, POOLS, BUFFERS, FDS, ALL_FDS, BYTES, ALL_BYTES,
	STATS, QUIET, PATIENCE, REQUIRE, HELP, VERSION };
static const struct option options[] = {
	{ "native", no_argument, NULL, NATIVE },
	{ "guard", no_argument, NULL, GUARD },
	{ "lenient", no_argument, NULL, LENIENT },
	{ "wl-shm-only", no_argument, NULL, WL_SHM_ONLY },
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

/* Returns whether the option sets a limit. */
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
	case NATIVE:
		settings->way = SETTINGS_NATIVE;
		break;
	case GUARD:
		settings->way = SETTINGS_GUARD;
		break;
	case LENIENT:
		settings->lenient = true;
		break;
	case WL_SHM_ONLY:
		settings->wl_shm_only = true;
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
	/* '+': options after the command are the command's. */
	while ((option = getopt_long(argc, argv, "+h", options, &index)) != -1) {
		const char *name = option != '?' && option != 'h' ?
			options[index].name : NULL;
		if (option == HELP || option == 'h') {
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
	/* The kernel lets no process of the namespace kill process 1. */
	if (settings.require && getpid() == 1) {
		die("%s", "--require: sealpool-run must not be process 1");
	}
	make_token(&settings);
	settings.pid = getpid();
	if (!settings_put(&settings)) {
		die("%s", "no memory");
	}
	if (!watch_start(&settings, patience, argv[optind])) {
		die("cannot watch for a guard: %s", strerror(errno));
	}
	/* execvp() gives a script without "#!" to the shell. */
	execvp(path, &argv[optind]);
	int error = errno;
	notify_send(settings.token, NOTIFY_CANCELED);
	die("cannot start the command: %s", strerror(error));
}
