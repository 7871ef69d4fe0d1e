#!/usr/bin/env python3
"""Compiling takes work and memory in proportion to the graph.

Counts what sluicec executes, up to the LLVM dialect, and its peak of memory, for
graphs of n and of 2n nodes: beyond what a compilation takes anyway, both may grow by
a factor of 2.2. Instructions are counted under emulation, so they are the same in
every run; unlike times they show a pass that looks at every node from every node
long before it is slow.

    run.py                          all shapes of graphs, dynamic sizes, n = 2,500
    run.py chain loops              those with one of these texts in their name
    run.py --form=static            static sizes
    run.py --nodes=10000 -v         other sizes, and all numbers
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import math
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
# What memory differs by from run to run.
SLACK_BYTES = 2 << 20
EMULATOR = f"qemu-{platform.machine()}"
# The CPU is given because the emulator plays another one than there is; one thread
# does the same in every run.
FLAGS = ("--emit=llvm-dialect", "--cpu=x86-64-v3", "--triple=x86_64-linux-gnu", "--jobs=1")


@dataclass
class Cost:
    nodes: int
    instructions: int
    bytes: int


def growth(costs, what):
    """The factor from n to 2n nodes, and what a node takes at first.

    What is there anyway, such as the code of kernels that all nodes share, is known
    from a small graph and left out: 2 is in proportion, 4 the square.
    """
    small, less, more = (getattr(cost, what) for cost in costs)
    each = (less - small) / (costs[1].nodes - costs[0].nodes)
    later = (more - less) / (costs[2].nodes - costs[1].nodes)
    return 1 + later / each if each > 0 else math.inf, each


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
    cost = Cost(nodes, int(count.read_text()), plain.peak_bytes)
    shutil.rmtree(folder)
    return cost


def check(options, make):
    """Whether it grows as it should, and a line that says how it does."""
    n = options.nodes
    try:
        costs = [measure(options, make, nodes) for nodes in (n // 10, n, 2 * n)]
    except Failure as failure:
        return False, f"{make.__name__}: {failure}"
    work, instructions = growth(costs, "instructions")
    memory, room = growth(costs, "bytes")
    allowed = n * max(room, 0) * (LARGEST_GROWTH - 1) + SLACK_BYTES
    good = work <= LARGEST_GROWTH and costs[2].bytes - costs[1].bytes <= allowed
    return good, (
        f"{make.__name__}: {instructions:.0f} instructions a node grow {work:.2f}x,"
        f" {room:.0f} bytes a node {memory:.2f}x"
    )


def main():
    parser = make_parser(__doc__, "texts in the names of shapes")
    parser.add_argument("--nodes", type=int, default=2500, help="n")
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
    ]
    failed = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for good, line in pool.map(lambda make: check(options, make), shapes):
            failed += not good
            if options.verbose or not good:
                print(line if good else f"FAIL {line}", flush=True)
    grown = len(shapes) - failed
    print(f"   {grown} shapes of graphs compile in proportion to nodes, {failed} do not")
    write_summary(options, grown, failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
