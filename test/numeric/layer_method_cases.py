"""Published layers around attention, written from their equations: places, latent
widths, gates, tokens that exist. numpy in f64 is the reference."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

from attention_words import LOWEST, Attention, attend, best, causal, softmax
from numpy_cases import case

ERROR = 2e-6


# Places ------------------------------------------------------------------------------


@case(ERROR, [r"sluice\.attention.* bias .*relative_bias"])
def toeplitz_bias(g, tokens=100, heads=2, size=16):
    """A bias that follows from the distance, from a table (A02)."""
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    table = g.numbers((2 * tokens - 1, heads))
    at = np.arange(tokens)
    distance = at[:, None] - at + tokens - 1
    bias = g.Transpose(g.Gather(g.constant(table), g.constant(distance), axis=0),
                       perm=[2, 0, 1])
    g.output(a.attend(q, k, v, size, addend=bias))
    return [attend(*values, bias=table[distance].transpose(2, 0, 1))]


def rotary(g, dynamic, half):
    """Pairs that are half a head apart, or neighbours in either spelling in a part of
    the head, turned by constant angles, or by those that are looked up for places;
    behind a product and in front of one."""
    tokens, heads, size, past, rest = 30, 3, 44, 40, 8
    a = Attention(g)
    number = np.float16 if half else np.float32
    angles = np.arange(past)[:, None] * 100.0 ** (-np.arange(size // 2) / 22)
    x = g.input([2, tokens, 24], dynamic=dynamic)
    places = g.integers(g.random.integers(0, past, (2, tokens)),
                        dynamic=["batch", "tokens"] if dynamic else False)
    weights = g.numbers((24, heads * size))
    product = g.Cast(g.MatMul(x, g.constant(weights)), to=10 if half else 1)
    split = g.Transpose(a.reshape(product, 2, -1, heads, size), perm=[0, 2, 1, 3])

    def part(x, first, last, step=1):
        return g.Slice(x, a.ints(first), a.ints(last), a.ints(3), a.ints(step))

    def apart(x, cos, sin):
        other = g.Concat(g.Neg(part(x, size // 2, size)), part(x, 0, size // 2), axis=3)
        return g.Add(g.Mul(x, cos), g.Mul(other, sin))

    def stack(*parts):
        pairs = g.Concat(*(g.Unsqueeze(t, a.ints(4)) for t in parts), axis=4)
        return a.reshape(pairs, 2, heads, -1, size - rest)

    def in_part(turn):
        return lambda x, cos, sin: g.Concat(turn(part(x, 0, size - rest), cos, sin),
                                            part(x, size - rest, size), axis=3)

    @in_part
    def neighbours(x, cos, sin):
        even, odd = part(x, 0, size, 2), part(x, 1, size, 2)
        return stack(g.Sub(g.Mul(even, cos), g.Mul(odd, sin)),
                     g.Add(g.Mul(even, sin), g.Mul(odd, cos)))

    @in_part
    def stacked(x, cos, sin):
        other = stack(g.Neg(part(x, 1, size, 2)), part(x, 0, size, 2))
        return g.Add(g.Mul(x, cos), g.Mul(other, sin))

    value = np.float64(g.feeds[x]) @ weights
    value = value.reshape(2, tokens, heads, size).swapaxes(1, 2)
    right = []
    for turn, pairs, widen in (
            (apart, size // 2, lambda t: np.tile(t, 2)),
            (neighbours, (size - rest) // 2, lambda t: t),
            (stacked, (size - rest) // 2, lambda t: np.repeat(t, 2, -1))):
        for at in (np.arange(tokens), g.feeds[places]):
            tables = [widen(f(angles[:, :pairs])).astype(number) for f in (np.cos, np.sin)]
            if at.ndim == 1:
                tables = [g.constant(t[at]) for t in tables]
            else:
                tables = [g.Unsqueeze(g.Gather(g.constant(t), places, axis=0), a.ints(1))
                          for t in tables]
            if dynamic and at.ndim == 1:
                tables = [g.Slice(t, a.ints(0), g.Shape(x, start=1, end=2), a.ints(0))
                          for t in tables]
            g.output(g.Cast(g.Mul(turn(split, *tables), g.constant(number(0.5))), to=1))
            step = np.exp(1j * angles[at][..., :pairs])
            step = step if at.ndim == 1 else step[:, None]
            if turn is apart:
                result = (value[..., :pairs] + 1j * value[..., pairs:]) * step
                result = np.concatenate([result.real, result.imag], -1)
            else:
                first, last = value[..., :-rest], value[..., -rest:]
                result = (first[..., ::2] + 1j * first[..., 1::2]) * step
                result = np.stack([result.real, result.imag], -1).reshape(first.shape)
                result = np.concatenate([result, last], -1)
            right.append(result / 2)
    return right


ROTARY = {"static": ([], {"dynamic": False}), "dynamic": ([], {"dynamic": [1]})}
case(ERROR, **{name: (flags, {**given, "half": False})
               for name, (flags, given) in ROTARY.items()})(rotary)
case(2e-3, **{f"f16_{name}": (flags, {**given, "half": True})
              for name, (flags, given) in ROTARY.items()})(rotary)


@case(ERROR)
def retention(g):
    """The decay of RetNet in its parallel form: (Q K' * D) V."""
    tokens, size, heads = 100, 16, 2
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    at = np.arange(tokens)
    distance = at[:, None] - at
    rates = np.array([0.9, 0.97])[:, None, None]
    decay = np.where(distance >= 0, rates ** np.maximum(distance, 0), 0)
    scores = g.Mul(a.scores(q, k, size), g.constant(decay.astype(np.float32)))
    g.output(g.MatMul(scores, v))
    query, key, value = map(np.float64, values)
    return [(query @ key.swapaxes(2, 3) * size**-0.5 * decay) @ value]


# Projections (S05, S11, S12) -----------------------------------------------------------


@case(ERROR, [r"sluice\.attention.*x1x8xf32>\) -> \S+x8xf32>"],
      static=([], {"dynamic": False}), dynamic=([], {"dynamic": [1]}))
def collapsed_projections(g, tokens=70, latents=9, narrow=8, width=24, heads=3, size=16,
                          dynamic=False):
    """Latent vectors ask rows that are narrower than a head: x (Wq Wk') y', and
    y (Wv Wo) for each head, with biases (S05)."""
    a = Attention(g)
    x = g.input([2, latents, width], dynamic=dynamic)
    y = g.input([2, tokens, narrow], dynamic=dynamic)

    def project(x, rows, columns):
        weights = g.numbers((rows, columns)) / np.float32(rows**0.5)
        # Rows without a key, of which there may be some where there is no number of
        # keys, would not have the bias of values.
        bias = g.numbers(columns) * np.float32(not (dynamic and len(parameters) == 2))
        parameters.append((np.float64(weights), np.float64(bias)))
        product = g.MatMul(x, g.constant(weights))
        return g.Add(product, g.constant(bias)) if bias.any() else product

    def split(x, tokens):
        turned = g.Transpose(a.reshape(x, 2, -1, heads, size), perm=[0, 2, 1, 3])
        return a.declare(turned, 2, heads, tokens, size)

    parameters, columns = [], heads * size
    query = split(project(x, width, columns), latents)
    key, value = (split(project(y, narrow, columns), tokens) for _ in range(2))
    mixed = g.Transpose(a.attend(query, key, value, size), perm=[0, 2, 1, 3])
    g.output(project(a.reshape(mixed, 2, -1, columns), columns, width))

    def heads_of(x, parameters):
        weights, bias = parameters
        return (x @ weights + bias).reshape(2, -1, heads, size).swapaxes(1, 2)

    x, y = (np.float64(g.feeds[name]) for name in (x, y))
    mixed = attend(*(heads_of(*pair) for pair in zip((x, y, y), parameters)))
    weights, bias = parameters[3]
    return [mixed.swapaxes(1, 2).reshape(2, latents, columns) @ weights + bias]


@case(ERROR, [r"sluice\.attention"])
def latent_attention(g, tokens=200, heads=4, size=16, rank=24, rotary=8):
    """All heads attend to one latent vector per token, beside a shared rotary key; what
    they make of it is projected afterwards (absorbed MLA, one step of decoding)."""
    a = Attention(g)
    q, turned = g.input([1, heads, 1, size]), g.input([1, heads, 1, rotary])
    latent, shared = g.input([1, 1, tokens, rank]), g.input([1, 1, tokens, rotary])
    up_keys, up_values = g.numbers((heads, size, rank)), g.numbers((heads, rank, size))
    absorbed = g.MatMul(q, g.constant(up_keys))
    query = g.Concat(absorbed, turned, axis=3)
    key = a.declare(g.Concat(latent, shared, axis=3), 1, 1, tokens, rank + rotary)
    scores = a.scores(query, key, size + rotary)
    mixed = g.MatMul(g.Softmax(scores, axis=-1), latent)
    g.output(g.MatMul(mixed, g.constant(up_values)))
    q, turned, latent, shared = (np.float64(g.feeds[x])
                                 for x in (q, turned, latent, shared))
    keys = latent @ up_keys.swapaxes(1, 2).astype(np.float64)
    scores = (q @ keys.swapaxes(2, 3) + turned @ shared.swapaxes(2, 3))
    weights = softmax(scores * (size + rotary)**-0.5)
    return [weights @ (latent @ up_values.astype(np.float64))]


def normalised(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True))


@case(ERROR, [r"sluice\.attention"])
def convolved_latents(g, tokens=40, width=24, heads=2, size=8):
    """Queries, keys and values of a latent width: causal convolutions along the tokens,
    first depthwise, then of groups, the mean of queries and keys before them added to
    both, normalised, with a temperature; half of the values are those of the token
    before."""
    taps, latent = 3, heads * size
    a = Attention(g)
    x = g.input([1, tokens, width])
    down = [g.numbers((width, latent)) for _ in range(3)]
    q, k, v = (g.MatMul(x, g.constant(weights)) for weights in down)
    depthwise = [g.numbers((latent, 1, taps)) for _ in range(2)]
    grouped = [g.numbers((latent, size, taps)) for _ in range(2)]
    middle = g.Mul(g.Add(q, k), g.constant(np.float32(0.5)))

    def convolve(x, first, second):
        turned = g.Transpose(x, perm=[0, 2, 1])
        for weights, groups in ((first, latent), (second, heads)):
            turned = g.Conv(turned, g.constant(weights), group=groups, pads=[taps - 1, 0])
        return g.Add(g.Transpose(turned, perm=[0, 2, 1]), middle)

    def split(x):
        return a.declare(g.Transpose(a.reshape(x, 1, tokens, heads, size),
                                     perm=[0, 2, 1, 3]), 1, heads, tokens, size)

    def normalise(x):
        return a.declare(g.Div(x, g.ReduceL2(x, axes=[3])), 1, heads, tokens, size)

    query, key = (normalise(split(convolve(t, first, second)))
                  for t, first, second in zip((q, k), depthwise, grouped))
    own = g.Slice(v, a.ints(0), a.ints(latent // 2), a.ints(2))
    before = g.Slice(v, a.ints(latent // 2), a.ints(latent), a.ints(2))
    before = g.Pad(g.Slice(before, a.ints(0), a.ints(-1), a.ints(1)),
                   a.ints(0, 1, 0, 0, 0, 0))
    value = split(g.Concat(own, before, axis=2))
    temperature = np.linspace(3, 5, heads, dtype=np.float32).reshape(1, heads, 1, 1)
    scores = g.MatMul(g.Mul(query, g.constant(temperature)),
                      g.Transpose(key, perm=[0, 1, 3, 2]))
    scores = g.Add(scores, a.fixed(causal(tokens)))
    mixed = g.Transpose(g.MatMul(g.Softmax(scores, axis=-1), value), perm=[0, 2, 1, 3])
    up = g.numbers((latent, width))
    g.output(g.MatMul(a.reshape(mixed, 1, tokens, latent), g.constant(up)))

    def convolved(x, first, second):
        for weights, groups in ((first, latent), (second, heads)):
            padded = np.concatenate([np.zeros((taps - 1, latent)), x])
            each = latent // groups
            x = np.zeros((tokens, latent))
            for channel in range(latent):
                start = channel // each * each
                for tap in range(taps):
                    x[:, channel] += (padded[tap:tap + tokens, start:start + each]
                                      @ weights[channel, :, tap].astype(np.float64))
        return x

    inner = np.float64(g.feeds[x][0])
    q, k, v = (inner @ weights.astype(np.float64) for weights in down)

    def heads_of(x):
        return x.reshape(tokens, heads, size).swapaxes(0, 1)

    query, key = (normalised(heads_of(convolved(t, first, second) + (q + k) / 2))
                  for t, first, second in zip((q, k), depthwise, grouped))
    late = np.concatenate([np.zeros((1, latent // 2)), v[:-1, latent // 2:]])
    value = heads_of(np.concatenate([v[:, :latent // 2], late], axis=1))
    scores = query @ key.swapaxes(1, 2) * temperature[0]
    weights = softmax(np.where(causal(tokens), scores, -np.inf))
    mixed = (weights @ value).swapaxes(0, 1).reshape(1, tokens, latent)
    return [mixed @ up.astype(np.float64)]


SEPARATE = [r"\A((?!sluice\.(slice|gather|split))[\s\S])*\Z",
            r"(sluice\.matmul .*x64xf32>[\s\S]*){3}sluice\.attention"]


@case(ERROR, SEPARATE,
      slices=([], {"dynamic": False, "turned": False}),
      turned=([], {"dynamic": False, "turned": True}),
      dynamic=([], {"dynamic": [1], "turned": False}),
      turned_dynamic=([], {"dynamic": [1], "turned": True}))
def merged_projections(g, dynamic, turned, tokens=30, width=24, heads=4, size=16):
    """One product of queries, keys and values, which are its columns."""
    a = Attention(g)
    x = g.input([2, tokens, width], dynamic=dynamic)
    weights, bias = g.numbers((width, 3 * heads * size)), g.numbers(3 * heads * size)
    merged = g.Add(g.MatMul(x, g.constant(weights)), g.constant(bias))
    if turned:
        split = g.Transpose(a.reshape(merged, 2, -1, 3, heads, size), perm=[2, 0, 3, 1, 4])
        parts = [g.Gather(split, g.constant(np.int64(i)), axis=0) for i in range(3)]
    else:
        parts = [g.Transpose(a.reshape(part, 2, -1, heads, size), perm=[0, 2, 1, 3])
                 for part in g.node("Split", [merged, a.ints(*3 * [heads * size])],
                                    count=3, axis=2)]
    for part in parts:
        a.declare(part, 2, heads, tokens, size)
    g.output(a.attend(*parts, size))
    right = np.float64(g.feeds[x]) @ weights + bias
    return [attend(*right.reshape(2, tokens, 3, heads, size).transpose(2, 0, 3, 1, 4))]


# Gates of heads (A01, S28) -----------------------------------------------------------


@case(ERROR, [r"sluice\.attention.* mask "])
def mixture_of_heads(g, tokens=70, heads=4, size=16, width=24):
    """Each token has the two heads of four that its router chose."""
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    x = g.input([1, tokens, width])
    router, out = g.numbers((width, heads)), g.numbers((heads * size, width))
    logits = g.MatMul(x, g.constant(router))
    highest, places = g.node("TopK", [logits, a.ints(2)], count=2, axis=-1)
    gates = g.ScatterElements(g.constant(np.zeros((1, tokens, heads))), places,
                              g.Softmax(highest, axis=-1), axis=-1)
    mixed = g.Transpose(a.attend(q, k, v, size), perm=[0, 2, 1, 3])
    gated = a.reshape(g.Mul(mixed, g.Unsqueeze(gates, a.ints(3))), 1, tokens, -1)
    g.output(g.MatMul(gated, g.constant(out)))
    logits = g.feeds[x].astype(np.float64) @ router
    gates = softmax(np.where(best(logits, 2), logits, -np.inf))
    mixed = attend(*values).swapaxes(1, 2) * gates[..., None]
    return [mixed.reshape(1, tokens, -1) @ out.astype(np.float64)]


@case(ERROR, [r"sluice\.attention.* (mask|blocks) "])
def removed_heads(g, tokens=70, heads=4, size=16):
    """Heads whose constant gate is zero."""
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    gates = np.array([1, 0, 0.5, 0] * (heads // 4), np.float32).reshape(1, heads, 1, 1)
    g.output(g.Mul(a.attend(q, k, v, size), g.constant(gates)))
    return [attend(*values) * gates]


@case(5e-6, [r"\A((?!sluice\.attention)[\s\S])*"
             r"(sluice\.attention((?!sluice\.attention)[\s\S])*){2}\Z"])
def removed_layers(g, tokens=70, width=32, heads=2, layers=4):
    """Layers whose constant gate is zero: two of four are left."""
    a = Attention(g)
    x = g.input([1, tokens, width])
    gates = np.arange(layers) % 2
    right, y, size = np.float64(g.feeds[x]), x, width // heads

    def split(x):
        return a.declare(g.Transpose(a.reshape(x, 1, tokens, heads, size),
                                     perm=[0, 2, 1, 3]), 1, heads, tokens, size)

    for layer, gate in enumerate(gates):
        weights = [g.numbers((width, width)) / np.float32(width**0.5) for _ in range(4)]
        q, k, v = (split(g.MatMul(y, g.constant(w))) for w in weights[:3])
        merged = a.reshape(g.Transpose(a.attend(q, k, v, size), perm=[0, 2, 1, 3]),
                           1, tokens, width)
        gate = g.Slice(g.constant(gates.astype(np.float32)), a.ints(layer),
                       a.ints(layer + 1))
        y = g.Add(y, g.Mul(g.MatMul(merged, g.constant(weights[3])), gate))
        if not gates[layer]:
            continue
        q, k, v = ((right @ w.astype(np.float64)).reshape(1, tokens, heads, size)
                   .swapaxes(1, 2) for w in weights[:3])
        right = right + attend(q, k, v).swapaxes(1, 2).reshape(right.shape) @ weights[3]
    g.output(y)
    return [right]


@case(ERROR)
def hard_attention(g):
    """Only the key with the highest score counts."""
    tokens, heads, size = 70, 2, 16
    a = Attention(g)
    q, k, v, *values = a.inputs(1, heads, tokens, size)
    scores = a.scores(q, k, size)
    is_highest = g.Equal(scores, g.ReduceMax(scores, axes=[3]))
    masked = g.Where(is_highest, scores, g.constant(np.float32(-np.inf)))
    g.output(g.MatMul(g.Softmax(masked, axis=-1), v))
    query, key, value = map(np.float64, values)
    highest = (query @ key.swapaxes(2, 3)).argmax(-1)
    return [np.take_along_axis(value, highest[..., None], 2)]


# Tokens that exist (S14) -------------------------------------------------------------


def encoder(g, x, mask, batch, tokens, width, heads, layers=2):
    """An encoder of post-normalised layers; its result and a function that computes
    it in f64."""
    size = width // heads
    a = Attention(g)
    # What is masked gets the lowest number added, as BERT's exporters write it.
    kept = g.Cast(g.Unsqueeze(mask, a.ints(1, 2)), to=1)
    hidden = g.Mul(g.Sub(g.constant(np.float32(1)), kept), g.constant(np.float32(LOWEST)))
    parameters = []

    def draw(*shape):
        parameters.append(g.numbers(shape) / np.float32(np.sqrt(shape[0])))
        return g.constant(parameters[-1])

    def split(x):
        return g.Transpose(g.Reshape(x, a.ints(0, 0, heads, size)), perm=[0, 2, 1, 3])

    def norm(x):
        return g.LayerNormalization(x, g.constant(np.ones(width)),
                                    g.constant(np.zeros(width)), axis=-1)

    for _ in range(layers):
        q, k, v = (split(g.MatMul(x, draw(width, width))) for _ in range(3))
        for part in (q, k, v):
            a.declare(part, batch, heads, tokens, size)
        mixed = a.attend(q, k, v, size, addend=hidden)
        merged = g.Reshape(g.Transpose(mixed, perm=[0, 2, 1, 3]), a.ints(0, 0, width))
        x = norm(g.Add(x, g.MatMul(merged, draw(width, width))))
        inner = g.Relu(g.Add(g.MatMul(x, draw(width, 2 * width)), draw(2 * width)))
        x = norm(g.Add(x, g.MatMul(inner, draw(2 * width, width))))

    def compute(x, visible):
        def norm(x):
            x = x - x.mean(-1, keepdims=True)
            return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)

        def split(x):
            return x.reshape(batch, tokens, heads, size).swapaxes(1, 2)

        weights = iter(np.float64(p) for p in parameters)
        bias = np.where(visible, 0.0, LOWEST)[:, None, None]
        for _ in range(layers):
            q, k, v = (split(x @ next(weights)) for _ in range(3))
            scores = (q @ k.swapaxes(2, 3) * size**-0.5).astype(np.float32)
            mixed = softmax((scores + bias.astype(np.float32)).astype(np.float64)) @ v
            x = norm(x + mixed.swapaxes(1, 2).reshape(batch, tokens, width)
                     @ next(weights))
            inner = np.maximum(x @ next(weights) + next(weights), 0)
            x = norm(x + inner @ next(weights))
        return x

    return x, compute


def padded_inputs(g, dynamic, tokens=24, width=32, heads=2, layers=2):
    """Letters and their mask: padding behind, in front, none, nothing else, and
    holes."""
    batch, letters = 5, 50
    mask = np.ones((batch, tokens), np.int64)
    mask[0, tokens // 3 + 1:] = mask[1, :tokens * 2 // 3 + 1] = mask[3] = 0
    mask[4, ::3] = 0
    a = Attention(g)
    text = g.integers(g.random.integers(0, letters, (batch, tokens)), dynamic=dynamic)
    kept = g.integers(mask, dynamic=dynamic)
    table, learned = g.numbers((letters, width)), g.numbers((1, tokens, width))
    x = g.Add(g.Gather(g.constant(table), text, axis=0), g.constant(learned))
    values = table[g.feeds[text]].astype(np.float64) + learned
    y, compute = encoder(g, x, kept, batch, tokens, width, heads, layers)
    return a, y, kept, mask, compute(values, mask != 0)


PACKED = [r"sluice\.nonzero ", r"sluice\.matmul .*tensor<\?x32xf32>"]


@case(5e-6, PACKED, static=([], {"dynamic": False}), dynamic=([], {"dynamic": ["batch", 24]}))
def packed_tokens_for_the_first(g, dynamic=False, **sizes):
    """What is read is the first token of each sequence."""
    a, y, kept, mask, right = padded_inputs(g, dynamic, **sizes)
    g.output(g.Gather(y, g.constant(np.int64(0)), axis=1))
    return [right[:, 0]]


@case(5e-6, PACKED, static=([], {"dynamic": False}), dynamic=([], {"dynamic": ["batch", 24]}))
def packed_tokens_for_the_mean(g, dynamic):
    """And the mean of those that the mask has, the last one, and the largest."""
    a, y, kept, mask, right = padded_inputs(g, dynamic)
    weights = g.Cast(g.Unsqueeze(kept, a.ints(2)), to=1)
    sums = g.ReduceSum(g.Mul(y, weights), a.ints(1), keepdims=0)
    count = g.Max(g.ReduceSum(weights, a.ints(1), keepdims=0), g.constant(np.float32(1)))
    g.output(g.Div(sums, count))
    g.output(g.Gather(y, g.constant(np.int64(-1)), axis=1))
    hidden = g.Equal(g.Unsqueeze(kept, a.ints(2)), a.ints(0))
    g.output(g.ReduceMax(g.Where(hidden, g.constant(np.float32(-1e9)), y), axes=[1],
                         keepdims=0))
    seen = mask[..., None] != 0
    return [(right * seen).sum(1) / np.maximum(seen.sum(1), 1), right[:, -1],
            np.where(seen, right, -1e9).max(1)]
