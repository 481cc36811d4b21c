/* SPDX-License-Identifier: MIT */
/*
 * Prints a table of clients, ordered by what is copied for each: sealed memory costs
 * nothing.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

/* On a screen, all but NOFAULT fit into 80 columns. */
enum column {
	PID, NAME, POOLS, DIRECT, NOFAULT, SHADOW, SHADOW_BYTES, COPIED, RATE,
	FAULTS, COLUMNS_LEN,
};

static const struct {
	const char *heading;
	/* In characters; negative if aligned to the left. */
	int width, width_on_screen;
} columns[COLUMNS_LEN] = {
	[PID] = { "PID", 7, 7 },
	[NAME] = { "NAME", -15, -15 },
	[POOLS] = { "POOLS", 6, 5 },
	[DIRECT] = { "DIRECT", 6, 6 },
	[NOFAULT] = { "NOFAULT", 7, 7 },
	[SHADOW] = { "SHADOW", 6, 6 },
	[SHADOW_BYTES] = { "SHADOW-BYTES", 12, 12 },
	[COPIED] = { "COPIED", 12, 7 },
	[RATE] = { "COPIED/S", 12, 8 },
	[FAULTS] = { "FAULTS", 6, 6 },
};

typedef char cell[24];

struct row {
	const struct client *client;
	/* Bytes copied, both ways, since it connected and in a second. */
	uint64_t copied, rate;
};

static uint64_t get_copied(const struct client *client) {
	return client->copied_in + client->copied_out;
}

static uint64_t get_rate(const struct client *client,
		const struct snapshot *now, const struct snapshot *before) {
	const struct client *old = snapshot_find(before, client->id);
	uint64_t copied = get_copied(client);
	uint64_t copied_before = old != NULL ? get_copied(old) : 0;
	int64_t ms = now->time - before->time;
	if (ms <= 0 || copied < copied_before) {
		return 0;
	}
	return (uint64_t)((double)(copied - copied_before) * 1000 / (double)ms);
}

static int compare(uint64_t a, uint64_t b) {
	return a > b ? -1 : a < b ? 1 : 0;
}

static int compare_rows(const void *a_data, const void *b_data) {
	const struct row *a = a_data, *b = b_data;
	int order = compare(a->rate, b->rate);
	if (order == 0) {
		order = compare(a->client->shadow_bytes,
			b->client->shadow_bytes);
	}
	if (order == 0) {
		order = compare(a->copied, b->copied);
	}
	/* Then the oldest first. */
	return order != 0 ? order : compare(b->client->id, a->client->id);
}

static void format_bytes(cell text, uint64_t bytes,
		const struct screen *screen) {
	static const char units[] = "BKMGTPE";
	if (screen == NULL) {
		snprintf(text, sizeof(cell), "%" PRIu64, bytes);
		return;
	}
	double number = (double)bytes;
	unsigned unit = 0;
	while (number >= 999.5 && unit < sizeof(units) - 2) {
		number /= 1024;
		unit++;
	}
	snprintf(text, sizeof(cell), unit > 0 && number < 99.95 ? "%.1f%c" : "%.0f%c",
		number, units[unit]);
}

/* Prints a line, truncated to the screen's width. */
static void print_line(FILE *file, const struct screen *screen,
		const char *format, ...) {
	char line[256];
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (screen == NULL) {
		fprintf(file, "%s\n", line);
		return;
	}
	/* The line is erased first: after a line that fills the screen, the sequence
	 * would erase its last character. */
	fprintf(file, "\x1b[K%.*s\n", (int)screen->columns, line);
}

/* On a screen, omits NOFAULT if no client has such buffers, as on most kernels. For
 * scripts, the columns are always the same. */
static void print_cells(FILE *file, cell cells[COLUMNS_LEN],
		const struct screen *screen, bool has_nofault) {
	char line[COLUMNS_LEN * sizeof(cell)];
	size_t length = 0;
	for (int i = 0; i < COLUMNS_LEN; i++) {
		if (i == NOFAULT && screen != NULL && !has_nofault) {
			continue;
		}
		length += (size_t)snprintf(&line[length], sizeof(line) - length,
			"%s%*s", length > 0 ? " " : "", screen != NULL ?
			columns[i].width_on_screen : columns[i].width,
			cells[i]);
	}
	print_line(file, screen, "%s", line);
}

static void format_row(cell cells[COLUMNS_LEN], const struct row *row,
		const struct screen *screen) {
	const struct client *client = row->client;
	snprintf(cells[PID], sizeof(cell), "%d", client->pid);
	snprintf(cells[NAME], sizeof(cell), "%s", client->name);
	snprintf(cells[POOLS], sizeof(cell), "%" PRIu64, client->pools);
	snprintf(cells[DIRECT], sizeof(cell), "%" PRIu64, client->direct);
	snprintf(cells[NOFAULT], sizeof(cell), "%" PRIu64, client->nofault);
	snprintf(cells[SHADOW], sizeof(cell), "%" PRIu64, client->shadow);
	format_bytes(cells[SHADOW_BYTES], client->shadow_bytes, screen);
	format_bytes(cells[COPIED], row->copied, screen);
	format_bytes(cells[RATE], row->rate, screen);
	snprintf(cells[FAULTS], sizeof(cell), "%" PRIu64, client->faults);
}

static void print_totals(FILE *file, const struct row *rows, size_t rows_len,
		const struct screen *screen) {
	uint64_t pools = 0, shadow = 0, rate = 0;
	for (size_t i = 0; i < rows_len; i++) {
		pools += rows[i].client->pools;
		shadow += rows[i].client->shadow_bytes;
		rate += rows[i].rate;
	}
	cell shadow_text, rate_text;
	format_bytes(shadow_text, shadow, screen);
	format_bytes(rate_text, rate, screen);
	print_line(file, screen, "%zu clients, %" PRIu64 " pools, %s in "
		"shadows, %s copied a second", rows_len, pools, shadow_text,
		rate_text);
	print_line(file, screen, "%s", "");
}

void table_print(FILE *file, struct snapshot *now,
		const struct snapshot *before, const struct screen *screen) {
	size_t length = now->clients_len;
	bool has_nofault = false;
	struct row *rows = calloc(length + 1, sizeof(rows[0]));
	if (rows == NULL) {
		return;
	}
	for (size_t i = 0; i < length; i++) {
		rows[i].client = &now->clients[i];
		rows[i].copied = get_copied(&now->clients[i]);
		rows[i].rate = get_rate(&now->clients[i], now, before);
		has_nofault |= now->clients[i].nofault > 0;
	}
	qsort(rows, length, sizeof(rows[0]), compare_rows);

	size_t shown = length;
	if (screen != NULL) {
		/* Moves the cursor home. */
		fputs("\x1b[H", file);
		print_totals(file, rows, length, screen);
		/* The last row stays free, so that nothing moves. */
		size_t room = screen->rows > 4 ? screen->rows - 4 : 0;
		shown = length < room ? length : room;
	}
	cell cells[COLUMNS_LEN];
	for (int i = 0; i < COLUMNS_LEN; i++) {
		snprintf(cells[i], sizeof(cell), "%s", columns[i].heading);
	}
	print_cells(file, cells, screen, has_nofault);
	for (size_t i = 0; i < shown; i++) {
		format_row(cells, &rows[i], screen);
		print_cells(file, cells, screen, has_nofault);
	}
	if (screen != NULL) {
		/* Erases the older lines below. */
		fputs("\x1b[J", file);
	}
	free(rows);
}
