/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SERVER_SILENCE_H
#define SEALPOOL_SERVER_SILENCE_H

struct sp_context;

/** Returns 0 or a negative errno. */
int sp_silence_init(struct sp_context *context);
/** Call it before the display is destroyed. */
void sp_silence_detach(struct sp_context *context);

/** Notes that a slow file has not answered in time. Any thread. */
void sp_silence_note(struct sp_context *context);

#endif
