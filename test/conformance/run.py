#!/usr/bin/env python3
"""Runs the ONNX backend node tests through compiled artifacts.

Every test is compiled and run in three forms: static shapes, all sizes dynamic,
and all inputs constant. Three lists say what is expected of it (see lists.py);
a listed test that does better than its entry fails the run as well, so the
lists always tell the truth. --update rewrites them from this run.

    run.py                      all tests
    run.py reduce_ matmul       those with one of these texts in their name
    run.py --exact test_abs     just this one
    run.py --form=static -v     one form, a line per test
    run.py --target=aarch64     cross-compiled, under emulation
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import collections
import json
import queue
import re
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cases
import lists
from forms import FORMS
from support import compiler
from support.artifact import run_once
from support.compare import difference
from support.emulated import (
    TARGETS,
    EmulationError,
    require_refusal,
    run_emulated,
)
from support.isolated import CallFailed, Isolated
from support.paths import scratch
from support.reference import run_onnxruntime
from support.runner import make_parser, write_summary

PASS, UNSUPPORTED, FAIL = "pass", "unsupported", "fail"
# Tolerances that --update tries when a test just misses its own, by the narrowest
# type of the outputs: what rounding in that type explains.
LOOSER = {
    "bfloat16": (2e-2, 1e-2, "rounding to bfloat16 along the way"),
    "float16": (4e-3, 1e-3, "rounding to float16 along the way"),
    "": (1e-3, 1e-5, "results near zero"),
}


@dataclass
class Result:
    kind: str
    message: str = ""
    looser: tuple = ()  # the tolerance with which it would pass, and why


def compare_outputs(case, outputs, rtol, atol):
    if len(outputs) != len(case.outputs):
        return f"{len(outputs)} outputs, expected {len(case.outputs)}"
    for index, (actual, expected) in enumerate(zip(outputs, case.outputs)):
        text = difference(actual, expected, rtol, atol)
        if text:
            return f"output {index}: {text}"
    return None


class Runner:
    """Compiles and runs one case at a time; one per thread."""

    def __init__(self, options, tolerances):
        self.options = options
        self.tolerances = tolerances
        self.child = Isolated()
        self.folder = scratch("conformance")
        self.target = TARGETS.get(options.target)

    def evaluate(self, case, form, outputs):
        rtol, atol = case.rtol, case.atol
        if case.name in self.tolerances:
            rtol, atol, _ = self.tolerances[case.name]
        text = compare_outputs(case, outputs, rtol, atol)
        if text is None:
            return Result(PASS)
        types = {array.dtype.name for array in case.outputs}
        looser = next(value for name, value in LOOSER.items() if name in types | {""})
        near = compare_outputs(case, outputs, *looser[:2]) is None
        return Result(FAIL, text, looser if near else ())

    def run(self, case, form):
        inputs = {} if form == "constant" else dict(zip(case.input_names, case.inputs))
        if self.options.self_check:
            return self.run_reference(case, form, inputs)
        artifact = self.folder / f"{threading.get_ident()}.so"
        outcome = compiler.compile_verified(
            self.options.build,
            case.model(form),
            artifact,
            [*(self.target.flags if self.target else ()), *self.options.flags],
            timeout=self.options.timeout,
        )
        if outcome.status == compiler.UNSUPPORTED:
            return Result(UNSUPPORTED, compiler.refusal(outcome))
        if outcome.status != compiler.OK:
            return Result(FAIL, f"sluicec: {outcome.first_message()}")
        if not case.runnable:
            return Result(FAIL, "compiled, but the runtime has no such types")
        try:
            if self.target and not self.target.runs:
                require_refusal(self.target, self.options.build, artifact)
                return Result(PASS)
            outputs = self.run_artifact(artifact, inputs)
        except (CallFailed, EmulationError) as failure:
            return Result(FAIL, " ".join(str(failure).split()))
        finally:
            artifact.unlink(missing_ok=True)
        return self.evaluate(case, form, outputs)

    def run_artifact(self, artifact, inputs):
        build, timeout = self.options.build, self.options.timeout
        if self.target:
            arrays = list(inputs.values())
            return run_emulated(self.target, build, artifact, arrays, timeout=timeout)
        return self.child.call(
            run_once, str(build), str(artifact), inputs, timeout=timeout
        )

    def run_reference(self, case, form, inputs):
        """onnxruntime in Sluice's place: checks this harness, not Sluice."""
        if not case.runnable:
            return Result(UNSUPPORTED, "types the harness does not pass")
        try:
            outputs = self.child.call(run_onnxruntime, str(case.model(form)), inputs)
        except CallFailed as failure:
            return Result(UNSUPPORTED, str(failure).splitlines()[0][:200])
        return self.evaluate(case, form, outputs)


def run_all(options, selected, tolerances):
    """{(test, form): Result}, from `jobs` threads."""
    work, results = queue.Queue(), {}
    for case in selected:
        work.put(case)
    lock, done = threading.Lock(), [0]
    start = last = time.monotonic()

    def serve():
        nonlocal last
        runner = Runner(options, tolerances)
        while True:
            try:
                case = work.get_nowait()
            except queue.Empty:
                runner.child.close()
                return
            found = {}
            for form in options.forms:
                if form == "dynamic" and FORMS[0] in found:
                    static = found[FORMS[0]]
                    # What is refused with all sizes known stays refused.
                    if static.kind == UNSUPPORTED:
                        found[form] = static
                        continue
                found[form] = runner.run(case, form)
            with lock:
                done[0] += 1
                for form, result in found.items():
                    results[case.name, form] = result
                    if options.verbose:
                        print(f"   {case.name} {form}: {result.kind} {result.message}")
                if time.monotonic() - last > 20:
                    last = time.monotonic()
                    print(
                        f"   {done[0]}/{len(selected)} tests, {last - start:.0f} s",
                        flush=True,
                    )

    threads = [threading.Thread(target=serve) for _ in range(options.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def judge(results, unsupported, failures):
    """Lines that tell where results and lists disagree."""
    for key, result in sorted(results.items()):
        name = f"{key[0]} {key[1]}"
        if key in unsupported and key in failures:
            yield f"{name}: is in two lists"
        elif result.kind == UNSUPPORTED and key not in unsupported:
            yield f"{name}: refused: {result.message}"
        elif result.kind == FAIL and key not in failures:
            yield f"{name}: {result.message}"
        elif result.kind != UNSUPPORTED and key in unsupported:
            yield f"{name}: listed as unsupported, but sluicec takes it ({result.kind})"
        elif result.kind != FAIL and key in failures:
            yield f"{name}: listed as expected failure, but it is {result.kind}"


def update_lists(results, unsupported, failures, tolerances):
    """Rewrites the lists; tests that did not run keep their entries."""
    for key, result in results.items():
        known = failures.pop(key, None)
        unsupported.pop(key, None)
        if result.kind == UNSUPPORTED:
            unsupported[key] = result.message
        elif result.kind == FAIL and result.looser:
            tolerances[key[0]] = result.looser
        elif result.kind == FAIL:
            failures[key] = known or result.message
    lists.write_forms(
        "unsupported.txt", "sluicec refuses these: NAME FORMS REASON.", unsupported
    )
    lists.write_forms(
        "expected-failure.txt",
        "These should work and do not: NAME FORMS REASON.",
        failures,
    )
    lists.write_tolerances(tolerances)


def parse_options():
    parser = make_parser(__doc__, "texts in the tests' names")
    parser.add_argument("--form", dest="forms", action="append", choices=FORMS)
    parser.add_argument("--exact", action="store_true", help="filters are whole names")
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("--update", action="store_true", help="rewrite the lists")
    parser.add_argument("--flag", dest="flags", action="append", default=[],
                        help="another option for sluicec")
    parser.add_argument("--target", choices=TARGETS,
                        help="compile for this target and run under emulation")
    parser.add_argument("--sample", type=int, metavar="N", help="every Nth test only")
    parser.add_argument("--list", action="store_true",
                        help="only list the tests, made if they are not there")
    parser.add_argument("--self-check", action="store_true",
                        help="run onnxruntime instead: checks the harness")
    parser.add_argument("--reasons", action="store_true",
                        help="the most frequent reasons, names and numbers left out")
    parser.add_argument("--results", type=Path, help="write all results here (JSON)")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    options.forms = options.forms or list(FORMS)
    return options


def select(options):
    everything = cases.load()[:: options.sample]
    if not options.filters:
        return everything
    if options.exact:
        return [case for case in everything if case.name in options.filters]
    return [c for c in everything if any(text in c.name for text in options.filters)]


def report(results, options):
    kinds = collections.Counter((form, r.kind) for (_, form), r in results.items())
    for form in options.forms:
        counts = "  ".join(
            f"{kinds[form, kind]:>5} {kind}" for kind in (PASS, UNSUPPORTED, FAIL)
        )
        print(f"   {form:<9}{counts}")
    passing = collections.Counter(
        name for (name, _), r in results.items() if r.kind == PASS
    )
    if options.reasons:
        reasons = collections.Counter(
            (r.kind, re.sub(r"'[^']*'|\d+", "_", r.message))
            for r in results.values()
            if r.kind != PASS
        )
        for (kind, reason), count in reasons.most_common(40):
            print(f"   {count:>5}x {kind}: {reason[:150]}")
    complete = sum(count == len(options.forms) for count in passing.values())
    print(f"   {complete} tests pass in {'all' if len(options.forms) == 3 else 'these'}"
          f" {len(options.forms)} forms")
    return complete


def main():
    options = parse_options()
    try:
        unsupported = lists.read_forms("unsupported.txt")
        failures = lists.read_forms("expected-failure.txt")
        tolerances, floor = lists.read_tolerances(), lists.read_floor()
    except lists.ListError as error:
        sys.exit(f"conformance: {error}")
    selected = select(options)
    if options.list:
        print("\n".join(case.name for case in selected))
        return 0
    if not options.self_check:
        compiler.require(options.build)
    results = run_all(options, selected, tolerances)
    complete = report(results, options)
    if options.results:
        options.results.write_text(json.dumps(
            {f"{t} {f}": [r.kind, r.message] for (t, f), r in sorted(results.items())},
            indent=1))
    everything = not (options.filters or options.sample or options.target) and (
        options.forms == list(FORMS)
    )
    if options.update:
        update_lists(results, unsupported, failures, tolerances)
        if everything:
            lists.write_floor(complete)
        print("   lists rewritten")
        return 0

    complaints = [] if options.self_check else list(judge(results, unsupported, failures))
    if everything and not options.self_check:
        names = {case.name for case in selected}
        listed = {key[0] for key in [*unsupported, *failures]} | set(tolerances)
        complaints += [f"{name}: listed, but no such test" for name in listed - names]
        if complete < floor:
            complaints.append(f"only {complete} tests pass in all forms, floor {floor}")
    for line in complaints[:60]:
        print(f"   FAIL {line[:240]}")
    if len(complaints) > 60:
        print(f"   ... and {len(complaints) - 60} more")
    passed = sum(r.kind == PASS for r in results.values())
    write_summary(options, passed, len(complaints), len(results) - passed,
                  tests_passing_all_forms=complete)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
