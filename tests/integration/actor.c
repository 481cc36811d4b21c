/* SPDX-License-Identifier: MIT */
/*
 * The orders that client processes carry out. Each sends a request, or a few.
 *
 * They send wrong requests as well as right ones: whether the compositor refuses them is
 * what is tested.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wayland-client.h>

#include "actor.h"
#include "image.h"
#include "viewporter-client-protocol.h"
#include "wlr-screencopy-unstable-v1-client-protocol.h"

/* Memory */

bool make_memory(struct actor *actor, const struct args *args) {
	return client_memory_create(&actor->client,
		&actor->memory[args->memory], args->kind, (size_t)args->size);
}

bool fill_memory(struct actor *actor, const struct args *args) {
	struct client_memory *memory = &actor->memory[args->memory];
	uint8_t *bytes = memory->data;
	for (size_t i = 0; i < memory->size; i++) {
		bytes[i] = (uint8_t)client_pattern((int32_t)i, 0, args->frame);
	}
	return true;
}

bool grow_memory(struct actor *actor, const struct args *args) {
	return client_memory_grow(&actor->client, &actor->memory[args->memory],
		(size_t)args->size);
}

bool cut_memory(struct actor *actor, const struct args *args) {
	return client_memory_cut(&actor->client, &actor->memory[args->memory],
		(size_t)args->size);
}

bool map_memory_again(struct actor *actor, const struct args *args) {
	struct client_memory *memory = &actor->memory[args->memory];
	if (ftruncate(memory->fd, args->size) < 0) {
		return client_fail(&actor->client, "ftruncate: %s",
			strerror(errno));
	}
	void *data = mmap(NULL, (size_t)args->size, PROT_READ | PROT_WRITE,
		MAP_SHARED, memory->fd, 0);
	if (data == MAP_FAILED) {
		return client_fail(&actor->client, "mmap: %s",
			strerror(errno));
	}
	memory->data = data;
	memory->size = (size_t)args->size;
	return true;
}

bool seal_memory(struct actor *actor, const struct args *args) {
	return client_memory_seal(&actor->client, &actor->memory[args->memory],
		args->seals);
}

bool make_memory_read_only(struct actor *actor, const struct args *args) {
	return client_memory_make_read_only(&actor->client,
		&actor->memory[args->memory]);
}

bool make_memory_append(struct actor *actor, const struct args *args) {
	return fcntl(actor->memory[args->memory].fd, F_SETFL, O_APPEND) == 0 ||
		client_fail(&actor->client, "F_SETFL: %s", strerror(errno));
}

bool make_huge_page(struct actor *actor, const struct args *args) {
	struct client_memory *memory = &actor->memory[args->memory];
	memory->fd = memfd_create("sealpool-test",
		MFD_HUGETLB | MFD_ALLOW_SEALING);
	struct stat st;
	if (memory->fd < 0 || fstat(memory->fd, &st) < 0 ||
			ftruncate(memory->fd, st.st_blksize) < 0) {
		return client_fail(&actor->client, "huge pages: %s",
			strerror(errno));
	}
	memory->size = (size_t)st.st_blksize;
	void *data = mmap(NULL, memory->size, PROT_READ | PROT_WRITE,
		MAP_SHARED, memory->fd, 0);
	if (data == MAP_FAILED) {
		return client_fail(&actor->client, "huge pages: %s",
			strerror(errno));
	}
	memory->data = data;
	return true;
}

bool has_huge_pages(void) {
	struct actor actor = { 0 };
	struct args args = { 0 };
	bool has = make_huge_page(&actor, &args);
	client_memory_destroy(&actor.memory[0]);
	return has;
}

bool expect_size(struct actor *actor, const struct args *args) {
	struct stat st;
	if (fstat(actor->memory[args->memory].fd, &st) < 0) {
		return client_fail(&actor->client, "fstat: %s",
			strerror(errno));
	}
	return st.st_size == args->size || client_fail(&actor->client,
		"the file has %lld bytes instead of %lld",
		(long long)st.st_size, (long long)args->size);
}

bool expect_sparse(struct actor *actor, const struct args *args) {
	struct stat st;
	if (fstat(actor->memory[args->memory].fd, &st) < 0) {
		return client_fail(&actor->client, "fstat: %s",
			strerror(errno));
	}
	return st.st_blocks == 0 || client_fail(&actor->client,
		"the file has %lld blocks", (long long)st.st_blocks);
}

/* Pools */

bool create_pool(struct actor *actor, const struct args *args) {
	return client_pool_create(&actor->client, &actor->pools[args->pool],
		&actor->memory[args->memory], (int32_t)args->size);
}

bool resize_pool(struct actor *actor, const struct args *args) {
	client_pool_resize(&actor->pools[args->pool], (int32_t)args->size);
	return true;
}

bool destroy_pool(struct actor *actor, const struct args *args) {
	client_pool_destroy(&actor->pools[args->pool]);
	return true;
}

bool destroy_shm(struct actor *actor, const struct args *args) {
	wl_shm_release(actor->client.shm);
	actor->client.shm = NULL;
	return true;
}

/* Buffers */

bool create_buffer(struct actor *actor, const struct args *args) {
	return client_buffer_create_with_format(&actor->pools[args->pool],
		&actor->buffers[args->buffer], args->offset, args->width,
		args->height, args->stride, args->format);
}

bool destroy_buffer(struct actor *actor, const struct args *args) {
	client_buffer_destroy(&actor->buffers[args->buffer]);
	return true;
}

bool draw(struct actor *actor, const struct args *args) {
	const struct client_buffer *buffer = &actor->buffers[args->buffer];
	struct client_image image;
	if (!client_buffer_get_image(&actor->client, buffer, &image)) {
		return false;
	}
	if (args->width == 0) {
		client_image_draw(&image, args->frame);
	} else {
		client_image_draw_rect(&image, args->x, args->y, args->width,
			args->height, 1, args->frame);
	}
	return true;
}

bool expect_drawn(struct actor *actor, const struct args *args) {
	const struct client_buffer *buffer = &actor->buffers[args->buffer];
	struct client_image image, expected;
	if (!client_buffer_get_image(&actor->client, buffer, &image)) {
		return false;
	}
	if (!client_image_create(&expected, image.width, image.height)) {
		return client_fail(&actor->client, "no memory");
	}
	client_image_draw(&expected, args->frame);
	bool ok = client_image_expect(&image, 0, 0, &expected,
		actor->client.error, sizeof(actor->client.error));
	client_image_destroy(&expected);
	return ok;
}

bool capture(struct actor *actor, const struct args *args) {
	struct client *client = &actor->client;
	struct zwlr_screencopy_frame_v1 *frame =
		zwlr_screencopy_manager_v1_capture_output(client->screencopy, 0,
			client->output);
	if (frame == NULL) {
		return client_fail(client, "no memory");
	}
	zwlr_screencopy_frame_v1_copy(frame,
		actor->buffers[args->buffer].buffer);
	zwlr_screencopy_frame_v1_destroy(frame);
	return true;
}

/* Surfaces */

bool create_surface(struct actor *actor, const struct args *args) {
	actor->surfaces[args->surface] =
		wl_compositor_create_surface(actor->client.compositor);
	return actor->surfaces[args->surface] != NULL ||
		client_fail(&actor->client, "no memory");
}

bool destroy_surface(struct actor *actor, const struct args *args) {
	if (actor->viewports[args->surface] != NULL) {
		wp_viewport_destroy(actor->viewports[args->surface]);
		actor->viewports[args->surface] = NULL;
	}
	wl_surface_destroy(actor->surfaces[args->surface]);
	actor->surfaces[args->surface] = NULL;
	return true;
}

bool attach(struct actor *actor, const struct args *args) {
	struct wl_buffer *buffer = NULL;
	if (args->buffer != NO_BUFFER) {
		buffer = actor->buffers[args->buffer].buffer;
		actor->buffers[args->buffer].released = false;
	}
	wl_surface_attach(actor->surfaces[args->surface], buffer, args->x,
		args->y);
	return true;
}

bool damage(struct actor *actor, const struct args *args) {
	bool all = args->width == 0;
	wl_surface_damage(actor->surfaces[args->surface], args->x, args->y,
		all ? INT32_MAX : args->width, all ? INT32_MAX : args->height);
	return true;
}

bool damage_buffer(struct actor *actor, const struct args *args) {
	bool all = args->width == 0;
	wl_surface_damage_buffer(actor->surfaces[args->surface], args->x,
		args->y, all ? INT32_MAX : args->width,
		all ? INT32_MAX : args->height);
	return true;
}

bool commit(struct actor *actor, const struct args *args) {
	wl_surface_commit(actor->surfaces[args->surface]);
	return true;
}

bool set_scale(struct actor *actor, const struct args *args) {
	wl_surface_set_buffer_scale(actor->surfaces[args->surface],
		args->scale);
	return true;
}

bool set_transform(struct actor *actor, const struct args *args) {
	wl_surface_set_buffer_transform(actor->surfaces[args->surface],
		args->transform);
	return true;
}

bool create_viewport(struct actor *actor, const struct args *args) {
	actor->viewports[args->surface] = wp_viewporter_get_viewport(
		actor->client.viewporter, actor->surfaces[args->surface]);
	return actor->viewports[args->surface] != NULL ||
		client_fail(&actor->client, "no memory");
}

/* Several of these orders */

bool make_picture(struct actor *actor, const struct args *args) {
	struct args all = *args;
	all.memory = all.pool = args->buffer;
	all.format = WL_SHM_FORMAT_XRGB8888;
	if (all.stride == 0) {
		all.stride = all.width * 4;
	}
	if (all.size == 0) {
		all.size = all.offset + (int64_t)all.stride * all.height;
	}
	return make_memory(actor, &all) && create_pool(actor, &all) &&
		create_buffer(actor, &all);
}

bool show(struct actor *actor, const struct args *args) {
	if (actor->surfaces[args->surface] == NULL &&
			!create_surface(actor, args)) {
		return false;
	}
	struct args unmoved = *args;
	unmoved.x = unmoved.y = 0;
	return attach(actor, &unmoved) && damage_buffer(actor, args) &&
		commit(actor, args);
}

bool draw_and_show(struct actor *actor, const struct args *args) {
	return draw(actor, args) && show(actor, args);
}

bool wait_handled(struct actor *actor, const struct args *args) {
	return true;
}

/*
 * Sends a wl_shm.create_pool that will be refused. It bypasses libwayland-client, which
 * can only send fds that it can duplicate, and closes its duplicate.
 */
bool send_create_pool(struct actor *actor, const struct args *args,
		const int *fd) {
	struct client *client = &actor->client;
	/* Allocates an id without a request. */
	struct client_pool *pool = &actor->pools[args->pool];
	pool->pool = (struct wl_shm_pool *)wl_proxy_create(
		(struct wl_proxy *)client->shm, &wl_shm_pool_interface);
	if (pool->pool == NULL || wl_display_flush(client->display) < 0) {
		return client_fail(client, "flush: %s", strerror(errno));
	}
	uint32_t words[4] = {
		wl_proxy_get_id((struct wl_proxy *)client->shm),
		sizeof(words) << 16 | 0 /* create_pool */,
		wl_proxy_get_id((struct wl_proxy *)pool->pool),
		(uint32_t)args->size,
	};
	struct iovec iov = { .iov_base = words, .iov_len = sizeof(words) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	if (fd != NULL) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), fd, sizeof(int));
	}
	ssize_t n = sendmsg(wl_display_get_fd(client->display), &msg,
		MSG_NOSIGNAL);
	if (n != (ssize_t)sizeof(words)) {
		return client_fail(client, "sendmsg: %s", strerror(errno));
	}
	return true;
}

/* Dispatches until there is an error. */
bool wait_for_the_end(struct actor *actor, const struct args *args) {
	/* Sends nothing: if the server closed the socket with unread data in it,
	 * libwayland-client would report ECONNRESET instead of the error. */
	struct client_fate fate;
	client_wait_fate(&actor->client, 60000, &fate);
	return fate.kind == CLIENT_ALIVE;
}
