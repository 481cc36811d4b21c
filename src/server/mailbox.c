/* SPDX-License-Identifier: MIT */
/*
 * A mailbox of the event loop.
 *
 * Only the thread of the event loop may use libwayland's objects, but buffers may be
 * read on any thread. Such a thread stores its findings elsewhere and posts a mail,
 * which wakes the loop; the loop calls the mail's function.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mailbox.h"

static int handle_wakeup(int fd, uint32_t mask, void *data) {
	struct sp_mailbox *mailbox = data;
	eventfd_t count;
	eventfd_read(fd, &count);
	sp_mailbox_note_thread(mailbox);
	/* A function may post any mail, which wakes the loop again. */
	for (int i = 0; i < SP_MAILS; i++) {
		sp_mail_func handle = atomic_exchange(&mailbox->posted[i], NULL);
		if (handle != NULL) {
			handle(mailbox);
		}
	}
	return 0;
}

int sp_mailbox_init(struct sp_mailbox *mailbox, struct wl_event_loop *loop) {
	sp_mailbox_note_thread(mailbox);
	for (int i = 0; i < SP_MAILS; i++) {
		atomic_init(&mailbox->posted[i], NULL);
	}
	mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->fd < 0) {
		return -errno;
	}
	mailbox->source = wl_event_loop_add_fd(loop, mailbox->fd,
		WL_EVENT_READABLE, handle_wakeup, mailbox);
	if (mailbox->source == NULL) {
		close(mailbox->fd);
		return -ENOMEM;
	}
	return 0;
}

void sp_mailbox_detach(struct sp_mailbox *mailbox) {
	wl_event_source_remove(mailbox->source);
	mailbox->source = NULL;
}

void sp_mailbox_finish(struct sp_mailbox *mailbox) {
	close(mailbox->fd);
}

void sp_mailbox_post(struct sp_mailbox *mailbox, enum sp_mail mail,
		sp_mail_func handle) {
	if (atomic_exchange(&mailbox->posted[mail], handle) == NULL) {
		/* Fails only when the counter is full, and then the loop has been
		 * woken already. */
		eventfd_write(mailbox->fd, 1);
	}
}

void sp_mailbox_note_thread(struct sp_mailbox *mailbox) {
	atomic_store_explicit(&mailbox->thread, pthread_self(),
		memory_order_relaxed);
}

bool sp_mailbox_is_here(const struct sp_mailbox *mailbox) {
	return pthread_equal(atomic_load_explicit(&mailbox->thread,
		memory_order_relaxed), pthread_self());
}
