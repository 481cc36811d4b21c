/* SPDX-License-Identifier: MIT */
#ifndef FAULTS_STEPS_H
#define FAULTS_STEPS_H

/**
 * The steps of the scenario's clients. A step ends when the compositor has handled it,
 * and the client has checked what it shows. Returns false with a message in client.error.
 */

#include "guest.h"

bool step_connect(struct guest *guest, int arg);
bool step_leave(struct guest *guest, int arg);
bool step_begin(struct guest *guest, int kind);
bool step_show(struct guest *guest, int index);
bool step_redraw(struct guest *guest, int side);
bool step_look(struct guest *guest, int command);
bool step_get_fd(struct guest *guest, int arg);
bool step_capture(struct guest *guest, int index);
bool step_abandon_capture(struct guest *guest, int index);
bool step_keep(struct guest *guest, int arg);
bool step_commit_twice(struct guest *guest, int arg);
bool step_tell(struct guest *guest, int command);
bool step_grow(struct guest *guest, int buffers);
bool step_destroy_pool(struct guest *guest, int arg);
bool step_begin_huge(struct guest *guest, int arg);
bool step_begin_huge_pages(struct guest *guest, int arg);
bool step_destroy_buffer(struct guest *guest, int index);
bool step_hide(struct guest *guest, int arg);
bool step_seal(struct guest *guest, int arg);
bool step_cut(struct guest *guest, int arg);
bool step_cut_captured(struct guest *guest, int arg);
bool step_capture_refused(struct guest *guest, int index);
bool step_make_read_only(struct guest *guest, int arg);
bool step_resize_beyond(struct guest *guest, int arg);
bool step_send_fd(struct guest *guest, int what);
bool step_bad_stride(struct guest *guest, int arg);
bool step_too_many_pools(struct guest *guest, int arg);
bool step_too_many_buffers(struct guest *guest, int arg);
bool step_show_sparse(struct guest *guest, int rows);
bool step_redraw_column(struct guest *guest, int rows);
bool step_show_large_sealed(struct guest *guest, int rows);
bool step_too_many_bytes(struct guest *guest, int rows);
bool step_ask(struct guest *guest, int arg);
bool step_monitor(struct guest *guest, int arg);
bool step_send_keymap(struct guest *guest, int arg);
bool step_send_keymap_on_disk(struct guest *guest, int arg);
bool step_send_short_keymap(struct guest *guest, int arg);
bool step_send_gamma(struct guest *guest, int arg);
bool step_send_no_dmabuf(struct guest *guest, int arg);
bool step_receive(struct guest *guest, int arg);
bool step_receive_into_file(struct guest *guest, int arg);

#endif
