/* SPDX-License-Identifier: MIT */
/*
 * The requests that have a file: who reads it, and how much of it.
 *
 * They are identified by name: an interface may be compiled into a compositor more than
 * once, and libwayland knows few of them.
 */
#include <string.h>

#include "requests.h"

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)

/* In the order of their protocols' descriptions. */
enum icc_error {
	ICC_BAD_FD = 2,
	ICC_BAD_SIZE = 3,
	ICC_OUT_OF_FILE = 4,
};

enum gamma_error {
	GAMMA_INVALID_GAMMA = 1,
};

enum dmabuf_error {
	DMABUF_INVALID_WL_BUFFER = 7,
};

enum wl_drm_error {
	WL_DRM_INVALID_NAME = 2,
};

static const struct sp_request requests[] = {
	{ "wl_shm", "create_pool", SP_FATE_POOL },
	/* Large keymaps, of four layouts, have 100 KiB. */
	{ "zwp_virtual_keyboard_v1", "keymap", SP_FATE_COPIED,
		.offset_arg = -1, .length_arg = 2, .max = MIB,
		.is_text = true },
	/* The protocol allows 32 MB. */
	{ "wp_image_description_creator_icc_v1", "set_icc_file", SP_FATE_COPIED,
		.offset_arg = 1, .length_arg = 2, .max = 32 * MIB,
		.has_errors = true, .size_error = ICC_BAD_SIZE,
		.short_error = ICC_OUT_OF_FILE, .file_error = ICC_BAD_FD },
	{ "xx_image_description_creator_icc_v4", "set_icc_file", SP_FATE_COPIED,
		.offset_arg = 1, .length_arg = 2, .max = 32 * MIB,
		.has_errors = true, .size_error = ICC_BAD_SIZE,
		.short_error = ICC_OUT_OF_FILE, .file_error = ICC_BAD_FD },
	/* Three ramps of 16-bit numbers, of at most 65536 steps. */
	{ "zwlr_gamma_control_v1", "set_gamma", SP_FATE_COPIED,
		.offset_arg = -1, .length_arg = -1, .max = 384 * KIB,
		.has_errors = true, .size_error = GAMMA_INVALID_GAMMA,
		.short_error = GAMMA_INVALID_GAMMA,
		.file_error = GAMMA_INVALID_GAMMA },
	{ "zwp_linux_buffer_params_v1", "add", SP_FATE_DMABUF,
		.has_errors = true, .file_error = DMABUF_INVALID_WL_BUFFER },
	{ "wl_drm", "create_prime_buffer", SP_FATE_DMABUF,
		.has_errors = true, .file_error = WL_DRM_INVALID_NAME },
};

static const struct sp_request unknown = { .fate = SP_FATE_UNKNOWN };

const struct sp_request *sp_request_find(
		const struct wl_protocol_logger_message *message) {
	const char *interface = wl_resource_get_class(message->resource);
	const char *name = message->message->name;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (strcmp(requests[i].interface, interface) == 0 &&
				strcmp(requests[i].name, name) == 0) {
			return &requests[i];
		}
	}
	return &unknown;
}
