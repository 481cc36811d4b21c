/* SPDX-License-Identifier: MIT */
/* Pools that cannot be created. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

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

/* Refuses a file with an error of sp_file_init(). */
static void expect_told(int error, const char *words) {
	struct display display;
	display_init(&display, NULL);
	int fd;
	struct wl_client *client = display_connect(&display, &fd);
	struct wl_resource *shm =
		wl_resource_create(client, &wl_shm_interface, 1, 0);
	assert_non_null(shm);
	sp_pool_refuse_file(display.context, shm, error, "has no size");
	wl_display_flush_clients(display.wl);
	char event[256];
	ssize_t n = recv(fd, event, sizeof(event) - 1, MSG_DONTWAIT);
	/* The text of wl_display.error comes after five words. */
	assert_true(n > 20);
	event[n] = '\0';
	assert_string_equal(event + 20, words);
	assert_non_null(strstr(display.message, "the pool's file has no size"));
	bool reason = strstr(display.message, strerror(-error)) != NULL;
	assert_int_equal(reason, error != -EINVAL);
	display_finish(&display);
	close(fd);
}

/* Errors of the kernel are not the fault of the file. */
static void file_that_cannot_be_looked_at_is_an_error_of_ours(void **state) {
	expect_told(-ENOMEM, "no memory");
	expect_told(-EIO, "no memory");
	expect_told(-EINVAL, "the pool's file has no size");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			pool_that_no_thread_can_read_is_an_error_of_ours),
		cmocka_unit_test(
			file_that_cannot_be_looked_at_is_an_error_of_ours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
