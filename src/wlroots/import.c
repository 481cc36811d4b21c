/* SPDX-License-Identifier: MIT */
/*
 * Makes dma-bufs of clients' pages, with /dev/udmabuf, and limits what they pin.
 *
 * A dma-buf keeps its pages, in memory that cannot be swapped, even if the client punches
 * them out of its file and fills the file with new ones. So limits count what each dma-buf
 * pins, not the sizes of files. UDMABUF_CREATE also fills holes, which are charged to this
 * process; a buffer is refused if it has any, and if the client punches one at this very
 * moment, what the kernel then fills is still within the limits.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wlr/render/drm_format_set.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/types/wlr_buffer.h>

#include <sealpool/shm.h>

#include "gles.h"
#include "import.h"

#define MIB ((uint64_t)1 << 20)
/* Three buffers of 2160p are 96 MiB. */
#define CLIENT_BYTES_MAX (128 * MIB)
#define CLIENT_NUMBER_MAX 16
/* But not more than an eighth of the machine's memory. */
#define ALL_BYTES_MAX (512 * MIB)
#define ALL_NUMBER_MAX 64

/* Of strides and offsets, in bytes. Smaller ones are refused by some GPUs, and misread by
 * some that do not refuse them. */
#define ALIGNMENT 256

/* The kernel's own default. */
#define SIZE_MAX_MIB 64

static uint64_t read_size_max(void) {
	uint64_t mib = SIZE_MAX_MIB;
	FILE *file = fopen("/sys/module/udmabuf/parameters/size_limit_mb", "re");
	if (file != NULL) {
		int value;
		if (fscanf(file, "%d", &value) == 1 && value >= 0) {
			mib = (uint64_t)value;
		}
		fclose(file);
	}
	return mib * MIB;
}

int sp_imports_init(struct sp_imports *imports) {
	*imports = (struct sp_imports){
		.device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC),
		.size_max = read_size_max(),
		.all = {
			.bytes_max = ALL_BYTES_MAX,
			.number_max = ALL_NUMBER_MAX,
		},
	};
	wl_list_init(&imports->pinners);
	if (imports->device < 0) {
		return -errno;
	}
	uint64_t part = (uint64_t)sysconf(_SC_PHYS_PAGES) *
		(uint64_t)sysconf(_SC_PAGESIZE) / 8;
	if (part < imports->all.bytes_max) {
		imports->all.bytes_max = part;
	}
	return 0;
}

/* Limits */

static void pinner_destroy(struct sp_pinner *pinner) {
	if (pinner->client != NULL) {
		wl_list_remove(&pinner->client_destroy.link);
	}
	wl_list_remove(&pinner->link);
	free(pinner);
}

static void handle_client_destroy(struct wl_listener *listener, void *data) {
	struct sp_pinner *pinner =
		wl_container_of(listener, pinner, client_destroy);
	wl_list_remove(&pinner->client_destroy.link);
	pinner->client = NULL;
	if (pinner->pins.number == 0) {
		pinner_destroy(pinner);
	}
}

static struct sp_pinner *pinner_get(struct sp_imports *imports,
		struct wl_client *client) {
	struct sp_pinner *pinner;
	wl_list_for_each(pinner, &imports->pinners, link) {
		if (pinner->client == client) {
			return pinner;
		}
	}
	pinner = calloc(1, sizeof(*pinner));
	if (pinner == NULL) {
		return NULL;
	}
	pinner->client = client;
	pinner->pins.bytes_max = CLIENT_BYTES_MAX;
	pinner->pins.number_max = CLIENT_NUMBER_MAX;
	pinner->client_destroy.notify = handle_client_destroy;
	wl_client_add_destroy_listener(client, &pinner->client_destroy);
	wl_list_insert(&imports->pinners, &pinner->link);
	return pinner;
}

static bool has_room(const struct sp_pins *pins, uint64_t bytes) {
	return pins->number < pins->number_max &&
		bytes <= pins->bytes_max - pins->bytes;
}

static void add_pin(struct sp_import *import) {
	import->pinner->pins.bytes += import->pinned;
	import->pinner->pins.number++;
	import->imports->all.bytes += import->pinned;
	import->imports->all.number++;
}

static void remove_pin(struct sp_import *import) {
	struct sp_pinner *pinner = import->pinner;
	import->imports->all.bytes -= import->pinned;
	import->imports->all.number--;
	pinner->pins.bytes -= import->pinned;
	pinner->pins.number--;
	if (pinner->pins.number == 0 && pinner->client == NULL) {
		pinner_destroy(pinner);
	}
}

void sp_imports_finish(struct sp_imports *imports) {
	struct sp_pinner *pinner, *tmp;
	wl_list_for_each_safe(pinner, tmp, &imports->pinners, link) {
		pinner_destroy(pinner);
	}
	if (imports->device >= 0) {
		close(imports->device);
	}
}

/* Conditions */

/* Whole pages of a buffer's file. */
struct range {
	uint64_t start, end;
};

static struct range get_range(struct sealpool_buffer *buffer) {
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t start = (uint64_t)sealpool_buffer_get_offset(buffer);
	uint64_t end = start +
		(uint64_t)sealpool_buffer_get_stride(buffer) *
		(uint64_t)sealpool_buffer_get_height(buffer);
	return (struct range){
		.start = start & ~(page - 1),
		.end = (end + page - 1) & ~(page - 1),
	};
}

/* wlroots adds LINEAR where the driver knows no modifiers. */
static bool renderer_imports(struct wlr_renderer *renderer, uint32_t format) {
	const struct wlr_drm_format_set *set = wlr_renderer_get_texture_formats(
		renderer, WLR_BUFFER_CAP_DMABUF);
	return set != NULL &&
		wlr_drm_format_set_has(set, format, DRM_FORMAT_MOD_LINEAR);
}

static bool has_all_pages(struct sealpool_buffer *buffer,
		const struct range *range) {
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	size_t pages = (size_t)((range->end - range->start) / page);
	unsigned char *resident = malloc(pages);
	struct sealpool_access access;
	if (resident == NULL) {
		return false;
	}
	sealpool_buffer_begin_access(buffer, SEALPOOL_ACCESS_READ, &access);
	/* The file's own pages, or those of a copy if the buffer has just become
	 * one. In a page is always what is before the buffer in the same page. */
	uintptr_t first = (uintptr_t)access.data & ~(uintptr_t)(page - 1);
	bool all = mincore((void *)first, pages * page, resident) == 0;
	for (size_t i = 0; i < pages && all; i++) {
		all = resident[i] & 1;
	}
	sealpool_buffer_end_access(&access);
	free(resident);
	return all;
}

/* Returns why a buffer cannot be imported, or NULL. */
static const char *find_obstacle(const struct sp_imports *imports,
		struct sealpool_buffer *buffer, struct wlr_renderer *renderer,
		int fd, const struct range *range) {
	uint32_t format = sealpool_buffer_get_format(buffer);
	int32_t offset = sealpool_buffer_get_offset(buffer);
	int32_t stride = sealpool_buffer_get_stride(buffer);
	if (fd < 0) {
		return "it is copied";
	}
	if (!sp_gles_knows(format)) {
		return "its format";
	}
	if (!renderer_imports(renderer, format)) {
		return "the renderer does not import its format";
	}
	if (stride % ALIGNMENT != 0 || offset % ALIGNMENT != 0) {
		return "its stride or its offset is not a multiple of 256";
	}
	if (range->end - range->start > imports->size_max) {
		return "its size";
	}
	/* Of a memfd or a file of tmpfs: neither call waits. The kernel refuses such
	 * seals too, and files of tmpfs. */
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || !(seals & F_SEAL_SHRINK) ||
			(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0) {
		return "its file's seals";
	}
	struct stat st;
	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size < range->end) {
		return "its last page is not wholly in the file";
	}
	if (!has_all_pages(buffer, range)) {
		return "holes in its file";
	}
	return NULL;
}

static int create_dmabuf(struct sp_imports *imports, int fd,
		const struct range *range) {
	struct udmabuf_create create = {
		.memfd = (uint32_t)fd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = range->start,
		.size = range->end - range->start,
	};
	return ioctl(imports->device, UDMABUF_CREATE, &create);
}

struct sp_import *sp_import_create(struct sp_imports *imports,
		struct wl_client *client, struct sealpool_buffer *buffer,
		struct wlr_renderer *renderer, const char **reason) {
	struct range range = get_range(buffer);
	uint64_t bytes = range.end - range.start;
	struct sp_pinner *pinner = pinner_get(imports, client);
	*reason = NULL;
	if (pinner == NULL || !has_room(&pinner->pins, bytes) ||
			!has_room(&imports->all, bytes)) {
		return NULL;
	}
	int fd = sealpool_buffer_get_fd(buffer);
	*reason = find_obstacle(imports, buffer, renderer, fd, &range);
	if (*reason != NULL) {
		return NULL;
	}
	struct sp_import *import = calloc(1, sizeof(*import));
	if (import == NULL) {
		*reason = "no memory";
		return NULL;
	}
	int dmabuf = create_dmabuf(imports, fd, &range);
	if (dmabuf < 0) {
		*reason = strerror(errno);
		free(import);
		return NULL;
	}
	*import = (struct sp_import){
		.imports = imports,
		.pinner = pinner,
		.pinned = bytes,
		.dmabuf = {
			.width = sealpool_buffer_get_width(buffer),
			.height = sealpool_buffer_get_height(buffer),
			.format = sealpool_buffer_get_format(buffer),
			.modifier = DRM_FORMAT_MOD_LINEAR,
			.n_planes = 1,
			.offset = { (uint32_t)((uint64_t)
				sealpool_buffer_get_offset(buffer) -
				range.start) },
			.stride = {
				(uint32_t)sealpool_buffer_get_stride(buffer) },
			.fd = { dmabuf },
		},
	};
	add_pin(import);
	return import;
}

void sp_import_destroy(struct sp_import *import) {
	wlr_dmabuf_attributes_finish(&import->dmabuf);
	remove_pin(import);
	free(import);
}
