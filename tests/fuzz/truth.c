/* SPDX-License-Identifier: MIT */
#include <drm_fourcc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "truth.h"

#define FILES_MAX 12
#define BUFFERS_MAX 64
/* Larger buffers are not checked. */
#define BUFFER_END_MAX (2 * TRUTH_FILE_MAX)

static struct truth_file files[FILES_MAX];
static size_t files_len;
static struct truth_buffer buffers[BUFFERS_MAX];
static size_t buffers_len;

void truth_die(const char *format, ...) {
	va_list args;
	va_start(args, format);
	fputs("fuzz: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

/* Files */

void truth_reset(void) {
	for (size_t i = 0; i < files_len; i++) {
		struct truth_file *file = &files[i];
		for (uint8_t j = 0; j < file->changes_len; j++) {
			free(file->changes[j].bytes);
		}
		close(file->fd);
		memset(file->now, 0, file->size);
	}
	files_len = 0;
	while (buffers_len > 0) {
		struct truth_buffer *buffer = &buffers[--buffers_len];
		free(buffer->since);
		free(buffer->lacking);
	}
}

struct truth_file *truth_add_file(int fd) {
	struct stat st;
	if (files_len == FILES_MAX || fstat(fd, &st) < 0) {
		return NULL;
	}
	struct truth_file *file = &files[files_len++];
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	file->fd = dup(fd);
	file->size = 0;
	file->changes_len = 0;
	file->wild = false;
	return file;
}

struct truth_file *truth_find_file(int fd) {
	struct stat st;
	if (fstat(fd, &st) < 0) {
		return NULL;
	}
	for (size_t i = 0; i < files_len; i++) {
		if (files[i].dev == st.st_dev && files[i].ino == st.st_ino) {
			return &files[i];
		}
	}
	return NULL;
}

uint8_t truth_get_pattern(uint32_t seed, uint32_t offset) {
	uint32_t mixed = (seed ^ offset * 0x9e3779b1u) * 0x85ebca6bu;
	return (uint8_t)(1 + (mixed >> 16) % 255);
}

static uint8_t change_get_byte(const struct truth_change *change,
		uint32_t offset) {
	return change->bytes != NULL ? change->bytes[offset - change->start] :
		change->seed != 0 ? truth_get_pattern(change->seed, offset) : 0;
}

static void add_change(struct truth_file *file, uint32_t start, uint32_t end,
		uint32_t seed, uint8_t *bytes) {
	if (file->changes_len == TRUTH_CHANGES_MAX) {
		truth_die("too many changes of a file");
	}
	struct truth_change *change = &file->changes[file->changes_len++];
	*change = (struct truth_change){ start, end, seed, bytes };
	for (uint32_t i = start; i < end && i < TRUTH_FILE_MAX; i++) {
		file->now[i] = change_get_byte(change, i);
	}
}

void truth_change(struct truth_file *file, uint32_t start, uint32_t end,
		uint32_t seed) {
	if (start < end) {
		add_change(file, start, end, seed, NULL);
	}
}

void truth_set_size(struct truth_file *file, uint32_t size) {
	truth_change(file, size, file->size, 0);
	file->size = size;
}

/* Returns the whole file, in a buffer of this function's. */
static const uint8_t *read_file(const struct truth_file *file) {
	static uint8_t bytes[TRUTH_FILE_MAX];
	struct stat st;
	if (fstat(file->fd, &st) < 0 || st.st_size != file->size ||
			pread(file->fd, bytes, file->size, 0) != file->size) {
		truth_die("a file of %u bytes has %lld", file->size,
			(long long)st.st_size);
	}
	return bytes;
}

static void check_file_bytes(const struct truth_file *file,
		const uint8_t *bytes) {
	if (file->size == 0 || memcmp(bytes, file->now, file->size) == 0) {
		return;
	}
	uint32_t i = 0;
	while (bytes[i] == file->now[i]) {
		i++;
	}
	truth_die("a client's file has changed: byte %u is 0x%02x, not 0x%02x",
		i, bytes[i], file->now[i]);
}

void truth_check_file(const struct truth_file *file) {
	if (!file->wild) {
		check_file_bytes(file, read_file(file));
	}
}

/* Buffers */

/* For each plane: bytes of a sample, and pixels for each sample, horizontally and
 * vertically. */
static const struct format {
	uint32_t drm;
	int planes_len;
	struct { uint8_t bytes, hsub, vsub; } planes[TRUTH_PLANES_MAX];
} formats[] = {
	/* wl_shm's own codes for ARGB8888 and XRGB8888. */
	{ 0, 1, { { 4, 1, 1 } } },
	{ 1, 1, { { 4, 1, 1 } } },
	{ DRM_FORMAT_RGB565, 1, { { 2, 1, 1 } } },
	{ DRM_FORMAT_RGB888, 1, { { 3, 1, 1 } } },
	{ DRM_FORMAT_NV12, 2, { { 1, 1, 1 }, { 2, 2, 2 } } },
	{ DRM_FORMAT_YUV420, 3, { { 1, 1, 1 }, { 1, 2, 2 }, { 1, 2, 2 } } },
};

static const struct format *find_format(uint32_t drm) {
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (formats[i].drm == drm) {
			return &formats[i];
		}
	}
	return NULL;
}

struct truth_buffer *truth_add_buffer(struct truth_file *file, int32_t offset,
		int32_t width, int32_t height, int32_t stride, uint32_t drm) {
	const struct format *format = find_format(drm);
	if (buffers_len == BUFFERS_MAX || format == NULL || width <= 0 ||
			height <= 0 || stride <= 0 || offset < 0) {
		return NULL;
	}
	struct truth_buffer buffer = {
		.file = file,
		.width = width,
		.height = height,
		.start = (uint32_t)offset,
		.planes_len = format->planes_len,
		.copied_at = TRUTH_CHANGES_MAX,
	};
	uint64_t end = (uint64_t)offset;
	for (int i = 0; i < format->planes_len; i++) {
		struct truth_plane *plane = &buffer.planes[i];
		*plane = (struct truth_plane){
			.offset = (uint32_t)end,
			.bytes = format->planes[i].bytes,
			.hsub = format->planes[i].hsub,
			.vsub = format->planes[i].vsub,
		};
		/* The strides have the same ratio as the bytes of a row. */
		uint32_t part = (uint32_t)plane->hsub * buffer.planes[0].bytes;
		plane->stride = ((uint32_t)stride * plane->bytes + part - 1) / part;
		uint64_t rows = ((uint64_t)height + plane->vsub - 1) / plane->vsub;
		end += rows * plane->stride;
		if (end > BUFFER_END_MAX) {
			return NULL;
		}
	}
	buffer.end = (uint32_t)end;
	buffer.since = calloc(buffer.end - buffer.start, sizeof(*buffer.since));
	buffer.lacking = calloc(buffer.end - buffer.start,
		sizeof(*buffer.lacking));
	buffers[buffers_len] = buffer;
	return &buffers[buffers_len++];
}

static int64_t clip(int64_t value, int64_t max) {
	return value < 0 ? 0 : value > max ? max : value;
}

void truth_for_each_row(struct truth_buffer *buffer, const struct truth_box *box,
		truth_row_func func, void *data) {
	int64_t x1 = 0, y1 = 0, x2 = buffer->width, y2 = buffer->height;
	if (box != NULL) {
		x1 = clip(box->x1, x2);
		y1 = clip(box->y1, y2);
		x2 = clip(box->x2, x2);
		y2 = clip(box->y2, y2);
	}
	if (x1 >= x2 || y1 >= y2) {
		return;
	}
	for (int i = 0; i < buffer->planes_len; i++) {
		const struct truth_plane *plane = &buffer->planes[i];
		int64_t left = x1 / plane->hsub;
		int64_t right = (x2 + plane->hsub - 1) / plane->hsub;
		int64_t bottom = (y2 + plane->vsub - 1) / plane->vsub;
		for (int64_t row = y1 / plane->vsub; row < bottom; row++) {
			func(buffer, plane->offset + (uint32_t)(row *
				plane->stride + left * plane->bytes),
				(uint32_t)(right - left) * plane->bytes, data);
		}
	}
}

static void refresh_row(struct truth_buffer *buffer, uint32_t offset,
		uint32_t length, void *data) {
	memset(buffer->since + (offset - buffer->start),
		buffer->file->changes_len, length);
}

void truth_refresh(struct truth_buffer *buffer, const struct truth_box *box) {
	truth_for_each_row(buffer, box, refresh_row, NULL);
}

static void damage_row(struct truth_buffer *buffer, uint32_t offset,
		uint32_t length, void *data) {
	memset(buffer->lacking + (offset - buffer->start), true, length);
}

void truth_damage(struct truth_buffer *buffer, const struct truth_box *box) {
	truth_for_each_row(buffer, box, damage_row, NULL);
}

void truth_commit(struct truth_buffer *buffer) {
	for (uint32_t i = 0; i < buffer->end - buffer->start; i++) {
		if (buffer->lacking[i]) {
			buffer->since[i] = buffer->file->changes_len;
			buffer->lacking[i] = false;
		}
	}
}

void truth_note_copy(struct truth_buffer *buffer) {
	/* The copy of a short file is made again each time. */
	if (buffer->copied_at == TRUTH_CHANGES_MAX &&
			buffer->file->size >= buffer->end) {
		buffer->copied_at = buffer->file->changes_len;
	}
}

void truth_forget_copy(struct truth_buffer *buffer) {
	buffer->copied_at = TRUTH_CHANGES_MAX;
}

/* Returns whether the byte was there after "since" changes, or later, but not after more
 * than "until". */
static bool was_there(const struct truth_file *file, uint32_t offset,
		uint8_t since, uint8_t until, uint8_t byte) {
	uint8_t len = file->changes_len < until ? file->changes_len : until;
	for (uint8_t i = len; i > 0; i--) {
		const struct truth_change *change = &file->changes[i - 1];
		if (offset < change->start || offset >= change->end) {
			continue;
		}
		if (change_get_byte(change, offset) == byte) {
			return true;
		}
		/* It was there at that time. */
		if (i <= since) {
			return false;
		}
	}
	return byte == 0;
}

struct check {
	const uint8_t *data;
	enum truth_claim claim;
};

static void check_row(struct truth_buffer *buffer, uint32_t offset,
		uint32_t length, void *data) {
	const struct check *check = data;
	const struct truth_file *file = buffer->file;
	const uint8_t *row = check->data + (offset - buffer->start);
	bool ever = check->claim == TRUTH_EVER;
	uint8_t until = buffer->is_final && !ever ? buffer->copied_at :
		TRUTH_CHANGES_MAX;
	if (until >= file->changes_len && offset + length <= TRUTH_FILE_MAX &&
			memcmp(row, file->now + offset, length) == 0) {
		return;
	}
	for (uint32_t i = 0; i < length; i++) {
		uint32_t at = offset + i;
		uint8_t since = ever ? 0 : check->claim == TRUTH_NOW ?
			file->changes_len : buffer->since[at - buffer->start];
		/* What is up to date after a change may have its byte. */
		bool ok = (ever && row[i] == 0) || was_there(file, at, since,
			until > since ? until : since, row[i]);
		if (!ok) {
			truth_die("byte %u of a buffer of %dx%d at %u to %u is "
				"0x%02x; its file of %u bytes has 0x%02x after "
				"%u changes, and it was up to date after %u",
				at, buffer->width, buffer->height, buffer->start,
				buffer->end, row[i], file->size,
				at < file->size ? file->now[at] : 0,
				file->changes_len, since);
		}
	}
}

void truth_check(struct truth_buffer *buffer, const uint8_t *data,
		enum truth_claim claim) {
	struct check check = { data, claim };
	if (!buffer->file->wild) {
		truth_for_each_row(buffer, NULL, check_row, &check);
	}
}

/* Writing back */

/* The bytes past the file's end are zero. */
static uint8_t *copy_now(const struct truth_file *file, uint32_t start,
		uint32_t end) {
	uint8_t *bytes = calloc(1, end - start);
	if (start < TRUTH_FILE_MAX) {
		memcpy(bytes, file->now + start, (end < TRUTH_FILE_MAX ? end :
			TRUTH_FILE_MAX) - start);
	}
	return bytes;
}

struct drawing {
	const uint8_t *data;
	uint8_t *bytes;
};

static void draw_row(struct truth_buffer *buffer, uint32_t offset,
		uint32_t length, void *data) {
	const struct drawing *drawing = data;
	uint32_t at = offset - buffer->start;
	memcpy(drawing->bytes + at, drawing->data + at, length);
}

void truth_draw(struct truth_buffer *buffer, const struct truth_box *box,
		const uint8_t *data) {
	struct truth_file *file = buffer->file;
	struct drawing drawing = {
		data, copy_now(file, buffer->start, buffer->end),
	};
	truth_for_each_row(buffer, box, draw_row, &drawing);
	uint8_t *now = copy_now(file, buffer->start, buffer->end);
	add_change(file, buffer->start, buffer->end, 0, drawing.bytes);
	add_change(file, buffer->start, buffer->end, 0, now);
}

struct adoption {
	const uint8_t *data, *in_file;
	bool must;
};

static void adopt_row(struct truth_buffer *buffer, uint32_t offset,
		uint32_t length, void *data) {
	const struct adoption *adoption = data;
	struct truth_file *file = buffer->file;
	for (uint32_t at = offset; at < offset + length && at < file->size; at++) {
		uint8_t is = adoption->in_file[at];
		uint8_t written = adoption->data[at - buffer->start];
		if (is != written && (adoption->must || is != file->now[at])) {
			truth_die("byte %u of a file of %u is 0x%02x, but "
				"0x%02x was written there, and it was 0x%02x",
				at, file->size, is, written, file->now[at]);
		}
		file->now[at] = is;
	}
}

void truth_adopt(struct truth_buffer *buffer, const uint8_t *data, bool must) {
	struct truth_file *file = buffer->file;
	struct adoption adoption = { data, read_file(file), must };
	if (file->wild) {
		return;
	}
	truth_for_each_row(buffer, NULL, adopt_row, &adoption);
	check_file_bytes(file, adoption.in_file);
	uint32_t end = buffer->end < file->size ? buffer->end : file->size;
	if (buffer->start < end) {
		add_change(file, buffer->start, end, 0,
			copy_now(file, buffer->start, end));
	}
}
