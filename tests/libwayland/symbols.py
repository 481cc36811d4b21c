#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
symbols.py NM LIBRARY LIBDIR: checks that LIBRARY has the same functions for wl_shm as the
libwayland-server in LIBDIR, with the same versions (none).

A function that only one of them has would be called on the other's objects. The compiler
checks the parameters, as src/libwayland includes libwayland's header. LIBRARY may have
functions of a newer libwayland.
"""
import pathlib
import re
import subprocess
import sys

NEWER = {'wl_shm_buffer_ref', 'wl_shm_buffer_unref'}


def get_functions(nm, library):
    """Returns the names of the functions for wl_shm, with '@' and the version if any."""
    lines = subprocess.run([nm, '-D', '--defined-only', library], check=True,
        capture_output=True, text=True).stdout.splitlines()
    names = {line.split()[-1] for line in lines if line.split()[-2] == 'T'}
    return {name for name in names
        if re.match(r'wl_(shm_|display_init_shm|display_add_shm_format)', name)}


def main():
    nm, library, libdir = sys.argv[1:]
    theirs = get_functions(nm, pathlib.Path(libdir) / 'libwayland-server.so.0')
    ours = get_functions(nm, library)
    if not theirs:
        sys.exit('libwayland-server has no functions for wl_shm')
    missing = theirs - ours
    unknown = ours - theirs - NEWER
    if missing or unknown:
        sys.exit(f'missing: {sorted(missing)}, unknown: {sorted(unknown)}')
    print(f'{len(theirs)} functions as in libwayland-server')


main()
