"""One trial: a model through sluicec and onnxruntime, and how it ended."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

from dataclasses import dataclass

import numpy as np
import onnx

from support import compiler
from support.artifact import run_once
from support.compare import difference
from support.isolated import CallFailed, Isolated
from support.paths import scratch
from support.reference import run_onnxruntime

AGREE, REFUSED, NO_REFERENCE = "agree", "refused", "no reference"
BROKEN, CRASHED, DIFFERENT = "does not compile", "crashes", "differs"
FAILURES = (BROKEN, CRASHED, DIFFERENT)


@dataclass
class Verdict:
    kind: str
    message: str = ""

    @property
    def failed(self):
        return self.kind in FAILURES


def tolerance(expected):
    """Absolute tolerance: relative to the tensor's largest number, since sums
    of large numbers may come to small ones."""
    if expected.size == 0 or expected.dtype.kind != "f":
        return 0.0
    with np.errstate(all="ignore"):
        largest = np.abs(expected[np.isfinite(expected)])
    return 1e-4 * max(1.0, float(largest.max()) if largest.size else 1.0)


def first_difference(names, actual, expected):
    for name, got, wanted in zip(names, actual, expected):
        text = difference(got, wanted, 1e-3, tolerance(wanted))
        if text:
            return f"{name}: {text}"
    return None


class Tester:
    """Runs trials; one per thread."""

    def __init__(self, build, number, timeout=60):
        self.build = str(build)
        self.folder = scratch("differential")
        self.number = number
        self.timeout = timeout
        self.child = Isolated()
        self.reference_child = Isolated()

    def close(self):
        self.child.close()
        self.reference_child.close()

    def reference(self, model, inputs):
        """What onnxruntime computes, and where its own two ways disagree, which
        makes it no reference. Each way finds other numbers in memory that nobody
        wrote, so that results which were never computed are found out."""
        names = [value.name for value in model.graph.output]
        expected, again = (
            self.reference_child.call(
                run_onnxruntime, model.SerializeToString(), inputs, 1, optimize, fill
            )
            for optimize, fill in ((True, 0x41), (False, 0xBE))
        )
        return expected, first_difference(names, again, expected)

    def test(self, model, inputs):
        names = [value.name for value in model.graph.output]
        try:
            expected, unsure = self.reference(model, inputs)
        except CallFailed as failure:
            return Verdict(NO_REFERENCE, str(failure).splitlines()[0][:200])
        if unsure:
            return Verdict(NO_REFERENCE, unsure)

        path = self.folder / f"{self.number}.onnx"
        artifact = self.folder / f"{self.number}.so"
        onnx.save_model(model, str(path))
        outcome = compiler.compile_verified(self.build, path, artifact, (), self.timeout)
        if outcome.status == compiler.UNSUPPORTED:
            return Verdict(REFUSED, compiler.refusal(outcome))
        if outcome.status != compiler.OK:
            return Verdict(BROKEN, outcome.first_message())
        try:
            actual = self.child.call(
                run_once, self.build, str(artifact), inputs, timeout=self.timeout
            )
        except CallFailed as failure:
            return Verdict(CRASHED, str(failure))
        finally:
            artifact.unlink(missing_ok=True)
        if len(actual) != len(expected):
            return Verdict(DIFFERENT, f"{len(actual)} outputs, not {len(expected)}")
        text = first_difference(names, actual, expected)
        return Verdict(DIFFERENT, text) if text else Verdict(AGREE)
