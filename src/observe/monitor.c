/* SPDX-License-Identifier: MIT */
/*
 * The monitor: a socket that shows the compositor's user what all clients hold and cost.
 * It sends a snapshot to each connection, and closes it.
 *
 *     sealpool-monitor 1
 *     client id=3 pid=4711 pools=2 ... faults=0 copies=0 reasons=none
 *     end
 *
 * It is a socket and not a Wayland global, since a library cannot know which clients to
 * trust: a sandboxed client has the user's id and a connection like any other, only the
 * compositor knows security contexts, and the one global filter is the compositor's,
 * too. But a sandbox cannot reach files outside of it. So the socket is beside the
 * compositor's own, and only its user may connect. A process that can reach it can also
 * reach the compositor without a security context.
 *
 * A reader sends nothing. One that does not read delays nobody, and is disconnected when
 * there are too many others.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include "monitor.h"
#include "reasons.h"
#include "server/client.h"
#include "server/context.h"
#include "stats.h"

/* Readers that have not read everything; above this number, the oldest is
 * disconnected. */
#define READERS_MAX 8
#define NAMES_MAX 16

struct reader {
	struct wl_list link; /* sealpool_monitor.readers, the oldest first */
	struct sealpool_monitor *monitor;
	int fd;
	struct wl_event_source *source;
	char *text;
	size_t length, sent;
};

struct sealpool_monitor {
	struct sp_context *context;
	struct wl_listener shm_destroy;
	struct sockaddr_un address;
	int fd;
	/* Closed for a moment when there are no more fds, to accept and close a
	 * connection: otherwise it would wake the loop again and again. */
	int spare_fd;
	struct wl_event_source *source;
	struct wl_list readers;
	unsigned readers_len;
};

static void print_client(FILE *file, struct sp_client *client) {
	struct sealpool_stats stats = { .size = sizeof(stats) };
	sp_client_get_stats(client, &stats);
	/* The pid is 0 for a disconnected client whose memory the compositor holds. */
	fprintf(file, "client id=%" PRIu64 " pid=%d pools=%" PRIu32
		" fds=%" PRIu32 " direct=%" PRIu32 " nofault=%" PRIu32
		" shadow=%" PRIu32 " pool_bytes=%" PRIu64
		" shadow_bytes=%" PRIu64 " copied_in=%" PRIu64
		" copied_out=%" PRIu64 " faults=%" PRIu64 " copies=%" PRIu64
		" reasons=",
		client->id, sp_client_get_pid(client), stats.pools, stats.fds,
		stats.buffers[SEALPOOL_MEMORY_DIRECT],
		stats.buffers[SEALPOOL_MEMORY_NOFAULT],
		stats.buffers[SEALPOOL_MEMORY_SHADOW], stats.pool_bytes,
		stats.shadow_bytes, stats.bytes_copied_in,
		stats.bytes_copied_out, stats.faults,
		(uint64_t)client->counters.copies);
	sp_reasons_print(file, sp_reasons_get_client(client));
	fputs("\n", file);
}

/* Returns a text that the caller frees; NULL when there is no memory. */
static char *print_snapshot(struct sp_context *context, size_t *length) {
	char *text = NULL;
	FILE *file = open_memstream(&text, length);
	if (file == NULL) {
		return NULL;
	}
	fputs("sealpool-monitor 1\n", file);
	struct sp_client *client;
	wl_list_for_each(client, &context->clients, link) {
		print_client(file, client);
	}
	fputs("end\n", file);
	bool ok = !ferror(file);
	if (fclose(file) != 0 || !ok) {
		free(text);
		return NULL;
	}
	return text;
}

static void reader_destroy(struct reader *reader) {
	wl_list_remove(&reader->link);
	reader->monitor->readers_len--;
	if (reader->source != NULL) {
		wl_event_source_remove(reader->source);
	}
	close(reader->fd);
	free(reader->text);
	free(reader);
}

/* Returns whether there is more to be sent. */
static bool reader_send(struct reader *reader) {
	while (reader->sent < reader->length) {
		ssize_t n = send(reader->fd, reader->text + reader->sent,
			reader->length - reader->sent,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0) {
			return errno == EAGAIN || errno == EINTR;
		}
		reader->sent += (size_t)n;
	}
	return false;
}

static int reader_handle_writable(int fd, uint32_t mask, void *data) {
	struct reader *reader = data;
	if ((mask & (WL_EVENT_HANGUP | WL_EVENT_ERROR)) != 0 ||
			!reader_send(reader)) {
		reader_destroy(reader);
	}
	return 0;
}

/* Takes ownership of the fd. */
static void answer(struct sealpool_monitor *monitor, int fd) {
	struct reader *reader = calloc(1, sizeof(*reader));
	if (reader == NULL) {
		close(fd);
		return;
	}
	reader->monitor = monitor;
	reader->fd = fd;
	wl_list_insert(monitor->readers.prev, &reader->link);
	monitor->readers_len++;
	reader->text = print_snapshot(monitor->context, &reader->length);
	if (reader->text == NULL || !reader_send(reader)) {
		reader_destroy(reader);
		return;
	}
	reader->source = wl_event_loop_add_fd(
		wl_display_get_event_loop(monitor->context->display), fd,
		WL_EVENT_WRITABLE, reader_handle_writable, reader);
	if (reader->source == NULL) {
		reader_destroy(reader);
		return;
	}
	if (monitor->readers_len > READERS_MAX) {
		struct reader *oldest = wl_container_of(
			monitor->readers.next, oldest, link);
		reader_destroy(oldest);
	}
}

/* The socket's mode protects it too, unless its folder is on a file system without
 * modes. */
static bool is_allowed(int fd) {
	struct ucred peer;
	socklen_t length = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
		(peer.uid == geteuid() || peer.uid == 0);
}

static int open_spare(void) {
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int handle_readable(int listening, uint32_t mask, void *data) {
	struct sealpool_monitor *monitor = data;
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		close(monitor->spare_fd);
		fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			close(fd);
		}
		monitor->spare_fd = open_spare();
		return 0;
	}
	if (fd < 0) {
		return 0;
	}
	if (is_allowed(fd)) {
		answer(monitor, fd);
	} else {
		close(fd);
	}
	return 0;
}

/* Returns whether a process that has ended left the socket behind. */
static bool is_stale(const struct sockaddr_un *address) {
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return false;
	}
	bool stale = connect(fd, (const struct sockaddr *)address,
		sizeof(*address)) < 0 && errno == ECONNREFUSED;
	close(fd);
	return stale;
}

/* Returns 0 or a negative errno. */
static int bind_to(struct sealpool_monitor *monitor) {
	const struct sockaddr *address =
		(const struct sockaddr *)&monitor->address;
	socklen_t length = sizeof(monitor->address);
	if (bind(monitor->fd, address, length) == 0) {
		return 0;
	}
	if (errno == EADDRINUSE && is_stale(&monitor->address)) {
		unlink(monitor->address.sun_path);
		if (bind(monitor->fd, address, length) == 0) {
			return 0;
		}
	}
	return -errno;
}

static int start_listening(struct sealpool_monitor *monitor, const char *dir) {
	struct sockaddr_un *address = &monitor->address;
	address->sun_family = AF_UNIX;
	/* On Linux, the file gets the socket's mode. */
	if (fchmod(monitor->fd, 0600) < 0) {
		return -errno;
	}
	int ret = -EADDRINUSE;
	for (int i = 0; i < NAMES_MAX && ret == -EADDRINUSE; i++) {
		char suffix[16] = "";
		if (i > 0) {
			snprintf(suffix, sizeof(suffix), "-%d", i);
		}
		int n = snprintf(address->sun_path, sizeof(address->sun_path),
			"%s/sealpool-%d%s", dir, (int)getpid(), suffix);
		if (n < 0 || (size_t)n >= sizeof(address->sun_path)) {
			return -ENAMETOOLONG;
		}
		ret = bind_to(monitor);
	}
	if (ret < 0) {
		return ret;
	}
	if (listen(monitor->fd, READERS_MAX) < 0) {
		ret = -errno;
		unlink(address->sun_path);
	}
	return ret;
}

void sealpool_monitor_destroy(struct sealpool_monitor *monitor) {
	if (monitor == NULL) {
		return;
	}
	struct reader *reader, *tmp;
	wl_list_for_each_safe(reader, tmp, &monitor->readers, link) {
		reader_destroy(reader);
	}
	wl_list_remove(&monitor->shm_destroy.link);
	wl_event_source_remove(monitor->source);
	unlink(monitor->address.sun_path);
	close(monitor->fd);
	if (monitor->spare_fd >= 0) {
		close(monitor->spare_fd);
	}
	free(monitor);
}

static void handle_shm_destroy(struct wl_listener *listener, void *data) {
	struct sealpool_monitor *monitor =
		wl_container_of(listener, monitor, shm_destroy);
	sealpool_monitor_destroy(monitor);
}

struct sealpool_monitor *sp_monitor_create(struct sp_context *context,
		struct wl_signal *destroy) {
	struct wl_listener *listener =
		wl_signal_get(destroy, handle_shm_destroy);
	if (listener != NULL) {
		struct sealpool_monitor *found =
			wl_container_of(listener, found, shm_destroy);
		return found;
	}
	const char *dir = getenv("XDG_RUNTIME_DIR");
	if (dir == NULL || dir[0] != '/') {
		errno = ENOENT;
		return NULL;
	}
	struct sealpool_monitor *monitor = calloc(1, sizeof(*monitor));
	if (monitor == NULL) {
		return NULL;
	}
	monitor->context = context;
	wl_list_init(&monitor->readers);
	int ret;
	monitor->fd = socket(AF_UNIX,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	monitor->spare_fd = open_spare();
	if (monitor->fd < 0 || monitor->spare_fd < 0) {
		ret = -errno;
		goto error;
	}
	ret = start_listening(monitor, dir);
	if (ret < 0) {
		goto error;
	}
	monitor->source = wl_event_loop_add_fd(
		wl_display_get_event_loop(context->display), monitor->fd,
		WL_EVENT_READABLE, handle_readable, monitor);
	if (monitor->source == NULL) {
		ret = -ENOMEM;
		unlink(monitor->address.sun_path);
		goto error;
	}
	monitor->shm_destroy.notify = handle_shm_destroy;
	wl_signal_add(destroy, &monitor->shm_destroy);
	return monitor;

error:
	if (monitor->spare_fd >= 0) {
		close(monitor->spare_fd);
	}
	if (monitor->fd >= 0) {
		close(monitor->fd);
	}
	free(monitor);
	errno = -ret;
	return NULL;
}
