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

import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "test"), str(HERE.parent / "test" / "models")]

import numpy as np

from comparison import Comparison, common_options, write_results
from generated.builder import GraphBuilder

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


def save_model(path, depth, columns):
    """One product with constant weights and any number of rows."""
    graph = GraphBuilder("product")
    graph.input("x", ["rows", depth])
    weight = graph.random_weight("w", (depth, columns), 0.05)
    graph.output(graph.node("MatMul", ["x", weight]), "y", ["rows", columns])
    graph.save(path)


def flops_of(rows, depth, columns):
    return 2.0 * rows * depth * columns


def results_of(comparison, depth, columns):
    """A result per number of rows and threads, with one matrix of weights."""
    options = comparison.options
    save_model(comparison.model, depth, columns)
    random = np.random.default_rng(0)
    for rows in options.rows:
        if flops_of(rows, depth, columns) > options.limit * 1e9:
            continue
        comparison.compile(*([] if options.dynamic else [f"--dim=rows={rows}"]))
        for found in comparison.results(random.random((rows, depth), np.float32)):
            yield {"rows": rows, "depth": depth, "columns": columns, **found}
    comparison.remove_files()


HEADING = (
    "| rows x depth x columns | threads | ms | GFLOP/s | onnxruntime ms | ratio |\n"
    "|---|---|---|---|---|---|"
)


def table_row(row):
    mine, other = row["sluice"], row["onnxruntime"]
    flops = flops_of(row["rows"], row["depth"], row["columns"])
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
    parser = common_options(__doc__, "products", ROWS)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--shapes", default="", help="DEPTHxCOLUMNS, by commas")
    parser.add_argument("--dynamic", action="store_true",
                        help="compile for any number of rows")
    parser.add_argument("--limit", type=float, default=1e6, help="in GFLOP")
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
    comparison = Comparison(options)
    print(HEADING, flush=True)
    rows = []
    for depth, columns in chosen_shapes(options):
        for row in results_of(comparison, depth, columns):
            rows.append(row)
            print(table_row(row), flush=True)
    table = [*summary(rows), "", HEADING, *map(table_row, rows)]
    write_results(options, "Matrix products", table, {"products": rows})
    print("\n".join(summary(rows)))


if __name__ == "__main__":
    main()
