"""The ONNX backend node tests: made once from the onnx package, then cached.

The package generates them (its wheel ships no data any more). Each becomes a
folder in the layout that ONNX used to ship, so that it can also be compiled and
run by hand:

    .cache/onnx-node-tests/1.23.2/test_abs/{static,dynamic,constant}.onnx
    .cache/onnx-node-tests/1.23.2/test_abs/test_data_set_0/{input,output}_0.pb

and an entry of index.pickle with the same tensors as arrays.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import os
import pickle
import shutil
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

import forms
from support.artifact import DTYPE_NUMBERS
from support.paths import CACHE

# Raised when this file changes what it writes.
LAYOUT = 4


@dataclass
class Case:
    name: str
    folder: str
    input_names: list
    inputs: list  # arrays
    outputs: list  # arrays
    rtol: float
    atol: float
    # Only tensors of types that the runtime passes; others (strings,
    # sequences, 4- and 8-bit floats) can be refused but not run.
    runnable: bool
    operators: list

    def model(self, form):
        return Path(self.folder) / f"{form}.onnx"


def _as_array(value):
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def _is_tensor(value):
    return isinstance(value, (np.ndarray, np.generic)) and (
        np.asarray(value).dtype in DTYPE_NUMBERS
    )


def _save_tensor(value, name, path):
    tensor = TensorProto()
    if isinstance(value, TensorProto):
        tensor.CopyFrom(value)
        tensor.name = name
    else:
        tensor.CopyFrom(numpy_helper.from_array(np.asarray(value), name))
    path.write_bytes(tensor.SerializeToString())


def _generate_case(test, folder):
    graph = test.model.graph
    inputs, outputs = test.data_sets[0]
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    (folder / "static.onnx").write_bytes(test.model.SerializeToString())
    (folder / "dynamic.onnx").write_bytes(
        forms.dynamic(test.model).SerializeToString()
    )
    (folder / "constant.onnx").write_bytes(
        forms.constant(test.model, inputs).SerializeToString()
    )
    input_arrays = [_as_array(value) for value in inputs]
    output_arrays = [_as_array(value) for value in outputs]
    runnable = all(map(_is_tensor, input_arrays + output_arrays))
    if runnable:
        for index, (value, info) in enumerate(zip(inputs, graph.input)):
            _save_tensor(value, info.name, data / f"input_{index}.pb")
        for index, (value, info) in enumerate(zip(outputs, graph.output)):
            _save_tensor(value, info.name, data / f"output_{index}.pb")
    return Case(
        name=test.name,
        folder=str(folder),
        input_names=[value.name for value in graph.input],
        inputs=[np.asarray(a) for a in input_arrays] if runnable else [],
        outputs=[np.asarray(a) for a in output_arrays] if runnable else [],
        rtol=test.rtol,
        atol=test.atol,
        runnable=runnable,
        operators=sorted({node.op_type for node in graph.node}),
    )


def _generate(folder):
    print(f"   generating the node tests of onnx {onnx.__version__} ...", flush=True)
    partial = folder.with_name(f"{folder.name}.partial.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    # Several cases draw unseeded random numbers when their module is imported.
    np.random.seed(0)
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = load_model_tests(kind="node")
    tests.sort(key=lambda test: test.name)
    cases = []
    for test in tests:
        case = _generate_case(test, partial / test.name)
        case.folder = str(folder / test.name)
        cases.append(case)
    with open(partial / "index.pickle", "wb") as index:
        pickle.dump((LAYOUT, cases), index)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    print(f"   {len(cases)} node tests in {folder}", flush=True)


def load():
    """All cases, sorted by name."""
    folder = CACHE / "onnx-node-tests" / onnx.__version__
    index = folder / "index.pickle"
    for attempt in range(2):
        try:
            with open(index, "rb") as file:
                layout, cases = pickle.load(file)
            if layout == LAYOUT and str(folder) in cases[0].folder:
                return cases
        except (OSError, ValueError, AttributeError, EOFError):
            pass
        if attempt == 0:
            folder.parent.mkdir(parents=True, exist_ok=True)
            _generate(folder)
    sys.exit(f"cannot read {index} after writing it")
