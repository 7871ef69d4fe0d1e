#!/usr/bin/env python3
"""Checks that no folder of the compiler includes one above it, and that what is
neutral names no target's.

    scripts/lint_layers.py [ROOT]

Part of Sluice, under the Apache License v2.0. See LICENSE.
"""

import re
import sys
from pathlib import Path

# From the bottom to the top; folders of one step do not include each other.
LAYERS = [
    {"Support"}, {"dialects"}, {"Analysis"}, {"Codegen"}, {"Import", "Transforms"},
    {"Conversion"}, {"Target"}, {"Artifact"}, {"ConstantEvaluation"}, {"Pipeline"},
    {"Driver"}, {"tools"},
]
HEIGHT = {name: step for step, names in enumerate(LAYERS) for name in names}

# What each folder of Codegen may include of Codegen; files that lie beside these
# folders know all of them.
CODEGEN = {
    "Elements": {"Elements"},
    "Rows": {"Elements", "Rows"},
    "CPU": {"Elements", "Rows", "CPU", "Providers"},
    "Providers": {"Providers"},
    "OneDnn": {"Elements", "Rows", "CPU", "Providers", "OneDnn"},  # It computes on the CPU.
}

# What the folders of Codegen that know no target do not name.
NEUTRAL = {"Elements", "Rows"}
TARGETS = re.compile(r"\b(vector|LLVM|gpu|nvvm)::|\b(VectorType|MachineModel)\b|"
                     r"\b[Nn]anosecond|mlir/Dialect/(LLVMIR|Vector|GPU|NVGPU)")

INCLUDE = re.compile(r'\s*#?\s*include "([^"]+)"')


def folders(path):
    """The folders that a path goes through below `lib`, or `include/sluice`, or
    what stands for these in an include; none for what is not the compiler's."""
    parts = Path(path).parts[:-1]
    for start in (("include", "sluice"), ("sluice",), ("lib",)):
        if parts[: len(start)] == start:
            return parts[len(start):]
    return parts if parts and parts[0] in ("dialects", "tools") else ()


def complaint(file, included):
    """Why a file must not include what it does; None where it may."""
    if ".." in Path(included).parts:
        return "a header of another folder lies in include/sluice"
    here, there = folders(file), folders(included)
    if not here or not there or there[0] not in HEIGHT:
        return None
    if here[0] not in HEIGHT:
        return f"{here[0]} has no place among the layers"
    if here[0] != there[0]:
        if HEIGHT[there[0]] < HEIGHT[here[0]]:
            return None
        return f"{there[0]} is not below {here[0]}"
    if here[0] == "Codegen" and len(here) > 1:
        if len(there) == 1 or there[1] not in CODEGEN.get(here[1], {here[1]}):
            return f"{'/'.join(there[:2])} is not below {'/'.join(here[:2])}"
    return None


def target_named(file, line):
    """Why a line of neutral code is not neutral; None where it is."""
    here = folders(file)
    if here[:1] != ("Codegen",) or not NEUTRAL & set(here[1:2]):
        return None
    match = TARGETS.search(line)
    return match and f"'{match.group()}' is a target's word"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent)
    files = sorted(
        path
        for folder in ("lib", "include", "dialects", "tools")
        for path in (root / folder).rglob("*")
        if path.suffix in (".h", ".cpp", ".td")
    )
    count = 0
    for path in files:
        name = path.relative_to(root)
        lines = path.read_text(errors="replace").splitlines()
        for number, line in enumerate(lines, start=1):
            match = INCLUDE.match(line)
            why = match and complaint(name, match.group(1))
            if why:
                print(f"{name}:{number}: includes {match.group(1)}: {why}")
                count += 1
            why = target_named(name, line)
            if why:
                print(f"{name}:{number}: {why}")
                count += 1
    print(f"   {len(files)} files, {count} things that point up")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
