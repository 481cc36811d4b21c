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
	/* The connection was closed without an error. */
	OUTCOME_CLOSED,
	/* No answer. */
	OUTCOME_SILENT,
	/* This system cannot create such a file. */
	OUTCOME_NOT_TRIED,
};

/** The result of trying one pool. */
struct result {
	enum outcome outcome;
	/* Unless accepted: the last request, named as in wayland.xml. */
	const char *request;
	struct error error;
	/* Not tried: why. */
	char reason[160];
	/* Accepted: whether the compositor reports feedback; the buffer's kind and
	 * reasons (enum kind and enum reason), and how many bytes were copied. */
	bool has_feedback;
	uint32_t kind, reasons;
	uint64_t copied;
};

/** A client's limits, indexed by enum resource of the protocol. */
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

/** Asks for this client's limits. */
void probe_budgets(struct connection *connection, struct budgets *budgets);

#endif
