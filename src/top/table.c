/* SPDX-License-Identifier: MIT */
/*
 * Prints a table of clients, ordered by what is copied for each: sealed memory costs
 * nothing.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "explain.h"
#include "table.h"

/* On a screen of 80 columns, POOLS and FAULTS are left out. */
#define WIDE_ENOUGH 92

enum column {
	PID, NAME, POOLS, DIRECT, NOFAULT, SHADOW, SHADOW_BYTES, COPIED, RATE,
	FAULTS, REASON, COLUMNS_LEN,
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
	[REASON] = { "REASON", -1, -1 },
};

typedef char cell[80];

struct row {
	const struct client *client, *before;
	/* Bytes copied, both ways, since it connected and in a second. */
	uint64_t copied, rate;
	/* What it is sorted by; the largest comes first. */
	uint64_t key;
};

/* The rows of the clients that are shown. */
struct rows {
	struct row *rows;
	size_t len;
	bool has_nofault;
};

static uint64_t get_copied(const struct client *client) {
	return client->copied_in + client->copied_out;
}

static uint64_t get_rate(const struct client *client,
		const struct client *before, int64_t ms) {
	uint64_t copied = get_copied(client);
	uint64_t copied_before = before != NULL ? get_copied(before) : 0;
	if (ms <= 0 || copied < copied_before) {
		return 0;
	}
	double rate = (double)(copied - copied_before) * 1000 / (double)ms;
	return rate < 0x1p64 ? (uint64_t)rate : UINT64_MAX;
}

static uint64_t get_key(const struct row *row, int column) {
	const struct client *client = row->client;
	const uint64_t keys[COLUMNS_LEN] = {
		/* The smallest first. */
		[PID] = UINT64_MAX - (uint64_t)client->pid,
		[POOLS] = client->pools,
		[DIRECT] = client->direct,
		[NOFAULT] = client->nofault,
		[SHADOW] = client->shadow,
		[SHADOW_BYTES] = client->shadow_bytes,
		[COPIED] = row->copied,
		[RATE] = row->rate,
		[FAULTS] = client->faults,
	};
	return keys[column];
}

static int compare(uint64_t a, uint64_t b) {
	return a > b ? -1 : a < b ? 1 : 0;
}

static int compare_rows(const void *a_data, const void *b_data) {
	const struct row *a = a_data, *b = b_data;
	int order = compare(a->key, b->key);
	if (order == 0) {
		order = compare(a->rate, b->rate);
	}
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

static int compare_names(const void *a_data, const void *b_data) {
	const struct row *a = a_data, *b = b_data;
	int order = strcasecmp(a->client->name, b->client->name);
	return order != 0 ? order : compare_rows(a_data, b_data);
}

static int compare_reasons(const void *a_data, const void *b_data) {
	const struct row *a = a_data, *b = b_data;
	/* "-" is the smallest, and comes last. */
	int order = strcmp(b->client->reasons, a->client->reasons);
	return order != 0 ? order : compare_rows(a_data, b_data);
}

static bool is_shown(const struct table *table, const struct client *client) {
	char pid[16];
	snprintf(pid, sizeof(pid), "%d", client->pid);
	return table->filter == NULL || strcmp(pid, table->filter) == 0 ||
		strcasestr(client->name, table->filter) != NULL;
}

/* Returns false when there is no memory. */
static bool make_rows(struct rows *rows, const struct table *table,
		const struct snapshot *now, const struct snapshot *before) {
	*rows = (struct rows){
		.rows = calloc(now->clients_len + 1, sizeof(rows->rows[0])),
	};
	if (rows->rows == NULL) {
		return false;
	}
	for (size_t i = 0; i < now->clients_len; i++) {
		const struct client *client = &now->clients[i];
		if (!is_shown(table, client)) {
			continue;
		}
		struct row *row = &rows->rows[rows->len++];
		row->client = client;
		row->before = snapshot_find(before, client->id);
		row->copied = get_copied(client);
		row->rate = get_rate(client, row->before,
			now->time - before->time);
		row->key = get_key(row, table->sort);
		rows->has_nofault |= client->nofault > 0;
	}
	qsort(rows->rows, rows->len, sizeof(rows->rows[0]),
		table->sort == NAME ? compare_names :
		table->sort == REASON ? compare_reasons : compare_rows);
	return true;
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

/* On a screen, omits NOFAULT if no client has such buffers, as on most kernels, and what is
 * not most important if there is no room. For scripts, the columns are always the same. */
static bool is_omitted(enum column column, const struct screen *screen,
		bool has_nofault) {
	if (screen == NULL) {
		return false;
	}
	return (column == NOFAULT && !has_nofault) ||
		((column == POOLS || column == FAULTS) &&
		screen->columns < WIDE_ENOUGH);
}

static void print_cells(FILE *file, cell cells[COLUMNS_LEN],
		const struct screen *screen, bool has_nofault) {
	char line[COLUMNS_LEN * sizeof(cell)];
	size_t length = 0;
	for (int i = 0; i < COLUMNS_LEN; i++) {
		if (is_omitted((enum column)i, screen, has_nofault)) {
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
	snprintf(cells[REASON], sizeof(cell), "%s", client->reasons);
}

static void print_totals(FILE *file, const struct table *table,
		const struct rows *rows, const struct screen *screen) {
	uint64_t pools = 0, shadow = 0, rate = 0;
	for (size_t i = 0; i < rows->len; i++) {
		pools += rows->rows[i].client->pools;
		shadow += rows->rows[i].client->shadow_bytes;
		rate += rows->rows[i].rate;
	}
	cell shadow_text, rate_text;
	format_bytes(shadow_text, shadow, screen);
	format_bytes(rate_text, rate, screen);
	print_line(file, screen, "%zu clients, %" PRIu64 " pools, %s in "
		"shadows, %s copied a second; by %s", rows->len, pools,
		shadow_text, rate_text, columns[table->sort].heading);
	char sentence[256] = "";
	if (rows->len > 0) {
		explain(rows->rows[0].client, rows->rows[0].before, sentence,
			sizeof(sentence));
	}
	print_line(file, screen, "%s", sentence);
}

int table_get_default_sort(void) {
	return RATE;
}

bool table_find_column(const char *heading, int *column) {
	for (int i = 0; i < COLUMNS_LEN; i++) {
		if (strcasecmp(heading, columns[i].heading) == 0) {
			*column = i;
			return true;
		}
	}
	return false;
}

void table_move_sort(struct table *table, int by) {
	table->sort = (table->sort + by + COLUMNS_LEN) % COLUMNS_LEN;
}

void table_print(FILE *file, const struct table *table,
		const struct snapshot *now, const struct snapshot *before,
		const struct screen *screen) {
	struct rows rows;
	if (!make_rows(&rows, table, now, before)) {
		return;
	}
	size_t shown = rows.len;
	if (screen != NULL) {
		/* Moves the cursor home. */
		fputs("\x1b[H", file);
		print_totals(file, table, &rows, screen);
		/* The last row stays free, so that nothing moves. */
		size_t room = screen->rows > 4 ? screen->rows - 4 : 0;
		shown = shown < room ? shown : room;
	}
	cell cells[COLUMNS_LEN];
	for (int i = 0; i < COLUMNS_LEN; i++) {
		snprintf(cells[i], sizeof(cell), "%s", columns[i].heading);
	}
	print_cells(file, cells, screen, rows.has_nofault);
	for (size_t i = 0; i < shown; i++) {
		format_row(cells, &rows.rows[i], screen);
		print_cells(file, cells, screen, rows.has_nofault);
	}
	if (screen != NULL) {
		/* Erases the older lines below. */
		fputs("\x1b[J", file);
	}
	free(rows.rows);
}

void table_explain(FILE *file, const struct table *table,
		const struct snapshot *now, const struct snapshot *before) {
	struct rows rows;
	if (!make_rows(&rows, table, now, before)) {
		return;
	}
	for (size_t i = 0; i < rows.len; i++) {
		char sentence[256];
		explain(rows.rows[i].client, rows.rows[i].before, sentence,
			sizeof(sentence));
		fprintf(file, "%s\n", sentence);
	}
	free(rows.rows);
}
