"""Graphs whose memory is planned in the run, and what is not written to memory."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

from cases import case

# Buffers of dynamic sizes ----------------------------------------------------


def pyramid(g, sizes):
    """Maps of all scales, each kept until it is joined with a coarser one."""
    x, scales = g.input([1, 3, *sizes], dynamic=[0, 2, 3]), []
    for channels, inner in ((8, 3), (16, 8), (32, 16)):
        x = g.Conv(x, g.weight(channels, inner, 3, 3, low=-0.2, high=0.2),
                   strides=[2, 2], pads=[1, 1, 1, 1])
        x = g.Mul(x, g.Sigmoid(x))
        scales.append(x)
    scores = []
    for channels, finer in ((16, scales[1]), (8, scales[0])):
        x = g.Resize(x, "", g.constant(np.float32([1, 1, 2, 2])), mode="nearest",
                     coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        x = g.Softmax(g.Concat(x, finer, axis=1), axis=1)
        x = g.Add(finer, g.Conv(x, g.weight(channels, 3 * channels, 1, 1)))
        scores.append(g.Reshape(x, g.constant(np.array([0, 8, -1]))))
    g.output(g.Softmax(g.Concat(*scores, axis=2), axis=2))


@case()
def memory_of_small_images(g):
    pyramid(g, [8, 24])


@case()
def memory_of_large_images(g):
    pyramid(g, [72, 104])


def joined_rows(g, rows, columns):
    """What is computed in place has the sizes of its operand, here one has not."""
    x, y = g.input([1, columns], dynamic=True), g.input([rows, columns], dynamic=True)
    weights, table = g.weight(40, 40), g.Softmax(g.input([40, 40]), axis=0)
    joined = g.Add(g.Softmax(x, axis=1), g.Softmax(y, axis=1))
    again = g.Mul(g.Softmax(joined, axis=1), g.Softmax(y, axis=0))
    g.output(g.Softmax(g.Add(again, x), axis=1))
    g.output(g.MatMul(g.Softmax(g.MatMul(weights, table), axis=1), table))


@case()
def memory_of_few_rows(g):
    joined_rows(g, 2, 3)


@case()
def memory_of_many_rows(g):
    joined_rows(g, 700, 90)


# Products of broadcast matrices ----------------------------------------------


@case(absent=["sluice.broadcast"])
def products_of_broadcast_batches(g):
    images, weights = g.input([6, 5, 20]), g.input([1, 20, 7])
    g.output(g.MatMul(images, g.Expand(weights, g.constant(np.array([6, 20, 7])))))
    swapped = g.Transpose(g.input([7, 20]), perm=[1, 0])
    g.output(g.MatMul(images, g.Expand(swapped, g.constant(np.array([6, 1, 1])))))
    x, size = g.input([4, 3, 20], dynamic=[0]), g.constant(np.array([1, 20, 7]))
    batch = g.Slice(g.Shape(x), g.constant(np.array([0])), g.constant(np.array([1])))
    size = g.Concat(batch, g.constant(np.array([20, 7])), axis=0)
    g.output(g.MatMul(x, g.Expand(weights, size)))


@case(present=["sluice.broadcast"])
def products_of_equal_rows(g):
    row, column = g.input([1, 20]), g.input([3, 20, 1])
    rows = g.Expand(row, g.constant(np.array([150, 20])))
    g.output(g.MatMul(rows, g.input([3, 20, 9])))
    columns = g.Expand(column, g.constant(np.array([3, 20, 140])))
    g.output(g.MatMul(g.input([3, 4, 20]), columns))
    g.output(g.MatMul(rows, columns))
    many = g.Expand(g.input([1, 5, 18]), g.constant(np.array([2, 5, 18])))
    g.output(g.MatMul(many, g.Expand(g.input([1, 18, 4]), g.constant(np.array([2, 18, 4])))))
    infinite = g.Expand(g.constant(np.array([[np.inf, 1, 0] * 6])), g.constant(np.array([33, 18])))
    g.output(g.MatMul(infinite, g.input([18, 6])))


def repeat_heads(g, x, shape, group, batch=None):
    """[batch, heads, rows, columns] with each head `group` times."""
    first, heads, *matrix = shape
    split, joined = [first, heads, group, *matrix], [first, heads * group, *matrix]
    if batch:
        split, joined = (g.Concat(batch, g.constant(np.array(sizes[1:])), axis=0)
                         for sizes in (split, joined))
    else:
        split, joined = g.constant(np.array(split)), g.constant(np.array(joined))
    wide = g.Expand(g.Unsqueeze(x, g.constant(np.array([2]))), split)
    return g.Reshape(wide, joined)


def grouped_attention(g, rows):
    shape = [2, 3, 17, 20]
    q, k, v = g.input([2, 6, rows, 20]), g.input(shape), g.input(shape)
    keys = g.Transpose(repeat_heads(g, k, shape, 2), perm=[0, 1, 3, 2])
    scores = g.Mul(g.MatMul(q, keys), g.constant(np.float32(0.25)))
    shares = g.Softmax(g.Add(scores, g.input([2, 1, rows, 17])), axis=3)
    g.output(g.MatMul(shares, repeat_heads(g, v, shape, 2)))


@case(absent=["sluice.broadcast"])
def attention_of_grouped_queries(g):
    grouped_attention(g, 5)


@case(absent=["sluice.broadcast"])
def attention_of_one_grouped_query(g):
    grouped_attention(g, 1)


@case(absent=["sluice.broadcast"])
def products_of_repeated_heads(g):
    """On the left, and with a batch of the run."""
    k, q = g.input([2, 3, 7, 20]), g.input([2, 12, 20, 5])
    g.output(g.MatMul(repeat_heads(g, k, [2, 3, 7, 20], 4), q))
    turned = g.Transpose(g.input([2, 12, 20, 6]), perm=[0, 1, 3, 2])
    g.output(g.MatMul(turned, g.Transpose(repeat_heads(g, k, [2, 3, 7, 20], 4),
                                          perm=[0, 1, 3, 2])))
    x, y = g.input([3, 2, 9, 8], dynamic=[0]), g.input([3, 6, 8, 9], dynamic=[0])
    batch = g.Slice(g.Shape(x), g.constant(np.array([0])), g.constant(np.array([1])))
    g.output(g.MatMul(repeat_heads(g, x, [3, 2, 9, 8], 3, batch), y))
