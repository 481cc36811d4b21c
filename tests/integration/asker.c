/* SPDX-License-Identifier: MIT */
/*
 * A client process that uses sealpool-shm-feedback, and the events that it received.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <wayland-client.h>

#include "asker.h"
#include "globals.h"
#include "single-pixel-buffer-v1-client-protocol.h"

struct told {
	struct sealpool_shm_feedback_v1 *object;
	uint32_t kind, reasons;
	uint64_t read, written;
	unsigned states;
};

#define RESOURCES_LEN 4

/* A client process has exactly one. */
static struct {
	struct sealpool_shm_feedback_manager_v1 *manager;
	struct wp_single_pixel_buffer_manager_v1 *pixels;
	struct told pools[ACTOR_SLOTS], buffers[ACTOR_SLOTS];
	struct sealpool_shm_budget_feedback_v1 *budget;
	uint64_t used[RESOURCES_LEN], limits[RESOURCES_LEN];
	unsigned budget_states;
} asker;

static uint64_t join(uint32_t hi, uint32_t lo) {
	return (uint64_t)hi << 32 | lo;
}

/* Globals */

/* Binds the global that was announced last; the client itself has the first. */
static void *bind_last(struct wl_registry *registry,
		const struct client_global *global) {
	return global->count == 0 ? NULL : wl_registry_bind(registry,
		global->name, global->interface, 1);
}

static bool look_for_globals(struct actor *actor) {
	struct client_global globals[] = {
		{ .interface = &sealpool_shm_feedback_manager_v1_interface },
		{ .interface = &wp_single_pixel_buffer_manager_v1_interface },
		{ 0 },
	};
	struct wl_registry *registry =
		client_look_for_globals(actor->client.display, globals);
	if (registry == NULL) {
		return client_fail(&actor->client, "no memory");
	}
	bool ok = client_roundtrip(&actor->client);
	asker.manager = bind_last(registry, &globals[0]);
	asker.pixels = bind_last(registry, &globals[1]);
	wl_registry_destroy(registry);
	return ok;
}

bool bind_feedback(struct actor *actor, const struct args *args) {
	return look_for_globals(actor) && (asker.manager != NULL ||
		client_fail(&actor->client, "the compositor does not advertise "
				"sealpool_shm_feedback_manager_v1"));
}

bool expect_no_feedback(struct actor *actor, const struct args *args) {
	return look_for_globals(actor) && (asker.manager == NULL ||
		client_fail(&actor->client, "the compositor advertises "
				"sealpool_shm_feedback_manager_v1"));
}

bool destroy_manager(struct actor *actor, const struct args *args) {
	sealpool_shm_feedback_manager_v1_destroy(asker.manager);
	asker.manager = NULL;
	return true;
}

/* Memory */

static void handle_memory(void *data, struct sealpool_shm_feedback_v1 *object,
		uint32_t kind, uint32_t reasons) {
	struct told *told = data;
	told->kind = kind;
	told->reasons = reasons;
}

static void handle_copied(void *data, struct sealpool_shm_feedback_v1 *object,
		uint32_t read_hi, uint32_t read_lo, uint32_t written_hi,
		uint32_t written_lo) {
	struct told *told = data;
	told->read = join(read_hi, read_lo);
	told->written = join(written_hi, written_lo);
}

static void handle_done(void *data, struct sealpool_shm_feedback_v1 *object) {
	struct told *told = data;
	told->states++;
}

static const struct sealpool_shm_feedback_v1_listener listener = {
	.memory = handle_memory,
	.copied = handle_copied,
	.done = handle_done,
};

static bool follow(struct told *told, struct sealpool_shm_feedback_v1 *object) {
	*told = (struct told){ .object = object };
	sealpool_shm_feedback_v1_add_listener(object, &listener, told);
	return true;
}

bool get_pool_feedback(struct actor *actor, const struct args *args) {
	return follow(&asker.pools[args->pool],
		sealpool_shm_feedback_manager_v1_get_pool_feedback(
			asker.manager, actor->pools[args->pool].pool));
}

bool get_buffer_feedback(struct actor *actor, const struct args *args) {
	return follow(&asker.buffers[args->buffer],
		sealpool_shm_feedback_manager_v1_get_buffer_feedback(
			asker.manager, actor->buffers[args->buffer].buffer));
}

bool ask_pool(struct actor *actor, const struct args *args) {
	sealpool_shm_feedback_v1_ask(asker.pools[args->pool].object);
	return true;
}

bool ask_buffer(struct actor *actor, const struct args *args) {
	sealpool_shm_feedback_v1_ask(asker.buffers[args->buffer].object);
	return true;
}

bool destroy_pool_feedback(struct actor *actor, const struct args *args) {
	sealpool_shm_feedback_v1_destroy(asker.pools[args->pool].object);
	return true;
}

bool destroy_buffer_feedback(struct actor *actor, const struct args *args) {
	sealpool_shm_feedback_v1_destroy(asker.buffers[args->buffer].object);
	return true;
}

static bool expect_told(struct actor *actor, const struct args *args,
		const struct told *told) {
	return (told->kind == args->told_kind &&
		told->reasons == args->reasons &&
		told->states == args->count) ||
		client_fail(&actor->client, "told kind %u for reasons 0x%x, "
			"%u times, instead of kind %u for 0x%x, %u times",
			told->kind, told->reasons, told->states,
			args->told_kind, args->reasons, args->count);
}

bool expect_pool_told(struct actor *actor, const struct args *args) {
	return expect_told(actor, args, &asker.pools[args->pool]);
}

bool expect_buffer_told(struct actor *actor, const struct args *args) {
	return expect_told(actor, args, &asker.buffers[args->buffer]);
}

static bool expect_told_copied(struct actor *actor, const struct args *args,
		const struct told *told) {
	return (told->read == (uint64_t)args->size &&
		told->written == (uint64_t)args->offset) ||
		client_fail(&actor->client, "told that %" PRIu64 " bytes were "
			"read and %" PRIu64 " written, instead of %" PRIi64
			" and %" PRIi32, told->read, told->written, args->size,
			args->offset);
}

bool expect_copied(struct actor *actor, const struct args *args) {
	return expect_told_copied(actor, args, &asker.buffers[args->buffer]);
}

bool expect_pool_copied(struct actor *actor, const struct args *args) {
	return expect_told_copied(actor, args, &asker.pools[args->pool]);
}

/* Budgets */

static void handle_usage(void *data,
		struct sealpool_shm_budget_feedback_v1 *object,
		uint32_t resource, uint32_t used_hi, uint32_t used_lo,
		uint32_t limit_hi, uint32_t limit_lo) {
	asker.used[resource] = join(used_hi, used_lo);
	asker.limits[resource] = join(limit_hi, limit_lo);
}

static void handle_budget_done(void *data,
		struct sealpool_shm_budget_feedback_v1 *object) {
	asker.budget_states++;
}

static const struct sealpool_shm_budget_feedback_v1_listener budget_listener = {
	.usage = handle_usage,
	.done = handle_budget_done,
};

bool get_budget_feedback(struct actor *actor, const struct args *args) {
	asker.budget = sealpool_shm_feedback_manager_v1_get_budget_feedback(
		asker.manager);
	sealpool_shm_budget_feedback_v1_add_listener(asker.budget,
		&budget_listener, NULL);
	return true;
}

bool ask_budget(struct actor *actor, const struct args *args) {
	sealpool_shm_budget_feedback_v1_ask(asker.budget);
	return true;
}

bool destroy_budget_feedback(struct actor *actor, const struct args *args) {
	sealpool_shm_budget_feedback_v1_destroy(asker.budget);
	return true;
}

bool expect_usage(struct actor *actor, const struct args *args) {
	uint64_t used = asker.used[args->format];
	uint64_t limit = asker.limits[args->format];
	return (used == (uint64_t)args->size && (args->offset == 0 ||
		limit == (uint64_t)args->offset) &&
		asker.budget_states == args->count) ||
		client_fail(&actor->client, "told %u times, and that %" PRIu64
			" of %" PRIu64 " are used", asker.budget_states, used,
			limit);
}

/* Abuse */

bool make_single_pixel(struct actor *actor, const struct args *args) {
	actor->buffers[args->buffer].buffer =
		wp_single_pixel_buffer_manager_v1_create_u32_rgba_buffer(
			asker.pixels, 0, 0, 0, 0);
	return true;
}

bool destroy_in_order(struct actor *actor, const struct args *args) {
	static const order_func orders[] = {
		destroy_pool, destroy_buffer, destroy_pool_feedback,
		destroy_buffer_feedback, destroy_budget_feedback,
		destroy_manager,
	};
	order_func left[6];
	memcpy(left, orders, sizeof(left));
	uint32_t number = args->count;
	for (uint32_t n = 6; n > 0; n--) {
		uint32_t index = number % n;
		number /= n;
		left[index](actor, args);
		left[index] = left[n - 1];
	}
	return true;
}

bool leave_inert(struct actor *actor, const struct args *args) {
	struct args mine = { .width = 4, .height = 4, .stride = 16 };
	for (uint32_t i = 0; i < args->count; i++) {
		create_buffer(actor, &mine);
		/* No one listens to its events. */
		sealpool_shm_feedback_manager_v1_get_buffer_feedback(
			asker.manager, actor->buffers[0].buffer);
		destroy_buffer(actor, &mine);
		if (!client_roundtrip(&actor->client)) {
			return false;
		}
	}
	return true;
}

bool ask_without_listening(struct actor *actor, const struct args *args) {
	struct pollfd pollfd = {
		.fd = wl_display_get_fd(actor->client.display),
		.events = POLLOUT,
	};
	for (uint32_t i = 0; i < args->count; i++) {
		ask_buffer(actor, args);
		ask_budget(actor, args);
		while (wl_display_flush(actor->client.display) < 0) {
			if (errno != EAGAIN || poll(&pollfd, 1, -1) < 0) {
				return true;
			}
		}
	}
	return true;
}
