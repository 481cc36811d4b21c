#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
stories.py FOLDER: writes each story of tests/fuzz/stories to FOLDER, as an input of the
fuzzer. Operations are numbered as in the table of fuzz.c.
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
OPTIONS = ['guarded', 'lenient', 'reads', 'early', 'holds']


def assemble(story, operations):
    """The bytes of OPTION...; OPERATION[!] [cCLIENT] ARGUMENT...; ..."""
    options, *steps = [step.split() for step in story.split(';')]
    limits = [int(word[6:]) for word in options if word.startswith('limits')]
    out = [sum(1 << OPTIONS.index(word) for word in options
               if not word.startswith('limits')), *(limits or [0])]
    for name, *args in steps:
        client = int(args.pop(0)[1:]) if args and args[0][0] == 'c' else 0
        out.append(operations.index(name.rstrip('!')) | client << 5 |
                   (128 if name.endswith('!') else 0))
        out += map(int, args)
    return bytes(out)


def main():
    folder = pathlib.Path(sys.argv[1])
    operations = re.findall(r'^\t\{ "(\w+)", \w+, \w+ \},$',
                            (HERE / 'fuzz.c').read_text(), re.MULTILINE)
    text = re.sub(r'(^|\n)#[^\n]*', '', (HERE / 'stories').read_text())
    for story in re.findall(r'^(\S+):((?:.|\n\s)*)', text, re.MULTILINE):
        folder.joinpath(story[0]).write_bytes(assemble(story[1], operations))


if __name__ == '__main__':
    main()
