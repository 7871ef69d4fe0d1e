"""Attention as graphs spell it: every kind of scale, mask and order must become one op
and give what the nodes do, rows that see no key among them."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

from cases import case

FUSED = {"present": ["sluice.attention"], "absent": ["sluice.softmax"]}
LOWEST = float(np.finfo(np.float32).min)
FILLS = {
    "infinite": -np.inf,
    "lowest": LOWEST,
    "billion": -1e9,
    "half": -65504.0,
    "tenthousand": -1e4,
}
B, H, S, T, D = 2, 4, 6, 9, 8


def inputs(g, dynamic=False, queries=S, keys=T, heads=H):
    hidden = [0, 2] if dynamic else False
    return (g.input([B, H, queries, D], dynamic=hidden),
            g.input([B, heads, keys, D], dynamic=hidden),
            g.input([B, heads, keys, D], dynamic=hidden))


def scores(g, q, k):
    return g.Mul(g.MatMul(q, g.Transpose(k, perm=[0, 1, 3, 2])), g.constant(D**-0.5))


def finish(g, x, v):
    g.output(g.MatMul(g.Softmax(x, axis=-1), v))


def each(name, variants, **facts):
    """Registers one case for each variant, which the graph gets."""

    def register(build):
        for suffix, variant in variants.items():
            def made(g, variant=variant):
                build(g, variant)

            made.__name__ = f"{name}_{suffix}"
            case(**{**FUSED, **facts})(made)
        return build

    return register


def forms(names):
    return {f"{name}_{form}": (value, form == "dynamic")
            for name, value in names.items() for form in ("static", "dynamic")}


# Masks --------------------------------------------------------------------------


def visible(left_padding):
    """Of queries and keys; the first query of the second batch sees nothing."""
    mask = np.random.default_rng(3).random((B, 1, S, T)) < 0.7
    mask[:, :, :, 0] = True
    if left_padding:
        mask[1, :, :2] = False
    return mask


@each("attention_added", forms(FILLS))
def added(g, variant):
    fill, dynamic = variant
    q, k, v = inputs(g, dynamic)
    m = g.typed_input(visible(True), dynamic=[0, 2, 3] if dynamic else False)
    bias = g.Where(m, g.constant(0.0), g.constant(fill))
    finish(g, g.Add(scores(g, q, k), bias), v)


@each("attention_replaced", forms(FILLS))
def replaced(g, variant):
    fill, dynamic = variant
    q, k, v = inputs(g, dynamic)
    m = g.typed_input(~visible(True), dynamic=[0, 2, 3] if dynamic else False)
    finish(g, g.Where(m, g.constant(fill), scores(g, q, k)), v)


def token_mask(g, dynamic):
    """1 for the tokens that exist; one batch has padding alone."""
    tokens = np.ones((B, T), np.int64)
    tokens[0, 5:] = 0
    tokens[1] = 0
    m = g.integers(tokens, dynamic=dynamic)
    return g.Cast(g.Unsqueeze(m, g.constant(np.int64([1, 2]))), to=1)


@each("attention_tokens", forms({k: v for k, v in FILLS.items() if k != "infinite"}))
def tokens(g, variant):
    """(1 - m) * fill, where one batch has padding alone."""
    fill, dynamic = variant
    q, k, v = inputs(g, dynamic)
    m = token_mask(g, dynamic)
    bias = g.Mul(g.Sub(g.constant(1.0), m), g.constant(fill))
    finish(g, g.Add(scores(g, q, k), bias), v)


@each("attention_biased_tokens", forms({"lowest": LOWEST, "tenthousand": -1e4}))
def biased_tokens(g, variant):
    """A bias for each head beside the mask."""
    fill, dynamic = variant
    q, k, v = inputs(g, dynamic)
    m = token_mask(g, dynamic)
    mask = g.Mul(g.Sub(g.constant(1.0), m), g.constant(fill))
    bias = g.Add(g.weight(1, H, S, T), mask)
    finish(g, g.Add(scores(g, q, k), bias), v)


@each("attention_bias_and_numbers", forms({"lowest": LOWEST, "billion": -1e9,
                                           "tenthousand": -1e4}))
def bias_and_numbers(g, variant):
    """A bias in front of (1 - m) * fill, or m * -fill + fill, for numbers m of the run."""
    fill, dynamic = variant
    q, k, v = inputs(g, dynamic)
    bias = g.typed_input(g.numbers((1, H, S, T)), dynamic=[2, 3] if dynamic else [])
    m = g.typed_input(np.float32(g.numbers((B, 1, 1, T)) > 0), dynamic=[3] if dynamic else [])
    if fill == -1e9:
        mask = g.Add(g.Mul(m, g.constant(-fill)), g.constant(fill))
    else:
        mask = g.Mul(g.Sub(g.constant(1.0), m), g.constant(fill))
    finish(g, g.Add(g.Add(scores(g, q, k), bias), mask), v)


@each("attention_distances_and_tokens", {"lowest": LOWEST, "tenthousand": -1e4},
      present=["sluice.attention", "{relative_bias,"])
def distances_and_tokens(g, fill):
    """A bias of T5, read at a function of the distance, beside the mask."""
    q, k, v = inputs(g)
    distance = g.Sub(g.constant(np.arange(T)[None]), g.constant(np.arange(S)[:, None]))
    far = g.Expand(g.constant(np.int64(3)), g.constant(np.int64([S, T])))
    sign = g.Cast(g.Greater(distance, g.constant(np.int64(0))), to=7)
    bucket = g.Add(g.Mul(sign, g.constant(np.int64(4))), g.Min(g.Abs(distance), far))
    bias = g.Transpose(g.Gather(g.weight(8, H), bucket, axis=0), perm=[2, 0, 1])
    mask = g.Mul(g.Sub(g.constant(1.0), token_mask(g, False)), g.constant(fill))
    finish(g, g.Add(scores(g, q, k), g.Add(g.Unsqueeze(
        bias, g.constant(np.int64([0]))), mask)), v)


@each("attention_distances_of_run", {
    f"{what}_{fill}": (what == "past", number)
    for what in ("encoder", "past") for fill, number in
    {"lowest": LOWEST, "tenthousand": -1e4}.items()},
      present=["sluice.attention", "relative_bias,"])
def distances_of_run(g, variant):
    """T5's bias where sizes are the run's; with a past, the last rows are read."""
    has_past, fill = variant
    q = k = v = g.input([B, H, S, D], dynamic=[0, 2])
    if has_past:
        k, v = (g.Concat(g.input([B, H, T - S, D], dynamic=[2]), q, axis=2)
                for _ in "kv")
    length = g.Shape(k, start=2, end=3)
    whole = lambda x: g.Squeeze(x, g.constant(np.int64([0])))
    zero, one = g.constant(np.int64(0)), g.constant(np.int64(1))
    keys = g.Range(zero, whole(length), one)
    rows = length if has_past else g.Shape(q, start=2, end=3)
    queries = g.Range(zero, whole(rows), one)
    distance = g.Sub(g.Unsqueeze(keys, g.constant(np.int64([0]))),
                     g.Unsqueeze(queries, g.constant(np.int64([1]))))
    sign = g.Mul(g.Cast(g.Greater(distance, zero), to=7), g.constant(np.int64(8)))
    size = g.Abs(distance)
    far = g.Log(g.Div(g.Cast(size, to=1), g.constant(2.0)))
    far = g.Add(g.Cast(g.Mul(far, g.constant(2.5)), to=7), g.constant(np.int64(2)))
    far = g.Min(far, g.Expand(g.constant(np.int64(7)), g.Shape(far)))
    near = g.Less(size, g.constant(np.int64(2)))
    bucket = g.Add(sign, g.Where(near, size, far))
    bias = g.Transpose(g.Gather(g.weight(16, H), bucket, axis=0), perm=[2, 0, 1])
    bias = g.Unsqueeze(bias, g.constant(np.int64([0])))
    if has_past:
        start = g.Neg(g.Shape(q, start=2, end=3))
        bias = g.Slice(bias, start, g.constant(np.int64([2**63 - 1])),
                       g.constant(np.int64([2])))
    kept = g.Cast(g.Less(keys, g.constant(np.int64(4))), to=1)
    mask = g.Mul(g.Sub(g.constant(1.0), kept), g.constant(fill))
    finish(g, g.Add(scores(g, q, k), g.Add(bias, mask)), v)


@each("attention_opaque", forms(FILLS))
def opaque(g, variant):
    """A bias of the run that hides keys, and whole rows."""
    fill, dynamic = variant
    q, k, v = inputs(g, dynamic)
    bias = np.where(visible(True), g.numbers((B, 1, S, T)), np.float32(fill))
    bias = g.typed_input(bias, dynamic=[0, 2, 3] if dynamic else False)
    finish(g, g.Add(scores(g, q, k), bias), v)


@each("attention_guarded", forms({"infinite": -np.inf}))
def guarded(g, variant):
    """NaN becomes zero."""
    fill, dynamic = variant
    q, k, v = inputs(g, dynamic)
    m = g.typed_input(visible(True), dynamic=[0, 2, 3] if dynamic else False)
    bias = g.Where(m, g.constant(0.0), g.constant(fill))
    p = g.Softmax(g.Add(scores(g, q, k), bias), axis=-1)
    p = g.Where(g.IsNaN(p), g.constant(0.0), p)
    g.output(g.MatMul(p, v))


@each("attention_zeroed", forms({"lowest": LOWEST}))
def zeroed(g, variant):
    """What is hidden is put to zero once more."""
    fill, dynamic = variant
    q, k, v = inputs(g, dynamic)
    m = g.typed_input(visible(True), dynamic=[0, 2, 3] if dynamic else False)
    hidden = g.Not(m)
    p = g.Softmax(g.Where(hidden, g.constant(fill), scores(g, q, k)), axis=-1)
    g.output(g.MatMul(g.Where(hidden, g.constant(0.0), p), v))


def count(g, tensor, axis, rank):
    """0, 1, ... up to a size, along the last dimension but `rank`."""
    size = g.Gather(g.Shape(tensor), g.constant(np.int64(axis)))
    numbers = g.Range(g.constant(np.int64(0)), size, g.constant(np.int64(1)))
    return g.Unsqueeze(numbers, g.constant(np.int64([1]))) if rank else numbers


@each("attention_causal", forms(FILLS), absent=["sluice.softmax", "sluice.less_equal"])
def causal(g, variant):
    fill, dynamic = variant
    q, k, v = inputs(g, dynamic)
    sees = g.LessOrEqual(count(g, k, 2, 0), count(g, q, 2, 1))
    bias = g.Where(sees, g.constant(0.0), g.constant(fill))
    finish(g, g.Add(scores(g, q, k), bias), v)


@each("attention_bottom_right", forms({"lowest": LOWEST}),
      absent=["sluice.softmax", "sluice.less_equal"])
def bottom_right(g, variant):
    """Queries behind a past, which keys are joined to."""
    fill, dynamic = variant
    q, k, v = inputs(g, dynamic, keys=S)
    past = [g.input([B, H, 3, D], dynamic=[0, 2] if dynamic else False)
            for _ in range(2)]
    k, v = (g.Concat(before, x, axis=2) for before, x in zip(past, (k, v)))
    offset = g.Gather(g.Shape(past[0]), g.constant(np.int64(2)))
    places = g.Add(count(g, q, 2, 1), offset)
    sees = g.LessOrEqual(count(g, k, 2, 0), places)
    bias = g.Where(sees, g.constant(0.0), g.constant(fill))
    finish(g, g.Add(scores(g, q, k), bias), v)


@each("attention_window", forms({"lowest": LOWEST}),
      absent=["sluice.softmax", "sluice.less_equal"])
def window(g, variant):
    """As many keys as queries, of which each sees three."""
    fill, dynamic = variant
    q, k, v = inputs(g, dynamic, queries=T)
    keys, places = count(g, k, 2, 0), count(g, q, 2, 1)
    near = g.Greater(keys, g.Sub(places, g.constant(np.int64(3))))
    sees = g.And(g.LessOrEqual(keys, places), near)
    finish(g, g.Where(sees, scores(g, q, k), g.constant(fill)), v)


@each("attention_lengths", forms({"lowest": LOWEST, "infinite": -np.inf}))
def lengths(g, variant):
    fill, dynamic = variant
    q, k, v = inputs(g, dynamic)
    ends = g.integers(np.array([[4], [0]]), dynamic=dynamic)
    sees = g.Less(count(g, k, 2, 0), ends)
    sees = g.Unsqueeze(sees, g.constant(np.int64([1, 2])))
    bias = g.Where(sees, g.constant(0.0), g.constant(fill))
    finish(g, g.Add(scores(g, q, k), bias), v)


@each("attention_causal_and_tokens", forms(FILLS))
def causal_and_tokens(g, variant):
    """One condition of both, with padding on the left."""
    fill, dynamic = variant
    q, k, v = inputs(g, dynamic, queries=T)
    tokens = np.ones((B, T), np.int64)
    tokens[1, :4] = 0
    m = g.Cast(g.integers(tokens, dynamic=dynamic), to=9)
    m = g.Unsqueeze(m, g.constant(np.int64([1, 2])))
    sees = g.And(g.LessOrEqual(count(g, k, 2, 0), count(g, q, 2, 1)), m)
    bias = g.Where(sees, g.constant(0.0), g.constant(fill))
    finish(g, g.Add(scores(g, q, k), bias), v)


@each("attention_two_fills", forms({"lowest": LOWEST, "tenthousand": -1e4}))
def two_fills(g, variant):
    """Scores are replaced, and padding on the left is added."""
    fill, dynamic = variant
    q, k, v = inputs(g, dynamic, queries=T)
    tokens = np.ones((B, T), np.int64)
    tokens[1, :4] = 0
    m = g.Cast(g.integers(tokens, dynamic=dynamic), to=9)
    m = g.Unsqueeze(m, g.constant(np.int64([1, 2])))
    sees = g.LessOrEqual(count(g, k, 2, 0), count(g, q, 2, 1))
    x = g.Where(sees, scores(g, q, k), g.constant(LOWEST))
    finish(g, g.Add(x, g.Where(m, g.constant(0.0), g.constant(fill))), v)


@case(**FUSED)
def attention_trilu(g):
    q, k, v = inputs(g, queries=T)
    ones = g.Expand(g.constant(-np.inf), g.constant(np.int64([T, T])))
    mask = g.Trilu(ones, g.constant(np.int64(1)), upper=1)
    finish(g, g.Add(scores(g, q, k), mask), v)


@case(**FUSED)
def attention_constant_slice(g):
    """The part of a large causal matrix that is there."""
    q, k, v = inputs(g, dynamic=True, queries=T)
    large = g.constant(np.tril(np.ones((1, 1, 32, 32), bool)))
    size = g.Slice(g.Shape(k), g.constant(np.int64([2])), g.constant(np.int64([3])))
    part = large
    for axis in (2, 3):
        part = g.Slice(part, g.constant(np.int64([0])), size,
                       g.constant(np.int64([axis])))
    finish(g, g.Where(part, scores(g, q, k), g.constant(LOWEST)), v)


@case(**FUSED)
def attention_in_branches(g):
    """What is added has one rank or another, so each branch has a softmax of its own."""
    q, k, v = inputs(g, dynamic=True)
    bias = g.input([1, S, T], dynamic=[1, 2])
    chosen = g.Cast(g.integers([1]), to=9)
    bias = g.If(chosen,
                then_branch=g.branch("Squeeze", [bias, g.constant(np.array([0]))]),
                else_branch=g.branch("Identity", [bias]))
    finish(g, g.Add(scores(g, q, k), bias), v)


# Orders and heads ----------------------------------------------------------------


@each("attention_merged", {"static": False, "dynamic": True})
def merged(g, dynamic):
    """Heads that are split off and merged again."""
    hidden = [0, 1] if dynamic else False
    x = g.input([B, S, H * D], dynamic=hidden)
    y = g.input([B, T, H * D], dynamic=hidden)
    def heads(t):
        t = g.Reshape(t, g.constant(np.int64([0, 0, H, D])))
        return g.Transpose(t, perm=[0, 2, 1, 3])
    p = g.Softmax(scores(g, heads(x), heads(y)), axis=-1)
    z = g.Transpose(g.MatMul(p, heads(y)), perm=[0, 2, 1, 3])
    g.output(g.Reshape(z, g.constant(np.int64([0, 0, H * D]))))


@each("attention_flat_batch", {"static": False, "dynamic": True})
def flat_batch(g, dynamic):
    """Products of [batch * heads, ...], the scale on the queries."""
    hidden = [0, 1] if dynamic else False
    x = g.input([B, S, H * D], dynamic=hidden)
    def heads(t):
        t = g.Reshape(t, g.constant(np.int64([0, 0, H, D])))
        t = g.Transpose(t, perm=[0, 2, 1, 3])
        size = g.Slice(g.Shape(x), g.constant(np.int64([1])), g.constant(np.int64([2])))
        return g.Reshape(t, g.Concat(g.constant(np.int64([-1])), size,
                                     g.constant(np.int64([D])), axis=0))
    q = g.Mul(heads(x), g.constant(D**-0.5))
    p = g.Softmax(g.MatMul(q, g.Transpose(heads(x), perm=[0, 2, 1])), axis=-1)
    z = g.MatMul(p, heads(x))
    size = g.Slice(g.Shape(x), g.constant(np.int64([1])), g.constant(np.int64([2])))
    z = g.Reshape(z, g.Concat(g.constant(np.int64([-1, H])), size,
                              g.constant(np.int64([D])), axis=0))
    z = g.Transpose(z, perm=[0, 2, 1, 3])
    g.output(g.Reshape(z, g.constant(np.int64([0, 0, H * D]))))


@each("attention_grouped", {"static": False, "dynamic": True},
      absent=["sluice.softmax"])
def grouped(g, dynamic):
    """Key heads that Expand repeats. They are only read once where it is known that
    keys and values are as many."""
    q, k, v = inputs(g, dynamic, heads=2)
    def repeat(t):
        t = g.Unsqueeze(t, g.constant(np.int64([2])))
        t = g.Expand(t, g.constant(np.int64([1, 1, 2, 1, 1])))
        size = g.Slice(g.Shape(k), g.constant(np.int64([2])), g.constant(np.int64([3])))
        return g.Reshape(t, g.Concat(g.constant(np.int64([-1, H])), size,
                                     g.constant(np.int64([D])), axis=0))
    finish(g, scores(g, q, repeat(k)), repeat(v))


@case(**FUSED)
def attention_one_key_head(g):
    """Keys that the products broadcast."""
    q, k, v = inputs(g, heads=1)
    finish(g, scores(g, q, k), v)


@case(**FUSED)
def attention_grouped_rank5(g):
    q = g.input([B, 2, 3, S, D])
    k, v = (g.input([B, 2, 1, T, D]) for _ in range(2))
    x = g.MatMul(q, g.Transpose(k, perm=[0, 1, 2, 4, 3]))
    finish(g, x, v)


@case(**FUSED)
def attention_matrices(g):
    """Without a batch."""
    q, k, v = g.input([S, D]), g.input([T, D]), g.input([T, 5])
    finish(g, g.MatMul(q, g.Transpose(k, perm=[1, 0])), v)


@each("attention_windows", {"static": False})
def windows(g, dynamic):
    """A bias for each window of an image, which a batch of windows repeats."""
    q = g.input([B * 3, H, S, D])
    x = g.Reshape(scores(g, q, q), g.constant(np.int64([B, 3, H, S, S])))
    x = g.Reshape(g.Add(x, g.weight(1, 3, 1, S, S)),
                  g.constant(np.int64([B * 3, H, S, S])))
    finish(g, x, q)


@case(**FUSED)
def attention_two_biases(g):
    """One of the run hides all keys of some queries, whatever the other adds."""
    q, k, v = inputs(g)
    bias = g.typed_input(np.where(visible(True), np.float32(0), np.float32(-np.inf)))
    x = g.Add(g.Add(scores(g, q, k), bias), g.input([1, H, S, T]))
    finish(g, x, v)


@each("attention_shifted_windows", {"constant": False, "run": True})
def shifted_windows(g, is_run):
    """The windows of one image: a bias for each head, then one for each window, with
    five dimensions, that hides nothing."""
    q = g.input([3, H, S, D])
    x = g.Add(scores(g, q, q), g.weight(1, H, S, S))
    x = g.Reshape(x, g.constant(np.int64([1, 3, H, S, S])))
    between = g.input([1, 3, 1, S, S]) if is_run else g.weight(1, 3, 1, S, S)
    x = g.Reshape(g.Add(x, between), g.constant(np.int64([3, H, S, S])))
    finish(g, x, q)


@each("attention_larger_mask", {
    f"{what}_{kind}": (shape, kind == "replaced")
    for what, shape in {"batch": (3, 1, S, T), "rows": (1, 1, 5, T),
                        "both": (3, H, 5, T)}.items()
    for kind in ("added", "replaced")})
def larger_mask(g, variant):
    """One batch or row, which broadcasts to what a mask has in the run."""
    shape, replaces = variant
    q = g.input([1, H, shape[2] if shape[2] == S else 1, D], dynamic=[0, 2])
    k, v = (g.input([1, H, T, D], dynamic=[0]) for _ in "kv")
    m = g.numbers(shape)
    if not replaces:
        return finish(g, g.Add(scores(g, q, k), g.typed_input(m, dynamic=[0, 2])), v)
    m = g.typed_input(m > 0, dynamic=[0, 2])
    finish(g, g.Where(m, g.constant(LOWEST), scores(g, q, k)), v)


@each("attention_other_rows", {"one": (1, S, T), "all": (S, S, T), "more": (5, 1, T),
                               "skipped": (3, 1, 130)})
def other_rows(g, sizes):
    """A mask and a bias of the distance whose rows are counted by another input: one
    for all queries in the run, as many, or more than the one query there is."""
    rows, queries, keys = sizes
    q, r = (g.input([1, H, queries, D], dynamic=[0] if rows == 3 else [0, 2])
            for _ in "qr")
    k, v = (g.input([1, H, keys, D], dynamic=[0, 2]) for _ in "kv")
    size = lambda x, i: g.Gather(g.Shape(x), g.constant(np.int64(i)))
    zero, one = (g.constant(np.int64(i)) for i in range(2))
    if rows == 3:
        places = g.Range(zero, size(k, 2), g.constant(np.int64(64)))
    else:
        places = g.Range(zero, size(g.input([rows], dynamic=[0]), 0), one)
    places = g.Unsqueeze(places, g.constant(np.int64([1])))
    numbers = g.Range(zero, size(k, 2), one)
    sees = g.LessOrEqual(numbers, g.Add(places, g.constant(np.int64(4))))
    finish(g, g.Where(sees, scores(g, q, k), g.constant(-np.inf)), v)
    distance = g.Abs(g.Sub(numbers, places))
    bias = g.Gather(g.weight(8, H), g.Min(distance, g.constant(np.int64(7))), axis=0)
    bias = g.Unsqueeze(g.Transpose(bias, perm=[2, 0, 1]), g.constant(np.int64([0])))
    finish(g, g.Add(scores(g, r, k), bias), v)


@case(present=["sluice.softmax"], absent=["sluice.attention"])
def attention_larger_heads(g):
    """A bias that may have more heads than the scores, and one key beside a bias that
    may be for more."""
    q, k, v = (g.input([B, 1, n, D], dynamic=[0]) for n in (S, T, T))
    bias = g.typed_input(g.numbers((B, H, S, T)), dynamic=[1])
    finish(g, g.Add(scores(g, q, k), bias), v)
    one = g.input([B, H, 1, D])
    bias = g.typed_input(g.numbers((1, 1, S, T)), dynamic=[3])
    q, v = (g.input([B, H, n, D]) for n in (S, T))
    finish(g, g.Add(scores(g, q, one), bias), v)


@case(**FUSED)
def attention_longest_rows(g):
    """Rows that are no whole vectors, the longest of which a kernel has copies."""
    for size in (963, 1023):
        q, k, v = (g.input([1, 1, n, size]) for n in (19, 40, 40))
        finish(g, g.Mul(scores(g, q, k), g.constant(0.03)), v)


@case(**FUSED)
def attention_einsum(g):
    q, k, v = (g.input([B, n, H, D]) for n in (S, T, T))
    x = g.Einsum(q, k, equation="bqhd,bkhd->bhqk")
    p = g.Softmax(g.Div(x, g.constant(D**0.5)), axis=-1)
    g.output(g.Einsum(p, v, equation="bhqk,bkhd->bqhd"))


@case(**FUSED)
def attention_head_factor(g):
    """A learned factor for each head."""
    q, k, v = inputs(g)
    x = g.Mul(scores(g, q, k), g.Exp(g.weight(H, 1, 1)))
    finish(g, g.Add(x, g.weight(1, H, S, T)), v)


@case(**FUSED)
def attention_softcap(g):
    q, k, v = inputs(g)
    x = g.Tanh(g.Div(scores(g, q, k), g.constant(3.0)))
    finish(g, g.Mul(x, g.constant(3.0)), v)


@case(**FUSED)
def attention_sinks(g):
    q, k, v = inputs(g)
    sinks = g.Expand(g.weight(1, H, 1, 1), g.constant(np.int64([B, H, S, 1])))
    x = g.Concat(scores(g, q, k), sinks, axis=-1)
    x = g.Sub(x, g.ReduceMax(x, axes=[-1], keepdims=1))
    p = g.Slice(g.Softmax(x, axis=-1), g.constant(np.int64([0])),
                g.constant(np.int64([-1])), g.constant(np.int64([3])))
    g.output(g.MatMul(p, v))


@case(present=["sluice.softmax"], absent=["sluice.attention"])
def attention_read(g):
    """Probabilities that are read elsewhere."""
    q, k, v = inputs(g)
    p = g.Softmax(scores(g, q, k), axis=-1)
    g.output(g.MatMul(p, v))
    g.output(g.ReduceMax(p, axes=[-1]))
