"""The checked-in lists: what is expected of which test, and why.

unsupported.txt       sluicec refuses the model (exit code 3)
expected-failure.txt  it should work and does not
tolerance.txt         passes with other tolerances than the test's own
floor.txt             how many tests must pass in all three forms

A line of the first two is `NAME FORMS REASON`, with FORMS a comma-separated
list of forms or `*` for all three; of the third `NAME RTOL ATOL REASON`. `#`
starts a comment line.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

from pathlib import Path

from forms import FORMS

FOLDER = Path(__file__).resolve().parent


def _lines(name):
    path = FOLDER / name
    if not path.exists():
        return
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            yield f"{name}:{number}", line


class ListError(Exception):
    """A list has a line that means nothing."""


def read_forms(name):
    """{(test, form): reason} of unsupported.txt or expected-failure.txt."""
    entries = {}
    for place, line in _lines(name):
        words = line.split(None, 2)
        if len(words) < 3:
            raise ListError(f"{place}: expected NAME FORMS REASON")
        test, which, reason = words
        chosen = FORMS if which == "*" else which.split(",")
        for form in chosen:
            if form not in FORMS:
                raise ListError(f"{place}: no form '{form}'")
            if (test, form) in entries:
                raise ListError(f"{place}: {test} {form} is listed twice")
            entries[test, form] = reason
    return entries


def read_tolerances():
    """{test: (rtol, atol, reason)}"""
    entries = {}
    for place, line in _lines("tolerance.txt"):
        words = line.split(None, 3)
        try:
            entries[words[0]] = (float(words[1]), float(words[2]), words[3])
        except (IndexError, ValueError):
            raise ListError(f"{place}: expected NAME RTOL ATOL REASON") from None
    return entries


def read_floor():
    for _, line in _lines("floor.txt"):
        return int(line)
    return 0


def write_forms(name, heading, entries):
    """Writes {(test, form): reason}; forms that share a reason share a line."""
    grouped = {}
    for (test, form), reason in entries.items():
        grouped.setdefault((test, " ".join(reason.split())), set()).add(form)
    lines = []
    for (test, reason), chosen in sorted(grouped.items()):
        which = [form for form in FORMS if form in chosen]
        shown = "*" if len(which) == len(FORMS) else ",".join(which)
        lines.append(f"{test} {shown} {reason}")
    _write(name, heading, lines)


def write_tolerances(entries):
    _write(
        "tolerance.txt",
        "Passes with these tolerances: NAME RTOL ATOL REASON.",
        [f"{t} {r:g} {a:g} {why}" for t, (r, a, why) in sorted(entries.items())],
    )


def write_floor(count):
    _write(
        "floor.txt", "This many tests pass in all three forms, at least.", [str(count)]
    )


def _write(name, heading, lines):
    text = "\n".join([f"# {heading}", *lines]) + "\n"
    (FOLDER / name).write_text(text)
