"""Runs sluicec and measures it."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

OK, UNSUPPORTED = 0, 3
LAUNCHER = str(Path(__file__).resolve().parent / "launcher.py")


@dataclass
class Outcome:
    """How a child process ended."""

    status: int  # exit code, negative for a signal
    seconds: float
    processor_seconds: float  # of all its threads
    peak_bytes: int  # resident set
    output: str  # standard output
    messages: str  # standard error
    timed_out: bool = False

    def first_message(self):
        """The line that says most, for lists and tables."""
        if self.timed_out:
            return f"timed out after {self.seconds:.0f} s"
        if self.status < 0 or "Stack dump:" in self.messages:
            # The innermost of our functions that LLVM's stack trace names.
            place = re.search(r"\bsluice::[^ (]*", self.messages.partition("#0")[2])
            name = signal.Signals(-self.status).name if self.status < 0 else "crash"
            return f"{name} in {place.group()}" if place else name
        lines = [line.strip() for line in self.messages.splitlines() if line.strip()]
        for line in lines:
            if "error" in line.lower():
                return line
        return lines[0] if lines else f"exit code {self.status}"


# `  NODE: OPERATOR (opset N) on (TYPES): REASON`; inputs have no opset.
REFUSED_NODE = re.compile(r"^  .*?: (\S.*?)(?: \(opset \d+\))? on \(.*\): (.*)$")


def refusal(outcome):
    """Why sluicec refuses a model: the operators by reason, names left out."""
    reasons = {}
    for line in outcome.messages.splitlines():
        match = REFUSED_NODE.match(line)
        if match:
            reasons.setdefault(match.group(2), set()).add(match.group(1))
    if not reasons:
        return outcome.first_message()
    return "; ".join(
        f"{', '.join(sorted(operators))}: {reason}"
        for reason, operators in reasons.items()
    )


def measured_run(command, timeout):
    """Runs a command to its end and reports time and peak memory of it alone."""
    report, theirs = os.pipe()
    launcher = [sys.executable, "-I", "-S", LAUNCHER, str(theirs)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        child = subprocess.Popen(
            launcher + [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            pass_fds=[theirs],
            # A group of its own, so that all of it can be ended.
            start_new_session=True,
        )
        os.close(theirs)
        timed_out = False
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        seconds = time.monotonic() - start
        words = os.read(report, 100).split()
        os.close(report)
        out.seek(0)
        err.seek(0)
        return Outcome(
            status=int(words[0]) if words else -signal.SIGKILL,
            seconds=seconds,
            processor_seconds=float(words[2]) if words else 0.0,
            peak_bytes=int(words[1]) * 1024 if words else 0,
            output=out.read().decode(errors="replace"),
            messages=err.read().decode(errors="replace"),
            timed_out=timed_out,
        )


def require(build):
    """Ends the program when there is no compiler to test."""
    if not (Path(build) / "bin" / "sluicec").exists():
        sys.exit(f"no {build}/bin/sluicec: run ./dev build first")


def compile_model(build, model, artifact, options=(), timeout=300):
    """sluicec MODEL -o ARTIFACT; `build` is the build folder."""
    command = [Path(build) / "bin" / "sluicec", model, "-o", artifact, *options]
    return measured_run(command, timeout)


def compile_verified(build, model, artifact, options=(), timeout=300):
    """The same for tests: the program is verified after every pass."""
    options = [*options, "--verify-each"]
    return compile_model(build, model, artifact, options, timeout)
