/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SHM_H
#define SEALPOOL_SHM_H

/**
 * @file
 *
 * Sealpool's wl_shm, for any compositor built on libwayland-server.
 *
 * Compositors built on wlroots want <sealpool/wlroots.h> instead, and need
 * from here only the options and the statistics.
 *
 * Units: sizes, offsets and strides are bytes; widths and heights are pixels.
 * Pixel formats are DRM fourcc codes (drm_fourcc.h) throughout.
 *
 * Threads: every function is called on the thread that dispatches the
 * wl_display, except where its comment says "any thread".
 *
 * Signals: the library installs no signal handler and raises no signal.
 *
 * Structs that begin with a "size" member grow at their end in later versions;
 * the caller sets it to sizeof(the struct), so that a program built against an
 * older header keeps working.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealpool/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wl_client;
struct wl_display;
struct wl_global;
struct wl_listener;
struct wl_resource;

/** The wl_shm global and all that hangs on it. */
struct sealpool_shm;

/** The memory behind one wl_buffer. It may outlive that wl_buffer. */
struct sealpool_buffer;

/** What a message is about. */
enum sealpool_log_importance {
	/** The compositor or its system is at fault. */
	SEALPOOL_LOG_ERROR,
	/** A client was disconnected, or would have been but for lenience. */
	SEALPOOL_LOG_INFO,
	/** Of interest to who works on the compositor. */
	SEALPOOL_LOG_DEBUG,
};

/** Receives a message without a newline at its end. */
typedef void (*sealpool_log_func)(void *data,
	enum sealpool_log_importance importance, const char *format,
	va_list args);

/**
 * What clients may hold. Zero means the default. Copies that are not being read are
 * given back before anybody is refused, the least recently used first. A client that
 * then asks for more than its share is disconnected with a
 * wl_display.implementation error that names the budget; no other client notices.
 *
 * When all clients together hold too much that cannot be given back, clients are
 * ended until there is room; the one that asks, only if it is itself the one that has
 * to go. Bytes that are being read do not count for that: what is lacking reads as
 * zero. Clients of one systemd unit, or else of one process and its descendants, count
 * as one. Each such identity has a share that nobody can take from it: 48 file
 * descriptors (16 pools) and 64 MiB, or an equal part of half of what all may hold if
 * that is less. Of those above it, the crowd is thinned out that makes it tight:
 * docs/security.md has the rule, and whom it ends.
 */
struct sealpool_budget {
	/** Pools of a client alive at once, buffers of destroyed pools
	 * included. Default: 2048; each takes one of the fds below. */
	uint32_t pools;
	/** Buffers of a client alive at once, with a wl_buffer or held by the
	 * compositor. Default: 32768. */
	uint32_t buffers;
	/** File descriptors kept open on behalf of a client: one a pool, and
	 * one more for each copy that is written to. Default: 2048, but
	 * not more than all_fds. */
	uint32_t fds;
	/** The same for all clients together. Default: three quarters of
	 * RLIMIT_NOFILE's soft limit as it is when the global is created, but
	 * not more than 6000. */
	uint32_t all_fds;
	/** Bytes of memory that the compositor provides for a client, in
	 * copies. Default: 512 MiB, but not more than
	 * all_shadow_bytes. As many bytes of a client are read in place;
	 * buffers beyond that are copied. */
	uint64_t shadow_bytes;
	/** The same for all clients together. Default: a quarter of the
	 * machine's memory, or of what the process's control group may have,
	 * but not more than 2 GiB. Twice as many bytes are read in place. */
	uint64_t all_shadow_bytes;
	/** Zero: for budgets to come. */
	uint64_t reserved[4];
};

/** What a compositor may choose. All zero, but for the size, is the default. */
struct sealpool_options {
	/** sizeof(struct sealpool_options). */
	size_t size;
	/** What clients may hold. */
	struct sealpool_budget budget;
	/**
	 * Called on the display's thread when a read has found that a client's file
	 * is shorter than the buffer; "file_size" is in bytes. Missing bytes read as
	 * zero, and that is logged. NULL, the default, sends wl_shm.invalid_fd on
	 * the wl_buffer, which ends the client; a function that does nothing leaves
	 * it alive, as wlroots' own wl_shm does.
	 */
	void (*short_file)(struct sealpool_buffer *buffer, uint64_t file_size,
		void *data);
	/** Given to it. */
	void *short_file_data;
	/** Where messages go. NULL: errors and information to stderr (core), or
	 * all to wlr_log (the wlroots face). */
	sealpool_log_func log;
	/** Given to it. */
	void *log_data;
	/** A buffer's copies are given back when nobody has accessed it for so
	 * many milliseconds, and made anew at the next access. Those of a buffer
	 * whose wl_buffer is gone stay. The memory of the last copy that a
	 * client's buffers leave behind is kept for as long, charged to the client,
	 * for its next one. Zero: 10000. UINT32_MAX: never. For a guard's, see
	 * sealpool_guard_create(). */
	uint32_t shadow_idle_ms;
};

/**
 * Creates the wl_shm global. "version" is the highest that clients may bind: 1 or 2;
 * where built with libwayland before 1.23, which has no later one, it is 1 in any
 * case.
 *
 * "formats" are offered to clients; they must include DRM_FORMAT_ARGB8888 and
 * DRM_FORMAT_XRGB8888 (asserted: the protocol requires both). A format listed
 * twice is offered once; one whose memory layout the library does not know is
 * not offered, and logged. The array is copied. "options" may be NULL; it is
 * copied as well.
 *
 * The global is destroyed with the display. Returns NULL, after a log message,
 * when memory or another resource is lacking.
 */
struct sealpool_shm *sealpool_shm_create(struct wl_display *display,
	uint32_t version, const uint32_t *formats, size_t formats_len,
	const struct sealpool_options *options);

/**
 * Adds a listener that is called for each new wl_buffer, before the client can use
 * it; the data is the sealpool_buffer. The compositor may attach an object of its own
 * then, by a destroy listener of the wl_buffer's resource, from which the object is found
 * again. Remove the listener before the display is destroyed, or from its destroy
 * listener.
 */
void sealpool_shm_add_new_buffer_listener(struct sealpool_shm *shm,
	struct wl_listener *listener);

/** sealpool_shm_feedback_manager_v1. */
struct sealpool_feedback;

/**
 * Offers sealpool_shm_feedback_manager_v1: clients can ask how their own memory is
 * seen, why, and what it costs. A client that does may guess from that when its
 * surfaces are read, so offer it not to all where that matters
 * (wl_display_set_global_filter()). One for a wl_shm or a guard is enough. Goes with the
 * display, or before by sealpool_feedback_destroy(). Returns NULL when there is no
 * memory.
 */
struct sealpool_feedback *sealpool_feedback_create(struct sealpool_shm *shm);
/** Takes the offer back. Objects that clients have go on. */
void sealpool_feedback_destroy(struct sealpool_feedback *feedback);
/** For a filter. */
struct wl_global *sealpool_feedback_get_global(
	const struct sealpool_feedback *feedback);

/** A socket for sealpool-top(1). */
struct sealpool_monitor;

/**
 * Listens at a socket in $XDG_RUNTIME_DIR, for sealpool-top(1). The socket tells every
 * process of this user that can reach it what each client holds and has cost. A client in a
 * sandbox cannot reach it, unless the sandbox exposes more of that folder than the
 * compositor's own socket. Goes with the display, or before by sealpool_monitor_destroy(). Returns
 * NULL after a log message, with errno set.
 */
struct sealpool_monitor *sealpool_monitor_create(struct sealpool_shm *shm);
/** Closes the socket and removes it. */
void sealpool_monitor_destroy(struct sealpool_monitor *monitor);

/**
 * For compositors that can keep a commit until later. A file that is not memory is
 * read by another thread, since it may answer late or never.
 *
 * "hold" is called, before the compositor handles a wl_surface.commit, if that commit
 * shows a buffer whose file has not answered yet. It returns a number, with which
 * "release" is called once the buffer can be read as it was committed, unless the
 * wl_surface has gone before. Until then the compositor shows what it showed, and
 * handles no later commit of that surface. Both on the display's thread, "release" by
 * its event loop.
 */
typedef uint32_t (*sealpool_hold_commit_func)(struct wl_resource *surface,
	void *data);
/** Shows what was held back: see sealpool_hold_commit_func. */
typedef void (*sealpool_release_commit_func)(struct wl_resource *surface,
	uint32_t number, void *data);

/**
 * Sets both functions; NULL for none, as at first: then a commit shows what there is,
 * and the rest can be read when it is there, at the latest after the next commit.
 */
void sealpool_shm_set_commit_funcs(struct sealpool_shm *shm,
	sealpool_hold_commit_func hold, sealpool_release_commit_func release,
	void *data);

/**
 * Returns the buffer behind a wl_buffer, or NULL when the wl_buffer was made by
 * something else than Sealpool. The reference stays the wl_buffer's: take one
 * of your own with sealpool_buffer_ref() to keep it.
 */
struct sealpool_buffer *sealpool_buffer_try_from_resource(
	struct wl_resource *resource);

/**
 * Takes a reference. A referenced buffer stays readable whatever the client
 * destroys: its wl_buffer, its wl_shm_pool, its connection. Any thread that has a
 * reference already, or is sure that somebody keeps one.
 */
struct sealpool_buffer *sealpool_buffer_ref(struct sealpool_buffer *buffer);

/**
 * Gives a reference back; NULL is allowed. No access may be under way by its holder. Any
 * thread: the buffer is destroyed on the display's. Not while the display is being
 * destroyed; after that, by one thread at a time.
 */
void sealpool_buffer_unref(struct sealpool_buffer *buffer);

/** The wl_buffer, or NULL once the client has destroyed it. */
struct wl_resource *sealpool_buffer_get_resource(
	struct sealpool_buffer *buffer);

/** In pixels. Any thread, as the four below: these never change. */
int32_t sealpool_buffer_get_width(const struct sealpool_buffer *buffer);
/** In pixels. */
int32_t sealpool_buffer_get_height(const struct sealpool_buffer *buffer);
/** Of the first plane, in bytes. */
int32_t sealpool_buffer_get_stride(const struct sealpool_buffer *buffer);
/** Of the first plane's first byte in the pool and in the buffer's fd. */
int32_t sealpool_buffer_get_offset(const struct sealpool_buffer *buffer);
/** A DRM fourcc code. */
uint32_t sealpool_buffer_get_format(const struct sealpool_buffer *buffer);
/**
 * Where a plane's first byte is in the pool and in the buffer's fd, and its bytes from
 * one row to the next. In an access, a plane's bytes are as far from the first plane's
 * as their offsets are apart. Returns false for a plane that the format does not
 * have. Any thread.
 */
bool sealpool_buffer_get_plane(const struct sealpool_buffer *buffer,
	uint32_t plane, int32_t *offset, int32_t *stride);

/**
 * How the buffer is seen now. Any thread. A shadow may become direct at a later
 * commit or access: when its client has drawn it, sealed its file, or let a
 * sealed one grow. A direct one may become a shadow when it is attached to a
 * surface: while its file has many times the memory of its client's buffers. An
 * access that has begun is not concerned.
 */
enum sealpool_memory_kind sealpool_buffer_get_kind(
	const struct sealpool_buffer *buffer);

/** One access to a buffer's bytes; on the caller's stack, say. */
struct sealpool_access {
	/** The first plane's first byte, at a row length of "stride". Valid
	 * until the access ends, and not after. */
	void *data;
	/** A DRM fourcc code. */
	uint32_t format;
	/** Of the first plane, in bytes. */
	size_t stride;

	/** @cond private */
	struct sealpool_buffer *buffer;
	void *held;
	uint32_t flags;
	/** @endcond */
};

/**
 * Begins an access. Any thread, provided that the caller holds a reference
 * until the access has ended; several accesses may be under way at once, to
 * one buffer or to many, and never wait for one another except for a copy that
 * one of them is making.
 *
 * Touching the bytes cannot fault. (One way is left: a client that makes holes
 * in a sealed file after its buffer was judged direct, on a system that has no
 * memory for the page that reading a hole takes.) They may still be changing
 * under the reader, as with any shared memory: read each byte once where that
 * matters. Bytes that the client's file does not have read as zero, and the
 * client gets its error from the event loop (see sealpool_options.short_file).
 * Bytes that cannot be had for another reason read as zero this time. The disk may
 * have an error. The client's budget may have no room for a copy: the client gets
 * its error. The compositor may have no memory: that is logged. So a read access
 * never fails. No client is disconnected before the access has ended.
 *
 * Written bytes reach the client when the access ends; a write access sees
 * what the client's memory held before it. There should be one write access at a
 * time to a buffer: where it is copied, each has a copy, and hands back all of it,
 * so that of two, the one that ends later undoes what the other has written.
 *
 * Returns 0, which it always does for reading, or a negative errno: -EACCES for a
 * write access to memory that cannot be written (a read-only fd, a seal), -EDQUOT
 * over the client's budget (the client gets its error), -ETIMEDOUT if the client's file
 * is not memory and has not answered in time, -EBADF if the client has gone and its
 * descriptor was needed for others, or -ENOMEM, -EMFILE,
 * -ENFILE, -ENOSPC, -EFBIG (RLIMIT_FSIZE) where the compositor lacks what it takes
 * to make a copy.
 */
int sealpool_buffer_begin_access(struct sealpool_buffer *buffer,
	uint32_t flags, struct sealpool_access *access);

/** Ends an access, on the thread that began it or any other. */
void sealpool_buffer_end_access(struct sealpool_access *access);

/**
 * Returns an fd that holds the buffer's bytes at sealpool_buffer_get_offset(), for
 * a direct buffer: the client's own, which is sealed against shrinking up to the
 * buffer's end. It remains the buffer's: do not close it, nor use it for longer than
 * a reference is held and the client is connected, be the buffer direct until then or
 * not. Returns -ENOTSUP for a buffer of any other kind, or of a client that has gone.
 */
int sealpool_buffer_get_fd(struct sealpool_buffer *buffer);

/**
 * Sends wl_buffer.release, if the wl_buffer is still there. To be called each
 * time the compositor has done with the contents last committed.
 */
void sealpool_buffer_send_release(struct sealpool_buffer *buffer);

/**
 * What one client, or one pool, holds and has cost. A pool's fds and bytes are
 * its own, with all copies of its buffers.
 */
struct sealpool_stats {
	/** sizeof(struct sealpool_stats), set by the caller. */
	size_t size;
	/** Pools alive, those with only buffers left included. */
	uint32_t pools;
	/** Buffers alive, by memory kind. */
	uint32_t buffers[SEALPOOL_MEMORY_KINDS_MAX];
	/** File descriptors held open. */
	uint32_t fds;
	/** The sizes of the pools, added up. */
	uint64_t pool_bytes;
	/** Bytes of memory in shadows. */
	uint64_t shadow_bytes;
	/** Bytes copied from the client into shadows, since it connected. */
	uint64_t bytes_copied_in;
	/** Bytes handed back to the client by write accesses. */
	uint64_t bytes_copied_out;
	/** Accesses that met missing bytes. */
	uint64_t faults;
};

/** All zero for a client that has no pool. */
void sealpool_shm_get_client_stats(struct sealpool_shm *shm,
	struct wl_client *client, struct sealpool_stats *stats);

/** Receives a pool's statistics, valid during the call. */
typedef void (*sealpool_pool_stats_func)(const struct sealpool_stats *stats,
	void *data);

/**
 * Calls "func" for each pool of the client, oldest first, with stats whose
 * "pools" is 1. The function must not destroy protocol objects.
 */
void sealpool_shm_for_each_pool(struct sealpool_shm *shm,
	struct wl_client *client, sealpool_pool_stats_func func, void *data);

#ifdef __cplusplus
}
#endif

#endif
