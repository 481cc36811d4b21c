/* SPDX-License-Identifier: MIT */
/*
 * Memory that is legal, but not what a compositor's author has at hand: sealed
 * in other ways, open in other ways, filled in other ways, or hardly filled at
 * all. wl_shm says no more than that the fd can be mapped.
 *
 * Where the output can be captured, the picture has to be exact; else the client
 * has to live. And the other way round: a compositor that writes a captured
 * picture into such memory changes its buffer's pixels, and nothing else.
 *
 * Nothing is destroyed in the end: the process ends with its case.
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
#include <wayland-client.h>

#include "case.h"
#include "silent-files.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26)
#endif

#define WIDTH 118
#define HEIGHT 86
#define BYTES (WIDTH * HEIGHT * 4)
/* Of each of the two buffers that a pool has, with pages of its own. */
#define ROOM ((BYTES + 0xffff) & ~0xffff)
#define FRAMES 4

#define SPARSE_BYTES (1 << 30)

/* A pool with two buffers in it, and the window that they are for. */
struct show {
	struct test *test;
	struct client_memory memory;
	/* The pool's size, and where the buffers begin. */
	int32_t size, offset;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_window window;
	struct client_image expected;
	bool can_see;
	uint32_t frames;
};

/* A case's argument is a memory kind and something else. */
#define WITH(kind, more) (CLIENT_MEMORY_##kind | (more) << 8)

static enum client_memory_kind get_kind(const struct test *test) {
	return (enum client_memory_kind)(test->argument & 0xff);
}

static unsigned get_more(const struct test *test) {
	return (unsigned)(test->argument >> 8);
}

_Noreturn static void fail_errno(struct test *test, const char *doing) {
	test_fail(test, "the case's own %s failed: %s", doing, strerror(errno));
}

/* It may have a protocol, and refuse it to us. */
static bool can_capture(struct test *test) {
	struct client_image image;
	if (!client_capture_is_possible(&test->client)) {
		return false;
	}
	bool ok = client_capture_output(&test->client, CLIENT_MEMORY_SEALED,
		&image);
	client_image_destroy(&image);
	if (!ok) {
		test_expect_alive(test);
	}
	return ok;
}

/* What comes before the pool: memory that has not been drawn on. */
static void show_init(struct test *test, struct show *show,
		enum client_memory_kind kind) {
	*show = (struct show){ .test = test, .size = 2 * ROOM };
	must(test, client_memory_create(&test->client, &show->memory, kind,
		2 * ROOM));
	show->can_see = can_capture(test) && test->client.wm_base != NULL;
}

static void create_buffers(struct show *show) {
	for (int32_t i = 0; i < 2; i++) {
		must(show->test, client_buffer_create(&show->pool,
			&show->buffers[i], show->offset + i * ROOM, WIDTH,
			HEIGHT, WIDTH * 4));
	}
}

/* Makes the memory that is there, and as it is, a pool. */
static void show_begin(struct show *show) {
	struct test *test = show->test;
	struct client *client = &test->client;
	must(test, client_pool_create(client, &show->pool, &show->memory,
		show->size));
	create_buffers(show);
	if (!client_image_create(&show->expected, WIDTH, HEIGHT)) {
		test_fail(test, "no memory");
	}
	if (client->wm_base != NULL) {
		must(test, client_window_create(client, &show->window,
			"memory"));
	} else {
		show->window.surface.client = client;
		show->window.surface.surface =
			wl_compositor_create_surface(client->compositor);
	}
}

static void draw_expected(struct show *show) {
	client_image_draw(&show->expected, show->frames);
}

/* Commits the buffer whose turn it is, which holds what is expected. */
static void show_frame(struct show *show) {
	struct test *test = show->test;
	struct client_surface *surface = &show->window.surface;
	char what[40];
	client_surface_attach(surface, &show->buffers[show->frames % 2]);
	client_surface_damage(surface, 0, 0, WIDTH, HEIGHT);
	client_surface_commit(surface);
	snprintf(what, sizeof(what), "frame %u", show->frames++);
	if (show->can_see) {
		test_expect_seen(test, &show->expected, what);
	}
	for (int i = 0; i < 3; i++) {
		test_expect_alive(test);
	}
}

static struct client_buffer *take_buffer(struct show *show) {
	struct client_buffer *buffer = &show->buffers[show->frames % 2];
	must(show->test, client_buffer_wait_released(&show->test->client,
		buffer));
	return buffer;
}

/* Draws through the mapping. */
static void draw_buffer(struct show *show, const struct client_buffer *buffer) {
	struct client_image image;
	must(show->test, client_buffer_get_image(&show->test->client, buffer,
		&image));
	client_image_paste(&image, 0, 0, &show->expected);
}

static void show_frames(struct show *show, int count) {
	for (int i = 0; i < count; i++) {
		struct client_buffer *buffer = take_buffer(show);
		draw_expected(show);
		draw_buffer(show, buffer);
		show_frame(show);
	}
}

/* Writes the expected picture into the file at a buffer's place. */
static void write_buffer(struct show *show, const struct client_buffer *buffer) {
	const char *data = show->expected.data;
	size_t done = 0;
	while (done < BYTES) {
		ssize_t n = pwrite(show->memory.fd, data + done, BYTES - done,
			buffer->offset + (off_t)done);
		if (n < 0) {
			fail_errno(show->test, "pwrite()");
		}
		done += (size_t)n;
	}
}

/* Seals and fds, from here on */

static void show_plain(struct test *test) {
	struct show show;
	show_init(test, &show, get_kind(test));
	show_begin(&show);
	show_frames(&show, FRAMES);
}

/* The client itself goes on to draw, through a mapping from before. */
static void show_read_only(struct test *test) {
	struct show show;
	show_init(test, &show, get_kind(test));
	must(test, client_memory_make_read_only(&test->client, &show.memory));
	show_begin(&show);
	show_frames(&show, FRAMES);
}

static void seal(struct show *show, unsigned seals) {
	if (fcntl(show->memory.fd, F_ADD_SEALS, seals) == 0) {
		return;
	}
	if (errno == EINVAL) {
		test_skip(show->test, "this system does not have the seals %#x",
			seals);
	}
	fail_errno(show->test, "F_ADD_SEALS");
}

/* Seals that leave the client's mapping alone. */
static void show_sealed(struct test *test) {
	struct show show;
	show_init(test, &show, CLIENT_MEMORY_UNSEALED);
	seal(&show, get_more(test));
	show_begin(&show);
	show_frames(&show, FRAMES);
}

static void unmap(struct show *show) {
	munmap(show->memory.data, show->memory.size);
	show->memory.data = NULL;
}

/* Two frames are drawn, then nobody can write any more. */
static void show_sealed_for_good(struct test *test) {
	struct show show;
	show_init(test, &show, CLIENT_MEMORY_UNSEALED);
	for (uint32_t i = 0; i < 2; i++) {
		struct client_image image = {
			.width = WIDTH, .height = HEIGHT, .stride = WIDTH * 4,
			.data = (char *)show.memory.data + i * ROOM,
		};
		client_image_draw(&image, i);
	}
	unmap(&show);
	seal(&show, get_more(test));
	show_begin(&show);
	for (uint32_t i = 0; i < FRAMES; i++) {
		client_image_draw(&show.expected, i % 2);
		show_frame(&show);
	}
}

static void seal_later(struct test *test) {
	struct show show;
	show_init(test, &show, CLIENT_MEMORY_UNSEALED);
	show_begin(&show);
	show_frames(&show, FRAMES);
	seal(&show, get_more(test));
	show_frames(&show, FRAMES);
}

/* Grows twice, and is sealed in between, or after that. */
static void grow_and_seal(struct test *test) {
	struct show show;
	bool sealed_first = get_more(test);
	show_init(test, &show, CLIENT_MEMORY_UNSEALED);
	show_begin(&show);
	show_frames(&show, 2);
	for (int i = 0; i < 2; i++) {
		if (sealed_first) {
			seal(&show, F_SEAL_SHRINK);
		}
		show.offset = show.size;
		show.size += 2 * ROOM;
		must(test, client_memory_grow(&test->client, &show.memory,
			(size_t)show.size));
		client_pool_resize(&show.pool, show.size);
		/* The last one is still on the screen, and stays there until
		 * it is replaced. */
		client_buffer_destroy(&show.buffers[0]);
		client_buffer_destroy(&show.buffers[1]);
		create_buffers(&show);
		show_frames(&show, FRAMES);
	}
	seal(&show, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	show_frames(&show, FRAMES);
}

static void show_duplicate(struct test *test) {
	struct show show;
	show_init(test, &show, get_kind(test));
	int fd = fcntl(show.memory.fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		fail_errno(test, "F_DUPFD_CLOEXEC");
	}
	close(show.memory.fd);
	show.memory.fd = fd;
	show_begin(&show);
	show_frames(&show, FRAMES);
}

/* The compositor has the same open file, and so the same position. */
static void show_with_position(struct test *test) {
	struct show show;
	show_init(test, &show, get_kind(test));
	lseek(show.memory.fd, ROOM + 1234, SEEK_SET);
	show_begin(&show);
	show_frames(&show, 2);
	lseek(show.memory.fd, 0, SEEK_END);
	show_frames(&show, 2);
}

static void set_append(struct show *show) {
	int flags = fcntl(show->memory.fd, F_GETFL);
	if (flags < 0 || fcntl(show->memory.fd, F_SETFL,
			flags | O_APPEND) != 0) {
		fail_errno(show->test, "F_SETFL");
	}
}

static void show_append(struct test *test) {
	struct show show;
	show_init(test, &show, get_kind(test));
	set_append(&show);
	show_begin(&show);
	show_frames(&show, FRAMES);
}

static void show_part_of_file(struct test *test) {
	struct show show;
	show_init(test, &show, get_kind(test));
	must(test, client_memory_grow(&test->client, &show.memory, 8 * ROOM));
	memset(show.memory.data, 0x77, show.memory.size);
	/* Not even whole pages. */
	show.size = ROOM + BYTES;
	show_begin(&show);
	show_frames(&show, FRAMES);
}

/* Never mapped by its client. */
static void show_written(struct test *test) {
	struct show show;
	show_init(test, &show, get_kind(test));
	unmap(&show);
	show_begin(&show);
	for (int i = 0; i < FRAMES; i++) {
		struct client_buffer *buffer = take_buffer(&show);
		draw_expected(&show);
		write_buffer(&show, buffer);
		show_frame(&show);
	}
}

/* Files, from here on */

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
	show_frames(&show, FRAMES);
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

/* How long a server takes to answer a read, in milliseconds. */
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
	/* A mapping would have the kernel keep its bytes. */
	client_memory_destroy(&show.memory);
	show.memory.fd = fd;
	show.memory.size = (size_t)show.size;
	show_begin(&show);
	memset(show.expected.data, SILENT_FILES_LATE_BYTE, BYTES);
	for (int i = 0; i < FRAMES; i++) {
		take_buffer(&show);
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
	/* Pages are set aside when they are mapped. */
	void *data = mmap(NULL, HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		fd, 0);
	if (data == MAP_FAILED) {
		test_skip(test, "no huge page is free: %s", strerror(errno));
	}
	munmap(data, HUGE_BYTES);
	use_file(&show, fd);
	if (get_more(test) != 0) {
		seal(&show, get_more(test));
	}
	show_begin(&show);
	show_frames(&show, FRAMES);
}

/* Far into a pool of which nothing else has memory. */
static void show_sparse(struct test *test) {
	struct show show;
	show_init(test, &show, get_kind(test));
	must(test, client_memory_grow(&test->client, &show.memory,
		SPARSE_BYTES));
	show.size = SPARSE_BYTES;
	show.offset = SPARSE_BYTES / 2 + 4096 * 3;
	show_begin(&show);
	show_frames(&show, FRAMES);
	struct stat st;
	if (fstat(show.memory.fd, &st) != 0) {
		fail_errno(test, "fstat()");
	}
	if ((int64_t)st.st_blocks * 512 > 64 << 20) {
		test_fail(test, "of a file that holds two small buffers, %lld "
			"bytes have got memory", (long long)st.st_blocks * 512);
	}
}

/* Pages that were never written, or are no more there, read as zero. */
static void show_holes(struct test *test) {
	struct show show;
	show_init(test, &show, get_kind(test));
	show_begin(&show);
	for (int i = 0; i < FRAMES; i++) {
		struct client_buffer *buffer = take_buffer(&show);
		draw_expected(&show);
		draw_buffer(&show, buffer);
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

/* Captures, from here on: the compositor writes into a buffer */

enum target {
	TARGET_PLAIN,
	TARGET_SEALED_LATER,
	TARGET_SPARSE,
	TARGET_APPEND,
	TARGET_POSITION,
	TARGET_WITHOUT_MAPPING,
};

/* What lies around the buffer, whose ends are no page's. */
#define MARK 0x5a
#define BEFORE (4096 + 52)
#define AFTER 1000

static void prepare_target(struct test *test, struct show *show,
		enum target target) {
	switch (target) {
	case TARGET_PLAIN:
		break;
	case TARGET_SEALED_LATER:
		seal(show, F_SEAL_SHRINK);
		break;
	case TARGET_SPARSE:
		must(test, client_memory_grow(&test->client, &show->memory,
			SPARSE_BYTES));
		client_pool_resize(&show->pool, SPARSE_BYTES);
		break;
	case TARGET_APPEND:
		set_append(show);
		break;
	case TARGET_POSITION:
		lseek(show->memory.fd, 777, SEEK_SET);
		break;
	case TARGET_WITHOUT_MAPPING:
		unmap(show);
		break;
	}
}

static void map_again(struct show *show) {
	if (show->memory.data == NULL) {
		void *data = mmap(NULL, show->memory.size,
			PROT_READ | PROT_WRITE, MAP_SHARED, show->memory.fd, 0);
		if (data == MAP_FAILED) {
			fail_errno(show->test, "mmap()");
		}
		show->memory.data = data;
	}
}

static void expect_marks(struct test *test, const struct show *show,
		int32_t start, int32_t end) {
	const unsigned char *bytes = show->memory.data;
	for (int32_t i = start; i < end; i++) {
		if (bytes[i] != MARK) {
			test_fail(test, "the capture has changed byte %d, which "
				"is not the buffer's", i);
		}
	}
}

static bool has_captured(struct test *test, struct client_capture *capture,
		struct client_buffer *buffer,
		const struct client_image *picture) {
	struct client_image image;
	int32_t x, y;
	must(test, client_capture_read(capture, buffer, &image));
	bool found = client_image_find(&image, picture, &x, &y);
	client_image_destroy(&image);
	return found;
}

static void expect_captured(struct test *test,
		struct client_capture *capture, struct client_buffer *buffer,
		const struct client_image *picture) {
	struct client_image image;
	char error[300] = "the picture is nowhere in it";
	int32_t x, y;
	must(test, client_capture_read(capture, buffer, &image));
	if (client_image_find(&image, picture, &x, &y)) {
		client_image_destroy(&image);
		return;
	}
	if (client_image_find_closest(&image, picture, &x, &y)) {
		client_image_expect(&image, x, y, picture, error,
			sizeof(error));
	}
	test_fail(test, "a captured picture is wrong: %s", error);
}

/* A picture that is known to be on the screen, taken into memory of a kind;
 * twice, as the buffer is known the second time. */
static void capture_into(struct test *test) {
	struct client *client = &test->client;
	struct show show, target;
	test_needs_capture(test);
	show_init(test, &show, CLIENT_MEMORY_SEALED);
	if (!show.can_see) {
		test_skip(test, "the compositor does not let this client "
			"capture its output");
	}
	show_begin(&show);
	show_frames(&show, 1);

	struct client_capture capture;
	must(test, client_capture_begin(client, &capture));
	int32_t bytes = capture.stride * capture.height;
	int32_t size = BEFORE + bytes + AFTER;
	target = (struct show){ .test = test };
	must(test, client_memory_create(client, &target.memory, get_kind(test),
		(size_t)size));
	memset(target.memory.data, MARK, (size_t)size);
	must(test, client_pool_create(client, &target.pool, &target.memory,
		size));
	must(test, client_buffer_create_with_format(&target.pool,
		&target.buffers[0], BEFORE, capture.width, capture.height,
		capture.stride, capture.format));
	prepare_target(test, &target, (enum target)get_more(test));
	for (int i = 0; i < 2; i++) {
		if (i > 0) {
			client_capture_end(&capture);
			show_frames(&show, 1);
			must(test, client_capture_begin(client, &capture));
		}
		must(test, client_capture_copy(&capture, &target.buffers[0]));
		map_again(&target);
		/* What is not memory may be written by another thread, late on a
		 * busy machine, or not at all this time. */
		for (int tries = 0; get_kind(test) == CLIENT_MEMORY_FILE &&
				tries < 1000 && !has_captured(test, &capture,
				&target.buffers[0], &show.expected); tries++) {
			client_capture_end(&capture);
			must(test, client_capture_begin(client, &capture));
			must(test, client_capture_copy(&capture,
				&target.buffers[0]));
		}
		expect_captured(test, &capture, &target.buffers[0],
			&show.expected);
		expect_marks(test, &target, 0, BEFORE);
		expect_marks(test, &target, BEFORE + bytes, size);
		struct stat st;
		if (fstat(target.memory.fd, &st) != 0) {
			fail_errno(test, "fstat()");
		}
		if (st.st_size != (off_t)target.memory.size) {
			test_fail(test, "the capture has made a file of %zu "
				"bytes one of %lld", target.memory.size,
				(long long)st.st_size);
		}
	}
	client_capture_end(&capture);
	test_expect_alive(test);
}

#define quality(name, KIND, more, text, run) \
	{ "memory/" name, CASE_QUALITY, text, run, WITH(KIND, more) }

const struct test_case memory_cases[] = {
	quality("read-only:sealed", SEALED, 0,
		"a compositor only has to read", show_read_only),
	quality("read-only:unsealed", UNSEALED, 0,
		"a compositor only has to read", show_read_only),
	quality("read-only:shm_open", SHM_OPEN, 0,
		"a compositor only has to read", show_read_only),
	quality("read-only:file", FILE, 0,
		"a compositor only has to read", show_read_only),
	quality("seal-future-write:alone", UNSEALED, F_SEAL_FUTURE_WRITE,
		"a client may keep all writing to itself", show_sealed),
	quality("seal-future-write:shrink", UNSEALED,
		F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK,
		"a client may keep all writing to itself", show_sealed),
	quality("seal-grow", UNSEALED, F_SEAL_GROW,
		"a file that can only shrink is legal", show_sealed),
	quality("seal-seal", UNSEALED, F_SEAL_SEAL,
		"a file that can never be sealed is legal", show_sealed),
	quality("seal-write:alone", UNSEALED, F_SEAL_WRITE,
		"a picture that never changes can be sealed",
		show_sealed_for_good),
	quality("seal-write:shrink", UNSEALED, F_SEAL_WRITE | F_SEAL_SHRINK,
		"a picture that never changes can be sealed",
		show_sealed_for_good),
	quality("seal-write:all", UNSEALED, F_SEAL_WRITE | F_SEAL_SHRINK |
		F_SEAL_GROW | F_SEAL_SEAL,
		"a picture that never changes can be sealed",
		show_sealed_for_good),
	quality("sealed-later:shrink", UNSEALED, F_SEAL_SHRINK,
		"a seal may come after the pool", seal_later),
	quality("sealed-later:all", UNSEALED,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
		"a seal may come after the pool", seal_later),
	quality("sealed-later:future-write", UNSEALED, F_SEAL_FUTURE_WRITE,
		"a seal may come after the pool", seal_later),
	quality("grown:then-sealed", UNSEALED, 0,
		"a seal may come after the pool has grown", grow_and_seal),
	quality("grown:after-seal", UNSEALED, 1,
		"a file that cannot shrink may grow", grow_and_seal),

	quality("shm_open", SHM_OPEN, 0,
		"clients without memfd use this", show_plain),
	quality("file:disk", FILE, 0,
		"clients may use any file that can be mapped", show_plain),
	quality("file:other-namespace", FILE, 0,
		"a container's mounts are not the compositor's",
		show_file_of_namespace),
	quality("file:overlay", FILE, 0,
		"most containers' files are on an overlay",
		show_file_of_overlay),
	quality("file:late", UNSEALED, 0,
		"networks and FUSE take their time", show_late_file),
	quality("file:runtime-dir", UNSEALED, 0,
		"toolkits use this where there is no memfd",
		show_runtime_file),
	quality("huge-pages:unsealed", UNSEALED, 0,
		"a memfd may have huge pages", show_huge_pages),
	quality("huge-pages:sealed", UNSEALED, F_SEAL_SHRINK,
		"a memfd may have huge pages", show_huge_pages),
	quality("sparse:sealed", SEALED, 0,
		"a large pool costs what was written to it", show_sparse),
	quality("sparse:unsealed", UNSEALED, 0,
		"a large pool costs what was written to it", show_sparse),
	quality("sparse:file", FILE, 0,
		"a large pool costs what was written to it", show_sparse),
	quality("holes:sealed", SEALED, 0,
		"pages that are not there read as zero", show_holes),
	quality("holes:unsealed", UNSEALED, 0,
		"pages that are not there read as zero", show_holes),
	quality("holes:file", FILE, 0,
		"pages that are not there read as zero", show_holes),

	quality("duplicate:sealed", SEALED, 0,
		"an fd may be one of several", show_duplicate),
	quality("duplicate:unsealed", UNSEALED, 0,
		"an fd may be one of several", show_duplicate),
	quality("position:sealed", SEALED, 0,
		"the fd's position has nothing to do with the pool",
		show_with_position),
	quality("position:unsealed", UNSEALED, 0,
		"the fd's position has nothing to do with the pool",
		show_with_position),
	quality("append:sealed", SEALED, 0,
		"the fd's flags have nothing to do with the pool",
		show_append),
	quality("append:unsealed", UNSEALED, 0,
		"the fd's flags have nothing to do with the pool",
		show_append),
	quality("part-of-file:sealed", SEALED, 0,
		"a pool may be smaller than its file", show_part_of_file),
	quality("part-of-file:unsealed", UNSEALED, 0,
		"a pool may be smaller than its file", show_part_of_file),
	quality("part-of-file:file", FILE, 0,
		"a pool may be smaller than its file", show_part_of_file),
	quality("written:sealed", SEALED, 0,
		"a client may write() instead of mapping", show_written),
	quality("written:unsealed", UNSEALED, 0,
		"a client may write() instead of mapping", show_written),
	quality("written:file", FILE, 0,
		"a client may write() instead of mapping", show_written),

	quality("capture:sealed", SEALED, TARGET_PLAIN,
		"a captured picture is put into the buffer", capture_into),
	quality("capture:fixed", FIXED, TARGET_PLAIN,
		"a captured picture is put into the buffer", capture_into),
	quality("capture:unsealed", UNSEALED, TARGET_PLAIN,
		"a captured picture is put into the buffer", capture_into),
	quality("capture:shm_open", SHM_OPEN, TARGET_PLAIN,
		"a captured picture is put into the buffer", capture_into),
	quality("capture:file", FILE, TARGET_PLAIN,
		"a captured picture is put into the buffer", capture_into),
	quality("capture:sealed-later", UNSEALED, TARGET_SEALED_LATER,
		"a seal may come after the pool", capture_into),
	quality("capture:sparse-sealed", SEALED, TARGET_SPARSE,
		"a large pool costs what was written to it", capture_into),
	quality("capture:sparse-unsealed", UNSEALED, TARGET_SPARSE,
		"a large pool costs what was written to it", capture_into),
	quality("capture:append-sealed", SEALED, TARGET_APPEND,
		"the fd's flags have nothing to do with the pool",
		capture_into),
	quality("capture:append-unsealed", UNSEALED, TARGET_APPEND,
		"the fd's flags have nothing to do with the pool",
		capture_into),
	quality("capture:position-unsealed", UNSEALED, TARGET_POSITION,
		"the fd's position has nothing to do with the pool",
		capture_into),
	quality("capture:without-mapping", UNSEALED, TARGET_WITHOUT_MAPPING,
		"a client may read() instead of mapping", capture_into),
	{ 0 },
};
