"""The three forms in which every node test is compiled."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import onnx
from onnx import TensorProto, numpy_helper

FORMS = ("static", "dynamic", "constant")

# Inputs whose *length* is the rank of another tensor. A graph in which it is
# unknown has tensors of unknown rank, so these keep their length.
RANK_GIVING_INPUTS = {
    "AffineGrid": (1,),
    "CenterCropPad": (1,),
    "Col2Im": (1, 2),
    "ConstantOfShape": (0,),
    "Expand": (1,),
    "MaxUnpool": (2,),
    "OneHot": (1,),
    "Pad": (1, 3),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
    "Slice": (1, 2, 3, 4),
    "Split": (1,),
    "Squeeze": (1,),
    "Tile": (1,),
    "Unsqueeze": (1,),
    "Upsample": (1,),
}
for _name in ("L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare").split():
    RANK_GIVING_INPUTS["Reduce" + _name] = (1,)


def _rank_giving_names(graph):
    names = set()
    for node in graph.node:
        for index in RANK_GIVING_INPUTS.get(node.op_type, ()):
            if index < len(node.input):
                names.add(node.input[index])
    return names


def dynamic(model):
    """Every size of every input becomes a symbol of its own."""
    model = _copy(model)
    keep = _rank_giving_names(model.graph)
    for value in model.graph.input:
        if not value.type.HasField("tensor_type") or value.name in keep:
            continue
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            dim.Clear()
            dim.dim_param = f"{value.name}_{axis}"
    for value in model.graph.output:
        if not value.type.HasField("tensor_type"):
            continue
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            dim.Clear()
            dim.dim_param = f"result_{value.name}_{axis}"
    return model


def constant(model, inputs):
    """Every tensor input becomes an initializer."""
    model = _copy(model)
    left = []
    for value, content in zip(model.graph.input, inputs, strict=True):
        if not value.type.HasField("tensor_type"):
            left.append(value)
            continue
        if not isinstance(content, TensorProto):
            content = numpy_helper.from_array(content, value.name)
        tensor = TensorProto()
        tensor.CopyFrom(content)
        tensor.name = value.name
        model.graph.initializer.append(tensor)
    del model.graph.input[:]
    model.graph.input.extend(left)
    return model


def _copy(model):
    duplicate = onnx.ModelProto()
    duplicate.CopyFrom(model)
    return duplicate
