/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_CASE_H
#define CONFORMANCE_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buffer.h"
#include "capture.h"
#include "client.h"
#include "image.h"
#include "memory.h"
#include "surface.h"

/** What a case is about. */
enum case_kind {
	/** The protocol's text says so. */
	CASE_REQUIRED,
	/** No other client may be harmed by anything that this one does. */
	CASE_ROBUSTNESS,
	/** A legal pool should work, though the protocol does not insist. */
	CASE_QUALITY,
};

/** What became of it. */
enum case_outcome {
	OUTCOME_CONFORMS,
	/** Something was not as it should be; an error other than the one that
	 * was due, say. */
	OUTCOME_WRONG,
	/** The client lost its connection though it had done nothing wrong. */
	OUTCOME_CLIENT_KILLED,
	OUTCOME_COMPOSITOR_DIED,
	/** It did not answer the bystander in time. */
	OUTCOME_COMPOSITOR_HUNG,
	/** The bystander was disconnected, refused a pool, or shown wrongly. */
	OUTCOME_BYSTANDER_HARMED,
	OUTCOME_SKIPPED,
};

/** A case as it runs, in a process of its own. */
struct test {
	/* Connected. */
	struct client client;
	/* The compositor's process, or 0 where it is not known. */
	pid_t compositor;
	/* $WAYLAND_DISPLAY */
	const char *display;
	/* The case's. */
	intptr_t argument;
};

typedef void (*case_func)(struct test *test);

/**
 * A case: a client and what it should see. When "run" returns, it conforms;
 * otherwise it ends by one of the functions below.
 */
struct test_case {
	/* "GROUP/WHAT", or "GROUP/WHAT:VARIANT". */
	const char *name;
	enum case_kind kind;
	/* What the protocol says, or what the client does: a sentence that is understood
	 * without those of other cases. */
	const char *description;
	case_func run;
	/* What distinguishes variants. */
	intptr_t argument;
};

/** All cases of a file; ended by one without a name. */
extern const struct test_case protocol_global_cases[];
extern const struct test_case protocol_format_cases[];
extern const struct test_case protocol_pool_cases[];
extern const struct test_case protocol_place_cases[];
extern const struct test_case protocol_layout_cases[];
extern const struct test_case protocol_shape_cases[];
extern const struct test_case protocol_resize_cases[];
extern const struct test_case protocol_end_cases[];
extern const struct test_case protocol_commit_cases[];
extern const struct test_case content_frame_cases[];
extern const struct test_case content_pool_cases[];
extern const struct test_case content_format_cases[];
extern const struct test_case content_size_cases[];
extern const struct test_case content_surface_cases[];
extern const struct test_case content_cursor_cases[];
extern const struct test_case memory_seal_cases[];
extern const struct test_case memory_file_cases[];
extern const struct test_case memory_fd_cases[];
extern const struct test_case memory_capture_cases[];
extern const struct test_case hostile_truncated_cases[];
extern const struct test_case hostile_sealed_cases[];
extern const struct test_case hostile_hole_cases[];
extern const struct test_case hostile_not_memory_cases[];
extern const struct test_case hostile_silent_cases[];
extern const struct test_case hostile_capture_cases[];
extern const struct test_case hostile_shape_cases[];
extern const struct test_case greed_pool_cases[];
extern const struct test_case greed_buffer_cases[];
extern const struct test_case greed_byte_cases[];
extern const struct test_case greed_time_cases[];
extern const struct test_case shared_keymap_cases[];
extern const struct test_case shared_gamma_cases[];
extern const struct test_case shared_profile_cases[];
extern const struct test_case shared_dmabuf_cases[];
/** Those that check the suite itself. */
extern const struct test_case self_cases[];

/* Each ends the process. */

/** What was seen is not what should have been. */
_Noreturn void test_fail(struct test *test, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** It cannot be tried here, for this reason. */
_Noreturn void test_skip(struct test *test, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** It needs what the suite was built without: "libfuse 3". Skips the case, and
 * says so at the end; with --require-all, the case fails. */
_Noreturn void test_lack(struct test *test, const char *what);
/** A function of the client library has failed: that is the client's end if the
 * connection is closed, else something wrong. */
_Noreturn void test_fail_client(struct test *test, const struct client *client);

/** The call must return true; it is about test->client. */
#define must(test, call) \
	do { \
		if (!(call)) { \
			test_fail_client((test), &(test)->client); \
		} \
	} while (0)

/** The client has done nothing wrong: it must still be answered. */
void test_expect_alive(struct test *test);

/**
 * The client must be sent a protocol error, on an object of this interface if
 * that is not NULL, with one of these names ("wl_shm.invalid_fd"; up to a NULL).
 */
void test_expect_error(struct test *test, const char *interface,
	const char *const names[]);
#define expect_error(test, interface, ...) \
	test_expect_error((test), (interface), \
		(const char *const[]){ __VA_ARGS__, NULL })

/** The client may have been sent an error or disconnected, or be let live. Waits
 * until it is known, at most for "ms" milliseconds; returns true if it lives. */
bool test_survives(struct test *test, int ms);

/** A second connection; to be closed by the caller, or by the process's end. */
void test_connect(struct test *test, struct client *client);

/** Skips the case unless the output can be captured. */
void test_needs_capture(struct test *test);

/** Captures the output until the picture is somewhere on it, for two seconds at
 * most. Fails with what is wrong, "what" saying of what. */
void test_expect_seen(struct test *test, const struct client_image *picture,
	const char *what);

/** Whether wl_shm announces the format. */
bool test_has_format(struct test *test, uint32_t format);

/** A case's argument that is a memory kind and a variant. */
#define WITH(kind, variant) (CLIENT_MEMORY_##kind | (variant) << 8)
enum client_memory_kind test_get_kind(const struct test *test);
int32_t test_get_variant(const struct test *test);

/** Milliseconds of the clock of clock.h. It follows the compositor. */
int64_t test_now_ms(void);

#endif
