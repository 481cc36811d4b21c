/* SPDX-License-Identifier: MIT */
/*
 * What programs depend on that were built with the last release: its functions, and the
 * layout of its structs. If this does not compile or link, they break. Such a change
 * needs a new soname (soversion in meson.build), and an entry in NEWS.md; then change
 * this.
 *
 * A release adds what is new in it. tests/install/abi.sh compiles this, and has the names
 * and versions of symbols.
 */
#include <sealpool/guard.h>
#include <sealpool/libwayland.h>
#include <sealpool/memory.h>
#include <sealpool/shm.h>
#ifdef HAVE_WLROOTS
#include <sealpool/wlroots.h>
#endif

/* Offsets and sizes are those of 64-bit machines. */
#define IS(number) (UINTPTR_MAX != UINT64_MAX || (number))

/* The library has the function, with this type. */
#define FUNCTION(name, result, arguments) \
	result(*const uses_##name) arguments = name;
/* A function type. */
#define TYPE(name, type) \
	_Static_assert(_Generic((name)NULL, type: 1, default: 0), \
		#name " is another type");
/* A struct that the caller allocates. */
#define SIZE(name, size) \
	_Static_assert(IS(sizeof(struct name) == (size)), \
		#name " has another size");
/* A struct that begins with its size: new members are added at its end. */
#define GROWS(name, size) \
	_Static_assert(IS(sizeof(struct name) >= (size)), \
		#name " has lost members");
/* The type of an array is that of a pointer. */
#define MEMBER(name, member, offset, type) \
	_Static_assert(IS(offsetof(struct name, member) == (offset)), \
		#name "." #member " has moved"); \
	_Static_assert(_Generic(((struct name *)NULL)->member, \
		type: 1, default: 0), #name "." #member " has another type");
#define VALUE(name, value) \
	_Static_assert((int)(name) == (value), #name " has another value");

/* <sealpool/memory.h> */
VALUE(SEALPOOL_MEMORY_DIRECT, 0)
VALUE(SEALPOOL_MEMORY_NOFAULT, 1)
VALUE(SEALPOOL_MEMORY_SHADOW, 2)
VALUE(SEALPOOL_ACCESS_READ, 1)
VALUE(SEALPOOL_ACCESS_WRITE, 2)
GROWS(sealpool_memory_options, 80)
MEMBER(sealpool_memory_options, size, 0, size_t)
MEMBER(sealpool_memory_options, all_fds, 8, uint32_t)
MEMBER(sealpool_memory_options, shadow_idle_ms, 12, uint32_t)
MEMBER(sealpool_memory_options, all_shadow_bytes, 16, uint64_t)
MEMBER(sealpool_memory_options, data, 24, void *)
MEMBER(sealpool_memory_options, pressure, 32, void (*)(void *))
MEMBER(sealpool_memory_options, exceeded, 40, void (*)(struct sealpool_account *,
	const char *, void *))
MEMBER(sealpool_memory_options, refused, 48, void (*)(struct sealpool_file *, void *))
MEMBER(sealpool_memory_options, short_file, 56, void (*)(struct sealpool_view *, uint64_t,
	void *))
MEMBER(sealpool_memory_options, failed, 64, void (*)(struct sealpool_view *, int, void *))
MEMBER(sealpool_memory_options, answered, 72, void (*)(struct sealpool_view *, void *))
GROWS(sealpool_account_limits, 24)
MEMBER(sealpool_account_limits, size, 0, size_t)
MEMBER(sealpool_account_limits, fds, 8, uint32_t)
MEMBER(sealpool_account_limits, shadow_bytes, 16, uint64_t)
SIZE(sealpool_layout, 20)
MEMBER(sealpool_layout, offset, 0, int32_t)
MEMBER(sealpool_layout, width, 4, int32_t)
MEMBER(sealpool_layout, height, 8, int32_t)
MEMBER(sealpool_layout, stride, 12, int32_t)
MEMBER(sealpool_layout, format, 16, uint32_t)
SIZE(sealpool_box, 16)
MEMBER(sealpool_box, x, 0, int32_t)
MEMBER(sealpool_box, y, 4, int32_t)
MEMBER(sealpool_box, width, 8, int32_t)
MEMBER(sealpool_box, height, 12, int32_t)
SIZE(sealpool_view_access, 40)
MEMBER(sealpool_view_access, data, 0, void *)
MEMBER(sealpool_view_access, format, 8, uint32_t)
MEMBER(sealpool_view_access, stride, 16, size_t)
MEMBER(sealpool_view_access, held, 24, void *)
MEMBER(sealpool_view_access, flags, 32, uint32_t)
FUNCTION(sealpool_memory_kind_name, const char *, (enum sealpool_memory_kind))
FUNCTION(sealpool_memory_create, struct sealpool_memory *,
	(const struct sealpool_memory_options *))
FUNCTION(sealpool_memory_destroy, void, (struct sealpool_memory *))
FUNCTION(sealpool_memory_get_fd, int, (const struct sealpool_memory *))
FUNCTION(sealpool_memory_dispatch, void, (struct sealpool_memory *))
FUNCTION(sealpool_account_create, struct sealpool_account *, (struct sealpool_memory *,
	const struct sealpool_account_limits *, void *))
FUNCTION(sealpool_account_destroy, void, (struct sealpool_account *))
FUNCTION(sealpool_account_get_fds, uint32_t, (const struct sealpool_account *))
FUNCTION(sealpool_account_get_shadow_bytes, uint64_t, (const struct sealpool_account *))
FUNCTION(sealpool_file_open, struct sealpool_file *, (struct sealpool_account *, int,
	uint64_t, void *, const char **))
FUNCTION(sealpool_file_grow, int, (struct sealpool_file *, uint64_t))
FUNCTION(sealpool_file_close, void, (struct sealpool_file *))
FUNCTION(sealpool_format_is_known, bool, (uint32_t))
FUNCTION(sealpool_view_create, struct sealpool_view *, (struct sealpool_file *,
	const struct sealpool_layout *, void *))
FUNCTION(sealpool_view_destroy, void, (struct sealpool_view *))
FUNCTION(sealpool_view_damage, bool, (struct sealpool_view *, const struct sealpool_box *,
	size_t))
FUNCTION(sealpool_view_freeze, void, (struct sealpool_view *))
FUNCTION(sealpool_view_get_kind, enum sealpool_memory_kind,
	(const struct sealpool_view *))
FUNCTION(sealpool_view_get_fd, int, (const struct sealpool_view *))
FUNCTION(sealpool_view_get_plane, bool, (const struct sealpool_view *, uint32_t,
	int32_t *, int32_t *))
FUNCTION(sealpool_view_begin, int, (struct sealpool_view *, uint32_t,
	struct sealpool_view_access *))
FUNCTION(sealpool_view_end, void, (struct sealpool_view *, struct sealpool_view_access *))

/* <sealpool/shm.h> */
VALUE(SEALPOOL_LOG_ERROR, 0)
VALUE(SEALPOOL_LOG_INFO, 1)
VALUE(SEALPOOL_LOG_DEBUG, 2)
SIZE(sealpool_budget, 64)
MEMBER(sealpool_budget, pools, 0, uint32_t)
MEMBER(sealpool_budget, buffers, 4, uint32_t)
MEMBER(sealpool_budget, fds, 8, uint32_t)
MEMBER(sealpool_budget, all_fds, 12, uint32_t)
MEMBER(sealpool_budget, shadow_bytes, 16, uint64_t)
MEMBER(sealpool_budget, all_shadow_bytes, 24, uint64_t)
MEMBER(sealpool_budget, reserved, 32, uint64_t *)
GROWS(sealpool_options, 112)
MEMBER(sealpool_options, size, 0, size_t)
MEMBER(sealpool_options, budget, 8, struct sealpool_budget)
MEMBER(sealpool_options, short_file, 72, void (*)(struct sealpool_buffer *, uint64_t,
	void *))
MEMBER(sealpool_options, short_file_data, 80, void *)
MEMBER(sealpool_options, log, 88, sealpool_log_func)
MEMBER(sealpool_options, log_data, 96, void *)
MEMBER(sealpool_options, shadow_idle_ms, 104, uint32_t)
MEMBER(sealpool_options, no_commit_tracker, 108, bool)
MEMBER(sealpool_options, wl_shm_only, 109, bool)
SIZE(sealpool_access, 48)
MEMBER(sealpool_access, data, 0, void *)
MEMBER(sealpool_access, format, 8, uint32_t)
MEMBER(sealpool_access, stride, 16, size_t)
MEMBER(sealpool_access, buffer, 24, struct sealpool_buffer *)
MEMBER(sealpool_access, held, 32, void *)
MEMBER(sealpool_access, flags, 40, uint32_t)
GROWS(sealpool_stats, 88)
MEMBER(sealpool_stats, size, 0, size_t)
MEMBER(sealpool_stats, pools, 8, uint32_t)
MEMBER(sealpool_stats, buffers, 12, uint32_t *)
MEMBER(sealpool_stats, fds, 44, uint32_t)
MEMBER(sealpool_stats, pool_bytes, 48, uint64_t)
MEMBER(sealpool_stats, shadow_bytes, 56, uint64_t)
MEMBER(sealpool_stats, bytes_copied_in, 64, uint64_t)
MEMBER(sealpool_stats, bytes_copied_out, 72, uint64_t)
MEMBER(sealpool_stats, faults, 80, uint64_t)
FUNCTION(sealpool_shm_create, struct sealpool_shm *, (struct wl_display *, uint32_t,
	const uint32_t *, size_t, const struct sealpool_options *))
FUNCTION(sealpool_shm_add_new_buffer_listener, void, (struct sealpool_shm *,
	struct wl_listener *))
FUNCTION(sealpool_feedback_create, struct sealpool_feedback *, (struct sealpool_shm *))
FUNCTION(sealpool_feedback_destroy, void, (struct sealpool_feedback *))
FUNCTION(sealpool_feedback_get_global, struct wl_global *,
	(const struct sealpool_feedback *))
FUNCTION(sealpool_monitor_create, struct sealpool_monitor *, (struct sealpool_shm *))
FUNCTION(sealpool_monitor_destroy, void, (struct sealpool_monitor *))
FUNCTION(sealpool_shm_set_commit_funcs, void, (struct sealpool_shm *,
	sealpool_hold_commit_func, sealpool_release_commit_func, void *))
FUNCTION(sealpool_buffer_damage, bool, (struct sealpool_buffer *, struct wl_resource *,
	const struct sealpool_box *, size_t))
FUNCTION(sealpool_buffer_try_from_resource, struct sealpool_buffer *,
	(struct wl_resource *))
FUNCTION(sealpool_buffer_ref, struct sealpool_buffer *, (struct sealpool_buffer *))
FUNCTION(sealpool_buffer_unref, void, (struct sealpool_buffer *))
FUNCTION(sealpool_buffer_get_resource, struct wl_resource *, (struct sealpool_buffer *))
FUNCTION(sealpool_buffer_get_width, int32_t, (const struct sealpool_buffer *))
FUNCTION(sealpool_buffer_get_height, int32_t, (const struct sealpool_buffer *))
FUNCTION(sealpool_buffer_get_stride, int32_t, (const struct sealpool_buffer *))
FUNCTION(sealpool_buffer_get_offset, int32_t, (const struct sealpool_buffer *))
FUNCTION(sealpool_buffer_get_format, uint32_t, (const struct sealpool_buffer *))
FUNCTION(sealpool_buffer_get_plane, bool, (const struct sealpool_buffer *, uint32_t,
	int32_t *, int32_t *))
FUNCTION(sealpool_buffer_get_kind, enum sealpool_memory_kind,
	(const struct sealpool_buffer *))
FUNCTION(sealpool_buffer_begin_access, int, (struct sealpool_buffer *, uint32_t,
	struct sealpool_access *))
FUNCTION(sealpool_buffer_end_access, void, (struct sealpool_access *))
FUNCTION(sealpool_buffer_get_fd, int, (struct sealpool_buffer *))
FUNCTION(sealpool_buffer_is_tracked, bool, (const struct sealpool_buffer *))
FUNCTION(sealpool_buffer_send_release, void, (struct sealpool_buffer *))
FUNCTION(sealpool_shm_get_client_stats, void, (struct sealpool_shm *, struct wl_client *,
	struct sealpool_stats *))
FUNCTION(sealpool_shm_for_each_pool, void, (struct sealpool_shm *, struct wl_client *,
	sealpool_pool_stats_func, void *))
TYPE(sealpool_log_func, void (*)(void *, enum sealpool_log_importance, const char *,
	va_list))
TYPE(sealpool_hold_commit_func, uint32_t (*)(struct wl_resource *, void *))
TYPE(sealpool_release_commit_func, void (*)(struct wl_resource *, uint32_t, void *))
TYPE(sealpool_pool_stats_func, void (*)(const struct sealpool_stats *, void *))

/* <sealpool/guard.h> */
FUNCTION(sealpool_guard_create, struct sealpool_guard *, (struct wl_display *,
	const struct sealpool_options *))
FUNCTION(sealpool_guard_get_shm, struct sealpool_shm *, (struct sealpool_guard *))

/* <sealpool/libwayland.h> */
FUNCTION(sealpool_libwayland_set_options, void, (const struct sealpool_options *))

/* <sealpool/wlroots.h> */
#ifdef HAVE_WLROOTS
FUNCTION(sealpool_wlr_shm_create_with_renderer, struct sealpool_shm *,
	(struct wl_display *, uint32_t, struct wlr_renderer *,
	const struct sealpool_options *))
FUNCTION(sealpool_wlr_shm_create, struct sealpool_shm *, (struct wl_display *, uint32_t,
	const uint32_t *, size_t, const struct sealpool_options *))
FUNCTION(sealpool_wlr_buffer_try_get, struct sealpool_buffer *, (struct wlr_buffer *))
#endif

int main(void) {
	return 0;
}
