#!/usr/bin/env python3
"""Measures Sluice and onnxruntime side by side, in turns, in one go.

    bench.py                     all models and kernels
    bench.py bert silero         models with one of these texts in their name
    bench.py --quick             fewer repetitions, no models over 100 MB
    bench.py --only=kernels      only single operators
    bench.py --with=openvino     another engine too (openvino, iree, tvm)
    bench.py --kernels=onednn    Sluice with oneDNN's kernels too

Writes a table and the raw numbers to benchmarks/results/NAME.{md,json}.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "test"), str(HERE.parent / "test" / "models")]

import onnx

import goals
import kernels
import others
import providers
from catalog import MODELS
from flops import count_flops
from machine import Peak, describe
from peer import (
    Peer,
    PeerError,
    build_peers,
    cold_starts,
    interleaved_medians,
    write_inputs,
)
from sizes import weight_bytes
from support import compiler
from support.isolated import Isolated
from support.paths import DEFAULT_BUILD, ROOT, scratch

MEGABYTE = 1 << 20
QUICK_LIMIT = 100 * MEGABYTE


def say(text):
    print(text, flush=True)


class ModelBench:
    """Measures one model on all engines."""

    def __init__(self, options, programs, model):
        self.options, self.programs, self.model = options, programs, model
        self.path = model.find()
        self.folder = scratch("bench")
        self.inputs = self.folder / "model.inputs"
        self.row = {"model": model.name, "kind": model.kind}
        self.files = {"onnxruntime": self.path}

    def measure(self):
        values = self.model.make_inputs(0)
        write_inputs(self.inputs, values)
        with Isolated() as child:
            self.row["flops"] = child.call(count_flops, str(self.path), values)
        proto = onnx.load(str(self.path), load_external_data=False)
        self.row["weight_bytes"] = weight_bytes(proto.graph)
        artifact = self.folder / "model.so"
        if "sluice" in self.programs:
            self.compile(artifact)
            self.compile_providers()
        try:
            self.latencies()
            self.starts()
            if self.options.others:
                self.row["others"] = others.measure(
                    self.options.others, self.path, values
                )
        finally:
            for file in self.folder.glob("model*.so"):
                file.unlink()
        return self.row

    def compile(self, artifact):
        outcome = compiler.compile_model(
            self.options.build, self.path, artifact, self.model.shape_flags()
        )
        self.row["compile_seconds"] = outcome.seconds
        self.row["compile_peak_bytes"] = outcome.peak_bytes
        if outcome.status:
            self.row["error"] = outcome.first_message()
            return
        self.files["sluice"] = artifact
        self.row["artifact_bytes"] = artifact.stat().st_size

    def compile_providers(self):
        for provider in self.options.kernels:
            name = providers.engine(provider)
            artifact = self.folder / f"model-{provider}.so"
            outcome = compiler.compile_model(
                self.options.build, self.path, artifact,
                [*self.model.shape_flags(), *providers.flags(provider)],
            )
            if outcome.status:
                self.row["error"] = f"{name}: {outcome.first_message()}"
            else:
                self.files[name] = artifact

    def latencies(self):
        for threads in self.options.threads:
            peers = {}
            try:
                for name, file in self.files.items():
                    peers[name] = Peer(
                        self.program(name), file, self.inputs, threads
                    )
                medians = interleaved_medians(
                    peers, self.options.blocks, self.options.milliseconds
                )
                self.row[f"latency_{threads}"] = medians
            except PeerError as error:
                self.row["error"] = str(error)
                self.files = {"onnxruntime": self.path}
            finally:
                for peer in peers.values():
                    peer.close()

    def program(self, name):
        """The same one for Sluice with any kernels."""
        return self.programs[name.partition("+")[0]]

    def starts(self):
        programs = {name: self.program(name) for name in self.files}
        for threads in (1, 2):
            found = cold_starts(
                programs, self.files, self.inputs, threads, self.options.starts
            )
            self.row[f"cold_start_{threads}"] = {
                name: value[0] for name, value in found.items()
            }
            if threads == 1:
                self.row["run_peak_bytes"] = {
                    name: value[1] for name, value in found.items()
                }


HEADING = (
    "| model | 1 thread: ms | onnxruntime | ratio | 2 threads: ms | ratio |"
    " cold start: ms | onnxruntime | faster | 2 threads: ms | faster |"
    " memory: MB | ratio | artifact - weights: MB | compile: s | MB |\n|"
    + "---|" * 16
)


def table_row(row):
    def pair(values, scale, digits):
        """Sluice, onnxruntime and the first by the second."""
        mine, other = values.get("sluice"), values.get("onnxruntime")
        shown = [f"{v * scale:.{digits}f}" if v else "-" for v in (mine, other)]
        return [*shown, mine / other if mine and other else None]

    def ratio(value):
        return f"{value:.2f}" if value else "-"

    def faster(value):
        return f"{1 / value:.1f}x" if value else "-"

    one = pair(row.get("latency_1", {}), 1e3, 3)
    two = pair(row.get("latency_2", {}), 1e3, 3)
    cold = pair(row.get("cold_start_1", {}), 1e3, 1)
    cold_two = pair(row.get("cold_start_2", {}), 1e3, 1)
    memory = pair(row.get("run_peak_bytes", {}), 1 / MEGABYTE, 0)
    code = "-"
    if "artifact_bytes" in row:
        code = f"{(row['artifact_bytes'] - row['weight_bytes']) / MEGABYTE:.2f}"
    cells = [row["model"], one[0], one[1], ratio(one[2]), two[0], ratio(two[2]),
             cold[0], cold[1], faster(cold[2]), cold_two[0], faster(cold_two[2]),
             memory[0], ratio(memory[2]), code]
    if "compile_seconds" in row:
        cells += [f"{row['compile_seconds']:.1f}",
                  f"{row['compile_peak_bytes'] / MEGABYTE:.0f}"]
    else:
        cells += ["-", "-"]
    return "| " + " | ".join(cells) + " |"


EXPLANATION = """\
Latencies are medians of block medians, both engines in turns, each in a process of
its own, inputs bound once. Cold start is from the start of the process to the first
output, memory the peak resident set of such a process (library, model and one run);
both engines are driven by the same C program through their C interfaces. Sluice's
models are compiled for the sizes of the inputs, its compile time and compile memory
are those of `sluicec`. Weights are the bytes of the ONNX file's tensors.
"""


def write_results(options, machine, model_rows, kernel_rows):
    options.results.mkdir(parents=True, exist_ok=True)
    data = {
        "command": "./dev bench " + " ".join(sys.argv[1:]),
        "machine": machine, "models": model_rows, "kernels": kernel_rows,
        "goals": goals.check(model_rows, kernel_rows),
    }
    (options.results / f"{options.name}.json").write_text(json.dumps(data, indent=1))
    lines = ["# Benchmark results", "", f"`{data['command'].strip()}`", ""]
    lines += [f"- {key}: {value}" for key, value in machine.items()]
    lines += ["", EXPLANATION, "## Goals", "", *goals.table(data["goals"])]
    if model_rows:
        lines += ["", "## Models", "", HEADING, *map(table_row, model_rows), ""]
        lines += [f"- {r['model']}: {r['error']}" for r in model_rows if "error" in r]
        lines += others.table(model_rows)
        lines += providers.table(model_rows, options.kernels, options.threads)
    if kernel_rows:
        lines += ["", "## Kernels", "", kernels.HEADING,
                  *map(kernels.table_row, kernel_rows)]
    path = options.results / f"{options.name}.md"
    path.write_text("\n".join(lines) + "\n")
    say(f"\nwritten to {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")
    say("\n".join(goals.table(data["goals"])))


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("filters", nargs="*")
    parser.add_argument("--build", type=Path, default=DEFAULT_BUILD)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--small", action="store_true", help="the -small models too")
    parser.add_argument("--only", choices=("models", "kernels"))
    parser.add_argument("--with", dest="others", default="",
                        help="openvino, iree, tvm; separated by commas")
    parser.add_argument("--kernels", default="",
                        help="providers besides builtin: onednn")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--blocks", type=int, default=0,
                        help="how often the engines take turns (9; 3 with --quick)")
    parser.add_argument("--name", default="latest", help="of the result files")
    options = parser.parse_args()
    options.threads = [int(text) for text in options.threads.split(",")]
    options.others = [text for text in options.others.split(",") if text]
    options.kernels = [text for text in options.kernels.split(",") if text]
    unknown = set(options.kernels) - set(providers.PROVIDERS)
    if unknown:
        parser.error(f"no kernel provider {', '.join(sorted(unknown))}")
    options.blocks = options.blocks or (3 if options.quick else 9)
    options.milliseconds = 60 if options.quick else 200
    options.starts = 3 if options.quick else 7
    return options


def chosen_models(options):
    for model in MODELS:
        if model.kind == "small" and not (options.small or options.filters):
            continue
        if options.filters and not any(f in model.name for f in options.filters):
            continue
        path = model.find()
        data = path.with_name(path.name + ".data")
        size = path.stat().st_size + (data.stat().st_size if data.exists() else 0)
        if not options.quick or size < QUICK_LIMIT:
            yield model


def main():
    options = parse_options()
    others.prepare(options.others)
    programs = build_peers(options.build)
    if "sluice" not in programs:
        say("Sluice is not built (./dev build): measuring onnxruntime alone")
    machine, peak = describe(), Peak()
    machine["peak_gflops_1"] = peak.gflops(1, 200)
    machine["peak_gflops_2"] = peak.gflops(2, 200)
    model_rows, kernel_rows = [], []
    if options.only != "kernels":
        say(HEADING)
        for model in chosen_models(options):
            row = ModelBench(options, programs, model).measure()
            model_rows.append(row)
            say(table_row(row) + (f" {row['error'][:90]}" if "error" in row else ""))
            for sentence in others.sentences(row):
                say(sentence)
    if options.only != "models" and not options.filters:
        say("\n" + kernels.HEADING)
        kernel_rows = kernels.measure_kernels(
            options.build, programs, peak, options.blocks,
            lambda row: say(kernels.table_row(row)),
        )
    peak.close()
    write_results(options, machine, model_rows, kernel_rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
