"""Single operators in the forms that the ONNX node tests leave out.

Older opset versions, odd sizes (vectors with and without a rest), groups,
dilations, every recurrent option. The expected results are onnxruntime's, or
NumPy's in double precision where a case brings them.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

from dataclasses import dataclass, field

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import attention
import experts
import linear_algebra
import loops
import machine_learning
import odd_sizes
import spectral
import trees

FLOAT = np.dtype(np.float32)
TYPES = {
    np.dtype(np.float16): TensorProto.FLOAT16,
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.float64): TensorProto.DOUBLE,
    np.dtype(np.int64): TensorProto.INT64,
    np.dtype(np.int32): TensorProto.INT32,
    np.dtype(np.int8): TensorProto.INT8,
    np.dtype(np.uint8): TensorProto.UINT8,
    np.dtype(np.bool_): TensorProto.BOOL,
}


@dataclass
class Case:
    name: str
    operator: str
    inputs: list  # arrays, or None where omitted
    opset: int = 13
    attributes: dict = field(default_factory=dict)
    outputs: int = 1
    domain: str = ""
    domain_opset: int = 1
    # Inputs that are initializers.
    constant: tuple = ()
    rtol: float = 1e-4
    atol: float = 1e-5
    # The right results; onnxruntime's where there are none.
    expected: tuple = ()
    # {input: axes} whose sizes stay known in the dynamic form.
    known: dict = field(default_factory=dict)

    def model(self, dynamic):
        """The model, and the inputs it takes by name."""
        names, given, weights, feed = [], [], [], {}
        for index, array in enumerate(self.inputs):
            if array is None:
                names.append("")
                continue
            name = f"x{index}"
            names.append(name)
            if index in self.constant:
                weights.append(numpy_helper.from_array(array, name))
                continue
            shape = [
                f"{name}_{axis}"
                if dynamic and axis - array.ndim not in self.known.get(index, ())
                else size
                for axis, size in enumerate(array.shape)
            ]
            given.append(helper.make_tensor_value_info(name, TYPES[array.dtype], shape))
            feed[name] = array
        results = [f"y{index}" for index in range(self.outputs)]
        node = helper.make_node(
            self.operator, names, results, domain=self.domain, **self.attributes
        )
        # Left to onnxruntime's shape inference.
        outputs = [helper.make_empty_tensor_value_info(name) for name in results]
        graph = helper.make_graph([node], "operator", given, outputs, weights)
        opsets = [helper.make_opsetid("", self.opset)]
        if self.domain:
            opsets.append(helper.make_opsetid(self.domain, self.domain_opset))
        return helper.make_model(graph, opset_imports=opsets, ir_version=8), feed


def _numbers(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(FLOAT)


def _softmaxes():
    for operator in ("Softmax", "LogSoftmax", "Hardmax"):
        for opset in (9, 12, 13):
            for axis in (0, 1, 2, -1):
                yield Case(
                    f"{operator.lower()}_opset{opset}_axis{axis}",
                    operator,
                    [_numbers(3, 5, 19)],
                    opset,
                    {"axis": axis},
                )
    for size in (1, 7, 16, 33, 64, 130, 1000):
        for operator in ("Softmax", "LogSoftmax"):
            yield Case(f"{operator.lower()}_row{size}", operator, [_numbers(6, size)])
    for inner in (3, 16, 50):
        yield Case(
            f"softmax_columns{inner}",
            "Softmax",
            [_numbers(2, 21, inner)],
            attributes={"axis": 1},
        )


def _reductions():
    kinds = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare".split()
    for kind in kinds:
        x = _numbers(3, 4, 5, 6)
        if kind == "LogSum":
            x = np.abs(x) + 0.5
        for axes in ([0], [1, 2], [-1], [0, 2], [1, 3], [0, 1, 2, 3]):
            for keep in (0, 1):
                text = "_".join(str(axis) for axis in axes)
                yield Case(
                    f"reduce_{kind.lower()}_axes{text}_keep{keep}",
                    f"Reduce{kind}",
                    [x],
                    11,
                    {"axes": axes, "keepdims": keep},
                )
    for shape, axes in (
        ((5, 1000), [1]),
        ((1000, 5), [0]),
        ((17, 300), [0]),
        ((9, 64), [0]),
        ((2, 30, 7, 7), [2, 3]),
        ((2, 7, 7, 30), [1, 2]),
        ((2, 7, 7, 130), [1, 2]),
        ((130,), [0]),
    ):
        for kind in ("Sum", "Max", "Mean", "L2"):
            text = "x".join(str(size) for size in shape)
            yield Case(
                f"reduce_{kind.lower()}_{text}",
                f"Reduce{kind}",
                [_numbers(*shape)],
                12,
                {"axes": axes},
            )
    integers = np.arange(-12, 12, dtype=np.int32).reshape(2, 3, 4)
    for kind in ("Sum", "Max", "Min", "Prod", "Mean"):
        yield Case(
            f"reduce_{kind.lower()}_i32",
            f"Reduce{kind}",
            [integers],
            12,
            {"axes": [1]},
        )
    for operator in ("ArgMax", "ArgMin"):
        for last in (0, 1):
            ties = np.round(_numbers(4, 9, 5))
            yield Case(
                f"{operator.lower()}_last{last}",
                operator,
                [ties],
                attributes={"axis": 1, "select_last_index": last, "keepdims": 0},
            )


def _convolutions():
    def conv(name, x, w, bias=True, **attributes):
        b = _numbers(w[0], seed=3) if bias else None
        inputs = [_numbers(*x), _numbers(*w, seed=1)] + ([b] if bias else [])
        return Case(f"conv_{name}", "Conv", inputs, 11, attributes, atol=1e-4,
                    constant=(1, 2))

    yield conv("1x1", (2, 6, 7, 9), (5, 6, 1, 1))
    yield conv("3x3", (1, 6, 12, 10), (8, 6, 3, 3), pads=[1, 1, 1, 1])
    yield conv("no_bias", (1, 3, 9, 9), (4, 3, 3, 3), bias=False)
    yield conv("stride", (1, 4, 11, 14), (6, 4, 3, 3), strides=[2, 3], pads=[1, 0, 2, 1])
    yield conv("dilation", (1, 4, 13, 13), (6, 4, 3, 3), dilations=[2, 3], pads=[2, 3, 2, 3])
    yield conv("groups", (2, 8, 9, 9), (12, 2, 3, 3), group=4, pads=[1, 1, 1, 1])
    yield conv("depthwise", (1, 20, 10, 10), (20, 1, 3, 3), group=20, pads=[1, 1, 1, 1])
    yield conv("depthwise_5x5_stride2", (1, 32, 15, 15), (32, 1, 5, 5), group=32,
               strides=[2, 2], pads=[2, 2, 2, 2])
    yield conv("depthwise_multiplier", (1, 6, 8, 8), (12, 1, 3, 3), group=6)
    yield conv("1d", (2, 5, 40), (7, 5, 5), pads=[2, 1], strides=[2])
    yield conv("3d", (1, 3, 6, 7, 8), (4, 3, 2, 3, 3), pads=[0, 1, 1, 1, 1, 1])
    for mode in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        yield conv(mode.lower(), (1, 3, 10, 11), (4, 3, 3, 4), auto_pad=mode)
        yield conv(f"{mode.lower()}_strides", (2, 3, 10, 11), (17, 3, 3, 4), auto_pad=mode,
                   strides=[2, 3])
    yield conv("same_depthwise", (1, 16, 11, 8), (16, 1, 3, 3), auto_pad="SAME_UPPER",
               strides=[2, 2], group=16)
    yield conv("wide", (1, 64, 14, 14), (64, 64, 3, 3), pads=[1, 1, 1, 1])
    yield conv("long_kernel", (1, 1, 1, 700), (9, 1, 1, 256), strides=[1, 64])

    def transpose(name, x, w, **attributes):
        group = attributes.get("group", 1)
        inputs = [_numbers(*x), _numbers(*w, seed=1), _numbers(w[1] * group, seed=3)]
        return Case(f"conv_transpose_{name}", "ConvTranspose", inputs, 11, attributes,
                    atol=1e-4, constant=(1, 2))

    yield transpose("2x2", (1, 6, 7, 9), (6, 5, 2, 2), strides=[2, 2])
    yield transpose("3x3", (2, 6, 5, 5), (6, 4, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1],
                    output_padding=[1, 1])
    yield transpose("stride1", (1, 3, 6, 6), (3, 4, 3, 3), pads=[1, 0, 1, 2])
    yield transpose("dilation", (1, 3, 6, 6), (3, 4, 3, 2), dilations=[2, 3], strides=[3, 2])
    yield transpose("groups", (1, 6, 5, 5), (6, 2, 3, 3), group=3, strides=[2, 1])
    yield transpose("1d", (1, 3, 9), (3, 2, 4), strides=[3])
    yield transpose("gap", (1, 3, 4, 4), (3, 2, 2, 2), strides=[3, 3])
    for mode in ("SAME_UPPER", "SAME_LOWER"):
        yield transpose(mode.lower(), (1, 3, 5, 4), (3, 2, 3, 2), strides=[2, 3],
                        auto_pad=mode)
    yield transpose("output_shape", (1, 3, 5, 4), (3, 2, 3, 4), strides=[2, 3],
                    output_shape=[10, 12])


def _pools():
    def pool(name, operator, shape, opset=12, outputs=1, **attributes):
        return Case(f"{operator.lower()}_{name}", operator, [_numbers(*shape)], opset,
                    attributes, outputs)

    for operator in ("MaxPool", "AveragePool"):
        for ceil in (0, 1):
            yield pool(f"2x2_ceil{ceil}", operator, (2, 3, 7, 9), kernel_shape=[2, 2],
                       strides=[2, 2], ceil_mode=ceil)
            yield pool(f"3x3_pads_ceil{ceil}", operator, (1, 20, 10, 10),
                       kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 1, 1],
                       ceil_mode=ceil)
        # Wider than the image: one result.
        yield pool("wide", operator, (1, 3, 2, 3), kernel_shape=[20, 5],
                   strides=[20, 3], ceil_mode=1)
        for mode in ("SAME_UPPER", "SAME_LOWER", "VALID"):
            yield pool(mode.lower(), operator, (1, 3, 10, 11), kernel_shape=[3, 2],
                       auto_pad=mode)
            yield pool(f"{mode.lower()}_strides", operator, (1, 3, 10, 11),
                       kernel_shape=[3, 5], strides=[2, 3], auto_pad=mode)
        yield pool("1d", operator, (1, 4, 21), kernel_shape=[4], strides=[3])
        yield pool("3d", operator, (1, 2, 6, 6, 6), kernel_shape=[2, 3, 2], strides=[2, 1, 2])
    yield pool("include_pad", "AveragePool", (1, 3, 9, 9), kernel_shape=[3, 3],
               pads=[1, 1, 1, 1], strides=[2, 2], count_include_pad=1)
    yield pool("dilation", "MaxPool", (1, 3, 12, 12), kernel_shape=[3, 3], dilations=[2, 2])
    yield pool("indices", "MaxPool", (2, 3, 7, 9), outputs=2, kernel_shape=[2, 2],
               strides=[2, 2])
    for order in (0, 1):
        yield pool(f"same_indices_order{order}", "MaxPool", (2, 3, 7, 9), outputs=2,
                   kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER",
                   storage_order=order)
    yield pool("same_include_pad", "AveragePool", (1, 3, 9, 10), kernel_shape=[3, 3],
               strides=[2, 2], auto_pad="SAME_UPPER", count_include_pad=1)
    yield pool("same_p1", "LpPool", (1, 3, 9, 10), 11, kernel_shape=[3, 3], p=1,
               strides=[2, 2], auto_pad="SAME_UPPER")
    yield pool("p3", "LpPool", (1, 3, 9, 9), 11, kernel_shape=[3, 3], p=3)
    for operator in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
        yield pool("7x7", operator, (2, 30, 7, 7))


def _resizes():
    """Sizes are products in single precision: 10 * 0.7f is 7, in double it is not."""
    def scales(*values):
        return np.array(values, FLOAT)

    for size in (10, 640):
        yield Case(f"resize_{size}_by_0.7", "Resize",
                   [_numbers(1, 2, size), None, scales(1, 1, 0.7)], 13,
                   {"coordinate_transformation_mode": "asymmetric",
                    "nearest_mode": "floor"}, constant=(2,))
    yield Case("resize_10_by_1.1_at_opset_10", "Resize",
               [_numbers(1, 2, 10, 30), scales(1, 1, 1.1, 1.3)], 10, constant=(1,))
    yield Case("upsample_by_1.1", "Upsample",
               [_numbers(1, 2, 10, 30), scales(1, 1, 1.1, 1.1)], 9, constant=(1,))
    for policy in ("not_larger", "not_smaller"):
        yield Case(f"resize_{policy}", "Resize",
                   [_numbers(1, 2, 10, 33), None, None, np.array([7, 15], np.int64)], 19,
                   {"axes": [2, 3], "keep_aspect_ratio_policy": policy}, constant=(3,))
    # Interpolated integers are cut off: where the exact value is whole, rounding
    # decides which of two it is (docs/numerics.md).
    for kind, low in ((np.uint8, 0), (np.int8, -128)):
        image = np.random.default_rng(207).integers(low, low + 256, (1, 2, 4, 5)).astype(kind)
        yield Case(f"resize_{np.dtype(kind)}", "Resize",
                   [image, None, None, np.array([1, 2, 7, 9], np.int64)], 13,
                   {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
                   constant=(3,))
        # Quarters are exact, and edges whole.
        yield Case(f"resize_{np.dtype(kind)}_doubled", "Resize",
                   [image, None, None, np.array([1, 2, 8, 10], np.int64)], 13,
                   {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
                   constant=(3,))
    # 4 * 0.2 elements are none.
    for mode in ("nearest", "linear", "cubic"):
        for name, factors, shape in (("rows", (1, 1, 0.2, 1), (1, 2, 0, 4)),
                                     ("columns", (1, 1, 1, 0.2), (1, 2, 4, 0)),
                                     ("all", (1, 1, 0.2, 0.2), (1, 2, 0, 0))):
            yield Case(f"resize_no_{name}_{mode}", "Resize",
                       [_numbers(1, 2, 4, 4), None, scales(*factors)], 13, {"mode": mode},
                       constant=(2,), expected=(np.zeros(shape, FLOAT),))
    # The edge of an image stays infinite.
    image = np.array([[[[np.inf, 1, 2, -np.inf]]]], np.float32)
    yield Case("resize_infinite_edges", "Resize",
               [image, None, None, np.array([1, 1, 1, 10], np.int64)], 13,
               {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}, constant=(3,))

    def resize(name, x, factors, mode, place="half_pixel", constant=(2,), **attributes):
        return Case(f"resize_{name}_{mode}", "Resize", [x, None, scales(*factors)], 13,
                    {"mode": mode, "coordinate_transformation_mode": place, **attributes},
                    constant=constant)

    # Rows of channels, rows of pixels, and scales that only the run tells.
    for mode in ("nearest", "linear"):
        yield resize("channels_last", _numbers(2, 5, 6, 19), (1, 1.7, 2.5, 1), mode)
        yield resize("line", _numbers(1, 3, 4, 21), (1, 1, 1, 2.3), mode)
        yield resize("smaller", _numbers(1, 3, 9, 21), (1, 1, 0.4, 0.3), mode)
        yield resize("of_the_run", _numbers(2, 3, 5, 7), (1, 1, 1.5, 2), mode, constant=())
        for place in ("asymmetric", "align_corners", "pytorch_half_pixel"):
            yield resize(place, _numbers(1, 2, 5, 18), (1, 1, 1.6, 2.5), mode, place)
    yield resize("more_images_of_the_run", _numbers(2, 3, 5, 7), (2, 3, 1.5, 2), "nearest",
                 constant=())
    yield resize("volume", _numbers(1, 2, 4, 5, 6), (1, 1, 1.5, 2, 1.7), "linear")
    for outside in (0, 1):
        yield resize(f"exclude{outside}", _numbers(1, 2, 7, 18), (1, 1, 1.6, 2.5), "cubic",
                     exclude_outside=outside)
    # Elements that are repeated, in whole vectors and what is left.
    for factor in (2, 3, 9):
        for kind in (np.float32, np.uint8, np.int32):
            x = np.random.default_rng(factor).integers(0, 200, (1, 2, 3, 37)).astype(kind)
            yield resize(f"repeat{factor}_{np.dtype(kind)}", x, (1, 1, 2, factor), "nearest",
                         "asymmetric", nearest_mode="floor")


def _normalisations():
    x = _numbers(2, 20, 5, 6)
    scale, bias, mean = (_numbers(20, seed=seed) for seed in (1, 2, 3))
    variance = np.abs(_numbers(20, seed=4)) + 0.1
    yield Case("batch_normalization_9", "BatchNormalization",
               [x, scale, bias, mean, variance], 9, constant=(1, 2, 3, 4))
    yield Case("instance_normalization", "InstanceNormalization", [x, scale, bias], 9)
    yield Case("lrn", "LRN", [x], 9, {"size": 5, "alpha": 0.1, "beta": 0.5, "bias": 2.0})
    for p in (1, 2):
        yield Case(f"lp_normalization{p}", "LpNormalization", [x], 9, {"axis": 1, "p": p})
    yield Case("mean_variance", "MeanVarianceNormalization", [x], 9)
    for size in (5, 16, 96, 100, 768):
        rows = _numbers(7, 3, size)
        g, b = _numbers(size, seed=1), _numbers(size, seed=2)
        yield Case(f"layer_normalization_{size}", "LayerNormalization", [rows, g, b], 17,
                   {"axis": -1, "epsilon": 1e-6}, constant=(1, 2))
        yield Case(f"skip_layer_normalization_{size}", "SkipLayerNormalization",
                   [rows, rows * 2, g, b], 13, domain="com.microsoft", constant=(2, 3))
        yield Case(f"skip_simplified_{size}", "SkipSimplifiedLayerNormalization",
                   [rows, rows * 2, g], 13, domain="com.microsoft", constant=(2,))
    yield Case("layer_normalization_axis1", "LayerNormalization",
               [_numbers(3, 4, 9), _numbers(4, 9, seed=1), _numbers(4, 9, seed=2)], 17,
               {"axis": 1}, outputs=3)


def _recurrent():
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}

    def cell(name, operator, steps=5, batch=3, inputs=7, units=9, directions=1, more=(),
             lengths=None, states=True, bias=True, peepholes=False, **attributes):
        g = gates[operator]
        arrays = [
            _numbers(steps, batch, inputs),
            _numbers(directions, g * units, inputs, seed=1) * 0.5,
            _numbers(directions, g * units, units, seed=2) * 0.5,
            _numbers(directions, 2 * g * units, seed=3) * 0.5 if bias else None,
            lengths,
            _numbers(directions, batch, units, seed=4) if states else None,
        ]
        if operator == "LSTM":
            arrays.append(_numbers(directions, batch, units, seed=5) if states else None)
            if peepholes:
                arrays.append(_numbers(directions, 3 * units, seed=6))
        while arrays[-1] is None:
            arrays.pop()
        attributes["hidden_size"] = units
        if directions == 2:
            attributes["direction"] = "bidirectional"
        return Case(f"{operator.lower()}_{name}", operator, arrays, 14, attributes,
                    outputs=3 if operator == "LSTM" else 2, constant=(1, 2, 3, 7))

    lengths = np.array([3, 5, 1], np.int32)
    for operator in gates:
        yield cell("forward", operator)
        yield cell("plain", operator, states=False, bias=False)
        yield cell("reverse", operator, direction="reverse")
        yield cell("bidirectional", operator, directions=2)
        yield cell("lengths", operator, directions=2, lengths=lengths)
        yield cell("reverse_lengths", operator, lengths=lengths, direction="reverse")
        yield cell("clip", operator, clip=0.3)
        yield cell("units16", operator, units=16, batch=1)
        yield cell("units33", operator, units=33, steps=2)
        yield cell("units128", operator, units=128, batch=1, steps=3)
        yield cell("units32_bidirectional", operator, units=32, directions=2)
        # Sequences are computed some at a time.
        for batch, units in ((2, 5), (7, 17), (13, 33), (26, 24)):
            yield cell(f"batch{batch}_units{units}", operator, batch=batch, units=units,
                       steps=4, inputs=3, directions=2)
            ends = (np.arange(batch) % 4 + 1).astype(np.int32)
            yield cell(f"batch{batch}_lengths", operator, batch=batch, units=units,
                       steps=4, inputs=3, directions=2, lengths=ends)
    yield cell("peepholes", "LSTM", peepholes=True)
    yield cell("peepholes_bidirectional", "LSTM", peepholes=True, directions=2)
    yield cell("activations", "LSTM", activations=["HardSigmoid", "Relu", "Softsign"],
               activation_alpha=[0.3], activation_beta=[0.4])
    yield cell("activations", "GRU", directions=2,
               activations=["Sigmoid", "Relu", "HardSigmoid", "Tanh"])
    yield cell("activations", "RNN", activations=["LeakyRelu"], activation_alpha=[0.2])
    for directions in (1, 2):
        yield cell(f"linear_before_reset{directions}", "GRU", directions=directions,
                   linear_before_reset=1)
    yield cell("linear_before_reset_units16", "GRU", units=16, directions=2,
               linear_before_reset=1)
    yield cell("linear_before_reset_batch11", "GRU", batch=11, units=21, directions=2,
               linear_before_reset=1)
    yield cell("linear_before_reset_no_bias", "GRU", bias=False, linear_before_reset=1)


def _quantised():
    x = _numbers(4, 6, 5) * 3
    for kind in (np.uint8, np.int8):
        zero = np.array(7, kind)
        scale = np.array(0.04, FLOAT)
        yield Case(f"quantize_{np.dtype(kind)}", "QuantizeLinear", [x, scale, zero])
        scales = np.linspace(0.01, 0.1, 6, dtype=FLOAT)
        zeros = np.arange(6).astype(kind)
        yield Case(f"quantize_axis_{np.dtype(kind)}", "QuantizeLinear", [x, scales, zeros],
                   attributes={"axis": 1})
        values = (np.arange(120) % 200 - 60).astype(kind).reshape(4, 6, 5)
        yield Case(f"dequantize_axis_{np.dtype(kind)}", "DequantizeLinear",
                   [values, scales, zeros], attributes={"axis": 1})
    # Blocks of 4 in a dimension of 6: the last one is shorter.
    values = np.arange(-60, 60).astype(np.int8).reshape(4, 6, 5)
    blocks = np.linspace(0.01, 0.1, 40, dtype=FLOAT).reshape(4, 2, 5)
    yield Case("dequantize_short_block", "DequantizeLinear",
               [values, blocks, np.arange(40).astype(np.int8).reshape(4, 2, 5)], 21,
               {"axis": 1, "block_size": 4}, constant=(1, 2), known={0: (-2,)})
    yield Case("dynamic_quantize", "DynamicQuantizeLinear", [x], outputs=3)
    random = np.random.default_rng(5)
    # Seven bits: on CPUs without VNNI, onnxruntime adds pairs of products in 16
    # bits, which saturate with more.
    a = random.integers(0, 255, (9, 20)).astype(np.uint8)
    b = random.integers(-64, 64, (20, 13)).astype(np.int8)
    yield Case("matmul_integer", "MatMulInteger",
               [a, b, np.array(3, np.uint8), np.array(-2, np.int8)])
    image = random.integers(0, 255, (1, 4, 8, 8)).astype(np.uint8)
    weight = random.integers(-64, 64, (6, 4, 3, 3)).astype(np.int8)
    yield Case("conv_integer", "ConvInteger",
               [image, weight.view(np.uint8), np.array(9, np.uint8), np.array(4, np.uint8)],
               10, {"pads": [1, 1, 1, 1]})
    yield Case("qlinear_conv", "QLinearConv",
               [image, np.array(0.02, FLOAT), np.array(120, np.uint8), weight,
                np.linspace(0.01, 0.03, 6, dtype=FLOAT), np.zeros(6, np.int8),
                np.array(0.5, FLOAT), np.array(100, np.uint8),
                np.arange(6, dtype=np.int32) * 100],
               10, {"pads": [1, 1, 1, 1]}, constant=(1, 2, 3, 4, 5, 6, 7, 8), atol=1)


def _contrib():
    x, b = _numbers(3, 5, 20), _numbers(20, seed=1)

    def contrib(name, operator, inputs, **attributes):
        return Case(name, operator, inputs, 13, attributes, domain="com.microsoft")

    yield contrib("contrib_gelu", "Gelu", [x])
    yield contrib("contrib_fast_gelu", "FastGelu", [x, b])
    yield contrib("contrib_bias_gelu", "BiasGelu", [x, b])
    yield contrib("contrib_quick_gelu", "QuickGelu", [x], alpha=1.5)
    for kind in (np.uint8, np.int8):
        image = np.random.default_rng(7).integers(-100, 100, (2, 9, 11, 5)).astype(kind)
        yield contrib(f"contrib_nhwc_max_pool_{image.dtype}", "NhwcMaxPool", [image],
                      kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1])
    yield contrib("contrib_fused_matmul", "FusedMatMul", [_numbers(2, 5, 4), _numbers(2, 6, 5)],
                  transA=1, transB=1, alpha=0.5)
    yield contrib("contrib_fused_conv", "FusedConv",
                  [_numbers(1, 3, 8, 8), _numbers(4, 3, 3, 3), _numbers(4)],
                  activation="LeakyRelu", activation_params=[0.2], pads=[1, 1, 1, 1])


def _activations():
    # Far ends of the functions, and infinities.
    ends = np.concatenate([
        np.linspace(-9, 9, 4001), [-1e30, -60, 60, 1e30, -np.inf, np.inf, 0.0, -0.0],
    ]).astype(FLOAT)
    gelu = ends[ends > -np.inf]
    for name in ("none", "tanh"):
        yield Case(f"gelu_{name}_ends", "Gelu", [gelu], 20, {"approximate": name},
                   atol=1e-6)
    for operator in ("Sigmoid", "Tanh", "Erf", "Exp", "Softplus"):
        yield Case(f"{operator.lower()}_ends", operator, [ends], atol=1e-6)
    masked = _numbers(4, 17)
    masked[:, ::2] -= 10000
    masked[1, :3] -= 95
    for operator in ("Softmax", "LogSoftmax"):
        yield Case(f"{operator.lower()}_masked", operator, [masked])


def _transposes():
    for shape, order in (
        ((2, 17, 4, 16), (0, 2, 1, 3)), ((2, 4, 17, 16), (0, 1, 3, 2)),
        ((3, 19, 33), (0, 2, 1)), ((3, 19, 33), (2, 1, 0)), ((3, 19, 33), (1, 2, 0)),
        ((1, 3, 20, 21), (0, 2, 3, 1)), ((5, 1, 7), (1, 2, 0)), ((8, 8), (1, 0)),
        ((2, 3, 4, 5, 6), (4, 2, 0, 3, 1)), ((0, 3), (1, 0)), ((64, 100), (1, 0)),
    ):
        text = "x".join(str(size) for size in shape)
        for kind in (FLOAT, np.int64, np.uint8):
            x = (100 * _numbers(*shape)).astype(np.int64).astype(kind)
            name = f"transpose_{text}_{''.join(map(str, order))}_{x.dtype}"
            yield Case(name, "Transpose", [x], attributes={"perm": order})
    # Results that leave the caches.
    for shape, kind in (((2, 48, 45003), FLOAT), ((2, 40, 27011), np.int64),
                        ((2, 64, 135013), np.uint8), ((2, 64, 67507), np.float16)):
        x = np.arange(np.prod(shape)).reshape(shape) % 251
        name = f"transpose_{'x'.join(map(str, shape))}_{np.dtype(kind)}"
        yield Case(name, "Transpose", [x.astype(kind)], attributes={"perm": (0, 2, 1)})


def _columns_to_images():
    """Col2Im whose block is known, or only in the run."""
    for name, image, block, more in (
        ("plain", [5, 6], [2, 3], {}),
        ("all", [7, 8], [3, 2], {"dilations": [2, 3], "strides": [2, 1], "pads": [1, 2, 0, 1]}),
        ("one", [9], [4], {"strides": [2], "pads": [1, 2]}),
        ("three", [3, 4, 5], [2, 2, 3], {"strides": [1, 2, 1]}),
    ):
        rank = len(block)
        settings = {"dilations": [1] * rank, "strides": [1] * rank, "pads": [0] * 2 * rank, **more}
        blocks = 1
        for i in range(rank):
            size = image[i] + settings["pads"][i] + settings["pads"][rank + i]
            reach = settings["dilations"][i] * (block[i] - 1) + 1
            blocks *= (size - reach) // settings["strides"][i] + 1
        x = _numbers(2, 3 * int(np.prod(block)), blocks)
        inputs = [x, np.array(image), np.array(block)]
        for constant in ((), (2,)):
            form = "constant" if constant else "run"
            yield Case(f"col2im_{name}_{form}", "Col2Im", inputs, 18, more, constant=constant,
                       known={1: (-1,), 2: (-1,)})


def _odd_sizes():
    return odd_sizes.cases(Case, _numbers)


def _linear_algebra():
    return linear_algebra.cases(Case, _numbers)


def _spectral():
    return spectral.cases(Case, _numbers)


def _machine_learning():
    return machine_learning.cases(Case, _numbers)


def _attention():
    return attention.cases(Case, _numbers)


def _experts():
    return experts.cases(Case, _numbers)


def _trees():
    return trees.cases(Case)


def all_cases():
    for group in (_activations, _transposes, _softmaxes, _reductions, _convolutions, _pools,
                  _resizes, _normalisations, _recurrent, _quantised, _contrib, _odd_sizes,
                  _linear_algebra, _spectral, _columns_to_images, _machine_learning, _trees, _attention,
                  _experts, loops.cases):
        yield from group()
