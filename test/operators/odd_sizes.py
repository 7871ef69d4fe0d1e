"""Operators on sizes 0, 1 and primes, and on tensors of rank 8."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

SHAPES = {
    "empty": (0,),
    "empty_rows": (3, 0),
    "no_rows": (0, 7),
    "one": (1, 1, 1),
    "prime": (7, 13, 31),
    "rank8": (2, 1, 3, 1, 2, 3, 1, 5),
    "empty_rank8": (2, 1, 3, 0, 2, 1, 1, 5),
}


def _ints(*values):
    return np.array(values, np.int64)


def cases(make, numbers):
    """`make` builds a case, `numbers` makes random tensors of a shape."""
    for name, shape in SHAPES.items():
        x, rank = numbers(*shape), len(shape)
        last = shape[-1]

        def case(operator, inputs, opset=13, **facts):
            return make(f"{operator.lower()}_{name}", operator, inputs, opset, **facts)

        yield case("Add", [x, numbers(last)])
        yield case("Where", [x > 0, x, numbers(*(1,) * rank)])
        yield case("Tanh", [x])
        yield case("Softmax", [x], attributes={"axis": -1})
        if last:
            yield case("LayerNormalization", [x, numbers(last), numbers(last)], 17,
                       attributes={"axis": -1})
        yield case("Transpose", [x], attributes={"perm": list(range(rank))[::-1]})
        # onnxruntime leaves the dimensions of empty tensors as they are.
        if x.size:
            yield case("ReduceSum", [x, _ints(-1)], attributes={"keepdims": 0},
                       constant=(1,))
        yield case("ReduceProd", [x], attributes={"axes": [0], "keepdims": 1})
        yield case("CumSum", [x, np.array(0, np.int64)])
        yield case("Concat", [x, x, numbers(*shape[:-1], 3)], attributes={"axis": -1})
        backwards = [_ints(-1), _ints(-1 << 40), _ints(rank - 1), _ints(-2)]
        yield case("Slice", [x, *backwards], constant=(1, 2, 3, 4))
        yield case("Tile", [x, _ints(*[2] * rank)], constant=(1,))
        yield case("Expand", [numbers(*(1,) * rank), _ints(*shape)], constant=(1,))
        yield case("Reshape", [x, _ints(*shape[::-1])], 14, attributes={"allowzero": 1},
                   constant=(1,))
        yield case("Pad", [x, _ints(*[1] * (2 * rank))], constant=(1,))
        yield case("Gather", [x, np.zeros((2, 0), np.int64)], attributes={"axis": 0})
        yield case("NonZero", [x])
        if rank > 1:
            yield case("MatMul", [x, numbers(last, 11)])
            yield case("Split", [x, _ints(0, last)], outputs=2, attributes={"axis": -1},
                       constant=(1,))
    for name, batch, channels, size in (
        ("no_batch", 0, 3, 9), ("one", 1, 1, 1), ("prime", 3, 7, 13),
    ):
        x = numbers(batch, channels, size, size)
        one = numbers(5, channels, 1, 1)
        yield make(f"conv1x1_{name}", "Conv", [x, one], 11)
        yield make(f"conv3x3_{name}", "Conv", [x, numbers(5, channels, 3, 3)], 11,
                   attributes={"pads": [1] * 4}, constant=(1,))
        yield make(f"depthwise_{name}", "Conv", [x, numbers(channels, 1, 3, 3)], 11,
                   attributes={"pads": [1] * 4, "group": channels}, constant=(1,))
        yield make(f"max_pool_{name}", "MaxPool", [x], 12,
                   attributes={"kernel_shape": [3, 3], "pads": [1] * 4})
    # A size of zero that is known beside others that are not.
    x, known = numbers(0, 5, 6), {0: (-3,)}
    yield make("reduce_mean_known_empty", "ReduceMean", [x], attributes={"axes": [1, 2]},
               known=known, expected=(np.zeros((0, 1, 1), np.float32),))
    yield make("flatten_known_empty", "Flatten", [x], attributes={"axis": 2}, known=known)
    yield make("reduce_sum_of_known_empty", "ReduceSum", [x, _ints(0)], constant=(1,),
               known=known)
    yield make("layer_norm_known_empty", "LayerNormalization", [x, numbers(6)], 17,
               known={0: (-3,), 1: (-1,)})
    for name, shape in (("batch", (0, 4, 3)), ("image", (2, 4, 0))):
        one = np.ones(4, np.float32)
        yield make(f"group_norm_empty_{name}", "GroupNormalization",
                   [numbers(*shape), one, one], 21, attributes={"num_groups": 2},
                   expected=(np.zeros(shape, np.float32),))
    yield make("conv_known_empty", "Conv", [numbers(0, 3, 8, 8), numbers(4, 3, 3, 3)], 11,
               attributes={"pads": [1] * 4, "strides": [2, 2]}, constant=(1,),
               known={0: (-4, -3)})
    for rows, depth, columns in ((0, 5, 7), (5, 0, 7), (5, 7, 0), (1, 1, 1), (31, 37, 41)):
        yield make(f"gemm_{rows}x{depth}x{columns}", "Gemm",
                   [numbers(rows, depth), numbers(depth, columns), numbers(columns)])
