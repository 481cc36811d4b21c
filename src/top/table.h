/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_TOP_TABLE_H
#define SEALPOOL_TOP_TABLE_H

#include <stdio.h>

#include "snapshot.h"

/** Of a terminal. */
struct screen {
	unsigned columns, rows;
};

/**
 * Prints a table of clients, those that cost most first; rates are since
 * "before". Without a screen, all of it, and bytes as plain numbers; else what
 * fits, with the sequences that replace what was there, and a line of totals.
 */
void table_print(FILE *file, struct snapshot *now,
	const struct snapshot *before, const struct screen *screen);

#endif
