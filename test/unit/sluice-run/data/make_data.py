"""Writes the files that the tests of sluice-run's readers expect.

Run once with numpy and onnx; the files are committed, so that the readers are
tested against what these packages write and not against our own writer.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent


def save_proto(name, tensor):
    (FOLDER / f"{name}.pb").write_bytes(tensor.SerializeToString())


def main():
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.save(FOLDER / "f32.npy", values)
    np.save(FOLDER / "fortran.npy", np.asfortranarray(values))
    np.save(FOLDER / "scalar.npy", np.int64(-7))
    np.save(FOLDER / "bool.npy", np.array([True, False]))
    np.save(FOLDER / "empty.npy", np.zeros((0, 4), np.float16))
    np.save(FOLDER / "big_endian.npy", values.astype(">f4"))
    np.savez(FOLDER / "stored.npz", x=values, y=np.arange(4, dtype=np.int32))
    np.savez_compressed(FOLDER / "deflated.npz", x=values, e=np.zeros(0, np.uint8))
    save_proto("raw", numpy_helper.from_array(values, "x"))
    make = helper.make_tensor
    save_proto("floats", make("x", TensorProto.FLOAT, [2, 3], values.ravel()))
    save_proto("ints", make("i", TensorProto.INT8, [3], [-1, 0, 127]))
    save_proto("longs", make("l", TensorProto.INT64, [2], [-(2**40), 3]))
    save_proto("doubles", make("d", TensorProto.DOUBLE, [1], [0.1]))
    save_proto("halves", make("h", TensorProto.FLOAT16, [2], [1.5, -2.0]))
    save_proto("bfloats", make("b", TensorProto.BFLOAT16, [2], [1.5, -2.0]))
    save_proto("bools", make("b", TensorProto.BOOL, [2], [True, False]))
    save_proto("unsigned", make("u", TensorProto.UINT64, [1], [2**63 + 1]))
    save_proto("strings", make("s", TensorProto.STRING, [1], [b"text"]))


if __name__ == "__main__":
    main()
