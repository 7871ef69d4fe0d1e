"""Mixtures of experts as graphs spell them: each must have its tokens grouped by expert and
give what the nodes do, NaN among the tokens included."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

from cases import case

ROUTED = {"present": ["sluice.grouped_matmul"], "absent": ["sluice.scatter_elements"]}
TOKENS, EXPERTS, SLOTS, HIDDEN, INNER = 13, 4, 2, 12, 20
# With experts that do nothing.
CHOICES = EXPERTS + 2


def integers(g, *values):
    return g.constant(np.array(values, np.int64))


def routing(g, x, choices=EXPERTS, slots=SLOTS):
    """The weights and numbers of each token's experts."""
    scores = g.Softmax(g.MatMul(x, g.weight(HIDDEN, choices)), axis=-1)
    best, ids = g.node("TopK", [scores, integers(g, slots)], 2, axis=-1)
    return g.Div(best, g.ReduceSum(best, integers(g, -1), keepdims=1)), ids


def expert(g, x, gated=True, biased=False):
    hidden = g.MatMul(x, g.weight(HIDDEN, INNER))
    if biased:
        hidden = g.Add(hidden, g.weight(INNER))
    active = g.Mul(hidden, g.Sigmoid(hidden))
    if gated:
        active = g.Mul(active, g.MatMul(x, g.weight(HIDDEN, INNER)))
    y = g.MatMul(active, g.weight(INNER, HIDDEN))
    return g.Add(y, g.weight(HIDDEN)) if biased else y


def tokens(g, dynamic):
    x = g.input([TOKENS, HIDDEN], dynamic=(0,) if dynamic else ())
    g.feeds[x][3, 5] = np.nan
    g.feeds[x][7, 0] = np.inf
    return x


def by_expert(g, x, ids, weights, add, total=None, compute=expert, **kind):
    """A list of tokens for each expert, their rows, and `add` at their places."""
    one_hot = g.OneHot(ids, integers(g, CHOICES), integers(g, 0, 1))
    mask = g.Transpose(one_hot, perm=[2, 1, 0])
    flat = g.Reshape(weights, integers(g, -1, 1))
    number = lambda i: g.constant(np.array(i, np.int64))
    total = total or g.Expand(g.constant(0.0), g.Shape(x))
    for e in range(EXPERTS):
        own = g.NonZero(g.Gather(mask, number(e), axis=0))
        slot, token = (g.Gather(own, number(i), axis=0) for i in (0, 1))
        rows = compute(g, g.Gather(x, token, axis=0), **kind)
        place = g.Add(g.Mul(token, integers(g, SLOTS)), slot)
        rows = g.Mul(rows, g.Gather(flat, place, axis=0))
        total = add(total, token, rows)
    return total


def adding(g):
    def add(total, token, rows):
        places = g.Expand(g.Unsqueeze(token, integers(g, 1)), g.Shape(rows))
        return g.ScatterElements(total, places, rows, axis=0, reduction="add")

    return add


@case(**ROUTED)
def experts_added(g):
    x = tokens(g, dynamic=True)
    weights, ids = routing(g, x)
    g.output(by_expert(g, x, ids, weights, adding(g), biased=True))


@case(**ROUTED)
def experts_and_none(g):
    """Tokens that choose nothing get nothing, also of what follows the products; and
    layers that add to what the one before has given."""
    x = tokens(g, dynamic=True)

    def residual(g, rows):
        return g.Add(rows, expert(g, rows))

    for _ in range(2):
        weights, ids = routing(g, x, CHOICES)
        x = by_expert(g, x, ids, weights, adding(g), x, residual)
    g.output(x)


@case()
def experts_of_samples(g):
    """Each sample has one expert for all its positions, a list of numbers without slots;
    and one token is added to more rows than there are tokens."""
    x = g.input([TOKENS, 3, HIDDEN], dynamic=[0])
    router = g.weight(HIDDEN, EXPERTS)
    ids = g.ArgMax(g.MatMul(g.ReduceSum(x, integers(g, 1), keepdims=0), router), axis=-1,
                   keepdims=0)
    total = g.Expand(g.constant(0.0), g.Shape(x))
    for e in range(EXPERTS):
        own = g.NonZero(g.Equal(ids, g.constant(np.array(e, np.int64))))
        places = g.Transpose(own, perm=[1, 0])
        total = g.ScatterND(total, places, expert(g, g.GatherND(x, places)))
    g.output(total)
    one, more = g.input([1, HIDDEN], dynamic=[0]), g.input([20, HIDDEN], dynamic=[0])
    weights, ids = routing(g, one)
    g.output(by_expert(g, one, ids, weights, adding(g), more))


@case(**ROUTED)
def experts_one_each(g):
    """One expert for each token, found by a mask without slots."""
    x = tokens(g, dynamic=True)
    weights, ids = routing(g, x, slots=1)
    total = g.Expand(g.constant(0.0), g.Shape(x))
    for e in range(EXPERTS):
        mask = g.Equal(ids, g.constant(np.array(e, np.int64)))
        token = g.Gather(g.NonZero(g.Squeeze(mask, integers(g, 1))),
                         g.constant(np.array(0, np.int64)), axis=0)
        rows = g.Mul(expert(g, g.Gather(x, token, axis=0)),
                     g.Gather(weights, token, axis=0))
        total = adding(g)(total, token, rows)
    g.output(total)


@case(**ROUTED)
def experts_put_and_added(g):
    """As PyTorch exports index_add, which no token is in twice."""
    x = tokens(g, dynamic=True)
    weights, ids = routing(g, x)

    def add(total, token, rows):
        places = g.Expand(g.Unsqueeze(token, integers(g, 1)), g.Shape(rows))
        zeros = g.Expand(g.constant(0.0), g.Shape(total))
        return g.Add(total, g.ScatterElements(zeros, places, rows, axis=0))

    g.output(by_expert(g, x, ids, weights, add))


def gated_sum(g, x, gates, **kind):
    total = None
    for e in range(EXPERTS):
        gate = g.Slice(gates, integers(g, e), integers(g, e + 1), integers(g, -1))
        part = g.Mul(gate, expert(g, x, **kind))
        total = g.Add(total, part) if total else part
    return total


@case({"": {}, "exact": {"flags": ["--moe=exact"], "present": [],
                         "absent": ["sluice.grouped_matmul"]}},
      present=["sluice.grouped_matmul"])
def experts_gated_by_scatter(g):
    x = tokens(g, dynamic=True)
    weights, ids = routing(g, x)
    scores = g.MatMul(x, g.weight(HIDDEN, EXPERTS))
    zeros = g.Expand(g.constant(0.0), g.Shape(scores))
    gates = g.ScatterElements(zeros, ids, weights, axis=1)
    g.output(g.Add(x, gated_sum(g, x, gates, biased=True)))


@case(present=["sluice.grouped_matmul"])
def experts_gated_by_one_hot(g):
    x = tokens(g, dynamic=True)
    weights, ids = routing(g, x)
    one_hot = g.OneHot(ids, integers(g, EXPERTS), g.constant(np.float32([0, 1])))
    gates = g.ReduceSum(g.Mul(one_hot, g.Unsqueeze(weights, integers(g, 2))), integers(g, 1),
                        keepdims=0)
    g.output(gated_sum(g, x, gates, gated=False))
