/* SPDX-License-Identifier: MIT */
/* What it takes to make a wl_shm, and what is left at its end. */
#include <drm_fourcc.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include <sealpool/shm.h>

#include "child.h"
#include "display.h"
#include "memory/reader.h"
#include "server/context.h"
#include "traces.h"

static const char *create_shm_with_short_files(void) {
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888,
	};
	/* To write beyond the limit would be fatal. */
	signal(SIGXFSZ, SIG_DFL);
	for (size_t size = 0; size <= 3 * (size_t)sysconf(_SC_PAGESIZE); size += 512) {
		child_set_limit(RLIMIT_FSIZE, size);
		struct wl_display *display = wl_display_create();
		bool created = display != NULL && sealpool_shm_create(display, 2,
			formats, 2, NULL) != NULL;
		if (!created) {
			return child_wrong("no shm where files have %zu bytes",
				size);
		}
		wl_display_destroy(display);
	}
	return NULL;
}

static void shm_is_created_where_files_must_be_short(void **state) {
	child_run(create_shm_with_short_files);
}

/* As for a file that does not answer. */
static void wait_for_ever(struct sp_job *job) {
	for (;;) {
		pause();
	}
}

/* Ends the display, but not its client, as some compositors do. */
static const char *end_display(bool thread_waits) {
	/* Nothing frees the client or the context, but they are not lost. */
	static struct wl_client *volatile client;
	static struct display display;
	display_init(&display, NULL);
	int fd;
	client = display_connect(&display, &fd);
	struct sp_reader reader;
	sp_reader_init(&reader,
		&sp_context_ref(display.context)->memory.readers);
	struct sp_job job = { .run = wait_for_ever };
	if (client == NULL ||
			(thread_waits && sp_reader_submit(&reader, &job) < 0)) {
		return "no client or no thread";
	}
	wl_display_destroy(display.wl);
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
	if (thread_waits && n != 0) {
		return child_wrong("the connection is open: %zd", n);
	}
	if (!thread_waits && (n >= 0 || errno != EAGAIN)) {
		return child_wrong("the connection has changed: %zd", n);
	}
	return NULL;
}

static const char *end_display_while_thread_waits(void) {
	return end_display(true);
}

static const char *end_display_without_thread(void) {
	return end_display(false);
}

static void connections_end_with_the_display_while_a_thread_waits(void **state) {
	child_run(end_display_while_thread_waits);
	child_run(end_display_without_thread);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shm_is_created_where_files_must_be_short),
		cmocka_unit_test(
			connections_end_with_the_display_while_a_thread_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
