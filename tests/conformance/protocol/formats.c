/* SPDX-License-Identifier: MIT */
/*
 * Which formats are announced, and that no other format is accepted.
 */
#include <inttypes.h>
#include <wayland-client.h>

#include "binding.h"
#include "layouts.h"
#include "picture.h"

#define CODE(a, b, c, d) \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | \
	(uint32_t)(d) << 24)

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
	bind_shm(test, &test->client, &binding, 1);
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

/* Two small numbers. All others are codes of four letters and digits, padded with spaces.
 * New codes may be added at any time. */
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
	bind_shm(test, &test->client, &first, 1);
	bind_shm(test, &test->client, &second, newest_version(test));
	expect_same_formats(test, &first.announced, &second.announced);
}

static void formats_are_the_same_elsewhere(struct test *test) {
	static struct binding first, second;
	static struct client other;
	bind_shm(test, &test->client, &first, 1);
	test_connect(test, &other);
	bind_shm(test, &other, &second, 1);
	expect_same_formats(test, &first.announced, &second.announced);
}

static void formats_can_be_used(struct test *test) {
	static struct announced announced;
	struct client *client = &test->client;
	get_formats(test, &announced);
	for (size_t i = 0; i < layouts_len; i++) {
		const struct layout *layout = &layouts[i];
		if (!has_format(&announced, layout->format)) {
			continue;
		}
		int32_t stride = tight_stride(layout);
		/* The protocol does not say where the other planes are. This has room for
		 * them. */
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

static const char *const format_errors[] = { "wl_shm.invalid_format", NULL };

static void formats_not_announced_are_refused(struct test *test) {
	static struct announced announced;
	struct names accepted = { 0 };
	size_t tried = 0;
	get_formats(test, &announced);
	for (size_t i = 0; i < layouts_len; i++) {
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
	/* The code after that of xrgb8888. */
	2,
	CODE('A', 'R', '2', '4'),
	CODE('X', 'R', '2', '4'),
};

/* An index into wrong_formats. */
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
	/* The pool is large enough for any format. */
	create_pool(test, &memory, &pool, CLIENT_MEMORY_SEALED, 16 * BYTES);
	must(test, client_buffer_create_with_format(&pool, &buffer, 0, WIDTH,
		HEIGHT, STRIDE, format));
	test_expect_error(test, NULL, format_errors);
}

static const char announced_only[] = "A buffer's format must be an advertised one.";

const struct test_case protocol_format_cases[] = {
	{ "protocol/format:argb8888", CASE_REQUIRED,
		"A client can rely on the format argb8888.",
		format_is_announced, WL_SHM_FORMAT_ARGB8888 },
	{ "protocol/format:xrgb8888", CASE_REQUIRED,
		"A client can rely on the format xrgb8888.",
		format_is_announced, WL_SHM_FORMAT_XRGB8888 },
	{ "protocol/formats:usable", CASE_REQUIRED,
		"Every advertised format can be used for buffers.",
		formats_can_be_used },
	{ "protocol/formats:at-once", CASE_REQUIRED,
		"The formats are sent when wl_shm is bound, so a client knows all "
		"after one round trip.", formats_come_at_once },
	{ "protocol/formats:codes", CASE_REQUIRED,
		"Formats are advertised with wl_shm's codes, which differ from DRM's "
		"for argb8888 and xrgb8888.",
		formats_are_codes },
	{ "protocol/formats:no-duplicates", CASE_QUALITY,
		"No format is sent twice.", formats_come_once },
	{ "protocol/formats:same-again", CASE_QUALITY,
		"A client that binds wl_shm twice, in any versions, gets the same "
		"formats.", formats_are_the_same_again },
	{ "protocol/formats:same-elsewhere", CASE_QUALITY,
		"Two clients get the same formats.",
		formats_are_the_same_elsewhere },

	{ "protocol/wrong-format:unknown", CASE_REQUIRED, announced_only,
		format_is_refused, FORMAT_DEADBEEF },
	{ "protocol/wrong-format:all-ones", CASE_REQUIRED, announced_only,
		format_is_refused, FORMAT_ALL_ONES },
	{ "protocol/wrong-format:two", CASE_REQUIRED, announced_only,
		format_is_refused, FORMAT_TWO },
	{ "protocol/wrong-format:drm-argb8888", CASE_REQUIRED,
		"DRM's code for argb8888 is not advertised, and is an error.",
		format_is_refused, FORMAT_DRM_ARGB },
	{ "protocol/wrong-format:drm-xrgb8888", CASE_REQUIRED,
		"DRM's code for xrgb8888 is not advertised, and is an error.",
		format_is_refused, FORMAT_DRM_XRGB },
	{ "protocol/wrong-format:not-announced", CASE_REQUIRED,
		"A format that exists but was not advertised is an error.",
		formats_not_announced_are_refused },
	{ 0 },
};
