"""onnxruntime, the reference that results are compared with."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import onnxruntime


def make_session(model, threads=1, optimize=True):
    """A CPU session; `model` is a path or serialized bytes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if not optimize:
        options.graph_optimization_level = (
            onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        )
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"]
    )


def run_onnxruntime(model, inputs, threads=1, optimize=True):
    """The model's outputs, in its order."""
    return make_session(model, threads, optimize).run(None, inputs)
