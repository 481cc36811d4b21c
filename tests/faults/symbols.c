/* SPDX-License-Identifier: MIT */
/*
 * The functions that can fail, and how they fail. scripts/faults complains about a
 * function that Sealpool calls and that is neither here nor in "never-fail".
 *
 * FAILS(type, name, parameters, arguments, result, errno)
 *
 * A function whose failure has side effects has them here too: see close().
 */
/* The dynamic linker's names are used: open() must not become open64(). */
#undef _FILE_OFFSET_BITS
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pixman.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interpose.h"

/* Only pointers to these are used. The project's own headers declare other functions. */
struct wl_array;
struct wl_client;
struct wl_display;
struct wl_event_loop;
struct wl_event_source;
struct wl_interface;
struct wl_protocol_logger;

#define DECLARE(type, name, params) \
	__attribute__((visibility("default"))) type name params; \
	type name params

#define FIND(type, name, params) \
	static type (*real) params; \
	if (real == NULL) { \
		interpose_find((void **)&real, #name); \
	}

#define CALLER __builtin_return_address(0)

#define FAILS(type, name, params, args, value, error) \
	DECLARE(type, name, params) { \
		FIND(type, name, params) \
		if (interpose_fails(CALLER)) { \
			errno = error; \
			return value; \
		} \
		return real args; \
	}

/* With one more argument, of any type that fits into a register. */
#define FAILS_VARIADIC(type, name, params, last, args, value, error) \
	DECLARE(type, name, params) { \
		static type (*real) params; \
		if (real == NULL) { \
			interpose_find((void **)&real, #name); \
		} \
		va_list list; \
		va_start(list, last); \
		long more = va_arg(list, long); \
		va_end(list); \
		if (interpose_fails(CALLER)) { \
			errno = error; \
			return value; \
		} \
		return real args; \
	}

/* With variable arguments, which "real" takes as a va_list. */
#define FAILS_PRINTING(name, behind, params, last, args, value, error) \
	DECLARE(int, name, params) { \
		va_list list; \
		va_start(list, last); \
		bool fails = interpose_fails(CALLER); \
		errno = fails ? error : errno; \
		int ret = fails ? value : behind args; \
		va_end(list); \
		return ret; \
	}

/* Memory. */
FAILS(void *, malloc, (size_t size), (size), NULL, ENOMEM)
FAILS(void *, calloc, (size_t n, size_t size), (n, size), NULL, ENOMEM)
FAILS(void *, realloc, (void *data, size_t size), (data, size), NULL, ENOMEM)
FAILS(void *, reallocarray, (void *data, size_t n, size_t size), (data, n, size),
	NULL, ENOMEM)
FAILS(char *, strdup, (const char *text), (text), NULL, ENOMEM)
FAILS_PRINTING(asprintf, vasprintf, (char **text, const char *format, ...), format,
	(text, format, list), -1, ENOMEM)
FAILS(void *, mmap64, (void *address, size_t size, int protection, int flags, int fd,
	off64_t offset), (address, size, protection, flags, fd, offset),
	MAP_FAILED, EPERM)
FAILS(int, mprotect, (void *address, size_t size, int protection),
	(address, size, protection), -1, ENOMEM)
FAILS(int, madvise, (void *address, size_t size, int advice),
	(address, size, advice), -1, EAGAIN)
FAILS(int, mincore, (void *address, size_t size, unsigned char *pages),
	(address, size, pages), -1, EAGAIN)
FAILS(ssize_t, process_vm_readv, (pid_t pid, const struct iovec *local,
	unsigned long local_len, const struct iovec *remote, unsigned long remote_len,
	unsigned long flags), (pid, local, local_len, remote, remote_len, flags),
	-1, EPERM)

/* Files. close() closes the descriptor even if it fails. */
DECLARE(int, close, (int fd)) {
	FIND(int, close, (int fd))
	bool fails = interpose_fails(CALLER);
	int ret = real(fd);
	if (fails) {
		errno = EIO;
	}
	return fails ? -1 : ret;
}
FAILS_VARIADIC(int, open64, (const char *path, int flags, ...), flags,
	(path, flags, more), -1, EMFILE)
FAILS_VARIADIC(int, fcntl64, (int fd, int command, ...), command,
	(fd, command, more), -1, EMFILE)
FAILS(int, memfd_create, (const char *name, unsigned flags), (name, flags), -1, EMFILE)
FAILS(int, ftruncate64, (int fd, off64_t size), (fd, size), -1, ENOSPC)
FAILS(int, fallocate64, (int fd, int mode, off64_t offset, off64_t size),
	(fd, mode, offset, size), -1, ENOSPC)
FAILS(int, fstat64, (int fd, struct stat64 *st), (fd, st), -1, EIO)
FAILS(int, stat64, (const char *path, struct stat64 *st), (path, st), -1, EACCES)
FAILS(int, statx, (int at, const char *path, int flags, unsigned mask,
	struct statx *st), (at, path, flags, mask, st), -1, ENOSYS)
FAILS(int, fstatfs64, (int fd, struct statfs64 *st), (fd, st), -1, EIO)
FAILS(ssize_t, read, (int fd, void *data, size_t size), (fd, data, size), -1, EIO)
FAILS(ssize_t, pread64, (int fd, void *data, size_t size, off64_t offset),
	(fd, data, size, offset), -1, EIO)
FAILS(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t offset),
	(fd, data, size, offset), -1, EIO)
FAILS(ssize_t, pwritev64, (int fd, const struct iovec *iov, int n, off64_t offset),
	(fd, iov, n, offset), -1, EIO)
/* Reads from a file that is not memory what is in the page cache, without waiting. */
DECLARE(ssize_t, preadv64v2, (int fd, const struct iovec *iov, int n, off64_t offset,
		int flags)) {
	FIND(ssize_t, preadv64v2, (int, const struct iovec *, int, off64_t, int))
	if (interpose_fails(CALLER) || interpose_is_cold()) {
		errno = EAGAIN;
		return -1;
	}
	return real(fd, iov, n, offset, flags);
}
FAILS(int, dup2, (int from, int to), (from, to), -1, EBUSY)
FAILS(int, close_range, (unsigned first, unsigned last, int flags),
	(first, last, flags), -1, ENOSYS)
FAILS(int, fchmod, (int fd, mode_t mode), (fd, mode), -1, EPERM)
FAILS(int, access, (const char *path, int mode), (path, mode), -1, EACCES)
FAILS(int, faccessat, (int at, const char *path, int mode, int flags),
	(at, path, mode, flags), -1, EACCES)
FAILS(ssize_t, getxattr, (const char *path, const char *name, void *data, size_t size),
	(path, name, data, size), -1, EIO)
FAILS(ssize_t, readlink, (const char *path, char *link, size_t size),
	(path, link, size), -1, EACCES)
FAILS(int, unlink, (const char *path), (path), -1, EACCES)
FAILS(int, chdir, (const char *path), (path), -1, EACCES)
FAILS(DIR *, opendir, (const char *path), (path), NULL, EMFILE)
FAILS(struct dirent64 *, readdir64, (DIR *dir), (dir), NULL, EIO)

/* Streams. ferror() and fclose() report what could not be written. */
FAILS(FILE *, fopen64, (const char *path, const char *mode), (path, mode), NULL, EMFILE)
FAILS(FILE *, open_memstream, (char **text, size_t *size), (text, size), NULL, ENOMEM)
DECLARE(int, fclose, (FILE *file)) {
	FIND(int, fclose, (FILE *file))
	bool fails = interpose_fails(CALLER);
	int ret = real(file);
	if (fails) {
		errno = ENOSPC;
	}
	return fails ? EOF : ret;
}
FAILS(int, ferror, (FILE *file), (file), 1, errno)
FAILS(char *, fgets, (char *line, int size, FILE *file), (line, size, file), NULL, EIO)
FAILS(ssize_t, getline, (char **line, size_t *size, FILE *file), (line, size, file),
	-1, ENOMEM)
FAILS(ssize_t, getdelim, (char **line, size_t *size, int end, FILE *file),
	(line, size, end, file), -1, ENOMEM)
FAILS_PRINTING(__isoc99_fscanf, vfscanf, (FILE *file, const char *format, ...), format,
	(file, format, list), EOF, EIO)
FAILS_PRINTING(__isoc23_fscanf, vfscanf, (FILE *file, const char *format, ...), format,
	(file, format, list), EOF, EIO)

/* Sockets, and wakeups. */
FAILS(int, socket, (int domain, int type, int protocol), (domain, type, protocol),
	-1, EMFILE)
FAILS(int, bind, (int fd, const struct sockaddr *address, socklen_t size),
	(fd, address, size), -1, EADDRINUSE)
FAILS(int, listen, (int fd, int n), (fd, n), -1, EADDRINUSE)
FAILS(int, connect, (int fd, const struct sockaddr *address, socklen_t size),
	(fd, address, size), -1, ECONNREFUSED)
FAILS(int, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags),
	(fd, address, size, flags), -1, EMFILE)
FAILS(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *size),
	(fd, level, name, value, size), -1, ENOPROTOOPT)
FAILS(ssize_t, send, (int fd, const void *data, size_t size, int flags),
	(fd, data, size, flags), -1, EAGAIN)
FAILS(ssize_t, sendto, (int fd, const void *data, size_t size, int flags,
	const struct sockaddr *address, socklen_t length),
	(fd, data, size, flags, address, length), -1, EAGAIN)
FAILS(ssize_t, recv, (int fd, void *data, size_t size, int flags),
	(fd, data, size, flags), -1, ECONNRESET)
FAILS(int, eventfd, (unsigned count, int flags), (count, flags), -1, EMFILE)
FAILS(int, eventfd_read, (int fd, uint64_t *count), (fd, count), -1, EAGAIN)
/* It fails when the counter is at its maximum; the eventfd is readable then. */
DECLARE(int, eventfd_write, (int fd, uint64_t count)) {
	FIND(int, eventfd_write, (int fd, uint64_t count))
	bool fails = interpose_fails(CALLER);
	int ret = real(fd, count);
	if (fails) {
		errno = EAGAIN;
	}
	return fails ? -1 : ret;
}
FAILS(int, timerfd_create, (int clock, int flags), (clock, flags), -1, EMFILE)
FAILS(ssize_t, recvfrom, (int fd, void *data, size_t size, int flags,
	struct sockaddr *from, socklen_t *from_len),
	(fd, data, size, flags, from, from_len), -1, ENOMEM)
FAILS(int, poll, (struct pollfd *fds, nfds_t n, int timeout), (fds, n, timeout),
	-1, ENOMEM)

/* Threads and processes. */
FAILS(int, pthread_create, (pthread_t *thread, const pthread_attr_t *attr,
	void *(*run)(void *), void *data), (thread, attr, run, data), EAGAIN, errno)
FAILS(int, pthread_attr_init, (pthread_attr_t *attr), (attr), ENOMEM, errno)
FAILS(int, pthread_cond_init, (pthread_cond_t *cond, const pthread_condattr_t *attr),
	(cond, attr), ENOMEM, errno)
FAILS(int, pthread_mutex_init, (pthread_mutex_t *mutex,
	const pthread_mutexattr_t *attr), (mutex, attr), ENOMEM, errno)
FAILS(int, pthread_mutex_trylock, (pthread_mutex_t *mutex), (mutex), EBUSY, errno)
FAILS(pid_t, fork, (void), (), -1, EAGAIN)
FAILS(pid_t, setsid, (void), (), -1, EPERM)
FAILS(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options),
	-1, ECHILD)
FAILS(int, waitid, (idtype_t type, id_t id, siginfo_t *info, int options),
	(type, id, info, options), -1, ECHILD)
FAILS(int, on_exit, (void (*function)(int status, void *data), void *data),
	(function, data), -1, ENOMEM)
FAILS(int, execvp, (const char *file, char *const argv[]), (file, argv), -1, ENOMEM)
FAILS(int, getrlimit64, (__rlimit_resource_t resource, struct rlimit64 *limit),
	(resource, limit), -1, EPERM)
FAILS(int, setrlimit64, (__rlimit_resource_t resource, const struct rlimit64 *limit),
	(resource, limit), -1, EPERM)
FAILS(int, prlimit64, (pid_t pid, enum __rlimit_resource resource,
	const struct rlimit64 *new_limit, struct rlimit64 *old),
	(pid, resource, new_limit, old), -1, EPERM)
FAILS(ssize_t, getrandom, (void *data, size_t size, unsigned flags),
	(data, size, flags), -1, ENOSYS)
FAILS(int, setenv, (const char *name, const char *value, int overwrite),
	(name, value, overwrite), -1, ENOMEM)
FAILS(void *, wl_array_add, (struct wl_array *array, size_t size), (array, size),
	NULL, ENOMEM)
FAILS(void *, dlopen, (const char *path, int flags), (path, flags), NULL, errno)
FAILS(int, dladdr, (const void *address, Dl_info *info), (address, info), 0, errno)

DECLARE(int, prctl, (int option, ...)) {
	FIND(int, prctl, (int, ...))
	va_list list;
	va_start(list, option);
	unsigned long a = va_arg(list, unsigned long);
	unsigned long b = va_arg(list, unsigned long);
	unsigned long c = va_arg(list, unsigned long);
	unsigned long d = va_arg(list, unsigned long);
	va_end(list);
	if (interpose_fails(CALLER)) {
		errno = EINVAL;
		return -1;
	}
	return real(option, a, b, c, d);
}

DECLARE(long, syscall, (long number, ...)) {
	FIND(long, syscall, (long, ...))
	va_list list;
	va_start(list, number);
	long a = va_arg(list, long), b = va_arg(list, long);
	long c = va_arg(list, long), d = va_arg(list, long);
	long e = va_arg(list, long), f = va_arg(list, long);
	va_end(list);
	if (interpose_fails(CALLER)) {
		errno = ENOSYS;
		return -1;
	}
	return real(number, a, b, c, d, e, f);
}

/* The sizes of pages and ticks are always known; the size of the memory is not. */
DECLARE(long, sysconf, (int name)) {
	FIND(long, sysconf, (int name))
	if (interpose_fails(CALLER) && name != _SC_PAGESIZE && name != _SC_CLK_TCK) {
		errno = EINVAL;
		return -1;
	}
	return real(name);
}

/* libwayland: none of these sets errno. */
FAILS(struct wl_protocol_logger *, wl_display_add_protocol_logger,
	(struct wl_display *display, void *func, void *data), (display, func, data),
	NULL, errno)
FAILS(struct wl_event_source *, wl_event_loop_add_fd, (struct wl_event_loop *loop,
	int fd, uint32_t mask, void *func, void *data), (loop, fd, mask, func, data),
	NULL, errno)
FAILS(struct wl_event_source *, wl_event_loop_add_idle, (struct wl_event_loop *loop,
	void *func, void *data), (loop, func, data), NULL, errno)
FAILS(struct wl_event_source *, wl_event_loop_add_timer, (struct wl_event_loop *loop,
	void *func, void *data), (loop, func, data), NULL, errno)
FAILS(int, wl_event_source_timer_update, (struct wl_event_source *source, int ms),
	(source, ms), -1, errno)
FAILS(struct wl_global *, wl_global_create, (struct wl_display *display,
	const struct wl_interface *interface, int version, void *data, void *bind_func),
	(display, interface, version, data, bind_func), NULL, errno)
FAILS(struct wl_resource *, wl_resource_create, (struct wl_client *client,
	const struct wl_interface *interface, int version, uint32_t id),
	(client, interface, version, id), NULL, errno)

/* pixman: a failure results in an empty region. */
#define FAILS_REGION(name, params, args) \
	DECLARE(pixman_bool_t, name, params) { \
		FIND(pixman_bool_t, name, params) \
		if (interpose_fails(CALLER)) { \
			pixman_region32_clear(region); \
			return 0; \
		} \
		return real args; \
	}
FAILS_REGION(pixman_region32_copy, (pixman_region32_t *region,
	const pixman_region32_t *from), (region, from))
FAILS_REGION(pixman_region32_union, (pixman_region32_t *region,
	const pixman_region32_t *a, const pixman_region32_t *b), (region, a, b))
FAILS_REGION(pixman_region32_subtract, (pixman_region32_t *region,
	const pixman_region32_t *a, const pixman_region32_t *b), (region, a, b))

/* wlroots. */
FAILS(const void *, wlr_renderer_get_texture_formats, (void *renderer, uint32_t caps),
	(renderer, caps), NULL, errno)
