/* SPDX-License-Identifier: MIT */
/*
 * Four lives of a client's data, for scripts/crossings: an fd, a damage rectangle, a
 * missing byte and a charged byte.
 *
 * Server and client are in one thread and take turns, so each run is the same. The library
 * is built with -finstrument-functions, which calls the two functions below at each entry
 * and exit; this program is not. Only the steps between record_begin() and record_end() are
 * recorded, without their preparation. The library's own threads are not recorded.
 *
 * One client has all four lives, and each step depends on the ones before:
 *
 *   A sealed pool and its buffer stay until the client is disconnected.
 *   An unsealed pool has a buffer with the first copy of the process. It is shown again
 *   with 20 damaged rows, and destroyed: the copy's memory becomes the client's spare.
 *   A pool of twice its file's size is copied to that spare, and the client is
 *   disconnected.
 *
 * The compositor holds a reference to each buffer but draws nothing. The buffers are read
 * here, with as few calls of the library as possible.
 */
#include <dlfcn.h>
#include <drm_fourcc.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wayland-client.h>
#include <wayland-server.h>

#include <sealpool/shm.h>

/* Rows are so long that the bytes between the damaged parts of two rows are not copied.
 * The size matters: one version of the library unmaps small buffers later than large
 * ones. */
#define WIDTH 256
#define HEIGHT 64
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

#define CALLS_MAX 65536

/* The recording */

struct call {
	char sign; /* '>' into a function, '<' out of it */
	void *function;
};

static struct call calls[CALLS_MAX];
static size_t calls_len;
static _Thread_local bool recording;

static void record(char sign, void *function) {
	if (!recording) {
		return;
	}
	if (calls_len == CALLS_MAX) {
		fprintf(stderr, "more calls than expected\n");
		_Exit(1);
	}
	calls[calls_len++] = (struct call){ sign, function };
}

void __cyg_profile_func_enter(void *function, void *caller);
void __cyg_profile_func_exit(void *function, void *caller);

void __cyg_profile_func_enter(void *function, void *caller) {
	record('>', function);
}

void __cyg_profile_func_exit(void *function, void *caller) {
	record('<', function);
}

static void record_begin(void) {
	calls_len = 0;
	recording = true;
}

/* Prints a step and its calls: library and offset of each function. */
static void record_end(const char *step) {
	recording = false;
	printf("= %s\n", step);
	for (size_t i = 0; i < calls_len; i++) {
		Dl_info info;
		if (dladdr(calls[i].function, &info) == 0) {
			abort();
		}
		printf("%c %#zx %s\n", calls[i].sign,
			(size_t)((char *)calls[i].function -
				(char *)info.dli_fbase), info.dli_fname);
	}
}

static void check(bool ok, const char *what) {
	if (!ok) {
		fprintf(stderr, "%s\n", what);
		exit(1);
	}
}

/* The compositor */

static struct wl_display *server;
static struct wl_client *server_client;
/* The newest buffer, a reference; NULL for none. */
static struct sealpool_buffer *held;

static void handle_new_buffer(struct wl_listener *listener, void *data) {
	held = sealpool_buffer_ref(data);
}

static struct wl_listener new_buffer = { .notify = handle_new_buffer };

static void handle_attach(struct wl_client *client,
		struct wl_resource *resource, struct wl_resource *buffer,
		int32_t x, int32_t y) {
	/* Nothing is drawn. */
}

static void handle_damage(struct wl_client *client,
		struct wl_resource *resource, int32_t x, int32_t y,
		int32_t width, int32_t height) {
	/* Nothing is drawn. */
}

static void handle_commit(struct wl_client *client,
		struct wl_resource *resource) {
	/* Nothing is drawn. */
}

/* The client sends no other request. */
static const struct wl_surface_interface surface_impl = {
	.attach = handle_attach,
	.damage = handle_damage,
	.commit = handle_commit,
};

static void create_resource(struct wl_client *client,
		const struct wl_interface *interface, uint32_t version,
		uint32_t id, const void *impl) {
	struct wl_resource *resource =
		wl_resource_create(client, interface, (int)version, id);
	check(resource != NULL, "no memory");
	wl_resource_set_implementation(resource, impl, NULL, NULL);
}

static void handle_create_surface(struct wl_client *client,
		struct wl_resource *resource, uint32_t id) {
	create_resource(client, &wl_surface_interface, 1, id, &surface_impl);
}

static const struct wl_compositor_interface compositor_impl = {
	.create_surface = handle_create_surface,
};

static void bind_compositor(struct wl_client *client, void *data,
		uint32_t version, uint32_t id) {
	create_resource(client, &wl_compositor_interface, version, id,
		&compositor_impl);
}

/* Dispatches all pending events. */
static void dispatch(void) {
	struct wl_event_loop *loop = wl_display_get_event_loop(server);
	struct pollfd pollfd = {
		.fd = wl_event_loop_get_fd(loop),
		.events = POLLIN,
	};
	while (poll(&pollfd, 1, 0) > 0) {
		wl_event_loop_dispatch(loop, 0);
	}
	wl_display_flush_clients(server);
}

static void read_held(void) {
	struct sealpool_access access;
	sealpool_buffer_begin_access(held, SEALPOOL_ACCESS_READ, &access);
	sealpool_buffer_end_access(&access);
}

/* The client */

static struct wl_display *client;
static struct wl_compositor *compositor;
static struct wl_shm *shm;
static struct wl_surface *surface;

static void handle_global(void *data, struct wl_registry *registry,
		uint32_t name, const char *interface, uint32_t version) {
	if (strcmp(interface, wl_compositor_interface.name) == 0) {
		compositor = wl_registry_bind(registry, name,
			&wl_compositor_interface, 1);
	} else if (strcmp(interface, wl_shm_interface.name) == 0) {
		shm = wl_registry_bind(registry, name, &wl_shm_interface, 1);
	}
}

static void handle_global_remove(void *data, struct wl_registry *registry,
		uint32_t name) {
	/* None is. */
}

static const struct wl_registry_listener registry_listener = {
	.global = handle_global,
	.global_remove = handle_global_remove,
};

/* Has the server handle the client's requests, and the client the events. */
static void take_turns(void) {
	wl_display_flush(client);
	dispatch();
	struct pollfd pollfd = {
		.fd = wl_display_get_fd(client),
		.events = POLLIN,
	};
	while (poll(&pollfd, 1, 0) > 0) {
		check(wl_display_dispatch(client) >= 0, "disconnected");
	}
}

/* The same, and records the server's part. */
static void record_requests(const char *step) {
	wl_display_flush(client);
	record_begin();
	dispatch();
	record_end(step);
	take_turns();
}

static void record_read(const char *step) {
	record_begin();
	read_held();
	record_end(step);
}

/* Creates a file whose memory is all allocated. */
static int create_file(size_t size) {
	int fd = memfd_create("crossings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	check(fd >= 0 && posix_fallocate(fd, 0, (off_t)size) == 0,
		"cannot create a file");
	return fd;
}

static struct wl_shm_pool *create_pool(int fd) {
	struct wl_shm_pool *pool = wl_shm_create_pool(shm, fd, BYTES);
	close(fd);
	return pool;
}

static struct wl_buffer *create_buffer(struct wl_shm_pool *pool) {
	held = NULL;
	return wl_shm_pool_create_buffer(pool, 0, WIDTH, HEIGHT, STRIDE,
		WL_SHM_FORMAT_ARGB8888);
}

static void show(struct wl_buffer *buffer) {
	wl_surface_attach(surface, buffer, 0, 0);
	wl_surface_damage(surface, 0, 0, WIDTH, HEIGHT);
	wl_surface_commit(surface);
	take_turns();
}

/* Shows a buffer of an unsealed file, in a pool of its own, for the first time. */
static struct wl_buffer *show_new(struct wl_shm_pool **pool, size_t file_size) {
	*pool = create_pool(create_file(file_size));
	struct wl_buffer *buffer = create_buffer(*pool);
	take_turns();
	show(buffer);
	return buffer;
}

static void start(void) {
	static const uint32_t formats[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_XRGB8888,
	};
	server = wl_display_create();
	check(server != NULL && wl_global_create(server,
		&wl_compositor_interface, 1, NULL, bind_compositor) != NULL,
		"cannot start the server");
	struct sealpool_shm *global = sealpool_shm_create(server, 2, formats,
		sizeof(formats) / sizeof(formats[0]), NULL);
	check(global != NULL, "cannot create wl_shm");
	sealpool_shm_add_new_buffer_listener(global, &new_buffer);
	int fds[2];
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0,
		"cannot create a socket");
	server_client = wl_client_create(server, fds[0]);
	client = wl_display_connect_to_fd(fds[1]);
	check(server_client != NULL && client != NULL,
		"cannot start the client");
	wl_registry_add_listener(wl_display_get_registry(client),
		&registry_listener, NULL);
	take_turns();
	check(compositor != NULL && shm != NULL, "there is no global");
	surface = wl_compositor_create_surface(compositor);
	take_turns();
}

static void live_as_fd(void) {
	int fd = create_file(BYTES);
	check(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0, "cannot seal");
	struct wl_shm_pool *pool = create_pool(fd);
	record_requests("1 fd: create_pool, sealed");
	create_buffer(pool);
	record_requests("1 fd: create_buffer");
	record_read("1 fd: read");
}

static void live_as_charged_byte_and_damage(void) {
	/* One row of the table. */
	static const char *row = "2 damage: attach / damage / commit";
	struct wl_shm_pool *pool;
	struct wl_buffer *buffer = show_new(&pool, BYTES);
	record_read("4 shadow byte: first read, charge");
	take_turns();

	wl_surface_attach(surface, buffer, 0, 0);
	record_requests(row);
	wl_surface_damage(surface, 10, 10, 50, 20);
	record_requests(row);
	wl_surface_commit(surface);
	record_requests(row);
	record_read("2 damage: read copies");
	take_turns();

	wl_buffer_destroy(buffer);
	wl_shm_pool_destroy(pool);
	wl_display_flush(client);
	record_begin();
	sealpool_buffer_unref(held);
	dispatch();
	record_end("4 shadow byte: buffer and pool go");
	take_turns();
}

static void live_as_missing_byte(void) {
	struct wl_shm_pool *pool;
	show_new(&pool, BYTES / 2);
	record_read("3 missing byte: read");
	record_begin();
	dispatch();
	record_end("3 missing byte: event loop");
}

int main(void) {
	start();
	live_as_fd();
	live_as_charged_byte_and_damage();
	live_as_missing_byte();
	return 0;
}
