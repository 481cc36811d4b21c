/* SPDX-License-Identifier: MIT */
/*
 * The context of statements of a compositor with its own wl_shm.
 *
 * packages: sealpool-memory
 */
#include <sealpool/memory.h>

void handle_short_file(struct sealpool_view *view, uint64_t file_size,
	void *data);
void handle_refused(struct sealpool_file *file, void *data);
void handle_exceeded(struct sealpool_account *account, const char *reason,
	void *data);
void add_to_event_loop(int fd, void (*func)(struct sealpool_memory *memory),
	struct sealpool_memory *memory);
void post_invalid_fd(const char *format, ...);
void upload(const void *data, size_t stride);
void place(struct sealpool_account *account, struct sealpool_file *file,
	struct sealpool_view *view, void *data, int fd, uint64_t size);

static int32_t offset, width, height, stride;
static uint32_t format;
static struct sealpool_box boxes[1];
static size_t boxes_len;

void place(struct sealpool_account *account, struct sealpool_file *file,
		struct sealpool_view *view, void *data, int fd, uint64_t size) {
	{
		SNIPPET;
	}
	(void)offset, (void)width, (void)height, (void)stride, (void)format;
	(void)boxes, (void)boxes_len;
}
