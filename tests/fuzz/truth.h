/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_TRUTH_H
#define FUZZ_TRUTH_H

/**
 * What the bytes of clients' files are, and were: all that has changed them is kept. So
 * it can be said of a byte that a compositor reads whether the file has had it since the
 * buffer was last known to be up to date.
 *
 * Knows nothing of Sealpool, so that it cannot be wrong together with it.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** Files are no longer than that, in bytes. */
#define TRUTH_FILE_MAX (1 << 20)
#define TRUTH_CHANGES_MAX 200
#define TRUTH_PLANES_MAX 3

/** Some bytes got a pattern, or, with seed 0, zero, or what is in "bytes". */
struct truth_change {
	uint32_t start, end, seed;
	uint8_t *bytes;
};

struct truth_file {
	dev_t dev;
	ino_t ino;
	/* Of whose file this is: kept open until the end. */
	int fd;
	uint32_t size;
	/* Zero past the size. */
	uint8_t now[TRUTH_FILE_MAX];
	struct truth_change changes[TRUTH_CHANGES_MAX];
	uint8_t changes_len;
	/* It is not said what is in there. */
	bool wild;
};

struct truth_plane {
	uint32_t offset, stride;
	/* A sample's bytes, and its pixels across and down. */
	uint8_t bytes, hsub, vsub;
};

struct truth_box {
	int64_t x1, y1, x2, y2;
};

/** A wl_buffer, or what is left of one. */
struct truth_buffer {
	struct truth_file *file;
	int32_t width, height;
	uint32_t start, end;
	struct truth_plane planes[TRUTH_PLANES_MAX];
	int planes_len;
	/* For each byte from the start: it was up to date after so many changes. */
	uint8_t *since;
	/* The number of changes when the copy was made, if it is still up to date;
	 * else TRUTH_CHANGES_MAX. */
	uint8_t copied_at;
	/* Its wl_buffer is gone: the copy stays, and later changes are not shown. */
	bool is_final;
	/* For each byte from the start: damaged, but not yet committed. */
	bool *lacking;
};

/** How much is known of what a buffer shows. */
enum truth_claim {
	/* What the file has now. */
	TRUTH_NOW,
	/* What it has had since the bytes were up to date. */
	TRUTH_SINCE,
	/* What it has ever had, or nothing: its budget is used up. */
	TRUTH_EVER,
};

/** Forgets all files. */
void truth_reset(void);
/** Begins with a new, empty file. Returns NULL when there are too many. */
struct truth_file *truth_add_file(int fd);
/** The file behind an fd, or NULL. */
struct truth_file *truth_find_file(int fd);

/** The file's bytes have been changed so. */
void truth_change(struct truth_file *file, uint32_t start, uint32_t end,
	uint32_t seed);
void truth_set_size(struct truth_file *file, uint32_t size);
/** A byte of a pattern; never zero. */
uint8_t truth_get_pattern(uint32_t seed, uint32_t offset);
/** Dies unless the file has what it is said to have. */
void truth_check_file(const struct truth_file *file);

/** Makes a buffer of a format that clients can have; NULL if it is not one of those, or
 * is outside of what is followed. Freed by truth_reset(). */
struct truth_buffer *truth_add_buffer(struct truth_file *file, int32_t offset,
	int32_t width, int32_t height, int32_t stride, uint32_t format);

/** Called for bytes of a buffer that follow each other, at an offset in the file. */
typedef void (*truth_row_func)(struct truth_buffer *buffer, uint32_t offset,
	uint32_t length, void *data);
/** All rows of a box, clipped, in all planes; all of the buffer for NULL. */
void truth_for_each_row(struct truth_buffer *buffer, const struct truth_box *box,
	truth_row_func func, void *data);

/** A box, or all of it for NULL, is up to date now. */
void truth_refresh(struct truth_buffer *buffer, const struct truth_box *box);
/** A box, or all of it for NULL, will be up to date when truth_commit() is called. */
void truth_damage(struct truth_buffer *buffer, const struct truth_box *box);
void truth_commit(struct truth_buffer *buffer);

/** Has been read from a copy. */
void truth_note_copy(struct truth_buffer *buffer);
/** There may be no copy that is up to date. */
void truth_forget_copy(struct truth_buffer *buffer);

/** Dies unless a buffer's pixels are as is claimed; "data" is its first byte. */
void truth_check(struct truth_buffer *buffer, const uint8_t *data,
	enum truth_claim claim);

/** A compositor has drawn there. The buffer may show that until it is copied anew, also if
 * the file never gets it. */
void truth_draw(struct truth_buffer *buffer, const struct truth_box *box,
	const uint8_t *data);

/** Pixels of the buffer were written to the file. Those that are not in "data", or not
 * there at all, are an error where they "must" be; all else must be as it was. */
void truth_adopt(struct truth_buffer *buffer, const uint8_t *data, bool must);

/** Says what is wrong, and aborts. */
void truth_die(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

#endif
