/* SPDX-License-Identifier: MIT */
/*
 * Files with holes, and files for which no memory can be allocated.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attacker.h"
#include "directory.h"

static void punch(int fd) {
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			BYTES) != 0) {
		_exit(1);
	}
}

static void punch_and_fill(int fd) {
	punch(fd);
	fallocate(fd, 0, 0, BYTES);
}

static void holes(struct test *test) {
	attacker_begin_with_good(test, (enum client_memory_kind)test->argument);
	struct attacker *a = &attacker;
	if (fallocate(a->memory.fd, FALLOC_FL_PUNCH_HOLE |
			FALLOC_FL_KEEP_SIZE, 0, BYTES) != 0) {
		test_skip(test, "cannot punch a hole: %s", strerror(errno));
	}
	attacker_keep_committing(a, NULL, ATTACK_MS / 2);
	attacker_keep_committing(a, &a->buffer, ATTACK_MS);
}

static void holes_in_race(struct test *test) {
	attacker_begin_with_good(test, (enum client_memory_kind)test->argument);
	struct attacker *a = &attacker;
	pid_t child = start_child(test, a->memory.fd, true, RACE_MS,
		punch_and_fill);
	attacker_keep_committing(a, &a->buffer, RACE_MS / 2);
	end_child(child);
}

enum kept_size {
	KEPT_SHORT,
	KEPT_RESIZED,
	/* The file seems to have all of its memory. */
	KEPT_HIDES_HOLES,
};

/* Memory past the end of a file must not be read. */
static void kept_size(struct test *test) {
	struct attacker *a = attacker_begin(test);
	size_t size = test->argument == KEPT_HIDES_HOLES ? BYTES : PAGE_BYTES;
	must(test, client_memory_create(a->client, &a->memory,
		CLIENT_MEMORY_SEALED, size));
	if (fallocate(a->memory.fd, FALLOC_FL_KEEP_SIZE, (off_t)size,
			2 * BYTES) != 0) {
		test_skip(test, "fallocate: %s", strerror(errno));
	}
	attacker_create_pool(a,
		test->argument == KEPT_RESIZED ? PAGE_BYTES : BYTES);
	if (test->argument == KEPT_RESIZED) {
		must(test, client_roundtrip(a->client));
		client_pool_resize(&a->pool, BYTES);
	}
	attacker_create_buffer(a);
	attacker_keep_committing(a, &a->buffer, ATTACK_MS);
}

static void grow_far(int fd) {
	/* Within the limit of every file system. */
	if (ftruncate(fd, (off_t)1 << 40) != 0 || ftruncate(fd, BYTES) != 0) {
		_exit(1);
	}
}

/* More than a pool, or an int32_t, can express. */
static void grown_far(struct test *test) {
	attacker_begin_with_good(test, (enum client_memory_kind)test->argument);
	struct attacker *a = &attacker;
	if (test->argument == CLIENT_MEMORY_UNSEALED) {
		pid_t child = start_child(test, a->memory.fd, true, RACE_MS,
			grow_far);
		attacker_keep_committing(a, &a->buffer, ATTACK_MS);
		end_child(child);
		return;
	}
	if (ftruncate(a->memory.fd, (off_t)1 << 40) != 0) {
		test_skip(test, "ftruncate: %s", strerror(errno));
	}
	client_pool_resize(&a->pool, INT32_MAX);
	struct client_buffer last;
	client_buffer_create(&a->pool, &last, INT32_MAX / 4096 * 4096 - BYTES,
		SIDE, SIDE, STRIDE);
	attacker_keep_committing(a, &last, ATTACK_MS);
}

/* Memory that cannot be allocated: huge pages that are not reserved, and a full file
 * system. */

static void huge_pages(struct test *test) {
	struct attacker *a = attacker_begin(test);
	a->memory.fd = memfd_create("conformance",
		MFD_CLOEXEC | MFD_HUGETLB | MFD_ALLOW_SEALING);
	struct stat st;
	if (a->memory.fd < 0 || fstat(a->memory.fd, &st) < 0 ||
			ftruncate(a->memory.fd, st.st_blksize) < 0) {
		test_skip(test, "the kernel has no huge pages: %s",
			strerror(errno));
	}
	if (test->argument &&
			fcntl(a->memory.fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
		test_skip(test, "huge pages cannot be sealed: %s",
			strerror(errno));
	}
	attacker_create_pool(a, (int32_t)st.st_blksize);
	attacker_create_buffer(a);
	attacker_keep_committing(a, &a->buffer, ATTACK_MS / 2);
	if (ftruncate(a->memory.fd, 0) == 0) {
		attacker_keep_committing(a, &a->buffer, ATTACK_MS);
	}
}

static bool write_file(const char *path, const char *text) {
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 &&
		write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

/* In it, this user may mount, and no other process sees the mounts. */
static bool enter_mount_namespace(void) {
	char uids[64], gids[64];
	snprintf(uids, sizeof(uids), "0 %u 1", (unsigned)getuid());
	snprintf(gids, sizeof(gids), "0 %u 1", (unsigned)getgid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
		write_file("/proc/self/setgroups", "deny") &&
		write_file("/proc/self/uid_map", uids) &&
		write_file("/proc/self/gid_map", gids);
}

static void full_file_system(struct test *test) {
	struct attacker *a = attacker_begin(test);
	char dir[64], path[80];
	if (!client_directory_create(dir, sizeof(dir), "conformance-full")) {
		test_skip(test, "mkdtemp: %s", strerror(errno));
	}
	snprintf(path, sizeof(path), "%s/memory", dir);
	bool ok = enter_mount_namespace() &&
		mount("tmpfs", dir, "tmpfs", 0, "size=65536") == 0;
	if (ok) {
		a->memory.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		ok = a->memory.fd >= 0 &&
			ftruncate(a->memory.fd, BYTES) == 0;
	}
	int error = errno;
	if (ok) {
		char fill[4096] = { 1 };
		off_t at = 0;
		while (pwrite(a->memory.fd, fill, sizeof(fill), at) > 0) {
			at += sizeof(fill);
		}
		unlink(path);
		umount2(dir, MNT_DETACH);
	}
	rmdir(dir);
	if (!ok) {
		test_skip(test, "no file system to fill can be mounted: %s",
			strerror(error));
	}
	attacker_create_pool(a, BYTES);
	attacker_create_buffer(a);
	attacker_keep_committing(a, &a->buffer, ATTACK_MS);
}

#define hole_case(variant, argument) \
	{ "hostile/hole:" variant, CASE_ROBUSTNESS, \
		"The client punches a hole into its file, which a seal " \
		"against shrinking does not forbid, while it is shown.", \
		holes, argument }

#define hole_in_race_case(variant, argument) \
	{ "hostile/hole-in-race:" variant, CASE_ROBUSTNESS, \
		"The client allocates and punches out pages of its file " \
		"while it is read.", \
		holes_in_race, argument }

const struct test_case hostile_hole_cases[] = {
	hole_case("sealed", CLIENT_MEMORY_SEALED),
	hole_case("unsealed", CLIENT_MEMORY_UNSEALED),
	hole_case("file", CLIENT_MEMORY_FILE),
	hole_in_race_case("sealed", CLIENT_MEMORY_SEALED),
	hole_in_race_case("unsealed", CLIENT_MEMORY_UNSEALED),
	hole_in_race_case("file", CLIENT_MEMORY_FILE),
	{ "hostile/kept-size:short", CASE_ROBUSTNESS,
		"A file has memory past its end, which is not read.",
		kept_size, KEPT_SHORT },
	{ "hostile/kept-size:resized", CASE_ROBUSTNESS,
		"A file has memory past its end, which is not read.",
		kept_size, KEPT_RESIZED },
	{ "hostile/kept-size:hides-holes", CASE_ROBUSTNESS,
		"A file has memory past its end, which is not read.",
		kept_size, KEPT_HIDES_HOLES },
	{ "hostile/grown-far:sealed", CASE_ROBUSTNESS,
		"A file is larger than the protocol can express.",
		grown_far, CLIENT_MEMORY_SEALED },
	{ "hostile/grown-far:unsealed", CASE_ROBUSTNESS,
		"A file is larger than the protocol can express.",
		grown_far, CLIENT_MEMORY_UNSEALED },
	{ "hostile/huge-pages:unsealed", CASE_ROBUSTNESS,
		"A file of huge pages has no memory, and no huge page is free.",
		huge_pages, 0 },
	{ "hostile/huge-pages:sealed", CASE_ROBUSTNESS,
		"A file of huge pages has no memory, and no huge page is free.",
		huge_pages, 1 },
	{ "hostile/full-file-system", CASE_ROBUSTNESS,
		"A file has holes on a file system that has no memory left to fill "
		"them.",
		full_file_system },
	{ 0 },
};
