/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_TOP_TABLE_H
#define SEALPOOL_TOP_TABLE_H

#include <stdio.h>

#include "snapshot.h"

/** The size of a terminal. */
struct screen {
	unsigned columns, rows;
};

/**
 * Prints a table of clients, those that cost most first; rates are since "before".
 * Without a screen, prints all clients, and bytes as plain numbers. With a screen,
 * prints totals and the clients that fit, with escape sequences that replace the
 * previous table.
 */
void table_print(FILE *file, struct snapshot *now,
	const struct snapshot *before, const struct screen *screen);

#endif
