"""external_data.py FOLDER: weights in files that a model must not read."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import sys

from onnx import TensorProto, helper
from refuse import Refusals, make_model


def model(location, **entries):
    weights = TensorProto(name="w", dims=[3], data_type=TensorProto.FLOAT)
    weights.data_location = TensorProto.EXTERNAL
    for key, text in {"location": location, **entries}.items():
        weights.external_data.add(key=key, value=str(text))
    return make_model([helper.make_node("Add", ["x", "w"], ["y"])], constants=[weights])


def main():
    refusals = Refusals(sys.argv[1])
    folder = refusals.folder
    (folder / "w.bin").write_bytes(bytes(24))
    (folder / "sub").mkdir()
    outside = folder.parent / (folder.name + ".outside")
    outside.write_bytes(bytes(24))
    (folder / "link.bin").symlink_to(outside)
    (folder / "inner.bin").symlink_to("w.bin")
    (folder / "loop.bin").symlink_to("loop.bin")
    refusals.compiles(model("w.bin"))
    refusals.compiles(model("inner.bin", offset=12, length=12))
    for location, part in (
        (str(outside), "the location is absolute"),
        ("C:\\weights.bin", "the location is absolute"),
        (f"../{outside.name}", "the location leaves the model's folder"),
        (f"sub/../../{outside.name}", "the location leaves the model's folder"),
        ("sub\\..\\..\\w.bin", "the location leaves the model's folder"),
        ("link.bin", "a symbolic link leads out of the model's folder"),
        ("loop.bin", "Too many levels of symbolic links"),
        ("none.bin", "No such file or directory"),
        ("sub", "not a regular file"),
        ("", "the location is empty"),
        ("w.bin\0more", "zero byte"),
    ):
        refusals.refuses(model(location), part)
    for entries, part in (
        ({"offset": 16}, "12 bytes from offset 16 end past the file's 24 bytes"),
        ({"offset": (1 << 64) - 4}, "end past the file's 24 bytes"),
        ({"offset": 1 << 64}, "offset"),
        ({"offset": -1}, "offset"),
        ({"offset": "zero"}, "offset"),
        ({"length": 8}, "the length is 8 bytes, but type and shape need 12"),
    ):
        refusals.refuses(model("w.bin", **entries), part)
    outside.unlink()
    print(f"{refusals.count} models")


if __name__ == "__main__":
    main()
