# SPDX-License-Identifier: MIT
"""Writes the names of wl_shm's formats, from wayland.xml, as a C array."""
import sys
import xml.etree.ElementTree

source, output = sys.argv[1:]
root = xml.etree.ElementTree.parse(source).getroot()
entries = root.findall("interface[@name='wl_shm']/enum[@name='format']/entry")
with open(output, 'w') as file:
    for entry in entries:
        value = int(entry.get('value'), 0)
        print('{ 0x%08xu, "%s" },' % (value, entry.get('name').upper()),
              file=file)
