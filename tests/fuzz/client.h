/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_CLIENT_H
#define FUZZ_CLIENT_H

/**
 * A client: its files, and the bytes that it sends. Each thing that it can have has an
 * object id of its own, so that a request of any kind can be sent for any of them.
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
	/* What else there may be is not looked at. */
	CLIENT_IDS = 64,
};

enum client_file_kind {
	CLIENT_FILE_UNSEALED,
	CLIENT_FILE_SEALED,
	/* Also against growing. */
	CLIENT_FILE_FIXED,
	/* Never to be sealed. */
	CLIENT_FILE_UNSEALABLE,
	/* An fd that cannot be written to. */
	CLIENT_FILE_READ_ONLY,
	CLIENT_FILE_READ_ONLY_SEALED,
	CLIENT_FILE_ON_DISK,
	/* No file. */
	CLIENT_FILE_PIPE,
	CLIENT_FILE_DIRECTORY,
	CLIENT_FILE_KINDS,
};

struct client_file {
	int fd;
	/* NULL where there is none. */
	struct truth_file *truth;
	enum client_file_kind kind;
};

struct client {
	/* Its end of the connection; -1 for none. */
	int socket;
	/* NULL once it is gone. */
	struct wl_client *wl_client;
	struct wl_listener destroy;
	struct client_file files[CLIENT_FILES];
	/* What it has created and not destroyed. */
	bool exists[CLIENT_OBJECTS];
	/* Of its pools, as it has said. */
	int32_t pool_sizes[CLIENT_BUFFERS - CLIENT_POOLS];
	/* It has done something that may end it. */
	bool to_blame;

	/* The display's knowledge of it: what is behind its pools and buffers. */
	struct truth_file *pool_files[CLIENT_IDS];
	bool pool_writable[CLIENT_IDS];
	int32_t known_sizes[CLIENT_IDS];
	struct client_buffer {
		struct truth_file *file;
		bool writable;
		int32_t pool_size, offset, width, height, stride;
		uint32_t format;
	} buffers[CLIENT_IDS];
	/* Its pools may be larger than any budget. */
	bool huge;
};

/** Connects, and binds all globals: their names are 1, 2 and so on. The display is to be
 * dispatched then. */
void client_connect(struct client *client, struct wl_display *display);
/** Closes the connection and all files. */
void client_disconnect(struct client *client);
/** Forgets what was sent to it. */
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

/** A seed that nothing has had yet. */
uint32_t client_get_seed(void);

#endif
