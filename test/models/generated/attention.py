"""Multi-head attention as PyTorch's exporter writes it."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import math


def self_attention(graph, value, width, heads, mask=None):
    """Separate query, key and value projections, heads split by Reshape and
    Transpose; `mask` is added to the scores."""
    size = width // heads
    split = [(value, 0), (value, 1), heads, size]

    def project(name, *perm):
        projected = graph.linear(value, width, width, f"attention.{name}")
        return graph.transpose(graph.reshape(projected, split), *perm)

    query = project("query", 0, 2, 1, 3)
    key = project("key", 0, 2, 3, 1)
    values = project("value", 0, 2, 1, 3)
    scores = graph.node("MatMul", [query, key])
    scores = graph.binary("Div", scores, math.sqrt(size))
    if mask is not None:
        scores = graph.node("Add", [scores, mask])
    weights = graph.node("Softmax", [scores], axis=-1)
    merged = graph.transpose(graph.node("MatMul", [weights, values]), 0, 2, 1, 3)
    merged = graph.reshape(merged, [(value, 0), (value, 1), width])
    return graph.linear(merged, width, width, "attention.output")
