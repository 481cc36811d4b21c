/* SPDX-License-Identifier: MIT */
/*
 * Reads a snapshot from the compositor's monitor: lines with key=value fields. Unknown
 * fields are ignored.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "find.h"
#include "snapshot.h"

/* The snapshot of so many clients. Each is looked for among all. */
#define CLIENTS_MAX 10000
#define TEXT_MAX ((size_t)4 << 20)

static const struct {
	const char *key;
	size_t offset;
} counters[] = {
	{ "id", offsetof(struct client, id) },
	{ "pools", offsetof(struct client, pools) },
	{ "fds", offsetof(struct client, fds) },
	{ "direct", offsetof(struct client, direct) },
	{ "nofault", offsetof(struct client, nofault) },
	{ "shadow", offsetof(struct client, shadow) },
	{ "pool_bytes", offsetof(struct client, pool_bytes) },
	{ "shadow_bytes", offsetof(struct client, shadow_bytes) },
	{ "copied_in", offsetof(struct client, copied_in) },
	{ "copied_out", offsetof(struct client, copied_out) },
	{ "faults", offsetof(struct client, faults) },
	{ "copies", offsetof(struct client, copies) },
};

static bool fail(char *error, size_t size, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(error, size, format, args);
	va_end(args);
	return false;
}

/* The client chooses its name, which may contain anything. */
static void read_name(struct client *client) {
	snprintf(client->name, sizeof(client->name), "%s",
		client->pid > 0 ? "?" : "(gone)");
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/comm", client->pid);
	FILE *file = client->pid > 0 ? fopen(path, "re") : NULL;
	if (file == NULL) {
		return;
	}
	/* As long as the kernel's, with a null byte in place of the newline. */
	char name[sizeof(client->name)] = "";
	size_t length = fread(name, 1, sizeof(name) - 1, file);
	fclose(file);
	while (length > 0 && name[length - 1] == '\n') {
		name[--length] = '\0';
	}
	for (size_t i = 0; name[i] != '\0'; i++) {
		client->name[i] = name[i] > ' ' && name[i] < 0x7f ?
			name[i] : '?';
		client->name[i + 1] = '\0';
	}
}

static void read_reasons(struct client *client, const char *text) {
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz_,");
	if (length > 0 && text[length] == '\0' && strcmp(text, "none") != 0) {
		snprintf(client->reasons, sizeof(client->reasons), "%s", text);
	}
}

static void parse_client(char *line, struct client *client) {
	*client = (struct client){ .reasons = "-" };
	char *rest = line;
	for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
		char *value = strchr(word, '=');
		if (value == NULL) {
			continue;
		}
		*value++ = '\0';
		uint64_t number = strtoumax(value, NULL, 10);
		if (strcmp(word, "pid") == 0) {
			client->pid = (int)number;
		} else if (strcmp(word, "reasons") == 0) {
			read_reasons(client, value);
		}
		for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]);
				i++) {
			if (strcmp(word, counters[i].key) == 0) {
				memcpy((char *)client + counters[i].offset,
					&number, sizeof(number));
			}
		}
	}
	read_name(client);
}

/* The memory for clients is doubled whenever their number is a power of two. */
static bool add_client(struct snapshot *snapshot, char *line) {
	size_t len = snapshot->clients_len;
	if ((len & (len - 1)) == 0) {
		struct client *clients = reallocarray(snapshot->clients,
			len > 0 ? 2 * len : 1, sizeof(clients[0]));
		if (clients == NULL) {
			return false;
		}
		snapshot->clients = clients;
	}
	parse_client(line, &snapshot->clients[snapshot->clients_len++]);
	return true;
}

static int64_t now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads until the other end closes. On failure, returns NULL and sets errno. */
static char *read_text(int fd) {
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);
	if (file == NULL) {
		return NULL;
	}
	int64_t deadline = now_ms() + PATIENCE_S * 1000;
	size_t all = 0;
	ssize_t n;
	do {
		struct pollfd pollfd = { .fd = fd, .events = POLLIN };
		char bytes[4096];
		int64_t left = deadline - now_ms();
		n = poll(&pollfd, 1, left > 0 ? (int)left : 0);
		if (n == 0) {
			errno = ETIMEDOUT;
			n = -1;
		} else if (n > 0) {
			n = read(fd, bytes, sizeof(bytes));
		}
		if (n > 0) {
			all += (size_t)n;
			fwrite(bytes, 1, (size_t)n, file);
		}
		if (all > TEXT_MAX) {
			errno = EMSGSIZE;
			n = -1;
		}
	} while (n > 0);
	int error = errno;
	if (fclose(file) != 0 || n < 0) {
		free(text);
		errno = n < 0 ? error : ENOMEM;
		return NULL;
	}
	return text;
}

bool snapshot_read(struct snapshot *snapshot, const char *path, char *error,
		size_t error_size) {
	*snapshot = (struct snapshot){ 0 };
	int fd = socket_connect(path);
	if (fd < 0) {
		return fail(error, error_size, "%s: %s", path, strerror(-fd));
	}
	char *text = read_text(fd);
	close(fd);
	if (text == NULL) {
		return fail(error, error_size, "%s: %s", path, strerror(errno));
	}
	snapshot->time = now_ms();
	bool begun = false, ended = false, ok = true, too_many = false;
	char *rest = text;
	for (char *line; (line = strtok_r(rest, "\n", &rest)) != NULL;) {
		if (!begun) {
			begun = strcmp(line, "sealpool-monitor 1") == 0;
			ok = begun;
		} else if (strncmp(line, "client ", strlen("client ")) == 0) {
			too_many |= snapshot->clients_len == CLIENTS_MAX;
			ok = ok && !too_many && add_client(snapshot, line);
		} else {
			ended |= strcmp(line, "end") == 0;
		}
	}
	free(text);
	if (!ok || !ended) {
		snapshot_finish(snapshot);
		return fail(error, error_size, "%s: %s", path, too_many ?
			strerror(EMSGSIZE) : !ok ?
			"the compositor's monitor has another version" :
			"the snapshot is incomplete");
	}
	return true;
}

void snapshot_finish(struct snapshot *snapshot) {
	free(snapshot->clients);
	*snapshot = (struct snapshot){ 0 };
}

const struct client *snapshot_find(const struct snapshot *snapshot,
		uint64_t id) {
	for (size_t i = 0; i < snapshot->clients_len; i++) {
		if (snapshot->clients[i].id == id) {
			return &snapshot->clients[i];
		}
	}
	return NULL;
}
