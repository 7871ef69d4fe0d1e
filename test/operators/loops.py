"""Loop and Scan, in the textual form of ONNX.

`{T}` and the like are sizes: numbers in the static form of a case, names in the
dynamic one. What is carried, and where it is read and written, is what a
compiler that updates states in place can get wrong.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import parser

TYPES = {"float": np.float32, "int64": np.int64, "bool": np.bool_}


@dataclass
class LoopCase:
    name: str
    inputs: str  # "float[T,3] a, bool c"
    outputs: str
    body: str
    sizes: dict
    values: dict = field(default_factory=dict)  # of inputs that are not random
    opset: int = 17
    rtol: float = 1e-4
    atol: float = 1e-5
    expected: tuple = ()  # onnxruntime's results

    def _fill(self, text, dynamic):
        for name, size in self.sizes.items():
            text = text.replace(f"{{{name}}}", name if dynamic else str(size))
        return text

    def model(self, dynamic):
        """The model, and the inputs it takes by name."""
        text = (
            f'<ir_version: 8, opset_import: ["" : {self.opset}]>\n'
            f"loops ({self.inputs}) => ({self.outputs}) {{ {self.body} }}"
        )
        model = parser.parse_model(self._fill(text, dynamic))
        onnx.checker.check_model(model)
        random = np.random.default_rng(len(self.name))
        feed = {}
        for value in model.graph.input:
            shape = [
                self.sizes[dim.dim_param] if dim.dim_param else dim.dim_value
                for dim in value.type.tensor_type.shape.dim
            ]
            if value.name in self.values:
                feed[value.name] = self.values[value.name]
            else:
                numbers = random.uniform(-0.9, 0.9, shape)
                feed[value.name] = numbers.astype(np.float32)
        return model, feed


def _scan(attributes, arguments, results, given, made, nodes):
    return (
        f"{results} = Scan <{attributes}, body = step ({given}) => ({made}) "
        f"{{ {nodes} }}> ({arguments})"
    )


def _loop(trips, condition, carried, results, given, made, nodes):
    return (
        f"{results} = Loop <body = step (int64 i, bool on, {given}) => "
        f"(bool goes, {made}) {{ {nodes} }}> ({trips}, {condition}, {carried})"
    )


def _elementwise():
    """Recurrences that are one kernel."""
    for rows, size, steps in (
        (3, 16, 5), (5, 19, 4), (1, 7, 3), (70, 16, 2), (2, 1030, 3), (4, 1, 3), (1, 1, 2),
    ):
        sizes = {"T": steps, "B": rows, "N": size}
        yield LoopCase(
            f"selective_scan_{rows}x{size}",
            "float[{B},{N}] h0, float[{T},{B},{N}] a, float[{T},{B},{N}] b, float[{T},1,{N}] c",
            "float[{B},{N}] h, float[{T},{B}] y",
            "ax = Constant <value_ints = [-1]> () "
            + _scan(
                "num_scan_inputs = 3", "h0, a, b, c", "h, y",
                "float[{B},{N}] hp, float[{B},{N}] ai, float[{B},{N}] bi, float[1,{N}] ci",
                "float[{B},{N}] hn, float[{B}] yi",
                "ah = Mul (hp, ai) hn = Add (ah, bi) hc = Mul (hn, ci) "
                "yi = ReduceSum <keepdims = 0> (hc, ax)",
            ),
            sizes,
        )
        yield LoopCase(
            f"weighted_key_value_{rows}x{size}",
            "float[{B},{N}] a0, float[{B},{N}] b0, float[{N}] w, float[{N}] u, "
            "float[{T},{B},{N}] k, float[{T},{B},{N}] v",
            "float[{B},{N}] a, float[{B},{N}] b, float[{T},{B},{N}] y",
            _scan(
                "num_scan_inputs = 2", "a0, b0, k, v", "a, b, y",
                "float[{B},{N}] ap, float[{B},{N}] bp, float[{B},{N}] ki, float[{B},{N}] vi",
                "float[{B},{N}] an, float[{B},{N}] bn, float[{B},{N}] yi",
                "uk = Add (u, ki) eu = Exp (uk) euv = Mul (eu, vi) "
                "top = Add (ap, euv) eb = Exp (bp) bottom = Add (eb, eu) "
                "yi = Div (top, bottom) ew = Exp (w) ek = Exp (ki) ekv = Mul (ek, vi) "
                "aw = Mul (ew, ap) an = Add (aw, ekv) bw = Mul (w, bp) bn = Add (bw, ek)",
            ),
            sizes, rtol=1e-3,
        )
    # Views that insert and move dimensions of size one, and sizes that are one.
    for batch, width, size in ((2, 5, 19), (1, 8, 16), (1, 40, 3), (3, 1, 4), (2, 7, 1), (1, 1, 1)):
        yield LoopCase(
            f"state_space_{batch}x{width}x{size}",
            "float[{B},{W},{N}] h0, float[{T},{B},{W}] x, float[{T},{B},{W}] d, "
            "float[{T},{B},{N}] b, float[{T},{B},1,{N}] c, float[{W},{N}] w",
            "float[{B},{W},{N}] h, float[{T},{B},{W}] y",
            "last = Constant <value_ints = [-1]> () middle = Constant <value_ints = [1]> () "
            + _scan(
                "num_scan_inputs = 4", "h0, x, d, b, c", "h, y",
                "float[{B},{W},{N}] hp, float[{B},{W}] xi, float[{B},{W}] di, "
                "float[{B},{N}] bi, float[{B},1,{N}] ci",
                "float[{B},{W},{N}] hn, float[{B},{W}] yi",
                "du = Unsqueeze (di, last) dw = Mul (du, w) decay = Exp (dw) "
                "bu = Unsqueeze (bi, middle) xu = Unsqueeze (xi, last) db = Mul (du, bu) "
                "new = Mul (db, xu) kept = Mul (hp, decay) hn = Add (kept, new) "
                "ct = Transpose <perm = [0, 2, 1]> (ci) yu = MatMul (hn, ct) "
                "yi = Squeeze (yu, last)",
            ),
            {"T": 4, "B": batch, "W": width, "N": size}, rtol=1e-3,
        )
    for batch, keys, values in ((3, 8, 16), (3, 5, 21), (1, 8, 16)):
        yield LoopCase(
            f"gated_linear_attention_{batch}x{keys}x{values}",
            "float[{B},2,{K},{V}] s0, float[{T},{B},2,1,{K}] q, float[{T},{B},2,{K},1] k, "
            "float[{T},{B},2,1,{V}] v, float[{T},{B},2,{K},1] g",
            "float[{B},2,{K},{V}] s, float[{T},{B},2,1,{V}] o",
            _scan(
                "num_scan_inputs = 4", "s0, q, k, v, g", "s, o",
                "float[{B},2,{K},{V}] sp, float[{B},2,1,{K}] qi, float[{B},2,{K},1] ki, "
                "float[{B},2,1,{V}] vi, float[{B},2,{K},1] gi",
                "float[{B},2,{K},{V}] sn, float[{B},2,1,{V}] oi",
                "kv = Mul (ki, vi) sg = Mul (sp, gi) sn = Add (sg, kv) oi = MatMul (qi, sn)",
            ),
            {"T": 4, "B": batch, "K": keys, "V": values},
        )


def _directions():
    for name, attributes in (
        ("backward_in", "scan_input_directions = [1, 0]"),
        ("backward_out", "scan_output_directions = [1, 0]"),
        ("axes", "scan_input_axes = [1, -1], scan_output_axes = [1, 2]"),
        ("all", "scan_input_axes = [2, 1], scan_output_axes = [-1, 0], "
         "scan_input_directions = [1, 1], scan_output_directions = [0, 1]"),
    ):
        for kind, make in (("elementwise", "s = Add (sp, ai)"), ("product", "s = MatMul (ai, sp)")):
            yield LoopCase(
                f"scan_{name}_{kind}",
                "float[{N},{N}] s0, float[{N},{N},{N}] a, float[{N},{N},{N}] b",
                "float[{N},{N}] s1, float[{N},{N},{N}] x, float[{N},{N},{N}] y",
                _scan(
                    f"num_scan_inputs = 2, {attributes}", "s0, a, b", "s1, x, y",
                    "float[{N},{N}] sp, float[{N},{N}] ai, float[{N},{N}] bi",
                    "float[{N},{N}] s, float[{N},{N}] xi, float[{N},{N}] yi",
                    f"{make} xi = Mul (s, bi) yi = Sub (ai, s)",
                ),
                {"N": 4},
            )


def _hazards():
    """States that are read after they were written, swapped, given out."""
    product = "m = MatMul (p, w) "
    for name, states in (
        ("swapped", "pn = Identity (q) qn = Identity (p) y = Add (m, x)"),
        ("swapped_and_changed", "pn = Add (q, x) qn = Mul (p, m) y = Sub (p, q)"),
        ("one_value_twice", "pn = Tanh (m) qn = Identity (pn) y = Add (p, q)"),
        ("given_out", "y = Tanh (m) pn = Identity (y) qn = Add (q, p)"),
        ("given_out_before", "y = Identity (p) pn = Tanh (m) qn = Identity (q)"),
        ("delayed", "y = Tanh (m) pn = Add (y, q) qn = Identity (p)"),
        ("delayed_output", "y = MatMul (x, w) pn = Identity (q) qn = Identity (y)"),
        ("read_after_write", "pn = Tanh (m) qn = MatMul (pn, w) z = Add (p, q) y = MatMul (z, w)"),
        ("reshaped", "f = Constant <value_ints = [4, 4]> () pn0 = Tanh (m) pn = Reshape (pn0, f) "
         "qn = Identity (x) y = Transpose <perm = [1, 0]> (q)"),
        ("from_outside", "pn = Identity (w) qn = Identity (x) y = Add (p, q)"),
    ):
        given = "float[{N},{N}] p, float[{N},{N}] q"
        made = "float[{N},{N}] pn, float[{N},{N}] qn, float[{N},{N}] y"
        tensors = "float[{N},{N}] p0, float[{N},{N}] q0, float[{N},{N}] w, float[{N},{N},{N}] a"
        outputs = "float[{N},{N}] p1, float[{N},{N}] q1, float[{N},{N},{N}] ys"
        yield LoopCase(
            f"scan_state_{name}", tensors, outputs,
            _scan("num_scan_inputs = 1", "p0, q0, a", "p1, q1, ys", f"{given}, float[{{N}},{{N}}] x",
                  made, product + states),
            {"N": 4},
        )
        yield LoopCase(
            f"loop_state_{name}", tensors + ", int64 n, float limit",
            "float[{N},{N}] p1, float[{N},{N}] q1, float[M,{N},{N}] ys",
            _loop("n", "", "p0, q0", "p1, q1, ys", given, made,
                  "x = Gather <axis = 1> (a, i) " + product + states
                  + " top = ReduceMax <keepdims = 0> (y) goes = Less (top, limit)"),
            {"N": 4}, {"n": np.array(3), "limit": np.array(1e9, np.float32)},
        )


def _loops():
    """Counts, conditions, lists that grow, branches and loops inside."""
    body = "x = Gather <axis = 0> (a, i) sn = Add (s, x) y = Mul (sn, w) "
    tensors = "float[{N}] s0, float[6,{N}] a, float[{N}] w, int64 n, float limit"
    outputs = "float[{N}] s1, float[M,{N}] ys"
    given, made = "float[{N}] s", "float[{N}] sn, float[{N}] y"
    for trips in (0, 1, 6):
        case = LoopCase(
            f"loop_counted_{trips}", tensors, outputs,
            _loop("n", "", "s0", "s1, ys", given, made, body + "goes = Identity (on)"),
            {"N": 5}, {"n": np.array(trips), "limit": np.array(0, np.float32)},
        )
        if trips == 0:  # onnxruntime forgets sizes that have names
            case.sizes = {}
            case.inputs, case.outputs, case.body = (
                text.replace("{N}", "5") for text in (case.inputs, case.outputs, case.body)
            )
        yield case
    for name, count, limit in (("all", 6, 9), ("some", 6, 0.5), ("first", 6, -99)):
        yield LoopCase(
            f"loop_while_{name}", tensors, outputs,
            _loop("n", "", "s0", "s1, ys", given, made,
                  body + "top = ReduceMax <keepdims = 0> (sn) goes = Less (top, limit)"),
            {"N": 5}, {"n": np.array(count), "limit": np.array(limit, np.float32)},
        )
    yield LoopCase(
        "loop_long_list", "float[{N}] s0, int64 n, float limit", outputs,
        _loop("n", "", "s0", "s1, ys", given, made,
              "one = Constant <value_float = 1.0> () sn = Add (s, one) y = Neg (sn) "
              "top = ReduceMax <keepdims = 0> (sn) goes = Less (top, limit)"),
        {"N": 3}, {"n": np.array(1000), "limit": np.array(77, np.float32)},
    )
    yield LoopCase(
        "loop_growing_state", "float[1,{N}] s0, float[6,{N}] a, int64 n", "float[M,{N}] s1",
        _loop("n", "", "s0", "s1", "float[K,{N}] s", "float[L,{N}] sn",
              "x = Gather <axis = 0> (a, i) zero = Constant <value_ints = [0]> () "
              "row = Unsqueeze (x, zero) sn = Concat <axis = 0> (s, row) goes = Identity (on)"),
        {"N": 5}, {"n": np.array(6)},
    )
    yield LoopCase(
        "loop_with_branch", tensors, outputs,
        _loop("n", "", "s0", "s1, ys", given, made,
              "x = Gather <axis = 0> (a, i) top = ReduceMax <keepdims = 0> (s) "
              "up = Less (top, limit) "
              "sn = If <then_branch = t () => (float[{N}] r) { r = Add (s, x) }, "
              "else_branch = e () => (float[{N}] r) { r = Identity (s) }> (up) "
              "y = Mul (sn, w) goes = Identity (on)"),
        {"N": 5}, {"n": np.array(6), "limit": np.array(0.8, np.float32)},
    )
    yield LoopCase(
        "loop_in_loop", "float[{N}] s0, float[6,{N}] a, float[{N}] w, int64 n",
        "float[{N}] s1, float[M,K,{N}] ys",
        _loop("n", "", "s0", "s1, ys", "float[{N}] s", "float[{N}] sn, float[6,{N}] y",
              _scan("num_scan_inputs = 1", "s, a", "sn, y", "float[{N}] p, float[{N}] x",
                    "float[{N}] q, float[{N}] z",
                    "px = Mul (p, x) q = Softmax (px) z = Mul (q, w)")
              + " goes = Identity (on)"),
        {"N": 5}, {"n": np.array(3)},
    )


def _steps():
    """Loops that read their step's part of a tensor, and that grow lists."""
    count = "sizes = Shape (a) place = Constant <value_int = {}> () n = Gather (sizes, place) "
    first = "zero = Constant <value_ints = [0]> () one = Constant <value_ints = [1]> () "
    given, made = "float[3,19] hp", "float[3,19] hn, float[3,19] y"
    step = " m = Mul (hp, ai) hn = Add (m, bi) y = Neg (hn) goes = Identity (on)"
    sliced = (
        "from = Unsqueeze (i, zero) to = Add (from, one) as = Slice (a, from, to, zero) "
        "bs = Slice (b, from, to, zero) ai = Squeeze (as, zero) bi = Squeeze (bs, zero)"
    )
    outputs = "float[3,19] h, float[M,3,19] ys"
    for axis, shape in ((0, "{T},3,19"), (1, "3,{T},19"), (2, "3,19,{T}")):
        tensors = f"float[3,19] h0, float[{shape}] a, float[{shape}] b"
        gathered = f"ai = Gather <axis = {axis}> (a, i) bi = Gather <axis = {axis}> (b, i)"
        yield LoopCase(
            f"loop_steps_of_axis_{axis}", tensors, outputs,
            count.format(axis) + _loop("n", "", "h0", "h, ys", given, made, gathered + step),
            {"T": 5},
        )
    tensors = "float[3,19] h0, float[{T},3,19] a, float[{T},3,19] b"
    yield LoopCase(
        "loop_slices", tensors, outputs,
        count.format(0) + first + _loop("n", "", "h0", "h, ys", given, made, sliced + step),
        {"T": 5},
    )
    yield LoopCase(
        "loop_steps_backwards", tensors, outputs,
        count.format(0) + "less = Constant <value_int = 1> () last = Sub (n, less) "
        + _loop("n", "", "h0", "h, ys", given, made,
                "j = Sub (last, i) ai = Gather <axis = 0> (a, j) bi = Gather <axis = 0> (b, i)"
                + step),
        {"T": 5},
    )
    yield LoopCase(
        "loop_steps_of_a_longer_tensor", tensors, outputs,
        "n = Constant <value_int = 4> () "
        + _loop("n", "", "h0", "h, ys", given, made,
                "ai = Gather <axis = 0> (a, i) bi = Gather <axis = 0> (b, i)" + step),
        {"T": 6},
    )
    for axis, empty, size in ((0, "0,3,19", "M,3,19"), (1, "3,0,19", "3,M,19")):
        for name, trips in (("known", "n = Constant <value_int = 5> () "),
                            ("read", count.format(0))):
            yield LoopCase(
                f"loop_list_of_axis_{axis}_{name}", tensors, f"float[3,19] h, float[{size}] ys",
                trips + first + f"none = Constant <value = float[{empty}] {{}}> () "
                f"ax = Constant <value_ints = [{axis}]> () "
                + _loop("n", "", "h0, none", "h, ys",
                        given + ", float[K0,K1,K2] list",
                        "float[3,19] hn, float[L0,L1,L2] longer",
                        sliced + step + " part = Unsqueeze (y, ax) "
                        f"longer = Concat <axis = {axis}> (list, part)"),
                {"T": 5},
            )


def _linear_attention():
    """States that are matrices: with decays, delta rules, outputs before the step."""
    rules = {
        # What becomes of the state `s`, and what is added for a key.
        "retention": ("s1 = Mul (s, gamma)", "u = Identity (v)"),
        "gated": ("a4 = Unsqueeze (a, three) s1 = Mul (s, a4)", "u = Identity (v)"),
        "delta": ("s1 = Identity (s)",
                  "kr = Unsqueeze (k, two) r1 = MatMul (kr, s1) r = Squeeze (r1, two) "
                  "d = Sub (v, r) u = Mul (d, b)"),
        "gated_delta": ("a4 = Unsqueeze (a, three) s1 = Mul (s, a4)",
                        "kr = Unsqueeze (k, two) r1 = MatMul (kr, s1) r = Squeeze (r1, two) "
                        "d = Sub (v, r) u = Mul (d, b)"),
    }
    constants = (
        "two = Constant <value_ints = [2]> () three = Constant <value_ints = [3]> () "
        "gamma = Constant <value_float = 0.9> () "
    )
    sequences = {"q": "{K}", "k": "{K}", "v": "{V}", "a": "{K}", "b": "1"}
    for batch, heads, depth, width, steps in (
        (1, 2, 8, 16, 5), (2, 3, 5, 7, 4), (2, 2, 16, 64, 3), (3, 1, 4, 96, 2), (1, 1, 2, 130, 3),
    ):
        sizes = {"B": batch, "T": steps}
        known = {"K": depth, "V": width, "H": heads}
        for rule, (decay, added) in rules.items():
            # All where states have vectors without a rest, some elsewhere.
            for seen in ("after", "before"):
                if width != 64 and (rule, seen) not in (
                    ("gated_delta", "after"), ("retention", "before"),
                ):
                    continue
                # RWKV reads the state in front of the step.
                state = "next" if seen == "after" else "s"
                nodes = (
                    f"{constants} {decay} {added} k4 = Unsqueeze (k, three) "
                    "u4 = Unsqueeze (u, two) kv = Mul (k4, u4) next = Add (s1, kv) "
                    f"qr = Unsqueeze (q, two) o1 = MatMul (qr, {state}) o = Squeeze (o1, two)"
                )

                def fill(text):
                    for name, size in known.items():
                        text = text.replace(f"{{{name}}}", str(size))
                    return text

                inputs = ", ".join(
                    ["float[{B},{H},{K},{V}] s0"]
                    + [f"float[{{T}},{{B}},{{H}},{size}] {name}s"
                       for name, size in sequences.items()]
                )
                given = ", ".join(
                    ["float[{B},{H},{K},{V}] s"]
                    + [f"float[{{B}},{{H}},{size}] {name}" for name, size in sequences.items()]
                )
                yield LoopCase(
                    f"linear_{rule}_{seen}_{depth}x{width}", fill(inputs),
                    fill("float[{B},{H},{K},{V}] last, float[{T},{B},{H},{V}] os"),
                    _scan("num_scan_inputs = 5", "s0, qs, ks, vs, as, bs", "last, os",
                          fill(given), fill("float[{B},{H},{K},{V}] next, float[{B},{H},{V}] o"),
                          nodes),
                    sizes,
                )


def cases():
    for group in (_elementwise, _directions, _hazards, _loops, _steps, _linear_attention):
        yield from group()
