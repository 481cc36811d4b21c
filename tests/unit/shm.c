/* SPDX-License-Identifier: MIT */
/* Creating a wl_shm, also when resources are missing; what is logged, and what remains
 * after its end. */
#include <drm_fourcc.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
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

static const uint32_t formats[] = { DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888 };

struct line {
	unsigned count;
	enum sealpool_log_importance importance;
	char text[512];
};

static void note_line(void *data, enum sealpool_log_importance importance,
		const char *format, va_list args) {
	struct line *line = data;
	line->count++;
	line->importance = importance;
	vsnprintf(line->text, sizeof(line->text), format, args);
}

static const char *create_shm_with_short_files(void) {
	/* stderr may be a file that is longer than the limit. */
	struct line line;
	const struct sealpool_options options = {
		.size = sizeof(options),
		.log = note_line,
		.log_data = &line,
	};
	/* A write beyond the limit would kill the process. */
	signal(SIGXFSZ, SIG_DFL);
	for (size_t size = 0; size <= 3 * (size_t)sysconf(_SC_PAGESIZE); size += 512) {
		child_set_limit(RLIMIT_FSIZE, size);
		struct wl_display *display = wl_display_create();
		bool created = display != NULL && sealpool_shm_create(display, 2,
			formats, 2, &options) != NULL;
		if (!created) {
			return child_wrong("no shm with a limit of %zu bytes "
					"for files",
				size);
		}
		wl_display_destroy(display);
	}
	return NULL;
}

static void shm_is_created_where_files_must_be_short(void **state) {
	child_run(create_shm_with_short_files);
}

/* Returns NULL if it cannot be created. */
static struct wl_display *create_logged(const struct sealpool_budget *budget,
		struct line *line) {
	*line = (struct line){ 0 };
	struct sealpool_options options = {
		.size = sizeof(options),
		.budget = *budget,
		.log = note_line,
		.log_data = line,
	};
	struct wl_display *display = wl_display_create();
	assert_non_null(display);
	if (sealpool_shm_create(display, 2, formats, 2, &options) == NULL) {
		wl_display_destroy(display);
		return NULL;
	}
	return display;
}

/* The default limits depend on it. */
#define FEW_FDS 1024

static const char *log_limits(void) {
	struct line line;
	child_set_limit(RLIMIT_NOFILE, FEW_FDS);
	const struct sealpool_budget mib = { .shadow_bytes = 3 << 20, .all_shadow_bytes = 5 << 20 };
	struct wl_display *display = create_logged(&mib, &line);
	wl_display_destroy(display);
	if (line.count != 1 || line.importance != SEALPOOL_LOG_INFO ||
			strstr(line.text, "protects wl_shm") == NULL ||
			strstr(line.text, " 2048 pools, 768 file descriptors and 3.0 MiB") == NULL ||
			strstr(line.text, "all clients 768 and 5.0 MiB") == NULL) {
		return child_wrong("%u lines, \"%s\"", line.count, line.text);
	}
	if (strstr(line.text, "higher soft limit RLIMIT_NOFILE") == NULL) {
		return child_wrong("not that the limit is low: \"%s\"", line.text);
	}
	/* A limit that the compositor has set is not too low. */
	const struct sealpool_budget set = { .all_fds = 100 };
	display = create_logged(&set, &line);
	wl_display_destroy(display);
	return strstr(line.text, "RLIMIT_NOFILE") == NULL ? NULL :
		child_wrong("it is too low: \"%s\"", line.text);
}

static void log_says_what_clients_may_hold(void **state) {
	child_run(log_limits);
}

/* Fewer than the largest pool needs. */
static const char *create_shm_with_few_addresses(void) {
	struct line line;
	child_limit_addresses((rlim_t)1 << 30);
	const struct sealpool_budget any = { 0 };
	if (create_logged(&any, &line) != NULL) {
		return "there is a shm";
	}
	return strstr(line.text, "cannot start") != NULL ? NULL :
		child_wrong("\"%s\"", line.text);
}

/* The zeroes that a read may need are reserved at creation, which fails without them. */
static void shm_without_room_for_zeroes_is_not_created(void **state) {
	child_run(create_shm_with_few_addresses);
}

/* Like a read from a server that does not respond. */
static void wait_for_ever(struct sp_job *job) {
	for (;;) {
		pause();
	}
}

/* Destroys the display, but not its client, as some compositors do. */
static const char *end_display(bool thread_waits) {
	/* Nothing frees the client or the context. A static pointer keeps them from
	 * counting as lost. */
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
		cmocka_unit_test(log_says_what_clients_may_hold),
		cmocka_unit_test(shm_without_room_for_zeroes_is_not_created),
		cmocka_unit_test(
			connections_end_with_the_display_while_a_thread_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
