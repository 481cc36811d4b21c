/* SPDX-License-Identifier: MIT */
/*
 * A library that is preloaded into a compositor (LD_PRELOAD). It replaces every function
 * outside Sealpool that Sealpool calls and that can fail. A call from elsewhere is passed
 * on to the function. A call from Sealpool is recorded with its return address, and fails
 * where the driver wants it. symbols.c has the functions.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control.h"
#include "interpose.h"

/* In the order of scripts/faults. */
static const char *const names[] = {
	"libsealpool.so", "libsealpool-wlroots.so", "sealpool-preload.so",
	"sealpool-run", "libsealpool-libwayland.so",
};
#define OBJECTS (sizeof(names) / sizeof(names[0]))

static struct {
	uintptr_t base, begin, end;
} objects[OBJECTS];

static struct faults_control *control;

static int find_object(struct dl_phdr_info *info, size_t size, void *data) {
	/* The program itself has an empty name. */
	const char *path = info->dlpi_name[0] != '\0' ? info->dlpi_name :
		program_invocation_short_name;
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	for (size_t i = 0; i < OBJECTS; i++) {
		if (strncmp(name, names[i], strlen(names[i])) != 0) {
			continue;
		}
		for (int j = 0; j < info->dlpi_phnum; j++) {
			const ElfW(Phdr) *header = &info->dlpi_phdr[j];
			if (header->p_type == PT_LOAD &&
					(header->p_flags & PF_X) != 0) {
				objects[i].base = info->dlpi_addr;
				objects[i].begin = info->dlpi_addr +
					header->p_vaddr;
				objects[i].end = objects[i].begin +
					header->p_memsz;
			}
		}
	}
	return 0;
}

__attribute__((constructor))
static void begin(void) {
	const char *path = getenv(FAULTS_VARIABLE);
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0) {
		return;
	}
	void *data = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	close(fd);
	if (data == MAP_FAILED) {
		return;
	}
	dl_iterate_phdr(find_object, NULL);
	control = data;
}

/* Returns FAULTS_SITE(), or 0 for a call from elsewhere. */
static uint64_t find_site(const void *address) {
	uintptr_t number = (uintptr_t)address;
	for (size_t i = 0; i < OBJECTS; i++) {
		if (number >= objects[i].begin && number < objects[i].end) {
			return FAULTS_SITE(i, number - objects[i].base);
		}
	}
	return 0;
}

static void note(uint64_t site, uint32_t actor) {
	uint64_t key = site << 6 | actor;
	/* The key has 13 bits of it. */
	for (size_t i = key * 0x9e3779b97f4a7c15u >> 51;;
			i = (i + 1) % FAULTS_SITES_MAX) {
		uint64_t found = 0;
		if (atomic_compare_exchange_strong(&control->sites[i].key,
				&found, key) || found == key) {
			atomic_fetch_add(&control->sites[i].count, 1);
			return;
		}
	}
}

static bool has(const uint64_t *sites, uint32_t len, uint64_t site) {
	for (uint32_t i = 0; i < len; i++) {
		if (sites[i] == site) {
			return true;
		}
	}
	return false;
}

/* Returns whether a call at the first place fails. */
static bool is_first(uint64_t site, uint32_t actor) {
	if (!has(control->armed, control->armed_len, site)) {
		return false;
	}
	if (atomic_load(&control->failed) > 0) {
		return control->always;
	}
	return (actor == control->armed_actor ||
			control->armed_actor == FAULTS_ANYBODY) &&
		atomic_fetch_add(&control->seen, 1) + 1 == control->nth;
}

/* The same for the second place. */
static bool is_then(uint64_t site) {
	return atomic_load(&control->failed) > 0 &&
		has(control->then, control->then_len, site) &&
		(atomic_fetch_add(&control->failed_then, 1) == 0 ||
		control->always);
}

bool interpose_fails(const void *address) {
	uint64_t site = control != NULL ? find_site(address) : 0;
	if (site == 0) {
		return false;
	}
	uint32_t actor = atomic_load(&control->actor);
	note(site, actor);
	if (!is_first(site, actor) && !is_then(site)) {
		return false;
	}
	atomic_fetch_add(&control->failed, 1);
	atomic_fetch_or(&control->failed_actors, (uint64_t)1 << actor);
	return true;
}

bool interpose_is_cold(void) {
	return control != NULL && control->cold;
}

void interpose_find(void **function, const char *name) {
	*function = dlsym(RTLD_NEXT, name);
	if (*function == NULL) {
		abort();
	}
}
