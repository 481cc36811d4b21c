/* SPDX-License-Identifier: MIT */
/*
 * Runs sealpool-gpu-probe. The event loop never waits for it: a pidfd tells when it has
 * ended, which it does by itself if it hangs. It has worked if the last line that it
 * printed begins with "works".
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include "probe.h"

/* How long a killed program may take to end. After that, nobody reaps it. */
#define PATIENCE_MS 1000

struct sp_probe {
	pid_t pid;
	int pidfd;
	int output; /* of the program; it never fills the pipe */
	struct wl_event_source *source;
	sp_probe_func done;
	void *data;
};

extern char **environ;

/* The compositor's signals, descriptors and real-time priority are none of the program's.
 * Returns 0 or a positive errno. */
static int spawn(pid_t *pid, char *const arguments[], int output) {
	const char *path = secure_getenv("SEALPOOL_GPU_PROBE");
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	const struct sched_param priority = { .sched_priority = 0 };
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	int ret = posix_spawn_file_actions_init(&actions);
	if (ret != 0) {
		return ret;
	}
	ret = posix_spawnattr_init(&attributes);
	if (ret != 0) {
		goto error_actions;
	}
	posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
		POSIX_SPAWN_SETSCHEDULER);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setschedpolicy(&attributes, SCHED_OTHER);
	posix_spawnattr_setschedparam(&attributes, &priority);
	ret = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (ret == 0) {
		ret = posix_spawn_file_actions_addclosefrom_np(&actions,
			STDERR_FILENO + 1);
	}
	if (ret == 0) {
		ret = posix_spawn(pid, path != NULL ? path : SEALPOOL_GPU_PROBE,
			&actions, &attributes, arguments, environ);
	}
	posix_spawnattr_destroy(&attributes);
error_actions:
	posix_spawn_file_actions_destroy(&actions);
	return ret;
}

/* Reads the last line that the program has printed. */
static const char *read_message(struct sp_probe *probe, char *text,
		size_t size) {
	size_t length = 0;
	ssize_t ret;
	while (length < size - 1 && (ret = read(probe->output, text + length,
			size - 1 - length)) > 0) {
		length += (size_t)ret;
	}
	while (length > 0 && text[length - 1] == '\n') {
		length--;
	}
	text[length] = '\0';
	char *line = strrchr(text, '\n');
	return line != NULL ? line + 1 : text;
}

/* The compositor may have reaped it, and another child may have its pid. */
static void reap(struct sp_probe *probe) {
	waitid(P_PIDFD, (id_t)probe->pidfd, NULL, WEXITED | WNOHANG);
}

static int handle_end(int fd, uint32_t mask, void *data) {
	struct sp_probe *probe = data;
	char text[1024];
	const char *message = read_message(probe, text, sizeof(text));
	bool works = strncmp(message, "works", 5) == 0;
	wl_event_source_remove(probe->source);
	probe->source = NULL;
	reap(probe);
	/* This destroys it. */
	probe->done(works, message[0] != '\0' ? message :
		"the probe has crashed, or cannot be run", probe->data);
	return 0;
}

/* Ends a program that nothing watches. It is over soon after it has let go of its output. */
static void end_unwatched(const struct sp_probe *probe) {
	struct pollfd output = { .fd = probe->output };
	kill(probe->pid, SIGKILL);
	if (poll(&output, 1, PATIENCE_MS) == 1) {
		waitpid(probe->pid, NULL, 0);
	}
}

struct sp_probe *sp_probe_start(struct wl_event_loop *loop,
		const char *device, const char *driver, sp_probe_func done,
		void *data) {
	struct sp_probe *probe = calloc(1, sizeof(*probe));
	int ends[2];
	if (probe == NULL) {
		return NULL;
	}
	probe->done = done;
	probe->data = data;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		goto error_probe;
	}
	probe->output = ends[0];
	char *arguments[] = {
		(char *)"sealpool-gpu-probe", (char *)device, (char *)driver, NULL,
	};
	int ret = spawn(&probe->pid, arguments, ends[1]);
	close(ends[1]);
	if (ret != 0) {
		goto error_output;
	}
	probe->pidfd = (int)syscall(SYS_pidfd_open, probe->pid, 0);
	if (probe->pidfd < 0) {
		goto error_child;
	}
	probe->source = wl_event_loop_add_fd(loop, probe->pidfd,
		WL_EVENT_READABLE, handle_end, probe);
	if (probe->source == NULL) {
		goto error_pidfd;
	}
	return probe;

error_pidfd:
	close(probe->pidfd);
error_child:
	end_unwatched(probe);
error_output:
	close(probe->output);
error_probe:
	free(probe);
	return NULL;
}

void sp_probe_destroy(struct sp_probe *probe) {
	if (probe == NULL) {
		return;
	}
	if (probe->source != NULL) {
		wl_event_source_remove(probe->source);
		syscall(SYS_pidfd_send_signal, probe->pidfd, SIGKILL, NULL, 0);
		/* It ends at once, unless a driver is stuck in the kernel. */
		struct pollfd ended = { .fd = probe->pidfd, .events = POLLIN };
		poll(&ended, 1, PATIENCE_MS);
		reap(probe);
	}
	close(probe->pidfd);
	close(probe->output);
	free(probe);
}
