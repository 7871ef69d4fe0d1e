"""Runs sluicec and measures it."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

OK, UNSUPPORTED = 0, 3


@dataclass
class Outcome:
    """How a child process ended."""

    status: int  # exit code, negative for a signal
    seconds: float
    peak_bytes: int  # resident set
    output: str  # standard output
    messages: str  # standard error
    timed_out: bool = False

    def first_message(self):
        """The line that says most, for lists and tables."""
        if self.timed_out:
            return f"timed out after {self.seconds:.0f} s"
        if self.status < 0:
            return f"killed by {signal.Signals(-self.status).name}"
        lines = [line.strip() for line in self.messages.splitlines() if line.strip()]
        for line in lines:
            if "error" in line.lower():
                return line
        return lines[0] if lines else f"exit code {self.status}"


def measured_run(command, timeout, environment=None):
    """Runs a command to its end and reports time and peak memory of it alone."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        child = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environment,
        )
        expired = threading.Event()

        def expire():
            expired.set()
            child.kill()

        timer = threading.Timer(timeout, expire)
        timer.start()
        try:
            # wait4 gives this child's own peak, not the largest of all so far.
            _, raw_status, usage = os.wait4(child.pid, 0)
        finally:
            timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(raw_status)
        out.seek(0)
        err.seek(0)
        return Outcome(
            status=child.returncode,
            seconds=time.monotonic() - start,
            peak_bytes=usage.ru_maxrss * 1024,
            output=out.read().decode(errors="replace"),
            messages=err.read().decode(errors="replace"),
            timed_out=expired.is_set(),
        )


def require(build):
    """Ends the program when there is no compiler to test."""
    if not (Path(build) / "bin" / "sluicec").exists():
        sys.exit(f"no {build}/bin/sluicec: run ./dev build first")


def compile_model(build, model, artifact, options=(), timeout=300):
    """sluicec MODEL -o ARTIFACT; `build` is the build folder."""
    command = [Path(build) / "bin" / "sluicec", model, "-o", artifact, *options]
    return measured_run(command, timeout)
