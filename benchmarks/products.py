#!/usr/bin/env python3
"""Matrix products of language and vision models against onnxruntime, in turns.

    products.py                       all shapes, 1 to 4096 rows, 1 and 2 threads
    products.py gpt2 llama-7b         shapes of these models
    products.py --rows=1,128          only so many rows
    products.py --cpu=x86-64-v3       Sluice's code for another CPU than this one
    products.py --limit=50            none of more than 50 GFLOP

Weights are constants. A figure is the median over the blocks of Sluice's time by
onnxruntime's in the same block, which cancels what else runs on the machine.
Writes benchmarks/results/NAME.{md,json}.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "test"), str(HERE.parent / "test" / "models")]

import numpy as np

from generated.builder import GraphBuilder
from machine import describe
from peer import REST_SECONDS, Peer, build_peers, write_inputs
from support import compiler
from support.paths import DEFAULT_BUILD, scratch

ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)
# Depth and columns of the weights, and the models that have them.
SHAPES = (
    (768, 768, "gpt2 bert vit"),
    (768, 1000, "vit"),
    (768, 2304, "gpt2 vit"),
    (768, 3072, "gpt2 bert vit"),
    (3072, 768, "gpt2 bert vit"),
    (768, 50257, "gpt2"),
    (1024, 1024, "bert-large vit-large"),
    (1024, 4096, "bert-large vit-large"),
    (4096, 1024, "bert-large vit-large"),
    (2048, 256, "llama-1b"),
    (2048, 2048, "llama-1b"),
    (2048, 5632, "llama-1b"),
    (5632, 2048, "llama-1b"),
    (2048, 32000, "llama-1b"),
    (4096, 4096, "llama-7b"),
    (4096, 11008, "llama-7b"),
    (11008, 4096, "llama-7b"),
    (4096, 32000, "llama-7b"),
)


@dataclass
class Product:
    rows: int
    depth: int
    columns: int
    threads: int

    @property
    def flops(self):
        return 2.0 * self.rows * self.depth * self.columns


def save_model(path, depth, columns):
    """One product with constant weights and any number of rows."""
    graph = GraphBuilder("product")
    graph.input("x", ["rows", depth])
    weight = graph.random_weight("w", (depth, columns), 0.05)
    graph.output(graph.node("MatMul", ["x", weight]), "y", ["rows", columns])
    graph.save(path)


def measure(peers, blocks, milliseconds):
    """Medians of seconds, and of Sluice's by onnxruntime's."""
    times = {name: [] for name in peers}
    for _ in range(blocks):
        for name, peer in peers.items():
            times[name].append(peer.block(milliseconds))
            time.sleep(REST_SECONDS)
    ratios = [mine / other for mine, other in zip(times["sluice"], times["onnxruntime"])]
    return {
        **{name: statistics.median(values) for name, values in times.items()},
        "ratio": statistics.median(ratios),
    }


class ShapeBench:
    """All numbers of rows with one matrix of weights."""

    def __init__(self, options, programs, depth, columns):
        self.options, self.programs = options, programs
        self.depth, self.columns = depth, columns
        self.folder = scratch("bench")
        self.model = self.folder / "product.onnx"
        self.artifact = self.folder / "product.so"
        self.inputs = self.folder / "product.inputs"

    def rows(self):
        """A result per number of rows and threads."""
        save_model(self.model, self.depth, self.columns)
        random = np.random.default_rng(0)
        for rows in self.options.rows:
            product = Product(rows, self.depth, self.columns, 0)
            if product.flops > self.options.limit * 1e9:
                continue
            values = random.random((rows, self.depth), np.float32)
            write_inputs(self.inputs, {"x": values})
            self.compile(rows)
            for threads in self.options.threads:
                product.threads = threads
                yield {**vars(product), **self.compare(threads)}
        for path in self.folder.glob("product*"):
            path.unlink()

    def compile(self, rows):
        flags = [f"--cpu={self.options.cpu}", *self.options.flag]
        if not self.options.dynamic:
            flags.append(f"--dim=rows={rows}")
        outcome = compiler.compile_model(
            self.options.build, self.model, self.artifact, flags
        )
        if outcome.status:
            sys.exit(outcome.first_message())

    def compare(self, threads):
        files = {"sluice": self.artifact, "onnxruntime": self.model}
        peers = {}
        try:
            for name, file in files.items():
                peers[name] = Peer(self.programs[name], file, self.inputs, threads)
            return measure(peers, self.options.blocks, self.options.milliseconds)
        finally:
            for peer in peers.values():
                peer.close()


HEADING = (
    "| rows x depth x columns | threads | ms | GFLOP/s | onnxruntime ms | ratio |\n"
    "|---|---|---|---|---|---|"
)


def table_row(row):
    mine, other = row["sluice"], row["onnxruntime"]
    flops = 2.0 * row["rows"] * row["depth"] * row["columns"]
    return (
        f"| {row['rows']}x{row['depth']}x{row['columns']} | {row['threads']} |"
        f" {mine * 1e3:.3f} | {flops / mine / 1e9:.0f} | {other * 1e3:.3f} |"
        f" {row['ratio']:.2f} |"
    )


def summary(rows):
    """Geometric mean and worst of the ratios, by number of threads."""
    lines = []
    for threads in sorted({row["threads"] for row in rows}):
        ratios = [row["ratio"] for row in rows if row["threads"] == threads]
        slower = sum(ratio > 1 for ratio in ratios)
        lines.append(
            f"- {threads} thread{'s' * (threads > 1)}: {len(ratios)} products,"
            f" {statistics.geometric_mean(ratios):.2f} of onnxruntime's time in the"
            f" geometric mean, {max(ratios):.2f} at most, {slower} slower"
        )
    return lines


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    numbers = lambda text: [int(part) for part in text.split(",")]
    parser.add_argument("models", nargs="*")
    parser.add_argument("--build", type=Path, default=DEFAULT_BUILD)
    parser.add_argument("--rows", type=numbers, default=list(ROWS))
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--shapes", default="", help="DEPTHxCOLUMNS, by commas")
    parser.add_argument("--cpu", default="native")
    parser.add_argument("--flag", action="append", default=[], help="for sluicec")
    parser.add_argument("--dynamic", action="store_true",
                        help="compile for any number of rows")
    parser.add_argument("--limit", type=float, default=1e6, help="in GFLOP")
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument("--milliseconds", type=int, default=60)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--name", default="products", help="of the result files")
    return parser.parse_args()


def chosen_shapes(options):
    if options.shapes:
        return [tuple(map(int, s.split("x"))) for s in options.shapes.split(",")]
    return [
        (depth, columns)
        for depth, columns, models in SHAPES
        if not options.models or set(options.models) & set(models.split())
    ]


def main():
    options = parse_options()
    programs = build_peers(options.build)
    compiler.require(options.build)
    print(HEADING, flush=True)
    rows = []
    for depth, columns in chosen_shapes(options):
        for row in ShapeBench(options, programs, depth, columns).rows():
            rows.append(row)
            print(table_row(row), flush=True)
    options.results.mkdir(parents=True, exist_ok=True)
    command = "benchmarks/products.py " + " ".join(sys.argv[1:])
    data = {"command": command, "machine": describe(), "cpu": options.cpu, "products": rows}
    (options.results / f"{options.name}.json").write_text(json.dumps(data, indent=1))
    lines = ["# Matrix products", "", f"`{command.strip()}`", ""]
    lines += [f"- {key}: {value}" for key, value in data["machine"].items()]
    lines += ["", *summary(rows), "", HEADING, *map(table_row, rows)]
    (options.results / f"{options.name}.md").write_text("\n".join(lines) + "\n")
    print("\n".join(summary(rows)))


if __name__ == "__main__":
    main()
