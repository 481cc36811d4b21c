// SPDX-License-Identifier: MIT
// The smallest compositor of QtWayland that shows windows, for scripts/compositors.
import QtQuick
import QtWayland.Compositor
import QtWayland.Compositor.XdgShell
import QtWayland.Compositor.WlShell

WaylandCompositor {
	WaylandOutput {
		sizeFollowsWindow: true
		window: Window {
			width: 1024
			height: 768
			visible: true
			Repeater {
				model: surfaces
				ShellSurfaceItem {
					shellSurface: modelData
					onSurfaceDestroyed: surfaces.remove(index)
				}
			}
		}
	}
	ListModel { id: surfaces }
	XdgShell {
		onToplevelCreated: (toplevel, xdgSurface) =>
			surfaces.append({shellSurface: xdgSurface});
	}
}
