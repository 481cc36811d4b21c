/* SPDX-License-Identifier: MIT */
/*
 * What is measured. Each call runs one implementation in a fresh server, once;
 * main.c repeats them in turn.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "scenario.h"
#include "server.h"

bool quick;

static const char *kind(const struct scenario *scenario) {
	return scenario->sealed ? "sealed" : "unsealed";
}

static void begin(struct server *server, struct connection *connection,
		enum impl_index impl, uint32_t idle_ms) {
	connection_open(connection,
		server_start(server, &impls[impl], idle_ms));
}

/* The server's notes stay readable until server_finish(). */
static const struct notes *end(struct server *server,
		struct connection *connection) {
	roundtrip(connection);
	if (!server_stop(server)) {
		fprintf(stderr, "bench: a server could not do its part\n");
		exit(1);
	}
	connection_close(connection);
	return server->notes;
}

static void add(struct results *results, enum impl_index impl,
		const struct spent *spent, double times, const char *format,
		...) {
	char name[64];
	va_list args;
	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	if (callgrind_folder() == NULL) {
		series_add(results_get(results, "ns", "%s", name), impl,
			(double)spent->ns / times);
	}
	if (spent->instructions > 0) {
		series_add(results_get(results, "instructions",
			"instructions/%s", name), impl,
			(double)spent->instructions / times);
	}
}

/* access: a buffers, b threads */

static void run_access(const struct scenario *scenario, enum impl_index impl,
		struct results *results) {
	int32_t buffers_len = scenario->a, threads = scenario->b;
	if (threads > 1 && !impls[impl].threads) {
		return;
	}
	struct server server;
	struct connection connection;
	struct memory memory;
	begin(&server, &connection, impl, 0);
	int32_t size = 64 * 64 * 4;
	memory_create(&memory, scenario->sealed,
		(uint64_t)size * (uint64_t)buffers_len, true);
	struct wl_shm_pool *pool = wl_shm_create_pool(connection.shm,
		memory.fd, size * buffers_len);
	for (int32_t i = 0; i < buffers_len; i++) {
		struct window window;
		window_create(&window, &connection);
		window_commit(&window, create_buffer(pool, size * i, 64, 64),
			0, 0, 64, 64);
	}
	uint32_t count = quick ? 20000 : 100000;
	/* The first is not counted: caches, and the copies, are filled. */
	bench_access(connection.bench, (uint32_t)buffers_len * 2, 1);
	bench_access(connection.bench, count, (uint32_t)threads);
	const struct notes *notes = end(&server, &connection);
	add(results, impl, &notes->spent[1], (double)count * threads,
		"access/%s/%d/%d", kind(scenario), buffers_len, threads);
	server_finish(&server);
	memory_destroy(&memory);
}

/* pools: width a, height a */

static void run_pools(const struct scenario *scenario, enum impl_index impl,
		struct results *results) {
	struct server server;
	struct connection connection;
	struct memory memory;
	struct window window;
	begin(&server, &connection, impl, 0);
	int32_t side = scenario->a, size = side * side * 4;
	memory_create(&memory, scenario->sealed, (uint64_t)size, true);
	window_create(&window, &connection);
	bench_set_reader(connection.bench, BENCH_READER_TOUCH, side, side);
	int count = quick ? 100 : 300;
	for (int i = -count / 5; i < count; i++) {
		if (i == 0) {
			roundtrip(&connection);
			bench_start(connection.bench);
		}
		struct wl_shm_pool *pool =
			wl_shm_create_pool(connection.shm, memory.fd, size);
		struct wl_buffer *buffer = create_buffer(pool, 0, side, side);
		window_commit(&window, buffer, 0, 0, side, side);
		wl_buffer_destroy(buffer);
		wl_shm_pool_destroy(pool);
		/* No more fds than a socket takes at once. */
		if (i % 10 == 9) {
			roundtrip(&connection);
		}
	}
	bench_stop(connection.bench);
	const struct notes *notes = end(&server, &connection);
	add(results, impl, &notes->spent[0], count, "pools/%s/%dx%d",
		kind(scenario), side, side);
	server_finish(&server);
	memory_destroy(&memory);
}

/* new pool every frame: width a, height b */

static void run_new_pool(const struct scenario *scenario, enum impl_index impl,
		struct results *results) {
	struct server server;
	struct connection connection;
	struct window window;
	begin(&server, &connection, impl, 0);
	int32_t width = scenario->a, height = scenario->b;
	int32_t size = width * height * 4;
	window_create(&window, &connection);
	bench_set_reader(connection.bench, BENCH_READER_PIXMAN, width, height);
	int count = quick ? 4 : 8;
	/* Two are alive at a time: the one shown and the one drawn. */
	struct memory memories[2];
	struct wl_shm_pool *pools[2] = { NULL };
	struct wl_buffer *buffers[2];
	for (int i = -3; i < count; i++) {
		int slot = i & 1;
		if (pools[slot] != NULL) {
			wl_buffer_destroy(buffers[slot]);
			wl_shm_pool_destroy(pools[slot]);
			memory_destroy(&memories[slot]);
		}
		if (i == 0) {
			bench_start(connection.bench);
		}
		memory_create(&memories[slot], scenario->sealed,
			(uint64_t)size, true);
		pools[slot] = wl_shm_create_pool(connection.shm,
			memories[slot].fd, size);
		buffers[slot] = create_buffer(pools[slot], 0, width, height);
		window_present(&window, buffers[slot], 0, 0, width, height);
	}
	bench_stop(connection.bench);
	const struct notes *notes = end(&server, &connection);
	add(results, impl, &notes->spent[0], count, "new-pool/%s/%dx%d",
		kind(scenario), width, height);
	server_finish(&server);
	memory_destroy(&memories[0]);
	memory_destroy(&memories[1]);
}

/* resize: c reader */

#define RESIZE_STEPS 64
#define RESIZE_FIRST (1024 * 1024)
#define RESIZE_LAST (256 * 1024 * 1024)

/* A page at its end is a buffer each time, which is read; the others live on. */
static void grow_pool(const struct scenario *scenario,
		struct connection *connection, int32_t last, bool counts) {
	struct memory memory;
	struct window window;
	memory_create(&memory, scenario->sealed, RESIZE_FIRST, true);
	window_create(&window, connection);
	/* So that it is the pool that costs, and not its pixels. */
	int32_t width = 64, height = 16, buffer_size = 64 * 16 * 4;
	bench_set_reader(connection->bench, (uint32_t)scenario->c, width,
		height);
	struct wl_shm_pool *pool = wl_shm_create_pool(connection->shm,
		memory.fd, RESIZE_FIRST);
	window_commit(&window, create_buffer(pool, 0, width, height), 0, 0,
		width, height);
	roundtrip(connection);
	for (int step = 1; step <= RESIZE_STEPS; step++) {
		int32_t size = (int32_t)(RESIZE_FIRST + (int64_t)(last -
			RESIZE_FIRST) * step / RESIZE_STEPS) & ~4095;
		memory_grow(&memory, (uint64_t)size);
		memory_fill(&memory, (uint64_t)(size - buffer_size),
			(uint64_t)buffer_size);
		if (counts && step % 4 == 1) {
			bench_start(connection->bench);
		}
		wl_shm_pool_resize(pool, size);
		window_commit(&window, create_buffer(pool, size - buffer_size,
			width, height), 0, 0, width, height);
		if (counts && step % 4 == 0) {
			bench_stop(connection->bench);
		}
		if (step % 4 == 0) {
			roundtrip(connection);
		}
	}
	memory_destroy(&memory);
}

static void run_resize(const struct scenario *scenario, enum impl_index impl,
		struct results *results) {
	struct server server;
	struct connection connection;
	begin(&server, &connection, impl, 0);
	/* Until the server has run through all of that once. */
	grow_pool(scenario, &connection, RESIZE_LAST / 16, false);
	grow_pool(scenario, &connection, RESIZE_LAST, true);
	const struct notes *notes = end(&server, &connection);
	struct spent sum = { 0 };
	for (uint32_t i = 0; i < notes->spent_len; i++) {
		sum.ns += notes->spent[i].ns;
		sum.instructions += notes->spent[i].instructions;
	}
	add(results, impl, &sum, RESIZE_STEPS, "%s/%s", scenario->c ==
		BENCH_READER_TOUCH ? "resize" : "resize-untouched",
		kind(scenario));
	server_finish(&server);
}

/* frame: height a, b buffers, c reader */

struct damage {
	const char *name;
	/* 0 for the buffer's. */
	int32_t width, height;
	/* Of the buffer's pixels. */
	double share;
};

static const struct damage damages[] = {
	{ "10x20", 10, 20, 0 },
	{ "100x100", 100, 100, 0 },
	{ "tenth", 0, 0, 0.1 },
	{ "all", 0, 0, 1 },
};

static const char *reader_name(int32_t reader) {
	switch (reader) {
	case BENCH_READER_TOUCH:
		return "touch";
	case BENCH_READER_PIXMAN:
		return "pixman";
	case BENCH_READER_GLES:
		return "gles";
	case BENCH_READER_ACCESS:
		return "access";
	}
	return "none";
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

static void run_frame(const struct scenario *scenario, enum impl_index impl,
		struct results *results) {
	struct server server;
	struct connection connection;
	struct memory memory;
	struct window window;
	int32_t height = scenario->a, width = height / 9 * 16;
	int32_t buffers_len = scenario->b, size = width * height * 4;
	begin(&server, &connection, impl, 0);
	memory_create(&memory, scenario->sealed,
		(uint64_t)size * (uint64_t)buffers_len, true);
	memory_map(&memory);
	window_create(&window, &connection);
	bench_set_reader(connection.bench, (uint32_t)scenario->c, width,
		height);
	struct wl_shm_pool *pool = wl_shm_create_pool(connection.shm,
		memory.fd, size * buffers_len);
	struct wl_buffer *buffers[3];
	for (int32_t i = 0; i < buffers_len; i++) {
		buffers[i] = create_buffer(pool, size * i, width, height);
	}
	/* Until all is mapped, copied and touched that will be: Sealpool maps
	 * its copies little by little. */
	int32_t warm = impls[impl].ours && !scenario->sealed ? 10 : 2;
	for (int32_t i = 0; i < warm * buffers_len; i++) {
		window_present(&window, buffers[i % buffers_len], 0, 0, width,
			height);
	}
	int counts[4];
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		const struct damage *damage = &damages[i];
		int32_t w = damage->width, h = damage->height;
		if (damage->share > 0) {
			w = width;
			h = (int32_t)((double)height * damage->share);
		}
		int64_t area = (int64_t)w * h;
		int64_t count = (quick ? 5000000 : 10000000) / (area + 100000);
		counts[i] = (int)(count < 3 ? 3 : count);
		/* What the others lack of the last damage comes first. */
		for (int frame = -buffers_len; frame < counts[i]; frame++) {
			if (frame == 0) {
				bench_start(connection.bench);
			}
			int32_t x = (width - w) / 2, y = (height - h) / 3;
			int32_t index = (frame + buffers_len) % buffers_len;
			draw(&memory, width, height, index, x, y, w, h, frame);
			window_present(&window, buffers[index], x, y, w, h);
		}
		bench_stop(connection.bench);
	}
	const struct notes *notes = end(&server, &connection);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		add(results, impl, &notes->spent[i], counts[i],
			"frame/%s/%dp/%d/%s/%s", kind(scenario), height,
			buffers_len, reader_name(scenario->c),
			damages[i].name);
	}
	server_finish(&server);
	memory_destroy(&memory);
}

/* memory: a objects */

static void run_memory(const struct scenario *scenario, enum impl_index impl,
		struct results *results) {
	struct server server;
	struct connection connection;
	struct memory memory;
	begin(&server, &connection, impl, 0);
	int32_t size = 64 * 64 * 4;
	int count = scenario->a;
	memory_create(&memory, scenario->sealed, (uint64_t)size, true);
	/* So that no table grows within what is measured. */
	for (int i = 0; i < 6 * count; i++) {
		wl_region_destroy(wl_compositor_create_region(
			connection.compositor));
		if (i % 64 == 0) {
			roundtrip(&connection);
		}
	}
	bench_note_memory(connection.bench);
	for (int i = 0; i < count; i++) {
		wl_compositor_create_region(connection.compositor);
	}
	roundtrip(&connection);
	bench_note_memory(connection.bench);
	struct wl_shm_pool *pool = NULL;
	for (int i = 0; i < count; i++) {
		pool = wl_shm_create_pool(connection.shm, memory.fd, size);
		if (i % 10 == 9) {
			roundtrip(&connection);
		}
	}
	bench_note_memory(connection.bench);
	/* The pool's mapping, if it has one, is not the buffers'. */
	create_buffer(pool, 0, 64, 64);
	roundtrip(&connection);
	bench_note_memory(connection.bench);
	for (int i = 0; i < count; i++) {
		create_buffer(pool, 0, 64, 64);
	}
	roundtrip(&connection);
	bench_note_memory(connection.bench);
	const struct notes *notes = end(&server, &connection);
	double resource = (double)(notes->heap[1] - notes->heap[0]) / count;
	double per_pool = (double)(notes->heap[2] - notes->heap[1]) / count;
	double per_buffer = (double)(notes->heap[4] - notes->heap[3]) / count;
	series_add(results_get(results, "bytes", "memory/%s/pool",
		kind(scenario)), impl, per_pool - resource);
	series_add(results_get(results, "bytes", "memory/%s/buffer",
		kind(scenario)), impl, per_buffer - resource);
	server_finish(&server);
	memory_destroy(&memory);
}

/* shadows: height a, b buffers */

#define SHORT_IDLE_MS 200

static void run_shadows(const struct scenario *scenario, enum impl_index impl,
		struct results *results) {
	struct server server;
	struct connection connection;
	struct memory memory;
	struct window window;
	int32_t height = scenario->a, width = height / 9 * 16;
	int32_t buffers_len = scenario->b, size = width * height * 4;
	begin(&server, &connection, impl, SHORT_IDLE_MS);
	memory_create(&memory, scenario->sealed,
		(uint64_t)size * (uint64_t)buffers_len, true);
	window_create(&window, &connection);
	bench_set_reader(connection.bench, BENCH_READER_TOUCH, width, height);
	struct wl_shm_pool *pool = wl_shm_create_pool(connection.shm,
		memory.fd, size * buffers_len);
	for (int32_t i = 0; i < 2 * buffers_len; i++) {
		window_present(&window, create_buffer(pool,
			size * (i % buffers_len), width, height), 0, 0, width,
			height);
	}
	bench_note_shadows(connection.bench);
	roundtrip(&connection);
	/* Long enough on a busy machine, too. */
	usleep(8 * SHORT_IDLE_MS * 1000);
	bench_note_shadows(connection.bench);
	const struct notes *notes = end(&server, &connection);
	double all = (double)size * buffers_len;
	series_add(results_get(results, "of its buffers", "shadows/%s/in-use",
		kind(scenario)), impl, (double)notes->held[0] / all);
	series_add(results_get(results, "of its buffers", "shadows/%s/idle",
		kind(scenario)), impl, (double)notes->held[1] / all);
	server_finish(&server);
	memory_destroy(&memory);
}

/* scale: a clients, b buffers of the first one */

static void run_scale(const struct scenario *scenario, enum impl_index impl,
		struct results *results) {
	struct server server;
	int32_t clients = scenario->a, buffers_len = scenario->b;
	struct connection *connections =
		calloc((size_t)clients, sizeof(connections[0]));
	struct window *windows = calloc((size_t)clients, sizeof(windows[0]));
	struct memory *memories = calloc((size_t)clients, sizeof(memories[0]));
	if (connections == NULL || windows == NULL || memories == NULL) {
		exit(1);
	}
	int32_t size = 64 * 64 * 4;
	struct wl_buffer *buffer = NULL;
	for (int32_t i = 0; i < clients; i++) {
		struct connection *connection = &connections[i];
		if (i == 0) {
			begin(&server, connection, impl, 0);
		} else {
			connection_open(connection, server_connect(&server));
		}
		bench_set_reader(connection->bench, BENCH_READER_TOUCH, 64,
			64);
		int32_t len = i == 0 ? buffers_len : 1;
		memory_create(&memories[i], scenario->sealed,
			(uint64_t)size * (uint64_t)len, true);
		window_create(&windows[i], connection);
		struct wl_shm_pool *pool = wl_shm_create_pool(connection->shm,
			memories[i].fd, size * len);
		for (int32_t j = len - 1; j >= 0; j--) {
			struct wl_buffer *made =
				create_buffer(pool, size * j, 64, 64);
			window_commit(&windows[i], made, 0, 0, 64, 64);
			buffer = i == 0 && j == 0 ? made : buffer;
			if (j % 64 == 0) {
				roundtrip(connection);
			}
		}
	}
	struct connection *connection = &connections[0];
	int count = quick ? 100 : 300;
	for (int i = -20; i < count; i++) {
		if (i == 0) {
			bench_start(connection->bench);
		}
		window_present(&windows[0], buffer, 10, 10, 10, 20);
	}
	bench_stop(connection->bench);
	/* So that the others' end is not counted. */
	roundtrip(connection);
	for (int32_t i = 1; i < clients; i++) {
		connection_close(&connections[i]);
	}
	const struct notes *notes = end(&server, connection);
	add(results, impl, &notes->spent[0], count, "scale/%s/%d/%d",
		kind(scenario), clients, buffers_len);
	server_finish(&server);
	for (int32_t i = 0; i < clients; i++) {
		memory_destroy(&memories[i]);
	}
	free(connections);
	free(windows);
	free(memories);
}

#define OURS (1u << IMPL_CORE | 1u << IMPL_FACE)

const struct scenario scenarios[] = {
	{ "access", run_access, true, .a = 1, .b = 1, .quick = true, .counted = true },
	{ "access", run_access, true, .a = 64, .b = 1, .quick = true, .counted = true },
	{ "access", run_access, true, .a = 1, .b = 4, .quick = true },
	{ "access", run_access, true, .a = 64, .b = 4, .quick = true },
	{ "access", run_access, false, .a = 1, .b = 1 },
	{ "access", run_access, false, .a = 64, .b = 1 },
	{ "access", run_access, false, .a = 1, .b = 4 },

	{ "pools", run_pools, true, .a = 64, .quick = true, .counted = true },
	{ "pools", run_pools, false, .a = 64, .quick = true, .counted = true },
	{ "pools", run_pools, true, .a = 256 },
	{ "pools", run_pools, false, .a = 256 },

	{ "new-pool", run_new_pool, true, .a = 1920, .b = 1080, .rounds = 3 },
	{ "new-pool", run_new_pool, false, .a = 1920, .b = 1080, .rounds = 3 },
	{ "new-pool", run_new_pool, true, .a = 400, .b = 300, .quick = true,
		.counted = true },
	{ "new-pool", run_new_pool, false, .a = 400, .b = 300, .quick = true,
		.counted = true },

	{ "resize", run_resize, true, .c = BENCH_READER_TOUCH, .quick = true },
	{ "resize", run_resize, false, .c = BENCH_READER_TOUCH },
	/* All but the first touch of a page. */
	{ "resize", run_resize, true, .c = BENCH_READER_ACCESS, .quick = true },

#define FRAMES(height, buffers, reader, most, in_quick) \
	{ "frame", run_frame, true, .a = height, .b = buffers, .c = reader, \
		.quick = in_quick, .counted = in_quick, .rounds = most }, \
	{ "frame", run_frame, false, .a = height, .b = buffers, .c = reader, \
		.quick = in_quick, .counted = in_quick, .rounds = most }
	FRAMES(1080, 1, BENCH_READER_PIXMAN, 3, false),
	FRAMES(1080, 2, BENCH_READER_PIXMAN, 5, true),
	FRAMES(1080, 3, BENCH_READER_PIXMAN, 3, false),
	/* These take as long as all others do. */
	FRAMES(2160, 1, BENCH_READER_PIXMAN, 3, false),
	FRAMES(2160, 2, BENCH_READER_PIXMAN, 3, false),
	FRAMES(2160, 3, BENCH_READER_PIXMAN, 2, false),
	/* What is copied, by itself. */
	{ "frame", run_frame, true, .a = 2160, .b = 1, .c = BENCH_READER_ACCESS,
		.quick = true, .impls = 1u << IMPL_CORE },
	{ "frame", run_frame, false, .a = 2160, .b = 1, .c = BENCH_READER_ACCESS,
		.quick = true, .impls = 1u << IMPL_CORE },
#ifdef BENCH_GLES
	FRAMES(1080, 1, BENCH_READER_GLES, 3, false),
	FRAMES(1080, 2, BENCH_READER_GLES, 2, false),
	FRAMES(2160, 1, BENCH_READER_GLES, 2, false),
#endif

	{ "memory", run_memory, true, .a = 1000, .rounds = 2, .quick = true },
	{ "memory", run_memory, false, .a = 1000, .rounds = 2 },
	{ "shadows", run_shadows, false, .a = 1080, .b = 2, .rounds = 1, .impls = OURS,
		.quick = true },

#define SCALES(clients, buffers) \
	{ "scale", run_scale, true, .a = clients, .b = buffers, .rounds = 3 }, \
	{ "scale", run_scale, false, .a = clients, .b = buffers, .rounds = 3 }
	SCALES(1, 1),
	SCALES(10, 1),
	SCALES(100, 1),
	SCALES(1000, 1),
	SCALES(1, 10),
	SCALES(1, 100),
	SCALES(1, 1000),
	SCALES(1, 10000),
};

const size_t scenarios_len = sizeof(scenarios) / sizeof(scenarios[0]);
