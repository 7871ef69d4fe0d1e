"""sparse_weights.py FOLDER: a model with 2 GiB of weights that take no disk."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

ROWS, COLUMNS = 1 << 12, 1 << 17


def main():
    folder = Path(sys.argv[1])
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[ROWS, COLUMNS])
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="weights.bin")
    with open(folder / "weights.bin", "wb") as file:
        file.truncate(4 * ROWS * COLUMNS)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "graph",
        [value("x", TensorProto.FLOAT, [1, ROWS])],
        [value("y", TensorProto.FLOAT, [1, COLUMNS])],
        [weights],
    )
    onnx.save(
        helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
        ),
        folder / "large.onnx",
    )


if __name__ == "__main__":
    main()
