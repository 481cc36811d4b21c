/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_SHARED_FDS_FILES_H
#define CONFORMANCE_SHARED_FDS_FILES_H

/**
 * Files for requests that say how much of a file is to be read.
 */

#include "case.h"
#include "globals.h"

enum shared_file {
	/* Files that have all of these bytes. */
	FILE_UNSEALED,
	FILE_SEALED,
	FILE_READ_ONLY,
	FILE_ON_DISK,

	/* Files that do not. */
	FILE_SHORT,
	FILE_EMPTY,
	FILE_PIPE,
	FILE_SOCKET,
	FILE_DIRECTORY,
	FILE_SILENT_READ,
	FILE_SILENT_GETATTR,
	FILE_SILENT_FLUSH,

	/* The file has all bytes, but the request has another size. */
	FILE_SIZE_0,
	FILE_SIZE_MAX,
	/* The file changes. */
	FILE_CUT_AFTERWARDS,
	FILE_CUT_MEANWHILE,
};

/** An interface that takes files. */
struct shared_interface {
	/* Creates an object on the case's connection. It exists as long as the
	 * connection. Skips the case if the compositor does not advertise the
	 * interface. */
	void *(*create)(struct test *test);
	/* Sends the size, if the request has one. */
	void (*send)(void *object, int fd, uint32_t size);
	/* The contents of a valid file. */
	const void *bytes;
	uint32_t size;
};

/** Binds a global at the version that it names. Skips the case if the compositor does not
 * advertise that. */
void bind_or_skip(struct test *test, struct client_global *global);

/** Opens a file of a kind, for an interface. */
int open_shared(struct test *test, enum shared_file kind,
	const struct shared_interface *interface);

/** Sends a valid file to an object that it creates and returns. A file on a disk may be
 * refused a few times: each time, the client reconnects. */
void *send_valid(struct test *test, const struct shared_interface *interface);

/** Sends an invalid file. Only its client may be harmed. */
void send_hostile(struct test *test, const struct shared_interface *interface);

#define SHARED_HOSTILE(group, run) \
	{ "shared-fds/" group ":short", CASE_ROBUSTNESS, \
		"The file is empty, or shorter than the request says.", \
		run, FILE_SHORT }, \
	{ "shared-fds/" group ":empty", CASE_ROBUSTNESS, \
		"The file is empty, or shorter than the request says.", \
		run, FILE_EMPTY }, \
	{ "shared-fds/" group ":cut-afterwards", CASE_ROBUSTNESS, \
		"The client truncates the file after the request.", \
		run, FILE_CUT_AFTERWARDS }, \
	{ "shared-fds/" group ":cut-meanwhile", CASE_ROBUSTNESS, \
		"The client truncates the file while it is read.", \
		run, FILE_CUT_MEANWHILE }, \
	{ "shared-fds/" group ":pipe", CASE_ROBUSTNESS, \
		"The descriptor is that of a pipe, socket or directory.", \
		run, FILE_PIPE }, \
	{ "shared-fds/" group ":socket", CASE_ROBUSTNESS, \
		"The descriptor is that of a pipe, socket or directory.", \
		run, FILE_SOCKET }, \
	{ "shared-fds/" group ":directory", CASE_ROBUSTNESS, \
		"The descriptor is that of a pipe, socket or directory.", \
		run, FILE_DIRECTORY }, \
	{ "shared-fds/" group ":silent-read", CASE_ROBUSTNESS, \
		"The client serves the file itself (FUSE), and never answers.", \
		run, FILE_SILENT_READ }, \
	{ "shared-fds/" group ":silent-getattr", CASE_ROBUSTNESS, \
		"The client serves the file itself (FUSE), and never answers.", \
		run, FILE_SILENT_GETATTR }, \
	{ "shared-fds/" group ":silent-flush", CASE_ROBUSTNESS, \
		"The client serves the file itself (FUSE), and never answers.", \
		run, FILE_SILENT_FLUSH }

/* For requests with a size. */
#define SHARED_SIZES(group, run) \
	{ "shared-fds/" group ":size-0", CASE_ROBUSTNESS, \
		"The request has a size of zero, or the largest one.", \
		run, FILE_SIZE_0 }, \
	{ "shared-fds/" group ":size-max", CASE_ROBUSTNESS, \
		"The request has a size of zero, or the largest one.", \
		run, FILE_SIZE_MAX }

#define SHARED_VALID(group, run) \
	{ "shared-fds/" group ":valid-unsealed", CASE_REQUIRED, \
		"The contents of the file arrive, from memory that is not sealed.", \
		run, FILE_UNSEALED }, \
	{ "shared-fds/" group ":valid-sealed", CASE_QUALITY, \
		"The file is sealed against every change.", \
		run, FILE_SEALED }, \
	{ "shared-fds/" group ":valid-read-only", CASE_QUALITY, \
		"The descriptor is read-only.", \
		run, FILE_READ_ONLY }, \
	{ "shared-fds/" group ":valid-on-disk", CASE_QUALITY, \
		"The file is on a disk.", \
		run, FILE_ON_DISK }

#endif
