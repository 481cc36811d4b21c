/* SPDX-License-Identifier: MIT */
/*
 * The requests of wl_shm: each that must be refused, with its error code and the object
 * that the error is on; and unusual ones that must be accepted.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wayland-client.h>

#include "globals.h"
#include "peer.h"
#include "server.h"

/* A valid buffer. */
#define WIDTH 16
#define HEIGHT 8
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static void expect_pool_size_refused(struct server *server, int32_t size) {
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_SEALED, .size = BYTES);
	const char *message = refused(peer, "wl_shm", 0,
		WL_SHM_ERROR_INVALID_STRIDE, create_pool, .size = size);
	expect_number(message, size < 0 ? -(int64_t)size : size);
	peer_finish(peer);
}

static void pool_of_no_bytes_is_refused(void **state) {
	expect_pool_size_refused(*state, 0);
}

static void pool_of_negative_size_is_refused(void **state) {
	expect_pool_size_refused(*state, -1);
	expect_pool_size_refused(*state, INT32_MIN);
}

static void expect_resize_refused(struct server *server, int32_t size) {
	struct peer *peer = peer_create_with_pool(server, CLIENT_MEMORY_SEALED,
		BYTES);
	refused(peer, "wl_shm_pool", 0, WL_SHM_ERROR_INVALID_FD, resize_pool,
		.size = size);
	peer_finish(peer);
}

static void pool_cannot_shrink(void **state) {
	expect_resize_refused(*state, BYTES - 1);
}

static void pool_cannot_shrink_to_nothing(void **state) {
	expect_resize_refused(*state, 0);
}

static void pool_cannot_get_a_negative_size(void **state) {
	expect_resize_refused(*state, -1);
	expect_resize_refused(*state, INT32_MIN);
}

static void pool_may_be_resized_to_the_size_it_has(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_pool(server, CLIENT_MEMORY_SEALED,
		BYTES);
	tell(peer, resize_pool, .size = BYTES);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE);
	peer_finish(peer);
}

static void pool_may_be_resized_to_any_larger_size(void **state) {
	struct server *server = *state;
	struct peer *peer = peer_create_with_pool(server, CLIENT_MEMORY_SEALED,
		BYTES);
	tell(peer, resize_pool, .size = BYTES + 1);
	tell(peer, resize_pool, .size = INT32_MAX);
	/* The size of the file is checked when the buffer is read. */
	tell(peer, create_buffer, .offset = INT32_MAX - BYTES, .width = WIDTH,
		.height = HEIGHT, .stride = STRIDE);
	peer_finish(peer);
}

/* Fds that are refused */

static bool take_fd(struct actor *actor, const struct args *args, int fd,
		const char *what) {
	actor->memory[args->memory].fd = fd;
	return fd >= 0 || client_fail(&actor->client, "%s: %s", what,
		strerror(errno));
}

/* All these fds can be sent by create_pool. */

static bool open_pipe(struct actor *actor, const struct args *args) {
	int fds[2] = { -1, -1 };
	int ret = pipe(fds);
	/* A process still has the other end for writing, so read() would block. */
	actor->memory[ACTOR_SLOTS - 1].fd = fds[1];
	return ret == 0 && take_fd(actor, args, fds[0], "pipe");
}

static bool open_socket(struct actor *actor, const struct args *args) {
	int fds[2] = { -1, -1 };
	int ret = socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	actor->memory[ACTOR_SLOTS - 1].fd = fds[1];
	return ret == 0 && take_fd(actor, args, fds[0], "socketpair");
}

static bool open_path_with(struct actor *actor, const struct args *args,
		const char *path) {
	return take_fd(actor, args, open(path, args->open_flags), path);
}

/* Opens .path with .open_flags. */
static bool open_path(struct actor *actor, const struct args *args) {
	return open_path_with(actor, args, args->path);
}

/* Opens a memfd with .open_flags. */
static bool open_memfd(struct actor *actor, const struct args *args) {
	char path[64];
	if (!make_memory(actor, args)) {
		return false;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d",
		actor->memory[args->memory].fd);
	return open_path_with(actor, args, path);
}

/* Opens a file in /tmp with .open_flags. */
static bool open_file(struct actor *actor, const struct args *args) {
	char path[] = "/tmp/sealpool-test-XXXXXX";
	int fd = mkstemp(path);
	if (fd < 0 || ftruncate(fd, args->size) < 0) {
		return client_fail(&actor->client, "%s: %s", path,
			strerror(errno));
	}
	close(fd);
	bool ok = open_path_with(actor, args, path);
	unlink(path);
	return ok;
}

static void expect_fd_refused(struct peer *peer) {
	refused(peer, "wl_shm", 0, WL_SHM_ERROR_INVALID_FD, create_pool,
		.size = BYTES);
	peer_finish(peer);
}

static void pipe_is_not_memory(void **state) {
	struct peer *peer = peer_create(*state);
	tell(peer, open_pipe, .memory = 0);
	expect_fd_refused(peer);
}

static void socket_is_not_memory(void **state) {
	struct peer *peer = peer_create(*state);
	tell(peer, open_socket, .memory = 0);
	expect_fd_refused(peer);
}

/* Waits until the compositor has found out what the file is. */
static bool create_pool_and_wait(struct actor *actor, const struct args *args) {
	return create_pool(actor, args) && wait_for_the_end(actor, args);
}

static void expect_path_refused(struct server *server, const char *path,
		int open_flags) {
	struct peer *peer = peer_create(server);
	struct args args = { .open_flags = open_flags };
	snprintf(args.path, sizeof(args.path), "%s", path);
	peer_tell(peer, open_path, "open_path", &args);
	refused(peer, "wl_shm_pool", 0, WL_SHM_ERROR_INVALID_FD,
		create_pool_and_wait, .size = BYTES);
	peer_finish(peer);
}

static void directory_is_not_memory(void **state) {
	expect_path_refused(*state, "/", O_RDONLY | O_DIRECTORY);
	expect_path_refused(*state, "/dev/shm", O_RDONLY | O_DIRECTORY);
}

static void dev_null_is_not_memory(void **state) {
	expect_path_refused(*state, "/dev/null", O_RDWR);
}

static void dev_zero_is_not_memory(void **state) {
	expect_path_refused(*state, "/dev/zero", O_RDWR);
}

static void write_only_memory_is_refused(void **state) {
	struct peer *peer = peer_create(*state);
	tell(peer, open_memfd, .kind = CLIENT_MEMORY_SEALED, .size = BYTES,
		.open_flags = O_WRONLY);
	expect_fd_refused(peer);
	peer = peer_create(*state);
	tell(peer, open_file, .size = BYTES, .open_flags = O_WRONLY);
	expect_fd_refused(peer);
}

static void fd_that_is_only_a_path_is_refused(void **state) {
	struct peer *peer = peer_create(*state);
	tell(peer, open_memfd, .kind = CLIENT_MEMORY_SEALED, .size = BYTES,
		.open_flags = O_PATH);
	expect_fd_refused(peer);
	peer = peer_create(*state);
	tell(peer, open_file, .size = BYTES, .open_flags = O_PATH);
	expect_fd_refused(peer);
}

static bool create_pool_without_fd(struct actor *actor,
		const struct args *args) {
	struct pollfd socket = {
		.fd = wl_display_get_fd(actor->client.display),
	};
	if (!send_create_pool(actor, args, NULL)) {
		return false;
	}
	/* If the server closed the socket with unread data in it, libwayland-client would
	 * report only ECONNRESET, not the error. So nothing is sent until the server has
	 * closed it. */
	poll(&socket, 1, actor->client.patience);
	return true;
}

static void create_pool_without_an_fd_ends_only_that_client(void **state) {
	struct server *server = *state;
	struct peer *bystander = peer_create_with_pool(server,
		CLIENT_MEMORY_SEALED, BYTES);
	struct peer *peer = peer_create(server);
	/* libwayland posts this error; Sealpool never sees the request. */
	refused(peer, "wl_display", -1, WL_DISPLAY_ERROR_INVALID_METHOD,
		create_pool_without_fd, .size = BYTES);
	peer_finish(peer);
	tell(bystander, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE);
	peer_finish(bystander);
}

/* Unusual fds that are accepted */

static void show_picture(struct peer *peer) {
	tell(peer, create_pool, .size = BYTES);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = WL_SHM_FORMAT_XRGB8888);
	tell(peer, show, .buffer = 0);
}

static void expect_shown(struct server *server, struct peer *peer,
		enum sealpool_memory_kind kind) {
	expect_frame(server_get_shown(server, peer), 5);
	expect_kind(server_get_shown(server, peer), kind);
	tell(peer, wait_handled, .buffer = 0);
	peer_finish(peer);
}

static void expect_readable(struct server *server, struct peer *peer,
		enum sealpool_memory_kind kind) {
	show_picture(peer);
	expect_shown(server, peer, kind);
}

/* Draws frame 5 in .memory. */
static bool draw_in_memory(struct actor *actor, const struct args *args) {
	struct client_image image = {
		.width = WIDTH,
		.height = HEIGHT,
		.stride = STRIDE,
		.data = actor->memory[args->memory].data,
	};
	client_image_draw(&image, 5);
	return true;
}

static struct peer *create_peer_with_picture(struct server *server,
		enum client_memory_kind kind) {
	struct peer *peer = peer_create(server);
	tell(peer, make_memory, .kind = kind, .size = BYTES);
	tell(peer, draw_in_memory, .memory = 0);
	return peer;
}

static void read_only_fd_is_read(void **state) {
	struct peer *peer = create_peer_with_picture(*state,
		CLIENT_MEMORY_UNSEALED);
	tell(peer, make_memory_read_only, .memory = 0);
	expect_readable(*state, peer, SEALPOOL_MEMORY_SHADOW);
}

static void read_only_fd_of_sealed_memory_is_read_in_place(void **state) {
	struct peer *peer = create_peer_with_picture(*state,
		CLIENT_MEMORY_SEALED);
	tell(peer, make_memory_read_only, .memory = 0);
	expect_readable(*state, peer, SEALPOOL_MEMORY_DIRECT);
}

static bool seal_against_writing(struct actor *actor,
		const struct args *args) {
	/* Sealing fails while a writable mapping exists. */
	struct client_memory *memory = &actor->memory[args->memory];
	munmap(memory->data, memory->size);
	memory->data = NULL;
	return client_memory_seal(&actor->client, memory,
		args->seals | F_SEAL_WRITE);
}

static void memory_sealed_against_writing_is_read(void **state) {
	struct peer *peer = create_peer_with_picture(*state,
		CLIENT_MEMORY_UNSEALED);
	tell(peer, seal_against_writing, .seals = 0);
	expect_readable(*state, peer, SEALPOOL_MEMORY_SHADOW);

	peer = create_peer_with_picture(*state, CLIENT_MEMORY_UNSEALED);
	tell(peer, seal_against_writing, .seals = F_SEAL_SHRINK);
	expect_readable(*state, peer, SEALPOOL_MEMORY_DIRECT);
}

static void memory_sealed_against_new_writers_is_read(void **state) {
	struct peer *peer = create_peer_with_picture(*state,
		CLIENT_MEMORY_UNSEALED);
	tell(peer, seal_memory, .seals = F_SEAL_FUTURE_WRITE);
	expect_readable(*state, peer, SEALPOOL_MEMORY_SHADOW);

	peer = create_peer_with_picture(*state, CLIENT_MEMORY_UNSEALED);
	tell(peer, seal_memory, .seals = F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK);
	expect_readable(*state, peer, SEALPOOL_MEMORY_DIRECT);
}

static void posix_shared_memory_is_copied(void **state) {
	expect_readable(*state, create_peer_with_picture(*state,
		CLIENT_MEMORY_SHM_OPEN), SEALPOOL_MEMORY_SHADOW);
}

static bool is_black(struct sealpool_buffer *buffer) {
	struct sealpool_access access;
	begin_read(buffer, &access);
	uint32_t pixel;
	memcpy(&pixel, access.data, sizeof(pixel));
	sealpool_buffer_end_access(&access);
	return pixel == 0;
}

static void file_on_a_local_disk_is_copied(void **state) {
	struct server *server = *state;
	struct peer *peer = create_peer_with_picture(server, CLIENT_MEMORY_FILE);
	show_picture(peer);
	/* A thread reads it. On a busy machine, that may be after the event loop has
	 * stopped waiting. */
	while (is_black(server_get_shown(server, peer))) {
		server_dispatch(server, -1, server_now_ms() + 100);
	}
	expect_shown(server, peer, SEALPOOL_MEMORY_SHADOW);
}

static bool expect_huge_page(struct actor *actor, const struct args *args) {
	const struct client_memory *memory = &actor->memory[args->memory];
	return expect_size(actor, &(struct args){
		.memory = args->memory,
		.size = (int64_t)memory->size,
	});
}

static void huge_pages_are_copied(void **state) {
	if (!has_huge_pages()) {
		print_message("skipped: there are no huge pages "
			"(/proc/sys/vm/nr_hugepages)\n");
		skip();
	}
	struct peer *peer = peer_create(*state);
	tell(peer, make_huge_page, .memory = 0);
	tell(peer, draw_in_memory, .memory = 0);
	tell(peer, seal_memory, .seals = F_SEAL_SHRINK);
	expect_readable(*state, peer, SEALPOOL_MEMORY_SHADOW);
}

/* A pool may be larger than its file. On hugetlbfs, a writable mapping would make the
 * file as long as the mapping. */
static void writing_to_huge_pages_never_makes_the_file_longer(void **state) {
	if (!has_huge_pages()) {
		print_message("skipped: there are no huge pages "
			"(/proc/sys/vm/nr_hugepages)\n");
		skip();
	}
	struct server *server = *state;
	struct peer *peer = peer_create(server);
	tell(peer, make_huge_page, .memory = 0);
	tell(peer, create_pool, .size = INT32_MAX);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE);
	struct sealpool_access access;
	assert_int_equal(sealpool_buffer_begin_access(server->newest,
		SEALPOOL_ACCESS_WRITE, &access), 0);
	struct client_image image = {
		.width = WIDTH,
		.height = HEIGHT,
		.stride = STRIDE,
		.data = access.data,
	};
	client_image_draw(&image, 7);
	sealpool_buffer_end_access(&access);
	tell(peer, expect_drawn, .frame = 7);
	tell(peer, expect_huge_page);
	peer_finish(peer);
}

#define FORMATS_MAX 64

struct announced {
	uint32_t formats[FORMATS_MAX];
	size_t formats_len;
};

static void handle_format(void *data, struct wl_shm *shm, uint32_t format) {
	struct announced *announced = data;
	if (announced->formats_len < FORMATS_MAX) {
		announced->formats[announced->formats_len++] = format;
	}
}

static const struct wl_shm_listener shm_listener = {
	.format = handle_format,
};

static size_t count(const struct announced *announced, uint32_t format) {
	size_t found = 0;
	for (size_t i = 0; i < announced->formats_len; i++) {
		found += announced->formats[i] == format;
	}
	return found;
}

/* Binds wl_shm at .version, checks the formats, and creates and destroys a pool. */
static bool use_version(struct actor *actor, const struct args *args) {
	struct client *client = &actor->client;
	struct announced announced = { 0 };
	struct client_global global[] = {
		{ .interface = &wl_shm_interface, .version = args->version,
			.listener = &shm_listener, .data = &announced },
		{ 0 },
	};
	struct wl_registry *registry =
		client_look_for_globals(client->display, global);
	if (registry == NULL || !client_roundtrip(client) ||
			!client_roundtrip(client)) {
		return false;
	}
	if (global[0].offered != 2) {
		return client_fail(client, "version %u is offered",
			global[0].offered);
	}
	struct wl_shm *shm = global[0].object;
	static const uint32_t expected[] = {
		WL_SHM_FORMAT_ARGB8888, WL_SHM_FORMAT_XRGB8888,
		WL_SHM_FORMAT_RGB565, WL_SHM_FORMAT_NV12, WL_SHM_FORMAT_YUV420,
	};
	for (size_t i = 0; i < 5; i++) {
		size_t times = count(&announced, expected[i]);
		if (times != 1) {
			return client_fail(client, "format 0x%08x is announced "
				"%zu times", expected[i], times);
		}
	}
	if (announced.formats_len != 5) {
		return client_fail(client, "%zu formats are announced",
			announced.formats_len);
	}

	actor->pools[args->pool].pool = wl_shm_create_pool(shm,
		actor->memory[args->memory].fd, BYTES);
	if (args->version >= WL_SHM_RELEASE_SINCE_VERSION) {
		wl_shm_release(shm);
	} else {
		wl_shm_destroy(shm);
	}
	wl_registry_destroy(registry);
	return client_roundtrip(client);
}

static void expect_version_usable(struct server *server, uint32_t version) {
	struct peer *peer = create_peer_with_picture(server,
		CLIENT_MEMORY_SEALED);
	tell(peer, use_version, .version = version);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = WL_SHM_FORMAT_XRGB8888);
	tell(peer, show, .buffer = 0);
	expect_frame(server_get_shown(server, peer), 5);
	peer_finish(peer);
}

static void version_1_announces_each_format_once(void **state) {
	expect_version_usable(*state, 1);
}

static void version_2_can_be_released(void **state) {
	expect_version_usable(*state, 2);
}

int main(void) {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)
	const struct CMUnitTest tests[] = {
		TEST(pool_of_no_bytes_is_refused),
		TEST(pool_of_negative_size_is_refused),
		TEST(pool_cannot_shrink),
		TEST(pool_cannot_shrink_to_nothing),
		TEST(pool_cannot_get_a_negative_size),
		TEST(pool_may_be_resized_to_the_size_it_has),
		TEST(pool_may_be_resized_to_any_larger_size),
		TEST(pipe_is_not_memory),
		TEST(socket_is_not_memory),
		TEST(directory_is_not_memory),
		TEST(dev_null_is_not_memory),
		TEST(dev_zero_is_not_memory),
		TEST(write_only_memory_is_refused),
		TEST(fd_that_is_only_a_path_is_refused),
		TEST(create_pool_without_an_fd_ends_only_that_client),
		TEST(read_only_fd_is_read),
		TEST(read_only_fd_of_sealed_memory_is_read_in_place),
		TEST(memory_sealed_against_writing_is_read),
		TEST(memory_sealed_against_new_writers_is_read),
		TEST(posix_shared_memory_is_copied),
		TEST(file_on_a_local_disk_is_copied),
		TEST(huge_pages_are_copied),
		TEST(writing_to_huge_pages_never_makes_the_file_longer),
		TEST(version_1_announces_each_format_once),
		TEST(version_2_can_be_released),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
