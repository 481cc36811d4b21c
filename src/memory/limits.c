/* SPDX-License-Identifier: MIT */
/*
 * The default limits of descriptors and bytes: parts of the limits of this process and of
 * the machine's memory.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "account.h"
#include "limits.h"

#define DEFAULT_FDS 2048
#define DEFAULT_SHADOW_BYTES ((uint64_t)512 << 20)
#define DEFAULT_ALL_SHADOW_BYTES ((uint64_t)2 << 30)

/* The reserve above the limit of all clients, as a part of it: for charges that come
 * while clients are being disconnected. */
#define FDS_RESERVE_PART 6
#define BYTES_RESERVE_PART 4

/*
 * The kernel allows a process 65530 mappings (vm.max_map_count); when these are used up,
 * malloc() fails as well. A client can cause at most:
 *
 *   for each fd of a pool      six: for reading, for writing, and with MAP_NOFAULT if
 *                              the kernel has it, each before and after it grew
 *   for each fd of a shadow    two: before and after it grew
 *   for 128 KiB of copies      one (store.c)
 *
 * In the worst case all fds are those of pools, and the reserve is for shadows. Then at
 * least a sixth of the mappings is left to the compositor.
 */
#define MAPPINGS_OF_FILE 6
#define MAPPINGS_OF_SHADOW 2
#define MAPPINGS_OF_COPIES (DEFAULT_ALL_SHADOW_BYTES / (128 * 1024))
#define MAPPINGS_MAX 65530

_Static_assert(SP_ALL_FDS_MAX * MAPPINGS_OF_FILE +
	SP_ALL_FDS_MAX / FDS_RESERVE_PART * MAPPINGS_OF_SHADOW +
	MAPPINGS_OF_COPIES <= MAPPINGS_MAX / 6 * 5, "a process has not as many mappings");

static uint64_t min(uint64_t a, uint64_t b) {
	return a < b ? a : b;
}

static uint64_t max(uint64_t a, uint64_t b) {
	return a > b ? a : b;
}

static uint32_t get_default_fds(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
		limit.rlim_cur = 1024;
	}
	/* A quarter, less the reserve, is for the compositor itself. */
	return (uint32_t)min((uint64_t)limit.rlim_cur / 4 * 3, SP_ALL_FDS_MAX);
}

/* Reads a number from a file of the kernel's; UINT64_MAX if there is none. */
static uint64_t read_number(const char *path) {
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return UINT64_MAX;
	}
	unsigned long long number;
	if (fscanf(file, "%llu", &number) != 1) {
		number = UINT64_MAX;
	}
	fclose(file);
	return number;
}

/*
 * Returns the memory limit of this process's control groups (version 2). Beyond it, the
 * kernel does not refuse memory, but kills a process.
 */
static uint64_t get_cgroup_memory(void) {
	FILE *file = fopen("/proc/self/cgroup", "re");
	if (file == NULL) {
		return UINT64_MAX;
	}
	char line[PATH_MAX], path[PATH_MAX + 64];
	uint64_t least = UINT64_MAX;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "0::/", 4) != 0) {
			continue;
		}
		line[strcspn(line, "\n")] = '\0';
		char *group = line + 3, *slash;
		while ((slash = strrchr(group, '/')) != NULL) {
			snprintf(path, sizeof(path),
				"/sys/fs/cgroup%s/memory.max", group);
			least = min(least, read_number(path));
			*slash = '\0';
		}
		break;
	}
	fclose(file);
	return least;
}

static uint64_t get_default_shadow_bytes(void) {
	long pages = sysconf(_SC_PHYS_PAGES);
	long page_size = sysconf(_SC_PAGESIZE);
	uint64_t memory = get_cgroup_memory();
	if (pages > 0 && page_size > 0) {
		memory = min(memory, (uint64_t)pages * (uint64_t)page_size);
	}
	/* 0 means "use the default". */
	return max(min(memory / 4, DEFAULT_ALL_SHADOW_BYTES), 1);
}

void sp_limits_init(struct sp_limits *limits) {
	if (limits->all_fds == 0) {
		limits->all_fds = get_default_fds();
	}
	if (limits->fds == 0) {
		/* Shares (evict.c) protect the other clients, so an honest client may
		 * have all if the process may have few. */
		limits->fds = (uint32_t)min(limits->all_fds, DEFAULT_FDS);
	}
	if (limits->all_shadow_bytes == 0) {
		limits->all_shadow_bytes = get_default_shadow_bytes();
	}
	if (limits->shadow_bytes == 0) {
		/* As above: two buffers of a large screen take all the memory that a
		 * small machine has for copies. */
		limits->shadow_bytes = min(DEFAULT_SHADOW_BYTES,
			limits->all_shadow_bytes);
	}
}

void sp_limits_set_all(struct sp_account *account, uint64_t fds,
		uint64_t shadow_bytes) {
	sp_account_set_limit(account, SP_RESOURCE_FDS, fds,
		fds / FDS_RESERVE_PART);
	sp_account_set_limit(account, SP_RESOURCE_SHADOW_BYTES,
		shadow_bytes,
		shadow_bytes / BYTES_RESERVE_PART);
	/* Twice as many: this is the clients' own memory, as long as they keep it. */
	sp_account_set_limit(account, SP_RESOURCE_IN_PLACE_BYTES,
		shadow_bytes, shadow_bytes);
}

void sp_limits_set_client(struct sp_account *account, uint64_t fds,
		uint64_t shadow_bytes) {
	sp_account_set_limit(account, SP_RESOURCE_FDS, fds, 0);
	sp_account_set_limit(account, SP_RESOURCE_SHADOW_BYTES,
		shadow_bytes, 0);
	sp_account_set_limit(account, SP_RESOURCE_IN_PLACE_BYTES,
		shadow_bytes, 0);
}
