"""full_disk.py FOLDER: compiles onto file systems that are too small."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

MESSAGE = re.compile(r"error: cannot write '[^']*': No space left on device\n")


def write_model(path):
    """A product with weights of 256 KB."""
    weights = numpy_helper.from_array(np.ones((256, 256), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 256])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 256])],
        [weights],
    )
    path.write_bytes(helper.make_model(graph).SerializeToString())


def main():
    folder = Path(sys.argv[1])
    model, disk = folder / "net.onnx", folder / "disk"
    disk.mkdir()
    write_model(model)
    outcomes = set()
    for size in (4, 100, 300, 2000):
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk]
        subprocess.run(mount, check=True)
        for name, temporary, *weights in (
            ("net.so", folder),
            ("net.a", folder),
            ("net.o", folder),
            ("net.so", disk),
            ("net.so", folder, "net.weights"),
        ):
            result = subprocess.run(
                ["sluicec", model, "-o", disk / name]
                + [f"--weights-file={file}" for file in weights],
                env={**os.environ, "TMPDIR": str(temporary)},
                stderr=subprocess.PIPE,
                text=True,
            )
            left = sorted(os.listdir(disk))
            what = f"{size} kB, {name}: {result.returncode} {left} {result.stderr}"
            if result.returncode == 0:
                assert left == sorted(["net.h", name, *weights]), what
            else:
                assert result.returncode == 5, what
                assert MESSAGE.fullmatch(result.stderr) and not left, what
            outcomes.add((size, result.returncode))
            for file in left:
                (disk / file).unlink()
        subprocess.run(["umount", disk], check=True)
    assert (4, 5) in outcomes and (2000, 0) in outcomes, outcomes
    print("every failure was reported")


if __name__ == "__main__":
    main()
