#!/usr/bin/env python3
"""Compares single operators with a reference: see cases.py.

    run.py                  all cases, with static and with dynamic sizes
    run.py lstm conv_       those with one of these texts in their name
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cases
from support import compiler
from support.artifact import run_once
from support.compare import difference
from support.isolated import CallFailed, Isolated
from support.paths import scratch
from support.reference import run_onnxruntime
from support.runner import is_wanted, make_parser, write_summary


def check(case, dynamic, options, child):
    """None, or what is wrong."""
    folder, form = scratch("operators"), "dynamic" if dynamic else "static"
    model, inputs = case.model(dynamic)
    path = folder / f"{case.name}-{form}.onnx"
    artifact = path.with_suffix(".so")
    path.write_bytes(model.SerializeToString())
    expected = case.expected
    if not expected:
        try:
            expected = child.call(run_onnxruntime, str(path), inputs)
        except CallFailed as failure:
            return f"onnxruntime: {failure}"
    outcome = compiler.compile_verified(options.build, path, artifact, timeout=60)
    if outcome.status != compiler.OK:
        return f"sluicec: {outcome.first_message()}"
    try:
        actual = child.call(run_once, str(options.build), str(artifact), inputs)
    except CallFailed as failure:
        return str(failure)
    for index, (ours, theirs) in enumerate(zip(actual, expected, strict=True)):
        text = difference(ours, theirs, case.rtol, case.atol)
        if text:
            return f"output {index}: {text}"
    return None


def check_forms(case, options):
    """{form: what is wrong}"""
    child = Isolated()
    try:
        found = {
            form: check(case, form == "dynamic", options, child)
            for form in ("static", "dynamic")
        }
    finally:
        child.close()
    return {form: text for form, text in found.items() if text}


def main():
    parser = make_parser(__doc__.splitlines()[0], "texts in the cases' names")
    options = parser.parse_args()
    compiler.require(options.build)
    selected = [case for case in cases.all_cases() if is_wanted(case.name, options)]
    with ThreadPoolExecutor(options.jobs) as pool:
        complaints = list(pool.map(lambda case: check_forms(case, options), selected))
    failed = 0
    for case, found in zip(selected, complaints):
        for form, text in found.items():
            failed += 1
            print(f"   FAIL {case.name} {form}: {' '.join(text.split())[:240]}")
    passed = 2 * len(selected) - failed
    print(f"   {passed} passed, {failed} failed")
    write_summary(options, passed, failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
