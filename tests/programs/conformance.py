#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""conformance.py SUITE TINY: the suite's options, as a user in CI sees them.

wlroots' own wl_shm disconnects a client that shares read-only memory: that case
fails with sealpool-tiny --stock, and conforms without --stock.
"""
import json
import os
import pathlib
import pty
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

from compositor import expect, run_tests

SUITE, TINY = sys.argv[1:]
TINY = f'WLR_BACKENDS=headless WLR_RENDERER=pixman exec {TINY}'
FAILS = 'memory/read-only:sealed'
CONFORMS = 'protocol/global'


def run(*args, start=TINY + ' --stock'):
    command = [SUITE, *args] + (['--start', start] if start else [])
    return subprocess.run(command, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)


def expect_run(status, *texts, args, start=TINY + ' --stock'):
    result = run(*args, start=start)
    output = result.stdout + result.stderr
    expect(result.returncode == status, result.returncode, output)
    for text in texts:
        expect(text in output, repr(text), 'is not in', output)
    return result.stdout


class Folder(tempfile.TemporaryDirectory):
    def __enter__(self):
        return pathlib.Path(super().__enter__())


BOTH = ['--only', FAILS, '--only', CONFORMS]


def failures_are_named_at_the_end():
    output = expect_run(1, args=BOTH)
    expect(output.endswith(
        '# protocol: 1 conforms, 0 wrong, 0 client killed, 0 compositor died, '
        '0 compositor hung, 0 bystander harmed, 0 skipped\n'
        '# memory: 0 conforms, 0 wrong, 1 client killed, 0 compositor died, '
        '0 compositor hung, 0 bystander harmed, 0 skipped\n'
        f'# failed: {FAILS} (client killed)\n'
        '# 1 conforms, 0 wrong, 1 client killed, 0 compositor died, '
        '0 compositor hung, 0 bystander harmed, 0 skipped\n'), output)
    expect('\033' not in output, output)


def cases_can_be_skipped():
    output = expect_run(0, '1..1\n', args=[*BOTH, '--skip', 'memory/*'])
    expect(FAILS not in output, output)
    expect_run(2, 'leave no case', args=[*BOTH, '--skip', '*'])


def expected_failures_do_not_fail():
    with Folder() as folder:
        file = folder / 'expect'
        file.write_text('# a comment\n\n'
                        'memory/read-only:*  wlroots maps for writing \n')
        output = expect_run(0, args=[*BOTH, '--expect', file])
        expect(f'not ok 2 - {FAILS} # TODO wlroots maps for writing\n' in
               output, output)
        expect('# failed' not in output, output)


def what_passes_unexpectedly_is_told():
    with Folder() as folder:
        file = folder / 'expect'
        file.write_text(f'{CONFORMS} it was wrong once\n')
        expect_run(1, f'ok 1 - {CONFORMS} # TODO it was wrong once\n',
                   f'# passes, though expected to fail: {CONFORMS}\n',
                   f'# failed: {FAILS}', args=[*BOTH, '--expect', file])


def wrong_expectations_are_refused():
    with Folder() as folder:
        file = folder / 'expect'
        expect_run(2, f'{file}: No such file', args=['--expect', file])
        file.write_text('\nmemory/*\n')
        expect_run(2, f'{file}:2: a reason must follow', args=['--expect', file])
        file.write_text('memory/nonsense because\n')
        expect_run(2, f'{file}:1: no case matches memory/nonsense',
                   args=['--expect', file])


def a_mistyped_pattern_gets_a_suggestion():
    expect_run(2, 'no case matches memory/read-only:sealde; the nearest name '
               'is memory/read-only:sealed\n',
               args=['--only', 'memory/read-only:sealde'])
    expect_run(2, '--skip: no case matches hostle/*',
               args=['--skip', 'hostle/*'])


def wrong_options_are_refused():
    expect_run(2, 'usage:', args=['--nonsense'])
    expect_run(2, 'not an option: memory/*', args=['memory/*'])
    expect_run(2, '--retry: not a number from 0 to 10000: -1',
               args=['--retry', '-1'])
    expect_run(2, '--jobs: not a number from 1', args=['--jobs', '0'])
    expect_run(2, '--hang: not a time: x', args=['--hang', 'x'])
    expect_run(2, '--compositor does not know this one, use --start: nonsense',
               args=['--compositor', 'nonsense'], start=None)
    expect_run(2, '--jobs needs --start', args=['--jobs', '2'], start=None)
    expect_run(2, '--log-dir needs --start', args=['--log-dir', '/'], start=None)
    expect_run(0, 'usage:', args=['-h'])
    expect_run(0, 'sealpool-conformance ', args=['--version'])


def junit_is_written():
    with Folder() as folder:
        file = folder / 'junit.xml'
        expect_run(1, args=[*BOTH, '--junit', file])
        suite = xml.parse(file).getroot().find('testsuite')
        expect(suite.attrib['tests'] == '2' and suite.attrib['failures'] == '1' and
               suite.attrib['errors'] == '0', suite.attrib)
        good, bad = suite.findall('testcase')
        expect(good.attrib['classname'] == 'sealpool.protocol', good.attrib)
        expect(len(good) == 0, good)
        expect(bad.attrib['name'] == 'read-only:sealed', bad.attrib)
        failure = bad.find('failure')
        expect(failure.attrib['type'] == 'client killed', failure.attrib)
        expect(failure.attrib['message'], failure.attrib)

        expected = folder / 'expect'
        expected.write_text(f'{FAILS} <"a" & b>\n')
        expect_run(0, args=[*BOTH, '--junit', file, '--expect', expected])
        suite = xml.parse(file).getroot().find('testsuite')
        expect(suite.attrib['skipped'] == '1', suite.attrib)
        skipped = suite.findall('testcase')[1].find('skipped')
        expect(skipped.attrib['message'] == 'expected failure: <"a" & b>',
               skipped.attrib)


def files_that_cannot_be_written_are_told():
    for option in '--junit', '--json':
        expect_run(2, '/nonsense/x: No such file',
                   args=[*BOTH, option, '/nonsense/x'])
        expect_run(2, 'cannot write /dev/full',
                   args=['--only', CONFORMS, option, '/dev/full'])


def what_fails_is_run_again():
    with Folder() as folder:
        file = folder / 'json'
        expect_run(1, args=['--only', FAILS, '--retry', '2', '--json', file])
        expect(json.loads(file.read_text())['cases'][0]['failures'] == 2,
               file.read_text())
        # The first compositor has wlroots' own wl_shm.
        flag = folder / 'flag'
        start = f'if mkdir {flag}; then {TINY} --stock; else {TINY}; fi'
        expect_run(0, '# failed 1 times before\n', start=start,
                   args=['--only', FAILS, '--retry', '2', '--json', file])
        case = json.loads(file.read_text())['cases'][0]
        expect(case['failures'] == 1 and case['outcome'] == 'conforms', case)


def compositors_have_logs():
    with Folder() as folder:
        logs = folder / 'logs'
        expect_run(0, args=['--only', CONFORMS, '--log-dir', logs],
                   start='echo one; echo two >&2; ' + TINY)
        expect(os.listdir(logs) == [CONFORMS.replace('/', '-') + '.log'],
               os.listdir(logs))
        log = next(logs.iterdir()).read_text()
        expect(log.startswith('one\ntwo\n'), log)
        expect_run(2, 'cannot write a log in /proc', start=TINY,
                   args=['--only', CONFORMS, '--log-dir', '/proc'])


def a_terminal_has_progress_and_colors():
    fd, slave = pty.openpty()
    process = subprocess.Popen(
        [SUITE, '--start', TINY + ' --stock', *BOTH],
        stdout=slave, stderr=slave, stdin=slave)
    os.close(slave)
    text = b''
    try:
        while data := os.read(fd, 4096):
            text += data
    except OSError:  # The other end is closed.
        pass
    process.wait()
    os.close(fd)
    for part in (b'1 of 2, 0 failed\r', b'2 of 2, 1 failed\r\x1b[K# ',
                 b'\x1b[31mnot ok\x1b[m 2 - ' + FAILS.encode()):
        expect(part in text, part, text)
    output = run(*BOTH).stdout
    expect('\r' not in output and '\x1b' not in output, output)


def a_run_that_is_not_complete_looks_like_none():
    with Folder() as folder:
        file, json_file = folder / 'junit.xml', folder / 'json'
        output = expect_run(2, 'Bail out! the command ended before clients '
                            'could connect\n# After 0 of the cases: ',
                            args=[*BOTH, '--junit', file, '--json', json_file],
                            start='false')
        expect('# failed' not in output, output)
        suite = xml.parse(file).getroot().find('testsuite')
        expect(suite.attrib['errors'] == '1', suite.attrib)
        expect(suite.find('testcase').find('error') is not None, suite)
        result = json.loads(json_file.read_text())
        expect(result['cases'] == [] and result['error'] ==
               'the command ended before clients could connect', result)


sys.exit(run_tests([
    failures_are_named_at_the_end,
    cases_can_be_skipped,
    expected_failures_do_not_fail,
    what_passes_unexpectedly_is_told,
    wrong_expectations_are_refused,
    a_mistyped_pattern_gets_a_suggestion,
    wrong_options_are_refused,
    junit_is_written,
    files_that_cannot_be_written_are_told,
    what_fails_is_run_again,
    compositors_have_logs,
    a_terminal_has_progress_and_colors,
    a_run_that_is_not_complete_looks_like_none,
]))
