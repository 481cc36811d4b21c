/* SPDX-License-Identifier: MIT */
/*
 * Files of all sorts.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "show.h"
#include "silent-files.h"

static void show_plain(struct test *test) {
	struct show show;
	show_init(test, &show, test_get_kind(test));
	show_begin(&show);
	show_draw_frames(&show, FRAMES);
}

static void use_file(struct show *show, int fd) {
	client_memory_destroy(&show->memory);
	show->memory.fd = fd;
	show->memory.size = (size_t)show->size;
	if (ftruncate(fd, show->size) != 0) {
		fail_errno(show->test, "ftruncate()");
	}
	show->memory.data = mmap(NULL, (size_t)show->size,
		PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (show->memory.data == MAP_FAILED) {
		show->memory.data = NULL;
		fail_errno(show->test, "mmap()");
	}
}

static void show_runtime_file(struct test *test) {
	struct show show;
	char path[4096];
	const char *dir = getenv("XDG_RUNTIME_DIR");
	if (dir == NULL) {
		test_skip(test, "XDG_RUNTIME_DIR is not set");
	}
	show_init(test, &show, CLIENT_MEMORY_UNSEALED);
	snprintf(path, sizeof(path), "%s/sealpool-test-XXXXXX", dir);
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0) {
		test_skip(test, "cannot create a file in %s: %s", dir,
			strerror(errno));
	}
	unlink(path);
	use_file(&show, fd);
	show_begin(&show);
	show_draw_frames(&show, FRAMES);
}

/* As in a container: mounts that the compositor does not have. */
static void enter_namespace(struct test *test) {
	if (unshare(CLONE_NEWNS) != 0 &&
			unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
		test_skip(test, "cannot have mounts of its own: %s",
			strerror(errno));
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		test_skip(test, "cannot keep its mounts to itself: %s",
			strerror(errno));
	}
}

static const char *get_tmpdir(void) {
	const char *dir = getenv("TMPDIR");
	return dir != NULL ? dir : "/tmp";
}

static void show_file_of_namespace(struct test *test) {
	enter_namespace(test);
	if (mount(get_tmpdir(), "/mnt", NULL, MS_BIND, NULL) != 0) {
		test_skip(test, "cannot mount %s at /mnt: %s", get_tmpdir(),
			strerror(errno));
	}
	setenv("TMPDIR", "/mnt", true);
	show_plain(test);
}

static void show_file_of_overlay(struct test *test) {
	enter_namespace(test);
	if (mount("tmpfs", "/mnt", "tmpfs", 0, NULL) != 0 ||
			mkdir("/mnt/lower", 0700) != 0 ||
			mkdir("/mnt/upper", 0700) != 0 ||
			mkdir("/mnt/work", 0700) != 0 ||
			mkdir("/mnt/overlay", 0700) != 0 ||
			mount("overlay", "/mnt/overlay", "overlay", 0,
				"lowerdir=/mnt/lower,upperdir=/mnt/upper,"
				"workdir=/mnt/work") != 0) {
		test_skip(test, "cannot mount an overlay: %s", strerror(errno));
	}
	setenv("TMPDIR", "/mnt/overlay", true);
	show_plain(test);
}

/* How long the server takes to answer a read, in milliseconds. */
#define LATE_MS 10

static void show_late_file(struct test *test) {
	static struct silent_files files;
	if (!silent_files_are_built()) {
		test_lack(test, "libfuse 3");
	}
	if (!silent_files_mount_late(&files, LATE_MS)) {
		test_skip(test, "%s", files.error);
	}
	struct show show;
	show_init(test, &show, CLIENT_MEMORY_UNSEALED);
	int fd = open(files.file, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		fail_errno(test, files.file);
	}
	/* While it is mapped, the kernel would keep its bytes in the page cache. */
	client_memory_destroy(&show.memory);
	show.memory.fd = fd;
	show.memory.size = (size_t)show.size;
	show_begin(&show);
	memset(show.expected.data, SILENT_FILES_LATE_BYTE, BYTES);
	for (int i = 0; i < FRAMES; i++) {
		show_take_buffer(&show);
		show_frame(&show);
	}
	silent_files_unmount(&files);
}

#define HUGE_BYTES (2 << 20)

static void show_huge_pages(struct test *test) {
	struct show show;
	show_init(test, &show, CLIENT_MEMORY_UNSEALED);
	int fd = memfd_create("sealpool-test", MFD_CLOEXEC | MFD_HUGETLB |
		MFD_ALLOW_SEALING | MFD_HUGE_2MB);
	if (fd < 0) {
		test_skip(test, "no memory of huge pages: %s", strerror(errno));
	}
	show.size = HUGE_BYTES;
	if (ftruncate(fd, show.size) != 0) {
		fail_errno(test, "ftruncate()");
	}
	/* The kernel reserves pages when they are mapped. */
	void *data = mmap(NULL, HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		fd, 0);
	if (data == MAP_FAILED) {
		test_skip(test, "no huge page is free: %s", strerror(errno));
	}
	munmap(data, HUGE_BYTES);
	use_file(&show, fd);
	if ((unsigned)test_get_variant(test) != 0) {
		show_seal(&show, (unsigned)test_get_variant(test));
	}
	show_begin(&show);
	show_draw_frames(&show, FRAMES);
}

/* At the end of a pool whose other parts have no memory. */
static void show_sparse(struct test *test) {
	struct show show;
	show_init(test, &show, test_get_kind(test));
	must(test, client_memory_grow(&test->client, &show.memory,
		SPARSE_BYTES));
	show.size = SPARSE_BYTES;
	show.offset = SPARSE_BYTES / 2 + 4096 * 3;
	show_begin(&show);
	show_draw_frames(&show, FRAMES);
	struct stat st;
	if (fstat(show.memory.fd, &st) != 0) {
		fail_errno(test, "fstat()");
	}
	if ((int64_t)st.st_blocks * 512 > 64 << 20) {
		test_fail(test, "of a file that holds two small buffers, %lld "
			"bytes have got memory", (long long)st.st_blocks * 512);
	}
}

/* Pages that were never written, or were freed, read as zero. */
static void show_holes(struct test *test) {
	struct show show;
	show_init(test, &show, test_get_kind(test));
	show_begin(&show);
	for (int i = 0; i < FRAMES; i++) {
		struct client_buffer *buffer = show_take_buffer(&show);
		show_draw_expected(&show);
		show_draw_buffer(&show, buffer);
		int32_t start = i < 2 ? 0 : 8192, length = 16384;
		if (fallocate(show.memory.fd, FALLOC_FL_PUNCH_HOLE |
				FALLOC_FL_KEEP_SIZE, buffer->offset + start,
				length) != 0) {
			test_skip(test, "files here cannot have holes: %s",
				strerror(errno));
		}
		memset((char *)show.expected.data + start, 0, (size_t)length);
		show_frame(&show);
	}
}

const struct test_case memory_file_cases[] = {
	quality("shm_open", SHM_OPEN, 0,
		"A pool's file is from shm_open(), as in clients without memfd.", show_plain),
	quality("file:disk", FILE, 0,
		"A pool's file is on a disk.", show_plain),
	quality("file:other-namespace", FILE, 0,
		"A pool's file is on a mount that the compositor does not have, as in "
		"a container.",
		show_file_of_namespace),
	quality("file:overlay", FILE, 0,
		"A pool's file is on an overlay, as in most containers.",
		show_file_of_overlay),
	quality("file:late", UNSEALED, 0,
		"A pool's file is on FUSE, and its server answers slowly.", show_late_file),
	quality("file:runtime-dir", UNSEALED, 0,
		"A pool's file is in $XDG_RUNTIME_DIR, as in toolkits without memfd.",
		show_runtime_file),
	quality("huge-pages:unsealed", UNSEALED, 0,
		"A pool's file has huge pages.", show_huge_pages),
	quality("huge-pages:sealed", UNSEALED, F_SEAL_SHRINK,
		"A pool's file has huge pages.", show_huge_pages),
	quality_of_three("sparse:", 0,
		"A large pool has memory only where something was drawn.", show_sparse),
	quality_of_three("holes:", 0,
		"Pages of a buffer without memory are shown as zero.", show_holes),
	{ 0 },
};
