/* SPDX-License-Identifier: MIT */
/*
 * Creates Sealpool's wl_shm for wlroots.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/render/drm_format_set.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/util/log.h>

#include <sealpool/wlroots.h>

#include "buffer.h"

static void log_to_wlr(void *data, enum sealpool_log_importance importance,
		const char *format, va_list args) {
	enum wlr_log_importance wlr_importance = WLR_DEBUG;
	switch (importance) {
	case SEALPOOL_LOG_ERROR:
		wlr_importance = WLR_ERROR;
		break;
	case SEALPOOL_LOG_INFO:
		wlr_importance = WLR_INFO;
		break;
	case SEALPOOL_LOG_DEBUG:
		break;
	}
	char message[512];
	vsnprintf(message, sizeof(message), format, args);
	wlr_log(wlr_importance, "[sealpool] %s", message);
}

struct sealpool_shm *sealpool_wlr_shm_create(struct wl_display *display,
		uint32_t version, const uint32_t *formats, size_t formats_len,
		const struct sealpool_options *options) {
	struct sealpool_options wanted = { .size = sizeof(wanted) };
	if (options != NULL) {
		assert(options->size > 0);
		size_t size = options->size < sizeof(wanted) ?
			options->size : sizeof(wanted);
		memcpy(&wanted, options, size);
		wanted.size = sizeof(wanted);
	}
	if (wanted.log == NULL) {
		wanted.log = log_to_wlr;
	}
	struct sealpool_shm *shm =
		sealpool_shm_create(display, version, formats, formats_len,
			&wanted);
	if (shm == NULL) {
		return NULL;
	}
	sp_wlr_use_buffers(shm, !wanted.no_commit_tracker);
	sp_wlr_use_gpu(display, wanted.gpu_import == SEALPOOL_GPU_IMPORT_AUTO,
		wanted.shadow_idle_ms);
	return shm;
}

struct sealpool_shm *sealpool_wlr_shm_create_with_renderer(
		struct wl_display *display, uint32_t version,
		struct wlr_renderer *renderer,
		const struct sealpool_options *options) {
	const struct wlr_drm_format_set *set = wlr_renderer_get_texture_formats(
		renderer, WLR_BUFFER_CAP_DATA_PTR);
	if (set == NULL || set->len == 0) {
		wlr_log(WLR_ERROR, "[sealpool] cannot create wl_shm: "
			"the renderer cannot read from memory");
		return NULL;
	}
	uint32_t *formats = calloc(set->len, sizeof(formats[0]));
	if (formats == NULL) {
		wlr_log_errno(WLR_ERROR, "[sealpool] cannot create wl_shm");
		return NULL;
	}
	for (size_t i = 0; i < set->len; i++) {
		formats[i] = set->formats[i].format;
	}
	struct sealpool_shm *shm =
		sealpool_wlr_shm_create(display, version, formats, set->len,
			options);
	free(formats);
	return shm;
}
