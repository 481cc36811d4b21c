/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_MAILBOX_H
#define SEALPOOL_SERVER_MAILBOX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <wayland-server-core.h>

/** Mails, in the order in which those that are posted together are handled. Disconnecting
 * clients that have an error may make enough room. */
enum sp_mail {
	SP_MAIL_DISCONNECT,
	SP_MAIL_UNUSED,
	SP_MAIL_UPKEEP,
	SP_MAIL_REPORTS,
	SP_MAIL_PRESSURE,
	SP_MAILS,
};

struct sp_mailbox;

/** Handles a mail on the event loop's thread. */
typedef void (*sp_mail_func)(struct sp_mailbox *mailbox);

/** Mails from any thread to that of the event loop. */
struct sp_mailbox {
	/* The event loop's thread. */
	_Atomic(pthread_t) thread;
	/* Of the mails that are posted; else NULL. */
	_Atomic(sp_mail_func) posted[SP_MAILS];
	int fd;
	struct wl_event_source *source;
};

/** Returns 0 or a negative errno. */
int sp_mailbox_init(struct sp_mailbox *mailbox, struct wl_event_loop *loop);
/** Call it before the event loop is destroyed: no mail is handled afterwards. */
void sp_mailbox_detach(struct sp_mailbox *mailbox);
void sp_mailbox_finish(struct sp_mailbox *mailbox);

/** Makes the event loop call a function, once even if the mail is posted again before. A
 * mail always has the same function. Any thread. */
void sp_mailbox_post(struct sp_mailbox *mailbox, enum sp_mail mail,
	sp_mail_func handle);

/** Notes that this is the event loop's thread. At first, that is the thread that creates
 * the mailbox, then the one that last handled something. */
void sp_mailbox_note_thread(struct sp_mailbox *mailbox);
/** Returns whether this is the event loop's thread. Any thread. */
bool sp_mailbox_is_here(const struct sp_mailbox *mailbox);

#endif
