"""odd_paths.py MODEL: compiles a model in folders with odd names."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = (
    "100%", "%s %d%%%%%%", "two  blanks ", "Größe 大きさ", "-o", "@rsp",
    "quo'te\"s\\", "{a}*?[b];$HOME&",
)


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0 and not result.stderr, (command, result)


def main():
    model = Path(sys.argv[1]).resolve()
    for name in NAMES:
        folder = Path(name)
        folder.mkdir()
        source = f"./{name}/{name}.onnx"
        shutil.copy(model, source)
        for ending in (".so", ".a", ".o"):
            run("sluicec", source, f"-o={name}/{name}{ending}")
        run("sluicec", source, f"-o={name}/{name}.so", f"--weights-file={name} weights")
        run("sluice-run", f"./{name}/{name}.so", "--random")
        left = len(os.listdir(folder))
        assert left == 6, (name, os.listdir(folder))  # with the header
    print(f"compiled and ran in {len(NAMES)} folders")


if __name__ == "__main__":
    main()
