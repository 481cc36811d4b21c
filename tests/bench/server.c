/* SPDX-License-Identifier: MIT */
/*
 * A compositor that has only surfaces, and counts its costs.
 *
 * A surface is read when it is committed, and its buffer is released at once: the least
 * that a compositor does with a frame.
 */
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-server-core.h>
#include <wayland-server-protocol.h>

#include "bench-server-protocol.h"
#include "compositor.h"
#include "reader.h"
#include "server.h"
#include "virtual-keyboard-unstable-v1-server-protocol.h"

/* The first argument of a server; the others are numbers. */
#define SERVER_ARGUMENT "--serve"

struct running {
	const struct impl *impl;
	enum way way;
	struct notes *notes;
	struct compositor compositor; /* of struct surface */
	struct reader reader;
	struct spent spent;
	uint32_t wasted_calls, wasted_instructions;
};

struct surface {
	struct compositor_surface base;
	pixman_region32_t damage;
};

static struct running *get_running(struct wl_resource *resource) {
	struct compositor *compositor = wl_resource_get_user_data(resource);
	return compositor->data;
}

/* Surfaces */

static struct surface *get_surface(struct compositor_surface *base) {
	struct surface *surface = wl_container_of(base, surface, base);
	return surface;
}

static void handle_new_surface(struct compositor_surface *base) {
	pixman_region32_init(&get_surface(base)->damage);
}

static void handle_damage(struct compositor_surface *base, int32_t x,
		int32_t y, int32_t width, int32_t height) {
	struct surface *surface = get_surface(base);
	pixman_region32_union_rect(&surface->damage, &surface->damage, x, y,
		(unsigned)width, (unsigned)height);
}

/* One iteration of the loop is three instructions. */
static void waste(const struct running *server) {
	for (uint32_t i = 0; i < server->wasted_calls; i++) {
		syscall(SYS_getppid);
	}
	for (uint32_t i = 0; i < server->wasted_instructions / 3; i++) {
		__asm__ volatile("");
	}
}

static void read_surface(struct running *server, struct surface *surface) {
	const struct impl *impl = server->impl;
	struct wl_resource *current = surface->base.current.resource;
	if (current == NULL || server->reader.kind == BENCH_READER_NONE) {
		return;
	}
	void *buffer = impl->lock(current);
	if (buffer == NULL) {
		server->notes->failed = true;
		return;
	}
	waste(server);
	_Alignas(16) uint8_t access[IMPL_ACCESS_SIZE];
	void *data;
	size_t stride;
	if (impl->begin(buffer, access, &data, &stride)) {
		reader_read(&server->reader, data, stride, &surface->damage);
		impl->end(buffer, access);
	} else {
		server->notes->failed = true;
	}
	impl->unlock(buffer, current);
}

static void handle_commit(struct compositor_surface *base,
		struct wl_resource *replaced) {
	struct surface *surface = get_surface(base);
	read_surface(base->compositor->data, surface);
	pixman_region32_clear(&surface->damage);
}

static void handle_surface_destroy(struct compositor_surface *base) {
	pixman_region32_fini(&get_surface(base)->damage);
}

static const struct compositor_impl compositor_impl = {
	.surface_size = sizeof(struct surface),
	.handle_new_surface = handle_new_surface,
	.handle_damage = handle_damage,
	.handle_commit = handle_commit,
	.handle_surface_destroy = handle_surface_destroy,
};

/* Measuring */

static void bench_set_reader(struct wl_client *client,
		struct wl_resource *resource, uint32_t kind, int32_t width,
		int32_t height) {
	struct running *server = get_running(resource);
	if (!reader_init(&server->reader, kind, width, height)) {
		server->notes->failed = true;
		server->reader.kind = BENCH_READER_NONE;
	}
}

static void bench_set_waste(struct wl_client *client,
		struct wl_resource *resource, uint32_t calls,
		uint32_t instructions) {
	struct running *server = get_running(resource);
	server->wasted_calls = calls;
	server->wasted_instructions = instructions;
}

static uint64_t get_copied(const struct running *server,
		struct wl_client *client) {
	return server->impl->get_copied != NULL ?
		server->impl->get_copied(client) : 0;
}

/*
 * The state of the heap decides how much work allocating and freeing is: some hundred
 * instructions for each frame. So there are new chunks of each size, side by side, which
 * are taken first; free() keeps what it gets (counters.c).
 */
static void prepare_heap(void) {
	for (size_t size = 24; size <= 1032; size += 16) {
		void *volatile chunks[8];
		for (size_t i = 0; i < 8; i++) {
			/* calloc() takes no freed chunk. */
			chunks[i] = calloc(1, size);
		}
		for (size_t i = 0; i < 8; i++) {
			free(chunks[i]);
		}
	}
}

static void bench_start(struct wl_client *client,
		struct wl_resource *resource) {
	struct running *server = get_running(resource);
	if (server->way == WAY_CALLGRIND) {
		prepare_heap();
	}
	server->spent.of[METRIC_BYTES] = get_copied(server, client);
	server->spent.of[METRIC_CALLS] = server->notes->calls;
	counters_start(server->way, &server->spent);
}

static void bench_stop(struct wl_client *client, struct wl_resource *resource) {
	struct running *server = get_running(resource);
	struct notes *notes = server->notes;
	struct spent *spent = &server->spent;
	uint64_t calls = notes->calls;
	if (!counters_stop(server->way, spent) ||
			notes->spent_len == NOTES_MAX) {
		notes->failed = true;
		return;
	}
	spent->of[METRIC_CALLS] = calls - spent->of[METRIC_CALLS];
	spent->of[METRIC_BYTES] = get_copied(server, client) -
		spent->of[METRIC_BYTES];
	notes->spent[notes->spent_len++] = *spent;
}

static void bench_access(struct wl_client *client,
		struct wl_resource *resource, uint32_t count) {
	struct running *server = get_running(resource);
	const struct impl *impl = server->impl;
	size_t len = (size_t)wl_list_length(&server->compositor.surfaces);
	void **buffers = calloc(len, sizeof(buffers[0]));
	struct compositor_surface *surface;
	size_t next = 0;
	wl_list_for_each(surface, &server->compositor.surfaces, link) {
		buffers[next++] = impl->lock(surface->current.resource);
	}
	bench_start(client, resource);
	server->notes->failed |= !impl->access(buffers, len, count);
	bench_stop(client, resource);
	next = 0;
	wl_list_for_each(surface, &server->compositor.surfaces, link) {
		impl->unlock(buffers[next++], surface->current.resource);
	}
	free(buffers);
}

/* Files */

static void bench_take_file(struct wl_client *client,
		struct wl_resource *resource, int32_t file) {
	close(file);
}

static void keyboard_keymap(struct wl_client *client,
		struct wl_resource *resource, uint32_t format, int32_t file,
		uint32_t size) {
	close(file);
}

static const struct zwp_virtual_keyboard_v1_interface keyboard_impl = {
	.keymap = keyboard_keymap,
	.destroy = compositor_handle_destroy,
};

static void create_keyboard(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *seat,
		uint32_t id) {
	struct wl_resource *keyboard = wl_resource_create(client,
		&zwp_virtual_keyboard_v1_interface, 1, id);
	if (keyboard != NULL) {
		wl_resource_set_implementation(keyboard, &keyboard_impl, NULL,
			NULL);
	}
}

static const struct zwp_virtual_keyboard_manager_v1_interface
		keyboard_manager_impl = {
	.create_virtual_keyboard = create_keyboard,
};

static const struct bench_interface bench_impl = {
	.set_reader = bench_set_reader,
	.set_waste = bench_set_waste,
	.start = bench_start,
	.stop = bench_stop,
	.access = bench_access,
	.take_file = bench_take_file,
};

static const struct compositor_global bench_globals[] = {
	{ &bench_interface, 1, &bench_impl },
	{ &wl_seat_interface, 1, NULL },
	{ &zwp_virtual_keyboard_manager_v1_interface, 1,
		&keyboard_manager_impl },
};

static bool offer_globals(struct compositor *compositor) {
	for (size_t i = 0; i < sizeof(bench_globals) / sizeof(bench_globals[0]);
			i++) {
		if (!compositor_offer(compositor, &bench_globals[i])) {
			return false;
		}
	}
	return true;
}

/* The process */

static int serve(enum impl_index impl, enum way way, int socket_fd,
		int notes_fd) {
	struct running server = { .impl = &impls[impl], .way = way };
	server.notes = mmap(NULL, sizeof(*server.notes),
		PROT_READ | PROT_WRITE, MAP_SHARED, notes_fd, 0);
	/* Whether malloc() consolidates chunks is a matter of chance as well. */
	mallopt(M_MXFAST, 0);
	struct wl_display *display = wl_display_create();
	if (server.notes == MAP_FAILED || display == NULL ||
			!server.impl->create(display) ||
			!compositor_init(&server.compositor, display,
				&compositor_impl, &server) ||
			!offer_globals(&server.compositor) ||
			wl_display_add_socket_fd(display, socket_fd) < 0) {
		fprintf(stderr, "bench: cannot start a server\n");
		return 1;
	}
	wl_display_run(display);
	return 0;
}

void server_main(int argc, char **argv) {
	if (argc == 6 && strcmp(argv[1], SERVER_ARGUMENT) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(serve((enum impl_index)atoi(argv[2]),
			(enum way)atoi(argv[3]), atoi(argv[4]),
			atoi(argv[5])));
	}
}

/* From the outside */

/* An abstract name leaves no file behind. */
static socklen_t make_address(const char *path, struct sockaddr_un *address) {
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path + 1, path, strlen(path));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
		strlen(path));
}

static int listen_at(const char *path) {
	struct sockaddr_un address;
	socklen_t len = make_address(path, &address);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&address, len) < 0 ||
			listen(fd, 128) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

int server_connect(struct server *server) {
	struct sockaddr_un address;
	socklen_t len = make_address(server->path, &address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, len) < 0) {
		perror("bench: cannot connect");
		exit(1);
	}
	return fd;
}

/* Runs in the child. */
static void exec_server(const struct server *server, enum impl_index impl,
		enum way way, int socket_fd, int notes_fd) {
	char self[4096] = "", numbers[4][16];
	const int values[4] = { (int)impl, (int)way, socket_fd, notes_fd };
	char *args[] = { self, (char *)SERVER_ARGUMENT, numbers[0], numbers[1],
		numbers[2], numbers[3], NULL };
	for (int i = 0; i < 4; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "%d", values[i]);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Uploads are then done by the thread that is measured. */
	setenv("LP_NUM_THREADS", "0", 1);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0) {
		counters_exec(way, server->folder, args, &server->notes->calls);
	}
	_exit(1);
}

int server_start(struct server *server, enum impl_index impl, enum way way) {
	static unsigned serial;
	*server = (struct server){ .pid = -1 };
	snprintf(server->path, sizeof(server->path), "sealpool-bench-%d-%u",
		(int)getpid(), serial++);
	if (way == WAY_CALLGRIND) {
		strcpy(server->folder, "/tmp/sealpool-bench-XXXXXX");
		if (mkdtemp(server->folder) == NULL) {
			perror("bench: no folder for callgrind");
			exit(1);
		}
	}
	/* The server inherits both fds. */
	int notes_fd = memfd_create("sealpool-bench-notes", 0);
	int socket_fd = listen_at(server->path);
	if (notes_fd < 0 || socket_fd < 0 ||
			ftruncate(notes_fd, sizeof(*server->notes)) < 0) {
		perror("bench: cannot start a server");
		exit(1);
	}
	server->notes = mmap(NULL, sizeof(*server->notes),
		PROT_READ | PROT_WRITE, MAP_SHARED, notes_fd, 0);
	fflush(NULL);
	server->pid = server->notes != MAP_FAILED ? fork() : -1;
	if (server->pid < 0) {
		perror("bench: cannot start a server");
		exit(1);
	}
	if (server->pid == 0) {
		exec_server(server, impl, way, socket_fd, notes_fd);
	}
	close(socket_fd);
	close(notes_fd);
	return server_connect(server);
}

static void remove_folder(const char *path) {
	DIR *folder = opendir(path);
	struct dirent *entry;
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		unlinkat(dirfd(folder), entry->d_name, 0);
	}
	if (folder != NULL) {
		closedir(folder);
	}
	rmdir(path);
}

void server_finish(struct server *server) {
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	if (server->folder[0] != '\0') {
		remove_folder(server->folder);
	}
	munmap(server->notes, sizeof(*server->notes));
}
