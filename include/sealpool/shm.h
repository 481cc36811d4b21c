/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_SHM_H
#define SEALPOOL_SHM_H

/**
 * @file
 *
 * Sealpool's wl_shm, for any compositor built on libwayland-server.
 *
 * Compositors built on wlroots use <sealpool/wlroots.h> instead, and need
 * only the options and the statistics from here.
 *
 * Units: sizes, offsets and strides are bytes; widths and heights are pixels.
 * Pixel formats are DRM fourcc codes (drm_fourcc.h) throughout.
 *
 * Threads: call every function on the thread that dispatches the
 * wl_display, except where its comment says "any thread".
 *
 * Signals: the library installs no signal handler and raises no signal.
 *
 * Everything here, and in the headers that include this one, is available since 0.2.0,
 * unless a comment names a later version. Structs that begin with a "size" member grow at
 * their end in later versions; the caller sets it to sizeof(the struct), so that a program
 * built against an older header keeps working.
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

/** The wl_shm global and its objects. */
struct sealpool_shm;

/** The memory of one wl_buffer. It may outlive that wl_buffer. */
struct sealpool_buffer;

/** The importance of a message. */
enum sealpool_log_importance {
	/** The compositor or its system is at fault. */
	SEALPOOL_LOG_ERROR,
	/** A client was disconnected, or would have been without "short_file"; the
	 * version and the limits, once. */
	SEALPOOL_LOG_INFO,
	/** For developers of the compositor. */
	SEALPOOL_LOG_DEBUG,
};

/** Receives a message without a newline at its end. */
typedef void (*sealpool_log_func)(void *data,
	enum sealpool_log_importance importance, const char *format,
	va_list args);

/**
 * What clients may hold. Zero means the default. Before anything is refused, copies
 * that are not being read are freed, the least recently used first. A client that
 * then exceeds its own limit is disconnected with a wl_display.implementation error
 * that names the limit; no other client is affected.
 *
 * When all clients together reach a limit, and nothing more can be freed, clients are
 * disconnected until there is room; the client that made the request only if it is
 * the one that the rule chooses. Reading a buffer disconnects nobody for a limit of all
 * clients: bytes without room for a copy read as zero. Clients of one systemd unit, or
 * else of one process and its descendants, are one identity. Each identity has a
 * guaranteed share: 48 file descriptors (16 pools) and 64 MiB, or an equal part of half
 * of the limit if that is less. docs/security.md has the rule that chooses among the
 * identities that hold more than their share.
 */
struct sealpool_budget {
	/** Pools of a client alive at once, including destroyed pools that still
	 * have buffers. Default: 2048; each takes one of the fds below. */
	uint32_t pools;
	/** Buffers of a client alive at once, including those without a wl_buffer
	 * that the compositor still references. Default: 32768. */
	uint32_t buffers;
	/** File descriptors kept open for a client: one for each pool, and
	 * one more for each copy that is written to. Default: 2048, but
	 * not more than all_fds. */
	uint32_t fds;
	/** The same for all clients together, and up to a sixth more while clients
	 * are being disconnected. Default: three quarters of RLIMIT_NOFILE's soft
	 * limit as it is when the global is created, but not more than 6000. */
	uint32_t all_fds;
	/** Bytes of memory in copies for a client. Default: 512 MiB, but not more
	 * than all_shadow_bytes. Up to the same number of bytes of a client is read
	 * in place; buffers beyond that are copied. */
	uint64_t shadow_bytes;
	/** The same for all clients together, and up to a quarter more while unused
	 * copies are being freed, or clients disconnected. Default: a quarter of the
	 * machine's memory, or of the limit of the process's control group,
	 * but not more than 2 GiB. Up to twice as many bytes are read in place. */
	uint64_t all_shadow_bytes;
	/** Zero. For future limits. */
	uint64_t reserved[4];
};

/** Whether buffers may become textures of the GPU without a copy: docs/gpu.md. */
enum sealpool_gpu_import {
	/** Never. */
	SEALPOOL_GPU_IMPORT_OFF,
	/** Those that qualify, if the GPU and its driver can. */
	SEALPOOL_GPU_IMPORT_AUTO,
};

/** Options of a wl_shm. Everything zero, except the size, means the defaults. */
struct sealpool_options {
	/** sizeof(struct sealpool_options). */
	size_t size;
	/** What clients may hold. */
	struct sealpool_budget budget;
	/**
	 * Called on the display's thread when an access has found that a client's file
	 * is shorter than the buffer; "file_size" is in bytes. Missing bytes read as
	 * zero, which is logged. NULL, the default, sends wl_shm.invalid_fd on
	 * the wl_buffer, which disconnects the client. A function that does nothing
	 * leaves the client alive, as wlroots' own wl_shm does.
	 */
	void (*short_file)(struct sealpool_buffer *buffer, uint64_t file_size,
		void *data);
	/** Passed to short_file. */
	void *short_file_data;
	/** Receives log messages. NULL: errors and information go to stderr, or,
	 * with <sealpool/wlroots.h>, everything to wlr_log. */
	sealpool_log_func log;
	/** Passed to log. */
	void *log_data;
	/** A buffer's copies are freed after this many milliseconds without an
	 * access, and made anew at the next access. Copies of a buffer whose
	 * wl_buffer is destroyed stay. The memory of a client's last destroyed
	 * copy is kept for the same time, charged to the client, for its next
	 * copy. Zero: 10000. UINT32_MAX: never. For a guard, see
	 * sealpool_guard_create(). */
	uint32_t shadow_idle_ms;
	/** The library does not follow the requests of wl_surface. The compositor calls
	 * sealpool_buffer_damage() at each commit instead. With wl_shm_only as well, the
	 * library installs no protocol logger. Not for a guard (asserted). */
	bool no_commit_tracker;
	/**
	 * Leaves the files of other interfaces alone. By default, the library examines
	 * each file that a client sends in any request of the display. Keymaps, color
	 * profiles and gamma tables are replaced by copies. A file that is sent as a
	 * dma-buf and is none, and a file whose server may never answer, are refused,
	 * with the interface's own error or wl_display.implementation.
	 */
	bool wl_shm_only;
	/**
	 * For <sealpool/wlroots.h>, and ignored by all else. SEALPOOL_GPU_IMPORT_AUTO: a
	 * sealed buffer that comes again and again is imported into wlroots' GLES2
	 * renderer, by /dev/udmabuf. Everything else is uploaded, as wlroots does. Not
	 * tested on any GPU yet. SEALPOOL_GPU_IMPORT=off or =auto in the environment
	 * takes precedence. A dma-buf that is not used for shadow_idle_ms is given back.
	 * Since 0.3.
	 */
	enum sealpool_gpu_import gpu_import;
};

/**
 * Creates the wl_shm global. "version" is the highest version that clients may bind: 1
 * or 2. It is always 1 in a library built with libwayland before 1.23, which does not
 * know version 2.
 *
 * "formats" are offered to clients; they must include DRM_FORMAT_ARGB8888 and
 * DRM_FORMAT_XRGB8888 (asserted: the protocol requires both). A format listed
 * twice is offered once. A format whose memory layout the library does not know is
 * not offered, which is logged. The array is copied. "options" may be NULL, and is
 * copied.
 *
 * The global is destroyed with the display. Returns NULL, after a log message,
 * when memory or another resource is lacking.
 */
struct sealpool_shm *sealpool_shm_create(struct wl_display *display,
	uint32_t version, const uint32_t *formats, size_t formats_len,
	const struct sealpool_options *options);

/**
 * Adds a listener that is called for each new wl_buffer, before the client can use
 * it; its data is the sealpool_buffer. The compositor can attach an object of its own:
 * it adds a destroy listener to the wl_buffer's resource, and finds the object again
 * through that listener. Remove the new-buffer listener before the display is
 * destroyed, or in a destroy listener of the display.
 */
void sealpool_shm_add_new_buffer_listener(struct sealpool_shm *shm,
	struct wl_listener *listener);

/** The global sealpool_shm_feedback_manager_v1. */
struct sealpool_feedback;

/**
 * Offers sealpool_shm_feedback_manager_v1: clients can ask how their own memory is
 * read, why, and what it costs. A client can guess from the answers when its
 * surfaces are read. Where that matters, filter the global
 * (wl_display_set_global_filter()). It is destroyed with the display, or earlier by
 * sealpool_feedback_destroy(). Another call returns the same one; so does the first if
 * SEALPOOL_FEEDBACK=1 in the environment has enabled it before. Returns NULL when there
 * is no memory.
 */
struct sealpool_feedback *sealpool_feedback_create(struct sealpool_shm *shm);
/** Destroys the global. Feedback objects that clients have stay usable. */
void sealpool_feedback_destroy(struct sealpool_feedback *feedback);
/** Returns the global, for a filter. */
struct wl_global *sealpool_feedback_get_global(
	const struct sealpool_feedback *feedback);

/** A socket for sealpool-top(1). */
struct sealpool_monitor;

/**
 * Listens at a socket in $XDG_RUNTIME_DIR, for sealpool-top(1). Every process of this
 * user that can reach the socket can read what each client holds and has cost. A client
 * in a sandbox cannot reach it, unless the sandbox exposes more of that folder than the
 * compositor's own socket. Destroyed with the display, or earlier by
 * sealpool_monitor_destroy(). Another call returns the same one; so does the first if
 * SEALPOOL_MONITOR=1 in the environment has enabled it before. Returns NULL after a log
 * message, with errno set.
 */
struct sealpool_monitor *sealpool_monitor_create(struct sealpool_shm *shm);
/** Closes the socket and removes it. */
void sealpool_monitor_destroy(struct sealpool_monitor *monitor);

/**
 * For compositors that can delay a commit. A slow file (one that is not memory, but on a
 * disk, FUSE or a network) is read by another thread, since it may answer late or never.
 * So is memory, if there is more to copy than 16 MiB in one turn of the event loop.
 *
 * "hold" is called before the compositor handles a wl_surface.commit with a buffer
 * whose bytes another thread still reads. It returns a number. "release" is called with that
 * number once the buffer can be read as it was committed, unless the wl_surface was
 * destroyed before. Until then, the compositor shows the surface's previous content,
 * and handles no later commit of that surface. "release" is called earlier, and the bytes
 * may read as zero, if the surface is about to be hidden, or to get a role: a compositor
 * checks such requests against the commits that it has handled. (The commit tracker sees
 * that. A compositor with sealpool_options.no_commit_tracker must ensure itself that a
 * commit is still legal when it is released; with wlroots, no commit is delayed then.) Both
 * functions are called on the display's thread.
 */
typedef uint32_t (*sealpool_hold_commit_func)(struct wl_resource *surface,
	void *data);
/** Releases a commit that was delayed: see sealpool_hold_commit_func. */
typedef void (*sealpool_release_commit_func)(struct wl_resource *surface,
	uint32_t number, void *data);

/**
 * Sets both functions. NULL, the default: a commit shows the bytes that are available;
 * the rest can be read once it has arrived, at the latest after the next commit.
 */
void sealpool_shm_set_commit_funcs(struct sealpool_shm *shm,
	sealpool_hold_commit_func hold, sealpool_release_commit_func release,
	void *data);

/**
 * Declares that a commit shows the buffer, and that the client may have changed the
 * pixels in these boxes since the last call for this buffer. Only with
 * sealpool_options.no_commit_tracker (asserted). Call it when the wl_surface.commit is
 * dispatched, before the buffer is read, even without a box: it also decides anew whether
 * the buffer is read in place. What is outside the buffer is ignored. The boxes are
 * copied.
 *
 * The damage of a wl_surface is relative to its previous buffer, but a client also draws
 * into a buffer what the frames since that buffer have changed. So pass the damage of all
 * commits of the surface since the one that showed this buffer last, in pixels of the
 * buffer; a box of the whole buffer is always right. Where the boxes are too small, a
 * copy shows pixels of an older frame until they are declared, and nothing worse.
 *
 * A buffer for which this was never called is copied as a whole at each access, which is
 * right for a buffer that no surface has (an icon, the target of a capture). The first
 * call counts as damage of the whole buffer; from then on only damage is copied. So a
 * buffer that was on a surface, and is passed to something else, needs a call as well.
 *
 * "surface" is the one that is committed, or NULL. Returns false if another thread
 * still reads the bytes: a copy shows the previous frame. Then the hold function of
 * sealpool_shm_set_commit_funcs(), if there is one, was called with the surface.
 */
bool sealpool_buffer_damage(struct sealpool_buffer *buffer,
	struct wl_resource *surface, const struct sealpool_box *boxes,
	size_t boxes_len);

/**
 * Returns the buffer of a wl_buffer, or NULL when the wl_buffer is not Sealpool's.
 * The wl_buffer keeps the reference: take your own with sealpool_buffer_ref() to keep
 * the buffer.
 */
struct sealpool_buffer *sealpool_buffer_try_from_resource(
	struct wl_resource *resource);

/**
 * Takes a reference. A referenced buffer stays readable whatever the client
 * destroys: its wl_buffer, its wl_shm_pool, its connection. Any thread, provided that
 * another reference exists until the call returns.
 */
struct sealpool_buffer *sealpool_buffer_ref(struct sealpool_buffer *buffer);

/**
 * Drops a reference; NULL is allowed. The caller's accesses must have ended. Any
 * thread: the buffer is destroyed on the display's thread. Do not call it while the
 * display is being destroyed; afterwards, call it on one thread at a time.
 */
void sealpool_buffer_unref(struct sealpool_buffer *buffer);

/** Returns the wl_buffer, or NULL once the client has destroyed it. */
struct wl_resource *sealpool_buffer_get_resource(
	struct sealpool_buffer *buffer);

/** In pixels. Any thread; so are the four functions below. The values never change. */
int32_t sealpool_buffer_get_width(const struct sealpool_buffer *buffer);
/** In pixels. */
int32_t sealpool_buffer_get_height(const struct sealpool_buffer *buffer);
/** The first plane's, in bytes. */
int32_t sealpool_buffer_get_stride(const struct sealpool_buffer *buffer);
/** The offset of the first plane's first byte in the pool and in the buffer's fd. */
int32_t sealpool_buffer_get_offset(const struct sealpool_buffer *buffer);
/** A DRM fourcc code. */
uint32_t sealpool_buffer_get_format(const struct sealpool_buffer *buffer);
/**
 * Gets the offset of a plane in the pool and in the buffer's fd, and its stride. In an
 * access, the planes are as far apart as their offsets. Returns false for a plane that
 * the format does not have. Any thread.
 */
bool sealpool_buffer_get_plane(const struct sealpool_buffer *buffer,
	uint32_t plane, int32_t *offset, int32_t *stride);

/**
 * Returns how the buffer is read now. Any thread. A shadow may become direct at a later
 * commit or access, when its client has drawn it, sealed its file, or grown a sealed
 * file. A direct buffer becomes a shadow if it is attached to a surface while its file
 * has many times the memory of its client's buffers. Neither affects an access that
 * has begun.
 */
enum sealpool_memory_kind sealpool_buffer_get_kind(
	const struct sealpool_buffer *buffer);

/** One access to a buffer's bytes. The caller provides it, on its stack for example. */
struct sealpool_access {
	/** The first plane's first byte. Valid until the access ends. */
	void *data;
	/** A DRM fourcc code. */
	uint32_t format;
	/** The first plane's, in bytes. */
	size_t stride;

	/** @cond private */
	struct sealpool_buffer *buffer;
	void *held;
	uint32_t flags;
	/** @endcond */
};

/**
 * Begins an access; "flags" are from enum sealpool_access_flag. Any thread, provided that
 * the caller holds a reference until the access has ended. Several accesses may overlap,
 * to one buffer or to many. They never wait for one another, except for a copy that one
 * of them is making.
 *
 * Reading or writing the bytes cannot fault, with one exception: a client punches a
 * hole in a sealed file after its buffer was judged direct, and the system has no
 * memory for the page that reading a hole allocates. The client may still change the
 * bytes at any time, as with any shared memory: read each byte once where that matters.
 *
 * A read access never fails. Bytes that the client's file does not have read as zero,
 * and the client gets its error from the event loop (see sealpool_options.short_file).
 * Bytes that cannot be read for another reason are zero this time: the disk may have an
 * error; the client's limit may leave no room for a copy, then the client gets its
 * error; the compositor may have no memory, which is logged. No client is disconnected
 * before the access has ended.
 *
 * Written bytes reach the client when the access ends. A write access sees what the
 * client's memory held before it. Only one write access to a buffer should be under way
 * at a time: if the buffer is copied, each access writes back a whole copy of its own,
 * so the one that ends last overwrites what the other has written.
 *
 * Returns 0, always for reading, or a negative errno: -EACCES for a write access to
 * memory that cannot be written (a read-only fd, a seal), -EDQUOT over the client's
 * limit (the client gets its error), -ETIMEDOUT if a slow file has not answered in
 * time, -EBADF if the client has disconnected and its descriptor was needed for others,
 * or -ENOMEM, -EMFILE, -ENFILE, -ENOSPC, -EFBIG (RLIMIT_FSIZE) if the compositor lacks
 * the resource for a copy. On error, "data" is NULL, and the access need not be ended.
 * Format and stride are always set.
 */
int sealpool_buffer_begin_access(struct sealpool_buffer *buffer,
	uint32_t flags, struct sealpool_access *access);

/** Ends an access. Does nothing if it failed to begin. Any thread. */
void sealpool_buffer_end_access(struct sealpool_access *access);

/**
 * Returns the client's own fd for a direct buffer; the buffer's bytes begin at
 * sealpool_buffer_get_offset(). The file is sealed against shrinking and reaches past
 * the buffer's end. The buffer owns the fd: do not close it, and do not use it after
 * the reference was dropped or the client has disconnected. (It stays valid if the
 * buffer becomes a shadow.) Returns -ENOTSUP for a buffer of any other kind, or of a
 * client that has disconnected.
 */
int sealpool_buffer_get_fd(struct sealpool_buffer *buffer);

/**
 * Returns whether commits are tracked for the buffer: a surface has it, or had it, and it
 * was not passed to another object since. Since 0.3.
 */
bool sealpool_buffer_is_tracked(const struct sealpool_buffer *buffer);

/**
 * Sends wl_buffer.release, unless the wl_buffer is destroyed. Call it each
 * time the compositor no longer needs the contents last committed.
 */
void sealpool_buffer_send_release(struct sealpool_buffer *buffer);

/**
 * What one client, or one pool, holds and has cost. The fds and bytes of a pool include
 * all copies of its buffers.
 */
struct sealpool_stats {
	/** sizeof(struct sealpool_stats), set by the caller. */
	size_t size;
	/** Pools alive, including destroyed pools that still have buffers. */
	uint32_t pools;
	/** Buffers alive, by memory kind. */
	uint32_t buffers[SEALPOOL_MEMORY_KINDS_MAX];
	/** File descriptors held open. */
	uint32_t fds;
	/** The sum of the pools' sizes. */
	uint64_t pool_bytes;
	/** Bytes of memory in shadows. */
	uint64_t shadow_bytes;
	/** Bytes copied from the client into shadows, since it connected. */
	uint64_t bytes_copied_in;
	/** Bytes written back to the client by write accesses. Bytes that a slow file
	 * accepts after the access has ended are not counted. */
	uint64_t bytes_copied_out;
	/** Accesses that found bytes missing. */
	uint64_t faults;
};

/** Gets a client's statistics. They are all zero for a client that has no pool. */
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
