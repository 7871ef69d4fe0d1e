#!/usr/bin/env python3
"""Compiling takes work and memory in proportion to the graph.

Counts what sluicec executes, up to the LLVM dialect, and its peak of memory, for
graphs of n/2, n and 2n nodes. What the nodes from n to 2n take may be 2.2 times what
those from n/2 to n do; 2 is in proportion. Where it is more, 2n and 4n tell whether
something began in between, such as cutting the host function, or the cost grows
faster than the graph: the first is in one of the two only. Instructions are counted under emulation,
so they are the same in every run; unlike times they show a pass that looks at every
node from every node long before it is slow.

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
from support.expectations import read_expected_failures
from support.paths import scratch
from support.runner import is_wanted, make_parser, write_summary

LARGEST_GROWTH = 2.2
# What depends on where a graph is cut, or on how an allocator grows. Something for
# each pair of 5,000 nodes is more as soon as it takes some instructions or a byte.
SLACK_INSTRUCTIONS = 50_000_000
SLACK_BYTES = 10 << 20
EXPECTED_FAILURES = Path(__file__).with_name("expected-failure.txt")
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


def growth(costs):
    """Whether three sizes grow as they should, and a text that says how they do."""
    half, less, more = costs
    # What there is anyway, such as the code of kernels that all nodes share, is in
    # none of the differences. The square would make them grow by a factor of 4.
    work = less.instructions - half.instructions, more.instructions - less.instructions
    memory = less.bytes - half.bytes, more.bytes - less.bytes
    good = (
        work[1] <= LARGEST_GROWTH * max(work[0], 0) + SLACK_INSTRUCTIONS
        and memory[1] <= LARGEST_GROWTH * max(memory[0], 0) + SLACK_BYTES
    )
    return good, (
        f"{work[0] / 1e6:.0f} million instructions, then {work[1] / 1e6:.0f},"
        f" {memory[0] / 1e6:.1f} MB, then {memory[1] / 1e6:.1f}"
    )


def check(options, make):
    """Whether it grows as it should, and a line that says how it does."""
    n = options.nodes
    try:
        costs = [measure(options, make, count) for count in (n // 2, n, 2 * n)]
        good, text = growth(costs)
        if not good:
            costs.append(measure(options, make, 4 * n))
            good, further = growth(costs[1:])
            text += f"; up to {4 * n} nodes {further}"
    except Failure as failure:
        return False, f"{make.__name__}: {failure}"
    return good, f"{make.__name__}: {text}"


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
    expected = read_expected_failures(EXPECTED_FAILURES)
    failed = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = pool.map(lambda make: check(options, make), shapes)
        for make, (good, line) in zip(shapes, outcomes):
            reason = expected.get((make.__name__, options.form))
            failed += not good and reason is None
            if not good and reason is None:
                print(f"FAIL {line}", flush=True)
            elif good and reason is not None:
                # Some are near the limit, and another LLVM may bring them below.
                print(f"better than expected: {line}", flush=True)
            elif options.verbose:
                print(line if good else f"{line}: {reason}", flush=True)
    grown = len(shapes) - failed
    print(f"   {grown} shapes of graphs grow as expected, {failed} do not")
    write_summary(options, grown, failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
