"""Graphs whose right results numpy tells, to the last digits: onnxruntime is no
reference for those."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

from dataclasses import dataclass, field

import numpy as np
import onnx.parser

from graph import Graph

CASES = []


@dataclass
class Case:
    name: str
    build: object  # Graph -> the expected outputs
    flags: list = field(default_factory=list)
    needs: str = ""  # the kernel provider that the compiler must have
    # Of the largest expected magnitude. 0: every bit.
    error: float = 0
    # What the program after the graph passes has in it, as regular expressions.
    shows: list = field(default_factory=list)

    def graph(self):
        """The graph and its expected outputs."""
        graph = Graph(seed=len(self.name))
        return graph, self.build(graph)


def case(error=0, shows=(), **variants):
    """`variants` are other flags for the same graph, and what it is called with."""

    def register(build):
        for name, (flags, arguments) in (variants or {"": ([], {})}).items():
            CASES.append(
                Case("_".join(filter(None, [build.__name__, name])),
                     lambda g, arguments=arguments: build(g, **arguments),
                     flags, error=error, shows=list(shows))
            )
        return build

    return register


# Subnormal numbers ---------------------------------------------------------------

SMALLEST_NORMAL = np.float32(2.0**-126)
# Kept, each gives a result of about one.
SUBNORMAL, LARGE = np.float32(2.0**-130), np.float32(2.0**126)

MODES = {
    "flushed": ([], {"kept": False}),
    "kept": (["--keep-subnormals"], {"kept": True}),
}


def mixed(g, shape, subnormal):
    """Numbers of powers of two, every third of them `subnormal`."""
    values = (2.0 ** g.random.integers(-3, 3, shape)).astype(np.float32)
    values.ravel()[::3] = subnormal
    return values


def counted(values, kept):
    """What a product makes of its operands, in f64."""
    if not kept:
        values = np.where(np.abs(values) < SMALLEST_NORMAL, 0, values)
    return values.astype(np.float64)


@case(error=1e-6, **MODES)
def subnormal_weights_of_a_product(g, kept):
    """Packed constants, large numbers on the other side."""
    rows, depth, columns = 19, 33, 40
    x = g.input([rows, depth])
    g.feeds[x] = mixed(g, (rows, depth), 1) * (LARGE / 16)
    weights = mixed(g, (depth, columns), 0) * np.float32(2.0**-120)
    weights[weights == 0] = SUBNORMAL / 8
    g.output(g.MatMul(x, g.constant(weights)))
    return [counted(g.feeds[x], kept) @ counted(weights, kept)]


@case(error=1e-6, **MODES)
def subnormal_operands_of_a_product(g, kept):
    """Both come with the run, in a batch of several tasks."""
    x, y = g.input([6, 40, 24]), g.input([6, 24, 70], dynamic=True)
    g.feeds[x] = mixed(g, (6, 40, 24), SUBNORMAL)
    g.feeds[y] = np.full((6, 24, 70), LARGE)
    g.feeds[y][:, 1::3] = 0
    g.feeds[y][:, 2::3] = 0
    g.feeds[x][:, :, 1::3] = 0
    g.feeds[x][:, :, 2::3] = 0
    g.output(g.MatMul(x, y))
    return [counted(g.feeds[x], kept) @ counted(g.feeds[y], kept)]


@case(error=1e-6, **MODES)
def subnormal_row_of_a_product(g, kept):
    """A matrix times a vector."""
    x = g.input([1, 24])
    g.feeds[x] = np.full((1, 24), SUBNORMAL)
    weights = np.full((24, 33), LARGE)
    g.output(g.MatMul(x, g.constant(weights)))
    return [counted(g.feeds[x], kept) @ counted(weights, kept)]


@case(**MODES)
def subnormal_results_of_a_product(g, kept):
    x = g.input([17, 1])
    g.feeds[x] = np.linspace(-4, 4, 17, dtype=np.float32)[:, None] * np.float32(1e-20)
    weights = np.full((1, 20), 2.0**-63, np.float32)
    g.output(g.MatMul(x, g.constant(weights)))
    exact = (g.feeds[x].astype(np.float64) @ weights).astype(np.float32)
    assert np.any((exact != 0) & (np.abs(exact) < SMALLEST_NORMAL))
    return [counted(exact, kept).astype(np.float32)]


def convolution(g, image, weights, kept, **attributes):
    x = g.input(list(image.shape))
    g.feeds[x] = image
    g.output(g.Conv(x, g.constant(weights), **attributes))
    image, weights = counted(image, kept), counted(weights, kept)
    groups = attributes.get("group", 1)
    channels, outputs = image.shape[1] // groups, weights.shape[0] // groups
    windows = np.lib.stride_tricks.sliding_window_view(
        image, weights.shape[2:], axis=(2, 3)
    )
    parts = [
        np.einsum("nchwij,ocij->nohw", windows[:, k * channels:(k + 1) * channels],
                  weights[k * outputs:(k + 1) * outputs])
        for k in range(groups)
    ]
    return [np.concatenate(parts, axis=1)]


@case(error=1e-6, **MODES)
def subnormal_filter(g, kept):
    image = np.full((1, 8, 12, 13), LARGE)
    weights = np.where(mixed(g, (16, 8, 3, 3), 0) > 0, 0, SUBNORMAL)
    return convolution(g, image, weights.astype(np.float32), kept)


@case(error=1e-6, **MODES)
def subnormal_depthwise_image(g, kept):
    weights = np.full((24, 1, 3, 3), LARGE)
    return convolution(g, np.full((1, 24, 9, 9), SUBNORMAL), weights, kept, group=24)


@case(error=1e-6, **MODES)
def subnormal_filter_of_the_run(g, kept):
    """Transposed, with weights that are an input."""
    x, w = g.input([1, 2, 5, 5]), g.input([2, 3, 2, 2])
    g.feeds[x], g.feeds[w] = np.full((1, 2, 5, 5), LARGE), np.full((2, 3, 2, 2), SUBNORMAL)
    g.output(g.ConvTranspose(x, w, strides=[2, 2]))
    value = 2 * float(LARGE) * float(SUBNORMAL) if kept else 0
    return [np.full((1, 3, 10, 10), value)]


@case(error=1e-6, **MODES)
def subnormal_state(g, kept):
    """A recurrence whose state is subnormal at first: h = W h, without inputs."""
    hidden, batch = 20, 3
    x = g.input([1, batch, 4])
    g.feeds[x] = np.zeros((1, batch, 4), np.float32)
    state = np.full((1, batch, hidden), SUBNORMAL)
    recurrent = np.zeros((1, hidden, hidden), np.float32)
    recurrent[0] = np.eye(hidden) * LARGE
    y = g.node("RNN", [x, g.constant(np.zeros((1, hidden, 4), np.float32)),
                       g.constant(recurrent), "", "", g.constant(state)],
               count=2, hidden_size=hidden, activations=["Affine"],
               activation_alpha=[1.0], activation_beta=[0.0])
    g.output(y[1])
    return [counted(state, kept) * float(LARGE)]


@case(**MODES)
def subnormals_of_constants(g, kept):
    """A product of constants is computed by the compiler, which must do the same."""
    weights = np.full((8, 8), SUBNORMAL)
    product = g.MatMul(g.constant(weights), g.constant(np.eye(8, dtype=np.float32) * LARGE))
    x = g.input([8, 8], low=0, high=0)
    g.output(g.Add(x, product))
    value = SUBNORMAL * LARGE if kept else np.float32(0)
    return [np.full((8, 8), value, np.float32)]


@case()
def subnormals_elsewhere(g):
    """Everything that is no product keeps them, beside products in one run too, and
    with more elements than one task gets."""
    shape = (64, 1024)
    x, ones = g.input(list(shape)), np.eye(64, dtype=np.float32)
    values = g.feeds[x] = (
        g.random.integers(1, 8, shape) * SUBNORMAL / 8
    ).astype(np.float32)
    assert values.max() < SMALLEST_NORMAL
    product = g.MatMul(g.constant(ones), x)
    constant = g.constant(values[0])
    rounded = values.astype(np.float32)
    expected = [np.zeros(shape, np.float32)]
    g.output(product)
    indices = np.array([3, 3, 60])
    for name, wanted in (
        (g.Add(x, constant), rounded + rounded[0]),
        (g.Mul(x, g.constant(np.float32(LARGE))), rounded * LARGE),
        (g.Neg(x), -rounded),
        (g.Relu(x), rounded),
        (g.Max(x, g.constant(np.float32(0))), rounded),
        (g.ReduceMax(x, axes=[1], keepdims=0), rounded.max(axis=1)),
        (g.ReduceSum(x, g.constant(np.array([0])), keepdims=0),
         rounded.sum(axis=0, dtype=np.float64).astype(np.float32)),
        (g.Transpose(x, perm=[1, 0]), rounded.T),
        (g.Gather(x, g.constant(indices)), rounded[indices]),
        (g.Concat(x, product, axis=0), np.concatenate([rounded, expected[0]])),
        (g.Greater(x, g.constant(np.float32(0))), np.ones(shape, np.bool_)),
        (g.Cast(x, to=11), rounded.astype(np.float64)),
    ):
        g.output(name)
        expected.append(wanted)
    return expected


@case()
def subnormals_of_f64(g):
    """Products in f64 keep theirs, which f32 does not even have."""
    x = g.input([7, 5])
    wide = g.Cast(x, to=11)
    tiny = g.Mul(wide, g.Cast(g.constant(np.float32(0)), to=11))
    small = np.full((5, 9), 2.0**-1060)
    product = g.MatMul(g.Add(tiny, g.Cast(g.constant(np.ones((7, 5), np.float32)), to=11)),
                       g.double(small))
    g.output(g.Mul(product, g.double(np.array(2.0**1000))))
    return [np.full((7, 9), 5 * 2.0**-60)]


# Sums of many terms --------------------------------------------------------------
#
# Of positive numbers, where a running sum loses most: a thousand terms cost it a
# digit, a million two. The bounds are what sums in parts reach, with room for the
# width of vectors.

LAYOUTS = {
    "inner": ((3, 1000003), (1,)),
    "outer": ((1000003, 3), (0,)),
    "wide_outer": ((20011, 70), (0,)),
    "middle": ((2, 300007, 3), (1,)),
    "two": ((300, 5, 3001), (0, 2)),
    "all": ((100, 101, 99), (0, 1, 2)),
}
LAYOUT_VARIANTS = {
    name: ([], {"shape": shape, "axes": axes, "dynamic": False})
    for name, (shape, axes) in LAYOUTS.items()
} | {
    f"{name}_dynamic": ([], {"shape": LAYOUTS[name][0], "axes": LAYOUTS[name][1],
                             "dynamic": True})
    for name in ("inner", "outer", "two")
}


@case(error=4e-7, **LAYOUT_VARIANTS)
def sums_of_many(g, shape, axes, dynamic):
    x = g.input(list(shape), low=0, high=1, dynamic=dynamic)
    exact = g.feeds[x].astype(np.float64)
    g.output(g.ReduceSum(x, g.constant(np.array(axes)), keepdims=0))
    expected = [exact.sum(axes)]
    for kind, value in (
        ("Mean", exact.mean(axes)),
        ("L1", exact.sum(axes)),
        ("L2", np.sqrt((exact**2).sum(axes))),
        ("SumSquare", (exact**2).sum(axes)),
        ("LogSumExp", np.log(np.exp(exact).sum(axes))),
    ):
        g.output(g.node(f"Reduce{kind}", [x], axes=list(axes), keepdims=0))
        expected.append(value)
    return expected


# What a reduction computes on the way: left, right, axes. Sizes of one that a
# type leaves open broadcast in the run.
STREAMED = {
    "pairs": ((23, 1, 37), (1, 19, 37), (2,)),
    "rows": ((23, 37), (37,), (0,)),
    "columns": ((23, 37), (23, 1), (1,)),
    "all": ((5, 1, 33), (7, 33), (0, 1, 2)),
    "outer_of_three": ((6, 7, 70), (1, 7, 1), (0, 1)),
    "one_lane": ((9, 31, 1), (9, 31, 1), (1,)),
    "side_by_side": ((40, 9, 5), (40, 9, 5), (1, 2)),
    "kept_side_by_side": ((40, 3, 9), (40, 3, 9), (0,)),
    "rows_of_rows": ((20, 9, 11), (20, 9, 1), (0, 1, 2)),
    "stretched": ((23, 1), (23, 37), (1,)),
    "single": ((1, 1), (1, 5), (0,)),
}


@case(error=1e-6, **{
    f"{name}{'_dynamic' if dynamic else ''}":
        ([], {"left": left, "right": right, "axes": axes, "dynamic": dynamic})
    for name, (left, right, axes) in STREAMED.items()
    for dynamic in (False, True)
})
def reductions_of_what_is_computed(g, left, right, axes, dynamic):
    x = g.input(list(left), low=0.5, high=2, dynamic=dynamic)
    y = g.input(list(right), low=0.5, high=2, dynamic=dynamic)
    a, b = (g.feeds[name].astype(np.float64) for name in (x, y))
    difference = g.Sub(x, y)
    g.output(g.ReduceSum(g.Mul(difference, difference),
                         g.constant(np.array(axes)), keepdims=0))
    g.output(g.node("ReduceMax", [g.Exp(g.Mul(x, y))], axes=list(axes)))
    g.output(g.node("ReduceProd", [g.Cast(g.Greater(x, y), to=1)],
                    axes=list(axes), keepdims=0))
    return [((a - b) ** 2).sum(axes),
            np.exp(a * b).max(axes, keepdims=True),
            (a > b).astype(np.float64).prod(axes)]


@case(static=([], {"dynamic": False}), dynamic=([], {"dynamic": True}))
def reductions_of_expanded(g, dynamic):
    x = g.input([6, 1, 5], dynamic=dynamic)
    expected = []
    # Another shape for each: what two reductions read is stored.
    for i, axes in enumerate(((0,), (2,), (0, 2), (2, 3))):
        shape = np.array([2 + i, 6, 17, 5])
        wide = g.Expand(x, g.integers(shape) if dynamic else g.constant(shape))
        g.output(g.node("ReduceMin", [wide], axes=list(axes), keepdims=0))
        expected.append(np.broadcast_to(g.feeds[x], shape).min(axes))
    counts = np.arange(6, dtype=np.int64)[:, None]
    n = g.integers(counts, dynamic=dynamic)
    many = g.Expand(n, g.constant(np.array([6, 40])))
    g.output(g.ReduceSum(many, g.constant(np.array([1])), keepdims=0))
    return expected + [counts[:, 0] * 40]


@case(first=([], {"axis": 0}), middle=([], {"axis": 1}), last=([], {"axis": 2}),
      dynamic=([], {"axis": 2, "dynamic": True}))
def reductions_of_one_hots(g, axis, dynamic=False):
    """Indices may count from the end, and those outside mark nothing."""
    depth = 37
    indices = g.random.integers(-depth - 2, depth + 2, (21, 19))
    x = g.integers(indices, dynamic=dynamic)
    shape = [1, 1, 1]
    shape[axis] = depth
    places = np.arange(depth).reshape(shape)
    at = np.expand_dims(indices, axis)
    is_here = (at == places) | (at + depth == places)
    expected = []
    for i, axes in enumerate(((0,), (1,), (2,), (0, 2))):
        marks = g.node("OneHot", [x, g.constant(np.array(depth)),
                                  g.constant(np.float32([-0.5, 2 + i]))],
                       axis=axis)
        g.output(g.ReduceSum(marks, g.constant(np.array(axes)), keepdims=0))
        expected.append(np.where(is_here, 2 + i, -0.5).sum(axes, dtype=np.float32))
    return expected


@case(error=4e-7, inner=([], {"shape": (2, 1000003), "axis": 1}),
      outer=([], {"shape": (100003, 5), "axis": 0}))
def softmax_of_many(g, shape, axis):
    x = g.input(list(shape), low=0, high=1)
    power = np.exp(g.feeds[x].astype(np.float64))
    g.output(g.Softmax(x, axis=axis))
    return [power / power.sum(axis, keepdims=True)]


@case(error=2e-6)
def layer_normalization_of_many(g):
    """An error of the mean counts ten times where numbers lie close together."""
    x = g.input([2, 500009], low=2, high=3)
    exact = g.feeds[x].astype(np.float64)
    g.output(g.LayerNormalization(x, g.constant(np.ones(500009)), axis=1))
    centred = exact - exact.mean(1, keepdims=True)
    return [centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)]


@case(error=2e-6)
def instance_normalization_of_many(g):
    x = g.input([1, 3, 509, 503], low=2, high=3)
    exact = g.feeds[x].astype(np.float64)
    ones, zeros = g.constant(np.ones(3)), g.constant(np.zeros(3))
    g.output(g.InstanceNormalization(x, ones, zeros))
    centred = exact - exact.mean((2, 3), keepdims=True)
    return [centred / np.sqrt((centred**2).mean((2, 3), keepdims=True) + 1e-5)]


@case(error=4e-7, first=([], {"last": False}), last=([], {"last": True}))
def pools_of_many(g, last):
    """Behind a convolution, channels are last."""
    x = g.input([1, 5, 401, 397], low=0, high=1)
    exact = g.feeds[x].astype(np.float64)
    if last:
        x = g.Conv(x, g.constant(2 * np.eye(5)[:, :, None, None]))
        exact = exact * 2
    g.output(g.GlobalAveragePool(x))
    g.output(g.AveragePool(x, kernel_shape=[301, 297], strides=[100, 100]))
    windows = [[exact[:, :, i:i + 301, j:j + 297].mean((2, 3)) for j in (0, 100)]
               for i in (0, 100)]
    return [exact.mean((2, 3), keepdims=True), np.array(windows).transpose(2, 3, 0, 1)]


@case(error=2e-6, rows=([], {"rows": 5, "dynamic": False}),
      row=([], {"rows": 1, "dynamic": False}), dynamic=([], {"rows": 5, "dynamic": True}))
def products_of_great_depth(g, rows, dynamic):
    depth = 1000003
    x = g.input([rows, depth], low=0, high=1, dynamic=dynamic)
    y = g.input([depth, 3], low=0, high=1, dynamic=dynamic)
    z = g.input([3, depth], low=0, high=1, dynamic=dynamic)
    left, right, turned = (g.feeds[name].astype(np.float64) for name in (x, y, z))
    g.output(g.MatMul(x, y))
    g.output(g.Gemm(x, z, transB=1))
    return [left @ right, left @ turned.T]


@case(error=4e-7)
def packed_product_of_depth(g):
    x = g.input([7, 6007], low=0, high=1)
    weights = g.numbers((6007, 33), 0, 1)
    g.output(g.MatMul(x, g.constant(weights)))
    return [g.feeds[x].astype(np.float64) @ weights.astype(np.float64)]


@case(error=1e-6, pixel=([], {"channels": 100003, "size": 1}),
      window=([], {"channels": 520, "size": 7}), wide=([], {"channels": 2, "size": 301}))
def convolutions_of_great_depth(g, channels, size):
    image = g.numbers((1, channels, size + 1, size + 2), 0, 1)
    return convolution(g, image, g.numbers((9, channels, size, size), 0, 1), kept=True)


# Many kernels that differ in numbers only ----------------------------------------


@case(error=1e-6, static=([], {"dynamic": False}), dynamic=([], {"dynamic": True}))
def pieces_of_a_tensor(g, dynamic):
    """So many pieces that their kernels are one, with offsets, factors, slopes
    and widths of padding as arguments."""
    count = 80
    x = g.input([3, 4 * count], dynamic=[0] if dynamic else False)
    parts, expected = [], []
    for i in range(count):
        low, factor, slope, front = 4 * i + i % 2, i / 7 - 3, 1 / (i + 2), i % 3 + 1
        bounds = (g.constant(np.array([n], np.int64)) for n in (low, low + 3, 1))
        part = g.Softmax(g.Slice(x, *bounds), axis=-1)
        part = g.LeakyRelu(g.Mul(part, g.constant(np.float32(factor))), alpha=slope)
        widths = g.constant(np.array([0, front, 0, 4 - front], np.int64))
        parts.append(g.Pad(g.Softmax(part, axis=-1), widths, g.constant(np.float32(i))))
        exact = np.exp(g.feeds[x][:, low:low + 3].astype(np.float64))
        exact = exact / exact.sum(1, keepdims=True) * factor
        exact = np.exp(np.where(exact < 0, slope * exact, exact))
        exact = exact / exact.sum(1, keepdims=True)
        expected.append(np.pad(exact, [(0, 0), (front, 4 - front)], constant_values=i))
    g.output(g.Concat(*parts, axis=1))
    return [np.concatenate(expected, 1)]


# Loops over a sequence, as scripts are exported ----------------------------------


@case(error=1e-6, static=([], {"dynamic": False}), dynamic=([], {"dynamic": True}))
def recurrence_of_a_loop(g, dynamic):
    """Each step reads its part of two tensors and appends to a list."""
    steps, shape = 300, (2, 33)
    state = g.input(shape, low=-1, high=1)
    a = g.input([steps, *shape], low=-0.9, high=0.9, dynamic=[0] if dynamic else False)
    b = g.input([2, steps, 33], low=-1, high=1, dynamic=[1] if dynamic else False)
    count = g.constant(np.array(steps, np.int64))
    if dynamic:
        count = g.Gather(g.Shape(a), g.constant(np.array(0, np.int64)))
    empty = g.constant(np.zeros((0, *shape), np.float32))
    body = onnx.parser.parse_graph(
        "step (int64 i, bool on, float[2,33] h, float[K,2,33] list) => "
        "(bool goes, float[2,33] next, float[L,2,33] longer) { "
        f"ai = Gather <axis = 0> ({a}, i) bi = Gather <axis = 1> ({b}, i) "
        "m = Mul (h, ai) next = Add (m, bi) zero = Constant <value_ints = [0]> () "
        "part = Unsqueeze (next, zero) longer = Concat <axis = 0> (list, part) "
        "goes = Identity (on) }"
    )
    for value in g.Loop(count, "", state, empty, body=body, count=2):
        g.output(value)
    h, all_states = g.feeds[state].astype(np.float64), []
    for t in range(steps):
        h = h * g.feeds[a][t].astype(np.float64) + g.feeds[b][:, t].astype(np.float64)
        all_states.append(h)
    return [h, np.array(all_states)]


# What a step writes into the state that it carries on -----------------------------


@case(error=1e-6, static=([], {"dynamic": False}), dynamic=([], {"dynamic": True}),
      later=([], {"dynamic": False, "later": True}))
def rows_that_a_loop_updates(g, dynamic, later=False):
    """A row of the state becomes another one plus a row of the step; the first
    state is read behind the loop, and by `later` each one behind its update."""
    steps, rows = 37, 12
    state = g.input([rows, 33], low=-1, high=1)
    added = g.input([steps, 33], low=-1, high=1, dynamic=[0] if dynamic else False)
    places = g.constant(np.array([[i * 5 % rows, (i * 7 + 3) % rows] for i in range(steps)]))
    count = g.constant(np.array(steps, np.int64))
    if dynamic:
        count = g.Gather(g.Shape(added), g.constant(np.array(0, np.int64)))
    total = g.constant(np.zeros((), np.float32))
    body = onnx.parser.parse_graph(
        f"step (int64 i, bool on, float[{rows},33] h, float sum) => "
        f"(bool goes, float[{rows},33] next, float more) {{ "
        f"both = Gather <axis = 0> ({places}, i) "
        "zero = Constant <value_ints = [0]> () one = Constant <value_ints = [1]> () "
        "two = Constant <value_ints = [2]> () "
        "from = Slice (both, zero, one) to = Slice (both, one, two) "
        f"row = Gather <axis = 0> (h, from) part = Gather <axis = 0> ({added}, i) "
        "new = Add (row, part) at = Unsqueeze (to, one) next = ScatterND (h, at, new) "
        + ("weight = Mul (next, h) " if later else "weight = Mul (next, next) ")
        + "one_sum = ReduceSum <keepdims = 0> (weight) more = Add (sum, one_sum) "
        "goes = Identity (on) }"
    )
    last, sums = g.Loop(count, "", state, total, body=body, count=2)
    g.output(last)
    g.output(sums)
    g.output(g.Softmax(state, axis=1))
    h, b = (g.feeds[name].astype(np.float64) for name in (state, added))
    sums, first = 0.0, h
    for i in range(steps):
        before, h = h, h.copy()
        h[(i * 7 + 3) % rows] = before[i * 5 % rows] + b[i]
        sums += (h * (before if later else h)).sum()
    shares = np.exp(first)
    return [h, np.array(sums), shares / shares.sum(1, keepdims=True)]


@case(error=1e-6, one=([], {"both": False}), both=([], {"both": True}),
      crossed=([], {"both": True, "crossed": True}))
def branches_that_a_loop_takes(g, both, crossed=False):
    """In some steps a branch makes the next state and another one, or with `both`
    something else does; with `crossed` two states change places besides."""
    steps, shape = 11, [6, 35]
    first, second = (g.input(shape, low=-1, high=1) for _ in range(2))
    count = g.constant(np.array(steps, np.int64))
    text = ",".join(map(str, shape))
    other = "halved = Mul (h, half)" if both else "halved = Identity (h)"
    body = onnx.parser.parse_graph(
        f"step (int64 i, bool on, float[{text}] h, float[{text}] k) => "
        f"(bool goes, float[{text}] next, float[{text}] then) {{ "
        "three = Constant <value_int = 3> () zero = Constant <value_int = 0> () "
        "half = Constant <value_float = 0.5> () rest = Mod (i, three) "
        "chosen = Equal (rest, zero) "
        "made = If (chosen) <then_branch = yes () => "
        f"(float[{text}] turned) {{ turned = Softmax <axis = 1> (h) }}, "
        f"else_branch = no () => (float[{text}] halved) {{ {other} }}> "
        + ("next = Add (k, half) then = Identity (made) " if crossed
           else "next = Identity (made) then = Identity (h) ")
        + "goes = Identity (on) }"
    )
    for value in g.Loop(count, "", first, second, body=body, count=2):
        g.output(value)
    h, k = (g.feeds[name].astype(np.float64) for name in (first, second))
    for i in range(steps):
        turned = np.exp(h) / np.exp(h).sum(1, keepdims=True)
        made = turned if i % 3 == 0 else h * (0.5 if both else 1)
        h, k = (k + 0.5, made) if crossed else (made, h)
    return [h, k]
