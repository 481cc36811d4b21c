/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_RUN_NOTIFY_H
#define SEALPOOL_RUN_NOTIFY_H

/** What the watch of sealpool-run is told, by the preloaded library mostly. */
enum notify_what {
	NOTIFY_NOTHING = 0,
	/* There is a guard. */
	NOTIFY_GUARDED = 'g',
	/* There is a display without one, and its user was told why. */
	NOTIFY_UNGUARDED = 'u',
	/* Nothing has begun that could have one. */
	NOTIFY_CANCELED = 'c',
};

/** A socket that is told what notify_send() is given with the same token. Returns
 * -1 and sets errno on failure. */
int notify_listen(const char *token);

/** What has come; NOTIFY_NOTHING if nothing has. */
enum notify_what notify_receive(int fd, const char *token);

/** Does not wait. What is sent is lost if nobody listens in this network
 * namespace. */
void notify_send(const char *token, enum notify_what what);

#endif
