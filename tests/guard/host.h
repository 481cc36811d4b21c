/* SPDX-License-Identifier: MIT */
#ifndef GUARD_HOST_H
#define GUARD_HOST_H

/**
 * A compositor without Sealpool, in the test's own process: its wl_shm is libwayland's,
 * and it reads and writes libwayland's mappings. A guard is in front of it.
 *
 * It reads a buffer when it is committed, without any protection: if the guard fails, the
 * test dies of SIGBUS or sees wrong pixels.
 */

#include "peer.h"
#include "server.h"

struct sealpool_guard;

#define HOST_FDS_MAX 8

struct host {
	/* For the functions of server.h and peer.h that do not depend on its sealpool_shm
	 * or its surfaces. Its compositor's surfaces are struct host_surface. Its takers
	 * are frames of wlr-screencopy, Weston's capture sources, and icons. */
	struct server server;
	struct sealpool_guard *guard;
	/* Does not read committed buffers, but keeps their pools. */
	bool keeps;
	/* Sends wl_buffer.release when a surface shows another buffer, or as soon as a
	 * buffer is committed. */
	bool releases, releases_early;
	/* The pattern that it draws at once into the next buffer of a taker; 0 for
	 * none. */
	uint32_t draws;
	/* Called when a taker has got a buffer; or NULL. */
	void (*taken)(struct compositor_taker *taker);
	/* The buffers of wl_shm in requests so far. */
	unsigned buffers_seen;
	/* Opens one more fd for each buffer, which is closed at the end. For a single
	 * client with one shadow. */
	bool has_fds;
	struct wl_protocol_logger *fds_logger;
	int fds[HOST_FDS_MAX];
	size_t fds_len;
};

struct host_surface {
	struct compositor_surface base;
	/* The contents at the last commit; without data before. */
	struct client_image image;
	/* Set if the host keeps pools. */
	struct wl_shm_pool *pool;
};

struct host *host_create(const struct sealpool_options *options);

/** The same in two steps. */
struct host *host_create_unguarded(void);
void host_guard(struct host *host, const struct sealpool_options *options);

/** For cmocka: the test's state is a host without options, or one that ignores short
 * files. Teardown also checks that no fd and no mapping is left. */
int host_setup(void **state);
int host_setup_lenient(void **state);
int host_teardown(void **state);

/** Connects a client that has drawn an unsealed picture as frame 1, but does not show
 * it. */
struct peer *host_create_drawn_peer(struct host *host, int32_t width,
	int32_t height);

struct sealpool_stats host_get_stats(struct host *host,
	const struct peer *peer);

/** Returns the private anonymous memory of this process: RssAnon. */
size_t count_private_bytes(void);

/** Returns the bytes mapped of pools and shadows. See count_pool_mappings(). */
size_t host_count_mapped_bytes(void);

/** Returns the bytes copied in for the client since "*before", and updates that. */
uint64_t host_count_copied(struct host *host, const struct peer *peer,
	uint64_t *before);

/** Returns a client's surface by its number, in the order of creation, from 0 on. */
struct host_surface *host_get_surface(struct host *host,
	const struct peer *peer, int index);

/** Makes an image of what a surface shows now, in libwayland's mapping. */
void host_get_memory(struct host_surface *surface, struct client_image *image);

/** Fails unless the whole image shows pattern "frame". */
void host_expect_image(const struct client_image *image, uint32_t frame);

/** Fails unless a client's first surface shows pattern "frame". */
void host_expect_shown(struct host *host, const struct peer *peer,
	uint32_t frame);

/** Returns the newest taker. */
struct compositor_taker *host_get_taker(struct host *host);

/** Draws rows "top" to "bottom" of pattern "frame" into the buffer of a taker. */
void host_write(struct compositor_taker *taker, int32_t top, int32_t bottom,
	uint32_t frame);

/** Sends the events of a frame that come before "ready". */
void host_describe(struct compositor_taker *taker);

/** Sends the event that reports that a capture is ready. */
void host_tell_ready(struct compositor_taker *taker);

/** The same for the newest capture. Waits until the client has received it, as the taker
 * in this slot (see wait_ready()). */
void host_end_capture(struct host *host, struct peer *peer, uint32_t number);

/** Fails unless the taker's buffer shows pattern "frame". */
void host_expect_taken(struct compositor_taker *taker, uint32_t frame);

/* Orders for clients, in addition to those of actor.h. */

/** Passes .buffer to a new taker in slot .count. */
bool take_frame(struct actor *actor, const struct args *args);
bool take_source(struct actor *actor, const struct args *args);
bool take_icon(struct actor *actor, const struct args *args);
/** Passes .buffer to the taker in slot .count once more. */
bool take_again(struct actor *actor, const struct args *args);
bool destroy_taker(struct actor *actor, const struct args *args);
/** Waits until the taker in slot .count has reported that it is ready. */
bool wait_ready(struct actor *actor, const struct args *args);

/** Fails unless rows .y to .y + .height of the buffer show pattern .frame. */
bool expect_rows(struct actor *actor, const struct args *args);

/** Binds wl_shm again, with .version. */
bool bind_shm(struct actor *actor, const struct args *args);

#endif
