/* SPDX-License-Identifier: MIT */
#ifndef GUARD_HOST_H
#define GUARD_HOST_H

/**
 * A compositor that knows nothing of Sealpool, in the test's own process: its
 * wl_shm is libwayland's, and what it reads and writes is in libwayland's
 * mappings. A guard is in front of it.
 *
 * It looks at a buffer when it is committed, without any protection: where the
 * guard lets something through, the test dies of SIGBUS or sees the wrong
 * pixels.
 */

#include "peer.h"
#include "server.h"

struct sealpool_guard;

#define HOST_FDS_MAX 8

struct host {
	/* For the functions of server.h and peer.h that concern neither its
	 * sealpool_shm nor its surfaces. Its compositor is of struct host_surface;
	 * its takers are frames of wlr-screencopy, Weston's capture sources, and
	 * icons. */
	struct server server;
	struct sealpool_guard *guard;
	/* Does not read what is committed, but keeps its memory. */
	bool keeps;
	/* Sends wl_buffer.release when a surface shows something else, or as soon as
	 * a buffer is committed. */
	bool releases, releases_early;
	/* What it draws into the next buffer that a taker is handed, at once; 0
	 * for nothing. */
	uint32_t draws;
	/* Of wl_shm, in requests so far. */
	unsigned buffers_seen;
	/* Has an fd more for each buffer, which is closed in the end; for a
	 * single client's only shadow. */
	bool has_fds;
	struct wl_protocol_logger *fds_logger;
	int fds[HOST_FDS_MAX];
	size_t fds_len;
};

struct host_surface {
	struct compositor_surface base;
	/* What there was to see at the last commit; no data before. */
	struct client_image image;
	/* Kept, if the host keeps. */
	struct wl_shm_pool *pool;
};

struct host *host_create(const struct sealpool_options *options);

/** The same in two halves. */
struct host *host_create_unguarded(void);
void host_guard(struct host *host, const struct sealpool_options *options);

/** For cmocka: a host without options, or one that is lenient, as the test's
 * state. The teardown also checks that no fd and no mapping is left. */
int host_setup(void **state);
int host_setup_lenient(void **state);
int host_teardown(void **state);

/** Connects a client that has drawn an unsealed picture as frame 1, but does not show
 * it. */
struct peer *host_create_drawn_peer(struct host *host, int32_t width,
	int32_t height);

struct sealpool_stats host_get_stats(struct host *host,
	const struct peer *peer);

/** The anonymous memory of this process, which it shares with no other: RssAnon. */
size_t count_private_bytes(void);

/** Of pools and shadows, as count_pool_mappings(). */
size_t host_count_mapped_bytes(void);

/** Bytes copied in for the client since "*before", which is brought up to
 * date. */
uint64_t host_count_copied(struct host *host, const struct peer *peer,
	uint64_t *before);

/** A client's surfaces, from 0 on in the order of their making. */
struct host_surface *host_get_surface(struct host *host,
	const struct peer *peer, int index);

/** The memory of what a surface shows now, in libwayland's mapping. */
void host_get_memory(struct host_surface *surface, struct client_image *image);

/** Fails unless all of an image is pattern "frame". */
void host_expect_image(const struct client_image *image, uint32_t frame);

/** Fails unless a client's first surface shows pattern "frame". */
void host_expect_shown(struct host *host, const struct peer *peer,
	uint32_t frame);

/** The newest object that a buffer was handed to. */
struct compositor_taker *host_get_taker(struct host *host);

/** Draws pattern "frame" into the rows "top" to "bottom" of the buffer that a
 * taker has. */
void host_write(struct compositor_taker *taker, int32_t top, int32_t bottom,
	uint32_t frame);

/** Sends events of a frame that come before it is ready. */
void host_describe(struct compositor_taker *taker);

/** Sends the event that tells a client that its capture is ready. */
void host_tell_ready(struct compositor_taker *taker);

/** The same for the newest capture; waits until the client has heard it, as the one
 * of this number (see wait_ready()). */
void host_end_capture(struct host *host, struct peer *peer, uint32_t number);

/** Fails unless the taker's buffer shows pattern "frame". */
void host_expect_taken(struct compositor_taker *taker, uint32_t frame);

/* Orders for clients, beside those of actor.h. */

/** Hands .buffer to a new object in slot .count, and lets it be. */
bool take_frame(struct actor *actor, const struct args *args);
bool take_source(struct actor *actor, const struct args *args);
bool take_icon(struct actor *actor, const struct args *args);
/** Hands .buffer to the object that is in slot .count already. */
bool take_again(struct actor *actor, const struct args *args);
bool destroy_taker(struct actor *actor, const struct args *args);
/** Waits until the object in slot .count has said that it is ready. */
bool wait_ready(struct actor *actor, const struct args *args);

/** Fails unless rows .y to .y + .height of the buffer show pattern .frame. */
bool expect_rows(struct actor *actor, const struct args *args);

/** Binds wl_shm again, with .version. */
bool bind_shm(struct actor *actor, const struct args *args);

#endif
