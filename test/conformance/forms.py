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


# Here it is the length of the last axis alone.
RANK_GIVING_LAST_AXES = {"GatherND": (1,), "ScatterND": (1,)}


def _named_inputs(graph, table):
    """The inputs of nodes that a table of operators has."""
    return {
        node.input[index]
        for node in graph.node
        for index in table.get(node.op_type, ())
        if index < len(node.input)
    }


def _expanded_inputs(graph):
    """The same for the operator whose function body a graph is.

    Its inputs are the operator's, and the names of values inside begin with the
    operator and the test."""
    infix = f"_{graph.name}_function_"
    for node in graph.node:
        for name in node.output:
            operator, found, _ = name.partition(infix)
            if found:
                places = RANK_GIVING_INPUTS.get(operator, ())
                return {v.name for i, v in enumerate(graph.input) if i in places}
    return set()


def dynamic(model):
    """Every size of every input becomes a symbol of its own."""
    model = _copy(model)
    keep = _named_inputs(model.graph, RANK_GIVING_INPUTS)
    keep |= _expanded_inputs(model.graph)
    keep_last = _named_inputs(model.graph, RANK_GIVING_LAST_AXES)
    for value in model.graph.input:
        if not value.type.HasField("tensor_type") or value.name in keep:
            continue
        dims = list(value.type.tensor_type.shape.dim)
        for axis, dim in enumerate(dims[:-1] if value.name in keep_last else dims):
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
