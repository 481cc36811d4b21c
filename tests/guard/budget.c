/* SPDX-License-Identifier: MIT */
/*
 * The limits of a client behind the guard. A client that exceeds one is disconnected with
 * a message, which is also logged, and no buffer without memory reaches the compositor.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <wayland-client.h>

#include <sealpool/guard.h>

#include "host.h"
#include "sanitizers.h"
#include "server/context.h"
#include "shm.h"

#define WIDTH 64
#define HEIGHT 64
#define STRIDE (WIDTH * 4)
#define BYTES (STRIDE * HEIGHT)

static int setup_with(void **state, const struct sealpool_budget *budget) {
	*state = host_create(&(struct sealpool_options){
		.size = sizeof(struct sealpool_options),
		.budget = *budget,
	});
	return 0;
}

static int setup_few_pools(void **state) {
	return setup_with(state, &(struct sealpool_budget){ .pools = 4 });
}

static int setup_few_buffers(void **state) {
	return setup_with(state, &(struct sealpool_budget){ .buffers = 4 });
}

static int setup_few_fds(void **state) {
	return setup_with(state, &(struct sealpool_budget){ .fds = 8 });
}

static int setup_few_bytes(void **state) {
	return setup_with(state, &(struct sealpool_budget){
		.shadow_bytes = 4 * BYTES,
	});
}

static int setup_few_bytes_for_all(void **state) {
	return setup_with(state, &(struct sealpool_budget){
		.shadow_bytes = 32 * BYTES,
		.all_shadow_bytes = 64 * BYTES,
	});
}

static struct peer *create_bystander(struct host *host) {
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, draw_and_show, .frame = 1);
	return peer;
}

static void finish_bystander(struct host *host, struct peer *peer) {
	tell(peer, draw_and_show, .frame = 2);
	if (!host->keeps) {
		host_expect_shown(host, peer, 2);
	}
	tell(peer, make_picture, .buffer = 1, .kind = CLIENT_MEMORY_UNSEALED,
		.width = WIDTH, .height = HEIGHT);
	tell(peer, draw_and_show, .buffer = 1, .frame = 3);
	if (!host->keeps) {
		host_expect_shown(host, peer, 3);
	}
	peer_finish(peer);
}

/* Fails unless the client's error and the log name this budget. */
static void expect_over(struct host *host, const char *message,
		const char *budget) {
	if (strstr(message, budget) == NULL) {
		fail_msg("\"%s\" does not name %s", message, budget);
	}
	if (strstr(host->server.message, "disconnected") == NULL ||
			strstr(host->server.message, budget) == NULL) {
		fail_msg("the log says \"%s\"", host->server.message);
	}
}

#define IMPLEMENTATION 3

static bool make_sealed_and_not(struct actor *actor, const struct args *args) {
	struct args picture = *args;
	picture.width = WIDTH;
	picture.height = HEIGHT;
	picture.kind = args->buffer % 2 == 0 ? CLIENT_MEMORY_SEALED :
		CLIENT_MEMORY_UNSEALED;
	return make_picture(actor, &picture);
}

static void a_pool_too_many(void **state) {
	struct host *host = *state;
	struct peer *other = create_bystander(host);
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < 4; i++) {
		tell(peer, make_sealed_and_not, .buffer = i);
	}
	tell(peer, destroy_buffer, .buffer = 0);
	tell(peer, destroy_pool, .pool = 0);
	tell(peer, make_sealed_and_not, .buffer = 0);
	expect_over(host, refused(peer, "wl_display", -1, IMPLEMENTATION,
		make_sealed_and_not, .buffer = 4), "4 pools");
	peer_finish(peer);
	finish_bystander(host, other);
}

static void a_buffer_too_many(void **state) {
	struct host *host = *state;
	struct peer *other = create_bystander(host);
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < 4; i++) {
		tell(peer, make_sealed_and_not, .buffer = i);
	}
	expect_over(host, refused(peer, "wl_display", -1, IMPLEMENTATION,
		make_sealed_and_not, .buffer = 4), "4 buffers");
	peer_finish(peer);
	finish_bystander(host, other);
}

/* A pool with a shadow has two fds. */
static void an_fd_too_many(void **state) {
	struct host *host = *state;
	struct peer *other = create_bystander(host);
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < 4; i++) {
		tell(peer, make_picture, .buffer = i, .width = WIDTH,
			.height = HEIGHT, .kind = CLIENT_MEMORY_UNSEALED);
	}
	assert_int_equal(host_get_stats(host, peer).fds, 8);
	expect_over(host, refused(peer, "wl_display", -1, IMPLEMENTATION,
		make_picture, .buffer = 4, .width = WIDTH, .height = HEIGHT,
		.kind = CLIENT_MEMORY_UNSEALED), "8 fds");
	peer_finish(peer);
	finish_bystander(host, other);
}

/* Creates a buffer of all of the first pool. */
static bool create_same(struct actor *actor, const struct args *args) {
	return create_buffer(actor, &(struct args){ .buffer = args->buffer,
		.width = WIDTH, .height = HEIGHT, .stride = STRIDE,
		.format = WL_SHM_FORMAT_XRGB8888 });
}

/* As with KWin, which has an fd for each buffer. */
static void the_fds_of_buffers_count(void **state) {
	struct host *host = *state;
	struct peer *peer = peer_create(&host->server);
	host->has_fds = true;
	tell(peer, make_picture, .buffer = 0, .width = WIDTH, .height = HEIGHT,
		.kind = CLIENT_MEMORY_UNSEALED);
	assert_int_equal(host_get_stats(host, peer).fds, 3);
	for (int i = 1; i < 6; i++) {
		tell(peer, create_same, .buffer = i);
	}
	assert_int_equal(host_get_stats(host, peer).fds, 8);
	tell(peer, destroy_buffer, .buffer = 5);
	assert_int_equal(host_get_stats(host, peer).fds, 7);
	tell(peer, create_same, .buffer = 5);
	expect_over(host, refused(peer, "wl_display", -1, IMPLEMENTATION,
		create_same, .buffer = 6), "8 fds");
	peer_finish(peer);
}

static bool create_buffer_and_keep_silent(struct actor *actor,
		const struct args *args) {
	create_same(actor, args);
	wl_display_flush(actor->client.display);
	/* Waits to be killed. */
	pause();
	return false;
}

/* The guard counts the fd of a new object only at the next message, of any client. */
static void who_is_over_at_the_message_of_another_goes(void **state) {
	struct host *host = *state;
	struct peer *other = peer_create(&host->server);
	struct peer *peer = peer_create(&host->server);
	host->has_fds = true;
	tell(peer, make_picture, .buffer = 0, .width = WIDTH, .height = HEIGHT,
		.kind = CLIENT_MEMORY_UNSEALED);
	for (int i = 1; i < 6; i++) {
		tell(peer, create_same, .buffer = i);
	}
	size_t fds = host->fds_len;
	peer_begin(peer, create_buffer_and_keep_silent,
		"create_buffer_and_keep_silent", &(struct args){ .buffer = 6 });
	int64_t deadline = server_now_ms() + SERVER_PATIENCE_MS;
	while (host->fds_len == fds) {
		assert_true(server_now_ms() < deadline);
		server_dispatch(&host->server, -1, deadline);
	}
	assert_non_null(peer->client);
	tell(other, wait_handled);
	server_settle(&host->server);
	assert_null(peer->client);
	assert_non_null(strstr(host->server.message, "8 fds"));
	peer_kill(peer);
	peer_finish(other);
}

struct watch {
	/* The client whose request was handled last, and the watched one. */
	const struct wl_client *handled, *client;
	struct wl_listener destroy;
	bool gone_at_its_own;
};

static void note_request(void *data, enum wl_protocol_logger_type direction,
		const struct wl_protocol_logger_message *message) {
	struct watch *watch = data;
	if (direction == WL_PROTOCOL_LOGGER_REQUEST) {
		watch->handled = wl_resource_get_client(message->resource);
	}
}

static void note_end(struct wl_listener *listener, void *data) {
	struct watch *watch = wl_container_of(listener, watch, destroy);
	watch->gone_at_its_own = watch->handled == watch->client;
}

/* libwayland continues with the request, and so uses the client's objects. */
static void nobody_goes_while_its_own_request_is_handled(void **state) {
	struct host *host = *state;
	struct sp_account *all =
		&sealpool_guard_get_shm(host->guard)->context->all;
	struct watch watch = { .destroy.notify = note_end };
	struct wl_protocol_logger *logger = wl_display_add_protocol_logger(
		host->server.display, note_request, &watch);
	struct peer *asking = peer_create(&host->server);
	host->has_fds = true;
	tell(asking, make_picture, .width = WIDTH, .height = HEIGHT,
		.kind = CLIENT_MEMORY_UNSEALED);
	host->has_fds = false;
	struct peer *holding = peer_create(&host->server);
	for (int i = 0; i < 4; i++) {
		tell(holding, make_picture, .buffer = i, .pool = i,
			.width = WIDTH, .height = HEIGHT,
			.kind = CLIENT_MEMORY_UNSEALED);
	}
	watch.client = holding->client;
	wl_client_add_destroy_listener(holding->client, &watch.destroy);
	/* All fds are in use. */
	all->limits[SP_RESOURCE_FDS] = all->wanted[SP_RESOURCE_FDS] =
		all->used[SP_RESOURCE_FDS];
	host->has_fds = true;
	peer_begin(asking, create_buffer_and_keep_silent,
		"create_buffer_and_keep_silent", &(struct args){ .buffer = 6 });
	int64_t deadline = server_now_ms() + SERVER_PATIENCE_MS;
	while (host->fds_len == 1) {
		assert_true(server_now_ms() < deadline);
		server_dispatch(&host->server, -1, deadline);
	}
	peer_begin(holding, create_buffer_and_keep_silent,
		"create_buffer_and_keep_silent", &(struct args){ .buffer = 6 });
	while (holding->client != NULL) {
		assert_true(server_now_ms() < deadline);
		server_dispatch(&host->server, -1, deadline);
	}
	assert_false(watch.gone_at_its_own);
	assert_non_null(asking->client);
	wl_protocol_logger_destroy(logger);
	peer_kill(holding);
	peer_kill(asking);
}

/* One fd more is for the compositor's wl_shm, which may keep the pool's. The error to the
 * disconnected client is a message, too, during which the new pool does not exist yet. */
static void pool_is_guarded_for_which_another_client_has_to_go(void **state) {
	struct host *host = *state;
	struct sp_account *all =
		&sealpool_guard_get_shm(host->guard)->context->all;
	struct peer *holding = peer_create(&host->server);
	for (int i = 0; i < 4; i++) {
		tell(holding, make_picture, .buffer = i, .pool = i,
			.width = WIDTH, .height = HEIGHT,
			.kind = CLIENT_MEMORY_UNSEALED);
	}
	struct peer *asking = peer_create(&host->server);
	/* Enough for the pool and its shadow. */
	all->limits[SP_RESOURCE_FDS] = all->wanted[SP_RESOURCE_FDS] =
		all->used[SP_RESOURCE_FDS] + 2;
	tell(asking, make_picture, .width = WIDTH, .height = HEIGHT,
		.kind = CLIENT_MEMORY_UNSEALED);
	assert_null(holding->client);
	tell(asking, draw_and_show, .frame = 1);
	host_expect_shown(host, asking, 1);
	peer_kill(holding);
	peer_finish(asking);
}

/* A buffer is charged when it is attached, not when it is created. */
static void a_byte_too_many(void **state) {
	struct host *host = *state;
	struct peer *other = create_bystander(host);
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < 8; i++) {
		tell(peer, make_picture, .buffer = i, .width = WIDTH,
			.height = HEIGHT, .kind = CLIENT_MEMORY_UNSEALED);
	}
	assert_int_equal(host_get_stats(host, peer).shadow_bytes, 0);
	for (int i = 0; i < 4; i++) {
		tell(peer, draw_and_show, .buffer = i, .frame = 1);
	}
	assert_int_equal(host_get_stats(host, peer).shadow_bytes, 4 * BYTES);
	host_expect_shown(host, peer, 1);
	expect_over(host, refused(peer, "wl_display", -1, IMPLEMENTATION,
		show, .buffer = 4), "bytes of shadows");
	peer_finish(peer);
	finish_bystander(host, other);
}

/* The error disconnects the client only after the request. The request must not pass a
 * buffer without memory to the compositor, which would allocate it by reading. */
static void nothing_without_memory_is_attached(void **state) {
	struct host *host = *state;
	struct peer *other = create_bystander(host);
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .width = WIDTH, .height = 5 * HEIGHT,
		.kind = CLIENT_MEMORY_UNSEALED);
	tell(peer, create_surface);
	unsigned before = host->buffers_seen;
	expect_over(host, refused(peer, "wl_display", -1, IMPLEMENTATION,
		attach), "bytes of shadows");
	assert_int_equal(host->buffers_seen, before);
	peer_finish(peer);
	finish_bystander(host, other);
}

static void nor_is_it_lent(void **state) {
	struct host *host = *state;
	static const order_func takes[] = {
		take_frame, take_source, take_icon,
	};
	struct peer *other = create_bystander(host);
	for (int i = 0; i < 3; i++) {
		struct peer *peer = peer_create(&host->server);
		tell(peer, make_picture, .width = WIDTH, .height = 5 * HEIGHT,
			.kind = CLIENT_MEMORY_UNSEALED);
		unsigned before = host->buffers_seen;
		expect_over(host, refused(peer, "wl_display", -1,
			IMPLEMENTATION, takes[i]), "bytes of shadows");
		assert_int_equal(host->buffers_seen, before);
		peer_finish(peer);
	}
	finish_bystander(host, other);
}

/* A compositor may keep what it shows when the client has destroyed everything, so that
 * stays charged. */
static void what_is_shown_is_held(void **state) {
	struct host *host = *state;
	host->keeps = true;
	struct peer *other = create_bystander(host);
	struct peer *peer = peer_create(&host->server);
	for (int i = 0; i < 4; i++) {
		tell(peer, make_picture, .width = WIDTH, .height = HEIGHT,
			.kind = CLIENT_MEMORY_UNSEALED);
		tell(peer, create_surface, .surface = i);
		tell(peer, draw_and_show, .surface = i, .frame = 1);
		tell(peer, destroy_buffer);
		tell(peer, destroy_pool);
	}
	assert_int_equal(host_get_stats(host, peer).shadow_bytes, 4 * BYTES);
	/* A buffer that was replaced, or whose surface was destroyed, is not charged. */
	tell(peer, attach, .surface = 0, .buffer = NO_BUFFER);
	tell(peer, commit, .surface = 0);
	assert_int_equal(host_get_stats(host, peer).shadow_bytes, 3 * BYTES);
	tell(peer, destroy_surface, .surface = 1);
	assert_int_equal(host_get_stats(host, peer).shadow_bytes, 2 * BYTES);
	for (int i = 0; i < 3; i++) {
		tell(peer, make_picture, .width = WIDTH, .height = HEIGHT,
			.kind = CLIENT_MEMORY_UNSEALED);
		tell(peer, draw_and_show, .surface = 2, .frame = 1);
		tell(peer, destroy_buffer);
		tell(peer, destroy_pool);
		assert_int_equal(host_get_stats(host, peer).shadow_bytes,
			2 * BYTES);
	}
	for (int i = 4; i < 6; i++) {
		tell(peer, make_picture, .width = WIDTH, .height = HEIGHT,
			.kind = CLIENT_MEMORY_UNSEALED);
		tell(peer, create_surface, .surface = i);
		tell(peer, draw_and_show, .surface = i, .frame = 1);
		tell(peer, destroy_buffer);
		tell(peer, destroy_pool);
	}
	tell(peer, make_picture, .width = WIDTH, .height = HEIGHT,
		.kind = CLIENT_MEMORY_UNSEALED);
	tell(peer, create_surface, .surface = 6);
	expect_over(host, refused(peer, "wl_display", -1, IMPLEMENTATION,
		attach, .surface = 6), "bytes of shadows");
	peer_finish(peer);
	finish_bystander(host, other);
}

static struct peer *create_holder(struct host *host, int buffers) {
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_picture, .width = WIDTH, .height = buffers * HEIGHT,
		.kind = CLIENT_MEMORY_UNSEALED);
	tell(peer, draw_and_show, .frame = 1);
	return peer;
}

/* The request is within the client's own limit, but the others hold nearly everything. */
static void room_is_made_before_one_who_asks_is_refused(void **state) {
	struct host *host = *state;
	struct peer *honest = create_bystander(host);
	struct peer *hogs[3];
	for (int i = 0; i < 3; i++) {
		hogs[i] = create_holder(host, 20);
	}
	tell(honest, make_picture, .buffer = 1, .width = WIDTH,
		.height = 24 * HEIGHT, .kind = CLIENT_MEMORY_UNSEALED);
	tell(honest, draw_and_show, .buffer = 1, .frame = 2);
	host_expect_shown(host, honest, 2);
	int connected = 0;
	for (int i = 0; i < 3; i++) {
		connected += hogs[i]->client != NULL;
	}
	/* No more clients than necessary are disconnected. */
	assert_int_equal(connected, 1);
	peer_finish(honest);
}

/* The compositor itself lacks a resource. */

static void with_limit(int resource, rlim_t value, struct rlimit *old) {
	assert_int_equal(getrlimit(resource, old), 0);
	struct rlimit limit = { .rlim_cur = value, .rlim_max = old->rlim_max };
	assert_int_equal(setrlimit(resource, &limit), 0);
}

static void no_fd_for_a_shadow(void **state) {
	struct host *host = *state;
	struct peer *other = create_bystander(host);
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED, .size = BYTES);
	/* One is left for the client's own. */
	int lowest = dup(0);
	close(lowest);
	struct rlimit old;
	with_limit(RLIMIT_NOFILE, (rlim_t)lowest + 1, &old);
	const char *message = refused(peer, "wl_display", -1, IMPLEMENTATION,
		create_pool, .size = BYTES);
	setrlimit(RLIMIT_NOFILE, &old);
	expect_over(host, message, "no shadow for a pool");
	peer_finish(peer);
	finish_bystander(host, other);
}

/* A write beyond the limit also raises a signal, unless the limit is checked first. */
static void no_file_as_long_as_the_shadow(void **state) {
	struct host *host = *state;
	struct peer *other = create_bystander(host);
	struct peer *peer = peer_create_with_pool(&host->server,
		CLIENT_MEMORY_UNSEALED, 4096);
	struct rlimit old;
	with_limit(RLIMIT_FSIZE, 8192, &old);
	tell(peer, resize_pool, .size = 8192);
	const char *message = refused(peer, "wl_display", -1, IMPLEMENTATION,
		resize_pool, .size = 16384);
	setrlimit(RLIMIT_FSIZE, &old);
	expect_over(host, message, "cannot grow a shadow");
	peer_finish(peer);
	finish_bystander(host, other);
}

static rlim_t get_address_space(void) {
	FILE *statm = fopen("/proc/self/statm", "re");
	assert_non_null(statm);
	unsigned long pages = 0;
	assert_int_equal(fscanf(statm, "%lu", &pages), 1);
	fclose(statm);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void no_addresses_for_the_shadow(void **state) {
	/* A sanitizer takes all addresses. */
	if (WITH_ADDRESS_SANITIZER || WITH_THREAD_SANITIZER) {
		skip();
	}
	struct host *host = *state;
	enum { LARGE = 64 << 20 };
	struct peer *other = create_bystander(host);
	struct peer *peer = peer_create(&host->server);
	tell(peer, make_memory, .kind = CLIENT_MEMORY_UNSEALED, .size = LARGE);
	struct rlimit old;
	with_limit(RLIMIT_AS, get_address_space() + LARGE / 2, &old);
	const char *message = refused(peer, "wl_display", -1, IMPLEMENTATION,
		create_pool, .size = LARGE);
	setrlimit(RLIMIT_AS, &old);
	expect_over(host, message, "no shadow for a pool");
	peer_finish(peer);
	finish_bystander(host, other);
}

int main(void) {
#define budget_test(function, setup) \
	cmocka_unit_test_setup_teardown(function, setup, host_teardown)
	static const struct CMUnitTest tests[] = {
		budget_test(a_pool_too_many, setup_few_pools),
		budget_test(a_buffer_too_many, setup_few_buffers),
		budget_test(an_fd_too_many, setup_few_fds),
		budget_test(the_fds_of_buffers_count, setup_few_fds),
		budget_test(who_is_over_at_the_message_of_another_goes,
			setup_few_fds),
		budget_test(nobody_goes_while_its_own_request_is_handled,
			host_setup),
		budget_test(pool_is_guarded_for_which_another_client_has_to_go,
			host_setup),
		budget_test(a_byte_too_many, setup_few_bytes),
		budget_test(nothing_without_memory_is_attached,
			setup_few_bytes),
		budget_test(nor_is_it_lent, setup_few_bytes),
		budget_test(what_is_shown_is_held, setup_few_bytes),
		budget_test(room_is_made_before_one_who_asks_is_refused,
			setup_few_bytes_for_all),
		budget_test(no_fd_for_a_shadow, host_setup),
		budget_test(no_file_as_long_as_the_shadow, host_setup),
		budget_test(no_addresses_for_the_shadow, host_setup),
	};
	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
