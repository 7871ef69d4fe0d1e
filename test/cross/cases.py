"""What is compiled for other machines: models, operators, element types."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
import onnx

from support.paths import ROOT

sys.path[:0] = [str(ROOT / "test" / "models"), str(ROOT / "test" / "operators")]

from catalog import MODELS


@dataclass
class Case:
    name: str
    prepare: Callable  # folder -> (path of the model, {name: array})
    flags: tuple = ()
    rtol: float = 1e-3
    atol: float = 1e-4
    # For onnxruntime, where it has no kernels for the model's types.
    reference: Callable = None  # folder -> path


def _catalog_model(model, dynamic):
    def prepare(folder):
        return model.find(), model.make_inputs(1)

    form = "dynamic" if dynamic else "static"
    return Case(
        f"{model.name}-{form}",
        prepare,
        () if dynamic else tuple(model.shape_flags()),
        model.rtol,
        model.atol,
    )


def _edges():
    def prepare(folder):
        picture = np.random.default_rng(0).random((1, 1, 24, 48), np.float32)
        return ROOT / "examples" / "models" / "edges.onnx", {"image": picture}

    return Case("edges", prepare)


def _operator_cases():
    """test/operators/cases.py, which has the same name as this file."""
    path = ROOT / "test" / "operators" / "cases.py"
    spec = importlib.util.spec_from_file_location("operator_cases", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.all_cases()


# A recurrent layer of each kind, windows of odd sizes, rests of rows.
OPERATORS = (
    "lstm_peepholes_bidirectional", "lstm_units33", "gru_lengths", "rnn_clip",
    "softmax_row33", "softmax_columns3", "logsoftmax_row7", "reduce_l2_9x64",
    "reduce_max_2x7x7x130", "reduce_prod_i32", "argmax_last1", "conv_stride",
    "conv_dilation", "conv_groups", "conv_depthwise_5x5_stride2", "conv_3d",
    "conv_transpose_3x3", "maxpool_3x3_pads_ceil1", "layer_normalization_100",
    "trees_mixed", "trees_rows1", "quantize_uint8", "dynamic_quantize", "matmul_integer",
    "qlinear_conv",
)


def _operator(case, dynamic):
    name = f"{case.name}-{'dynamic' if dynamic else 'static'}"

    def prepare(folder):
        model, inputs = case.model(dynamic)
        path = folder / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        return path, inputs

    return Case(name, prepare, (), case.rtol, case.atol)


def _numbers(dtype, *shape):
    random = np.random.default_rng([*shape])
    if np.dtype(dtype).kind == "f":
        return random.uniform(-3, 3, shape).astype(dtype)
    if np.dtype(dtype) == np.bool_:
        return random.integers(0, 2, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return random.integers(limits.min, limits.max, shape, dtype, endpoint=True)


# One graph per kind of element type, on sizes that leave a rest. `TYPE` is
# replaced by each type.
FLOATS = """
g (TYPE[7,19] x, TYPE[19] y) => (TYPE[7,19] a, TYPE[7,19] b, TYPE[7,19] c,
  TYPE[7] d, bool[7,19] e, float[7,19] f, int32[7,19] h, TYPE[7,7] m) {
  s = Add(x, y)
  a = Tanh(s)
  q = Abs(s)
  b = Sqrt(q)
  t = Mul(s, y)
  c = Max(t, x)
  axes = Constant<value_ints = [1]>()
  d = ReduceMean<keepdims = 0>(x, axes)
  e = Less(x, y)
  f = Cast<to = 1>(t)
  h = Cast<to = 6>(t)
  z = Transpose<perm = [1, 0]>(x)
  m = MatMul(x, z)
}
"""
INTEGERS = """
g (TYPE[5,23] x, TYPE[23] y) => (TYPE[5,23] a, TYPE[5,23] b, TYPE[5,23] c,
  bool[5,23] d, float[5,23] e, TYPE[5,23] f, TYPE[23,5] h) {
  a = Add(x, y)
  b = Mul(x, y)
  c = Min(x, y)
  d = Equal(x, y)
  e = Cast<to = 1>(x)
  f = Max(x, y)
  h = Transpose<perm = [1, 0]>(x)
}
"""
# onnxruntime has few kernels for bfloat16: it gets the same graph with every
# value rounded to it and back.
BFLOATS = """
g (float[7,19] x, float[19] y) => (float[7,19] a, float[19,7] b, float[7,38] c,
  float[9,20] d, float[2,7,19] e, float[19] f) {
  p = Cast<to = 16>(x)
  q = Cast<to = 16>(y)
  r = Cast<to = 1>(p)
  s = Cast<to = 1>(q)
  a = Add(r, s)
  t = Transpose<perm = [1, 0]>(p)
  b = Cast<to = 1>(t)
  u = Concat<axis = 1>(p, p)
  c = Cast<to = 1>(u)
  widths = Constant<value_ints = [2, 0, 0, 1]>()
  v = Pad(p, widths)
  d = Cast<to = 1>(v)
  shape = Constant<value_ints = [2, 7, 19]>()
  w = Expand(p, shape)
  e = Cast<to = 1>(w)
  axes = Constant<value_ints = [0]>()
  z = ReduceMax<keepdims = 0>(p, axes)
  f = Cast<to = 1>(z)
}
"""
BOOLEANS = """
g (bool[3,37] x, bool[37] y) => (bool[3,37] a, bool[3,37] b, bool[3,37] c,
  float[3,37] d, bool[37,3] e) {
  a = And(x, y)
  b = Xor(x, y)
  c = Not(x)
  d = Cast<to = 1>(a)
  e = Transpose<perm = [1, 0]>(x)
}
"""
TYPES = {
    "float16": (FLOATS, np.float16),
    "double": (FLOATS, np.float64),
    "int8": (INTEGERS, np.int8),
    "uint8": (INTEGERS, np.uint8),
    "int32": (INTEGERS, np.int32),
    "int64": (INTEGERS, np.int64),
    "uint64": (INTEGERS, np.uint64),
    "bfloat16": (BFLOATS, np.float32),
    "bool": (BOOLEANS, np.bool_),
}


# Subnormal numbers count as zero in products only: 2^-130 times 2^124, 64 times.
# onnxruntime gets a product of zeros.
SUBNORMALS = """
g (float[9,64] x, float[64,20] w) => (float[9,20] y, float[9,64] z) {
  k = Constant<value_float = 8.50705917e+37>()
  least = Constant<value_float = 1.17549435e-38>()
  zero = Constant<value_float = 0.0>()
  isTiny = Less(x, least)
  flushed = Where(isTiny, zero, x)
  y = MatMul(LHS, w)
  z = Mul(x, k)
}
"""


def _subnormals(flags, operand):
    def prepare(folder):
        path = folder / f"subnormals-{operand}.onnx"
        path.write_bytes(_parse(SUBNORMALS.replace("LHS", "x")).SerializeToString())
        return path, {
            "x": np.full((9, 64), 2.0**-130, np.float32),
            "w": np.full((64, 20), 2.0**124, np.float32),
        }

    def reference(folder):
        path = folder / f"subnormals-{operand}-reference.onnx"
        path.write_bytes(_parse(SUBNORMALS.replace("LHS", operand)).SerializeToString())
        return path

    return Case(f"subnormals-{operand}", prepare, flags, reference=reference)


def _parse(text):
    return onnx.parser.parse_model('<ir_version: 8, opset_import: ["": 18]>' + text)


def _elements(name, text, dtype):
    model = _parse(text.replace("TYPE", name))
    inputs = {
        value.name: _numbers(
            dtype, *(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        )
        for value in model.graph.input
    }

    def prepare(folder):
        path = folder / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        return path, inputs

    def rounded(folder):
        path = folder / f"{name}-rounded.onnx"
        pairs = re.sub(
            r"(\w+) = Cast<to = 16>\((\w+)\)",
            r"\1_ = Cast<to = 16>(\2) \1 = Cast<to = 1>(\1_)",
            text,
        )
        path.write_bytes(_parse(pairs).SerializeToString())
        return path

    # Sums of products round differently in float16.
    tolerance = (5e-3, 2e-2) if dtype is np.float16 else (1e-4, 1e-5)
    return Case(
        f"elements-{name}",
        prepare,
        (),
        *tolerance,
        rounded if name == "bfloat16" else None,
    )


def all_cases():
    cases = [_edges()]
    for model in MODELS:
        if model.kind == "small":
            cases.append(_catalog_model(model, dynamic=False))
            if not model.needs_shapes:
                cases.append(_catalog_model(model, dynamic=True))
    operators = {case.name: case for case in _operator_cases()}
    for name in OPERATORS:
        cases.append(_operator(operators[name], dynamic=False))
        cases.append(_operator(operators[name], dynamic=True))
    cases += [_elements(name, *kind) for name, kind in TYPES.items()]
    cases += [_subnormals((), "flushed"), _subnormals(("--keep-subnormals",), "x")]
    return cases
