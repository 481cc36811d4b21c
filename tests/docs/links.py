#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that the file and the heading of each link in the pages exist.

    links.py SOURCE_ROOT [HTML]

HTML is a folder that docs/html.sh has written. Its pages are checked as well. Links to
other hosts are not followed.
"""
import html.parser
import os
import pathlib
import re
import sys

PAGES = ['*.md', 'docs/*.md', 'docs/upstream/*.md']


def anchor(heading):
    """Returns the name of a heading in a link, as GitHub and pandoc form it."""
    text = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', heading).strip().lower()
    return re.sub(r'[^\w\- ]', '', text).replace(' ', '-')


def read_markdown(path):
    """Returns the links and the anchors of a page."""
    text = re.sub(r'^```.*?^```$', '', path.read_text(), flags=re.M | re.S)
    links = re.findall(r'\]\(([^)\s]+)\)', re.sub(r'`[^`\n]*`', '', text))
    return links, {anchor(h) for h in re.findall(r'^#+ (.*)$', text, re.M)}


class Parser(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.anchors = [], set()

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ('href', 'src'):
                self.links.append(value)
            elif name == 'id':
                self.anchors.add(value)


def read_html(path):
    parser = Parser()
    parser.feed(path.read_text())
    return parser.links, parser.anchors


def check(root, pages, suffix, read):
    """Returns the number of links, and what is wrong with some."""
    seen, wrong = {page: read(page) for page in pages}, []
    for page, (links, _) in seen.items():
        for link in links:
            target, _, name = link.partition('#')
            if re.match(r'[a-z]+:', link):
                continue
            path = (page.parent / target).resolve() if target else page
            if not path.exists():
                problem = 'no such file'
            elif name and path.suffix == suffix and name not in (
                    seen[path] if path in seen else read(path))[1]:
                problem = 'no such heading'
            else:
                continue
            wrong.append(f'{page.relative_to(root)}: {link}: {problem}')
    return sum(len(links) for links, _ in seen.values()), wrong


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    pages = sorted(p for pattern in PAGES for p in root.glob(pattern))
    count, wrong = check(root, pages, '.md', read_markdown)
    print(f'{len(pages)} pages, {count} links')
    build = (root / 'docs/meson.build').read_text()
    manuals = sorted((root / 'man').glob('*.scd'))
    wrong += [f'docs/meson.build does not name {page.name}'
              for page in pages + manuals
              if f"'{os.path.relpath(page, root / 'docs')}'" not in build]
    if len(sys.argv) > 2:
        folder = pathlib.Path(sys.argv[2]).resolve()
        found = sorted(folder.rglob('*.html'))
        count, more = check(folder, found, '.html', read_html)
        wrong += more
        print(f'{len(found)} pages of HTML, {count} links')
        wrong += [f'{page.name} is missing in the HTML' for page in pages
                  if folder / page.relative_to(root).with_suffix('.html') not in found]
    print(*wrong, sep='\n')
    return bool(wrong) or count == 0


sys.exit(main())
