/* SPDX-License-Identifier: MIT */
/*
 * A native module of sealpool-run: Sealpool's wl_shm for one version of wlroots. The
 * preloaded library (src/run) loads the module, and has the core that it uses.
 */
#include <wlr/types/wlr_shm.h>

#include <sealpool/guard.h>

#include "buffer.h"
#include "guard/guard.h"
#include "native.h"

struct wl_global *sealpool_wlr_native_create(struct sealpool_guard *guard,
		void *data, uint32_t version) {
	const struct wlr_shm *wlr_shm = data;
	struct wl_global *global = sp_guard_replace(guard, version,
		wlr_shm->formats, wlr_shm->formats_len);
	if (global != NULL) {
		sp_wlr_use_buffers(sealpool_guard_get_shm(guard), true);
		sp_wlr_use_gpu(wl_global_get_display(global), false, 0);
	}
	return global;
}
