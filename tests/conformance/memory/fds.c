/* SPDX-License-Identifier: MIT */
/*
 * The fd itself: its duplicates, offset and flags.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "show.h"

static void show_duplicate(struct test *test) {
	struct show show;
	show_init(test, &show, test_get_kind(test));
	int fd = fcntl(show.memory.fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		fail_errno(test, "F_DUPFD_CLOEXEC");
	}
	close(show.memory.fd);
	show.memory.fd = fd;
	show_begin(&show);
	show_draw_frames(&show, FRAMES);
}

/* The compositor shares the open file description, and so the offset. */
static void show_with_position(struct test *test) {
	struct show show;
	show_init(test, &show, test_get_kind(test));
	lseek(show.memory.fd, ROOM + 1234, SEEK_SET);
	show_begin(&show);
	show_draw_frames(&show, 2);
	lseek(show.memory.fd, 0, SEEK_END);
	show_draw_frames(&show, 2);
}

static void show_append(struct test *test) {
	struct show show;
	show_init(test, &show, test_get_kind(test));
	show_set_append(&show);
	show_begin(&show);
	show_draw_frames(&show, FRAMES);
}

static void show_part_of_file(struct test *test) {
	struct show show;
	show_init(test, &show, test_get_kind(test));
	must(test, client_memory_grow(&test->client, &show.memory, 8 * ROOM));
	memset(show.memory.data, 0x77, show.memory.size);
	/* Not even a whole number of pages. */
	show.size = ROOM + BYTES;
	show_begin(&show);
	show_draw_frames(&show, FRAMES);
}

/* The client never maps it. */
static void show_written(struct test *test) {
	struct show show;
	show_init(test, &show, test_get_kind(test));
	show_unmap(&show);
	show_begin(&show);
	for (int i = 0; i < FRAMES; i++) {
		struct client_buffer *buffer = show_take_buffer(&show);
		show_draw_expected(&show);
		show_write_buffer(&show, buffer);
		show_frame(&show);
	}
}

const struct test_case memory_fd_cases[] = {
	quality_of_both("duplicate:", 0,
		"The client sends a duplicate of its descriptor.", show_duplicate),
	quality_of_both("position:", 0,
		"The descriptor's offset is not at the file's start.",
		show_with_position),
	quality_of_both("append:", 0,
		"The descriptor has the flag O_APPEND.", show_append),
	quality_of_three("part-of-file:", 0,
		"A pool may be smaller than its file.", show_part_of_file),
	quality_of_three("written:", 0,
		"The client draws with write(), not through a mapping.", show_written),
	{ 0 },
};
