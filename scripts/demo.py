#!/usr/bin/env python3
"""Compiles a published text recogniser, has it read a picture and tells what
happened, beside onnxruntime doing the same."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "test"), str(ROOT / "test" / "models")]

import numpy as np

import inputs
from download import real_model
from support import compiler
from support.artifact import Artifact, RunError
from support.compare import largest_errors
from support.paths import CACHE, DEFAULT_BUILD
from support.reference import make_session

TEXT = "SLUICE 2024"
FOLDER = CACHE / "demo"
MEGABYTE = 1 << 20


def show(picture):
    """A picture as text: two rows of pixels become one of characters."""
    rows, columns = picture.shape
    for row in range(8, rows - 8, 4):
        shades = picture[row : row + 4, : columns - columns % 2]
        shades = shades.reshape(4, -1, 2).mean(axis=(0, 2))
        print("      " + "".join("#" if s < 0.35 else "+" if s < 0.65 else "." if s < 0.9
                                 else " " for s in shades).rstrip())


def decode(scores, alphabet):
    """The most likely letter per column, repetitions and blanks dropped."""
    best = scores[0].argmax(axis=1)
    letters = []
    for column, letter in enumerate(best):
        if letter and (not column or best[column - 1] != letter):
            letters.append(alphabet[letter])
    return "".join(letters).strip()


def median_milliseconds(run, seconds=1.0):
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def compile_model(model, artifact):
    sizes = "x=1x3x48x320"
    print("\n== 4. Compiling it to machine code for this computer")
    print(f"   $ sluicec {model.name} --shape {sizes} -o {artifact.name}")
    outcome = compiler.compile_model(
        DEFAULT_BUILD, model, artifact, ["--shape", sizes]
    )
    if outcome.status:
        sys.exit(f"sluicec failed ({outcome.status}):\n{outcome.messages}")
    print(f"   {outcome.seconds:.1f} s, {outcome.peak_bytes / MEGABYTE:.0f} MB of memory;"
          f" {artifact.name} has {artifact.stat().st_size / MEGABYTE:.1f} MB,"
          f" the model {model.stat().st_size / MEGABYTE:.1f} MB")


def main():
    print("\n== 3. A real model: PP-OCRv4's text recogniser, from PyPI")
    model = real_model("rapidocr-onnxruntime", "ppocr-rec.onnx")
    FOLDER.mkdir(parents=True, exist_ok=True)
    artifact = FOLDER / "ppocr-rec.so"
    compile_model(model, artifact)

    print("\n== 5. Having it read this picture")
    picture = inputs.text_picture(TEXT, 48, 320, 4)
    values = {"x": ((np.repeat(picture[None], 3, 0) - 0.5) / 0.5)[None]}
    np.save(FOLDER / "picture.npy", values["x"])
    show(picture)
    start = time.perf_counter()
    session = make_session(str(model))
    expected = session.run(None, values)[0]
    their_start = 1e3 * (time.perf_counter() - start)
    alphabet = session.get_modelmeta().custom_metadata_map["character"].split("\n")
    alphabet = ["", *alphabet, " "]

    start = time.perf_counter()
    try:
        compiled = Artifact(DEFAULT_BUILD, artifact)
        compiled.bind(values)
        compiled.run()
    except RunError as error:
        sys.exit(f"the artifact does not run: {error}")
    our_start = 1e3 * (time.perf_counter() - start)
    scores = compiled.outputs()[0]
    print(f"\n   it reads: {decode(scores, alphabet)!r}"
          f"   (onnxruntime: {decode(expected, alphabet)!r})")

    ours = median_milliseconds(compiled.run)
    theirs = median_milliseconds(lambda: session.run(None, values))
    error, _ = largest_errors(scores, expected)
    print("\n== What it took, one thread")
    print(f"   {'':<28}{'Sluice':>12}{'onnxruntime':>14}")
    print(f"   {'load to first answer, ms':<28}{our_start:>12.1f}{their_start:>14.1f}")
    print(f"   {'one run, ms':<28}{ours:>12.2f}{theirs:>14.2f}")
    print(f"   largest difference of the {expected.size} results: {error:.1e}")
    print(f"\n   The artifact: {artifact}")
    runner = DEFAULT_BUILD / "bin" / "sluice-run"
    print(f"   Try: {runner.relative_to(ROOT)} {artifact} --random --repeat 20 --profile")
    if decode(scores, alphabet) != TEXT or not np.allclose(
        scores, expected, rtol=1e-3, atol=1e-4
    ):
        sys.exit("demo: the results differ from onnxruntime's")
    if runner.exists():
        print("\n== 6. The same with sluice-run", flush=True)
        subprocess.run([runner, artifact, "--input", f"x={FOLDER / 'picture.npy'}",
                        "--repeat", "20"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
