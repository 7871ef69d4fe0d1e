"""What machine a benchmark ran on, and what it can do at most."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import datetime
import os
import platform
import subprocess
from importlib.metadata import version

from peer import build_program
from support.paths import ROOT


def describe():
    """Facts for the head of every result."""
    model, flags = platform.machine(), set()
    with open("/proc/cpuinfo") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                model = value.strip()
            elif key.strip() == "flags":
                flags = set(value.split())
    wanted = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile")
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) >> 20
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True,
        text=True,
    ).stdout.strip()
    return {
        "date": datetime.date.today().isoformat(),
        "commit": commit,
        "cpu": model,
        "features": [name for name in wanted if name in flags],
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": memory,
        "kernel": platform.release(),
        "onnxruntime": version("onnxruntime"),
        "load_before": os.getloadavg()[0],
    }


class Peak:
    """Measures multiply-adds per second on registers."""

    def __init__(self):
        self.program = build_program(
            "peak", ["peak.c"], ["-march=native", "-ffp-contract=fast", "-lpthread"]
        )

    def gflops(self, threads=1, milliseconds=40):
        done = subprocess.run(
            [self.program, str(threads), str(milliseconds)],
            capture_output=True, text=True, check=True,
        )
        return float(done.stdout)
