"""Runs artifacts for other machines, and for older ones of this kind, under qemu.

qemu executes exactly the instructions that the CPU it plays has: code that uses
another one ends with SIGILL, which makes it the test of what sluicec may emit.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import functools
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from support.artifact import DTYPE_NUMBERS, DTYPES
from support.paths import ROOT

AARCH64_SYSROOT = "/usr/aarch64-linux-gnu"
COMPILER = ("clang-22", "-fuse-ld=lld-22")
NM = "/usr/lib/llvm-22/bin/llvm-nm"
DRIVER = ROOT / "test" / "cross" / "model-driver.c"
# The driver's exit code for SLUICE_UNSUPPORTED_ISA.
UNSUPPORTED_ISA = 16


class EmulationError(Exception):
    """The program under emulation failed; the text is what it said."""


def _symbols(path, *options):
    command = [NM, "--quiet", "--format=just-symbols", *options, path]
    done = subprocess.run(map(str, command), capture_output=True, text=True)
    if done.returncode != 0:
        raise EmulationError(f"llvm-nm: {done.stderr.strip()[-400:]}")
    # Names of system libraries have versions: memcpy@@GLIBC_2.14.
    names = {line.partition("@")[0] for line in done.stdout.split()}
    return {name for name in names if not name.endswith(":")}


@functools.lru_cache
def _system_symbols(triple):
    """What libc and libm export."""
    folder = "/lib/x86_64-linux-gnu"
    if triple.startswith("aarch64"):
        folder = f"{AARCH64_SYSROOT}/lib"
    return frozenset().union(
        *(
            _symbols(f"{folder}/{name}.so.6", "--dynamic", "--defined-only")
            for name in ("libc", "libm")
        )
    )


@dataclass(frozen=True)
class Target:
    name: str
    triple: str
    cpu: str
    emulator: tuple  # the command in front of a program's
    folder: str = ""  # of what is built for it, in build/*/bin and lib
    # False: no emulator has these instructions, so the runtime must refuse the
    # artifact instead of running it.
    runs: bool = True

    @property
    def flags(self):
        """sluicec's."""
        return [f"--triple={self.triple}", f"--cpu={self.cpu}"]

    def driver(self, build):
        return Path(build) / "bin" / self.folder / "model-driver"

    def outside_symbols(self, archive):
        """What an archive needs that neither it nor libc and libm have."""
        return _symbols(archive, "--undefined-only") - (
            _symbols(archive, "--defined-only") | _system_symbols(self.triple)
        )

    def link_driver(self, build, archive, name, program):
        """The driver with the model `name` of an archive as a part of it."""
        runtime = Path(build) / "lib" / self.folder / "libsluice_runtime.a"
        command = [*COMPILER, f"--target={self.triple}", "-O1", "-std=c11"]
        command += [f"-DLINKED_MODEL=sluice_descriptor_{name}"]
        command += [f"-I{ROOT / 'runtime' / 'include'}", DRIVER, archive, runtime]
        command += ["-lpthread", "-ldl", "-lm", "-o", program]
        done = subprocess.run(map(str, command), capture_output=True, text=True)
        if done.returncode != 0:
            raise EmulationError(f"linking: {done.stderr.strip()[-400:]}")


def _aarch64(name, cpu, emulated):
    return Target(
        name,
        "aarch64-linux-gnu",
        cpu,
        ("qemu-aarch64", "-cpu", emulated, "-L", AARCH64_SYSROOT),
        "aarch64",
    )


def _x86(cpu, emulated, runs=True):
    return Target(
        cpu,
        "x86_64-linux-gnu",
        cpu,
        ("qemu-x86_64", "-cpu", emulated),
        runs=runs,
    )


TARGETS = {
    target.name: target
    for target in (
        # f16 arithmetic and dot products, no bf16.
        _aarch64("aarch64", "neoverse-n1", "neoverse-n1"),
        _aarch64("aarch64-base", "generic", "cortex-a53"),
        _aarch64("aarch64-bf16", "neoverse-v1", "max"),
        # SSE2 and nothing else, the second with SSE4.2, the third with AVX2, FMA.
        _x86("x86-64", "Opteron_G1"),
        _x86("x86-64-v2", "Nehalem"),
        _x86("x86-64-v3", "Haswell"),
        _x86("x86-64-v4", "max", runs=False),
        _x86("sapphirerapids", "max", runs=False),
    )
}


def write_tensors(path, arrays):
    """What the driver reads: element type, rank, sizes, elements of each."""
    with open(path, "wb") as file:
        for array in arrays:
            array = np.asarray(array, order="C")
            file.write(struct.pack("<ii", DTYPE_NUMBERS[array.dtype], array.ndim))
            file.write(struct.pack(f"<{array.ndim}q", *array.shape))
            file.write(array.tobytes())


def read_tensors(path):
    arrays, content, at = [], Path(path).read_bytes(), 0
    while at < len(content):
        number, rank = struct.unpack_from("<ii", content, at)
        shape = struct.unpack_from(f"<{rank}q", content, at + 8)
        at += 8 + 8 * rank
        count = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(content, DTYPES[number], count, at)
        arrays.append(array.reshape(shape).copy())
        at += array.nbytes
    return arrays


def _run(target, program, artifact, inputs, threads, timeout):
    """Runs the driver; how it ended, and the outputs it wrote, if it did."""
    with tempfile.TemporaryDirectory() as folder:
        given, results = Path(folder) / "inputs", Path(folder) / "outputs"
        write_tensors(given, inputs)
        command = [*target.emulator, program, artifact, given, results, threads]
        try:
            done = subprocess.run(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            raise EmulationError(f"timed out after {timeout} s") from None
        return done, read_tensors(results) if results.exists() else []


def run_emulated(target, build, artifact, inputs, threads=1, timeout=120, program=None):
    """Runs an artifact in the target's driver, or in `program`, a driver that
    has it linked in; returns the outputs."""
    program = program or target.driver(build)
    done, outputs = _run(target, program, artifact, inputs, threads, timeout)
    if done.returncode != 0:
        raise EmulationError(f"status {done.returncode}: {done.stderr.strip()[-400:]}")
    return outputs


def require_refusal(target, build, artifact, program=None):
    """Raises unless the runtime says that this CPU cannot run the artifact."""
    program = program or target.driver(build)
    done, _ = _run(target, program, artifact, [], 1, 60)
    if done.returncode != UNSUPPORTED_ISA or "does not have" not in done.stderr:
        raise EmulationError(
            f"not refused: status {done.returncode}: {done.stderr.strip()[-400:]}"
        )
