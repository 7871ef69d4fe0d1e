#!/usr/bin/env python3
"""Compile time and memory against the size of the graph.

    compile_time.py                        all shapes of graphs, static and dynamic
    compile_time.py chain loops            those with one of these texts in their name
    compile_time.py --nodes=500,5000       other sizes
    compile_time.py --only=dynamic         dynamic sizes only

The growth is the exponent of the last step: 1 is linear, 2 is quadratic. Writes a
table to benchmarks/results/NAME.md.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import argparse
import math
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "test")]

import onnx

from machine import describe
from support import compiler
from support.growing_graphs import GRAPHS
from support.paths import DEFAULT_BUILD, scratch

MEGABYTE = 1 << 20
GROWTH_LIMIT = 1.3


def measure(options, make, dynamic):
    """One outcome per number of nodes, up to the first that fails."""
    folder = scratch("compile-time")
    model, artifact = folder / "model.onnx", folder / "model.so"
    outcomes = []
    for nodes in options.nodes:
        onnx.save(make(nodes, dynamic), model)
        outcome = compiler.compile_model(
            options.build, model, artifact, timeout=options.limit
        )
        outcomes.append(outcome)
        if outcome.status:
            break
    for file in (model, artifact):
        file.unlink(missing_ok=True)
    return outcomes


def growth(options, outcomes):
    """The exponent of time against nodes in the last step, less what is fixed."""
    if len(outcomes) < 3 or outcomes[-1].status:
        return None
    fixed = outcomes[0].seconds * 0.9
    last, before = (outcomes[i].seconds - fixed for i in (-1, -2))
    steps = options.nodes[len(outcomes) - 1] / options.nodes[len(outcomes) - 2]
    return math.log(last / before) / math.log(steps) if last > before > 0 else 0


def table_row(options, name, outcomes):
    cells = [name]
    for i in range(len(options.nodes)):
        if i >= len(outcomes):
            cells.append("-")
        elif outcomes[i].status:
            cells.append(outcomes[i].first_message()[:60])
        else:
            memory = outcomes[i].peak_bytes / MEGABYTE
            cells.append(f"{outcomes[i].seconds:.2f} s, {memory:.0f} MB")
    exponent = growth(options, outcomes)
    cells.append("-" if exponent is None else f"{exponent:.1f}"
                 + (" (not linear)" if exponent > GROWTH_LIMIT else ""))
    return "| " + " | ".join(cells) + " |"


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("filters", nargs="*")
    parser.add_argument("--build", type=Path, default=DEFAULT_BUILD)
    parser.add_argument("--nodes", default="100,1000,5000,50000")
    parser.add_argument("--only", choices=("static", "dynamic"))
    parser.add_argument("--limit", type=float, default=300, help="seconds per graph")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--name", default="latest-compile-time")
    options = parser.parse_args()
    options.nodes = [int(text) for text in options.nodes.split(",")]
    return options


def main():
    options = parse_options()
    compiler.require(options.build)
    lines = ["# Compile time by nodes", ""]
    lines += [f"- {key}: {value}" for key, value in describe().items()]
    lines += ["", "| graph | " + " | ".join(f"{n} nodes" for n in options.nodes)
              + " | growth |", "|---" * (2 + len(options.nodes)) + "|"]
    print("\n".join(lines[-2:]), flush=True)
    for make in GRAPHS:
        for kind in ("static", "dynamic"):
            name = f"{make.__name__}, {kind}"
            if options.only not in (None, kind):
                continue
            if options.filters and not any(f in name for f in options.filters):
                continue
            outcomes = measure(options, make, kind == "dynamic")
            lines.append(table_row(options, name, outcomes))
            print(lines[-1], flush=True)
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / f"{options.name}.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
