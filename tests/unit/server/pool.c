/* SPDX-License-Identifier: MIT */
/* Pools that cannot be created. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "child.h"
#include "display.h"
#include "memory/file.h"
#include "server/pool.h"
#include "traces.h"

#define BYTES 4096

static const char *create_slow_pool_without_threads(void) {
	struct display display;
	display_init(&display, NULL);
	int socket_fd;
	struct wl_client *client = display_connect(&display, &socket_fd);
	char path[] = "/var/tmp/sealpool-test-XXXXXX";
	int fd = mkstemp(path);
	unlink(path);
	struct sp_file file;
	const char *reason;
	if (ftruncate(fd, BYTES) < 0 || sp_file_init(&file, fd, &reason) < 0) {
		return "no file";
	}
	if (file.kind != SP_FILE_SLOW) {
		/* There is no disk. */
		return NULL;
	}
	/* The limit does not apply to root. */
	if (setuid(65534) < 0 && geteuid() == 0) {
		return child_wrong("setuid: %d", errno);
	}
	child_set_limit(RLIMIT_NPROC, 0);
	if (sp_pool_new(display.context, client, &file, BYTES) != NULL) {
		return "there is a pool";
	}
	display_finish(&display);
	return strstr(display.message, "no memory") != NULL ? NULL :
		child_wrong("%s", display.message);
}

/* The client gets no error of its own. */
static void pool_that_no_thread_can_read_is_an_error_of_ours(void **state) {
	child_run(create_slow_pool_without_threads);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			pool_that_no_thread_can_read_is_an_error_of_ours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
