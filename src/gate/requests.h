/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_GATE_REQUESTS_H
#define SEALPOOL_GATE_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "copy.h"

/** What becomes of the file in a request. */
enum sp_fate {
	/* The compositor reads or maps the file: it gets a copy. */
	SP_FATE_COPIED,
	/* The file must be a dma-buf, which cannot be truncated. */
	SP_FATE_DMABUF,
	/* wl_shm or the guard handles the file. */
	SP_FATE_POOL,
	/* All others: interfaces that are not known, and requests that send the file on to
	 * another client, after which the compositor closes it. */
	SP_FATE_UNKNOWN,
};

/** What is known of a request that has a file. */
struct sp_request {
	const char *interface, *name;
	enum sp_fate fate;

	/* Of SP_FATE_COPIED: the arguments that name the range, -1 for none. Without a
	 * length, the file may have any up to "max". */
	int offset_arg, length_arg;
	/* The most bytes that make sense. */
	uint64_t max;
	/* The receiver reads up to a byte of 0. */
	bool is_text;
	/* The interface has errors of its own, if only the last of these: of a length that makes no sense, of a file
	 * that ends before the range does, and of one that cannot be read. */
	bool has_errors;
	uint32_t size_error, short_error, file_error;
};

/** Never NULL. */
const struct sp_request *sp_request_find(
	const struct wl_protocol_logger_message *message);

/** The range that a request to be copied names. */
struct sp_range sp_request_get_range(const struct sp_request *request,
	const union wl_argument *args);

#endif
