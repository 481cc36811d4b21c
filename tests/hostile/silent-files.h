/* SPDX-License-Identifier: MIT */
#ifndef HOSTILE_SILENT_FILES_H
#define HOSTILE_SILENT_FILES_H

#include <stdbool.h>
#include <sys/types.h>

/** What a file can be silent about. */
enum silent_files_request {
	SILENT_FILES_READ = 1 << 0,
	SILENT_FILES_GETATTR = 1 << 1,
	SILENT_FILES_STATFS = 1 << 2,
	/** Closing it: that asks the server to flush. */
	SILENT_FILES_FLUSH = 1 << 3,
	/** Whether it can be read by now. */
	SILENT_FILES_POLL = 1 << 4,
};

/**
 * A file system with one file that can be opened, and that answers no other request: a
 * process that asks for its size, reads it or closes it waits in the kernel, where no
 * signal interrupts it, until the file system is unmounted.
 */
struct silent_files {
	pid_t pid;
	/* Takes down the mount. */
	pid_t cleaner;
	/* Tells what was asked. */
	int asked;
	char directory[64];
	char file[96];
	/* Why there is none. */
	char error[256];
};

/** Whether this was built with libfuse 3: without, nothing can be mounted. */
bool silent_files_are_built(void);

/**
 * Starts a process that serves the file system. Whatever hangs in it is freed
 * when that process ends, which it does on its own after 40 seconds.
 *
 * Returns false, with "error" set, where there is no FUSE, or not for us.
 */
bool silent_files_mount(struct silent_files *files);

/**
 * The same with a file of zeroes that is silent about some requests only: flags
 * of enum silent_files_request, or 0. The caller's process can close it at any
 * time; others wait if SILENT_FILES_FLUSH says so.
 */
bool silent_files_mount_about(struct silent_files *files, unsigned requests);

/** A byte of the file that answers late. */
#define SILENT_FILES_LATE_BYTE 0x55

/** The same with a file that answers all requests, but each read only after so many
 * milliseconds. */
bool silent_files_mount_late(struct silent_files *files, unsigned ms);

/** Whether anyone has asked for what he will not get, but for closing. */
bool silent_files_were_asked(const struct silent_files *files);

/** Ends it. Returns false when it had ended before. */
bool silent_files_unmount(struct silent_files *files);

#endif
