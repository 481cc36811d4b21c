/* SPDX-License-Identifier: MIT */
#ifndef HOSTILE_SILENT_FILES_H
#define HOSTILE_SILENT_FILES_H

#include <stdbool.h>
#include <sys/types.h>

/** Requests to which a file's server does not respond. */
enum silent_files_request {
	SILENT_FILES_READ = 1 << 0,
	SILENT_FILES_GETATTR = 1 << 1,
	SILENT_FILES_STATFS = 1 << 2,
	/** Sent by close(). */
	SILENT_FILES_FLUSH = 1 << 3,
	/** Sent by poll(). */
	SILENT_FILES_POLL = 1 << 4,
};

/**
 * A file system with one file that can be opened. Its server does not respond to any
 * other request: a process that asks for the file's size, reads it or closes it waits in
 * the kernel, where no signal interrupts it, until the file system is unmounted.
 */
struct silent_files {
	pid_t pid;
	/* The process that unmounts it. */
	pid_t cleaner;
	/* Reports the requests. */
	int asked;
	char directory[64];
	char file[96];
	/* The reason for a failure. */
	char error[256];
};

/** Returns whether this was built with libfuse 3, without which nothing can be
 * mounted. */
bool silent_files_are_built(void);

/**
 * Starts a process that serves the file system. Processes that wait for the file system
 * are woken when it exits, which it does by itself after 40 seconds.
 *
 * Returns false, with "error" set, if there is no FUSE, or no permission.
 */
bool silent_files_mount(struct silent_files *files);

/**
 * The same with a file of zeroes whose server does not respond to some requests: flags of
 * enum silent_files_request, or 0. The caller's process can always close the file; with
 * SILENT_FILES_FLUSH, others wait.
 */
bool silent_files_mount_about(struct silent_files *files, unsigned requests);

/** The value of each byte of the late file. */
#define SILENT_FILES_LATE_BYTE 0x55

/** The same with a file whose server responds to all requests, but to each read only
 * after this delay. */
bool silent_files_mount_late(struct silent_files *files, unsigned ms);

/** Returns whether there was a request without a response, other than a flush. */
bool silent_files_were_asked(const struct silent_files *files);

/** Ends the server. Returns false if it had ended before. */
bool silent_files_unmount(struct silent_files *files);

#endif
