"""Writes models with features of today's ONNX, with the official package.

Debian's schema is older than these features; GeneratedModelsTest.cpp reads the
models and compares with what is written here.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper


def types_model():
    """One initializer of four elements per element type, as raw and as typed
    data, and what the bytes must be in its metadata."""
    initializers = []
    expected = {}
    values = numpy.array([1, 0, 1, 1])
    types = [
        TensorProto.DataType.Value(name)
        for name in TensorProto.DataType.keys()
        if name not in ("UNDEFINED", "STRING")
    ]
    for number in types:
        element_type = helper.tensor_dtype_to_np_dtype(number)
        array = values.astype(element_type)
        raw = numpy_helper.from_array(array, f"raw_{number}")
        initializers.append(raw)
        expected[raw.name] = raw.raw_data.hex()
        typed = helper.make_tensor(
            f"typed_{number}", number, [4], array, raw=False
        )
        initializers.append(typed)
        expected[typed.name] = raw.raw_data.hex()
    graph = helper.make_graph([], "types", [], [], initializers)
    model = helper.make_model(graph, ir_version=onnx.IR_VERSION)
    helper.set_model_props(model, expected)
    return model


def functions_model():
    """Functions with default attributes, overloads, value_info and calls."""
    scale = onnx.helper.make_attribute("factor", 2.0)
    body = [
        helper.make_node("Constant", [], ["f"]),
        helper.make_node("Mul", ["v", "f"], ["r"]),
    ]
    reference = body[0].attribute.add()
    reference.name = "value_float"
    reference.ref_attr_name = "factor"
    reference.type = onnx.AttributeProto.FLOAT
    opsets = [helper.make_opsetid("", 21)]
    scale_function = helper.make_function(
        "local",
        "Scale",
        ["v"],
        ["r"],
        body,
        opsets,
        attribute_protos=[scale],
        overload="float",
        value_info=[helper.make_tensor_value_info("f", TensorProto.FLOAT, [])],
    )
    calls = [
        helper.make_node(
            "Scale", ["x"], ["m"], "first", domain="local", overload="float"
        ),
        helper.make_node(
            "Scale",
            ["m"],
            ["y"],
            "second",
            domain="local",
            overload="float",
            factor=3.0,
        ),
    ]
    for call in calls:
        call.metadata_props.add(key="pkg.torch.onnx.name", value="noise")
    graph = helper.make_graph(
        calls,
        "functions",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])],
    )
    model = helper.make_model(
        graph,
        functions=[scale_function],
        opset_imports=opsets + [helper.make_opsetid("local", 1)],
    )
    onnx.checker.check_model(model)
    return model


def control_flow_model():
    """A Loop whose body holds an If; both use values of the graphs around."""
    branches = {
        branch: helper.make_graph(
            [helper.make_node(op_type, ["carried", "step"], [f"{branch}_value"])],
            branch,
            [],
            [
                helper.make_tensor_value_info(
                    f"{branch}_value", TensorProto.FLOAT, [1]
                )
            ],
        )
        for branch, op_type in (("then_branch", "Add"), ("else_branch", "Sub"))
    }
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still_going"]),
            helper.make_node("If", ["choose"], ["next"], "if", **branches),
        ],
        "body",
        [
            helper.make_tensor_value_info("index", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("carried", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("still_going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, [1]),
        ],
    )
    graph = helper.make_graph(
        [
            helper.make_node("Loop", ["count", "", "x"], ["y"], "loop", body=body),
        ],
        "control_flow",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1]),
            helper.make_tensor_value_info("choose", TensorProto.BOOL, []),
            helper.make_tensor_value_info("count", TensorProto.INT64, []),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
        [numpy_helper.from_array(numpy.float32([2]), "step")],
    )
    model = helper.make_model(graph)
    onnx.checker.check_model(model)
    return model


def external_model(folder):
    """Weights of several tensors in one external file."""
    initializers = [
        numpy_helper.from_array(
            numpy.arange(1000, dtype=numpy.float32) + index, f"w{index}"
        )
        for index in range(3)
    ]
    graph = helper.make_graph([], "external", [], [], initializers)
    onnx.save(
        helper.make_model(graph),
        folder / "external.onnx",
        save_as_external_data=True,
        location="external.data",
        size_threshold=0,
    )


def main():
    folder = pathlib.Path(sys.argv[1])
    onnx.save(types_model(), folder / "types.onnx")
    onnx.save(functions_model(), folder / "functions.onnx")
    onnx.save(control_flow_model(), folder / "control_flow.onnx")
    external_model(folder)


main()
