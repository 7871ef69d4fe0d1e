"""Makes a failing model small, while it still fails in the same way."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import time

import onnx
from onnx import helper

from support.isolated import CallFailed


def _all_values(tester, model, inputs):
    """Every intermediate result, by name, from onnxruntime."""
    full = onnx.ModelProto.FromString(model.SerializeToString())
    names = [output for node in full.graph.node for output in node.output if output]
    del full.graph.output[:]
    full.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    values = dict(inputs)
    values.update(zip(names, tester.reference(full, inputs)[0]))
    return values


def _submodel(model, keep, values, outputs=None):
    """The model of some nodes only. What other nodes computed becomes an input,
    with the value that it had."""
    nodes = [model.graph.node[index] for index in keep]
    made = {name for node in nodes for name in node.output}
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    read = []
    for node in nodes:
        read += [name for name in node.input if name and name not in read]
    inputs = {n: values[n] for n in read if n not in made and n not in weights}
    consumed = {name for node in nodes for name in node.input}
    if outputs is None:
        outputs = [
            name for node in nodes for name in node.output if name not in consumed
        ]
    dynamic = {
        value.name: value
        for value in model.graph.input
        if any(dim.dim_param for dim in value.type.tensor_type.shape.dim)
    }

    def info(name):
        if name in dynamic:
            return dynamic[name]
        value = values[name]
        dtype = helper.np_dtype_to_tensor_dtype(value.dtype)
        result = helper.make_tensor_value_info(name, dtype, value.shape)
        # Sizes inside a dynamic model are dynamic as well.
        if dynamic:
            for axis, dim in enumerate(result.type.tensor_type.shape.dim):
                dim.Clear()
                dim.dim_param = f"{name}_{axis}"
        return result

    graph = helper.make_graph(
        nodes,
        "small",
        [info(name) for name in inputs],
        [info(name) for name in outputs],
        [weights[name] for name in read if name in weights],
    )
    small = helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version
    )
    return small, inputs


def minimize(tester, model, inputs, verdict, seconds=60):
    """(model, inputs, verdict) with as few nodes as the time allows to find."""
    deadline = time.monotonic() + seconds
    try:
        values = _all_values(tester, model, inputs)
    except CallFailed:
        return model, inputs, verdict
    best = model, inputs, verdict
    keep = list(range(len(model.graph.node)))

    def still_fails(candidate):
        nonlocal best
        try:
            small, small_inputs = _submodel(model, candidate, values)
            found = tester.test(small, small_inputs)
        except (KeyError, ValueError):
            return False
        if found.kind != verdict.kind:
            return False
        best = small, small_inputs, found
        return True

    # Most failures are of one node alone.
    for index in keep:
        if time.monotonic() > deadline:
            return best
        if still_fails([index]):
            return best
    # The others need a few: drop halves, quarters, ... single nodes.
    size = len(keep) // 2
    while size and time.monotonic() < deadline:
        start, dropped = 0, False
        while start < len(keep) and time.monotonic() < deadline:
            candidate = keep[:start] + keep[start + size :]
            if candidate and still_fails(candidate):
                keep, dropped = candidate, True
            else:
                start += size
        if not dropped:
            size //= 2
    return best
