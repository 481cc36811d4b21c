/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GATE_REQUESTS_H
#define SEALPOOL_GATE_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

/** What happens to the file in a request. */
enum sp_fate {
	/* The compositor reads or maps the file: it gets a copy. */
	SP_FATE_COPIED,
	/* The file must be a dma-buf, which cannot be truncated. */
	SP_FATE_DMABUF,
	/* wl_shm or the guard handles the file. */
	SP_FATE_POOL,
	/* All others: unknown interfaces, and requests that send the file on to another
	 * client, after which the compositor closes it. */
	SP_FATE_UNKNOWN,
};

/** What is known of a request that has a file. */
struct sp_request {
	const char *interface, *name;
	enum sp_fate fate;

	/* For SP_FATE_COPIED: the arguments that name the range, or -1. Without a length,
	 * the file may have up to "max" bytes. */
	int offset_arg, length_arg;
	/* The most bytes that make sense. */
	uint64_t max;
	/* The receiver reads up to a zero byte. */
	bool is_text;
	/* The interface has errors of its own, if at least the last of these: for a
	 * length that makes no sense, a file that ends before the range, and a file that
	 * cannot be read. */
	bool has_errors;
	uint32_t size_error, short_error, file_error;
};

/** Never NULL. */
const struct sp_request *sp_request_find(
	const struct wl_protocol_logger_message *message);

#endif
