#!/usr/bin/env python3
"""make_model.py TEXT...: ONNX files from onnx's textual syntax.

Each file becomes the `.onnx` file beside it. Nothing is checked: lit tests make wrong
models as well.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import sys
from pathlib import Path

import onnx.parser


def main():
    for name in sys.argv[1:]:
        source = Path(name)
        model = onnx.parser.parse_model(source.read_text())
        source.with_suffix(".onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
