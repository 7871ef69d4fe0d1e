"""What the runners of the suites have in common: options and counts."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import argparse
import json
from pathlib import Path

from support.paths import DEFAULT_BUILD


def make_parser(description, filters=None):
    """`filters` says what the positional arguments are; None for none of them."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if filters:
        parser.add_argument("filters", nargs="*", help=filters)
    parser.add_argument("--build", type=Path, default=DEFAULT_BUILD)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--summary", type=Path, help="write the counts here (JSON)")
    return parser


def is_wanted(name, options):
    """Whether the filters let a test of this name through."""
    return not options.filters or any(text in name for text in options.filters)


def write_summary(options, passed, failed, skipped=0, **more):
    """Writes the counts for `./dev test` where it asked for them."""
    if options.summary:
        counts = {"passed": passed, "failed": failed, "skipped": skipped}
        options.summary.write_text(json.dumps({**counts, **more}))
