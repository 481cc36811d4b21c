#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# A GTK 3 client that scrolls a long text, a few pixels for each frame.
import gi
gi.require_version('Gtk', '3.0')
from gi.repository import GLib, Gtk  # noqa: E402

window = Gtk.Window(title='scroll', default_width=1000, default_height=600)
scrolled = Gtk.ScrolledWindow()
text = Gtk.TextView(monospace=True)
text.get_buffer().set_text('\n'.join(
    f'{i:6d}  the quick brown fox jumps over the lazy dog' * 2
    for i in range(3000)))
scrolled.add(text)
window.add(scrolled)
window.connect('destroy', Gtk.main_quit)


def scroll(widget, clock):
    place = scrolled.get_vadjustment()
    end = place.get_upper() - place.get_page_size()
    place.set_value(0 if place.get_value() >= end else place.get_value() + 7)
    return GLib.SOURCE_CONTINUE


window.add_tick_callback(scroll)
window.show_all()
Gtk.main()
