#!/usr/bin/env python3
"""Compiles real and generated models, runs them on realistic input and compares
with onnxruntime.

Models with dynamic sizes are tested in two forms: `static`, all sizes fixed by
--shape, and `dynamic`, compiled as they are. expected-failure.txt lists what is
known not to work; a listed model that works fails the run as well.

    run.py                    all models
    run.py bert silero        those with one of these texts in their name
    run.py --kind=small       real, generated or small ones
    run.py --list             what there is
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import onnx

from catalog import FORMS, MODELS
from sizes import weight_bytes
from support import compiler
from support.artifact import run_once
from support.compare import difference, largest_errors
from support.expectations import read_expected_failures
from support.isolated import CallFailed, Isolated
from support.paths import scratch
from support.reference import run_onnxruntime
from support.runner import is_wanted, make_parser, write_summary

KNOWN = Path(__file__).resolve().parent / "expected-failure.txt"
MEGABYTE = 1 << 20


@dataclass
class Result:
    model: str
    form: str
    error: str = ""  # empty when it matches
    refused: bool = False
    compile_seconds: float = 0.0
    compile_bytes: int = 0
    artifact_bytes: int = 0
    weight_bytes: int = 0
    absolute_error: float = 0.0
    relative_error: float = 0.0


class Tester:
    """Tests one model at a time; one per thread."""

    def __init__(self, options):
        self.options = options
        self.child = Isolated()
        self.reference = Isolated()

    def close(self):
        self.child.close()
        self.reference.close()

    def test(self, model):
        path = model.find()
        proto = onnx.load(str(path), load_external_data=False)
        for form, flags in model.forms(proto.graph).items():
            if form in self.options.forms:
                result = Result(model.name, form, weight_bytes=weight_bytes(proto.graph))
                self.test_form(model, path, form, flags, result)
                yield result

    def test_form(self, model, path, form, flags, result):
        artifact = scratch("models") / f"{model.name}-{form}.so"
        flags = [*self.options.flags, *flags]
        outcome = compiler.compile_verified(
            self.options.build, path, artifact, flags, timeout=self.options.timeout
        )
        result.compile_seconds = outcome.seconds
        result.compile_bytes = outcome.peak_bytes
        if outcome.status != compiler.OK:
            result.refused = outcome.status == compiler.UNSUPPORTED
            message = (
                compiler.refusal(outcome) if result.refused else outcome.first_message()
            )
            result.error = f"sluicec: {message}"
            return
        result.artifact_bytes = artifact.stat().st_size
        try:
            for seed in model.seeds if form == "dynamic" else model.seeds[:1]:
                self.run_seed(model, path, artifact, seed, result)
        except CallFailed as failure:
            result.error = str(failure)
        finally:
            if not self.options.keep:
                artifact.unlink(missing_ok=True)

    def run_seed(self, model, path, artifact, seed, result):
        values = model.make_inputs(seed)
        expected = self.reference.call(
            run_onnxruntime, str(path), values, timeout=self.options.timeout
        )
        actual = self.child.call(
            run_once, str(self.options.build), str(artifact), values,
            self.options.threads, timeout=self.options.timeout,
        )
        if len(actual) != len(expected):
            result.error = f"{len(actual)} outputs, expected {len(expected)}"
            return
        for index, (got, wanted) in enumerate(zip(actual, expected)):
            absolute, relative = largest_errors(got, wanted)
            result.absolute_error = max(result.absolute_error, absolute)
            result.relative_error = max(result.relative_error, relative)
            text = difference(got, wanted, model.rtol, model.atol)
            if text and not result.error:
                result.error = f"seed {seed}, output {index}: {text}"


def row(result):
    text = f"   {result.model:<20}{result.form:<8}"
    text += f"{result.compile_seconds:>7.1f} s {result.compile_bytes / MEGABYTE:>6.0f} MB"
    if result.artifact_bytes:
        code = (result.artifact_bytes - result.weight_bytes) / MEGABYTE
        text += f" {code:>7.2f} MB {result.absolute_error:>9.1e} {result.relative_error:>9.1e}"
    return text + (f"  {result.error}" if result.error else "")


def run_models(options, models):
    """All results, in the models' order."""
    print(f"   {'model':<20}{'form':<8}{'compile':>9} {'peak':>9} {'code':>10}"
          f" {'max err':>9} {'rel err':>9}", flush=True)
    local, testers = threading.local(), []

    def test(model):
        if not hasattr(local, "tester"):
            local.tester = Tester(options)
            testers.append(local.tester)
        results = []
        for result in local.tester.test(model):
            print(row(result), flush=True)
            results.append(result)
        return results

    # Files first, one after the other: downloads print and share packages.
    for model in models:
        model.find()
    try:
        with ThreadPoolExecutor(options.jobs) as pool:
            return [result for found in pool.map(test, models) for result in found]
    finally:
        for tester in testers:
            tester.close()


def judge(results, known):
    """Lines for results that differ from what is expected."""
    for result in results:
        key = (result.model, result.form)
        if result.error and key not in known:
            yield f"{result.model} {result.form}: {result.error}"
        elif not result.error and key in known:
            yield f"{result.model} {result.form}: listed as failing, but it passes"


def write_known(results, known):
    for result in results:
        key = (result.model, result.form)
        if result.error:
            known.setdefault(key, " ".join(result.error.split()))
        else:
            known.pop(key, None)
    lines = [f"{name} {form} {why}" for (name, form), why in sorted(known.items())]
    KNOWN.write_text("\n".join(["# Known not to work: MODEL FORM REASON.", *lines, ""]))


def parse_options():
    parser = make_parser(__doc__, "texts in the models' names")
    parser.add_argument("--threads", type=int, default=1, help="of a run")
    parser.add_argument("--kind", choices=("real", "generated", "small"))
    parser.add_argument("--form", dest="forms", action="append", choices=FORMS)
    parser.add_argument("--flag", dest="flags", action="append", default=[],
                        help="another option for sluicec")
    parser.add_argument("--timeout", type=float, default=300)
    parser.add_argument("--keep", action="store_true", help="keep the artifacts")
    parser.add_argument("--update", action="store_true",
                        help="rewrite expected-failure.txt")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    options.forms = options.forms or list(FORMS)
    return options


def main():
    options = parse_options()
    models = [
        model for model in MODELS
        if (not options.kind or model.kind == options.kind)
        and is_wanted(model.name, options)
    ]
    if options.list:
        for model in models:
            print(f"{model.name:<20}{model.kind:<11}{model.find()}")
        return 0
    compiler.require(options.build)
    results = run_models(options, models)
    known = read_expected_failures(KNOWN)
    if options.update:
        write_known(results, known)
        return 0
    complaints = list(judge(results, known))
    for line in complaints:
        print(f"   FAIL {line[:240]}")
    passed = sum(not result.error for result in results)
    print(f"   {passed} of {len(results)} match onnxruntime")
    known = sum(bool(result.error) for result in results) - sum(
        "listed as" not in line for line in complaints
    )
    write_summary(options, passed, len(complaints), known,
                  results=[vars(result) for result in results])
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
