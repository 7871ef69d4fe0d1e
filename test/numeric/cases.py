"""Graphs that passes rewrite, and what the rewritten graphs have in them."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import math
from dataclasses import dataclass, field

import numpy as np
from graph import Graph
from onnx import helper, numpy_helper

CASES = []


@dataclass
class Case:
    name: str
    build: object  # Graph -> None
    flags: list = field(default_factory=list)
    present: list = field(default_factory=list)  # ops after the graph passes
    absent: list = field(default_factory=list)
    needs: str = ""  # the kernel provider that the compiler must have

    def graph(self):
        graph = Graph(seed=len(self.name))
        self.build(graph)
        return graph


def case(variants=None, **facts):
    """Registers a graph; `variants` are names with the facts they change."""

    def register(build):
        for suffix, changes in (variants or {"": {}}).items():
            name = build.__name__ + (f"_{suffix}" if suffix else "")
            CASES.append(Case(name, build, **{**facts, **changes}))
        return build

    return register


# Batch normalisation -------------------------------------------------------

NORM = "sluice.batch_norm"
MODES = {
    "deploy": {"flags": ["--convbn=deploy"], "absent": [NORM, "sluice.mul"]},
    "tune": {"flags": ["--convbn=tune"], "absent": [NORM, "sluice.mul"]},
    "eval": {"flags": ["--convbn=eval"], "absent": [NORM], "present": ["sluice.mul"]},
}


def batch_norm(g, x, channels, make=None):
    make = make or g.weight
    scale, bias, mean = make(channels), make(channels), make(channels)
    variance = g.Add(g.Abs(make(channels)), g.constant(0.5))
    return g.BatchNormalization(x, scale, bias, mean, variance, epsilon=1e-3)


@case(MODES)
def conv_norm(g):
    y = g.Conv(g.input([2, 3, 9, 7]), g.weight(8, 3, 3, 3), g.weight(8), pads=[1] * 4)
    g.output(g.Relu(batch_norm(g, y, 8)))


@case(MODES)
def depthwise_norm(g):
    y = g.Conv(g.input([1, 6, 9, 9]), g.weight(6, 1, 3, 3), group=6, strides=[2, 2])
    g.output(batch_norm(g, y, 6))


@case(MODES)
def grouped_norm(g):
    y = g.Conv(g.input([1, 6, 9, 9], dynamic=True), g.weight(4, 3, 3, 3), group=2)
    g.output(batch_norm(g, y, 4))


@case(MODES)
def transposed_norm(g):
    y = g.ConvTranspose(g.input([1, 6, 5, 4]), g.weight(6, 2, 2, 2), group=3,
                        strides=[2, 2])
    g.output(batch_norm(g, y, 6))


@case(MODES)
def gemm_norm(g):
    y = g.Gemm(g.input([5, 7]), g.weight(6, 7), g.weight(6), transB=1)
    g.output(batch_norm(g, y, 6))


RUNTIME = {
    "deploy": {"flags": ["--convbn=deploy"], "absent": [NORM], "present": ["sluice.mul"]},
    "tune": {"flags": ["--convbn=tune"], "absent": [NORM], "present": ["sluice.mul"]},
    "eval": {"flags": ["--convbn=eval"], "absent": [NORM], "present": ["sluice.mul"]},
}


@case(RUNTIME)
def conv_norm_runtime_parameters(g):
    y = g.Conv(g.input([2, 3, 9, 7]), g.weight(8, 3, 3, 3), g.weight(8))
    g.output(batch_norm(g, y, 8, make=lambda n: g.input([n])))


@case(RUNTIME)
def conv_norm_runtime_weights(g):
    y = g.Conv(g.input([2, 3, 9, 7]), g.input([8, 3, 3, 3]), g.input([8]))
    g.output(batch_norm(g, y, 8))


@case(absent=[NORM, "sluice.mul"])
def norm_conv(g):
    x = batch_norm(g, g.input([1, 6, 9, 9]), 6)
    g.output(g.Conv(x, g.weight(4, 3, 3, 3), g.weight(4), group=2))


@case(absent=[NORM], present=["sluice.mul"])
def norm_padded_conv(g):
    x = batch_norm(g, g.input([1, 6, 9, 9]), 6)
    g.output(g.Conv(x, g.weight(4, 6, 3, 3), pads=[1] * 4))


@case(absent=[NORM, "sluice.mul"])
def norm_columns(g):
    x = batch_norm(g, g.input([3, 6, 5]), 6)
    g.output(g.MatMul(g.Transpose(x, perm=[0, 2, 1]), g.weight(6, 4)))


@case(absent=[NORM], present=["sluice.mul"])
def norm_transposed_conv(g):
    x = batch_norm(g, g.input([1, 6, 5, 4]), 6)
    g.output(g.ConvTranspose(x, g.weight(6, 2, 3, 3), strides=[2, 2]))


@case(absent=["sluice.mul", "sluice.div", "sluice.sub"])
def conv_constants(g):
    y = g.Conv(g.input([1, 3, 9, 7]), g.weight(8, 3, 3, 3))
    y = g.Mul(y, g.weight(8, 1, 1))
    y = g.Add(g.weight(1, 8, 1, 1), y)
    y = g.Div(y, g.constant(3.0))
    g.output(g.Sub(y, g.weight(8, 1, 1)))


@case(absent=["sluice.mul"])
def matmul_constants(g):
    y = g.MatMul(g.input([2, 5, 7]), g.weight(7, 6))
    g.output(g.Mul(g.Add(y, g.weight(6)), g.weight(6)))


# Activations ----------------------------------------------------------------


@case(present=["sluice.gelu"], absent=["sluice.erf"])
def gelu_erf(g):
    x = g.input([4, 33], -6, 6, dynamic=True)
    y = g.Add(g.Erf(g.Div(x, g.constant(math.sqrt(2)))), g.constant(1.0))
    g.output(g.Mul(g.Mul(x, y), g.constant(0.5)))


@case(present=["sluice.gelu"], absent=["sluice.tanh"])
def gelu_tanh(g):
    x = g.input([4, 33], -6, 6)
    cube = g.Mul(g.Pow(x, g.constant(3.0)), g.constant(0.044715))
    inner = g.Mul(g.Add(x, cube), g.constant(math.sqrt(2 / math.pi)))
    y = g.Add(g.Tanh(inner), g.constant(1.0))
    g.output(g.Mul(g.Mul(g.constant(0.5), x), y))


@case(present=["sluice.swish"], absent=["sluice.sigmoid"])
def swish(g):
    x = g.input([4, 33], -8, 8)
    g.output(g.Mul(g.Sigmoid(x), x))
    g.output(g.Mul(x, g.Sigmoid(g.Mul(x, g.constant(1.702)))))


@case(present=["sluice.hard_swish"], absent=["sluice.clip", "sluice.div"])
def hard_swish(g):
    x = g.input([4, 33], -6, 6)
    y = g.Clip(g.Add(x, g.constant(3.0)), g.constant(0.0), g.constant(6.0))
    g.output(g.Div(g.Mul(x, y), g.constant(6.0)))


@case(present=["sluice.mish"], absent=["sluice.tanh", "sluice.log"])
def mish(g):
    x = g.input([4, 33], -6, 6)
    y = g.Log(g.Add(g.Exp(x), g.constant(1.0)))
    g.output(g.Mul(x, g.Tanh(y)))


@case(present=["sluice.sigmoid"], absent=["sluice.exp"])
def sigmoid(g):
    x = g.input([4, 33], -6, 6)
    g.output(g.Reciprocal(g.Add(g.constant(1.0), g.Exp(g.Neg(x)))))


# Softmax and normalisations ---------------------------------------------------


@case(present=["sluice.softmax"], absent=["sluice.exp", "sluice.reduce"])
def softmax(g):
    x = g.input([3, 4, 17], dynamic=True)
    e = g.Exp(g.Sub(x, g.ReduceMax(x, axes=[1])))
    g.output(g.Div(e, g.ReduceSum(e, g.constant([1]), keepdims=1)))


def layer_norm(g, x, axes):
    centred = g.Sub(x, g.ReduceMean(x, axes=axes))
    variance = g.ReduceMean(g.Pow(centred, g.constant(2.0)), axes=axes)
    return g.Div(centred, g.Sqrt(g.Add(variance, g.constant(1e-5))))


@case(present=["sluice.layer_norm"], absent=["sluice.reduce", "sluice.mul"])
def layer_norm_exported(g):
    x = g.input([3, 4, 17])
    g.output(g.Add(g.Mul(layer_norm(g, x, [-1]), g.weight(17)), g.weight(17)))


@case(present=["sluice.layer_norm"], absent=["sluice.reduce"])
def layer_norm_two_axes(g):
    g.output(layer_norm(g, g.input([3, 4, 17]), [1, 2]))


@case(present=["sluice.layer_norm"], absent=["sluice.reduce"])
def layer_norm_from_sums(g):
    x, part = g.input([3, 16]), g.constant(1 / 16)
    axes = g.constant([1])
    centred = g.Sub(x, g.Mul(g.ReduceSum(x, axes, keepdims=1), part))
    variance = g.Mul(g.ReduceSum(g.Mul(centred, centred), axes, keepdims=1), part)
    inverse = g.Reciprocal(g.Sqrt(g.Add(variance, g.constant(1e-5))))
    g.output(g.Mul(g.Mul(centred, inverse), g.weight(16)))


@case(present=["sluice.rms_norm"], absent=["sluice.reduce", "sluice.sqrt"])
def rms_norm(g):
    x = g.input([3, 4, 17])
    mean = g.ReduceMean(g.Mul(x, x), axes=[-1])
    inverse = g.Div(g.constant(1.0), g.Sqrt(g.Add(mean, g.constant(1e-6))))
    g.output(g.Mul(g.weight(17), g.Mul(x, inverse)))


# Transposes -------------------------------------------------------------------


@case(absent=["sluice.transpose"])
def transposes_cancel(g):
    x = g.Transpose(g.input([2, 3, 4, 5]), perm=[0, 2, 3, 1])
    y = g.Add(g.Mul(g.Relu(x), g.weight(3)), g.Softmax(x, axis=3))
    y = g.Slice(y, g.constant([1]), g.constant([3]), g.constant([1]))
    g.output(g.Transpose(y, perm=[0, 3, 1, 2]))


@case(absent=["sluice.transpose"])
def transposes_into_matmul(g):
    a, b = g.input([2, 6, 5]), g.input([2, 7, 5])
    y = g.MatMul(a, g.Transpose(b, perm=[0, 2, 1]))
    g.output(g.Transpose(y, perm=[0, 2, 1]))


@case()
def transpose_before_weights(g):
    x = g.Transpose(g.input([2, 24, 13]), perm=[0, 2, 1])
    g.output(g.Add(g.MatMul(x, g.weight(24, 37)), g.weight(37)))


@case()
def column_before_weights(g):
    g.output(g.Gemm(g.input([24, 1]), g.weight(24, 37), transA=1, alpha=0.5))


@case()
def attention_transposes(g):
    q, k = g.input([2, 6, 3, 4]), g.input([2, 6, 3, 4])
    q = g.Transpose(q, perm=[0, 2, 1, 3])
    g.output(g.MatMul(q, g.Transpose(k, perm=[0, 2, 3, 1])))


@case(absent=["sluice.transpose"])
def transpose_into_reduction(g):
    x = g.Transpose(g.input([2, 3, 4, 5]), perm=[0, 2, 3, 1])
    g.output(g.ReduceMean(x, axes=[1, 2], keepdims=0))


# Constants --------------------------------------------------------------------


@case(absent=["sluice.transpose", "sluice.matmul", "sluice.exp"])
def constants(g):
    x = g.input([5, 6])
    w = g.Transpose(g.weight(6, 5), perm=[1, 0])
    product = g.MatMul(g.weight(5, 40), g.weight(40, 6))
    g.output(g.Add(g.Add(x, g.Exp(w)), product))


@case(absent=["sluice.gather", "sluice.concat"])
def constant_movement(g):
    table = g.weight(50, 8)
    rows = g.Gather(table, g.constant([3, 1, 40, 7]))
    both = g.Concat(rows, g.weight(4, 2), axis=1)
    g.output(g.Mul(g.input([4, 10]), both))


# Types ------------------------------------------------------------------------


@case()
def casts_round(g):
    """Types that are only stored round where a cast says so, also in a kernel."""
    x = g.input([7, 33], -4, 4)
    for kind in (10, 16):  # f16 and bf16
        g.output(g.Mul(g.Cast(g.Cast(x, to=kind), to=1), g.constant(1000.0)))
    wide = g.Cast(g.Mul(g.Cast(x, to=11), g.Cast(x, to=11)), to=10)
    g.output(g.Cast(wide, to=1))


# Lookups ----------------------------------------------------------------------

FLOAT, INT32, INT64 = 1, 6, 7


@case(absent=["sluice.matmul", "sluice.tanh"], present=["sluice.gather"])
def lookup_by_comparison(g):
    places = g.Cast(g.input([2, 30], low=-2, high=9), to=INT32)
    numbers = g.constant(np.arange(7, dtype=np.int32).reshape(1, 1, 7))
    marks = g.Equal(g.Unsqueeze(places, g.constant([2])), numbers)
    y = g.MatMul(g.Cast(marks, to=FLOAT), g.weight(7, 5))
    g.output(g.Tanh(g.Add(y, g.weight(1, 1, 5))))


@case(absent=["sluice.matmul"], present=["sluice.gather"])
def lookup_by_one_hot(g):
    places = g.Cast(g.input([30], low=-11, high=11), to=INT64)
    rows = g.OneHot(places, g.constant(np.array(8)), g.constant([0.0, 1.0]))
    g.output(g.MatMul(rows, g.weight(8, 5)))


# Convolutions along one dimension ---------------------------------------------


@case(absent=["sluice.reshape"])
def convolution_of_columns(g):
    x = g.Unsqueeze(g.input([2, 19, 8]), g.constant([2]))
    x = g.Transpose(x, perm=[0, 3, 1, 2])
    y = g.Conv(x, g.weight(12, 8, 3, 1), g.weight(12), pads=[1, 0, 0, 0],
               strides=[2, 1])
    y = g.Relu(g.Conv(g.Relu(y), g.weight(6, 6, 2, 1), group=2))
    y = g.Squeeze(y, g.constant([3]))
    g.output(g.ReduceMax(y, axes=[2]))


@case()
def convolution_of_dynamic_columns(g):
    x = g.Unsqueeze(g.input([2, 4, 19], dynamic=True), g.constant([3]))
    y = g.Conv(x, g.weight(5, 4, 3, 1), dilations=[2, 1])
    g.output(g.Squeeze(g.Sigmoid(y), g.constant([3])))


# Convolutions with few channels: several pixels are computed together -----------


@case()
def one_channel(g):
    x = g.input([2, 8, 20, 24])
    y = g.Conv(x, g.weight(1, 8, 5, 5), g.weight(1), pads=[2, 2, 2, 2])
    g.output(g.Sigmoid(y))


@case()
def one_channel_of_odd_lines(g):
    """The last pixels of a line are computed in vain."""
    x = g.input([1, 16, 23, 21])
    g.output(g.Conv(x, g.weight(1, 16, 7, 3), pads=[3, 1, 3, 0]))


@case()
def one_channel_strided(g):
    x = g.input([1, 9, 40, 61])
    g.output(g.Conv(x, g.weight(1, 9, 3, 9), strides=[1, 2], pads=[0, 4, 1, 3]))


@case()
def one_channel_1d(g):
    x = g.input([3, 2, 1000])
    g.output(g.Conv(x, g.weight(1, 2, 64), strides=[2]))


@case()
def one_channel_of_any_batch(g):
    x = g.input([3, 1, 20, 600], dynamic=[0])
    g.output(g.Conv(x, g.weight(1, 1, 2, 33), dilations=[3, 1]))


@case()
def two_channels(g):
    x = g.input([1, 12, 30, 30])
    g.output(g.Relu(g.Conv(x, g.weight(2, 12, 3, 7), pads=[1, 3, 1, 3])))


# Sizes --------------------------------------------------------------------------


@case()
def instance_norm_of_one_channel(g):
    """One factor for all places of a row is no parameter of its layer norm."""
    x = g.input([5, 1, 31])
    g.output(g.InstanceNormalization(x, g.weight(1), g.weight(1)))


@case()
def instance_norm_of_any_size(g):
    x = g.input([5, 1, 31], dynamic=True)
    g.output(g.InstanceNormalization(x, g.weight(1), g.weight(1)))


@case()
def product_without_columns(g):
    g.output(g.Gemm(g.input([5, 7]), g.weight(0, 7), g.weight(0), transB=1))


@case()
def ranks_that_are_declared(g):
    """Shape vectors of unknown length: the declared rank tells it."""
    x, vector = g.input([2, 1, 3], dynamic=True), g.input([3])
    g.output(g.Reshape(x, g.integers([3, 2], dynamic=True)), rank=2)
    g.output(g.Expand(vector, g.integers([4, 1], dynamic=True)), rank=2)
    g.output(g.Expand(x, g.integers([3], dynamic=True)), rank=3)
    g.output(g.ConstantOfShape(g.integers([2, 0, 5], dynamic=True)), rank=3)
    g.output(g.GatherND(x, g.integers([[1, 0], [0, 0]], dynamic=True)), rank=2)
    # Only the dimension of size one that is known goes.
    g.output(g.Squeeze(g.input([1, 4, 3], dynamic=[1])), rank=2)
    # Which of the dimensions are of size one is found in the run.
    ones = g.input([1, 3, 1, 4, 1], dynamic=[0, 1, 2, 3])
    g.output(g.Squeeze(ones), rank=2)


@case()
def ranks_that_readers_tell(g):
    """What reads the operand, or what it is made of, knows that a size is one."""
    x = g.input([1, 5], dynamic=[0])
    g.output(g.Concat(x, g.weight(1, 2), axis=1))
    g.output(g.Squeeze(g.Relu(x)))
    y = g.input([6, 4], dynamic=[1])
    g.output(g.MatMul(y, g.weight(4, 3)))
    g.output(g.Squeeze(g.Transpose(y, perm=[1, 0])))


@case()
def axes_of_the_run(g):
    """Squeeze and Unsqueeze by axes that come with the inputs."""
    x = g.input([2, 1, 3, 1], dynamic=True)
    g.output(g.Unsqueeze(x, g.integers([0, 3])))
    g.output(g.Unsqueeze(x, g.integers([-1, 1])))
    g.output(g.Unsqueeze(g.input([4]), g.integers([-1])))
    g.output(g.Unsqueeze(x, g.integers([2], dynamic=True)), rank=5)
    g.output(g.Squeeze(x, g.integers([1])))
    g.output(g.Squeeze(x, g.integers([-1, 1])))
    g.output(g.Squeeze(x, g.integers([3], dynamic=True)), rank=3)


@case()
def state_tells_the_batch(g):
    """The squeeze drops what the initial state knows to be one."""
    x = g.input([5, 1, 7], dynamic=[0, 1])
    state = g.constant(np.zeros((1, 1, 9)))
    y, last = g.node("GRU", [x, g.weight(1, 27, 7), g.weight(1, 27, 9), g.weight(1, 54),
                             "", state], count=2, hidden_size=9)
    g.output(g.Squeeze(last), rank=1)
    g.output(g.Squeeze(y), rank=2)


@case()
def channels_that_weights_tell(g):
    """The reshape does not know its channels; neither does the function's input."""
    x = g.input([2, 64, 32], dynamic=True)
    image = g.Reshape(g.Transpose(x, perm=[0, 2, 1]), g.constant(np.array([0, -1, 8, 8])))
    g.output(g.Conv(image, g.weight(24, 32, 3, 3), pads=[1, 1, 1, 1]))
    g.output(g.Conv(image, g.weight(32, 1, 3, 3), group=32))
    y = g.input([2, 6, 5], dynamic=True)
    g.output(g.ConvTranspose(y, g.weight(6, 4, 3), strides=[2]))
    g.output(g.MatMul(x, g.weight(32, 20)))


@case(present=["sluice.gather"])
def lookup_in_dequantised_table(g):
    """Rows of a table that is too large to be kept as numbers."""
    rows = np.random.default_rng(5).integers(-128, 128, (9000, 128)).astype(np.int8)
    table, places = g.constant(rows), g.integers([[0, 8999], [17, -1]])
    scale = g.constant(np.float32(0.01))
    g.output(g.Gather(g.Mul(g.Cast(table, to=1), scale), places))
    g.output(g.Gather(g.DequantizeLinear(table, scale, g.constant(np.int8(3))), places))
    per_row = g.weight(9000, low=0.01, high=0.1)
    zeros = g.constant((np.arange(9000) % 7).astype(np.int8))
    g.output(g.Gather(g.DequantizeLinear(table, per_row, zeros, axis=0), places))
    per_column = g.weight(128, low=0.01, high=0.1)
    g.output(g.Gather(g.DequantizeLinear(table, per_column, axis=1), places, axis=0))
    g.output(g.Gather(g.DequantizeLinear(table, per_column, axis=1),
                      g.integers([5, -128]), axis=1))
    # A scale for each block of a row.
    blocks = g.Unsqueeze(g.weight(9000, 4, low=0.01, high=0.1), g.constant(np.array([2])))
    blocks = g.Reshape(g.Expand(blocks, g.constant(np.array([1, 1, 32]))),
                       g.constant(np.array([9000, 128])))
    dense = g.Mul(g.Cast(table, to=1), blocks)
    g.output(g.Gather(g.Transpose(g.Reshape(dense, g.constant(np.array([9000, 8, 16]))),
                                  perm=[2, 0, 1]), places, axis=1))
    g.output(g.Gather(dense, places))
    g.output(g.MatMul(g.input([2, 128], low=-0.01, high=0.01), g.Transpose(dense, perm=[1, 0])))
    half = g.Cast(g.constant(g.numbers([900, 128]).astype(np.float16)), to=1)
    g.output(g.Gather(half, g.integers([[7, -900, 899]])))


@case()
def sparse_constants(g):
    def sparse(indices):
        values = numpy_helper.from_array(g.numbers([2]), "")
        places = numpy_helper.from_array(np.array(indices, np.int64), "")
        return helper.make_sparse_tensor(values, places, [3, 5])

    x = g.input([3, 5])
    for indices in ([2, 13], [[0, 1], [2, 4]]):
        x = g.Add(x, g.Constant(sparse_value=sparse(indices)))
    g.output(x)


# Powers -------------------------------------------------------------------------


@case(absent=["sluice.sqrt"])
def power_of_integers(g):
    x = g.input([5, 7], low=0.5, high=2)
    for exponent in (0, 1, 3, -1):
        g.output(g.Pow(x, g.constant(np.array(exponent, np.int64))))


# Resized images ------------------------------------------------------------------


def resized(g, channels, **attributes):
    """Between convolutions, whose images have their channels last."""
    x = g.Conv(g.input([2, 3, 9, 10]), g.weight(channels, 3, 1, 1))
    y = g.node("Resize", [x, "", g.constant(np.float32([1, 1, 2, 1.7]))], **attributes)
    g.output(g.Conv(y, g.weight(4, channels, 3, 3)))


@case()
def resized_linear(g):
    resized(g, 20, mode="linear", coordinate_transformation_mode="half_pixel")


@case()
def resized_few_channels(g):
    resized(g, 3, mode="linear", coordinate_transformation_mode="align_corners")


@case()
def resized_nearest(g):
    resized(g, 20, mode="nearest", coordinate_transformation_mode="asymmetric",
            nearest_mode="floor")
