"""Writes small ONNX graphs in a line per node."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """`g.Conv(x, w, pads=[1, 1, 1, 1])` adds a node and returns its output."""

    def __init__(self, seed=0, opset=17):
        self.random = np.random.default_rng(seed)
        self.opset = opset
        self.nodes, self.inputs, self.outputs, self.constants = [], [], [], []
        self.feeds = {}
        self.branches = 0

    def input(self, shape, low=-2.0, high=2.0, dynamic=False):
        """An input with random numbers; `dynamic` hides its sizes, or those of
        the dimensions that it lists."""
        name = f"x{len(self.inputs)}"
        hidden = range(len(shape)) if dynamic is True else dynamic or ()
        declared = [f"{name}_{i}" if i in hidden else n for i, n in enumerate(shape)]
        self.inputs.append(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, declared)
        )
        self.feeds[name] = self.numbers(shape, low, high)
        return name

    def integers(self, values, dynamic=False):
        """An int64 input; the length of a vector stays known unless `dynamic`, which
        may name the dimensions."""
        values = np.asarray(values, np.int64)
        name = f"x{len(self.inputs)}"
        declared = [None] * values.ndim if dynamic is True else dynamic or values.shape
        self.inputs.append(
            helper.make_tensor_value_info(name, TensorProto.INT64, declared)
        )
        self.feeds[name] = values
        return name

    def typed_input(self, values, dynamic=False):
        """An input with these values, of their type; `dynamic` as above."""
        name = f"x{len(self.inputs)}"
        hidden = range(values.ndim) if dynamic is True else dynamic or ()
        declared = [f"{name}_{i}" if i in hidden else n
                    for i, n in enumerate(values.shape)]
        dtype = helper.np_dtype_to_tensor_dtype(values.dtype)
        self.inputs.append(helper.make_tensor_value_info(name, dtype, declared))
        self.feeds[name] = values
        return name

    def numbers(self, shape, low=-1.0, high=1.0):
        return self.random.uniform(low, high, shape).astype(np.float32)

    def constant(self, values):
        values = np.asarray(values)
        if values.dtype == np.float64:
            values = values.astype(np.float32)
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def double(self, values):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.float64(values), name))
        return name

    def weight(self, *shape, low=-1.0, high=1.0):
        return self.constant(self.numbers(shape, low, high))

    def output(self, name, rank=None):
        """`rank` is what the model declares of a tensor of float."""
        if rank is None:
            self.outputs.append(helper.make_empty_tensor_value_info(name))
        else:
            self.outputs.append(
                helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * rank)
            )

    def node(self, operator, inputs, count=1, **attributes):
        names = [f"v{len(self.nodes)}_{i}" for i in range(count)]
        label = f"/{operator}_{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(operator, inputs, names, name=label, **attributes)
        )
        return names[0] if count == 1 else names

    def branch(self, operator, inputs):
        """A subgraph of one node on values of this graph."""
        name = f"b{self.branches}"
        self.branches += 1
        node = helper.make_node(operator, inputs, [name], name=f"/{operator}_{name}")
        result = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        return helper.make_graph([node], name, [], [result])

    def __getattr__(self, operator):
        if not operator[0].isupper():
            raise AttributeError(operator)
        return lambda *inputs, **attributes: self.node(
            operator, list(inputs), **attributes
        )

    def model(self):
        graph = helper.make_graph(
            self.nodes, "numeric", self.inputs, self.outputs, self.constants
        )
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("ai.onnx.ml", 3),
                  helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        return onnx.shape_inference.infer_shapes(model)
