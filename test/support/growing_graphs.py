"""Graphs of any number of nodes, in the shapes that exporters give them.

Each function of GRAPHS makes one of about `nodes` nodes; `dynamic` leaves the
sizes of its inputs to the run.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FLOAT, BOOL, INT64 = TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT64


class Graph:
    """A graph under construction; values are named by who makes them."""

    def __init__(self, dynamic, rank=2, shape=None):
        self.nodes, self.constants, self.inputs = [], [], []
        self.dynamic = dynamic
        self.x = self.input("x", FLOAT, shape or [4] * rank)

    def input(self, name, kind, shape):
        sizes = [f"{name}{i}" for i in range(len(shape))] if self.dynamic else shape
        self.inputs.append(helper.make_tensor_value_info(name, kind, sizes))
        return name

    def add(self, kind, *operands, outputs=1, **attributes):
        names = [f"{kind}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, operands, names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value):
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def vector(self, value, size=4):
        """A constant f32 vector; no two values give the same."""
        return self.constant(np.linspace(value, value + 1, size, dtype=np.float32))

    def body(self, inputs, outputs):
        """What was added, as the body of a control flow node."""
        return helper.make_graph(
            self.nodes, "body", inputs,
            [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs],
            self.constants,
        )

    def model(self, *outputs):
        results = [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs]
        graph = helper.make_graph(
            self.nodes, "graph", self.inputs, results, self.constants
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
        )


class Body(Graph):
    """A subgraph; its names are apart from those of all others."""

    def __init__(self, prefix):
        self.nodes, self.constants, self.prefix = [], [], prefix

    def add(self, kind, *operands, outputs=1, **attributes):
        names = [f"{self.prefix}_{kind}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, operands, names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value):
        name = f"{self.prefix}_constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name


def chain(nodes, dynamic):
    graph = Graph(dynamic)
    value = graph.x
    for i in range(nodes):
        value = graph.add(("Sigmoid", "Neg", "Abs", "Relu", "Exp")[i % 5], value)
    return graph.model(value)


def diamonds(nodes, dynamic):
    graph = Graph(dynamic)
    value = graph.x
    for _ in range(nodes // 2):
        value = graph.add("Mul", value, graph.add("Sigmoid", value))
    return graph.model(value)


def residual_matmuls(nodes, dynamic):
    """Values that live long: each block adds to what it read."""
    graph = Graph(dynamic)
    value, weights = graph.x, graph.constant(np.eye(4, dtype=np.float32))
    for i in range(nodes // 3):
        inner = graph.add("MatMul", value, weights)
        value = graph.add("Add", value, graph.add("Mul", inner, graph.vector(i)))
    return graph.model(value)


def fan(nodes, dynamic):
    graph = Graph(dynamic)
    values = [graph.add("Add", graph.x, graph.vector(i)) for i in range(nodes // 2)]
    while len(values) > 1:
        pairs = zip(values[::2], values[1::2])
        values = [graph.add("Mul", a, b) for a, b in pairs] + values[len(values) & ~1 :]
    return graph.model(values[0])


def sum_of_all(nodes, dynamic):
    graph = Graph(dynamic)
    values = [graph.add("Add", graph.x, graph.vector(i)) for i in range(nodes)]
    return graph.model(graph.add("Sum", *values))


def softmax_fan(nodes, dynamic):
    """Kernels of their own that all live until the end."""
    graph = Graph(dynamic)
    values = [
        graph.add("Softmax", graph.add("Add", graph.x, graph.vector(i)))
        for i in range(nodes // 2)
    ]
    return graph.model(graph.add("Concat", *values, axis=0))


def quantised(nodes, dynamic):
    graph = Graph(dynamic)
    scale = graph.constant(np.float32(0.05))
    zero = graph.constant(np.uint8(128))
    value = graph.x
    for _ in range(nodes // 4):
        code = graph.add("QuantizeLinear", value, scale, zero)
        value = graph.add("DequantizeLinear", code, scale, zero)
        value = graph.add("Mul", value, graph.add("Sigmoid", value))
    return graph.model(value)


def quantised_matmuls(nodes, dynamic):
    graph = Graph(dynamic)
    scale = graph.constant(np.float32(0.05))
    zero = graph.constant(np.uint8(128))
    value = graph.x
    for i in range(nodes // 6):
        code = graph.add("QuantizeLinear", value, scale, zero)
        value = graph.add("DequantizeLinear", code, scale, zero)
        weights = graph.constant(np.full((4, 4), i % 256, np.uint8))
        weights = graph.add("DequantizeLinear", weights, scale, zero)
        value = graph.add("MatMul", value, weights)
        value = graph.add("Mul", value, graph.add("Sigmoid", value))
    return graph.model(value)


def concatenations(nodes, dynamic):
    graph = Graph(dynamic)
    value = graph.x
    for i in range(nodes // 2):
        value = graph.add("Concat", value, graph.x, axis=0)
        value = graph.add("Slice", value, *(graph.constant(np.array([n], np.int64))
                                            for n in (0, 4, 0)))
    return graph.model(value)


def concatenation_of_all(nodes, dynamic):
    graph = Graph(dynamic)
    values = [graph.add("Add", graph.x, graph.vector(i)) for i in range(nodes)]
    return graph.model(graph.add("Concat", *values, axis=1))


def pieces(nodes, dynamic):
    """A tensor in as many pieces as there are nodes, and together again."""
    graph = Graph(dynamic, shape=[4, 1])
    count = nodes // 2
    wide = graph.add("Add", graph.x, graph.vector(0, count))
    parts = graph.add("Split", wide, axis=1, outputs=count)
    values = [graph.add("Sigmoid", part) for part in parts]
    return graph.model(graph.add("Concat", *values, axis=1))


def outputs(nodes, dynamic):
    graph = Graph(dynamic)
    return graph.model(
        *(graph.add("Add", graph.x, graph.vector(i)) for i in range(nodes))
    )


def inputs(nodes, dynamic):
    graph = Graph(dynamic)
    value = graph.x
    for i in range(nodes):
        value = graph.add("Add", value, graph.input(f"x{i}", FLOAT, [4, 4]))
    return graph.model(value)


def initialisers(nodes, dynamic):
    graph = Graph(dynamic)
    value = graph.x
    for i in range(nodes):
        value = graph.add("Add", value, graph.vector(i))
    return graph.model(value)


def constants(nodes, dynamic):
    """All that can be computed before the run is."""
    graph = Graph(dynamic)
    value = graph.vector(1)
    for i in range(nodes - 1):
        value = graph.add("Add", graph.add("Sigmoid", value), graph.vector(i))
    return graph.model(graph.add("Add", graph.x, value))


def large_constants(nodes, dynamic):
    """Of a size at which it counts how much they are made of."""
    graph = Graph(dynamic, rank=1, shape=[20000])
    value = graph.vector(1, 20000)
    for i in range(nodes - 1):
        value = graph.add(("Neg", "Abs")[i % 2], value)
    return graph.model(graph.add("Add", graph.x, value))


def unsupported(nodes, dynamic):
    """Nodes that are reported, which is no shape to compile."""
    graph = Graph(dynamic)
    for _ in range(nodes):
        graph.add("SequenceConstruct", graph.x)
    return graph.model(graph.add("Relu", graph.x))


def transposes(nodes, dynamic):
    graph = Graph(dynamic)
    value = graph.x
    for _ in range(nodes // 2):
        value = graph.add("Softmax", graph.add("Transpose", value, perm=[1, 0]))
    return graph.model(value)


def reshapes(nodes, dynamic):
    graph = Graph(dynamic)
    value = graph.x
    for i in range(nodes // 2):
        sizes = ([-1], [2, -1])[i % 2]
        value = graph.add("Reshape", value, graph.constant(np.array(sizes, np.int64)))
        value = graph.add("Softmax", value, axis=0)
    return graph.model(value)


def shape_arithmetic(nodes, dynamic):
    """Sizes taken apart and put together again around each reshape."""
    graph = Graph(dynamic)
    value = graph.x
    zero, one = (graph.constant(np.int64(i)) for i in (0, 1))
    first = graph.constant(np.array([0], np.int64))
    for _ in range(nodes // 9):
        shape = graph.add("Shape", value)
        rows = graph.add("Gather", shape, zero)
        columns = graph.add("Gather", shape, one)
        both = graph.add("Mul", rows, columns)
        parts = [graph.add("Unsqueeze", size, first) for size in (both, one)]
        wanted = graph.add("Concat", *parts, axis=0)
        value = graph.add("Reshape", value, wanted)
        value = graph.add("Relu", value)
    return graph.model(value)


def shape_chain(nodes, dynamic):
    """One long computation of a size."""
    graph = Graph(dynamic)
    size = graph.add("Shape", graph.x)
    steps = [graph.constant(np.array(v, np.int64)) for v in ([3, 5], [1, 2])]
    for i in range(nodes // 2):
        size = graph.add("Add", size, steps[0])
        size = graph.add("Sub", size, steps[0] if i % 2 else steps[1])
    size = graph.add("Min", size, graph.constant(np.array([4, 4], np.int64)))
    return graph.model(graph.add("ConstantOfShape", size))


def shape_diamonds(nodes, dynamic):
    """Sizes that are used twice, each of which a tensor takes."""
    graph = Graph(dynamic)
    value = graph.x
    size = graph.add("Shape", value)
    two = graph.constant(np.array([2], np.int64))
    for _ in range(nodes // 4):
        double = graph.add("Add", size, size)
        size = graph.add("Div", double, two)
        value = graph.add("Relu", graph.add("Expand", value, size))
    return graph.model(value)


def broadcasts(nodes, dynamic):
    """Sizes that only the run can tell to be equal."""
    graph = Graph(dynamic)
    others = [graph.input(f"o{i}", FLOAT, [4, 4]) for i in range(4)]
    value = graph.x
    for i in range(nodes // 2):
        value = graph.add("Mul", value, graph.add("Add", value, others[i % 4]))
    return graph.model(value)


def softmaxes(nodes, dynamic):
    graph = Graph(dynamic)
    value = graph.x
    for _ in range(nodes):
        value = graph.add("Softmax", value)
    return graph.model(value)


def matmuls(nodes, dynamic):
    graph = Graph(dynamic)
    value = graph.x
    for i in range(nodes):
        weights = np.eye(4, dtype=np.float32) + i
        value = graph.add("MatMul", value, graph.constant(weights))
    return graph.model(value)


def squares(nodes, dynamic):
    """Products of values by themselves."""
    graph = Graph(dynamic)
    value = graph.x
    for _ in range(nodes // 2):
        value = graph.add("MatMul", value, value)
        value = graph.add("Softmax", value)
    return graph.model(value)


def convolutions(nodes, dynamic):
    graph = Graph(dynamic, shape=[1, 4, 8, 8])
    value = graph.x
    for i in range(nodes // 2):
        weights = np.full((4, 4, 3, 3), i, np.float32)
        value = graph.add("Conv", value, graph.constant(weights), pads=[1] * 4)
        value = graph.add("Relu", value)
    return graph.model(value)


def normalisations(nodes, dynamic):
    graph = Graph(dynamic)
    value = graph.x
    for i in range(nodes // 10):
        mean = graph.add("ReduceMean", value, axes=[-1])
        centred = graph.add("Sub", value, mean)
        square = graph.add("Pow", centred, graph.constant(np.float32(2)))
        variance = graph.add("ReduceMean", square, axes=[-1])
        shifted = graph.add("Add", variance, graph.constant(np.float32(1e-5)))
        normal = graph.add("Div", centred, graph.add("Sqrt", shifted))
        scaled = graph.add("Mul", normal, graph.vector(i + 1))
        value = graph.add("Add", scaled, graph.vector(-i))
    return graph.model(value)


def pools(nodes, dynamic):
    graph = Graph(dynamic, shape=[1, 4, 8, 8])
    value = graph.x
    for _ in range(nodes):
        value = graph.add("MaxPool", value, kernel_shape=[3, 3], pads=[1] * 4)
    return graph.model(value)


def gathers(nodes, dynamic):
    graph = Graph(dynamic)
    value = graph.x
    for i in range(nodes // 2):
        rows = graph.constant(np.array([i % 4, 1, 0, 2], np.int64))
        value = graph.add("Softmax", graph.add("Gather", value, rows, axis=0))
    return graph.model(value)


def conditions(nodes, dynamic):
    """One If after the other."""
    graph = Graph(dynamic)
    condition = graph.input("c", BOOL, [])
    value = graph.x
    for i in range(nodes // 3):
        branches = []
        for kind in ("Relu", "Softmax"):
            body = Body(f"{kind}{i}")
            branches.append(body.body([], [(body.add(kind, value), FLOAT)]))
        value = graph.add("If", condition, then_branch=branches[0],
                          else_branch=branches[1])
    return graph.model(value)


def nested_conditions(nodes, dynamic):
    """Ifs within Ifs, a tree of them at a time."""
    graph = Graph(dynamic)
    condition = graph.input("c", BOOL, [])
    depth = 5

    def branch(prefix, value, level):
        body = Body(prefix)
        if level == depth:
            return body.body([], [(body.add("Sigmoid", value), FLOAT)])
        inner = [branch(f"{prefix}{side}", value, level + 1) for side in "te"]
        result = body.add("If", condition, then_branch=inner[0], else_branch=inner[1])
        return body.body([], [(result, FLOAT)])

    value = graph.x
    for i in range(max(1, nodes // (1 << (depth + 1)))):
        sides = [branch(f"i{i}{side}", value, 1) for side in "te"]
        value = graph.add("If", condition, then_branch=sides[0], else_branch=sides[1])
    return graph.model(value)


def loop_body(prefix, steps):
    body = Body(prefix)
    carried = f"{prefix}_in"
    inputs = [
        helper.make_tensor_value_info(f"{prefix}_i", INT64, []),
        helper.make_tensor_value_info(f"{prefix}_go", BOOL, []),
        helper.make_tensor_value_info(carried, FLOAT, None),
    ]
    value = steps(body, carried)
    go = body.add("Identity", f"{prefix}_go")
    return body.body(inputs, [(go, BOOL), (value, FLOAT)])


def loops(nodes, dynamic):
    """One Loop after the other."""
    graph = Graph(dynamic)
    count = graph.constant(np.int64(3))
    value = graph.x
    for i in range(nodes // 3):
        body = loop_body(f"l{i}", lambda body, carried: body.add("Softmax", carried))
        value = graph.add("Loop", count, "", value, body=body)
    return graph.model(value)


def nested_loops(nodes, dynamic):
    """Loops within loops."""
    graph = Graph(dynamic)
    count = graph.constant(np.int64(2))
    depth = 8

    def nest(prefix, level):
        def steps(body, carried):
            value = body.add("Softmax", carried)
            if level == depth:
                return value
            return body.add("Loop", count, "", value, body=nest(f"{prefix}n", level + 1))

        return loop_body(prefix, steps)

    value = graph.x
    for i in range(max(1, nodes // (3 * depth))):
        value = graph.add("Loop", count, "", value, body=nest(f"l{i}", 1))
    return graph.model(value)


GRAPHS = [
    chain, diamonds, residual_matmuls, fan, sum_of_all, softmax_fan, quantised,
    quantised_matmuls, concatenations, concatenation_of_all, pieces, outputs, inputs,
    initialisers, constants, large_constants, transposes, reshapes, shape_arithmetic, shape_chain,
    shape_diamonds, broadcasts, softmaxes, matmuls, squares, convolutions,
    normalisations, pools, gathers, conditions, nested_conditions, loops, nested_loops,
]  # fmt: skip
