#!/usr/bin/env python3
"""Checks passes that change arithmetic: numbers against onnxruntime, and that
the rewritten graph has the ops it should have. Then runs on inputs of wrong sizes,
which must fail with a message, on numbers at the edge of their types, and step by
step with states that the runtime keeps.

    run.py              all cases
    run.py gelu norm    those with one of these texts in their name
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import onnx

import attention_cases  # noqa: F401, registers cases
import edge_values
import element_cases  # noqa: F401, registers cases
import expert_cases  # noqa: F401, registers cases
import kernel_cases  # noqa: F401, registers cases
import layer_method_cases  # noqa: F401, registers cases
import linear_attention_cases  # noqa: F401, registers cases
import mask_method_cases  # noqa: F401, registers cases
import memory_cases  # noqa: F401, registers cases
import movement_cases  # noqa: F401, registers cases
import numpy_cases
import recurrent_cases  # noqa: F401, registers cases
import row_cases  # noqa: F401, registers cases
import states
import wrong_attention_sizes
import wrong_sizes
from cases import CASES
from support import compiler
from support.artifact import run_each, run_once
from support.compare import difference, largest_errors
from support.isolated import CallFailed, Isolated
from support.paths import scratch
from support.reference import run_onnxruntime
from support.runner import is_wanted, make_parser, write_summary


def count_ops(text):
    """The lines of a program without constants, which may hold any text."""
    return [line for line in text.splitlines() if "sluice.constant" not in line]


def check_ops(case, build, model):
    outcome = compiler.compile_verified(
        build, model, "-", [*case.flags, "--emit=optimized"]
    )
    if outcome.status != compiler.OK:
        return f"sluicec: {outcome.first_message()}"
    program = "\n".join(count_ops(outcome.output))
    for op in case.present:
        if f"{op} " not in program:
            return f"there is no {op}"
    for op in case.absent:
        if f"{op} " in program:
            return f"{op} is still there"
    return None


def check_numbers(case, build, model, artifact, graph):
    outcome = compiler.compile_verified(build, model, artifact, case.flags)
    if outcome.status != compiler.OK:
        return f"sluicec: {outcome.first_message()}"
    expected = run_onnxruntime(str(model), graph.feeds, optimize=False)
    child = Isolated()
    try:
        actual = child.call(
            run_once, str(build), str(artifact), graph.feeds, timeout=60
        )
    except CallFailed as failure:
        return " ".join(str(failure).split())
    finally:
        child.close()
    for index, (got, wanted) in enumerate(zip(actual, expected)):
        text = difference(got, wanted, 1e-4, 1e-5)
        if text:
            return f"output {index}: {text}"
    return None


def check_shown(case, build, model):
    """Whether the program after the graph passes has what the case is about."""
    if not case.shows:
        return None
    outcome = compiler.compile_verified(
        build, model, "-", [*case.flags, "--emit=optimized"]
    )
    if outcome.status != compiler.OK:
        return f"sluicec: {outcome.first_message()}"
    program = "\n".join(count_ops(outcome.output))
    for pattern in case.shows:
        if not re.search(pattern, program):
            return f"the program has no '{pattern}'"
    return None


def is_missing(provider, build):
    """Whether the compiler was built without a kernel provider."""
    outcome = compiler.compile_verified(
        build, "-", "-", [f"--kernels={provider}", "--check"]
    )
    return "was built without" in outcome.messages


def check_failures(case, build, model, artifact, graph):
    """Good inputs between all wrong ones: a failure must not leave traces."""
    wrong = list(case.feeds(graph))
    feeds = [graph.feeds]
    for inputs, _ in wrong:
        feeds += [inputs, graph.feeds]
    with Isolated() as child:
        try:
            first, *outcomes = child.call(
                run_each, str(build), str(artifact), feeds, timeout=60
            )
        except CallFailed as failure:
            return " ".join(str(failure).split())
    for (_, part), outcome, good in zip(wrong, outcomes[::2], outcomes[1::2]):
        if not isinstance(outcome, str):
            return f"'{part}': the run succeeded"
        if part not in outcome:
            return f"the message does not say '{part}': {outcome}"
        if isinstance(good, str):
            return f"a good run after '{part}' failed: {good}"
        for before, after in zip(first, good):
            if text := difference(after, before, 0, 0):
                return f"a good run after '{part}': {text}"
    return None


def check_exactly(case, build, model, artifact):
    """On one thread and on two, which must give the same."""
    graph, expected = case.graph()
    onnx.save(graph.model(), model)
    if complaint := check_shown(case, build, model):
        return complaint
    outcome = compiler.compile_verified(build, model, artifact, case.flags)
    if outcome.status != compiler.OK:
        return f"sluicec: {outcome.first_message()}"
    with Isolated() as child:
        try:
            results = [
                child.call(run_once, str(build), str(artifact), graph.feeds, threads,
                           timeout=60)
                for threads in (1, 2)
            ]
        except CallFailed as failure:
            return " ".join(str(failure).split())
    for index, (got, again, wanted) in enumerate(zip(*results, expected, strict=True)):
        wanted = np.asarray(wanted)
        if text := difference(again, got, 0, 0):
            return f"output {index}: with two threads {text}"
        if case.error == 0:
            text = difference(got, wanted, 0, 0)
        else:
            text = difference(got, wanted.astype(got.dtype), 0, np.inf)
            _, error = largest_errors(got, wanted)
            # Not less or equal: what is not a number is wrong as well.
            if not error <= case.error or not np.isfinite(got).all():
                text = f"an error of {error:.2e}, at most {case.error:.2e} is allowed"
        if text:
            return f"output {index}: {text}"
    return None


def run_form(build, folder, name, form, model, feeds):
    """The results of one form of a family, or what went wrong."""
    path = folder / f"{name}-{form}.onnx"
    artifact = path.with_suffix(".so")
    onnx.save(model, path)
    outcome = compiler.compile_verified(build, path, artifact, timeout=300)
    if outcome.status != compiler.OK:
        return f"sluicec: {outcome.first_message()}"
    inputs = {} if form == "constant" else feeds
    try:
        with Isolated() as child:
            return child.call(run_once, str(build), str(artifact), inputs, timeout=60)
    except CallFailed as failure:
        return " ".join(str(failure).split())
    finally:
        artifact.unlink(missing_ok=True)


def check_family(family, build):
    """None, or how a form differs from the right numbers or from another form."""
    folder = scratch("numeric")
    entries, models, feeds = family.models()
    # One entry per result: the node, what is right, and where that is defined.
    rights = [
        (
            f"{entry.operator}_{number}", entry.between_forms,
            *(right if isinstance(right, tuple) else (right, None)),
        )
        for number, entry in enumerate(entries)
        for right in entry.expected
    ]
    first = None
    for form, model in models.items():
        results = run_form(build, folder, family.name, form, model, feeds)
        if isinstance(results, str):
            return f"{form}: {results}"
        first = first or results
        for (node, between, right, defined), got, before in zip(rights, results, first, strict=True):
            if text := difference(got, before, between, 0):
                return f"{node} {form}, beside the first form: {text}"
            if defined is not None:
                got, right = np.where(defined, got, 0), np.where(defined, right, 0)
            tolerance = 1e-6 if right.dtype.kind == "f" else 0
            if text := difference(got, right.astype(before.dtype), tolerance, 0):
                return f"{node} {form}: {text}"
    return None


def check_states(case, build):
    folder = scratch("numeric")
    path = folder / f"{case.name}.onnx"
    artifact = path.with_suffix(".so")
    model, flags = states.model_of(case)
    onnx.save(model, path)
    outcome = compiler.compile_verified(build, path, artifact, flags)
    if outcome.status != compiler.OK:
        return f"sluicec: {outcome.first_message()}"
    try:
        with Isolated() as child:
            return child.call(
                states.run_steps, str(build), str(artifact), case.name, case.steps,
                timeout=60,
            )
    except CallFailed as failure:
        return " ".join(str(failure).split())
    finally:
        artifact.unlink(missing_ok=True)


def check(case, build):
    """None, or what is wrong."""
    if isinstance(case, states.Case):
        return check_states(case, build)
    if isinstance(case, edge_values.Family):
        return check_family(case, build)
    folder = scratch("numeric")
    model, artifact = folder / f"{case.name}.onnx", folder / f"{case.name}.so"
    if isinstance(case, numpy_cases.Case):
        try:
            return check_exactly(case, build, model, artifact)
        finally:
            artifact.unlink(missing_ok=True)
    graph = case.graph()
    onnx.save(graph.model(), model)
    try:
        if isinstance(case, wrong_sizes.Case):
            return check_numbers(
                case, build, model, artifact, graph
            ) or check_failures(case, build, model, artifact, graph)
        return check_ops(case, build, model) or check_numbers(
            case, build, model, artifact, graph
        )
    finally:
        artifact.unlink(missing_ok=True)


def main():
    parser = make_parser(__doc__, "texts in the cases' names")
    options = parser.parse_args()
    compiler.require(options.build)
    selected = [
        case
        for case in (
            CASES
            + numpy_cases.CASES
            + states.CASES
            + wrong_sizes.CASES
            + wrong_attention_sizes.CASES
            + edge_values.FAMILIES
        )
        if is_wanted(case.name, options)
    ]
    missing = {
        provider
        for provider in {case.needs for case in selected} - {""}
        if is_missing(provider, options.build)
    }
    skipped = [case for case in selected if case.needs in missing]
    selected = [case for case in selected if case.needs not in missing]
    with ThreadPoolExecutor(options.jobs) as pool:
        complaints = list(pool.map(lambda case: check(case, options.build), selected))
    failed = 0
    for case, complaint in zip(selected, complaints):
        if complaint:
            failed += 1
            print(f"   FAIL {case.name}: {complaint[:240]}")
    print(f"   {len(selected) - failed} of {len(selected)} cases agree")
    write_summary(options, len(selected) - failed, failed, len(skipped))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
