"""Builds ONNX graphs node by node, in the spellings of PyTorch's exporter."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Weights above this go to a file beside the model.
EXTERNAL_DATA_BYTES = 64 << 20


class GraphBuilder:
    """Collects nodes and weights; methods return the names of results."""

    def __init__(self, name, opset=17, seed=0):
        self.name = name
        self.opset = opset
        self.random = np.random.default_rng(seed)
        self.nodes = []
        self.weights = {}
        self.inputs = []
        self.outputs = []
        self.scope = ""
        self._counts = {}

    # Values.

    def input(self, name, dims, dtype=TensorProto.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, dtype, dims))
        return name

    def output(self, value, name, dims, dtype=TensorProto.FLOAT):
        """Gives a result its public name."""
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, dtype, dims))

    def weight(self, name, array):
        name = f"{self.scope}.{name}".lstrip(".")
        if name in self.weights:
            raise ValueError(f"two weights are called {name}")
        self.weights[name] = np.ascontiguousarray(array)
        return name

    def random_weight(self, name, shape, scale):
        values = self.random.standard_normal(shape, dtype=np.float32)
        return self.weight(name, values * np.float32(scale))

    def constant(self, value, dtype=np.float32):
        """A Constant node, as exporters write the numbers of a formula."""
        array = np.asarray(value, dtype)
        return self.node("Constant", [], value=numpy_helper.from_array(array))

    def node(self, operator, inputs, outputs=1, **attributes):
        """Adds a node; returns its result, or a list when it has several."""
        path = f"{self.scope.replace('.', '/')}/{operator}"
        number = self._counts.get(path, 0)
        self._counts[path] = number + 1
        name = f"/{path}" + (f"_{number}" if number else "")
        results = [f"{name}_output_{index}" for index in range(outputs)]
        self.nodes.append(
            helper.make_node(operator, inputs, results, name=name, **attributes)
        )
        return results[0] if outputs == 1 else results

    # Arithmetic with numbers.

    def binary(self, operator, left, right):
        """A two-operand node; either side may be a number."""
        sides = [
            side if isinstance(side, str) else self.constant(side)
            for side in (left, right)
        ]
        return self.node(operator, sides)

    def add(self, left, right):
        return self.binary("Add", left, right)

    def mul(self, left, right):
        return self.binary("Mul", left, right)

    # Shapes.

    def size(self, value, axis):
        """One size of a tensor, as a scalar: Shape, then Gather."""
        shape = self.node("Shape", [value])
        return self.node("Gather", [shape, self.constant(axis, np.int64)], axis=0)

    def reshape(self, value, sizes):
        """Reshape to sizes that are numbers or (tensor, axis) pairs."""
        if all(isinstance(size, int) for size in sizes):
            return self.node("Reshape", [value, self.constant(sizes, np.int64)])
        axes = self.constant([0], np.int64)
        parts = []
        for size in sizes:
            if isinstance(size, int):
                parts.append(self.constant([size], np.int64))
            else:
                parts.append(self.node("Unsqueeze", [self.size(*size), axes]))
        return self.node("Reshape", [value, self.node("Concat", parts, axis=0)])

    def transpose(self, value, *perm):
        return self.node("Transpose", [value], perm=list(perm))

    # Layers.

    def linear(self, value, inputs, outputs, name, scale=0.02):
        """nn.Linear on a tensor of rank 3: MatMul, then the bias first in Add."""
        weight = self.random_weight(f"{name}.weight", (inputs, outputs), scale)
        bias = self.random_weight(f"{name}.bias", (outputs,), 0.02)
        return self.node("Add", [bias, self.node("MatMul", [value, weight])])

    def gemm(self, value, inputs, outputs, name, scale=0.02):
        """nn.Linear on a matrix."""
        weight = self.random_weight(f"{name}.weight", (outputs, inputs), scale)
        bias = self.random_weight(f"{name}.bias", (outputs,), 0.02)
        return self.node("Gemm", [value, weight, bias], transB=1)

    def layer_norm(self, value, size, name, epsilon=1e-5):
        gain = self.weight(
            f"{name}.weight",
            1 + 0.1 * self.random.standard_normal(size, dtype=np.float32),
        )
        bias = self.random_weight(f"{name}.bias", (size,), 0.1)
        if self.opset >= 17:
            return self.node(
                "LayerNormalization", [value, gain, bias], axis=-1, epsilon=epsilon
            )
        mean = self.node("ReduceMean", [value], axes=[-1])
        centred = self.node("Sub", [value, mean])
        square = self.binary("Pow", centred, 2.0)
        variance = self.node("ReduceMean", [square], axes=[-1])
        deviation = self.node("Sqrt", [self.add(variance, epsilon)])
        scaled = self.node("Div", [centred, deviation])
        return self.node("Add", [self.node("Mul", [scaled, gain]), bias])

    def erf_gelu(self, value):
        erf = self.node("Erf", [self.binary("Div", value, 1.4142135381698608)])
        return self.mul(self.node("Mul", [value, self.add(erf, 1.0)]), 0.5)

    def tanh_gelu(self, value):
        cube = self.mul(self.binary("Pow", value, 3.0), 0.044714998453855515)
        inner = self.mul(self.node("Add", [value, cube]), 0.7978845834732056)
        gate = self.add(self.node("Tanh", [inner]), 1.0)
        return self.node("Mul", [self.mul(value, 0.5), gate])

    # Files.

    def save(self, path, data_name=None):
        """Writes the model; large weights go to `data_name` beside it."""
        graph = helper.make_graph(
            self.nodes,
            self.name,
            self.inputs,
            self.outputs,
            [numpy_helper.from_array(a, n) for n, a in self.weights.items()],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", self.opset)],
            producer_name="sluice-test-models",
            ir_version=9,
        )
        total = sum(array.nbytes for array in self.weights.values())
        if total > EXTERNAL_DATA_BYTES:
            location = data_name or f"{path.stem}.onnx.data"
            (path.parent / location).unlink(missing_ok=True)
            onnx.save_model(
                model,
                str(path),
                save_as_external_data=True,
                all_tensors_to_one_file=True,
                location=location,
                size_threshold=1024,
            )
        else:
            onnx.save_model(model, str(path))
        onnx.checker.check_model(str(path))
