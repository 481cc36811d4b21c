# SPDX-License-Identifier: MIT
"""A sealpool-tiny for a test, in a runtime directory of its own."""
import os
import shutil
import subprocess
import tempfile


class Compositor:
    """Starts it, with a new runtime directory unless one is given."""

    def __init__(self, command, directory=None):
        self.is_owner = directory is None
        self.dir = directory or tempfile.mkdtemp(prefix='sealpool-test-')
        os.chmod(self.dir, 0o700)
        environ = {**os.environ, 'XDG_RUNTIME_DIR': self.dir,
                   'WLR_BACKENDS': 'headless', 'WLR_RENDERER': 'pixman'}
        environ.pop('WAYLAND_DISPLAY', None)
        environ.pop('WAYLAND_SOCKET', None)
        self.process = subprocess.Popen(command, env=environ, text=True,
                                        stdout=subprocess.PIPE)
        self.display = None
        for line in self.process.stdout:
            if line.startswith('WAYLAND_DISPLAY='):
                self.display = line.strip().split('=')[1]
                break
        assert self.display, 'the compositor does not start'
        # It prints the costs of clients.
        self.drain = subprocess.Popen(['cat'], stdin=self.process.stdout,
                                      stdout=subprocess.DEVNULL)
        self.environ = {**environ, 'WAYLAND_DISPLAY': self.display}

    def run(self, *command):
        return subprocess.run(command, env=self.environ, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def is_alive(self):
        return self.process.poll() is None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait()
        self.drain.wait()
        if self.is_owner:
            shutil.rmtree(self.dir)


def expect(condition, *seen):
    """Like assert, which an optimizing interpreter omits."""
    if not condition:
        raise AssertionError(' '.join(str(s) for s in seen))


def run_tests(tests):
    """Runs functions, and returns how many have failed."""
    failed = 0
    for test in tests:
        try:
            test()
            print('ok', test.__name__, flush=True)
        except AssertionError as error:
            failed += 1
            print('FAILED', test.__name__, error, flush=True)
    return failed
