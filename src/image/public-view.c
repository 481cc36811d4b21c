/* SPDX-License-Identifier: MIT */
/*
 * <sealpool/memory.h>: one buffer of a file.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "access.h"
#include "changes.h"
#include "damage.h"
#include "format.h"
#include "public.h"

bool sealpool_format_is_known(uint32_t format) {
	return sp_format_get(format) != NULL;
}

/* Returns 0 or a negative errno. */
static int find_layout(const struct sealpool_file *file,
		const struct sealpool_layout *wanted,
		struct sp_layout *layout) {
	const struct sp_format *format = sp_format_get(wanted->format);
	if (format == NULL) {
		return -ENOTSUP;
	}
	if (wanted->offset < 0 || wanted->width <= 0 || wanted->height <= 0 ||
			wanted->stride <= 0 || !sp_layout_init(layout, format,
			wanted->offset, wanted->width, wanted->height,
			wanted->stride)) {
		return -EINVAL;
	}
	return layout->end <= file->backing.size ? 0 : -ERANGE;
}

struct sealpool_view *sealpool_view_create(struct sealpool_file *file,
		const struct sealpool_layout *wanted, void *data) {
	assert(!file->closed);
	assert(!file->account->gone);
	struct sp_layout layout;
	int ret = find_layout(file, wanted, &layout);
	if (ret < 0) {
		errno = -ret;
		return NULL;
	}
	struct sealpool_view *view = calloc(1, sizeof(*view));
	if (view == NULL) {
		return NULL;
	}
	view->file = file;
	file->refs++;
	view->data = data;
	sp_public_init_notes(view);
	sp_list_append(&file->views, &view->link);
	sp_view_init(&view->view, &file->backing, &layout,
		&sp_public_view_ops);
	return view;
}

void sealpool_view_destroy(struct sealpool_view *view) {
	struct sealpool_file *file = view->file;
	sp_public_finish_notes(view);
	sp_view_finish(&view->view);
	sp_list_remove(&view->link);
	free(view);
	sp_public_unref_file(file);
}

bool sealpool_view_damage(struct sealpool_view *view,
		const struct sealpool_box *boxes, size_t boxes_len) {
	assert(!view->file->account->gone);
	return sp_view_damage(&view->view, boxes, boxes_len, 0);
}

void sealpool_view_freeze(struct sealpool_view *view) {
	sp_public_freeze_view(view);
}

enum sealpool_memory_kind sealpool_view_get_kind(
		const struct sealpool_view *view) {
	return atomic_load_explicit(&view->view.kind, memory_order_acquire);
}

int sealpool_view_get_fd(const struct sealpool_view *view) {
	return sealpool_view_get_kind(view) == SEALPOOL_MEMORY_DIRECT &&
		!view->view.orphan ? view->file->backing.file.fd : -ENOTSUP;
}

bool sealpool_view_get_plane(const struct sealpool_view *view, uint32_t plane,
		int32_t *offset, int32_t *stride) {
	const struct sp_layout *layout = &view->view.layout;
	if (plane >= layout->format->planes_len) {
		return false;
	}
	*offset = (int32_t)layout->planes[plane].offset;
	*stride = (int32_t)layout->planes[plane].stride;
	return true;
}

int sealpool_view_begin(struct sealpool_view *view, uint32_t flags,
		struct sealpool_view_access *access) {
	assert(flags != 0);
	assert((flags & ~(SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE)) == 0);
	struct sp_access begun;
	int ret = (flags & SEALPOOL_ACCESS_WRITE) ?
		sp_view_begin_write(&view->view, 0, &begun) :
		sp_view_begin_read(&view->view, 0, &begun);
	*access = (struct sealpool_view_access){
		.data = begun.data,
		.format = view->view.layout.format->drm,
		.stride = view->view.layout.planes[0].stride,
		.held = begun.held,
		.flags = begun.flags,
	};
	return ret;
}

void sealpool_view_end(struct sealpool_view *view,
		struct sealpool_view_access *access) {
	struct sp_access begun = {
		.held = access->held,
		.flags = access->flags,
	};
	if (access->flags != 0) {
		sp_view_end(&view->view, &begun);
	}
	*access = (struct sealpool_view_access){ 0 };
}
