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
	"$WAYLAND_DISPLAY. The compositor must run with monitoring enabled, for\n"
	"example by sealpool-run --monitor. q or Ctrl-C ends it.\n"
	"\n"
	"  --interval SECONDS  time between two updates (default: 1)\n"
	"  --once              print one table, with plain numbers of bytes, and exit\n"
	"  --socket PATH       connect to this socket instead of searching for it\n"
	"  --help, --version\n";

static int fail(const char *error) {
	fprintf(stderr, "sealpool-top: %s\n", error);
	return 1;
}

static int print_once(const char *path, int interval_ms) {
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
	table_print(stdout, &now, &before, NULL);
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
 * new size, or the user quits. */
enum event { EVENT_TIME, EVENT_SIZE, EVENT_QUIT };

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
	return n != 1 || key == 'q' || key == 'Q' || key == CTRL_C ?
		EVENT_QUIT : EVENT_TIME;
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
static bool watch(const char *path, int interval_ms, int signal_fd,
		char *error, size_t error_size) {
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
		table_print(stdout, &now, &before, &screen);
		fflush(stdout);
		event = wait_for(signal_fd, now.time + interval_ms);
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

static int run(const char *path, int interval_ms) {
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
	bool ok = watch(path, interval_ms, signal_fd, error, sizeof(error));

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

int main(int argc, char *argv[]) {
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "once", no_argument, NULL, 'o' },
		{ "socket", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ 0 },
	};
	char path[4096] = "";
	int interval_ms = 1000;
	bool once = false;
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'i':
			interval_ms = parse_interval(optarg);
			break;
		case 'o':
			once = true;
			break;
		case 's':
			snprintf(path, sizeof(path), "%s", optarg);
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'v':
			puts("sealpool-top " SEALPOOL_VERSION);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	if (path[0] == '\0' && !find_socket(path, sizeof(path))) {
		return 1;
	}
	return once ? print_once(path, interval_ms) : run(path, interval_ms);
}
