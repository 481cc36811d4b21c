/* SPDX-License-Identifier: MIT */
/*
 * Gamma tables. The request has no size: a table has three ramps, whose length in 16-bit
 * numbers the output has sent.
 */
#include <unistd.h>
#include <wayland-client.h>

#include "files.h"
#include "wlr-gamma-control-unstable-v1-client-protocol.h"

/* The length of the largest ramp. */
#define RAMP_MAX 4096

static uint16_t table[3 * RAMP_MAX];

/* The size that a control has sent. */
struct ramp {
	uint32_t size;
	bool failed;
};

static void handle_gamma_size(void *data, struct zwlr_gamma_control_v1 *control,
		uint32_t size) {
	struct ramp *ramp = data;
	ramp->size = size;
}

static void handle_failed(void *data, struct zwlr_gamma_control_v1 *control) {
	struct ramp *ramp = data;
	ramp->failed = true;
}

static const struct zwlr_gamma_control_v1_listener control_listener = {
	.gamma_size = handle_gamma_size,
	.failed = handle_failed,
};

static struct ramp ramp;

static void *create_control(struct test *test) {
	struct client_global manager = {
		.interface = &zwlr_gamma_control_manager_v1_interface,
		.version = 1,
	};
	bind_or_skip(test, &manager);
	if (test->client.output == NULL) {
		test_skip(test, "there is no wl_output");
	}
	struct zwlr_gamma_control_v1 *control =
		zwlr_gamma_control_manager_v1_get_gamma_control(
			manager.object, test->client.output);
	ramp = (struct ramp){ 0 };
	zwlr_gamma_control_v1_add_listener(control, &control_listener, &ramp);
	must(test, client_roundtrip(&test->client));
	return control;
}

static void send_table(void *object, int fd, uint32_t size) {
	zwlr_gamma_control_v1_set_gamma(object, fd);
}

/* For an output without a gamma table, nothing can be set, but the files are still
 * received and closed. */
static struct shared_interface get_controls(void) {
	if (ramp.size == 0 || ramp.size > RAMP_MAX) {
		ramp.size = 256;
	}
	for (uint32_t i = 0; i < 3 * ramp.size; i++) {
		table[i] = (uint16_t)(i % ramp.size * 65535 / ramp.size);
	}
	return (struct shared_interface){
		.create = create_control,
		.send = send_table,
		.bytes = table,
		.size = 3 * ramp.size * (uint32_t)sizeof(table[0]),
	};
}

static void hostile_table(struct test *test) {
	create_control(test);
	const struct shared_interface interface = get_controls();
	send_hostile(test, &interface);
}

static void valid_table(struct test *test) {
	zwlr_gamma_control_v1_destroy(create_control(test));
	if (ramp.failed) {
		test_skip(test, "the output has no gamma table");
	}
	const struct shared_interface interface = get_controls();
	send_valid(test, &interface);
	if (ramp.failed) {
		test_fail(test, "the table was not set");
	}
}

const struct test_case shared_gamma_cases[] = {
	SHARED_HOSTILE("gamma", hostile_table),
	SHARED_VALID("gamma", valid_table),
	{ 0 },
};
