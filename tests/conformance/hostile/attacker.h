/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_HOSTILE_ATTACKER_H
#define CONFORMANCE_HOSTILE_ATTACKER_H

/**
 * A client that means harm, and its memory.
 */

#include "case.h"

/* A buffer of many pages. */
#define SIDE 256
#define STRIDE (SIDE * 4)
#define BYTES (STRIDE * SIDE)

/* And one of a page, at the beginning of a pool that is resized to BYTES. */
#define PAGE_SIDE 32
#define PAGE_BYTES (PAGE_SIDE * PAGE_SIDE * 4)
#define REST_ROWS (SIDE - PAGE_BYTES / STRIDE)

/* How long an attack takes. */
#define ATTACK_MS 400
#define RACE_MS 3000
/* How long an attacker waits for a frame event, which it may never get. */
#define FRAME_MS 60

struct attacker {
	struct test *test;
	struct client *client;
	struct client_memory memory;
	struct client_pool pool;
	struct client_buffer buffer;
	/* It has no surface if there is no xdg_wm_base, or if the client has
	 * reconnected. */
	struct client_window window;
	/* Has no role. */
	struct client_surface bare;
};

/** The only one. Its parts must not move. */
extern struct attacker attacker;
/** What open_silent_file() mounts. */
extern struct silent_files silent_files;

struct attacker *attacker_begin(struct test *test);

/** All of it written to: memory that was never touched is another thing. */
void attacker_create_memory(struct attacker *a, enum client_memory_kind kind,
	size_t size);

void attacker_cut_memory(struct attacker *a, size_t size);
void attacker_create_pool(struct attacker *a, int32_t size);
void attacker_create_buffer(struct attacker *a);

/** Takes the place of attacker_create_pool() for an fd that libwayland-client
 * should not touch: it would duplicate it, and close that. */
void attacker_create_pool_of_fd(struct attacker *a, int fd, int32_t size);

bool attacker_is_alive(const struct attacker *a);
void damage_all(struct client_surface *surface);

/** NULL: what is attached remains. */
void attacker_commit(struct client_surface *surface,
	struct client_buffer *buffer);

bool attacker_commit_once(struct attacker *a, struct client_buffer *buffer);

/** Until the time is over or the client is. */
bool attacker_keep_committing(struct attacker *a, struct client_buffer *buffer,
	int ms);

/** A picture that is in order, and that must have been read before it is not. */
void attacker_show_good(struct attacker *a, struct client_buffer *buffer);

/** From a file of BYTES. */
void attacker_begin_with_good(struct test *test, enum client_memory_kind kind);

/** A process that does something to the file until it is killed, or "ms" are
 * over; with the case, or when that has ended. */
pid_t start_child(struct test *test, int fd, bool with_case, int ms,
	void (*disturb)(int fd));

void end_child(pid_t pid);

/** After the connection's end. Windows that come when others have gone are too
 * much for Weston's kiosk shell (it ends with SIGSEGV), and no matter of wl_shm:
 * so there is none any more. */
void attacker_come_back(struct attacker *a);

/** A new connection must still be answered. */
void probe(struct test *test);

/** A compositor that can may yet refuse this client. */
void need_capture(struct test *test);

int open_silent_file(struct test *test, unsigned silences);

#endif
