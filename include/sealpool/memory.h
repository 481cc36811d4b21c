/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_H
#define SEALPOOL_MEMORY_H

/**
 * @file
 *
 * How a compositor sees memory that clients share. Nothing in here depends on Wayland:
 * a compositor, or a library for compositors, that has its own wl_shm can read its
 * clients' files with this, and no file can make it fault, wait for long, or run out
 * of memory or descriptors. For a complete wl_shm, use <sealpool/shm.h> or
 * <sealpool/wlroots.h> instead.
 *
 * The functions are those of libsealpool-memory (pkg-config: sealpool-memory), which
 * needs pixman and a C library. There is one struct sealpool_memory for a compositor,
 * one struct sealpool_account for a client, one struct sealpool_file for a wl_shm_pool
 * and one struct sealpool_view for a wl_buffer:
 *
 *     wl_shm_pool created     sealpool_file_open()
 *     resized                 sealpool_file_grow()
 *     destroyed               sealpool_file_close()
 *     wl_buffer created       sealpool_view_create()
 *     committed               sealpool_view_damage()
 *     read or captured into   sealpool_view_begin(), sealpool_view_end()
 *     wl_buffer destroyed     sealpool_view_freeze()
 *     no longer shown         sealpool_view_destroy()
 *     client disconnected     sealpool_account_destroy()
 *
 * Units: sizes, offsets and strides are bytes; widths and heights are pixels; times
 * are milliseconds. Pixel formats are DRM fourcc codes (drm_fourcc.h).
 *
 * Threads: all functions are called on one thread, that of the event loop, except
 * where a comment says "any thread". Hooks are called by sealpool_memory_dispatch()
 * only, so never within another function of the library.
 *
 * Errors: a function that makes an object returns NULL and sets errno; others return
 * 0 or a negative errno.
 *
 * Signals: the library installs no signal handler and raises no signal.
 *
 * All of this is there since 0.1.0. Structs that begin with a "size" member grow at
 * their end in later versions; the caller sets it to sizeof(the struct).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How the compositor sees the bytes of a buffer. */
enum sealpool_memory_kind {
	/** The client's own pages, mapped shared. The file is sealed against
	 * shrinking, reaches past the buffer's last byte, and had memory for
	 * all of it when it was judged. (A sealed file's buffer that was never
	 * drawn is a shadow until it is.) */
	SEALPOOL_MEMORY_DIRECT,
	/** The client's own pages, mapped privately with MAP_NOFAULT: what the
	 * file does not back reads as zero. Only on kernels that have it, and
	 * as long as the file has memory for the buffer: else it is a shadow. */
	SEALPOOL_MEMORY_NOFAULT,
	/** A copy that the compositor owns, brought up to date when it is
	 * read, and only where the client has damaged it. */
	SEALPOOL_MEMORY_SHADOW,
};

/** The number of values in enum sealpool_memory_kind. */
#define SEALPOOL_MEMORY_KINDS 3
/** How many there will ever be at most. */
#define SEALPOOL_MEMORY_KINDS_MAX 8

/** A short name for a memory kind: "direct", "nofault", "shadow". Any thread. */
const char *sealpool_memory_kind_name(enum sealpool_memory_kind kind);

/** What an access is for: one of these, or both. */
enum sealpool_access_flag {
	/** The bytes are looked at. */
	SEALPOOL_ACCESS_READ = 1 << 0,
	/** The bytes are changed. */
	SEALPOOL_ACCESS_WRITE = 1 << 1,
};

/** What all clients' memory has in common. */
struct sealpool_memory;
/** What one client holds, and may hold. */
struct sealpool_account;
/** A client's file, as far as a wl_shm_pool has it. */
struct sealpool_file;
/** The pixels of one buffer in a file. */
struct sealpool_view;

/** Limits, and functions that the compositor wants called. A limit of zero is the
 * default; a hook may be NULL. */
struct sealpool_memory_options {
	/** sizeof(struct sealpool_memory_options). */
	size_t size;
	/** File descriptors that all clients may hold. They get up to a sixth more
	 * while the compositor makes room (see "pressure"). Default: three quarters
	 * of RLIMIT_NOFILE's soft limit, but not more than 6000. */
	uint32_t all_fds;
	/** The library frees a view's copies after so many milliseconds without an
	 * access. Default: 10000. UINT32_MAX: never. */
	uint32_t shadow_idle_ms;
	/** Bytes of memory in copies for all clients. Those that are not in use are
	 * given back before any are refused. Twice as many bytes are read in place.
	 * Default: a quarter of the machine's memory, or of what the process's
	 * control group may have, but not more than 2 GiB. */
	uint64_t all_shadow_bytes;

	/** Given to "pressure". */
	void *data;
	/** All clients together hold more descriptors than "all_fds": the compositor
	 * should disconnect some that hold many (sealpool_account_get_fds()). NULL:
	 * "exceeded" is called for the account that holds most. */
	void (*pressure)(void *data);
	/** The client should be disconnected. It is over its own limit for copies, so
	 * that a view read as zero; or one of its files, which is not memory but on
	 * FUSE or a network, say, has not answered for ten seconds. "reason" is a
	 * sentence without a subject, which is the client; it is static. Called once
	 * for an account, with its data. */
	void (*exceeded)(struct sealpool_account *account, const char *reason,
		void *data);
	/** The file turned out to be a directory, a device or the like: the client
	 * should get wl_shm.invalid_fd. Called with the file's data, unless the file
	 * is closed. */
	void (*refused)(struct sealpool_file *file, void *data);
	/** An access met missing bytes, which read as zero or were not written: the
	 * file has "file_size" bytes, and ends before the view does. The client
	 * should get wl_shm.invalid_fd, or may be left alive. Called once for a view,
	 * with the view's data, as the two below. */
	void (*short_file)(struct sealpool_view *view, uint64_t file_size,
		void *data);
	/** The system lacked what an access takes: a negative errno, to be logged.
	 * What was to be read reads as zero. Called once for a view. */
	void (*failed)(struct sealpool_view *view, int error, void *data);
	/** A client's file, one that is not memory, had not answered when the view
	 * was damaged or accessed, and it has by now. What was not there can be read,
	 * so that the view should be painted (again). */
	void (*answered)(struct sealpool_view *view, void *data);
};

/** Returns NULL and sets errno when a resource is lacking. "options" may be NULL, and
 * is copied. */
struct sealpool_memory *sealpool_memory_create(
	const struct sealpool_memory_options *options);

/**
 * Does what remains to be done, and waits up to 50 ms for files that answer late. No
 * hook is called any more. Accounts, files and views stay valid until each is
 * destroyed; those whose file never answers are never freed.
 */
void sealpool_memory_destroy(struct sealpool_memory *memory);

/** An fd that becomes readable when sealpool_memory_dispatch() is to be called. It
 * belongs to the memory. Any thread. */
int sealpool_memory_get_fd(const struct sealpool_memory *memory);

/** Handles what other threads have found, gives back what is idle, and calls hooks.
 * Hooks may destroy anything but the memory. */
void sealpool_memory_dispatch(struct sealpool_memory *memory);

/** What one client may hold. A limit of zero is the default. */
struct sealpool_account_limits {
	/** sizeof(struct sealpool_account_limits). */
	size_t size;
	/** File descriptors: one for each file, and one more for each copy that is
	 * written to. Default: 2048, but not more than all_fds. */
	uint32_t fds;
	/** Bytes of memory in copies. As many bytes of the client may be read in
	 * place; views beyond that are copied. Default: 512 MiB, but not more than
	 * all_shadow_bytes. */
	uint64_t shadow_bytes;
};

/** An account for a new client. "limits" may be NULL, and is copied; "data" is given to
 * "exceeded". Returns NULL and sets errno to ENOMEM when there is no memory. */
struct sealpool_account *sealpool_account_create(struct sealpool_memory *memory,
	const struct sealpool_account_limits *limits, void *data);

/**
 * The client has gone. Files and views that are still there stay valid, and are closed
 * and destroyed as always; views show what they would show after
 * sealpool_view_freeze(). What is kept for them, descriptors among it, is given back
 * where other clients need it: they may read as zero then. No view of it may be created
 * or damaged any more.
 */
void sealpool_account_destroy(struct sealpool_account *account);

/** How many file descriptors are held for the client. Any thread. */
uint32_t sealpool_account_get_fds(const struct sealpool_account *account);
/** How many bytes of memory are in its copies. Any thread. */
uint64_t sealpool_account_get_shadow_bytes(
	const struct sealpool_account *account);

/**
 * Opens a file that a client has sent, for a pool of "size" bytes. Takes "fd" over,
 * also when it fails. Nothing is asked of the file here that it could fail to answer,
 * and it need not be as long as the pool. "data" is given to "refused".
 *
 * Returns NULL and sets errno:
 *
 * - EBADF, EACCES, EINVAL: the fd is not open for reading, or is no file; the client
 *   should get wl_shm.invalid_fd. EINVAL also for a size of zero or of more than
 *   INT32_MAX bytes.
 * - EDQUOT: the client holds as many descriptors as it may.
 * - EMFILE: all clients together do, see sealpool_memory_options.pressure.
 * - EBUSY: the file is not memory, and either there are too many such files or this
 *   client's do not answer.
 * - any other: the compositor lacks what it takes.
 *
 * "reason", unless it is NULL, is set to the end of a sentence that begins with "the
 * file", for the client or the log; it is static.
 */
struct sealpool_file *sealpool_file_open(struct sealpool_account *account,
	int fd, uint64_t size, void *data, const char **reason);

/** The pool has "size" bytes now. Returns 0, or -EINVAL for less than it had, or for
 * more than INT32_MAX. */
int sealpool_file_grow(struct sealpool_file *file, uint64_t size);

/** No more views are made of it; NULL is allowed. It goes with its last view. */
void sealpool_file_close(struct sealpool_file *file);

/** Where a buffer lies in its file, as wl_shm_pool.create_buffer says it. */
struct sealpool_layout {
	/** Of the first plane's first byte. */
	int32_t offset;
	/** In pixels. */
	int32_t width;
	/** In pixels. */
	int32_t height;
	/** Of the first plane. The planes follow one another without a gap, and their
	 * strides are to the first one's as the bytes of their rows are. */
	int32_t stride;
	/** A DRM fourcc code. */
	uint32_t format;
};

/** Whether views can have this format, a DRM fourcc code. Any thread. */
bool sealpool_format_is_known(uint32_t format);

/**
 * Makes a view of a buffer, and decides whether it is read in place. "data" is given
 * to hooks. Returns NULL and sets errno: ENOTSUP if the format is not known, EINVAL if
 * offset, size or stride are not ones that the format can have, ERANGE if a plane is
 * not inside the file as it was opened or grown, or ENOMEM.
 */
struct sealpool_view *sealpool_view_create(struct sealpool_file *file,
	const struct sealpool_layout *layout, void *data);

/** Destroys a view. All its accesses must have ended. */
void sealpool_view_destroy(struct sealpool_view *view);

/** A rectangle of a buffer, in pixels. */
struct sealpool_box {
	/** The left edge. */
	int32_t x;
	/** The upper edge. */
	int32_t y;
	/** To the right. */
	int32_t width;
	/** Downwards. */
	int32_t height;
};

/**
 * The client may have changed the pixels in these boxes since the last call for this
 * view. What is outside of the view is ignored. To be called at each commit, before
 * the buffer is read, also with no box at all: the decision to read in place is
 * reviewed here.
 *
 * A copy is brought up to date only where it is damaged since it was made. The damage
 * of a wl_surface is what has changed since its previous buffer: it concerns all
 * buffers that the surface has shown, and each of their views is to be told.
 *
 * A view for which this was never called is copied as a whole at each access, which is
 * right for a buffer that no surface has (an icon, the target of a capture). From the
 * first call on, which counts as damage of the whole view, only damage is copied.
 *
 * Returns false if the file is one that is not memory, and has not answered: a copy
 * shows the frame before. The compositor may keep the commit until "answered" is called
 * for the view. Such a file is asked here, and not only when the view is read.
 */
bool sealpool_view_damage(struct sealpool_view *view,
	const struct sealpool_box *boxes, size_t boxes_len);

/**
 * The client may use the bytes for something else: its wl_buffer is gone, say. A copy
 * keeps the contents that were read last. A view that is read in place, or was never
 * read, shows what the file has.
 */
void sealpool_view_freeze(struct sealpool_view *view);

/** How the view is seen now. It may change with each access and each call of
 * sealpool_view_damage(). Any thread. */
enum sealpool_memory_kind sealpool_view_get_kind(
	const struct sealpool_view *view);

/** An fd that has the pixels at the layout's offset, for a direct view whose client
 * has not gone. It belongs to the view. Returns -ENOTSUP for any other. */
int sealpool_view_get_fd(const struct sealpool_view *view);

/** Where a plane's first byte is in the file, and its stride. In an access, a plane's
 * bytes are as far from the first plane's as their offsets are apart. Returns false for
 * a plane that the format does not have. Any thread. */
bool sealpool_view_get_plane(const struct sealpool_view *view, uint32_t plane,
	int32_t *offset, int32_t *stride);

/** One access to a view's bytes; on the caller's stack, say. */
struct sealpool_view_access {
	/** The first plane's first byte. Valid until the access ends. */
	void *data;
	/** A DRM fourcc code. */
	uint32_t format;
	/** Of the first plane, in bytes. */
	size_t stride;

	/** @cond private */
	void *held;
	uint32_t flags;
	/** @endcond */
};

/**
 * Begins an access: "flags" are of enum sealpool_access_flag. Any thread, provided that
 * the view is not destroyed meanwhile. Several accesses may be under way at once, but
 * there should be one at a time that writes.
 *
 * Touching the bytes cannot fault. (One way is left: a client that makes holes in a
 * sealed file after its view was judged direct, on a system that has no memory for the
 * page that reading a hole takes.) They may still be changing under the reader. What
 * cannot be had reads as zero, or as it was before, and a hook tells why: a read access
 * never fails. Written bytes reach the client when the access ends, and never make its
 * file longer.
 *
 * Returns 0, which it always does for reading, or a negative errno: -EACCES for a
 * write access to memory that cannot be written (a read-only fd, a seal), -EDQUOT over
 * a limit, -ETIMEDOUT if the file has not answered in time, -EBADF if the client has
 * gone and its descriptor was needed for others, or another where the compositor lacks
 * what it takes to make a copy. "data" is NULL then, and there is nothing to be ended;
 * format and stride are set in any case.
 */
int sealpool_view_begin(struct sealpool_view *view, uint32_t flags,
	struct sealpool_view_access *access);

/** Ends an access; nothing, if it failed to begin. Any thread. */
void sealpool_view_end(struct sealpool_view *view,
	struct sealpool_view_access *access);

#ifdef __cplusplus
}
#endif

#endif
