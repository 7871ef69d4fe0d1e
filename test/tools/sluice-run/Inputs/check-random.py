"""Checks what random operators gave against the documented generator.

    check-random.py OUTPUTS.npz SEED

Philox 4x32-10 (Salmon et al., SC 2011) in NumPy; the order of draws is that of
the nodes in random-operators.test.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import sys

import numpy as np


def philox(block, draw, seed):
    low = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    block = block.astype(np.uint64)
    c0, c1 = block & low, block >> shift
    c2 = np.full_like(block, draw & 0xFFFFFFFF)
    c3 = np.full_like(block, draw >> 32)
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        first, second = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c2 = (second >> shift) ^ c1 ^ np.uint64(k0), (first >> shift) ^ c3 ^ np.uint64(k1)
        c1, c3 = second & low, first & low
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3])


def words(count, draw, seed):
    """The 32 bits behind each element, as chunks of four rows of 16."""
    chunks = -(-count // 64)
    made = philox(np.arange(16 * chunks), draw, seed)
    return made.reshape(4, chunks, 16).transpose(1, 0, 2)


def uniform(count, draw, seed):
    return ((words(count, draw, seed) >> np.uint64(8)) / 2.0**24).reshape(-1)[:count]


def normal(count, draw, seed):
    bits = words(count, draw, seed) >> np.uint64(8)
    radius = np.sqrt(-2 * np.log((bits[:, 0::2] + np.uint64(1)) / 2.0**24))
    angle = 2 * np.pi * bits[:, 1::2] / 2.0**24
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 2)
    return pairs.reshape(len(bits), 4, 16).reshape(-1)[:count]


def main():
    known = philox(np.zeros(1), 0, 0)[:, 0]
    assert [hex(word) for word in known] == [
        "0x6627e8d5", "0xe169c58d", "0xbc57ac4c", "0x9b00dbd8"]
    outputs, seed = np.load(sys.argv[1]), int(sys.argv[2])
    count = 3 * 1001
    np.testing.assert_allclose(outputs["uniform"].reshape(-1),
                               -2 + 5 * uniform(count, 0, seed), rtol=0, atol=1e-6)
    np.testing.assert_allclose(outputs["normal"].reshape(-1),
                               1 + 3 * normal(count, 1, seed), rtol=0, atol=2e-5)
    # A seed of the node comes before the context's.
    own = int(np.float32(7).view(np.uint32))
    np.testing.assert_allclose(outputs["seeded"], uniform(77, 2, own), rtol=0, atol=1e-7)
    drawn = outputs["bernoulli"]
    np.testing.assert_array_equal(drawn, uniform(count, 3, seed).reshape(3, 1001) < 0.25)
    assert abs(drawn.mean() - 0.25) < 0.03
    classes = outputs["multinomial"]
    share = np.bincount(classes.reshape(-1), minlength=3) / classes.size
    np.testing.assert_allclose(share, [0.2, 0.0, 0.8], atol=0.03)
    kept = outputs["dropped"]
    mask = outputs["mask"]
    assert abs(mask.mean() - 0.6) < 0.04
    np.testing.assert_allclose(kept, np.where(mask, np.float32(1 / 0.6), 0), rtol=1e-6)
    # Every iteration of a loop draws numbers of its own.
    steps = outputs["steps"]
    assert steps.shape == (3, 8) and len(np.unique(steps)) == 24
    print("as documented")


if __name__ == "__main__":
    main()
