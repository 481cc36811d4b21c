/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_NOTIFY_H
#define SEALPOOL_RUN_NOTIFY_H

/** Messages to the watch of sealpool-run. */
enum notify_what {
	NOTIFY_NOTHING = 0,
	/* There is a guard. */
	NOTIFY_GUARDED = 'g',
	/* There is a display without a guard, and the reason was printed. */
	NOTIFY_UNGUARDED = 'u',
	/* The command could not be started. */
	NOTIFY_CANCELED = 'c',
};

/** Creates a socket that receives what notify_send() sends with the same token. Returns
 * -1 and sets errno on failure. */
int notify_listen(const char *token);

/** Returns a message, or NOTIFY_NOTHING if none has come. */
enum notify_what notify_receive(int fd, const char *token);

/** Sends a message, without waiting. It is lost if nobody listens in this network
 * namespace. */
void notify_send(const char *token, enum notify_what what);

#endif
