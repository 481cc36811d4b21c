#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Checks the examples in the documents: every fenced block of README.md and docs is
compiled, run, or used by another test, or has a reason why not.

In the line before a block, an invisible comment says what it is:

    <!-- snippet: file PATH -->         a whole file; tests that need it have it
                                        written with --extract
    <!-- snippet: program PACKAGE... -->
                                        a C program, compiled with these and run
    <!-- snippet: statements NAME -->   C statements, compiled within
                                        tests/docs/NAME.c
    <!-- snippet: run -->               shell commands, run one after the other
                                        with the programs of the build in $PATH
    <!-- snippet: output -->            the exact output of the block before
    <!-- snippet: syntax -->            shell commands that are not run; their syntax,
                                        options and file names are checked
    <!-- snippet: not run: REASON -->

Usage: snippets.py --extract FOLDER FILE
       snippets.py --check SOURCE-FOLDER BUILD-FOLDER
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

WARNINGS = ['-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror',
            '-Wno-unused-parameter']


class Snippet:
    def __init__(self, path, line, language, what, text):
        self.where = f'{path}:{line}'
        self.language = language
        self.what = what
        self.text = text


def read(path):
    """Returns the snippets of a file, and the errors in their form."""
    snippets, wrong = [], []
    what, begun, after_blank, in_list = None, None, True, False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if begun:
            if line.strip() == '```':
                snippets.append(Snippet(path.name, begun[0], begun[1], what,
                                        ''.join(begun[2])))
                what, begun = None, None
            else:
                begun[2].append(line + '\n')
            continue
        if match := re.fullmatch(r'```(\S*)', line):
            begun = (number, match[1], [])
            if what is None:
                wrong.append(f'{path.name}:{number}: nothing says what this '
                             'block is: put <!-- snippet: ... --> before it')
                what = 'not run: it is not said'
        elif match := re.fullmatch(r'<!-- snippet: (.*) -->', line):
            what = match[1]
        elif what is not None:
            wrong.append(f'{path.name}:{number}: a block has to follow')
            what = None
        elif re.match(r'( {4}|\t)', line) and after_blank and not in_list:
            wrong.append(f'{path.name}:{number}: a block of code is to be '
                         'fenced, not indented')
        after_blank = line.strip() == ''
        if line.strip():
            in_list = bool(re.match(r'\s*([-*]|\d+\.) ', line)) or \
                (in_list and line.startswith(' '))
    if begun:
        wrong.append(f'{path.name}:{begun[0]}: this block has no end')
    return snippets, wrong


def extract(folder, path):
    for snippet in read(path)[0]:
        kind, _, name = snippet.what.partition(' ')
        if kind == 'file':
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(snippet.text)


def run(command, **options):
    """Returns None, or an error."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, errors='replace', **options)
    except subprocess.TimeoutExpired:
        return 'has not ended in time', ''
    if done.returncode != 0:
        return (f'ended with {done.returncode}: {shlex.join(command)}\n'
                f'{done.stdout}{done.stderr}'), done.stdout
    return None, done.stdout


class Check:
    def __init__(self, source, build, folder):
        self.source, self.build, self.folder = source, build, folder
        self.printed = None
        self.compiler = shlex.split(os.environ.get('CC', 'cc'))
        # The build folder comes before installed files.
        self.environment = dict(
            os.environ, LC_ALL='C.UTF-8',
            PKG_CONFIG_PATH=f'{build}/meson-uninstalled:'
            + os.environ.get('PKG_CONFIG_PATH', ''),
            LD_LIBRARY_PATH=':'.join(
                [f'{build}/src', f'{build}/src/wlroots']
                + [str(p) for p in build.glob('subprojects/wlroots-*')]),
            PATH=':'.join(
                [str(p) for p in (build / 'src/run', build / 'examples',
                                  build / 'tests/conformance')]
                + [os.environ['PATH']]),
            XDG_RUNTIME_DIR=str(folder), HOME=str(folder))
        self.tests = '\n'.join(
            p.read_text() for p in (source / 'tests').glob('*/*.sh'))

    def packages(self, names):
        wrong, flags = run(['pkg-config', '--cflags', '--libs', *names],
                           env=self.environment)
        return wrong, shlex.split(flags)

    def compile(self, text, names, *options):
        wrong, flags = self.packages(names)
        if wrong:
            return wrong
        file = self.folder / 'snippet.c'
        file.write_text(text)
        return run([*self.compiler, *WARNINGS, f'-I{self.source}/include',
                    str(file), *options, *flags],
                   env=self.environment)[0]

    def file(self, snippet, name):
        # Otherwise, nothing would notice if the test that uses it were removed.
        if pathlib.PurePath(name).parts[0] not in self.tests:
            return f'no test uses {name}'
        return None

    def program(self, snippet, names):
        binary = str(self.folder / 'snippet')
        wrong = self.compile(snippet.text, names.split(), '-o', binary)
        if not wrong:
            wrong, self.printed = run([binary], env=self.environment,
                                      cwd=self.folder)
        return wrong

    def statements(self, snippet, name):
        place = (self.source / 'tests/docs' / f'{name}.c').read_text()
        names = re.search(r'packages: (.*)', place)[1].split()
        text = place.replace('SNIPPET;', snippet.text)
        if text == place:
            return f'tests/docs/{name}.c has no place for it'
        return self.compile(text, names, '-c', '-o', '/dev/null')

    def run(self, snippet, _):
        wrong, self.printed = run(['bash', '-euc', snippet.text],
                                  env=self.environment, cwd=self.source)
        return wrong

    def output(self, snippet, _):
        if self.printed is None:
            return 'nothing was run before'
        if self.printed != snippet.text:
            return f'this was printed instead:\n{self.printed}'
        return None

    def syntax(self, snippet, _):
        wrong, _ = run(['bash', '-nc', snippet.text])
        if wrong:
            return wrong
        for line in snippet.text.replace('\\\n', '').splitlines():
            words = shlex.split(line, comments=True)
            while words and re.match(r'\w+=', words[0]):
                words.pop(0)
            if not words:
                continue
            program = words[0]
            if program.startswith('scripts/'):
                if not os.access(self.source / program, os.X_OK):
                    return f'there is no {program}'
            elif program.startswith('sealpool-'):
                wrong, usage = run([program, '--help'], env=self.environment)
                if wrong:
                    return wrong
                for word in words[1:]:
                    if not word.startswith('-'):
                        break
                    if not re.search(re.escape(word.split('=')[0]) + r'\b',
                                     usage):
                        return f'{program} has no {word}'
        return None

    def check(self, snippet):
        """Returns how it was checked, and an error or None."""
        kind, _, rest = snippet.what.partition(' ')
        if kind == 'not' and rest.startswith('run: '):
            return 'not run (' + rest[5:] + ')', None
        if kind not in ('file', 'program', 'statements', 'run', 'output',
                        'syntax'):
            return kind, 'is not known'
        return kind, getattr(self, kind)(snippet, rest)


def check(source, build):
    failed = False
    paths = [source / 'README.md', *sorted((source / 'docs').rglob('*.md'))]
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        checker = Check(source, build, folder)
        for path in paths:
            snippets, wrongs = read(path)
            for wrong in wrongs:
                print(f'FAILED: {wrong}')
                failed = True
            for snippet in snippets:
                how, wrong = checker.check(snippet)
                print(f'{snippet.where}: {snippet.language or "text"}: {how}')
                if wrong:
                    print(f'FAILED: {snippet.where}: {wrong}')
                    failed = True
    finally:
        shutil.rmtree(folder)
    return failed


if len(sys.argv) == 4 and sys.argv[1] == '--extract':
    extract(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
elif len(sys.argv) == 4 and sys.argv[1] == '--check':
    sys.exit(check(pathlib.Path(sys.argv[2]).resolve(),
                   pathlib.Path(sys.argv[3]).resolve()))
else:
    sys.exit(__doc__)
