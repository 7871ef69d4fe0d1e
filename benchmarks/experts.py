#!/usr/bin/env python3
"""Mixtures of experts beside what the chosen experts need at least, in turns.

    experts.py                          8 experts of 1024 and 2048, two for each token
    experts.py --rows=1,16 --threads=1,2
    experts.py --shape=64x6x1024x512    experts, chosen, model and inner size
    experts.py --skewed                 half of the pairs are the first expert's
    experts.py --cpu=x86-64-v3 --alone  without onnxruntime

A layer is onnxruntime's MoE operator with SiLU; the router's scores are an input. The floor
is the longer of the multiply-adds of the chosen experts at the peak that `peers/peak.c`
reaches on registers, and of a plain read of their weights (`peers/read.c`). A figure is
the median over the blocks of a time by the floor of the same block: of the whole run, and
of the two products alone, by their share of a profile. Writes
benchmarks/results/NAME.{md,json}.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "test")]

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from comparison import common_options, report
from machine import Peak, Reader
from peer import REST_SECONDS, Peer, build_peers, write_inputs
from support import compiler
from support.paths import scratch

ROWS = (1, 16, 128, 512)


def save_model(path, shape):
    experts, chosen, size, inner = shape
    random = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(
            random.standard_normal(dims, np.float32) * np.float32(0.02), name)
        for name, dims in (("w1", (experts, inner, size)), ("b1", (experts, inner)),
                           ("w2", (experts, size, inner)), ("b2", (experts, size)))]
    tensor = lambda name, *dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    node = helper.make_node(
        "MoE", ["x", "scores", "w1", "b1", "w2", "b2"], ["y"], domain="com.microsoft", k=chosen,
        activation_type="silu", normalize_routing_weights=1)
    graph = helper.make_graph(
        [node], "experts", [tensor("x", "tokens", size), tensor("scores", "tokens", experts)],
        [tensor("y", "tokens", size)], weights)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)


def draw(tokens, shape, skewed):
    """Inputs, and how many experts have tokens."""
    experts, chosen, size, _ = shape
    random = np.random.default_rng(1)
    scores = random.standard_normal((tokens, experts), np.float32)
    if skewed:
        scores[:, 0] = 9
    best = np.argsort(-scores, axis=1)[:, :chosen]
    x = random.standard_normal((tokens, size), np.float32)
    return {"x": x, "scores": scores}, len(np.unique(best))


def measure(options, programs, peak, tokens, threads):
    experts, chosen, size, inner = options.shape
    folder = scratch("bench") / options.name
    inputs = folder / "experts.inputs"
    feeds, used = draw(tokens, options.shape, options.skewed)
    write_inputs(inputs, feeds)
    flops = 2.0 * tokens * chosen * 2 * size * inner
    own, floors, ratios, others = [], [], [], []
    with ExitStack() as stack:
        start = lambda engine, file: stack.enter_context(
            Peer(programs[engine], folder / file, inputs, threads))
        sluice = start("sluice", "experts.so")
        other = None if options.alone else start("onnxruntime", "experts.onnx")
        reader = Reader(used * 2 * 4 * size * inner)
        stack.callback(reader.close)
        for _ in range(options.blocks):
            read = reader.seconds(options.milliseconds)
            reached, seconds = peak.beside(lambda: sluice.block(options.milliseconds))
            floor = max(read, flops / 1e9 / reached / threads)
            own.append(seconds)
            floors.append(floor)
            ratios.append(seconds / floor)
            time.sleep(REST_SECONDS)
            if other:
                others.append(seconds / other.block(options.milliseconds))
                time.sleep(REST_SECONDS)
    with Peer(programs["sluice"], folder / "experts.so", inputs, threads,
              profile=True) as sluice:
        kernels = sluice.profile(20)
    products = sum(row[0] for row in kernels if "grouped_matmul" in row[2])
    share = products / sum(row[0] for row in kernels)
    ratio = statistics.median(ratios)
    return {"shape": "x".join(map(str, options.shape)), "tokens": tokens, "threads": threads,
            "seconds": statistics.median(own), "floor": statistics.median(floors),
            "of_floor": ratio, "products_of_floor": ratio * share,
            "of_onnxruntime": statistics.median(others) if others else None}


HEADING = ("| experts x chosen x sizes | tokens | threads | ms | floor ms | of floor |"
           " products of floor | of onnxruntime |\n|---|---|---|---|---|---|---|---|")


def table_row(row):
    other = row["of_onnxruntime"]
    return (f"| {row['shape']} | {row['tokens']} | {row['threads']} |"
            f" {row['seconds'] * 1e3:.3f} | {row['floor'] * 1e3:.3f} | {row['of_floor']:.2f} |"
            f" {row['products_of_floor']:.2f} | {f'{other:.2f}' if other else '-'} |")


def main():
    parser = common_options(__doc__, "experts", ROWS)
    parser.set_defaults(threads=[1])
    parser.add_argument("--shape", type=lambda text: [int(x) for x in text.split("x")],
                        default=[8, 2, 1024, 2048])
    parser.add_argument("--skewed", action="store_true")
    parser.add_argument("--alone", action="store_true", help="without onnxruntime")
    options = parser.parse_args()
    compiler.require(options.build)
    programs, peak = build_peers(options.build), Peak()
    folder = scratch("bench") / options.name
    folder.mkdir(exist_ok=True)
    save_model(folder / "experts.onnx", options.shape)
    outcome = compiler.compile_model(options.build, folder / "experts.onnx",
                                     folder / "experts.so",
                                     [f"--cpu={options.cpu}", *options.flag])
    if outcome.status:
        sys.exit(outcome.first_message())
    report(options, "Experts", HEADING, table_row,
           (measure(options, programs, peak, tokens, threads)
            for tokens in options.rows for threads in options.threads))
    for name in ("experts.onnx", "experts.so", "experts.inputs"):
        (folder / name).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
