"""How many bytes of weights a model has."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import math

import onnx


def tensor_bytes(tensor):
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    return math.prod(tensor.dims) * dtype.itemsize


def weight_bytes(graph):
    """Initializers and constants, those in branches included."""
    total = sum(tensor_bytes(tensor) for tensor in graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                total += tensor_bytes(attribute.t)
            if attribute.HasField("g"):
                total += weight_bytes(attribute.g)
    return total
