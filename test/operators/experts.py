"""Mixtures of experts as ONNX Runtime's operator has them, in all of its forms.

What its CPU kernel computes is the reference; for gates with weights of their own, and
fused ones that are not interleaved, which it leaves out, the definition in double precision.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

FLOAT = np.float32
TOKENS, EXPERTS, HIDDEN, INNER = 11, 5, 6, 20


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x * _sigmoid(x),
    "identity": lambda x: x,
}


def _define(inputs, activate, k=1, normalised=False):
    """Each token by itself; `activate` sees the first product, and the gate's where there is
    one."""
    x, scores, *weights = [None if a is None else np.float64(a) for a in inputs]
    w1, b1, w2, b2, w3, b3 = weights + [None] * (6 - len(weights))
    rows, result = x.reshape(-1, x.shape[-1]), []
    power = np.exp(scores - scores.max(1, keepdims=True))
    for row, share in zip(rows, power / power.sum(1, keepdims=True)):
        chosen = np.argsort(-share, kind="stable")[:k]
        factors = share[chosen] / (share[chosen].sum() if normalised else 1)
        apply = lambda w, b, e, v: w[e] @ v + (0 if b is None else b[e])
        total = 0
        for e, factor in zip(chosen, factors):
            hidden = [apply(w, b, e, row) for w, b in ((w1, b1), (w3, b3)) if w is not None]
            total = total + factor * apply(w2, b2, e, activate(*hidden))
        result.append(total)
    return np.array(result).reshape(x.shape).astype(FLOAT)


def _glu(alpha=1.0, beta=0.0, limit=np.inf, interleaved=None):
    def activate(gate, factor=None):
        if interleaved is not None:
            size = len(gate) // 2
            gate, factor = ((gate[::2], gate[1::2]) if interleaved
                            else (gate[:size], gate[size:]))
        gate, factor = np.minimum(gate, limit), np.clip(factor, -limit, limit)
        return gate * _sigmoid(alpha * gate) * (factor + beta)

    return activate


def cases(case, numbers):
    def inputs(fused=1, gated=False, biased=True, batch=()):
        x = numbers(*(batch or (TOKENS,)), HIDDEN)
        scores = numbers(x.size // HIDDEN, EXPERTS, seed=1)
        first = numbers(EXPERTS, fused * INNER, HIDDEN, seed=2)
        second = numbers(EXPERTS, HIDDEN, INNER, seed=3) * FLOAT(0.3)
        biases = [numbers(EXPERTS, n, seed=4) if biased else None
                  for n in (fused * INNER, HIDDEN)]
        made = [x, scores, first, biases[0], second, biases[1]]
        if gated:
            made += [numbers(EXPERTS, INNER, HIDDEN, seed=6),
                     numbers(EXPERTS, INNER, seed=7) if biased else None]
        return made

    def experts(name, tensors, constant=(2, 3, 4, 5, 6, 7), **attributes):
        expected = attributes.pop("expected", ())
        # Sizes of weights are known, and so is the number of experts.
        known = {0: (-1,), 1: (-1,), **{i: (-1, -2, -3) for i in range(2, 8)}}
        return case(f"experts_{name}", "MoE", tensors, 17, attributes, domain="com.microsoft",
                    constant=constant, known=known, expected=expected, atol=2e-5)

    for activation in ACTIVATIONS:
        yield experts(activation, inputs(), k=2, activation_type=activation)
    for k in (1, 3, EXPERTS):
        yield experts(f"best{k}_normalised", inputs(batch=(3, 4)), k=k, activation_type="silu",
                      normalize_routing_weights=1)
    yield experts("no_bias", inputs(biased=False), k=2)
    yield experts("weights_of_the_run", inputs(), constant=(), k=2, activation_type="silu")
    few = inputs()
    yield experts("no_tokens", [few[0][:0], few[1][:0], *few[2:]], k=2,
                  expected=[np.zeros((0, HIDDEN), FLOAT)])
    one = [few[0][:1], few[1][:1], *few[2:]]
    yield experts("one_token", one, k=2)
    same = inputs()
    same[1] = np.broadcast_to(np.arange(EXPERTS, dtype=FLOAT) * 3, same[1].shape).copy()
    yield experts("same_expert", same, k=1)
    limits = {"activation_alpha": 1.702, "activation_beta": 1.0, "swiglu_limit": 0.7}
    for name, more in (("", {}), ("_limited", limits)):
        glu = {"k": 2, "activation_type": "swiglu", **more}
        values = dict(zip(("alpha", "beta", "limit"), more.values()))
        fused, gated = inputs(2), inputs(gated=True)
        yield experts(f"interleaved{name}", fused, swiglu_fusion=1, **glu)
        yield experts(f"halves{name}", fused, swiglu_fusion=2, **glu,
                      expected=[_define(fused, _glu(interleaved=False, **values), 2)])
        yield experts(f"two_matrices{name}", gated, **glu,
                      expected=[_define(gated, _glu(**values), 2)])
    fused = inputs(2)
    yield experts("interleaved_of_the_run", fused, (), k=2, activation_type="swiglu",
                  swiglu_fusion=1)
    for activation in ("silu", "gelu"):
        gated = inputs(gated=True, biased=activation == "silu")
        gate = lambda x, y, f=ACTIVATIONS[activation]: f(x) * y
        yield experts(f"gated_{activation}", gated, k=2, activation_type=activation,
                      normalize_routing_weights=1, expected=[_define(gated, gate, 2, True)])
