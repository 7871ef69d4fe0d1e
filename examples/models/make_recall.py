"""Makes recall.onnx, the model that examples/recall compiles.

Attention over keys and values that grow by one with every run. The result is
committed; run this (with the onnx package) only to change it.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

from pathlib import Path

import onnx
from onnx import TensorProto, helper


def value(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def main():
    nodes = [
        helper.make_node("Concat", ["past_keys", "key"], ["keys"], "keys", axis=2),
        helper.make_node(
            "Concat", ["past_values", "value"], ["values"], "values", axis=2
        ),
        helper.make_node(
            "Transpose", ["keys"], ["columns"], "columns", perm=[0, 1, 3, 2]
        ),
        helper.make_node("MatMul", ["query", "columns"], ["scores"], "scores"),
        helper.make_node("Softmax", ["scores"], ["weights"], "weights", axis=-1),
        helper.make_node("MatMul", ["weights", "values"], ["answer"], "answer"),
    ]
    graph = helper.make_graph(
        nodes,
        "recall",
        [
            value("query", [1, 2, 1, 8]),
            value("key", [1, 2, 1, 8]),
            value("value", [1, 2, 1, 1]),
            value("past_keys", [1, 2, "stored", 8]),
            value("past_values", [1, 2, "stored", 1]),
        ],
        [
            value("answer", [1, 2, 1, 1]),
            value("keys", [1, 2, "all", 8]),
            value("values", [1, 2, "all", 1]),
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.checker.check_model(model)
    onnx.save(model, Path(__file__).with_name("recall.onnx"))


if __name__ == "__main__":
    main()
