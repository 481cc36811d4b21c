/* SPDX-License-Identifier: MIT */
/*
 * The feedback protocol, sealpool_shm_feedback_manager_v1: reports to clients how their
 * own memory is read.
 *
 * Code here runs only on a client's request. A buffer's kind may change in an access on
 * any thread. The client's next commit notices that: it compares the kind that was sent
 * last with the current one, without a system call. Seals and sizes are read when the
 * client asks.
 *
 * The number of a client's objects is limited, since each commit visits those that are
 * not inert. An object may outlive its pool or buffer, which it does not reference: a
 * destroy listener of the resource makes it inert.
 */
#include <stdlib.h>
#include <string.h>

#include "sealpool-shm-feedback-v1-server-protocol.h"

#include "feedback.h"
#include "reasons.h"
#include "server/buffer.h"
#include "server/context.h"
#include "server/pool.h"

/* Objects of one client, including those of destroyed pools and buffers. The protocol
 * guarantees 256. */
#define FEEDBACKS_MAX 1024

#define RESOURCES_LEN (SEALPOOL_SHM_BUDGET_FEEDBACK_V1_RESOURCE_SHADOW_BYTES + 1)

/* Lives until its global and its managers are destroyed. */
struct sealpool_feedback {
	unsigned refs;
	struct sp_context *context;
	struct wl_global *global;
	struct wl_listener commit, shm_destroy;
};

/* What each object begins with. */
struct object {
	struct wl_resource *resource;
	struct sp_client *client; /* a reference */
};

/* The feedback object of a pool or buffer. */
struct feedback {
	struct object object;
	struct wl_list link; /* sp_client.feedback, until it is inert */
	/* One of these, or neither once the object is inert. */
	struct sp_pool *pool;
	struct sealpool_buffer *buffer;
	struct wl_listener target_destroy;

	/* What was sent last. */
	enum sealpool_memory_kind kind;
	uint64_t copied_in, copied_out;
};

struct budget_feedback {
	struct object object;
	uint64_t used[RESOURCES_LEN];
};

static uint32_t hi(uint64_t number) {
	return (uint32_t)(number >> 32);
}

static uint32_t lo(uint64_t number) {
	return (uint32_t)number;
}

static void handle_destroy(struct wl_client *client,
		struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

/* Memory */

static bool feedback_is_inert(const struct feedback *feedback) {
	return feedback->pool == NULL && feedback->buffer == NULL;
}

static struct sp_pool *feedback_get_pool(const struct feedback *feedback) {
	return feedback->buffer != NULL ? feedback->buffer->pool :
		feedback->pool;
}

/* Returns the current kind, without a system call. */
static enum sealpool_memory_kind feedback_get_kind(
		const struct feedback *feedback) {
	return feedback->buffer != NULL ?
		sealpool_buffer_get_kind(feedback->buffer) :
		sp_reasons_get_pool_kind(feedback->pool);
}

static void feedback_count(const struct feedback *feedback, uint64_t *in,
		uint64_t *out) {
	if (feedback->buffer != NULL) {
		*in = feedback->buffer->view.counters.copied_in;
		*out = feedback->buffer->view.counters.copied_out;
	} else {
		*in = feedback->pool->backing.counters.copied_in;
		*out = feedback->pool->backing.counters.copied_out;
	}
}

static void feedback_send(struct feedback *feedback) {
	struct wl_resource *resource = feedback->object.resource;
	if (feedback->pool != NULL) {
		/* Updates the sealed size. */
		sp_file_is_sealed_to(&feedback->pool->backing.file,
			(uint64_t)feedback->pool->size);
	}
	feedback->kind = feedback_get_kind(feedback);
	sealpool_shm_feedback_v1_send_memory(resource,
		sp_reasons_get_kind(feedback->kind),
		sp_reasons_get(feedback_get_pool(feedback), feedback->buffer,
			feedback->kind));

	uint64_t in, out;
	feedback_count(feedback, &in, &out);
	uint64_t read = in - feedback->copied_in;
	uint64_t written = out - feedback->copied_out;
	feedback->copied_in = in;
	feedback->copied_out = out;
	sealpool_shm_feedback_v1_send_copied(resource, hi(read), lo(read),
		hi(written), lo(written));
	sealpool_shm_feedback_v1_send_done(resource);
}

static void feedback_handle_ask(struct wl_client *client,
		struct wl_resource *resource) {
	struct feedback *feedback = wl_resource_get_user_data(resource);
	if (!feedback_is_inert(feedback)) {
		feedback_send(feedback);
	}
}

static const struct sealpool_shm_feedback_v1_interface feedback_impl = {
	.destroy = handle_destroy,
	.ask = feedback_handle_ask,
};

/* Behind a guard, the buffer may be destroyed before this is called. */
static void feedback_become_inert(struct feedback *feedback) {
	if (feedback_is_inert(feedback)) {
		return;
	}
	wl_list_remove(&feedback->target_destroy.link);
	wl_list_remove(&feedback->link);
	wl_list_init(&feedback->link);
	feedback->pool = NULL;
	feedback->buffer = NULL;
}

static void handle_target_destroy(struct wl_listener *listener, void *data) {
	struct feedback *feedback =
		wl_container_of(listener, feedback, target_destroy);
	feedback_become_inert(feedback);
}

/* Objects */

static void feedback_unref(struct sealpool_feedback *feedback) {
	if (--feedback->refs == 0) {
		sp_context_unref(feedback->context);
		free(feedback);
	}
}

static void object_leave_client(struct object *object) {
	object->client->feedback_objects--;
	sp_client_unref(object->client);
}

static void feedback_handle_resource_destroy(struct wl_resource *resource) {
	struct feedback *feedback = wl_resource_get_user_data(resource);
	feedback_become_inert(feedback);
	object_leave_client(&feedback->object);
	free(feedback);
}

/* Returns the client's record if it may have another object; else posts an error and
 * returns NULL. */
static struct sp_client *admit(struct wl_client *wl_client,
		struct wl_resource *manager) {
	struct sealpool_feedback *feedback = wl_resource_get_user_data(manager);
	struct sp_client *client = sp_client_get(feedback->context, wl_client);
	if (client == NULL) {
		sp_post_no_memory(feedback->context, wl_client);
		return NULL;
	}
	if (client->feedback_objects >= FEEDBACKS_MAX) {
		sp_post_error(feedback->context, manager,
			SEALPOOL_SHM_FEEDBACK_MANAGER_V1_ERROR_TOO_MANY,
			"more than %d feedback objects", FEEDBACKS_MAX);
		return NULL;
	}
	return client;
}

/* Creates an object of so many bytes, and its resource, and counts it. Returns NULL after
 * an error. */
static void *create_object(struct sp_client *client,
		struct wl_resource *manager, uint32_t id,
		const struct wl_interface *interface, size_t size) {
	struct wl_client *wl_client = wl_resource_get_client(manager);
	struct object *object = calloc(1, size);
	struct wl_resource *resource = object == NULL ? NULL :
		wl_resource_create(wl_client, interface,
			wl_resource_get_version(manager), id);
	if (resource == NULL) {
		sp_post_no_memory(client->context, wl_client);
		free(object);
		return NULL;
	}
	object->resource = resource;
	object->client = client;
	sp_client_ref(client);
	client->feedback_objects++;
	wl_signal_emit(&client->context->commits_needed, NULL);
	return object;
}

/* "target" is the resource of "pool" or "buffer"; both are NULL if neither is Sealpool's.
 * Either may be another context's. */
static void create_feedback(struct wl_client *wl_client,
		struct wl_resource *manager, uint32_t id,
		struct wl_resource *target, struct sp_pool *pool,
		struct sealpool_buffer *buffer) {
	const struct sealpool_feedback *global = wl_resource_get_user_data(manager);
	struct sp_context *context = global->context;
	const struct sp_pool *owner = buffer != NULL ? buffer->pool : pool;
	if (owner == NULL || owner->client->context != context) {
		sp_post_error(context, manager,
			SEALPOOL_SHM_FEEDBACK_MANAGER_V1_ERROR_FOREIGN_OBJECT,
			"%s#%u does not belong to the compositor's wl_shm",
			wl_resource_get_class(target),
			wl_resource_get_id(target));
		return;
	}
	if (wl_resource_get_destroy_listener(target,
			handle_target_destroy) != NULL) {
		sp_post_error(context, manager,
			SEALPOOL_SHM_FEEDBACK_MANAGER_V1_ERROR_ALREADY_EXISTS,
			"%s#%u has a feedback object already",
			wl_resource_get_class(target),
			wl_resource_get_id(target));
		return;
	}
	struct sp_client *client = admit(wl_client, manager);
	if (client == NULL) {
		return;
	}
	struct feedback *feedback = create_object(client, manager, id,
		&sealpool_shm_feedback_v1_interface, sizeof(*feedback));
	if (feedback == NULL) {
		return;
	}
	feedback->pool = pool;
	feedback->buffer = buffer;
	feedback->target_destroy.notify = handle_target_destroy;
	wl_resource_add_destroy_listener(target, &feedback->target_destroy);
	wl_list_insert(&client->feedback, &feedback->link);
	feedback_count(feedback, &feedback->copied_in, &feedback->copied_out);
	wl_resource_set_implementation(feedback->object.resource, &feedback_impl,
		feedback, feedback_handle_resource_destroy);
	feedback_send(feedback);
}

/* Budgets */

static void get_used(const struct sp_client *client,
		uint64_t used[RESOURCES_LEN]) {
	used[SEALPOOL_SHM_BUDGET_FEEDBACK_V1_RESOURCE_POOLS] =
		client->pools_len;
	used[SEALPOOL_SHM_BUDGET_FEEDBACK_V1_RESOURCE_BUFFERS] =
		client->buffers_len;
	used[SEALPOOL_SHM_BUDGET_FEEDBACK_V1_RESOURCE_FDS] =
		client->account.used[SP_RESOURCE_FDS];
	used[SEALPOOL_SHM_BUDGET_FEEDBACK_V1_RESOURCE_SHADOW_BYTES] =
		client->account.used[SP_RESOURCE_SHADOW_BYTES];
}

static void budget_feedback_send(struct budget_feedback *feedback) {
	const struct sp_client *client = feedback->object.client;
	const struct sealpool_budget *budget = &client->context->limits;
	const uint64_t limits[RESOURCES_LEN] = {
		[SEALPOOL_SHM_BUDGET_FEEDBACK_V1_RESOURCE_POOLS] =
			budget->pools,
		[SEALPOOL_SHM_BUDGET_FEEDBACK_V1_RESOURCE_BUFFERS] =
			budget->buffers,
		[SEALPOOL_SHM_BUDGET_FEEDBACK_V1_RESOURCE_FDS] = budget->fds,
		[SEALPOOL_SHM_BUDGET_FEEDBACK_V1_RESOURCE_SHADOW_BYTES] =
			budget->shadow_bytes,
	};
	get_used(client, feedback->used);
	for (uint32_t i = 0; i < RESOURCES_LEN; i++) {
		sealpool_shm_budget_feedback_v1_send_usage(feedback->object.resource,
			i, hi(feedback->used[i]), lo(feedback->used[i]),
			hi(limits[i]), lo(limits[i]));
	}
	sealpool_shm_budget_feedback_v1_send_done(feedback->object.resource);
}

static void budget_feedback_handle_ask(struct wl_client *client,
		struct wl_resource *resource) {
	budget_feedback_send(wl_resource_get_user_data(resource));
}

static const struct sealpool_shm_budget_feedback_v1_interface
		budget_feedback_impl = {
	.destroy = handle_destroy,
	.ask = budget_feedback_handle_ask,
};

static void budget_feedback_handle_resource_destroy(
		struct wl_resource *resource) {
	struct budget_feedback *feedback =
		wl_resource_get_user_data(resource);
	feedback->object.client->budget_feedback = NULL;
	object_leave_client(&feedback->object);
	free(feedback);
}

static bool has_changed(const struct budget_feedback *feedback) {
	uint64_t used[RESOURCES_LEN];
	get_used(feedback->object.client, used);
	return memcmp(used, feedback->used, sizeof(used)) != 0;
}

/* The manager */

static void manager_handle_get_pool_feedback(struct wl_client *client,
		struct wl_resource *manager, uint32_t id,
		struct wl_resource *target) {
	const struct sealpool_feedback *global = wl_resource_get_user_data(manager);
	create_feedback(client, manager, id, target,
		global->context->front->find_pool(target), NULL);
}

static void manager_handle_get_buffer_feedback(struct wl_client *client,
		struct wl_resource *manager, uint32_t id,
		struct wl_resource *target) {
	const struct sealpool_feedback *global = wl_resource_get_user_data(manager);
	create_feedback(client, manager, id, target, NULL,
		global->context->front->find_buffer(target));
}

static void manager_handle_get_budget_feedback(struct wl_client *wl_client,
		struct wl_resource *manager, uint32_t id) {
	struct sp_client *client = admit(wl_client, manager);
	if (client == NULL) {
		return;
	}
	if (client->budget_feedback != NULL) {
		sp_post_error(client->context, manager,
			SEALPOOL_SHM_FEEDBACK_MANAGER_V1_ERROR_ALREADY_EXISTS,
			"a feedback object for the client's limits exists "
			"already");
		return;
	}
	struct budget_feedback *feedback = create_object(client, manager, id,
		&sealpool_shm_budget_feedback_v1_interface, sizeof(*feedback));
	if (feedback == NULL) {
		return;
	}
	client->budget_feedback = feedback;
	wl_resource_set_implementation(feedback->object.resource,
		&budget_feedback_impl, feedback,
		budget_feedback_handle_resource_destroy);
	budget_feedback_send(feedback);
}

static const struct sealpool_shm_feedback_manager_v1_interface manager_impl = {
	.destroy = handle_destroy,
	.get_pool_feedback = manager_handle_get_pool_feedback,
	.get_buffer_feedback = manager_handle_get_buffer_feedback,
	.get_budget_feedback = manager_handle_get_budget_feedback,
};

static void manager_handle_resource_destroy(struct wl_resource *resource) {
	feedback_unref(wl_resource_get_user_data(resource));
}

static void bind(struct wl_client *client, void *data, uint32_t version,
		uint32_t id) {
	struct sealpool_feedback *feedback = data;
	struct wl_resource *resource = wl_resource_create(client,
		&sealpool_shm_feedback_manager_v1_interface, (int)version, id);
	if (resource == NULL) {
		sp_post_no_memory(feedback->context, client);
		return;
	}
	feedback->refs++;
	wl_resource_set_implementation(resource, &manager_impl, feedback,
		manager_handle_resource_destroy);
}

/* A client has committed a surface: sends what has changed. */
static void handle_commit(struct wl_listener *listener, void *data) {
	struct sealpool_feedback *global = wl_container_of(listener, global, commit);
	const struct sp_client *client = sp_client_find(global->context, data);
	if (client == NULL) {
		return;
	}
	struct feedback *feedback;
	wl_list_for_each(feedback, &client->feedback, link) {
		if (feedback_get_kind(feedback) != feedback->kind) {
			feedback_send(feedback);
		}
	}
	if (client->budget_feedback != NULL &&
			has_changed(client->budget_feedback)) {
		budget_feedback_send(client->budget_feedback);
	}
}

void sealpool_feedback_destroy(struct sealpool_feedback *feedback) {
	if (feedback != NULL) {
		wl_global_destroy(feedback->global);
		wl_list_remove(&feedback->commit.link);
		wl_list_remove(&feedback->shm_destroy.link);
		feedback_unref(feedback);
	}
}

static void handle_shm_destroy(struct wl_listener *listener, void *data) {
	struct sealpool_feedback *feedback =
		wl_container_of(listener, feedback, shm_destroy);
	sealpool_feedback_destroy(feedback);
}

struct sealpool_feedback *sp_feedback_create(struct sp_context *context,
		struct wl_signal *destroy) {
	struct wl_listener *listener =
		wl_signal_get(destroy, handle_shm_destroy);
	if (listener != NULL) {
		struct sealpool_feedback *found =
			wl_container_of(listener, found, shm_destroy);
		return found;
	}
	struct sealpool_feedback *feedback = calloc(1, sizeof(*feedback));
	if (feedback == NULL) {
		return NULL;
	}
	feedback->global = wl_global_create(context->display,
		&sealpool_shm_feedback_manager_v1_interface, 1, feedback, bind);
	if (feedback->global == NULL) {
		free(feedback);
		return NULL;
	}
	feedback->refs = 1;
	feedback->context = sp_context_ref(context);
	feedback->commit.notify = handle_commit;
	wl_signal_add(&context->commit, &feedback->commit);
	feedback->shm_destroy.notify = handle_shm_destroy;
	wl_signal_add(destroy, &feedback->shm_destroy);
	return feedback;
}

struct wl_global *sealpool_feedback_get_global(
		const struct sealpool_feedback *feedback) {
	return feedback->global;
}
