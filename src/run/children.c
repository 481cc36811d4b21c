/* SPDX-License-Identifier: MIT */
/*
 * What starts programs, by the names that libc has for it: its own calls of one
 * from another do not come by here.
 *
 * An environment of the caller's may have the settings in it: a compositor may
 * have copied its own before it created a display, and give that to its children.
 * KWin does. And a child is to have the limit of file descriptors that it would
 * have without a guard. Where libc itself starts it (posix_spawn), that can only
 * be set once it runs; and of those that it starts for system() or popen(), the
 * number is not even told.
 *
 * They may be called in a child that shares the parent's memory (vfork), or where
 * other threads have been left behind with their locks (fork). So nothing is
 * allocated here but on the stack.
 */
#include <alloca.h>
#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "children.h"
#include "limit.h"
#include "settings.h"

static struct {
	int (*execv)(const char *path, char *const argv[]);
	int (*execvp)(const char *file, char *const argv[]);
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

static atomic_bool found_next;

/*
 * dlsym() is none of what may be called in a child, so that they are found before
 * there is one. But the constructors of the program's own libraries are called
 * before this one, and may start programs: then they are found at once. There is
 * hardly another thread by then.
 */
__attribute__((constructor))
static void find_next(void) {
	if (found_next) {
		return;
	}
	*(void **)&next.execv = dlsym(RTLD_NEXT, "execv");
	*(void **)&next.execvp = dlsym(RTLD_NEXT, "execvp");
	*(void **)&next.execve = dlsym(RTLD_NEXT, "execve");
	*(void **)&next.execvpe = dlsym(RTLD_NEXT, "execvpe");
	*(void **)&next.fexecve = dlsym(RTLD_NEXT, "fexecve");
	*(void **)&next.posix_spawn = dlsym(RTLD_NEXT, "posix_spawn");
	*(void **)&next.posix_spawnp = dlsym(RTLD_NEXT, "posix_spawnp");
	found_next = true;
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

/* Tells that the program could not be started. */
static int fail(bool lowered) {
	int error = errno;
	if (lowered) {
		limit_raise_again();
	}
	errno = error;
	return -1;
}

int execv(const char *path, char *const argv[]) {
	find_next();
	bool lowered = limit_lower();
	next.execv(path, argv);
	return fail(lowered);
}

int execvp(const char *file, char *const argv[]) {
	find_next();
	bool lowered = limit_lower();
	next.execvp(file, argv);
	return fail(lowered);
}

int execve(const char *path, char *const argv[], char *const envp[]) {
	find_next();
	WITHOUT_SETTINGS(envp);
	bool lowered = limit_lower();
	next.execve(path, argv, envp);
	return fail(lowered);
}

int execvpe(const char *file, char *const argv[], char *const envp[]) {
	find_next();
	WITHOUT_SETTINGS(envp);
	bool lowered = limit_lower();
	next.execvpe(file, argv, envp);
	return fail(lowered);
}

int fexecve(int fd, char *const argv[], char *const envp[]) {
	find_next();
	WITHOUT_SETTINGS(envp);
	bool lowered = limit_lower();
	next.fexecve(fd, argv, envp);
	return fail(lowered);
}

/* How many there are before the NULL, the first one included. */
static size_t count_arguments(va_list args) {
	size_t n = 1;
	while (va_arg(args, char *) != NULL) {
		n++;
	}
	return n;
}

/* And the NULL. */
static void get_arguments(char *argv[], size_t n, const char *first,
		va_list args) {
	argv[0] = (char *)first;
	for (size_t i = 1; i <= n; i++) {
		argv[i] = va_arg(args, char *);
	}
}

/* The arguments as an array, for as long as the caller's frame. */
#define GET_ARGUMENTS(argv, first, args) do { \
	va_start((args), first); \
	size_t n = count_arguments(args); \
	va_end(args); \
	(argv) = alloca((n + 1) * sizeof(char *)); \
	va_start((args), first); \
	get_arguments((argv), n, (first), (args)); \
} while (0)

int execl(const char *path, const char *arg, ...) {
	char **argv;
	va_list args;
	GET_ARGUMENTS(argv, arg, args);
	va_end(args);
	return execv(path, argv);
}

int execlp(const char *file, const char *arg, ...) {
	char **argv;
	va_list args;
	GET_ARGUMENTS(argv, arg, args);
	va_end(args);
	return execvp(file, argv);
}

int execle(const char *path, const char *arg, ...) {
	char **argv;
	va_list args;
	GET_ARGUMENTS(argv, arg, args);
	char *const *envp = va_arg(args, char *const *);
	va_end(args);
	return execve(path, argv, envp);
}

int posix_spawn(pid_t *pid, const char *path,
		const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[],
		char *const envp[]) {
	find_next();
	WITHOUT_SETTINGS(envp);
	pid_t own;
	pid_t *child = pid != NULL ? pid : &own;
	int error = next.posix_spawn(child, path, actions, attributes, argv,
		envp);
	if (error == 0) {
		limit_lower_of(*child);
	}
	return error;
}

int posix_spawnp(pid_t *pid, const char *file,
		const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[],
		char *const envp[]) {
	find_next();
	WITHOUT_SETTINGS(envp);
	pid_t own;
	pid_t *child = pid != NULL ? pid : &own;
	int error = next.posix_spawnp(child, file, actions, attributes, argv,
		envp);
	if (error == 0) {
		limit_lower_of(*child);
	}
	return error;
}
