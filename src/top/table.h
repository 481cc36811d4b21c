/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_TOP_TABLE_H
#define SEALPOOL_TOP_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "snapshot.h"

/** The size of a terminal. */
struct screen {
	unsigned columns, rows;
};

/** What is shown. */
struct table {
	/* The column that clients are sorted by. */
	int sort;
	/* Only clients with this pid, or with this text in their name; NULL for all. */
	const char *filter;
};

/** By bytes copied per second. */
int table_get_default_sort(void);

/** Finds a column by its heading. Returns false for none. */
bool table_find_column(const char *heading, int *column);

/** Sorts by another column: "by" columns to the right of the current one. */
void table_move_sort(struct table *table, int by);

/**
 * Prints a table of clients, those that cost most first; rates are since "before".
 * Without a screen, prints all clients, and bytes as plain numbers. With a screen,
 * prints totals, a sentence about the first client, and the clients that fit, with escape
 * sequences that replace the previous table.
 */
void table_print(FILE *file, const struct table *table,
	const struct snapshot *now, const struct snapshot *before,
	const struct screen *screen);

/** Prints a sentence about each client: how it is read, and what its author can change. */
void table_explain(FILE *file, const struct table *table,
	const struct snapshot *now, const struct snapshot *before);

#endif
