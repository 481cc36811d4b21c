/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_H
#define SEALPOOL_MEMORY_H

/**
 * @file
 *
 * Reads and writes memory that clients share. Nothing in here depends on Wayland: a
 * compositor, or a library for compositors, that has its own wl_shm can use this, and
 * no client's file can make it fault, wait for long, or run out of memory or
 * descriptors. For a complete wl_shm, use <sealpool/shm.h> or <sealpool/wlroots.h>
 * instead.
 *
 * The functions are in libsealpool-memory (pkg-config: sealpool-memory), which
 * needs pixman and a C library. A compositor has one struct sealpool_memory, each
 * client a struct sealpool_account, each wl_shm_pool a struct sealpool_file and each
 * wl_buffer a struct sealpool_view:
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
 * Threads: call all functions on one thread, that of the event loop, except
 * where a comment says "any thread". Only sealpool_memory_dispatch() calls hooks, so
 * no other function of the library calls back.
 *
 * Errors: a function that creates an object returns NULL and sets errno; others return
 * 0 or a negative errno.
 *
 * Signals: the library installs no signal handler and raises no signal.
 *
 * A slow file is one that is not memory, but on a disk, FUSE or a network: reading it
 * may block, so other threads do.
 *
 * Everything is available since 0.2.0. Structs that begin with a "size" member grow at
 * their end in later versions; the caller sets it to sizeof(the struct).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How the compositor reads the bytes of a buffer. */
enum sealpool_memory_kind {
	/** The client's own pages, mapped shared. The file is sealed against
	 * shrinking, reaches past the buffer's last byte, and had memory for
	 * all of the buffer when it was judged. (A buffer in a sealed file is a
	 * shadow until its client has drawn it.) */
	SEALPOOL_MEMORY_DIRECT,
	/** The client's own pages, mapped with MAP_NOFAULT: bytes that the file does
	 * not back read as zero. Only on kernels with that flag; where it is for
	 * private mappings, only while the file has memory for the buffer. */
	SEALPOOL_MEMORY_NOFAULT,
	/** A copy that the compositor owns. It is updated when it is read, and
	 * only where the client has damaged the buffer. */
	SEALPOOL_MEMORY_SHADOW,
};

/** The number of values in enum sealpool_memory_kind. */
#define SEALPOOL_MEMORY_KINDS 3
/** The number of values that there will ever be at most. */
#define SEALPOOL_MEMORY_KINDS_MAX 8

/** A short name for a memory kind: "direct", "nofault", "shadow". Any thread. */
const char *sealpool_memory_kind_name(enum sealpool_memory_kind kind);

/** The purpose of an access: one of these, or both. */
enum sealpool_access_flag {
	/** The bytes are read. */
	SEALPOOL_ACCESS_READ = 1 << 0,
	/** The bytes are written. */
	SEALPOOL_ACCESS_WRITE = 1 << 1,
};

/** The limits, hooks and threads for all clients of a compositor. */
struct sealpool_memory;
/** What one client holds, and may hold. */
struct sealpool_account;
/** A client's file, for one wl_shm_pool. */
struct sealpool_file;
/** The pixels of one buffer in a file. */
struct sealpool_view;

/** Limits, and hooks: functions that the library calls. A limit of zero means the
 * default; a hook may be NULL. */
struct sealpool_memory_options {
	/** sizeof(struct sealpool_memory_options). */
	size_t size;
	/** File descriptors that all clients may hold. While the compositor makes room
	 * (see "pressure"), they may hold up to a sixth more. Default: three quarters
	 * of RLIMIT_NOFILE's soft limit, but not more than 6000. */
	uint32_t all_fds;
	/** The library frees a view's copies after this many milliseconds without an
	 * access. Default: 10000. UINT32_MAX: never. */
	uint32_t shadow_idle_ms;
	/** Bytes of memory in copies for all clients, and up to a quarter more until
	 * copies that are not in use are freed. These are freed before a new one is
	 * refused. At most twice as many bytes are read in place. Default: a quarter
	 * of the machine's memory, or of the limit of the process's control group, but
	 * not more than 2 GiB. */
	uint64_t all_shadow_bytes;

	/** Passed to "pressure". */
	void *data;
	/** All clients together hold more descriptors than "all_fds": the compositor
	 * should disconnect some that hold many (sealpool_account_get_fds()). NULL:
	 * "exceeded" is called for the account that holds most. */
	void (*pressure)(void *data);
	/** The client should be disconnected: it exceeds its own limit for copies, so
	 * that a view read as zero; or one of its slow files has not answered for ten
	 * seconds; or it was chosen because "pressure" is NULL. "reason" is a sentence
	 * without its subject, the client; it is static. Called once for an account,
	 * with the account's data. */
	void (*exceeded)(struct sealpool_account *account, const char *reason,
		void *data);
	/** The file turned out to be a directory, a device or the like: the client
	 * should get wl_shm.invalid_fd. Called with the file's data, and not after
	 * sealpool_file_close(). */
	void (*refused)(struct sealpool_file *file, void *data);
	/** The file ends before the view does: it has "file_size" bytes. An access read
	 * the missing bytes as zero, or did not write them. The client should get
	 * wl_shm.invalid_fd, or may be left alive. Called once for a view, with the
	 * view's data. */
	void (*short_file)(struct sealpool_view *view, uint64_t file_size,
		void *data);
	/** The system lacked a resource for an access. "error" is a negative errno, to
	 * be logged. The bytes read as zero. Called once for a view, with the view's
	 * data. */
	void (*failed)(struct sealpool_view *view, int error, void *data);
	/** A slow file that had not answered when the view was damaged or accessed has
	 * answered. The missing bytes can be read now, so the view should be painted
	 * (again). Called with the view's data. */
	void (*answered)(struct sealpool_view *view, void *data);
};

/** Returns NULL and sets errno when a resource is lacking. "options" may be NULL, and
 * is copied. */
struct sealpool_memory *sealpool_memory_create(
	const struct sealpool_memory_options *options);

/**
 * Completes pending reads and writes, waiting up to 500 ms for slow files. No hook is
 * called any more. Accounts, files and views stay valid until each is destroyed. An
 * object whose file never answers is never freed.
 */
void sealpool_memory_destroy(struct sealpool_memory *memory);

/** Returns an fd that becomes readable when sealpool_memory_dispatch() is to be
 * called. The memory owns it. Any thread. */
int sealpool_memory_get_fd(const struct sealpool_memory *memory);

/** Handles what other threads have reported, frees idle copies, and calls hooks.
 * Hooks may destroy anything but the memory. */
void sealpool_memory_dispatch(struct sealpool_memory *memory);

/** What one client may hold. A limit of zero means the default. */
struct sealpool_account_limits {
	/** sizeof(struct sealpool_account_limits). */
	size_t size;
	/** File descriptors: one for each file, and one more for each copy that is
	 * written to. Default: 2048, but not more than all_fds. */
	uint32_t fds;
	/** Bytes of memory in copies. Up to the same number of bytes is read in place;
	 * views beyond that are copied. Default: 512 MiB, but not more than
	 * all_shadow_bytes. */
	uint64_t shadow_bytes;
};

/** Creates an account for a new client. "limits" may be NULL, and is copied; "data" is
 * passed to "exceeded". Returns NULL and sets errno to ENOMEM when there is no memory. */
struct sealpool_account *sealpool_account_create(struct sealpool_memory *memory,
	const struct sealpool_account_limits *limits, void *data);

/**
 * To be called when the client has disconnected. Its files and views stay valid until
 * they are closed and destroyed; a view shows what it would show after
 * sealpool_view_freeze(). When other clients need their memory or descriptors, these
 * are freed, and the views may read as zero. No view of the account may be created or
 * damaged any more.
 */
void sealpool_account_destroy(struct sealpool_account *account);

/** Returns how many file descriptors are held for the client. Any thread. */
uint32_t sealpool_account_get_fds(const struct sealpool_account *account);
/** Returns how many bytes of memory the client's copies have. Any thread. */
uint64_t sealpool_account_get_shadow_bytes(
	const struct sealpool_account *account);

/**
 * Opens a file that a client has sent, for a pool of "size" bytes. Takes ownership of
 * "fd", also on failure. No call that could block is made on the file, and the file may
 * be shorter than the pool. "data" is passed to "refused".
 *
 * Returns NULL and sets errno:
 *
 * - EBADF, EACCES, EINVAL: the fd is not open for reading, or is no file; the client
 *   should get wl_shm.invalid_fd. EINVAL also for a size of zero or of more than
 *   INT32_MAX bytes.
 * - EDQUOT: the client has reached its limit of descriptors.
 * - EMFILE: all clients together have reached theirs; see
 *   sealpool_memory_options.pressure.
 * - EBUSY: this is a slow file, and there are too many, or this client's slow files do
 *   not answer, or no thread can be started to read it.
 * - any other: the compositor lacks a resource.
 *
 * "reason", unless it is NULL, is set to the end of a sentence that begins with "the
 * file", for the client or the log; it is static.
 */
struct sealpool_file *sealpool_file_open(struct sealpool_account *account,
	int fd, uint64_t size, void *data, const char **reason);

/** Sets the pool's size. Returns 0, or -EINVAL if "size" is smaller than before or more
 * than INT32_MAX. */
int sealpool_file_grow(struct sealpool_file *file, uint64_t size);

/** Closes a file; NULL is allowed. No view of it may be created any more. It is freed
 * with its last view. */
void sealpool_file_close(struct sealpool_file *file);

/** Where a buffer lies in its file: the arguments of wl_shm_pool.create_buffer. */
struct sealpool_layout {
	/** The first plane's first byte. */
	int32_t offset;
	/** In pixels. */
	int32_t width;
	/** In pixels. */
	int32_t height;
	/** The first plane's, in bytes. The planes follow one another without a gap;
	 * their strides have the same ratio to the first one as the lengths of their
	 * rows. */
	int32_t stride;
	/** A DRM fourcc code. */
	uint32_t format;
};

/** Returns whether views can have this format, a DRM fourcc code. Any thread. */
bool sealpool_format_is_known(uint32_t format);

/**
 * Creates a view of a buffer, and decides whether it is read in place. "data" is passed
 * to hooks. Returns NULL and sets errno: ENOTSUP if the format is not known, EINVAL if
 * offset, size or stride are not valid for the format, ERANGE if a plane is not inside
 * the size given to sealpool_file_open() or sealpool_file_grow(), or ENOMEM.
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
 * Declares that the client may have changed the pixels in these boxes since the last
 * call for this view. What is outside the view is ignored. Call it at each commit,
 * before the buffer is read, even without a box: it also decides anew whether the view
 * is read in place.
 *
 * A copy is updated only where it was damaged since it was made. The damage of a
 * wl_surface is relative to its previous buffer, but a client also draws into a buffer
 * what the frames since that buffer have changed. So pass the damage of all commits of
 * the surface since the one that showed this view last; a box of the whole view is always
 * right. Where the boxes are too small, a copy shows pixels of an older frame.
 *
 * A view for which this was never called is copied as a whole at each access, which is
 * right for a buffer that no surface has (an icon, the target of a capture). The first
 * call counts as damage of the whole view; from then on only damage is copied.
 *
 * Returns false if the view's slow file has not answered: a copy shows the previous
 * frame. The compositor may delay the commit until "answered" is called for the view.
 * A slow file is read from this call on, not only when the view is accessed.
 */
bool sealpool_view_damage(struct sealpool_view *view,
	const struct sealpool_box *boxes, size_t boxes_len);

/**
 * Keeps the contents that were read last, since the client may now use the bytes for
 * something else: its wl_buffer was destroyed, for example. A view that is read in
 * place, or was never read, shows what the file has.
 */
void sealpool_view_freeze(struct sealpool_view *view);

/** Returns how the view is read now. It may change with each access and each call of
 * sealpool_view_damage(). Any thread. */
enum sealpool_memory_kind sealpool_view_get_kind(
	const struct sealpool_view *view);

/** Returns an fd that has the pixels at the layout's offset. The view owns the fd.
 * Returns -ENOTSUP unless the view is direct and its account still exists. */
int sealpool_view_get_fd(const struct sealpool_view *view);

/** Gets the offset of a plane in the file, and its stride. In an access, the planes are
 * as far apart as their offsets. Returns false for a plane that the format does not
 * have. Any thread. */
bool sealpool_view_get_plane(const struct sealpool_view *view, uint32_t plane,
	int32_t *offset, int32_t *stride);

/** One access to a view's bytes. The caller provides it, on its stack for example. */
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
 * Begins an access; "flags" are from enum sealpool_access_flag. Any thread, provided
 * that the view is not destroyed before the access ends. Several accesses may overlap,
 * but only one of them should write.
 *
 * Reading or writing the bytes cannot fault, with one exception: a client punches a
 * hole in a sealed file after its view was judged direct, and the system has no memory
 * for the page that reading a hole allocates. The client may still change the bytes at
 * any time. A read access never fails: bytes that cannot be read are zero, or as they
 * were before, and a hook says why. Written bytes reach the client when the access ends,
 * and never make its file longer.
 *
 * Returns 0, always for reading, or a negative errno: -EACCES for a write access to
 * memory that cannot be written (a read-only fd, a seal), -EDQUOT over a limit,
 * -ETIMEDOUT if a slow file has not answered in time, -EBADF if the client has
 * disconnected and its descriptor was needed for others, or another if the compositor
 * lacks a resource for the copy. On error, "data" is NULL, and the access need not be
 * ended. Format and stride are always set.
 */
int sealpool_view_begin(struct sealpool_view *view, uint32_t flags,
	struct sealpool_view_access *access);

/** Ends an access. Does nothing if it failed to begin. Any thread. */
void sealpool_view_end(struct sealpool_view *view,
	struct sealpool_view_access *access);

#ifdef __cplusplus
}
#endif

#endif
