"""BERT and GPT-2, with the layer sizes of the published models."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import math

import numpy as np
from onnx import TensorProto

from .attention import self_attention
from .builder import GraphBuilder

LOWEST = float(np.finfo(np.float32).min)


def bert(path, layers=12, width=768, heads=12, vocabulary=30522, positions=512,
         opset=14):
    """BERT encoder; the defaults are BERT-base. Before opset 17 its layer
    normalisation is spelled out, as in most files in use."""
    graph = GraphBuilder("bert", opset=opset, seed=1)
    dims = ["batch", "sequence"]
    ids = graph.input("input_ids", dims, TensorProto.INT64)
    attention_mask = graph.input("attention_mask", dims, TensorProto.INT64)
    types = graph.input("token_type_ids", dims, TensorProto.INT64)

    axis_one = graph.constant([1], np.int64)
    axis_two = graph.constant([2], np.int64)
    mask = graph.node("Unsqueeze", [attention_mask, axis_one])
    mask = graph.node("Unsqueeze", [mask, axis_two])
    mask = graph.node("Cast", [mask], to=TensorProto.FLOAT)
    mask = graph.mul(graph.binary("Sub", 1.0, mask), LOWEST)

    graph.scope = "embeddings"
    position_ids = graph.weight(
        "position_ids", np.arange(positions, dtype=np.int64)[None]
    )
    zero = graph.constant([0], np.int64)
    end = graph.node("Unsqueeze", [graph.size(ids, 1), zero])
    used = graph.node("Slice", [position_ids, zero, end, axis_one, axis_one])
    tables = [("word", vocabulary, ids), ("token_type", 2, types),
              ("position", positions, used)]
    sums = []
    for name, rows, index in tables:
        table = graph.random_weight(f"{name}.weight", (rows, width), 0.05)
        sums.append(graph.node("Gather", [table, index], axis=0))
    value = graph.node("Add", [graph.node("Add", sums[:2]), sums[2]])
    value = graph.layer_norm(value, width, "LayerNorm", 1e-12)

    for layer in range(layers):
        graph.scope = f"encoder.layer.{layer}"
        inside = self_attention(graph, value, width, heads, mask)
        value = graph.node("Add", [inside, value])
        value = graph.layer_norm(value, width, "attention.LayerNorm", 1e-12)
        inside = graph.linear(value, width, 4 * width, "intermediate")
        inside = graph.linear(graph.erf_gelu(inside), 4 * width, width, "output")
        value = graph.node("Add", [inside, value])
        value = graph.layer_norm(value, width, "output.LayerNorm", 1e-12)
    graph.scope = "pooler"
    first = graph.node("Gather", [value, graph.constant(0, np.int64)], axis=1)
    pooled = graph.node("Tanh", [graph.gemm(first, width, width, "dense")])
    graph.output(value, "last_hidden_state", [*dims, width])
    graph.output(pooled, "pooler_output", ["batch", width])
    graph.save(path)


def _conv1d(graph, value, inputs, outputs, name):
    """GPT-2's linear layer: a Gemm on all tokens of all sequences."""
    flat = graph.reshape(value, [-1, inputs])
    weight = graph.random_weight(f"{name}.weight", (inputs, outputs), 0.02)
    bias = graph.random_weight(f"{name}.bias", (outputs,), 0.02)
    flat = graph.node("Gemm", [flat, weight, bias])
    return graph.reshape(flat, [(value, 0), (value, 1), outputs])


def _causal_attention(graph, value, width, heads, bias, past):
    """Returns the result and the present keys and values."""
    size = width // heads
    joint = _conv1d(graph, value, width, 3 * width, "attn.c_attn")
    if graph.opset >= 13:
        sizes = graph.constant([width] * 3, np.int64)
        parts = graph.node("Split", [joint, sizes], outputs=3, axis=2)
    else:
        parts = graph.node("Split", [joint], outputs=3, axis=2, split=[width] * 3)
    query, key, values = (
        graph.transpose(
            graph.reshape(part, [(part, 0), (part, 1), heads, size]), 0, 2, 1, 3
        )
        for part in parts
    )
    if past:
        key = graph.node("Concat", [past[0], key], axis=-2)
        values = graph.node("Concat", [past[1], values], axis=-2)
    scores = graph.node("MatMul", [query, graph.transpose(key, 0, 1, 3, 2)])
    scores = graph.binary("Div", scores, math.sqrt(size))

    # bias[:, :, keys - queries : keys, :keys]: the causal triangle.
    axes = graph.constant([0], np.int64)
    keys, queries = graph.size(key, 2), graph.size(query, 2)
    start = graph.node("Unsqueeze", [graph.node("Sub", [keys, queries]), axes])
    end = graph.node("Unsqueeze", [keys, axes])
    step = graph.constant([1], np.int64)
    rows = graph.node(
        "Slice", [bias, start, end, graph.constant([2], np.int64), step]
    )
    allowed = graph.node(
        "Slice",
        [rows, graph.constant([0], np.int64), end, graph.constant([3], np.int64), step],
    )
    scores = graph.node("Where", [allowed, scores, graph.constant(LOWEST)])
    weights = graph.node("Softmax", [scores], axis=-1)
    merged = graph.transpose(graph.node("MatMul", [weights, values]), 0, 2, 1, 3)
    merged = graph.reshape(merged, [(value, 0), (value, 1), width])
    return _conv1d(graph, merged, width, width, "attn.c_proj"), key, values


def gpt2(path, decode, layers=12, width=768, heads=12, vocabulary=50257,
         positions=1024):
    """GPT-2; the defaults are GPT-2 small. With `decode`, one step with a cache of
    keys and values; without, the prompt. Same seed, same weights."""
    graph = GraphBuilder("gpt2", opset=14, seed=2)
    size = width // heads
    ids = graph.input(
        "input_ids", ["batch", 1 if decode else "sequence"], TensorProto.INT64
    )
    pasts = []
    if decode:
        for layer in range(layers):
            pasts.append([
                graph.input(
                    f"past_key_values.{layer}.{kind}", ["batch", heads, "past", size]
                )
                for kind in ("key", "value")
            ])

    graph.scope = "transformer"
    axes = graph.constant([0], np.int64)
    table = graph.random_weight("wte.weight", (vocabulary, width), 0.05)
    value = graph.node("Gather", [table, ids], axis=0)
    start = graph.size(pasts[0][0], 2) if decode else graph.constant(0, np.int64)
    end = graph.node("Add", [start, graph.size(ids, 1)])
    numbers = graph.node("Range", [start, end, graph.constant(1, np.int64)])
    numbers = graph.node("Unsqueeze", [numbers, axes])
    position_table = graph.random_weight("wpe.weight", (positions, width), 0.02)
    position = graph.node("Gather", [position_table, numbers], axis=0)
    value = graph.node("Add", [value, position])
    triangle = np.tril(np.ones((positions, positions), bool))[None, None]
    bias = graph.weight("attn.bias", triangle)

    presents = []
    for layer in range(layers):
        graph.scope = f"transformer.h.{layer}"
        inside = graph.layer_norm(value, width, "ln_1")
        inside, key, values = _causal_attention(
            graph, inside, width, heads, bias, pasts[layer] if decode else None
        )
        presents.append((key, values))
        value = graph.node("Add", [inside, value])
        inside = graph.layer_norm(value, width, "ln_2")
        inside = _conv1d(graph, inside, width, 4 * width, "mlp.c_fc")
        inside = _conv1d(graph, graph.tanh_gelu(inside), 4 * width, width, "mlp.c_proj")
        value = graph.node("Add", [value, inside])
    graph.scope = ""
    value = graph.layer_norm(value, width, "ln_f")
    # The output layer shares the embedding's weights.
    logits = graph.node("MatMul", [value, graph.transpose(table, 1, 0)])
    rows = 1 if decode else "sequence"
    graph.output(logits, "logits", ["batch", rows, vocabulary])
    total = "total" if decode else "sequence"
    for layer, pair in enumerate(presents):
        for kind, present in zip(("key", "value"), pair):
            graph.output(
                present, f"present.{layer}.{kind}", ["batch", heads, total, size]
            )
    graph.save(path)


def mixture_of_experts(path, width=512, inner=1024, experts=8, chosen=2):
    """A transformer's feed-forward block of SwiGLU experts, top-k routed, as an
    exporter writes the loop over experts: every expert on every token, weighted
    by its share of the token's routing, which is mostly zero."""
    graph = GraphBuilder("mixture_of_experts", opset=17, seed=8)
    dims = ["batch", "sequence", width]
    hidden = graph.input("hidden_states", dims)
    normal = graph.layer_norm(hidden, width, "norm")
    tokens = graph.reshape(normal, [-1, width])
    router = graph.random_weight("router.weight", (width, experts), 0.3)
    logits = graph.node("MatMul", [tokens, router])
    shares = graph.node("Softmax", [logits], axis=-1)
    count = graph.constant([chosen], np.int64)
    top, which = graph.node(
        "TopK", [shares, count], outputs=2, axis=-1, largest=1, sorted=1
    )
    last = graph.constant([-1], np.int64)
    total = graph.node("ReduceSum", [top, last], keepdims=1)
    top = graph.node("Div", [top, total])
    result = None
    for expert in range(experts):
        graph.scope = f"experts.{expert}"
        mine = graph.node("Equal", [which, graph.constant(expert, np.int64)])
        mine = graph.node("Cast", [mine], to=TensorProto.FLOAT)
        share = graph.node(
            "ReduceSum", [graph.node("Mul", [top, mine]), last], keepdims=1
        )
        up, gate, down = (
            graph.random_weight(f"{name}.weight", shape, 0.05)
            for name, shape in (
                ("up", (width, inner)), ("gate", (width, inner)), ("down", (inner, width))
            )
        )
        gated = graph.node("MatMul", [tokens, gate])
        gated = graph.node("Mul", [gated, graph.node("Sigmoid", [gated])])
        inside = graph.node("Mul", [gated, graph.node("MatMul", [tokens, up])])
        inside = graph.node("MatMul", [inside, down])
        inside = graph.node("Mul", [inside, share])
        result = inside if result is None else graph.node("Add", [result, inside])
    graph.scope = ""
    result = graph.reshape(result, [(hidden, 0), (hidden, 1), width])
    graph.output(graph.node("Add", [hidden, result]), "output", dims)
    graph.save(path)
