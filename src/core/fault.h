/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_FAULT_H
#define SEALPOOL_CORE_FAULT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

struct sealpool_buffer;
struct sealpool_shm;
struct sp_client;

/** What an access met, to be told to the client in the event loop's thread. */
struct sp_fault {
	struct wl_list link; /* sp_fault_queue.faults, or empty */
	struct sealpool_buffer *buffer;
	/* Set once the client was told, or the log in its place. */
	bool told;
	/* Over the client's budget, rather than short of bytes. */
	bool over_budget;
	/* Of the client's file when it was found too short. */
	uint64_t file_size;
};

struct sp_fault_queue {
	pthread_mutex_t lock;
	struct wl_list faults; /* sp_fault.link */
	/* All clients together hold too much. */
	atomic_bool crowd;
	/* A client is to be disconnected; see sp_client_end_later(). */
	bool ending;
	int wakeup_fd;
	struct wl_event_source *wakeup;
};

/** Returns 0 or a negative errno. */
int sp_fault_queue_init(struct sealpool_shm *shm);
/** The event loop's part, while the display is still there. */
void sp_fault_queue_detach(struct sealpool_shm *shm);
void sp_fault_queue_finish(struct sealpool_shm *shm);

void sp_fault_init(struct sp_fault *fault, struct sealpool_buffer *buffer);
void sp_fault_finish(struct sp_fault *fault);

/** Any thread; the caller holds a reference to the buffer. */
void sp_fault_report_short(struct sp_fault *fault, uint64_t file_size);
void sp_fault_report_over_budget(struct sp_fault *fault);

/** Tells a client at once what it would be told later, and has it disconnected
 * later if that is to be. In the event loop's thread. */
void sp_fault_tell(struct sp_client *client);

/** In the event loop's thread: has the event loop disconnect those that are
 * ending. */
void sp_fault_report_ending(struct sp_fault_queue *queue);

/** Any thread: has the event loop call sp_idle_handle_wakeup(), and look at all
 * else that was noted. */
void sp_fault_wake_up(struct sp_fault_queue *queue);

/** Any thread: has the event loop call sp_budget_make_room(). */
void sp_fault_report_crowd(struct sp_fault_queue *queue);

#endif
