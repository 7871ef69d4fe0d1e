#!/usr/bin/env python3
"""Runs Sluice's test suites and sums them up in one closing line.

    scripts/test.py [SUITE | SUITE:FILTER | PATH]...

Suites: unit (GoogleTest through ctest), lit, conformance (ONNX node tests),
operators (single operators, against onnxruntime), numeric (graphs that passes
rewrite, against onnxruntime), models (real and generated models against
onnxruntime), differential (random graphs against onnxruntime), cross (models for
other CPUs, under emulation), scaling (compiling takes work and memory in proportion
to graphs). A path below test/ runs the lit tests there.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import argparse
import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITES = (
    "unit", "lit", "conformance", "operators", "numeric", "models", "differential",
    "cross", "scaling",
)
# The instrumented runtime cannot be loaded into an uninstrumented Python.
SANITIZED_SUITES = ("unit", "lit")
SANITIZED_PRESETS = ("asan-ubsan", "tsan")
# What --quick runs instead of everything, and with which options: about three
# minutes on two cores.
QUICK = {
    "unit": (),
    "lit": (),
    "conformance": ("--sample=40",),
    "models": ("--kind=small",),
    "differential": ("--count=20",),
}


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def count_junit(path):
    """Counts of a JUnit file as lit and ctest write it."""
    counts = Counts()
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            counts.failed += 1
        elif case.find("skipped") is not None or case.get("status") in (
            "notrun",
            "disabled",
        ):
            counts.skipped += 1
        else:
            counts.passed += 1
    return counts


class Suites:
    def __init__(self, preset, jobs, quick):
        self.build = ROOT / "build" / preset
        self.quick = QUICK if quick else {}
        self.jobs = str(jobs)
        self.results = self.build / "test-results"
        self.results.mkdir(parents=True, exist_ok=True)

    def run(self, command, result, count):
        """Runs a suite that leaves its counts in the file `result`."""
        result.unlink(missing_ok=True)
        status = subprocess.run([str(part) for part in command], cwd=ROOT).returncode
        if not result.exists():
            print(f"   the suite ended with status {status} and left no result")
            return Counts(failed=1)
        counts = count(result)
        if status != 0 and counts.failed == 0:
            print(f"   the suite ended with status {status}")
            counts.failed = 1
        return counts

    def unit(self, filters):
        result = self.results / "unit.xml"
        command = ["ctest", "--test-dir", self.build, "-j", self.jobs]
        command += ["--output-on-failure", "--output-junit", result]
        command += ["--timeout", "300", "--progress"]
        if filters:
            command += ["-R", "|".join(filters)]
        return self.run(command, result, count_junit)

    def lit(self, filters):
        result = self.results / "lit.xml"
        lit = "/usr/lib/llvm-22/bin/lit"
        command = [sys.executable, lit, "-sv", "-j", self.jobs]
        command += ["--xunit-xml-output", result]
        paths = [self.build / text for text in filters if (ROOT / text).exists()]
        texts = [text for text in filters if not (ROOT / text).exists()]
        if texts:
            command += ["--filter", "|".join(texts)]
        return self.run(command + (paths or [self.build / "test"]), result, count_junit)

    def python_suite(self, name, script, filters, *options):
        result = self.results / f"{name}.json"
        command = [sys.executable, ROOT / "test" / name / script]
        command += ["--build", self.build, "--jobs", self.jobs, "--summary", result]
        command += [*options, *self.quick.get(name, ()), *filters]

        def count(path):
            data = json.loads(path.read_text())
            return Counts(data["passed"], data["failed"], data["skipped"])

        return self.run(command, result, count)

    def conformance(self, filters):
        return self.python_suite("conformance", "run.py", filters)

    def operators(self, filters):
        return self.python_suite("operators", "run.py", filters)

    def numeric(self, filters):
        return self.python_suite("numeric", "run.py", filters)

    def models(self, filters):
        return self.python_suite("models", "run.py", filters)

    def differential(self, filters):
        # The same seeds everywhere, whatever the machine's speed.
        return self.python_suite("differential", "run.py", filters, "--count=380")

    def cross(self, filters):
        return self.python_suite("cross", "run.py", filters)

    def scaling(self, filters):
        # All shapes take a quarter of an hour.
        sample = () if filters else ("--sample=6",)
        return self.python_suite("scaling", "run.py", filters, *sample)


def selection(arguments, quick):
    """The suites to run, in order, each with its filters."""
    if not arguments:
        return {suite: [] for suite in (QUICK if quick else SUITES)}
    chosen = {}
    for argument in arguments:
        suite, _, text = argument.partition(":")
        if suite in SUITES:
            chosen.setdefault(suite, [])
            if text:
                chosen[suite].append(text)
        elif (ROOT / argument).exists():
            chosen.setdefault("lit", []).append(os.path.relpath(ROOT / argument, ROOT))
        else:
            sys.exit(f"test: no suite or path '{argument}' (suites: {' '.join(SUITES)})")
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", help="SUITE, SUITE:FILTER or a path")
    parser.add_argument("--quick", action="store_true",
                        help="a sample that takes about three minutes")
    parser.add_argument("--check", action="store_true",
                        help="only whether there are such suites and paths")
    parser.add_argument("--preset", default="release")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    chosen = selection(options.what, options.quick)
    if options.check:
        return 0

    # LLVM's libraries, which are not instrumented, read and write memory that its
    # headers, which are, have marked as free in an allocator's block. And they
    # give threads a signal stack, where ASan would do the same.
    os.environ.setdefault("ASAN_OPTIONS", "allow_user_poisoning=0:use_sigaltstack=0")
    os.environ.setdefault(
        "TSAN_OPTIONS",
        f"suppressions={ROOT / 'test' / 'tsan.supp'}:ignore_noninstrumented_modules=1",
    )
    suites = Suites(options.preset, options.jobs, options.quick)
    total, lines = Counts(), []
    for name, filters in chosen.items():
        if options.preset in SANITIZED_PRESETS and name not in SANITIZED_SUITES:
            continue
        print(f"\n== {name}", flush=True)
        start = time.monotonic()
        counts = getattr(suites, name)(filters)
        seconds = time.monotonic() - start
        total.add(counts)
        lines.append(
            f"   {name:<13}{counts.passed:>6} passed {counts.failed:>5} failed"
            f" {counts.skipped:>5} skipped {seconds:>8.0f} s"
        )
        print(lines[-1], flush=True)
    print("\n== All suites")
    print("\n".join(lines))
    closing = f"{total.passed} passed, {total.failed} failed"
    print(closing + (f", {total.skipped} skipped" if total.skipped else ""))
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
