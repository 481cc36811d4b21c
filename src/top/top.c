/* SPDX-License-Identifier: MIT */
/*
 * sealpool-top: shows what each client's memory currently costs the compositor.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "find.h"
#include "snapshot.h"
#include "table.h"

#define CTRL_C 3

static const char usage[] =
	"usage: sealpool-top [OPTION...]\n"
	"\n"
	"Shows what the shared memory of each client costs the compositor at\n"
	"$WAYLAND_DISPLAY. The compositor must run with monitoring enabled, by\n"
	"SEALPOOL_MONITOR=1 in its environment, or by sealpool-run --monitor.\n"
	"< and > choose the column to sort by; q or Ctrl-C ends it.\n"
	"\n"
	"  --interval SECONDS  time between two updates (default: 1)\n"
	"  --sort COLUMN       sort by this column (default: COPIED/S)\n"
	"  --filter TEXT       show only clients with TEXT in their name, or with this pid\n"
	"  --once              print one table, with plain numbers of bytes, and exit\n"
	"  --explain           print a sentence about each client: what is slow, and what\n"
	"                      its author can change; and exit\n"
	"  --socket PATH       connect to this socket instead of searching for it\n"
	"  -h, --help          print this\n"
	"  --version           print the version\n";

static int fail(const char *error) {
	fprintf(stderr, "sealpool-top: %s\n", error);
	return 1;
}

typedef void (*print_func)(FILE *file, const struct table *table,
	const struct snapshot *now, const struct snapshot *before);

static void print_plain(FILE *file, const struct table *table,
		const struct snapshot *now, const struct snapshot *before) {
	table_print(file, table, now, before, NULL);
}

static int print_once(const char *path, int interval_ms,
		const struct table *table, print_func print) {
	struct snapshot before, now;
	char error[512];
	if (!snapshot_read(&before, path, error, sizeof(error))) {
		return fail(error);
	}
	poll(NULL, 0, interval_ms);
	if (!snapshot_read(&now, path, error, sizeof(error))) {
		snapshot_finish(&before);
		return fail(error);
	}
	print(stdout, table, &now, &before);
	snapshot_finish(&before);
	snapshot_finish(&now);
	return fflush(stdout) == 0 ? 0 : fail("cannot write to stdout");
}

static struct screen get_screen(void) {
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 ||
			size.ws_row == 0) {
		return (struct screen){ .columns = 80, .rows = 24 };
	}
	return (struct screen){ .columns = size.ws_col, .rows = size.ws_row };
}

/* What happened while waiting for the next update: the time is over, the terminal has a
 * new size, the user quits, or sorts by the column to the left or right. */
enum event { EVENT_TIME, EVENT_SIZE, EVENT_QUIT, EVENT_LEFT, EVENT_RIGHT };

static enum event handle_signal(int signal_fd) {
	struct signalfd_siginfo info;
	if (read(signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
		return EVENT_TIME;
	}
	return info.ssi_signo == SIGWINCH ? EVENT_SIZE : EVENT_QUIT;
}

static enum event handle_key(void) {
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);
	if (n != 1 || key == 'q' || key == 'Q' || key == CTRL_C) {
		return EVENT_QUIT;
	}
	return key == '<' ? EVENT_LEFT : key == '>' ? EVENT_RIGHT : EVENT_TIME;
}

static int64_t now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum event wait_for(int signal_fd, int64_t deadline) {
	struct pollfd pollfds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = signal_fd, .events = POLLIN },
	};
	for (;;) {
		int64_t left = deadline - now_ms();
		int n = poll(pollfds, 2, left > 0 ? (int)left : 0);
		if (n < 0 && errno != EINTR) {
			return EVENT_QUIT;
		}
		if (n <= 0) {
			return EVENT_TIME;
		}
		enum event event = EVENT_TIME;
		if (pollfds[1].revents != 0) {
			event = handle_signal(signal_fd);
		} else if (pollfds[0].revents != 0) {
			event = handle_key();
		}
		if (event != EVENT_TIME) {
			return event;
		}
	}
}

/* Returns false with a message in "error" when the compositor has ended. */
static bool watch(const char *path, int interval_ms, struct table *table,
		int signal_fd, char *error, size_t error_size) {
	struct snapshot before, now;
	if (!snapshot_read(&before, path, error, error_size)) {
		return false;
	}
	if (!snapshot_read(&now, path, error, error_size)) {
		snapshot_finish(&before);
		return false;
	}
	bool ok = true;
	enum event event;
	do {
		struct screen screen = get_screen();
		table_print(stdout, table, &now, &before, &screen);
		fflush(stdout);
		event = wait_for(signal_fd, now.time + interval_ms);
		if (event == EVENT_LEFT || event == EVENT_RIGHT) {
			table_move_sort(table, event == EVENT_LEFT ? -1 : 1);
		}
		if (event != EVENT_TIME) {
			continue;
		}
		snapshot_finish(&before);
		before = now;
		ok = snapshot_read(&now, path, error, error_size);
	} while (ok && event != EVENT_QUIT);
	snapshot_finish(&before);
	snapshot_finish(&now);
	return ok;
}

static int run(const char *path, int interval_ms, struct table *table) {
	struct termios original;
	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &original) < 0) {
		return fail("not a terminal: use --once");
	}
	/* Signals are read from a fd, so that the terminal is restored before the
	 * program ends. */
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGWINCH);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (signal_fd < 0) {
		return fail("signalfd");
	}
	struct termios raw = original;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	/* Switches to the alternate screen, and hides the cursor. */
	fputs("\x1b[?1049h\x1b[?25l", stdout);

	char error[512];
	bool ok = watch(path, interval_ms, table, signal_fd, error,
		sizeof(error));

	fputs("\x1b[?25h\x1b[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &original);
	close(signal_fd);
	return ok ? 0 : fail(error);
}

static int parse_interval(const char *text) {
	char *end;
	double seconds = strtod(text, &end);
	if (end == text || *end != '\0' || !(seconds >= 0.05) ||
			seconds > 86400) {
		fprintf(stderr, "sealpool-top: --interval: \"%s\" is not a "
			"number of seconds from 0.05 to 86400\n", text);
		exit(2);
	}
	return (int)(seconds * 1000);
}

static int parse_column(const char *text) {
	int column;
	if (!table_find_column(text, &column)) {
		fprintf(stderr, "sealpool-top: --sort: there is no column \"%s\"\n",
			text);
		exit(2);
	}
	return column;
}

struct arguments {
	char path[4096];
	int interval_ms;
	struct table table;
	/* NULL to show a table until the user quits. */
	print_func print;
};

static void set_option(struct arguments *arguments, int option) {
	switch (option) {
	case 'i':
		arguments->interval_ms = parse_interval(optarg);
		break;
	case 'c':
		arguments->table.sort = parse_column(optarg);
		break;
	case 'f':
		arguments->table.filter = optarg;
		break;
	case 'o':
		arguments->print = print_plain;
		break;
	case 'e':
		arguments->print = table_explain;
		break;
	case 's':
		snprintf(arguments->path, sizeof(arguments->path), "%s", optarg);
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	case 'v':
		puts("sealpool-top " SEALPOOL_VERSION);
		exit(0);
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

int main(int argc, char *argv[]) {
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "sort", required_argument, NULL, 'c' },
		{ "filter", required_argument, NULL, 'f' },
		{ "once", no_argument, NULL, 'o' },
		{ "explain", no_argument, NULL, 'e' },
		{ "socket", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ 0 },
	};
	static struct arguments arguments = { .interval_ms = 1000 };
	arguments.table.sort = table_get_default_sort();
	int option;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		set_option(&arguments, option);
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	if (arguments.path[0] == '\0' &&
			!find_socket(arguments.path, sizeof(arguments.path))) {
		return 1;
	}
	return arguments.print != NULL ?
		print_once(arguments.path, arguments.interval_ms,
			&arguments.table, arguments.print) :
		run(arguments.path, arguments.interval_ms, &arguments.table);
}
