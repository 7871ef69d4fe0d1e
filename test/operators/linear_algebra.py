"""Determinants and inverses, against NumPy in double precision."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np


def cases(make, numbers):
    """`make` builds a case, `numbers` makes random tensors of a shape."""
    for size in (1, 2, 3, 4, 7, 16, 17, 33):
        x = numbers(5, size, size)
        # Pivots are needed where the diagonal is zero.
        x[0, range(size), range(size)] = 0 if size > 1 else 2
        wide = x.astype(np.float64)
        expected = np.linalg.det(wide).astype(np.float32)
        yield make(f"det{size}", "Det", [x], 22, expected=(expected,), rtol=1e-3,
                   atol=1e-5 * float(np.abs(expected).max()))
        well = x + np.float32(3 * size) * np.eye(size, dtype=np.float32)[::-1]
        inverse = np.linalg.inv(well.astype(np.float64)).astype(np.float32)
        yield make(f"inverse{size}", "Inverse", [well], domain="com.microsoft",
                   expected=(inverse,))
    singular = np.ones((2, 3, 3), np.float32)
    yield make("det_singular", "Det", [singular], 22, expected=(np.zeros(2, np.float32),))
    yield make("det_scalar", "Det", [numbers(4, 4)], 22,
               expected=(np.float32(np.linalg.det(numbers(4, 4).astype(np.float64))),))
    yield make("det_double", "Det", [numbers(2, 2, 6, 6).astype(np.float64)], 22,
               expected=(np.linalg.det(numbers(2, 2, 6, 6).astype(np.float64)),))
