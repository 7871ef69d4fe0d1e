"""Attention in the forms of both domains that the node tests leave out.

Where onnxruntime computes a form on CPUs, it is the reference; elsewhere it is
the definition, in double precision.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

FLOAT = np.float32
LOWEST = np.finfo(FLOAT).min


def _split(x, heads):
    """[B, S, H * D] as [B, H, S, D]."""
    return x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(0, 2, 1, 3)


def _merge(x):
    return x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], x.shape[1] * x.shape[3])


def _attend(query, key, value, visible=True, bias=0.0, sinks=None, softcap=0, scale=None):
    """The definition, of [B, H, S, D]; queries that see nothing give zeros."""
    group = query.shape[1] // key.shape[1]
    query, key, value = (x.astype(np.float64) for x in (query, key, value))
    key, value = np.repeat(key, group, 1), np.repeat(value, group, 1)
    scores = query @ key.swapaxes(2, 3) * (scale or 1 / np.sqrt(query.shape[3]))
    if softcap:
        scores = softcap * np.tanh(scores / softcap)
    scores = np.where(visible, scores + bias, -np.inf)
    most = np.max(scores, -1, keepdims=True, initial=-1e300)
    powers = np.exp(scores - most)
    total = powers.sum(-1, keepdims=True)
    if sinks is not None:
        total = total + np.exp(sinks[:, None, None] - most)
    return (powers / np.where(total == 0, 1, total) @ value).astype(FLOAT)


def _places(queries, keys, first=0):
    """Query and key numbers, [S, 1] and [T]."""
    return np.arange(queries)[:, None] + first, np.arange(keys)


def _standard(case, numbers):
    def attention(name, inputs, expected, opset=23, **more):
        attributes = more.pop("attributes", {})
        return case(f"attention_{name}", "Attention", inputs, opset, attributes,
                    expected=expected, **more)

    q, k, v = numbers(2, 4, 5, 8), numbers(2, 2, 7, 8, seed=1), numbers(2, 2, 7, 6, seed=2)
    yield attention("grouped", [q, k, v], [_attend(q, k, v)])
    merged = [_merge(x) for x in (q, k, v)]
    heads = {"q_num_heads": 4, "kv_num_heads": 2}
    yield attention("merged", merged, [_merge(_attend(q, k, v))], attributes=heads)
    # Twice as many heads as there are elements for.
    rows, keys = _places(5, 7)
    mask = numbers(5, 7, seed=3) > 0
    mask[2] = False
    cap = {"softcap": 0.7, "is_causal": 1, **heads}
    yield attention("capped_masked", [*merged, mask],
                    [_merge(_attend(q, k, v, mask & (keys <= rows), softcap=FLOAT(0.7)))],
                    attributes=cap)
    bias = numbers(1, 4, 5, 7, seed=4)
    bias[..., 3:5] = -np.inf
    bias[0, 1, 2] = -np.inf
    yield attention("bias_hides", [q, k, v, bias],
                    [_attend(q, k, v, bias > -np.inf, np.maximum(bias, -1e9))])
    short = numbers(4, 5, 4, seed=5)
    padded = np.concatenate([short, np.full((4, 5, 3), -np.inf, FLOAT)], -1)
    yield attention("short_bias", [q, k, v, short],
                    [_attend(q, k, v, padded > -np.inf, np.maximum(padded, -1e9))], 24)
    lengths = np.array([3, 12])
    seen = (keys < lengths[:, None])[:, None, None]
    place = (lengths - 5)[:, None, None, None] + np.arange(5)[:, None]
    yield attention("lengths", [q, k, v, None, None, None, lengths],
                    [_attend(q, k, v, seen & (keys <= place))], 24,
                    attributes={"is_causal": 1})
    window = (keys >= place - 2) & (keys <= place + 1)
    yield attention("window_lengths", [q, k, v, None, None, None, lengths],
                    [_attend(q, k, v, seen & window)], 25,
                    attributes={"left_window_size": 2, "right_window_size": 1})
    past = [numbers(2, 2, 3, 8, seed=6), numbers(2, 2, 3, 6, seed=7)]
    present = [np.concatenate(parts, 2) for parts in zip(past, (k, v))]
    rows, keys = _places(5, 10, 3)
    for name, tensors, more in (("", [q, k, v], {}), ("_merged", merged, heads)):
        result = _attend(q, *present, keys <= rows)
        yield attention(f"past{name}", [*tensors, None, *past],
                        [_merge(result) if more else result, *present], outputs=3,
                        attributes={"is_causal": 1, **more})
    # Nothing to attend to, and nothing that attends.
    empty = [x[:, :, :0] for x in (k, v)]
    yield attention("no_keys", [q, *empty], [np.zeros((2, 4, 5, 6), FLOAT)])
    yield attention("no_queries", [q[:, :, :0], k, v], [np.zeros((2, 4, 0, 6), FLOAT)])
    none = [_merge(x) for x in empty]
    yield attention("no_keys_merged", [merged[0], *none], [np.zeros((2, 5, 24), FLOAT)],
                    attributes=heads)
    yield attention("no_queries_merged", [merged[0][:, :0], *merged[1:]],
                    [np.zeros((2, 0, 24), FLOAT)], attributes=heads)
    for mode in range(4):
        scores = np.repeat(k, 2, 1).astype(np.float64)
        scores = q.astype(np.float64) @ scores.swapaxes(2, 3) * (1 / np.sqrt(8))
        shown = scores
        if mode > 0:
            shown = 0.7 * np.tanh(shown / 0.7)
        rows, keys = _places(5, 7)
        mask = numbers(5, 7, seed=3) > 0
        mask[2] = False
        if mode == 2:
            shown = np.where(mask, shown, -np.inf)
        if mode == 3:
            powers = np.where(mask, np.exp(shown), 0)
            total = powers.sum(-1, keepdims=True)
            shown = powers / np.where(total == 0, 1, total)
        yield attention(f"scores{mode}", [q, k, v, mask],
                        [_attend(q, k, v, mask, softcap=FLOAT(0.7)), k, v,
                         shown.astype(FLOAT)],
                        outputs=4, attributes={"softcap": 0.7, "qk_matmul_output_mode": mode})


def _projected(case, numbers):
    """Attention and QAttention, which project their input themselves."""
    batch, length, heads, width = 2, 6, 2, 12
    x, w, b = numbers(batch, length, width), numbers(width, 48, seed=1), numbers(48, seed=2)
    w *= 0.3
    common = {"domain": "com.microsoft", "constant": (1, 2)}

    def contrib(name, more=(), outputs=1, **attributes):
        known = attributes.pop("known", {})
        return case(f"contrib_attention_{name}", "Attention", [x, w, b, *more], 13,
                    {"num_heads": heads, **attributes}, outputs, known=known, **common)

    yield contrib("plain")
    yield contrib("causal", unidirectional=1)
    yield contrib("scale", scale=0.7)
    raw = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 2]], np.int32)
    lengths = np.array([4, 9], np.int32)
    whole = np.tile(raw[:, None], (1, length, 1))
    whole[0, 3] = 0
    batches = {0: (-3,), 3: (-1,)}
    ends = np.array([4, 5, 1, 3], np.int32)
    cumulated = np.array([4, 6, 0, 6, 12, 0, 4, 10], np.int32)
    for filler in (-10000.0, float(LOWEST), -3.0):
        for causal in (0, 1):
            tail = f"{'_causal' if causal else ''}_{-filler:.2g}"
            both = {"mask_filter_value": filler, "unidirectional": causal}
            yield contrib(f"raw{tail}", [raw], **both)
            yield contrib(f"lengths{tail}", [lengths], **both)
            yield contrib(f"ends{tail}", [ends], known=batches, **both)
            yield contrib(f"whole{tail}", [whole], **both)
    # A query that only sees padding gives NaN then.
    yield contrib("whole_infinite", [whole], mask_filter_value=-np.inf)
    yield contrib("one_for_all", [np.zeros((2, 1), np.int32)], known={3: (-1,)})
    bias = numbers(batch, heads, length, length, seed=3)
    yield contrib("bias", [None, None, bias])
    yield contrib("bias_everywhere", [None, None, bias[:1, :1]])
    yield contrib("bias_causal", [lengths, None, bias], unidirectional=1)
    past = numbers(2, batch, heads, 3, 8, seed=4)
    yield contrib("past", [None, past], 2)
    yield contrib("past_causal", [None, past], 2, unidirectional=1)
    longer = np.concatenate([np.array([[0, 0, 1], [1, 1, 1]], np.int32), raw], 1)
    yield contrib("past_raw_causal", [longer, past], 2, unidirectional=1)
    yield case("contrib_attention_sizes", "Attention",
               [x, numbers(width, 52, seed=5), numbers(52, seed=6)], 13,
               {"num_heads": heads, "qkv_hidden_sizes": [16, 16, 20]}, **common)

    random = np.random.default_rng(3)
    codes = random.integers(0, 255, (batch, length, width)).astype(np.uint8)
    scales = np.linspace(0.005, 0.02, 48, dtype=FLOAT)
    for kind in (np.int8, np.uint8):
        weights = random.integers(0, 120, (width, 48)).astype(kind)
        for name, scale, zero in (
            ("", np.array(0.01, FLOAT), np.array(60, kind)),
            ("_columns", scales, np.linspace(50, 70, 48).astype(kind)),
        ):
            yield case(f"qattention{name}_{weights.dtype}", "QAttention",
                       [codes, weights, b, np.array(0.02, FLOAT), scale, lengths,
                        np.array(120, np.uint8), zero], 13,
                       {"num_heads": heads, "unidirectional": 1}, domain="com.microsoft",
                       constant=(1, 2, 3, 4, 6, 7), atol=1e-4)
    yield case("qattention_past", "QAttention",
               [codes, weights, b, np.array(0.02, FLOAT), np.array(0.01, FLOAT), None,
                np.array(120, np.uint8), np.array(60, np.uint8), past], 13,
               {"num_heads": heads}, 2, domain="com.microsoft",
               constant=(1, 2, 3, 4, 6, 7), atol=1e-4)


def _multi_head(case, numbers):
    heads, width = 2, 16
    q, k, v = numbers(2, 4, width), numbers(2, 6, width, seed=1), numbers(2, 6, 20, seed=2)
    self = numbers(2, 6, width, seed=3)
    widths = {i: (-1,) for i in range(3)}

    def multi(name, inputs, outputs=1, **attributes):
        more = {key: attributes.pop(key) for key in ("known", "expected", "constant")
                if key in attributes}
        return case(f"multi_head_{name}", "MultiHeadAttention", inputs, 13,
                    {"num_heads": heads, **attributes}, outputs, domain="com.microsoft", **more)

    yield multi("cross", [q, k, v])
    yield multi("self_causal", [self, self * 0.5, self - 1], unidirectional=1)
    bias = numbers(2 * width + 20, seed=4)
    yield multi("bias", [q, k, v, bias], known=widths, constant=(3,))
    mask = np.array([[1, 0, 1, 1, 0, 0], [0, 1, 1, 1, 1, 1]], np.int32)
    yield multi("raw", [q, k, v, None, mask])
    yield multi("lengths", [q, k, v, None, np.array([2, 6], np.int32)])
    yield multi("cumulated", [q, k, v, None, np.array([2, 3, 0, 4, 8, 0, 6, 12], np.int32)],
                known={0: (-3,), 4: (-1,)})
    yield multi("whole", [q, k, v, None, np.tile(mask[:, None], (1, 4, 1))])
    for shape in ((1, 1, 4, 6), (2, 1, 4, 6), (1, 2, 4, 6), (2, 2, 4, 6)):
        yield multi(f"attention_bias{shape[0]}{shape[1]}",
                    [q, k, v, None, mask, numbers(*shape, seed=5)])
    past = [numbers(2, heads, 3, 8, seed=6), numbers(2, heads, 3, 8, seed=7)]
    for causal in (0, 1):
        yield multi(f"past{causal}", [self, self * 0.5, self - 1, None, None, None, *past], 3,
                    unidirectional=causal)
    longer = np.concatenate([np.ones((2, 3), np.int32), mask], 1)
    yield multi("past_raw", [self, self * 0.5, self - 1, None, longer, None, *past], 3)
    # Keys and values of another sequence, in heads.
    yield multi("heads", [q, _split(k, heads), _split(k - 1, heads)])
    # Not on onnxruntime's CPU.
    parts = [x.reshape(2, 6, heads, 8) for x in (self, self * 0.5, self - 1)]
    known = {0: (-1, -2, -3), 1: (-1, -2, -3)}
    expected = [_merge(_attend(*(x.swapaxes(1, 2) for x in parts)))]
    yield multi("packed", [np.stack(parts, 3)], expected=expected, known=known)
    yield multi("packed_keys", [self, np.stack(parts[1:], 3)], expected=expected, known=known)
    yield multi("packed_merged", [np.concatenate([self, self * 0.5, self - 1], 2)],
                expected=expected, known=known)
    added = [x + b.reshape(heads, 8) for x, b in zip(parts, np.split(bias[:48], 3))]
    yield multi("packed_bias", [np.stack(parts, 3), None, None, bias[:48]], known=known,
                expected=[_merge(_attend(*(x.swapaxes(1, 2) for x in added)))])
    fill = np.where(mask > 0, 0, -10000.0)[:, None, None]
    scores = _split(q, heads) @ _split(k, heads).swapaxes(2, 3) / np.sqrt(8)
    shown = [_merge(_attend(*(_split(x, heads) for x in (q, k, v)), bias=fill)),
             _split(k, heads), _split(v, heads), (scores + fill).astype(FLOAT)]
    yield multi("scores", [q, k, v, None, mask], 4, expected=shown)

    # One token at a time.
    one, room = [x[:, :1] for x in (self, self * 0.5, self - 1)], (2, heads, 9, 8)
    caches = [numbers(*room, seed=8), numbers(*room, seed=9)]
    length = np.array([3], np.int32)

    def decoder(name, inputs, outputs=3, **attributes):
        more = {key: attributes.pop(key) for key in ("known", "constant") if key in attributes}
        return case(f"decoder_{name}", "DecoderMaskedMultiHeadAttention", inputs, 13,
                    {"num_heads": heads, **attributes}, outputs, domain="com.microsoft", **more)

    share = {"past_present_share_buffer": 1}
    yield decoder("cache", [*one, None, None, *caches, length], **share)
    seen = np.array([[1, 0, 1, 1], [0, 1, 1, 1]], np.int32)
    yield decoder("mask", [*one, seen, None, *caches, length], **share)
    yield decoder("attention_bias", [*one, None, numbers(1, heads, 1, 4, seed=10), *caches, length],
                  **share)
    yield decoder("bias", [*one, None, None, *caches, length, None, None, bias[:48]],
                  known=widths, constant=(10,), **share)
    yield decoder("cross", [one[0], *caches], 1)
    yield decoder("cross_mask", [one[0], *(x[:, :, :4] for x in caches), seen], 1)


def _grouped(case, numbers):
    heads, shared, depth = 4, 2, 16
    q, k, v = numbers(2, 5, 64), numbers(2, 5, 32, seed=1), numbers(2, 5, 32, seed=2)
    whole, total = np.array([4, 4], np.int32), np.array([5], np.int32)
    angles = np.arange(16)[:, None] * 1000.0 ** (-np.arange(8) / 8)
    cosines, sines = np.cos(angles).astype(FLOAT), np.sin(angles).astype(FLOAT)

    def grouped(name, inputs, outputs=3, **attributes):
        more = {key: attributes.pop(key) for key in ("known", "expected", "constant")
                if key in attributes}
        return case(f"grouped_query_{name}", "GroupQueryAttention", inputs, 13,
                    {"num_heads": heads, "kv_num_heads": shared, **attributes}, outputs,
                    domain="com.microsoft", **more)

    prompt = [q, k, v, None, None, whole, total]
    yield grouped("prompt", prompt)
    yield grouped("packed", [np.concatenate([q, k, v], 2), None, None, *prompt[3:]])
    yield grouped("window", prompt, local_window_size=2)
    yield grouped("softcap", prompt, softcap=1.5)
    yield grouped("smooth", prompt, smooth_softmax=1)
    yield grouped("bidirectional", [*prompt[:5], np.array([2, 4], np.int32), total], causal=0)
    sinks = numbers(heads, seed=3)
    yield grouped("sinks", [*prompt, None, None, None, None, sinks], smooth_softmax=1)
    bias = numbers(2, heads, 5, 5, seed=4)
    yield grouped("bias", [*prompt, None, None, None, bias], softcap=1.5)
    yield grouped("scale", prompt, scale=0.5)
    rotary = {"do_rotary": 1, "constant": (7, 8)}
    for interleaved in (0, 1):
        yield grouped(f"rotary{interleaved}", [*prompt, cosines, sines],
                      rotary_interleaved=interleaved, **rotary)
    positions = np.tile(np.arange(3, 8), (2, 1))
    yield grouped("rotary_positions", [*prompt, cosines, sines, positions], **rotary)

    # One more token, or some, of one sequence, in caches that grow or have room.
    one = [x[:, :1] for x in (q, k, v)]
    some = [x[:1, :3] for x in (q, k, v)]
    past = [numbers(2, shared, 7, depth, seed=5), numbers(2, shared, 7, depth, seed=6)]
    grown = [*past, np.array([7, 7], np.int32), np.array([8], np.int32)]
    yield grouped("grow", [*one, *grown])
    yield grouped("grow_rotary", [*one, *grown, cosines, sines], **rotary)
    yield grouped("grow_positions", [*one, *grown, cosines, sines, np.array([[3], [9]])],
                  **rotary)
    yield grouped("grow_window", [*one, *grown], local_window_size=3)

    def in_room(tensors, caches, ends):
        """What onnxruntime leaves open, the rest of the caches, stays."""
        count, present = tensors[0].shape[1], [x.copy() for x in caches]
        for cache, new in zip(present, tensors[1:]):
            for b, end in enumerate(ends):
                cache[b, :, end - count : end] = _split(new, shared)[b]
        ends = np.array(ends)[:, None, None, None]
        rows = ends - count + np.arange(count)[:, None]
        seen = np.arange(caches[0].shape[2]) <= rows
        # What is behind the tokens is not looked at.
        read = [np.where(np.isfinite(x), x, 0) for x in present]
        result = _attend(_split(tensors[0], heads), *read, seen)
        return [_merge(result), *present]

    full = [np.array([3, 5], np.int32), np.array([6], np.int32)]
    for constant in ((), (6,)):
        tail = "_known" if constant else ""
        filled = [x.copy() for x in past]
        for x in filled:
            x[0, :, 4:] = x[1, :, 6:] = np.inf
        yield grouped(f"room{tail}", [*one, *filled, *full], constant=constant,
                      expected=in_room(one, filled, [4, 6]))
        first = [x[:1] for x in past]
        yield grouped(f"room_some{tail}",
                      [*some, *first, np.array([5], np.int32), np.array([6], np.int32)],
                      constant=constant, expected=in_room(some, first, [6]))
        yield grouped(f"room_prompt{tail}", [q, k, v, *past, whole, total], constant=constant,
                      expected=in_room([q, k, v], past, [5, 5]))
    long = numbers(2, 1, 1, 6, seed=7)
    ends = np.array([4, 6])[:, None, None, None]
    present = in_room(one, past, [4, 6])[1:]
    padded = np.concatenate([long, np.zeros((2, 1, 1, 1), FLOAT)], 3)
    yield grouped("room_bias", [*one, *past, *full, None, None, None, long],
                  expected=[_merge(_attend(_split(one[0], heads), *present,
                                           np.arange(7) < ends, padded)), *present])
    weights = numbers(depth, seed=8), numbers(depth, seed=9)

    def norm(x, count, weight):
        x = x.reshape(*x.shape[:2], count, depth).astype(np.float64)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * weight
        return x.transpose(0, 2, 1, 3)

    tensors = norm(q, heads, weights[0]), norm(k, shared, weights[1]), _split(v, shared)
    rows, keys = _places(5, 5)
    yield grouped("norms", [*prompt, *[None] * 7, *weights],
                  expected=[_merge(_attend(*tensors, keys <= rows)),
                            tensors[1].astype(FLOAT), tensors[2]])


def _rest(case, numbers):
    """What stands around attention."""
    def contrib(name, operator, inputs, outputs=1, **more):
        return case(name, operator, inputs, 13, more.pop("attributes", {}), outputs,
                    domain="com.microsoft", **more)

    random = np.random.default_rng(5)
    words = random.integers(0, 10, (2, 5)).astype(np.int32)
    segments = random.integers(0, 2, (2, 5)).astype(np.int32)
    places = random.integers(0, 8, (2, 5)).astype(np.int32)
    tables = [numbers(10, 16), numbers(8, 16, seed=1), numbers(2, 16, seed=2)]
    scale, bias = numbers(16, seed=3), numbers(16, seed=4)
    mask = np.array([[1, 1, 0, 2, 1], [0, 0, 0, 0, 0]], np.int32)
    inputs = [words, segments, *tables, scale, bias]
    fixed = {"constant": (2, 3, 4, 5, 6)}
    yield contrib("embed_layer_norm", "EmbedLayerNormalization", inputs, 2, **fixed)
    yield contrib("embed_layer_norm_mask", "EmbedLayerNormalization", [*inputs, mask], 3, **fixed)
    for name, given in (("", places), ("_shared", places[:1])):
        yield contrib(f"embed_layer_norm_positions{name}", "EmbedLayerNormalization",
                      [*inputs, mask, given], 2, **fixed)
    yield contrib("embed_layer_norm_one_sort", "EmbedLayerNormalization",
                  [words, None, *tables[:2], None, scale, bias, mask], 2,
                  constant=(2, 3, 5, 6))
    x, gate = numbers(2, 3, 24, seed=5), numbers(2, 3, 24, seed=6)
    for activation in ("silu", "sigmoid"):
        yield contrib(f"gated_rms_norm_{activation}", "GatedRMSNorm",
                      [x, numbers(8, seed=7), gate], attributes={"activation": activation},
                      constant=(1,))
    yield contrib("gated_add", "GatedAdd", [x, gate, numbers(2, 3, 1, seed=8)])
    yield contrib("linear_attention_gate", "LinearAttentionGate",
                  [x, numbers(24, seed=9), -np.abs(numbers(24, seed=10)), gate], 2)

    # Runs of no positions hand the state on.
    weight = numbers(5, 1, 4, seed=12)
    for length, has_past in ((0, True), (0, False), (2, True), (6, True), (6, False)):
        past = numbers(2, 5, 3, seed=13) if has_past else None
        yield contrib(f"causal_conv_{length}{'_past' if has_past else ''}",
                      "CausalConvWithState", [numbers(2, 5, length, seed=14), weight, None, past],
                      2, constant=(1,), known={0: (1,)})

    def gelu(x):
        from math import erf

        return x * 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2)))

    both = (x + bias.repeat(2)[:24]).astype(np.float64)
    yield contrib("bias_split_gelu", "BiasSplitGelu", [x, bias.repeat(2)[:24]],
                  expected=[(both[..., :12] * gelu(both[..., 12:])).astype(FLOAT)],
                  known={0: (-1,)})
    yield contrib("bias_add", "BiasAdd", [x, numbers(24, seed=11), gate],
                  expected=[x + numbers(24, seed=11) + gate])


def _linear(case, numbers):
    """LinearAttention of all rules."""
    def states(q, k, v, decay, rate, state, heads, shared):
        """The recurrence, a token at a time."""
        q, k, v = q.astype(np.float64), k.astype(np.float64), v.astype(np.float64)
        batch, tokens, _ = q.shape
        _, _, depth, width = state.shape
        q = q.reshape(batch, tokens, shared, heads // shared, depth)
        k, v = k.reshape(batch, tokens, shared, depth), v.reshape(batch, tokens, shared, width)
        outputs = []
        for t in range(tokens):
            if decay is not None:
                g = decay[:, t].reshape(batch, shared, -1, 1).astype(np.float64)
                state = np.exp(g) * state
            new = v[:, t]
            if rate is not None:
                known = np.einsum("bhk,bhkv->bhv", k[:, t], state)
                new = rate[:, t].reshape(batch, -1, 1) * (new - known)
            state = state + k[:, t][..., None] * new[:, :, None]
            outputs.append(np.einsum("bhgk,bhkv->bhgv", q[:, t], state).reshape(batch, -1))
        output = np.array(outputs).reshape(tokens, batch, heads * width).swapaxes(0, 1)
        return (output / np.sqrt(depth)).astype(FLOAT), state.astype(FLOAT)

    widths = {i: (-1,) for i in range(6)}
    for heads, shared, depth, width, batches in (
        (4, 2, 16, 24, ((1, 9), (2, 0))), (3, 1, 5, 7, ((2, 6),)),
    ):
        for batch, tokens in batches:
            q, v = numbers(batch, tokens, heads * depth), numbers(batch, tokens, shared * width)
            k = numbers(batch, tokens, shared * depth, seed=1) / np.sqrt(depth).astype(FLOAT)
            rate = 1 / (1 + np.exp(-numbers(batch, tokens, shared, seed=2)))
            each = -np.abs(numbers(batch, tokens, shared, seed=3))
            every = -np.abs(numbers(batch, tokens, shared * depth, seed=4))
            state = numbers(batch, shared, depth, width, seed=5)
            for rule, decay, beta in (
                ("linear", None, None), ("gated", each, None), ("gated", every, None),
                ("delta", None, rate), ("gated_delta", each, rate),
                ("gated_delta", every, rate[..., :1]),
            ):
                kind = "" if decay is None else "_each" if decay is each else "_every"
                name = f"linear_attention_{rule}{kind}_{heads}of{depth}x{width}_{batch}x{tokens}"
                attributes = {"q_num_heads": heads, "kv_num_heads": shared, "update_rule": rule}
                expected = states(q, k, v, decay, beta, state.astype(np.float64), heads, shared)
                yield case(name, "LinearAttention", [q, k, v, state, decay, beta], 27, attributes,
                           2, expected=expected, known=widths)


def cases(case, numbers):
    for group in (_standard, _projected, _multi_head, _grouped, _rest, _linear):
        yield from group(case, numbers)
