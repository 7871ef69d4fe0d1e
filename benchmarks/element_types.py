#!/usr/bin/env python3
"""Products and convolutions of other element types against those of f32, in turns.

    element_types.py                       all types and shapes
    element_types.py f16 i8                these types
    element_types.py --shapes=product      shapes whose name has this in it
    element_types.py --cpu=x86-64-v3       code for another CPU than this one

A figure is the median over the blocks of the time of a kernel by that of the same
one in f32 in the same block, which cancels what else runs on the machine. Writes
benchmarks/results/NAME.{md,json}.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import argparse
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "test"), str(HERE.parent / "test" / "models")]

import ml_dtypes
import numpy as np
from onnx import TensorProto

from comparison import RESULTS, numbers, write_results
from generated.builder import GraphBuilder
from peer import Peer, build_peers, interleaved_blocks, write_inputs
from support import compiler
from support.paths import DEFAULT_BUILD, scratch

TYPES = {
    "f32": (np.float32, TensorProto.FLOAT),
    "f16": (np.float16, TensorProto.FLOAT16),
    "bf16": (ml_dtypes.bfloat16, TensorProto.BFLOAT16),
    "f64": (np.float64, TensorProto.DOUBLE),
    "i8": (np.int8, TensorProto.INT8),
}

# What the ratios are to be at most; of products with few rows only where said.
MANY_ROWS = 64
GOALS = {
    "f16": {"product": 1.15, "gemv": 0.65, "conv": 1.15, "depthwise": 1.5},
    "bf16": {"product": 1.15, "gemv": 0.65, "conv": 1.15, "depthwise": 1.5},
    "f64": {"product": 2.2},
    "i8": {"product": 1.3, "few rows": 1.3},
}


def draw(random, shape, dtype):
    if np.dtype(dtype) == np.int8:
        return random.integers(-127, 128, shape, np.int8)
    return random.standard_normal(shape, np.float32).astype(dtype)


class Case:
    """One operator; `build` adds its nodes to a graph and returns their result."""

    def __init__(self, name, shape, build, result_shape):
        self.name, self.shape, self.build = name, shape, build
        self.result_shape = result_shape

    @property
    def kind(self):
        name = self.name.split()[0]
        few = name == "product" and self.shape[-2] < MANY_ROWS
        return "few rows" if few else name


def product_case(rows, depth, columns):
    def build(graph, x, random, dtype):
        weight = graph.weight("w", draw(random, (depth, columns), dtype))
        operator = "MatMulInteger" if dtype == np.int8 else "MatMul"
        return graph.node(operator, [x, weight])

    kind = "gemv" if rows == 1 else "product"
    return Case(f"{kind} {rows}x{depth}x{columns}", (rows, depth), build,
                (rows, columns))


def feed_forward_case(rows, depth, hidden):
    def build(graph, x, random, dtype):
        if dtype == np.int8:
            return None
        first = graph.weight("w1", draw(random, (depth, hidden), dtype))
        second = graph.weight("w2", draw(random, (hidden, depth), dtype))
        bias = graph.weight("b", draw(random, (hidden,), dtype))
        inner = graph.node("Add", [graph.node("MatMul", [x, first]), bias])
        return graph.node("MatMul", [graph.node("Relu", [inner]), second])

    return Case(f"product feed-forward {rows}x{depth}x{hidden}", (rows, depth),
                build, (rows, depth))


def batched_case(batch, rows, depth, columns):
    """Both operands are run-time values: the second is made of the first."""
    def build(graph, x, random, dtype):
        if dtype == np.int8:
            return None
        left = graph.node("Neg", [x])
        return graph.node("MatMul", [left, graph.node(
            "Transpose", [x], perm=[0, 2, 1])])

    return Case(f"product batched {batch}x{rows}x{depth}", (batch, rows, depth),
                build, (batch, rows, rows))


def values_case(batch, rows, depth, columns):
    """As attention reads its values: the second operand, made in the run as
    well, is not turned."""
    def build(graph, x, random, dtype):
        if dtype == np.int8:
            return None
        part = [graph.constant(np.array([number], np.int64), np.int64)
                for number in (0, columns, 2)]
        right = graph.node("Slice", [graph.node("Transpose", [x], perm=[0, 2, 1]),
                                     *part])
        return graph.node("MatMul", [x, graph.node("Neg", [right])])

    return Case(f"product values {batch}x{rows}x{depth}x{columns}",
                (batch, rows, depth), build, (batch, rows, columns))


def recurrent_case(operator, steps, batch, inputs, hidden):
    def build(graph, x, random, dtype):
        if dtype == np.int8:
            return None
        gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[operator]
        w, r = (graph.weight(name, (draw(random, (1, gates * hidden, size), dtype)
                                    * 0.05).astype(dtype))
                for name, size in (("w", inputs), ("r", hidden)))
        return graph.node(operator, [x, w, r], hidden_size=hidden)

    return Case(f"recurrent {operator} {steps}x{batch}x{inputs}-{hidden}",
                (steps, batch, inputs), build, (steps, 1, batch, hidden))


def convolution_case(size, inputs, outputs, kernel, groups=1):
    def build(graph, x, random, dtype):
        weight = graph.weight(
            "w", draw(random, (outputs, inputs // groups, kernel, kernel), dtype))
        operator = "ConvInteger" if dtype == np.int8 else "Conv"
        return graph.node(operator, [x, weight], group=groups,
                          pads=[kernel // 2] * 4, kernel_shape=[kernel] * 2)

    kind = "depthwise" if groups == inputs else "conv"
    grouped = f" in {groups} groups" if groups > 1 else ""
    return Case(f"{kind} {size}x{size} {inputs}-{outputs} {kernel}x{kernel}{grouped}",
                (1, inputs, size, size), build, (1, outputs, size, size))


CASES = (
    product_case(64, 768, 768),
    product_case(64, 1024, 4096),
    product_case(384, 768, 3072),
    product_case(384, 3072, 768),
    product_case(16, 768, 3072),
    product_case(4, 1024, 4096),
    product_case(1, 4096, 4096),
    product_case(1, 2048, 32000),
    feed_forward_case(384, 768, 3072),
    batched_case(12, 384, 384, 64),
    values_case(12, 384, 384, 64),
    recurrent_case("LSTM", 24, 1, 200, 200),
    recurrent_case("LSTM", 24, 16, 200, 200),
    recurrent_case("GRU", 24, 1, 200, 200),
    recurrent_case("RNN", 24, 1, 200, 200),
    convolution_case(56, 64, 64, 3),
    convolution_case(14, 256, 256, 3),
    convolution_case(28, 128, 512, 1),
    convolution_case(28, 128, 128, 3, groups=32),
    convolution_case(112, 96, 96, 3, groups=96),
    convolution_case(14, 576, 576, 3, groups=576),
)


class Bench:
    def __init__(self, options):
        self.options = options
        self.program = build_peers(options.build)["sluice"]
        compiler.require(options.build)
        self.folder = scratch("bench") / options.name
        self.folder.mkdir(exist_ok=True)

    def prepare(self, case, name):
        """(artifact, inputs) of a case in a type; None where there is none."""
        dtype, onnx_type = TYPES[name]
        # Not every opset has these types for all operators.
        graph = GraphBuilder("case", opset=22)
        random = np.random.default_rng(0)
        x = graph.input("x", list(case.shape), onnx_type)
        result = case.build(graph, x, random, dtype)
        if result is None:
            return None
        result_type = TensorProto.INT32 if name == "i8" else onnx_type
        graph.output(result, "y", list(case.result_shape), result_type)
        model = self.folder / f"{name}.onnx"
        artifact, inputs = self.folder / f"{name}.so", self.folder / f"{name}.in"
        graph.save(model)
        flags = [f"--cpu={self.options.cpu}", *self.options.flag]
        outcome = compiler.compile_model(self.options.build, model, artifact, flags)
        if outcome.status:
            sys.exit(outcome.first_message())
        write_inputs(inputs, {"x": draw(random, case.shape, dtype)})
        return artifact, inputs

    def measure(self, case, names):
        """{type: (seconds, ratio)}"""
        files = {name: self.prepare(case, name) for name in ["f32", *names]}
        with ExitStack() as stack:
            peers = {
                name: stack.enter_context(Peer(self.program, *pair, 1))
                for name, pair in files.items() if pair
            }
            times = interleaved_blocks(
                peers, self.options.blocks, self.options.milliseconds)
        return {
            name: (statistics.median(seconds),
                   statistics.median(a / b for a, b in zip(seconds, times["f32"])))
            for name, seconds in times.items()
        }


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("types", nargs="*", default=[])
    parser.add_argument("--build", type=Path, default=DEFAULT_BUILD)
    parser.add_argument("--shapes", default="", help="part of their names")
    parser.add_argument("--cpu", default="native")
    parser.add_argument("--flag", action="append", default=[], help="for sluicec")
    parser.add_argument("--blocks", type=int, default=9)
    parser.add_argument("--milliseconds", type=int, default=60)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--name", default="element-types")
    return parser.parse_args()


def main():
    options = parse_options()
    names = options.types or [name for name in TYPES if name != "f32"]
    bench = Bench(options)
    heading = ("| shape | f32 ms | type | ms | by f32 | goal |\n"
               "|---|---|---|---|---|---|")
    print(heading, flush=True)
    lines, rows = [], []
    for case in CASES:
        if options.shapes not in case.name:
            continue
        found = bench.measure(case, names)
        for name in names:
            if name not in found:
                continue
            seconds, ratio = found[name]
            goal = GOALS[name].get(case.kind, "")
            rows.append({"shape": case.name, "type": name, "seconds": seconds,
                         "f32": found["f32"][0], "ratio": ratio})
            lines.append(f"| {case.name} | {found['f32'][0] * 1e3:.3f} | {name} |"
                         f" {seconds * 1e3:.3f} | {ratio:.2f} | {goal} |")
            print(lines[-1], flush=True)
    write_results(options, "Element types", [heading, *lines], {"kernels": rows})


if __name__ == "__main__":
    main()
