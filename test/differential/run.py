#!/usr/bin/env python3
"""Compares Sluice with onnxruntime on random graphs.

    run.py --seconds=60          new graphs for a minute
    run.py --seed=1234           this graph again
    run.py --first=0 --count=50  these 50

A failing graph is made small and kept, with its inputs and its seed, in
.cache/differential-failures/. Without --first the seeds start at a fixed number,
so a run can be repeated; --first=random starts anywhere.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import collections
import secrets
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import onnx
from onnx import numpy_helper

from generator import generate
from minimize import minimize
from support import compiler
from support.expectations import read_expected_failures
from support.paths import CACHE
from support.runner import make_parser, write_summary
from trial import AGREE, NO_REFERENCE, REFUSED, Tester

KNOWN = Path(__file__).resolve().parent / "expected-failure.txt"


def keep_failure(seed, model, inputs, verdict):
    """Writes a model and its inputs where a person finds them."""
    folder = CACHE / "differential-failures" / str(seed)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save_model(model, str(folder / "model.onnx"))
    for index, (name, array) in enumerate(inputs.items()):
        tensor = numpy_helper.from_array(np.asarray(array), name)
        (folder / f"input_{index}.pb").write_bytes(tensor.SerializeToString())
    lines = [verdict.kind, verdict.message, "", onnx.printer.to_text(model)]
    (folder / "report.txt").write_text("\n".join(lines))
    return folder


def write_known(known, tried, failures):
    """Adds the seeds that failed now, drops those that were tried and did not."""
    reasons = {seed: why for seed, why in known.items() if seed not in tried}
    for seed, verdict in failures.items():
        reasons[seed] = f"{verdict.kind}: {' '.join(verdict.message.split())[:120]}"
    lines = [f"{seed} - {why}" for seed, why in sorted(reasons.items())]
    KNOWN.write_text("\n".join(["# Known to fail: SEED - REASON.", *lines, ""]))


class Run:
    """The seeds to try, shared by all threads, and what came of them."""

    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.refusals = collections.Counter()
        self.failures = {}
        self.next = options.first
        self.deadline = time.monotonic() + options.seconds

    def take(self):
        with self.lock:
            done = self.next - self.options.first
            if self.options.count is not None:
                if done >= self.options.count:
                    return None
            elif time.monotonic() > self.deadline:
                return None
            self.next += 1
            return self.next - 1

    def serve(self, number):
        tester = Tester(self.options.build, number)
        try:
            while (seed := self.take()) is not None:
                self.try_seed(tester, seed)
        finally:
            tester.close()

    def try_seed(self, tester, seed):
        model, inputs = generate(seed, self.options.nodes)
        verdict = tester.test(model, inputs)
        with self.lock:
            self.counts[verdict.kind] += 1
            if verdict.kind == REFUSED:
                self.refusals[verdict.message] += 1
        if not verdict.failed:
            return
        small = minimize(tester, model, inputs, verdict)
        folder = keep_failure(seed, *small)
        nodes = [node.op_type for node in small[0].graph.node]
        with self.lock:
            self.failures[seed] = verdict
            shown = " ".join(nodes[:8]) + (" ..." if len(nodes) > 8 else "")
            print(f"   seed {seed} {verdict.kind}: {shown}: {small[2].message[:200]}")
            print(f"      see {folder}", flush=True)


def parse_options():
    parser = make_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--first", default="1000", help="first seed, or 'random'")
    parser.add_argument("--count", type=int, help="this many seeds, however long")
    parser.add_argument("--seed", type=int, help="just this one")
    parser.add_argument("--nodes", type=int, help="nodes per graph")
    parser.add_argument("--update", action="store_true",
                        help="add the failing seeds to expected-failure.txt")
    options = parser.parse_args()
    if options.seed is not None:
        options.first, options.count = options.seed, 1
    elif options.first == "random":
        options.first = secrets.randbelow(1 << 31)
    options.first = int(options.first)
    return options


def main():
    options = parse_options()
    compiler.require(options.build)
    run = Run(options)
    threads = [
        threading.Thread(target=run.serve, args=(number,))
        for number in range(options.jobs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    total = sum(run.counts.values())
    print(f"   seeds {options.first} to {run.next - 1}: {total} graphs, "
          + ", ".join(f"{n} {kind}" for kind, n in run.counts.most_common()))
    for message, count in run.refusals.most_common(5):
        print(f"      refused {count}x: {message}")
    known = {
        int(seed): why for (seed, _), why in read_expected_failures(KNOWN).items()
    }
    if options.update:
        write_known(known, range(options.first, run.next), run.failures)
        return 0
    failed = [seed for seed in run.failures if seed not in known]
    # Graphs that are refused or without a reference test nothing.
    if total >= 20 and run.counts[AGREE] < total // 2:
        print("   FAIL fewer than half of the graphs were compared")
        failed.append(None)
    skipped = run.counts[REFUSED] + run.counts[NO_REFERENCE]
    skipped += len(set(known) & set(run.failures))
    write_summary(options, run.counts[AGREE], len(failed), skipped)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
