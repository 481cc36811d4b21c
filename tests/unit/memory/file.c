/* SPDX-License-Identifier: MIT */
/*
 * Classification of a client's fd: which sorts of files are refused and why, and whether
 * a file has holes.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "accept.h"
#include "child.h"
#include "memfd.h"
#include "memory/file.h"
#include "traces.h"

#define SIZE 12345

/* Allocates memory for a range of the file. */
static void fill(int fd, off_t start, off_t length) {
	static const char bytes[4096] = { 1 };
	while (length > 0) {
		size_t part = length < (off_t)sizeof(bytes) ?
			(size_t)length : sizeof(bytes);
		assert_int_equal(pwrite(fd, bytes, part, start), part);
		start += (off_t)part;
		length -= (off_t)part;
	}
}

static void punch_hole(int fd, off_t start, off_t length) {
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
		FALLOC_FL_KEEP_SIZE, start, length), 0);
}

/* Closes the fd, which must still be open. */
static void expect_refused(int fd, int error, const char *reason) {
	struct sp_file file;
	const char *why = "(none)";
	int ret = sp_file_init(&file, fd, &why);
	if (ret != -error || strcmp(why, reason) != 0) {
		fail_msg("expected %d, \"%s\", got %d, \"%s\"", -error, reason,
			ret, why);
	}
	/* If it were a valid number, closing it could close another fd. */
	assert_int_equal(file.fd, -1);
	sp_file_finish(&file);
	assert_int_equal(close(fd), 0);
}

#define NO_MEMORY_FILE "is not shared memory, nor a file that has a path"
#define NOT_READABLE "cannot be read through this fd"

/* Accepted sorts */

static void memfd_is_shared_memory(void **state) {
	struct sp_file file = accept_file(create_memfd(SIZE, 0));
	assert_int_equal(file.kind, SP_FILE_SHMEM);
	assert_int_equal(file.writable, true);
	assert_int_equal(file.page_size, page_size());
	sp_file_finish(&file);
}

static void memfd_that_can_have_no_seals_is_shared_memory(void **state) {
	int fd = memfd_create("sealpool-test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	struct sp_file file = accept_file(fd);
	assert_int_equal(file.kind, SP_FILE_SHMEM);
	assert_int_equal(file.sealed_size, 0);
	sp_file_finish(&file);
}

static void empty_memfd_is_shared_memory(void **state) {
	struct sp_file file = accept_file(create_memfd(0, 0));
	assert_int_equal(file.kind, SP_FILE_SHMEM);
	assert_int_equal(sp_file_get_size(&file), 0);
	sp_file_finish(&file);
}

static void file_on_tmpfs_is_shared_memory(void **state) {
	struct statfs fs;
	if (statfs("/dev/shm", &fs) < 0 || fs.f_type != TMPFS_MAGIC) {
		skip();
	}
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	struct sp_file file = accept_file(fd);
	assert_int_equal(file.kind, SP_FILE_SHMEM);
	assert_int_equal(file.page_size, page_size());
	assert_int_equal(file.sealed_size, 0);
	sp_file_finish(&file);
}

static bool is_on_disk(const char *path) {
	struct statfs fs;
	return statfs(path, &fs) == 0 && (fs.f_type == EXT4_SUPER_MAGIC ||
		fs.f_type == XFS_SUPER_MAGIC ||
		fs.f_type == BTRFS_SUPER_MAGIC ||
		fs.f_type == F2FS_SUPER_MAGIC);
}

/* Returns a directory on a disk's file system, or NULL. */
static const char *find_disk(void) {
	static const char *const places[] = { "/tmp", "/var/tmp", "." };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (is_on_disk(places[i])) {
			return places[i];
		}
	}
	return NULL;
}

static void file_on_a_disk_is_for_a_reader_thread(void **state) {
	const char *place = find_disk();
	if (place == NULL) {
		skip();
	}
	int fd = open(place, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	struct sp_file file = accept_file(fd);
	assert_int_equal(file.kind, SP_FILE_SLOW);
	assert_int_equal(file.writable, true);
	assert_int_equal(file.page_size, page_size());
	assert_int_equal(file.sealed_size, 0);
	assert_int_equal(sp_file_is_sealed_to(&file, 1), false);
	close(fd);
}

/* The answer says nothing about the file. */

/* Returns the shortest processor time of many calls, in nanoseconds. */
static int64_t measure_init(int fd) {
	int64_t least = INT64_MAX;
	for (int i = 0; i < 20; i++) {
		struct sp_file file;
		const char *reason;
		struct timespec before, after;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
		assert_int_equal(sp_file_init(&file, fd, &reason), 0);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
		int64_t taken = (after.tv_sec - before.tv_sec) * 1000000000 +
			after.tv_nsec - before.tv_nsec;
		least = taken < least ? taken : least;
	}
	return least;
}

static void locks_on_a_file_cost_nothing(void **state) {
	const char *place = find_disk();
	if (place == NULL) {
		skip();
	}
	int fd = open(place, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	int64_t without = measure_init(fd);
	/* In this order, the kernel finds the place of each lock at once. */
	for (int i = 5000; i > 0; i--) {
		struct flock lock = {
			.l_type = F_WRLCK,
			.l_whence = SEEK_SET,
			.l_start = 2 * i,
			.l_len = 1,
		};
		assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	}
	int64_t with = measure_init(fd);
	if (with > 10 * without) {
		fail_msg("%lld ns, and %lld ns without locks", (long long)with,
			(long long)without);
	}
	close(fd);
}

/* The root of a chroot() without mounts, so the mount of no path is listed. */
static char root[64];

static const char *open_in_unlisted_mount(void) {
	char proc[80];
	snprintf(proc, sizeof(proc), "%s/proc", root);
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none",
				MS_REC | MS_PRIVATE, NULL) < 0 ||
			mount("/proc", proc, "none", MS_BIND | MS_REC,
				NULL) < 0) {
		print_message("skipped: mounting is not permitted\n");
		return NULL;
	}
	int fd = open(root, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || chroot(root) < 0 || chdir("/") < 0) {
		return "no file";
	}
	struct sp_file file;
	const char *reason;
	if (sp_file_init(&file, fd, &reason) < 0) {
		return child_wrong("the file %s", reason);
	}
	enum sp_file_kind kind = file.kind;
	close(file.fd);
	if (kind != SP_FILE_SLOW) {
		return child_wrong("is of kind %d", (int)kind);
	}
	/* Files without a path are not slow files. */
	int fds[2];
	if (pipe(fds) < 0) {
		return "no pipe";
	}
	int ret = sp_file_init(&file, fds[0], &reason);
	close(fds[0]);
	close(fds[1]);
	return ret == -EINVAL ? NULL : child_wrong("a pipe gives %d", ret);
}

static void file_on_the_root_of_a_chroot_is_so_too(void **state) {
	const char *place = find_disk();
	if (place == NULL || geteuid() != 0) {
		skip();
	}
	char proc[80];
	snprintf(root, sizeof(root), "%s/sealpool-test-XXXXXX", place);
	assert_non_null(mkdtemp(root));
	snprintf(proc, sizeof(proc), "%s/proc", root);
	assert_int_equal(mkdir(proc, 0700), 0);
	child_run(open_in_unlisted_mount);
	assert_int_equal(rmdir(proc), 0);
	assert_int_equal(rmdir(root), 0);
}

static void file_of_huge_pages_has_their_size(void **state) {
	/* The kernel allocates a huge page only when it is touched. */
	int fd = memfd_create("sealpool-test",
		MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);
	if (fd < 0) {
		skip();
	}
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	struct sp_file file = accept_file(fd);
	assert_int_equal(file.kind, SP_FILE_HUGETLB);
	assert_int_equal(file.page_size, st.st_blksize);
	sp_file_finish(&file);
}

static void read_only_fd_is_not_writable(void **state) {
	int fd = create_memfd(SIZE, F_SEAL_SHRINK);
	struct sp_file file = accept_file(reopen(fd, O_RDONLY));
	close(fd);
	assert_int_equal(file.kind, SP_FILE_SHMEM);
	assert_int_equal(file.writable, false);
	assert_int_equal(file.sealed_size, SIZE);
	sp_file_finish(&file);
}

/* Refused sorts */

/* Opens a file as a member of its group, by a supplementary group: the mode for others
 * does not apply then. */
static const char *ask_as_another(void) {
	static const mode_t modes[] = { 0600, 0602, 0620, 0622, 0640, 0642 };
	enum { MODES_LEN = sizeof(modes) / sizeof(modes[0]) };
	const gid_t group = 100;
	struct sp_file files[MODES_LEN];
	for (size_t i = 0; i < MODES_LEN; i++) {
		files[i] = accept_file(create_memfd(SIZE, 0));
		if (!sp_file_shows_pages(&files[i])) {
			return "its owner cannot see its pages";
		}
		if (fchown(files[i].fd, 0, group) < 0 ||
				fchmod(files[i].fd, modes[i]) < 0) {
			return child_wrong("fchown: %s", strerror(errno));
		}
	}
	if (setgroups(1, &group) < 0 || setresgid(65534, 65534, 65534) < 0 ||
			setresuid(65534, 65534, 65534) < 0) {
		return child_wrong("setresuid: %s", strerror(errno));
	}
	for (size_t i = 0; i < MODES_LEN; i++) {
		unsigned char there = 0;
		void *data = mmap(NULL, page_size(), PROT_READ, MAP_SHARED,
			files[i].fd, 0);
		if (data == MAP_FAILED || mincore(data, page_size(), &there) < 0) {
			return child_wrong("mincore: %s", strerror(errno));
		}
		/* Nothing was written yet. */
		bool told = !(there & 1);
		if (sp_file_shows_pages(&files[i]) != told) {
			return child_wrong("mode %o: told %d", modes[i], told);
		}
	}
	return NULL;
}

static void pages_of_another_users_file_are_told_to_writers(void **state) {
	if (geteuid() != 0) {
		skip();
	}
	child_run(ask_as_another);
}

static void fd_that_is_not_open_is_refused(void **state) {
	int fd = create_memfd(SIZE, 0);
	close(fd);
	struct sp_file file;
	const char *reason = "(none)";
	assert_int_equal(sp_file_init(&file, fd, &reason), -EBADF);
	assert_string_equal(reason, "is not open");
}

static void write_only_fd_is_refused(void **state) {
	int fd = create_memfd(SIZE, F_SEAL_SHRINK);
	expect_refused(reopen(fd, O_WRONLY), EACCES, NOT_READABLE);
	close(fd);
}

static void fd_that_is_only_a_path_is_refused(void **state) {
	int fd = create_memfd(SIZE, F_SEAL_SHRINK);
	expect_refused(reopen(fd, O_PATH), EACCES, NOT_READABLE);
	close(fd);
}

static void pipe_is_refused(void **state) {
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	expect_refused(fds[0], EINVAL, NO_MEMORY_FILE);
	expect_refused(fds[1], EACCES, NOT_READABLE);
}

static void socket_is_refused(void **state) {
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	expect_refused(fds[0], EINVAL, NO_MEMORY_FILE);
	expect_refused(fds[1], EINVAL, NO_MEMORY_FILE);
}

static void events_are_refused(void **state) {
	expect_refused(eventfd(1, 0), EINVAL, NO_MEMORY_FILE);
	expect_refused(epoll_create1(0), EINVAL, NO_MEMORY_FILE);
	expect_refused(timerfd_create(CLOCK_MONOTONIC, 0), EINVAL,
		NO_MEMORY_FILE);
	expect_refused(inotify_init1(0), EINVAL, NO_MEMORY_FILE);
}

/* Expects that a thread is to find out what else the file is. */
static void expect_for_a_thread(int fd) {
	assert_true(fd >= 0);
	struct sp_file file = accept_file(fd);
	assert_int_equal(file.kind, SP_FILE_SLOW);
	close(fd);
}

static void anything_with_a_path_is_for_a_reader_thread(void **state) {
	expect_for_a_thread(open("/dev/zero", O_RDWR));
	expect_for_a_thread(open("/dev/null", O_RDONLY));
	expect_for_a_thread(open("/proc/self/maps", O_RDONLY));
	const char *place = find_disk();
	if (place != NULL) {
		expect_for_a_thread(open(place, O_RDONLY | O_DIRECTORY));
	}
}

/* Holes */

static void file_with_memory_for_all_of_it_is_filled(void **state) {
	int fd = create_memfd(SIZE, 0);
	fill(fd, 0, SIZE);
	struct sp_file file = accept_file(fd);
	assert_int_equal(file.filled_size, SIZE);
	assert_int_equal(sp_file_has_holes(&file), false);
	sp_file_finish(&file);
}

static void file_without_memory_is_all_holes(void **state) {
	struct sp_file file = accept_file(create_memfd(SIZE, F_SEAL_SHRINK));
	assert_int_equal(file.filled_size, 0);
	assert_int_equal(sp_file_has_holes(&file), true);
	sp_file_finish(&file);
}

static void file_that_lacks_one_page_has_holes(void **state) {
	off_t page = (off_t)page_size();
	int fd = create_memfd(4 * page, 0);
	fill(fd, 0, page);
	fill(fd, 2 * page, 2 * page);
	struct sp_file file = accept_file(fd);
	assert_int_equal(file.filled_size, 0);
	assert_int_equal(sp_file_has_holes(&file), true);
	fill(fd, page, 1);
	assert_int_equal(sp_file_has_holes(&file), false);
	sp_file_finish(&file);
}

static void hole_that_is_punched_later_is_found(void **state) {
	off_t page = (off_t)page_size();
	int fd = create_memfd(4 * page, F_SEAL_SHRINK);
	fill(fd, 0, 4 * page);
	struct sp_file file = accept_file(fd);
	assert_int_equal(sp_file_has_holes(&file), false);
	punch_hole(fd, page, page);
	assert_int_equal(sp_file_has_holes(&file), true);
	/* That was its size when the pool was created. */
	assert_int_equal(file.filled_size, 4 * page);
	sp_file_finish(&file);
}

static void file_that_has_grown_is_filled_as_far_as_it_was_seen(void **state) {
	int fd = create_memfd(SIZE, F_SEAL_SHRINK);
	fill(fd, 0, SIZE);
	struct sp_file file = accept_file(fd);
	assert_int_equal(ftruncate(fd, 2 * SIZE), 0);
	fill(fd, SIZE, SIZE);
	assert_true(sp_file_is_sealed_to(&file, 2 * SIZE));
	assert_int_equal(file.filled_size, 2 * SIZE);
	/* With a hole, only the earlier size is filled. */
	assert_int_equal(ftruncate(fd, 3 * SIZE), 0);
	assert_true(sp_file_is_sealed_to(&file, 3 * SIZE));
	assert_int_equal(file.filled_size, 2 * SIZE);
	sp_file_finish(&file);
}

static void file_that_cannot_be_asked_has_holes(void **state) {
	int fd = create_memfd(SIZE, 0);
	fill(fd, 0, SIZE);
	struct sp_file file = accept_file(fd);
	close(fd);
	assert_int_equal(sp_file_has_holes(&file), true);
	file.fd = -1;
	sp_file_finish(&file);
}

/* Size, and destruction */

static void size_is_that_of_now(void **state) {
	struct sp_file file = accept_file(create_memfd(SIZE, 0));
	assert_int_equal(sp_file_get_size(&file), SIZE);
	assert_int_equal(ftruncate(file.fd, 10), 0);
	assert_int_equal(sp_file_get_size(&file), 10);
	assert_int_equal(ftruncate(file.fd, (off_t)1 << 40), 0);
	assert_int_equal(sp_file_get_size(&file), (int64_t)1 << 40);
	sp_file_finish(&file);
}

static void file_is_closed_once(void **state) {
	struct sp_file file = accept_file(create_memfd(SIZE, 0));
	int fd = file.fd;
	sp_file_finish(&file);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	/* The number now belongs to another file. */
	int other = create_memfd(SIZE, 0);
	assert_int_equal(other, fd);
	sp_file_finish(&file);
	assert_int_equal(close(other), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(memfd_is_shared_memory),
		TEST(memfd_that_can_have_no_seals_is_shared_memory),
		TEST(empty_memfd_is_shared_memory),
		TEST(file_on_tmpfs_is_shared_memory),
		TEST(file_on_a_disk_is_for_a_reader_thread),
		TEST(locks_on_a_file_cost_nothing),
		TEST(file_on_the_root_of_a_chroot_is_so_too),
		TEST(file_of_huge_pages_has_their_size),
		TEST(read_only_fd_is_not_writable),

		TEST(pages_of_another_users_file_are_told_to_writers),

		TEST(fd_that_is_not_open_is_refused),
		TEST(write_only_fd_is_refused),
		TEST(fd_that_is_only_a_path_is_refused),
		TEST(pipe_is_refused),
		TEST(socket_is_refused),
		TEST(events_are_refused),
		TEST(anything_with_a_path_is_for_a_reader_thread),

		TEST(file_with_memory_for_all_of_it_is_filled),
		TEST(file_without_memory_is_all_holes),
		TEST(file_that_lacks_one_page_has_holes),
		TEST(hole_that_is_punched_later_is_found),
		TEST(file_that_has_grown_is_filled_as_far_as_it_was_seen),
		TEST(file_that_cannot_be_asked_has_holes),

		TEST(size_is_that_of_now),
		TEST(file_is_closed_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
