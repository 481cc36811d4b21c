# SPDX-License-Identifier: MIT
"""info.py SEALPOOL-INFO SEALPOOL-TINY [SEALPOOL-RUN]: sealpool-info on Sealpool's
own wl_shm and on wlroots', or with the third argument, on a guarded one."""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from compositor import Compositor, expect, run_tests

info, tiny = sys.argv[1:3]
guard = sys.argv[3:]


def look(compositor):
    result = compositor.run(info, '--json')
    expect(result.returncode == 0, result.returncode, result.stderr)
    expect(compositor.is_alive(), 'the compositor has ended')
    report = json.loads(result.stdout)
    return report, {pool['sort']: pool for pool in report['pools']}


def expect_accepted(pools, name, kind=None, reasons=()):
    pool = pools[name]
    expect(pool['outcome'] == 'accepted', pool)
    expect(pool.get('kind') == kind, pool)
    expect(kind is None or pool['reasons'] == list(reasons), pool)
    copied = 0 if kind == 'direct' else 1024
    expect(kind is None or pool['copied'] == copied, pool)


def expect_refused(pools, name, request, interface='wl_shm'):
    pool = pools[name]
    expect(pool['outcome'] == 'refused', pool)
    expect(pool['request'] == request, pool)
    expect(pool['interface'] == interface, pool)
    expect(pool['error'] == 'invalid_fd' and pool['code'] == 2, pool)
    expect(pool['message'] != '', pool)


def expect_hugetlb(pools, *outcome):
    """Returns whether there are huge pages."""
    if pools['hugetlb']['outcome'] != 'not_tried':
        expect_accepted(pools, 'hugetlb', *outcome)
    else:
        expect(pools['hugetlb']['reason'] != '', pools['hugetlb'])


def expect_formats(report):
    shm = report['wl_shm']
    names = [f['name'] for f in shm['formats']]
    expect(shm['version'] in (1, 2), shm)
    expect('ARGB8888' in names and 'XRGB8888' in names, names)
    expect({'value': 1, 'name': 'XRGB8888'} in shm['formats'], shm)


def sealpool_tells_what_it_does(command=(tiny, '--feedback')):
    with Compositor(list(command)) as compositor:
        report, pools = look(compositor)
    expect_formats(report)
    expect(report['sealpool']['version'] == 1, report['sealpool'])
    expect(report['sealpool']['pools'] == 2048, report['sealpool'])
    for name in 'sealed', 'fixed', 'grown':
        expect_accepted(pools, name, 'direct')
    expect_accepted(pools, 'sparse', 'shadow', ['sparse'])
    for name in 'unsealed', 'unsealable', 'shm-open':
        expect_accepted(pools, name, 'shadow', ['no_seal'])
    for name in 'read-only', 'sealed-write', 'sealed-future-write':
        expect_accepted(pools, name, 'direct', ['read_only'])
    expect_refused(pools, 'short', 'wl_surface.commit', 'wl_buffer')
    expect_hugetlb(pools, 'shadow', ['file_system'])
    expect_accepted(pools, 'disk-file', 'shadow', ['file_system'])
    expect_refused(pools, 'write-only', 'wl_shm.create_pool')
    expect_refused(pools, 'pipe', 'wl_shm.create_pool')


def another_wl_shm_is_tried():
    with Compositor([tiny, '--stock']) as compositor:
        report, pools = look(compositor)
    expect_formats(report)
    expect(report['sealpool'] is None, report['sealpool'])
    for name in 'sealed', 'unsealed', 'grown', 'sparse', 'disk-file':
        expect_accepted(pools, name)
    for name in 'read-only', 'sealed-write', 'write-only', 'pipe':
        expect_refused(pools, name, 'wl_shm.create_pool')


def sealpool_without_feedback_is_tried_as_any():
    with Compositor([tiny]) as compositor:
        report, pools = look(compositor)
    expect(report['sealpool'] is None, report['sealpool'])
    expect_accepted(pools, 'read-only')
    expect_refused(pools, 'short', 'wl_surface.commit', 'wl_buffer')


def text_says_the_same():
    with Compositor([tiny, '--feedback']) as compositor:
        result = compositor.run(info)
    expect(result.returncode == 0, result.returncode, result.stderr)
    for line in ("interface: 'wl_shm', version: ",
                 "\t\t0x00000001 XRGB8888\n",
                 "interface: 'sealpool_shm_feedback_manager_v1', version: 1",
                 "\t\tpools: 2048\n",
                 "\tsealed               accepted, direct\n",
                 "\tunsealed             accepted, shadow (no_seal), "
                 "1024 bytes copied: add F_SEAL_SHRINK\n",
                 "\tread-only            accepted, direct (read_only)\n",
                 "sealpool: this wl_shm is protected\n",
                 "\tpipe                 refused after wl_shm.create_pool: "
                 "wl_shm invalid_fd: "):
        expect(line in result.stdout, repr(line), result.stdout)


def protection_is_seen_without_feedback():
    for command, protected in (([tiny], True), ([tiny, '--stock'], False)):
        with Compositor(command) as compositor:
            result = compositor.run(info)
            report, _ = look(compositor)
        expect(report['protected'] is protected, report)
        sentence = ('this wl_shm is protected' if protected else 'no sign of it')
        expect('sealpool: ' + sentence in result.stdout, result.stdout)
        # That variable changes nothing in a compositor without Sealpool.
        expect('One that uses Sealpool does if it is started with SEALPOOL_FEEDBACK=1' in
               result.stdout, result.stdout)


def the_environment_can_enable_feedback():
    os.environ['SEALPOOL_FEEDBACK'] = '1'
    compositor = Compositor([tiny])
    del os.environ['SEALPOOL_FEEDBACK']
    with compositor:
        result = compositor.run(info)
        expect("interface: 'sealpool_shm_feedback_manager_v1'" in
               result.stdout, result.stdout)
        report, pools = look(compositor)
    expect(report['sealpool']['version'] == 1, report['sealpool'])
    expect_accepted(pools, 'sealed', 'direct')


def the_list_is_what_is_tried():
    listed = subprocess.run([info, '--list'], text=True,
                            stdout=subprocess.PIPE).stdout
    with Compositor([tiny]) as compositor:
        _, pools = look(compositor)
    names = [line.split()[0] for line in listed.splitlines()]
    expect(names == list(pools), names)


def without_a_compositor_it_fails():
    with Compositor([tiny]) as compositor:
        environ = {**compositor.environ, 'WAYLAND_DISPLAY': 'none'}
        result = subprocess.run([info], env=environ, text=True,
                                stderr=subprocess.PIPE)
        expect(result.returncode == 1, result.returncode)
        expect('cannot connect' in result.stderr, result.stderr)
        expect(compositor.run(info, '--nonsense').returncode == 2)


def a_compositor_that_hangs_is_not_waited_for():
    with Compositor([tiny]) as compositor:
        os.kill(compositor.process.pid, signal.SIGSTOP)
        result = compositor.run(info)
        os.kill(compositor.process.pid, signal.SIGCONT)
        expect(result.returncode == 1, result.returncode)
        expect('timed out' in result.stderr, result.stderr)


def string(text):
    text += b'\0'
    return struct.pack('<I', len(text)) + text + bytes(-len(text) % 4)


def message(sender, opcode, arguments):
    return struct.pack('<IHH', sender, opcode, 8 + len(arguments)) + arguments


def refuse(peer, text):
    """A compositor that has a wl_shm, and an error for each pool."""
    registry = shm = 0
    data = b''
    while True:
        more = peer.recv(4096)
        data += more
        if not more:
            peer.close()
            return
        while len(data) >= 8:
            sender, opcode, size = struct.unpack('<IHH', data[:8])
            words = struct.unpack(f'<{size // 4 - 2}I', data[8:size])
            data = data[size:]
            if (sender, opcode) == (1, 0):
                peer.sendall(message(words[0], 0, bytes(4)))
                peer.sendall(message(1, 1, struct.pack('<I', words[0])))
            elif (sender, opcode) == (1, 1):
                registry = words[0]
                peer.sendall(message(registry, 0, struct.pack('<I', 1) +
                                     string(b'wl_shm') + struct.pack('<I', 1)))
            elif (sender, opcode) == (registry, 0):
                shm = words[-1]
            elif (sender, opcode) == (shm, 0):
                peer.sendall(message(1, 0, struct.pack('<II', shm, 2) +
                                     string(text)))


def what_a_compositor_says_is_only_text():
    """An error may have bytes that a terminal would obey, or that are not UTF-8."""
    with tempfile.TemporaryDirectory(prefix='sealpool-test-') as folder, \
            socket.socket(socket.AF_UNIX) as listener:
        listener.bind(folder + '/wayland-0')
        listener.listen(64)

        def serve():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=refuse, daemon=True, args=(
                    peer, b'no \x1b]0;x\x07 \x9b2J \xff memory')).start()
        threading.Thread(target=serve, daemon=True).start()
        environ = {**os.environ, 'XDG_RUNTIME_DIR': folder,
                   'WAYLAND_DISPLAY': 'wayland-0'}
        environ.pop('WAYLAND_SOCKET', None)
        for options in [], ['--json']:
            output = subprocess.run([info, *options], env=environ,
                                    stdout=subprocess.PIPE).stdout
            expect(b'no ?]0;x? ?2J ? memory' in output, output)
            expect(not set(output) - set(b'\t\n') - set(range(32, 127)), output)
        pools = json.loads(output)['pools']
        expect(pools[0]['outcome'] == 'refused', pools[0])
        listener.shutdown(socket.SHUT_RDWR)


def a_guard_tells_what_it_does():
    command = guard + ['--quiet', '--guard', '--feedback', tiny, '--stock']
    with Compositor(command) as compositor:
        report, pools = look(compositor)
    expect(report['sealpool']['version'] == 1, report['sealpool'])
    for name in 'sealed', 'fixed', 'grown':
        expect_accepted(pools, name, 'direct')
    for name in 'unsealed', 'unsealable', 'shm-open':
        expect_accepted(pools, name, 'shadow', ['no_seal'])
    expect_hugetlb(pools, 'shadow', ['file_system'])
    expect_accepted(pools, 'disk-file', 'shadow', ['file_system'])
    for name in 'read-only', 'sealed-write', 'sealed-future-write':
        expect_accepted(pools, name, 'shadow', ['read_only', 'not_writable'])
    expect_refused(pools, 'short', 'wl_surface.commit', 'wl_buffer')
    expect_refused(pools, 'pipe', 'wl_shm.create_pool')


def a_guard_without_feedback_does_not():
    command = guard + ['--quiet', '--guard', tiny, '--stock']
    with Compositor(command) as compositor:
        report, _ = look(compositor)
    expect(report['sealpool'] is None, report['sealpool'])


def a_native_module_tells_the_same_as_sealpool():
    sealpool_tells_what_it_does(
        guard + ['--quiet', '--native', '--feedback', tiny, '--stock'])


sys.exit(run_tests([
    a_guard_tells_what_it_does,
    a_native_module_tells_the_same_as_sealpool,
    a_guard_without_feedback_does_not,
] if guard else [
    sealpool_tells_what_it_does,
    another_wl_shm_is_tried,
    sealpool_without_feedback_is_tried_as_any,
    text_says_the_same,
    protection_is_seen_without_feedback,
    the_environment_can_enable_feedback,
    the_list_is_what_is_tried,
    without_a_compositor_it_fails,
    a_compositor_that_hangs_is_not_waited_for,
    what_a_compositor_says_is_only_text,
]))
