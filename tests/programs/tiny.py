# SPDX-License-Identifier: MIT
"""tiny.py SEALPOOL-TINY: what sealpool-tiny prints, and who reads it."""
import fcntl
import os
import socket
import struct
import sys

from compositor import Compositor, expect, run_tests

tiny = sys.argv[1]
LINE = 80  # at least, in bytes


def statistics_that_nobody_reads_do_not_stop_it():
    with Compositor([tiny]) as compositor:
        compositor.drain.terminate()
        compositor.drain.wait()
        size = fcntl.fcntl(compositor.process.stdout, fcntl.F_SETPIPE_SZ,
                           4096)
        path = os.path.join(compositor.dir, compositor.display)
        # It prints a line for each of these clients.
        for _ in range(2 * size // LINE):
            connect(path).close()
        with connect(path) as client:
            # wl_display.sync; the answer is wl_callback.done.
            client.sendall(struct.pack('=IHHI', 1, 0, 12, 2))
            answer = client.recv(4096)
            expect(answer[:8] == struct.pack('=IHH', 2, 0, 12), answer)


def connect(path):
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    return client


sys.exit(run_tests([statistics_that_nobody_reads_do_not_stop_it]))
