/* SPDX-License-Identifier: MIT */
/*
 * The descendants of a command.
 *
 * The command may be a script, and the compositor a descendant whose parents have ended,
 * so following parents is not enough. A descendant is also recognized by the environment
 * that it was started with, unless that was cleared.
 */
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "settings.h"
#include "started.h"

bool started_process_init(struct started_process *process, pid_t pid) {
	char path[64], line[1024];
	*process = (struct started_process){ .pid = pid };
	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return false;
	}
	bool ok = fgets(line, sizeof(line), file) != NULL;
	fclose(file);
	/* The name before the last ')' may contain anything. */
	const char *rest = ok ? strrchr(line, ')') : NULL;
	char state;
	long parent;
	if (rest == NULL || sscanf(rest, ") %c %ld %*d %*d %*d %*d %*u %*u %*u "
			"%*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
			&state, &parent, &process->start) != 3) {
		return false;
	}
	process->parent = (pid_t)parent;
	/* A zombie has ended. */
	return state != 'Z' && state != 'X';
}

static bool add(struct started *list, const struct started_process *process) {
	/* Doubles the room at each power of two. */
	if ((list->len & (list->len - 1)) == 0) {
		size_t room = list->len > 0 ? 2 * list->len : 1;
		void *processes = reallocarray(list->processes, room,
			sizeof(list->processes[0]));
		if (processes == NULL) {
			return false;
		}
		list->processes = processes;
	}
	list->processes[list->len++] = *process;
	return true;
}

static bool is_same(const struct started_process *a,
		const struct started_process *b) {
	return a->pid == b->pid && a->start == b->start;
}

static const struct started_process *find(const struct started *list,
		const struct started_process *process) {
	for (size_t i = 0; i < list->len; i++) {
		if (is_same(&list->processes[i], process)) {
			return &list->processes[i];
		}
	}
	return NULL;
}

static bool has_pid(const struct started *list, pid_t pid) {
	for (size_t i = 0; i < list->len; i++) {
		if (list->processes[i].pid == pid) {
			return true;
		}
	}
	return false;
}

/* Moves the processes whose parents are in "list" from "others" to "list". */
static bool add_children(struct started *list, struct started *others) {
	size_t len = 0, before = others->len;
	bool ok = true;
	for (size_t i = 0; i < before; i++) {
		const struct started_process *other = &others->processes[i];
		if (has_pid(list, other->parent)) {
			ok = ok && add(list, other);
		} else {
			others->processes[len++] = *other;
		}
	}
	others->len = len;
	return ok && (len == before || add_children(list, others));
}

static bool add_all(const struct started *known, const char *token,
		const struct started_process *first, struct started *list,
		struct started *others) {
	DIR *proc = opendir("/proc");
	if (proc == NULL) {
		return false;
	}
	bool ok = true;
	struct dirent *entry;
	while (ok && (entry = readdir(proc)) != NULL) {
		struct started_process process;
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		/* An older process is not a descendant. */
		if (pid <= 0 || pid == getpid() ||
				!started_process_init(&process, pid) ||
				process.start < first->start) {
			continue;
		}
		enum settings_trace trace =
			settings_look(pid, token, &process.guarded);
		const struct started_process *same = find(known, &process);
		process.ending = same != NULL && same->ending;
		bool ours = trace == SETTINGS_OF_RUN || same != NULL ||
			is_same(&process, first);
		list->pending |= trace == SETTINGS_PENDING;
		ok = add(ours ? list : others, &process);
	}
	closedir(proc);
	return ok;
}

bool started_find(struct started *started, const char *token,
		const struct started_process *first) {
	struct started list = { 0 }, others = { 0 };
	bool ok = add_all(started, token, first, &list, &others) &&
		add_children(&list, &others);
	free(others.processes);
	if (!ok) {
		free(list.processes);
		return false;
	}
	free(started->processes);
	*started = list;
	return true;
}

bool started_has_guard(const struct started *started) {
	for (size_t i = 0; i < started->len; i++) {
		if (started->processes[i].guarded) {
			return true;
		}
	}
	return false;
}

void started_end(struct started *started, bool kill) {
	for (size_t i = 0; i < started->len; i++) {
		struct started_process *process = &started->processes[i];
		if (process->ending && !kill) {
			continue;
		}
		/* The pidfd refers to one process for good, so checking that it is
		 * the right one cannot race with the pid being reused. */
		int pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
		struct started_process now;
		if (pidfd >= 0 && started_process_init(&now, process->pid) &&
				is_same(&now, process)) {
			syscall(SYS_pidfd_send_signal, pidfd,
				kill ? SIGKILL : SIGTERM, NULL, 0);
			process->ending = true;
		}
		if (pidfd >= 0) {
			close(pidfd);
		}
	}
}
