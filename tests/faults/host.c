/* SPDX-License-Identifier: MIT */
/*
 * A compositor that reads each buffer when it is committed, and writes a picture to each
 * buffer of a capture.
 *
 *     faults-host native|wlroots|guard|preload|libwayland|none
 *
 * Prints the name of its socket and a newline. Reads commands of two bytes from its
 * standard input: a letter, and the number of a client, in the order of connecting. Prints
 * the letter when the command is done:
 *
 *     r  reads again what the client shows
 *     t  the same on another thread, while the display's thread waits
 *     f  requests fds of what it shows
 *     k  keeps that, also when the client has disconnected
 *     s  requests all statistics, of all clients
 *     n  nothing
 *     i  waits until there are no idle copies
 *     q  exits
 *
 * With "none", there is no display, and any command ends the process.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "file-globals.h"
#include "host.h"
#include "process.h"
#include "server/context.h"
#include "shm.h"
#include "wlr-screencopy-unstable-v1-server-protocol.h"

/* The pattern of captures. */
#define CAPTURED 7777

#define CAPTURE_WAIT_US 20000000

struct surface {
	struct compositor_surface base;
	void *held;
};

static struct surface *get_surface(struct compositor_surface *base) {
	struct surface *surface = wl_container_of(base, surface, base);
	return surface;
}

/* Clients */

struct client_end {
	struct wl_listener destroy;
	struct wl_client **place;
};

static void handle_client_destroy(struct wl_listener *listener, void *data) {
	struct client_end *end = wl_container_of(listener, end, destroy);
	*end->place = NULL;
	free(end);
}

static void handle_client_created(struct wl_listener *listener, void *data) {
	struct host *host = wl_container_of(listener, host, client_created);
	struct client_end *end = calloc(1, sizeof(*end));
	if (end == NULL || host->clients_len == FAULTS_CLIENTS_MAX) {
		abort();
	}
	end->place = &host->clients[host->clients_len++];
	*end->place = data;
	end->destroy.notify = handle_client_destroy;
	wl_client_add_destroy_listener(data, &end->destroy);
}

static struct faults_shown *get_shown(struct host *host,
		const struct wl_resource *resource) {
	const struct wl_client *client =
		wl_resource_get_client((struct wl_resource *)resource);
	for (uint32_t i = 0; i < host->clients_len; i++) {
		if (host->clients[i] == client) {
			return &host->control->shown[i];
		}
	}
	abort();
}

/* Reading and writing */

static void show(const struct client_image *image, void *data) {
	struct faults_shown *shown = data;
	shown->width = image->width < 64 ? image->width : 64;
	shown->height = image->height < 64 ? image->height : 64;
	for (int32_t y = 0; y < shown->height; y++) {
		memcpy(&shown->pixels[y * shown->width],
			(uint8_t *)image->data +
			(size_t)y * (size_t)image->stride,
			(size_t)shown->width * 4);
	}
	shown->reads++;
}

/* Returns NULL for none. A buffer of libwayland's cannot be kept after it is
 * destroyed. */
static void *get_buffer(const struct host *host, struct surface *surface) {
	return host->face->holds ? surface->held : surface->base.current.resource;
}

static void read_surface(struct host *host, struct surface *surface) {
	struct faults_shown *shown = get_shown(host, surface->base.resource);
	void *buffer = get_buffer(host, surface);
	if (buffer != NULL && !host->face->access(buffer, false, show, shown)) {
		shown->failed++;
	}
}

static void draw(const struct client_image *image, void *data) {
	struct client_image to = *image;
	client_image_draw(&to, *(uint32_t *)data);
}

/* A capture is refused if a file on a disk does not answer within the allowance, and then is
 * not repeated. So it waits for as long as the machine takes: CAPTURE_WAIT_US only ends a
 * wait for an answer that never comes. */
static bool capture(struct host *host, void *held, uint32_t frame) {
	if (host->shm == NULL) {
		return host->face->access(held, true, draw, &frame);
	}
	struct sp_readers *readers = &host->shm->context->memory.readers;
	int64_t allowance = readers->allowance, most = readers->allowance_max;
	readers->allowance = readers->allowance_max = CAPTURE_WAIT_US;
	bool ok = host->face->access(held, true, draw, &frame);
	readers->allowance = allowance;
	readers->allowance_max = most;
	return ok;
}

static void handle_take(struct compositor_taker *taker,
		struct wl_resource *buffer) {
	struct host *host = taker->compositor->data;
	void *held = NULL;
	host->face->hold(&held, buffer);
	if (held != NULL && host->face->get_fd != NULL) {
		/* wlroots asks so for an icon, which no surface has either. */
		host->face->get_fd(held);
	}
	bool silent = host->control->silent;
	uint32_t frame = silent ? CAPTURED + 1 : CAPTURED;
	bool ok = held != NULL && capture(host, held, frame);
	if (silent) {
		host->face->hold(&held, NULL);
		return;
	}
	if (ok) {
		zwlr_screencopy_frame_v1_send_flags(taker->resource, 0);
		zwlr_screencopy_frame_v1_send_ready(taker->resource, 0, 0, 0);
	} else {
		zwlr_screencopy_frame_v1_send_failed(taker->resource);
	}
	host->face->hold(&held, NULL);
}

static void handle_commit(struct compositor_surface *base,
		struct wl_resource *replaced) {
	struct host *host = base->compositor->data;
	struct surface *surface = get_surface(base);
	if (base->attached && host->face->holds) {
		host->face->hold(&surface->held, base->current.resource);
	} else if (base->attached && replaced != NULL) {
		wl_buffer_send_release(replaced);
	}
	read_surface(host, surface);
}

static void handle_surface_destroy(struct compositor_surface *base) {
	struct host *host = base->compositor->data;
	host->face->hold(&get_surface(base)->held, NULL);
}

static const struct compositor_impl impl = {
	.surface_size = sizeof(struct surface),
	.handle_commit = handle_commit,
	.handle_surface_destroy = handle_surface_destroy,
	.handle_take = handle_take,
};

/* Maps a keymap, as compositors do. */
static uint32_t count_text(int fd, uint32_t size) {
	const char *text = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	uint32_t count = 0;
	for (uint32_t i = 0; text != MAP_FAILED && i < size; i++) {
		count += text[i] == 'x';
	}
	if (text != MAP_FAILED) {
		munmap((void *)text, size);
	}
	return count;
}

static void handle_file(const struct wl_message *message,
		const union wl_argument *args, int fd, void *data) {
	struct host *host = data;
	if (strcmp(message->name, "keymap") == 0) {
		host->control->received = count_text(fd, args[2].u);
		close(fd);
		return;
	}
	close(host->file);
	host->file = fd;
}

/* The driver's commands */

static void *run_thread(void *data) {
	struct surface *surface = data;
	read_surface(surface->base.compositor->data, surface);
	return NULL;
}

static void read_on_thread(struct surface *surface) {
	pthread_t thread;
	if (pthread_create(&thread, NULL, run_thread, surface) != 0) {
		abort();
	}
	pthread_join(thread, NULL);
}

/* For the client with this number, in the order of connecting. */
static void handle_surfaces(struct host *host, char command, size_t client) {
	struct compositor_surface *base;
	wl_list_for_each(base, &host->compositor.surfaces, link) {
		struct surface *surface = get_surface(base);
		if (client >= host->clients_len || host->clients[client] !=
				wl_resource_get_client(base->resource)) {
			continue;
		}
		if (command == 'r') {
			read_surface(host, surface);
		} else if (command == 't') {
			read_on_thread(surface);
		} else if (command == 'k' && host->face->holds) {
			host->face->hold(&host->kept,
				surface->base.current.resource);
		} else if (command == 'f' && host->face->holds &&
				surface->held != NULL) {
			host->face->get_fd(surface->held);
		}
	}
}

static void add_bytes(const struct sealpool_stats *stats, void *data) {
	*(uint64_t *)data += stats->shadow_bytes;
}

static uint64_t get_stats(struct host *host) {
	uint64_t bytes = 0;
	for (uint32_t i = 0; host->shm != NULL && i < host->clients_len; i++) {
		struct sealpool_stats stats = { .size = sizeof(stats) };
		if (host->clients[i] != NULL) {
			sealpool_shm_get_client_stats(host->shm,
				host->clients[i], &stats);
			sealpool_shm_for_each_pool(host->shm,
				host->clients[i], add_bytes, &bytes);
		}
	}
	return bytes;
}

/* Waits three times as long as copies take to become idle, unless there are none. With
 * sealpool-run, until that has printed its statistics. */
static void wait_for_idle(struct host *host) {
	struct wl_event_loop *loop = wl_display_get_event_loop(host->display);
	int times = strcmp(host->face->name, "preload") != 0 ? 30 : 105;
	for (int i = 0; i < times && (host->shm == NULL || get_stats(host) > 0);
			i++) {
		wl_event_loop_dispatch(loop, 10);
	}
}

static int handle_command(int fd, uint32_t mask, void *data) {
	struct host *host = data;
	unsigned char command[2];
	if (read(fd, command, 2) != 2 || command[0] == 'q') {
		wl_display_terminate(host->display);
		return 0;
	}
	switch (command[0]) {
	case 'n':
		break;
	case 's':
		get_stats(host);
		break;
	case 'i':
		wait_for_idle(host);
		break;
	default:
		handle_surfaces(host, (char)command[0], command[1]);
		break;
	}
	wl_display_flush_clients(host->display);
	return write(STDOUT_FILENO, command, 1) == 1 ? 0 : -1;
}

static struct faults_control *map_control(void) {
	const char *path = getenv(FAULTS_VARIABLE);
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *data = mmap(NULL, sizeof(struct faults_control),
		PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return data != MAP_FAILED ? data : NULL;
}

static bool start(struct host *host) {
	struct compositor *compositor = &host->compositor;
	if (!host->face->start(host) ||
			!compositor_init(compositor, host->display, &impl, host) ||
			!compositor_offer(compositor, &compositor_screencopy) ||
			!compositor_offer(compositor, &compositor_viewporter) ||
			!compositor_offer(compositor, &compositor_output) ||
			!file_globals_create(host->display, handle_file, host)) {
		return false;
	}
	host->client_created.notify = handle_client_created;
	wl_display_add_client_created_listener(host->display,
		&host->client_created);
	const char *name = wl_display_add_socket_auto(host->display);
	host->commands = wl_event_loop_add_fd(
		wl_display_get_event_loop(host->display), STDIN_FILENO,
		WL_EVENT_READABLE, handle_command, host);
	if (name == NULL || host->commands == NULL) {
		return false;
	}
	printf("%s\n", name);
	fflush(stdout);
	return true;
}

/* Files on a disk are closed by threads, which exit then. A busy disk may take any time for
 * that, but a compositor that ends waits only for a moment. */
static void wait_for_threads(struct wl_display *display) {
	while (count_threads() > 1) {
		wl_event_loop_dispatch(wl_display_get_event_loop(display), 10);
	}
}

static void print_fds(void) {
	for (int fd = 0; fd < 256; fd++) {
		char path[64], target[256];
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t length = readlink(path, target, sizeof(target));
		if (length > 0) {
			fprintf(stderr, "host: %d is %.*s\n", fd, (int)length,
				target);
		}
	}
}

/* What is left when no other thread runs stays. */
static bool is_clean(size_t fds, size_t mappings) {
	size_t fds_now, mappings_now;
	bool alone = false;
	do {
		if (!alone) {
			poll(NULL, 0, 1);
		}
		alone = count_threads() == 1;
		fds_now = count_fds();
		mappings_now = count_mappings("/memfd:", "(deleted)");
	} while (!alone && (fds_now != fds || mappings_now != mappings));
	if (fds_now == fds && mappings_now == mappings) {
		return true;
	}
	fprintf(stderr, "host: %zd fds and %zd mappings more than at first\n",
		(ssize_t)(fds_now - fds), (ssize_t)(mappings_now - mappings));
	print_fds();
	return false;
}

int main(int argc, char *argv[]) {
	struct host host = { .control = map_control(), .file = -1 };
	for (size_t i = 0; argc > 1 && i < host_faces_len; i++) {
		if (strcmp(argv[1], host_faces[i].name) == 0) {
			host.face = &host_faces[i];
		}
	}
	if (argc > 1 && strcmp(argv[1], "none") == 0) {
		puts("none");
		fflush(stdout);
		return getchar() == EOF;
	}
	if (host.face == NULL || host.control == NULL) {
		return 2;
	}
	size_t fds = count_fds();
	size_t mappings = count_mappings("/memfd:", "(deleted)");
	int status = FAULTS_NOT_STARTED;
	host.display = wl_display_create();
	if (host.display != NULL) {
		if (start(&host)) {
			wl_display_run(host.display);
			wl_event_source_remove(host.commands);
			wl_display_destroy_clients(host.display);
			wait_for_threads(host.display);
			host.face->hold(&host.kept, NULL);
			close(host.file);
			status = 0;
		}
		wl_display_destroy(host.display);
	}
	return is_clean(fds, mappings) ? status : FAULTS_LEFT_OPEN;
}
