"""The operators of random graphs: each function adds one, with its operands."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

import rare

INTEGERS = np.dtype(np.int64)


def _integers(graph, numbers):
    """A constant, or now and then an input."""
    numbers = np.asarray(numbers, np.int64)
    return graph.vector(numbers) if graph.chance(0.1) else graph.weight(numbers)


def _some_axis(graph, rank):
    axis = int(graph.random.integers(rank))
    return axis - rank if graph.chance(0.3) else axis


def _some_axes(graph, rank):
    axes = [axis for axis in range(rank) if graph.chance(0.5)]
    axes = axes or [int(graph.random.integers(rank))]
    return [axis - rank if graph.chance(0.3) else axis for axis in axes]


# Elementwise.


def unary(graph):
    name = graph.choose(
        ("Relu", "Sigmoid", "Tanh", "Abs", "Neg", "Erf", "Sin", "Cos", "Atan",
         "LeakyRelu", "Elu", "Selu", "HardSigmoid", "HardSwish", "Softplus",
         "Softsign", "ThresholdedRelu", "Identity")
    )
    value = graph.floating()
    # ThresholdedRelu jumps at its threshold.
    if name == "ThresholdedRelu" and not value.exact:
        name = "Relu"
    graph.emit(name, [value], value.shape, exact=name in ("Abs", "Neg", "Relu", "Identity"))


def guarded_unary(graph):
    """Functions that need a positive operand."""
    value = graph.floating()
    value = graph.emit("Abs", [value], value.shape)
    half = graph.weight(np.asarray(0.5, value.dtype))
    value = graph.emit("Add", [value, half], value.shape)
    name = graph.choose(("Sqrt", "Log", "Reciprocal"))
    graph.emit(name, [value], value.shape)


def exponential(graph):
    value = graph.floating()
    value = graph.emit("Tanh", [value], value.shape)
    graph.emit("Exp", [value], value.shape)


def rounding(graph):
    value = graph.pick(lambda v: v.floating and v.exact)
    if value is not None:
        name = graph.choose(("Floor", "Ceil", "Round", "Sign"))
        graph.emit(name, [value], value.shape, exact=True)


def clip(graph):
    value = graph.floating()
    bounds = [graph.weight(np.asarray(b, value.dtype)) for b in (-0.5, 0.75)]
    graph.emit("Clip", [value, *bounds], value.shape)


def _partner(graph, value):
    """A value that broadcasts with another: some sizes 1, some axes missing."""
    same = graph.pick(lambda v: v.shape == value.shape and v.dtype == value.dtype)
    if same is not None and graph.chance(0.4):
        return same
    shape = [1 if graph.chance(0.25) else size for size in value.shape]
    drop = int(graph.random.integers(0, len(shape) + 1)) if graph.chance(0.4) else 0
    return graph.fresh(shape[drop:], value.dtype)


def _broadcast(*values):
    return np.broadcast_shapes(*(value.shape for value in values))


def _ordered(graph, left, right):
    return (right, left) if graph.chance(0.3) else (left, right)


def binary(graph):
    value = graph.floating()
    pair = _ordered(graph, value, _partner(graph, value))
    name = graph.choose(("Add", "Sub", "Mul", "Add", "Mul", "Max", "Min"))
    graph.emit(name, pair, _broadcast(*pair))


def divide(graph):
    value = graph.floating()
    other = graph.random.uniform(0.5, 2, value.shape[-1:]).astype(value.dtype)
    graph.emit("Div", [value, graph.weight(other)], value.shape)


def power(graph):
    value = graph.floating()
    exponent = graph.weight(np.asarray(graph.choose((2, 3)), value.dtype))
    value = graph.emit("Tanh", [value], value.shape)
    graph.emit("Pow", [value, exponent], value.shape)


def integer_binary(graph):
    value = graph.pick(lambda v: v.dtype.kind == "i")
    if value is None:
        value = graph.fresh(graph.shape(), graph.choose((np.int64, np.int32)))
    pair = _ordered(graph, value, _partner(graph, value))
    name = graph.choose(("Add", "Sub", "Mul", "Max", "Min"))
    # Small again, so that products do not run over.
    result = graph.emit(name, pair, _broadcast(*pair), exact=True)
    nine = graph.weight(np.asarray(9, result.dtype))
    graph.emit("Mod", [result, nine], result.shape, exact=True)


def compare(graph):
    value = graph.pick(lambda v: v.exact and v.dtype.kind in "fi")
    if value is None:
        return
    other = _partner(graph, value)
    if not other.exact:
        return
    name = graph.choose(("Less", "Greater", "Equal", "LessOrEqual", "GreaterOrEqual"))
    shape = _broadcast(value, other)
    graph.emit(name, [value, other], shape, dtype=np.bool_, exact=True)


def logical(graph):
    value = graph.pick(lambda v: v.dtype.kind == "b")
    if value is None:
        value = graph.fresh(graph.shape(), np.bool_)
    if graph.chance(0.3):
        graph.emit("Not", [value], value.shape, exact=True)
        return
    other = _partner(graph, value)
    name = graph.choose(("And", "Or", "Xor"))
    graph.emit(name, [value, other], _broadcast(value, other), exact=True)


def where(graph):
    value = graph.floating()
    shape = [1 if graph.chance(0.3) else size for size in value.shape]
    condition = graph.fresh(shape, np.bool_)
    other = _partner(graph, value)
    shape = _broadcast(condition, value, other)
    graph.emit("Where", [condition, value, other], shape, dtype=value.dtype)


def cast(graph):
    value = graph.pick(lambda v: v.exact or v.floating)
    if value is None:
        return
    targets = [np.float32, np.float64]
    if value.exact:
        targets += [np.int32, np.int64]
    target = np.dtype(graph.choose(targets))
    number = {"float32": 1, "float64": 11, "int32": 6, "int64": 7}[target.name]
    graph.emit("Cast", [value], value.shape, dtype=target, exact=True, to=number)


# Contractions.


def matmul(graph):
    left = graph.floating(low=1, most=5)
    depth = left.shape[-1]
    columns = graph.size()
    batch = [size if graph.chance(0.5) else 1 for size in left.shape[:-2]]
    if graph.chance(0.4):
        batch = []
    if graph.chance(0.1):
        shape, result = (depth,), left.shape[:-1]
    else:
        shape = (*batch, depth, columns)
        result = (*left.shape[:-1], columns)
    scale = 1 / np.sqrt(max(depth, 1))
    right = (graph.content(shape, left.dtype) * scale).astype(left.dtype)
    graph.emit("MatMul", [left, graph.weight(right)], result)


def gemm(graph):
    value = graph.floating(rank=2)
    transpose_a, transpose_b = int(graph.chance(0.3)), int(graph.chance(0.5))
    rows, depth = value.shape[::-1] if transpose_a else value.shape
    if depth == 0:
        return  # onnxruntime forgets beta
    columns = graph.size()
    shape = (columns, depth) if transpose_b else (depth, columns)
    weight = (graph.content(shape, value.dtype) / np.sqrt(max(depth, 1))).astype(value.dtype)
    operands = [value, graph.weight(weight)]
    if graph.chance(0.7):
        bias = graph.choose(((columns,), (1, columns), (rows, 1), (rows, columns)))
        operands.append(graph.fresh(bias, value.dtype))
    graph.emit(
        "Gemm", operands, (rows, columns), transA=transpose_a, transB=transpose_b,
        alpha=float(graph.choose((1.0, 0.5))), beta=float(graph.choose((1.0, 0.25))),
    )


def _window(graph, size, most=5):
    """Kernel, stride, dilation and pads of one axis that fit its size."""
    kernel = int(graph.random.integers(1, min(most, size) + 1))
    dilation = int(graph.choose((1, 1, 2)))
    if dilation * (kernel - 1) + 1 > size:
        dilation = 1
    stride = int(graph.choose((1, 1, 2, 3)))
    pads = [int(p) for p in graph.random.integers(0, kernel, 2)]
    reach = dilation * (kernel - 1) + 1
    result = (size + sum(pads) - reach) // stride + 1
    return kernel, stride, dilation, pads, result


def convolution(graph):
    value = graph.floating(low=3, most=5, nonempty=True)
    if value.dtype != np.float32:
        return
    channels = value.shape[1]
    groups = channels if graph.chance(0.3) else 1
    outputs = groups * int(graph.choose((1, 1, 2))) if groups > 1 else graph.size() or 1
    windows = [_window(graph, size) for size in value.shape[2:]]
    kernel = [window[0] for window in windows]
    shape = (outputs, channels // groups, *kernel)
    scale = 1 / np.sqrt(np.prod(shape[1:]))
    weight = (graph.content(shape, np.float32) * scale).astype(np.float32)
    operands = [value, graph.weight(weight)]
    if graph.chance(0.6):
        operands.append(graph.weight(graph.content((outputs,), np.float32)))
    result = graph.emit(
        "Conv", operands, (value.shape[0], outputs, *(w[4] for w in windows)),
        kernel_shape=kernel, strides=[w[1] for w in windows],
        dilations=[w[2] for w in windows], group=groups,
        pads=[w[3][0] for w in windows] + [w[3][1] for w in windows],
    )
    if graph.chance(0.3):
        batch_normalization(graph, result)


def batch_normalization(graph, value=None):
    value = value or graph.floating(low=2, most=5)
    if value.dtype != np.float32:
        return
    channels = value.shape[1]
    operands = [value]
    for _ in range(3):
        operands.append(graph.weight(graph.content((channels,), np.float32)))
    variance = graph.random.uniform(0.5, 2, channels).astype(np.float32)
    operands.append(graph.weight(variance))
    graph.emit("BatchNormalization", operands, value.shape, epsilon=1e-5)


def pooling(graph):
    value = graph.floating(low=3, most=5, nonempty=True)
    if value.dtype != np.float32:
        return
    name = graph.choose(("MaxPool", "AveragePool", "GlobalAveragePool"))
    if name == "GlobalAveragePool":
        graph.emit(name, [value], (*value.shape[:2], *[1] * (value.rank - 2)))
        return
    windows = [_window(graph, size) for size in value.shape[2:]]
    attributes = dict(
        kernel_shape=[w[0] for w in windows], strides=[w[1] for w in windows],
        pads=[min(w[3][0], w[0] // 2) for w in windows]
        + [min(w[3][1], w[0] // 2) for w in windows],
    )
    rank = len(windows)
    shape = [
        (size + attributes["pads"][i] + attributes["pads"][i + rank] - w[0]) // w[1] + 1
        for i, (size, w) in enumerate(zip(value.shape[2:], windows))
    ]
    if name == "AveragePool":
        attributes["count_include_pad"] = int(graph.chance(0.5))
    graph.emit(name, [value], (*value.shape[:2], *shape), **attributes)


# Reductions.


def reduction(graph):
    value = graph.floating(low=1, nonempty=True)
    name = graph.choose(
        ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2",
         "ReduceSumSquare", "ReduceLogSumExp")
    )
    axes = _some_axes(graph, value.rank)
    keep = int(graph.chance(0.5))
    gone = {axis % value.rank for axis in axes}
    shape = [
        1 if axis in gone else size
        for axis, size in enumerate(value.shape)
        if keep or axis not in gone
    ]
    if name == "ReduceSum":
        graph.emit(name, [value, _integers(graph, axes)], shape, keepdims=keep)
    else:
        graph.emit(name, [value], shape, axes=axes, keepdims=keep)


def arg_reduction(graph):
    value = graph.pick(lambda v: v.floating and v.exact and v.rank and v.count)
    if value is None:
        return
    axis = _some_axis(graph, value.rank)
    keep = int(graph.chance(0.5))
    shape = list(value.shape)
    place = axis % value.rank
    shape[place : place + 1] = [1] if keep else []
    name = graph.choose(("ArgMax", "ArgMin"))
    graph.emit(name, [value], shape, dtype=INTEGERS, exact=True, axis=axis, keepdims=keep)


def normalization(graph):
    value = graph.floating(low=1, nonempty=True)
    name = graph.choose(("Softmax", "LogSoftmax", "LayerNormalization"))
    axis = _some_axis(graph, value.rank)
    if name != "LayerNormalization":
        graph.emit(name, [value], value.shape, axis=axis)
        return
    if value.dtype != np.float32 or value.shape[-1] < 4:
        return
    operands = [value] + [
        graph.weight(graph.content(value.shape[-1:], np.float32)) for _ in range(2)
    ]
    graph.emit(name, operands, value.shape, axis=-1, epsilon=1e-2)


# Shapes.


def transpose(graph):
    value = graph.pick(lambda v: v.rank > 1)
    if value is not None:
        perm = [int(axis) for axis in graph.random.permutation(value.rank)]
        shape = [value.shape[axis] for axis in perm]
        graph.emit("Transpose", [value], shape, exact=True, perm=perm)


def reshape(graph):
    value = graph.pick(lambda v: v.count > 0)
    if value is None:
        return
    left, shape = value.count, []
    while left > 1 and len(shape) < 6:
        divisors = [d for d in range(1, min(left, 64) + 1) if left % d == 0]
        divisor = graph.choose(divisors)
        shape.append(divisor)
        left //= divisor
    shape.append(left)
    asked = list(shape)
    if graph.chance(0.4):
        asked[int(graph.random.integers(len(asked)))] = -1
    graph.emit("Reshape", [value, _integers(graph, asked)], shape, exact=True)


def squeeze(graph):
    value = graph.pick(lambda v: 0 < v.rank)
    if value is None:
        return
    ones = [axis for axis, size in enumerate(value.shape) if size == 1]
    if ones and graph.chance(0.5):
        shape = [s for axis, s in enumerate(value.shape) if axis != ones[0]]
        graph.emit("Squeeze", [value, _integers(graph, ones[:1])], shape, exact=True)
    elif value.rank < 8:
        axis = int(graph.random.integers(value.rank + 1))
        shape = [*value.shape[:axis], 1, *value.shape[axis:]]
        graph.emit("Unsqueeze", [value, _integers(graph, [axis])], shape, exact=True)


def concatenate(graph):
    value = graph.pick(lambda v: v.rank > 0 and v.count < 10000)
    if value is None:
        return
    axis = _some_axis(graph, value.rank)
    parts, total = [value], value.shape[axis]
    for _ in range(int(graph.random.integers(1, 4))):
        shape = list(value.shape)
        shape[axis] = graph.size()
        total += shape[axis]
        parts.append(graph.fresh(shape, value.dtype))
    shape = list(value.shape)
    shape[axis] = total
    graph.emit("Concat", parts, shape, exact=True, axis=axis)


def slicing(graph):
    value = graph.pick(lambda v: v.rank > 0)
    if value is None:
        return
    axes = sorted({axis % value.rank for axis in _some_axes(graph, value.rank)})
    shape, starts, ends, steps = list(value.shape), [], [], []
    for axis in axes:
        size = value.shape[axis]
        step = int(graph.choose((1, 1, 1, 2, 3, -1, -2)))
        start = int(graph.random.integers(-size - 1, size + 2))
        end = int(graph.choose((2**31, size, -1, size // 2)))
        if step < 0:
            end = int(graph.choose((-(2**31), 0, -size - 1)))
        starts.append(start)
        ends.append(end)
        steps.append(step)
        shape[axis] = len(_onnx_range(start, end, step, size))
    operands = [value] + [_integers(graph, n) for n in (starts, ends, axes, steps)]
    graph.emit("Slice", operands, shape, exact=True)


def _onnx_range(start, end, step, size):
    """The indices that Slice takes, as its specification clamps them."""
    start += size if start < 0 else 0
    end += size if end < 0 else 0
    if step > 0:
        return range(min(max(start, 0), size), min(max(end, 0), size), step)
    return range(min(max(start, 0), size - 1), min(max(end, -1), size - 1), step)


def gather(graph):
    value = graph.pick(lambda v: v.rank > 0 and v.count)
    if value is None:
        return
    axis = _some_axis(graph, value.rank)
    shape = graph.shape(int(graph.choose((0, 1, 1, 2))), most=20)
    size = value.shape[axis]
    indices = graph.random.integers(-size, size, shape)
    place = axis % value.rank
    result = (*value.shape[:place], *shape, *value.shape[place + 1 :])
    if np.prod(result, dtype=np.int64) < 40000 and len(result) <= 8:
        operands = [value, _integers(graph, indices)]
        graph.emit("Gather", operands, result, exact=True, axis=axis)


def padding(graph):
    value = graph.pick(lambda v: v.floating and 0 < v.rank < 6 and v.count)
    if value is None:
        return
    pads = graph.random.integers(0, 3, (2, value.rank))
    mode = graph.choose(("constant", "constant", "edge", "reflect"))
    if mode == "reflect":
        pads = np.minimum(pads, np.array(value.shape) - 1)
    shape = np.array(value.shape) + pads.sum(0)
    if shape.prod() < 40000:
        operands = [value, _integers(graph, pads.reshape(-1))]
        graph.emit("Pad", operands, shape, exact=True, mode=mode)


def expand(graph):
    value = graph.pick(lambda v: v.count < 500 and v.rank < 6)
    if value is None:
        return
    shape = [graph.choose((2, 3, 5)) if size == 1 else size for size in value.shape]
    if graph.chance(0.3):
        shape = [2, *shape]
    graph.emit("Expand", [value, _integers(graph, shape)], shape, exact=True)


def resize(graph):
    value = graph.floating(rank=4, nonempty=True)
    if value.count > 4000 or value.dtype != np.float32:
        return
    mode = graph.choose(("nearest", "nearest", "linear", "linear", "cubic"))
    place = graph.choose(
        ("asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners")
    )
    attributes = dict(mode=mode, coordinate_transformation_mode=place)
    if mode == "nearest":
        # Elsewhere a place in the middle falls to either side.
        attributes.update(coordinate_transformation_mode="asymmetric",
                          nearest_mode="floor")
    if graph.chance(0.5):
        factors = [graph.choose((1, 2, 2, 3)) for _ in range(2)]
        scales = graph.weight(np.array([1, 1, *factors], np.float32))
        sizes = [size * f for size, f in zip(value.shape[2:], factors)]
        operands = [value, None, scales]
    else:
        if mode == "nearest":
            return
        sizes = [int(graph.random.integers(1, 12)) for _ in range(2)]
        operands = [value, None, None, _integers(graph, [*value.shape[:2], *sizes])]
    shape = (*value.shape[:2], *sizes)
    graph.emit("Resize", operands, shape, exact=mode == "nearest", **attributes)


# What real models have most of comes up more often.
ALL = (
    unary, unary, guarded_unary, exponential, rounding, clip, binary, binary, binary,
    divide, power, integer_binary, compare, logical, where, cast, matmul, matmul, gemm,
    convolution, convolution, batch_normalization, pooling, reduction, reduction,
    arg_reduction, normalization, normalization, transpose, transpose, reshape, reshape,
    squeeze, concatenate, slicing, gather, padding, expand, resize, *rare.ALL,
)
