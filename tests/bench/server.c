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
#include "reader.h"
#include "server.h"

#define THREADS_MAX 16

struct running {
	const struct impl *impl;
	struct notes *notes;
	struct wl_list surfaces; /* surface.link */
	struct reader reader;
	struct spent started;
};

struct surface {
	struct wl_list link;
	struct running *server;
	struct wl_resource *pending;
	struct wl_listener pending_destroy;
	/* What was committed last, while its wl_buffer lives. */
	struct wl_resource *current;
	struct wl_listener current_destroy;
	pixman_region32_t damage;
	struct wl_list callbacks; /* wl_resource links */
};

static void handle_destroy(struct wl_client *client,
		struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

/* Surfaces */

static void set_resource(struct wl_resource **place,
		struct wl_listener *listener, struct wl_resource *resource) {
	if (*place != NULL) {
		wl_list_remove(&listener->link);
	}
	*place = resource;
	if (resource != NULL) {
		wl_resource_add_destroy_listener(resource, listener);
	}
}

static void handle_pending_destroy(struct wl_listener *listener, void *data) {
	struct surface *surface =
		wl_container_of(listener, surface, pending_destroy);
	set_resource(&surface->pending, listener, NULL);
}

static void handle_current_destroy(struct wl_listener *listener, void *data) {
	struct surface *surface =
		wl_container_of(listener, surface, current_destroy);
	set_resource(&surface->current, listener, NULL);
}

static void surface_attach(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *buffer,
		int32_t x, int32_t y) {
	struct surface *surface = wl_resource_get_user_data(resource);
	set_resource(&surface->pending, &surface->pending_destroy, buffer);
}

static void surface_damage(struct wl_client *client,
		struct wl_resource *resource, int32_t x, int32_t y,
		int32_t width, int32_t height) {
	struct surface *surface = wl_resource_get_user_data(resource);
	pixman_region32_union_rect(&surface->damage, &surface->damage, x, y,
		(unsigned)width, (unsigned)height);
}

static void callback_handle_resource_destroy(struct wl_resource *resource) {
	wl_list_remove(wl_resource_get_link(resource));
}

static void surface_frame(struct wl_client *client,
		struct wl_resource *resource, uint32_t id) {
	struct surface *surface = wl_resource_get_user_data(resource);
	struct wl_resource *callback =
		wl_resource_create(client, &wl_callback_interface, 1, id);
	if (callback == NULL) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(callback, NULL, NULL,
		callback_handle_resource_destroy);
	wl_list_insert(surface->callbacks.prev, wl_resource_get_link(callback));
}

static void surface_set_region(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *region) {
	/* Nothing is shown. */
}

static void read_surface(struct surface *surface) {
	struct running *server = surface->server;
	const struct impl *impl = server->impl;
	if (surface->current == NULL ||
			server->reader.kind == BENCH_READER_NONE) {
		return;
	}
	void *buffer = impl->lock(surface->current);
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
	impl->unlock(buffer, surface->current);
}

static void surface_commit(struct wl_client *client,
		struct wl_resource *resource) {
	struct surface *surface = wl_resource_get_user_data(resource);
	if (surface->pending != NULL) {
		set_resource(&surface->current, &surface->current_destroy,
			surface->pending);
		set_resource(&surface->pending, &surface->pending_destroy,
			NULL);
	}
	read_surface(surface);
	pixman_region32_clear(&surface->damage);
	struct wl_resource *callback, *tmp;
	wl_resource_for_each_safe(callback, tmp, &surface->callbacks) {
		wl_callback_send_done(callback, 0);
		wl_resource_destroy(callback);
	}
}

static void surface_set_number(struct wl_client *client,
		struct wl_resource *resource, int32_t number) {
	/* Nothing is shown. */
}

static const struct wl_surface_interface surface_impl = {
	.destroy = handle_destroy,
	.attach = surface_attach,
	.damage = surface_damage,
	.frame = surface_frame,
	.set_opaque_region = surface_set_region,
	.set_input_region = surface_set_region,
	.commit = surface_commit,
	.set_buffer_transform = surface_set_number,
	.set_buffer_scale = surface_set_number,
	.damage_buffer = surface_damage,
};

static void surface_handle_resource_destroy(struct wl_resource *resource) {
	struct surface *surface = wl_resource_get_user_data(resource);
	set_resource(&surface->pending, &surface->pending_destroy, NULL);
	set_resource(&surface->current, &surface->current_destroy, NULL);
	struct wl_resource *callback, *tmp;
	wl_resource_for_each_safe(callback, tmp, &surface->callbacks) {
		wl_list_remove(wl_resource_get_link(callback));
		wl_list_init(wl_resource_get_link(callback));
	}
	pixman_region32_fini(&surface->damage);
	wl_list_remove(&surface->link);
	free(surface);
}

static void compositor_create_surface(struct wl_client *client,
		struct wl_resource *resource, uint32_t id) {
	struct running *server = wl_resource_get_user_data(resource);
	struct surface *surface = calloc(1, sizeof(*surface));
	struct wl_resource *created = surface == NULL ? NULL :
		wl_resource_create(client, &wl_surface_interface,
			wl_resource_get_version(resource), id);
	if (created == NULL) {
		free(surface);
		wl_client_post_no_memory(client);
		return;
	}
	surface->server = server;
	surface->pending_destroy.notify = handle_pending_destroy;
	surface->current_destroy.notify = handle_current_destroy;
	pixman_region32_init(&surface->damage);
	wl_list_init(&surface->callbacks);
	wl_list_insert(server->surfaces.prev, &surface->link);
	wl_resource_set_implementation(created, &surface_impl, surface,
		surface_handle_resource_destroy);
}

static const struct wl_region_interface region_impl = {
	.destroy = handle_destroy,
};

/* A resource with nothing behind it: what one costs. */
static void compositor_create_region(struct wl_client *client,
		struct wl_resource *resource, uint32_t id) {
	struct wl_resource *region =
		wl_resource_create(client, &wl_region_interface, 1, id);
	if (region == NULL) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(region, &region_impl, NULL, NULL);
}

static const struct wl_compositor_interface compositor_impl = {
	.create_surface = compositor_create_surface,
	.create_region = compositor_create_region,
};

/* Measuring */

static void bench_set_reader(struct wl_client *client,
		struct wl_resource *resource, uint32_t kind, int32_t width,
		int32_t height) {
	struct running *server = wl_resource_get_user_data(resource);
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
	struct running *server = wl_resource_get_user_data(resource);
	server->started = spent_now();
}

static void bench_stop(struct wl_client *client, struct wl_resource *resource) {
	struct running *server = wl_resource_get_user_data(resource);
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
	struct running *server = wl_resource_get_user_data(resource);
	size_t len = (size_t)wl_list_length(&server->surfaces);
	void **buffers = calloc(len, sizeof(buffers[0]));
	struct accessing accessing[THREADS_MAX];
	struct surface *surface;
	size_t i = 0;
	wl_list_for_each(surface, &server->surfaces, link) {
		buffers[i++] = server->impl->lock(surface->current);
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
	wl_list_for_each(surface, &server->surfaces, link) {
		server->impl->unlock(buffers[i++], surface->current);
	}
	free(buffers);
}

static void bench_note_memory(struct wl_client *client,
		struct wl_resource *resource) {
	struct running *server = wl_resource_get_user_data(resource);
	struct notes *notes = server->notes;
	struct mallinfo2 info = mallinfo2();
	if (notes->heap_len < NOTES_MAX) {
		notes->heap[notes->heap_len++] = info.uordblks + info.hblkhd;
	}
}

static void bench_note_shadows(struct wl_client *client,
		struct wl_resource *resource) {
	struct running *server = wl_resource_get_user_data(resource);
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

/* Globals */

static void bind_global(struct wl_client *client, struct running *server,
		const struct wl_interface *interface, uint32_t version,
		uint32_t id, const void *impl) {
	struct wl_resource *resource =
		wl_resource_create(client, interface, (int)version, id);
	if (resource == NULL) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(resource, impl, server, NULL);
}

static void bind_compositor(struct wl_client *client, void *data,
		uint32_t version, uint32_t id) {
	bind_global(client, data, &wl_compositor_interface, version, id,
		&compositor_impl);
}

static void bind_bench(struct wl_client *client, void *data, uint32_t version,
		uint32_t id) {
	bind_global(client, data, &bench_interface, version, id,
		&bench_impl);
}

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
	wl_list_init(&server.surfaces);
	if (callgrind_folder() != NULL) {
		shift_heap();
	}
	count_instructions();
	struct wl_display *display = wl_display_create();
	if (display == NULL || !impl->create(display, idle_ms) ||
			wl_global_create(display, &wl_compositor_interface, 4,
				&server, bind_compositor) == NULL ||
			wl_global_create(display, &bench_interface, 1, &server,
				bind_bench) == NULL ||
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
