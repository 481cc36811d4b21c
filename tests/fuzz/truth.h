/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_TRUTH_H
#define FUZZ_TRUTH_H

/**
 * The bytes of clients' files, now and earlier: each change is kept. So it is known of
 * each byte that a compositor reads whether the file has had it since the buffer was up
 * to date.
 *
 * This code does not use Sealpool, so that both cannot be wrong in the same way.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** The maximum size of files, in bytes. */
#define TRUTH_FILE_MAX (1 << 20)
#define TRUTH_CHANGES_MAX 200
#define TRUTH_PLANES_MAX 3

/** A range got a pattern; with seed 0, zeroes or "bytes". */
struct truth_change {
	uint32_t start, end, seed;
	uint8_t *bytes;
};

struct truth_file {
	dev_t dev;
	ino_t ino;
	/* Refers to the file. It is open until the end. */
	int fd;
	uint32_t size;
	/* Zero past the size. */
	uint8_t now[TRUTH_FILE_MAX];
	struct truth_change changes[TRUTH_CHANGES_MAX];
	uint8_t changes_len;
	/* The contents are not known. */
	bool wild;
};

struct truth_plane {
	uint32_t offset, stride;
	/* The bytes of a sample, and the pixels for each sample. */
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
	/* For each byte from the start: the number of changes after which it was up to
	 * date. */
	uint8_t *since;
	/* The number of changes when the copy was made, if it is still up to date; else
	 * TRUTH_CHANGES_MAX. */
	uint8_t copied_at;
	/* Its wl_buffer is destroyed: the copy stays, and does not show later changes. */
	bool is_final;
	/* For each byte from the start: damaged, but not yet committed. */
	bool *lacking;
};

/** How much is known of what a buffer shows. */
enum truth_claim {
	/* The file's bytes of now. */
	TRUTH_NOW,
	/* Bytes that the file has had since they were up to date. */
	TRUTH_SINCE,
	/* Bytes that the file has ever had, or zero: the budget is used up. */
	TRUTH_EVER,
};

/** Forgets all files. */
void truth_reset(void);
/** Adds a new, empty file. Returns NULL if there are too many. */
struct truth_file *truth_add_file(int fd);
/** Returns the file that an fd refers to, or NULL. */
struct truth_file *truth_find_file(int fd);

/** Records a change of the file's bytes. */
void truth_change(struct truth_file *file, uint32_t start, uint32_t end,
	uint32_t seed);
void truth_set_size(struct truth_file *file, uint32_t size);
/** Returns a byte of a pattern, which is never zero. */
uint8_t truth_get_pattern(uint32_t seed, uint32_t offset);
/** Aborts unless the file has the expected bytes. */
void truth_check_file(const struct truth_file *file);

/** Creates a buffer of a format that clients can have. Returns NULL for another one, or
 * if it is outside of what is checked. Freed by truth_reset(). */
struct truth_buffer *truth_add_buffer(struct truth_file *file, int32_t offset,
	int32_t width, int32_t height, int32_t stride, uint32_t format);

/** Called with adjacent bytes of a buffer, at an offset in the file. */
typedef void (*truth_row_func)(struct truth_buffer *buffer, uint32_t offset,
	uint32_t length, void *data);
/** Visits all rows of a box, clipped, in all planes; of the whole buffer for NULL. */
void truth_for_each_row(struct truth_buffer *buffer, const struct truth_box *box,
	truth_row_func func, void *data);

/** A box, or the whole buffer for NULL, is up to date now. */
void truth_refresh(struct truth_buffer *buffer, const struct truth_box *box);
/** A box, or the whole buffer for NULL, will be up to date when truth_commit() is
 * called. */
void truth_damage(struct truth_buffer *buffer, const struct truth_box *box);
void truth_commit(struct truth_buffer *buffer);

/** The buffer was read from a copy. */
void truth_note_copy(struct truth_buffer *buffer);
/** There may be no copy that is up to date. */
void truth_forget_copy(struct truth_buffer *buffer);

/** Aborts unless the pixels of a buffer are as claimed. "data" is its first byte. */
void truth_check(struct truth_buffer *buffer, const uint8_t *data,
	enum truth_claim claim);

/** A compositor has drawn there. The buffer may show that until it is copied again, even
 * if the file never gets it. */
void truth_draw(struct truth_buffer *buffer, const struct truth_box *box,
	const uint8_t *data);

/** Pixels of the buffer were written to the file. If they are missing, or differ from
 * "data", that is an error where they "must" be there. All other bytes must be
 * unchanged. */
void truth_adopt(struct truth_buffer *buffer, const uint8_t *data, bool must);

/** Prints what is wrong, and aborts. */
void truth_die(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

#endif
