"""damaged_files.py FOLDER: files that are no models, or no longer."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import random
import sys

from onnx import helper
from refuse import Refusals, constant, make_model, value


def field(number, content):
    """A length-delimited field of the wire format."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number):
    result = bytearray()
    while number >= 128:
        result.append(number & 127 | 128)
        number >>= 7
    return bytes(result) + bytes([number])


def nested_graphs(levels):
    graph = b""
    for _ in range(levels):
        graph = field(1, field(5, field(6, graph)))
    return field(7, graph)


def rich_model():
    branch = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["sum"])], "branch", [], [value("sum", None)]
    )
    return make_model(
        [
            helper.make_node("Reshape", ["x", "shape"], ["r"]),
            helper.make_node("If", ["c"], ["s"], then_branch=branch, else_branch=branch),
            helper.make_node("Concat", ["r", "s"], ["y"], axis=0),
        ],
        [value("x", [2, 3]), value("c", [], 9)],
        [constant("w", [1, 2, 3], "float32"), constant("shape", [2, 3])],
    )


def main():
    refusals = Refusals(sys.argv[1])
    folder = refusals.folder
    refusals.refuses(folder / "none.onnx", "none.onnx: No such file or directory")
    refusals.refuses(folder, "not a regular file")
    refusals.refuses("/dev/zero", "/dev/zero: not a regular file")
    refusals.refuses(b"", "the file is empty")
    refusals.refuses(b"#!/bin/sh\necho hello\n", "damaged, or not an ONNX file")
    refusals.refuses(b"\x7fELF\2\1\1" + bytes(100), "not an ONNX file")
    refusals.refuses(b"PK\3\4" + bytes(60), "not an ONNX file")
    refusals.refuses(field(7, b"")[:-1], "is cut off")
    refusals.refuses(b"\x3a" + b"\xff" * 9 + b"\x01", "bytes, but only 0 are left")
    refusals.refuses(nested_graphs(2000), "nested more than 96 deep")
    refusals.refuses(b"\x0b" * 100000, "wire type 3")
    good = rich_model()
    refusals.compiles(good)
    content = good.SerializeToString()
    refusals.refuses(content[: len(content) // 2], "are left")
    good.ClearField("graph")
    refusals.refuses(good, "has no graph; is this an ONNX model?")

    chance = random.Random(1)
    for _ in range(25):
        refusals.survives(content[: chance.randrange(len(content))])
    for _ in range(75):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 1, 4))):
            damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        refusals.survives(damaged)
    print(f"{refusals.count} files, one message each")


if __name__ == "__main__":
    main()
