#!/usr/bin/env python3
"""Steps of decoding against a long cache that stays where it is, beside a plain read of
the same bytes and the machine's peak, in turns.

    decode.py                          32 query and 8 key heads of 128, 2048 tokens
    decode.py --rows=1,2,4,8           one or several new tokens at once
    decode.py --shape=12x12x64,32x4x128 --length=1024 --cpu=x86-64-v3

The cache is a state of the model: a step appends its keys and values and attends to
all of them. The floor is the longer of the read and of the step's multiply-adds at the
peak that `peers/peak.c` reaches on registers. A figure is the median over the blocks of
the step's time by that of the read, or by the floor, in the same block. Prints a
table.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import argparse
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "test"), str(HERE.parent / "test" / "models")]

import numpy as np

from generated.builder import GraphBuilder
from machine import Peak, Reader
from support import compiler
from support.artifact import Artifact
from support.paths import DEFAULT_BUILD, scratch

STEPS = 24  # of a block; the cache grows by as many


def save_model(path, heads, key_heads, size, rows):
    """Attention of new tokens over the past and themselves, with repeated heads as
    exporters write them."""
    graph = GraphBuilder("decode")
    group = heads // key_heads
    query = graph.input("q", [1, heads, rows, size])
    caches = []
    for name in "kv":
        past = graph.input(f"past_{name}", [1, key_heads, "past", size])
        new = graph.input(name, [1, key_heads, rows, size])
        cache = graph.node("Concat", [past, new], axis=2)
        graph.output(cache, f"present_{name}", [1, key_heads, "all", size])
        if group > 1:
            length = graph.node("Unsqueeze", [graph.size(cache, 2),
                                              graph.constant([0], np.int64)])
            target = graph.node("Concat", [
                graph.constant([1, key_heads, group], np.int64), length,
                graph.constant([size], np.int64)], axis=0)
            spread = graph.node("Expand", [graph.node("Unsqueeze", [
                cache, graph.constant([2], np.int64)]), target])
            cache = graph.node("Reshape", [
                spread, graph.constant([1, heads, -1, size], np.int64)])
        caches.append(cache)
    keys, values = caches
    scores = graph.node("MatMul", [query, graph.transpose(keys, 0, 1, 3, 2)])
    weights = graph.node("Softmax", [graph.mul(scores, size**-0.5)], axis=-1)
    result = graph.node("MatMul", [weights, values])
    graph.output(result, "y", [1, heads, rows, size])
    graph.save(path)


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=DEFAULT_BUILD)
    parser.add_argument("--shape", default="32x8x128",
                        help="heads, key heads, size; some of them with commas between")
    parser.add_argument("--length", type=int, default=2048)
    parser.add_argument("--rows", default="1", help="new tokens of a step: 1,4")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=9)
    parser.add_argument("--cpu", default="native")
    parser.add_argument("--flag", action="append", default=[], help="for sluicec")
    return parser.parse_args()


def measure(options, shape, rows, peak):
    """A row of the table."""
    heads, key_heads, size = map(int, shape.split("x"))
    folder = scratch("bench") / "decode"
    folder.mkdir(exist_ok=True)
    model, artifact = folder / "decode.onnx", folder / f"decode-{shape}-{rows}.so"
    save_model(model, heads, key_heads, size, rows)
    capacity = options.length + (STEPS + 1) * rows
    flags = [f"--cpu={options.cpu}", *options.flag] + [
        f"--state=present_{name}:past_{name}@2,capacity={capacity}" for name in "kv"]
    outcome = compiler.compile_model(options.build, model, artifact, flags)
    if outcome.status:
        sys.exit(outcome.first_message())
    random = np.random.default_rng(0)
    step = Artifact(options.build, artifact, options.threads)

    def draw(count, tokens):
        return random.standard_normal((1, count, tokens, size), np.float32)

    feeds = {"q": draw(heads, rows), **{name: draw(key_heads, rows) for name in "kv"}}
    past = {f"past_{name}": draw(key_heads, options.length) for name in "kv"}
    reader = Reader(2 * 4 * key_heads * size * options.length)
    flops = 4.0 * heads * size * rows * (options.length + rows * STEPS / 2)
    ratios, times = [], []
    for _ in range(options.blocks):
        # A past that is given starts the cache again.
        step.bind({**feeds, **past})
        step.run()
        step.bind(feeds, missing=list(past))
        own = statistics.median(step.time_run() for _ in range(STEPS))
        read = reader.seconds()
        floor = max(read, flops / 1e9 / peak.gflops(options.threads))
        times.append((own, read, floor))
        ratios.append((own / read, own / floor))
    own, read, floor = (statistics.median(column) * 1e3 for column in zip(*times))
    of_read, of_floor = map(statistics.median, zip(*ratios))
    return (f"| {shape} | {options.length} | {rows} | {options.threads} | {own:.3f} |"
            f" {read:.3f} | {floor:.3f} | {of_read:.2f} | {of_floor:.2f} |")


def main():
    options = parse_options()
    compiler.require(options.build)
    peak = Peak()
    print("| heads | length | rows | threads | ms | read ms | floor ms | of read |"
          " of floor |")
    print("|---|---|---|---|---|---|---|---|---|")
    for shape in options.shape.split(","):
        for rows in map(int, options.rows.split(",")):
            print(measure(options, shape, rows, peak), flush=True)


if __name__ == "__main__":
    main()
