/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_SILENCE_H
#define SEALPOOL_CORE_SILENCE_H

#include <stdbool.h>

#include "mailbox.h"

struct sp_context;

/** Looks for clients whose files do not answer. */
struct sp_silence {
	/* Milliseconds after which a client is ended. */
	unsigned patience;
	struct wl_event_source *timer;
	struct sp_mail mail;
	/* The timer is set. */
	bool waiting;
};

/** Returns 0 or a negative errno. */
int sp_silence_init(struct sp_context *context);
/** While the display is still there. */
void sp_silence_detach(struct sp_context *context);

/** A file was waited for in vain. Any thread. */
void sp_silence_note(struct sp_context *context);

#endif
