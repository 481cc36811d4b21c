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

/** The requirement that a case checks. */
enum case_kind {
	/** The protocol says so. */
	CASE_REQUIRED,
	/** Nothing that a client does may harm another one. */
	CASE_ROBUSTNESS,
	/** A legal pool should work, though the protocol does not require it. */
	CASE_QUALITY,
};

/** The result of a case. */
enum case_outcome {
	OUTCOME_CONFORMS,
	/** Something was not as expected, for example another error. */
	OUTCOME_WRONG,
	/** The client was disconnected although it had done nothing wrong. */
	OUTCOME_CLIENT_KILLED,
	OUTCOME_COMPOSITOR_DIED,
	/** It did not answer the bystander in time. */
	OUTCOME_COMPOSITOR_HUNG,
	/** The bystander was disconnected, refused a pool, or shown wrongly. */
	OUTCOME_BYSTANDER_HARMED,
	OUTCOME_SKIPPED,
};

/** A running case, in a process of its own. */
struct test {
	/* It is connected. */
	struct client client;
	/* The compositor's process, or 0 if it is unknown. */
	pid_t compositor;
	/* $WAYLAND_DISPLAY */
	const char *display;
	/* The argument of the case. */
	intptr_t argument;
};

typedef void (*case_func)(struct test *test);

/**
 * A case: a client and what it should see. If "run" returns, the compositor conforms.
 * Otherwise, "run" ends the process with one of the functions below.
 */
struct test_case {
	/* "GROUP/WHAT", or "GROUP/WHAT:VARIANT". */
	const char *name;
	enum case_kind kind;
	/* What the protocol says, or what the client does. Each sentence is complete
	 * without those of other cases. */
	const char *description;
	case_func run;
	/* Distinguishes variants. */
	intptr_t argument;
};

#define robustness(name, run, text, argument) \
	{ name, CASE_ROBUSTNESS, text, run, argument }

/** All cases of a file. The last one has no name. */
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
extern const struct test_case hostile_change_cases[];
extern const struct test_case greed_pool_cases[];
extern const struct test_case greed_buffer_cases[];
extern const struct test_case greed_byte_cases[];
extern const struct test_case greed_time_cases[];
extern const struct test_case shared_keymap_cases[];
extern const struct test_case shared_gamma_cases[];
extern const struct test_case shared_profile_cases[];
extern const struct test_case shared_dmabuf_cases[];
/** These check the suite itself. */
extern const struct test_case self_cases[];

/* Each of these ends the process. */

/** The compositor does not conform, for this reason. */
_Noreturn void test_fail(struct test *test, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** The case cannot be tried with this compositor, for this reason. */
_Noreturn void test_skip(struct test *test, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** The case needs something that the suite was built without: "libfuse 3". Skips the
 * case, and says so at the end; with --require-all, the case fails. */
_Noreturn void test_lack(struct test *test, const char *what);
/** A function of the client library has failed. If the connection is closed, the client
 * was disconnected; otherwise, something is wrong. */
_Noreturn void test_fail_client(struct test *test, const struct client *client);

/** The call must return true. It must be about test->client. */
#define must(test, call) \
	do { \
		if (!(call)) { \
			test_fail_client((test), &(test)->client); \
		} \
	} while (0)

/** The client has done nothing wrong, and must still be connected and get an answer. */
void test_expect_alive(struct test *test);

/**
 * The client must get a protocol error, on an object of this interface unless that is
 * NULL, with one of these names ("wl_shm.invalid_fd"; the last is NULL).
 */
void test_expect_error(struct test *test, const char *interface,
	const char *const names[]);
#define expect_error(test, interface, ...) \
	test_expect_error((test), (interface), \
		(const char *const[]){ __VA_ARGS__, NULL })

/** Opens a second connection. The caller closes it, or the end of the process does. */
void test_connect(struct test *test, struct client *client);

/** As fork(), which must succeed. */
pid_t test_fork(struct test *test);

/** Skips the case unless the output can be captured. */
void test_needs_capture(struct test *test);

/** Captures the output until the picture is on it, at any place, for two seconds at most.
 * Otherwise fails with the difference; "what" names the picture. */
void test_expect_seen(struct test *test, const struct client_image *picture,
	const char *what);

/** Returns whether wl_shm announces the format. */
bool test_has_format(struct test *test, uint32_t format);

/** The argument of a case that has a memory kind and a variant. */
#define WITH(kind, variant) (CLIENT_MEMORY_##kind | (variant) << 8)
enum client_memory_kind test_get_kind(const struct test *test);
int32_t test_get_variant(const struct test *test);

/** Returns the milliseconds of the clock in clock.h, which follows the compositor. */
int64_t test_now_ms(void);

#endif
