/* SPDX-License-Identifier: MIT */
/*
 * What clients may hold: by default, so much of what this process may have, and of
 * the machine.
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

/* Of what all clients may hold, so much more is for those that ask while a client
 * has to go. */
#define FDS_RESERVE_PART 6
#define BYTES_RESERVE_PART 4

/*
 * The kernel allows a process 65530 mappings (vm.max_map_count), and when there
 * are no more, malloc() fails as well. A client makes us have at most:
 *
 *   for each fd of a pool      six: for reading, for writing, and where the kernel
 *                              has it with MAP_NOFAULT, each before and after it grew
 *   for each fd of a shadow    two: before and after it grew
 *   for 128 KiB of copies      one (store.c)
 *
 * Most are had by fds for pools alone, and what all may hold beyond their limit (the
 * reserve) is for shadows. At least a sixth is left to the compositor.
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
	/* A quarter is the compositor's own, but for the reserve. */
	return (uint32_t)min((uint64_t)limit.rlim_cur / 4 * 3, SP_ALL_FDS_MAX);
}

/* The number in a file of the kernel's; UINT64_MAX where there is none. */
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
 * What the control groups (version 2) of this process let it have. Beyond that
 * it is not refused memory, it is killed.
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
		/* Others have their shares (evict.c), so that an honest client is
		 * not ended where the process may have few. */
		limits->fds = (uint32_t)min(limits->all_fds, DEFAULT_FDS);
	}
	if (limits->all_shadow_bytes == 0) {
		limits->all_shadow_bytes = get_default_shadow_bytes();
	}
	if (limits->shadow_bytes == 0) {
		/* As above: two buffers of a large screen take all that a machine
		 * with little memory has for copies. */
		limits->shadow_bytes = min(DEFAULT_SHADOW_BYTES,
			limits->all_shadow_bytes);
	}
}

void sp_limits_set_all(const struct sp_limits *limits,
		struct sp_account *account) {
	sp_account_set_limit(account, SP_RESOURCE_FDS, limits->all_fds,
		limits->all_fds / FDS_RESERVE_PART);
	sp_account_set_limit(account, SP_RESOURCE_SHADOW_BYTES,
		limits->all_shadow_bytes,
		limits->all_shadow_bytes / BYTES_RESERVE_PART);
	/* Twice that: it is the clients' own memory, as long as they keep it. */
	sp_account_set_limit(account, SP_RESOURCE_IN_PLACE_BYTES,
		limits->all_shadow_bytes, limits->all_shadow_bytes);
}

void sp_limits_set_client(const struct sp_limits *limits,
		struct sp_account *account) {
	sp_account_set_limit(account, SP_RESOURCE_FDS, limits->fds, 0);
	sp_account_set_limit(account, SP_RESOURCE_SHADOW_BYTES,
		limits->shadow_bytes, 0);
	sp_account_set_limit(account, SP_RESOURCE_IN_PLACE_BYTES,
		limits->shadow_bytes, 0);
}
