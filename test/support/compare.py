"""Compares tensors with expected ones."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np


def as_comparable(array):
    """bf16, fp8 and the like become f32, which holds all their values."""
    array = np.asarray(array)
    if array.dtype.kind in "fiubcOSU" and array.dtype.name != "bfloat16":
        return array
    return array.astype(np.float32)


def difference(actual, expected, rtol, atol):
    """None when the tensors agree, else a line that says how they differ."""
    if actual.dtype != expected.dtype:
        return f"type {actual.dtype}, expected {expected.dtype}"
    if actual.shape != expected.shape:
        return f"shape {list(actual.shape)}, expected {list(expected.shape)}"
    if expected.size == 0:
        return None
    actual, expected = as_comparable(actual), as_comparable(expected)
    if expected.dtype.kind not in "fc":
        wrong = actual != expected
        if not wrong.any():
            return None
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        return (
            f"{int(wrong.sum())} of {expected.size} values differ, first at"
            f" {list(at)}: {actual[at]}, expected {expected[at]}"
        )
    with np.errstate(all="ignore"):
        error = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
        bound = atol + rtol * np.abs(expected.astype(np.float64))
        same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
        # A comparison with NaN is false, so it counts as a difference.
        wrong = ~(same | (error <= bound)) | (np.isinf(expected) & ~same)
    if not wrong.any():
        return None
    with np.errstate(all="ignore"):
        excess = np.where(wrong, np.nan_to_num(error / bound, nan=np.inf), 0)
    at = np.unravel_index(int(np.argmax(excess)), expected.shape)
    return (
        f"{int(wrong.sum())} of {expected.size} values differ, worst at"
        f" {[int(i) for i in at]}: {actual[at]}, expected {expected[at]}"
        f" (rtol {rtol:g}, atol {atol:g})"
    )


def largest_errors(actual, expected):
    """(largest absolute, largest relative to the largest expected magnitude)."""
    actual, expected = as_comparable(actual), as_comparable(expected)
    if expected.size == 0 or actual.shape != expected.shape:
        return 0.0, 0.0
    error = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
    absolute = float(np.nanmax(error)) if np.isfinite(error).any() else 0.0
    scale = float(np.nanmax(np.abs(expected.astype(np.float64))))
    return absolute, absolute / scale if scale else 0.0
