"""interrupt.py FOLDER: ends compilations with signals, early and late."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def write_deep_model(path):
    """Many different products: it takes a while to compile them."""
    sizes = range(40, 60)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", [f"x{size}", f"x{size}"], [f"y{size}"])
            for size in sizes
        ],
        "deep",
        [
            helper.make_tensor_value_info(f"x{size}", TensorProto.FLOAT, [size, size])
            for size in sizes
        ],
        [
            helper.make_tensor_value_info(f"y{size}", TensorProto.FLOAT, [size, size])
            for size in sizes
        ],
    )
    save(graph, path)


def save(graph, path):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    path.write_bytes(model.SerializeToString())


def write_large_model(path):
    """A product with 16 MB of weights: it takes a while to write them."""
    weights = numpy_helper.from_array(np.zeros((2048, 2048), np.float32), "w")
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["h"]),
            helper.make_node("Softmax", ["h"], ["y"]),
        ],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 2048])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 2048])],
        [weights],
    )
    save(graph, path)


def has_files(folder):
    with os.scandir(folder) as entries:
        return any(True for _ in entries)


def interrupt(model, name, out, temporary, number, wait, options=()):
    """Signals a compilation when `wait(child)` returns. Whether it was in time."""
    child = subprocess.Popen(
        ["sluicec", model, "-o", out / name, *options],
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        text=True,
    )
    wait(child)
    child.send_signal(number)
    sent = time.monotonic()
    messages = child.communicate(timeout=60)[1]
    left = os.listdir(out) + os.listdir(temporary)
    what = f"{name}: {child.returncode} {left} {messages}"
    if child.returncode == 0:
        for file in out.iterdir():
            file.unlink()
        assert sorted(left) == sorted(["net.h", name]), what
        return False
    assert child.returncode == 130, what
    assert messages.endswith("error: interrupted\n") and not left, what
    assert time.monotonic() - sent < 10, what
    return True


def main():
    folder = Path(sys.argv[1])
    model, out, temporary = folder / "net.onnx", folder / "out", folder / "temporary"
    out.mkdir()
    temporary.mkdir()
    def when_compiling(child):
        child.stderr.readline()

    def when_writing(place):
        def wait(child):
            while child.poll() is None and not has_files(place):
                time.sleep(0.001)

        return wait

    write_deep_model(model)
    early = interrupt(
        model, "net.so", out, temporary, signal.SIGINT, when_compiling, ["--print-ir"]
    )
    write_large_model(model)
    late = [
        interrupt(model, name, out, temporary, number, when_writing(place))
        for name in ("net.so", "net.a", "net.o")
        for number, place in ((signal.SIGINT, temporary), (signal.SIGTERM, out))
    ]
    assert early and any(late), (early, late)
    print("interrupted before and during output")


if __name__ == "__main__":
    main()
