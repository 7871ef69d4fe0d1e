"""Engines as processes: built once, driven through pipes.

Each engine runs in a process of its own (benchmarks/peers/*.c), so that one's
threads and memory are not the other's. Between blocks the process is idle, and a
short rest lets worker threads that wait actively fall asleep.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

from support.artifact import DTYPE_NUMBERS
from support.paths import ROOT, scratch

SOURCES = Path(__file__).resolve().parent / "peers"
# Long enough for onnxruntime's workers to stop spinning.
REST_SECONDS = 0.05


class PeerError(Exception):
    """An engine could not run the model; the text is its last message."""


def onnxruntime_library():
    """The C library that the Python wheel ships."""
    folder = Path(onnxruntime.__file__).parent / "capi"
    return next(folder.glob("libonnxruntime.so.*"))


def build_program(name, sources, flags):
    """Compiles a C program of peers/ into the scratch folder."""
    program = scratch("bench") / name
    command = ["clang-22", "-O3", *[str(SOURCES / s) for s in sources], *flags]
    done = subprocess.run([*command, "-o", program], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"cannot build {name}:\n{done.stderr}")
    return program


def build_peers(build):
    """{engine: program}"""
    library = Path(build) / "lib"
    programs = {
        "onnxruntime": build_program(
            "peer-onnxruntime", ["peer.c", "peer_onnxruntime.c"], ["-ldl"]
        )
    }
    if (Path(build) / "bin" / "sluicec").exists():
        programs["sluice"] = build_program(
            "peer-sluice",
            ["peer.c", "peer_sluice.c"],
            [f"-I{ROOT}/runtime/include", f"-L{library}", "-lsluice_runtime",
             "-lpthread", "-ldl", "-lm"],
        )
    return programs


def write_inputs(path, inputs):
    """The input format of peers/peer.c."""
    with open(path, "wb") as file:
        for name, array in inputs.items():
            array = np.ascontiguousarray(array).reshape(np.shape(array))
            encoded = name.encode()
            numbers = [len(encoded), DTYPE_NUMBERS[array.dtype], array.ndim]
            numbers += [array.nbytes, *array.shape]
            file.write(" ".join(map(str, numbers)).encode() + b"\n")
            file.write(encoded + b"\n" + array.tobytes())


class Peer:
    """A running engine process with a loaded model that has run once."""

    def __init__(self, program, model, inputs, threads, profile=False):
        environment = dict(os.environ, ONNXRUNTIME_LIBRARY=str(onnxruntime_library()))
        if profile:
            environment["SLUICE_PEER_PROFILE"] = "1"
        start = time.monotonic_ns()
        self.process = subprocess.Popen(
            [program, str(model), str(inputs), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        words = self._line().split()
        # Both clocks are CLOCK_MONOTONIC.
        self.seconds_to_first_output = (int(words[1]) - start) / 1e9

    def _line(self):
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            message = self.process.stderr.read().strip().splitlines()
            raise PeerError(message[-1] if message else f"ended with {status}")
        return line

    def ask(self, command):
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self._line()

    def block(self, milliseconds, runs=1):
        """Median seconds of the runs of one block."""
        times = self.ask(f"block {milliseconds} {runs}").split()
        return statistics.median(map(int, times)) / 1e9

    def peak_bytes(self):
        return int(self.ask("memory"))

    def profile(self, runs):
        """[(seconds, flops, kind, name)] per kernel."""
        rows, line = [], self.ask(f"profile {runs}")
        while line.strip() != "end":
            nanoseconds, flops, kind, name = line.split(None, 3)
            rows.append((int(nanoseconds) / 1e9, float(flops), kind, name.strip()))
            line = self._line()
        return rows

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def interleaved_blocks(peers, blocks, milliseconds):
    """{engine: seconds of each of its blocks}, blocks in turns."""
    seconds = {name: [] for name in peers}
    for _ in range(blocks):
        for name, peer in peers.items():
            seconds[name].append(peer.block(milliseconds))
            time.sleep(REST_SECONDS)
    return seconds


def interleaved_medians(peers, blocks, milliseconds):
    """{engine: median seconds of its block medians}, blocks in turns."""
    seconds = interleaved_blocks(peers, blocks, milliseconds)
    return {name: statistics.median(values) for name, values in seconds.items()}


def cold_starts(programs, models, inputs, threads, repeats):
    """{engine: (median seconds to the first output, median peak bytes)}."""
    found = {name: ([], []) for name in programs}
    for _ in range(repeats):
        for name, program in programs.items():
            with Peer(program, models[name], inputs, threads) as peer:
                found[name][0].append(peer.seconds_to_first_output)
                found[name][1].append(peer.peak_bytes())
    return {
        name: (statistics.median(times), statistics.median(peaks))
        for name, (times, peaks) in found.items()
    }
