/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_ADVICE_H
#define SEALPOOL_ADVICE_H

/** Why memory is copied, and what its client's author can change: for sealpool-info and
 * sealpool-top. */
struct advice {
	/* As in the feedback protocol. */
	const char *reason;
	/* "The client is ..." */
	const char *state;
	const char *change;
};

/** The advice for each reason to copy. What should be changed first comes first. The last
 * one's reason is NULL. */
extern const struct advice advices[];

/** Returns the first advice about a reason in a list like "no_seal,sparse", or NULL. */
const struct advice *advice_find(const char *reasons);

#endif
