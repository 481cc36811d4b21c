/* SPDX-License-Identifier: MIT */
/*
 * A compositor that has surfaces and nothing else, and counts what it spends.
 *
 * A surface is read when it is committed, and its buffer given back at once:
 * the least that a compositor does with a frame.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-server-core.h>
#include <wayland-server-protocol.h>

#include "bench-server-protocol.h"
#include "compositor.h"
#include "reader.h"
#include "server.h"

#define THREADS_MAX 16

struct running {
	const struct impl *impl;
	struct notes *notes;
	struct compositor compositor; /* of struct surface */
	struct reader reader;
	struct spent started;
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

static void note(struct notes *notes, struct spent spent) {
	if (notes->spent_len < NOTES_MAX) {
		notes->spent[notes->spent_len++] = spent;
	}
}

static void bench_start(struct wl_client *client,
		struct wl_resource *resource) {
	struct running *server = get_running(resource);
	server->started = spent_now();
}

static void bench_stop(struct wl_client *client, struct wl_resource *resource) {
	struct running *server = get_running(resource);
	note(server->notes, spent_since(&server->started));
}

struct accessing {
	const struct impl *impl;
	void **buffers;
	size_t buffers_len;
	uint32_t count;
	bool failed;
	struct spent spent;
	pthread_t thread;
};

static void *access_thread(void *data) {
	struct accessing *accessing = data;
	const struct impl *impl = accessing->impl;
	_Alignas(16) uint8_t access[IMPL_ACCESS_SIZE];
	size_t next = 0;
	struct spent start = spent_now();
	for (uint32_t i = 0; i < accessing->count; i++) {
		void *buffer = accessing->buffers[next], *pixels;
		size_t stride;
		if (!impl->begin(buffer, access, &pixels, &stride)) {
			accessing->failed = true;
			return NULL;
		}
		impl->end(buffer, access);
		if (++next == accessing->buffers_len) {
			next = 0;
		}
	}
	accessing->spent = spent_since(&start);
	return NULL;
}

static void bench_access(struct wl_client *client,
		struct wl_resource *resource, uint32_t count,
		uint32_t threads) {
	struct running *server = get_running(resource);
	size_t len = (size_t)wl_list_length(&server->compositor.surfaces);
	void **buffers = calloc(len, sizeof(buffers[0]));
	struct accessing accessing[THREADS_MAX];
	struct compositor_surface *surface;
	size_t i = 0;
	wl_list_for_each(surface, &server->compositor.surfaces, link) {
		buffers[i++] = server->impl->lock(surface->current.resource);
	}
	for (i = 0; i < threads; i++) {
		accessing[i] = (struct accessing){
			.impl = server->impl,
			.buffers = buffers,
			.buffers_len = len,
			.count = count,
		};
	}
	if (threads == 1) {
		access_thread(&accessing[0]);
	} else {
		for (i = 0; i < threads; i++) {
			pthread_create(&accessing[i].thread, NULL,
				access_thread, &accessing[i]);
		}
		for (i = 0; i < threads; i++) {
			pthread_join(accessing[i].thread, NULL);
		}
	}
	struct spent sum = { 0 };
	for (i = 0; i < threads; i++) {
		server->notes->failed |= accessing[i].failed;
		sum.ns += accessing[i].spent.ns;
		sum.instructions += accessing[i].spent.instructions;
	}
	note(server->notes, sum);
	i = 0;
	wl_list_for_each(surface, &server->compositor.surfaces, link) {
		server->impl->unlock(buffers[i++], surface->current.resource);
	}
	free(buffers);
}

static void bench_note_memory(struct wl_client *client,
		struct wl_resource *resource) {
	struct running *server = get_running(resource);
	struct notes *notes = server->notes;
	struct mallinfo2 info = mallinfo2();
	if (notes->heap_len < NOTES_MAX) {
		notes->heap[notes->heap_len++] = info.uordblks + info.hblkhd;
	}
}

static void bench_note_shadows(struct wl_client *client,
		struct wl_resource *resource) {
	struct running *server = get_running(resource);
	struct notes *notes = server->notes;
	uint64_t held = 0, copied = 0;
	if (server->impl->get_copies != NULL) {
		server->impl->get_copies(client, &held, &copied);
	}
	if (notes->held_len < NOTES_MAX) {
		notes->held[notes->held_len] = held;
		notes->copied[notes->held_len++] = copied;
	}
}

static const struct bench_interface bench_impl = {
	.set_reader = bench_set_reader,
	.start = bench_start,
	.stop = bench_stop,
	.access = bench_access,
	.note_memory = bench_note_memory,
	.note_shadows = bench_note_shadows,
};

static const struct compositor_global bench_global = {
	&bench_interface, 1, &bench_impl,
};

/* The process */

/*
 * How the heap happens to lie decides how much work it is to free something:
 * some hundred instructions for each frame. So it lies differently each time.
 */
static void shift_heap(void) {
	static void *kept[16];
	srand((unsigned)getpid());
	mallopt(M_MXFAST, 0);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		kept[i] = malloc((size_t)rand() % 2000 + 16);
	}
}

static int run(const struct impl *impl, struct notes *notes, int socket_fd,
		uint32_t idle_ms) {
	struct running server = { .impl = impl, .notes = notes };
	if (callgrind_folder() != NULL) {
		shift_heap();
	}
	count_instructions();
	struct wl_display *display = wl_display_create();
	if (display == NULL || !impl->create(display, idle_ms) ||
			!compositor_init(&server.compositor, display,
				&compositor_impl, &server) ||
			!compositor_offer(&server.compositor, &bench_global) ||
			wl_display_add_socket_fd(display, socket_fd) < 0) {
		fprintf(stderr, "bench: cannot start a server\n");
		return 1;
	}
	wl_display_run(display);
	return 0;
}

/* From the outside */

static int connect_to(const char *path) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	/* An abstract name, which leaves no file behind. */
	memcpy(address.sun_path + 1, path, strlen(path));
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
		strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, len) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int listen_at(const char *path) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path + 1, path, strlen(path));
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
		strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&address, len) < 0 ||
			listen(fd, 128) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

int server_connect(struct server *server) {
	int fd = connect_to(server->path);
	if (fd < 0) {
		perror("bench: cannot connect");
	}
	return fd;
}

int server_start(struct server *server, const struct impl *impl,
		uint32_t idle_ms) {
	static unsigned serial;
	*server = (struct server){ .pid = -1 };
	snprintf(server->path, sizeof(server->path), "sealpool-bench-%d-%u",
		(int)getpid(), serial++);
	server->notes = mmap(NULL, sizeof(*server->notes),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int socket_fd = listen_at(server->path);
	if (server->notes == MAP_FAILED || socket_fd < 0) {
		perror("bench: cannot start a server");
		return -1;
	}
	fflush(NULL);
	server->pid = fork();
	if (server->pid < 0) {
		perror("bench: cannot start a server");
		return -1;
	}
	if (server->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(run(impl, server->notes, socket_fd, idle_ms));
	}
	close(socket_fd);
	return server_connect(server);
}

bool server_stop(struct server *server) {
	int status = 0;
	if (server->pid > 0) {
		kill(server->pid, SIGKILL);
		waitpid(server->pid, &status, 0);
		server->pid = -1;
	}
	return !server->notes->failed;
}

void server_finish(struct server *server) {
	server_stop(server);
	munmap(server->notes, sizeof(*server->notes));
}
