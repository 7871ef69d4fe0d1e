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
