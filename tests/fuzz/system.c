/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

#include "memory/clock.h"
#include "system.h"

/* Later than any duration that the library subtracts from it. */
static _Atomic uint64_t now = 1000000;
static atomic_size_t mapped;

void system_advance(uint32_t ms) {
	now += ms;
}

size_t system_get_mapped(void) {
	return mapped;
}

size_t system_count_fds(void) {
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;
	while (readdir(dir) != NULL) {
		count++;
	}
	closedir(dir);
	return count;
}

int __real_clock_gettime(clockid_t clock, struct timespec *time);
void *__real_mmap(void *at, size_t length, int prot, int flags, int fd,
	off_t offset);
int __real_munmap(void *at, size_t length);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
void *__wrap_mmap(void *at, size_t length, int prot, int flags, int fd,
	off_t offset);
void *__wrap_mmap64(void *at, size_t length, int prot, int flags, int fd,
	off_t offset);
int __wrap_munmap(void *at, size_t length);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time) {
	if (clock != SP_CLOCK) {
		return __real_clock_gettime(clock, time);
	}
	uint64_t ms = now;
	*time = (struct timespec){
		.tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000,
	};
	return 0;
}

void *__wrap_mmap(void *at, size_t length, int prot, int flags, int fd,
		off_t offset) {
	void *data = __real_mmap(at, length, prot, flags, fd, offset);
	/* What is mapped over another mapping is unmapped with it. */
	if (data != MAP_FAILED && !(flags & MAP_FIXED)) {
		mapped += length;
	}
	return data;
}

void *__wrap_mmap64(void *at, size_t length, int prot, int flags, int fd,
		off_t offset) {
	return __wrap_mmap(at, length, prot, flags, fd, offset);
}

int __wrap_munmap(void *at, size_t length) {
	int ret = __real_munmap(at, length);
	mapped -= ret == 0 ? length : 0;
	return ret;
}
