"""Published ways to attend to less than everything, written from their equations.

numpy in f64 is the reference. Each case names what the program after the graph passes
must show of it: attention with a list of blocks, for one.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

from attention_words import BLOCK, Attention, attend, best, causal, softmax, spread
from numpy_cases import case

LISTED = [r"sluice\.attention.* blocks "]
# A constant mask of which nothing but blocks is left.
TILED = [r"sluice\.attention.* blocks .* tiles "]
ERROR = 2e-6


# Constant masks (S20) --------------------------------------------------------------


def local_blocks(tokens, block=BLOCK):
    return spread(np.eye(tokens // block, dtype=bool), block)


@case(ERROR, TILED)
def longformer(g, tokens=256, heads=2, size=16, reach=20, ends=3):
    """A window, and tokens that see and are seen by all."""
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    at = np.arange(tokens)
    visible = np.abs(at[:, None] - at) <= reach
    visible |= (at < ends) | (at[:, None] < ends)
    g.output(a.attend(q, k, v, size, addend=a.fixed(visible)))
    return [attend(*values, visible)]


@case(ERROR, [r"sluice\.attention[^\n]*\n(.*\n)*.*sluice\.attention.* blocks "])
def masformer(g, tokens=192, heads=2, size=16):
    """Full attention in one layer, blocks of it in the next."""
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    first = a.attend(q, k, v, size)
    blocks = local_blocks(tokens)
    g.output(a.attend(first, k, v, size, addend=a.fixed(blocks)))
    return [attend(attend(*values), *values[1:], blocks)]


@case(ERROR, TILED)
def combiner(g, tokens=256, heads=2, size=16):
    """The tokens of one's own block up to oneself, and the means of those before."""
    blocks = tokens // BLOCK
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    keys, contents = (
        g.Concat(x, a.means(x, heads, tokens, size), axis=2) for x in (k, v))
    a.declare(keys, 1, heads, tokens + blocks, size)
    own = causal(tokens) & local_blocks(tokens)
    before = np.arange(blocks) < (np.arange(tokens) // BLOCK)[:, None]
    visible = np.concatenate([own, before], axis=1)
    g.output(a.attend(q, keys, contents, size, addend=a.fixed(visible)))
    wide = [np.concatenate([x, x.reshape(1, heads, blocks, BLOCK, size).mean(3)], axis=2)
            for x in map(np.float64, values[1:])]
    return [attend(values[0], *wide, visible)]


@case(ERROR, [r"sluice\.attention"])
def fit(g, tokens=128, heads=2, size=16, latents=8, group=32):
    """Groups of tokens among themselves, and latents that see all of them."""
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    shape, grouped = (1, heads, tokens, size), (heads * tokens // group, group, size)
    groups = [a.declare(a.reshape(x, *grouped), *grouped) for x in (q, k, v)]
    local = a.declare(a.reshape(a.attend(*groups, size), *shape), *shape)
    latent = g.numbers((1, heads, latents, size))
    g.output(a.attend(g.constant(latent), local, local, size))
    own = attend(*(x.reshape(grouped) for x in values)).reshape(values[0].shape)
    return [attend(latent, own, own)]


@case(ERROR, TILED)
def sparse_transformer(g, tokens=256, heads=2, size=16, stride=64):
    """Strided heads see their row and their column, fixed ones their row and the
    last ones of the others."""
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    at = np.arange(tokens)
    distance = at[:, None] - at
    same_row = at[:, None] // stride == at // stride
    strided = (distance < stride) | (distance % stride == 0)
    fixed = same_row | (at % stride >= stride - 4)
    visible = np.stack([strided, fixed] * (heads // 2))[None] & causal(tokens)
    g.output(a.attend(q, k, v, size, addend=a.fixed(visible)))
    return [attend(*values, visible)]


@case(ERROR, [r"sluice\.attention.* blocks "])
def block_diffusion(g, tokens=256, heads=2, size=16):
    """All earlier blocks and the own one in both directions (S27)."""
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    at = np.arange(tokens) // BLOCK
    visible = at <= at[:, None]
    g.output(a.attend(q, k, v, size, addend=a.fixed(visible)))
    return [attend(*values, visible)]


@case(ERROR, [r"sluice\.attention"])
def draft_tree(g, past=130, heads=2, size=16):
    """Several drafts in one step: each sees the past and its own ancestors (S29)."""
    parents = [-1, 0, 0, 1, 1, 2, 3, 5]
    drafts = len(parents)
    a = Attention(g)
    q = g.input([1, heads, drafts, size])
    k, v = (g.input([1, heads, past + drafts, size]) for _ in range(2))
    tree = np.zeros((drafts, drafts), bool)
    for node, parent in enumerate(parents):
        tree[node] = tree[parent] if parent >= 0 else False
        tree[node, node] = True
    visible = np.concatenate([np.ones((drafts, past), bool), tree], axis=1)
    g.output(a.attend(q, k, v, size, addend=a.fixed(visible)))
    return [attend(g.feeds[q], g.feeds[k], g.feeds[v], visible)]


# Heads of two kinds (S25) ----------------------------------------------------------


def streaming(tokens, sinks=4, recent=40):
    at = np.arange(tokens)
    return causal(tokens) & ((at < sinks) | (at[:, None] - at < recent))


@case(ERROR, TILED)
def duo_attention(g, tokens=256, heads=4, size=16, recent=40):
    """Retrieval heads see everything, streaming heads sinks and what is recent."""
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    full, short = causal(tokens), streaming(tokens, recent=recent)
    visible = np.stack([full, short, short, full] * (heads // 4))[None]
    g.output(a.attend(q, k, v, size, addend=a.fixed(visible)))
    return [attend(*values, visible)]


@case(ERROR, [r"sluice\.attention[^\n]*\n(.*\n)*.*sluice\.attention"])
def duo_attention_of_two_caches(g, long=300, short=44, heads=2, size=16):
    """In a step of decoding, with caches of two lengths."""
    a = Attention(g)
    q = g.input([1, 2 * heads, 1, size])
    caches = [g.input([1, heads, length, size]) for length in (long, long, short, short)]
    halves = g.node("Split", [q, a.ints(heads, heads)], count=2, axis=1)
    for half in halves:
        a.declare(half, 1, heads, 1, size)
    parts = [a.attend(halves[0], *caches[:2], size), a.attend(halves[1], *caches[2:], size)]
    g.output(g.Concat(*parts, axis=1))
    values = [g.feeds[name] for name in caches]
    return [np.concatenate([attend(g.feeds[q][:, :heads], *values[:2]),
                            attend(g.feeds[q][:, heads:], *values[2:])], axis=1)]


# Blocks chosen in the run (S21, S22, S24, S26) -------------------------------------


@case(ERROR, LISTED)
def mixture_of_block_attention(g, tokens=512, heads=2, size=16, kept=2):
    """Each block of queries sees the blocks of keys whose means fit best."""
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    scores = a.scores(a.means(q, heads, tokens, size), a.means(k, heads, tokens, size),
                      size)
    mask = a.expand(a.choose(scores, kept), heads, tokens, tokens)
    g.output(a.attend(q, k, v, size, mask=mask))
    means = [x.astype(np.float64).reshape(1, heads, -1, BLOCK, size).mean(3)
             for x in values[:2]]
    chosen = best(means[0] @ means[1].swapaxes(-1, -2), kept)
    return [attend(*values, spread(chosen))]


@case(ERROR, LISTED)
def video_block_attention(g, rows=32, columns=16, heads=2, size=16, share=0.6):
    """Blocks of a grid of tokens, chosen until they have a share of the mass of all
    queries of a head."""
    tokens = rows * columns
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)

    def gather(x):
        """Tokens of an 8 x 8 part of the grid side by side."""
        parts = a.reshape(x, 1, heads, rows // 8, 8, columns // 8, 8, size)
        parts = g.Transpose(parts, perm=[0, 1, 2, 4, 3, 5, 6])
        return a.declare(a.reshape(parts, 1, heads, tokens, size), 1, heads, tokens, size)

    q, k, v = map(gather, (q, k, v))
    blocks = tokens // BLOCK
    mass = g.Softmax(a.scores(a.means(q, heads, tokens, size),
                              a.means(k, heads, tokens, size), size), axis=-1)
    flat = a.reshape(mass, 1, heads, blocks * blocks)
    highest, places = g.node("TopK", [flat, a.ints(blocks * blocks)], count=2, axis=-1)
    before = g.Sub(g.CumSum(highest, a.ints(2)), highest)
    kept = g.Less(before, g.constant(np.float32(share * blocks)))
    chosen = g.ScatterElements(g.Mul(flat, g.constant(np.float32(0))), places,
                               g.Cast(kept, to=1), axis=-1)
    mask = a.expand(a.reshape(chosen, 1, heads, blocks, blocks), heads, tokens, tokens)
    g.output(a.attend(q, k, v, size, mask=mask))

    def gathered(x):
        parts = x.astype(np.float64).reshape(heads, rows // 8, 8, columns // 8, 8, size)
        return parts.transpose(0, 1, 3, 2, 4, 5).reshape(1, heads, tokens, size)

    values = list(map(gathered, values))
    means = [x.reshape(1, heads, blocks, BLOCK, size).mean(3) for x in values[:2]]
    mass = softmax(means[0] @ means[1].swapaxes(-1, -2) * size**-0.5)
    flat = mass.reshape(1, heads, -1)
    order = np.argsort(-flat, axis=-1, kind="stable")
    ranked = np.take_along_axis(flat, order, -1)
    kept = ranked.cumsum(-1) - ranked < share * blocks
    chosen = np.zeros(flat.shape, bool)
    np.put_along_axis(chosen, order, kept, -1)
    return [attend(*values, spread(chosen.reshape(mass.shape)))]


@case(ERROR, LISTED)
def proxy_attention(g, tokens=512, heads=4, size=16):
    """The pooled scores of one proxy rank the blocks for all heads of a group, of
    which each has a budget of its own."""
    blocks, budgets = tokens // BLOCK, np.array([1, 2, 4, 6] * (heads // 4))
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    pooled = [a.declare(g.ReduceMean(a.means(x, heads, tokens, size), axes=[1]),
                        1, 1, blocks, size) for x in (q, k)]
    scores = a.scores(*pooled, size)
    _, order = g.node("TopK", [scores, a.ints(blocks)], count=2, axis=-1)
    # The rank of a block is its place in the order.
    _, ranks = g.node("TopK", [order, a.ints(blocks)], count=2, axis=-1, largest=0)
    budget = g.constant(budgets.reshape(1, heads, 1, 1).astype(np.int64))
    mask = a.expand(g.Less(ranks, budget), heads, tokens, tokens)
    g.output(a.attend(q, k, v, size, mask=mask))
    means = [x.astype(np.float64).reshape(1, heads, blocks, BLOCK, size).mean((1, 3))
             for x in values[:2]]
    ranked = np.argsort(np.argsort(-(means[0] @ means[1].swapaxes(-1, -2))[:, None], -1),
                        -1)
    return [attend(*values, spread(ranked < budgets[:, None, None]))]


@case(ERROR, LISTED)
def long_heads(g, tokens=512, heads=4, size=16):
    """In a step of decoding each head sees its best chunks, the first and the last."""
    chunks = tokens // BLOCK
    a = Attention(g)
    q = g.input([1, heads, 1, size])
    k, v = (g.input([1, heads, tokens, size]) for _ in range(2))
    scores = a.scores(q, a.means(k, heads, tokens, size), size)
    always = np.zeros(chunks, np.float32)
    always[[0, -1]] = 1e4
    chosen = a.choose(g.Add(scores, g.constant(always)), 4)
    inserted = g.Unsqueeze(g.Cast(chosen, to=9), a.ints(4))
    wide = g.Expand(inserted, a.ints(1, heads, 1, chunks, BLOCK))
    mask = a.reshape(wide, 1, heads, 1, tokens)
    g.output(a.attend(q, k, v, size, mask=mask))
    keys = g.feeds[k].astype(np.float64)
    means = keys.reshape(1, heads, chunks, BLOCK, size).mean(3)
    found = best(g.feeds[q] @ means.swapaxes(-1, -2) * size**-0.5 + always, 4)
    return [attend(g.feeds[q], keys, g.feeds[v], np.repeat(found, BLOCK, axis=-1))]


@case(ERROR, LISTED)
def cluster_bounds(g, tokens=640, kept=512, heads=2, size=16):
    """Clusters of keys whose bounds promise the most (MPCache, quest); keys that a
    calibration found useless are gone before."""
    clusters = kept // BLOCK
    a = Attention(g)
    q = g.input([1, heads, 1, size])
    k, v = (g.input([1, heads, tokens, size]) for _ in range(2))
    useful = np.sort(g.random.choice(tokens, kept, replace=False))
    keys, contents = (a.declare(g.Gather(x, a.ints(*useful), axis=2), 1, heads, kept, size)
                      for x in (k, v))
    split = a.reshape(keys, 1, heads, clusters, BLOCK, size)
    highest, lowest = (g.node(f"Reduce{kind}", [split], axes=[3], keepdims=0)
                       for kind in ("Max", "Min"))
    bound = g.ReduceSum(g.Max(g.Mul(q, highest), g.Mul(q, lowest)), a.ints(3), keepdims=0)
    chosen = a.choose(g.Unsqueeze(bound, a.ints(2)), 3)
    inserted = g.Unsqueeze(g.Cast(chosen, to=9), a.ints(4))
    wide = g.Expand(inserted, a.ints(1, heads, 1, clusters, BLOCK))
    g.output(a.attend(q, keys, contents, size,
                      mask=a.reshape(wide, 1, heads, 1, kept)))
    query = g.feeds[q].astype(np.float64)
    values = [g.feeds[x].astype(np.float64)[:, :, useful] for x in (k, v)]
    parts = values[0].reshape(1, heads, clusters, BLOCK, size)
    found = best(np.maximum(query * parts.max(3), query * parts.min(3)).sum(-1), 3)
    visible = np.repeat(found, BLOCK, axis=-1)[:, :, None]
    return [attend(query, *values, visible)]


@case(ERROR, LISTED)
def permuted_blocks(g, tokens=512, heads=2, size=16, segment=128):
    """Keys in the order of their scores with the last block of queries, within
    segments, so that heavy ones share blocks; segments stay causal (S22)."""
    blocks, segments = tokens // BLOCK, tokens // segment
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    last = a.declare(g.Slice(q, a.ints(tokens - BLOCK), a.ints(tokens), a.ints(2)),
                     1, heads, BLOCK, size)
    weights = g.ReduceMean(g.Softmax(a.scores(last, k, size), axis=-1), axes=[2],
                           keepdims=0)
    _, inside = g.node("TopK", [a.reshape(weights, 1, heads, segments, segment),
                                a.ints(segment)], count=2, axis=-1)
    starts = g.constant((np.arange(segments) * segment)[:, None].astype(np.int64))
    order = a.reshape(g.Add(inside, starts), 1, heads, tokens)
    index = g.Expand(g.Unsqueeze(order, a.ints(3)), a.ints(1, heads, tokens, size))
    keys, contents = (a.declare(g.GatherElements(x, index, axis=2), 1, heads, tokens, size)
                      for x in (k, v))
    scores = a.scores(a.means(q, heads, tokens, size),
                      a.means(keys, heads, tokens, size), size)
    row = np.arange(blocks)
    own = row[:, None] * BLOCK // segment == row * BLOCK // segment
    always = np.where(own, 1e4, np.where(row[:, None] >= row, 0, -1e4))
    chosen = a.choose(g.Add(scores, g.constant(always.astype(np.float32))), 3)
    mask = g.And(a.expand(chosen, heads, tokens, tokens),
                 g.LessOrEqual(g.Unsqueeze(order, a.ints(2)),
                               g.constant(np.arange(tokens)[:, None].astype(np.int64))))
    g.output(a.attend(q, keys, contents, size, mask=mask))

    query, key, value = map(np.float64, values)
    weights = softmax(query[:, :, -BLOCK:] @ key.swapaxes(2, 3) * size**-0.5).mean(2)
    order = np.argsort(-weights.reshape(1, heads, segments, segment), -1, kind="stable")
    order = (order + np.arange(segments)[:, None] * segment).reshape(1, heads, tokens)
    key, value = (np.take_along_axis(x, order[..., None], 2) for x in (key, value))
    means = [x.reshape(1, heads, blocks, BLOCK, size).mean(3) for x in (query, key)]
    found = best(means[0] @ means[1].swapaxes(2, 3) * size**-0.5 + always, 3)
    visible = spread(found) & (order[:, :, None] <= np.arange(tokens)[:, None])
    return [attend(query, key, value, visible)]


@case(ERROR, LISTED)
def reused_blocks(g, tokens=256, heads=2, size=16):
    """Sums of exact weights over blocks, from a step that kept its log-sum-exp, give
    the lists of the next step (S23)."""
    blocks = tokens // BLOCK
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    later = g.input([1, heads, tokens, size])
    scores = a.scores(q, k, size)
    sums = g.Exp(g.Sub(scores, g.ReduceLogSumExp(scores, axes=[3])))
    split = a.reshape(sums, 1, heads, blocks, BLOCK, blocks, BLOCK)
    sums = g.ReduceSum(split, a.ints(3, 5), keepdims=0)
    mask = a.expand(a.choose(sums, 2), heads, tokens, tokens)
    g.output(a.attend(later, k, v, size, mask=mask))
    query, key, value = map(np.float64, values)
    weights = softmax(query @ key.swapaxes(2, 3) * size**-0.5)
    sums = weights.reshape(1, heads, blocks, BLOCK, blocks, BLOCK).sum((3, 5))
    return [attend(g.feeds[later], key, value, spread(best(sums, 2)))]
