#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares docs/adopt.md with tests/adopt/*.patch: the number of lines that each compositor
adds, and the whole patch of labwc.

    adopt.py SOURCE_ROOT
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
page = (root / 'docs/adopt.md').read_text()
said = {name: int(lines) for name, lines in re.findall(
    r'^\| (\w+) [0-9.]+ \| (\d+) \|', page, re.MULTILINE)}
counted = {
    path.stem: len(re.findall(r'^\+(?!\+\+ )', path.read_text(), re.MULTILINE))
    for path in (root / 'tests/adopt').glob('*.patch')
}
print(said, counted)
shown = f"```diff\n{(root / 'tests/adopt/labwc.patch').read_text()}```\n" in page
if not shown:
    print('docs/adopt.md does not show tests/adopt/labwc.patch as it is')
sys.exit(said != counted or not counted or not shown)
