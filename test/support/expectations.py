"""Lists of tests that are known to fail, one `NAME FORM REASON` a line."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.


def read_expected_failures(path):
    """{(name, form): reason}"""
    entries = {}
    if path.exists():
        for line in path.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                name, form, reason = line.split(None, 2)
                entries[name, form] = reason
    return entries
