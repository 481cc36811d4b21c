/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "options.h"

static const char usage[] =
	"usage: sealpool-conformance [OPTION...]\n"
	"\n"
	"Tests the wl_shm of the compositor at $WAYLAND_DISPLAY. Hostile cases may\n"
	"crash that compositor; with --start, each case has a compositor of its own.\n"
	"\n"
	"  --start COMMAND   start a compositor for each case, with this shell\n"
	"                    command, in a runtime directory of its own\n"
	"  --compositor NAME the same, for weston, sway, labwc, cage, wayfire, phoc,\n"
	"                    mir, mutter or kwin, without a screen\n"
	"  --list            print the cases and what each requires\n"
	"  --only PATTERN    run only cases whose name matches, such as hostile/*;\n"
	"                    may be given several times\n"
	"  --skip PATTERN    do not run cases whose name matches; may be given\n"
	"                    several times\n"
	"  --expect FILE     failures that are expected: a pattern and a reason in\n"
	"                    each line\n"
	"  --retry N         run a failed case up to N times more (default: 0)\n"
	"  --jobs N          run N cases at a time, with --start (default: 1)\n"
	"  --require-all     fail cases that need a library that the suite was built\n"
	"                    without, instead of skipping them\n"
	"  --timeout SECONDS the time limit of a case (default: 60)\n"
	"  --hang SECONDS    how long the compositor may take to answer before it\n"
	"                    counts as hung (default: 2)\n"
	"  --json FILE       also write the results to FILE\n"
	"  --junit FILE      also write the results to FILE, as JUnit XML\n"
	"  --log-dir DIR     write what the compositor prints to a file for each\n"
	"                    case in DIR, with --start\n"
	"  --self-check      test the suite with cases of known results\n"
	"  --help, -h\n"
	"  --version\n";

/* scripts/compositors starts them in the same way. */
static const struct {
	const char *name, *command;
} compositors[] = {
	{ "weston", "exec weston --backend=headless --renderer=pixman --debug "
		"--idle-time=0" },
	{ "sway", "WLR_BACKENDS=headless WLR_RENDERER=pixman exec sway "
		"-c /dev/null" },
	{ "labwc", "WLR_BACKENDS=headless WLR_RENDERER=pixman exec labwc" },
	{ "cage", "WLR_BACKENDS=headless WLR_RENDERER=pixman exec cage -- "
		"sleep infinity" },
	{ "wayfire", "WLR_BACKENDS=headless WLR_RENDERER=pixman exec wayfire "
		"-r -c /dev/null" },
	{ "phoc", "WLR_BACKENDS=headless WLR_RENDERER=pixman exec phoc" },
	{ "mir", "exec miral-shell --platform-display-libs=mir:virtual "
		"--virtual-output=1024x768 --console-provider=none" },
	{ "mutter", "exec dbus-run-session -- mutter --headless --wayland "
		"--no-x11 --virtual-monitor 1024x768" },
	{ "kwin", "exec dbus-run-session -- kwin_wayland --virtual "
		"--no-lockscreen" },
};

static _Noreturn void fail(const char *what, const char *value) {
	fprintf(stderr, "sealpool-conformance: %s%s\n", what, value);
	exit(2);
}

static const char *find_compositor(const char *name) {
	for (size_t i = 0; i < sizeof(compositors) / sizeof(compositors[0]); i++) {
		if (strcmp(compositors[i].name, name) == 0) {
			return compositors[i].command;
		}
	}
	fail("--compositor does not know this one, use --start: ", name);
}

/* Returns milliseconds. */
static int parse_seconds(const char *name, const char *text) {
	char *end;
	double seconds = strtod(text, &end);
	if (*end != '\0' || !(seconds > 0 && seconds < 1000000)) {
		fprintf(stderr, "sealpool-conformance: --%s: not a time: %s\n",
			name, text);
		exit(2);
	}
	return (int)(seconds * 1000);
}

static unsigned parse_number(const char *name, const char *text, unsigned min) {
	char *end;
	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
			number < min || number > 10000) {
		fprintf(stderr, "sealpool-conformance: --%s: not a number from "
			"%u to 10000: %s\n", name, min, text);
		exit(2);
	}
	return (unsigned)number;
}

enum { START = 1, COMPOSITOR, LIST, ONLY, SKIP, EXPECT, RETRY, JOBS, TIMEOUT,
	HANG, JSON, JUNIT, LOG_DIR, REQUIRE_ALL, SELF_CHECK, VERSION };

static const struct option long_options[] = {
	{ "start", required_argument, NULL, START },
	{ "compositor", required_argument, NULL, COMPOSITOR },
	{ "list", no_argument, NULL, LIST },
	{ "only", required_argument, NULL, ONLY },
	{ "skip", required_argument, NULL, SKIP },
	{ "expect", required_argument, NULL, EXPECT },
	{ "retry", required_argument, NULL, RETRY },
	{ "jobs", required_argument, NULL, JOBS },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "hang", required_argument, NULL, HANG },
	{ "json", required_argument, NULL, JSON },
	{ "junit", required_argument, NULL, JUNIT },
	{ "log-dir", required_argument, NULL, LOG_DIR },
	{ "require-all", no_argument, NULL, REQUIRE_ALL },
	{ "self-check", no_argument, NULL, SELF_CHECK },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, VERSION },
	{ 0 },
};

static void set_file(struct options *options, int option) {
	switch (option) {
	case EXPECT:
		options->expect = optarg;
		break;
	case JSON:
		options->json = optarg;
		break;
	case JUNIT:
		options->junit = optarg;
		break;
	default:
		options->run.log_dir = optarg;
		break;
	}
}

static void set(struct options *options, int option, const char *name) {
	switch (option) {
	case START:
		options->run.start = optarg;
		break;
	case COMPOSITOR:
		options->run.start = find_compositor(optarg);
		break;
	case LIST:
		options->list = true;
		break;
	case ONLY:
		options->only.list[options->only.len++] = optarg;
		break;
	case SKIP:
		options->skip.list[options->skip.len++] = optarg;
		break;
	case RETRY:
		options->run.retries = parse_number(name, optarg, 0);
		break;
	case JOBS:
		options->at_a_time = parse_number(name, optarg, 1);
		break;
	case TIMEOUT:
		options->run.timeout = parse_seconds(name, optarg);
		break;
	case HANG:
		options->run.hang = parse_seconds(name, optarg);
		break;
	case REQUIRE_ALL:
		options->require_all = true;
		break;
	case SELF_CHECK:
		options->self_check = true;
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	case VERSION:
		puts("sealpool-conformance " SEALPOOL_VERSION);
		exit(0);
	case '?':
		fputs(usage, stderr);
		exit(2);
	default:
		set_file(options, option);
		break;
	}
}

static void check(const struct options *options) {
	if (options->run.start != NULL) {
		return;
	}
	if (options->at_a_time > 1) {
		fail("--jobs needs --start: ",
			"cases in one compositor would affect each other");
	}
	if (options->run.log_dir != NULL) {
		fail("--log-dir needs --start: ",
			"a compositor that is running prints elsewhere");
	}
}

void options_read(struct options *options, int argc, char *argv[]) {
	*options = (struct options){
		.run = { .timeout = 60000, .hang = 2000 },
		.at_a_time = 1,
	};
	/* The largest possible number. */
	options->only.list = calloc((size_t)argc, sizeof(options->only.list[0]));
	options->skip.list = calloc((size_t)argc, sizeof(options->skip.list[0]));
	if (options->only.list == NULL || options->skip.list == NULL) {
		fail("", strerror(ENOMEM));
	}
	int option, index = 0;
	while ((option = getopt_long(argc, argv, "h", long_options, &index)) !=
			-1) {
		set(options, option, long_options[index].name);
	}
	if (optind < argc) {
		fail("not an option: ", argv[optind]);
	}
	check(options);
	if (options->run.log_dir != NULL && mkdir(options->run.log_dir, 0777) < 0 &&
			errno != EEXIST) {
		fprintf(stderr, "sealpool-conformance: %s: %s\n",
			options->run.log_dir, strerror(errno));
		exit(2);
	}
}

void options_finish(struct options *options) {
	free(options->only.list);
	free(options->skip.list);
}

bool patterns_match(const struct patterns *patterns, const char *name) {
	for (size_t i = 0; i < patterns->len; i++) {
		if (fnmatch(patterns->list[i], name, 0) == 0) {
			return true;
		}
	}
	return false;
}
