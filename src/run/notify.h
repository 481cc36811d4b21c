/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_NOTIFY_H
#define SEALPOOL_RUN_NOTIFY_H

#include <stdbool.h>

/** Messages to the watch of sealpool-run. */
enum notify_what {
	NOTIFY_NOTHING = 0,
	/* There is a guard. */
	NOTIFY_GUARDED = 'g',
	/* There is a display without a guard, and the reason was printed. */
	NOTIFY_UNGUARDED = 'u',
	/* The command could not be started. */
	NOTIFY_CANCELED = 'c',
	/* The command ends: was there a guard? Answered by NOTIFY_UNGUARDED, if not. */
	NOTIFY_ENDING = 'e',
};

/** Creates a socket that receives what notify_send() sends with the same token. Returns
 * -1 and sets errno on failure. */
int notify_listen(const char *token);

/** Returns a message, or NOTIFY_NOTHING if none has come. Answers NOTIFY_ENDING itself. */
enum notify_what notify_receive(int fd, const char *token);

/** Sends a message, without waiting. It is lost if nobody listens in this network
 * namespace. */
void notify_send(const char *token, enum notify_what what);

/** Returns whether the watch still waits for a guard. Messages that were sent before are
 * considered. */
bool notify_is_waiting(const char *token);

#endif
