/* SPDX-License-Identifier: MIT */
/*
 * Tries a pool: creates it and a buffer in it, and commits the buffer to a surface. The
 * surface has no role, so nothing appears on the screen.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <wayland-client.h>

#include "probe.h"
#include "sealpool-shm-feedback-v1-client-protocol.h"

/* How long to wait for an error after a commit. */
#define LISTEN_MS 50
#define LISTEN_LATE_MS 1000
#define LISTEN_LONG_MS 2000

static uint64_t join(uint32_t hi, uint32_t lo) {
	return (uint64_t)hi << 32 | lo;
}

static void handle_memory(void *data, struct sealpool_shm_feedback_v1 *object,
		uint32_t kind, uint32_t reasons) {
	struct result *result = data;
	result->has_feedback = true;
	result->kind = kind;
	result->reasons = reasons;
}

static void handle_copied(void *data, struct sealpool_shm_feedback_v1 *object,
		uint32_t read_hi, uint32_t read_lo, uint32_t written_hi,
		uint32_t written_lo) {
	struct result *result = data;
	result->copied += join(read_hi, read_lo);
}

static void handle_done(void *data, struct sealpool_shm_feedback_v1 *object) {
	/* The result is used after the last event. */
}

static const struct sealpool_shm_feedback_v1_listener feedback_listener = {
	.memory = handle_memory,
	.copied = handle_copied,
	.done = handle_done,
};

/* Returns whether the connection has survived the request. */
static bool survive(struct connection *connection, struct result *result,
		const char *request) {
	result->request = request;
	switch (connection_roundtrip(connection)) {
	case FATE_ALIVE:
		return true;
	case FATE_ERROR:
		result->outcome = OUTCOME_REFUSED;
		connection_get_error(connection, &result->error);
		break;
	case FATE_CLOSED:
		result->outcome = OUTCOME_CLOSED;
		break;
	case FATE_SILENT:
		result->outcome = OUTCOME_SILENT;
		break;
	}
	return false;
}

/* libwayland does not free these with the connection. */
struct objects {
	struct wl_shm_pool *pool;
	struct wl_buffer *buffer;
	struct wl_surface *surface;
	struct sealpool_shm_feedback_v1 *feedback;
};

static void objects_destroy(struct objects *objects) {
	if (objects->feedback != NULL) {
		sealpool_shm_feedback_v1_destroy(objects->feedback);
	}
	if (objects->surface != NULL) {
		wl_surface_destroy(objects->surface);
	}
	if (objects->buffer != NULL) {
		wl_buffer_destroy(objects->buffer);
	}
	wl_shm_pool_destroy(objects->pool);
}

static bool ask(struct connection *connection, const struct objects *objects,
		struct result *result) {
	sealpool_shm_feedback_v1_ask(objects->feedback);
	return survive(connection, result, "sealpool_shm_feedback_v1.ask");
}

static void try_pool(struct connection *connection,
		const struct memory *memory, int listen_ms,
		struct result *result, struct objects *objects) {
	objects->pool = wl_shm_create_pool(connection->shm, memory->fd,
		memory->pool_size);
	if (!survive(connection, result, "wl_shm.create_pool")) {
		return;
	}
	int32_t offset = 0;
	if (memory->resized > 0) {
		wl_shm_pool_resize(objects->pool, memory->resized);
		if (!survive(connection, result, "wl_shm_pool.resize")) {
			return;
		}
		offset = memory->resized - MEMORY_BYTES;
	}
	objects->buffer = wl_shm_pool_create_buffer(objects->pool, offset,
		MEMORY_SIDE, MEMORY_SIDE, MEMORY_STRIDE,
		WL_SHM_FORMAT_XRGB8888);
	if (!survive(connection, result, "wl_shm_pool.create_buffer")) {
		return;
	}
	if (connection->feedback != NULL) {
		objects->feedback =
			sealpool_shm_feedback_manager_v1_get_buffer_feedback(
				connection->feedback, objects->buffer);
		sealpool_shm_feedback_v1_add_listener(objects->feedback,
			&feedback_listener, result);
	}
	if (connection->compositor != NULL) {
		struct wl_surface *surface = wl_compositor_create_surface(
			connection->compositor);
		objects->surface = surface;
		wl_surface_attach(surface, objects->buffer, 0, 0);
		wl_surface_damage(surface, 0, 0, MEMORY_SIDE, MEMORY_SIDE);
		wl_surface_commit(surface);
	}
	/* An error found while reading, perhaps on another thread, comes later. */
	if (!survive(connection, result, "wl_surface.commit")) {
		return;
	}
	connection_listen(connection, listen_ms);
	if (!survive(connection, result, "wl_surface.commit")) {
		return;
	}
	if (objects->feedback == NULL || !ask(connection, objects, result) ||
			result->copied > 0 || result->kind !=
				SEALPOOL_SHM_FEEDBACK_V1_KIND_SHADOW) {
		return;
	}
	/* On a busy machine, a slow file may be read late. */
	connection_listen(connection, LISTEN_LATE_MS);
	ask(connection, objects, result);
}

static bool probe_once(const struct sort *sort, int listen_ms,
		struct result *result) {
	*result = (struct result){ 0 };
	struct memory memory = { .fd = -1 };
	if (!sort->create(&memory, sort)) {
		result->outcome = OUTCOME_NOT_TRIED;
		snprintf(result->reason, sizeof(result->reason), "%s",
			memory.error);
		memory_destroy(&memory);
		return true;
	}
	struct connection connection;
	bool ok = connection_open(&connection);
	int error = errno;
	if (ok) {
		struct objects objects = { 0 };
		try_pool(&connection, &memory, listen_ms, result, &objects);
		objects_destroy(&objects);
		connection_close(&connection);
	}
	memory_destroy(&memory);
	errno = error;
	return ok;
}

bool probe(const struct sort *sort, struct result *result) {
	/* A compositor that closes the connection without an error may send one later. */
	return probe_once(sort, LISTEN_MS, result) &&
		(result->outcome != OUTCOME_CLOSED ||
		probe_once(sort, LISTEN_LONG_MS, result));
}

static void handle_usage(void *data,
		struct sealpool_shm_budget_feedback_v1 *object,
		uint32_t resource, uint32_t used_hi, uint32_t used_lo,
		uint32_t limit_hi, uint32_t limit_lo) {
	struct budgets *budgets = data;
	if (resource < BUDGETS_LEN) {
		budgets->used[resource] = join(used_hi, used_lo);
		budgets->limits[resource] = join(limit_hi, limit_lo);
	}
}

static void handle_budget_done(void *data,
		struct sealpool_shm_budget_feedback_v1 *object) {
	struct budgets *budgets = data;
	budgets->known = true;
}

static const struct sealpool_shm_budget_feedback_v1_listener budget_listener = {
	.usage = handle_usage,
	.done = handle_budget_done,
};

void probe_budgets(struct connection *connection, struct budgets *budgets) {
	*budgets = (struct budgets){ 0 };
	if (connection->feedback == NULL) {
		return;
	}
	struct sealpool_shm_budget_feedback_v1 *feedback =
		sealpool_shm_feedback_manager_v1_get_budget_feedback(
			connection->feedback);
	sealpool_shm_budget_feedback_v1_add_listener(feedback,
		&budget_listener, budgets);
	connection_roundtrip(connection);
	sealpool_shm_budget_feedback_v1_destroy(feedback);
}
