#!/usr/bin/env python3
"""Compiles models for other machines and runs them under emulation.

Results are compared with onnxruntime's on this machine. Each model is loaded as
a shared artifact and, with static shapes, linked into the program that runs it;
code must call nothing but libc and libm. Where no emulator has the instructions,
the runtime must refuse the artifact.

    run.py                          all models, all targets
    run.py bert lstm                those with one of these texts in their name
    run.py --target=aarch64         one target
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cases import all_cases
from support import compiler
from support.compare import difference
from support.emulated import (
    TARGETS,
    EmulationError,
    require_refusal,
    run_emulated,
)
from support.paths import scratch
from support.reference import run_onnxruntime
from support.runner import is_wanted, make_parser, write_summary


def compile_to(options, target, case, model, artifact):
    outcome = compiler.compile_verified(
        options.build, model, artifact, [*target.flags, *case.flags]
    )
    if outcome.status != compiler.OK:
        raise EmulationError(f"sluicec: {outcome.first_message()}")


def reference(case, model, inputs, folder):
    if case.reference:
        model = case.reference(folder)
    try:
        return run_onnxruntime(str(model), inputs)
    except Exception as error:  # onnxruntime has many kinds.
        raise EmulationError(f"onnxruntime: {error}") from None


def compare(case, actual, expected):
    if len(actual) != len(expected):
        raise EmulationError(f"{len(actual)} outputs, expected {len(expected)}")
    for index, (got, wanted) in enumerate(zip(actual, expected)):
        text = difference(got, wanted, case.rtol, case.atol)
        if text:
            raise EmulationError(f"output {index}: {text}")


def run_case(options, target, case, folder):
    """Raises EmulationError if anything is wrong."""
    model, inputs = case.prepare(folder)
    shared = folder / "model.so"
    compile_to(options, target, case, model, shared)
    if not target.runs:
        return require_refusal(target, options.build, shared)
    expected = reference(case, model, inputs, folder)
    for threads in (1, 2):
        actual = run_emulated(
            target, options.build, shared, list(inputs.values()), threads
        )
        compare(case, actual, expected)


def run_linked(options, target, case, folder):
    """The same with the model as a part of the program."""
    model, inputs = case.prepare(folder)
    archive, program = folder / "model.a", folder / "program"
    compile_to(options, target, case, model, archive)
    if outside := target.outside_symbols(archive):
        raise EmulationError(f"calls {', '.join(sorted(outside))}")
    name = re.search(
        r"sluice_descriptor_(\w+)", next(folder.glob("*.h")).read_text()
    ).group(1)
    target.link_driver(options.build, archive, name, program)
    if not target.runs:
        return require_refusal(target, options.build, "-", program)
    actual = run_emulated(
        target, options.build, "-", list(inputs.values()), program=program
    )
    compare(case, actual, reference(case, model, inputs, folder))


def check(options, job):
    """None, or what is wrong."""
    target, case, run = job
    folder = scratch("cross") / f"{target.name}-{case.name}-{run.__name__}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        run(options, target, case, folder)
    except EmulationError as failure:
        return " ".join(str(failure).split())
    finally:
        shutil.rmtree(folder)
    return None


def list_jobs(options):
    jobs = []
    for target in TARGETS.values():
        if options.targets and target.name not in options.targets:
            continue
        if not target.driver(options.build).exists():
            sys.exit(f"cross: no {target.driver(options.build)}: run ./dev build")
        for case in all_cases():
            if not is_wanted(case.name, options):
                continue
            jobs.append((target, case, run_case))
            if not case.name.endswith("-dynamic"):
                jobs.append((target, case, run_linked))
    return jobs


def main():
    parser = make_parser(__doc__, "texts in the models' names")
    parser.add_argument("--target", dest="targets", action="append", choices=TARGETS)
    options = parser.parse_args()
    compiler.require(options.build)
    jobs = list_jobs(options)
    with ThreadPoolExecutor(options.jobs) as pool:
        complaints = list(pool.map(lambda job: check(options, job), jobs))
    failed = 0
    for (target, case, run), complaint in zip(jobs, complaints):
        if complaint:
            failed += 1
            how = " linked" if run is run_linked else ""
            print(f"   FAIL {target.name} {case.name}{how}: {complaint[:240]}")
    print(f"   {len(jobs) - failed} of {len(jobs)} match onnxruntime")
    write_summary(options, len(jobs) - failed, failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
