#!/usr/bin/env python3
"""Compares what this tree's compiler makes with what another revision's makes.

    ./dev compare REVISION                  all models and node tests, in all forms
    ./dev compare REVISION --sample=20      every 20th of them
    ./dev compare REVISION bert reduce_     those with one of these texts in their name
    ./dev compare REVISION --times          compile times too, and those of the kernels
                                            that changed

Objects, headers, and the messages of what is refused are compared byte for byte.
REVISION's compiler and what it made (as digests) are kept in .cache/compare; it is built
with this tree's version number, so that equal programs make equal files. The exit code
is 1 when anything differs.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Callable

import numpy as np
import onnx

ROOT = Path(__file__).resolve().parent.parent
for folder in ("test", "test/conformance", "test/models"):
    sys.path.insert(0, str(ROOT / folder))

import cases
import catalog
from forms import FORMS
from support import compiler, runner
from support.object_digest import digest, section_digests
from support.paths import CACHE, DEFAULT_BUILD, scratch

CODE = ".text."
# Kernels are measured in turns of the two builds, in each as often as takes this long.
TURNS, TURN_SECONDS = 7, 0.2


@dataclass
class Program:
    """A model in one form."""

    name: str
    path: Path
    flags: list
    inputs: Callable  # () -> {name: array}


@dataclass
class Record:
    """What a compiler made of a program."""

    status: int
    messages: str  # digest
    header: str = ""  # digest
    content: str = ""  # digest of the whole object
    sections: dict = field(default_factory=dict)  # digests by name
    processor_seconds: float = 0.0


class Compiler:
    """A build of sluicec, and its records where it is a kept one."""

    def __init__(self, build, records=None):
        self.build = build
        self.records = records
        self.known = {}
        self.lock = threading.Lock()
        if records and records.exists():
            for line in records.read_text().splitlines():
                name, model, values = json.loads(line)
                self.known[name, model] = Record(**values)

    def record(self, program, again):
        """`again` also where the result is known: for its time."""
        # A model that changed is another one.
        key = (program.name, digest(program.path.read_bytes(), *program.flags))
        if key in self.known and not again:
            return self.known[key]
        made = self.compile(program)
        if self.records and key not in self.known:
            with self.lock, open(self.records, "a") as file:
                print(json.dumps([*key, asdict(made)]), file=file)
        self.known[key] = made
        return made

    def compile(self, program):
        # The same name for both compilers: messages and headers have it.
        folder = scratch("compare") / f"{threading.get_ident()}"
        folder.mkdir(exist_ok=True)
        target = folder / "model.o"
        # Small programs would only wait for their threads.
        flags = [*program.flags, "--jobs=1"]
        outcome = compiler.compile_model(self.build, program.path, target, flags)
        record = Record(
            status=outcome.status,
            messages=digest(outcome.messages.replace(str(folder), "")),
            processor_seconds=outcome.processor_seconds,
        )
        if target.exists():
            content = target.read_bytes()
            record.content = digest(content)
            record.sections = section_digests(content)
        header = target.with_suffix(".h")
        if header.exists():
            record.header = digest(header.read_bytes())
        for path in (target, header):
            path.unlink(missing_ok=True)
        return record


def all_programs(is_wanted):
    for model in catalog.MODELS:
        # Those that nobody wants are not downloaded or generated.
        wanted = [form for form in catalog.FORMS if is_wanted(f"{model.name} {form}")]
        if not wanted:
            continue
        path = model.find()
        graph = onnx.load(str(path), load_external_data=False).graph
        for form, flags in model.forms(graph).items():
            if form in wanted:
                inputs = functools.partial(model.make_inputs, 0)
                yield Program(f"{model.name} {form}", path, flags, inputs)
    for case in cases.load():
        given = dict(zip(case.input_names, case.inputs))
        for form in FORMS:
            values = {} if form == "constant" else given
            if is_wanted(f"{case.name} {form}"):
                yield Program(f"{case.name} {form}", case.model(form), [], values.copy)


def differences(base, new):
    """What differs, in words; nothing where all is equal."""
    if base.status != new.status:
        return [f"exit code {base.status} is now {new.status}"]
    found = []
    if base.messages != new.messages:
        found.append("messages")
    if base.header != new.header:
        found.append("header")
    names = changed_sections(base, new)
    found += [f"code of {name[len(CODE):]}" for name in names if name.startswith(CODE)]
    found += [name for name in names if not name.startswith(CODE)]
    if not names and base.content != new.content:
        found.append("order of sections or symbols")
    return found


def changed_sections(base, new):
    names = sorted({*base.sections, *new.sections})
    return [n for n in names if base.sections.get(n) != new.sections.get(n)]


class KernelTimes:
    """Times of a program's kernels, of two builds in turns."""

    def __init__(self, program, builds):
        folder = scratch("compare")
        inputs = folder / "inputs.npz"
        np.savez(inputs, **program.inputs())
        self.commands = []
        for number, build in enumerate(builds):
            artifact = folder / f"timed{number}.so"
            outcome = compiler.compile_model(build, program.path, artifact, program.flags)
            if outcome.status != compiler.OK:
                raise RuntimeError(outcome.first_message())
            command = [build / "bin" / "sluice-run", artifact, "--quiet", "--threads=1"]
            command += ["--profile", "--json=-", f"--inputs={inputs}"]
            self.commands.append([str(word) for word in command])

    def run(self, command, repeat):
        words = ["nice", "-n", "-20"] if os.geteuid() == 0 else []
        words += [*command, f"--repeat={repeat}"]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return json.loads(done.stdout)

    def measure(self):
        """[{kernel: milliseconds} of each build]: medians of the turns."""
        once = self.run(self.commands[0], 3)["latency_ms"]["p50"]
        repeat = min(max(int(TURN_SECONDS * 1e3 / max(once, 1e-3)), 3), 10000)
        turns = [{} for _ in self.commands]
        for _ in range(TURNS):
            for command, times in zip(self.commands, turns):
                for kernel in self.run(command, repeat)["kernels"]:
                    times.setdefault(kernel["name"], []).append(kernel["ms"])
        return [{k: statistics.median(v) for k, v in times.items()} for times in turns]


def print_kernel_times(program, base, new, builds):
    """Times of the kernels whose code differs; those of one build only have one."""
    names = {
        name[len(CODE):] for name in changed_sections(base, new) if name.startswith(CODE)
    }
    try:
        before, after = KernelTimes(program, builds).measure()
    except RuntimeError as error:
        print(f"      not measured: {error}")
        return
    for name in sorted({*before, *after}):
        # A kernel's loops over blocks are functions of their own.
        if not any(other == name or other.startswith(f"{name}_body") for other in names):
            continue
        texts = [f"{t[name] * 1e3:10.2f} us" if name in t else f"{'none':>13}"
                 for t in (before, after)]
        both = name in before and name in after
        ratio = f"{after[name] / before[name]:8.2f}" if both else ""
        print(f"      {name:<40}{texts[0]}{texts[1]}{ratio}")


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("filters", nargs="*", help="texts in the programs' names")
    parser.add_argument("--base", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--build", type=Path, default=DEFAULT_BUILD)
    parser.add_argument("--sample", type=int, default=1, metavar="N",
                        help="every Nth program only")
    parser.add_argument("--times", action="store_true",
                        help="measure compilers and changed kernels (a quiet machine)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--all", action="store_true", help="print every difference")
    options = parser.parse_args()
    if options.times:
        options.jobs = 1
    return options


def choose(options):
    is_wanted = functools.partial(runner.is_wanted, options=options)
    return list(all_programs(is_wanted))[:: options.sample]


def compare(programs, compilers, options):
    """[(program, its two records)], in order; says how far it is."""
    done, lock, last = 0, threading.Lock(), [time.monotonic()]

    def both(program):
        nonlocal done
        records = [c.record(program, again=options.times) for c in compilers]
        with lock:
            done += 1
            if time.monotonic() - last[0] > 20:
                last[0] = time.monotonic()
                print(f"   {done}/{len(programs)} programs", flush=True)
        return program, records

    with ThreadPoolExecutor(options.jobs) as pool:
        return list(pool.map(both, programs))


def report(results, compilers, options):
    different = 0
    for program, (base, new) in results:
        found = differences(base, new)
        if not found:
            continue
        different += 1
        shown = found if options.all else found[:6]
        more = f", and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
        print(f"   {program.name}: {', '.join(shown)}{more}")
        if options.times and base.status == new.status == compiler.OK:
            print_kernel_times(program, base, new, [c.build for c in compilers])
    print(f"   {len(results) - different} of {len(results)} programs are the same")
    if options.times:
        before, after = (sum(r[i].processor_seconds for _, r in results) for i in (0, 1))
        print(f"   compilers took {before:.1f} s and {after:.1f} s of processor time:"
              f" {after / before:.3f}")
    return different


def main():
    options = parse_options()
    compilers = [
        Compiler(options.base / "build", options.base / "records.jsonl"),
        Compiler(options.build),
    ]
    results = compare(choose(options), compilers, options)
    return 1 if report(results, compilers, options) else 0


if __name__ == "__main__":
    sys.exit(main())
