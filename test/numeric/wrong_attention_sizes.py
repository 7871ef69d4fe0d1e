"""Attention operators with dynamic sizes, and inputs whose sizes do not fit them."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

from wrong_sizes import collector

CASES = []
case = collector(CASES)


@case(({"x1": [2, 2, 6, 8]}, "as many values as keys"), ({"x1": [3, 2, 7, 8]}, "Attention_0"),
      ({"x3": [5, 6]}, "Attention_0"))
def keys_values_and_a_mask(g):
    g.opset = 23
    q, k = g.input([2, 4, 5, 8], dynamic=[0, 2]), g.input([2, 2, 7, 8], dynamic=[0, 2])
    v, mask = g.input([2, 2, 7, 8], dynamic=[0, 2]), g.input([5, 7], dynamic=True)
    g.output(g.Attention(q, k, v, mask))


@case(({"x2": [2, 1, 7, 8]}, "different heads"), ({"x0": [2, 3, 5, 8]}, "do not fit"),
      ({"x1": [2, 0, 7, 8], "x2": [2, 0, 7, 8]}, "Attention_0"))
def heads_of_the_run(g):
    g.opset, sizes = 23, ((4, 5), (2, 7), (2, 7))
    g.output(g.Attention(*(g.input([2, *n, 8], dynamic=[1]) for n in sizes)))


@case(({"x1": [2, 4, 7, 6]}, "different depths"), ({"x2": [2, 4, 6, 8]}, "as many values"),
      ({"x1": [2, 1, 7, 8]}, "different heads"), ({"x3": [3, 1, 5, 7]}, "Attention_0"),
      ({"x3": [0, 1, 5, 7]}, "Attention_0"), ({"x3": [1, 4, 5, 6]}, "broadcast"))
def attention_in_pieces(g):
    """Nothing is known of depths, so no kernel serves it."""
    g.opset, sizes = 23, ((5, 8), (7, 8), (7, 8))
    inputs = [g.input([2, 4, *n], dynamic=True) for n in sizes]
    g.output(g.Attention(*inputs, g.input([1, 4, 5, 7], dynamic=True)))


@case(({"x1": [2, 2, 7, 6]}, "Attention_0"), ({"x2": [2, 2, 6, 8]}, "as many values"),
      ({"x2": [1, 2, 7, 8], "x1": [3, 2, 7, 8]}, "Attention_0"))
def scores_that_are_shown(g):
    g.opset = 23
    q, k, v = (g.input([2, 2, n, 8], dynamic=True) for n in (5, 7, 7))
    result, _, _, scores = g.node("Attention", [q, k, v], 4, qk_matmul_output_mode=2)
    g.output(result)
    g.output(scores)


@case(({"x1": [[0, 1, 2]]}, "position_ids"), ({"x1": [[0], [1]]}, "position_ids"),
      ({"x1": [[0, 1, -1], [1, 2, 3]]}, "a position is negative"),
      ({"x1": [[0, 1, 6], [1, 2, 3]]}, "index"), ({"x0": [1, 4, 3, 8]}, "RotaryEmbedding_0"))
def positions(g):
    g.opset, x = 23, g.input([2, 4, 3, 8], dynamic=[0, 2])
    places = g.integers([[0, 1, 2], [3, 0, 5]], dynamic=True)
    g.output(g.RotaryEmbedding(x, g.weight(6, 4), g.weight(6, 4), places))


@case(({"x1": [-1]}, "a position is negative"), ({"x1": [4]}, "index"),
      ({"x1": [0, 1]}, "position_ids"), ({"x0": [2, 4, 7, 8]}, "index"))
def a_first_position(g):
    x, first = g.input([2, 4, 3, 8], dynamic=[0, 2]), g.integers([2], dynamic=True)
    g.output(g.node("RotaryEmbedding", [x, first, g.weight(6, 4), g.weight(6, 4)],
                    domain="com.microsoft"))


@case(({"x3": [[1]]}, "position_ids"), ({"x3": [[-1], [1]]}, "a position is negative"),
      ({"x3": [[7], [1]]}, "GroupQueryAttention"))
def positions_of_a_step(g):
    heads, shared = g.input([2, 1, 32], dynamic=[1]), g.input([2, 1, 16], dynamic=[1])
    past = g.input([2, 1, 2, 16], dynamic=[2])
    last, total = (g.Cast(g.constant(np.int64(n)), to=6) for n in ([2, 2], [3]))
    places = g.integers([[2], [1]], dynamic=True)
    result, _, _ = g.node(
        "GroupQueryAttention",
        [heads, shared, shared, past, past, last, total, g.weight(6, 8), g.weight(6, 8),
         places], 3, domain="com.microsoft", num_heads=2, kv_num_heads=1, do_rotary=1)
    g.output(result)


@case(({"x3": [5, 8]}, "more keys than there are"), ({"x4": [3]}, "nonpad_kv_seqlen"),
      ({"x4": [3, 3, 3]}, "nonpad_kv_seqlen"))
def a_mask_and_lengths(g):
    g.opset = 24
    q, k = g.input([2, 2, 5, 8], dynamic=[0, 2]), g.input([2, 2, 7, 8], dynamic=[0, 2])
    v, mask = g.input([2, 2, 7, 8], dynamic=[0, 2]), g.input([5, 7], dynamic=True)
    g.output(g.node("Attention", [q, k, v, mask, "", "", g.integers([7, 3], dynamic=True)]))


@case(({"x1": [2, 1, 5, 8]}, "as many keys"), ({"x1": [2, 1, 5, 6]}, "as many keys"))
def a_bias_for_other_keys(g):
    x, bias = g.input([2, 5, 16], dynamic=[0, 1]), g.input([2, 1, 5, 5], dynamic=True)
    g.output(g.node("MultiHeadAttention", [x, x, x, "", "", bias], domain="com.microsoft",
                    num_heads=2))


@case(({"x2": [-1, 2]}, "seqlens_k"), ({"x2": [4, 2]}, "seqlens_k"))
def lengths_of_a_prompt(g):
    heads, shared = g.input([2, 4, 64], dynamic=[1]), g.input([2, 4, 32], dynamic=[1])
    last = g.Cast(g.integers([3, 2]), to=6)
    result, _, _ = g.node(
        "GroupQueryAttention",
        [heads, shared, shared, "", "", last, g.Cast(g.integers([4]), to=6)], 3,
        domain="com.microsoft", num_heads=4, kv_num_heads=2)
    g.output(result)


@case(({"x3": [7]}, "seqlens_k"), ({"x3": [-2]}, "seqlens_k"),
      ({"x3": [7], "x4": [9]}, "total_sequence_length"),
      ({"x4": [2**31 - 1]}, "total_sequence_length"))
def a_cache_that_is_full(g):
    heads, shared = g.input([1, 1, 64]), g.input([1, 1, 32])
    past = g.input([1, 2, 7, 16], dynamic=[2])
    last, total = (g.Cast(g.integers([n]), to=6) for n in (3, 4))
    result, _, _ = g.node(
        "GroupQueryAttention", [heads, shared, shared, past, past, last, total], 3,
        domain="com.microsoft", num_heads=4, kv_num_heads=2)
    g.output(result)


@case(({"x0": [2, 5, 16], "x1": [2, 4, 16]}, "LinearAttention_0"),
      ({"x1": [1, 8, 16]}, "key has a wrong size"),
      ({"x3": [2, 2, 8, 9]}, "LinearAttention_0"), ({"x3": [4, 1, 8, 8]}, "past_state"))
def tokens_of_linear_attention(g):
    q, k, v = (g.input([2, 4, 16], dynamic=[0, 1]) for _ in range(3))
    state = g.input([2, 2, 8, 8], dynamic=True)
    result, _ = g.node("LinearAttention", [q, k, v, state], 2, domain="com.microsoft",
                       q_num_heads=2, kv_num_heads=2, update_rule="linear")
    g.output(result)


@case(({"x4": [2, 3, 2]}, "decay"), ({"x5": [1, 4, 2]}, "beta"), ({"x2": [2, 3, 16]}, "value"))
def decays_of_linear_attention(g):
    q, k, v = (g.input([2, 4, 16], dynamic=[0, 1]) for _ in range(3))
    state = g.input([2, 2, 8, 8], dynamic=True)
    decay, beta = (g.input([2, 4, 2], low=-1, high=0, dynamic=[0, 1]) for _ in range(2))
    result, _ = g.node("LinearAttention", [q, k, v, state, decay, beta], 2,
                       domain="com.microsoft", q_num_heads=2, kv_num_heads=2)
    g.output(result)


@case(({"x1": [2, 3, 5]}, "past_state"), ({"x1": [1, 10, 3]}, "past_state"))
def the_state_of_a_convolution(g):
    x, past = g.input([2, 5, 7], dynamic=[0, 2]), g.input([2, 5, 3], dynamic=True)
    result, _ = g.node("CausalConvWithState", [x, g.weight(5, 1, 4), "", past], 2,
                       domain="com.microsoft")
    g.output(result)
