/* SPDX-License-Identifier: MIT */
/*
 * The gate: every file that a client sends, other than its pools'.
 *
 * A compositor maps keymaps, reads color profiles, and closes every file that it was
 * sent. Mapping a file that is shorter than its request says raises SIGBUS; reading or
 * closing a file on FUSE can block for ever. libwayland calls a protocol logger for each
 * request after its arguments are decoded, and dispatches the request afterwards with
 * the same arguments. So the gate can replace the fd:
 *
 *   copied    If the compositor reads the file, it gets a copy of the range that the
 *             request names, in a sealed file of its own.
 *   dma-buf   If the file must be a dma-buf, it must be one: software drivers map what
 *             they are given (Mesa's llvmpipe, in Weston and Mutter).
 *   others    The file is left as it is if the kernel answers for it: memory, pipes,
 *             sockets, devices, files on disks. Compositors send such files on to other
 *             clients, write to them, or close them.
 *
 * Any other file is refused: the client gets an error, and the request, which libwayland
 * dispatches in any case, a file of zeroes or /dev/null. A request cannot be delayed, so a
 * file that does not answer in time is refused too.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <wayland-server-protocol.h>

#include "copy.h"
#include "gate.h"
#include "given.h"
#include "memory/file.h"
#include "memory/pages.h"
#include "requests.h"
#include "server/client.h"
#include "server/context.h"
#include "slow.h"

struct sp_gate {
	struct sp_context *context;
	struct wl_protocol_logger *logger;
	struct sp_given given;
	/* The device number of dma-bufs, if one was seen: 0 and this. */
	bool knows_dmabuf;
	uint32_t dmabuf_minor;
};

/** A file in a request. */
struct sent_file {
	struct sp_gate *gate;
	const struct wl_protocol_logger_message *message;
	const struct sp_request *request;
	/* The argument. libwayland declares it const, since most loggers only read it,
	 * but dispatches this one (libwayland 1.21 to 1.26). */
	int32_t *fd;
	/* For a request whose file is copied. */
	struct sp_range range;
};

/* Refusing */

/* Posts the interface's own error, or one of the display if it has none. */
static void refuse(const struct sent_file *file, uint32_t code,
		const char *format, ...) __attribute__((format(printf, 3, 4)));
static void refuse(const struct sent_file *file, uint32_t code,
		const char *format, ...) {
	struct wl_resource *resource = file->message->resource;
	const char *name = file->message->message->name;
	/* libwayland sends the first 127 bytes. */
	char reason[128];
	va_list args;
	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	if (file->request->has_errors) {
		sp_post_error(file->gate->context, resource, code, "%s: %s",
			name, reason);
		return;
	}
	sp_post_error(file->gate->context,
		sp_get_display(wl_resource_get_client(resource)),
		WL_DISPLAY_ERROR_IMPLEMENTATION, "%s.%s: %s",
		wl_resource_get_class(resource), name, reason);
}

/* Returns whether the compositor lacks a resource. */
static bool is_lack(int error) {
	return error == ENOMEM || error == EMFILE || error == ENFILE ||
		error == ENOSPC || error == EFBIG || error == EAGAIN;
}

static void refuse_unread(const struct sent_file *file, int error) {
	uint32_t code = file->request->file_error;
	if (error == ETIMEDOUT) {
		refuse(file, code, "the file is not memory, and has not been "
			"read in time");
	} else if (error == EINVAL) {
		refuse(file, code, "the file is not a regular file");
	} else if (is_lack(error)) {
		sp_post_no_memory(file->gate->context,
			wl_resource_get_client(file->message->resource));
	} else {
		refuse(file, code, "the file cannot be read: %s",
			strerror(error));
	}
}

/* For a request that is dispatched though its client has an error. The receiver finds
 * zeroes there, or cannot map it, like a pipe. If the request has no length, zeroes could
 * be taken for the contents: colors that are all black. */
static int make_nothing(const struct sent_file *file) {
	const struct sp_request *request = file->request;
	const struct sp_range *range = &file->range;
	int nothing = -1;
	if (request->fate == SP_FATE_COPIED && request->length_arg >= 0 &&
			range->length > 0 && range->length <= request->max) {
		nothing = sp_copy_nothing(range->offset + range->length);
	}
	if (nothing < 0) {
		nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	}
	return nothing;
}

/* Copying */

static bool is_range_sensible(const struct sent_file *file) {
	const struct sp_range *range = &file->range;
	if (range->length > 0 && range->length <= file->request->max) {
		return true;
	}
	refuse(file, file->request->size_error, "%" PRIu64 " bytes are named, "
		"but it takes 1 to %" PRIu64, range->length, file->request->max);
	return false;
}

/* Returns whether the copy has all that its receiver will read. */
static bool is_complete(const struct sent_file *file, int copy,
		uint64_t found) {
	const struct sp_range *range = &file->range;
	uint32_t code = file->request->short_error;
	if (found == 0 && file->request->length_arg < 0) {
		refuse(file, code, "the file is empty");
		return false;
	}
	if (found < range->length && file->request->length_arg >= 0) {
		refuse(file, code, "the file has %" PRIu64 " of the %" PRIu64
			" bytes from byte %" PRIu64 " on", found,
			range->length, range->offset);
		return false;
	}
	/* The rest of the last page reads as zero. Past it, nothing is mapped. */
	if (!file->request->is_text || found % sp_pages_get_size() != 0) {
		return true;
	}
	int ret = sp_copy_find_zero(copy, found);
	if (ret == 0) {
		refuse(file, code, "the text in the file is not ended by a "
			"byte of 0");
	} else if (ret < 0) {
		/* The copy is ours. */
		sp_post_no_memory(file->gate->context,
			wl_resource_get_client(file->message->resource));
	}
	return ret > 0;
}

/* Returns an fd, or a negative errno after the client got an error. */
static int copy_file(const struct sent_file *file, struct sp_client *client,
		int fd, uint64_t *found) {
	struct sp_file looked;
	const char *reason;
	int ret = sp_file_init(&looked, fd, &reason);
	if (ret < 0) {
		sp_file_discard_fd(fd);
		refuse(file, file->request->file_error, "the file %s", reason);
		return ret;
	}
	if (looked.kind == SP_FILE_SLOW) {
		ret = sp_slow_copy(client, fd, &file->range, found);
	} else {
		ret = sp_copy_range(fd, &file->range, found);
		sp_file_discard_fd(fd);
	}
	if (ret < 0) {
		refuse_unread(file, -ret);
	}
	return ret;
}

/* A copy of 32 MiB takes 25 ms, and a client may send any number of requests at once. No
 * program has that much to be read. */
#define COPIED_AT_ONCE_MAX ((uint64_t)64 << 20)

/* Returns whether the identity may have this file copied in the current epoch. */
static bool is_in_time(const struct sent_file *file, struct sp_client *client) {
	struct sp_identity *identity = client->member.identity;
	sp_client_note_request(client);
	uint64_t epoch = sp_client_get_epoch(client);
	if (identity->given_epoch != epoch) {
		identity->given_epoch = epoch;
		identity->given_bytes = 0;
	}
	identity->given_bytes += file->range.length;
	if (epoch == 0 || identity->given_bytes <= COPIED_AT_ONCE_MAX) {
		return true;
	}
	refuse(file, file->request->size_error, "more than %" PRIu64 " bytes of "
		"files are to be read at once", COPIED_AT_ONCE_MAX);
	return false;
}

/* Takes ownership of the fd. Returns another one, or -1 after the client got an error. */
static int replace(const struct sent_file *file, int fd) {
	struct sp_gate *gate = file->gate;
	struct wl_resource *resource = file->message->resource;
	struct wl_client *wl_client = wl_resource_get_client(resource);
	if (!is_range_sensible(file)) {
		sp_file_discard_fd(fd);
		return -1;
	}
	struct sp_client *client = sp_client_get(gate->context, wl_client);
	if (client == NULL) {
		sp_post_no_memory(gate->context, wl_client);
		sp_file_discard_fd(fd);
		return -1;
	}
	if (!is_in_time(file, client)) {
		sp_file_discard_fd(fd);
		return -1;
	}
	uint64_t found;
	int copy = copy_file(file, client, fd, &found);
	if (copy < 0) {
		return -1;
	}
	int ret = 0;
	if (!is_complete(file, copy, found) || (ret = sp_given_add(&gate->given,
			client, resource, copy)) < 0) {
		if (ret < 0 && ret != -EDQUOT) {
			sp_post_no_memory(gate->context, wl_client);
		}
		close(copy);
		return -1;
	}
	return copy;
}

/* All other files */

/* <linux/magic.h> does not have all of them. */
#define DMA_BUF_MAGIC 0x444d4142ul
/* File systems without a block device of their own, whose files the kernel itself answers
 * for. */
#define BTRFS_MAGIC 0x9123683eul
#define BCACHEFS_MAGIC 0xca451a4eul
#define ZFS_MAGIC 0x2fc12fc1ul

/* Asks no server: the VFS knows the type of the file, and with AT_STATX_DONT_SYNC a file
 * system is asked for nothing else (FUSE is not; tried, Linux 6.18). */
static bool look(int fd, struct statx *st) {
	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE,
		st) == 0;
}

/* Files without a type are the kernel's own: eventfds, dma-bufs. FUSE cannot have such a
 * file. */
static bool is_anonymous(const struct statx *st) {
	return (st->stx_mode & S_IFMT) == 0;
}

/* Returns what the file system is. No file system can lie about that, since the kernel's
 * own code for it answers. */
static unsigned long get_magic(const struct sent_file *file,
		const struct statx *st) {
	struct statfs fs;
	if (is_anonymous(st)) {
		return fstatfs(*file->fd, &fs) == 0 ?
			(unsigned long)fs.f_type : 0;
	}
	struct sp_client *client = sp_client_get(file->gate->context,
		wl_resource_get_client(file->message->resource));
	int other = client != NULL ?
		fcntl(*file->fd, F_DUPFD_CLOEXEC, 0) : -1;
	return other >= 0 ? sp_slow_get_magic(client, other) : 0;
}

static bool is_answered_by_kernel(const struct sent_file *file) {
	struct statx st;
	if (fcntl(*file->fd, F_GET_SEALS) >= 0) {
		return true;
	}
	if (!look(*file->fd, &st)) {
		return false;
	}
	unsigned type = st.stx_mode & S_IFMT;
	if (type != S_IFREG && type != S_IFDIR) {
		return true;
	}
	/* The file system has a block device, which takes root to mount. */
	if (st.stx_dev_major != 0) {
		return true;
	}
	unsigned long magic = get_magic(file, &st);
	return magic == BTRFS_MAGIC || magic == BCACHEFS_MAGIC ||
		magic == ZFS_MAGIC || magic == DMA_BUF_MAGIC;
}

/* All dma-bufs are in one file system, which only the kernel mounts, once. So its device
 * number is proof from then on. */
static bool is_dmabuf(const struct sent_file *file) {
	struct sp_gate *gate = file->gate;
	struct statx st;
	if (fcntl(*file->fd, F_GET_SEALS) >= 0 || !look(*file->fd, &st) ||
			st.stx_dev_major != 0) {
		return false;
	}
	if (gate->knows_dmabuf) {
		return st.stx_dev_minor == gate->dmabuf_minor;
	}
	gate->dmabuf_minor = st.stx_dev_minor;
	gate->knows_dmabuf = get_magic(file, &st) == DMA_BUF_MAGIC;
	return gate->knows_dmabuf;
}

static void handle_file(struct sent_file *file) {
	int fd = *file->fd;
	switch (file->request->fate) {
	case SP_FATE_COPIED:
		*file->fd = replace(file, fd);
		break;
	case SP_FATE_POOL:
		return;
	case SP_FATE_DMABUF:
		if (is_dmabuf(file)) {
			return;
		}
		refuse(file, file->request->file_error,
			"the file is not a dma-buf");
		sp_file_discard_fd(fd);
		*file->fd = -1;
		break;
	case SP_FATE_UNKNOWN:
		if (is_answered_by_kernel(file)) {
			return;
		}
		refuse(file, 0, "the file's server may never answer: send "
			"memory, or a pipe");
		sp_file_discard_fd(fd);
		*file->fd = -1;
		break;
	}
	if (*file->fd < 0) {
		*file->fd = make_nothing(file);
	}
}

static void handle_request(struct sp_gate *gate,
		const struct wl_protocol_logger_message *message) {
	union wl_argument *args = (union wl_argument *)message->arguments;
	const struct sp_request *request = sp_request_find(message);
	struct sent_file file = {
		.gate = gate,
		.message = message,
		.request = request,
	};
	if (request->fate == SP_FATE_COPIED) {
		file.range = (struct sp_range){
			.offset = request->offset_arg >= 0 ?
				args[request->offset_arg].u : 0,
			.length = request->length_arg >= 0 ?
				args[request->length_arg].u : request->max,
		};
	}
	/* A signature also has digits (since which version) and question marks (may
	 * be null). */
	int i = 0;
	for (const char *c = message->message->signature; *c != '\0'; c++) {
		if ((*c >= '0' && *c <= '9') || *c == '?') {
			continue;
		}
		if (*c == 'h') {
			file.fd = &args[i].h;
			handle_file(&file);
		}
		i++;
	}
}

static void handle_message(void *data, enum wl_protocol_logger_type direction,
		const struct wl_protocol_logger_message *message) {
	struct sp_gate *gate = data;
	/* Events are also sent while a request is dispatched, before its file is
	 * closed. */
	if (direction != WL_PROTOCOL_LOGGER_REQUEST) {
		return;
	}
	if (gate->given.newest != NULL) {
		sp_given_settle(&gate->given);
	}
	if (strchr(message->message->signature, 'h') != NULL) {
		handle_request(gate, message);
	}
}

struct sp_gate *sp_gate_create(struct sp_context *context) {
	struct sp_gate *gate = calloc(1, sizeof(*gate));
	if (gate == NULL) {
		return NULL;
	}
	gate->context = context;
	sp_given_init(&gate->given);
	gate->logger = wl_display_add_protocol_logger(context->display,
		handle_message, gate);
	if (gate->logger == NULL) {
		free(gate);
		return NULL;
	}
	return gate;
}

void sp_gate_destroy(struct sp_gate *gate) {
	if (gate == NULL) {
		return;
	}
	wl_protocol_logger_destroy(gate->logger);
	sp_given_finish(&gate->given);
	free(gate);
}
