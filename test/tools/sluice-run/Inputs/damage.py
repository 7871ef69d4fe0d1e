"""damage.py ARTIFACT: runs damaged copies of an artifact."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import random
import subprocess
import sys
from pathlib import Path


TRAILER = 48  # bytes of sluice_artifact_trailer


def refused(path):
    """Runs an artifact; that it is refused with one message."""
    result = subprocess.run(
        ["sluice-run", path, "--random"], capture_output=True, text=True
    )
    lines = result.stderr.splitlines()
    what = f"{path}: {result.returncode} {result.stdout}{result.stderr}"
    # One flipped bit can make another architecture of it.
    assert result.returncode in (2, 3), what
    assert len(lines) == 1 and lines[0].startswith("error: "), what
    assert not result.stdout, what


def main():
    good = Path(sys.argv[1]).read_bytes()
    bad = Path("damaged.so")
    chance = random.Random(1)
    # The last of them cut nothing that is loaded: a part of the trailer, or all.
    cuts = [0, 1, 16, 63, 64, len(good) // 4, len(good) // 2]
    cuts += [len(good) - lost for lost in (TRAILER, TRAILER - 1, 1)]
    versions = [good[:length] for length in cuts] + [good + b"more"]
    for _ in range(40):
        copy = bytearray(good)
        copy[chance.randrange(len(good))] ^= 1 << chance.randrange(8)
        versions.append(copy)
    versions += [b"#!/bin/sh\n", b"\x7fELF" * 100, bytes(4096)]
    for content in versions:
        bad.write_bytes(content)
        refused(bad)
    refused(Path("."))
    refused(Path("none.so"))
    refused(Path("/dev/zero"))
    print("refused every one")


if __name__ == "__main__":
    main()
