/* SPDX-License-Identifier: MIT */
/*
 * What the protocol's text says: which requests are errors, which are not, and
 * what comes of objects that are destroyed in any order.
 *
 * Of an error it is asked that it is one of wl_shm's, on an object that can
 * have one. Which of them it is matters where the text leaves no choice. Of
 * what is legal it is asked that the client lives, and where the output can be
 * captured, that its picture is seen.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

#include "case.h"
#include "globals.h"

/* A buffer of which everything is right. */
#define WIDTH 16
#define HEIGHT 8
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

/* The next kernel page, whatever its size. */
#define FAR 65536

#define SEEN_MS 2000
/* Until an event has come that is due. */
#define DUE_MS 10000
/* Until an event has come that should not. */
#define UNDUE_MS 300

/* Errors */

/* What there is to say of a size, a stride or a place: the text makes no clear
 * difference between a bad place and memory that cannot be mapped. */
static void expect_place_error(struct test *test) {
	expect_error(test, NULL, "wl_shm.invalid_stride", "wl_shm.invalid_fd");
}

/* The request may be refused, with an error that says so, or be let pass. */
static bool passes(struct test *test) {
	if (client_roundtrip(&test->client)) {
		return true;
	}
	expect_error(test, NULL, "wl_shm.invalid_stride", "wl_shm.invalid_fd",
		"wl_display.no_memory");
	return false;
}

/* "what" says after what. */
static void expect_alive_after(struct test *test, const char *what) {
	struct client *client = &test->client;
	if (!client_roundtrip(client)) {
		char error[sizeof(client->error)];
		memcpy(error, client->error, sizeof(error));
		client_fail(client, "after %s: %.300s", what, error);
		test_fail_client(test, client);
	}
}

/* Pools and pictures */

static void create_pool(struct test *test, struct client_memory *memory,
		struct client_pool *pool, enum client_memory_kind kind,
		int32_t size) {
	must(test, client_memory_create(&test->client, memory, kind,
		(size_t)size));
	must(test, client_pool_create(&test->client, pool, memory, size));
}

/* A pool of a wl_shm other than the client's own. */
static void create_pool_of(struct test *test, struct wl_shm *shm,
		struct client_memory *memory, struct client_pool *pool,
		int32_t size) {
	*pool = (struct client_pool){
		.client = &test->client,
		.memory = memory,
		.pool = wl_shm_create_pool(shm, memory->fd, size),
	};
	if (pool->pool == NULL) {
		test_fail(test, "cannot send wl_shm.create_pool");
	}
}

static void create_buffer(struct test *test, struct client_pool *pool,
		struct client_buffer *buffer, int32_t offset) {
	must(test, client_buffer_create(pool, buffer, offset, WIDTH, HEIGHT,
		STRIDE));
}

static void commit_buffer(struct client_surface *surface,
		struct client_buffer *buffer) {
	client_surface_attach(surface, buffer);
	client_surface_damage(surface, 0, 0, INT32_MAX, INT32_MAX);
	client_surface_commit(surface);
}

/* In a surface that has no role, so that no size is wrong for it, but which a
 * compositor may read from. */
static void commit_without_role(struct test *test,
		struct client_buffer *buffer) {
	struct wl_surface *surface =
		wl_compositor_create_surface(test->client.compositor);
	if (surface == NULL) {
		test_fail(test, "no memory");
	}
	wl_surface_attach(surface, buffer->buffer, 0, 0);
	wl_surface_damage(surface, 0, 0, INT32_MAX, INT32_MAX);
	wl_surface_commit(surface);
	client_roundtrip(&test->client);
	wl_surface_destroy(surface);
}

static bool becomes_seen(struct test *test,
		const struct client_image *picture) {
	int64_t deadline = test_now_ms() + SEEN_MS;
	bool seen;
	do {
		struct client_image output;
		int32_t x, y;
		if (!client_capture_output(&test->client, CLIENT_MEMORY_SEALED,
				&output)) {
			/* It may not be for us. */
			test_expect_alive(test);
			return false;
		}
		seen = client_image_find(&output, picture, &x, &y);
		client_image_destroy(&output);
		poll(NULL, 0, seen ? 0 : 20);
	} while (!seen && test_now_ms() < deadline);
	return seen;
}

/* Whether the newest window can be seen. If it is not, a compositor has others
 * before it, or the output is scaled: that is no matter of wl_shm. */
static bool visible;

/* It shows a picture of which everything is right, to know whether others can
 * be looked for. */
static void create_window(struct test *test, struct client_window *window) {
	static struct client_memory memory;
	static struct client_pool pool;
	static struct client_buffer buffer;
	static bool hopeless;
	struct client_image picture;
	if (test->client.wm_base == NULL) {
		test_skip(test, "the compositor has no xdg_wm_base");
	}
	must(test, client_window_create(&test->client, window, "protocol"));
	visible = false;
	if (hopeless || !client_capture_is_possible(&test->client)) {
		return;
	}
	if (buffer.buffer == NULL) {
		create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, BYTES);
		create_buffer(test, &pool, &buffer, 0);
	}
	must(test, client_buffer_get_image(&test->client, &buffer, &picture));
	client_image_draw(&picture, 50);
	commit_buffer(&window->surface, &buffer);
	visible = becomes_seen(test, &picture);
	hopeless = !visible;
}

/* Draws, commits, and looks for it in the newest window. */
static void show(struct test *test, struct client_window *window,
		struct client_buffer *buffer, uint32_t frame,
		const char *what) {
	struct client_image picture;
	must(test, client_buffer_get_image(&test->client, buffer, &picture));
	client_image_draw(&picture, frame);
	commit_buffer(&window->surface, buffer);
	expect_alive_after(test, what);
	if (visible) {
		test_expect_seen(test, &picture, what);
	}
}

/* In a window of its own. */
static void show_alone(struct test *test, struct client_buffer *buffer,
		uint32_t frame, const char *what) {
	struct client_window window;
	create_window(test, &window);
	show(test, &window, buffer, frame, what);
	client_window_destroy(&window);
}

/* The global */

/* More than there are formats. */
#define FORMATS_MAX 1024

struct announced {
	uint32_t formats[FORMATS_MAX];
	size_t formats_len;
};

struct binding {
	struct wl_registry *registry;
	struct client_global global[2];
	struct wl_shm *shm;
	struct announced announced;
};

static void handle_format(void *data, struct wl_shm *shm, uint32_t format) {
	struct announced *announced = data;
	if (announced->formats_len < FORMATS_MAX) {
		announced->formats[announced->formats_len++] = format;
	}
}

static const struct wl_shm_listener shm_listener = {
	.format = handle_format,
};

static void find_global(struct test *test, struct client *client,
		struct binding *binding) {
	*binding = (struct binding){
		.global = { { .interface = &wl_shm_interface } },
	};
	binding->registry =
		client_look_for_globals(client->display, binding->global);
	if (binding->registry == NULL) {
		test_fail(test, "no memory");
	}
	if (!client_roundtrip(client)) {
		test_fail_client(test, client);
	}
}

/* Binds wl_shm once more, and learns its formats. */
static void bind(struct test *test, struct client *client,
		struct binding *binding, uint32_t version) {
	find_global(test, client, binding);
	const struct client_global *global = &binding->global[0];
	if (version > global->offered) {
		test_skip(test, "wl_shm is offered in version %u only",
			global->offered);
	}
	if (version > (uint32_t)wl_shm_interface.version) {
		test_skip(test, "this was built with a libwayland that knows "
			"version %d only", wl_shm_interface.version);
	}
	binding->shm = wl_registry_bind(binding->registry, global->name,
		&wl_shm_interface, version);
	if (binding->shm == NULL) {
		test_fail(test, "no memory");
	}
	wl_shm_add_listener(binding->shm, &shm_listener, &binding->announced);
	if (!client_roundtrip(client)) {
		test_fail_client(test, client);
	}
}

static void release_shm(struct wl_shm *shm) {
#ifdef WL_SHM_RELEASE_SINCE_VERSION
	if (wl_shm_get_version(shm) >= WL_SHM_RELEASE_SINCE_VERSION) {
		wl_shm_release(shm);
		return;
	}
#endif
	wl_shm_destroy(shm);
}

static void unbind(struct binding *binding) {
	release_shm(binding->shm);
	wl_registry_destroy(binding->registry);
}

/* As the client has bound it. */
static uint32_t newest_version(struct test *test) {
	return wl_shm_get_version(test->client.shm);
}

static void get_formats(struct test *test, struct announced *announced) {
	static struct binding binding;
	bind(test, &test->client, &binding, 1);
	*announced = binding.announced;
	unbind(&binding);
}

static size_t count_format(const struct announced *announced,
		uint32_t format) {
	size_t count = 0;
	for (size_t i = 0; i < announced->formats_len; i++) {
		count += announced->formats[i] == format;
	}
	return count;
}

static bool has_format(const struct announced *announced, uint32_t format) {
	return count_format(announced, format) > 0;
}

static void version_works(struct test *test) {
	static struct binding binding;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	bind(test, &test->client, &binding, (uint32_t)test->argument);
	if (binding.announced.formats_len == 0) {
		test_fail(test, "no format was announced");
	}
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, BYTES));
	create_pool_of(test, binding.shm, &memory, &pool, BYTES);
	create_buffer(test, &pool, &buffer, 0);
	show_alone(test, &buffer, 1, "a buffer of this version's pool");
}

static void global_is_the_only_one(struct test *test) {
	static struct binding binding;
	find_global(test, &test->client, &binding);
	unsigned count = binding.global[0].count;
	if (count != 1) {
		test_fail(test, "there are %u wl_shm globals", count);
	}
}

static void release_leaves_objects(struct test *test) {
	static struct binding binding;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer before, after;
	struct client_window window;
	bind(test, &test->client, &binding, 2);
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, 3 * BYTES));
	create_pool_of(test, binding.shm, &memory, &pool, 2 * BYTES);
	create_buffer(test, &pool, &before, 0);
	release_shm(binding.shm);
	expect_alive_after(test, "wl_shm.release");
	create_window(test, &window);
	show(test, &window, &before, 1, "a buffer made before wl_shm.release");
	create_buffer(test, &pool, &after, BYTES);
	show(test, &window, &after, 2, "a buffer made after wl_shm.release");
	client_pool_resize(&pool, 3 * BYTES);
	client_buffer_destroy(&before);
	create_buffer(test, &pool, &before, 2 * BYTES);
	client_pool_destroy(&pool);
	show(test, &window, &before, 3, "a buffer of a pool that has grown "
		"after wl_shm.release");
}

static void bindings_are_independent(struct test *test) {
	static struct binding first, second;
	struct client_memory memory;
	struct client_pool pools[3];
	struct client_buffer buffers[3];
	struct client_window window;
	bind(test, &test->client, &first, 1);
	bind(test, &test->client, &second, 1);
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, BYTES));
	create_pool_of(test, first.shm, &memory, &pools[0], BYTES);
	create_pool_of(test, second.shm, &memory, &pools[1], BYTES);
	create_buffer(test, &pools[0], &buffers[0], 0);
	create_buffer(test, &pools[1], &buffers[1], 0);
	create_window(test, &window);
	show(test, &window, &buffers[0], 1, "a buffer by the first wl_shm");
	show(test, &window, &buffers[1], 2, "a buffer by the second wl_shm");
	release_shm(first.shm);
	create_pool_of(test, second.shm, &memory, &pools[2], BYTES);
	create_buffer(test, &pools[2], &buffers[2], 0);
	show(test, &window, &buffers[2], 3,
		"a buffer by the second wl_shm without the first");
}

/* Formats */

#define CODE(a, b, c, d) \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | \
	(uint32_t)(d) << 24)

/* How many bytes a row has for so many pixels; and all planes' bytes as a ratio
 * to the first's. */
struct layout {
	uint32_t format;
	uint8_t bytes, pixels;
	uint8_t total, first;
};

#define PACKED(bytes, pixels) bytes, pixels, 1, 1
#define PLANAR(bytes, total, first) bytes, 1, total, first

/* Those that libwayland 1.21 has a name for, without tiled ones. */
static const struct layout layouts[] = {
	{ WL_SHM_FORMAT_ARGB8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_XRGB8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_ABGR8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_XBGR8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_RGBA8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_RGBX8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_BGRA8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_BGRX8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_ARGB2101010, PACKED(4, 1) },
	{ WL_SHM_FORMAT_XRGB2101010, PACKED(4, 1) },
	{ WL_SHM_FORMAT_ABGR2101010, PACKED(4, 1) },
	{ WL_SHM_FORMAT_XBGR2101010, PACKED(4, 1) },
	{ WL_SHM_FORMAT_RGBA1010102, PACKED(4, 1) },
	{ WL_SHM_FORMAT_RGBX1010102, PACKED(4, 1) },
	{ WL_SHM_FORMAT_BGRA1010102, PACKED(4, 1) },
	{ WL_SHM_FORMAT_BGRX1010102, PACKED(4, 1) },
	{ WL_SHM_FORMAT_RGB565, PACKED(2, 1) },
	{ WL_SHM_FORMAT_BGR565, PACKED(2, 1) },
	{ WL_SHM_FORMAT_ARGB4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_XRGB4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_ABGR4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_XBGR4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_RGBA4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_RGBX4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_BGRA4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_BGRX4444, PACKED(2, 1) },
	{ WL_SHM_FORMAT_ARGB1555, PACKED(2, 1) },
	{ WL_SHM_FORMAT_XRGB1555, PACKED(2, 1) },
	{ WL_SHM_FORMAT_ABGR1555, PACKED(2, 1) },
	{ WL_SHM_FORMAT_XBGR1555, PACKED(2, 1) },
	{ WL_SHM_FORMAT_RGBA5551, PACKED(2, 1) },
	{ WL_SHM_FORMAT_RGBX5551, PACKED(2, 1) },
	{ WL_SHM_FORMAT_BGRA5551, PACKED(2, 1) },
	{ WL_SHM_FORMAT_BGRX5551, PACKED(2, 1) },
	{ WL_SHM_FORMAT_RGB888, PACKED(3, 1) },
	{ WL_SHM_FORMAT_BGR888, PACKED(3, 1) },
	{ WL_SHM_FORMAT_RGB332, PACKED(1, 1) },
	{ WL_SHM_FORMAT_BGR233, PACKED(1, 1) },
	{ WL_SHM_FORMAT_C8, PACKED(1, 1) },
	{ WL_SHM_FORMAT_R8, PACKED(1, 1) },
	{ WL_SHM_FORMAT_R16, PACKED(2, 1) },
	{ WL_SHM_FORMAT_RG88, PACKED(2, 1) },
	{ WL_SHM_FORMAT_GR88, PACKED(2, 1) },
	{ WL_SHM_FORMAT_RG1616, PACKED(4, 1) },
	{ WL_SHM_FORMAT_GR1616, PACKED(4, 1) },
	{ WL_SHM_FORMAT_XRGB16161616F, PACKED(8, 1) },
	{ WL_SHM_FORMAT_XBGR16161616F, PACKED(8, 1) },
	{ WL_SHM_FORMAT_ARGB16161616F, PACKED(8, 1) },
	{ WL_SHM_FORMAT_ABGR16161616F, PACKED(8, 1) },
	{ WL_SHM_FORMAT_XRGB16161616, PACKED(8, 1) },
	{ WL_SHM_FORMAT_XBGR16161616, PACKED(8, 1) },
	{ WL_SHM_FORMAT_ARGB16161616, PACKED(8, 1) },
	{ WL_SHM_FORMAT_ABGR16161616, PACKED(8, 1) },
	{ WL_SHM_FORMAT_YUYV, PACKED(4, 2) },
	{ WL_SHM_FORMAT_YVYU, PACKED(4, 2) },
	{ WL_SHM_FORMAT_UYVY, PACKED(4, 2) },
	{ WL_SHM_FORMAT_VYUY, PACKED(4, 2) },
	{ WL_SHM_FORMAT_Y210, PACKED(8, 2) },
	{ WL_SHM_FORMAT_Y212, PACKED(8, 2) },
	{ WL_SHM_FORMAT_Y216, PACKED(8, 2) },
	{ WL_SHM_FORMAT_AYUV, PACKED(4, 1) },
	{ WL_SHM_FORMAT_XYUV8888, PACKED(4, 1) },
	{ WL_SHM_FORMAT_VUY888, PACKED(3, 1) },
	{ WL_SHM_FORMAT_Y410, PACKED(4, 1) },
	{ WL_SHM_FORMAT_XVYU2101010, PACKED(4, 1) },
	{ WL_SHM_FORMAT_Y412, PACKED(8, 1) },
	{ WL_SHM_FORMAT_Y416, PACKED(8, 1) },
	{ WL_SHM_FORMAT_XVYU12_16161616, PACKED(8, 1) },
	{ WL_SHM_FORMAT_XVYU16161616, PACKED(8, 1) },
	{ WL_SHM_FORMAT_NV12, PLANAR(1, 3, 2) },
	{ WL_SHM_FORMAT_NV21, PLANAR(1, 3, 2) },
	{ WL_SHM_FORMAT_NV16, PLANAR(1, 2, 1) },
	{ WL_SHM_FORMAT_NV61, PLANAR(1, 2, 1) },
	{ WL_SHM_FORMAT_NV24, PLANAR(1, 3, 1) },
	{ WL_SHM_FORMAT_NV42, PLANAR(1, 3, 1) },
	{ WL_SHM_FORMAT_P010, PLANAR(2, 3, 2) },
	{ WL_SHM_FORMAT_P012, PLANAR(2, 3, 2) },
	{ WL_SHM_FORMAT_P016, PLANAR(2, 3, 2) },
	{ WL_SHM_FORMAT_P210, PLANAR(2, 2, 1) },
	{ WL_SHM_FORMAT_YUV410, PLANAR(1, 9, 8) },
	{ WL_SHM_FORMAT_YVU410, PLANAR(1, 9, 8) },
	{ WL_SHM_FORMAT_YUV411, PLANAR(1, 3, 2) },
	{ WL_SHM_FORMAT_YVU411, PLANAR(1, 3, 2) },
	{ WL_SHM_FORMAT_YUV420, PLANAR(1, 3, 2) },
	{ WL_SHM_FORMAT_YVU420, PLANAR(1, 3, 2) },
	{ WL_SHM_FORMAT_YUV422, PLANAR(1, 2, 1) },
	{ WL_SHM_FORMAT_YVU422, PLANAR(1, 2, 1) },
	{ WL_SHM_FORMAT_YUV444, PLANAR(1, 3, 1) },
	{ WL_SHM_FORMAT_YVU444, PLANAR(1, 3, 1) },
};

#define LAYOUTS_LEN (sizeof(layouts) / sizeof(layouts[0]))

static bool is_planar(const struct layout *layout) {
	return layout->total > layout->first;
}

/* A list of formats, for people. */
struct names {
	char text[300];
	size_t count;
};

static void add_name(struct names *names, uint32_t format) {
	size_t length = strlen(names->text);
	char name[5] = { 0 };
	for (size_t i = 0; i < 4; i++) {
		char c = (char)(format >> 8 * i & 0xff);
		name[i] = c >= ' ' && c < 127 ? c : '?';
	}
	snprintf(names->text + length, sizeof(names->text) - length, "%s%s",
		names->count++ > 0 ? ", " : "",
		format == WL_SHM_FORMAT_ARGB8888 ? "argb8888" :
		format == WL_SHM_FORMAT_XRGB8888 ? "xrgb8888" : name);
}

static void format_is_announced(struct test *test) {
	static struct announced announced;
	get_formats(test, &announced);
	if (!has_format(&announced, (uint32_t)test->argument)) {
		test_fail(test, "it is not among the %zu formats announced",
			announced.formats_len);
	}
}

static void formats_come_once(struct test *test) {
	static struct announced announced;
	get_formats(test, &announced);
	for (size_t i = 0; i < announced.formats_len; i++) {
		size_t count = count_format(&announced, announced.formats[i]);
		if (count > 1) {
			struct names name = { 0 };
			add_name(&name, announced.formats[i]);
			test_fail(test, "%s (0x%08" PRIx32 ") is announced %zu "
				"times", name.text, announced.formats[i],
				count);
		}
	}
}

static void formats_come_at_once(struct test *test) {
	static struct binding binding;
	bind(test, &test->client, &binding, 1);
	size_t at_once = binding.announced.formats_len;
	if (at_once == 0) {
		test_fail(test, "no format was announced");
	}
	struct client_fate fate;
	client_wait_fate(&test->client, UNDUE_MS, &fate);
	test_expect_alive(test);
	if (binding.announced.formats_len != at_once) {
		test_fail(test, "%zu formats are announced at once, %zu later",
			at_once, binding.announced.formats_len - at_once);
	}
}

/* Two small numbers; otherwise codes of four letters, digits and, at the end,
 * spaces. Which there will be no one knows. */
static bool may_be_a_format(uint32_t format) {
	if (format == WL_SHM_FORMAT_ARGB8888 ||
			format == WL_SHM_FORMAT_XRGB8888) {
		return true;
	}
	bool over = false;
	for (size_t i = 0; i < 4; i++) {
		uint32_t c = format >> 8 * i & 0xff;
		over = over || !((c >= '0' && c <= '9') ||
			(c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
		if (over && (c != ' ' || i == 0)) {
			return false;
		}
	}
	return true;
}

static void formats_are_codes(struct test *test) {
	static struct announced announced;
	get_formats(test, &announced);
	for (size_t i = 0; i < announced.formats_len; i++) {
		uint32_t format = announced.formats[i];
		if (!may_be_a_format(format)) {
			test_fail(test, "0x%08" PRIx32 " is announced, which "
				"is no format", format);
		}
		if (format == CODE('A', 'R', '2', '4') ||
				format == CODE('X', 'R', '2', '4')) {
			test_fail(test, "0x%08" PRIx32 " is announced, which "
				"is DRM's number of a format that has another "
				"number here", format);
		}
	}
}

static void expect_same_formats(struct test *test, const struct announced *a,
		const struct announced *b) {
	const struct announced *pairs[2][2] = { { a, b }, { b, a } };
	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < pairs[i][0]->formats_len; j++) {
			uint32_t format = pairs[i][0]->formats[j];
			if (!has_format(pairs[i][1], format)) {
				test_fail(test, "format 0x%08" PRIx32 " is "
					"announced only the %s time", format,
					i == 0 ? "first" : "second");
			}
		}
	}
}

static void formats_are_the_same_again(struct test *test) {
	static struct binding first, second;
	bind(test, &test->client, &first, 1);
	bind(test, &test->client, &second, newest_version(test));
	expect_same_formats(test, &first.announced, &second.announced);
}

static void formats_are_the_same_elsewhere(struct test *test) {
	static struct binding first, second;
	static struct client other;
	bind(test, &test->client, &first, 1);
	test_connect(test, &other);
	bind(test, &other, &second, 1);
	expect_same_formats(test, &first.announced, &second.announced);
}

/* Multiples of all that pixels are grouped or subsampled by. */
#define FORMAT_WIDTH 48
#define FORMAT_HEIGHT 16

static int32_t tight_stride(const struct layout *layout) {
	return FORMAT_WIDTH / layout->pixels * layout->bytes;
}

static void formats_can_be_used(struct test *test) {
	static struct announced announced;
	struct client *client = &test->client;
	get_formats(test, &announced);
	for (size_t i = 0; i < LAYOUTS_LEN; i++) {
		const struct layout *layout = &layouts[i];
		if (!has_format(&announced, layout->format)) {
			continue;
		}
		int32_t stride = tight_stride(layout);
		/* Where the other planes lie is not said, but not there. */
		int32_t size = stride * FORMAT_HEIGHT *
			(is_planar(layout) ? 4 : 1);
		struct client_memory memory;
		struct client_pool pool;
		struct client_buffer buffer;
		struct names name = { 0 };
		add_name(&name, layout->format);
		create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, size);
		must(test, client_buffer_create_with_format(&pool, &buffer, 0,
			FORMAT_WIDTH, FORMAT_HEIGHT, stride, layout->format));
		expect_alive_after(test, name.text);
		commit_without_role(test, &buffer);
		expect_alive_after(test, name.text);
		client_buffer_destroy(&buffer);
		client_pool_destroy(&pool);
		client_memory_destroy(&memory);
	}
	must(test, client_roundtrip(client));
}

/* A buffer, wrong as it should be, on a connection of its own, which is then
 * replaced. Returns false when it was accepted. */
static bool is_refused(struct test *test, const struct layout *layout,
		int32_t stride, int32_t size, bool committed,
		const char *const errors[]) {
	struct client *client = &test->client;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	/* The file has more: it is the pool that counts. */
	must(test, client_memory_create(client, &memory, CLIENT_MEMORY_SEALED,
		(size_t)size * 2));
	must(test, client_pool_create(client, &pool, &memory, size));
	must(test, client_buffer_create_with_format(&pool, &buffer, 0,
		FORMAT_WIDTH, FORMAT_HEIGHT, stride, layout->format));
	bool alive = client_roundtrip(client);
	if (alive && committed) {
		commit_without_role(test, &buffer);
		alive = client_roundtrip(client);
	}
	if (!alive) {
		test_expect_error(test, NULL, errors);
	}
	client_buffer_destroy(&buffer);
	client_pool_destroy(&pool);
	client_memory_destroy(&memory);
	client_disconnect(client);
	test_connect(test, client);
	return !alive;
}

static void expect_none(struct test *test, const struct names *accepted) {
	if (accepted->count > 0) {
		test_fail(test, "expected an error, got none with %s",
			accepted->text);
	}
}

static const char *const stride_errors[] = { "wl_shm.invalid_stride", NULL };
static const char *const format_errors[] = { "wl_shm.invalid_format", NULL };
static const char *const place_errors[] = { "wl_shm.invalid_stride",
	"wl_shm.invalid_fd", NULL };

enum shortage {
	SHORT_BY_BYTE,
	SHORT_BY_PIXEL,
};

static void strides_hold_a_row(struct test *test) {
	static struct announced announced;
	struct names accepted = { 0 };
	get_formats(test, &announced);
	for (size_t i = 0; i < LAYOUTS_LEN; i++) {
		const struct layout *layout = &layouts[i];
		if (!has_format(&announced, layout->format) ||
				is_planar(layout)) {
			continue;
		}
		/* The last row ends outside. */
		int32_t stride = tight_stride(layout) -
			(test->argument == SHORT_BY_BYTE ? 1 : layout->bytes);
		if (!is_refused(test, layout, stride, stride * FORMAT_HEIGHT,
				false, stride_errors)) {
			add_name(&accepted, layout->format);
		}
	}
	expect_none(test, &accepted);
}

enum planes {
	PLANES_FIRST,
	PLANES_BUT_A_BYTE,
};

static void planes_are_in_the_pool(struct test *test) {
	static struct announced announced;
	struct names accepted = { 0 };
	size_t tried = 0;
	get_formats(test, &announced);
	for (size_t i = 0; i < LAYOUTS_LEN; i++) {
		const struct layout *layout = &layouts[i];
		if (!has_format(&announced, layout->format) ||
				!is_planar(layout)) {
			continue;
		}
		/* The rows are as short as they can be, so no arrangement of
		 * planes needs less. */
		int32_t stride = tight_stride(layout);
		int32_t first = stride * FORMAT_HEIGHT;
		int32_t size = test->argument == PLANES_FIRST ? first :
			first / layout->first * layout->total - 1;
		if (!is_refused(test, layout, stride, size, true,
				place_errors)) {
			add_name(&accepted, layout->format);
		}
		tried++;
	}
	if (tried == 0) {
		test_skip(test, "no planar format is announced");
	}
	expect_none(test, &accepted);
}

static void formats_not_announced_are_refused(struct test *test) {
	static struct announced announced;
	struct names accepted = { 0 };
	size_t tried = 0;
	get_formats(test, &announced);
	for (size_t i = 0; i < LAYOUTS_LEN; i++) {
		const struct layout *layout = &layouts[i];
		if (has_format(&announced, layout->format)) {
			continue;
		}
		int32_t stride = tight_stride(layout);
		if (!is_refused(test, layout, stride,
				stride * FORMAT_HEIGHT * 4, false,
				format_errors)) {
			add_name(&accepted, layout->format);
		}
		tried++;
	}
	if (tried == 0) {
		test_skip(test, "all known formats are announced");
	}
	expect_none(test, &accepted);
}

static const uint32_t wrong_formats[] = {
	0xdeadbeef,
	0xffffffff,
	/* Next after xrgb8888. */
	2,
	CODE('A', 'R', '2', '4'),
	CODE('X', 'R', '2', '4'),
};

/* Of wrong_formats. */
enum wrong_format {
	FORMAT_DEADBEEF,
	FORMAT_ALL_ONES,
	FORMAT_TWO,
	FORMAT_DRM_ARGB,
	FORMAT_DRM_XRGB,
};

static void format_is_refused(struct test *test) {
	static struct announced announced;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	uint32_t format = wrong_formats[test->argument];
	get_formats(test, &announced);
	if (has_format(&announced, format)) {
		test_skip(test, "it is announced");
	}
	/* Whatever it may be, it fits. */
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, 16 * BYTES);
	must(test, client_buffer_create_with_format(&pool, &buffer, 0, WIDTH,
		HEIGHT, STRIDE, format));
	test_expect_error(test, NULL, format_errors);
}

/* Pools */

static void pool_is_refused(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, BYTES));
	must(test, client_pool_create(&test->client, &pool, &memory,
		(int32_t)test->argument));
	expect_place_error(test);
}

/* What a client does that believes that its file has more, but is content with
 * what there is. */
static void use_existing_part(struct test *test, struct client_pool *pool) {
	struct client_buffer buffer;
	must(test, client_buffer_create(pool, &buffer, 0, WIDTH, HEIGHT,
		STRIDE));
	commit_without_role(test, &buffer);
	passes(test);
}

static void pool_is_larger_than_its_file(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	must(test, client_memory_create(&test->client, &memory,
		(enum client_memory_kind)test->argument, BYTES));
	must(test, client_pool_create(&test->client, &pool, &memory,
		INT32_MAX));
	if (passes(test)) {
		use_existing_part(test, &pool);
	}
}

static void pool_is_smaller_than_its_file(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, FAR));
	must(test, client_pool_create(&test->client, &pool, &memory, BYTES));
	create_buffer(test, &pool, &buffer, 0);
	show_alone(test, &buffer, 1, "a buffer in a part of a file");
}

static void pool_has_one_byte(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, 1);
	expect_alive_after(test, "a pool of one byte");
	client_pool_destroy(&pool);
	test_expect_alive(test);
}

#define POOLS_LEN 64

static void file_has_many_pools(struct test *test) {
	struct client_memory memory;
	static struct client_pool pools[POOLS_LEN];
	static struct client_buffer buffers[POOLS_LEN];
	struct client_window window;
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, BYTES));
	for (size_t i = 0; i < POOLS_LEN; i++) {
		must(test, client_pool_create(&test->client, &pools[i],
			&memory, BYTES));
		create_buffer(test, &pools[i], &buffers[i], 0);
	}
	expect_alive_after(test, "64 pools");
	create_window(test, &window);
	show(test, &window, &buffers[0], 1, "the first pool's buffer");
	show(test, &window, &buffers[POOLS_LEN - 1], 2,
		"the last pool's buffer");
	/* Every other one goes. */
	for (size_t i = 0; i < POOLS_LEN; i += 2) {
		client_buffer_destroy(&buffers[i]);
		client_pool_destroy(&pools[i]);
	}
	show(test, &window, &buffers[1], 3, "the second pool's buffer");
}

static void fd_is_closed_by_the_client(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer, late;
	struct client_window window;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_UNSEALED, 2 * BYTES);
	close(memory.fd);
	memory.fd = -1;
	create_buffer(test, &pool, &buffer, 0);
	create_window(test, &window);
	show(test, &window, &buffer, 1, "a buffer whose fd is closed here");
	create_buffer(test, &pool, &late, BYTES);
	show(test, &window, &late, 2,
		"a buffer made after its fd was closed here");
}

static void fd_is_used_by_two_clients(struct test *test) {
	struct client_memory memory;
	struct client_pool pool, other_pool;
	struct client_buffer buffer, other_buffer;
	static struct client other;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, 2 * BYTES);
	create_buffer(test, &pool, &buffer, 0);
	test_connect(test, &other);
	if (!client_pool_create(&other, &other_pool, &memory, 2 * BYTES) ||
			!client_buffer_create(&other_pool, &other_buffer,
				BYTES, WIDTH, HEIGHT, STRIDE) ||
			!client_roundtrip(&other)) {
		test_fail_client(test, &other);
	}
	show_alone(test, &buffer, 1, "a buffer of a file that two share");
	/* The one's end is not the other's. */
	client_buffer_destroy(&other_buffer);
	client_pool_destroy(&other_pool);
	client_disconnect(&other);
	show_alone(test, &buffer, 2, "a buffer of a file that two shared");
}

/* Buffers */

struct place {
	int32_t offset, width, height, stride;
	/* Of the pool; 0 is that of a right buffer. */
	int32_t size;
};

enum wrong_place {
	WIDTH_ZERO,
	WIDTH_MINUS_ONE,
	WIDTH_MIN,
	WIDTH_MAX,
	WIDTH_TIMES_4_IS_4,
	HEIGHT_ZERO,
	HEIGHT_MINUS_ONE,
	HEIGHT_MIN,
	HEIGHT_MAX,
	HEIGHT_AND_A_ROW,
	STRIDE_ZERO,
	STRIDE_NEGATIVE,
	STRIDE_MIN,
	STRIDE_MAX,
	STRIDE_BYTE_SHORT,
	STRIDE_PIXEL_SHORT,
	STRIDE_IN_PIXELS,
	OFFSET_MINUS_ONE,
	OFFSET_MINUS_PIXEL,
	OFFSET_MINUS_ALL,
	OFFSET_MIN,
	OFFSET_MAX,
	OFFSET_BYTE,
	OFFSET_PIXEL,
	OFFSET_END,
	OFFSET_BEYOND,
	POOL_BYTE_SHORT,
	POOL_ONE_BYTE,
	PRODUCT_IS_0,
	PRODUCT_IS_4,
	PRODUCT_IS_8,
	PRODUCT_IS_NEGATIVE,
	SUM_IS_NEGATIVE,
	SUM_IS_0,
	ALL_MAX,
};

static const struct place wrong_places[] = {
	[WIDTH_ZERO] = { 0, 0, HEIGHT, STRIDE },
	[WIDTH_MINUS_ONE] = { 0, -1, HEIGHT, STRIDE },
	[WIDTH_MIN] = { 0, INT32_MIN, HEIGHT, STRIDE },
	[WIDTH_MAX] = { 0, INT32_MAX, HEIGHT, STRIDE },
	[WIDTH_TIMES_4_IS_4] = { 0, 0x40000001, 1, 4 },
	[HEIGHT_ZERO] = { 0, WIDTH, 0, STRIDE },
	[HEIGHT_MINUS_ONE] = { 0, WIDTH, -1, STRIDE },
	[HEIGHT_MIN] = { 0, WIDTH, INT32_MIN, STRIDE },
	[HEIGHT_MAX] = { 0, WIDTH, INT32_MAX, STRIDE },
	[HEIGHT_AND_A_ROW] = { 0, WIDTH, HEIGHT + 1, STRIDE },
	[STRIDE_ZERO] = { 0, WIDTH, HEIGHT, 0 },
	/* Bottom row first: it would all be in the pool. */
	[STRIDE_NEGATIVE] = { BYTES - STRIDE, WIDTH, HEIGHT, -STRIDE },
	[STRIDE_MIN] = { 0, WIDTH, HEIGHT, INT32_MIN },
	[STRIDE_MAX] = { 0, WIDTH, HEIGHT, INT32_MAX },
	/* For all three, the last row ends outside. */
	[STRIDE_BYTE_SHORT] = { 0, WIDTH, HEIGHT, STRIDE - 1,
		(STRIDE - 1) * HEIGHT },
	[STRIDE_PIXEL_SHORT] = { 0, WIDTH, HEIGHT, STRIDE - 4,
		(STRIDE - 4) * HEIGHT },
	[STRIDE_IN_PIXELS] = { 0, WIDTH, HEIGHT, WIDTH, WIDTH * HEIGHT },
	[OFFSET_MINUS_ONE] = { -1, WIDTH, HEIGHT, STRIDE, 2 * BYTES },
	[OFFSET_MINUS_PIXEL] = { -4, WIDTH, HEIGHT, STRIDE, 2 * BYTES },
	[OFFSET_MINUS_ALL] = { -BYTES, WIDTH, HEIGHT, STRIDE, 2 * BYTES },
	[OFFSET_MIN] = { INT32_MIN, WIDTH, HEIGHT, STRIDE },
	[OFFSET_MAX] = { INT32_MAX, WIDTH, HEIGHT, STRIDE },
	[OFFSET_BYTE] = { 1, WIDTH, HEIGHT, STRIDE },
	[OFFSET_PIXEL] = { 4, WIDTH, HEIGHT, STRIDE },
	[OFFSET_END] = { BYTES, WIDTH, HEIGHT, STRIDE },
	[OFFSET_BEYOND] = { BYTES + 4, 1, 1, 4 },
	[POOL_BYTE_SHORT] = { 0, WIDTH, HEIGHT, STRIDE, BYTES - 1 },
	[POOL_ONE_BYTE] = { 0, 1, 1, 4, 1 },
	/* What it says when counted in 32 bits. */
	[PRODUCT_IS_0] = { 0, 1, 65536, 65536 },
	[PRODUCT_IS_4] = { 0, 1, 0x40000001, 4 },
	[PRODUCT_IS_8] = { 0, 1, 3, 0x55555558 },
	[PRODUCT_IS_NEGATIVE] = { 0, 1, 32768, 65536 },
	[SUM_IS_NEGATIVE] = { INT32_MAX - BYTES + 1, WIDTH, HEIGHT, STRIDE },
	[SUM_IS_0] = { 0x7fffff00, 1, 0x20000040, 4 },
	[ALL_MAX] = { INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX },
};

static void create_wrong_buffer(struct test *test) {
	const struct place *place = &wrong_places[test->argument];
	int32_t size = place->size != 0 ? place->size : BYTES;
	static struct client_memory memory;
	static struct client_pool pool;
	static struct client_buffer buffer;
	/* The file has more: it is the pool that counts. */
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, (size_t)size + FAR));
	must(test, client_pool_create(&test->client, &pool, &memory, size));
	test_expect_alive(test);
	must(test, client_buffer_create(&pool, &buffer, place->offset,
		place->width, place->height, place->stride));
}

static void size_is_refused(struct test *test) {
	create_wrong_buffer(test);
	test_expect_error(test, NULL, stride_errors);
}

static void place_is_refused(struct test *test) {
	create_wrong_buffer(test);
	expect_place_error(test);
}

enum odd_place {
	STRIDE_AND_1,
	STRIDE_AND_2,
	STRIDE_AND_3,
	LAST_ROW_UNPADDED,
};

static const struct place odd_places[] = {
	[STRIDE_AND_1] = { 0, WIDTH, HEIGHT, STRIDE + 1, 2 * BYTES },
	[STRIDE_AND_2] = { 0, WIDTH, HEIGHT, STRIDE + 2, 2 * BYTES },
	[STRIDE_AND_3] = { 0, WIDTH, HEIGHT, STRIDE + 3, 2 * BYTES },
	[LAST_ROW_UNPADDED] = { 0, WIDTH, HEIGHT, 2 * STRIDE,
		2 * BYTES - STRIDE },
};

static void odd_place_harms_nobody(struct test *test) {
	const struct place *place = &odd_places[test->argument];
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, place->size);
	must(test, client_buffer_create(&pool, &buffer, place->offset,
		place->width, place->height, place->stride));
	if (passes(test)) {
		struct client_window window;
		create_window(test, &window);
		commit_buffer(&window.surface, &buffer);
		passes(test);
	}
}

enum right_place {
	WHOLE_POOL,
	END_OF_POOL,
	AFTER_1_BYTE,
	AFTER_2_BYTES,
	AFTER_3_BYTES,
	ACROSS_PAGES,
	ONE_PIXEL,
	WIDE,
	TALL,
	PADDED,
};

static const struct place right_places[] = {
	[WHOLE_POOL] = { 0, WIDTH, HEIGHT, STRIDE },
	[END_OF_POOL] = { FAR, WIDTH, HEIGHT, STRIDE, FAR + BYTES },
	[AFTER_1_BYTE] = { 1, WIDTH, HEIGHT, STRIDE, BYTES + 1 },
	[AFTER_2_BYTES] = { 2, WIDTH, HEIGHT, STRIDE, BYTES + 2 },
	[AFTER_3_BYTES] = { 3, WIDTH, HEIGHT, STRIDE, BYTES + 3 },
	[ACROSS_PAGES] = { 4096 - 4, WIDTH, HEIGHT, STRIDE, 4096 + BYTES },
	[ONE_PIXEL] = { 0, 1, 1, 4, 4 },
	[WIDE] = { 0, 16384, 1, 16384 * 4, 16384 * 4 },
	[TALL] = { 0, 1, 16384, 4, 16384 * 4 },
	[PADDED] = { 0, WIDTH, HEIGHT, 4096, 4096 * HEIGHT },
};

static void right_buffer_works(struct test *test) {
	const struct place *place = &right_places[test->argument];
	int32_t size = place->size != 0 ? place->size : BYTES;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, size);
	must(test, client_buffer_create(&pool, &buffer, place->offset,
		place->width, place->height, place->stride));
	expect_alive_after(test, "wl_shm_pool.create_buffer");
	commit_without_role(test, &buffer);
	expect_alive_after(test, "a commit of the buffer");
	/* Others are too large for a window, or too small to be found. */
	if (place->width == WIDTH) {
		show_alone(test, &buffer, 1, "the buffer");
	}
}

static void pixels_of_two_bytes_may_be_odd(struct test *test) {
	static struct announced announced;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	get_formats(test, &announced);
	if (!has_format(&announced, WL_SHM_FORMAT_RGB565)) {
		test_skip(test, "rgb565 is not announced");
	}
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED,
		(WIDTH - 1) * 2 * HEIGHT);
	must(test, client_buffer_create_with_format(&pool, &buffer, 0,
		WIDTH - 1, HEIGHT, (WIDTH - 1) * 2, WL_SHM_FORMAT_RGB565));
	expect_alive_after(test, "wl_shm_pool.create_buffer");
	commit_without_role(test, &buffer);
	expect_alive_after(test, "a commit of the buffer");
}

/* The distance between two buffers of one pool, in rows. */
static void buffers_share_rows(struct test *test) {
	int32_t rows = (int32_t)test->argument;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer all, upper, lower;
	struct client_image picture;
	struct client_window windows[2];
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, 2 * BYTES);
	must(test, client_buffer_create(&pool, &all, 0, WIDTH, HEIGHT + rows,
		STRIDE));
	create_buffer(test, &pool, &upper, 0);
	create_buffer(test, &pool, &lower, rows * STRIDE);
	must(test, client_buffer_get_image(&test->client, &all, &picture));
	client_image_draw(&picture, 1);
	client_buffer_destroy(&all);
	struct client_buffer *both[] = { &upper, &lower };
	for (size_t i = 0; i < 2; i++) {
		create_window(test, &windows[i]);
		commit_buffer(&windows[i].surface, both[i]);
		expect_alive_after(test, "a commit of one of two buffers that "
			"share pixels");
		must(test, client_buffer_get_image(&test->client, both[i],
			&picture));
		if (visible) {
			test_expect_seen(test, &picture,
				"one of two buffers that share pixels");
		}
	}
	/* The other one's pixels are still its own. */
	client_buffer_destroy(&upper);
	commit_buffer(&windows[1].surface, &lower);
	expect_alive_after(test, "a commit of the one buffer that is left");
}

/* Resizing */

static void resize_is_refused(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, BYTES);
	test_expect_alive(test);
	client_pool_resize(&pool, (int32_t)test->argument);
	expect_place_error(test);
}

static void resize_in_use_is_refused(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, 2 * BYTES);
	create_buffer(test, &pool, &buffer, 0);
	commit_without_role(test, &buffer);
	test_expect_alive(test);
	/* The buffer would still be inside. */
	client_pool_resize(&pool, BYTES);
	expect_place_error(test);
}

static void resize_back_is_refused(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	must(test, client_memory_create(&test->client, &memory,
		CLIENT_MEMORY_SEALED, 2 * BYTES));
	must(test, client_pool_create(&test->client, &pool, &memory, BYTES));
	client_pool_resize(&pool, 2 * BYTES);
	expect_alive_after(test, "wl_shm_pool.resize to more");
	client_pool_resize(&pool, BYTES);
	expect_place_error(test);
}

static void resize_makes_room(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer old, new;
	struct client_window window;
	create_pool(test, &memory, &pool,
		(enum client_memory_kind)test->argument, BYTES);
	create_buffer(test, &pool, &old, 0);
	create_window(test, &window);
	show(test, &window, &old, 1, "a buffer before its pool grew");
	must(test, client_memory_grow(&test->client, &memory, FAR + BYTES));
	client_pool_resize(&pool, FAR + BYTES);
	expect_alive_after(test, "wl_shm_pool.resize to more");
	create_buffer(test, &pool, &new, FAR);
	show(test, &window, &new, 2, "a buffer in what a pool grew by");
	must(test, client_buffer_wait_released(&test->client, &old));
	show(test, &window, &old, 3, "a buffer older than its pool's size");
}

static void resize_again_and_again(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	static struct client_buffer buffers[100];
	struct client_window window;
	create_pool(test, &memory, &pool,
		(enum client_memory_kind)test->argument, BYTES);
	create_window(test, &window);
	for (int32_t i = 0; i < 100; i++) {
		must(test, client_memory_grow(&test->client, &memory,
			(size_t)(i + 1) * 4096));
		client_pool_resize(&pool, (i + 1) * 4096);
		create_buffer(test, &pool, &buffers[i], i * 4096);
		commit_buffer(&window.surface, &buffers[i]);
	}
	expect_alive_after(test, "a pool that has grown 100 times");
	must(test, client_buffer_wait_released(&test->client, &buffers[0]));
	show(test, &window, &buffers[0], 1, "the oldest of 100 buffers");
	show(test, &window, &buffers[50], 2, "one of 100 buffers");
}

static void resize_to_the_same_size(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, BYTES);
	client_pool_resize(&pool, BYTES);
	expect_alive_after(test, "wl_shm_pool.resize to the same");
	create_buffer(test, &pool, &buffer, 0);
	show_alone(test, &buffer, 1, "a buffer of a pool of the same size");
}

static void resize_beyond_the_file(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, BYTES);
	test_expect_alive(test);
	client_pool_resize(&pool, (int32_t)test->argument);
	if (passes(test)) {
		use_existing_part(test, &pool);
	}
}

/* The end of objects */

enum part {
	PART_SURFACE,
	PART_BUFFER,
	PART_POOL,
	PART_SHM,
	PARTS_LEN,
};

static const char *const part_names[] = { "surface", "buffer", "pool",
	"wl_shm" };

/* The surface is a part of a window that stays: how a compositor likes windows
 * that come and go is another matter. */
struct parts {
	struct wl_shm *shm;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	struct client_subsurface subsurface;
};

static void destroy_part(struct parts *parts, enum part part) {
	switch (part) {
	case PART_SURFACE:
		client_subsurface_destroy(&parts->subsurface);
		break;
	case PART_BUFFER:
		client_buffer_destroy(&parts->buffer);
		break;
	case PART_POOL:
		client_pool_destroy(&parts->pool);
		break;
	case PART_SHM:
		release_shm(parts->shm);
		break;
	case PARTS_LEN:
		break;
	}
}

/* "settled" is whether the compositor has seen the commit before; else it comes
 * in one piece with all else. */
static void try_order(struct test *test, const struct binding *binding,
		struct client_window *window, const enum part order[],
		enum client_memory_kind kind, bool settled) {
	static struct parts parts;
	char what[100];
	snprintf(what, sizeof(what), "the end of %s, %s, %s and %s (%s, %s)",
		part_names[order[0]], part_names[order[1]],
		part_names[order[2]], part_names[order[3]],
		client_memory_kind_name(kind), settled ? "settled" : "at once");
	parts.shm = wl_registry_bind(binding->registry,
		binding->global[0].name,
		&wl_shm_interface, wl_shm_get_version(binding->shm));
	if (parts.shm == NULL) {
		test_fail(test, "no memory");
	}
	must(test, client_memory_create(&test->client, &parts.memory, kind,
		BYTES));
	must(test, client_subsurface_create(&test->client, &parts.subsurface,
		&window->surface, 0, 0));
	client_subsurface_set_desync(&parts.subsurface);
	/* It is there from its parent's next commit on. */
	client_surface_commit(&window->surface);
	create_pool_of(test, parts.shm, &parts.memory, &parts.pool, BYTES);
	create_buffer(test, &parts.pool, &parts.buffer, 0);
	commit_buffer(&parts.subsurface.surface, &parts.buffer);
	for (size_t i = 0; i < PARTS_LEN; i++) {
		if (settled) {
			expect_alive_after(test, what);
		}
		destroy_part(&parts, order[i]);
	}
	expect_alive_after(test, what);
	client_memory_destroy(&parts.memory);
}

/* In each order that begins with one of them. */
static void parts_end_in_any_order(struct test *test) {
	static struct binding binding;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	struct client_window window;
	if (test->client.subcompositor == NULL) {
		test_skip(test, "the compositor has no wl_subcompositor");
	}
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, BYTES);
	create_buffer(test, &pool, &buffer, 0);
	create_window(test, &window);
	commit_buffer(&window.surface, &buffer);
	bind(test, &test->client, &binding, newest_version(test));
	enum part first = (enum part)test->argument;
	for (size_t i = 0; i < PARTS_LEN * PARTS_LEN * PARTS_LEN; i++) {
		enum part order[] = { first, (enum part)(i % PARTS_LEN),
			(enum part)(i / PARTS_LEN % PARTS_LEN),
			(enum part)(i / PARTS_LEN / PARTS_LEN) };
		unsigned all = 0;
		for (size_t j = 0; j < PARTS_LEN; j++) {
			all |= 1u << order[j];
		}
		if (all != (1u << PARTS_LEN) - 1) {
			continue;
		}
		try_order(test, &binding, &window, order,
			CLIENT_MEMORY_SEALED, false);
		try_order(test, &binding, &window, order,
			CLIENT_MEMORY_SEALED, true);
		try_order(test, &binding, &window, order,
			CLIENT_MEMORY_UNSEALED, false);
		try_order(test, &binding, &window, order,
			CLIENT_MEMORY_UNSEALED, true);
	}
}

static void pool_ends_before_its_buffer_is_used(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer, other;
	struct client_window window;
	create_pool(test, &memory, &pool,
		(enum client_memory_kind)test->argument, 2 * BYTES);
	create_buffer(test, &pool, &buffer, 0);
	create_buffer(test, &pool, &other, BYTES);
	client_pool_destroy(&pool);
	create_window(test, &window);
	show(test, &window, &buffer, 1, "a buffer whose pool is gone");
	show(test, &window, &other, 2, "a second buffer whose pool is gone");
	client_buffer_destroy(&buffer);
	show(test, &window, &other, 3,
		"the last buffer of a pool that is gone");
}

static void buffer_ends_between_attach_and_commit(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_window window;
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, 2 * BYTES);
	create_buffer(test, &pool, &buffers[0], 0);
	create_buffer(test, &pool, &buffers[1], BYTES);
	create_window(test, &window);
	commit_buffer(&window.surface, &buffers[0]);
	test_expect_alive(test);
	client_surface_attach(&window.surface, &buffers[1]);
	client_buffer_destroy(&buffers[1]);
	client_surface_commit(&window.surface);
	expect_alive_after(test, "a commit of a buffer that was destroyed");
	client_window_destroy(&window);
	test_expect_alive(test);
}

static void buffer_ends_between_commits(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_window window;
	create_pool(test, &memory, &pool,
		(enum client_memory_kind)test->argument, 2 * BYTES);
	create_window(test, &window);
	for (unsigned i = 0; i < 20; i++) {
		create_buffer(test, &pool, &buffers[i % 2],
			(int32_t)(i % 2) * BYTES);
		commit_buffer(&window.surface, &buffers[i % 2]);
		client_buffer_destroy(&buffers[i % 2]);
		/* Its end comes with the next commit, or long before. */
		if (i % 3 == 0) {
			expect_alive_after(test, "a buffer destroyed after its "
				"commit");
		}
	}
	create_buffer(test, &pool, &buffers[0], 0);
	show(test, &window, &buffers[0], 1,
		"a buffer after others that were destroyed");
}

/* Commit and release */

static void create_pair(struct test *test, struct client_memory *memory,
		struct client_pool *pool, struct client_buffer buffers[2],
		struct client_window *window) {
	create_pool(test, memory, pool,
		(enum client_memory_kind)test->argument, 2 * BYTES);
	create_buffer(test, pool, &buffers[0], 0);
	create_buffer(test, pool, &buffers[1], BYTES);
	create_window(test, window);
	test->client.patience = DUE_MS;
}

static void release_comes_after_replacement(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_window window;
	create_pair(test, &memory, &pool, buffers, &window);
	commit_buffer(&window.surface, &buffers[0]);
	for (unsigned i = 0; i < 10; i++) {
		test_expect_alive(test);
		commit_buffer(&window.surface, &buffers[(i + 1) % 2]);
		must(test, client_buffer_wait_released(&test->client,
			&buffers[i % 2]));
	}
}

static void release_comes_after_null(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_window window;
	create_pair(test, &memory, &pool, buffers, &window);
	commit_buffer(&window.surface, &buffers[0]);
	test_expect_alive(test);
	client_surface_attach(&window.surface, NULL);
	client_surface_commit(&window.surface);
	expect_alive_after(test, "a commit of no buffer");
	must(test, client_buffer_wait_released(&test->client, &buffers[0]));
}

static void release_comes_after_the_surface(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_window window;
	create_pair(test, &memory, &pool, buffers, &window);
	commit_buffer(&window.surface, &buffers[0]);
	test_expect_alive(test);
	client_window_destroy(&window);
	must(test, client_buffer_wait_released(&test->client, &buffers[0]));
}

static void release_comes_without_the_pool(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_window window;
	create_pair(test, &memory, &pool, buffers, &window);
	client_pool_destroy(&pool);
	commit_buffer(&window.surface, &buffers[0]);
	test_expect_alive(test);
	commit_buffer(&window.surface, &buffers[1]);
	must(test, client_buffer_wait_released(&test->client, &buffers[0]));
}

static void release_is_of_what_was_committed(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_window window;
	create_pair(test, &memory, &pool, buffers, &window);
	client_surface_attach(&window.surface, &buffers[0]);
	commit_buffer(&window.surface, &buffers[1]);
	struct client_fate fate;
	client_wait_fate(&test->client, UNDUE_MS, &fate);
	test_expect_alive(test);
	if (buffers[0].releases > 0) {
		test_fail(test, "a buffer that was never committed has been "
			"released");
	}
}

static void same_buffer_twice(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_window window;
	create_pair(test, &memory, &pool, buffers, &window);
	show(test, &window, &buffers[0], 1, "a buffer");
	commit_buffer(&window.surface, &buffers[0]);
	commit_buffer(&window.surface, &buffers[0]);
	/* And once without. */
	client_surface_damage(&window.surface, 0, 0, WIDTH, HEIGHT);
	client_surface_commit(&window.surface);
	expect_alive_after(test, "three commits of a buffer");
	show(test, &window, &buffers[1], 2, "a buffer after one that was "
		"committed three times");
	must(test, client_buffer_wait_released(&test->client, &buffers[0]));
}

static void buffer_in_two_surfaces(struct test *test) {
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffers[2];
	struct client_window window, second;
	create_pair(test, &memory, &pool, buffers, &window);
	show(test, &window, &buffers[0], 1, "a buffer in one window");
	create_window(test, &second);
	commit_buffer(&second.surface, &buffers[0]);
	expect_alive_after(test, "a commit of a buffer in a second window");
	client_window_destroy(&window);
	expect_alive_after(test, "the end of one of two windows");
	client_buffer_destroy(&buffers[0]);
	commit_buffer(&second.surface, &buffers[1]);
	expect_alive_after(test, "the end of a buffer in two windows");
}

static void null_without_a_buffer(struct test *test) {
	struct wl_surface *surface =
		wl_compositor_create_surface(test->client.compositor);
	if (surface == NULL) {
		test_fail(test, "no memory");
	}
	wl_surface_attach(surface, NULL, 0, 0);
	wl_surface_commit(surface);
	wl_surface_attach(surface, NULL, 0, 0);
	wl_surface_commit(surface);
	expect_alive_after(test, "commits of no buffer");
}

#define WRONG_SIZE(name, wrong, description) \
	{ "protocol/buffer-size:" name, CASE_REQUIRED, description, \
		size_is_refused, wrong }
#define WRONG_PLACE(name, wrong, description) \
	{ "protocol/buffer-place:" name, CASE_REQUIRED, description, \
		place_is_refused, wrong }

/* Each in every place that it is about. */
static const char every_pixel[] = "Every pixel of a buffer lies in its pool.";
static const char in_32_bits[] = "A buffer that is too large is so even where "
	"32 bits are not enough to tell.";
static const char some_pixels[] = "A buffer has pixels: its width and height "
	"are more than 0.";
static const char whole_row[] = "A stride is the distance between two rows, so "
	"none is less than a row.";
static const char forward[] = "A buffer begins in its pool, at a byte that is "
	"not negative.";
static const char announced_only[] = "A buffer's format is one of those that "
	"were announced.";

const struct test_case protocol_cases[] = {
	{ "protocol/global", CASE_REQUIRED,
		"There is one wl_shm, so that all know which to bind.",
		global_is_the_only_one },
	{ "protocol/version:1", CASE_REQUIRED,
		"A client that binds the first version can do all that there "
		"was to do in it.", version_works, 1 },
	{ "protocol/version:2", CASE_REQUIRED,
		"A client that binds the second version can do all that was "
		"possible in the first.", version_works, 2 },
	{ "protocol/release-shm", CASE_REQUIRED,
		"A client that needs no more pools can give its wl_shm back, "
		"and keeps the pools and buffers that it has.",
		release_leaves_objects },
	{ "protocol/second-binding", CASE_REQUIRED,
		"Several libraries in one process may each bind wl_shm, and "
		"let go of it when they like.", bindings_are_independent },

	{ "protocol/format:argb8888", CASE_REQUIRED,
		"A client can rely on the format argb8888.",
		format_is_announced, WL_SHM_FORMAT_ARGB8888 },
	{ "protocol/format:xrgb8888", CASE_REQUIRED,
		"A client can rely on the format xrgb8888.",
		format_is_announced, WL_SHM_FORMAT_XRGB8888 },
	{ "protocol/formats:usable", CASE_REQUIRED,
		"What is announced as a format can be used for buffers.",
		formats_can_be_used },
	{ "protocol/formats:at-once", CASE_REQUIRED,
		"The formats are announced on binding, so a client that waits "
		"for one answer knows them all.", formats_come_at_once },
	{ "protocol/formats:codes", CASE_REQUIRED,
		"A format is announced by wl_shm's number for it, which for "
		"argb8888 and xrgb8888 is not that of DRM.",
		formats_are_codes },
	{ "protocol/formats:no-duplicates", CASE_QUALITY,
		"A client that keeps a list of formats has no use for one "
		"that is told twice.", formats_come_once },
	{ "protocol/formats:same-again", CASE_QUALITY,
		"A client that binds twice, in whatever version, gets the same "
		"formats.", formats_are_the_same_again },
	{ "protocol/formats:same-elsewhere", CASE_QUALITY,
		"Two clients are told the same formats.",
		formats_are_the_same_elsewhere },

	{ "protocol/wrong-format:unknown", CASE_REQUIRED, announced_only,
		format_is_refused, FORMAT_DEADBEEF },
	{ "protocol/wrong-format:all-ones", CASE_REQUIRED, announced_only,
		format_is_refused, FORMAT_ALL_ONES },
	{ "protocol/wrong-format:two", CASE_REQUIRED, announced_only,
		format_is_refused, FORMAT_TWO },
	{ "protocol/wrong-format:drm-argb8888", CASE_REQUIRED,
		"DRM's number for argb8888 is not the one that is announced.",
		format_is_refused, FORMAT_DRM_ARGB },
	{ "protocol/wrong-format:drm-xrgb8888", CASE_REQUIRED,
		"DRM's number for xrgb8888 is not the one that is announced.",
		format_is_refused, FORMAT_DRM_XRGB },
	{ "protocol/wrong-format:not-announced", CASE_REQUIRED,
		"A format that exists, but was not announced, is an error.",
		formats_not_announced_are_refused },

	{ "protocol/pool-size:zero", CASE_REQUIRED, "A pool has bytes.",
		pool_is_refused, 0 },
	{ "protocol/pool-size:negative", CASE_REQUIRED,
		"A pool's size is not negative.", pool_is_refused, -1 },
	{ "protocol/pool-size:min", CASE_REQUIRED,
		"A pool's size is not negative.", pool_is_refused, INT32_MIN },
	{ "protocol/pool-size:max-sealed", CASE_ROBUSTNESS,
		"A pool that is much larger than its file may be refused, or "
		"not; nobody else notices.",
		pool_is_larger_than_its_file, CLIENT_MEMORY_SEALED },
	{ "protocol/pool-size:max-unsealed", CASE_ROBUSTNESS,
		"A pool that is much larger than its file may be refused, or "
		"not; nobody else notices.",
		pool_is_larger_than_its_file, CLIENT_MEMORY_UNSEALED },
	{ "protocol/pool-size:part-of-file", CASE_REQUIRED,
		"A pool has the size that it is given, and its file may have "
		"more.", pool_is_smaller_than_its_file },
	{ "protocol/pool-size:one-byte", CASE_REQUIRED,
		"A pool may be too small for any buffer.", pool_has_one_byte },

	{ "protocol/pool-fd:many-pools", CASE_QUALITY,
		"A client may make many pools of one file, if it is by "
		"mistake.", file_has_many_pools },
	{ "protocol/pool-fd:closed", CASE_REQUIRED,
		"The fd is the compositor's own once it is sent, and the "
		"client can close what it has of it.",
		fd_is_closed_by_the_client },
	{ "protocol/pool-fd:two-clients", CASE_REQUIRED,
		"Two clients may share a file, as a browser's processes do; "
		"the end of one is not the end of the other.",
		fd_is_used_by_two_clients },

	WRONG_SIZE("width-zero", WIDTH_ZERO, some_pixels),
	WRONG_SIZE("width-negative", WIDTH_MINUS_ONE, some_pixels),
	WRONG_SIZE("width-min", WIDTH_MIN, some_pixels),
	WRONG_SIZE("width-max", WIDTH_MAX, whole_row),
	WRONG_SIZE("width-wraps", WIDTH_TIMES_4_IS_4, in_32_bits),
	WRONG_SIZE("height-zero", HEIGHT_ZERO, some_pixels),
	WRONG_SIZE("height-negative", HEIGHT_MINUS_ONE, some_pixels),
	WRONG_SIZE("height-min", HEIGHT_MIN, some_pixels),
	WRONG_PLACE("height-max", HEIGHT_MAX, every_pixel),
	WRONG_PLACE("one-row-more", HEIGHT_AND_A_ROW, every_pixel),
	WRONG_SIZE("stride-zero", STRIDE_ZERO, whole_row),
	WRONG_SIZE("stride-negative", STRIDE_NEGATIVE, whole_row),
	WRONG_SIZE("stride-min", STRIDE_MIN, whole_row),
	WRONG_PLACE("stride-max", STRIDE_MAX, every_pixel),
	WRONG_SIZE("stride-byte-short", STRIDE_BYTE_SHORT, whole_row),
	WRONG_SIZE("stride-pixel-short", STRIDE_PIXEL_SHORT, whole_row),
	WRONG_SIZE("stride-in-pixels", STRIDE_IN_PIXELS, whole_row),
	WRONG_PLACE("offset-minus-one", OFFSET_MINUS_ONE, forward),
	WRONG_PLACE("offset-minus-pixel", OFFSET_MINUS_PIXEL, forward),
	WRONG_PLACE("offset-minus-all", OFFSET_MINUS_ALL, forward),
	WRONG_PLACE("offset-min", OFFSET_MIN, forward),
	WRONG_PLACE("offset-max", OFFSET_MAX, in_32_bits),
	WRONG_PLACE("offset-byte-too-far", OFFSET_BYTE, every_pixel),
	WRONG_PLACE("offset-pixel-too-far", OFFSET_PIXEL, every_pixel),
	WRONG_PLACE("offset-at-end", OFFSET_END, every_pixel),
	WRONG_PLACE("offset-beyond-end", OFFSET_BEYOND, every_pixel),
	WRONG_PLACE("pool-byte-short", POOL_BYTE_SHORT, every_pixel),
	WRONG_PLACE("pool-of-one-byte", POOL_ONE_BYTE, every_pixel),
	WRONG_PLACE("product-wraps-to-0", PRODUCT_IS_0, in_32_bits),
	WRONG_PLACE("product-wraps-to-4", PRODUCT_IS_4, in_32_bits),
	WRONG_PLACE("product-wraps-to-8", PRODUCT_IS_8, in_32_bits),
	WRONG_PLACE("product-overflows", PRODUCT_IS_NEGATIVE, in_32_bits),
	WRONG_PLACE("sum-overflows", SUM_IS_NEGATIVE, in_32_bits),
	WRONG_PLACE("sum-wraps-to-0", SUM_IS_0, in_32_bits),
	WRONG_PLACE("all-max", ALL_MAX, in_32_bits),
	{ "protocol/buffer-size:each-format-byte-short", CASE_REQUIRED,
		"In every format that is announced, a stride holds a row of "
		"its pixels.", strides_hold_a_row, SHORT_BY_BYTE },
	{ "protocol/buffer-size:each-format-pixel-short", CASE_REQUIRED,
		"In every format that is announced, a stride holds a row of "
		"its pixels.", strides_hold_a_row, SHORT_BY_PIXEL },
	{ "protocol/planes:first-only", CASE_ROBUSTNESS,
		"A format of several planes needs more than the first one's "
		"bytes, and what is outside the pool must not be read: it is "
		"an error at the commit at the latest.",
		planes_are_in_the_pool, PLANES_FIRST },
	{ "protocol/planes:byte-short", CASE_ROBUSTNESS,
		"The last plane's last byte is in the pool as well, or it is "
		"an error at the commit at the latest.",
		planes_are_in_the_pool, PLANES_BUT_A_BYTE },

	{ "protocol/odd-buffer:stride-and-1", CASE_ROBUSTNESS,
		"A stride that is no number of pixels may be refused, or not; "
		"nobody else notices.", odd_place_harms_nobody, STRIDE_AND_1 },
	{ "protocol/odd-buffer:stride-and-2", CASE_ROBUSTNESS,
		"A stride that is no number of pixels may be refused, or not; "
		"nobody else notices.", odd_place_harms_nobody, STRIDE_AND_2 },
	{ "protocol/odd-buffer:stride-and-3", CASE_ROBUSTNESS,
		"A stride that is no number of pixels may be refused, or not; "
		"nobody else notices.", odd_place_harms_nobody, STRIDE_AND_3 },
	{ "protocol/odd-buffer:last-row-unpadded", CASE_ROBUSTNESS,
		"A pool may end with the last pixel, before the end of its "
		"row; that is an error or not, but the bytes after it are not "
		"read.", odd_place_harms_nobody, LAST_ROW_UNPADDED },
	{ "protocol/odd-buffer:rgb565", CASE_QUALITY,
		"A width may be odd where a pixel has two bytes.",
		pixels_of_two_bytes_may_be_odd },

	{ "protocol/right-buffer:whole-pool", CASE_REQUIRED,
		"A buffer may fill its pool.", right_buffer_works, WHOLE_POOL },
	{ "protocol/right-buffer:end-of-pool", CASE_REQUIRED,
		"A buffer may end where its pool does.", right_buffer_works,
		END_OF_POOL },
	{ "protocol/right-buffer:across-pages", CASE_REQUIRED,
		"A buffer need not begin with a page.", right_buffer_works,
		ACROSS_PAGES },
	{ "protocol/right-buffer:offset-1", CASE_QUALITY,
		"A buffer may begin at any byte.", right_buffer_works,
		AFTER_1_BYTE },
	{ "protocol/right-buffer:offset-2", CASE_QUALITY,
		"A buffer may begin at any byte.", right_buffer_works,
		AFTER_2_BYTES },
	{ "protocol/right-buffer:offset-3", CASE_QUALITY,
		"A buffer may begin at any byte.", right_buffer_works,
		AFTER_3_BYTES },
	{ "protocol/right-buffer:one-pixel", CASE_REQUIRED,
		"A buffer may be one pixel.", right_buffer_works, ONE_PIXEL },
	{ "protocol/right-buffer:wide", CASE_QUALITY,
		"A buffer may be much wider than any output.",
		right_buffer_works, WIDE },
	{ "protocol/right-buffer:tall", CASE_QUALITY,
		"A buffer may be much higher than any output.",
		right_buffer_works, TALL },
	{ "protocol/right-buffer:padded", CASE_REQUIRED,
		"A stride may be longer than a row.", right_buffer_works,
		PADDED },
	{ "protocol/right-buffer:overlapping", CASE_QUALITY,
		"Two buffers may have rows in common, as parts of one picture "
		"have.", buffers_share_rows, HEIGHT / 2 },
	{ "protocol/right-buffer:identical", CASE_REQUIRED,
		"Two buffers may be the same pixels, for a surface each.",
		buffers_share_rows, 0 },

	{ "protocol/resize:grow-sealed", CASE_REQUIRED,
		"A pool that has grown has room for more buffers, and the ones "
		"it had stay good.", resize_makes_room, CLIENT_MEMORY_SEALED },
	{ "protocol/resize:grow-unsealed", CASE_REQUIRED,
		"A pool that has grown has room for more buffers, and the ones "
		"it had stay good.", resize_makes_room,
		CLIENT_MEMORY_UNSEALED },
	{ "protocol/resize:often-sealed", CASE_REQUIRED,
		"A pool may grow with every frame while its buffers are in "
		"use.", resize_again_and_again, CLIENT_MEMORY_SEALED },
	{ "protocol/resize:often-unsealed", CASE_REQUIRED,
		"A pool may grow with every frame while its buffers are in "
		"use.", resize_again_and_again, CLIENT_MEMORY_UNSEALED },
	{ "protocol/resize:same", CASE_QUALITY,
		"A client that asks for the size that it has does no harm.",
		resize_to_the_same_size },
	{ "protocol/resize:byte-less", CASE_REQUIRED,
		"A pool can only become larger.", resize_is_refused,
		BYTES - 1 },
	{ "protocol/resize:zero", CASE_REQUIRED,
		"A pool can only become larger.", resize_is_refused, 0 },
	{ "protocol/resize:negative", CASE_REQUIRED,
		"A pool can only become larger.", resize_is_refused, -1 },
	{ "protocol/resize:min", CASE_REQUIRED,
		"A pool can only become larger.", resize_is_refused,
		INT32_MIN },
	{ "protocol/resize:less-in-use", CASE_REQUIRED,
		"A pool can only become larger, even where its buffers need "
		"less.", resize_in_use_is_refused },
	{ "protocol/resize:back", CASE_REQUIRED,
		"A pool can only become larger, even where it was smaller "
		"before.", resize_back_is_refused },
	{ "protocol/resize:beyond-file", CASE_ROBUSTNESS,
		"It is the client's fault if its file does not have what its "
		"pool has; nobody else notices.", resize_beyond_the_file,
		FAR },
	{ "protocol/resize:max", CASE_ROBUSTNESS,
		"It is the client's fault if its file does not have what its "
		"pool has; nobody else notices.", resize_beyond_the_file,
		INT32_MAX },

	{ "protocol/end:surface-first", CASE_REQUIRED,
		"Objects may be destroyed in any order, here with the surface "
		"first.", parts_end_in_any_order, PART_SURFACE },
	{ "protocol/end:buffer-first", CASE_REQUIRED,
		"Objects may be destroyed in any order, here with the buffer "
		"first.", parts_end_in_any_order, PART_BUFFER },
	{ "protocol/end:pool-first", CASE_REQUIRED,
		"Objects may be destroyed in any order, here with the pool "
		"first.", parts_end_in_any_order, PART_POOL },
	{ "protocol/end:shm-first", CASE_REQUIRED,
		"Objects may be destroyed in any order, here with wl_shm "
		"first.", parts_end_in_any_order, PART_SHM },
	{ "protocol/end:pool-sealed", CASE_REQUIRED,
		"A buffer keeps what it needs of its pool.",
		pool_ends_before_its_buffer_is_used, CLIENT_MEMORY_SEALED },
	{ "protocol/end:pool-unsealed", CASE_REQUIRED,
		"A buffer keeps what it needs of its pool.",
		pool_ends_before_its_buffer_is_used, CLIENT_MEMORY_UNSEALED },
	{ "protocol/end:attached-buffer", CASE_QUALITY,
		"What becomes of a surface whose next buffer is destroyed is "
		"left open, but there is no error for it.",
		buffer_ends_between_attach_and_commit },
	{ "protocol/end:committed-buffer-sealed", CASE_REQUIRED,
		"A buffer may be destroyed while the compositor uses it.",
		buffer_ends_between_commits, CLIENT_MEMORY_SEALED },
	{ "protocol/end:committed-buffer-unsealed", CASE_REQUIRED,
		"A buffer may be destroyed while the compositor uses it.",
		buffer_ends_between_commits, CLIENT_MEMORY_UNSEALED },

	{ "protocol/release:replaced-sealed", CASE_REQUIRED,
		"A client is told when it can draw on a buffer again, so that "
		"two are enough.", release_comes_after_replacement,
		CLIENT_MEMORY_SEALED },
	{ "protocol/release:replaced-unsealed", CASE_REQUIRED,
		"A client is told when it can draw on a buffer again, so that "
		"two are enough.", release_comes_after_replacement,
		CLIENT_MEMORY_UNSEALED },
	{ "protocol/release:null", CASE_REQUIRED,
		"A surface without content has no use for the buffer that it "
		"had.", release_comes_after_null, CLIENT_MEMORY_SEALED },
	{ "protocol/release:surface-gone", CASE_REQUIRED,
		"A surface that is gone has no use for the buffer that it "
		"had.", release_comes_after_the_surface,
		CLIENT_MEMORY_SEALED },
	{ "protocol/release:pool-gone", CASE_REQUIRED,
		"A buffer is released as any other when its pool is gone.",
		release_comes_without_the_pool, CLIENT_MEMORY_SEALED },
	{ "protocol/release:not-committed", CASE_REQUIRED,
		"A buffer that was replaced before it was committed was not "
		"used, so is not released.", release_is_of_what_was_committed,
		CLIENT_MEMORY_SEALED },

	{ "protocol/commit:twice-sealed", CASE_REQUIRED,
		"A buffer may be committed any number of times.",
		same_buffer_twice, CLIENT_MEMORY_SEALED },
	{ "protocol/commit:twice-unsealed", CASE_REQUIRED,
		"A buffer may be committed any number of times.",
		same_buffer_twice, CLIENT_MEMORY_UNSEALED },
	{ "protocol/commit:two-surfaces", CASE_REQUIRED,
		"A buffer may be in several surfaces, though when it is "
		"released then is left open.", buffer_in_two_surfaces,
		CLIENT_MEMORY_SEALED },
	{ "protocol/commit:null", CASE_REQUIRED,
		"A surface that has no content may be told to have none.",
		null_without_a_buffer },
	{ 0 },
};
