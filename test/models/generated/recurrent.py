"""Language-model layers that carry a state along the sequence: Mamba's selective
state space, RWKV's weighted keys and values, and gated linear attention, each as a
Scan over the sequence."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np
from onnx import TensorProto, helper

from .builder import GraphBuilder

DIMS = ["batch", "sequence"]


def _scan(graph, states, sequences, build, shapes, axis=1):
    """A Scan along `axis` of the sequences; `build` maps the names of states and
    elements to those of the next states and outputs, in a body of its own. Returns
    the outputs."""
    body = GraphBuilder("step", opset=graph.opset)
    body.scope = f"{graph.scope}.step"
    names = [f"{body.scope}.{kind}{index}" for kind, values in
             (("state", states), ("element", sequences)) for index in range(len(values))]
    for name, shape in zip(names, shapes):
        body.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    results = build(body, *names)
    step = helper.make_graph(
        body.nodes, "step", body.inputs,
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in results],
    )
    outputs = len(results) - len(states)
    values = graph.node(
        "Scan", [*states, *sequences], outputs=len(results), body=step,
        num_scan_inputs=len(sequences), scan_input_axes=[axis] * len(sequences),
        scan_output_axes=[axis] * outputs,
    )
    return values[len(states):]


def _zeros(graph, value, sizes):
    """Zeros of sizes that are numbers or dimensions of `value`, as exporters write an
    initial state."""
    axes = graph.constant([0], np.int64)
    parts = [
        graph.constant([size], np.int64) if isinstance(size, int)
        else graph.node("Unsqueeze", [graph.size(value, size[0]), axes])
        for size in sizes
    ]
    return graph.node("ConstantOfShape", [graph.node("Concat", parts, axis=0)])


def _unsqueeze(graph, value, axis):
    return graph.node("Unsqueeze", [value, graph.constant([axis], np.int64)])


def _silu(graph, value):
    return graph.node("Mul", [value, graph.node("Sigmoid", [value])])


def _product(graph, value, inputs, outputs, name):
    weight = graph.random_weight(f"{name}.weight", (inputs, outputs), 0.05)
    return graph.node("MatMul", [value, weight])


def _split(graph, value, sizes):
    return graph.node("Split", [value, graph.constant(sizes, np.int64)],
                      outputs=len(sizes), axis=-1)


def _save(graph, value, width, path):
    graph.output(value, "output", [*DIMS, width])
    graph.save(path)


def mamba(path, layers=2, width=256, state=16, rank=16, taps=4):
    """Blocks of Mamba: a short convolution, then a selective state space."""
    graph = GraphBuilder("mamba", seed=11)
    value = graph.input("hidden_states", [*DIMS, width])
    inner = 2 * width
    for layer in range(layers):
        graph.scope = f"layers.{layer}"
        residual = value
        normal = graph.layer_norm(value, width, "norm")
        x, gate = _split(graph, _product(graph, normal, width, 2 * inner, "in_proj"),
                         [inner, inner])
        weight = graph.random_weight("conv1d.weight", (inner, 1, taps), 0.3)
        bias = graph.random_weight("conv1d.bias", (inner,), 0.02)
        x = graph.node("Conv", [graph.transpose(x, 0, 2, 1), weight, bias],
                       group=inner, pads=[taps - 1, 0], kernel_shape=[taps])
        x = _silu(graph, graph.transpose(x, 0, 2, 1))
        step, into, out = _split(
            graph, _product(graph, x, inner, rank + 2 * state, "x_proj"),
            [rank, state, state])
        step = graph.node("Softplus", [graph.linear(step, rank, inner, "dt_proj")])
        rates = graph.weight("A", -np.tile(np.arange(1, state + 1, dtype=np.float32),
                                           (inner, 1)))

        def body(b, h, dt, xi, bi, ci):
            dt = _unsqueeze(b, dt, -1)
            decay = b.node("Exp", [b.node("Mul", [dt, rates])])
            new = b.node("Mul", [b.node("Mul", [dt, _unsqueeze(b, bi, 1)]),
                                 _unsqueeze(b, xi, -1)])
            h = b.node("Add", [b.node("Mul", [h, decay]), new])
            read = b.node("Mul", [h, _unsqueeze(b, ci, 1)])
            last = b.constant([-1], np.int64)
            return h, b.node("ReduceSum", [read, last], keepdims=0)

        start = _zeros(graph, x, [(0,), inner, state])
        shapes = [["batch", inner, state], ["batch", inner], ["batch", inner],
                  ["batch", state], ["batch", state]]
        (y,) = _scan(graph, [start], [step, x, into, out], body, shapes)
        skip = graph.random_weight("D", (inner,), 1.0)
        y = graph.node("Add", [y, graph.node("Mul", [x, skip])])
        y = graph.node("Mul", [y, _silu(graph, gate)])
        value = graph.node(
            "Add", [residual, _product(graph, y, inner, width, "out_proj")])
    _save(graph, value, width, path)


def rwkv(path, layers=2, width=512):
    """Time mixing of RWKV 4, with the running maximum that keeps exponents small."""
    graph = GraphBuilder("rwkv", seed=12)
    value = graph.input("hidden_states", [*DIMS, width])
    for layer in range(layers):
        graph.scope = f"blocks.{layer}"
        normal = graph.layer_norm(value, width, "ln")
        key, content, gate = (
            _product(graph, normal, width, width, name)
            for name in ("key", "value", "receptance"))
        decay = graph.weight("decay", -np.exp(np.linspace(-4, 1, width, dtype=np.float32)))
        first = graph.random_weight("first", (width,), 0.3)

        def body(b, top, bottom, most, k, v):
            def mix(at, exponent):
                high = b.node("Max", [at, exponent])
                return high, *(
                    b.node("Exp", [b.node("Sub", [part, high])]) for part in (at, exponent))

            _, old, new = mix(most, b.node("Add", [first, k]))
            above = b.node("Add", [b.node("Mul", [old, top]), b.node("Mul", [new, v])])
            below = b.node("Add", [b.node("Mul", [old, bottom]), new])
            out = b.node("Div", [above, below])
            high, old, new = mix(b.node("Add", [most, decay]), k)
            top = b.node("Add", [b.node("Mul", [old, top]), b.node("Mul", [new, v])])
            bottom = b.node("Add", [b.node("Mul", [old, bottom]), new])
            return top, bottom, high, out

        zero = _zeros(graph, key, [(0,), width])
        lowest = graph.node("Sub", [zero, graph.constant(1e38)])
        (y,) = _scan(graph, [zero, zero, lowest], [key, content], body,
                     [["batch", width]] * 5)
        y = graph.node("Mul", [graph.node("Sigmoid", [gate]), y])
        value = graph.node("Add", [value, _product(graph, y, width, width, "output")])
    _save(graph, value, width, path)


def gated_linear_attention(path, layers=2, width=256, heads=4):
    """Linear attention whose state decays by a gate for each key."""
    graph = GraphBuilder("gated_linear_attention", seed=13)
    value = graph.input("hidden_states", [*DIMS, width])
    size = width // heads
    for layer in range(layers):
        graph.scope = f"layers.{layer}"
        normal = graph.layer_norm(value, width, "norm")

        def project(name):
            flat = _product(graph, normal, width, width, name)
            return graph.reshape(flat, [(flat, 0), (flat, 1), heads, size])

        query, key, content = project("q"), project("k"), project("v")
        gate = graph.node("Sigmoid", [project("g")])

        def body(b, s, q, k, v, g):
            new = b.node("Mul", [_unsqueeze(b, k, -1), _unsqueeze(b, v, -2)])
            s = b.node("Add", [b.node("Mul", [s, _unsqueeze(b, g, -1)]), new])
            read = b.node("MatMul", [_unsqueeze(b, q, -2), s])
            return s, b.node("Squeeze", [read, b.constant([-2], np.int64)])

        start = _zeros(graph, query, [(0,), heads, size, size])
        head = ["batch", heads, size]
        (y,) = _scan(graph, [start], [query, key, content, gate], body,
                     [[*head, size], head, head, head, head])
        y = graph.reshape(y, [(y, 0), (y, 1), width])
        value = graph.node("Add", [value, _product(graph, y, width, width, "o")])
    _save(graph, value, width, path)
