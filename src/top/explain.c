/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "advice/advice.h"
#include "explain.h"

/* As in what is written about screens: 33 MB for 3840x2160. */
static void format_size(char *text, size_t size, uint64_t bytes) {
	double kilobytes = (double)bytes / 1000;
	if (kilobytes < 999.5) {
		snprintf(text, size, "%.*f kB", kilobytes < 9.95, kilobytes);
	} else {
		snprintf(text, size, "%.*f MB", kilobytes < 9950, kilobytes / 1000);
	}
}

/* Returns the bytes of a copy: of those since "before", or else of all. */
static uint64_t get_copy_bytes(const struct client *client,
		const struct client *before) {
	uint64_t bytes = client->copied_in, copies = client->copies;
	if (before != NULL && copies > before->copies &&
			bytes >= before->copied_in) {
		bytes -= before->copied_in;
		copies -= before->copies;
	}
	return copies > 0 ? bytes / copies : 0;
}

void explain(const struct client *client, const struct client *before,
		char *text, size_t size) {
	char bytes[32];
	int n = snprintf(text, size, "%s (pid %d): ", client->name, client->pid);
	size_t used = n > 0 && (size_t)n < size ? (size_t)n : 0;
	text += used;
	size -= used;
	const struct advice *advice = advice_find(client->reasons);
	if (client->pid == 0) {
		snprintf(text, size, "disconnected; the compositor holds its memory");
	} else if (client->shadow == 0 && client->nofault > 0) {
		snprintf(text, size, "read in place, with MAP_NOFAULT");
	} else if (client->shadow == 0) {
		snprintf(text, size, client->direct > 0 ?
			"sealed, read in place" : "has no buffer");
	} else if (client->copies == 0 && client->copied_out == 0) {
		snprintf(text, size, "%s; nothing was copied yet",
			advice != NULL ? advice->state : "not read in place");
	} else if (client->copies == 0) {
		format_size(bytes, sizeof(bytes), client->copied_out);
		snprintf(text, size, "%s, %s of captures copied back: %s",
			advice != NULL ? advice->state : "not read in place",
			bytes, advice != NULL ? advice->change :
			"its next capture may be written in place");
	} else {
		format_size(bytes, sizeof(bytes), get_copy_bytes(client, before));
		snprintf(text, size, "%s, %s a frame copied: %s",
			advice != NULL ? advice->state : "not read in place",
			bytes, advice != NULL ? advice->change :
			"its next commit may be read in place");
	}
}
