#!/usr/bin/env python3
"""Compiling takes work and memory in proportion to the graph.

Counts what sluicec executes, up to the LLVM dialect, and its peak of memory, for
graphs of n/2, n and 2n nodes. What the nodes from n to 2n take may be 2.2 times what
those from n/2 to n do; 2 is in proportion. Where it is more, larger graphs tell whether
something begins at a size, such as cutting the host function, or the cost grows
faster than the graph: what begins at a size makes the factor fall towards 2 from there
on, and something for each pair of nodes makes it rise towards 4. Instructions are
counted under emulation, so they are the same in every run; unlike times they show a
pass that looks at every node from every node long before it is slow.

    run.py                          all shapes of graphs, dynamic sizes, n = 2,500
    run.py chain loops              those with one of these texts in their name
    run.py --form=static            static sizes
    run.py --nodes=10000 -v         other sizes, and all numbers
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import platform
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import onnx
from support import compiler, growing_graphs
from support.paths import scratch
from support.runner import is_wanted, make_parser, write_summary

LARGEST_GROWTH = 2.2
# How many times n a graph may become until its growth is at most that.
LARGEST_GRAPH = 8
# What depends on where a graph is cut, or on how an allocator grows. Something for
# each pair of 5,000 nodes is more as soon as it takes some instructions or a byte.
SLACK_INSTRUCTIONS = 50_000_000
SLACK_BYTES = 10 << 20
EMULATOR = f"qemu-{platform.machine()}"
# The CPU is given because the emulator plays another one than there is; one thread
# does the same in every run.
FLAGS = ("--emit=llvm-dialect", "--cpu=x86-64-v3", "--triple=x86_64-linux-gnu", "--jobs=1")


@dataclass
class Cost:
    instructions: int
    bytes: int


class Failure(Exception):
    """A graph that was not compiled as it should; the text says how."""


def run(command, expected):
    outcome = compiler.measured_run(command, timeout=600)
    if outcome.status != expected:
        raise Failure(outcome.first_message())
    return outcome


def measure(options, make, nodes):
    folder = scratch("scaling") / f"{make.__name__}-{nodes}-{options.form}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    model, count = folder / "model.onnx", folder / "count"
    onnx.save(make(nodes, dynamic=options.form == "dynamic"), model)
    is_refused = make is growing_graphs.unsupported
    expected = compiler.UNSUPPORTED if is_refused else compiler.OK
    command = [options.build / "bin" / "sluicec", model, "-o", folder / "out", *FLAGS]
    plain = run(command, expected)
    plugin = options.build / "lib" / "instruction-counter.so"
    run([EMULATOR, "-plugin", f"{plugin},out={count}", *command], expected)
    cost = Cost(int(count.read_text()), plain.peak_bytes)
    shutil.rmtree(folder)
    return cost


@dataclass
class Growth:
    """What the nodes from n/2 to n and those from n to 2n take."""

    instructions: tuple
    bytes: tuple

    @classmethod
    def of(cls, half, less, more):
        # What there is anyway, such as the code of kernels that all nodes share, is in
        # none of the differences.
        return cls(
            (less.instructions - half.instructions, more.instructions - less.instructions),
            (less.bytes - half.bytes, more.bytes - less.bytes),
        )

    @staticmethod
    def factor(pair, slack):
        return (pair[1] - slack) / max(pair[0], 1)

    def factors(self):
        return (
            self.factor(self.instructions, SLACK_INSTRUCTIONS),
            self.factor(self.bytes, SLACK_BYTES),
        )

    def is_good(self):
        return all(factor <= LARGEST_GROWTH for factor in self.factors())

    def falls_from(self, before):
        """Whether what was too much before has become less."""
        return all(
            factor <= max(LARGEST_GROWTH, earlier)
            for factor, earlier in zip(self.factors(), before.factors())
        )

    def __str__(self):
        work, memory = self.instructions, self.bytes
        return (
            f"{work[0] / 1e6:.0f} million instructions, then {work[1] / 1e6:.0f},"
            f" {memory[0] / 1e6:.1f} MB, then {memory[1] / 1e6:.1f}"
        )


def check(options, make):
    """Whether it grows as it should, and a line that says how it does."""
    n = options.nodes
    try:
        costs = [measure(options, make, count) for count in (n // 2, n, 2 * n)]
        growth = Growth.of(*costs)
        text, largest, falls = str(growth), 2 * n, True
        while not growth.is_good() and falls and largest < LARGEST_GRAPH * n:
            largest *= 2
            costs.append(measure(options, make, largest))
            before, growth = growth, Growth.of(*costs[-3:])
            falls = growth.falls_from(before)
            text += f"; up to {largest} nodes {growth}"
    except Failure as failure:
        return False, f"{make.__name__}: {failure}"
    return growth.is_good(), f"{make.__name__}: {text}"


def main():
    parser = make_parser(__doc__, "texts in the names of shapes")
    parser.add_argument("--nodes", type=int, default=2500, help="n")
    parser.add_argument("--sample", type=int, default=1, metavar="N",
                        help="every Nth shape only")
    parser.add_argument("--form", choices=("dynamic", "static"), default="dynamic")
    parser.add_argument("-v", "--verbose", action="store_true", help="all numbers")
    options = parser.parse_args()
    compiler.require(options.build)
    if not shutil.which(EMULATOR):
        sys.exit(f"scaling: no {EMULATOR}: run ./dev setup")
    shapes = [
        make
        for make in (*growing_graphs.GRAPHS, growing_graphs.unsupported)
        if is_wanted(make.__name__, options)
    ][:: options.sample]
    failed = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = pool.map(lambda make: check(options, make), shapes)
        for good, line in outcomes:
            failed += not good
            if not good or options.verbose:
                print(line if good else f"FAIL {line}", flush=True)
    grown = len(shapes) - failed
    print(f"   {grown} shapes of graphs grow in proportion, {failed} do not")
    write_summary(options, grown, failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
