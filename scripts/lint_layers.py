#!/usr/bin/env python3
"""Checks that no folder of the compiler includes or links one above it, that
libraries do not need each other in circles, and that what is neutral names no
target's.

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

# How CMakeLists.txt say what is made of what (cmake/SluiceTargets.cmake).
MADE = re.compile(r"^\s*(?:add_sluice_library|add_sluice_tool|add_library|add_executable)"
                  r"\s*\(\s*(\w[\w-]*)([^)]*)\)", re.MULTILINE)
LINKED = re.compile(r"^\s*target_link_libraries\s*\(\s*(\w[\w-]*)([^)]*)\)", re.MULTILINE)


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
    return above(folders(file), folders(included))


def above(here, there):
    """Why what lies in one folder must not rely on the other; None where it may."""
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


def target_links(root):
    """The libraries and tools by name: the file that makes them, its folder, and
    what is linked with the line that says so."""
    targets = {}
    for path in sorted(
        path
        for folder in ("lib", "dialects", "tools")
        for path in (root / folder).rglob("CMakeLists.txt")
    ):
        name = path.relative_to(root)
        # Comments may name anything; lines keep their numbers.
        text = re.sub(r"#[^\n]*", "", path.read_text(errors="replace"))
        for pattern in (MADE, LINKED):
            for match in pattern.finditer(text):
                target, words = match.group(1), match.group(2).split()
                if pattern is MADE:
                    words = words[words.index("LINK") + 1:] if "LINK" in words else []
                line = text.count("\n", 0, match.start(1)) + 1
                links = targets.setdefault(target, (name, folders(name), []))[2]
                links += [(word, line) for word in words
                          if word not in ("PUBLIC", "PRIVATE", "INTERFACE")]
    return targets


def circle_from(target, targets, done):
    """Targets that need each other in a circle, of which the first is the last
    too; empty where none of those that `target` needs do. `done` are those that
    were visited before."""
    path, pending = [], [(target, False)]
    while pending:
        name, left = pending.pop()
        if left:
            path.pop()
            done.add(name)
            continue
        if name in path:
            return path[path.index(name):] + [name]
        if name in done:
            continue
        path.append(name)
        pending.append((name, True))
        pending += [(linked, False) for linked, _ in targets[name][2] if linked in targets]
    return []


def link_complaints(root):
    """What targets link although they must not."""
    targets = target_links(root)
    for name, (file, here, links) in targets.items():
        for linked, line in links:
            there = targets[linked][1] if linked in targets else ()
            # A library of Codegen itself has sources of all its folders: who may
            # not need these is in a circle with it.
            why = None if there == ("Codegen",) and here[:1] == there else above(here, there)
            if why:
                yield f"{file}:{line}: {name} links {linked}: {why}"
    done = set()
    for name in targets:
        circle = circle_from(name, targets, done)
        if circle:
            yield f"{targets[circle[0]][0]}: in a circle: {' links '.join(circle)}"
            return


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
    for why in link_complaints(root):
        print(why)
        count += 1
    print(f"   {len(files)} files, {count} things that point up")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
