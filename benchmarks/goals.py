"""What the project wants to reach, and whether a run of the benchmarks did."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import math
import statistics

from machine import is_credible

MEGABYTE = 1 << 20
SMALL_FLOPS = 10e6


def _ratios(rows, key):
    """{model: Sluice by onnxruntime} of the models that both ran."""
    return {
        row["model"]: row[key]["sluice"] / row[key]["onnxruntime"]
        for row in rows
        if "sluice" in row.get(key, {}) and "onnxruntime" in row[key]
    }


def _worst(ratios):
    model = max(ratios, key=ratios.get)
    return ratios[model], f" ({model})"


def _of_models(rows):
    """(what, value, goal, reached, note) for the table of models."""
    real = [row for row in rows if row["kind"] != "small"]
    latency = _ratios(real, "latency_1")
    if latency:
        mean = statistics.geometric_mean(latency.values())
        yield "latency, geometric mean", mean, "<= 1.2", mean <= 1.2, ""
        worst, note = _worst(latency)
        yield "latency, largest", worst, "<= 2.5", worst <= 2.5, note
    small = _ratios([r for r in rows if r.get("flops", math.inf) < SMALL_FLOPS],
                    "latency_1")
    if small:
        worst, note = _worst(small)
        yield "latency under 10 MFLOP, largest", worst, "<= 0.5", worst <= 0.5, note
    both = _ratios(real, "latency_2")
    if both:
        mean = statistics.geometric_mean(both.values())
        yield "latency, 2 threads, geometric mean", mean, "", None, ""
    for threads in (1, 2):
        cold = _ratios(real, f"cold_start_{threads}")
        if not cold:
            continue
        mean = statistics.geometric_mean(cold.values())
        what = "cold start" if threads == 1 else f"cold start, {threads} threads"
        yield f"{what}, geometric mean", mean, "<= 0.1", mean <= 0.1, ""
        worst, note = _worst(cold)
        yield f"{what}, largest", worst, "<= 0.1", worst <= 0.1, note
    memory = _ratios(real, "run_peak_bytes")
    if memory:
        worst, note = _worst(memory)
        yield "memory of a run, largest", worst, "<= 0.7", worst <= 0.7, note


def _of_compiling(rows):
    compiled = [row for row in rows if "artifact_bytes" in row]
    if not compiled:
        return
    code = {
        row["model"]: (row["artifact_bytes"] - row["weight_bytes"]) / MEGABYTE
        for row in compiled
    }
    worst, note = _worst(code)
    yield "artifact less weights, MB, largest", worst, "< 1", worst < 1, note
    for row in compiled:
        if row["model"] in ("resnet50", "bert-base"):
            seconds = row["compile_seconds"]
            yield f"compile {row['model']}, s", seconds, "< 15", seconds < 15, ""
    memory = {
        row["model"]: row["compile_peak_bytes"]
        / (1.5 * row["weight_bytes"] + 300 * MEGABYTE)
        for row in compiled
    }
    worst, note = _worst(memory)
    yield ("compile memory by 1.5 x weights + 300 MB, largest", worst, "<= 1",
           worst <= 1, note)


PROBE_IS_WRONG = "the probe is wrong"


def _reaches(goal, value, shares):
    """Whether a share of the peak is large enough, if the peak is to be believed."""
    if not all(map(is_credible, shares.values())):
        return PROBE_IS_WRONG
    return value >= goal


def _of_kernels(rows):
    def seconds(row):
        return row.get("sluice kernel", row.get("sluice run"))

    def shares(group):
        return {row["kernel"]: row["peak_share"] for row in rows
                if row["group"] == group and "peak_share" in row}

    products = shares("matmul")
    if products:
        least = min(products, key=products.get)
        yield ("MatMul, share of peak, least", products[least], ">= 0.8",
               _reaches(0.8, products[least], products), f" ({least})")
    convolutions = shares("convolution")
    if convolutions:
        mean = statistics.mean(convolutions.values())
        yield ("convolutions, share of peak, mean", mean, ">= 0.7",
               _reaches(0.7, mean, convolutions), "")
    depthwise = [
        row["onednn"] / seconds(row)
        for row in rows
        if row["group"] == "depthwise" and "onednn" in row and seconds(row)
    ]
    if depthwise:
        mean = statistics.geometric_mean(depthwise)
        yield ("depthwise, times oneDNN's speed, geometric mean", mean, ">= 2",
               mean >= 2, "")


def check(model_rows, kernel_rows):
    """All goals that this run says something about."""
    return [
        *_of_models(model_rows), *_of_compiling(model_rows), *_of_kernels(kernel_rows)
    ]


def table(found):
    lines = ["| goal (Sluice by onnxruntime where a ratio) | measured | wanted | |",
             "|---|---|---|---|"]
    for what, value, wanted, reached, note in found:
        state = {None: "", True: "reached", False: "**missed**"}.get(
            reached, f"**{reached}**")
        lines.append(f"| {what}{note} | {value:.2f} | {wanted} | {state} |")
    return lines
