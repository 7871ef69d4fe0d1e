#!/usr/bin/env python3
"""Attention under all kinds of masks against onnxruntime and against attention
without one, in turns.

    attention.py                       all cases
    attention.py causal window         cases whose name has one of these in it
    attention.py --threads=1,2 --cpu=x86-64-v3
    attention.py --with=openvino       other engines too, at one thread

Twelve heads of 64, batch 1 unless the case says otherwise. A figure is the median
over the blocks of Sluice's time by the other one's in the same block, which cancels
what else runs on the machine. The share of the peak is that of the multiply-adds of
all pairs of queries and keys, masked ones too, of what `peers/peak.c` reaches on
registers. Writes benchmarks/results/NAME.{md,json}.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import statistics
import sys
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "test"), str(HERE.parent / "test" / "models")]

import numpy as np
from onnx import TensorProto

import others
from comparison import common_options, ratio_of, report
from generated.builder import GraphBuilder
from machine import Peak
from peer import Peer, build_peers, interleaved_blocks, write_inputs
from support import compiler
from support.paths import scratch

HEADS, SIZE = 12, 64
LOWEST = float(np.finfo(np.float32).min)


class Case:
    """One attention; `mask` adds nodes to the graph that mask the scores, and
    `inputs` draws what it reads besides queries, keys and values."""

    def __init__(self, name, length, mask=None, inputs=lambda random: {}):
        self.name, self.length, self.mask = name, length, mask
        self.inputs = inputs

    def save(self, path):
        graph = GraphBuilder("attention")
        shape = [1, HEADS, self.length, SIZE]
        for name in "qkv":
            graph.input(name, shape)
        turned = graph.transpose("k", 0, 1, 3, 2)
        scores = graph.mul(graph.node("MatMul", ["q", turned]), SIZE**-0.5)
        if self.mask:
            scores = self.mask(graph, scores)
        weights = graph.node("Softmax", [scores], axis=-1)
        graph.output(graph.node("MatMul", [weights, "v"]), "y", shape)
        graph.save(path)

    def draw(self):
        random = np.random.default_rng(0)
        shape = (1, HEADS, self.length, SIZE)
        tensors = {name: random.standard_normal(shape, np.float32) for name in "qkv"}
        return {**tensors, **self.inputs(random)}

    @property
    def flops(self):
        return 4.0 * self.length**2 * SIZE * HEADS


def constant_mask(allowed):
    """A constant that is added, as exporters write causal masks."""
    def build(graph, scores):
        addend = np.where(allowed, 0, LOWEST).astype(np.float32)
        return graph.node("Add", [scores, graph.weight("mask", addend)])
    return build


def causal(length):
    return np.tril(np.ones((length, length), bool))


def run_time_causal(graph, scores):
    """Built in the run from the length, as newer exporters do."""
    length = graph.size("q", 2)
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    places = graph.node("Range", [zero, length, one])
    axis = graph.constant([1], np.int64)
    later = graph.node("Greater", [places, graph.node("Unsqueeze", [places, axis])])
    return graph.node("Where", [later, graph.constant(LOWEST), scores])


def window(length, reach, ends):
    """Keys at most `reach` away, and everything from and to the first `ends`."""
    places = np.arange(length)
    near = np.abs(places[:, None] - places) <= reach
    return near | (places < ends) | (places[:, None] < ends)


def big_bird(length, block, random_blocks=3):
    """Neighbouring blocks, the first and the last one, and a few random ones."""
    count = length // block
    random = np.random.default_rng(0)
    blocks = np.abs(np.arange(count)[:, None] - np.arange(count)) <= 1
    blocks[:, [0, -1]] = blocks[[0, -1]] = True
    for row in blocks:
        row[random.choice(count, random_blocks, replace=False)] = True
    return np.kron(blocks, np.ones((block, block), bool))


def run_time_mask(graph, scores):
    graph.input("mask", ["s", "t"], TensorProto.BOOL)
    return graph.node("Where", ["mask", scores, graph.constant(LOWEST)])


def token_mask(graph, scores):
    """Padding, as BERT's exporters write it."""
    graph.input("tokens", [1, "t"], TensorProto.INT64)
    axes = graph.constant([1, 2], np.int64)
    kept = graph.node("Cast", [graph.node("Unsqueeze", ["tokens", axes])],
                      to=TensorProto.FLOAT)
    return graph.node("Add", [scores, graph.mul(graph.binary("Sub", 1.0, kept), LOWEST)])


def best_blocks(block, kept):
    """Each block of queries and head sees the `kept` best blocks of keys, by the
    product of their means."""
    def build(graph, scores):
        def means(name):
            split = graph.node("Reshape", [name, graph.constant(
                [1, HEADS, -1, block, SIZE], np.int64)])
            return graph.node("ReduceMean", [split], axes=[3], keepdims=0)

        product = graph.node("MatMul", [means("q"), graph.transpose(
            means("k"), 0, 1, 3, 2)])
        _, best = graph.node("TopK", [product, graph.constant([kept], np.int64)],
                             outputs=2, axis=-1)
        none = graph.mul(product, 0.0)
        ones = graph.add(graph.mul(graph.node("Cast", [best], to=TensorProto.FLOAT),
                                   0.0), 1.0)
        chosen = graph.node("ScatterElements", [none, best, ones], axis=-1)
        chosen = graph.node("Cast", [chosen], to=TensorProto.BOOL)
        spread = graph.node("Unsqueeze", [chosen, graph.constant([3, 5], np.int64)])
        spread = graph.node("Expand", [spread, graph.constant(
            [1, 1, 1, block, 1, block], np.int64)])
        mask = graph.node("Reshape", [spread, graph.node("Shape", [scores])])
        return graph.node("Where", [mask, scores, graph.constant(LOWEST)])
    return build


def make_cases():
    length = 2048
    yield from (Case(f"none {s}", s) for s in (512, length, 8192))
    yield Case("causal constant", length, constant_mask(causal(length)))
    yield Case("causal run-time", length, run_time_causal)
    yield Case("causal run-time mask", length, run_time_mask,
               lambda random: {"mask": causal(length)})
    yield Case("window 128 + 16 global", length,
               constant_mask(window(length, 128, 16)))
    yield Case("BigBird 64", length, constant_mask(big_bird(length, 64)))
    yield Case("best 4 of 32 blocks", length, best_blocks(64, 4))
    yield Case("half padding", length, token_mask,
               lambda random: {"tokens": (np.arange(length) < length // 2)[None]
                               .astype(np.int64)})


def measure(case, options, programs, peak):
    """Yields a result for each number of threads."""
    folder = scratch("bench") / options.name
    folder.mkdir(exist_ok=True)
    plain = Case("plain", case.length)
    files, inputs = {}, {}
    for name, graph in {"case": case, "plain": plain}.items():
        model = folder / f"{name}.onnx"
        graph.save(model)
        inputs[name] = folder / f"{name}.inputs"
        write_inputs(inputs[name], graph.draw())
        files[name] = folder / f"{name}.so"
        flags = [f"--cpu={options.cpu}", *options.flag]
        outcome = compiler.compile_model(options.build, model, files[name], flags)
        if outcome.status:
            sys.exit(f"{case.name}: {outcome.first_message()}")
    for threads in options.threads:
        with ExitStack() as stack:
            def start(engine, file, data):
                return stack.enter_context(
                    Peer(programs[engine], file, inputs[data], threads))
            peers = {"sluice": start("sluice", files["case"], "case")}
            if not options.alone:
                peers["onnxruntime"] = start("onnxruntime", folder / "case.onnx",
                                             "case")
            if case.mask:
                peers["plain"] = start("sluice", files["plain"], "plain")
            before = peak.gflops(threads)
            times = interleaved_blocks(peers, options.blocks, options.milliseconds)
            reached = (before + peak.gflops(threads)) / 2 * 1e9
        seconds = {name: statistics.median(own) for name, own in times.items()}
        ratios = {name: ratio_of(times, name) for name in times if name != "sluice"}
        if threads == 1:
            found = others.measure(options.others, folder / "case.onnx", case.draw())
            ratios.update({name: seconds["sluice"] / own if isinstance(own, float) else own
                           for name, own in found.items()})
        yield {"case": case.name, "threads": threads, "seconds": seconds,
               "ratios": ratios, "share": case.flops / seconds["sluice"] / reached}


def heading(engines):
    cells = ["case", "threads", "ms", "share of peak", "of no mask",
             *(f"of {name}" for name in engines)]
    return f"| {' | '.join(cells)} |\n{'|---' * len(cells)}|"


def table_row(row, engines):
    def ratio(name):
        found = row["ratios"].get(name, "-")
        return f"{found:.2f}" if isinstance(found, float) else found
    cells = [row["case"], str(row["threads"]), f"{row['seconds']['sluice'] * 1e3:.2f}",
             f"{row['share']:.0%}", ratio("plain"), *map(ratio, engines)]
    return f"| {' | '.join(cells)} |"


def main():
    parser = common_options(__doc__, "attention", ())
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--alone", action="store_true", help="without onnxruntime")
    parser.add_argument("--with", dest="others", default="",
                        help="measure these, too: " + ",".join(others.ENGINES))
    options = parser.parse_args()
    options.others = [name for name in options.others.split(",") if name]
    others.prepare(options.others)
    engines = ["onnxruntime", *options.others]
    compiler.require(options.build)
    programs, peak = build_peers(options.build), Peak()
    cases = [case for case in make_cases()
             if not options.cases or any(text in case.name for text in options.cases)]
    report(options, "Attention", heading(engines), lambda row: table_row(row, engines),
           (row for case in cases for row in measure(case, options, programs, peak)))


if __name__ == "__main__":
    main()
