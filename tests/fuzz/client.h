/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_CLIENT_H
#define FUZZ_CLIENT_H

/**
 * A client: its files, and the bytes that it sends. Each of its possible objects has an
 * id of its own, so that any request can be sent to any of them.
 */

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "truth.h"

#define CLIENTS 3
#define CLIENT_FILES 3

/** Object ids. */
enum client_object {
	CLIENT_DISPLAY = 1,
	CLIENT_REGISTRY,
	CLIENT_SHM,
	CLIENT_COMPOSITOR,
	CLIENT_SCREENCOPY,
	CLIENT_VIEWPORTER,
	CLIENT_OUTPUT,
	CLIENT_POOLS,
	CLIENT_BUFFERS = CLIENT_POOLS + 3,
	CLIENT_SURFACES = CLIENT_BUFFERS + 4,
	CLIENT_FRAMES = CLIENT_SURFACES + 2,
	CLIENT_VIEWPORTS = CLIENT_FRAMES + 2,
	CLIENT_OBJECTS = CLIENT_VIEWPORTS + 2,
	/* Higher ids are ignored. */
	CLIENT_IDS = 64,
};

enum client_file_kind {
	CLIENT_FILE_UNSEALED,
	CLIENT_FILE_SEALED,
	/* Sealed also against growing. */
	CLIENT_FILE_FIXED,
	/* Cannot be sealed. */
	CLIENT_FILE_UNSEALABLE,
	/* With an fd that is read-only. */
	CLIENT_FILE_READ_ONLY,
	CLIENT_FILE_READ_ONLY_SEALED,
	CLIENT_FILE_ON_DISK,
	/* Not a file. */
	CLIENT_FILE_PIPE,
	CLIENT_FILE_DIRECTORY,
	CLIENT_FILE_KINDS,
};

struct client_file {
	int fd;
	/* NULL if there is no file. */
	struct truth_file *truth;
	enum client_file_kind kind;
};

struct client {
	/* The client's end of the connection; -1 for none. */
	int socket;
	/* NULL after it is disconnected. */
	struct wl_client *wl_client;
	struct wl_listener destroy;
	struct client_file files[CLIENT_FILES];
	/* The objects that it has created and not destroyed. */
	bool exists[CLIENT_OBJECTS];
	/* The sizes of its pools, as it has sent them. */
	int32_t pool_sizes[CLIENT_BUFFERS - CLIENT_POOLS];
	/* It has done something for which it may be disconnected. */
	bool to_blame;

	/* What the display knows of it: the files of its pools and buffers. */
	struct truth_file *pool_files[CLIENT_IDS];
	bool pool_writable[CLIENT_IDS];
	int32_t known_sizes[CLIENT_IDS];
	struct client_buffer {
		struct truth_file *file;
		bool writable;
		int32_t pool_size, offset, width, height, stride;
		uint32_t format;
	} buffers[CLIENT_IDS];
	/* Its pools may exceed any budget. */
	bool huge;
};

/** Connects, and binds all globals, whose names are 1, 2 and so on. Dispatch the display
 * afterwards. */
void client_connect(struct client *client, struct wl_display *display);
/** Closes the connection and all files. */
void client_disconnect(struct client *client);
/** Discards what was sent to it. */
void client_drain(struct client *client);

/** Replaces a file with a new one. */
void client_create_file(struct client *client, int slot,
	enum client_file_kind kind, uint32_t size);
/** Writes a new pattern. */
void client_write(struct client *client, int slot, uint32_t start,
	uint32_t length);
void client_truncate(struct client *client, int slot, uint32_t size);
void client_punch(struct client *client, int slot, uint32_t start,
	uint32_t length);
void client_seal(struct client *client, int slot, int seals);

/** Sends a request of up to eight words, with an fd or -1. */
void client_send(struct client *client, uint32_t object, uint16_t opcode,
	int fd, int words_len, const uint32_t *words);
#define client_request(client, object, opcode, fd, ...) \
	client_send(client, object, opcode, fd, \
		sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t), \
		(uint32_t[]){ __VA_ARGS__ })
/** Sends any bytes. */
void client_send_bytes(struct client *client, const void *bytes, size_t length,
	int fd);

/** Returns a seed that was not used yet. */
uint32_t client_get_seed(void);

#endif
