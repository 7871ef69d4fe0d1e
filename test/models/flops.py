"""How many floating-point operations one run of a model takes.

Counts products, convolutions and LSTMs, two operations per multiply-add, with the
shapes that onnxruntime's profile of an unoptimized run tells: those of the
branches that were taken, and of dynamic sizes.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import json
import math
import tempfile
from pathlib import Path

import onnxruntime


def _sizes(entries):
    """[[sizes], ...] of a profile's [{"float": [sizes]}, ...]."""
    return [next(iter(entry.values()), []) for entry in entries]


def _node_flops(operator, inputs, outputs):
    left, right = inputs[:2]
    result = outputs[0]
    if operator == "Conv":
        return 2 * math.prod(result) * math.prod(right[1:])
    if operator == "ConvTranspose":
        return 2 * math.prod(left) * math.prod(right[1:])
    if operator == "MatMul":
        return 2 * math.prod(result) * left[-1]
    if operator == "Gemm":
        # Both operands hold the summed dimension.
        return 2 * math.prod(left) * result[1]
    if operator == "LSTM":
        directions, gates, features = right
        steps = left[0] * left[1] * directions
        return 2 * steps * gates * (features + gates // 4)
    return 0


COUNTED = ("Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM")


def count_flops(path, inputs):
    """Operations of one run with these inputs."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    )
    # Packed weights are not among the inputs that the profile lists.
    options.add_session_config_entry("session.disable_prepacking", "1")
    with tempfile.TemporaryDirectory() as folder:
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        session.run(None, inputs)
        events = json.loads(Path(session.end_profiling()).read_text())
    total = 0
    for event in events:
        arguments = event.get("args", {})
        operator = arguments.get("op_name")
        if operator in COUNTED and "output_type_shape" in arguments:
            total += _node_flops(
                operator,
                _sizes(arguments["input_type_shape"]),
                _sizes(arguments["output_type_shape"]),
            )
    return total
