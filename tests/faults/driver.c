/* SPDX-License-Identifier: MIT */
/*
 * Runs the scenario once, on a compositor some of whose calls fail:
 *
 *     faults-driver [--at OBJECT:OFFSET]... [--then OBJECT:OFFSET]...
 *         [--actor NAME] [--nth N] [--always] [--sites] [--preload LIBRARIES]
 *         WAY COMMAND...
 *
 * COMMAND is faults-host in one of its ways. The calls that return to the addresses of --at
 * fail: the N-th of those that NAME's requests cause and, with --always, all later ones.
 * --then is another place, whose calls fail after the first have failed. OBJECT is a number
 * of interpose.c's, and OFFSET is hexadecimal.
 *
 * Prints what is wrong. Exits with 0, with 1 if anything is wrong, or with 3 if nothing has
 * failed. With --sites, prints each call that was made: OBJECT OFFSET ACTOR TIMES.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "driver.h"

/* Only what never ends takes longer. */
#define PATIENCE_MS 120000
/* Longer than the watch takes to end a command. */
#define WATCH_MS 8000
/* The exit status for LeakSanitizer. */
#define LEAKED 23

bool compositor_fail(struct compositor_process *compositor, const char *format, ...) {
	if (compositor->failure[0] != '\0') {
		return false;
	}
	va_list args;
	va_start(args, format);
	vsnprintf(compositor->failure, sizeof(compositor->failure), format, args);
	va_end(args);
	return false;
}

/* Reads one byte. Returns what read() does; 0 also after the time limit. */
static ssize_t read_byte(struct compositor_process *compositor, char *byte) {
	int64_t end = client_now_ms() + PATIENCE_MS;
	struct pollfd pollfd = { .fd = compositor->from, .events = POLLIN };
	while (poll(&pollfd, 1, 100) <= 0) {
		if (client_now_ms() > end) {
			compositor_fail(compositor, "the compositor hangs");
			return 0;
		}
	}
	return read(compositor->from, byte, 1);
}

bool compositor_tell(struct compositor_process *compositor, char command,
		uint32_t client) {
	char words[2] = { command, (char)client }, answer;
	return write(compositor->to, words, 2) == 2 &&
		read_byte(compositor, &answer) == 1;
}

static bool map_control(struct compositor_process *compositor, char *path,
		size_t size) {
	snprintf(path, size, "%s/control", compositor->directory);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *data = MAP_FAILED;
	if (fd >= 0 && ftruncate(fd, sizeof(struct faults_control)) == 0) {
		data = mmap(NULL, sizeof(struct faults_control),
			PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	close(fd);
	compositor->control = data;
	return data != MAP_FAILED;
}

/* A compositor that used the same socket and was killed leaves this. */
static void leave_stale_socket(void) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (snprintf(address.sun_path, sizeof(address.sun_path),
			"%s/sealpool-%d", getenv("XDG_RUNTIME_DIR"),
			(int)getpid()) > 0) {
		bind(fd, (struct sockaddr *)&address, sizeof(address));
	}
	close(fd);
}

static _Noreturn void become_compositor(int in, int out, const char *preload,
		char *argv[]) {
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	/* Lower than the hard limit, so that it can be raised. */
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 256;
	setrlimit(RLIMIT_NOFILE, &limit);
	leave_stale_socket();
	if (preload != NULL) {
		setenv("LD_PRELOAD", preload, 1);
	}
	execvp(argv[0], argv);
	_exit(127);
}

/* Returns whether the compositor is ready. */
static bool start(struct compositor_process *compositor, const char *preload,
		char *argv[]) {
	int to[2], from[2];
	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0) {
		return compositor_fail(compositor, "pipe2: %s", strerror(errno));
	}
	compositor->pid = fork();
	if (compositor->pid == 0) {
		become_compositor(to[0], from[1], preload, argv);
	}
	close(to[0]);
	close(from[1]);
	compositor->to = to[1];
	compositor->from = from[0];
	client_clock_follow(compositor->pid);
	size_t length = 0;
	char *name = compositor->socket;
	while (length + 1 < sizeof(compositor->socket) &&
			read_byte(compositor, &name[length]) == 1 &&
			name[length] != '\n') {
		length++;
	}
	bool ready = name[length] == '\n';
	name[length] = '\0';
	return ready;
}

static bool has_failed(const struct compositor_process *compositor,
		uint32_t actor) {
	return (compositor->control->failed_actors >> actor & 1) != 0;
}

/* Without a guard, the watch of sealpool-run ends the command, unless it fails. */
static void wait_for_watch(struct compositor_process *compositor) {
	struct pollfd pollfd = { .fd = compositor->from };
	int64_t until = client_now_ms() + PATIENCE_MS;
	int64_t until_hit = client_now_ms() + WATCH_MS;
	while (poll(&pollfd, 1, 100) == 0 && client_now_ms() < until &&
			(client_now_ms() < until_hit ||
			compositor->control->failed == 0)) {
	}
}

/* Its own processes must have ended as well. */
static void wait_for_others(struct compositor_process *compositor) {
	int64_t until = client_now_ms() + PATIENCE_MS;
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) >= 0) {
		if (pid > 0 && WIFSIGNALED(status)) {
			compositor_fail(compositor,
				"a process of its own died of signal %d",
				WTERMSIG(status));
		}
		if (pid == 0 && client_now_ms() > until) {
			compositor_fail(compositor, "a process of its hangs");
			return;
		}
		poll(NULL, 0, pid == 0 ? 5 : 0);
	}
}

static void judge(struct compositor_process *compositor, bool started, int status) {
	bool ended_by_watch = compositor->unguarded && WIFSIGNALED(status) &&
		(WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGKILL);
	int code = WEXITSTATUS(status);
	if (ended_by_watch) {
		return;
	}
	if (WIFSIGNALED(status)) {
		/* This explains what was seen before. */
		char seen[sizeof(compositor->failure)];
		memcpy(seen, compositor->failure, sizeof(seen));
		compositor->failure[0] = '\0';
		compositor_fail(compositor, "the compositor died of signal %d (%s)",
			WTERMSIG(status), seen);
	} else if (code == FAULTS_LEFT_OPEN) {
		compositor_fail(compositor, "fds or mappings are left");
	} else if (code == LEAKED) {
		compositor_fail(compositor, "memory is leaked");
	} else if (compositor->unguarded ? compositor->control->failed == 0 :
			started ? code != 0 :
			!has_failed(compositor, FAULTS_START)) {
		compositor_fail(compositor, "the compositor ended with %d", code);
	}
}

/* Ends the compositor, and checks how it has ended. */
static void end(struct compositor_process *compositor, bool started) {
	if (compositor->unguarded) {
		wait_for_watch(compositor);
	} else {
		compositor->control->actor = FAULTS_END;
	}
	char words[2] = { 'q', 0 }, answer;
	if (started && write(compositor->to, words, 2) != 2 &&
			!compositor->unguarded) {
		compositor_fail(compositor, "the compositor is gone");
	}
	/* The pipe is closed when it ends. */
	while (read_byte(compositor, &answer) == 1) {
	}
	close(compositor->to);
	if (strcmp(compositor->failure, "the compositor hangs") == 0) {
		kill(compositor->pid, SIGKILL);
	}
	int status;
	waitpid(compositor->pid, &status, 0);
	judge(compositor, started, status);
	wait_for_others(compositor);
}

static void print_sites(const struct faults_control *control) {
	for (size_t i = 0; i < FAULTS_SITES_MAX; i++) {
		uint64_t key = control->sites[i].key;
		if (key != 0) {
			uint64_t site = key >> 6;
			printf("%" PRIu64 " %" PRIx64 " %s %u\n", site >> 48,
				site & (((uint64_t)1 << 48) - 1),
				scenario_get_name(key & 63),
				control->sites[i].count);
		}
	}
}

static bool arm(uint64_t *sites, uint32_t *len, const char *text) {
	unsigned object;
	uint64_t offset;
	if (*len == FAULTS_ARMED_MAX ||
			sscanf(text, "%u:%" SCNx64, &object, &offset) != 2) {
		return false;
	}
	sites[(*len)++] = FAULTS_SITE(object, offset);
	return true;
}

struct settings {
	bool sites;
	const char *preload;
};

static bool parse(int argc, char *argv[], struct faults_control *control,
		struct settings *settings) {
	static const struct option options[] = {
		{ "at", required_argument, NULL, 'p' },
		{ "then", required_argument, NULL, 't' },
		{ "actor", required_argument, NULL, 'a' },
		{ "nth", required_argument, NULL, 'n' },
		{ "always", no_argument, NULL, 'A' },
		{ "sites", no_argument, NULL, 's' },
		{ "preload", required_argument, NULL, 'l' },
		{ 0 },
	};
	control->nth = 1;
	int option;
	while ((option = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
		switch (option) {
		case 'p':
			if (!arm(control->armed, &control->armed_len, optarg)) {
				return false;
			}
			break;
		case 't':
			if (!arm(control->then, &control->then_len, optarg)) {
				return false;
			}
			break;
		case 'a':
			control->armed_actor = scenario_find_actor(optarg);
			break;
		case 'n':
			control->nth = (uint32_t)atoi(optarg);
			break;
		case 'A':
			control->always = true;
			break;
		case 's':
			settings->sites = true;
			break;
		case 'l':
			settings->preload = optarg;
			break;
		default:
			return false;
		}
	}
	return argc - optind >= 2;
}

static void remove_directory(const char *path) {
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	if (system(command) != 0) {
		fprintf(stderr, "%s is left\n", path);
	}
}

int main(int argc, char *argv[]) {
	struct compositor_process compositor = {
		.directory = "/tmp/sealpool-faults-XXXXXX",
	};
	char path[128];
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (mkdtemp(compositor.directory) == NULL ||
			!map_control(&compositor, path, sizeof(path))) {
		perror("faults-driver");
		return 2;
	}
	setenv("XDG_RUNTIME_DIR", compositor.directory, 1);
	setenv(FAULTS_VARIABLE, path, 1);
	struct settings settings = { 0 };
	if (!parse(argc, argv, compositor.control, &settings)) {
		remove_directory(compositor.directory);
		return 2;
	}
	compositor.libwayland = strcmp(argv[optind], "guard") == 0 ||
		strcmp(argv[optind], "preload") == 0;
	compositor.keeps_copies = strcmp(argv[optind], "libwayland") == 0;
	compositor.unguarded = strcmp(argv[optind], "unguarded") == 0;
	bool started = start(&compositor, settings.preload, argv + optind + 1);
	if (started && !compositor.unguarded) {
		scenario_run(&compositor);
	}
	end(&compositor, started);
	remove_directory(compositor.directory);
	if (settings.sites) {
		print_sites(compositor.control);
	}
	if (compositor.failure[0] != '\0') {
		printf("%s\n", compositor.failure);
		return 1;
	}
	const struct faults_control *control = compositor.control;
	return (control->armed_len > 0 && control->failed == 0) ||
		(control->then_len > 0 && control->failed_then == 0) ? 3 : 0;
}
