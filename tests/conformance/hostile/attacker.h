/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_HOSTILE_ATTACKER_H
#define CONFORMANCE_HOSTILE_ATTACKER_H

/**
 * A hostile client and its memory.
 */

#include "case.h"

/* A buffer of many pages. */
#define SIDE 256
#define STRIDE (SIDE * 4)
#define BYTES (STRIDE * SIDE)

/* A buffer of one page, at the beginning of a pool that is resized to BYTES. */
#define PAGE_SIDE 32
#define PAGE_BYTES (PAGE_SIDE * PAGE_SIDE * 4)
#define REST_ROWS (SIDE - PAGE_BYTES / STRIDE)

/* The duration of an attack. */
#define ATTACK_MS 400
#define RACE_MS 3000
/* How long an attacker waits for a frame event, which may never come. */
#define FRAME_MS 60

struct attacker {
	struct test *test;
	struct client *client;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	/* Without a surface if there is no xdg_wm_base, or if the client has
	 * reconnected. */
	struct client_window window;
	/* A surface without a role. */
	struct client_surface bare;
};

/** The only one. Its parts must not move. */
extern struct attacker attacker;
/** Mounted by open_silent_file(). */
extern struct silent_files silent_files;

struct attacker *attacker_begin(struct test *test);

/** All of the memory is written, since untouched memory is another case. */
void attacker_create_memory(struct attacker *a, enum client_memory_kind kind,
	size_t size);

void attacker_cut_memory(struct attacker *a, size_t size);
void attacker_create_pool(struct attacker *a, int32_t size);
void attacker_create_buffer(struct attacker *a);

/** Replaces attacker_create_pool() for an fd that libwayland-client must not duplicate
 * and close. */
void attacker_create_pool_of_fd(struct attacker *a, int fd, int32_t size);

bool attacker_is_alive(const struct attacker *a);
void damage_all(struct client_surface *surface);

/** With NULL, the attached buffer stays. */
void attacker_commit(struct client_surface *surface,
	struct client_buffer *buffer);

bool attacker_commit_once(struct attacker *a, struct client_buffer *buffer);

/** Commits until the time is over or the client is disconnected. */
bool attacker_keep_committing(struct attacker *a, struct client_buffer *buffer,
	int ms);

/** Shows a valid picture, which must have been read before it is spoilt. */
void attacker_show_good(struct attacker *a, struct client_buffer *buffer);

/** Has a file of BYTES. */
void attacker_begin_with_good(struct test *test, enum client_memory_kind kind);

/** Starts a process that changes the file until it is killed, or for "ms" milliseconds:
 * during the case, or after it has ended. */
pid_t start_child(struct test *test, int fd, bool with_case, int ms,
	void (*disturb)(int fd));

void end_child(pid_t pid);

/** Reconnects. The client then has no window: Weston's kiosk shell dies of SIGSEGV when
 * windows are created after others were destroyed, which is not a matter of wl_shm. */
void attacker_come_back(struct attacker *a);

/** A new connection must still get answers. */
void probe(struct test *test);

/** A compositor with a protocol for captures may refuse this client. */
void need_capture(struct test *test);

int open_silent_file(struct test *test, unsigned silences);

/** In each kind of memory that can be truncated. The name ends with a colon. */
#define unsealed_kinds(name, run, text) \
	robustness(name "unsealed", run, text, CLIENT_MEMORY_UNSEALED), \
	robustness(name "shm_open", run, text, CLIENT_MEMORY_SHM_OPEN), \
	robustness(name "file", run, text, CLIENT_MEMORY_FILE)

#endif
