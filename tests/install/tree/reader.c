/* SPDX-License-Identifier: MIT */
/*
 * A minimal program with libsealpool-memory: reads one pixel of a sealed and one of an
 * unsealed file, and prints how each was read.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sealpool/memory.h>

#define DRM_FORMAT_XRGB8888 0x34325258

static const uint32_t pixel = 0x10203040;

static void show(struct sealpool_account *account, int seals) {
	int fd = memfd_create("pool", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || pwrite(fd, &pixel, sizeof(pixel), 0) != sizeof(pixel) ||
			fcntl(fd, F_ADD_SEALS, seals) < 0) {
		abort();
	}
	struct sealpool_file *file = sealpool_file_open(account, fd,
		sizeof(pixel), NULL, NULL);
	const struct sealpool_layout layout = {
		.width = 1, .height = 1, .stride = sizeof(pixel),
		.format = DRM_FORMAT_XRGB8888,
	};
	struct sealpool_view *view = file == NULL ? NULL :
		sealpool_view_create(file, &layout, NULL);
	struct sealpool_view_access access;
	if (view == NULL || sealpool_view_begin(view, SEALPOOL_ACCESS_READ,
			&access) < 0) {
		abort();
	}
	printf("%s 0x%" PRIx32 "\n",
		sealpool_memory_kind_name(sealpool_view_get_kind(view)),
		*(const uint32_t *)access.data);
	sealpool_view_end(view, &access);
	sealpool_view_destroy(view);
	sealpool_file_close(file);
}

int main(void) {
	struct sealpool_memory *memory = sealpool_memory_create(NULL);
	struct sealpool_account *account = memory == NULL ? NULL :
		sealpool_account_create(memory, NULL, NULL);
	if (account == NULL) {
		abort();
	}
	show(account, F_SEAL_SHRINK);
	show(account, 0);
	sealpool_account_destroy(account);
	sealpool_memory_destroy(memory);
	return EXIT_SUCCESS;
}
