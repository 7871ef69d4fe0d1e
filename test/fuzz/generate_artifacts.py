#!/usr/bin/env python3
"""generate_artifacts.py BUILD: writes the seeds of fuzz-artifact-loader again.

After a change of the artifact's interface: a shared object written in C, which has no
trailer, and one that sluicec wrote, which has.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx
import onnx.parser

TESTS = Path(__file__).resolve().parent.parent
SEEDS = Path(__file__).resolve().parent / "fuzz-artifact-loader"
MODEL = """<ir_version: 8, opset_import: ["" : 17]>
seed (float[n,3] x) => (float[n,3] y) <float[3] w = {1, 2, 3}> { y = Mul(x, w) }"""


def main():
    compiler = Path(sys.argv[1]) / "bin" / "sluicec"
    includes = TESTS.parent / "runtime" / "include"
    subprocess.run(
        ["clang-22", "-shared", "-fPIC", "-Os", "-nostdlib", "-fuse-ld=lld-22", "-s",
         "-DFAKE_CHECKSUM=0x5ade33678f1fdb7dull", f"-I{includes}",
         TESTS / "unit" / "runtime" / "FakeArtifact.c",
         "-o", SEEDS / "plain.so"],
        check=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "seed.onnx"
        onnx.save(onnx.parser.parse_model(MODEL), model)
        subprocess.run(
            [compiler, model, "-o", model.with_suffix(".so"), "--cpu=x86-64",
             "--triple=x86_64-linux-gnu"],
            check=True,
        )
        shutil.copy(model.with_suffix(".so"), SEEDS / "trailer.so")


if __name__ == "__main__":
    main()
