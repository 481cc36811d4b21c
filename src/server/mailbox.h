/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_MAILBOX_H
#define SEALPOOL_SERVER_MAILBOX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <wayland-server-core.h>

/** Something that the event loop is to do. */
struct sp_mail {
	struct wl_list link; /* sp_mailbox.mails */
	atomic_bool posted;
	void (*handle)(struct sp_mail *mail);
};

/** From any thread to that of the event loop. */
struct sp_mailbox {
	/* The event loop's. */
	_Atomic(pthread_t) thread;
	struct wl_list mails; /* sp_mail.link */
	int fd;
	struct wl_event_source *source;
};

/** Returns 0 or a negative errno. */
int sp_mailbox_init(struct sp_mailbox *mailbox, struct wl_event_loop *loop);
/** While the event loop is still there: nothing is handled from then on. */
void sp_mailbox_detach(struct sp_mailbox *mailbox);
void sp_mailbox_finish(struct sp_mailbox *mailbox);

/** Adds a mail, to be handled after those added before it when several have been
 * posted. On the event loop's thread, before any other thread knows the mail. */
void sp_mailbox_add(struct sp_mailbox *mailbox, struct sp_mail *mail,
	void (*handle)(struct sp_mail *mail));

/** Has the event loop call the mail's function, once, however often it is posted
 * until then. Any thread. */
void sp_mailbox_post(struct sp_mailbox *mailbox, struct sp_mail *mail);

/** Notes that this is the event loop's thread. It is taken for the one that creates
 * the mailbox, and then for the one that last handled something. */
void sp_mailbox_note_thread(struct sp_mailbox *mailbox);
/** Whether this is the event loop's thread. Any thread. */
bool sp_mailbox_is_here(const struct sp_mailbox *mailbox);

#endif
