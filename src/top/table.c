/* SPDX-License-Identifier: MIT */
/*
 * A table of clients. What a client costs is what is copied for it: sealed
 * memory costs nothing.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

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
	/* The oldest first. */
	return order != 0 ? order : compare(b->client->id, a->client->id);
}

static void format_bytes(char text[24], uint64_t bytes,
		const struct screen *screen) {
	static const char units[] = "BKMGTPE";
	if (screen == NULL) {
		snprintf(text, 24, "%" PRIu64, bytes);
		return;
	}
	double number = (double)bytes;
	unsigned unit = 0;
	while (number >= 999.5 && unit < sizeof(units) - 2) {
		number /= 1024;
		unit++;
	}
	snprintf(text, 24, unit > 0 && number < 99.95 ? "%.1f%c" : "%.0f%c",
		number, units[unit]);
}

/* A line, cut to the screen's width. */
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
	fprintf(file, "%.*s\x1b[K\n", (int)screen->columns, line);
}

static void print_row(FILE *file, const struct row *row,
		const struct screen *screen) {
	const struct client *client = row->client;
	char shadow_bytes[24], copied[24], rate[24];
	format_bytes(shadow_bytes, client->shadow_bytes, screen);
	format_bytes(copied, row->copied, screen);
	format_bytes(rate, row->rate, screen);
	print_line(file, screen, "%7d %-15s %6" PRIu64 " %6" PRIu64 " %7" PRIu64
		" %6" PRIu64 " %12s %12s %12s %6" PRIu64, client->pid,
		client->name, client->pools, client->direct, client->nofault,
		client->shadow, shadow_bytes, copied, rate, client->faults);
}

static void print_totals(FILE *file, const struct row *rows, size_t rows_len,
		const struct screen *screen) {
	uint64_t pools = 0, shadow = 0, rate = 0;
	for (size_t i = 0; i < rows_len; i++) {
		pools += rows[i].client->pools;
		shadow += rows[i].client->shadow_bytes;
		rate += rows[i].rate;
	}
	char shadow_text[24], rate_text[24];
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
	struct row *rows = calloc(length + 1, sizeof(rows[0]));
	if (rows == NULL) {
		return;
	}
	for (size_t i = 0; i < length; i++) {
		rows[i].client = &now->clients[i];
		rows[i].copied = get_copied(&now->clients[i]);
		rows[i].rate = get_rate(&now->clients[i], now, before);
	}
	qsort(rows, length, sizeof(rows[0]), compare_rows);

	size_t shown = length;
	if (screen != NULL) {
		/* Home. */
		fputs("\x1b[H", file);
		print_totals(file, rows, length, screen);
		/* The last row stays free, so that nothing moves. */
		size_t room = screen->rows > 4 ? screen->rows - 4 : 0;
		shown = length < room ? length : room;
	}
	print_line(file, screen, "%7s %-15s %6s %6s %7s %6s %12s %12s %12s %6s",
		"PID", "NAME", "POOLS", "DIRECT", "NOFAULT", "SHADOW",
		"SHADOW-BYTES", "COPIED", "COPIED/S", "FAULTS");
	for (size_t i = 0; i < shown; i++) {
		print_row(file, &rows[i], screen);
	}
	if (screen != NULL) {
		/* All below is older. */
		fputs("\x1b[J", file);
	}
	free(rows);
}
