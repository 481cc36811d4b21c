/* SPDX-License-Identifier: MIT */
/*
 * Keymaps of virtual keyboards.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>

#include "files.h"
#include "memory/show.h"
#include "virtual-keyboard-unstable-v1-client-protocol.h"

/* One key, with a name that no other keymap has (a compositor may write symbols as
 * numbers); then spaces, so that there are several pages. */
#define KEY 2
#define NAME "<SEAL>"
static const char keymap_text[] =
	"xkb_keymap {\n"
	"xkb_keycodes \"one\" { minimum = 8; maximum = 255; " NAME " = 10; };\n"
	"xkb_types \"one\" { type \"ONE_LEVEL\" {\n"
	"	modifiers = none; level_name[Level1] = \"Any\"; }; };\n"
	"xkb_compatibility \"one\" { };\n"
	"xkb_symbols \"one\" { key " NAME " { [ Greek_omegaaccent ] }; };\n"
	"};\n";
static char keymap[4 * 4096];

static void *create_keyboard(struct test *test) {
	struct client_global manager = {
		.interface = &zwp_virtual_keyboard_manager_v1_interface,
		.version = 1,
	};
	bind_or_skip(test, &manager);
	if (test->client.seat == NULL) {
		test_skip(test, "there is no wl_seat");
	}
	return zwp_virtual_keyboard_manager_v1_create_virtual_keyboard(
		manager.object, test->client.seat);
}

static void send_keymap(void *object, int fd, uint32_t size) {
	zwp_virtual_keyboard_v1_keymap(object,
		WL_KEYBOARD_KEYMAP_FORMAT_XKB_V1, fd, size);
}

static const struct shared_interface *get_keyboards(void) {
	static struct shared_interface interface = {
		.create = create_keyboard,
		.send = send_keymap,
		.bytes = keymap,
		.size = sizeof(keymap),
	};
	memset(keymap, ' ', sizeof(keymap) - 1);
	memcpy(keymap, keymap_text, strlen(keymap_text));
	return &interface;
}

static void hostile_keymap(struct test *test) {
	send_hostile(test, get_keyboards());
}

/* All pages have text, without a zero byte. */
static void endless_keymap(struct test *test) {
	const struct shared_interface *interface = get_keyboards();
	keymap[sizeof(keymap) - 1] = ' ';
	send_hostile(test, interface);
}

/* Typing */

struct typing {
	bool has_name, has_entered, was_pressed;
};

static void handle_keymap(void *data, struct wl_keyboard *keyboard,
		uint32_t format, int32_t fd, uint32_t size) {
	struct typing *typing = data;
	char *text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	typing->has_name = text != MAP_FAILED &&
		memmem(text, size, NAME, strlen(NAME)) != NULL;
	if (text != MAP_FAILED) {
		munmap(text, size);
	}
	close(fd);
}

static void handle_enter(void *data, struct wl_keyboard *keyboard,
		uint32_t serial, struct wl_surface *surface,
		struct wl_array *keys) {
	struct typing *typing = data;
	typing->has_entered = true;
}

static void handle_leave(void *data, struct wl_keyboard *keyboard,
		uint32_t serial, struct wl_surface *surface) {
	/* The window may get the keyboard again. */
}

static void handle_key(void *data, struct wl_keyboard *keyboard,
		uint32_t serial, uint32_t time, uint32_t key, uint32_t state) {
	struct typing *typing = data;
	typing->was_pressed |= typing->has_name && key == KEY &&
		state == WL_KEYBOARD_KEY_STATE_PRESSED;
}

static void handle_modifiers(void *data, struct wl_keyboard *keyboard,
		uint32_t serial, uint32_t depressed, uint32_t latched,
		uint32_t locked, uint32_t group) {
	/* No key is pressed. */
}

static void handle_repeat_info(void *data, struct wl_keyboard *keyboard,
		int32_t rate, int32_t delay) {
	/* No key is repeated. */
}

static const struct wl_keyboard_listener keyboard_listener = {
	.keymap = handle_keymap,
	.enter = handle_enter,
	.leave = handle_leave,
	.key = handle_key,
	.modifiers = handle_modifiers,
	.repeat_info = handle_repeat_info,
};

static void valid_keymap(struct test *test) {
	static struct show show;
	static struct typing typing;
	struct zwp_virtual_keyboard_v1 *virtual_keyboard =
		send_valid(test, get_keyboards());
	/* The seat has a keyboard now. */
	struct wl_keyboard *keyboard = wl_seat_get_keyboard(test->client.seat);
	wl_keyboard_add_listener(keyboard, &keyboard_listener, &typing);
	show_init(test, &show, CLIENT_MEMORY_SEALED);
	show_begin(&show);
	show_draw_frames(&show, 1);
	must(test, client_wait(&test->client, &typing.has_entered,
		"a window to get the keyboard"));
	/* A key that is pressed before this keyboard is the seat's may be lost. */
	int64_t deadline = test_now_ms() + 5000;
	for (uint32_t time = 1; !typing.was_pressed; time++) {
		if (test_now_ms() > deadline) {
			test_fail(test, "a key that is typed does not arrive "
				"%s", typing.has_name ?
				"after the keymap" : "with its keymap");
		}
		zwp_virtual_keyboard_v1_key(virtual_keyboard, time, KEY,
			WL_KEYBOARD_KEY_STATE_PRESSED);
		zwp_virtual_keyboard_v1_key(virtual_keyboard, time, KEY,
			WL_KEYBOARD_KEY_STATE_RELEASED);
		must(test, client_roundtrip(&test->client));
		poll(NULL, 0, 10);
	}
}

const struct test_case shared_keymap_cases[] = {
	SHARED_HOSTILE("keymap", hostile_keymap),
	SHARED_SIZES("keymap", hostile_keymap),
	{ "shared-fds/keymap:endless", CASE_ROBUSTNESS,
		"The keymap lacks the byte of 0 that ends it.",
		endless_keymap, FILE_UNSEALED },
	SHARED_VALID("keymap", valid_keymap),
	{ 0 },
};
