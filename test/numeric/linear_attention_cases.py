"""Linear attention over many tokens, as scans and as ONNX Runtime's operator: decays of
all kinds, delta rules, chunks with a rest, heads that chunks pay for. numpy in f64, a token at a time, is the
reference."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np
from onnx import TensorProto, helper

from numpy_cases import case

# A recurrence over many tokens, in f32.
ERROR = 2e-5


def recur(q, k, v, state, decay=None, rate=None, scale=1):
    """[T, heads..., elements]; queries [T, heads..., group, elements]."""
    q, k, v, state = (np.float64(x) for x in (q, k, v, state))
    outputs = []
    for t in range(len(k)):
        if decay is not None:
            state = state * np.float64(decay[min(t, len(decay) - 1)])[..., None]
        new = v[t]
        if rate is not None:
            new = np.float64(rate[t]) * (new - np.einsum("...d,...dv->...v", k[t], state))
        state = state + k[t][..., None] * new[..., None, :]
        outputs.append(scale * (q[t] @ state))
    shape = (len(k), *q.shape[1:-1], v.shape[-1])
    return state, np.array(outputs).reshape(shape)


def step_graph(nodes, states, sequences):
    """The body of a scan, a line per node: result = Operator(operands)."""
    made = []
    for line in nodes.split(";"):
        result, call = line.split("=")
        operator, operands = call.strip().rstrip(")").split("(")
        made.append(helper.make_node(operator, [x.strip() for x in operands.split(",")],
                                     [result.strip()]))
    tensor = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    return helper.make_graph(made, "step", [tensor(x) for x in states + sequences],
                             [tensor("next"), tensor("o")])


class Layer:
    """Inputs of a scan: batch, heads, tokens, elements of keys and of values."""

    def __init__(self, g, tokens=70, depth=72, width=136, heads=3, dynamic=False):
        self.g = g
        hidden = (0, 1) if dynamic else ()
        shape = (tokens, 2, heads)
        make = lambda *rest: g.input([*shape, *rest], dynamic=hidden)
        self.state = g.input([2, heads, depth, width], dynamic=(0,) if dynamic else ())
        self.q, self.k, self.v = make(depth), make(depth), make(width)
        for name in (self.q, self.k):
            g.feeds[name] = g.feeds[name] / np.float32(np.sqrt(depth))
        self.decay, self.rate = make(depth), make(1)
        g.feeds[self.decay] = np.exp(-np.abs(g.feeds[self.decay]) / 8)
        g.feeds[self.rate] = 1 / (1 + np.exp(-g.feeds[self.rate]))

    def scan(self, nodes, sequences):
        g = self.g
        for name, value in (("two", [2]), ("three", [3])):
            g.constants.append(helper.make_tensor(name, TensorProto.INT64, [1], value))
        names = ["q", "k", "v", *sequences]
        body = step_graph(nodes, ["s"], names)
        inputs = {"q": self.q, "k": self.k, "v": self.v, "a": self.decay, "b": self.rate}
        results = g.node("Scan", [self.state] + [inputs[x] for x in names], 2, body=body,
                         num_scan_inputs=len(names))
        return results

    def compute(self, nodes, sequences):
        for result in self.scan(nodes, sequences):
            self.g.output(result)

    def expect(self, decay=None, rate=None, scale=1):
        f = self.g.feeds
        state, outputs = recur(f[self.q][..., None, :], f[self.k], f[self.v], f[self.state],
                               decay, rate, scale)
        return [state, outputs[..., 0, :]]


PRODUCTS = ("k4 = Unsqueeze(k, three); {new}; u4 = Unsqueeze(u, two); kv = Mul(k4, u4); "
            "next = Add({kept}, kv); q4 = Unsqueeze(q, two); o4 = MatMul(q4, next); "
            "o = Squeeze(o4, two)")
ADDED = "u = Identity(v)"
CORRECTED = ("r4 = Unsqueeze(k, two); r3 = MatMul(r4, {kept}); r = Squeeze(r3, two); "
             "d = Sub(v, r); u = Mul(d, b)")


@case(ERROR, plain=([], {}), dynamic=([], {"dynamic": True}),
      wide=([], {"width": 260, "depth": 130}), odd=([], {"width": 307, "depth": 35, "tokens": 41}))
def linear_scan(g, **sizes):
    """Nothing decays."""
    layer = Layer(g, **sizes)
    layer.compute(PRODUCTS.format(new=ADDED, kept="s"), [])
    return layer.expect()


@case(ERROR, plain=([], {}), dynamic=([], {"dynamic": True}),
      short=([], {"tokens": 3}), none=([], {"dynamic": True, "tokens": 0}))
def gated_scan(g, **sizes):
    """A gate of the scan for each element of a key (S13), whose logarithm the graph has."""
    layer = Layer(g, **sizes)
    gate = np.log(g.feeds[layer.decay])
    g.feeds[layer.decay] = gate
    layer.compute("e = Exp(a); a4 = Unsqueeze(e, three); kept = Mul(s, a4); "
               + PRODUCTS.format(new=ADDED, kept="kept"), ["a"])
    return layer.expect(np.exp(gate))


@case(ERROR, plain=([], {}), dynamic=([], {"dynamic": True}))
def strong_gates(g, **sizes):
    """Decays that leave nothing: products underflow, and some are zero or negative; and
    a key that no product of decays may divide."""
    layer = Layer(g, **sizes)
    decay = g.feeds[layer.decay]
    decay[:20] = decay[:20] ** 40
    decay[17, :, :, ::3] = 0
    decay[25] *= -1
    decay[40, 0] = 1e-30
    decay[50:53, :, 1] = 0
    decay[60:63] *= 5
    g.feeds[layer.k][33, 1, 2] *= 1e24
    g.feeds[layer.v][33, 1, 2] *= 1e-24
    layer.compute("a4 = Unsqueeze(a, three); kept = Mul(s, a4); "
               + PRODUCTS.format(new=ADDED, kept="kept"), ["a"])
    return layer.expect(decay)


@case(ERROR, plain=([], {}), dynamic=([], {"dynamic": True}))
def head_decays(g, **sizes):
    """A number for each token and head: powers of it are zero, tiny, negative, and too
    large where nothing has been added yet."""
    layer = Layer(g, **sizes)
    decay = g.feeds[layer.decay][..., :1].copy()
    decay[3:6] = 1e-30
    decay[17, 0, 1] = 0
    decay[21:30, 1] *= -1.5
    for name in (layer.k, layer.state):
        g.feeds[name][..., :1, 0, :, :] = 0
    g.feeds[layer.k][:16, 0, 0] = 0
    decay[6:16, 0, 0] = 1e10
    g.feeds[layer.decay] = decay
    g.inputs[4].CopyFrom(helper.make_tensor_value_info(
        layer.decay, TensorProto.FLOAT, [*(x.dim_param or x.dim_value for x in
                                          g.inputs[4].type.tensor_type.shape.dim)][:3] + [1]))
    layer.compute("a4 = Unsqueeze(a, three); kept = Mul(s, a4); "
               + PRODUCTS.format(new=CORRECTED.format(kept="kept"), kept="kept"), ["a", "b"])
    return layer.expect(decay, g.feeds[layer.rate])


@case(ERROR, added=([], {"corrects": False}), corrected=([], {"corrects": True}))
def late_infinity(g, corrects):
    """What is not finite reaches no token before it, and no other head; nor does what a
    delta rule makes infinite of finite values."""
    layer, token = Layer(g), 37
    rate = g.feeds[layer.rate]
    _, outputs = layer.expect(rate=rate if corrects else None)
    if corrects:
        rate[token, 0, 1] = rate[token, 1, 0] = 1e38
        g.feeds[layer.v][token, :, :2] *= 100
    else:
        g.feeds[layer.v][token, 0, 1, 3] = np.inf
        g.feeds[layer.v][token, 1, 0] = np.nan
    _, every = layer.scan(
        PRODUCTS.format(new=CORRECTED.format(kept="s") if corrects else ADDED, kept="s"),
        ["b"] if corrects else [])
    cut = lambda x, axis, first, last: g.Slice(x, *(
        g.constant(np.int64([n])) for n in (first, last, axis)))
    g.output(cut(every, 0, 0, token))
    g.output(cut(every, 2, 2, 3))
    return [outputs[:token], outputs[:, :, 2:]]


@case(ERROR, plain=([], {}), avx2=(["--cpu=x86-64-v3"], {}))
def retention_scan(g):
    """RetNet's decays, a constant of each head; the state is written [values, keys]."""
    layer = Layer(g)
    gamma = (1 - 2.0 ** (-2 - np.arange(3))).reshape(3, 1, 1).astype(np.float32)
    g.feeds[layer.state] = np.ascontiguousarray(g.feeds[layer.state].swapaxes(2, 3))
    g.inputs[0].CopyFrom(helper.make_tensor_value_info(
        layer.state, TensorProto.FLOAT, g.feeds[layer.state].shape))
    gammas = g.constant(gamma)
    layer.compute(f"v4 = Unsqueeze(v, three); k4 = Unsqueeze(k, two); kv = Mul(v4, k4); "
               f"kept = Mul(s, {gammas}); next = Add(kv, kept); q4 = Unsqueeze(q, three); "
               f"o4 = MatMul(next, q4); o = Squeeze(o4, three)", [])
    f = g.feeds
    f_state = f[layer.state].swapaxes(2, 3)
    decay = np.broadcast_to(gamma[:, :, 0], (1, 2, 3, 1))
    state, outputs = recur(f[layer.q][..., None, :], f[layer.k], f[layer.v], f_state, decay)
    return [state.swapaxes(2, 3), outputs[..., 0, :]]


@case(ERROR, plain=([], {}), odd=([], {"width": 307, "depth": 35, "tokens": 41}),
      one=([], {"width": 307, "depth": 35, "tokens": 1, "dynamic": True}))
def delta_scan(g, **sizes):
    layer = Layer(g, **sizes)
    layer.compute(PRODUCTS.format(new=CORRECTED.format(kept="s"), kept="s"), ["b"])
    return layer.expect(rate=g.feeds[layer.rate])


@case(ERROR, plain=([], {}), dynamic=([], {"dynamic": True}))
def expanded_delta_scan(g, **sizes):
    """S (I - b k k') + b k v, where nothing says what is corrected."""
    layer = Layer(g, **sizes)
    layer.compute("k4 = Unsqueeze(k, three); r4 = Unsqueeze(k, two); b4 = Unsqueeze(b, three); "
               "kb = Mul(k4, b4); v4 = Unsqueeze(v, two); r = MatMul(r4, s); old = Mul(kb, r); "
               "new = Mul(kb, v4); less = Sub(s, old); next = Add(less, new); "
               "q4 = Unsqueeze(q, two); o4 = MatMul(q4, next); o = Squeeze(o4, two)", ["b"])
    return layer.expect(rate=g.feeds[layer.rate])


@case(ERROR, plain=([], {}), dynamic=([], {"dynamic": True}),
      avx2=(["--cpu=x86-64-v3"], {}))
def gated_delta_scan(g, **sizes):
    layer = Layer(g, **sizes)
    layer.compute("a4 = Unsqueeze(a, three); kept = Mul(s, a4); "
               + PRODUCTS.format(new=CORRECTED.format(kept="kept"), kept="kept"), ["a", "b"])
    return layer.expect(g.feeds[layer.decay], g.feeds[layer.rate])


@case(ERROR, f32=([], {}), dynamic=([], {"dynamic": True}))
def grouped_operator(g, dtype=np.float32, dynamic=False):
    """Three queries for each key; a decay for each head, some of which vanish."""
    tokens, heads, shared, depth, width = 53, 6, 2, 72, 136
    hidden = (0, 1) if dynamic else ()

    def draw(size, function=lambda x: x):
        values = function(g.numbers([2, tokens, size], -2, 2)).astype(dtype)
        return g.typed_input(values, dynamic=hidden), values
    q, qs = draw(heads * depth)
    k, ks = draw(shared * depth, lambda x: x / np.sqrt(depth))
    v, vs = draw(shared * width)
    a, decays = draw(shared, lambda x: -np.exp(3 * x))
    b, rates = draw(shared, lambda x: 1 / (1 + np.exp(-x)))
    y, last = g.node("LinearAttention", [q, k, v, "", a, b], 2, domain="com.microsoft",
                     q_num_heads=heads, kv_num_heads=shared, update_rule="gated_delta")
    for result in (y, last):
        g.output(g.Cast(result, to=TensorProto.FLOAT))
    split = lambda x, *sizes: x.reshape(2, tokens, *sizes).swapaxes(0, 1)
    state, outputs = recur(split(qs, shared, heads // shared, depth), split(ks, shared, depth),
                           split(vs, shared, width), np.zeros((2, shared, depth, width)),
                           np.exp(np.float64(split(decays, shared, 1))),
                           split(rates, shared, 1), depth**-0.5)
    outputs = outputs.swapaxes(0, 1).reshape(2, tokens, heads * width)
    return [outputs.astype(dtype).astype(np.float64), state.astype(dtype).astype(np.float64)]


@case(1e-3)
def grouped_operator_of_halves(g):
    """The results are rounded to 11 bits."""
    return grouped_operator(g, np.float16)
