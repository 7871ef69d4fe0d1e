"""Numbers at the edge of their types, counts that are too large, and NaN.

Each family is one graph of nodes that do not depend on each other. It runs with
its tensors as inputs of known sizes, as inputs of unknown ones, and as constants,
which the compiler computes itself: all three must be equal to the bit (sums nearly), and equal
to what numpy says wherever numpy, ONNX or C define it.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import itertools
import math
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import helper, numpy_helper

FORMS = ("static", "dynamic", "constant")
FAMILIES = []
LOWEST, HIGHEST = -(2**63), 2**63 - 1
INTEGERS = [np.dtype(name) for name in ("int8", "int32", "int64", "uint16", "uint64")]
NAN = np.float32(np.nan)


@dataclass
class Entry:
    operator: str
    inputs: list  # arrays; None where omitted
    expected: list  # arrays, or (array, where it is defined)
    attributes: dict = field(default_factory=dict)
    # Inputs whose sizes stay known, since they say the rank of others.
    vectors: tuple = ()
    # The relative difference between forms: sums may be made of other parts.
    between_forms: float = 0


@dataclass
class Family:
    name: str
    make: object  # () -> entries
    opset: int = 19
    needs: str = ""

    def models(self):
        """(entries, {form: model}, inputs)"""
        entries = list(self.make())
        nodes, results, feeds, declared = [], [], {}, {}
        for number, entry in enumerate(entries):
            names = []
            for index, array in enumerate(entry.inputs):
                if array is None:
                    names.append("")
                    continue
                name = f"x{number}_{index}"
                names.append(name)
                feeds[name] = np.asarray(array)
                declared[name] = index in entry.vectors
            outputs = [f"y{number}_{i}" for i in range(len(entry.expected))]
            results += outputs
            nodes.append(
                helper.make_node(
                    entry.operator, names, outputs, name=f"{entry.operator}_{number}",
                    **entry.attributes,
                )
            )
        return entries, {form: self.model(form, nodes, results, feeds, declared)
                         for form in FORMS}, feeds

    def model(self, form, nodes, results, feeds, declared):
        inputs, weights = [], []
        for name, array in feeds.items():
            if form == "constant":
                weights.append(numpy_helper.from_array(array, name))
                continue
            shape = [
                f"{name}_{axis}" if form == "dynamic" and not declared[name] else size
                for axis, size in enumerate(array.shape)
            ]
            dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
            inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        outputs = [helper.make_empty_tensor_value_info(name) for name in results]
        graph = helper.make_graph(nodes, self.name, inputs, outputs, weights)
        opsets = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        model = onnx.shape_inference.infer_shapes(model)
        # Its sizes overflow where these values are; the ranks are right.
        for output in model.graph.output:
            for size in output.type.tensor_type.shape.dim:
                size.Clear()
        return model


def family(make):
    FAMILIES.append(Family(make.__name__, make))
    return make


def extremes(dtype):
    info = np.iinfo(dtype)
    near = [info.min, info.min + 1, info.max - 1, info.max, 0, 1, 2, 7]
    return np.array(near if info.min == 0 else [*near[:-1], -1], dtype)


def pairs(dtype):
    both = list(itertools.product(extremes(dtype), repeat=2))
    return np.array(both, dtype).T


def wrapped(numbers, dtype):
    """Whole numbers of Python modulo the size of a type."""
    bits = dtype.itemsize * 8
    flat = [number % 2**bits for number in numbers]
    return np.array(flat, np.dtype(f"uint{bits}")).astype(dtype)


def truncated_quotient(a, b):
    quotient = abs(a) // abs(b) if b else 0
    return quotient if (a < 0) == (b < 0) else -quotient


# Integers ----------------------------------------------------------------------


@family
def integer_arithmetic():
    for dtype in INTEGERS:
        x, y = pairs(dtype)
        a, b = [int(n) for n in x], [int(n) for n in y]
        defined = y != 0

        def exact(compute):
            return wrapped([compute(i, j) for i, j in zip(a, b)], dtype)

        yield Entry("Add", [x, y], [exact(lambda i, j: i + j)])
        yield Entry("Sub", [x, y], [exact(lambda i, j: i - j)])
        yield Entry("Mul", [x, y], [exact(lambda i, j: i * j)])
        yield Entry("Div", [x, y], [(exact(truncated_quotient), defined)])
        yield Entry("Mod", [x, y], [(exact(lambda i, j: i % j if j else 0), defined)])
        rest = exact(lambda i, j: i - j * truncated_quotient(i, j))
        yield Entry("Mod", [x, y], [(rest, defined)], {"fmod": 1})
        yield Entry("Max", [x, y], [np.maximum(x, y)])
        yield Entry("Min", [x, y], [np.minimum(x, y)])
        yield Entry("Less", [x, y], [x < y])
        yield Entry("GreaterOrEqual", [x, y], [x >= y])
        for operator, compute in (("And", np.bitwise_and), ("Or", np.bitwise_or),
                                  ("Xor", np.bitwise_xor)):
            yield Entry(f"Bitwise{operator}", [x, y], [compute(x, y)])
        yield Entry("Clip", [x, x.min() + np.array(1, dtype), x.max()],
                    [np.clip(x, x.min() + np.array(1, dtype), x.max())])
        one = extremes(dtype)
        whole = [int(n) for n in one]
        yield Entry("Abs", [one], [wrapped([abs(n) for n in whole], dtype)])
        yield Entry("Sign", [one], [np.sign(one)])
        if dtype.kind == "i":
            yield Entry("Neg", [one], [wrapped([-n for n in whole], dtype)])
        else:
            bits = dtype.itemsize * 8
            amounts = np.array([0, 1, bits - 1, bits, dtype.type(-1 % 2**bits)], dtype)
            for direction, move in (("LEFT", lambda n, by: n << by),
                                    ("RIGHT", lambda n, by: n >> by)):
                moved = [move(n, int(by)) if by < bits else 0
                         for n in whole for by in amounts]
                moved = wrapped(moved, dtype).reshape(len(one), len(amounts))
                yield Entry("BitShift", [one[:, None], amounts[None]], [moved],
                            {"direction": direction})


@family
def integer_power():
    def power(base, exponent):
        if exponent >= 0:
            return base**exponent if abs(base) < 2 or exponent < 200 else pow(
                base, exponent, 2**64)
        if base == 0:
            return None
        return {1: 1, -1: -1 if exponent % 2 else 1}.get(base, 0)

    for dtype in INTEGERS:
        for other in (dtype, np.dtype(np.int64), np.dtype(np.int8)):
            base = np.array([0, 1, 2, 3, 5, 7, 10, 100], dtype)
            base = np.concatenate([base, extremes(dtype)[:4], -base[1:4]])
            exponent = np.array([0, 1, 2, 3, 7, 22, 39, 63, 64, 65, 100], other)
            exponent = np.concatenate([exponent, extremes(other)])
            numbers = [power(int(x), int(y)) for x in base for y in exponent]
            right = wrapped([n or 0 for n in numbers], dtype)
            shape = len(base), len(exponent)
            defined = np.array([n is not None for n in numbers]).reshape(shape)
            yield Entry("Pow", [base[:, None], exponent[None]],
                        [(right.reshape(shape), defined)])
    # A number of the graph: the power is unrolled.
    for exponent in (2, 3, 22):
        x = np.array([[3, -7, LOWEST, HIGHEST, 0]])
        right = wrapped([int(n) ** exponent for n in x[0]], x.dtype)[None]
        yield Entry("Pow", [x, np.array(exponent)], [right])


@family
def casts():
    for source in INTEGERS:
        x = extremes(source)
        for target in INTEGERS:
            yield Entry("Cast", [x], [x.astype(target)],
                        {"to": helper.np_dtype_to_tensor_dtype(target)})
        for target in (np.float32, np.float64):
            yield Entry("Cast", [x], [x.astype(target)],
                        {"to": helper.np_dtype_to_tensor_dtype(np.dtype(target))})
    near = [0, -0.5, 0.99, 1.5, -1.5, 126.9, 127.5, 255.9, 32767.5, 65535.5]
    for bits in (31, 32, 63, 64):
        for sign in (1, -1):
            near += [sign * 2.0**bits, sign * np.nextafter(2.0**bits, 0)]
    near += [1e30, -1e30, np.inf, -np.inf, np.nan]
    for source in (np.float32, np.float64, np.float16):
        with np.errstate(all="ignore"):
            x = np.array(near, source)
        for target in INTEGERS:
            info = np.iinfo(target)
            numbers = [int(n) if np.isfinite(n) else None for n in x]
            defined = np.array([n is not None and info.min <= n <= info.max
                                for n in numbers])
            right = wrapped([n or 0 for n in numbers], target)
            yield Entry("Cast", [x], [(right, defined)],
                        {"to": helper.np_dtype_to_tensor_dtype(target)})


@family
def marks_of_unsigned_indices():
    """An index that only unsigned numbers hold is not one from the end."""
    for axis in (-1, 0):
        x = np.array([0, 2, 3, 2**63 - 1, 2**63, 2**64 - 3, 2**64 - 1], np.uint64)
        marks = np.array([[int(n) == i for i in range(3)] for n in x], np.float32)
        yield Entry("OneHot", [x, np.array(3), np.array([0, 1], np.float32)],
                    [marks if axis else marks.T], {"axis": axis}, (1, 2))


@family
def integer_reductions():
    axis = np.array([1])
    for dtype in (np.dtype(np.int32), np.dtype(np.int64)):
        x = np.array(list(itertools.permutations(extremes(dtype)[:5], 3)), dtype)
        rows = [[int(n) for n in row] for row in x]

        def exact(compute):
            return wrapped([compute(row) for row in rows], dtype)

        for operator, compute in (
            ("ReduceSum", sum),
            ("ReduceProd", lambda row: row[0] * row[1] * row[2]),
            ("ReduceSumSquare", lambda row: sum(n * n for n in row)),
            ("ReduceL1", lambda row: sum(abs(n) for n in row)),
            ("ReduceMax", max),
            ("ReduceMin", min),
        ):
            yield Entry(operator, [x, axis], [exact(compute)], {"keepdims": 0}, (1,))
        sums = [wrapped([sum(row[:i]) for row in rows], dtype) for i in (1, 2, 3)]
        yield Entry("CumSum", [x, np.array(1)], [np.stack(sums, 1)], vectors=(1,))
        yield Entry("ArgMax", [x], [x.argmax(1)], {"axis": 1, "keepdims": 0})


@family
def integers_through_wider_types():
    """Results that the type holds, of sums that it does not."""
    def exponentials(row):
        return max(row) + math.log(sum(math.exp(n - max(row)) for n in row))

    for dtype, rows in (
        (np.int32, [[70000, 0], [-70000, 70000], [2**31 - 1, 0], [3, 4]]),
        (np.int64, [[2**40, 0], [-(2**31), 2**31], [3 * 2**35, 2**37], [1000, 1]]),
    ):
        for operator, compute, chosen in (
            ("ReduceL2", lambda row: math.sqrt(sum(n * n for n in row)), rows),
            ("ReduceLogSumExp", exponentials, rows),
            ("ReduceLogSum", lambda row: math.log(sum(row)),
             [[abs(n) + 1 for n in row] for row in rows[:2] + rows[3:]]),
        ):
            x = np.array(chosen, dtype)
            expected = np.array([int(compute(row)) for row in chosen], dtype)
            yield Entry(operator, [x, np.array([1])], [expected], {"keepdims": 0}, (1,))
            yield Entry(operator, [x[0]], [expected[:1]])
    for dtype in (np.int32, np.uint32, np.int64, np.uint64):
        info = np.iinfo(dtype)
        rows = [[info.max] * 3, [info.min] * 3, [info.min, info.max, info.max], [7, 0, 1],
                [info.min, info.min + 1, info.min], [0, info.max // 2, 5]]
        # Rounded to zero, as a division of integers is.
        means = [abs(sum(row)) // 3 * (1 if sum(row) >= 0 else -1) for row in rows]
        for axis, x in ((1, np.array(rows, dtype)), (0, np.array(rows, dtype).T.copy())):
            yield Entry("ReduceMean", [x, np.array([axis])], [np.array(means, dtype)],
                        {"keepdims": 0}, (1,))
    yield Entry("ReduceLogSumExp", [np.zeros((2, 0), np.int64), np.array([1])],
                [np.full(2, LOWEST)], {"keepdims": 0}, (1,))


# Sizes and counts ---------------------------------------------------------------


@family
def ranges():
    def entry(start, limit, delta, dtype=np.int64):
        numbers = [np.array(n, dtype) for n in (start, limit, delta)]
        return Entry("Range", numbers, [np.array(range(start, limit, delta), dtype)])

    yield entry(-5, HIGHEST, 2**62)
    yield entry(HIGHEST, LOWEST, LOWEST)
    yield entry(LOWEST, HIGHEST, HIGHEST)
    yield entry(LOWEST, HIGHEST, 2**61 + 5)
    yield entry(HIGHEST - 3, HIGHEST, 1)
    yield entry(LOWEST + 3, LOWEST, -1)
    yield entry(HIGHEST, LOWEST, 5)
    yield entry(LOWEST, HIGHEST, -5)
    yield entry(7, 7, LOWEST)
    yield entry(0, 10, HIGHEST)
    yield entry(2**31 - 1, -(2**31), -(2**30), np.int32)
    yield entry(-(2**15), 2**15 - 1, 2**14, np.int16)
    yield entry(0, 12, 5)


@family
def slices():
    x = np.arange(20, dtype=np.float32)
    bounds = (LOWEST, LOWEST + 1, -21, -1, 0, 19, 20, HIGHEST)
    steps = (LOWEST, LOWEST + 1, -(2**62), -3, 1, 2**62, HIGHEST)
    for step in steps:
        for start, end in itertools.product(bounds, repeat=2):
            if (step, start, end) != (1, 0, HIGHEST) and (start + end + step) % 3:
                continue
            vectors = [np.array([n]) for n in (start, end, 0, step)]
            # ONNX's backward slices start within the dimension, numpy's in front.
            first = max(start, -len(x)) if step < 0 else start
            yield Entry("Slice", [x, *vectors], [x[first:end:step]],
                        vectors=(1, 2, 3, 4))


@family
def pads():
    x = np.arange(1, 9, dtype=np.float32)
    for low, high in ((2, -3), (-3, 2), (-2, -3), (-2, 0), (9, -1), (0, -7), (3, 4),
                      (-7, 20)):
        cut = x[max(-low, 0):len(x) - max(-high, 0)]
        widths = max(low, 0), max(high, 0)
        for mode in ("wrap", "edge", "reflect", "constant"):
            yield Entry("Pad", [x, np.array([low, high])], [np.pad(cut, widths, mode)],
                        {"mode": mode}, (1,))


@family
def limits_of_selection():
    box = np.array([[[0, 0, 1, 1], [0, 0, 1, 1.1], [2, 2, 3, 3]]], np.float32)
    score = np.array([[[0.5, 0.9, 0.3], [NAN, 0.2, 0.2]]], np.float32)
    overlap = np.array([0.5], np.float32)
    everything = [[0, 0, 1], [0, 0, 2], [0, 1, 1], [0, 1, 2]]
    for limit, rows in ((HIGHEST, everything), (2**62, everything), (0, []),
                        (LOWEST, []), (1, [everything[0], everything[2]])):
        yield Entry("NonMaxSuppression", [box, score, np.array([limit]), overlap],
                    [np.array(rows, np.int64).reshape(-1, 3)])
    yield Entry("ReverseSequence", [np.eye(3, dtype=np.float32), np.array([3, 1, 0])],
                [reversed_columns(np.eye(3, dtype=np.float32), [3, 1, 0])])


def reversed_columns(x, lengths):
    """Along the first axis, each column by its length."""
    result = x.copy()
    for column, length in enumerate(lengths):
        result[:length, column] = x[:length, column][::-1]
    return result


# NaN -----------------------------------------------------------------------------


def with_nan(*shape, share=0.1, dtype=np.float32):
    random = np.random.default_rng(list(shape))
    x = random.standard_normal(shape)
    x[random.random(shape) < share] = np.nan
    return x.astype(dtype)


def pooled(x, kernel, stride, pad, dilation, ceil, reduce):
    """Pools the last two dimensions; `reduce` gets (plane, rows, columns)."""
    def places(size):
        room = size + 2 * pad - dilation * (kernel - 1) - 1
        count = -(-room // stride) + 1 if ceil else room // stride + 1
        if ceil and (count - 1) * stride >= size + pad:
            count -= 1
        for i in range(count):
            taps = [i * stride - pad + dilation * k for k in range(kernel)]
            yield [tap for tap in taps if 0 <= tap < size]

    planes = x.reshape(-1, *x.shape[-2:])
    rows, columns = list(places(x.shape[-2])), list(places(x.shape[-1]))
    result = [[[reduce(number, plane, r, c) for c in columns] for r in rows]
              for number, plane in enumerate(planes)]
    return np.array(result).reshape(*x.shape[:-2], len(rows), len(columns))


def largest(number, plane, rows, columns):
    return plane[np.ix_(rows, columns)].max()


def place_of_largest(number, plane, rows, columns):
    window = plane[np.ix_(rows, columns)]
    row, column = np.unravel_index(np.argmax(window), window.shape)
    return number * plane.size + rows[row] * plane.shape[1] + columns[column]


def mean(number, plane, rows, columns):
    return plane[np.ix_(rows, columns)].mean()


@family
def nan_in_pools():
    for kernel, stride, pad, dilation, ceil in (
        (2, 2, 0, 1, 0), (3, 2, 1, 1, 0), (3, 2, 1, 1, 1), (3, 1, 2, 2, 0),
    ):
        window = kernel, stride, pad, dilation, ceil
        attributes = {
            "kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4,
            "dilations": [dilation] * 2, "ceil_mode": ceil,
        }
        for dtype in (np.float32, np.float16, np.float64):
            x = with_nan(1, 3, 11, 9, dtype=dtype)
            yield Entry("MaxPool", [x], [pooled(x, *window, largest)], attributes)
        x = with_nan(1, 3, 11, 9)
        yield Entry("MaxPool", [x], [pooled(x, *window, largest),
                                     pooled(x, *window, place_of_largest)], attributes)
        for dtype in (np.int8, np.uint8):
            x = np.random.default_rng(1).integers(0, 256, (1, 2, 11, 9)).astype(dtype)
            yield Entry("MaxPool", [x], [pooled(x, *window, largest)], attributes)


@family
def pools_wider_than_images():
    x = np.round(with_nan(1, 3, 2, 3, share=0), 1)
    for kernel, stride in ((320, 320), (4, 3), (5, 4)):
        attributes = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2,
                      "ceil_mode": 1}
        window = kernel, stride, 0, 1, 1
        yield Entry("AveragePool", [x], [pooled(x, *window, mean)], attributes,
                    between_forms=1e-6)
        yield Entry("MaxPool", [x], [pooled(x, *window, largest)], attributes)
        yield Entry("LpPool", [x], [np.sqrt(pooled(
            x, *window, lambda n, p, r, c: (p[np.ix_(r, c)] ** 2).sum()))], attributes,
                    between_forms=1e-6)


@family
def nan_in_choices():
    for shape in ((4, 7), (3, 33), (2, 70)):
        x = with_nan(*shape)
        for axis in (0, 1):
            last = x.shape[axis] - 1
            for operator, find in (("ArgMax", np.argmax), ("ArgMin", np.argmin)):
                yield Entry(operator, [x], [find(x, axis)],
                            {"axis": axis, "keepdims": 0})
                yield Entry(operator, [x], [last - find(np.flip(x, axis), axis)],
                            {"axis": axis, "keepdims": 0, "select_last_index": 1})
            for operator, reduce in (("ReduceMax", np.max), ("ReduceMin", np.min)):
                yield Entry(operator, [x, np.array([axis])], [reduce(x, axis)],
                            {"keepdims": 0}, (1,))
        y = np.roll(with_nan(*shape), 1, 1)
        yield Entry("Max", [x, y], [np.maximum(x, y)])
        yield Entry("Min", [x, y], [np.minimum(x, y)])
        yield Entry("Relu", [x], [np.maximum(x, np.float32(0))])
        low, high = np.float32(-0.5), np.float32(0.5)
        yield Entry("Clip", [x, low, high], [np.clip(x, low, high)])
        # NaN is larger than every number, the first of equal ones comes first.
        for k in (3, shape[1]):
            order = np.argsort(x, axis=1, kind="stable")[:, :k]
            yield Entry("TopK", [x, np.array([k])],
                        [np.take_along_axis(x, order, 1), order],
                        {"largest": 0}, (1,))
            keys = np.where(np.isnan(x), -np.inf, -x)
            order = np.argsort(keys, axis=1, kind="stable")[:, :k]
            yield Entry("TopK", [x, np.array([k])],
                        [np.take_along_axis(x, order, 1), order], vectors=(1,))
    x = np.array([2, NAN, 1, 2, NAN, -np.inf, np.inf, 1], np.float32)
    yield Entry("Unique", [x], list(np.unique(
        x, return_index=True, return_inverse=True, return_counts=True)))
    image = with_nan(1, 1, 6, 6, share=0.2)
    roi = np.array([[0, 0, 5, 5]], np.float32)
    whole = pooled_region(image[0, 0], 2)
    yield Entry("RoiAlign", [image, roi, np.array([0])], [whole[None, None]],
                {"mode": "max", "output_height": 2, "output_width": 2,
                 "sampling_ratio": 1, "coordinate_transformation_mode": "half_pixel"})


def pooled_region(image, bins):
    """One sample in the middle of each bin of the region from 0 to 5."""
    size = 5 / bins
    result = np.empty((bins, bins), np.float32)
    for row, column in itertools.product(range(bins), repeat=2):
        y, x = (row + 0.5) * size - 0.5, (column + 0.5) * size - 0.5
        low = int(y), int(x)
        weights = [1 - (y - low[0]), y - low[0]], [1 - (x - low[1]), x - low[1]]
        terms = [image[low[0] + i, low[1] + j] * np.float32(weights[0][i] * weights[1][j])
                 for i in (0, 1) for j in (0, 1)]
        result[row, column] = np.max(terms)
    return result
