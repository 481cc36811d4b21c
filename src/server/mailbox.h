/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_MAILBOX_H
#define SEALPOOL_SERVER_MAILBOX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <wayland-server-core.h>

/** A function that the event loop calls when the mail is posted. */
struct sp_mail {
	struct wl_list link; /* sp_mailbox.mails */
	atomic_bool posted;
	void (*handle)(struct sp_mail *mail);
};

/** Mails from any thread to that of the event loop. */
struct sp_mailbox {
	/* The event loop's thread. */
	_Atomic(pthread_t) thread;
	struct wl_list mails; /* sp_mail.link */
	int fd;
	struct wl_event_source *source;
};

/** Returns 0 or a negative errno. */
int sp_mailbox_init(struct sp_mailbox *mailbox, struct wl_event_loop *loop);
/** Call it before the event loop is destroyed: no mail is handled afterwards. */
void sp_mailbox_detach(struct sp_mailbox *mailbox);
void sp_mailbox_finish(struct sp_mailbox *mailbox);

/** Adds a mail. Mails that are posted together are handled in the order in which they
 * were added. On the event loop's thread, before any other thread posts the mail. */
void sp_mailbox_add(struct sp_mailbox *mailbox, struct sp_mail *mail,
	void (*handle)(struct sp_mail *mail));

/** Makes the event loop call the mail's function, once even if the mail is posted again
 * before. Any thread. */
void sp_mailbox_post(struct sp_mailbox *mailbox, struct sp_mail *mail);

/** Notes that this is the event loop's thread. At first, that is the thread that creates
 * the mailbox, then the one that last handled something. */
void sp_mailbox_note_thread(struct sp_mailbox *mailbox);
/** Returns whether this is the event loop's thread. Any thread. */
bool sp_mailbox_is_here(const struct sp_mailbox *mailbox);

#endif
