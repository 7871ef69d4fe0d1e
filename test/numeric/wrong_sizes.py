"""Graphs with dynamic sizes, and inputs whose sizes do not fit them.

A run on such inputs must end with a status and a message that names the node, and
the next run on good ones must be right.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

from dataclasses import dataclass, field

import numpy as np

from graph import Graph

CASES = []
HUGE = 1 << 40


@dataclass
class Case:
    name: str
    build: object  # Graph -> None
    wrong: list  # ({input: shape, or integers}, a part of the message)
    flags: list = field(default_factory=list)
    needs: str = ""  # the kernel provider that the compiler must have

    def graph(self):
        graph = Graph(seed=len(self.name))
        self.build(graph)
        return graph

    def feeds(self, graph):
        """Pairs of inputs that are wrong and what the message must say."""
        for changes, message in self.wrong:
            feeds = dict(graph.feeds)
            for name, change in changes.items():
                if feeds[name].dtype == np.int64:
                    feeds[name] = np.asarray(change, np.int64)
                else:
                    feeds[name] = np.zeros(change, feeds[name].dtype)
            yield feeds, message


def collector(cases):
    """What puts cases into a list."""
    def case(*wrong, flags=()):
        def register(build):
            cases.append(Case(build.__name__, build, list(wrong), list(flags)))
            return build

        return register

    return case


case = collector(CASES)


# Axes of the run -------------------------------------------------------------


@case(({"x1": [0, 0]}, "ReduceSum_0"), ({"x1": [2, -1]}, "named twice"),
      ({"x1": [1, 3]}, "outside"))
def axes_of_a_reduction(g):
    x = g.input([2, 3, 4], dynamic=True)
    g.output(g.ReduceSum(x, g.integers([0, -1]), keepdims=0), rank=1)


# Broadcasting ----------------------------------------------------------------


@case(({"x1": [4]}, "Add_0"), ({"x0": [2, 4]}, "broadcast"), ({"x1": [0]}, "Add_0"))
def broadcast(g):
    g.output(g.Add(g.input([2, 3], dynamic=True), g.input([3], dynamic=True)))


@case(({"x0": [5, 6]}, "Mul_1"))
def broadcast_with_weight(g):
    x = g.Relu(g.input([5, 7], dynamic=True))
    g.output(g.Exp(g.Mul(x, g.weight(7))))


@case(({"x2": [2, 5]}, "Where_1"))
def broadcast_of_three(g):
    x, y = g.input([2, 3], dynamic=True), g.input([2, 3], dynamic=True)
    less = g.Less(x, y)
    g.output(g.Where(less, g.input([2, 3], dynamic=True), y))


@case(({"x1": [5, 4]}, "Expand_0"), ({"x1": [-1, 3]}, "negative"))
def expand(g):
    g.output(g.Expand(g.input([1, 3], dynamic=True), g.integers([5, 3])))


@case(({"x700": [2, 5]}, "Add_699"), ({"x1": [5, 3]}, "Add_0"), ({"x0": [3, 3]}, "Add_0"))
def broadcast_many(g):
    """So many that the host function is cut into several."""
    x = g.input([2, 3], dynamic=True)
    for _ in range(800):
        x = g.Add(x, g.input([2, 3], dynamic=True))
    g.output(x)


# Products and convolutions -----------------------------------------------------


@case(({"x1": [6, 5]}, "MatMul_0"), ({"x0": [2, 4, 8]}, "inner dimensions"))
def matmul(g):
    g.output(g.MatMul(g.input([2, 4, 7], dynamic=True), g.input([7, 5], dynamic=True)))


@case(({"x0": [3, 4, 7]}, "MatMul_0"))
def matmul_batch(g):
    a, b = g.input([2, 4, 7], dynamic=True), g.input([2, 7, 5], dynamic=True)
    g.output(g.MatMul(a, b))


@case(({"x0": [4, 8]}, "MatMul_0"), ({"x0": [1, 0]}, "MatMul_0"))
def matmul_with_weight(g):
    g.output(g.Relu(g.MatMul(g.input([4, 7], dynamic=True), g.weight(7, 33))))


@case(({"x0": [4, 6]}, "Gemm_0"), ({"x1": [6]}, "Gemm_0"))
def gemm(g):
    x, bias = g.input([4, 7], dynamic=True), g.input([5], dynamic=True)
    g.output(g.Gemm(x, g.weight(7, 5), bias))


@case(({"x0": [1, 4, 9, 9]}, "Conv_0"), ({"x0": [1, 3, 2, 9]}, "kernel"))
def conv(g):
    x = g.input([1, 3, 9, 9], dynamic=True)
    g.output(g.Relu(g.Conv(x, g.weight(8, 3, 3, 3), g.weight(8))))


@case(({"x0": [1, 5, 9]}, "channels"), ({"x1": [5, 2, 3]}, "groups"))
def grouped_conv(g):
    x, w = g.input([1, 4, 9], dynamic=True), g.input([6, 2, 3], dynamic=True)
    g.output(g.Conv(x, w, group=2))


@case(({"x1": [0]}, "Squeeze_0"), ({"x0": [2, 3, 4]}, "Squeeze_0"), ({"x1": [7]}, "Squeeze_0"))
def axes_that_do_not_fit(g):
    g.output(g.Squeeze(g.input([2, 1, 4], dynamic=True), g.integers([1])))


@case(({"x0": [2, 1, 3, 4]}, "Squeeze_0"))
def ones_of_the_run(g):
    g.output(g.Squeeze(g.input([2, 1, 3, 1], dynamic=True)), rank=2)


@case(({"x0": [2, 64, 33]}, "Conv_3"), ({"x0": [2, 63, 32]}, "Reshape_1"))
def channels_that_the_weight_tells(g):
    x = g.input([2, 64, 32], dynamic=True)
    image = g.Reshape(g.Transpose(x, perm=[0, 2, 1]), g.constant(np.array([0, -1, 8, 8])))
    g.output(g.Conv(g.Relu(image), g.weight(24, 32, 1, 1)))


@case(({"x1": [6, 8]}, "MatMul_1"), ({"x0": [2, 5, 7]}, "MatMul_0"))
def depths_that_weights_tell(g):
    y = g.MatMul(g.input([2, 5, 6], dynamic=True), g.input([6, 7], dynamic=True))
    g.output(g.MatMul(y, g.weight(7, 4)))


@case(({"x0": [4, 2, 5]}, "LSTM_0"), ({"x0": [4, 3, 6]}, "LSTM_0"))
def batch_that_the_state_tells(g):
    x, state = g.input([4, 3, 5], dynamic=True), g.constant(np.zeros((1, 3, 8)))
    y = g.node("LSTM", [x, g.weight(1, 32, 5), g.weight(1, 32, 8), "", "", state], count=1,
               hidden_size=8)
    g.output(y)


@case(({"x0": [1, 7, 5, 5]}, "ConvTranspose_0"))
def conv_transpose(g):
    x = g.input([1, 6, 5, 5], dynamic=True)
    g.output(g.ConvTranspose(x, g.weight(6, 4, 3, 3), strides=[2, 2]))


@case(({"x0": [1, 2, 1, 8]}, "MaxPool_0"))
def pool(g):
    g.output(g.MaxPool(g.input([1, 2, 8, 8], dynamic=True), kernel_shape=[3, 3]))


@case(({"x0": [4, 2, 6]}, "LSTM_0"), ({"x1": [1, 3, 8]}, "LSTM_0"))
def lstm(g):
    x, h = g.input([4, 2, 5], dynamic=True), g.input([1, 2, 8], dynamic=True)
    w, r = g.weight(1, 32, 5), g.weight(1, 32, 8)
    g.output(g.node("LSTM", [x, w, r, "", "", h], hidden_size=8, count=3)[0])


def _steps(operator, gates):
    def build(g):
        x, lengths = g.input([4, 2, 5], dynamic=True), g.Cast(g.integers([4, 2]), to=6)
        g.output(g.node(operator, [x, g.weight(1, 4 * gates, 5), g.weight(1, 4 * gates, 4), "",
                                   lengths], hidden_size=4))

    build.__name__ = f"steps_of_{operator.lower()}"
    message = f"{operator}_1"
    case(({"x1": [5, 1]}, message), ({"x1": [0, -1]}, "sequence length"),
         ({"x1": [2**31 - 1, 4]}, message), ({"x0": [3, 2, 5]}, message))(build)


for _operator, _gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
    _steps(_operator, _gates)


@case(({"x0": [2, 9]}, "LayerNormalization_0"))
def layer_norm(g):
    x = g.input([2, 8], dynamic=True)
    g.output(g.LayerNormalization(x, g.weight(8), g.weight(8), axis=-1))


@case(({"x1": [1]}, "BatchNormalization_0"), ({"x0": [2, 1, 4]}, "BatchNormalization_0"),
      ({"x0": [2, 5, 4], "x1": [5]}, "channels"))
def batch_norm_of_parameters(g):
    """Factors of one channel would broadcast."""
    x, scale = g.input([2, 3, 4], dynamic=True), g.input([3], dynamic=True)
    bias, mean = g.input([3], dynamic=True), g.input([3], dynamic=True)
    variance = g.input([3], low=0.5, dynamic=True)
    g.output(g.BatchNormalization(x, scale, bias, mean, variance))


@case(({"x0": [1, 3, 2]}, "GroupNormalization_0"), ({"x1": [1]}, "the scale"))
def group_norm(g):
    g.opset = 21
    x, w = g.input([2, 4, 3], dynamic=True), g.input([4], dynamic=True)
    g.output(g.node("GroupNormalization", [x, w, w], num_groups=2))


@case(({"x0": [2, 1, 3]}, "InstanceNormalization_0"), ({"x1": [1]}, "the scale"))
def instance_norm(g):
    x, scale = g.input([2, 4, 3], dynamic=True), g.input([4], dynamic=True)
    g.output(g.InstanceNormalization(x, scale, g.weight(4)))


# Shapes ------------------------------------------------------------------------


@case(
    ({"x0": [2, 5]}, "Reshape_0"),
    ({"x1": [4, 4]}, "Reshape_0"),
    ({"x1": [-3, -4]}, "Reshape_0"),
    ({"x0": [0, 6], "x1": [HUGE, HUGE]}, "Reshape_0"),
)
def reshape(g):
    g.output(g.Relu(g.Reshape(g.input([2, 6], dynamic=True), g.integers([3, 4]))))


@case(({"x0": [5, 3]}, "Reshape_0"))
def reshape_to_rest(g):
    x = g.input([4, 3], dynamic=True)
    g.output(g.Relu(g.Reshape(x, g.constant(np.array([-1, 2], np.int64)))))


@case(({"x0": [2, 3]}, "Squeeze_0"))
def squeeze(g):
    x = g.input([1, 3], dynamic=True)
    g.output(g.Relu(g.Squeeze(x, g.constant(np.array([0], np.int64)))))


@case(({"x1": [2, 4]}, "Concat_0"), ({"x0": [0, 4]}, "Concat_0"))
def concat(g):
    x, y = g.input([2, 3], dynamic=True), g.input([2, 3], dynamic=True)
    g.output(g.Concat(x, y, g.weight(1, 3), axis=0))


@case(({"x0": [5, 4]}, "Split_0"))
def split(g):
    x = g.input([6, 4], dynamic=True)
    sizes = g.constant(np.array([2, 4], np.int64))
    for part in g.node("Split", [x, sizes], count=2, axis=0):
        g.output(part)


@case(({"x1": [2, 5]}, "Split_0"), ({"x1": [-1, 7]}, "Split_0"))
def split_at_run_time(g):
    parts = g.node("Split", [g.input([6, 4]), g.integers([2, 4])], count=2, axis=0)
    for part in parts:
        g.output(part)


@case(({"x1": [0, 1]}, "Slice_0"))
def slice_steps(g):
    x = g.input([6, 4], dynamic=True)
    zero, end = np.zeros(2, np.int64), np.full(2, 9, np.int64)
    axes = g.constant(np.array([0, 1], np.int64))
    g.output(g.Slice(x, g.constant(zero), g.constant(end), axes, g.integers([2, 1])))


@case(
    ({"x1": [-1, 2]}, "Tile_0"),
    ({"x1": [HUGE, HUGE]}, "more bytes"),
    ({"x1": [1 << 62, 1]}, "Tile_0"),
    ({"x1": [1, (1 << 63) - 1]}, "overflows"),
)
def tile(g):
    g.output(g.Exp(g.Relu(g.Tile(g.input([2, 3], dynamic=True), g.integers([2, 2])))))


@case(
    ({"x1": [-4, 0, 0, 0]}, "Pad_0"),
    ({"x1": [(1 << 63) - 1, 0, (1 << 63) - 1, 0]}, "out of range"),
    ({"x1": [-(1 << 63), 0, 0, 0]}, "out of range"),
)
def pad(g):
    g.output(g.Relu(g.Pad(g.input([3, 4], dynamic=True), g.integers([1, -1, 0, 0]))))


@case(({"x0": [-2, 3]}, "ConstantOfShape_0"), ({"x0": [HUGE, HUGE]}, "more bytes"))
def constant_of_shape(g):
    g.output(g.Exp(g.Neg(g.ConstantOfShape(g.integers([2, 3])))))


@case(
    ({"x2": 0}, "Range_0"),
    ({"x1": 1 << 62}, ""),
    ({"x0": -(1 << 63), "x1": (1 << 63) - 1, "x2": 1}, "more bytes"),
)
def integer_range(g):
    numbers = g.Range(g.integers(1), g.integers(7), g.integers(2))
    g.output(g.Neg(g.Mul(numbers, numbers)))


@case(({"x0": [1, 2, 0, 4]}, "Resize_0"), ({"x1": [1, 2, -6, 8]}, "Resize_0"))
def resize(g):
    x = g.input([1, 2, 3, 4], dynamic=True)
    g.output(g.node("Resize", [x, "", "", g.integers([1, 2, 6, 8])], mode="linear"))


@case(({"x1": [4]}, "Reshape_0"), ({"x1": [-5]}, "Reshape_0"), ({"x0": [7]}, "Reshape_0"))
def vector_to_vector(g):
    """A reshape whose result has the operand's type."""
    g.output(g.Relu(g.Reshape(g.input([6], dynamic=True), g.integers([6]))))


@case(({"x1": [2, 4]}, "Reshape_0"), ({"x1": [-1, 4]}, "Reshape_0"))
def reshape_that_another_follows(g):
    shaped = g.Reshape(g.input([6]), g.integers([2, 3]))
    g.output(g.Relu(g.Reshape(shaped, g.constant(np.array([3, 2])))))


@case(({"x1": [4]}, "Expand_0"), ({"x1": [-1]}, "Expand_0"))
def expand_of_known_size(g):
    """The sizes say that nothing is repeated, if the shape fits."""
    g.output(g.Relu(g.Expand(g.input([6]), g.integers([1]))))


# Matrices ------------------------------------------------------------------------


@case(({"x0": [2, 3000]}, "square"), ({"x0": [3000, 2]}, "Det_0"), ({"x0": [3, 4]}, "Det_0"))
def determinant(g):
    g.output(g.Det(g.input([3, 3], dynamic=True)))


@case(({"x0": [4, 2, 3]}, "Det_0"), ({"x0": [2, 0, 3]}, "square"))
def determinants_of_one_known_size(g):
    g.output(g.Det(g.input([2, 3, 3], dynamic=[0, 1])))


@case(({"x0": [2, 3000]}, "square"), ({"x0": [3000, 2]}, "Inverse_0"))
def inverse(g):
    g.output(g.node("Inverse", [g.input([3, 3], dynamic=True)], domain="com.microsoft"))


@case(({"x0": [2, 12, 3]}, "DFT_0"), ({"x0": [2, 12, 0]}, "DFT_0"))
def real_or_complex(g):
    g.output(g.DFT(g.input([2, 12, 2], dynamic=[2]), axis=1))


@case(({"x0": [2, 8, 2]}, "DFT_0"))
def only_real(g):
    g.output(g.DFT(g.input([2, 8, 1], dynamic=[2]), axis=1, onesided=1))


# Positions -----------------------------------------------------------------------


@case(({"x1": [1, 9]}, "Gather_0"), ({"x1": [-5, 0]}, "index"), ({"x0": [1, 3]}, "Gather_0"))
def gather(g):
    g.output(g.Gather(g.input([4, 3], dynamic=True), g.integers([1, -1]), axis=0))


@case(({"x1": [[0, 1, 9]]}, "GatherElements_0"), ({"x0": [4, 2]}, "GatherElements_0"))
def gather_elements(g):
    x = g.input([4, 3], dynamic=True)
    g.output(g.GatherElements(x, g.integers([[0, 1, 2]]), axis=0))


@case(({"x1": [3, 0]}, "index"), ({"x1": [0, -1]}, "index"))
def labels(g):
    g.output(g.NegativeLogLikelihoodLoss(g.input([2, 3], dynamic=True), g.integers([1, 2])))


@case(({"x1": [3, 0]}, "index"), ({"x1": [0, -2]}, "index"))
def labels_with_ignored(g):
    x, labels = g.input([2, 3], dynamic=True), g.integers([-1, 2])
    g.output(g.node("SoftmaxCrossEntropyLoss", [x, labels], ignore_index=-1))


@case(({"x0": [0, 3]}, "ArgMax_0"), ({"x0": [0, 1]}, "no largest"))
def largest(g):
    g.output(g.ArgMax(g.input([4, 3], dynamic=True), axis=0))


@case(({"x0": [2, 0]}, "ArgMin_0"))
def smallest(g):
    g.output(g.ArgMin(g.input([2, 3], dynamic=True), axis=1, keepdims=0))


@case(({"x0": [3, 4, 3]}, "batch dimensions"))
def gather_nd_in_batches(g):
    indices = g.constant(np.array([[1], [3]]))
    g.output(g.GatherND(g.input([2, 4, 3], dynamic=True), indices, batch_dims=1))


@case(({"x1": [3, 2]}, "ScatterND_0"), ({"x1": [1, 6]}, "updates"))
def scatter_nd_of_rows(g):
    """As many updates as there should be do not have to have the right sizes."""
    x, indices = g.input([4, 3], dynamic=True), g.constant(np.array([[1], [2]]))
    g.output(g.ScatterND(x, indices, g.input([2, 3], dynamic=True)))


@case(({"x1": [2, 5, 3]}, "TensorScatter_0"), ({"x1": [3, 2, 3]}, "updates"),
      ({"x1": [2, 2, 4]}, "updates"), ({"x2": [3]}, "place"))
def tensor_scatter_of_sizes(g):
    g.opset = 24
    x, updates = g.input([2, 4, 3], dynamic=True), g.input([2, 2, 3], dynamic=True)
    g.output(g.TensorScatter(x, updates, g.integers([1, 2], dynamic=True)))


@case(({"x2": [0, 3]}, "at their place"), ({"x2": [-1, 0]}, "TensorScatter_0"))
def tensor_scatter_places(g):
    g.opset = 24
    x, updates = g.input([2, 4, 3], dynamic=True), g.input([2, 2, 3], dynamic=True)
    g.output(g.TensorScatter(x, updates, g.integers([1, 2])))


@case(({"x1": [[4, 0]]}, "GatherND_0"))
def gather_nd(g):
    g.output(g.GatherND(g.input([4, 3], dynamic=True), g.integers([[1, 2]])))


@case(({"x1": [[4]]}, "ScatterND_0"), ({"x2": [1, 2]}, "ScatterND_0"))
def scatter_nd(g):
    x, updates = g.input([4, 3], dynamic=True), g.integers([[1]])
    g.output(g.ScatterND(x, updates, g.input([1, 3], dynamic=True)))


@case(({"x1": [[7, 0, 0]]}, "ScatterElements_0"), ({"x2": [1, 2]}, "ScatterElements_0"))
def scatter_elements(g):
    x, indices = g.input([4, 3], dynamic=True), g.integers([[1, 0, 2]])
    g.output(g.ScatterElements(x, indices, g.input([1, 3], dynamic=True), axis=0))


@case(({"x1": [9]}, "TopK_0"), ({"x1": [-1]}, "TopK_0"))
def top_k(g):
    g.output(g.node("TopK", [g.input([2, 8], dynamic=True), g.integers([3])], count=2)[0])


@case(({"x1": 2}, "CumSum_0"), ({"x1": -3}, "CumSum_0"), ({"x1": 1 << 62}, "axis"))
def running_sum(g):
    g.output(g.Exp(g.CumSum(g.input([2, 3], dynamic=True), g.integers(-1))))


@case(({"x1": 1}, "CumSum_0"), ({"x1": -2}, "axis"))
def running_sum_of_vector(g):
    g.output(g.Exp(g.CumSum(g.input([3], dynamic=True), g.integers(0))))


# Branches ---------------------------------------------------------------------------


@case(({"x1": [0]}, "a branch cannot run with these sizes"), flags=["--shape=x0=2x3"])
def branch_that_does_not_fit(g):
    """The product of the other branch only fits squares."""
    x = g.input([2, 3], dynamic=True)
    g.output(g.If(
        g.Cast(g.integers([1]), to=9),
        then_branch=g.branch("Relu", [x]), else_branch=g.branch("MatMul", [x, x]),
    ))


@case(({"x0": [4, 2]}, "fewer features"))
def trees(g):
    """One node that looks at the third feature."""
    g.output(g.node(
        "TreeEnsembleRegressor", [g.input([4, 3], dynamic=True)], domain="ai.onnx.ml",
        nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[2, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_values=[0.5, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0], n_targets=1,
        target_treeids=[0, 0], target_nodeids=[1, 2], target_ids=[0, 0],
        target_weights=[1.0, 2.0],
    ))


@case(({"x2": [3, 2]}, "Col2Im_0"), ({"x0": [1, 12, 7]}, "Col2Im_0"), ({"x1": [4, 9]}, "Col2Im_0"))
def columns_to_image(g):
    """Blocks whose sizes are only known in the run."""
    g.opset = 18
    x = g.input([1, 12, 6], dynamic=True)
    g.output(g.Col2Im(x, g.integers([3, 4]), g.integers([2, 2])))


@case(({"x1": [1 << 20, 1 << 21]}, "what is reduced has more than 10^12 elements"),
      ({"x1": [4, -1]}, "size is negative"))
def reduction_of_expanded(g):
    """No memory runs out where a reduction computes what is in front of it."""
    wide = g.Expand(g.input([1, 1]), g.integers([3, 4]))
    g.output(g.ReduceSum(wide, g.constant(np.array([0, 1])), keepdims=0))


@case(({"x1": [1 << 20, 1 << 21, 0, 0]}, "what is reduced has more than 10^12 elements"),
      ({"x1": [0, -2, 0, -1]}, "negative pads cut more than there is"))
def reduction_of_padded(g):
    wide = g.Pad(g.input([2, 2]), g.integers([3, 4, 1, -1]))
    g.output(g.ReduceSum(wide, g.constant(np.array([0, 1])), keepdims=0))


@case(({"x1": [1 << 20, 1 << 21]}, "what is reduced has more than 10^12 elements"),
      ({"x1": [1 << 62, 1 << 62]}, "the size overflows"),
      ({"x1": [4, -1]}, "negative repeats"))
def reduction_of_tiled(g):
    wide = g.Tile(g.input([1, 2]), g.integers([3, 4]))
    g.output(g.ReduceMax(wide, axes=[0, 1], keepdims=0))


def branches_of_two_ranks(g, shape):
    """What follows is translated for a vector and for a matrix."""
    x = g.input(shape, dynamic=True)
    last = g.Gather(g.Shape(x), g.constant(np.array([-1])))
    y = g.If(
        g.Equal(last, g.constant(np.array([1]))),
        then_branch=g.branch("Squeeze", [x, g.constant(np.array([1]))]),
        else_branch=g.branch("Identity", [x]),
    )
    g.output(g.ReduceSum(g.Exp(y), keepdims=0))


@case()
def branches_of_two_ranks_squeezed(g):
    branches_of_two_ranks(g, [4, 1])


@case()
def branches_of_two_ranks_whole(g):
    branches_of_two_ranks(g, [4, 3])
