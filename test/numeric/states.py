"""Models whose states the runtime keeps: caches that grow, recurrent cells.

Step by step they must compute what numpy does, and exactly what a run computes that
is given its past; what is there already must not be written again.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import ctypes
import mmap
from dataclasses import dataclass, field

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from support.artifact import Artifact, RunError

CASES = []
CAPACITY = 64


@dataclass
class Case:
    name: str
    build: object  # -> Decoder
    steps: int  # and for how many there is room
    flags: list = field(default_factory=list)
    protects: bool = False  # rows are whole pages, which can be read-only
    error: float = 1e-5  # of the largest magnitude
    needs: str = ""  # the kernel provider that the compiler must have


def case(steps, *flags, **others):
    def register(build):
        CASES.append(Case(build.__name__, build, steps, list(flags), **others))
        return build

    return register


def value(name, shape, dtype=np.float32):
    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape
    )


class Decoder:
    """Layers of attention over a cache: the ONNX nodes and the same in f64."""

    def __init__(self, layers, heads, size, groups=1, batch=1, hidden=48, seed=0,
                 dtype=np.float32):
        self.hidden, self.dtype = hidden, dtype
        self.layers, self.heads, self.size = layers, heads, size
        self.groups, self.batch = groups, batch
        self.width = heads * groups * size
        random = np.random.default_rng(seed)
        self.weights = {}
        for layer in range(layers):
            for part, rows, columns in (
                ("q", hidden, self.width),
                ("k", hidden, heads * size),
                ("v", hidden, heads * size),
                ("o", self.width, hidden),
            ):
                self.weights[f"{part}{layer}"] = (
                    random.standard_normal((rows, columns)) / np.sqrt(rows)
                ).astype(dtype)

    def model(self):
        value = lambda name, shape: globals()["value"](name, shape, self.dtype)
        nodes, inputs, outputs = [], [value("x", [self.batch, 1, self.hidden])], []
        constants = {
            "split_q": [self.batch, 1, self.heads * self.groups, self.size],
            "split_k": [self.batch, 1, self.heads, self.size],
            "joined": [self.batch, 1, self.width],
            "grouped": [self.batch, self.heads, self.groups, self.size],
            "ungrouped": [self.batch, self.heads * self.groups, 1, self.size],
        }
        make = lambda kind, ins, out, **attributes: nodes.append(
            helper.make_node(kind, ins, [out], name=out, **attributes)
        )
        x = "x"
        cache = [self.batch, self.heads, "past", self.size]
        for layer in range(self.layers):
            for part in "qkv":
                flat, split = f"{part}f{layer}", f"{part}s{layer}"
                make("MatMul", [x, f"{part}{layer}"], flat)
                shape = "split_q" if part == "q" else "split_k"
                make("Reshape", [flat, shape], split)
                make("Transpose", [split], f"{part}h{layer}", perm=[0, 2, 1, 3])
            for part in "kv":
                past, present = f"past.{layer}.{part}", f"present.{layer}.{part}"
                make("Concat", [past, f"{part}h{layer}"], present, axis=2)
                inputs.append(value(past, cache))
                outputs.append(value(present, [*cache[:2], "total", self.size]))
            # The queries of a group are rows of one product.
            make("Reshape", [f"qh{layer}", "grouped"], f"qg{layer}")
            make("Transpose", [f"present.{layer}.k"], f"kt{layer}", perm=[0, 1, 3, 2])
            make("MatMul", [f"qg{layer}", f"kt{layer}"], f"s{layer}")
            make("Mul", [f"s{layer}", "scale"], f"sc{layer}")
            make("Softmax", [f"sc{layer}"], f"p{layer}", axis=-1)
            make("MatMul", [f"p{layer}", f"present.{layer}.v"], f"a{layer}")
            make("Reshape", [f"a{layer}", "ungrouped"], f"au{layer}")
            make("Transpose", [f"au{layer}"], f"at{layer}", perm=[0, 2, 1, 3])
            make("Reshape", [f"at{layer}", "joined"], f"aj{layer}")
            make("MatMul", [f"aj{layer}", f"o{layer}"], f"ao{layer}")
            make("Add", [x, f"ao{layer}"], f"x{layer}")
            x = f"x{layer}"
        outputs.insert(0, value(x, [self.batch, 1, self.hidden]))
        tensors = [numpy_helper.from_array(array, name)
                   for name, array in self.weights.items()]
        tensors += [numpy_helper.from_array(np.int64(shape), name)
                    for name, shape in constants.items()]
        tensors.append(
            numpy_helper.from_array(self.dtype(self.size**-0.5), "scale")
        )
        graph = helper.make_graph(nodes, "decoder", inputs, outputs, tensors)
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
        )

    def flags(self, capacity=CAPACITY):
        return [
            f"--state=present.{layer}.{part}:past.{layer}.{part}@2,capacity={capacity}"
            for layer in range(self.layers)
            for part in "kv"
        ]

    def empty(self):
        return {
            f"past.{layer}.{part}": np.zeros(
                (self.batch, self.heads, 0, self.size), np.float64
            )
            for layer in range(self.layers)
            for part in "kv"
        }

    def step(self, feeds, past):
        """The outputs in f64, and what is the next past."""
        x, present = feeds["x"].astype(np.float64), {}
        for layer in range(self.layers):
            split = lambda part, heads: np.swapaxes(
                (x @ self.weights[f"{part}{layer}"].astype(np.float64)).reshape(
                    self.batch, 1, heads, self.size
                ), 1, 2)
            query = split("q", self.heads * self.groups)
            query = query.reshape(self.batch, self.heads, self.groups, self.size)
            for part in "kv":
                name = f"past.{layer}.{part}"
                present[name] = np.concatenate(
                    [past[name], split(part, self.heads)], axis=2
                )
            key, values = present[f"past.{layer}.k"], present[f"past.{layer}.v"]
            scores = query @ np.swapaxes(key, 2, 3) * self.size**-0.5
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
            mixed = (scores @ values).reshape(self.batch, -1, 1, self.size)
            mixed = np.swapaxes(mixed, 1, 2).reshape(self.batch, 1, self.width)
            x = x + mixed @ self.weights[f"o{layer}"].astype(np.float64)
        return [x, *present.values()], present

    def feeds(self, number):
        random = np.random.default_rng(number)
        shape = (self.batch, 1, self.hidden)
        return {"x": random.standard_normal(shape).astype(self.dtype)}


class Cell:
    """A gated recurrent unit, whose hidden numbers every step replaces."""

    def __init__(self, batch=2, inputs=5, hidden=7):
        self.batch, self.inputs, self.hidden = batch, inputs, hidden
        random = np.random.default_rng(batch)
        self.own = random.standard_normal((1, 3 * hidden, inputs)).astype(np.float32)
        self.back = random.standard_normal((1, 3 * hidden, hidden)).astype(np.float32)

    def model(self):
        hidden = [1, self.batch, self.hidden]
        node = helper.make_node(
            "GRU", ["x", "own", "back", "", "", "before"], ["y", "after"],
            hidden_size=self.hidden,
        )
        graph = helper.make_graph(
            [node],
            "cell",
            [value("x", [1, self.batch, self.inputs]), value("before", hidden)],
            [value("y", [1, 1, self.batch, self.hidden]), value("after", hidden)],
            [numpy_helper.from_array(self.own, "own"),
             numpy_helper.from_array(self.back, "back")],
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
        )

    def flags(self, _):
        return ["--state=after:before"]

    def empty(self):
        return {"before": np.zeros((1, self.batch, self.hidden))}

    def step(self, feeds, past):
        x, h = feeds["x"][0].astype(np.float64), past["before"][0]
        own, back = self.own[0].astype(np.float64), self.back[0].astype(np.float64)
        sigmoid = lambda numbers: 1 / (1 + np.exp(-numbers))
        part = lambda weights, gate: np.split(weights, 3)[gate].T
        update = sigmoid(x @ part(own, 0) + h @ part(back, 0))
        reset = sigmoid(x @ part(own, 1) + h @ part(back, 1))
        fresh = np.tanh(x @ part(own, 2) + (reset * h) @ part(back, 2))
        h = ((1 - update) * fresh + update * h)[None]
        return [h[None], h], {"before": h}

    def feeds(self, number):
        random = np.random.default_rng(number)
        shape = (1, self.batch, self.inputs)
        return {"x": random.standard_normal(shape).astype(np.float32)}


class LongCell:
    """A long short-term memory, with two states, in one or two directions."""

    def __init__(self, directions=1, batch=3, inputs=4, hidden=19):
        self.directions, self.batch = directions, batch
        self.inputs, self.hidden = inputs, hidden
        random = np.random.default_rng(hidden)
        weights = lambda depth: random.standard_normal((directions, 4 * hidden, depth))
        self.own = weights(inputs).astype(np.float32)
        self.back = weights(hidden).astype(np.float32)

    def model(self):
        state = [self.directions, self.batch, self.hidden]
        node = helper.make_node(
            "LSTM", ["x", "own", "back", "", "lengths", "h_before", "c_before"],
            ["y", "h_after", "c_after"], hidden_size=self.hidden,
            direction="forward" if self.directions == 1 else "bidirectional",
        )
        graph = helper.make_graph(
            [node],
            "long_cell",
            [value("x", [2, self.batch, self.inputs]),
             helper.make_tensor_value_info("lengths", TensorProto.INT32, [self.batch]),
             value("h_before", state), value("c_before", state)],
            [value("y", [2, self.directions, self.batch, self.hidden]),
             value("h_after", state), value("c_after", state)],
            [numpy_helper.from_array(self.own, "own"),
             numpy_helper.from_array(self.back, "back")],
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
        )

    def flags(self, _):
        return ["--state=h_after:h_before", "--state=c_after:c_before"]

    def empty(self):
        return {name: np.zeros((self.directions, self.batch, self.hidden))
                for name in ("h_before", "c_before")}

    def step(self, feeds, past):
        hidden, cell = past["h_before"].copy(), past["c_before"].copy()
        sigmoid = lambda numbers: 1 / (1 + np.exp(-numbers))
        outputs = np.zeros((2, *hidden.shape))
        for direction, sequence in np.ndindex(hidden.shape[:2]):
            own = self.own[direction].astype(np.float64)
            back = self.back[direction].astype(np.float64)
            h, c = hidden[direction, sequence], cell[direction, sequence]
            for at in range(feeds["lengths"][sequence])[:: -1 if direction else 1]:
                x = feeds["x"][at, sequence].astype(np.float64)
                i, o, f, new = np.split(own @ x + back @ h, 4)
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(new)
                h = sigmoid(o) * np.tanh(c)
                outputs[at, direction, sequence] = h
            hidden[direction, sequence], cell[direction, sequence] = h, c
        present = {"h_before": hidden, "c_before": cell}
        return [outputs, hidden, cell], present

    def feeds(self, number):
        random = np.random.default_rng(number)
        shape = (2, self.batch, self.inputs)
        return {
            "x": random.standard_normal(shape).astype(np.float32),
            "lengths": random.integers(0, 3, self.batch).astype(np.int32),
        }


class Slots:
    """A cache of fixed size, in which a step writes the row that it is told."""

    def __init__(self, slots, size, reads_before=False):
        self.slots, self.size, self.reads_before = slots, size, reads_before

    def model(self):
        cache = [1, 1, self.slots, self.size]
        nodes = [
            helper.make_node("ScatterND", ["before", "at", "row"], ["after"]),
            helper.make_node("Transpose", ["row"], ["column"], perm=[1, 0]),
            # Reads what is there before, or after the row is written.
            helper.make_node(
                "MatMul", ["before" if self.reads_before else "after", "column"],
                ["scores"],
            ),
        ]
        graph = helper.make_graph(
            nodes, "slots",
            [helper.make_tensor_value_info("at", TensorProto.INT64, [1, 3]),
             value("row", [1, self.size]), value("before", cache)],
            [value("scores", [1, 1, self.slots, 1]), value("after", cache)],
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
        )

    def flags(self, _):
        return ["--state=after:before"]

    def empty(self):
        return {"before": np.zeros((1, 1, self.slots, self.size))}

    def step(self, feeds, past):
        row, after = feeds["row"].astype(np.float64), past["before"].copy()
        after[0, 0, feeds["at"][0, 2]] = row[0]
        read = past["before"] if self.reads_before else after
        return [read @ row.T, after], {"before": after}

    def feeds(self, number):
        random = np.random.default_rng(number)
        return {"at": np.int64([[0, 0, number]]),
                "row": random.standard_normal((1, self.size)).astype(np.float32)}


class Ring:
    """Caches of fixed size: in one a step puts rows behind those of the last one,
    for each sequence at its place, in the other the place follows on the last
    one. A third is blended with what is new, where a mask says so."""

    def __init__(self, batch, heads, slots, size, rows=1, dynamic=False):
        self.batch, self.heads, self.slots, self.size = batch, heads, slots, size
        self.rows, self.dynamic = rows, dynamic

    def model(self):
        batch = "batch" if self.dynamic else self.batch
        cache = [batch, self.heads, self.slots, self.size]
        new = [batch, self.heads, self.rows, self.size]
        nodes = [
            helper.make_node("TensorScatter", ["before", "new", "at"], ["after"]),
            helper.make_node("TensorScatter", ["ring", "new", "turn"], ["next_ring"],
                             mode="circular"),
            helper.make_node("Mul", ["blend", "half"], ["faded"]),
            helper.make_node("Where", ["mask", "newest", "faded"], ["next_blend"]),
        ]
        row = [batch, self.heads, 1, self.size]
        graph = helper.make_graph(
            nodes, "ring",
            [value("new", new), value("at", [batch], np.int64),
             value("turn", [batch], np.int64), value("mask", row, np.bool_),
             value("newest", row),
             value("before", cache), value("ring", cache), value("blend", row)],
            [value("after", cache), value("next_ring", cache), value("next_blend", row)],
            [numpy_helper.from_array(np.float32(0.5), "half")],
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=12
        )

    def flags(self, _):
        return ["--state=after:before", "--state=next_ring:ring",
                "--state=next_blend:blend"]

    def empty(self):
        shape = (self.batch, self.heads, self.slots, self.size)
        return {"before": np.zeros(shape), "ring": np.zeros(shape),
                "blend": np.zeros((*shape[:2], 1, self.size))}

    def step(self, feeds, past):
        after, ring = past["before"].copy(), past["ring"].copy()
        for sequence in range(self.batch):
            at = feeds["at"][sequence]
            after[sequence, :, at:at + self.rows] = feeds["new"][sequence]
            for row in range(self.rows):
                place = (feeds["turn"][sequence] + row) % self.slots
                ring[sequence, :, place] = feeds["new"][sequence, :, row]
        blend = np.where(feeds["mask"], feeds["newest"], past["blend"] / 2)
        present = {"before": after, "ring": ring, "blend": blend}
        return list(present.values()), present

    def feeds(self, number):
        random = np.random.default_rng(number)
        shape = (self.batch, self.heads, self.rows, self.size)
        row = (*shape[:2], 1, self.size)
        sequences = np.arange(self.batch)
        return {
            "new": random.standard_normal(shape).astype(np.float32),
            "at": (number + 3 * sequences) % (self.slots - self.rows + 1),
            "turn": number * self.rows + 5 * sequences - 2,
            "mask": random.standard_normal(row) > 0,
            "newest": random.standard_normal(row).astype(np.float32),
        }


@case(10)
def recurrent_cell():
    return Cell()


@case(6)
def two_states_of_a_cell():
    return LongCell()


@case(6)
def states_of_both_directions():
    return LongCell(directions=2, batch=9)


@case(9)
def rows_of_a_fixed_cache():
    return Slots(9, 21)


@case(9)
def rows_that_are_read_before():
    """The cache is read where its kernel must not have written yet."""
    return Slots(9, 21, reads_before=True)


@case(8, protects=True)
def other_rows_of_a_fixed_cache_are_left_alone():
    return Slots(8, mmap.PAGESIZE // 4)


@case(9)
def rings_and_masks():
    return Ring(2, 3, 11, 5, rows=3)


@case(5)
def rings_of_any_batch():
    """Rows of several tasks."""
    return Ring(3, 1, 40, 600, rows=9, dynamic=True)


@case(CAPACITY)
def two_layers():
    return Decoder(layers=2, heads=4, size=16)


@case(12, error=1e-2)
def caches_of_halves():
    return Decoder(layers=2, heads=4, size=16, dtype=np.float16)


@case(12, "--kernels=onednn", needs="onednn")
def caches_beside_onednn():
    """The products of a cache stay the compiler's own."""
    return Decoder(layers=2, heads=4, size=16)


@case(12)
def grouped_queries_and_batches():
    return Decoder(layers=1, heads=2, size=24, groups=3, batch=3, seed=1)


@case(CAPACITY)
def one_head():
    """Nothing is in front of the axis: the cache is contiguous."""
    return Decoder(layers=1, heads=1, size=32, seed=2)


@case(8, protects=True)
def written_rows_are_left_alone():
    """A row of a head is a page."""
    return Decoder(layers=1, heads=2, size=mmap.PAGESIZE // 4, seed=3)


def differs(got, wanted, what, most=1e-5):
    wanted = np.asarray(wanted)
    if got.shape != wanted.shape:
        return f"{what} has shape {list(got.shape)} instead of {list(wanted.shape)}"
    error = np.abs(got - wanted).max(initial=0) / max(np.abs(wanted).max(initial=0), 1)
    return "" if error <= most else f"{what} has an error of {error:.2e}"


class Pages:
    """Memory for a cache, of which everything that is there is read-only."""

    def __init__(self, shape):
        self.shape = shape
        self.memory = mmap.mmap(-1, int(np.prod(shape)) * 4)
        self.array = np.frombuffer(self.memory, np.float32).reshape(shape)
        self.libc = ctypes.CDLL(None, use_errno=True)

    def protect(self, length):
        """Rows before `length` cannot be written to any more."""
        outer = self.shape[0] * self.shape[1]
        for block in range(outer):
            start = self.array.ctypes.data + block * self.shape[2] * mmap.PAGESIZE
            if length and self.libc.mprotect(
                ctypes.c_void_p(start),
                ctypes.c_size_t(length * mmap.PAGESIZE),
                mmap.PROT_READ,
            ):
                raise OSError(ctypes.get_errno(), "mprotect")


def run_steps(build, artifact, name, steps):
    """None, or what is wrong; in a process of its own."""
    chosen = next(case for case in CASES if case.name == name)
    decoder = chosen.build()
    kept, given = Artifact(build, artifact), Artifact(build, artifact)
    past = decoder.empty()
    dtype = getattr(decoder, "dtype", np.float32)
    before = {state: array.astype(dtype) for state, array in past.items()}
    capacity = chosen.steps
    pages = []
    if chosen.protects:
        shape = (*next(iter(past.values())).shape[:2], capacity, decoder.size)
        for index in range(len(past)):
            pages.append(Pages(shape))
            kept.bind_state(index, pages[-1].array)
    states = list(past)
    for number in range(steps):
        feeds = decoder.feeds(number)
        expected, past = decoder.step(feeds, past)
        for page in pages:
            page.protect(number)
        kept.bind(feeds, missing=states)
        kept.run()
        outputs = kept.outputs()
        given.bind({**feeds, **before}, missing=states)
        given.run()
        again = given.outputs()
        before = dict(zip(states, again[-len(states):], strict=True))
        for index, (got, wanted, same) in enumerate(
            zip(outputs, expected, again, strict=True)
        ):
            if text := differs(got, wanted, f"step {number}: output {index}", chosen.error):
                return text
            if not np.array_equal(got, same):
                return f"step {number}: output {index} is not that of a given past"
    if isinstance(decoder, Decoder):
        kept.bind(decoder.feeds(steps), missing=states)
        try:
            kept.run()
        except RunError as error:
            message = str(error)
        else:
            return "a step beyond the capacity succeeded"
        for part in ("present.0.k", "past.0.k", str(capacity), str(capacity + 1)):
            if part not in message:
                return f"the message does not say '{part}': {message}"
    if pages:
        return None  # A reset would have runs write to the first rows again.
    kept.reset_states()
    kept.bind(decoder.feeds(0), missing=states)
    kept.run()
    expected, _ = decoder.step(decoder.feeds(0), decoder.empty())
    return differs(kept.outputs()[0], expected[0], "after a reset: output 0",
                   chosen.error) or None


def model_of(chosen):
    decoder = chosen.build()
    return decoder.model(), decoder.flags(chosen.steps) + chosen.flags
