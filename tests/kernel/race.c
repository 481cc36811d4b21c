/* SPDX-License-Identifier: MIT */
/*
 * kernel-race SECONDS: a client changes the size and the pages of its file, while threads
 * read all of it in mappings with MAP_NOFAULT for shared mappings. No byte that is read is
 * older than what the client has declared, and no access raises a signal.
 *
 * For each page, the client declares the contents: a number that it has written, NOTHING if
 * the file has no such page, or CHANGING. A reader that finds the same declaration before
 * and after its load must have loaded these contents. No number, with or without NOTHING,
 * is used again.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memory/mapping.h"
#include "memory/nofault.h"

#define PAGES 64
#define READERS 3
#define CHANGING UINT64_MAX
#define NOTHING ((uint64_t)1 << 63)

static int fd;
static size_t page_size;
static atomic_bool is_over;
static _Atomic uint64_t loads, compared, wrong;

/* Shared by the client and the readers. */
static struct {
	_Atomic uint64_t told[PAGES];
	_Atomic uint64_t rounds, wrong, failures;
} *shared;

static void *map_own(size_t size, int file) {
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED |
		(file < 0 ? MAP_ANONYMOUS : 0), file, 0);
	if (data == MAP_FAILED) {
		perror("# mmap");
		exit(1);
	}
	return data;
}

static uint64_t load(const struct sp_mapping *mapping, size_t page) {
	return *(const volatile uint64_t *)(const void *)(sp_untrusted_in_place(
		mapping->data) + page * page_size);
}

/* Readers */

static void compare(const struct sp_mapping *mapping, size_t page) {
	uint64_t before = shared->told[page];
	atomic_thread_fence(memory_order_seq_cst);
	uint64_t seen = load(mapping, page);
	atomic_thread_fence(memory_order_seq_cst);
	uint64_t after = shared->told[page];
	if (before == after && before != CHANGING) {
		compared++;
		wrong += seen != (before & NOTHING ? 0 : before);
	}
	loads++;
}

static struct sp_mapping *create_mapping(void) {
	/* Longer than the file ever is. */
	struct sp_mapping *mapping = sp_mapping_create(fd,
		&sp_nofault_shared_mode, (PAGES + 1) * page_size, page_size,
		false);
	if (mapping == NULL) {
		perror("# mapping the file");
		exit(1);
	}
	return mapping;
}

/* The last reader also maps the file again and again, and moves the mapping. */
static void *read_on(void *data) {
	bool maps_anew = data != NULL;
	struct sp_mapping *mapping = create_mapping();
	while (!is_over) {
		for (size_t page = 0; page < PAGES; page++) {
			compare(mapping, page);
		}
		wrong += load(mapping, PAGES) != 0;
		if (maps_anew) {
			uint8_t *moved = mremap(sp_untrusted_for_kernel(
				mapping->data), mapping->size,
				2 * mapping->size, MREMAP_MAYMOVE);
			if (moved == MAP_FAILED) {
				perror("# mremap");
				exit(1);
			}
			mapping->data = moved;
			mapping->size *= 2;
			for (size_t page = 0; page < PAGES; page++) {
				compare(mapping, page);
			}
			sp_mapping_unref(mapping);
			mapping = create_mapping();
		}
	}
	sp_mapping_unref(mapping);
	return NULL;
}

/* The client */

static uint64_t last_number;

static void tell(size_t from, size_t to, uint64_t what) {
	for (size_t page = from; page < to; page++) {
		shared->told[page] = what;
	}
}

static void check(bool ok) {
	shared->failures += !ok;
}

static void resize(size_t pages) {
	check(ftruncate(fd, (off_t)(pages * page_size)) == 0);
}

static void write_pages(uint8_t *own, const struct sp_mapping *mapping,
		size_t from, size_t to, bool by_store) {
	for (size_t page = from; page < to; page++) {
		uint64_t number = ++last_number;
		shared->told[page] = CHANGING;
		if (by_store) {
			*(volatile uint64_t *)(void *)(own + page * page_size) =
				number;
		} else {
			check(pwrite(fd, &number, sizeof(number),
				(off_t)(page * page_size)) ==
				sizeof(number));
		}
		shared->told[page] = number;
		/* The client also reads in such a mapping, where there were zeroes. */
		shared->wrong += load(mapping, page) != number;
	}
}

static _Noreturn void change(void) {
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	uint8_t *own = map_own(PAGES * page_size, fd);
	const struct sp_mapping *mapping = create_mapping();
	unsigned seed = 1;
	for (;;) {
		size_t cut = (size_t)rand_r(&seed) % PAGES;
		size_t end = cut + (size_t)rand_r(&seed) % (PAGES - cut) + 1;
		tell(cut, PAGES, CHANGING);
		resize(cut);
		tell(cut, PAGES, NOTHING | ++last_number);
		for (size_t page = cut; page < PAGES; page++) {
			shared->wrong += load(mapping, page) != 0;
		}
		switch (rand_r(&seed) % 4) {
		case 0: /* Holes first. */
			resize(end);
			write_pages(own, mapping, cut, end, true);
			break;
		case 1: /* Page by page. */
			write_pages(own, mapping, cut, end, false);
			break;
		case 2: /* Pages past the file's end, which then grows. */
			check(fallocate(fd, FALLOC_FL_KEEP_SIZE,
				(off_t)(cut * page_size),
				(off_t)((end - cut) * page_size)) == 0);
			resize(end);
			write_pages(own, mapping, cut, end, true);
			break;
		default:
			check(fallocate(fd, 0, (off_t)(cut * page_size),
				(off_t)((end - cut) * page_size)) == 0);
			write_pages(own, mapping, cut, end, true);
			tell(cut, end, CHANGING);
			check(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
				FALLOC_FL_KEEP_SIZE, (off_t)(cut * page_size),
				(off_t)((end - cut) * page_size)) == 0);
			tell(cut, end, NOTHING | ++last_number);
			write_pages(own, mapping, cut, (cut + end) / 2,
				rand_r(&seed) % 2);
			break;
		}
		shared->rounds++;
	}
}

static void expect(int number, bool ok, const char *name) {
	printf("%sok %d - %s\n", ok ? "" : "not ", number, name);
}

int main(int argc, char *argv[]) {
	if (argc != 2) {
		fputs("usage: kernel-race SECONDS\n", stderr);
		return 2;
	}
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	fd = memfd_create("sealpool-race", MFD_CLOEXEC);
	shared = map_own(sizeof(*shared), -1);
	pid_t client = fork();
	if (client == 0) {
		change();
	}
	pthread_t readers[READERS];
	for (size_t i = 0; i < READERS; i++) {
		if (pthread_create(&readers[i], NULL, read_on,
				i == READERS - 1 ? shared : NULL) != 0) {
			perror("# pthread_create");
			return 1;
		}
	}
	struct timespec left = { .tv_sec = atol(argv[1]) };
	while (nanosleep(&left, &left) < 0) {
	}
	is_over = true;
	for (size_t i = 0; i < READERS; i++) {
		pthread_join(readers[i], NULL);
	}
	int status;
	bool lives = waitpid(client, &status, WNOHANG) == 0;
	kill(client, SIGKILL);
	puts("1..3");
	expect(1, wrong == 0 && compared > 0, "no_stale_byte_is_read");
	expect(2, shared->wrong == 0 && shared->rounds > 0,
		"client_sees_what_it_has_written");
	expect(3, lives && shared->failures == 0, "client_is_well");
	printf("# %llu loads, %llu of them compared, %llu wrong; the client: %llu "
		"rounds, %llu wrong\n", (unsigned long long)loads,
		(unsigned long long)compared, (unsigned long long)wrong,
		(unsigned long long)shared->rounds,
		(unsigned long long)shared->wrong);
	return wrong == 0 && shared->wrong == 0 && lives ? 0 : 1;
}
