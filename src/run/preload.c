/* SPDX-License-Identifier: MIT */
/*
 * The library that the dynamic linker loads into a compositor for sealpool-run: a
 * wl_display_create() that also creates a guard; and a wl_global_create() and
 * libwayland's functions for wl_shm that replace the guard, and the wl_shm of wlroots or
 * of libwayland, by Sealpool's own.
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include <sealpool/guard.h>

#include "children.h"
#include "guard/guard.h"
#include "libwayland.h"
#include "libwayland/wl_shm.h"
#include "limit.h"
#include "native.h"
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
/* This thread creates a global for Sealpool. */
static _Thread_local bool offering;

/* A display of this process, which seldom has a second. */
struct display {
	struct wl_list link; /* displays */
	struct wl_display *wl;
	struct sealpool_guard *guard;
	struct sealpool_shm *shm;
	/* There is a wl_shm behind the guard; Sealpool's wl_shm has replaced it. */
	bool has_guarded, is_native;
	/* Why the wl_shm of libwayland is guarded; "" or " (...)". */
	char why_guarded[128];
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
	sealpool_shm_get_client_stats(display->shm, client, stats);
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
	display->shm = sealpool_guard_get_shm(display->guard);
	if (settings.feedback && sealpool_feedback_create(display->shm) == NULL) {
		fputs("sealpool: no memory for feedback\n", stderr);
	}
	if (settings.monitor) {
		/* It logs its own errors. */
		sealpool_monitor_create(display->shm);
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

/* A command that ends with 0 and without a guard is no success: its user believes that a
 * compositor was protected. If the command has children, they may still create a guard. */
static int get_status(int status) {
	siginfo_t info;
	bool unguarded = status == 0 && has_settings && !has_left &&
		getpid() == settings.pid &&
		waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 &&
		notify_is_waiting(settings.token);
	return unguarded ? SETTINGS_STATUS_UNGUARDED : status;
}

/* Shells end by this function. */
void _exit(int status) {
	syscall(SYS_exit_group, get_status(status));
	__builtin_unreachable();
}

#ifdef __GLIBC__
static void handle_exit(int status, void *data) {
	int changed = get_status(status);
	if (changed != status) {
		fflush(NULL);
		syscall(SYS_exit_group, changed);
	}
}
#endif

/* Runs before main(), which may clear the environment, and again before a library's
 * constructor creates a display. */
__attribute__((constructor))
static void read_settings(void) {
	if (has_settings || !settings_get(&settings)) {
		return;
	}
	has_settings = true;
#ifdef __GLIBC__
	if (getpid() == settings.pid) {
		on_exit(handle_exit, NULL);
	}
#endif
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
		const char *variable = settings_leave(&settings);
		notify_send(settings.token, NOTIFY_GUARDED);
		children_leave(settings.library, variable);
		has_left = true;
	}
	return display;
}

/* Native or guarded */

/* The name of the file that this code belongs to; "" if it is not known. */
static const char *get_file(void *code) {
	Dl_info info;
	if (dladdr(code, &info) == 0 || info.dli_fname == NULL) {
		return "";
	}
	const char *slash = strrchr(info.dli_fname, '/');
	return slash != NULL ? slash + 1 : info.dli_fname;
}

static struct display *find_display(struct wl_display *wl) {
	struct wl_listener *listener =
		wl_display_get_destroy_listener(wl, handle_display_destroy);
	struct display *display = NULL;
	return listener != NULL ?
		wl_container_of(listener, display, destroy) : NULL;
}

/* Returns why no wl_shm of the display can be Sealpool's, or NULL. */
static const char *find_obstacle(const struct display *display) {
	if (settings.way == SETTINGS_GUARD) {
		return "--guard";
	}
	if (display->has_guarded) {
		return "there is another wl_shm";
	}
	if (!display->is_native && !wl_list_empty(
			wl_display_get_client_list(display->wl))) {
		return "a client has connected before";
	}
	return NULL;
}

static void set_why_guarded(struct display *display, const char *obstacle) {
	snprintf(display->why_guarded, sizeof(display->why_guarded),
		obstacle != NULL ? " (%s)" : "%s",
		obstacle != NULL ? obstacle : "");
}

/* Returns NULL for a wl_shm that is not of wlroots, and if there is an obstacle. */
static native_create_func find_native(struct display *display,
		const char *file) {
	if (!native_is_wlroots(file)) {
		return NULL;
	}
	native_create_func create = NULL;
	const char *obstacle = find_obstacle(display);
	if (obstacle == NULL) {
		create = native_find(settings.library, file);
		obstacle = create == NULL ? "there is no native module for it" :
			NULL;
	}
	set_why_guarded(display, obstacle);
	return create;
}

static void report_native(const struct display *display, const char *file) {
	if (!display->is_native && !settings.quiet) {
		fprintf(stderr, "sealpool: %s: native: Sealpool's wl_shm in "
			"place of the one of %s\n",
			program_invocation_short_name, file);
	}
}

static struct wl_global *create_native(struct display *display,
		native_create_func create, const char *file, void *wlr_shm,
		uint32_t version) {
	offering = true;
	struct wl_global *global = create(display->guard, wlr_shm, version);
	offering = false;
	if (global != NULL) {
		report_native(display, file);
	}
	display->is_native = display->is_native || global != NULL;
	/* It must not be tried again. */
	display->has_guarded = !display->is_native;
	return global;
}

/* Returns whether a wl_shm that is not Sealpool's may be created. */
static bool allow_guarded(struct display *display, const char *file) {
	const char *why = display->why_guarded;
	if (settings.way == SETTINGS_NATIVE) {
		fprintf(stderr, "sealpool: %s: --native refuses the wl_shm of "
			"%s%s\n", program_invocation_short_name, file, why);
		errno = EPERM;
		return false;
	}
	if (display->is_native) {
		fprintf(stderr, "sealpool: %s: a second wl_shm, of %s, is refused, "
			"since it would not be guarded (with --guard, both "
			"are)\n", program_invocation_short_name, file);
		errno = EPERM;
		return false;
	}
	display->has_guarded = true;
	if (!settings.quiet) {
		fprintf(stderr, "sealpool: %s: guarded: a guard in front of the "
			"wl_shm of %s%s\n", program_invocation_short_name,
			file, why);
	}
	return true;
}

/*
 * All functions of wlroots that create a wl_shm end here (seen in 0.18 to 0.20), also if
 * wlroots calls them itself, or a program that has looked them up. The data of the global
 * is then its struct wlr_shm.
 */
struct wl_global *wl_global_create(struct wl_display *wl,
		const struct wl_interface *interface, int version, void *data,
		wl_global_bind_func_t bind) {
	struct wl_global *(*create)(struct wl_display *,
		const struct wl_interface *, int, void *, wl_global_bind_func_t);
	*(void **)&create = dlsym(RTLD_NEXT, "wl_global_create");
	struct display *display =
		!offering && strcmp(interface->name, "wl_shm") == 0 ?
		find_display(wl) : NULL;
	if (display != NULL) {
		const char *file = get_file(__builtin_return_address(0));
		native_create_func native = find_native(display, file);
		if (native != NULL) {
			return create_native(display, native, file, data,
				(uint32_t)version);
		}
		if (!allow_guarded(display, file)) {
			return NULL;
		}
	}
	return create != NULL ?
		create(wl, interface, version, data, bind) : NULL;
}

/* libwayland's functions for wl_shm */

static struct sp_libwayland theirs;
/* What is called: of the functions for displays, those below. */
static struct sp_libwayland chosen;
/* A wl_shm was asked for, and from then on, the buffers of all displays are Sealpool's, or
 * none is. */
static bool is_decided, is_ours;

/* Returns whether the display's wl_shm is to be Sealpool's. */
static bool decide(struct display *display) {
	const char *obstacle = find_obstacle(display);
	if (display->is_native && sp_libwayland_get_shm(display->wl) == NULL) {
		obstacle = "there is another wl_shm";
	} else if (obstacle == NULL && is_decided && !is_ours) {
		obstacle = "another display's is guarded";
	} else if (obstacle == NULL && !is_decided &&
			settings.way != SETTINGS_NATIVE) {
		obstacle = libwayland_find_obstacle(
			program_invocation_short_name);
	}
	set_why_guarded(display, obstacle);
	if (!is_decided && obstacle == NULL) {
		struct sp_libwayland before = chosen;
		chosen = sp_libwayland;
		chosen.display_init_shm = before.display_init_shm;
		chosen.display_add_shm_format = before.display_add_shm_format;
		is_ours = true;
	}
	is_decided = true;
	return obstacle == NULL;
}

static int init_shm(struct wl_display *wl) {
	struct display *display = find_display(wl);
	bool native = display != NULL && decide(display);
	if (!native && is_ours) {
		/* Its buffers would be taken for Sealpool's. */
		fprintf(stderr, "sealpool: %s: the wl_shm of a display is refused%s, "
			"since another display has Sealpool's (--guard guards all)\n",
			program_invocation_short_name,
			display != NULL ? display->why_guarded : "");
		errno = EPERM;
		return -1;
	}
	if (!native) {
		return theirs.display_init_shm(wl);
	}
	offering = true;
	int ret = sp_libwayland_give_shm(wl, display->shm) ?
		sp_libwayland.display_init_shm(wl) : -1;
	offering = false;
	if (ret == 0 && !display->is_native) {
		sp_guard_leave(display->guard);
		report_native(display, "libwayland-server.so.0");
		display->is_native = true;
	}
	return ret;
}

/* Whichever wl_shm the display is going to have knows it. */
static uint32_t *add_shm_format(struct wl_display *wl, uint32_t format) {
	return sp_libwayland.display_add_shm_format(wl, format) != NULL ?
		theirs.display_add_shm_format(wl, format) : NULL;
}

/* Also before constructors of this library have run. */
const struct sp_libwayland *sp_libwayland_choose(void) {
	if (chosen.display_init_shm == NULL) {
		libwayland_find_functions(&theirs);
		chosen = theirs;
		chosen.display_init_shm = init_shm;
		chosen.display_add_shm_format = add_shm_format;
	}
	return &chosen;
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
