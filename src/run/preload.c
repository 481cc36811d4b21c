/* SPDX-License-Identifier: MIT */
/*
 * The library that the dynamic linker loads into a compositor for sealpool-run: a
 * wl_display_create() that also creates a guard.
 *
 * It is loaded into all descendants of the command, since the compositor may be one of
 * them. Once a display exists, it removes itself from the environment: the compositor's
 * own children do not need it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include <sealpool/guard.h>

#include "children.h"
#include "limit.h"
#include "notify.h"
#include "settings.h"

/* With this limit, the guard's default for all clients is its maximum (6000), and the
 * rest is the compositor's. */
#define FDS_WANTED 16384

static struct settings settings;
static bool has_settings;
/* There is a guard, and the settings were removed from the environment. */
static bool has_left;
/* This thread is in wl_display_create(). */
static _Thread_local bool creating;

/* A display of this process, which seldom has a second. */
struct display {
	struct wl_list link; /* displays */
	struct wl_display *wl;
	struct sealpool_guard *guard;
	struct wl_event_source *timer;
	struct wl_listener destroy;
	struct wl_listener client_created;
	/* The sum over clients that have disconnected. */
	struct sealpool_stats gone;
};

struct client {
	struct display *display;
	struct wl_client *wl_client;
	struct wl_listener destroy;
};

static void log_message(void *data, enum sealpool_log_importance importance,
		const char *format, va_list args) {
	if (importance == SEALPOOL_LOG_DEBUG ||
			(settings.quiet && importance != SEALPOOL_LOG_ERROR)) {
		return;
	}
	char message[512];
	vsnprintf(message, sizeof(message), format, args);
	fprintf(stderr, "sealpool: %s\n", message);
}

/* The displays with statistics. A display belongs to one thread, but a process may have
 * several displays and threads. */
static struct wl_list displays = { &displays, &displays };
static pthread_mutex_t displays_lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t displays_pid;

/* Statistics */

static void add_stats(struct sealpool_stats *sum,
		const struct sealpool_stats *stats) {
	sum->pools += stats->pools;
	for (int i = 0; i < SEALPOOL_MEMORY_KINDS; i++) {
		sum->buffers[i] += stats->buffers[i];
	}
	sum->shadow_bytes += stats->shadow_bytes;
	sum->bytes_copied_in += stats->bytes_copied_in;
	sum->bytes_copied_out += stats->bytes_copied_out;
	sum->faults += stats->faults;
}

static void get_client_stats(const struct display *display,
		struct wl_client *client, struct sealpool_stats *stats) {
	*stats = (struct sealpool_stats){ .size = sizeof(*stats) };
	sealpool_shm_get_client_stats(sealpool_guard_get_shm(display->guard),
		client, stats);
}

static void print_stats(const struct display *display, const char *when) {
	struct sealpool_stats sum = {
		.bytes_copied_in = display->gone.bytes_copied_in,
		.bytes_copied_out = display->gone.bytes_copied_out,
		.faults = display->gone.faults,
	};
	unsigned clients = 0;
	struct wl_client *client;
	wl_client_for_each(client, wl_display_get_client_list(display->wl)) {
		struct sealpool_stats stats;
		get_client_stats(display, client, &stats);
		add_stats(&sum, &stats);
		clients++;
	}
	fprintf(stderr, "sealpool: %s: clients=%u pools=%u direct=%u shadow=%u "
		"shadow_bytes=%" PRIu64 " copied_in=%" PRIu64
		" copied_out=%" PRIu64 " faults=%" PRIu64 "\n", when, clients,
		sum.pools, sum.buffers[SEALPOOL_MEMORY_DIRECT],
		sum.buffers[SEALPOOL_MEMORY_SHADOW], sum.shadow_bytes,
		sum.bytes_copied_in, sum.bytes_copied_out, sum.faults);
}

static int handle_timer(void *data) {
	struct display *display = data;
	print_stats(display, "stats");
	wl_event_source_timer_update(display->timer,
		(int)settings.stats_seconds * 1000);
	return 0;
}

/* Keeps what the client has cost. */
static void client_handle_destroy(struct wl_listener *listener, void *data) {
	struct client *client = wl_container_of(listener, client, destroy);
	struct sealpool_stats stats;
	get_client_stats(client->display, client->wl_client, &stats);
	add_stats(&client->display->gone, &stats);
	wl_list_remove(&client->destroy.link);
	free(client);
}

static void handle_client_created(struct wl_listener *listener, void *data) {
	struct display *display =
		wl_container_of(listener, display, client_created);
	struct client *client = calloc(1, sizeof(*client));
	if (client == NULL) {
		/* What it costs is lost from the sum when it disconnects. */
		return;
	}
	client->display = display;
	client->wl_client = data;
	client->destroy.notify = client_handle_destroy;
	wl_client_add_destroy_listener(client->wl_client, &client->destroy);
}

static void begin_stats(struct display *display) {
	pthread_mutex_lock(&displays_lock);
	displays_pid = getpid();
	wl_list_insert(displays.prev, &display->link);
	pthread_mutex_unlock(&displays_lock);
	display->client_created.notify = handle_client_created;
	wl_display_add_client_created_listener(display->wl,
		&display->client_created);
	display->timer = wl_event_loop_add_timer(
		wl_display_get_event_loop(display->wl), handle_timer, display);
	if (display->timer != NULL) {
		wl_event_source_timer_update(display->timer,
			(int)settings.stats_seconds * 1000);
	}
}

static void handle_display_destroy(struct wl_listener *listener, void *data) {
	struct display *display =
		wl_container_of(listener, display, destroy);
	if (settings.stats_seconds > 0) {
		print_stats(display, "at exit");
		pthread_mutex_lock(&displays_lock);
		wl_list_remove(&display->link);
		pthread_mutex_unlock(&displays_lock);
		wl_list_remove(&display->client_created.link);
		if (display->timer != NULL) {
			wl_event_source_remove(display->timer);
		}
	}
	wl_list_remove(&display->destroy.link);
	free(display);
}

/* Not every compositor destroys its display before it ends. */
__attribute__((destructor))
static void print_last_stats(void) {
	/* A forked child has copied the list, but has no clients. */
	if (displays_pid != getpid()) {
		return;
	}
	struct display *display;
	wl_list_for_each(display, &displays, link) {
		print_stats(display, "at exit");
	}
}

/* The display */

/* The library logs it; the client stays connected. */
static void ignore_short_file(struct sealpool_buffer *buffer,
		uint64_t file_size, void *data) {
}

static bool guard_display(struct wl_display *wl) {
	struct display *display = calloc(1, sizeof(*display));
	if (display == NULL) {
		return false;
	}
	struct sealpool_options options = {
		.size = sizeof(options),
		.budget = settings.budget,
		.short_file = settings.lenient ? ignore_short_file : NULL,
		.log = log_message,
		.wl_shm_only = settings.wl_shm_only,
	};
	display->wl = wl;
	/* Added before the guard's listener, so that the guard still exists when this
	 * one is called. */
	display->destroy.notify = handle_display_destroy;
	wl_display_add_destroy_listener(wl, &display->destroy);
	display->guard = sealpool_guard_create(wl, &options);
	if (display->guard == NULL) {
		wl_list_remove(&display->destroy.link);
		free(display);
		return false;
	}
	struct sealpool_shm *shm = sealpool_guard_get_shm(display->guard);
	if (settings.feedback && sealpool_feedback_create(shm) == NULL) {
		fputs("sealpool: no memory for feedback\n", stderr);
	}
	if (settings.monitor) {
		/* It logs its own errors. */
		sealpool_monitor_create(shm);
	}
	if (settings.stats_seconds > 0) {
		begin_stats(display);
	}
	return true;
}

/* Called before the guard is created, whose default limit is a part of this one. */
static void raise_limit(void) {
	/* A quarter of the descriptors is for the compositor itself. */
	rlim_t needed = (rlim_t)settings.budget.all_fds / 3 * 4;
	limit_raise(needed > FDS_WANTED ? needed : FDS_WANTED);
}

/* Runs before main(), which may clear the environment, and again before a library's
 * constructor creates a display. */
__attribute__((constructor))
static void read_settings(void) {
	has_settings = has_settings || settings_get(&settings);
}

static struct wl_display *create_display(void) {
	struct wl_display *(*create)(void);
	*(void **)&create = dlsym(RTLD_NEXT, "wl_display_create");
	creating = true;
	struct wl_display *display = create != NULL ? create() : NULL;
	creating = false;
	return display;
}

static void report_unguarded(const char *why) {
	fprintf(stderr, "sealpool: %s: a Wayland display is NOT guarded: %s\n",
		program_invocation_short_name, why);
}

struct wl_display *wl_display_create(void) {
	struct wl_display *display = create_display();
	if (display == NULL) {
		return NULL;
	}
	read_settings();
	if (!has_settings) {
		report_unguarded(SETTINGS_VARIABLE " is not in its environment: "
			"something has removed it");
		return display;
	}
	if (!has_left) {
		raise_limit();
	}
	/* No compositor is better than an unguarded one that its user believes to be
	 * guarded. */
	if (!guard_display(display)) {
		fputs("sealpool: the display cannot be guarded\n", stderr);
		wl_display_destroy(display);
		return NULL;
	}
	if (!has_left) {
		settings_leave(&settings);
		notify_send(settings.token, NOTIFY_GUARDED);
		children_leave(settings.library);
		has_left = true;
	}
	return display;
}

/*
 * A program that looks up wl_display_create() in libwayland by dlsym() gets libwayland's
 * own, not ours. That function creates an event loop, and its call comes here unless
 * libwayland was linked with -Bsymbolic.
 */
struct wl_event_loop *wl_event_loop_create(void) {
	struct wl_event_loop *(*create)(void);
	*(void **)&create = dlsym(RTLD_NEXT, "wl_event_loop_create");
	Dl_info caller;
	if (has_settings && !creating &&
			dladdr(__builtin_return_address(0), &caller) != 0 &&
			caller.dli_sname != NULL &&
			strcmp(caller.dli_sname, "wl_display_create") == 0) {
		report_unguarded("it was created by a function that the program "
			"looked up in libwayland-server itself (dlopen, dlsym), "
			"which bypasses the guard");
		if (settings.require) {
			/* Then there is no display. */
			return NULL;
		}
		notify_send(settings.token, NOTIFY_UNGUARDED);
	}
	return create != NULL ? create() : NULL;
}
