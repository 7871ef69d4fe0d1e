#!/usr/bin/env python3
"""The rules of this code base that no other tool checks.

- Source files have at most 600 lines, lit tests 400.
- Sources start with a header that names the licence.
- main() has at most 50 lines.
- No tabs, no trailing blanks, a newline at the end.
- Neither TODO nor FIXME: unfinished things are issues.
- Every pass says in its Passes.td what it does, not in a line only.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {".h", ".c", ".cpp", ".td", ".py", ".sh"}
TEXTS = SOURCES | {".mlir", ".test", ".txt", ".cmake", ".md", ""}
# Data that a program writes, one entry a line.
DATA = re.compile(r"test/conformance/.*\.txt|benchmarks/results/|LICENSE")


def complaints(path, text):
    lines = text.splitlines()
    most = 400 if path.suffix in (".mlir", ".test") else 600
    if len(lines) > most:
        yield len(lines), f"{len(lines)} lines, at most {most}"
    if path.suffix in SOURCES and "Part of Sluice" not in text[:2000]:
        if text.strip() and path.name != "__init__.py":
            yield 1, "no licence header"
    if text and not text.endswith("\n"):
        yield len(lines), "no newline at the end"
    for number, line in enumerate(lines, start=1):
        if line != line.rstrip():
            yield number, "trailing blanks"
        if "\t" in line:
            yield number, "a tab"
        if path.suffix in SOURCES and re.search(r"\b(TODO|FIXME|XXX)\b", line):
            if path.name != Path(__file__).name:
                yield number, "unfinished things are issues, not comments"
    if path.suffix in (".c", ".cpp"):
        yield from long_main(lines)
    if path.name == "Passes.td":
        yield from undescribed_passes(text)


def long_main(lines):
    """main() starts at a line of its own and ends with a `}` in column 0."""
    start = None
    for number, line in enumerate(lines, start=1):
        if re.match(r"(int|auto) main\(", line):
            start = number
        elif start and line.startswith("}"):
            if number - start + 1 > 50:
                yield start, f"main() has {number - start + 1} lines, at most 50"
            start = None


def undescribed_passes(text):
    for match in re.finditer(r"^def (\w+)\s*: Pass<.*?^}", text, re.M | re.S):
        if "let description = [{" not in match[0]:
            line = text.count("\n", 0, match.start()) + 1
            yield line, f"{match[1]} has no description"


def main():
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    count = 0
    for name in names:
        path = ROOT / name
        if path.suffix not in TEXTS or DATA.match(name) or not path.is_file():
            continue
        for line, text in complaints(path, path.read_text(errors="replace")):
            print(f"{name}:{line}: {text}")
            count += 1
    print(f"   {len(names)} files, {count} complaints")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
