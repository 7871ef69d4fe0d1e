"""What benchmarks of single operators against onnxruntime share: how a graph is
compiled and measured in turns, their common options, and how results are written."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import argparse
import json
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path

from machine import describe
from peer import Peer, build_peers, interleaved_blocks, write_inputs
from support import compiler
from support.paths import DEFAULT_BUILD, scratch

RESULTS = Path(__file__).resolve().parent / "results"


def numbers(text):
    """The value of an option: integers, separated by commas."""
    return [int(part) for part in text.split(",")]


def common_options(description, name, rows):
    """A parser with the options of all such benchmarks; `name` is that of the result
    files, `rows` the numbers of rows that are measured by default."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", type=Path, default=DEFAULT_BUILD)
    parser.add_argument("--rows", type=numbers, default=list(rows))
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--cpu", default="native")
    parser.add_argument("--flag", action="append", default=[], help="for sluicec")
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument("--milliseconds", type=int, default=60)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--name", default=name, help="of the result files")
    return parser


def measure(peers, blocks, milliseconds):
    """Medians of seconds, and of Sluice's by onnxruntime's."""
    times = interleaved_blocks(peers, blocks, milliseconds)
    return {
        **{name: statistics.median(values) for name, values in times.items()},
        "ratio": ratio_of(times, "onnxruntime"),
    }


class Comparison:
    """Compiles graphs with one input, and runs them in both engines."""

    def __init__(self, options):
        self.options = options
        self.programs = build_peers(options.build)
        compiler.require(options.build)
        folder = scratch("bench") / options.name
        folder.mkdir(exist_ok=True)
        self.model, self.artifact = folder / "model.onnx", folder / "model.so"
        self.inputs = folder / "model.inputs"

    def compile(self, *flags):
        """Of the file `model`."""
        flags = [f"--cpu={self.options.cpu}", *flags, *self.options.flag]
        outcome = compiler.compile_model(
            self.options.build, self.model, self.artifact, flags
        )
        if outcome.status:
            sys.exit(outcome.first_message())

    def results(self, x):
        """For each number of threads that number, and what `measure` finds."""
        write_inputs(self.inputs, {"x": x})
        files = {"sluice": self.artifact, "onnxruntime": self.model}
        for threads in self.options.threads:
            with ExitStack() as stack:
                peers = {
                    name: stack.enter_context(
                        Peer(self.programs[name], file, self.inputs, threads)
                    )
                    for name, file in files.items()
                }
                found = measure(peers, self.options.blocks, self.options.milliseconds)
            yield {"threads": threads, **found}

    def remove_files(self):
        for path in (self.model, self.artifact, self.inputs):
            path.unlink(missing_ok=True)


def ratio_of(times, other):
    """The median of Sluice's times by another one's in the same blocks."""
    return statistics.median(mine / its for mine, its in zip(times["sluice"], times[other]))


def report(options, title, heading, render, rows):
    """Prints each row as it comes, and writes all of them."""
    print(heading, flush=True)
    kept = []
    for row in rows:
        kept.append(row)
        print(render(row), flush=True)
    write_results(options, title, [heading, *map(render, kept)], {title.lower(): kept})


def write_results(options, title, table, data):
    """NAME.md with the lines of `table`, and NAME.json with `data`."""
    options.results.mkdir(parents=True, exist_ok=True)
    command = " ".join([f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    machine = describe()
    data = {"command": command, "machine": machine, "cpu": options.cpu, **data}
    (options.results / f"{options.name}.json").write_text(json.dumps(data, indent=1))
    lines = [f"# {title}", "", f"`{command}`", ""]
    lines += [f"- {key}: {value}" for key, value in machine.items()]
    lines += ["", *table]
    (options.results / f"{options.name}.md").write_text("\n".join(lines) + "\n")
