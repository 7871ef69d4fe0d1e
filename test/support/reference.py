"""onnxruntime, the reference that results are compared with."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import ctypes

import onnxruntime

M_PERTURB = -6  # glibc's number


def make_session(model, threads=1, optimize=True, fill=None):
    """A CPU session; `model` is a path or serialized bytes.

    With `fill`, a byte, all memory of this process is full of it before something
    is written there: what nobody computes depends on it then.
    """
    options = onnxruntime.SessionOptions()
    if fill is not None:
        # New memory gets the complement of the number, freed memory the number.
        ctypes.CDLL(None).mallopt(M_PERTURB, fill ^ 0xFF)
        options.enable_cpu_mem_arena = False
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


def run_onnxruntime(model, inputs, threads=1, optimize=True, fill=None):
    """The model's outputs, in its order."""
    return make_session(model, threads, optimize, fill).run(None, inputs)
