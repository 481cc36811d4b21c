/* SPDX-License-Identifier: MIT */
/* Files of huge pages, when the system has few of these, or none. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "holes.h"

#define HUGE_PAGE (2 << 20)

static bool make_huge_memory(struct actor *actor, const struct args *args) {
	struct client_memory *memory = &actor->memory[args->memory];
	*memory = (struct client_memory){
		.fd = memfd_create("sealpool-test", MFD_CLOEXEC |
			MFD_ALLOW_SEALING | MFD_HUGETLB),
		.size = (size_t)args->size,
	};
	if (memory->fd < 0 || ftruncate(memory->fd, args->size) < 0 ||
			fcntl(memory->fd, F_ADD_SEALS, args->seals) < 0) {
		return client_fail(&actor->client, "huge pages: %s",
			strerror(errno));
	}
	return true;
}

static bool map_huge_memory(struct actor *actor, const struct args *args) {
	struct client_memory *memory = &actor->memory[args->memory];
	memory->data = mmap(NULL, memory->size, PROT_READ | PROT_WRITE,
		MAP_SHARED, memory->fd, 0);
	if (memory->data == MAP_FAILED) {
		memory->data = NULL;
		return client_fail(&actor->client, "mapping huge pages: %s",
			strerror(errno));
	}
	return true;
}

static void set_huge_pages(const char *number) {
	set_setting("/proc/sys/vm/nr_hugepages", number);
}

static long count_free_huge_pages(void) {
	FILE *file = fopen("/proc/meminfo", "re");
	assert_non_null(file);
	char line[256];
	long number = -1;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "HugePages_Free: %ld", &number) == 1) {
			break;
		}
	}
	fclose(file);
	assert_true(number >= 0);
	return number;
}

static struct peer *create_peer_with_huge_pages(struct server *server,
		unsigned seals, bool mapped) {
	struct peer *peer = peer_create(server);
	tell(peer, make_huge_memory, .size = HUGE_PAGE, .seals = seals);
	if (mapped) {
		tell(peer, map_huge_memory, .memory = 0);
	}
	tell(peer, create_pool, .size = HUGE_PAGE);
	tell(peer, create_buffer, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE, .format = WL_SHM_FORMAT_XRGB8888);
	return peer;
}

static const unsigned huge_seals[] = { 0, F_SEAL_SHRINK };

static void prepare_nothing(pid_t child) {
}

static void restore_nothing(void) {
}

static void huge_pages_that_there_are_none_of_read_as_zero(void **state) {
	struct server *server = *state;
	set_huge_pages("0");
	for (size_t i = 0; i < 2; i++) {
		struct peer *peer = create_peer_with_huge_pages(server,
			huge_seals[i], false);
		tell(peer, show, .buffer = 0);
		struct sealpool_buffer *buffer = server_get_shown(server, peer);
		expect_kind(buffer, SEALPOOL_MEMORY_SHADOW);
		expect_end(use_in_child(buffer, SEALPOOL_ACCESS_READ,
			prepare_nothing, restore_nothing), 0, SAW_ZEROES);
		/* What is written is lost, since it would need a page. */
		expect_end(use_in_child(buffer,
			SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE,
			prepare_nothing, restore_nothing), 0, SAW_ZEROES);
		expect_end(use_in_child(buffer, SEALPOOL_ACCESS_READ,
			prepare_nothing, restore_nothing), 0, SAW_ZEROES);
		peer_finish(peer);
	}
}

static void huge_pages_are_copied_and_none_is_taken(void **state) {
	struct server *server = *state;
	set_huge_pages("4");
	for (size_t i = 0; i < 2; i++) {
		struct peer *peer = create_peer_with_huge_pages(server,
			huge_seals[i], true);
		tell(peer, draw_and_show, .frame = 1);
		struct sealpool_buffer *buffer = server_get_shown(server, peer);
		expect_frame(buffer, 1);
		expect_kind(buffer, SEALPOOL_MEMORY_SHADOW);
		tell(peer, punch, .memory = 0);
		long before = count_free_huge_pages();
		tell(peer, show, .buffer = 0);
		expect_end(use_in_child(buffer, SEALPOOL_ACCESS_READ,
			prepare_nothing, restore_nothing), 0, SAW_ZEROES);
		assert_int_equal(count_free_huge_pages(), before);
		peer_finish(peer);
	}
	set_huge_pages("0");
}

static void huge_pages_that_are_used_up_are_not_written_to(void **state) {
	struct server *server = *state;
	set_huge_pages("2");
	struct peer *peer = create_peer_with_huge_pages(server, 0, true);
	tell(peer, draw_and_show, .frame = 1);
	struct sealpool_buffer *buffer = server_get_shown(server, peer);
	expect_frame(buffer, 1);
	tell(peer, punch, .memory = 0);
	/* The mapping keeps its reserved pages; others take the rest. */
	set_huge_pages("0");
	struct end end = use_in_child(buffer,
		SEALPOOL_ACCESS_READ | SEALPOOL_ACCESS_WRITE, prepare_nothing,
		restore_nothing);
	assert_int_equal(end.signal, 0);
	peer_finish(peer);
}

int run_hugetlb(void) {
	const struct CMUnitTest tests[] = {
		TEST(huge_pages_that_there_are_none_of_read_as_zero),
		TEST(huge_pages_are_copied_and_none_is_taken),
		TEST(huge_pages_that_are_used_up_are_not_written_to),
	};
	return cmocka_run_group_tests_name("hugetlb", tests, NULL, NULL);
}
