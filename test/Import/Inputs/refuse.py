"""What the tests of bad models share: runs sluicec and looks at how it ends."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import os
import subprocess
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

INVALID, UNSUPPORTED = 2, 3


def value(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def constant(name, elements, dtype=np.int64):
    return numpy_helper.from_array(np.asarray(elements, dtype), name)


def make_model(nodes, inputs=None, constants=(), opset=17, outputs=None):
    graph = helper.make_graph(
        nodes,
        "net",
        inputs or [value("x", [2, 3])],
        outputs or [value("y", None)],
        list(constants),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


class Refusals:
    """Counts models that are refused as they should be; one that is not ends
    the program."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.out = self.folder / "out"
        self.out.mkdir(parents=True)
        self.count = 0

    def run(self, path):
        """(exit code, messages); nothing may be left unless it is compiled."""
        result = subprocess.run(
            ["sluicec", path, "-o", self.out / "net.so"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=120,
        )
        messages = result.stderr.decode(errors="replace")
        left = os.listdir(self.out)
        what = f"{path}: {result.returncode} {left} {messages}"
        assert not result.stdout, what
        if result.returncode == 0:
            assert len(left) == 2 and not messages, what
            for file in self.out.iterdir():
                file.unlink()
        else:
            assert result.returncode in (INVALID, UNSUPPORTED), what
            assert not left and messages.startswith("error: "), what
            assert len(messages) < 2000 and messages.isprintable() or (
                "\n" in messages and messages.replace("\n", "").isprintable()
            ), what
            if result.returncode == INVALID and "the rules of ONNX:\n" not in messages:
                assert messages.count("\n") == 1, what
        return result.returncode, messages

    def survives(self, content):
        """Whatever it is, it ends with a result or a message."""
        path = self.folder / "damaged.onnx"
        path.write_bytes(content)
        self.run(path)
        self.count += 1

    def refuses(self, model, part, code=INVALID):
        """A model, or a path, is refused with a message that has `part` in it."""
        path = model
        if not isinstance(model, (str, Path)):
            path = self.folder / "net.onnx"
            path.write_bytes(
                model if isinstance(model, bytes) else model.SerializeToString()
            )
        status, messages = self.run(path)
        assert status == code, f"{part}: exit code {status}: {messages}"
        assert part in messages, f"no '{part}' in: {messages}"
        self.count += 1

    def compiles(self, model):
        path = self.folder / "net.onnx"
        path.write_bytes(model.SerializeToString())
        status, messages = self.run(path)
        assert status == 0, f"exit code {status}: {messages}"
        self.count += 1
