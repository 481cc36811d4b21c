# SPDX-License-Identifier: MIT
"""top.py SEALPOOL-TOP SEALPOOL-TINY CLIENT [SEALPOOL-RUN]: sealpool-top on a
compositor, a guarded one with the fourth argument, and on sockets that send what the
test wants."""
import fcntl
import os
import pty
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading

from compositor import Compositor, expect, run_tests

top, tiny, client = sys.argv[1:4]
guard = sys.argv[4:]
HEADER = ('PID NAME POOLS DIRECT NOFAULT SHADOW SHADOW-BYTES COPIED COPIED/S '
          'FAULTS REASON').split()


class Client:
    """A client that has shown a picture in unsealed memory."""

    def __init__(self, compositor):
        self.process = subprocess.Popen([client], env=compositor.environ,
                                        stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE)
        expect(self.process.stdout.readline() == 'ready\n')

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Speaker:
    """A socket that sends one text to each connection in turn, and then always the last."""

    def __init__(self, *texts):
        self.dir = tempfile.mkdtemp(prefix='sealpool-test-')
        self.path = self.dir + '/socket'
        self.texts = list(texts)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen(8)
        threading.Thread(target=self.speak, daemon=True).start()

    def speak(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            text = self.texts[0]
            if len(self.texts) > 1:
                self.texts.pop(0)
            try:
                peer.sendall(text.encode())
            except BrokenPipeError:
                pass  # sealpool-top has read enough.
            peer.close()

    def stop(self):
        # Wakes the thread in accept().
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.socket.fileno() >= 0:
            self.stop()
        shutil.rmtree(self.dir)


def run_top(*args, env=None):
    try:
        return subprocess.run([top, '--interval', '0.1', *args], text=True,
                              env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=60)
    except subprocess.TimeoutExpired:
        raise AssertionError('it does not end')


def get_rows(result):
    expect(result.returncode == 0, result.returncode, result.stderr)
    lines = [line.split() for line in result.stdout.splitlines()]
    expect(lines[0] == HEADER, result.stdout)
    return [dict(zip(HEADER, line)) for line in lines[1:]]


def line(**values):
    return 'client ' + ' '.join('%s=%s' % v for v in values.items()) + '\n'


def say(*lines):
    return 'sealpool-monitor 1\n' + ''.join(lines) + 'end\n'


def a_compositors_clients_are_shown():
    with Compositor([tiny, '--monitor']) as compositor, \
            Client(compositor) as shown:
        rows = get_rows(run_top('--once', env=compositor.environ))
        expect(rows == [{
            'PID': str(shown.process.pid), 'NAME': 'a?b?[31m', 'POOLS': '1',
            'DIRECT': '0', 'NOFAULT': '0', 'SHADOW': '1',
            'SHADOW-BYTES': '16384', 'COPIED': '16384', 'COPIED/S': '0',
            'FAULTS': '0', 'REASON': 'no_seal',
        }], rows)
        result = run_top('--explain', env=compositor.environ)
        expect(result.stdout == 'a?b?[31m (pid %d): not sealed, 16 kB a frame '
               'copied: add F_SEAL_SHRINK\n' % shown.process.pid, result)


def so_are_those_of_a_guarded_one():
    for way in '--guard', '--native':
        command = [*guard, '--quiet', way, '--monitor', tiny, '--stock']
        with Compositor(command) as compositor, Client(compositor) as shown:
            rows = get_rows(run_top('--once', env=compositor.environ))
            expect(rows[0]['PID'] == str(shown.process.pid), rows)
            expect(rows[0]['SHADOW'] == '1', rows)
            expect(rows[0]['COPIED'] == '16384', rows)


def a_compositor_that_does_not_tell_is_named():
    with Compositor([tiny]) as compositor:
        result = run_top('--once', env=compositor.environ)
        expect(result.returncode == 1, result.returncode)
        expect('--monitor' in result.stderr, result.stderr)


def the_display_decides_between_two():
    with Compositor([tiny, '--monitor']) as first, \
            Compositor([tiny, '--monitor'], first.dir) as second, \
            Client(second) as shown:
        expect(get_rows(run_top('--once', env=first.environ)) == [])
        rows = get_rows(run_top('--once', env=second.environ))
        expect([r['PID'] for r in rows] == [str(shown.process.pid)], rows)
        # $WAYLAND_DISPLAY matches neither, so both are listed.
        environ = {**first.environ, 'WAYLAND_DISPLAY': 'none'}
        result = run_top('--once', env=environ)
        expect(result.returncode == 1, result.returncode)
        for compositor in first, second:
            path = '--socket %s/sealpool-%d\n' % (
                first.dir, compositor.process.pid)
            expect(path in result.stderr, path, result.stderr)


def the_only_one_is_found_behind_another_display():
    with Compositor([tiny, '--monitor']) as telling, \
            Compositor([tiny], telling.dir) as silent, Client(telling):
        rows = get_rows(run_top('--once', env=silent.environ))
        expect(len(rows) == 1, rows)


def rates_are_of_the_time_between_two_looks():
    before = say(line(id=1, pid=0, copied_in=1000, copied_out=0),
                 line(id=2, pid=0, copied_in=5000000, copied_out=7))
    after = say(line(id=1, pid=0, copied_in=501000, copied_out=500000),
                line(id=2, pid=0, copied_in=5000000, copied_out=7),
                line(id=3, pid=0, copied_in=10, copied_out=0))
    with Speaker(before, after) as speaker:
        rows = get_rows(run_top('--once', '--interval', '0.2', '--socket',
                                speaker.path))
    # Clients with the highest costs come first.
    expect([r['COPIED'] for r in rows] == ['1001000', '10', '5000007'], rows)
    expect(0 < int(rows[0]['COPIED/S']) <= 5000000, rows)
    expect(rows[2]['COPIED/S'] == '0', rows)
    expect(rows[0]['NAME'] == '(gone)', rows)


def what_is_not_known_is_passed_over():
    text = say('news x=1\n', line(id=1, pid=0, pools=3, novelty=9, faults=2))
    with Speaker(text) as speaker:
        rows = get_rows(run_top('--once', '--socket', speaker.path))
    expect(rows[0]['POOLS'] == '3' and rows[0]['FAULTS'] == '2', rows)


def another_version_is_no_truncated_snapshot():
    for text, word in (('HTTP/1.1 400\nend\n', 'another version'),
                       ('sealpool-monitor 2\nend\n', 'another version'),
                       ('sealpool-monitor 1\n' + line(id=1), 'incomplete'),
                       ('', 'incomplete')):
        with Speaker(text) as speaker:
            result = run_top('--once', '--socket', speaker.path)
        expect(result.returncode == 1, text, result.returncode)
        expect(word in result.stderr, text, result.stderr)


def a_snapshot_without_end_is_not_read():
    # The last has no more than 4 MiB, but many clients.
    for text in line(id=1, pid=0) * 300000, 'x' * 2 ** 23, 'client \n' * 500000:
        with Speaker('sealpool-monitor 1\n' + text + '\nend\n') as speaker:
            result = run_top('--once', '--socket', speaker.path)
        expect(result.returncode == 1, result.returncode)
        expect('Message too long' in result.stderr, result.stderr)


def who_accepts_no_connection_is_not_waited_for():
    with tempfile.TemporaryDirectory(prefix='sealpool-test-') as folder:
        path = folder + '/wayland-0'
        waiting = []
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.bind(path)
            deaf.listen(0)
            while True:
                waiting.append(socket.socket(socket.AF_UNIX))
                waiting[-1].setblocking(False)
                try:
                    waiting[-1].connect(path)
                except BlockingIOError:
                    break
            result = run_top('--once', '--socket', path)
            expect(result.returncode == 1, result.returncode)
            expect('timed out' in result.stderr, result.stderr)
            result = run_top('--once', env={
                **os.environ, 'XDG_RUNTIME_DIR': folder,
                'WAYLAND_DISPLAY': 'wayland-0'})
            expect(result.returncode == 1, result.returncode)
            expect('found no compositor' in result.stderr, result.stderr)
        for each in waiting:
            each.close()


def numbers_may_be_of_any_size():
    huge = 2 ** 64 - 1
    with Speaker(say(line(id=1, pid=huge, copied_in=0, copied_out=0)),
                 say(line(id=1, pid=huge, pools='9' * 40, copied_in=huge,
                          copied_out=0, shadow=huge))) as speaker:
        rows = get_rows(run_top('--once', '--socket', speaker.path))
    expect(rows[0]['POOLS'] == str(huge) and rows[0]['COPIED'] == str(huge), rows)
    expect(rows[0]['COPIED/S'] == str(huge), rows)


def a_snapshot_may_have_thousands_of_clients():
    text = say(*[line(id=i, pid=0, **{word: 10 ** 12 for word in (
        'pools', 'fds', 'direct', 'nofault', 'shadow', 'pool_bytes',
        'shadow_bytes', 'copied_in', 'copied_out', 'faults', 'copies')})
                 for i in range(10000)])
    with Speaker(text) as speaker:
        rows = get_rows(run_top('--once', '--socket', speaker.path))
    expect(len(rows) == 10000, len(rows))


def the_environment_can_enable_it():
    for command in [tiny], guard + ['--quiet', '--guard', tiny, '--stock']:
        os.environ['SEALPOOL_MONITOR'] = '1'
        compositor = Compositor(command)
        del os.environ['SEALPOOL_MONITOR']
        with compositor, Client(compositor):
            rows = get_rows(run_top('--once', env=compositor.environ))
            expect(len(rows) == 1, rows)
        if not guard:
            break


def each_way_is_explained():
    me = os.getpid()
    sentences = {
        'sealed, read in place': dict(direct=2),
        'not drawn completely; nothing was copied yet':
            dict(direct=1, shadow=1, reasons='sparse'),
        # The first reason should be changed first.
        'not sealed, 33 MB a frame copied: add F_SEAL_SHRINK':
            dict(shadow=1, copied_in=331776000, copies=10,
                 reasons='no_seal,sparse'),
        'not sealed, 999 kB of captures copied back: add F_SEAL_SHRINK':
            dict(shadow=1, copied_out=999000, reasons='no_seal'),
        'not in ordinary memory, 1.0 MB a frame copied: use memfd_create(), '
        'without MFD_HUGETLB':
            dict(shadow=1, copied_in=1000000, copies=1,
                 reasons='file_system,read_only'),
        # A seal does not help a file that is too short: the size first, then the seal.
        "larger than its file, 1.0 kB a frame copied: set the file's size before the "
        'pool is created':
            dict(shadow=1, copied_in=1000, copies=1, reasons='no_seal,short'),
        'read in place, with MAP_NOFAULT': dict(nofault=1, reasons='no_seal'),
        'has no buffer': dict(),
        # A monitor of an older version.
        'not read in place; nothing was copied yet': dict(shadow=1),
        'not read in place, 5.0 kB a frame copied: its next commit may be '
        'read in place':
            dict(shadow=1, copied_in=5000, copies=1, reasons='\x1b[31m'),
    }
    for sentence, values in sentences.items():
        with Speaker(say(line(id=1, pid=me, **values))) as speaker:
            result = run_top('--explain', '--socket', speaker.path)
        expect(result.stdout.endswith(' (pid %d): %s\n' % (me, sentence)),
               sentence, result.stdout)
    # The frames since the last line, if any.
    with Speaker(say(line(id=1, pid=me, shadow=1, copied_in=10 ** 7, copies=1)),
                 say(line(id=1, pid=me, shadow=1, copied_in=10 ** 7 + 40000,
                          copies=5))) as speaker:
        result = run_top('--explain', '--socket', speaker.path)
    expect(', 10 kB a frame copied' in result.stdout, result.stdout)


def clients_are_sorted_and_filtered():
    text = say(line(id=1, pid=os.getpid(), shadow_bytes=5, direct=1),
               line(id=2, pid=1, shadow_bytes=9, reasons='sparse'),
               line(id=3, pid=0, direct=7, reasons='no_seal'))

    def get_pids(*args):
        with Speaker(text) as speaker:
            rows = get_rows(run_top('--once', '--socket', speaker.path, *args))
        return [int(row['PID']) for row in rows]
    me = os.getpid()
    expect(get_pids() == [1, me, 0])
    expect(get_pids('--sort', 'direct') == [0, me, 1])
    expect(get_pids('--sort', 'PID') == [0, 1, me])
    expect(get_pids('--sort', 'reason') == [1, 0, me])
    expect(get_pids('--sort', 'name')[0] == 0)
    expect(get_pids('--filter', str(me)) == [me])
    expect(get_pids('--filter', 'GONE') == [0])
    expect(get_pids('--filter', 'nobody') == [])
    result = run_top('--once', '--sort', 'NONSENSE')
    expect(result.returncode == 2, result.returncode)
    expect('no column "NONSENSE"' in result.stderr, result.stderr)


def without_a_terminal_it_asks_for_once():
    with Speaker(say()) as speaker:
        result = run_top('--socket', speaker.path)
    expect(result.returncode == 1, result.returncode)
    expect('--once' in result.stderr, result.stderr)


class Terminal:
    """sealpool-top in a terminal of 8 rows."""

    def __init__(self, path, columns=70):
        self.fd, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ,
                    struct.pack('HHHH', 8, columns, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.text = ''
        self.process = subprocess.Popen(
            [top, '--interval', '0.1', '--socket', path], stdin=self.slave,
            stdout=self.slave, stderr=self.slave)

    def read_until(self, text):
        while text not in self.text:
            self.text += os.read(self.fd, 4096).decode()

    def expect_end(self, status):
        code = self.process.wait()
        # The final contents of the terminal.
        self.read_until('\x1b[?25h\x1b[?1049l')
        after = termios.tcgetattr(self.slave)
        os.close(self.slave)
        os.close(self.fd)
        expect(code == status, code, repr(self.text))
        expect(after == self.before, 'the terminal is not as it was')


def end_live(end, status):
    text = say(*[line(id=i, pid=0, shadow_bytes=i * 1024, pools=1)
                 for i in range(1, 21)])
    with Speaker(text) as speaker:
        terminal = Terminal(speaker.path)
        # It continues by itself.
        for _ in range(3):
            terminal.read_until('\x1b[J')
            shown = terminal.text.split('\x1b[J')[0]
            terminal.text = ''
        end(terminal, speaker)
        terminal.expect_end(status)
    lines = shown.split('\x1b[H')[1].split('\r\n')
    expect(len(lines) <= 8, shown)
    expect('20 clients, 20 pools, 210K in shadows' in lines[0], shown)
    expect('20.0K' in lines[3] and '19.0K' in lines[4], shown)
    for shown_line in lines:
        expect(len(shown_line.replace('\x1b[K', '')) <= 70, shown_line)


def look_live(columns, *lines):
    """The lines of one table, without the first two."""
    with Speaker(say(*lines)) as speaker:
        terminal = Terminal(speaker.path, columns)
        terminal.read_until('\x1b[J')
        shown = terminal.text.split('\x1b[J')[0]
        terminal.text = ''
        os.write(terminal.fd, b'q')
        terminal.expect_end(0)
    lines = shown.split('\x1b[H')[1].split('\r\n')
    return [shown_line.replace('\x1b[K', '') for shown_line in lines[2:]]


def a_terminal_of_80_columns_shows_most():
    huge = 2 ** 63 - 1
    text = line(id=1, pid=4194304, pools=99999, direct=999999, shadow=999999,
                shadow_bytes=huge, copied_in=huge, faults=999999,
                reasons='file_system')
    lines = look_live(80, text)
    left_out = ('NOFAULT', 'POOLS', 'FAULTS')
    expect(lines[0].split() == [h for h in HEADER if h not in left_out], lines)
    expect(len(lines[1]) <= 80 and lines[1].endswith(' file_system'), lines)
    lines = look_live(92, text)
    expect(lines[0].split() == [h for h in HEADER if h != 'NOFAULT'], lines)
    expect(len(lines[1]) <= 92 and lines[1].endswith(' file_system'), lines)


def keys_change_what_is_sorted_by():
    text = say(line(id=1, pid=0, shadow_bytes=1, faults=0),
               line(id=2, pid=0, shadow_bytes=0, faults=5))
    with Speaker(text) as speaker:
        terminal = Terminal(speaker.path, 100)
        terminal.read_until('; by COPIED/S')
        os.write(terminal.fd, b'>')
        terminal.read_until('; by FAULTS')
        terminal.read_until('\x1b[J')
        os.write(terminal.fd, b'<')
        terminal.text = ''
        terminal.read_until('; by COPIED/S')
        os.write(terminal.fd, b'q')
        terminal.expect_end(0)


def the_costliest_is_explained():
    with Speaker(say(line(id=1, pid=os.getpid(), shadow=1, shadow_bytes=5000,
                          copied_in=5000, copies=1, reasons='no_seal'),
                     line(id=2, pid=1, direct=1))) as speaker:
        terminal = Terminal(speaker.path, 100)
        terminal.read_until(': not sealed, 5.0 kB a frame copied: '
                            'add F_SEAL_SHRINK')
        os.write(terminal.fd, b'q')
        terminal.expect_end(0)


def nofault_is_shown_where_there_is_some():
    lines = look_live(110, line(id=1, pid=0), line(id=2, pid=0, nofault=7))
    expect(lines[0].split() == HEADER, lines)
    expect(lines[2].split()[4] == '7', lines)


def write(keys):
    return lambda terminal, speaker: os.write(terminal.fd, keys)


def q_ends_it():
    end_live(write(b'xq'), 0)


def ctrl_c_ends_it():
    end_live(write(b'\x03'), 0)


def a_signal_ends_it():
    end_live(lambda terminal, speaker:
             terminal.process.send_signal(signal.SIGTERM), 0)


def the_compositors_end_ends_it():
    end_live(lambda terminal, speaker: speaker.stop(), 1)


sys.exit(run_tests([
    a_compositors_clients_are_shown,
    a_compositor_that_does_not_tell_is_named,
    the_display_decides_between_two,
    the_only_one_is_found_behind_another_display,
    rates_are_of_the_time_between_two_looks,
    what_is_not_known_is_passed_over,
    another_version_is_no_truncated_snapshot,
    a_snapshot_without_end_is_not_read,
    who_accepts_no_connection_is_not_waited_for,
    numbers_may_be_of_any_size,
    a_snapshot_may_have_thousands_of_clients,
    without_a_terminal_it_asks_for_once,
    the_environment_can_enable_it,
    each_way_is_explained,
    clients_are_sorted_and_filtered,
    a_terminal_of_80_columns_shows_most,
    keys_change_what_is_sorted_by,
    the_costliest_is_explained,
    nofault_is_shown_where_there_is_some,
    q_ends_it,
    ctrl_c_ends_it,
    a_signal_ends_it,
    the_compositors_end_ends_it,
] + ([so_are_those_of_a_guarded_one] if guard else [])))
