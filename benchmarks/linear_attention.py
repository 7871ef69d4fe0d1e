#!/usr/bin/env python3
"""Linear attention, ONNX Runtime's operator and exported scans, against onnxruntime in
turns.

    linear_attention.py                    all rules
    linear_attention.py delta --threads=1  rules whose name has this in it
    linear_attention.py --sizes=2x256x512  two heads of 256, 512 tokens

Batch 1; a head's keys and values have the same size. A figure is the median over the blocks of
Sluice's time by onnxruntime's in the same block. The share of the peak is that of the
recurrence's multiplications and additions, two a step and element of the states for
what is added and for the output each, one for a decay and two for what a delta rule
knows of a key, of what `peers/peak.c` reaches on registers.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "test"), str(HERE.parent / "test" / "models")]

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from comparison import common_options, ratio_of, report
from machine import Peak
from peer import Peer, build_peers, interleaved_blocks, write_inputs
from support import compiler
from support.paths import scratch

@dataclass
class Rule:
    """What becomes of a state in a step."""

    name: str
    decays: bool
    corrects: bool


RULES = [Rule("linear", False, False), Rule("gated", True, False),
         Rule("delta", False, True), Rule("gated_delta", True, True)]


class Layer:
    """A rule with heads of a size and a number of tokens."""

    def __init__(self, rule, heads, size, tokens):
        self.rule, self.heads, self.size, self.tokens = rule, heads, size, tokens

    @property
    def flops(self):
        rule = self.rule
        operations = 4 + rule.decays + (2 + rule.decays) * rule.corrects
        return float(operations) * self.tokens * self.heads * self.size**2

    @property
    def sizes(self):
        """Of what a token has for each head."""
        sizes = dict.fromkeys("qkva" if self.rule.decays else "qkv", self.size)
        if self.rule.corrects:
            sizes["b"] = 1
        return sizes

    def draw(self):
        random = np.random.default_rng(0)
        drawn = {
            name: random.standard_normal((self.tokens, 1, self.heads, size), np.float32)
            for name, size in self.sizes.items()}
        drawn["k"] /= np.linalg.norm(drawn["k"], axis=-1, keepdims=True)
        for name, function in (("a", lambda x: np.exp(-0.05 * np.abs(x))),
                               ("b", lambda x: 1 / (1 + np.exp(-x)))):
            if name in drawn:
                drawn[name] = function(drawn[name])
        return drawn

    def operator(self):
        """A node of `com.microsoft`, and its inputs."""
        tensors = self.draw()
        if self.rule.decays:
            tensors["a"] = np.log(tensors["a"])
        feed = {name: np.ascontiguousarray(x.transpose(1, 0, 2, 3).reshape(1, self.tokens, -1))
                for name, x in tensors.items()}
        names = ["q", "k", "v", "", "a" if self.rule.decays else "", "b" if self.rule.corrects else ""]
        while not names[-1]:
            names.pop()
        node = helper.make_node(
            "LinearAttention", names, ["y", "state"], domain="com.microsoft",
            q_num_heads=self.heads, kv_num_heads=self.heads, update_rule=self.rule.name)
        return self._model([node], feed, {"y": [1, self.tokens, self.heads * self.size]}), feed

    def loop(self):
        """A scan over the tokens, as exporters write it."""
        feed, shape = self.draw(), [1, self.heads, self.size, self.size]
        make = helper.make_node
        nodes, state = [], "s"
        if self.rule.decays:
            nodes += [make("Unsqueeze", ["a_t", "three"], ["a4"]),
                      make("Mul", ["s", "a4"], ["decayed"])]
            state = "decayed"
        added = "v_t"
        if self.rule.corrects:
            nodes += [make("Unsqueeze", ["k_t", "two"], ["k_row"]),
                      make("MatMul", ["k_row", state], ["known_row"]),
                      make("Squeeze", ["known_row", "two"], ["known"]),
                      make("Sub", ["v_t", "known"], ["new"]),
                      make("Mul", ["new", "b_t"], ["added"])]
            added = "added"
        nodes += [make("Unsqueeze", ["k_t", "three"], ["k_column"]),
                  make("Unsqueeze", [added, "two"], ["added_row"]),
                  make("Mul", ["k_column", "added_row"], ["outer"]),
                  make("Add", [state, "outer"], ["next"]),
                  make("Unsqueeze", ["q_t", "two"], ["q_row"]),
                  make("MatMul", ["q_row", "next"], ["o_row"]),
                  make("Squeeze", ["o_row", "two"], ["o"])]

        def value(name, sizes):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)

        given = [value("s", shape)] + [
            value(f"{name}_t", [1, self.heads, size]) for name, size in self.sizes.items()]
        axes = [numpy_helper.from_array(np.array([axis]), name)
                for name, axis in (("two", 2), ("three", 3))]
        body = helper.make_graph(
            nodes, "step", given, [value("next", shape), value("o", [1, self.heads, self.size])], axes)
        scan = make("Scan", ["start", *feed], ["last", "y"], body=body,
                    num_scan_inputs=len(feed))
        zeros = numpy_helper.from_array(np.zeros(shape, np.float32), "start")
        return self._model([scan], feed, {"y": [self.tokens, 1, self.heads, self.size], "last": shape},
                           [zeros]), feed

    @staticmethod
    def _model(nodes, feed, outputs, weights=()):
        def values(shapes):
            return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                    for name, shape in shapes.items()]

        graph = helper.make_graph(
            nodes, "linear_attention", values({name: x.shape for name, x in feed.items()}),
            values(outputs), list(weights))
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def measure(layer, spelling, options, programs, peak):
    """Yields a result for each number of threads."""
    folder = scratch("bench") / options.name
    folder.mkdir(exist_ok=True)
    model, feed = getattr(layer, spelling)()
    paths = {engine: folder / f"{spelling}.{engine}" for engine in ("onnx", "so", "inputs")}
    onnx.save(model, paths["onnx"])
    write_inputs(paths["inputs"], feed)
    flags = [f"--cpu={options.cpu}", *options.flag]
    outcome = compiler.compile_model(options.build, paths["onnx"], paths["so"], flags)
    if outcome.status:
        sys.exit(f"{layer.rule.name}: {outcome.first_message()}")
    for threads in options.threads:
        with ExitStack() as stack:
            peers = {
                engine: stack.enter_context(
                    Peer(programs[engine], file, paths["inputs"], threads))
                for engine, file in (("sluice", paths["so"]), ("onnxruntime", paths["onnx"]))
            }
            before = peak.gflops(threads)
            times = interleaved_blocks(peers, options.blocks, options.milliseconds)
            reached = (before + peak.gflops(threads)) / 2 * 1e9
        seconds = {name: statistics.median(own) for name, own in times.items()}
        yield {"rule": layer.rule.name, "heads": layer.heads, "size": layer.size,
               "tokens": layer.tokens, "spelling": spelling, "threads": threads,
               "seconds": seconds, "ratio": ratio_of(times, "onnxruntime"),
               "share": layer.flops / seconds["sluice"] / reached}


HEADING = (
    "| rule | heads | tokens | spelling | threads | ms | share of peak | of onnxruntime |\n"
    "|---|---|---|---|---|---|---|---|"
)


def table_row(row):
    return (
        f"| {row['rule']} | {row['heads']} x {row['size']} | {row['tokens']} |"
        f" {row['spelling']} | {row['threads']} | {row['seconds']['sluice'] * 1e3:.2f} |"
        f" {row['share']:.0%} | {row['ratio']:.3f} |"
    )


def numbers_of_layers(text):
    """The value of an option: heads, elements and tokens of each layer."""
    return [tuple(map(int, layer.split("x"))) for layer in text.split(",")]


def main():
    parser = common_options(__doc__, "linear-attention", ())
    parser.add_argument("rules", nargs="*")
    parser.add_argument("--sizes", type=numbers_of_layers, default="8x64x1024",
                        help="heads x elements x tokens, separated by commas")
    options = parser.parse_args()
    compiler.require(options.build)
    programs, peak = build_peers(options.build), Peak()
    rules = [rule for rule in RULES
             if not options.rules or any(text in rule.name for text in options.rules)]
    report(options, "Linear attention", HEADING, table_row,
           (row for sizes in options.sizes for rule in rules
            for spelling in ("operator", "loop")
            for row in measure(Layer(rule, *sizes), spelling, options, programs, peak)))


if __name__ == "__main__":
    main()
