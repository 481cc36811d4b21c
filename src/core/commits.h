/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_COMMITS_H
#define SEALPOOL_CORE_COMMITS_H

struct sealpool_buffer;
struct sealpool_shm;
struct sp_commits;

/** Begins to follow the display's surfaces. NULL when there is no memory. */
struct sp_commits *sp_commits_create(struct sealpool_shm *shm);
/** While the display is still there. */
void sp_commits_destroy(struct sp_commits *commits);

/** The wl_buffer is gone: no commit can change the buffer's contents now. */
void sp_commits_forget_buffer(struct sealpool_buffer *buffer);

#endif
