/* SPDX-License-Identifier: MIT */
/*
 * Replaces libc's functions that start programs. (Calls within libc do not come here.)
 *
 * The settings are removed from the environment that the caller passes: a compositor
 * may have copied its own environment before it created a display, and pass the copy
 * to its children. KWin does. But a program that replaces the compositor's own process
 * gets them: Enlightenment does that to restart.
 *
 * A child also gets the limit of file descriptors that it would have without a guard. With
 * posix_spawn(), the limit can only be set after the child has started; with system() and
 * popen() it cannot be set, since libc does not return the child's pid.
 *
 * These functions may be called in a child that shares the parent's memory (vfork), or
 * whose other threads were lost while holding locks (fork). So they allocate only on the
 * stack.
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

typedef int spawn_func(pid_t *pid, const char *path,
	const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attributes, char *const argv[],
	char *const envp[]);

static struct {
	int (*execve)(const char *path, char *const argv[],
		char *const envp[]);
	int (*execvpe)(const char *file, char *const argv[],
		char *const envp[]);
	int (*fexecve)(int fd, char *const argv[], char *const envp[]);
	spawn_func *posix_spawn, *posix_spawnp;
} next;

/* The library to remove from LD_PRELOAD; NULL while children should get the guard. */
static const char *_Atomic left;

/* The process with the guard, and the settings for its successor. */
static pid_t owner;
static const char *settings_variable;

static atomic_bool found_next;

/*
 * dlsym() must not be called in a forked child, so the functions are looked up before.
 * Constructors of the program's own libraries run before this one, and may start
 * programs: then they are looked up at the first call. There is hardly another thread
 * at that time.
 */
__attribute__((constructor))
static void find_next(void) {
	if (found_next) {
		return;
	}
	*(void **)&next.execve = dlsym(RTLD_NEXT, "execve");
	*(void **)&next.execvpe = dlsym(RTLD_NEXT, "execvpe");
	*(void **)&next.fexecve = dlsym(RTLD_NEXT, "fexecve");
	*(void **)&next.posix_spawn = dlsym(RTLD_NEXT, "posix_spawn");
	*(void **)&next.posix_spawnp = dlsym(RTLD_NEXT, "posix_spawnp");
	found_next = true;
}

void children_leave(const char *library, const char *variable) {
	owner = getpid();
	settings_variable = variable;
	left = library;
}

static size_t length(char *const envp[]) {
	size_t n = 0;
	while (envp[n] != NULL) {
		n++;
	}
	return n;
}

/* Returns the LD_PRELOAD variable, or "". */
static const char *find_preload(char *const envp[]) {
	for (; *envp != NULL; envp++) {
		if (strncmp(*envp, SETTINGS_PRELOAD "=",
				strlen(SETTINGS_PRELOAD "=")) == 0) {
			return *envp;
		}
	}
	return "";
}

/* Writes the LD_PRELOAD variable without the library, or with it in front. Returns whether
 * anything is preloaded. */
static bool make_preload(char *preload, const char *found, bool with_library) {
	char *end = stpcpy(preload, SETTINGS_PRELOAD "=");
	const char *value = found[0] != '\0' ? found + (end - preload) : "";
	if (with_library) {
		end = stpcpy(end, left);
		*end++ = ':';
	}
	bool others = settings_copy_preload(end, value, left);
	if (with_library && !others) {
		end[-1] = '\0';
	}
	return with_library || others;
}

/* Copies the environment to "clean" without what sealpool-run has added; or with it, for
 * the successor of the process that has the guard. "clean" has room for two more;
 * "preload" has room for the LD_PRELOAD variable and the library. */
static void make_environment(char *const envp[], char *clean[], char *preload,
		bool for_successor) {
	const char *found = find_preload(envp);
	for (; *envp != NULL; envp++) {
		if (*envp != found && strncmp(*envp, SETTINGS_VARIABLE "=",
				strlen(SETTINGS_VARIABLE "=")) != 0) {
			*clean++ = *envp;
		}
	}
	if (make_preload(preload, found, for_successor)) {
		*clean++ = preload;
	}
	if (for_successor) {
		*clean++ = (char *)settings_variable;
	}
	*clean = NULL;
}

/* Replaces "envp" by a copy for the program that is started, on the caller's stack. */
#define MAKE_ENVIRONMENT(envp, for_successor) do { \
	if (left != NULL && (envp) != NULL) { \
		char **clean = alloca((length(envp) + 3) * sizeof(char *)); \
		make_environment((envp), clean, \
			alloca(strlen(SETTINGS_PRELOAD "=:") + strlen(left) + \
				strlen(find_preload(envp)) + 1), \
			for_successor); \
		(envp) = clean; \
	} \
} while (0)

/* Returns the error of a program that could not be started. */
static int fail(bool lowered) {
	int error = errno;
	if (lowered) {
		limit_raise_again();
	}
	errno = error;
	return -1;
}

int execve(const char *path, char *const argv[], char *const envp[]) {
	find_next();
	MAKE_ENVIRONMENT(envp, getpid() == owner);
	bool lowered = limit_lower();
	next.execve(path, argv, envp);
	return fail(lowered);
}

int execvpe(const char *file, char *const argv[], char *const envp[]) {
	find_next();
	MAKE_ENVIRONMENT(envp, getpid() == owner);
	bool lowered = limit_lower();
	next.execvpe(file, argv, envp);
	return fail(lowered);
}

int fexecve(int fd, char *const argv[], char *const envp[]) {
	find_next();
	MAKE_ENVIRONMENT(envp, getpid() == owner);
	bool lowered = limit_lower();
	next.fexecve(fd, argv, envp);
	return fail(lowered);
}

int execv(const char *path, char *const argv[]) {
	return execve(path, argv, environ);
}

int execvp(const char *file, char *const argv[]) {
	return execvpe(file, argv, environ);
}

/* Counts the arguments before the NULL, including the first. */
static size_t count_arguments(va_list args) {
	size_t n = 1;
	while (va_arg(args, char *) != NULL) {
		n++;
	}
	return n;
}

/* Copies the arguments and the NULL. */
static void get_arguments(char *argv[], size_t n, const char *first,
		va_list args) {
	argv[0] = (char *)first;
	for (size_t i = 1; i <= n; i++) {
		argv[i] = va_arg(args, char *);
	}
}

/* Makes an array of the arguments, on the caller's stack. */
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

static int spawn(spawn_func *const *function, pid_t *pid, const char *path,
		const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[],
		char *const envp[]) {
	find_next();
	MAKE_ENVIRONMENT(envp, false);
	pid_t own;
	pid_t *child = pid != NULL ? pid : &own;
	int error = (*function)(child, path, actions, attributes, argv, envp);
	if (error == 0) {
		limit_lower_of(*child);
	}
	return error;
}

int posix_spawn(pid_t *pid, const char *path,
		const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[],
		char *const envp[]) {
	return spawn(&next.posix_spawn, pid, path, actions, attributes, argv,
		envp);
}

int posix_spawnp(pid_t *pid, const char *file,
		const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[],
		char *const envp[]) {
	return spawn(&next.posix_spawnp, pid, file, actions, attributes, argv,
		envp);
}
