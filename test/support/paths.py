"""Where things are: the repository, a build, the download and model cache."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# SLUICE_CACHE lets several work trees share one cache.
CACHE = Path(os.environ.get("SLUICE_CACHE", ROOT / ".cache"))
DEFAULT_BUILD = ROOT / "build" / "release"


def scratch(name):
    """A folder for files that a run makes and may delete."""
    folder = CACHE / "scratch" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
