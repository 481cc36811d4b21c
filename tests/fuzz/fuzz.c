/* SPDX-License-Identifier: MIT */
/*
 * An input is a program: what three clients and a compositor do, one after another, with a
 * byte for each operation and each of its arguments. Every input is valid; an operation
 * without an object to work on does nothing.
 *
 *   byte 0        options of the compositor
 *   byte 1        its limits
 *   then, again and again
 *     operation   (bits 0 to 4), which client (5, 6), and whether the display is not
 *                 dispatched afterwards (7)
 *     arguments   of the operation
 *
 * If FUZZ_TRACE is set in the environment, each operation is printed.
 */
#include <drm_fourcc.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access.h"
#include "host.h"
#include "system.h"

/* The opcodes, in the order of the protocols. */
enum {
	SHM_CREATE_POOL = 0,
	POOL_CREATE_BUFFER = 0, POOL_DESTROY, POOL_RESIZE,
	COMPOSITOR_CREATE_SURFACE = 0,
	SURFACE_DESTROY = 0, SURFACE_ATTACH, SURFACE_DAMAGE,
	SURFACE_COMMIT = 6, SURFACE_SET_TRANSFORM, SURFACE_SET_SCALE,
	SURFACE_DAMAGE_BUFFER,
	SCREENCOPY_CAPTURE_OUTPUT = 0,
	FRAME_COPY = 0, FRAME_DESTROY,
	VIEWPORTER_GET_VIEWPORT = 1,
};

struct run {
	const uint8_t *input;
	size_t left;
	struct host host;
	struct client *client;
};

/* Arguments */

static uint8_t take_byte(struct run *run) {
	if (run->left == 0) {
		return 0;
	}
	run->left--;
	return *run->input++;
}

/* Returns one of "count" ids, from "first" on. */
static uint32_t take_id(struct run *run, uint32_t first, uint32_t end) {
	return first + take_byte(run) % (end - first);
}

/* Returns a size or an offset in a file: in sixteenths of a page, or an unusual one. */
static uint32_t take_size(struct run *run) {
	static const uint32_t sizes[] = {
		0, 1, 100, 4095, 4096, 4097, 8192, 12288, 16384, 20000, 32768,
		65536, 65537, 131072, 300000, 1 << 20,
	};
	uint8_t byte = take_byte(run);
	return byte < 16 ? sizes[byte] : (uint32_t)byte * 256;
}

/* Returns any number; some are more likely. */
static int32_t take_number(struct run *run) {
	static const int32_t numbers[] = {
		-1, INT32_MIN, INT32_MAX, INT32_MAX - 4095, 4096, 65536, 65537,
		1 << 20, -4096, 255, 256, 1 << 30,
	};
	uint8_t byte = take_byte(run);
	if (byte < 224) {
		return byte;
	}
	if (byte - 224u < sizeof(numbers) / sizeof(numbers[0])) {
		return numbers[byte - 224];
	}
	uint32_t number = 0;
	for (int i = 0; i < 4; i++) {
		number = number << 8 | take_byte(run);
	}
	return (int32_t)number;
}

/* The formats that are announced first. */
static const uint32_t formats[] = {
	0, 1, DRM_FORMAT_RGB565, DRM_FORMAT_RGB888, DRM_FORMAT_NV12,
	DRM_FORMAT_YUV420, DRM_FORMAT_ARGB8888, DRM_FORMAT_P010,
};

/* Returns whether the client has the object. */
static bool exists(const struct run *run, uint32_t id) {
	return run->client->exists[id];
}

/* Destroys an object. */
static void destroy(struct run *run, uint32_t id) {
	struct client *client = run->client;
	if (client->exists[id]) {
		uint16_t opcode = id < CLIENT_BUFFERS ? POOL_DESTROY :
			id >= CLIENT_FRAMES && id < CLIENT_VIEWPORTS ?
			FRAME_DESTROY : 0;
		client->exists[id] = false;
		client_send(client, id, opcode, -1, 0, NULL);
	}
}

/* Files */

static void create_file(struct run *run) {
	int slot = (int)take_id(run, 0, CLIENT_FILES);
	enum client_file_kind kind = take_byte(run) % CLIENT_FILE_KINDS;
	client_create_file(run->client, slot, kind, take_size(run));
}

static void write_file(struct run *run) {
	int slot = (int)take_id(run, 0, CLIENT_FILES);
	uint32_t start = take_size(run);
	client_write(run->client, slot, start, take_size(run));
}

static void truncate_file(struct run *run) {
	int slot = (int)take_id(run, 0, CLIENT_FILES);
	client_truncate(run->client, slot, take_size(run));
}

static void punch_file(struct run *run) {
	int slot = (int)take_id(run, 0, CLIENT_FILES);
	uint32_t start = take_size(run);
	client_punch(run->client, slot, start, take_size(run));
}

static void seal_file(struct run *run) {
	int slot = (int)take_id(run, 0, CLIENT_FILES);
	client_seal(run->client, slot, take_byte(run) & (F_SEAL_SHRINK |
		F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL));
	/* libwayland maps the file for writing, and posts an error if it cannot. */
	run->client->to_blame = true;
}

/* Pools and buffers */

static void create_pool(struct run *run) {
	struct client *client = run->client;
	uint32_t id = take_id(run, CLIENT_POOLS, CLIENT_BUFFERS);
	const struct client_file *file =
		&client->files[take_id(run, 0, CLIENT_FILES)];
	/* The size of the file, a part of it, or any size. */
	uint8_t how = take_byte(run);
	if (file->fd < 0) {
		return;
	}
	int32_t size = file->truth != NULL ? (int32_t)file->truth->size : 4096;
	size = how < 128 ? size : how < 192 ? size * (how - 128) / 64 :
		take_number(run);
	client->to_blame |= file->truth == NULL || size <= 0 ||
		(uint32_t)size > file->truth->size ||
		file->kind == CLIENT_FILE_READ_ONLY ||
		file->kind == CLIENT_FILE_READ_ONLY_SEALED;
	destroy(run, id);
	client->exists[id] = true;
	client->pool_sizes[id - CLIENT_POOLS] = size;
	client_request(client, CLIENT_SHM, SHM_CREATE_POOL, file->fd, id,
		(uint32_t)size);
}

static void resize_pool(struct run *run) {
	uint32_t id = take_id(run, CLIENT_POOLS, CLIENT_BUFFERS);
	uint32_t size = take_size(run);
	if (exists(run, id)) {
		int32_t *known = &run->client->pool_sizes[id - CLIENT_POOLS];
		/* The contents of the file are not known here. */
		run->client->to_blame = true;
		*known = (int32_t)size > *known ? (int32_t)size : *known;
		client_request(run->client, id, POOL_RESIZE, -1, size);
	}
}

/* Creates a buffer that the pool has room for. */
static void create_buffer(struct run *run) {
	static const int32_t pixel_bytes[] = { 4, 4, 2, 3, 1, 1 };
	struct client *client = run->client;
	uint32_t pool = take_id(run, CLIENT_POOLS, CLIENT_BUFFERS);
	uint32_t id = take_id(run, CLIENT_BUFFERS, CLIENT_SURFACES);
	uint8_t format = take_byte(run) % 6;
	int32_t width = 1 + take_byte(run), height = 1 + take_byte(run);
	int32_t offset = take_byte(run) * 64, padding = take_byte(run);
	/* Rows may be adjacent, or have another buffer's rows beside them. */
	int32_t pixels = padding < 128 ? (width + 1) & ~1 : width + padding * 4;
	int32_t stride = pixels * pixel_bytes[format];
	/* The end of all planes. */
	int32_t end = offset + stride * height +
		(format < 4 ? 0 : (stride + 1) * ((height + 1) / 2));
	if (!exists(run, pool) ||
			end > client->pool_sizes[pool - CLIENT_POOLS]) {
		return;
	}
	destroy(run, id);
	client->exists[id] = true;
	client_request(client, pool, POOL_CREATE_BUFFER, -1, id,
		(uint32_t)offset, (uint32_t)width, (uint32_t)height,
		(uint32_t)stride, formats[format]);
}

/* Creates a buffer of any size. */
static void create_any_buffer(struct run *run) {
	uint32_t pool = take_id(run, CLIENT_POOLS, CLIENT_BUFFERS);
	uint32_t id = take_id(run, CLIENT_BUFFERS, CLIENT_SURFACES);
	uint32_t format = formats[take_byte(run) % 8];
	uint32_t numbers[4];
	for (int i = 0; i < 4; i++) {
		numbers[i] = (uint32_t)take_number(run);
	}
	if (exists(run, pool)) {
		run->client->to_blame = true;
		destroy(run, id);
		run->client->exists[id] = true;
		client_request(run->client, pool, POOL_CREATE_BUFFER, -1, id,
			numbers[0], numbers[1], numbers[2], numbers[3], format);
	}
}

static void destroy_any(struct run *run) {
	destroy(run, take_id(run, CLIENT_POOLS, CLIENT_OBJECTS));
}

/* Surfaces */

/* Returns a surface, which is created when it is first used. */
static uint32_t take_surface(struct run *run) {
	uint32_t id = take_id(run, CLIENT_SURFACES, CLIENT_FRAMES);
	if (!exists(run, id)) {
		run->client->exists[id] = true;
		client_request(run->client, CLIENT_COMPOSITOR,
			COMPOSITOR_CREATE_SURFACE, -1, id);
	}
	return id;
}

static void attach(struct run *run) {
	uint32_t surface = take_surface(run);
	uint32_t id = take_id(run, CLIENT_BUFFERS, CLIENT_SURFACES);
	uint8_t more = take_byte(run);
	if (exists(run, id)) {
		client_request(run->client, surface, SURFACE_ATTACH, -1,
			more % 16 == 15 ? 0 : id, more % 16 == 14, 0);
	}
}

static void damage(struct run *run) {
	uint32_t surface = take_surface(run);
	uint8_t how = take_byte(run);
	uint32_t numbers[4];
	for (int i = 0; i < 4; i++) {
		numbers[i] = how % 8 == 0 ? (uint32_t)take_number(run) :
			take_byte(run);
	}
	client_send(run->client, surface, how & 8 ? SURFACE_DAMAGE :
		SURFACE_DAMAGE_BUFFER, -1, 4, numbers);
}

static void commit(struct run *run) {
	client_send(run->client, take_surface(run), SURFACE_COMMIT, -1, 0, NULL);
}

/* As all clients do: attach, damage, commit. */
static void show(struct run *run) {
	uint32_t surface = take_surface(run);
	uint32_t id = take_id(run, CLIENT_BUFFERS, CLIENT_SURFACES);
	uint32_t y = take_byte(run), height = take_byte(run);
	if (exists(run, id)) {
		client_request(run->client, surface, SURFACE_ATTACH, -1, id, 0, 0);
		client_request(run->client, surface, SURFACE_DAMAGE_BUFFER, -1,
			0, y, INT_MAX, height);
		client_send(run->client, surface, SURFACE_COMMIT, -1, 0, NULL);
	}
}

static void set_state(struct run *run) {
	uint32_t surface = take_surface(run);
	uint8_t what = take_byte(run);
	if (what < 64) {
		client_request(run->client, surface, SURFACE_SET_SCALE, -1,
			what % 4);
	} else if (what < 128) {
		client_request(run->client, surface, SURFACE_SET_TRANSFORM, -1,
			what % 8);
	} else {
		uint32_t id = CLIENT_VIEWPORTS + surface - CLIENT_SURFACES;
		destroy(run, id);
		run->client->exists[id] = true;
		client_request(run->client, CLIENT_VIEWPORTER,
			VIEWPORTER_GET_VIEWPORT, -1, id, surface);
	}
}

/* Passes a buffer to an object other than a surface. */
static void copy_frame(struct run *run) {
	struct client *client = run->client;
	uint32_t frame = take_id(run, CLIENT_FRAMES, CLIENT_VIEWPORTS);
	uint32_t id = take_id(run, CLIENT_BUFFERS, CLIENT_SURFACES);
	if (!exists(run, frame)) {
		client->exists[frame] = true;
		client_request(client, CLIENT_SCREENCOPY,
			SCREENCOPY_CAPTURE_OUTPUT, -1, frame, 0, CLIENT_OUTPUT);
	}
	if (exists(run, id)) {
		client_request(client, frame, FRAME_COPY, -1, id);
	}
}

/* Any bytes */

/* Sends a valid header, and invalid arguments. */
static void send_any(struct run *run) {
	uint32_t message[8] = { take_id(run, 0, CLIENT_OBJECTS + 2) };
	uint8_t opcode = take_byte(run) % 12, words = take_byte(run) % 7;
	int fd = run->client->files[take_id(run, 0, CLIENT_FILES)].fd;
	message[1] = (8 + 4u * words) << 16 | opcode;
	for (int i = 0; i < words; i++) {
		message[2 + i] = (uint32_t)take_number(run);
	}
	run->client->to_blame = true;
	client_send_bytes(run->client, message, 8 + 4u * words, fd);
}

static void send_bytes(struct run *run) {
	uint8_t bytes[16];
	size_t length = take_byte(run) % sizeof(bytes);
	for (size_t i = 0; i < length; i++) {
		bytes[i] = take_byte(run);
	}
	run->client->to_blame = true;
	client_send_bytes(run->client, bytes, length, -1);
}

static void disconnect(struct run *run) {
	client_disconnect(run->client);
	host_settle(&run->host);
}

/* What the compositor does */

static void hold(struct run *run) {
	int slot = (int)take_id(run, 0, ACCESSES);
	uint32_t id = take_id(run, CLIENT_BUFFERS, CLIENT_SURFACES);
	access_hold(&run->host, slot, host_get_buffer(run->client, id));
}

static void drop(struct run *run) {
	int slot = (int)take_id(run, 0, ACCESSES);
	access_drop(&run->host, slot, take_byte(run) % (ACCESS_THREADS + 1));
}

static void begin_read(struct run *run) {
	int slot = (int)take_id(run, 0, ACCESSES);
	access_begin(&run->host, slot, take_byte(run) % (ACCESS_THREADS + 1),
		false);
}

static void begin_write(struct run *run) {
	int slot = (int)take_id(run, 0, ACCESSES);
	access_begin(&run->host, slot, take_byte(run) % (ACCESS_THREADS + 1),
		true);
}

static void draw(struct run *run) {
	int slot = (int)take_id(run, 0, ACCESSES);
	int32_t top = take_byte(run);
	access_draw(&run->host, slot, top, top + take_byte(run));
}

static void end_access(struct run *run) {
	int slot = (int)take_id(run, 0, ACCESSES);
	access_end(&run->host, slot, take_byte(run) % (ACCESS_THREADS + 1));
}

static void race(struct run *run) {
	int slot = (int)take_id(run, 0, ACCESSES);
	access_race(&run->host, slot, take_byte(run) % (ACCESS_THREADS + 1));
}

static void join(struct run *run) {
	access_join(&run->host);
}

static void read_surfaces(struct run *run) {
	host_read_surfaces(&run->host, run->client);
}

static void capture(struct run *run) {
	int32_t top = take_byte(run), height = take_byte(run);
	host_capture(&run->host, run->client, top, top + height,
		take_byte(run) % 8 != 7);
}

/* Files answer as fast as the machine permits, before time passes: else a file counts as
 * silent if its thread has not got a processor. */
static void advance(struct run *run) {
	host_wait_for_files(&run->host);
	system_advance((uint32_t)take_byte(run) * 1000);
	host_drop_idle(&run->host);
}

static void settle(struct run *run) {
	host_settle(&run->host);
}

static const struct operation {
	const char *name;
	void (*run)(struct run *run);
	/* It needs a client, which is connected again if needed. */
	bool of_client;
} operations[32] = {
	{ "settle", settle, false },
	{ "create_file", create_file, true },
	{ "write_file", write_file, true },
	{ "truncate_file", truncate_file, true },
	{ "punch_file", punch_file, true },
	{ "seal_file", seal_file, true },
	{ "create_pool", create_pool, true },
	{ "resize_pool", resize_pool, true },
	{ "create_buffer", create_buffer, true },
	{ "create_any_buffer", create_any_buffer, true },
	{ "destroy_any", destroy_any, true },
	{ "attach", attach, true },
	{ "damage", damage, true },
	{ "commit", commit, true },
	{ "show", show, true },
	{ "set_state", set_state, true },
	{ "copy_frame", copy_frame, true },
	{ "send_any", send_any, true },
	{ "send_bytes", send_bytes, true },
	{ "disconnect", disconnect, true },
	{ "hold", hold, false },
	{ "drop", drop, false },
	{ "begin_read", begin_read, false },
	{ "begin_write", begin_write, false },
	{ "draw", draw, false },
	{ "end_access", end_access, false },
	{ "race", race, false },
	{ "join", join, false },
	{ "read_surfaces", read_surfaces, false },
	{ "capture", capture, false },
	{ "advance", advance, false },
	{ "show", show, true },
};

static void step(struct run *run, bool trace) {
	uint8_t byte = take_byte(run);
	const struct operation *operation = &operations[byte & 31];
	const uint8_t *args = run->input;
	run->client = &run->host.clients[(byte >> 5 & 3) % CLIENTS];
	if (operation->of_client && run->client->wl_client == NULL) {
		access_join(&run->host);
		if (run->client->socket >= 0 && !run->client->to_blame &&
				run->host.options.limits == 0) {
			host_die_of_disconnected();
		}
		client_disconnect(run->client);
		host_connect(&run->host, run->client);
	}
	if (trace) {
		fprintf(stderr, "%s, client %d", operation->name,
			(int)(run->client - run->host.clients));
	}
	operation->run(run);
	if (trace) {
		for (; args < run->input; args++) {
			fprintf(stderr, " %d", *args);
		}
		fputs(byte & 128 ? "\n" : "; dispatch\n", stderr);
	}
	if (!(byte & 128)) {
		host_settle(&run->host);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
	access_init();
	return 0;
}

static void print_fds(void) {
	char path[64], target[256];
	for (int fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t length = readlink(path, target, sizeof(target));
		if (length > 0) {
			fprintf(stderr, "fd %d: %.*s\n", fd, (int)length, target);
		}
	}
}

/* Expects the number of fds before the first input. After an input, threads may open and
 * close some. */
static void check_fds(size_t before) {
	for (int i = 0; i < 100000 && system_count_fds() != before; i++) {
		poll(NULL, 0, 1);
	}
	if (system_count_fds() != before) {
		print_fds();
		truth_die("%zu fds before, %zu after", before,
			system_count_fds());
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length) {
	static struct run run;
	static size_t fds;
	bool trace = getenv("FUZZ_TRACE") != NULL;
	fds = fds == 0 ? system_count_fds() : fds;
	run = (struct run){ .input = input, .left = length };
	uint8_t flags = take_byte(&run);
	struct host_options options = {
		.guarded = flags & 1,
		.lenient = flags & 2,
		.reads = flags & 4,
		.releases_early = flags & 8,
		.holds = flags & 16,
		.limits = take_byte(&run) % 8,
	};
	options.limits = options.limits > 4 ? 0 : options.limits;
	host_init(&run.host, &options);
	while (run.left > 0) {
		step(&run, trace);
	}
	access_finish(&run.host);
	host_settle(&run.host);
	host_finish(&run.host);
	truth_reset();
	check_fds(fds);
	if (system_get_mapped() != 0) {
		truth_die("%zu bytes are still mapped", system_get_mapped());
	}
	/* So that one input has little effect on the next one. */
	system_advance(1000000);
	return 0;
}
