"""Operators of random graphs that models have less of: recurrent cells, control
flow, selection by indices, small types.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np
from onnx import TensorProto, helper

INTEGERS = np.dtype(np.int64)


# Recurrent cells.


def recurrent(graph):
    name, gates = graph.choose((("LSTM", 4), ("GRU", 3), ("RNN", 1)))
    value = graph.floating(rank=3, nonempty=True)
    if value.dtype != np.float32 or value.count > 3000:
        return
    steps, batch, width = value.shape
    units = int(graph.choose((1, 3, 8, 16, 17)))
    direction = graph.choose(("forward", "forward", "reverse", "bidirectional"))
    ways = 2 if direction == "bidirectional" else 1

    def weight(*shape):
        return graph.weight((graph.content(shape, np.float32) / 4).astype(np.float32))

    operands = [value, weight(ways, gates * units, width), weight(ways, gates * units, units)]
    operands.append(weight(ways, 2 * gates * units) if graph.chance(0.7) else None)
    lengths = graph.random.integers(1, steps + 1, batch).astype(np.int32)
    operands.append(graph.weight(lengths) if graph.chance(0.3) else None)
    operands.append(weight(ways, batch, units) if graph.chance(0.4) else None)
    attributes = dict(hidden_size=units, direction=direction)
    if name == "GRU":
        attributes["linear_before_reset"] = int(graph.chance(0.5))
    graph.emit(name, operands, (steps, ways, batch, units), **attributes)


# Control flow.


def _branch(graph, value, operator, name):
    node = helper.make_node(operator, [value.name], [name], name=f"n_{name}")
    kind = helper.np_dtype_to_tensor_dtype(value.dtype)
    info = helper.make_tensor_value_info(name, kind, None)
    return helper.make_graph([node], operator, [], [info])


def conditional(graph):
    value = graph.floating()
    condition = graph.fresh((), np.bool_)
    name = f"v{len(graph.nodes)}"
    first, second = graph.choose((("Relu", "Neg"), ("Abs", "Identity"), ("Tanh", "Relu")))
    # The branches read the value from around them.
    graph.used.add(value.name)
    graph.read.add(value.name)
    graph.emit(
        "If", [condition], value.shape, dtype=value.dtype,
        then_branch=_branch(graph, value, first, f"{name}_then"),
        else_branch=_branch(graph, value, second, f"{name}_else"),
    )


def loop(graph):
    """A value that is halved some times, collecting what it was."""
    value = graph.floating(most=5)
    if value.count > 500:
        return
    # onnxruntime forgets the sizes of what no iteration collects.
    count = int(graph.random.integers(1, 5))
    kind = helper.np_dtype_to_tensor_dtype(value.dtype)
    name = f"v{len(graph.nodes)}"
    half = graph.weight(np.asarray(0.5, value.dtype))
    graph.read.add(half.name)
    number, going, old, new, kept, on = (
        f"{name}_{part}" for part in ("number", "going", "old", "new", "kept", "on")
    )
    nodes = [
        helper.make_node("Mul", [old, half.name], [new], name=f"n_{new}"),
        helper.make_node("Identity", [old], [kept], name=f"n_{kept}"),
        helper.make_node("Identity", [going], [on], name=f"n_{on}"),
    ]

    def info(label, element, shape=None):
        return helper.make_tensor_value_info(label, element, shape)

    body = helper.make_graph(
        nodes, "body",
        [info(number, TensorProto.INT64, []), info(going, TensorProto.BOOL, []),
         info(old, kind)],
        [info(on, TensorProto.BOOL, []), info(new, kind), info(kept, kind)],
    )
    trips = graph.weight(np.asarray(count, np.int64))
    graph.emit_all(
        "Loop", [trips, None, value],
        [(value.shape, value.dtype), ((count, *value.shape), value.dtype)], body=body,
    )


# Selection.


def top_k(graph):
    value = graph.pick(lambda v: v.floating and v.exact and v.rank and v.count)
    if value is None or value.name not in graph.inputs:
        return  # only inputs have no two equal elements
    axis = int(graph.random.integers(value.rank))
    k = int(graph.random.integers(0, value.shape[axis] + 1))
    shape = list(value.shape)
    shape[axis] = k
    graph.emit_all(
        "TopK", [value, graph.weight(np.array([k], np.int64))],
        [(shape, value.dtype), (shape, INTEGERS)], exact=True,
        axis=axis - value.rank if graph.chance(0.3) else axis,
        largest=int(graph.chance(0.5)),
    )


def _indices(graph, size, shape):
    return graph.weight(graph.random.integers(-size, size, shape).astype(np.int64))


def gather_elements(graph):
    value = graph.pick(lambda v: v.rank and v.count)
    if value is None:
        return
    axis = int(graph.random.integers(value.rank))
    shape = [int(graph.random.integers(1, size + 1)) for size in value.shape]
    indices = _indices(graph, value.shape[axis], shape)
    graph.emit("GatherElements", [value, indices], shape, exact=True, axis=axis)


def gather_nd(graph):
    value = graph.pick(lambda v: v.rank and v.count)
    if value is None:
        return
    depth = int(graph.random.integers(1, value.rank + 1))
    shape = graph.shape(int(graph.random.integers(0, 3)), most=20)
    tuples = [graph.random.integers(-size, size, shape) for size in value.shape[:depth]]
    indices = graph.weight(np.stack(tuples, -1).astype(np.int64))
    result = (*shape, *value.shape[depth:])
    if len(result) <= 8:
        graph.emit("GatherND", [value, indices], result, exact=True)


def scatter(graph):
    value = graph.pick(lambda v: v.floating and v.rank and v.count)
    if value is None:
        return
    axis = int(graph.random.integers(value.rank))
    size = value.shape[axis]
    # Each place is written once, so that the order does not matter.
    count = int(graph.random.integers(1, size + 1))
    shape = [*value.shape]
    shape[axis] = count
    places = graph.random.permutation(size)[:count]
    indices = np.broadcast_to(
        places.reshape([count if i == axis else 1 for i in range(value.rank)]), shape
    )
    operands = [value, graph.weight(np.array(indices, np.int64)),
                graph.fresh(shape, value.dtype)]
    graph.emit("ScatterElements", operands, value.shape, exact=True, axis=axis)


def scatter_nd(graph):
    value = graph.pick(lambda v: v.floating and v.rank and v.count)
    if value is None:
        return
    rows = value.shape[0]
    count = int(graph.random.integers(1, rows + 1))
    indices = graph.random.permutation(rows)[:count].reshape(count, 1)
    updates = graph.fresh((count, *value.shape[1:]), value.dtype)
    operands = [value, graph.weight(indices.astype(np.int64)), updates]
    graph.emit("ScatterND", operands, value.shape, exact=True)


# Movement.


def split(graph):
    value = graph.pick(lambda v: v.rank > 0)
    if value is None:
        return
    axis = int(graph.random.integers(value.rank))
    size = value.shape[axis]
    first = int(graph.random.integers(0, size + 1))
    sizes = [first, size - first]
    shapes = []
    for part in sizes:
        shape = list(value.shape)
        shape[axis] = part
        shapes.append((shape, value.dtype))
    operands = [value, graph.weight(np.array(sizes, np.int64))]
    graph.emit_all("Split", operands, shapes, exact=True,
                   axis=axis - value.rank if graph.chance(0.3) else axis)


def tile(graph):
    value = graph.pick(lambda v: v.rank and v.count < 1000)
    if value is None:
        return
    repeats = [int(graph.choose((0, 1, 1, 2, 3))) for _ in range(value.rank)]
    shape = np.multiply(value.shape, repeats)
    if np.prod(shape, dtype=np.int64) < 20000:
        operands = [value, graph.weight(np.array(repeats, np.int64))]
        graph.emit("Tile", operands, shape, exact=True)


def running_sum(graph):
    value = graph.floating(low=1, most=5)
    axis = int(graph.random.integers(-value.rank, value.rank))
    operands = [value, graph.weight(np.asarray(axis, np.int64))]
    graph.emit("CumSum", operands, value.shape, exclusive=int(graph.chance(0.3)),
               reverse=int(graph.chance(0.3)))


def blocks(graph):
    value = graph.pick(lambda v: v.floating and v.rank == 4)
    if value is None:
        return
    batch, channels, height, width = value.shape
    if channels % 4 == 0 and graph.chance(0.6):
        graph.emit("DepthToSpace", [value], (batch, channels // 4, 2 * height, 2 * width),
                   exact=True, blocksize=2, mode=graph.choose(("DCR", "CRD")))
    elif height % 2 == 0 and width % 2 == 0:
        graph.emit("SpaceToDepth", [value], (batch, channels * 4, height // 2, width // 2),
                   exact=True, blocksize=2)


def triangle(graph):
    value = graph.pick(lambda v: v.floating and v.rank >= 2)
    if value is not None:
        diagonal = graph.weight(np.asarray(graph.random.integers(-3, 4), np.int64))
        graph.emit("Trilu", [value, diagonal], value.shape, exact=True,
                   upper=int(graph.chance(0.5)))


# Windows.


def transposed_convolution(graph):
    value = graph.floating(low=3, most=4, nonempty=True)
    if value.dtype != np.float32 or value.count > 3000:
        return
    channels, spatial = value.shape[1], value.shape[2:]
    groups = channels if graph.chance(0.3) else 1
    outputs = int(graph.choose((1, 2, 5)))
    kernel = [int(graph.random.integers(1, 5)) for _ in spatial]
    strides = [int(graph.choose((1, 2, 3))) for _ in spatial]
    pads = [int(graph.random.integers(0, k)) for k in kernel]
    extra = [int(graph.random.integers(0, s)) for s in strides]
    shape = [s * (n - 1) + k - 2 * p + e
             for s, n, k, p, e in zip(strides, spatial, kernel, pads, extra)]
    if min(shape) < 1 or outputs * groups * np.prod(shape) > 20000:
        return
    scale = 1 / np.sqrt(channels // groups * np.prod(kernel))
    weight = graph.content((channels, outputs, *kernel), np.float32) * scale
    graph.emit(
        "ConvTranspose", [value, graph.weight(weight.astype(np.float32))],
        (value.shape[0], outputs * groups, *shape), kernel_shape=kernel,
        strides=strides, pads=pads * 2, output_padding=extra, group=groups,
    )


def instance_norm(graph):
    value = graph.floating(low=3, most=5, nonempty=True)
    if value.dtype != np.float32 or np.prod(value.shape[2:]) < 4:
        return
    channels = value.shape[1]
    scale, bias = (graph.weight(graph.content((channels,), np.float32)) for _ in "ab")
    graph.emit("InstanceNormalization", [value, scale, bias], value.shape, epsilon=1e-2)


# Types.

SMALL = {np.dtype(np.float16): TensorProto.FLOAT16, np.dtype(np.float64): TensorProto.DOUBLE}
WHOLE = {
    np.dtype(t): helper.np_dtype_to_tensor_dtype(np.dtype(t))
    for t in (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64)
}


def float_chain(graph):
    """Through another float type, and back."""
    value = graph.pick(lambda v: v.exact and v.dtype == np.float32)
    if value is None:
        return
    if graph.chance(0.3):
        between = graph.emit("Cast", [value], value.shape, dtype=np.float16, exact=True,
                             hidden=True, to=TensorProto.BFLOAT16)
    else:
        dtype = graph.choose(list(SMALL))
        between = graph.emit("Cast", [value], value.shape, dtype=dtype, exact=True,
                             hidden=True, to=SMALL[dtype])
    if value.rank > 1 and graph.chance(0.5):
        between = graph.emit("Transpose", [between], value.shape[::-1], exact=True,
                             hidden=True, perm=list(range(value.rank))[::-1])
    graph.emit("Cast", [between], between.shape, dtype=np.float32, exact=True,
               to=TensorProto.FLOAT)


def integer_chain(graph):
    """Small whole numbers through types that hold them."""
    value = graph.pick(lambda v: v.dtype in WHOLE and v.exact and v.name in graph.inputs)
    if value is None:
        value = graph.fresh(graph.shape(), graph.choose(list(WHOLE)))
    dtype = graph.choose(list(WHOLE))
    value = graph.emit("Abs", [value], value.shape, exact=True)
    graph.emit("Cast", [value], value.shape, dtype=dtype, exact=True, to=WHOLE[dtype])


def bits(graph):
    dtype = np.dtype(graph.choose((np.uint8, np.uint32, np.uint64)))
    value = graph.pick(lambda v: v.dtype == dtype and v.exact)
    value = value or graph.fresh(graph.shape(), dtype)
    amount = graph.weight(graph.content(value.shape[-1:], dtype))
    graph.emit("BitShift", [value, amount], value.shape, exact=True,
               direction=graph.choose(("LEFT", "RIGHT")))


def double(graph):
    """Arithmetic in f64."""
    value = graph.fresh(graph.shape(most=2000), np.float64)
    value = graph.emit(graph.choose(("Relu", "Abs", "Neg", "Exp")), [value], value.shape)
    name = graph.choose(("Add", "Sub", "Mul", "Max"))
    other = graph.fresh(value.shape[-1:], np.float64)
    graph.emit(name, [value, other], value.shape)


ALL = (
    recurrent, conditional, loop, top_k, gather_elements, gather_nd, scatter, scatter_nd,
    split, tile, running_sum, blocks, triangle, transposed_convolution, instance_norm,
    float_chain, integer_chain, bits, double,
)
