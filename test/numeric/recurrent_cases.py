"""Recurrent cells of every element type against numpy in f64."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import ml_dtypes
import numpy as np

from numpy_cases import case

# How far a result may be off: states are rounded to the type in every step.
TYPES = {"f16": (np.float16, 2.0**-8), "bf16": (ml_dtypes.bfloat16, 2.0**-5),
         "f64": (np.float64, 1e-13)}
STEPS, BATCH, INPUTS, HIDDEN = 6, 5, 13, 37


def recurrent_case(build):
    for name, (dtype, error) in TYPES.items():
        case(error=error, **{
            name: ([], {"dtype": np.dtype(dtype)}),
            f"{name}_short": (["--cpu=x86-64-v3"], {"dtype": np.dtype(dtype)}),
        })(build)
    return build


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(sums, state):
    """One step: sums(hidden) are those of the gates i, o, f, c."""
    hidden, cell = state
    i, o, f, c = np.split(sums(hidden), 4, axis=-1)
    cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(c)
    return sigmoid(o) * np.tanh(cell), cell


def rnn(sums, state):
    return np.tanh(sums(state[0])), state[1]


class Weights:
    """Of both directions, as the graph has them and in f64."""

    def __init__(self, g, gates, dtype):
        def draw(*shape):
            values = g.random.uniform(-0.4, 0.4, shape).astype(dtype)
            constant = g.double if dtype == np.float64 else g.constant
            return constant(values), values.astype(np.float64)

        (self.w, self.wide_w) = draw(2, gates * HIDDEN, INPUTS)
        (self.r, self.wide_r) = draw(2, gates * HIDDEN, HIDDEN)
        (self.b, self.wide_b) = draw(2, 2 * gates * HIDDEN)
        values = g.random.uniform(-1, 1, (STEPS, BATCH, INPUTS)).astype(dtype)
        self.x, self.wide_x = g.typed_input(values), values.astype(np.float64)

    @property
    def operands(self):
        return self.x, self.w, self.r, self.b


def run(weights, step):
    """Y of both directions; `step` gets what it makes sums with."""
    result = np.empty((STEPS, 2, BATCH, HIDDEN))
    for direction in range(2):
        state = np.zeros((2, BATCH, HIDDEN))
        order = range(STEPS) if direction == 0 else reversed(range(STEPS))
        for t in order:
            state = step(weights, direction, weights.wide_x[t], state)
            result[t, direction] = state[0]
    return result


def plain(cell):
    """A cell all of whose gates read the hidden state."""
    def step(weights, direction, x, state):
        bias = weights.wide_b[direction].reshape(2, -1).sum(0)
        share = x @ weights.wide_w[direction].T + bias
        return cell(lambda h: share + h @ weights.wide_r[direction].T, state)

    return step


def gru(before):
    """`before`: the linear part of the hidden gate in front of the reset."""
    def step(weights, direction, x, state):
        hidden = state[0]
        w, r = weights.wide_w[direction], weights.wide_r[direction]
        input_bias, hidden_bias = weights.wide_b[direction].reshape(2, -1)
        z, reset, new = np.split(x @ w.T + input_bias, 3, axis=-1)
        r_z, r_reset, r_new = np.split(r, 3)
        b_z, b_reset, b_new = np.split(hidden_bias, 3)
        z = sigmoid(z + hidden @ r_z.T + b_z)
        reset = sigmoid(reset + hidden @ r_reset.T + b_reset)
        if before:
            new = np.tanh(new + reset * (hidden @ r_new.T + b_new))
        else:
            new = np.tanh(new + (reset * hidden) @ r_new.T + b_new)
        return (1 - z) * new + z * hidden, state[1]

    return step


@recurrent_case
def recurrent_cells(g, dtype):
    """LSTM, both forms of GRU, and RNN, in both directions."""
    g.opset = 22
    expected = []
    for operator, gates, step, attributes in (
            ("LSTM", 4, plain(lstm), {}), ("RNN", 1, plain(rnn), {}),
            ("GRU", 3, gru(False), {}), ("GRU", 3, gru(True),
                                         {"linear_before_reset": 1})):
        weights = Weights(g, gates, dtype)
        g.output(g.node(operator, weights.operands, hidden_size=HIDDEN,
                        direction="bidirectional", **attributes))
        expected.append(run(weights, step))
    return expected
