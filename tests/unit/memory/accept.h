/* SPDX-License-Identifier: MIT */
#ifndef UNIT_ACCEPT_H
#define UNIT_ACCEPT_H

#include "memory/file.h"
#include "traces.h"

/** Fails unless the fd is accepted. The file then owns it. */
static inline struct sp_file accept_file(int fd) {
	struct sp_file file;
	const char *reason = "(none)";
	int ret = sp_file_init(&file, fd, &reason);
	if (ret != 0) {
		fail_msg("refused with %d: the file %s", ret, reason);
	}
	assert_int_equal(file.fd, fd);
	return file;
}

#endif
