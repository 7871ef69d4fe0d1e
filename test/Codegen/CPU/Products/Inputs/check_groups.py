"""check_groups.py --write prints functions of constants that group rows and multiply
each with the matrix of its group; check_groups.py RESULT compares what they returned
with the definition, in f64. With --few behind, those of few rows only."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import json
import re
import sys
from dataclasses import dataclass

import numpy as np

BYTES = {"f16": "<f2", "f32": "<f4", "f64": "<f8", "i32": "<i4", "i64": "<i8"}
ERRORS = {"f16": 2e-3, "bf16": 1.6e-2, "f32": 2e-6, "f64": 1e-13, "i32": 0}


@dataclass
class Way:
    """One layer: tokens, experts for each of them, depth, columns and groups."""
    tokens: int
    k: int
    depth: int
    columns: int
    groups: int
    kind: str = "f32"
    ids: object = None  # of pairs; drawn where there are none
    transposed: bool = False
    biased: bool = False
    activation: str = ""
    tiling: str = ""


def all_in(group, tokens):
    return np.full(tokens, group)


SPLIT = "tile_rows = 4, tile_vectors = 2, depth_block = 16, column_block = 64, row_block = 8"
WAYS = [
    Way(23, 2, 37, 83, 5),
    Way(23, 2, 37, 83, 5, transposed=True, biased=True, activation="swish"),
    Way(23, 2, 37, 83, 5, biased=True, activation="sigmoid",
        ids=np.arange(46) % 9 - 2),  # Some are in no group.
    Way(9, 1, 20, 64, 4, ids=np.full(9, 7), activation="sigmoid"),  # All are.
    Way(1, 1, 64, 40, 3, ids=all_in(2, 1)), Way(1, 3, 65, 128, 8, biased=True),
    Way(0, 2, 16, 16, 2, ids=np.zeros(0)), Way(7, 1, 1, 1, 1),
    Way(230, 1, 24, 70, 6, ids=all_in(3, 230), biased=True),
    Way(230, 1, 24, 70, 6, ids=np.repeat([5, 0, 2, 1], [6, 7, 12, 205])),
    Way(60, 2, 70, 150, 3, tiling=SPLIT, biased=True, activation="swish"),
    Way(105, 1, 9, 20, 14, ids=np.repeat(np.arange(14), np.arange(1, 15)), biased=True,
        activation="relu", tiling="tile_rows = 14, tile_vectors = 1"),
    Way(60, 2, 33, 90, 3, "bf16", biased=True, activation="relu"),
    *(Way(5, 2, 33, 90, 3, kind, transposed=kind == "f16") for kind in ("f16", "f64", "i32")),
]
ACTIVATIONS = {
    "": lambda x: x, "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "swish": lambda x: x / (1 + np.exp(-x))}


def rounded(values, kind):
    """What elements of a type have of numbers that are drawn."""
    if kind == "bf16":
        bits = values.astype(np.float32).view(np.uint32) & 0xFFFF0000
        return bits.view(np.float32).astype(np.float64)
    if kind == "i32":
        return np.round(values * 10)
    return values.astype(BYTES[kind]).astype(np.float64)


def draw(number, way):
    """ids, tokens, weights and biases of both products."""
    random = np.random.default_rng(number)
    make = lambda *shape: rounded(random.uniform(-1, 1, shape), way.kind)
    drawn = random.integers(0, way.groups, way.tokens * way.k)
    ids = drawn if way.ids is None else np.int64(way.ids)
    return (ids, make(way.tokens, way.depth), make(way.groups, way.depth, way.columns),
            make(way.groups, way.columns), make(way.groups, way.columns, way.depth),
            make(way.groups, way.depth))


def text(values, kind):
    """A constant's elements, as bytes."""
    if kind == "bf16":
        raw = (values.astype("<f4").view("<u4") >> 16).astype("<u2")
    else:
        raw = values.astype(BYTES[kind])
    return f'"0x{raw.tobytes().hex().upper()}"' if values.size else ""


def type_of(shape, kind):
    return f"tensor<{''.join(f'{size}x' for size in shape)}{kind}>"


def write():
    for number, way in enumerate(WAYS):
        arrays = draw(number, way)
        names, types = ["ids", "x", "w", "b", "v", "c"], []
        lines = []
        for name, array in zip(names, arrays):
            kind = "i64" if name == "ids" else way.kind
            if way.transposed and name in "wv":
                array = array.swapaxes(1, 2)
            types.append(type_of(array.shape, kind))
            lines.append(f"%{name} = sluice.constant dense<{text(array, kind)}> : {types[-1]}")
        rows, pairs = len(arrays[0]), type_of((len(arrays[0]),), "i64")
        offsets = type_of((way.groups + 1,), "i64")
        hidden = type_of((rows, way.columns), way.kind)
        result = type_of((rows, way.depth), way.kind)
        flags = ["transpose_rhs"] if way.transposed else []
        if way.tiling:
            flags.append(f"kernel.tiling = #kernel.tiling<{way.tiling}>")
        bias = lambda name: f"bias %{name}" if way.biased else ""
        of = lambda *each: ", ".join([*each[:-1], *(each[-1:] if way.biased else [])])
        lines.append(f"%o:2 = sluice.group_rows %ids {{groups = {way.groups}}} :"
                     f" ({pairs}) -> ({pairs}, {offsets})")
        lines.append(f"%h = sluice.grouped_matmul %x, %w, %o#1 rows %o#0 {bias('b')}"
                     f" {{{', '.join([f'repeat = {way.k}', *flags])}}} :"
                     f" ({of(types[1], types[2], offsets, pairs, types[3])}) -> {hidden}")
        last = "h"
        if way.activation:
            last = "a"
            alpha = " {alpha = 1.0}" if way.activation == "swish" else ""
            lines.append(f"%a = sluice.{way.activation} %h{alpha} : ({hidden}) -> {hidden}")
        lines.append(f"%y = sluice.grouped_matmul %{last}, %v, %o#1 places %o#0 {bias('c')}"
                     f" {{{', '.join(flags)}}} :"
                     f" ({of(hidden, types[4], offsets, pairs, types[5])}) -> {result}")
        lines.append(f"return %o#0, %o#1, %{last}, %y : {pairs}, {offsets}, {hidden}, {result}")
        body = "\n  ".join(lines)
        print(f"func.func @way{number}() -> ({pairs}, {offsets}, {hidden}, {result}) {{\n"
              f"  {body}\n}}")


def define(number, way):
    ids, x, w, b, v, c = draw(number, way)
    groups = np.where((ids < 0) | (ids >= way.groups), way.groups, ids)
    order = np.argsort(groups, kind="stable")
    offsets = np.searchsorted(groups[order], np.arange(way.groups + 1))
    hidden, result = np.zeros((len(ids), way.columns)), np.zeros((len(ids), way.depth))
    if not way.biased:
        b, c = 0 * b, 0 * c
    for row, pair in enumerate(order):
        if groups[pair] < way.groups:
            hidden[row] = x[pair // way.k] @ w[groups[pair]] + b[groups[pair]]
    hidden = ACTIVATIONS[way.activation](hidden)
    for row, pair in enumerate(order):
        if groups[pair] < way.groups:
            result[pair] = hidden[row] @ v[groups[pair]] + c[groups[pair]]
    return order, offsets, hidden, result


def element_of(digits, kind):
    data = bytes.fromhex(digits)[::-1]
    return parse_bytes(data, kind)[0]


def parse_bytes(data, kind):
    if kind == "bf16":
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(data, BYTES[kind])


def parse(found, shape, kind):
    if found.startswith('"'):
        return parse_bytes(bytes.fromhex(found[3:-1]), kind).astype(np.float64).reshape(shape)
    found = re.sub(r"0x([0-9A-F]+)", lambda m: str(element_of(m[1], kind)), found)
    return np.broadcast_to(np.array(json.loads(found or "[]"), np.float64).reshape(
        shape if not found or found.startswith("[") else ()), shape)


def check(path):
    program, _, resources = open(path).read().partition("dialect_resources")
    # In front of the elements is their alignment, in four bytes.
    resources = {name: digits[8:] for name, digits in re.findall(
        r'(\w+): "0x([0-9A-F]+)"', resources)}
    functions = program.split("func.func @way")[1:]
    assert len(functions) == len(WAYS)
    for number, (way, function) in enumerate(zip(WAYS, functions)):
        constants = {}
        for name, source, values, kind in re.findall(
                r"(%\w+) = sluice\.constant dense(_resource)?<(.*)> : tensor<(\w+)>", function):
            *shape, kind = kind.split("x")
            if source:
                values = f'"0x{resources[values]}"'
            constants[name] = parse(values, [int(size) for size in shape], kind)
        returned = re.search(r"return (.*) :", function)[1].split(", ")
        for name, wanted in zip(returned, define(number, way)):
            error = ERRORS[way.kind] * max(1, abs(wanted).max(initial=0)) * 4
            np.testing.assert_allclose(constants[name], wanted, 0, error, err_msg=str(way))


if sys.argv[2:] == ["--few"]:
    WAYS = [way for way in WAYS if way.tokens <= 23]
if sys.argv[1] == "--write":
    write()
else:
    check(sys.argv[1])
