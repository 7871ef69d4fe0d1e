"""Makes gpt.onnx and llama.onnx, the models that examples/generate compiles.

Two small language models over ASCII with random weights, in the ways of GPT-2
(learned places, layer normalisation, GELU) and LLaMA (rotary embedding, two query
heads to a head of keys, RMS normalisation, a gated feed-forward). Keys and values of
the past are inputs and outputs. The results are committed; run this (with the onnx
package) only to change them.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LETTERS, WIDTH, LAYERS, HEADS, LONGEST = 128, 32, 2, 4, 256
SIZE = WIDTH // HEADS


class Graph:
    """Collects nodes and constants; methods return the names of results."""

    def __init__(self, name):
        self.name, self.nodes, self.constants = name, [], []
        self.random = np.random.default_rng(7)
        self.inputs, self.outputs = [], []

    def constant(self, array, dtype=np.float32):
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array, dtype), name))
        return name

    def weights(self, *shape):
        scale = 1.5 / np.sqrt(shape[0])
        return self.constant(self.random.standard_normal(shape) * scale)

    def node(self, operator, *inputs, name=None, **attributes):
        name = name or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def ints(self, *values):
        return self.constant(values, np.int64)

    def linear(self, x, inputs, outputs):
        return self.node("MatMul", x, self.weights(inputs, outputs))

    def heads(self, x, count):
        split = self.node("Reshape", x, self.ints(0, 0, count, SIZE))
        return self.node("Transpose", split, perm=[0, 2, 1, 3])

    def size(self, x, axis):
        return self.node("Gather", self.node("Shape", x),
                         self.constant(axis, np.int64), axis=0)

    def save(self):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs,
                                  self.constants)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
        onnx.checker.check_model(model)
        onnx.save(model, Path(__file__).with_name(f"{self.name}.onnx"))


def tensor(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def attention(graph, layer, query, key, value, places, key_heads):
    """Over the past and itself; the cache's inputs and outputs are declared here."""
    shape = [1, key_heads, "past", SIZE]
    present = []
    for kind, new in (("keys", key), ("values", value)):
        past = f"past_{kind}_{layer}"
        graph.inputs.append(tensor(past, shape))
        graph.outputs.append(
            tensor(f"{kind}_{layer}", [1, key_heads, "all", SIZE]))
        present.append(
            graph.node("Concat", past, new, name=f"{kind}_{layer}", axis=2))
    keys, values = present
    if key_heads != HEADS:
        group = HEADS // key_heads
        repeated = []
        for cache in present:
            one = graph.node("Unsqueeze", cache, graph.ints(2))
            length = graph.node("Reshape", graph.size(cache, 2), graph.ints(1))
            target = graph.node("Concat", graph.ints(1, key_heads, group), length,
                                graph.ints(SIZE), axis=0)
            spread = graph.node("Expand", one, target)
            repeated.append(
                graph.node("Reshape", spread, graph.ints(1, HEADS, -1, SIZE)))
        keys, values = repeated
    turned = graph.node("Transpose", keys, perm=[0, 1, 3, 2])
    scores = graph.node("MatMul", query, turned)
    scores = graph.node("Mul", scores, graph.constant(SIZE**-0.5))
    everything = graph.node("Range", graph.constant(0, np.int64),
                            graph.size(keys, 2), graph.constant(1, np.int64))
    column = graph.node("Unsqueeze", places, graph.ints(1))
    seen = graph.node("LessOrEqual", everything, column)
    scores = graph.node("Where", seen, scores, graph.constant(np.finfo(np.float32).min))
    weights = graph.node("Softmax", scores, axis=-1)
    mixed = graph.node("Transpose", graph.node("MatMul", weights, values),
                       perm=[0, 2, 1, 3])
    merged = graph.node("Reshape", mixed, graph.ints(0, 0, WIDTH))
    return graph.linear(merged, WIDTH, WIDTH)


def begin(name):
    """The graph, the embedded letters and their places, which follow the past's."""
    graph = Graph(name)
    graph.inputs.append(tensor("letters", [1, "new"], TensorProto.INT64))
    x = graph.node("Gather", graph.weights(LETTERS, WIDTH), "letters", axis=0)
    past = graph.size("past_keys_0", 2)
    end = graph.node("Add", past, graph.size("letters", 1))
    places = graph.node("Range", past, end, graph.constant(1, np.int64))
    return graph, x, places


def finish(graph, x):
    """Scores of the letter that comes next, after the last one."""
    last = graph.node("Gather", x, graph.constant(-1, np.int64), axis=1)
    graph.node("MatMul", last, graph.weights(WIDTH, LETTERS), name="scores")
    graph.outputs.insert(0, tensor("scores", [1, LETTERS]))
    graph.save()


def make_gpt():
    graph, x, places = begin("gpt")
    learned = graph.node("Gather", graph.weights(LONGEST, WIDTH), places, axis=0)
    x = graph.node("Add", x, learned)

    def norm(x):
        return graph.node("LayerNormalization", x, graph.constant(np.ones(WIDTH)),
                          graph.constant(np.zeros(WIDTH)), axis=-1)

    for layer in range(LAYERS):
        inner = norm(x)
        query, key, value = (
            graph.heads(graph.linear(inner, WIDTH, WIDTH), HEADS) for _ in range(3))
        x = graph.node("Add", x, attention(graph, layer, query, key, value, places,
                                           HEADS))
        hidden = graph.node("Gelu", graph.linear(norm(x), WIDTH, 4 * WIDTH))
        x = graph.node("Add", x, graph.linear(hidden, 4 * WIDTH, WIDTH))
    finish(graph, norm(x))


def make_llama():
    graph, x, places = begin("llama")
    frequencies = 10000.0 ** (-np.arange(0, SIZE, 2) / SIZE)
    angles = graph.node(
        "Mul", graph.node("Unsqueeze", graph.node("Cast", places, to=TensorProto.FLOAT),
                          graph.ints(1)), graph.constant(frequencies))
    angles = graph.node("Concat", angles, angles, axis=1)
    cosine, sine = graph.node("Cos", angles), graph.node("Sin", angles)

    def rotate(x):
        half = SIZE // 2
        first, second = (
            graph.node("Slice", x, graph.ints(begin), graph.ints(begin + half),
                       graph.ints(3)) for begin in (0, half))
        turned = graph.node("Concat", graph.node("Neg", second), first, axis=3)
        return graph.node("Add", graph.node("Mul", x, cosine),
                          graph.node("Mul", turned, sine))

    def norm(x):
        square = graph.node("Mul", x, x)
        mean = graph.node("ReduceMean", square, graph.ints(-1), keepdims=1)
        root = graph.node("Sqrt", graph.node("Add", mean, graph.constant(1e-6)))
        return graph.node("Mul", graph.node("Div", x, root),
                          graph.constant(np.ones(WIDTH)))

    for layer in range(LAYERS):
        inner = norm(x)
        query = rotate(graph.heads(graph.linear(inner, WIDTH, WIDTH), HEADS))
        key = rotate(graph.heads(graph.linear(inner, WIDTH, WIDTH // 2), HEADS // 2))
        value = graph.heads(graph.linear(inner, WIDTH, WIDTH // 2), HEADS // 2)
        x = graph.node("Add", x, attention(graph, layer, query, key, value, places,
                                           HEADS // 2))
        inner = norm(x)
        gate = graph.linear(inner, WIDTH, 3 * WIDTH)
        gate = graph.node("Mul", gate, graph.node("Sigmoid", gate))
        hidden = graph.node("Mul", gate, graph.linear(inner, WIDTH, 3 * WIDTH))
        x = graph.node("Add", x, graph.linear(hidden, 3 * WIDTH, WIDTH))
    finish(graph, norm(x))


if __name__ == "__main__":
    make_gpt()
    make_llama()
