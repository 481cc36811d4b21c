/* SPDX-License-Identifier: MIT */
/*
 * ICC profiles.
 */
#include <string.h>
#include <unistd.h>
#include <wayland-client.h>

#include "color-management-icc-client-protocol.h"
#include "files.h"

/* A profile */

#define HEADER_BYTES 128
#define TAGS 9
/* The size of the longest tag, in whole words. */
#define TAG_BYTES 96
#define PROFILE_BYTES (HEADER_BYTES + 4 + TAGS * 12 + TAGS * TAG_BYTES)

static uint8_t profile[PROFILE_BYTES];

static void put(size_t offset, uint32_t word) {
	profile[offset] = (uint8_t)(word >> 24);
	profile[offset + 1] = (uint8_t)(word >> 16);
	profile[offset + 2] = (uint8_t)(word >> 8);
	profile[offset + 3] = (uint8_t)word;
}

static void put_name(size_t offset, const char *name) {
	memcpy(profile + offset, name, 4);
}

/* Returns the offset of the tag's data, after its type. */
static size_t add_tag(uint32_t index, const char *name, const char *type,
		uint32_t bytes) {
	size_t entry = HEADER_BYTES + 4 + index * 12;
	uint32_t data = HEADER_BYTES + 4 + TAGS * 12 + index * TAG_BYTES;
	put_name(entry, name);
	put(entry + 4, data);
	put(entry + 8, bytes);
	put_name(data, type);
	return data + 8;
}

static void add_xyz(uint32_t index, const char *name, uint32_t x, uint32_t y,
		uint32_t z) {
	size_t data = add_tag(index, name, "XYZ ", 20);
	put(data, x);
	put(data + 4, y);
	put(data + 8, z);
}

/* A gamma of 2.2, with eight bits after the binary point. */
static void add_curve(uint32_t index, const char *name) {
	size_t data = add_tag(index, name, "curv", 14);
	put(data, 1);
	profile[data + 4] = 0x02;
	profile[data + 5] = 0x33;
}

/* A display with sRGB's primaries, in ICC version 2.4. Numbers have 16 bits after the
 * binary point. */
static void make_profile(void) {
	static const char text[] = "sealpool";
	put(0, PROFILE_BYTES);
	put(8, 0x02400000);
	put_name(12, "mntr");
	put_name(16, "RGB ");
	put_name(20, "XYZ ");
	put(24, 2026 << 16 | 1);
	put(28, 1 << 16);
	put_name(36, "acsp");
	put(68, 0xf6d6);
	put(72, 0x10000);
	put(76, 0xd32d);
	put(HEADER_BYTES, TAGS);
	size_t data = add_tag(0, "desc", "desc", 12 + sizeof(text) + 78);
	put(data, sizeof(text));
	memcpy(profile + data + 4, text, sizeof(text));
	data = add_tag(1, "cprt", "text", 8 + sizeof(text));
	memcpy(profile + data, text, sizeof(text));
	add_xyz(2, "wtpt", 0xf6d6, 0x10000, 0xd32d);
	add_xyz(3, "rXYZ", 0x6fa2, 0x38f5, 0x0390);
	add_xyz(4, "gXYZ", 0x6299, 0xb785, 0x18da);
	add_xyz(5, "bXYZ", 0x24a0, 0x0f84, 0xb6cf);
	add_curve(6, "rTRC");
	add_curve(7, "gTRC");
	add_curve(8, "bTRC");
}

/* The interface */

static bool has_icc;

static void handle_feature(void *data, struct wp_color_manager_v1 *manager,
		uint32_t feature) {
	has_icc |= feature == WP_COLOR_MANAGER_V1_FEATURE_ICC_V2_V4;
}

static void handle_number(void *data, struct wp_color_manager_v1 *manager,
		uint32_t number) {
	/* Only the feature matters. */
}

static void handle_done(void *data, struct wp_color_manager_v1 *manager) {
	/* A roundtrip has waited for it. */
}

static const struct wp_color_manager_v1_listener manager_listener = {
	.supported_intent = handle_number,
	.supported_feature = handle_feature,
	.supported_tf_named = handle_number,
	.supported_primaries_named = handle_number,
	.done = handle_done,
};

static void *create_creator(struct test *test) {
	struct client_global manager = {
		.interface = &wp_color_manager_v1_interface,
		.version = 1,
		.listener = &manager_listener,
	};
	bind_or_skip(test, &manager);
	must(test, client_roundtrip(&test->client));
	if (!has_icc) {
		test_skip(test, "there are no ICC profiles");
	}
	return wp_color_manager_v1_create_icc_creator(manager.object);
}

static void send_profile(void *object, int fd, uint32_t size) {
	wp_image_description_creator_icc_v1_set_icc_file(object, fd, 0, size);
}

static const struct shared_interface creators = {
	.create = create_creator,
	.send = send_profile,
	.bytes = profile,
	.size = PROFILE_BYTES,
};

/* The result of a profile. */
struct description {
	bool ready, failed;
	char message[256];
};

static void handle_failed(void *data,
		struct wp_image_description_v1 *image_description,
		uint32_t cause, const char *message) {
	struct description *description = data;
	description->failed = true;
	strncpy(description->message, message,
		sizeof(description->message) - 1);
}

static void handle_ready(void *data,
		struct wp_image_description_v1 *image_description,
		uint32_t identity) {
	struct description *description = data;
	description->ready = true;
}

static const struct wp_image_description_v1_listener description_listener = {
	.failed = handle_failed,
	.ready = handle_ready,
};

static void create_description(struct wp_image_description_creator_icc_v1 *creator,
		struct description *description) {
	struct wp_image_description_v1 *image_description =
		wp_image_description_creator_icc_v1_create(creator);
	wp_image_description_v1_add_listener(image_description,
		&description_listener, description);
}

/* The file is read when the description is created. */
static void send_and_create(void *object, int fd, uint32_t size) {
	static struct description description;
	send_profile(object, fd, size);
	create_description(object, &description);
}

static void hostile_profile(struct test *test) {
	make_profile();
	struct shared_interface interface = creators;
	if (test->argument != FILE_CUT_AFTERWARDS) {
		interface.send = send_and_create;
	}
	send_hostile(test, &interface);
}

static void valid_profile(struct test *test) {
	static struct description description;
	make_profile();
	create_description(send_valid(test, &creators), &description);
	int64_t deadline = test_now_ms() + 5000;
	while (!description.ready && test_now_ms() < deadline) {
		must(test, client_roundtrip(&test->client));
		if (description.failed) {
			test_fail(test, "the profile is refused: %s",
				description.message);
		}
	}
	if (!description.ready) {
		test_fail(test, "the profile is never ready");
	}
}

#define ICC_INTERFACE "wp_image_description_creator_icc_v1"

static void refused_profile(struct test *test) {
	make_profile();
	enum shared_file kind = (enum shared_file)test->argument;
	void *creator = create_creator(test);
	int fd = open_shared(test, kind, &creators);
	send_profile(creator, fd, kind == FILE_SIZE_0 ? 0 :
		kind == FILE_SIZE_MAX ? UINT32_MAX : PROFILE_BYTES);
	switch (kind) {
	case FILE_SIZE_0:
	case FILE_SIZE_MAX:
		expect_error(test, ICC_INTERFACE, ICC_INTERFACE ".bad_size");
		break;
	case FILE_PIPE:
		expect_error(test, ICC_INTERFACE, ICC_INTERFACE ".bad_fd");
		break;
	default:
		expect_error(test, ICC_INTERFACE, ICC_INTERFACE ".out_of_file");
		break;
	}
}

const struct test_case shared_profile_cases[] = {
	SHARED_HOSTILE("profile", hostile_profile),
	SHARED_SIZES("profile", hostile_profile),
	SHARED_VALID("profile", valid_profile),
	{ "shared-fds/profile-error:size-0", CASE_REQUIRED,
		"A length of zero is the error bad_size.",
		refused_profile, FILE_SIZE_0 },
	{ "shared-fds/profile-error:size-max", CASE_REQUIRED,
		"A length of more than 32 MB is the error bad_size.",
		refused_profile, FILE_SIZE_MAX },
	{ "shared-fds/profile-error:short", CASE_REQUIRED,
		"A range beyond the file's end is the error out_of_file.",
		refused_profile, FILE_SHORT },
	{ "shared-fds/profile-error:pipe", CASE_REQUIRED,
		"A file that is not seekable is the error bad_fd.",
		refused_profile, FILE_PIPE },
	{ 0 },
};
