/* SPDX-License-Identifier: MIT */
/*
 * End to end: CPU time of sealpool-tiny's main thread, which renders with pixman, for each
 * frame of a client with one window of 3840x2160 and two buffers. The main thread copies
 * little damage itself, and never waits for the thread that copies much.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../client/buffer.h"
#include "../client/client.h"
#include "../client/image.h"
#include "../client/memory.h"
#include "../client/surface.h"
#include "tiny.h"

#define WIDTH 3840
#define HEIGHT 2160
#define STRIDE (WIDTH * 4)
#define BUFFERS 2
#define FRAMES 40

static const struct {
	const char *name;
	int32_t width, height;
} damages[] = {
	{ "10x20", 10, 20 },
	{ "100x100", 100, 100 },
	{ "all", WIDTH, HEIGHT },
};

static pid_t start(const char *path, bool stock, FILE **output) {
	int fds[2];
	if (pipe(fds) < 0) {
		return -1;
	}
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], STDOUT_FILENO);
		int null = open("/dev/null", O_WRONLY);
		dup2(null, STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		setenv("WLR_BACKENDS", "headless", 1);
		setenv("WLR_RENDERER", "pixman", 1);
		setenv("WLR_LIBINPUT_NO_DEVICES", "1", 1);
		execl(path, path, "--socket", "sealpool-bench",
			stock ? "--stock" : (char *)NULL, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	*output = fdopen(fds[0], "r");
	return pid;
}

/* Returns the CPU time of the main thread so far, in nanoseconds. */
static double get_cpu(pid_t pid) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	FILE *file = fopen(path, "re");
	double ns = 0;
	if (file != NULL) {
		if (fscanf(file, "%lf", &ns) != 1) {
			ns = 0;
		}
		fclose(file);
	}
	return ns;
}

struct scene {
	struct client client;
	struct client_memory memory;
	struct client_pool pool;
	struct client_window window;
	struct client_buffer buffers[BUFFERS];
};

static bool scene_create(struct scene *scene, bool sealed) {
	struct client *client = &scene->client;
	int32_t size = STRIDE * HEIGHT;
	if (!client_connect(client, "sealpool-bench") ||
			!client_memory_create(client, &scene->memory,
				sealed ? CLIENT_MEMORY_SEALED :
					CLIENT_MEMORY_UNSEALED,
				(size_t)size * BUFFERS)) {
		return false;
	}
	memset(scene->memory.data, 0x77, (size_t)size * BUFFERS);
	if (!client_pool_create(client, &scene->pool, &scene->memory,
			size * BUFFERS) ||
			!client_window_create(client, &scene->window,
				"bench")) {
		return false;
	}
	for (int i = 0; i < BUFFERS; i++) {
		if (!client_buffer_create(&scene->pool, &scene->buffers[i],
				size * i, WIDTH, HEIGHT, STRIDE)) {
			return false;
		}
	}
	/* Until everything is mapped. */
	for (int i = 0; i < 10 * BUFFERS; i++) {
		if (!client_surface_show(&scene->window.surface,
				&scene->buffers[i % BUFFERS])) {
			return false;
		}
	}
	return true;
}

static bool scene_run(struct scene *scene, pid_t pid, size_t damage,
		double *ns) {
	struct client *client = &scene->client;
	struct client_surface *surface = &scene->window.surface;
	int32_t width = damages[damage].width, height = damages[damage].height;
	int32_t x = (WIDTH - width) / 2, y = (HEIGHT - height) / 2;
	double before = 0;
	for (int frame = -2 * BUFFERS; frame < FRAMES; frame++) {
		if (frame == 0) {
			before = get_cpu(pid);
		}
		struct client_buffer *buffer =
			&scene->buffers[(frame + 2 * BUFFERS) % BUFFERS];
		struct client_image image;
		if (!client_buffer_wait_released(client, buffer) ||
				!client_buffer_get_image(client, buffer,
					&image)) {
			return false;
		}
		for (int32_t row = y; row < y + height; row++) {
			memset((uint8_t *)image.data + row * STRIDE + x * 4,
				frame & 0xff, (size_t)width * 4);
		}
		client_surface_attach(surface, buffer);
		client_surface_damage_buffer(surface, x, y, width, height);
		if (!client_surface_present(surface)) {
			return false;
		}
	}
	*ns = (get_cpu(pid) - before) / FRAMES;
	return true;
}

static pid_t start_and_wait(const char *path, bool stock, FILE **output) {
	pid_t pid = start(path, stock, output);
	char line[256] = "";
	while (pid >= 0 && *output != NULL &&
			fgets(line, sizeof(line), *output) != NULL &&
			strncmp(line, "WAYLAND_DISPLAY=", 16) != 0) {
	}
	return pid;
}

static bool run(struct results *results, const char *path, bool sealed,
		bool stock) {
	FILE *output = NULL;
	pid_t pid = start_and_wait(path, stock, &output);
	if (pid < 0 || output == NULL) {
		return false;
	}
	struct scene scene;
	memset(&scene, 0, sizeof(scene));
	bool ok = scene_create(&scene, sealed);
	for (size_t i = 0; ok && i < sizeof(damages) / sizeof(damages[0]); i++) {
		double ns;
		ok = scene_run(&scene, pid, i, &ns);
		if (ok) {
			char name[64];
			snprintf(name, sizeof(name), "end-to-end/%s/%s",
				sealed ? "sealed" : "unsealed",
				damages[i].name);
			series_add(results_get(results, METRIC_NS, name),
				stock ? IMPL_WLROOTS : IMPL_FACE, ns);
		}
	}
	if (!ok) {
		fprintf(stderr, "bench: on sealpool-tiny: %s\n",
			scene.client.error);
	}
	if (scene.client.display != NULL) {
		client_disconnect(&scene.client);
	}
	if (scene.memory.data != NULL) {
		client_memory_destroy(&scene.memory);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fclose(output);
	return ok;
}

/* Rounds are added until the figure is resolved, for at most half a minute. */
#define SECONDS_MAX 30

void measure_tiny(struct results *results, const char *path) {
	char folder[] = "/tmp/sealpool-bench-XXXXXX";
	if (mkdtemp(folder) == NULL) {
		perror("bench: no folder for a socket");
		return;
	}
	setenv("XDG_RUNTIME_DIR", folder, 1);
	size_t first = results->len;
	time_t end = time(NULL) + SECONDS_MAX;
	bool ok = true;
	for (int round = 0; ok && round < ROUNDS_MAX; round++) {
		if (round >= ROUNDS_MIN && (time(NULL) > end ||
				results_are_resolved(results, METRIC_NS,
				first))) {
			break;
		}
		ok = run(results, path, false, true) &&
			run(results, path, false, false);
	}
	char name[128];
	snprintf(name, sizeof(name), "%s/sealpool-bench", folder);
	unlink(name);
	snprintf(name, sizeof(name), "%s/sealpool-bench.lock", folder);
	unlink(name);
	rmdir(folder);
}
