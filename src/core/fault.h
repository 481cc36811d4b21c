/* SPDX-License-Identifier: MIT */
#ifndef SEALPOOL_CORE_FAULT_H
#define SEALPOOL_CORE_FAULT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

struct sealpool_buffer;
struct sp_context;
struct sp_client;

enum sp_fault_kind {
	/* The client's file ends before the buffer does. */
	SP_FAULT_SHORT,
	/* The copy does not fit the client's budget. */
	SP_FAULT_OVER_BUDGET,
	/* The compositor lacks what a copy takes. Nobody is ended for that. */
	SP_FAULT_FAILED,
};

/** What an access met, to be told to the client in the event loop's thread. */
struct sp_fault {
	struct wl_list link; /* sp_fault_queue.faults, or empty */
	struct sealpool_buffer *buffer;
	/* The client has been told, or the log in its place. */
	bool told;
	/* An error of the compositor's has been logged. */
	bool logged;
	enum sp_fault_kind kind;
	/* SP_FAULT_SHORT: the size of the client's file, in bytes.
	 * SP_FAULT_FAILED: a negative errno. */
	int64_t value;
};

struct sp_fault_queue {
	/* The event loop's. */
	_Atomic(pthread_t) thread;
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
int sp_fault_queue_init(struct sp_context *context);
/** The event loop's part, while the display is still there. */
void sp_fault_queue_detach(struct sp_context *context);
void sp_fault_queue_finish(struct sp_context *context);

void sp_fault_init(struct sp_fault *fault, struct sealpool_buffer *buffer);
void sp_fault_finish(struct sp_fault *fault);

/** This is the event loop's thread. */
void sp_fault_queue_note_thread(struct sp_fault_queue *queue);

/**
 * Reports what an access met; "value" as in struct sp_fault. On the event loop's
 * thread the client gets its error at once, so that no later error of the
 * compositor's hides it, but is disconnected later. Any thread; the caller holds a
 * reference to the buffer, and no lock.
 */
void sp_fault_report(struct sp_fault *fault, enum sp_fault_kind kind,
	int64_t value);

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
