#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the line counts in the two reading lists of docs/architecture.md with the files.
Also fails if a file of src or tests is longer than CONTRIBUTING.md allows.

    architecture.py SOURCE_ROOT        fails if a number is wrong
    architecture.py --fix SOURCE_ROOT  corrects the numbers
"""
import pathlib
import re
import sys

# The most lines of the two lists; the second is about MAP_NOFAULT.
LINES_MAX = [1500, 300]
FILE_LINES_MAX = 600


def find_long_files(root):
    for folder in ('src', 'tests'):
        for path in sorted((root / folder).rglob('*')):
            if path.is_file():
                lines = len(path.read_bytes().splitlines())
                if lines > FILE_LINES_MAX:
                    yield f'{path} has {lines} lines, more than {FILE_LINES_MAX}'


def main():
    fix = sys.argv[1] == '--fix'
    root = pathlib.Path(sys.argv[-1])
    page = root / 'docs/architecture.md'
    text, all_lines, sums, bad = page.read_text(), 0, [], []

    def check(match):
        nonlocal all_lines
        name, said = match[1], int(match[2])
        if name == 'all':
            lines = all_lines
            sums.append(all_lines)
            all_lines = 0
        else:
            lines = len((root / name).read_text().splitlines())
            all_lines += lines
        if said != lines:
            bad.append(f'{name} has {lines} lines, not {said}')
        return f'| {name} | {lines} |'

    fixed = re.sub(r'^\| (src/\S+|all) \| (\d+) \|', check, text, flags=re.M)
    if fix:
        page.write_text(fixed)
        bad = []
    if len(sums) != len(LINES_MAX):
        bad.append(f'there are {len(sums)} reading lists')
    for lines, most in zip(sums, LINES_MAX):
        if not 0 < lines <= most:
            bad.append(f'a reading list has {lines} lines: 1 to {most}')
    bad = [f'docs/architecture.md: {text}' for text in bad]
    bad += find_long_files(root)
    if bad:
        sys.exit('\n'.join(bad))
    print(f'{sums} lines')


main()
