/* SPDX-License-Identifier: MIT */
/*
 * kernel-cost-faults: how many instructions the kernel takes to map pages of a client's
 * file, and to truncate and grow the file, for each kind of mapping. For the same guest
 * as kernel-cost; elsewhere, the figures are nanoseconds.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "memory/mapping.h"
#include "memory/nofault.h"

#define PAGES ((size_t)256)

static size_t page_size;
static uint8_t *own;
static int fd;

static int64_t now(void) {
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void expect(bool ok, const char *what) {
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void resize(size_t pages) {
	expect(ftruncate(fd, (off_t)(pages * page_size)) == 0, "ftruncate");
}

static void draw(size_t from, size_t to) {
	for (size_t i = from; i < to; i++) {
		*(volatile uint8_t *)(own + i * page_size) = 1;
	}
}

static int64_t read_pages(const struct sp_mapping *mapping, size_t from,
		size_t to, uint8_t byte) {
	const volatile uint8_t *data = sp_untrusted_in_place(mapping->data);
	int64_t start = now();
	for (size_t i = from; i < to; i++) {
		expect(data[i * page_size] == byte, "a wrong byte was read");
	}
	return now() - start;
}

static void print(const char *what, int64_t took, size_t times) {
	printf("%-56s %8lld\n", what, (long long)took / (long long)times);
}

/* The second half of the file is removed and added again. */
static void measure(const char *name, const struct sp_mapping_mode *mode,
		bool past_end) {
	printf("%s mapping:\n", name);
	fd = memfd_create("sealpool-cost", MFD_CLOEXEC);
	resize(2 * PAGES);
	own = mmap(NULL, 2 * PAGES * page_size, PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	expect(fd >= 0 && own != MAP_FAILED, "a file");
	draw(0, 2 * PAGES);
	struct sp_mapping *mapping = sp_mapping_create(fd, mode,
		2 * PAGES * page_size, page_size, false);
	expect(mapping != NULL, "a mapping");
	/* Fills the page table. */
	read_pages(mapping, 0, 1, 1);

	print("  a page of the file, read first",
		read_pages(mapping, 16, 2 * PAGES, 1), 2 * PAGES - 16);
	int64_t start = now();
	resize(PAGES);
	print("  the file is cut by 256 pages, all mapped", now() - start, 1);
	if (past_end) {
		print("  zeroes past the end, read first", read_pages(mapping,
			PAGES, 2 * PAGES, 0), PAGES);
		print("  zeroes past the end, read again", read_pages(mapping,
			PAGES, 2 * PAGES, 0), PAGES);
	}
	start = now();
	resize(2 * PAGES);
	print(past_end ? "  the file grows by 256 pages, mapped as zeroes" :
		"  the file grows by 256 pages", now() - start, 1);
	if (mode->coherent) {
		print("  zeroes in holes, read first", read_pages(mapping,
			PAGES, 2 * PAGES, 0), PAGES);
	}
	start = now();
	draw(PAGES, 2 * PAGES);
	print(mode->coherent ? "  a hole that is mapped as zeroes is drawn into" :
		"  a hole is drawn into", now() - start, PAGES);
	start = now();
	mapping->outdated = true;
	if (past_end && !mode->coherent) {
		sp_nofault_renew(mapping);
		print("  the mapping of 512 pages is renewed", now() - start, 1);
	}
	print("  a page that the file has got, read first",
		read_pages(mapping, PAGES, 2 * PAGES, 1), PAGES);
	sp_mapping_unref(mapping);
	munmap(own, 2 * PAGES * page_size);
	close(fd);
}

int main(void) {
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	const struct sp_mapping_mode *mode = sp_nofault_probe();
	measure("ordinary", &sp_mapping_read, false);
	if (mode != NULL) {
		measure(mode->coherent ? "shared nofault" : "private nofault",
			mode, true);
	}
	return 0;
}
