/* SPDX-License-Identifier: MIT */
#ifndef UNIT_LAYOUT_H
#define UNIT_LAYOUT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "image/format.h"

/** Fails unless the format can have this layout. */
static inline struct sp_layout make_layout(uint32_t drm, int32_t offset,
		int32_t width, int32_t height, int32_t stride) {
	struct sp_layout layout = { 0 };
	const struct sp_format *format = sp_format_get(drm);
	if (format == NULL || !sp_layout_init(&layout, format, offset, width,
			height, stride)) {
		fail_msg("format 0x%08x cannot be %d pixels wide at a stride "
			"of %d", (unsigned)drm, (int)width, (int)stride);
	}
	return layout;
}

#endif
