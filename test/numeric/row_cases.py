"""Reductions and pools along rows of integers, against numpy."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

from numpy_cases import case

# Rows of several vectors, of one that is not full, and of less than a vector.
SHAPES = ((3, 5, 300), (4, 7, 33), (2, 9, 3))
AXES = ([2], [1], [0, 2], [0, 1, 2])


def integers(g, shape, dtype, low=None, high=None):
    bits = np.iinfo(dtype)
    return g.random.integers(bits.min if low is None else low,
                             bits.max if high is None else high,
                             shape, dtype, endpoint=True)


def row_case(*dtypes):
    """A case for each type, for this CPU and for one without masks."""
    def register(build):
        for dtype in dtypes:
            name = np.dtype(dtype).name
            case(error=0, **{name: ([], {"dtype": dtype}),
                             f"{name}_short": (["--cpu=x86-64-v3"], {"dtype": dtype})
                             })(build)
        return build

    return register


@row_case(np.int8, np.uint8, np.int32, np.int64)
def rows_extremes(g, dtype):
    expected = []
    for shape in SHAPES:
        values = integers(g, shape, dtype)
        x = g.typed_input(values, dynamic=shape is SHAPES[0])
        for axes in AXES:
            g.output(g.ReduceMax(x, axes=axes, keepdims=0))
            g.output(g.ReduceMin(x, axes=axes, keepdims=1))
            expected += [values.max(tuple(axes)),
                         values.min(tuple(axes), keepdims=True)]
    return expected


@row_case(np.int32, np.uint32, np.int64)
def rows_sums(g, dtype):
    """Sums and products wrap; means and lengths, added up in more bits, do not."""
    expected = []
    for shape in SHAPES:
        values = integers(g, shape, dtype)
        small = integers(g, shape, dtype, 0 if dtype is np.uint32 else -1000, 1000)
        x, y = g.typed_input(values), g.typed_input(small)
        for axes in AXES:
            along = tuple(axes)
            g.output(g.ReduceSum(x, g.constant(np.array(axes)), keepdims=0))
            g.output(g.ReduceProd(x, axes=axes, keepdims=0))
            g.output(g.ReduceSumSquare(x, axes=axes, keepdims=0))
            g.output(g.ReduceL1(y, axes=axes, keepdims=0))
            g.output(g.ReduceL2(y, axes=axes, keepdims=0))
            g.output(g.ReduceMean(y, axes=axes, keepdims=0))
            wide = small.astype(np.int64)
            count = values.size // values.sum(along, dtype=dtype).size
            sums = wide.sum(along)
            expected += [
                values.sum(along, dtype=dtype), values.prod(along, dtype=dtype),
                (values * values).sum(along, dtype=dtype),
                np.abs(wide).sum(along).astype(dtype),
                np.sqrt((wide * wide).sum(along)).astype(dtype),
                # Rounded towards zero.
                (np.sign(sums) * (np.abs(sums) // count)).astype(dtype)]
    return expected


@case(error=0)
def rows_behind_elements(g):
    """What is computed in front is reduced without being stored."""
    values = integers(g, (6, 50), np.int32, -100, 100)
    x = g.typed_input(values, dynamic=(1,))
    marks = g.Cast(g.Greater(x, g.constant(np.int32(3))), to=6)
    g.output(g.ReduceSum(marks, g.constant([1]), keepdims=0))
    g.output(g.ReduceMax(g.Mul(x, x), axes=[0], keepdims=0))
    return [(values > 3).sum(1).astype(np.int32), (values * values).max(0)]


@row_case(np.int8, np.uint8)
def rows_pools(g, dtype):
    """Channels last, of any number, and as they come."""
    expected = []
    for channels in (3, 40, 64):
        values = integers(g, (2, channels, 11, 9), dtype)
        x = g.typed_input(np.ascontiguousarray(values.transpose(0, 2, 3, 1)))
        image = g.Transpose(x, perm=[0, 3, 1, 2])
        pooled = g.MaxPool(image, kernel_shape=[3, 3], strides=[2, 1],
                           pads=[1, 1, 1, 1])
        g.output(g.Transpose(pooled, perm=[0, 2, 3, 1]))
        g.output(g.MaxPool(g.typed_input(values), kernel_shape=[2, 3]))
        padded = np.pad(values, ((0, 0), (0, 0), (1, 1), (1, 1)),
                        constant_values=np.iinfo(dtype).min)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
        expected.append(windows[:, :, ::2].max((4, 5)).transpose(0, 2, 3, 1))
        windows = np.lib.stride_tricks.sliding_window_view(values, (2, 3), (2, 3))
        expected.append(windows.max((4, 5)))
    return expected
