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
    """Measures multiply-adds per second on registers, in a process that waits."""

    def __init__(self):
        flags = ["-march=native", "-ffp-contract=fast", "-lpthread"]
        if platform.machine() == "x86_64":
            # Otherwise vectors are cut in halves for some CPUs.
            flags.append("-mprefer-vector-width=512")
        self.process = subprocess.Popen(
            [build_program("peak", ["peak.c"], flags)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def gflops(self, threads=1, milliseconds=10):
        self.process.stdin.write(f"{threads} {milliseconds}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def beside(self, measure):
        """(the peak right before or after, whichever is higher; the result)."""
        before = self.gflops()
        result = measure()
        return max(before, self.gflops()), result

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Reader:
    """Measures how long a plain read of so many bytes takes, in a process that waits."""

    def __init__(self, size):
        program = build_program("read", ["read.c"], [
            "-march=native", "-mprefer-vector-width=512", "-fno-math-errno"])
        self.process = subprocess.Popen([program, str(size)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def seconds(self, milliseconds=40):
        self.process.stdin.write(f"{milliseconds}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline()) / 1e9

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


# A kernel cannot do more than the peak; measurements may be off a little.
LARGEST_SHARE = 1.05


def is_credible(share):
    """Whether a share of the peak is possible. If not, the probe is wrong."""
    return share <= LARGEST_SHARE
