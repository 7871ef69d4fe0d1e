#!/usr/bin/env python3
"""Published ways to attend to less, each against Sluice without the pass that knows
it, and against onnxruntime, in turns.

    attention_methods.py               all methods
    attention_methods.py duo removed   methods whose name has one of these in it

The graphs are those of test/numeric/mask_method_cases.py and layer_method_cases.py
at the sizes of real models, the results are compared with numpy in f64 before
anything is timed. A figure is the median over the blocks of Sluice's time by that of
the same model compiled with --without=PASS, and by onnxruntime's.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "test"), str(HERE.parent / "test" / "numeric"),
                str(HERE.parent / "test" / "models")]

import numpy as np
import onnx

import layer_method_cases as layers
import mask_method_cases as masks
from comparison import common_options, ratio_of, report
from graph import Graph
from peer import Peer, build_peers, interleaved_blocks, write_inputs
from support import compiler
from support.artifact import run_once
from support.paths import scratch

ATTENTION, BLOCKS = "sluice-recognise-attention", "sluice-block-masks"
GATES, TOKENS = "sluice-gate-heads", "sluice-pack-tokens"
LONG = {"tokens": 2048, "heads": 12, "size": 64}


@dataclass
class Method:
    row: str  # of the list of methods
    build: object
    without: str
    sizes: dict = field(default_factory=lambda: LONG)


METHODS = [
    Method("S05", layers.collapsed_projections, "sluice-collapse-projections",
           {"tokens": 8192, "latents": 512, "narrow": 256, "width": 1024, "heads": 1,
            "size": 256}),
    Method("S11", layers.convolved_latents, ATTENTION,
           {"tokens": 2048, "width": 768, "heads": 6, "size": 64}),
    Method("S12", layers.latent_attention, ATTENTION,
           {"tokens": 2048, "heads": 16, "size": 128, "rank": 512, "rotary": 64}),
    Method("S14", layers.packed_tokens_for_the_first, TOKENS,
           {"tokens": 128, "width": 768, "heads": 12, "layers": 4}),
    Method("S20", masks.longformer, BLOCKS, {**LONG, "reach": 128, "ends": 16}),
    Method("S20", masks.masformer, BLOCKS),
    Method("S20", masks.combiner, BLOCKS),
    Method("S20", masks.fit, ATTENTION, {**LONG, "latents": 32, "group": 128}),
    Method("S20", masks.sparse_transformer, BLOCKS, {**LONG, "stride": 128}),
    Method("S21", masks.mixture_of_block_attention, BLOCKS, {**LONG, "kept": 4}),
    Method("S21", masks.video_block_attention, BLOCKS,
           {"rows": 64, "columns": 32, "heads": 12, "size": 64, "share": 0.3}),
    Method("S22", masks.permuted_blocks, BLOCKS),
    Method("S23", masks.reused_blocks, BLOCKS),
    Method("S24", masks.proxy_attention, BLOCKS),
    Method("S25", masks.duo_attention, BLOCKS, {**LONG, "recent": 128}),
    Method("S25", masks.duo_attention_of_two_caches, ATTENTION,
           {"long": 2048, "short": 256, "heads": 8, "size": 128}),
    Method("S26", masks.long_heads, BLOCKS),
    Method("S26", masks.cluster_bounds, BLOCKS,
           {"tokens": 2560, "kept": 2048, "heads": 12, "size": 64}),
    Method("S27", masks.block_diffusion, BLOCKS),
    Method("S28", layers.removed_heads, GATES),
    Method("S28", layers.removed_layers, "sluice-drop-branches",
           {"tokens": 512, "width": 768, "heads": 12}),
    Method("S29", masks.draft_tree, ATTENTION, {"past": 2040, "heads": 12, "size": 64}),
    Method("A01", layers.mixture_of_heads, GATES, {**LONG, "width": 768}),
    Method("A02", layers.toeplitz_bias, "sluice-relative-biases"),
]


def compile_model(method, model, artifact, options, *flags):
    flags = [f"--cpu={options.cpu}", *options.flag, *flags]
    outcome = compiler.compile_model(options.build, model, artifact, flags)
    if outcome.status:
        sys.exit(f"{method.build.__name__}: {outcome.first_message()}")


def check(method, artifact, graph, expected, options):
    found = run_once(options.build, artifact, graph.feeds)
    for mine, right in zip(found, expected):
        error = np.abs(mine - right).max() / np.abs(right).max()
        if not error < 1e-4:
            sys.exit(f"{method.build.__name__}: wrong by {error}")


def measure(method, options, programs):
    """Yields a result for each number of threads."""
    folder = scratch("bench") / options.name
    folder.mkdir(exist_ok=True)
    model, inputs = folder / "model.onnx", folder / "model.inputs"
    files = {"sluice": folder / "with.so", "without": folder / "without.so",
             "onnxruntime": model}
    graph = Graph(seed=0)
    expected = method.build(graph, **method.sizes)
    onnx.save(graph.model(), model)
    write_inputs(inputs, graph.feeds)
    compile_model(method, model, files["sluice"], options)
    compile_model(method, model, files["without"], options,
                  f"--without={method.without}")
    check(method, files["sluice"], graph, expected, options)
    programs = {**programs, "without": programs["sluice"]}
    for threads in options.threads:
        with ExitStack() as stack:
            peers = {
                engine: stack.enter_context(Peer(programs[engine], file, inputs, threads))
                for engine, file in files.items()
            }
            times = interleaved_blocks(peers, options.blocks, options.milliseconds)
        ratios = {name: ratio_of(times, name) for name in ("without", "onnxruntime")}
        yield {"row": method.row, "method": method.build.__name__, "threads": threads,
               "pass": method.without, "seconds": statistics.median(times["sluice"]),
               "ratios": ratios}


HEADING = (
    "| row | method | threads | ms | without | of that | of onnxruntime |\n"
    "|---|---|---|---|---|---|---|"
)


def table_row(row):
    return (
        f"| {row['row']} | {row['method'].replace('_', ' ')} | {row['threads']} |"
        f" {row['seconds'] * 1e3:.2f} | `{row['pass']}` |"
        f" {row['ratios']['without']:.2f} | {row['ratios']['onnxruntime']:.2f} |"
    )


def main():
    parser = common_options(__doc__, "attention-methods", ())
    parser.add_argument("methods", nargs="*")
    options = parser.parse_args()
    compiler.require(options.build)
    programs = build_peers(options.build)
    methods = [method for method in METHODS if not options.methods or any(
        text in method.build.__name__ for text in options.methods)]
    report(options, "Methods of attention", HEADING, table_row,
           (row for method in methods for row in measure(method, options, programs)))


if __name__ == "__main__":
    main()
