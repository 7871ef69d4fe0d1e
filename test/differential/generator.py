"""Random ONNX graphs: same seed, same graph.

A graph grows one operator at a time from a pool of values with known shapes.
Operators whose results jump (Floor, comparisons) read only values that are exact,
so that rounding differences cannot become large ones.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper

import operators

OPSET = 17
SIZES = (1, 1, 2, 3, 4, 5, 7, 8, 11, 16, 17, 31, 32, 33, 64)
MOST_ELEMENTS = 20000


@dataclass(frozen=True)
class Value:
    name: str
    shape: tuple
    dtype: np.dtype
    exact: bool  # both sides compute the very same numbers

    @property
    def rank(self):
        return len(self.shape)

    @property
    def count(self):
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def floating(self):
        return self.dtype.kind == "f"


class Generator:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes = []
        self.values = []
        self.inputs = {}
        self.weights = {}
        self.used = set()
        self.read = set()  # by subgraphs
        # Now and then many sizes are zero.
        self.empties = 0.15 if self.random.random() < 0.05 else 0.01

    # Choices.

    def choose(self, options):
        return options[int(self.random.integers(len(options)))]

    def chance(self, probability):
        return self.random.random() < probability

    def size(self):
        return 0 if self.chance(self.empties) else int(self.choose(SIZES))

    def shape(self, rank=None, most=MOST_ELEMENTS):
        if rank is None:
            rank = int(self.choose((0, 1, 2, 2, 3, 3, 4, 4, 4, 5, 6, 8)))
        shape = [self.size() for _ in range(rank)]
        while np.prod(shape, dtype=np.int64) > most:
            largest = int(np.argmax(shape))
            shape[largest] = max(1, shape[largest] // 2)
        return tuple(shape)

    # Values.

    def content(self, shape, dtype):
        """Numbers between -2 and 2, small integers, or truth values."""
        dtype = np.dtype(dtype)
        if dtype.kind == "b":
            return np.asarray(self.random.random(shape) < 0.5)
        if dtype.kind in "iu":
            low = 0 if dtype.kind == "u" else -9
            return np.asarray(self.random.integers(low, 10, shape), dtype)
        return np.asarray(self.random.uniform(-2, 2, shape), dtype)

    def fresh(self, shape, dtype=np.float32):
        """A new graph input, or now and then a weight."""
        if self.chance(0.3):
            return self.weight(self.content(shape, dtype))
        value = Value(f"x{len(self.inputs)}", tuple(shape), np.dtype(dtype), True)
        self.inputs[value.name] = self.content(shape, dtype)
        self.values.append(value)
        return value

    def vector(self, numbers):
        """Sizes or positions as an input; how many there are stays known."""
        value = Value(f"s{len(self.inputs)}", numbers.shape, numbers.dtype, True)
        self.inputs[value.name] = numbers
        return value

    def weight(self, array):
        array = np.asarray(array)
        value = Value(f"w{len(self.weights)}", array.shape, array.dtype, True)
        self.weights[value.name] = array
        return value

    def pick(self, accept=lambda value: True):
        """A value that `accept` takes, late ones rather than early ones."""
        fitting = [value for value in self.values if accept(value)]
        if not fitting:
            return None
        if self.chance(0.5):
            return fitting[-1]
        return self.choose(fitting)

    def floating(self, rank=None, low=0, most=8, nonempty=False):
        """A floating-point value of a rank, picked or new."""
        low, most = (rank, rank) if rank is not None else (low, most)

        def accept(value):
            return (
                value.floating
                and low <= value.rank <= most
                and not (nonempty and value.count == 0)
            )

        value = self.pick(accept)
        if value is None or self.chance(0.1):
            shape = self.shape(int(self.random.integers(low, most + 1)))
            if nonempty:
                shape = tuple(max(size, 1) for size in shape)
            value = self.fresh(shape)
        return value

    def emit(self, operator, inputs, shape, dtype=None, exact=False, hidden=False,
             **attributes):
        """Adds a node with one result of a known shape; a hidden one is only read
        by the nodes that its maker adds."""
        first = next(value for value in inputs if value is not None)
        kinds = [(shape, dtype or first.dtype)]
        (result,) = self.emit_all(operator, inputs, kinds, exact, hidden, **attributes)
        return result

    def emit_all(self, operator, inputs, kinds, exact=False, hidden=False, **attributes):
        """Adds a node with results of known shapes and types."""
        exact = exact and all(value is None or value.exact for value in inputs)
        label = f"v{len(self.nodes)}"
        results = [
            Value(label if i == 0 else f"{label}_{i}", tuple(map(int, shape)),
                  np.dtype(dtype), exact)
            for i, (shape, dtype) in enumerate(kinds)
        ]
        names = [value.name if value is not None else "" for value in inputs]
        self.used.update(names)
        self.nodes.append(
            helper.make_node(
                operator, names, [result.name for result in results],
                name=f"n{len(self.nodes)}", **attributes
            )
        )
        if not hidden:
            self.values += results
        return results

    # The whole graph.

    def grow(self, count):
        self.fresh(self.shape(most=5000))
        tries = 0
        while len(self.nodes) < count and tries < 20 * count:
            tries += 1
            self.choose(operators.ALL)(self)

    def finish(self):
        """The model and its inputs; results that nothing reads are outputs."""
        outputs = [
            value
            for value in self.values
            if value.name.startswith("v")
            and (value.name not in self.used or self.chance(0.1))
        ]
        read = self.read | {name for node in self.nodes for name in node.input}
        inputs = {name: a for name, a in self.inputs.items() if name in read}
        infos = [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape
            )
            for name, a in inputs.items()
        ]
        results = [
            helper.make_tensor_value_info(
                value.name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
            )
            for value in outputs
        ]
        weights = [
            numpy_helper.from_array(array, name)
            for name, array in self.weights.items()
            if name in read
        ]
        graph = helper.make_graph(self.nodes, "random", infos, results, weights)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8
        )
        return model, inputs


def make_dynamic(model):
    """All sizes of all inputs become symbols, but for the lengths of vectors of
    sizes."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    for value in [*model.graph.input, *model.graph.output]:
        if value.name.startswith("s"):
            continue
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            dim.Clear()
            dim.dim_param = f"{value.name}_{axis}"
    return model


def generate(seed, count=None):
    """(model, inputs) for a seed; a third of all models have dynamic sizes."""
    generator = Generator(seed)
    size = count or int(generator.random.integers(1, 16))
    generator.grow(size)
    model, inputs = generator.finish()
    if generator.chance(0.33):
        model = make_dynamic(model)
    return model, inputs
