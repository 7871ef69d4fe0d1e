"""Fourier transforms of every kind of length, against NumPy in double precision."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

# Powers of two, small factors, primes that are too large for a step, and
# lengths that are split into two transforms.
LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8, 11, 13, 17, 29, 30, 64, 97, 120, 251, 400, 512,
           1000, 1021, 2048, 5120, 10007, 16384)


def _parts(complex_numbers):
    return np.stack([complex_numbers.real, complex_numbers.imag], -1).astype(np.float32)


def _complex(parts):
    wide = parts.astype(np.float64)
    return wide[..., 0] + 1j * wide[..., 1] if parts.shape[-1] == 2 else wide[..., 0]


def _int(value):
    return np.array(value, np.int64)


def _transforms(make, numbers):
    def case(name, inputs, expected, opset=20, **attributes):
        # Sums of n numbers, whose rounding errors grow with their root.
        scale = float(np.abs(expected).max()) if expected.size else 1.0
        return make(f"dft_{name}", "DFT", inputs, opset, attributes, constant=(2,),
                    expected=(expected.astype(np.float32),), rtol=1e-4,
                    atol=2e-6 * scale + 1e-7, known={0: (-1,)})

    for n in LENGTHS:
        batch = 3 if n > 4096 else 19
        x = numbers(batch, n, 2)
        yield case(f"complex{n}", [x], _parts(np.fft.fft(_complex(x), axis=1)))
        if n in (6, 17, 512, 1021, 10007):
            yield case(f"inverse{n}", [x], _parts(np.fft.ifft(_complex(x), axis=1)),
                       inverse=1)
            real = numbers(batch, n, 1)
            yield case(f"onesided{n}", [real], _parts(np.fft.rfft(_complex(real), axis=1)),
                       onesided=1)
            half = numbers(batch, n // 2 + 1, 2)
            yield case(f"inverse_onesided{n}", [half, _int(n)],
                       np.fft.irfft(_complex(half), n=n, axis=1)[..., None],
                       inverse=1, onesided=1)
    x = numbers(4, 9, 5, 10, 2)
    for axis in (0, 1, 2, 3, -2, -4):
        at = axis if axis >= 0 else axis + 5
        yield case(f"axis{axis}", [x, None, _int(axis)],
                   _parts(np.fft.fft(_complex(x), axis=at)))
        yield case(f"opset17_axis{axis}", [x], _parts(np.fft.fft(_complex(x), axis=at)), 17,
                   axis=at)
    for wanted in (1, 6, 10, 17, 33):
        yield case(f"length{wanted}", [x, _int(wanted)],
                   _parts(np.fft.fft(_complex(x), n=wanted, axis=3)))
    half = numbers(2, 7, 2)
    yield case("inverse_onesided_default", [half],
               np.fft.irfft(_complex(half), axis=1)[..., None], inverse=1, onesided=1)
    yield case("long", [numbers(1, 1 << 17, 1)],
               _parts(np.fft.fft(_complex(numbers(1, 1 << 17, 1)), axis=1)))


def _frames(signal, step, window, length, onesided):
    count = (signal.shape[1] - length) // step + 1
    frames = np.stack([signal[:, i * step:i * step + length] for i in range(count)], 1)
    frames = frames * (1.0 if window is None else window.astype(np.float64))
    return _parts((np.fft.rfft if onesided else np.fft.fft)(frames, axis=2))


def _short_time(make, numbers):
    for name, batch, size, step, length, windowed, parts, onesided in (
        ("speech", 1, 3000, 160, 400, True, 1, 1),
        ("half_overlap", 2, 2048, 256, 512, True, 1, 1),
        ("no_window", 1, 100, 7, 17, False, 1, 1),
        ("complex", 2, 200, 10, 32, True, 2, 0),
        ("two_sided", 1, 200, 16, 64, True, 1, 0),
        ("one_frame", 1, 64, 100, 64, True, 1, 1),
    ):
        signal = numbers(batch, size, parts)
        window = np.hanning(length).astype(np.float32) if windowed else None
        expected = _frames(_complex(signal), step, window, length, onesided)
        yield make(f"stft_{name}", "STFT", [signal, _int(step), window, _int(length)], 17,
                   {"onesided": onesided}, constant=(1, 2, 3), expected=(expected,),
                   atol=1e-5 * float(np.abs(expected).max()), known={0: (-1,)})


def cases(make, numbers):
    """`make` builds a case, `numbers` makes random tensors of a shape."""
    yield from _transforms(make, numbers)
    yield from _short_time(make, numbers)
