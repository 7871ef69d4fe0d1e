"""Products and convolutions of every element type that there is a dot unit for,
against numpy in f64, or in whole numbers that wrap."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import itertools

import ml_dtypes
import numpy as np

from numpy_cases import case
from onnx import TensorProto, helper

# How far a result may be off, of the largest magnitude: what rounding to the type
# once takes, and sums in f32 or f64.
ERRORS = {
    np.dtype(np.float16): 2.0**-10,
    np.dtype(ml_dtypes.bfloat16): 2.0**-7,
    np.dtype(np.float64): 1e-14,
    np.dtype(np.int32): 0,
    np.dtype(np.int64): 0,
}
NAMES = {"f16": np.float16, "bf16": ml_dtypes.bfloat16, "f64": np.float64,
         "i32": np.int32, "i64": np.int64}
FLOATS = ("f16", "bf16", "f64")


def element_case(*names):
    """A case for each type, for this CPU, for one with short registers and with
    the units spelled out."""
    def register(build):
        for name in names:
            dtype = np.dtype(NAMES[name])
            case(error=ERRORS[dtype], **{
                name: ([], {"dtype": dtype}),
                f"{name}_short": (["--cpu=x86-64-v3"], {"dtype": dtype}),
                f"{name}_emulated": (["--emulate-dot-units"], {"dtype": dtype}),
            })(build)
        return build

    return register


def draw(g, shape, dtype):
    if dtype.kind == "i":
        bits = np.iinfo(dtype)
        return g.random.integers(bits.min, bits.max, shape, dtype, endpoint=True)
    return g.random.uniform(-1, 1, shape).astype(dtype)


def wide(values):
    return values if values.dtype.kind == "i" else values.astype(np.float64)


def weight(g, shape, dtype):
    values = draw(g, shape, dtype)
    return g.constant(values) if dtype != np.float64 else g.double(values), wide(values)


def operand(g, shape, dtype, dynamic=False):
    values = draw(g, shape, dtype)
    return g.typed_input(values, dynamic), wide(values)


@element_case("f16", "bf16", "f64", "i32", "i64")
def element_products(g, dtype):
    """Packed weights: one row, some, many, and any number of them."""
    expected = []
    for rows, depth, columns, dynamic in ((1, 70, 90, False), (5, 33, 20, False),
                                          (67, 40, 150, False), (67, 40, 150, (0,)),
                                          (33, 1100, 45, False)):
        x, left = operand(g, (rows, depth), dtype, dynamic)
        w, right = weight(g, (depth, columns), dtype)
        g.output(g.MatMul(x, w))
        expected.append(left @ right)
    return expected


@element_case("f16", "bf16", "f64")
def element_epilogues(g, dtype):
    """A bias, a number, an activation and a residual on the accumulators."""
    x, left = operand(g, (2, 31, 24), dtype)
    w, right = weight(g, (24, 70), dtype)
    bias, added = weight(g, (70,), dtype)
    residual, more = operand(g, (2, 31, 70), dtype)
    half, number = weight(g, (), dtype)
    y = g.Relu(g.Add(g.Mul(g.MatMul(x, w), half), bias))
    g.output(g.Add(y, residual))
    sums = left @ right * number + added
    return [np.maximum(sums, 0) + more]


@element_case("f16", "bf16", "f64", "i32", "i64")
def element_run_time_products(g, dtype):
    """Neither operand is a constant; batches broadcast, and each is turned."""
    expected = []
    for turned_left, turned_right in itertools.product((False, True), repeat=2):
        for rows in (2, 35):
            x, left = operand(g, (3, 1, *((19, rows) if turned_left else (rows, 19))),
                              dtype)
            y, right = operand(g, (2, *((41, 19) if turned_right else (19, 41))),
                               dtype, dynamic=True)
            if turned_left:
                x, left = g.Transpose(x, perm=[0, 1, 3, 2]), left.swapaxes(-1, -2)
            if turned_right:
                y, right = g.Transpose(y, perm=[0, 2, 1]), right.swapaxes(-1, -2)
            g.output(g.MatMul(x, y))
            expected.append(left @ right)
    return expected


def convolve(image, weights, stride, pad, groups):
    """Of [N, C, H, W] with [outputs, C / groups, h, w]."""
    outputs, inputs, height, width = weights.shape
    padded = np.pad(image, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(
        padded, (height, width), axis=(2, 3))[:, :, ::stride, ::stride]
    parts = []
    for group in range(groups):
        channels = windows[:, group * inputs:(group + 1) * inputs]
        share = outputs // groups
        filters = weights[group * share:(group + 1) * share]
        parts.append(np.einsum("nchwij,ocij->nohw", channels, filters))
    return np.concatenate(parts, axis=1)


@element_case("f16", "bf16", "f64")
def element_convolutions(g, dtype):
    """Dense, of one pixel, in narrow and in wide groups, depthwise, and of images
    of any size."""
    expected = []
    for inputs, outputs, kernel, stride, groups, dynamic in (
            (9, 40, 3, 1, 1, ()), (24, 33, 1, 1, 1, ()), (16, 16, 3, 2, 4, ()),
            (64, 64, 3, 1, 2, ()), (40, 40, 3, 1, 40, ()), (5, 1, 3, 1, 1, ()),
            (9, 20, 3, 1, 1, (2, 3)), (24, 33, 1, 1, 1, (0, 3))):
        x, image = operand(g, (2, inputs, 13, 17), dtype, dynamic)
        w, filters = weight(g, (outputs, inputs // groups, kernel, kernel), dtype)
        bias, added = weight(g, (outputs,), dtype)
        y = g.Conv(x, w, bias, pads=[kernel // 2] * 4, strides=[stride] * 2,
                   group=groups)
        g.output(g.Relu(y))
        sums = convolve(image, filters, stride, kernel // 2, groups)
        expected.append(np.maximum(sums + added[:, None, None], 0))
    return expected


@element_case("f16", "f64")
def element_transposed_convolution(g, dtype):
    """Each phase of its strides reads the same widened image."""
    x, image = operand(g, (1, 6, 7, 9), dtype)
    w, filters = weight(g, (6, 20, 3, 3), dtype)
    g.output(g.ConvTranspose(x, w, strides=[2, 2]))
    spread = np.zeros((1, 6, 13, 17))
    spread[:, :, ::2, ::2] = image
    turned = filters.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
    return [convolve(spread, turned, 1, 2, 1)]


@element_case("f16", "bf16", "f64")
def element_lookups(g, dtype):
    """One-hot rows times a constant, which are looked up, and a padded depth,
    which is left out."""
    places = g.random.integers(-2, 12, (9, 1), np.int32)
    numbers = np.arange(10, dtype=np.int32)
    marks = g.Cast(g.Equal(g.typed_input(places), g.constant(numbers[None])),
                   to=helper.np_dtype_to_tensor_dtype(dtype))
    table, right = weight(g, (10, 21), dtype)
    g.output(g.MatMul(marks, table))
    x, left = operand(g, (40, 4), dtype)
    zero, _ = weight(g, (), dtype)
    padded = g.Pad(x, g.constant(np.array([0, 2, 0, 4])), g.Sub(zero, zero))
    g.output(g.MatMul(padded, table))
    return [(places == numbers) @ right, left @ right[2:6]]


@case(error=0, native=([], {}), short=(["--cpu=x86-64-v3"], {}),
      base=(["--cpu=x86-64"], {}))
def element_quantised_products(g):
    """8 bits on both sides, with and without zero points; exact in 32 bits."""
    expected = []
    for left_type, rows, depth in ((np.uint8, 1, 70), (np.int8, 67, 45),
                                   (np.uint8, 40, 700)):
        x = g.random.integers(*limits(left_type), (rows, depth), left_type)
        w = g.random.integers(-128, 128, (depth, 90), np.int8)
        name, constant = g.typed_input(x), g.constant(w)
        right = w.astype(np.int32)
        g.output(g.MatMulInteger(name, constant))
        expected.append(x.astype(np.int32) @ right)
        zero, offset = left_type(7), np.int8(-3)
        g.output(g.MatMulInteger(name, constant, g.constant(zero), g.constant(offset)))
        expected.append((x.astype(np.int32) - 7) @ (right + 3))
    # The zero points of rows, which the run tells, and any number of rows.
    x = g.random.integers(0, 256, (2, 50, 31), np.uint8)
    w = g.random.integers(-128, 128, (31, 20), np.int8)
    zero = g.random.integers(0, 256, (), np.uint8)
    g.output(g.MatMulInteger(g.typed_input(x, (1,)), g.constant(w),
                             g.typed_input(zero)))
    expected.append((x.astype(np.int32) - int(zero)) @ w.astype(np.int32))
    return expected


@case(error=0, short=(["--emulate-dot-units", "--cpu=x86-64-v3"], {}),
      base=(["--emulate-dot-units", "--cpu=x86-64"], {}))
def element_emulated_integers(g):
    """What the units for integers compute, in plain arithmetic."""
    x = g.random.integers(-128, 128, (9, 5), np.int8)
    w = g.random.integers(-128, 128, (5, 7), np.int8)
    g.output(g.MatMulInteger(g.typed_input(x), g.constant(w)))
    return [x.astype(np.int32) @ w.astype(np.int32)]


@case(error=0)
def element_lowest_integers(g):
    """Sums that 32 bits do not hold wrap."""
    x = np.full((40, 6), -(2**15), np.int16)
    w = np.full((6, 20), -(2**15), np.int32)
    g.output(g.MatMul(g.Cast(g.typed_input(x), to=TensorProto.INT32), g.constant(w)))
    return [np.full((40, 20), 6 * 2**30, np.int64).astype(np.int32)]


@case(error=0, native=([], {}), short=(["--cpu=x86-64-v3"], {}),
      base=(["--cpu=x86-64"], {}))
def element_quantised_convolutions(g):
    """Padding is the zero point. Pairs of channels, channels that are no pairs,
    few pixels, and an image that comes channels last and leaves in f32."""
    expected = []
    for image_type, channels, outputs, kernel, groups, zero in (
            (np.uint8, 12, 20, 3, 2, 9), (np.int8, 8, 21, 1, 1, 0),
            (np.int8, 5, 8, 3, 1, -3), (np.int8, 16, 16, 3, 8, 0),
            (np.uint8, 6, 40, 3, 1, 255)):
        x = g.random.integers(*limits(image_type), (1, channels, 11, 9), image_type)
        w = g.random.integers(-128, 128, (outputs, channels // groups, kernel, kernel),
                              np.int8)
        g.output(g.ConvInteger(g.typed_input(x), g.constant(w),
                               g.constant(image_type(zero)),
                               pads=[kernel // 2] * 4, group=groups))
        image, filters = x.astype(np.int64) - zero, w.astype(np.int64)
        expected.append(
            convolve(image, filters, 1, kernel // 2, groups).astype(np.int32))
    x = g.random.integers(-128, 128, (2, 7, 7, 4), np.int8)
    w = g.random.integers(-128, 128, (9, 4, 3, 3), np.int8)
    image = g.Transpose(g.typed_input(x, (1,)), perm=[0, 3, 1, 2])
    sums = g.ConvInteger(image, g.constant(w), strides=[2, 1])
    g.output(g.Cast(sums, to=TensorProto.FLOAT))
    last = convolve(x.transpose(0, 3, 1, 2).astype(np.int64), w.astype(np.int64),
                    1, 0, 1)
    expected.append(last[:, :, ::2].astype(np.float32))
    return expected


@case(error=0, short=(["--emulate-dot-units", "--cpu=x86-64-v3"], {}),
      base=(["--emulate-dot-units", "--cpu=x86-64"], {}))
def element_emulated_convolution(g):
    """What pairs of channels compute, in plain arithmetic."""
    x = g.random.integers(-128, 128, (1, 4, 8, 8), np.int8)
    w = g.random.integers(-128, 128, (5, 4, 3, 3), np.int8)
    g.output(g.ConvInteger(g.typed_input(x), g.constant(w), pads=[1] * 4))
    return [convolve(x.astype(np.int64), w.astype(np.int64), 1, 1, 1).astype(np.int32)]


def limits(dtype):
    """Of random integers."""
    bits = np.iinfo(dtype)
    return bits.min, bits.max + 1
