/* SPDX-License-Identifier: MIT */
/*
 * The scenarios. Each run is of one implementation in a fresh server.
 *
 * The client waits for each answer before it continues, so that the number of system
 * calls does not depend on the scheduling of the two processes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "scenario.h"
#include "server.h"
#include "virtual-keyboard-unstable-v1-client-protocol.h"

struct run {
	const struct scenario *scenario;
	enum impl_index impl;
	enum way way;
	const struct waste *waste;
	struct results *results;
	struct server server;
	struct connection connection; /* the first client's */
};

/* Counts are taken several times in one server. They differ only by the state of the
 * heap. */
static int repeats(const struct run *run) {
	return run->way == WAY_TIMED ? 1 : 9;
}

/* Returns how often to do something that is timed this many times. */
static int times(const struct run *run, int timed) {
	return run->way == WAY_TIMED || timed < 10 ? timed : 10;
}

static const char *kind(const struct run *run) {
	return run->scenario->sealed ? "sealed" : "unsealed";
}

static struct spent *newest(struct run *run) {
	return &run->server.notes->spent[run->server.notes->spent_len - 1];
}

static void start(struct run *run) {
	bench_start(run->connection.bench);
}

/* Adds the costs since then, divided by "count". */
static void add(struct run *run, int count, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void add(struct run *run, int count, const char *format, ...) {
	char name[64];
	va_list args;
	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	if (run->server.notes->failed || run->server.notes->spent_len == 0) {
		fprintf(stderr, "bench: %s: a server has failed\n",
			name);
		exit(1);
	}
	for (enum metric metric = 0; metric < METRICS_LEN; metric++) {
		if (metric_way(metric) == run->way) {
			series_add(results_get(run->results, metric, name),
				run->impl,
				(double)newest(run)->of[metric] / count);
		}
	}
}

static void stop(struct run *run) {
	bench_stop(run->connection.bench);
	roundtrip(&run->connection);
}

/* access: a buffers */

static void run_access(struct run *run) {
	struct memory memory;
	struct connection *connection = &run->connection;
	int32_t buffers = run->scenario->a, size = 64 * 64 * 4;
	memory_create(&memory, run->scenario->sealed,
		(uint64_t)size * (uint64_t)buffers, true);
	struct wl_shm_pool *pool = wl_shm_create_pool(connection->shm,
		memory.fd, size * buffers);
	for (int32_t i = 0; i < buffers; i++) {
		struct window window;
		window_create(&window, connection);
		window_commit(&window, create_buffer(pool, size * i, 64, 64),
			0, 0, 64, 64);
	}
	/* Fills caches and copies. */
	bench_access(connection->bench, (uint32_t)buffers * 2);
	int count = run->way == WAY_TIMED ? 20000 : 1000;
	for (int i = 0; i < repeats(run); i++) {
		bench_access(connection->bench, (uint32_t)count);
		roundtrip(connection);
		add(run, count, "access/%s/%d", kind(run), buffers);
	}
	memory_destroy(&memory);
}

/* pool: width and height a */

static void run_pool(struct run *run) {
	struct memory memory;
	struct window window;
	struct connection *connection = &run->connection;
	int32_t side = run->scenario->a, size = side * side * 4;
	memory_create(&memory, run->scenario->sealed, (uint64_t)size, true);
	window_create(&window, connection);
	bench_set_reader(connection->bench, BENCH_READER_TOUCH, side, side);
	int count = times(run, 200);
	for (int i = 0; i < repeats(run); i++) {
		for (int j = -count; j < count; j++) {
			if (j == 0) {
				start(run);
			}
			struct wl_shm_pool *pool = wl_shm_create_pool(
				connection->shm, memory.fd, size);
			struct wl_buffer *buffer =
				create_buffer(pool, 0, side, side);
			window_present(&window, buffer, 0, 0, side, side);
			wl_buffer_destroy(buffer);
			wl_shm_pool_destroy(pool);
		}
		stop(run);
		add(run, count, "pool/%s/%dx%d", kind(run), side, side);
	}
	memory_destroy(&memory);
}

/* new pool every frame: width a, height b */

static void run_new_pool(struct run *run) {
	struct window window;
	struct connection *connection = &run->connection;
	int32_t width = run->scenario->a, height = run->scenario->b;
	int32_t size = width * height * 4;
	window_create(&window, connection);
	bench_set_reader(connection->bench, BENCH_READER_PIXMAN, width, height);
	int count = times(run, 8);
	/* Two exist at a time: the one shown and the one drawn. */
	struct memory memories[2];
	struct wl_shm_pool *pools[2] = { NULL };
	struct wl_buffer *buffers[2];
	for (int i = 0; i < repeats(run); i++) {
		for (int j = -4; j < count; j++) {
			int slot = j & 1;
			if (pools[slot] != NULL) {
				wl_buffer_destroy(buffers[slot]);
				wl_shm_pool_destroy(pools[slot]);
				memory_destroy(&memories[slot]);
			}
			if (j == 0) {
				start(run);
			}
			memory_create(&memories[slot], run->scenario->sealed,
				(uint64_t)size, true);
			pools[slot] = wl_shm_create_pool(connection->shm,
				memories[slot].fd, size);
			buffers[slot] = create_buffer(pools[slot], 0, width,
				height);
			window_present(&window, buffers[slot], 0, 0, width,
				height);
		}
		stop(run);
		add(run, count, "new-pool/%s/%dx%d", kind(run), width, height);
	}
	memory_destroy(&memories[0]);
	memory_destroy(&memories[1]);
}

/* resize: a pool grows by the size of a new buffer, which is drawn and read. The older
 * buffers stay. The file grows in larger steps, as it does with many clients. */

#define RESIZE_SIDE 256
#define RESIZE_STEPS 64
/* They fit into one message, so that the pools dominate the cost. */
#define RESIZE_BATCH 16

static void run_resize(struct run *run) {
	struct memory memory;
	struct window window;
	struct connection *connection = &run->connection;
	const int32_t side = RESIZE_SIDE, growth = side * side * 4;
	memory_create(&memory, run->scenario->sealed, (uint64_t)growth, true);
	window_create(&window, connection);
	bench_set_reader(connection->bench, BENCH_READER_TOUCH, side, side);
	struct wl_shm_pool *pool = wl_shm_create_pool(connection->shm,
		memory.fd, growth);
	window_present(&window, create_buffer(pool, 0, side, side), 0, 0, side,
		side);
	int32_t size = growth;
	for (int batch = 0; batch < RESIZE_STEPS / RESIZE_BATCH; batch++) {
		memory_grow(&memory, (uint64_t)(size + growth * RESIZE_BATCH));
		memory_fill(&memory, (uint64_t)size,
			(uint64_t)growth * RESIZE_BATCH);
		start(run);
		for (int i = 0; i < RESIZE_BATCH; i++) {
			size += growth;
			wl_shm_pool_resize(pool, size);
			window_commit(&window, create_buffer(pool,
				size - growth, side, side), 0, 0, side, side);
		}
		stop(run);
		/* The first batch runs cold code. */
		if (batch > 0) {
			add(run, RESIZE_BATCH, "resize/%s", kind(run));
		}
	}
	memory_destroy(&memory);
}

/* frame and read: height a, b buffers, c reader */

struct damage {
	const char *name;
	/* 0 for the buffer's size. */
	int32_t width, height;
	/* As a share of the buffer's pixels. */
	double share;
};

static const struct damage damages[] = {
	{ "10x20", 10, 20, 0 },
	{ "100x100", 100, 100, 0 },
	{ "tenth", 0, 0, 0.1 },
	{ "all", 0, 0, 1 },
};

static const char *reader_name(int32_t reader) {
	return reader == BENCH_READER_PIXMAN ? "pixman" :
		reader == BENCH_READER_GLES ? "gles" : "access";
}

static void draw(struct memory *memory, int32_t width, int32_t height,
		int32_t index, int32_t x, int32_t y, int32_t w, int32_t h,
		int frame) {
	uint32_t *pixels = (uint32_t *)(void *)memory->data +
		(size_t)width * (size_t)height * (size_t)index;
	for (int32_t row = y; row < y + h; row++) {
		uint32_t *line = pixels + (size_t)width * (size_t)row;
		for (int32_t column = x; column < x + w; column++) {
			line[column] = 0xff000000 | (uint32_t)(column * 3 +
				row * 5 + frame);
		}
	}
}

/* Wasted instructions are a share of what the others took, in earlier results with the
 * same name. */
static void waste(struct run *run, const char *name) {
	const struct series *series = results_find(run->results,
		METRIC_INSTRUCTIONS, name);
	double instructions = 0;
	if (series != NULL) {
		instructions = run->waste->instructions * series_get(series,
			series_rival(series, run->impl));
	}
	if (impls[run->impl].get_copied != NULL) {
		bench_set_waste(run->connection.bench, run->waste->calls,
			(uint32_t)instructions);
	}
}

/* Shows frames with the same damage, in each of the buffers in turn. */
static void show_frames(struct run *run, struct window *window,
		struct memory *memory, struct wl_buffer **buffers,
		const struct damage *damage) {
	int32_t height = run->scenario->a, width = height / 9 * 16;
	int32_t w = damage->width, h = damage->height;
	int32_t buffers_len = run->scenario->b;
	if (damage->share > 0) {
		w = width;
		h = (int32_t)((double)height * damage->share);
	}
	int32_t x = (width - w) / 2, y = (height - h) / 3;
	int count = times(run, (int)(20000000 / ((int64_t)w * h + 100000)));
	char name[64];
	snprintf(name, sizeof(name), "%s/%s/%s/%dp/%s/%d",
		run->scenario->part, kind(run), damage->name, height, reader_name(run->scenario->c),
		buffers_len);
	waste(run, name);
	for (int i = 0; i < repeats(run); i++) {
		/* The first frames also copy what the other buffers lack. */
		for (int frame = -buffers_len; frame < count; frame++) {
			if (frame == 0) {
				start(run);
			}
			int32_t index = (frame + buffers_len) % buffers_len;
			draw(memory, width, height, index, x, y, w, h, frame);
			window_present(window, buffers[index], x, y, w, h);
		}
		stop(run);
		add(run, count, "%s", name);
	}
}

static void run_frame(struct run *run) {
	struct memory memory;
	struct window window;
	struct connection *connection = &run->connection;
	int32_t height = run->scenario->a, width = height / 9 * 16;
	int32_t buffers_len = run->scenario->b, size = width * height * 4;
	memory_create(&memory, run->scenario->sealed,
		(uint64_t)size * (uint64_t)buffers_len, true);
	memory_map(&memory);
	window_create(&window, connection);
	bench_set_reader(connection->bench, (uint32_t)run->scenario->c, width,
		height);
	struct wl_shm_pool *pool = wl_shm_create_pool(connection->shm,
		memory.fd, size * buffers_len);
	struct wl_buffer *buffers[3];
	for (int32_t i = 0; i < buffers_len; i++) {
		buffers[i] = create_buffer(pool, size * i, width, height);
	}
	/* Until all is mapped, copied and touched: Sealpool maps its copies in parts. */
	int32_t warm = !run->scenario->sealed &&
		impls[run->impl].get_copied != NULL ? 10 : 2;
	for (int32_t i = 0; i < warm * buffers_len; i++) {
		window_present(&window, buffers[i % buffers_len], 0, 0, width,
			height);
	}
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		show_frames(run, &window, &memory, buffers, &damages[i]);
	}
	memory_destroy(&memory);
}

/* Small buffers in one file, and then a frame of each. Returns the last. */
static struct wl_buffer *show_one(struct run *run,
		struct connection *connection, struct window *window,
		struct memory *memory, int32_t buffers) {
	static struct wl_buffer *made[10000]; /* as many as a scenario has */
	int32_t size = 64 * 64 * 4;
	memory_create(memory, run->scenario->sealed,
		(uint64_t)size * (uint64_t)buffers, true);
	window_create(window, connection);
	bench_set_reader(connection->bench, BENCH_READER_TOUCH, 64, 64);
	struct wl_shm_pool *pool = wl_shm_create_pool(connection->shm,
		memory->fd, size * buffers);
	for (int32_t i = 0; i < 2 * buffers; i++) {
		if (i < buffers) {
			made[i] = create_buffer(pool, size * i, 64, 64);
		} else {
			window_commit(window, made[i - buffers], 0, 0, 64, 64);
		}
		if (i % 64 == 0 || i == 2 * buffers - 1) {
			roundtrip(connection);
		}
	}
	return made[buffers - 1];
}

/* requests of interfaces other than wl_shm's, ten at a time */

static void run_requests(struct run *run) {
	struct memory memory;
	struct window window;
	struct connection *connection = &run->connection;
	show_one(run, connection, &window, &memory, 1);
	int count = times(run, 500);
	for (int i = 0; i < repeats(run); i++) {
		for (int j = -count; j < count; j++) {
			if (j == 0) {
				start(run);
			}
			struct wl_region *region = wl_compositor_create_region(
				connection->compositor);
			for (int k = 0; k < 7; k++) {
				wl_region_add(region, k, k, 10, 10);
			}
			wl_surface_set_input_region(window.surface, region);
			wl_region_destroy(region);
			roundtrip(connection);
		}
		stop(run);
		add(run, 10 * count, "request/beside-%s", kind(run));
	}
	memory_destroy(&memory);
}

/* file: one with each request; b says what is sent, a is its size */

enum sent { SENT_NOTHING, SENT_MEMORY, SENT_PIPE, SENT_KEYMAP };

/* libwayland sends at most this many fds at once. */
#define FILES_AT_ONCE 20

struct files {
	enum sent sent;
	struct memory memory;
	int pipe[2];
	struct wl_region *region;
	struct zwp_virtual_keyboard_v1 *keyboard;
};

static void files_create(struct files *files, struct run *run) {
	const struct connection *connection = &run->connection;
	uint32_t size = (uint32_t)run->scenario->a;
	files->sent = (enum sent)run->scenario->b;
	memory_create(&files->memory, true, size, true);
	/* A text of the whole size, with a zero byte at its end. */
	memory_map(&files->memory);
	memset(files->memory.data, 'k', size - 1);
	files->memory.data[size - 1] = 0;
	if (pipe(files->pipe) < 0) {
		perror("bench: no pipe");
		exit(1);
	}
	files->region = wl_compositor_create_region(connection->compositor);
	files->keyboard = zwp_virtual_keyboard_manager_v1_create_virtual_keyboard(
		connection->keyboard_manager, connection->seat);
}

static void files_destroy(struct files *files) {
	zwp_virtual_keyboard_v1_destroy(files->keyboard);
	wl_region_destroy(files->region);
	close(files->pipe[0]);
	close(files->pipe[1]);
	memory_destroy(&files->memory);
}

static void send_file(const struct files *files, struct bench *bench) {
	switch (files->sent) {
	case SENT_NOTHING:
		wl_region_add(files->region, 0, 0, 10, 10);
		break;
	case SENT_MEMORY:
		bench_take_file(bench, files->memory.fd);
		break;
	case SENT_PIPE:
		bench_take_file(bench, files->pipe[0]);
		break;
	case SENT_KEYMAP:
		zwp_virtual_keyboard_v1_keymap(files->keyboard, 1,
			files->memory.fd, (uint32_t)files->memory.size);
		break;
	}
}

static void run_files(struct run *run) {
	static const char *const names[] =
		{ "nothing", "memfd", "pipe", "keymap" };
	struct connection *connection = &run->connection;
	struct files files;
	files_create(&files, run);
	int count = 5 * FILES_AT_ONCE;
	for (int i = 0; i < repeats(run); i++) {
		for (int j = -FILES_AT_ONCE; j < count; j++) {
			if (j == 0) {
				start(run);
			}
			if (j % FILES_AT_ONCE == 0) {
				roundtrip(connection);
			}
			send_file(&files, connection->bench);
		}
		stop(run);
		add(run, count, "file/%s/%d", names[files.sent],
			run->scenario->a);
	}
	files_destroy(&files);
}

/* scale: a clients, b buffers of the first one */

static void run_scale(struct run *run) {
	int32_t clients = run->scenario->a, buffers = run->scenario->b;
	struct connection *connections =
		calloc((size_t)clients, sizeof(connections[0]));
	struct window *windows = calloc((size_t)clients, sizeof(windows[0]));
	struct memory *memories = calloc((size_t)clients, sizeof(memories[0]));
	if (connections == NULL || windows == NULL || memories == NULL) {
		exit(1);
	}
	struct wl_buffer *buffer = show_one(run, &run->connection, &windows[0],
		&memories[0], buffers);
	for (int32_t i = 1; i < clients; i++) {
		connection_open(&connections[i], server_connect(&run->server));
		show_one(run, &connections[i], &windows[i], &memories[i], 1);
	}
	int count = times(run, 300);
	for (int i = 0; i < repeats(run); i++) {
		for (int j = -count; j < count; j++) {
			if (j == 0) {
				start(run);
			}
			window_present(&windows[0], buffer, 10, 10, 10, 20);
		}
		stop(run);
		add(run, count, "scale/%s/%s/%d", kind(run),
			buffers > 1 ? "buffers" : "clients",
			buffers > 1 ? buffers : clients);
	}
	for (int32_t i = 0; i < clients; i++) {
		if (i > 0) {
			connection_close(&connections[i]);
		}
		memory_destroy(&memories[i]);
	}
	free(connections);
	free(windows);
	free(memories);
}

const struct scenario scenarios[] = {
	{ "access", run_access, true, .a = 1, .is_short = true },
	{ "access", run_access, true, .a = 64, .is_short = true },

	{ "pool", run_pool, true, .a = 64, .is_short = true },
	{ "pool", run_pool, true, .a = 256 },
	{ "pool", run_pool, false, .a = 64 },

	{ "new-pool", run_new_pool, true, .a = 400, .b = 300 },
	{ "new-pool", run_new_pool, false, .a = 400, .b = 300 },
	{ "new-pool", run_new_pool, true, .a = 1920, .b = 1080 },
	{ "new-pool", run_new_pool, false, .a = 1920, .b = 1080 },

	{ "resize", run_resize, true, .is_short = true },
	{ "resize", run_resize, false },

	{ "frame", run_frame, true, 1080, 1, BENCH_READER_PIXMAN },
	{ "frame", run_frame, true, 1080, 2, BENCH_READER_PIXMAN, true },
	{ "frame", run_frame, true, 1080, 3, BENCH_READER_PIXMAN },
	{ "frame", run_frame, true, 2160, 2, BENCH_READER_PIXMAN },
	{ "frame", run_frame, false, 1080, 2, BENCH_READER_PIXMAN },
	{ "frame", run_frame, false, 2160, 2, BENCH_READER_PIXMAN },
#ifdef BENCH_GLES
	{ "frame", run_frame, true, 1080, 1, BENCH_READER_GLES },
	{ "frame", run_frame, true, 1080, 2, BENCH_READER_GLES },
	{ "frame", run_frame, true, 2160, 2, BENCH_READER_GLES },
#endif
	/* A read by itself: an access, and what it copies. */
	{ "read", run_frame, true, 1080, 1, BENCH_READER_ACCESS,
		.guarded = true },
	{ "read", run_frame, false, 1080, 1, BENCH_READER_ACCESS,
		.guarded = true },
	{ "read", run_frame, true, 2160, 1, BENCH_READER_ACCESS,
		.guarded = true },
	{ "read", run_frame, false, 2160, 1, BENCH_READER_ACCESS,
		.guarded = true },

	{ "request", run_requests, true, .is_short = true },
	{ "request", run_requests, false, .is_short = true },

	{ "file", run_files, .a = 1, .b = SENT_NOTHING, .gated = true },
	{ "file", run_files, .a = 4096, .b = SENT_MEMORY, .gated = true },
	{ "file", run_files, .a = 1, .b = SENT_PIPE, .gated = true },
	{ "file", run_files, .a = 60000, .b = SENT_KEYMAP, .gated = true },
	{ "file", run_files, .a = 65536, .b = SENT_KEYMAP, .gated = true },

	{ "scale", run_scale, true, .a = 1, .b = 1 },
	{ "scale", run_scale, true, .a = 1000, .b = 1 },
	{ "scale", run_scale, true, .a = 1, .b = 10000 },
	{ "scale", run_scale, false, .a = 1, .b = 1 },
	{ "scale", run_scale, false, .a = 1000, .b = 1 },
	{ "scale", run_scale, false, .a = 1, .b = 10000 },
};

const size_t scenarios_len = sizeof(scenarios) / sizeof(scenarios[0]);

void scenario_run(const struct scenario *scenario, enum impl_index impl,
		enum way way, const struct waste *waste,
		struct results *results) {
	struct run run = {
		.scenario = scenario,
		.impl = impl,
		.way = way,
		.waste = waste,
		.results = results,
	};
	connection_open(&run.connection, server_start(&run.server, impl, way));
	scenario->run(&run);
	connection_close(&run.connection);
	server_finish(&run.server);
}

bool way_is_possible(enum way way) {
	struct server server;
	struct connection connection;
	bool possible = connection_try(&connection,
		server_start(&server, IMPL_LIBWAYLAND, way));
	if (possible) {
		bench_start(connection.bench);
		bench_stop(connection.bench);
		roundtrip(&connection);
		const struct notes *notes = server.notes;
		possible = !notes->failed &&
			(way != WAY_TRACED || notes->calls > 0);
		connection_close(&connection);
	}
	server_finish(&server);
	return possible;
}
