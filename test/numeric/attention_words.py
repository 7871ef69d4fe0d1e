"""Words for attention in numpy, in f64, and in nodes of a graph."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

LOWEST = float(np.finfo(np.float32).min)
BLOCK = 64


# The equations ---------------------------------------------------------------------


def softmax(x, axis=-1):
    power = np.exp(x - x.max(axis, keepdims=True))
    return power / power.sum(axis, keepdims=True)


def attend(q, k, v, visible=True, bias=0.0):
    """softmax(q k' / sqrt(d)) v over what is visible; [..., tokens, elements]."""
    q, k, v = (np.asarray(t, np.float64) for t in (q, k, v))
    scores = q @ k.swapaxes(-1, -2) * q.shape[-1] ** -0.5 + bias
    return softmax(np.where(visible, scores, -np.inf)) @ v


def best(scores, count):
    """Which elements of each row are the `count` highest."""
    order = np.argsort(-scores, axis=-1, kind="stable")[..., :count]
    chosen = np.zeros(scores.shape, bool)
    np.put_along_axis(chosen, order, True, axis=-1)
    return chosen


def spread(blocks, size=BLOCK):
    return np.repeat(np.repeat(blocks, size, axis=-2), size, axis=-1)


def causal(queries, keys=None):
    keys = keys or queries
    return np.arange(keys) <= np.arange(keys - queries, keys)[:, None]


# The graphs ------------------------------------------------------------------------


class Attention:
    """Words for the nodes of attention."""

    def __init__(self, g):
        self.g = g

    def inputs(self, *shape, count=3):
        """Random tensors; their names and values."""
        names = [self.g.input(list(shape)) for _ in range(count)]
        return [*names, *(self.g.feeds[name] for name in names)]

    def ints(self, *values):
        return self.g.constant(np.array(values, np.int64))

    def reshape(self, x, *shape):
        return self.g.Reshape(x, self.ints(*shape))

    def scores(self, q, k, size):
        g = self.g
        rank = len(self.shape_of(k))
        order = [*range(rank - 2), rank - 1, rank - 2]
        turned = g.Transpose(k, perm=order)
        return g.Mul(g.MatMul(q, turned), g.constant(np.float32(size**-0.5)))

    def shape_of(self, name):
        return self.g.feeds[name].shape if name in self.g.feeds else self.shapes[name]

    shapes = {}

    def declare(self, name, *shape):
        """For what is computed: `scores` asks for its rank."""
        self.shapes = {**self.shapes, name: shape}
        return name

    def attend(self, q, k, v, size, mask=None, addend=None):
        """`mask`: what is visible; `addend`: numbers that are added."""
        g = self.g
        scores = self.scores(q, k, size)
        if addend is not None:
            scores = g.Add(scores, addend)
        if mask is not None:
            scores = g.Where(mask, scores, g.constant(np.float32(LOWEST)))
        return g.MatMul(g.Softmax(scores, axis=-1), v)

    def fixed(self, visible):
        """A constant mask that is added, as exporters write it."""
        return self.g.constant(np.where(visible, 0, LOWEST).astype(np.float32))

    def means(self, x, heads, tokens, size, block=BLOCK):
        """The mean of each block of tokens."""
        split = self.reshape(x, 1, heads, tokens // block, block, size)
        mean = self.g.ReduceMean(split, axes=[3], keepdims=0)
        return self.declare(mean, 1, heads, tokens // block, size)

    def choose(self, scores, count):
        """1 at the `count` highest of each row, 0 elsewhere."""
        g = self.g
        _, places = g.node("TopK", [scores, self.ints(count)], count=2, axis=-1)
        zeros = g.Mul(scores, g.constant(np.float32(0)))
        ones = g.Add(g.Mul(g.Cast(places, to=1), g.constant(np.float32(0))),
                     g.constant(np.float32(1)))
        return g.ScatterElements(zeros, places, ones, axis=-1)

    def expand(self, blocks, heads, queries, keys, block=BLOCK):
        """A mask of blocks as one of tokens."""
        g = self.g
        rows, columns = queries // block, keys // block
        inserted = g.Unsqueeze(g.Cast(blocks, to=9), self.ints(3, 5))
        wide = g.Expand(inserted, self.ints(1, heads, rows, block, columns, block))
        return self.reshape(wide, 1, heads, queries, keys)
