"""Makes edges.onnx, the model that the examples compile.

It finds the edges of a grey picture: two Sobel filters, and the length of the
gradient they give. The result is committed; run this (with the onnx package)
only to change it.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def main():
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)
    filters = np.stack([sobel, sobel.T])[:, None]
    nodes = [
        helper.make_node(
            "Conv", ["image", "filters"], ["gradient"], "sobel", pads=[1] * 4
        ),
        helper.make_node("Mul", ["gradient", "gradient"], ["squares"], "square"),
        helper.make_node("ReduceSum", ["squares", "channel"], ["sum"], "add"),
        helper.make_node("Sqrt", ["sum"], ["edges"], "length"),
    ]
    graph = helper.make_graph(
        nodes,
        "edges",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 24, 48])],
        [helper.make_tensor_value_info("edges", TensorProto.FLOAT, [1, 1, 24, 48])],
        [
            numpy_helper.from_array(filters, "filters"),
            numpy_helper.from_array(np.array([1], np.int64), "channel"),
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.checker.check_model(model)
    onnx.save(model, Path(__file__).with_name("edges.onnx"))


if __name__ == "__main__":
    main()
