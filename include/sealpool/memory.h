/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_MEMORY_H
#define SEALPOOL_MEMORY_H

/**
 * @file
 *
 * How a compositor sees memory that clients share. Nothing in here is of Wayland.
 */

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

#ifdef __cplusplus
}
#endif

#endif
