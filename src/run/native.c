/* SPDX-License-Identifier: MIT */
/*
 * Finds the native module for the libwlroots that a compositor uses:
 * sealpool-wlroots-0.18.so for libwlroots-0.18.so.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "native.h"

bool native_is_wlroots(const char *file) {
	return strncmp(file, "libwlroots", strlen("libwlroots")) == 0;
}

native_create_func native_find(const char *preloaded, const char *file) {
	/* Before 0.18, the name of the file did not have the version of wlroots. */
	if (strncmp(file, "libwlroots-", strlen("libwlroots-")) != 0) {
		return NULL;
	}
	char path[4096];
	const char *slash = strrchr(preloaded, '/'), *name = file + strlen("lib");
	const char *end = strstr(name, ".so");
	int dir = slash != NULL ? (int)(slash + 1 - preloaded) : 0;
	int length = end != NULL ? (int)(end - name) : (int)strlen(name);
	if (snprintf(path, sizeof(path), "%.*ssealpool-%.*s.so", dir, preloaded,
			length, name) >= (int)sizeof(path)) {
		return NULL;
	}
	native_create_func create = NULL;
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (module != NULL) {
		*(void **)&create = dlsym(module, "sealpool_wlr_native_create");
	}
	return create;
}
