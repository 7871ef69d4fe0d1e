"""compile_seeds.py SLUICEC FOLDER OUTPUT: compiles every model below a folder."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import subprocess
import sys
from pathlib import Path

sluicec, folder, output = sys.argv[1:]
models = sorted(Path(folder).rglob("*.onnx"))
failed = not models
for model in models:
    command = [sluicec, str(model), "-o", output]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode not in (0, 2, 3) or (done.returncode != 0 and not done.stderr):
        print(f"{model}: status {done.returncode}: {done.stderr[:400]}")
        failed = True
sys.exit(failed)
