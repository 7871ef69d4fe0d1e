"""Realistic inputs, made from a seed: pictures, text lines, sounds, files."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

from support.paths import ROOT

# A 5x7 pixel font, rows from the top, one hexadecimal digit pair per row.
FONT = {
    "A": "0e11111f111111", "C": "0e11101010110e", "D": "1c12111111121c",
    "E": "1f10101e10101f", "H": "1111111f111111", "I": "0e04040404040e",
    "L": "1010101010101f", "M": "111b1515111111", "N": "11111915131111",
    "O": "0e11111111110e", "P": "1e11111e101010", "R": "1e11111e141211",
    "S": "0f10100e01011e", "T": "1f040404040404", "U": "1111111111110e",
    "0": "0e11131519110e", "1": "040c040404040e", "2": "0e11010204081f",
    "4": "02060a121f0202", " ": "00000000000000",
}


def text_picture(text, height, width, scale):
    """Dark text on light ground, [height, width] in 0..1, slightly blurred."""
    picture = np.ones((height, width), np.float32)
    top, left = (height - 7 * scale) // 2, 2 * scale
    for letter in text:
        rows = bytes.fromhex(FONT[letter])
        glyph = np.array([[row >> bit & 1 for bit in range(4, -1, -1)] for row in rows])
        glyph = np.kron(glyph, np.ones((scale, scale)))
        if left + glyph.shape[1] > width:
            break
        region = picture[top : top + glyph.shape[0], left : left + glyph.shape[1]]
        region[glyph > 0] = 0.1
        left += 6 * scale
    blurred = picture.copy()
    for axis in (0, 1):
        blurred = 0.5 * blurred + 0.25 * (
            np.roll(blurred, 1, axis) + np.roll(blurred, -1, axis)
        )
    return blurred


def photograph(seed, channels, height, width):
    """Smooth colours, some discs and a little noise, in 0..1."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:1:height * 1j, 0:1:width * 1j]
    planes = []
    for _ in range(channels):
        a, b, c = random.uniform(-1, 1, 3)
        planes.append(0.5 + 0.3 * (a * rows + b * columns + c * rows * columns))
    picture = np.stack(planes)
    for _ in range(6):
        y, x, radius = random.uniform(0, 1, 3) * (1, 1, 0.3)
        inside = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
        picture[:, inside] = random.uniform(0, 1, (channels, 1))
    picture += random.normal(0, 0.03, picture.shape)
    return picture.clip(0, 1).astype(np.float32)


def voice(seed, samples, rate):
    """A vowel: harmonics of a gliding pitch, louder near three formants."""
    random = np.random.default_rng(seed)
    time = np.arange(samples) / rate
    pitch = random.uniform(100, 200) * (1 + 0.05 * np.sin(2 * np.pi * 3 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    signal = np.zeros(samples)
    for harmonic in range(1, 30):
        frequency = harmonic * float(pitch.mean())
        loudness = sum(
            np.exp(-(((frequency - formant) / 150) ** 2))
            for formant in (700, 1200, 2600)
        )
        signal += (0.05 + loudness) * np.sin(harmonic * phase)
    signal += random.normal(0, 0.05, samples)
    return (0.3 * signal / np.abs(signal).max()).astype(np.float32)


def chords(seed, samples, rate):
    """Notes that start one after the other and fade, each with overtones."""
    random = np.random.default_rng(seed)
    signal = np.zeros(samples)
    for start in range(0, samples, rate // 4):
        note = 440 * 2 ** ((random.integers(40, 80) - 69) / 12)
        time = np.arange(samples - start) / rate
        for overtone in range(1, 6):
            wave = np.sin(2 * np.pi * note * overtone * time)
            signal[start:] += wave * np.exp(-3 * time) / overtone
    # A noise floor, without which the model takes logarithms of rounding errors.
    signal = 0.5 * signal / np.abs(signal).max() + random.normal(0, 1e-3, samples)
    return signal.astype(np.float32)


def _normalized(picture):
    """PaddleOCR's -1..1."""
    return ((picture - 0.5) / 0.5)[None].astype(np.float32)


def opennsfw(seed):
    picture = photograph(seed, 3, 224, 224).transpose(1, 2, 0) * 255
    return {"input:0": (picture - (104, 117, 123))[None].astype(np.float32)}


def ppocr_det(seed):
    picture = photograph(seed, 3, 320, 480) * 0.3 + 0.6
    picture[:, 80:160] *= text_picture("SLUICE 2024", 80, 480, 7)
    picture[:, 200:260] *= text_picture("MODEL TO CODE", 60, 480, 5)
    mean = np.array([0.485, 0.456, 0.406]).reshape(3, 1, 1)
    deviation = np.array([0.229, 0.224, 0.225]).reshape(3, 1, 1)
    return {"x": ((picture - mean) / deviation)[None].astype(np.float32)}


def ppocr_cls(seed):
    text = np.repeat(text_picture("SLUICE", 48, 192, 4)[None], 3, 0)
    return {"x": _normalized(text if seed % 2 else text[:, ::-1, ::-1])}


def ppocr_rec(seed):
    words = ("SLUICE 2024", "ONNC 104", "COMPILE")
    text = text_picture(words[seed % 3], 48, 320, 4)
    return {"x": _normalized(np.repeat(text[None], 3, 0))}


def ddddocr(seed):
    text = text_picture(("PLUM", "2042", "SODA")[seed % 3], 64, 160, 6)
    return {"input1": _normalized(text[None])}


def ddddocr_det(seed):
    picture = photograph(seed, 3, 416, 416)
    picture[:, 150:230, 60:360] *= text_picture("SLUICE", 80, 300, 7)
    return {"images": (picture * 255)[None].astype(np.float32)}


def nudenet(seed):
    return {"images": photograph(seed, 3, 320, 320)[None]}


def silero(seed):
    random = np.random.default_rng(seed)
    state = np.tanh(random.normal(0, 0.5, (2, 1, 128))).astype(np.float32)
    return {
        "input": voice(seed, 576, 16000)[None],
        "state": state,
        "sr": np.array(16000, np.int64),
    }


def silero_sequence(seed):
    frames = voice(seed, 576 * 31, 16000).reshape(31, 576)
    zero = np.zeros((1, 1, 128), np.float32)
    return {"input": frames, "h": zero, "c": zero}


def magika_bytes(content):
    """What magika reads of a file: both ends, without blanks, padded with 256."""
    content = content.strip()
    begin = list(content[:1024])
    end = list(content[-1024:])
    begin += [256] * (1024 - len(begin))
    end = [256] * (1024 - len(end)) + end
    return begin + end


def magika(seed):
    names = ("LICENSE", "CMakeLists.txt", "dev", "CMakePresets.json")
    rows = [magika_bytes((ROOT / name).read_bytes()) for name in names]
    return {"bytes": np.array(rows[: 1 + seed % 4], np.int32)}


def basic_pitch(seed):
    return {"serving_default_input_2:0": chords(seed, 43844, 22050)[None, :, None]}


def images(size):
    """Normalised photographs for the classifiers."""
    return lambda seed: {
        "input": (photograph(seed, 3, size, size)[None] - 0.45) / np.float32(0.225)
    }


def bert(vocabulary, batch, sequence):
    def make(seed):
        random = np.random.default_rng(seed)
        ids = random.integers(1, vocabulary, (batch, sequence))
        mask = np.ones((batch, sequence), np.int64)
        # The last sentence is shorter than the others.
        mask[-1, sequence - sequence // 4 :] = 0
        types = np.zeros((batch, sequence), np.int64)
        types[:, sequence // 2 :] = 1
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}

    return make


def gpt2(vocabulary, layers, heads, size, sequence=0, past=0):
    def make(seed):
        random = np.random.default_rng(seed)
        values = {"input_ids": random.integers(0, vocabulary, (1, sequence or 1))}
        for layer in range(layers if past else 0):
            for kind in ("key", "value"):
                cache = random.normal(0, 1, (1, heads, past, size))
                values[f"past_key_values.{layer}.{kind}"] = cache.astype(np.float32)
        return values

    return make


def hidden_states(sequence, width):
    return lambda seed: {
        "hidden_states": np.random.default_rng(seed)
        .normal(0, 1, (1, sequence, width))
        .astype(np.float32)
    }
