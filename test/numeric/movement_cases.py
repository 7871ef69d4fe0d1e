"""Reductions of what is padded, extended, tiled and joined: they read none of it
from memory."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

from numpy_cases import case

# Modes of Pad, with a last dimension that is longer or shorter than a vector.
MODES = ("constant", "edge", "reflect", "wrap")
AXES = ((0,), (1,), (2,), (0, 2), (1, 2), (0, 1, 2))


def shape_input(g, values, dynamic):
    values = np.array(values, np.int64)
    return g.integers(values) if dynamic else g.constant(values)


def padded(g, x, low, high, mode, dynamic):
    """Pad's node, and what numpy makes of the input; negative widths cut first."""
    values = g.feeds[x].astype(np.float64)
    widths = shape_input(g, [*low, *high], dynamic)
    value = [g.constant(np.float32(1.5))] if mode == "constant" else []
    if mode == "constant":  # What is cut may be padding as well.
        wide = np.pad(values, [(max(a, 0), max(b, 0)) for a, b in zip(low, high)],
                      constant_values=1.5)
        kept = [slice(max(-a, 0), n - max(-b, 0))
                for a, b, n in zip(low, high, wide.shape)]
        return g.Pad(x, widths, *value, mode=mode), wide[tuple(kept)]
    kept = [slice(max(-a, 0), n - max(-b, 0)) for a, b, n in zip(low, high, values.shape)]
    values = np.pad(values[tuple(kept)],
                    [(max(a, 0), max(b, 0)) for a, b in zip(low, high)], mode=mode)
    return g.Pad(x, widths, mode=mode), values


def reduce_all(g, make, expected, dynamic):
    """Each reduction has an operand of its own: what two read is stored. Factors
    tell elements in wrong places. `make` gets a number to make something else."""
    g.opset = 19
    for number, axes in enumerate(AXES):
        chosen = g.constant(np.array(axes))
        moved, values = make(2 * number)
        g.output(g.ReduceMax(moved, chosen, keepdims=0))
        expected.append(values.max(axes))
        moved, values = make(2 * number + 1)
        # Sizes that only the constant tells would keep them apart.
        factors = g.numbers([1] if dynamic else values.shape)
        difference = g.Sub(moved, g.constant(factors))
        g.output(g.ReduceSum(g.Mul(difference, g.constant(factors)), chosen,
                             keepdims=0))
        expected.append(((values - factors) * factors.astype(np.float64)).sum(axes))


@case(error=2e-6, **{
    f"{mode}{'_short' if short else ''}{'_dynamic' if dynamic else ''}":
        ([], {"mode": mode, "short": short, "dynamic": dynamic})
    for mode in MODES for short in (False, True) for dynamic in (False, True)
    if mode == "constant" or short == dynamic
})
def reductions_of_padded(g, mode, short, dynamic):
    x = g.input([3, 4, 5 if short else 75], dynamic=dynamic)
    widths = [([1, 0, 2], [0, 2, 3]), ([0, 1, 0], [2, 0, 0]),
              ([0, 0, 4], [0, 0, 4]), ([-1, 2, -2], [1, -1, 3])]
    expected = []

    def make(number):
        low, high = widths[number % 4]
        # Reflections need enough of what they reflect.
        more = number // 4 if mode != "reflect" else 0
        return padded(g, x, [low[0] + more, *low[1:]],
                      [*high[:2], high[2] - number // 4], mode, dynamic)

    reduce_all(g, make, expected, dynamic)
    return expected


@case(error=2e-6, **{
    f"{'short' if columns < 16 else 'long'}{'_dynamic' if dynamic else ''}":
        ([], {"columns": columns, "dynamic": dynamic})
    for columns in (3, 40) for dynamic in (False, True)
})
def reductions_of_tiled(g, columns, dynamic):
    x = g.input([3, 2, columns], dynamic=dynamic)
    counts = [[2, 1, 9], [1, 3, 1], [4, 2, 3], [1, 1, 20]]
    expected = []

    def make(number):
        repeats = [n + number // 4 for n in counts[number % 4]]
        return (g.Tile(x, shape_input(g, repeats, dynamic)),
                np.tile(g.feeds[x].astype(np.float64), repeats))

    reduce_all(g, make, expected, dynamic)
    return expected


@case(error=2e-6, **{
    f"axis_{axis}{'_dynamic' if dynamic else ''}":
        ([], {"axis": axis, "dynamic": dynamic})
    for axis in range(3) for dynamic in (False, True)
})
def reductions_of_joined(g, axis, dynamic):
    """Functions of the parts are computed on the way as well."""
    parts = []
    for size in (17, 3, 45):
        shape = [3, 4, 37]
        shape[axis] = size
        parts.append(g.input(shape, dynamic=dynamic))
    expected = []

    def make(number):
        values = [g.feeds[part].astype(np.float64) for part in parts]
        values[1] = values[1] * (number + 1)
        scaled = g.Mul(parts[1], g.constant(np.float32(number + 1)))
        return (g.Concat(parts[0], scaled, parts[2], axis=axis),
                np.concatenate(values, axis))

    reduce_all(g, make, expected, dynamic)
    return expected


@case(error=2e-6, static=([], {"dynamic": False}), dynamic=([], {"dynamic": True}))
def reductions_of_moved_twice(g, dynamic):
    """Pads around sums, concatenations and broadcasts."""
    x, y = g.input([2, 5, 70], dynamic=dynamic), g.input([2, 5, 1], dynamic=dynamic)
    z = g.input([2, 5, 33], dynamic=dynamic)
    a, b, c = (g.feeds[name].astype(np.float64) for name in (x, y, z))
    expected = []

    def make(number):
        scaled = g.Mul(y, g.constant(np.float32(number + 1)))
        joined = g.Concat(g.Add(x, scaled), z, axis=2)
        values = np.concatenate([a + b * (number + 1), c], 2)
        widths = shape_input(g, [0, 1, 3, 1, 0, 21 + number], dynamic)
        return (g.Pad(g.Neg(joined), widths),
                np.pad(-values, ((0, 1), (1, 0), (3, 21 + number))))

    reduce_all(g, make, expected, dynamic)
    return expected


@case()
def reductions_of_padded_integers(g):
    g.opset = 19
    x = g.integers(g.random.integers(-9, 9, (5, 7)))
    expected = []
    for axis in (0, 1):
        for more, (kind, function) in enumerate((("Sum", np.sum), ("Min", np.min))):
            wide = np.pad(g.feeds[x], ((2, 0), (1, 40 + more + 2 * axis)),
                          constant_values=-3)
            widths = g.constant(np.array([2, 1, 0, 40 + more + 2 * axis]))
            moved = g.Pad(x, widths, g.constant(np.int64(-3)))
            g.output(g.node(f"Reduce{kind}", [moved, g.constant(np.array([axis]))],
                            keepdims=0))
            expected.append(function(wide, axis=axis))
    return expected


# Products of one-hot rows ----------------------------------------------------------


@case(plain=([], {"turned": False}), turned=([], {"turned": True}))
def products_of_one_hots(g, turned):
    """Looked up; but zero times infinity is not a number. Indices may count from
    the end, and those outside mark nothing."""
    depth = 37
    indices = g.random.integers(-depth - 2, depth + 2, (5, 19))
    x, w = g.integers(indices, dynamic=turned), g.input([depth, 70], dynamic=turned and [1])
    table = g.feeds[w]
    table[3, 1], table[4, 2], table[4, 3] = np.inf, np.nan, -np.inf
    table[9, 3] = table[8, 69] = np.inf
    if turned:
        g.feeds[w] = table.T.copy()
        g.inputs[-1].type.tensor_type.shape.dim[0].dim_param = "columns"
        g.inputs[-1].type.tensor_type.shape.dim[1].dim_value = depth
        w = g.Transpose(w, perm=[1, 0])
    marks = g.OneHot(x, g.constant(np.array(depth)), g.constant(np.float32([0, 1])))
    g.output(g.MatMul(marks, w))
    places = np.arange(depth)
    at = indices[..., None]
    rows = ((at == places) | (at + depth == places)).astype(np.float64)
    with np.errstate(invalid="ignore"):
        right = (rows[..., None] * table.astype(np.float64)).sum(2)
    assert np.isinf(right).any() and np.isnan(right).any() and np.isfinite(right).any()
    return [right.astype(np.float32)]


# Pools of what is padded -----------------------------------------------------------


@case(error=1e-6, static=([], {"dynamic": False}), dynamic=([], {"dynamic": True}))
def pools_of_padded(g, dynamic):
    """Zeros are no maxima of what is not negative, and count in averages. The
    convolutions have the channels lie together."""
    x = g.input([2, 3, 9, 11], dynamic=[0, 2, 3] if dynamic else False)
    turn = np.roll(np.eye(3), 1, axis=0)[:, :, None, None]
    image = g.Conv(x, g.constant(turn))
    value = g.feeds[x].astype(np.float64)[:, [2, 0, 1]]
    widths = g.constant(np.array([0, 0, 1, 2, 0, 0, 0, 1]))
    around = ((0, 0), (0, 0), (1, 0), (2, 1))
    lowest = g.constant(np.float32(-np.inf))
    zeros, wide = g.Pad(image, widths), np.pad(value, around)
    expected = []

    def add(result, padded, function, stride):
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
        g.output(g.Conv(result, g.constant(turn)))
        pooled = function(windows[:, :, ::stride, ::stride], axis=(4, 5))
        expected.append(pooled[:, [2, 0, 1]])

    for stride in (1, 2):
        facts = {"kernel_shape": [3, 3], "strides": [stride, stride]}
        add(g.AveragePool(zeros, **facts), wide, np.mean, stride)
        add(g.MaxPool(zeros, **facts), wide, np.max, stride)
        add(g.MaxPool(g.Pad(image, widths, lowest), **facts),
            np.pad(value, around, constant_values=-np.inf), np.max, stride)
        add(g.MaxPool(g.Pad(g.Relu(image), widths), **facts), np.maximum(wide, 0),
            np.max, stride)
    return expected


# Products of what is padded --------------------------------------------------------


@case(error=1e-6)
def products_of_padded_depth(g):
    a, b = g.input([2, 9, 20]), g.input([20, 7])
    x, y = (g.feeds[name].astype(np.float64) for name in (a, b))
    g.output(g.MatMul(g.Pad(a, g.constant(np.array([0, 1, 5, 1, 0, 3]))),
                      g.Pad(b, g.constant(np.array([5, 2, 3, 0])))))
    weights = g.numbers([28, 11])
    g.output(g.MatMul(g.Pad(a, g.constant(np.array([0, 0, 6, 0, 0, 2]))),
                      g.constant(weights)))
    wide = np.pad(x, ((0, 1), (1, 0), (5, 3)))
    return [wide @ np.pad(y, ((5, 3), (2, 0))), x @ weights[6:26].astype(np.float64)]


@case(exact=([], {"lost": False}), lost=([], {"lost": True}))
def products_of_padded_rows(g, lost):
    """Zero times infinity is not a number. Of numbers whose sums are exact."""
    shapes = [3, 5, 20], [20, 7], [6, 20, 3], [20, 6]
    a, b, c, d = (g.input(shape) for shape in shapes)
    for name in (a, b, c, d):
        g.feeds[name] = np.round(g.feeds[name] * 4)
    if lost:
        for name in (b, d):
            g.feeds[name][3, 2], g.feeds[name][5, 4] = np.inf, np.nan
    x, y, z, w = (g.feeds[name].astype(np.float64) for name in (a, b, c, d))
    rows = g.Pad(a, g.constant(np.array([1, 4, 0, 0, 10, 0])))
    columns = g.Pad(c, g.constant(np.array([0, 0, 3, 0, 0, 40])))
    g.output(g.MatMul(rows, b))
    g.output(g.MatMul(g.Transpose(d, perm=[1, 0]), columns))
    with np.errstate(invalid="ignore"):
        product = np.pad(x, ((1, 0), (4, 10), (0, 0))) @ y
        other = w.T @ np.pad(z, ((0, 0), (0, 0), (3, 40)))
    assert np.isnan(product).any() == lost
    return [product.astype(np.float32), other.astype(np.float32)]
