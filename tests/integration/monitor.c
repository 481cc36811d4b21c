/* SPDX-License-Identifier: MIT */
/*
 * The socket that sealpool-top reads: which users may connect, what is sent, and that no
 * reader delays the compositor.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-client.h>

#include "directory.h"
#include "peer.h"
#include "server.h"

#define WIDTH 64
#define HEIGHT 64
#define BYTES (WIDTH * HEIGHT * 4)

static char dir[64];

/* The library's sockets take no more at once than the lines of a few clients. */
ssize_t send(int fd, const void *bytes, size_t length, int flags) {
	if ((flags & MSG_DONTWAIT) != 0) {
		int size = 1;
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
	return sendto(fd, bytes, length, flags, NULL, 0);
}

static void get_path(char path[108], const char *suffix) {
	snprintf(path, 108, "%s/sealpool-%d%s", dir, (int)getpid(), suffix);
}

static struct server *create_with_monitor(void) {
	struct server *server = server_create(NULL);
	if (server != NULL) {
		/* In one test, creating it fails. */
		sealpool_monitor_create(server->shm);
	}
	return server;
}

static int setup(void **state) {
	assert_true(client_directory_create(dir, sizeof(dir),
		"sealpool-monitor"));
	setenv("XDG_RUNTIME_DIR", dir, true);
	*state = create_with_monitor();
	return *state != NULL ? 0 : -1;
}

static int teardown(void **state) {
	int ret = server_teardown(state);
	/* Fails if the folder is not empty. */
	if (rmdir(dir) < 0) {
		print_error("%s: %s\n", dir, strerror(errno));
		return -1;
	}
	return ret;
}

static int connect_to(const char *path) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		fail_msg("%s: %s", path, strerror(errno));
	}
	return fd;
}

/* Reads until the other end is closed. */
static char *read_all(struct server *server, int fd) {
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);
	assert_non_null(file);
	int64_t deadline = server_now_ms() + SERVER_PATIENCE_MS;
	for (;;) {
		char bytes[4096];
		ssize_t n = read(fd, bytes, sizeof(bytes));
		if (n == 0) {
			break;
		}
		if (n > 0) {
			fwrite(bytes, 1, (size_t)n, file);
			continue;
		}
		assert_int_equal(errno, EAGAIN);
		server_dispatch(server, fd, deadline);
		assert_true(server_now_ms() < deadline);
	}
	close(fd);
	fclose(file);
	return text;
}

static char *ask(struct server *server) {
	char path[108];
	get_path(path, "");
	return read_all(server, connect_to(path));
}

static void expect_in(const char *text, const char *wanted) {
	if (text == NULL || strstr(text, wanted) == NULL) {
		fail_msg("\"%s\" is not in: %s", wanted,
			text != NULL ? text : "nothing");
	}
}

static void what_each_client_holds_is_told(void **state) {
	struct server *server = *state;
	char *text = ask(server);
	assert_string_equal(text, "sealpool-monitor 1\nend\n");
	free(text);

	struct peer *sealed = peer_create(server);
	tell(sealed, make_picture, .kind = CLIENT_MEMORY_SEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(sealed, draw_and_show, .frame = 1);
	struct peer *unsealed = peer_create(server);
	tell(unsealed, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(unsealed, draw_and_show, .frame = 1);
	read_buffer(server_get_shown(server, unsealed));

	text = ask(server);
	char line[512];
	pid_t pid;
	wl_client_get_credentials(sealed->client, &pid, NULL, NULL);
	snprintf(line, sizeof(line), "client id=1 pid=%d pools=1 fds=1 "
		"direct=1 nofault=0 shadow=0 pool_bytes=%d shadow_bytes=0 "
		"copied_in=0 copied_out=0 faults=0 copies=0 reasons=none\n",
		(int)pid, BYTES);
	expect_in(text, line);
	snprintf(line, sizeof(line), "client id=2 pid=%d pools=1 fds=1 "
		"direct=0 nofault=0 shadow=1 pool_bytes=%d shadow_bytes=%d "
		"copied_in=%d copied_out=0 faults=0 copies=1 reasons=no_seal\n",
		(int)pid, BYTES, BYTES, BYTES);
	expect_in(text, line);
	expect_in(text, "\nend\n");
	free(text);
	peer_finish(sealed);
	peer_finish(unsealed);
}

static void the_reasons_of_all_pools_are_told(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	/* Sealed, but never drawn. */
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	tell(peer, create_pool, .size = BYTES);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = WIDTH * 4, .format = WL_SHM_FORMAT_XRGB8888);
	char *text = ask(server);
	expect_in(text, "pools=2 fds=2 direct=0 nofault=0 shadow=2 ");
	expect_in(text, " copies=0 reasons=no_seal,sparse\n");
	free(text);
	peer_finish(peer);
}

/* The compositor does not call anything. */
static void the_environment_can_enable_it(void **state) {
	assert_true(client_directory_create(dir, sizeof(dir),
		"sealpool-monitor"));
	setenv("XDG_RUNTIME_DIR", dir, true);
	char path[108];
	get_path(path, "");
	static const char *const values[] = { "1", "0", "", "yes" };
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		setenv("SEALPOOL_MONITOR", values[i], true);
		struct server *server = server_create(NULL);
		assert_non_null(server);
		unsetenv("SEALPOOL_MONITOR");
		assert_int_equal(access(path, F_OK), i == 0 ? 0 : -1);
		if (strcmp(values[i], "yes") == 0) {
			expect_in(server->message, "SEALPOOL_MONITOR=yes");
		}
		if (i == 0) {
			char *text = ask(server);
			expect_in(text, "\nend\n");
			free(text);
			/* A call returns the existing monitor. */
			struct sealpool_monitor *monitor =
				sealpool_monitor_create(server->shm);
			assert_non_null(monitor);
			get_path(path, "-1");
			assert_int_equal(access(path, F_OK), -1);
			get_path(path, "");
			sealpool_monitor_destroy(monitor);
			assert_int_equal(access(path, F_OK), -1);
		}
		void *data = server;
		assert_int_equal(server_teardown(&data), 0);
	}
	assert_int_equal(rmdir(dir), 0);
}

static void a_client_that_is_gone_is_told_of_while_it_holds(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_SEALED, .width = WIDTH,
		.height = HEIGHT);
	tell(peer, draw_and_show, .frame = 1);
	struct sealpool_buffer *buffer =
		sealpool_buffer_ref(server_get_shown(server, peer));
	peer_finish(peer);
	char *text = ask(server);
	expect_in(text, "id=1 pid=0 pools=1 ");
	free(text);
	sealpool_buffer_unref(buffer);
	text = ask(server);
	assert_string_equal(text, "sealpool-monitor 1\nend\n");
	free(text);
}

static void only_its_user_can_connect(void **state) {
	struct server *server = *state;
	char path[108];
	get_path(path, "");
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	if (geteuid() != 0) {
		skip();
	}
	/* Another user may search the folder; at the second time, that user may also
	 * connect. */
	assert_int_equal(chmod(dir, 0755), 0);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			/* The folders above may be closed to the other user. */
			if (chdir(dir) < 0 || setuid(65534) < 0) {
				_exit(9);
			}
			struct sockaddr_un address = { .sun_family = AF_UNIX };
			snprintf(address.sun_path, sizeof(address.sun_path),
				"%s", strrchr(path, '/') + 1);
			int fd = socket(AF_UNIX, SOCK_STREAM, 0);
			if (connect(fd, (struct sockaddr *)&address,
					sizeof(address)) < 0) {
				_exit(errno == EACCES ? 1 : 9);
			}
			char byte;
			_exit(read(fd, &byte, 1) == 0 ? 2 : 9);
		}
		int status;
		while (waitpid(pid, &status, WNOHANG) == 0) {
			server_dispatch(server, -1, server_now_ms() + 10);
		}
		/* First, connect() is refused; then the connection is closed without
		 * data. */
		assert_int_equal(WEXITSTATUS(status), i + 1);
		assert_int_equal(chmod(path, 0666), 0);
	}
}

/* Each display has its own. */
static void a_second_one_gets_another_name(void **state) {
	struct server *server = *state;
	struct server *second = create_with_monitor();
	char path[108];
	get_path(path, "-1");
	char *text = read_all(second, connect_to(path));
	expect_in(text, "\nend\n");
	free(text);
	text = ask(server);
	expect_in(text, "\nend\n");
	free(text);
	assert_true(server_destroy(second));
}

static void what_a_dead_process_has_left_is_replaced(void **state) {
	char path[108];
	get_path(path, "-1");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
		sizeof(address)), 0);
	close(fd);
	struct server *second = create_with_monitor();
	char *text = read_all(second, connect_to(path));
	expect_in(text, "\nend\n");
	free(text);
	assert_true(server_destroy(second));
}

static void without_a_folder_there_is_a_message_and_a_compositor(void **state) {
	unsetenv("XDG_RUNTIME_DIR");
	struct server *second = create_with_monitor();
	assert_non_null(second);
	expect_in(second->message, "XDG_RUNTIME_DIR");
	assert_true(server_destroy(second));
}

#define CROWD 60

/* Creates more clients than a socket takes the lines of. */
static void create_crowd(struct server *server, struct peer *peers[CROWD]) {
	for (int i = 0; i < CROWD; i++) {
		peers[i] = peer_create(server);
		tell(peers[i], make_picture, .kind = CLIENT_MEMORY_UNSEALED,
			.width = WIDTH, .height = HEIGHT);
	}
}

static void finish_crowd(struct peer *peers[CROWD]) {
	for (int i = 0; i < CROWD; i++) {
		peer_finish(peers[i]);
	}
}

static size_t count_ready(const int *fds, size_t length) {
	int bytes;
	size_t count = 0;
	for (size_t i = 0; i < length; i++) {
		count += ioctl(fds[i], FIONREAD, &bytes) == 0 && bytes > 0;
	}
	return count;
}

static void a_long_answer_is_sent_to_its_end(void **state) {
	struct server *server = *state;
	struct peer *peers[CROWD];
	create_crowd(server, peers);
	char path[108];
	get_path(path, "");
	int fd = connect_to(path);
	server_settle(server);
	int bytes;
	assert_int_equal(ioctl(fd, FIONREAD, &bytes), 0);
	expect_between((uint64_t)bytes, 1, CROWD * 100);
	char *text = read_all(server, fd);
	int lines = 0;
	for (const char *c = text; (c = strstr(c, "\nclient ")) != NULL; c++) {
		lines++;
	}
	assert_int_equal(lines, CROWD);
	expect_in(text, "\nend\n");
	free(text);
	finish_crowd(peers);
}

static void readers_that_do_not_read_hold_up_nobody(void **state) {
	struct server *server = *state;
	struct peer *peers[CROWD];
	size_t fds_at_first = count_fds();
	create_crowd(server, peers);
	char path[108];
	get_path(path, "");
	int fds[100];
	size_t fds_before = count_fds();
	for (int i = 0; i < 100; i++) {
		fds[i] = connect_to(path);
		server_settle(server);
	}
	assert_int_equal(count_ready(fds, 100), 100);
	/* A few of the library's ends stay open, and libwayland's duplicates of them:
	 * those of the newest readers. */
	expect_between(count_fds() - fds_before - 100, 8, 16);
	/* Meanwhile, other clients continue. */
	tell(peers[0], draw_and_show, .frame = 3);
	expect_frame(server_get_shown(server, peers[0]), 3);
	char *text = ask(server);
	expect_in(text, "\nend\n");
	free(text);
	for (int i = 0; i < 100; i++) {
		close(fds[i]);
	}
	server_settle(server);
	finish_crowd(peers);
	assert_int_equal(count_fds(), fds_at_first);
}

/* Otherwise, the event loop would never sleep again. */
static void a_reader_is_turned_away_when_there_are_no_fds(void **state) {
	struct server *server = *state;
	char path[108];
	get_path(path, "");
	int fd = connect_to(path);
	struct rlimit before;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	struct rlimit few = { .rlim_cur = 128, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	int fds[128], fds_len = 0;
	while ((fds[fds_len] = dup(fd)) >= 0) {
		fds_len++;
	}
	server_settle(server);
	while (fds_len > 0) {
		close(fds[--fds_len]);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	char *text = read_all(server, fd);
	assert_string_equal(text, "");
	free(text);
	text = ask(server);
	expect_in(text, "\nend\n");
	free(text);
}

int main(void) {
#define monitor_test(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)
	static const struct CMUnitTest tests[] = {
		monitor_test(what_each_client_holds_is_told),
		monitor_test(the_reasons_of_all_pools_are_told),
		cmocka_unit_test(the_environment_can_enable_it),
		monitor_test(a_client_that_is_gone_is_told_of_while_it_holds),
		monitor_test(only_its_user_can_connect),
		monitor_test(a_second_one_gets_another_name),
		monitor_test(what_a_dead_process_has_left_is_replaced),
		monitor_test(
			without_a_folder_there_is_a_message_and_a_compositor),
		monitor_test(a_long_answer_is_sent_to_its_end),
		monitor_test(readers_that_do_not_read_hold_up_nobody),
		monitor_test(a_reader_is_turned_away_when_there_are_no_fds),
	};
	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
