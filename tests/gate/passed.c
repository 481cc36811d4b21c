/* SPDX-License-Identifier: MIT */
/*
 * Files that a compositor gets unchanged, or does not get.
 */
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <wayland-client.h>

#include "linux-dmabuf-v1-client-protocol.h"
#include "memfd.h"
#include "sender.h"
#include "virtual-keyboard-unstable-v1-client-protocol.h"

/* dma-bufs */

static void add_plane(int fd) {
	zwp_linux_buffer_params_v1_add(client.params, fd, 0, 0, 256, 0, 0);
}

static void refuse_dmabuf(int fd) {
	assert_true(fd >= 0);
	begin();
	add_plane(fd);
	expect_error(&zwp_linux_buffer_params_v1_interface,
		ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_INVALID_WL_BUFFER,
		"the file is not a dma-buf");
	expect_null(get_received());
	close(fd);
	end();
}

/* Its name is that of a dma-buf. */
static int create_forged_dmabuf(void) {
	int fd = memfd_create("/dmabuf:", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, 65536), 0);
	return fd;
}

static void what_is_no_dmabuf_is_refused(void **state) {
	refuse_dmabuf(create_forged_dmabuf());
	refuse_dmabuf(create_disk_file());
	refuse_dmabuf(open("/dev/null", O_RDWR));
	refuse_dmabuf(eventfd(0, EFD_CLOEXEC));
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	close(fds[1]);
	refuse_dmabuf(fds[0]);
}

static void silent_file_is_no_dmabuf(void **state) {
	struct silent_files files = { 0 };
	mount_silent(&files);
	begin();
	int fd = open(files.file, O_RDONLY);
	add_plane(fd);
	expect_error(&zwp_linux_buffer_params_v1_interface,
		ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_INVALID_WL_BUFFER,
		"the file is not a dma-buf");
	close(fd);
	unmount_silent(&files);
	end();
}

/* A real one, if the system permits creating one. */
static int create_dmabuf(void) {
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (device < 0) {
		return -1;
	}
	int memory = create_memfd(65536, F_SEAL_SHRINK);
	struct udmabuf_create create = {
		.memfd = (uint32_t)memory,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = 65536,
	};
	int fd = ioctl(device, UDMABUF_CREATE, &create);
	close(memory);
	close(device);
	return fd;
}

static void dmabuf_passes(void **state) {
	int fd = create_dmabuf();
	if (fd < 0) {
		skip();
	}
	begin();
	/* The second one is recognised by the first. */
	for (int i = 0; i < 2; i++) {
		add_plane(fd);
		assert_true(roundtrip());
		assert_true(is_same_file(fd, get_received()));
		forget_received();
	}
	int other = create_memfd(65536, 0);
	add_plane(other);
	expect_error(&zwp_linux_buffer_params_v1_interface,
		ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_INVALID_WL_BUFFER,
		"the file is not a dma-buf");
	close(other);
	close(fd);
	end();
}

/* Other requests */

static void take(int fd) {
	wl_proxy_marshal(client.unknown, 0, fd);
}

static void expect_passed(int fd) {
	assert_true(fd >= 0);
	take(fd);
	assert_true(roundtrip());
	assert_true(is_same_file(fd, get_received()));
	close(fd);
	forget_received();
}

static void what_the_kernel_answers_for_passes(void **state) {
	int fd = create_disk_file();
	begin();
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	expect_passed(fds[0]);
	expect_passed(fds[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	expect_passed(fds[0]);
	expect_passed(fds[1]);
	expect_passed(create_memfd(0, 0));
	expect_passed(open("/dev/null", O_RDWR));
	struct stat st;
	fstat(fd, &st);
	if (major(st.st_dev) == 0) {
		/* The file is not on a disk, but for example on an overlay. */
		close(fd);
	} else {
		expect_passed(fd);
	}
	end();
}

static void silent_file_does_not_pass(void **state) {
	struct silent_files files = { 0 };
	mount_silent(&files);
	begin();
	int fd = open(files.file, O_RDONLY);
	take(fd);
	expect_display_error("gate_unknown.take: the file's server may never "
		"answer");
	expect_null(get_received());
	close(fd);
	unmount_silent(&files);
	end();
}

static void each_of_several_files_is_looked_at(void **state) {
	struct silent_files files = { 0 };
	mount_silent(&files);
	begin();
	int fd = open(files.file, O_RDONLY);
	int other = create_memfd(0, 0);
	wl_proxy_marshal(client.unknown, 1, other, 77, fd);
	expect_display_error("gate_unknown.take_two");
	assert_int_equal(client.receiver.fds_len, 2);
	assert_true(is_same_file(other, client.receiver.fds[0]));
	expect_null(client.receiver.fds[1]);
	close(other);
	close(fd);
	unmount_silent(&files);
	end();
}

/* A compositor closes such a file when it has sent it on. */
static void nor_does_it_to_another_client(void **state) {
	struct silent_files files = { 0 };
	mount_silent(&files);
	begin();
	int fd = open(files.file, O_WRONLY);
	wl_data_offer_receive(client.offer, "text/plain", fd);
	expect_display_error("wl_data_offer.receive: the file's server may "
		"never answer");
	close(fd);
	unmount_silent(&files);
	end();
}

static void what_another_client_gets_is_left_alone(void **state) {
	begin();
	int fd = create_memfd(0, 0);
	wl_data_offer_receive(client.offer, "text/plain", fd);
	assert_true(roundtrip());
	assert_true(is_same_file(fd, get_received()));
	close(fd);
	end();
}

static void wl_shm_alone_leaves_all_alone(void **state) {
	begin_with(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.wl_shm_only = true,
	});
	int fd = create_memfd(0, 0);
	zwp_virtual_keyboard_v1_keymap(client.keyboard, 1, fd, 65536);
	assert_true(roundtrip());
	assert_true(is_same_file(fd, get_received()));
	close(fd);
	end();
}

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(what_is_no_dmabuf_is_refused),
		TEST(silent_file_is_no_dmabuf),
		TEST(dmabuf_passes),
		TEST(what_the_kernel_answers_for_passes),
		TEST(silent_file_does_not_pass),
		TEST(each_of_several_files_is_looked_at),
		TEST(nor_does_it_to_another_client),
		TEST(what_another_client_gets_is_left_alone),
		TEST(wl_shm_alone_leaves_all_alone),
	};
	return run_gate_tests(tests);
}
