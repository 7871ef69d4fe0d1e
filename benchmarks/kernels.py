"""Single operators: how much of the machine's peak their kernels reach.

Each is compiled as a model of one node with constant weights. `kernel` is the time
of the contraction's or convolution's own kernel, as the artifact's profile tells
it; `run` the whole call, with what comes before and after (for convolutions the
change from NCHW to a blocked layout and back, which chains of them do not pay).
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import os
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass

import numpy as np

from generated.builder import GraphBuilder
from machine import is_credible
from peer import Peer, PeerError, REST_SECONDS, SOURCES, write_inputs
from support import compiler
from support.paths import scratch

MATMULS = ((384, 768, 768), (384, 768, 3072), (512, 1024, 4096))
# Inputs, outputs, size, kernel: ResNet-50's shapes.
CONVOLUTIONS = (
    (64, 64, 56, 3), (128, 128, 28, 3), (256, 256, 14, 3), (512, 512, 7, 3),
    (64, 256, 56, 1), (256, 64, 56, 1), (512, 128, 28, 1), (128, 512, 28, 1),
    (1024, 256, 14, 1), (256, 1024, 14, 1), (2048, 512, 7, 1), (512, 2048, 7, 1),
)
# Channels, size, stride: MobileNetV2's shapes.
DEPTHWISE = (
    (32, 112, 1), (96, 112, 2), (144, 56, 1), (192, 28, 1), (384, 14, 1),
    (576, 14, 1), (960, 7, 1),
)


@dataclass
class Kernel:
    name: str
    group: str
    flops: float
    graph: GraphBuilder
    inputs: dict
    arguments: tuple = ()


def _matmul(rows, depth, columns):
    graph = GraphBuilder("matmul")
    graph.input("x", [rows, depth])
    weight = graph.random_weight("w", (depth, columns), 0.05)
    graph.output(graph.node("MatMul", ["x", weight]), "y", [rows, columns])
    values = {"x": np.random.default_rng(0).random((rows, depth), np.float32)}
    return Kernel(f"{rows}x{depth}x{columns}", "matmul", 2.0 * rows * depth * columns,
                  graph, values)


def _convolution(group, inputs, outputs, size, kernel, stride=1, groups=1):
    graph = GraphBuilder("convolution")
    graph.input("x", [1, inputs, size, size])
    weight = graph.random_weight("w", (outputs, inputs // groups, kernel, kernel), 0.1)
    bias = graph.random_weight("b", (outputs,), 0.1)
    result = (size - 1) // stride + 1
    value = graph.node(
        "Conv", ["x", weight, bias], kernel_shape=[kernel, kernel], group=groups,
        pads=[kernel // 2] * 4, strides=[stride, stride],
    )
    graph.output(value, "y", [1, outputs, result, result])
    values = {
        "x": np.random.default_rng(0).random((1, inputs, size, size), np.float32)
    }
    flops = 2.0 * outputs * (inputs // groups) * kernel**2 * result**2
    text = f"{inputs}" if groups > 1 else f"{inputs}->{outputs}"
    text += f" {size}x{size} {kernel}x{kernel}" + (f" s{stride}" if stride > 1 else "")
    return Kernel(text, group, flops, graph, values, (inputs, size, stride))


def all_kernels():
    kernels = [_matmul(*sizes) for sizes in MATMULS]
    for inputs, outputs, size, kernel in CONVOLUTIONS:
        kernels.append(_convolution("convolution", inputs, outputs, size, kernel))
    for channels, size, stride in DEPTHWISE:
        kernels.append(_convolution("depthwise", channels, channels, size, 3, stride,
                                    channels))
    return kernels


def build_onednn():
    """oneDNN's depthwise program, or None where its headers are missing."""
    program = scratch("bench") / "onednn-depthwise"
    if not shutil.which("clang++-22"):
        return None
    command = ["clang++-22", "-O2", SOURCES / "onednn_depthwise.cpp", "-ldnnl"]
    done = subprocess.run([*command, "-o", program], capture_output=True)
    return program if done.returncode == 0 else None


def _onednn_seconds(program, kernel):
    arguments = [str(number) for number in (*kernel.arguments, 50)]
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    done = subprocess.run([program, *arguments], capture_output=True, text=True,
                          env=environment)
    return int(done.stdout) / 1e9 if done.returncode == 0 else None


def _measure_engines(row, peers, peak, onednn, kernel, blocks):
    """Fills a row with medians. Each block of the kernel has its own peak, measured
    right before and after it."""
    times = {name: [] for name in ("sluice run", "sluice kernel", "onnxruntime",
                                   "onednn")}
    peaks, shares = [], []
    for _ in range(blocks):
        if "sluice" in peers:
            times["sluice run"].append(peers["sluice"].block(40, 3))
        if "profiled" in peers:
            gflops, kernels = peak.beside(lambda: peers["profiled"].profile(15))
            seconds = max(kernels, key=lambda r: r[1])[0]
            times["sluice kernel"].append(seconds)
            peaks.append(gflops)
            shares.append(kernel.flops / seconds / 1e9 / gflops)
        times["onnxruntime"].append(peers["onnxruntime"].block(40, 3))
        time.sleep(REST_SECONDS)
        if onednn and kernel.group == "depthwise":
            times["onednn"].append(_onednn_seconds(onednn, kernel))
    if peaks:
        row["peak_gflops"] = statistics.median(peaks)
        row["peak_share"] = statistics.median(shares)
    for name, values in times.items():
        if values and None not in values:
            row[name] = statistics.median(values)


def measure_kernels(build, programs, peak, blocks, report):
    """A row per kernel; `report` is called with each."""
    folder, onednn, rows = scratch("bench"), build_onednn(), []
    for kernel in all_kernels():
        model, inputs = folder / "kernel.onnx", folder / "kernel.inputs"
        artifact = folder / "kernel.so"
        kernel.graph.save(model)
        write_inputs(inputs, kernel.inputs)
        row = {"kernel": kernel.name, "group": kernel.group, "flops": kernel.flops}
        peers = {"onnxruntime": Peer(programs["onnxruntime"], model, inputs, 1)}
        if "sluice" in programs:
            outcome = compiler.compile_model(build, model, artifact)
            try:
                if outcome.status:
                    raise PeerError(outcome.first_message())
                peers["sluice"] = Peer(programs["sluice"], artifact, inputs, 1)
                peers["profiled"] = Peer(programs["sluice"], artifact, inputs, 1, True)
            except PeerError as error:
                row["error"] = str(error)
        try:
            _measure_engines(row, peers, peak, onednn, kernel, blocks)
        finally:
            for peer in peers.values():
                peer.close()
        rows.append(row)
        report(row)
    return rows


HEADING = (
    "| operator | GFLOP/s run | GFLOP/s kernel | of peak | onnxruntime GFLOP/s |"
    " oneDNN GFLOP/s | peak |\n|---|---|---|---|---|---|---|"
)


def table_row(row):
    def rate(name):
        return f"{row['flops'] / row[name] / 1e9:.1f}" if name in row else "-"

    share = peak = "-"
    if "peak_share" in row:
        peak = f"{row['peak_gflops']:.0f}"
        share = f"{100 * row['peak_share']:.0f} %"
        if not is_credible(row["peak_share"]):
            share += ": the probe is wrong"
    cells = [row["group"] + " " + row["kernel"], rate("sluice run"),
             rate("sluice kernel"), share, rate("onnxruntime"), rate("onednn"),
             peak]
    line = "| " + " | ".join(cells) + " |"
    return line + (f" {row['error'][:80]}" if "error" in row else "")
