/* SPDX-License-Identifier: MIT */
/*
 * Included before everything else in files that have nothing to do with Wayland.
 */
#pragma GCC poison wl_array wl_client wl_display wl_event_loop wl_event_source
#pragma GCC poison wl_global wl_interface wl_list wl_listener wl_message wl_resource
#pragma GCC poison wl_signal wl_buffer_interface wl_shm_interface wl_surface_interface
