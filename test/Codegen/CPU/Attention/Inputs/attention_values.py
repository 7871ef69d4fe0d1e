"""Attention of constants: attention_values.py --write FILE writes functions that
compute it, --check FILE... compares what became of them with numpy in f64."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import re
import sys
from dataclasses import dataclass, field

import ml_dtypes
import numpy as np

TYPES = {
    "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32,
    "f64": np.float64, "i1": np.bool_, "i32": np.int32, "i64": np.int64,
}
NAMES = {np.dtype(dtype): name for name, dtype in TYPES.items()}
TOLERANCE = {"f16": 2e-3, "bf16": 2e-2, "f32": 3e-6, "f64": 1e-13}
OPTIONAL = ("bias", "mask", "position", "lengths", "sinks", "blocks", "tiles",
            "fallback")
ORDERS = ("query_order", "key_order", "value_order", "result_order")
SPLIT = (0, 2, 1, 3)  # [batch, positions, heads, elements]


@dataclass
class Case:
    """Sizes as in the op's description, its attributes, and how its optional
    operands are made."""

    name: str
    sizes: tuple  # B, H, key heads, S, T, D, E
    make: object = lambda random, case: {}
    attributes: dict = field(default_factory=dict)
    dtype: str = "f32"
    batches: tuple = ()  # of queries, keys and values, where they differ
    scale: float = 1.0  # of the queries, and so of the scores' rounding errors


def causal_blocks(random, case):
    """Blocks of 4 x 8 of a causal mask, the partial ones as tiles."""
    rows, columns = 4, 8
    _, _, _, queries, keys, _, _ = case.sizes
    down, along = -(-queries // rows), -(-keys // columns)
    allowed = np.tril(np.ones((down * rows, along * columns), bool))
    allowed[:, keys:] = False
    tiles, blocks = [], np.zeros((down, along), np.int32)
    for i in range(down):
        for j in range(along):
            tile = allowed[i * rows:(i + 1) * rows, j * columns:(j + 1) * columns]
            inside = tile[:max(0, queries - i * rows), :max(0, keys - j * columns)]
            if inside.all():
                blocks[i, j] = 1
            elif inside.any():
                blocks[i, j] = 2 + len(tiles)
                tiles.append(tile)
    return {"blocks": blocks, "tiles": np.array(tiles)}


def mixed_blocks(random, case):
    """A bias that hides by -1e4, with its list; block rows that are full of
    nothing leave queries without keys."""
    _, _, _, queries, keys, _, _ = case.sizes
    bias = np.where(random.random((queries, keys)) < 0.6, 0, -1e4)
    bias[:4] = -1e4
    bias[8:12, :8] = 0
    down, along = -(-queries // 4), -(-keys // 8)
    blocks = np.zeros((down, along), np.int32)
    for i in range(down):
        for j in range(along):
            tile = bias[i * 4:(i + 1) * 4, j * 8:(j + 1) * 8]
            blocks[i, j] = 0 if (tile == -1e4).all() else -1 if (tile == 0).all() else 2
    bias = bias.astype(np.float32)
    return {"bias": bias, "blocks": blocks, "fallback": bias}


def bools(random, *shape):
    return random.random(shape) < 0.5


def hides_rows(random, case):
    mask = bools(random, case.sizes[3], case.sizes[4])
    mask[::3] = False
    return {"mask": mask}


def normal(*shape):
    return lambda random, case: {"bias": random.standard_normal(shape).astype(np.float32)}


CASES = [
    Case("plain", (2, 3, 3, 7, 9, 8, 8)),
    Case("one_key", (1, 1, 1, 1, 1, 1, 1)),
    Case("odd_depth", (1, 2, 2, 33, 70, 5, 13)),
    Case("long", (1, 1, 1, 130, 600, 64, 64)),
    Case("wide", (1, 2, 1, 9, 300, 128, 80)),
    Case("large_scores", (1, 2, 2, 20, 300, 16, 16), scale=60.0),
    Case("split_heads", (2, 4, 2, 9, 11, 8, 6), attributes=dict.fromkeys(ORDERS, SPLIT)),
    Case("one_batch_of_keys", (3, 4, 2, 9, 40, 8, 8), batches=(3, 1, 1)),
    Case("one_batch_of_queries", (3, 4, 2, 9, 40, 8, 8), batches=(1, 3, 1),
         attributes={"result_order": SPLIT}),
    Case("odd_orders", (2, 4, 4, 9, 11, 8, 6), attributes={
        "query_order": (1, 0, 3, 2), "key_order": (0, 1, 3, 2),
        "value_order": (3, 2, 1, 0), "result_order": (2, 0, 1, 3)}),
    Case("keys_side_by_side", (2, 2, 2, 33, 205, 24, 16),
         attributes={"key_order": (0, 1, 3, 2), "right": 150}),
    Case("halves_side_by_side", (1, 2, 1, 80, 91, 20, 16), dtype="f16",
         attributes={"key_order": (0, 1, 3, 2)}),
    Case("groups", (2, 6, 2, 5, 40, 16, 16)),
    Case("one_key_head", (1, 4, 1, 3, 129, 16, 24)),
    # Several queries and many more keys, which are read where they lie.
    Case("several_queries", (1, 8, 2, 5, 700, 72, 40)),
    Case("several_queries_of_one_head", (2, 2, 2, 7, 300, 128, 128), lambda random, case: {
        "position": np.array([293, 40])}, attributes={"right": 0}),
    Case("several_halves", (1, 12, 2, 9, 600, 64, 64), lambda random, case: {
        "lengths": np.array([513])}, dtype="f16",
         attributes={"key_order": SPLIT, "value_order": SPLIT}),
    Case("softcap", (1, 2, 2, 9, 33, 8, 8), attributes={"softcap": 2.5}),
    Case("bias_of_heads", (2, 3, 3, 9, 21, 8, 8), normal(1, 3, 9, 21)),
    Case("bias_of_keys", (2, 3, 3, 9, 21, 8, 8), normal(2, 1, 1, 21)),
    Case("bias_of_queries", (2, 3, 3, 9, 21, 8, 8), normal(9, 1)),
    Case("bias_that_repeats", (6, 2, 2, 5, 6, 8, 8), normal(3, 1, 5, 6)),
    Case("bias_before_softcap", (1, 2, 2, 9, 33, 8, 8), normal(9, 33),
         attributes={"softcap": 2.5}),
    Case("bias_with_infinities", (1, 1, 1, 6, 20, 8, 8), lambda random, case: {
        "bias": np.where(bools(random, 6, 20) & (np.arange(6) != 2)[:, None],
                         0, -np.inf).astype(np.float32)}),
    Case("bias_with_nan", (1, 1, 1, 6, 20, 8, 8), lambda random, case: {
        "bias": np.where((np.arange(6) == 3)[:, None] & (np.arange(20) == 7),
                         np.nan, 0).astype(np.float32)}),
    Case("relative_bias", (2, 3, 3, 150, 70, 8, 8), normal(1, 3, 1, 219),
         attributes={"relative_bias": True, "right": 5}),
    Case("relative_bias_of_all", (2, 4, 2, 7, 40, 8, 8), lambda random, case: {
        "bias": np.where(bools(random, 1, 46), -np.inf, 1.5).astype(np.float32)},
         attributes={"relative_bias": True}),
    Case("mask", (2, 2, 2, 10, 75, 8, 8), hides_rows),
    Case("mask_nan_rows", (2, 2, 2, 10, 75, 8, 8), hides_rows,
         attributes={"nan_rows": True}),
    Case("mask_of_keys", (2, 2, 2, 10, 75, 8, 8), lambda random, case: {
        "mask": np.arange(75) >= np.array([40, 75])[:, None, None, None]}),
    Case("mask_added", (2, 2, 2, 10, 75, 8, 8), lambda random, case: {
        **hides_rows(random, case), "fallback": np.float32(-1e4)}),
    Case("mask_replaced", (2, 2, 2, 10, 75, 8, 8), lambda random, case: {
        **hides_rows(random, case),
        "fallback": np.float32(np.finfo(np.float32).min)}),
    Case("mask_of_groups", (1, 4, 2, 10, 75, 8, 8), lambda random, case: {
        "mask": bools(random, 1, 4, 10, 75)}),
    Case("mask_of_rows", (2, 4, 2, 150, 75, 8, 8), lambda random, case: {
        "mask": bools(random, 2, 4, 150, 1)}, attributes={"keep_log_sum_exp": True}),
    Case("mask_of_rows_and_causal", (1, 3, 3, 300, 300, 8, 8), lambda random, case: {
        "mask": bools(random, 3, 300, 1) & (np.arange(3) > 0)[:, None, None]},
         attributes={"right": 0, "nan_rows": True, "result_order": SPLIT}),
    Case("mask_of_rows_and_bias", (1, 2, 2, 150, 40, 8, 8), lambda random, case: {
        "mask": bools(random, 150, 1), **normal(150, 40)(random, case)}),
    Case("mask_of_rows_and_sinks", (1, 2, 2, 50, 40, 8, 8), lambda random, case: {
        "mask": bools(random, 50, 1),
        "sinks": random.standard_normal(2).astype(np.float32)}),
    Case("causal", (1, 2, 2, 70, 70, 8, 8), attributes={"right": 0}),
    Case("causal_later", (2, 2, 1, 9, 300, 16, 16), lambda random, case: {
        "position": np.array([291, 100])}, attributes={"right": 0}),
    Case("causal_before", (1, 2, 2, 9, 8, 8, 8), lambda random, case: {
        "position": np.int64(-3)}, attributes={"right": 0}),
    Case("strictly_causal", (1, 2, 2, 9, 9, 8, 8), attributes={"right": -1}),
    Case("window", (1, 2, 2, 150, 150, 8, 8), attributes={"left": 17, "right": 5}),
    Case("window_of_the_past", (1, 2, 2, 8, 200, 8, 8), lambda random, case: {
        "position": np.int64(192)}, attributes={"left": 64, "right": 0}),
    Case("lengths", (3, 2, 2, 5, 140, 8, 8), lambda random, case: {
        "lengths": np.array([140, 3, 0])}),
    Case("lengths_beyond", (2, 2, 2, 5, 14, 8, 8), lambda random, case: {
        "lengths": np.array([15, -1])}),
    Case("sinks", (2, 3, 3, 7, 90, 8, 8), lambda random, case: {
        "sinks": random.standard_normal(3).astype(np.float32) * 3}),
    Case("sinks_and_mask", (2, 4, 2, 9, 90, 8, 8), lambda random, case: {
        **hides_rows(random, case),
        "sinks": random.standard_normal(4).astype(np.float32)}),
    Case("log_sum_exp", (2, 4, 2, 9, 300, 8, 8), attributes={"keep_log_sum_exp": True}),
    Case("blocks", (1, 2, 2, 30, 45, 8, 8), causal_blocks,
         attributes={"block_sizes": (4, 8)}),
    Case("blocks_of_a_bias", (1, 2, 2, 30, 45, 8, 8), mixed_blocks,
         attributes={"block_sizes": (4, 8), "masked_below": -1e4}),
    Case("blocks_of_heads", (1, 2, 2, 130, 200, 8, 8), lambda random, case: {
        "blocks": random.integers(0, 2, (1, 2, 3, 4)).astype(np.int32)},
         attributes={"block_sizes": (64, 64)}),
    Case("blocks_and_causal", (1, 2, 2, 130, 130, 8, 8), lambda random, case: {
        "blocks": random.integers(0, 2, (1, 2, 9, 17)).astype(np.int32)},
         attributes={"block_sizes": (16, 8), "right": 0}),
    Case("blocks_for_all_rows", (1, 2, 2, 30, 45, 8, 8), lambda random, case: {
        "blocks": np.array([[1, 0, 1, 0, 0, 1]], np.int32)},
         attributes={"block_sizes": (64, 8)}),
    Case("half", (1, 4, 2, 40, 300, 64, 64), lambda random, case: {
        "bias": random.standard_normal((40, 300)).astype(np.float16)}, dtype="f16",
         attributes={"right": 100}),
    Case("brain_half", (1, 2, 2, 17, 90, 24, 40), dtype="bf16"),
    Case("double", (1, 2, 2, 17, 90, 24, 40), dtype="f64", attributes={"right": 60}),
]


def permuted(tensor, order):
    """Dimension i of the tensor as dimension order[i]."""
    return np.ascontiguousarray(np.transpose(tensor, np.argsort(order)))


def draw(case):
    """Queries, keys and values in f64 and the optional operands."""
    random = np.random.default_rng(sum(map(ord, case.name)))
    batch, heads, key_heads, queries, keys, depth, values = case.sizes
    batches = case.batches or (batch,) * 3
    shapes = ((batches[0], heads, queries, depth), (batches[1], key_heads, keys, depth),
              (batches[2], key_heads, keys, values))
    tensors = [random.standard_normal(shape).astype(TYPES[case.dtype])
               for shape in shapes]
    tensors[0] = (tensors[0] * case.scale).astype(TYPES[case.dtype])
    return tensors, case.make(random, case)


def spread(operand, shape):
    """As the op broadcasts to the scores."""
    operand = np.asarray(operand)
    if operand.ndim == 4 and operand.shape[0] not in (1, shape[0]):
        operand = np.tile(operand, (shape[0] // operand.shape[0], 1, 1, 1))
    return np.broadcast_to(operand, shape)


def visible_by_blocks(case, operands, shape):
    rows, columns = case.attributes["block_sizes"]
    blocks = operands["blocks"]
    at = np.ix_(np.minimum(np.arange(shape[2]) // rows, blocks.shape[-2] - 1),
                np.minimum(np.arange(shape[3]) // columns, blocks.shape[-1] - 1))
    kinds = spread(blocks[(..., *at)], shape)
    visible = kinds != 0
    if "tiles" in operands:
        inside = operands["tiles"][
            np.maximum(kinds - 2, 0), (np.arange(shape[2]) % rows)[:, None],
            np.arange(shape[3]) % columns]
        visible = visible & ((kinds < 2) | inside)
    return visible


def reference(case):
    """The result, in f64 and in the order of the case, and the log-sum-exp."""
    (query, key, value), operands = draw(case)
    attributes = case.attributes
    query, key, value = (t.astype(np.float64) for t in (query, key, value))
    group = query.shape[1] // key.shape[1]
    key, value = (np.repeat(t, group, axis=1) for t in (key, value))
    scores = query @ key.swapaxes(2, 3) * query.shape[-1] ** -0.5
    cap = attributes.get("softcap", 0)
    if cap:
        scores = cap * np.tanh(scores / cap)
    product, shape = scores, scores.shape
    visible = np.ones(shape, bool)
    if "bias" in operands:
        bias = operands["bias"]
        if "relative_bias" in attributes:
            distances = np.arange(shape[3]) - np.arange(shape[2])[:, None]
            bias = bias[..., 0, :][..., distances + shape[2] - 1]
        bias = spread(bias, shape).astype(np.float64)
        scores = scores + bias
        visible &= ~(bias <= attributes.get("masked_below", -np.inf))
    if "mask" in operands:
        visible = visible & spread(operands["mask"], shape)
    if "blocks" in operands:
        visible = visible & visible_by_blocks(case, operands, shape)
    keys = np.arange(shape[3])
    if "lengths" in operands:
        visible = visible & (keys < operands["lengths"][:, None, None, None])
    position = np.broadcast_to(operands.get("position", 0), (shape[0],))
    places = position[:, None] + np.arange(shape[2])
    distance = (keys - places[..., None])[:, None]
    if "left" in attributes:
        visible = visible & (distance >= -attributes["left"])
    if "right" in attributes:
        visible = visible & (distance <= attributes["right"])
    sees = visible.any(axis=3, keepdims=True)

    def exponentials(scores):
        highest = scores.max(axis=3, keepdims=True)
        sinks = None
        if "sinks" in operands:
            sinks = operands["sinks"].astype(np.float64)[:, None, None]
            highest = np.maximum(highest, sinks)
        shift = np.where(highest == -np.inf, 0, highest)
        powers = np.exp(scores - shift)
        total = powers.sum(axis=3, keepdims=True)
        if sinks is not None:
            total = total + np.exp(sinks - shift)
        return powers / total, np.log(total) + shift

    with np.errstate(invalid="ignore", divide="ignore"):
        weights, logarithm = exponentials(np.where(visible, scores, -np.inf))
        if "fallback" in operands:
            # Rounded as the graph would: that is what swallows scores.
            added = product.astype(np.float32) + spread(
                operands["fallback"], shape).astype(np.float32)
            others, _ = exponentials(added.astype(np.float64))
            weights = np.where(sees, weights, others)
        elif not attributes.get("nan_rows"):
            weights = np.where(sees, weights, 0)
        result = weights @ value
    return permuted(result, attributes.get("result_order", range(4))), logarithm[..., 0]


def constant_text(array):
    array = np.asarray(array, order="C")
    shape = "x".join([*map(str, array.shape), NAMES[array.dtype]])
    if array.dtype == np.bool_ and array.size > 1:
        elements = np.array2string(array.astype(np.uint8), threshold=sys.maxsize, separator=",")
        text = elements.replace("1", "true").replace("0", "false")
        return f"dense<{text}> : tensor<{shape}>"
    return f'dense<"0x{array.tobytes().hex().upper()}"> : tensor<{shape}>'


def attributes_text(case):
    parts = [f"scale = {case.sizes[5] ** -0.5!r} : f64"]
    for name, value in case.attributes.items():
        if value is True:
            parts.append(name)
        elif isinstance(value, tuple):
            parts.append(f"{name} = array<i64: {', '.join(map(str, value))}>")
        elif isinstance(value, int):
            parts.append(f"{name} = {value} : i64")
        else:
            parts.append(f"{name} = {value!r} : f64")
    return "{" + ", ".join(parts) + "}"


def function_text(case):
    (query, key, value), optional = draw(case)
    tensors = [permuted(tensor, case.attributes.get(order, range(4)))
               for tensor, order in zip((query, key, value), ORDERS)]
    names = ["q", "k", "v", *(name for name in OPTIONAL if name in optional)]
    tensors += [np.asarray(optional[name]) for name in names[3:]]
    types = ["tensor<" + "x".join([*map(str, t.shape), NAMES[t.dtype]]) + ">"
             for t in tensors]
    result = permuted(np.zeros((case.sizes[0], *query.shape[1:3], value.shape[3])),
                      case.attributes.get("result_order", range(4))).shape
    results = ["tensor<" + "x".join([*map(str, result), case.dtype]) + ">"]
    if case.attributes.get("keep_log_sum_exp"):
        results.append("tensor<" + "x".join([*map(str, query.shape[:3]), "f32"]) + ">")
    lines = [f"func.func @{case.name}() -> ({', '.join(results)}) {{"]
    for name, tensor in zip(names, tensors):
        lines.append(f"  %{name} = sluice.constant {constant_text(tensor)}")
    uses = "".join(f" {name} %{name}" for name in names[3:])
    count = f":{len(results)}" if len(results) > 1 else ""
    lines.append(f"  %r{count} = sluice.attention %q, %k, %v{uses} "
                 f"{attributes_text(case)} : ({', '.join(types)}) -> "
                 f"({', '.join(results)})")
    returned = [f"%r#{i}" for i in range(len(results))] if count else ["%r"]
    lines.append(f"  return {', '.join(returned)} : {', '.join(results)}")
    return "\n".join([*lines, "}"])


RESOURCE = re.compile(r'^ *(evaluated\w*): "0x[0-9A-F]{8}([0-9A-F]*)"', re.M)
CONSTANT = re.compile(r"(%\S+) = sluice\.constant dense\w*<(.*)> : tensor<((?:\d+x)*)([a-z]+\d+)>")


def parse_elements(resources, text, sizes, kind):
    dtype = np.dtype(TYPES[kind])
    shape = [int(size) for size in sizes.split("x")[:-1]]
    data = resources.get(text) or (text[3:-1] if text.startswith('"0x') else None)
    if data:
        return np.frombuffer(bytes.fromhex(data), dtype).reshape(shape)
    numbers = [
        np.array([int(n, 16)], f"u{dtype.itemsize}").view(dtype)[0]
        if n.startswith("0x") else dtype.type(float(n))
        for n in re.findall(r"0x[0-9A-F]+|[-+0-9.eE]+", text)
    ]
    return np.array(numbers, dtype).reshape(shape) if len(numbers) > 1 \
        else np.full(shape, numbers[0])


def read_results(path):
    """{function: its returned constants}"""
    text = open(path).read()
    found, resources = {}, dict(RESOURCE.findall(text))
    for part in text.split("func.func @")[1:]:
        constants = {name: rest for name, *rest in CONSTANT.findall(part)}
        names = re.search(r"return (.*) :", part).group(1).split(", ")
        found[part.split("(")[0]] = [
            parse_elements(resources, *constants[name]) if name in constants else None
            for name in names
        ]
    return found


def check(path):
    results, failures = read_results(path), []
    for case in CASES:
        for got, wanted in zip(results[case.name], reference(case)):
            if got is None:
                failures.append(f"{case.name} was not evaluated")
                continue
            got = got.astype(np.float64)
            same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
            with np.errstate(invalid="ignore"):
                errors = np.where(same, 0, np.abs(got - wanted) / (1 + np.abs(wanted)))
            error = np.max(errors, initial=0)
            if not error <= TOLERANCE[case.dtype] * case.scale:
                failures.append(f"{case.name}: an error of {error:.3g}")
    print(f"{path}: {len(CASES)} cases, {len(failures)} wrong", *failures, sep="\n")
    return not failures


def main():
    if sys.argv[1] == "--write":
        with open(sys.argv[2], "w") as file:
            file.write("\n".join(map(function_text, CASES)) + "\n")
        return
    sys.exit(not all([check(path) for path in sys.argv[2:]]))


main()
