/* SPDX-License-Identifier: MIT */
/*
 * What starts programs with an environment of the caller's, by the names that
 * libc has for it. A compositor may have copied its environment before it created
 * a display, and give that to its children: KWin does.
 *
 * They may be called in a child that shares the parent's memory (vfork), or where
 * other threads have been left behind with their locks (fork). So nothing is
 * allocated here but on the stack. execle() is not among them: whoever has its
 * arguments in a list has had them when it was compiled.
 */
#include <alloca.h>
#include <dlfcn.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "children.h"
#include "settings.h"

static struct {
	int (*execve)(const char *path, char *const argv[],
		char *const envp[]);
	int (*execvpe)(const char *file, char *const argv[],
		char *const envp[]);
	int (*fexecve)(int fd, char *const argv[], char *const envp[]);
	int (*posix_spawn)(pid_t *pid, const char *path,
		const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[],
		char *const envp[]);
	int (*posix_spawnp)(pid_t *pid, const char *file,
		const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[],
		char *const envp[]);
} next;

/* NULL while children are to have the guard. */
static const char *_Atomic left;

/* dlsym() is none of what may be called in a child. */
__attribute__((constructor))
static void find_next(void) {
	*(void **)&next.execve = dlsym(RTLD_NEXT, "execve");
	*(void **)&next.execvpe = dlsym(RTLD_NEXT, "execvpe");
	*(void **)&next.fexecve = dlsym(RTLD_NEXT, "fexecve");
	*(void **)&next.posix_spawn = dlsym(RTLD_NEXT, "posix_spawn");
	*(void **)&next.posix_spawnp = dlsym(RTLD_NEXT, "posix_spawnp");
}

void children_leave(const char *library) {
	left = library;
}

static size_t length(char *const envp[]) {
	size_t n = 0;
	while (envp[n] != NULL) {
		n++;
	}
	return n;
}

/* What of the environment needs room to be changed. */
static const char *find_preload(char *const envp[]) {
	for (; *envp != NULL; envp++) {
		if (strncmp(*envp, SETTINGS_PRELOAD "=",
				strlen(SETTINGS_PRELOAD "=")) == 0) {
			return *envp;
		}
	}
	return "";
}

/* Copies the environment into "clean", which has room for all of it, without what
 * sealpool-run has put there; "preload" has room for that variable. */
static void take_out(char *const envp[], char *clean[], char *preload) {
	const char *found = find_preload(envp);
	for (; *envp != NULL; envp++) {
		if (strncmp(*envp, SETTINGS_VARIABLE "=",
				strlen(SETTINGS_VARIABLE "=")) == 0) {
			continue;
		}
		if (*envp != found) {
			*clean++ = *envp;
			continue;
		}
		size_t name = strlen(SETTINGS_PRELOAD "=");
		memcpy(preload, found, name);
		if (settings_copy_preload(preload + name, found + name,
				left)) {
			*clean++ = preload;
		}
	}
	*clean = NULL;
}

/* The environment without the settings, for as long as the caller's frame. */
#define WITHOUT_SETTINGS(envp) do { \
	if (left != NULL && (envp) != NULL) { \
		char **clean = alloca((length(envp) + 1) * sizeof(char *)); \
		take_out((envp), clean, \
			alloca(strlen(find_preload(envp)) + 1)); \
		(envp) = clean; \
	} \
} while (0)

int execve(const char *path, char *const argv[], char *const envp[]) {
	WITHOUT_SETTINGS(envp);
	return next.execve(path, argv, envp);
}

int execvpe(const char *file, char *const argv[], char *const envp[]) {
	WITHOUT_SETTINGS(envp);
	return next.execvpe(file, argv, envp);
}

int fexecve(int fd, char *const argv[], char *const envp[]) {
	WITHOUT_SETTINGS(envp);
	return next.fexecve(fd, argv, envp);
}

int posix_spawn(pid_t *pid, const char *path,
		const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[],
		char *const envp[]) {
	WITHOUT_SETTINGS(envp);
	return next.posix_spawn(pid, path, actions, attributes, argv, envp);
}

int posix_spawnp(pid_t *pid, const char *file,
		const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[],
		char *const envp[]) {
	WITHOUT_SETTINGS(envp);
	return next.posix_spawnp(pid, file, actions, attributes, argv, envp);
}
