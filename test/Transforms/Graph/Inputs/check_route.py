"""check_route.py --write prints functions of constants that route tokens in every
way; check_route.py RESULT compares what they returned with the definition, in f64."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import itertools
import json
import re
import struct
import sys

import numpy as np

INF, NAN = np.inf, np.nan
EPSILON, K = 0.25, 2
# Ties, infinities, NaN; weights that are not in f16's way.
SCORES = np.array([
    [0.5, -1.25, 3, 2.75, -8, 0, 1, 2], [1, 1, 1, 1, 1, 1, 1, 1],
    [-4, 2, 2, -4, 0.5, 2, -1, 2], [0, NAN, 1, 2, 3, 4, 5, NAN],
    [-INF, -INF, -INF, -INF, -INF, -INF, -INF, -INF], [1, 2, -INF, 3, -2, -3, 0.25, -1],
    [-2, -1, -0.5, -3, -4, -2.5, -1.5, -0.25]], dtype=np.float64)
BIAS = np.array([0.125, 0, -0.5, 0.25, 1, -1, 0.75, -0.25])
GROUPS = {"": (1, 1), "max": (4, 2), "sum_of_two": (4, 3)}
WAYS = list(itertools.product(
    ["none", "softmax", "sigmoid"], ["none", "sum", "softmax"], [False, True], GROUPS, [1, 2.5],
    ["f32"])) + [("softmax", "sum", True, "max", 1, "f16"), ("sigmoid", "none", False, "", 2.5, "f64")]


def softmax(x):
    power = np.exp(x - x.max(1, keepdims=True))
    return power / power.sum(1, keepdims=True)


def best(x, count):
    """Places of the largest; NaN is larger than all, the first of equal ones is first."""
    return np.lexsort((-np.nan_to_num(x, nan=0, neginf=-1e300), ~np.isnan(x)))[..., :count]


def route(activation, normalization, biased, group_score, scale, kind):
    scores = {"none": lambda x: x, "softmax": softmax, "sigmoid": lambda x: 1 / (1 + np.exp(-x))}[
        activation](SCORES)
    choice = scores + BIAS if biased else scores.copy()
    groups, limit = GROUPS[group_score]
    if groups > 1:
        parts = choice.reshape(len(choice), groups, -1)
        each = np.sort(parts, 2)
        ranks = each[..., -1] if group_score == "max" else each[..., -2:].sum(2)
        for row, rank in zip(parts, ranks):
            row[np.setdiff1d(range(groups), best(rank, limit))] = -INF
        choice = parts.reshape(choice.shape)
    experts = best(choice, K)
    weights = np.take_along_axis(scores, experts, 1)
    if normalization == "sum":
        weights = weights / (weights.sum(1, keepdims=True) + EPSILON)
    elif normalization == "softmax":
        weights = softmax(weights)
    return weights * scale, experts


def bits(value, kind):
    form = {"f16": ">e", "f32": ">f", "f64": ">d"}[kind]
    return f"0x{struct.pack(form, value).hex().upper()}"


def write():
    for index, way in enumerate(WAYS):
        activation, normalization, biased, group_score, scale, kind = way
        groups, limit = GROUPS[group_score]
        rows = ", ".join(f"[{', '.join(bits(x, kind) for x in row)}]" for row in SCORES)
        shapes = [f"tensor<{len(SCORES)}x8x{kind}>"] + biased * [f"tensor<8x{kind}>"]
        results = f"tensor<{len(SCORES)}x{K}x{kind}>, tensor<{len(SCORES)}x{K}xi64>"
        print(f"func.func @way{index}() -> ({results}) {{\n"
              f"  %s = sluice.constant dense<[{rows}]> : {shapes[0]}\n"
              f"  %b = sluice.constant dense<[{', '.join(bits(x, kind) for x in BIAS)}]> :"
              f" tensor<8x{kind}>\n"
              f"  %r:2 = sluice.route %s {'bias %b' if biased else ''} activation {activation}"
              f" normalization {normalization}"
              f" {f'group_score {group_score}' if group_score else ''}"
              f" {{k = {K}, groups = {groups}, group_limit = {limit}, epsilon = {EPSILON},"
              f" scale = {float(scale)}}} : ({', '.join(shapes)}) -> ({results})\n"
              f"  return %r#0, %r#1 : {results}\n}}")


def parse(text, shape, kind):
    text = re.sub(r"0x([0-9A-F]+)", lambda m: str(struct.unpack(
        {4: ">e", 8: ">f", 16: ">d"}[len(m[1])], bytes.fromhex(m[1]))[0]), text)
    text = text.replace("nan", "NaN").replace("inf", "Infinity")
    values = np.array(json.loads(text), dtype=np.int64 if kind == "i64" else np.float64)
    return np.broadcast_to(values, [int(x) for x in shape.split("x")])


def check(path):
    functions = open(path).read().split("func.func @")[1:]
    assert len(functions) == len(WAYS)
    for way, text in zip(WAYS, functions):
        constants = {name: parse(*found) for name, *found in re.findall(
            r"(%\w+) = sluice\.constant dense<(.*)> : tensor<([0-9x]+)x(\w+)>", text)}
        returned = re.search(r"return (%\w+), (%\w+)", text).groups()
        weights, experts = (constants[name] for name in returned)
        with np.errstate(invalid="ignore"):
            wanted_weights, wanted_experts = route(*way)
        np.testing.assert_array_equal(experts, wanted_experts, str(way))
        np.testing.assert_allclose(weights, wanted_weights, {"f16": 2e-3}.get(way[-1], 1e-6),
                                   err_msg=str(way))


if sys.argv[1] == "--write":
    write()
else:
    check(sys.argv[1])
