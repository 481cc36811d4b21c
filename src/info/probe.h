/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_INFO_PROBE_H
#define SEALPOOL_INFO_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "connection.h"
#include "memory.h"

enum outcome {
	OUTCOME_ACCEPTED,
	OUTCOME_REFUSED,
	/* The connection was closed without a word, or there is no answer. */
	OUTCOME_CLOSED,
	OUTCOME_SILENT,
	/* The system lacks what it takes. */
	OUTCOME_NOT_TRIED,
};

/** What became of one pool. */
struct result {
	enum outcome outcome;
	/* Refused: the request that was, or was the last, as in wayland.xml. */
	const char *request;
	struct error error;
	/* Not tried: why. */
	char reason[160];
	/* Accepted: whether Sealpool tells, what it tells of the buffer (enum
	 * kind and enum reason), and what was copied. */
	bool has_feedback;
	uint32_t kind, reasons;
	uint64_t copied;
};

/** A client's budget: enum resource of the protocol. */
#define BUDGETS_LEN 4
struct budgets {
	bool known;
	uint64_t used[BUDGETS_LEN], limits[BUDGETS_LEN];
};

/**
 * Tries one sort of memory in a connection of its own. Returns false, with errno
 * set, when there is no compositor.
 */
bool probe(const struct sort *sort, struct result *result);

/** Asks for the client's budgets. */
void probe_budgets(struct connection *connection, struct budgets *budgets);

#endif
