"""hostile_graphs.py FOLDER: models that are well-formed files and bad graphs."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import subprocess
import sys

from onnx import TensorProto, helper
from refuse import INVALID, UNSUPPORTED, Refusals, constant, make_model, value

node = helper.make_node
IMAGE = [value("x", [1, 3, 8, 8])]


def raw_tensor(name, dims):
    return TensorProto(name=name, dims=dims, data_type=TensorProto.FLOAT)


def check_structure(refusals):
    refusals.refuses(
        make_model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])]),
        "cycle",
    )
    refusals.refuses(
        make_model([node("Relu", ["x"], ["y"]), node("Neg", ["x"], ["y"], "again")]),
        "node 'again' (Neg): its output 'y' is already defined",
    )
    refusals.refuses(
        make_model([node("Add", ["x", "nowhere"], ["y"], "add")]),
        "node 'add' (Add): its input 'nowhere' is not defined anywhere",
    )
    refusals.refuses(make_model([node("Add", ["x"], ["y"], "add")]), "input 1 is missing")
    refusals.refuses(
        make_model([node("Relu", ["x", "x"], ["y"], "relu")]),
        "node 'relu' (Relu): has 2 inputs, its operator at most 1",
    )
    refusals.refuses(
        make_model([node("Relu", ["x"], ["y", "z"], "relu")]),
        "node 'relu' (Relu): has 2 outputs, its operator at most 1",
    )
    refusals.refuses(
        make_model([node("Clip", ["x", "", "", "x"], ["y"], "clip")]),
        "has 4 inputs, its operator at most 3",
    )
    refusals.compiles(make_model([node("Relu", ["x", "", ""], ["y", ""])]))
    refusals.refuses(
        make_model([node("Relu", ["x"], ["z"])]),
        "graph output 'y' is not defined anywhere",
    )
    untyped = make_model([node("Relu", ["x"], ["y"])])
    untyped.graph.input[0].ClearField("type")
    refusals.refuses(untyped, "graph input 'x' has no type")
    undefined = make_model([node("Relu", ["x"], ["y"])])
    undefined.graph.input[0].type.tensor_type.elem_type = 0
    refusals.refuses(undefined, "graph input 'x' has no element type")
    groups = make_model(
        [node("GroupNormalization", ["x", "w", "w"], ["y"], num_groups=2)],
        [value("x", [1, 3, 4])], [constant("w", [1, 2, 3], "float32")], opset=21,
    )
    refusals.refuses(groups, "3 channels are no multiple of 2 groups")
    twice = make_model([node("Relu", ["x"], ["y"])])
    twice.graph.input.append(twice.graph.input[0])
    refusals.refuses(twice, "graph input 'x' is there twice")
    weights = constant("w", [1, 2, 3], "float32")
    refusals.refuses(
        make_model([node("Add", ["x", "w"], ["y"])], constants=[weights, weights]),
        "initializer 'w' is there twice",
    )
    foreign = make_model([node("Relu", ["x"], ["y"], domain="com.example")])
    refusals.refuses(foreign, "domain 'com.example' is not among the opset imports")
    call = helper.make_function(
        "local", "F", ["a"], ["b"], [node("F", ["a"], ["b"], domain="local")], []
    )
    endless = make_model([node("F", ["x"], ["y"], domain="local")])
    endless.functions.append(call)
    refusals.refuses(endless, "calls itself")
    escapes = make_model([node("Relu", ["a\x1b[31m\n"], ["y"])])
    refusals.refuses(escapes, "'a\\x1b[31m\\x0a' is not defined anywhere")


def check_sizes(refusals):
    huge = 1 << 62
    refusals.refuses(
        make_model([node("Add", ["x", "w"], ["y"])], constants=[raw_tensor("w", [huge])]),
        "initializer 'w': FLOAT[4611686018427387904]: the size in bytes overflows",
    )
    refusals.refuses(
        make_model([node("Add", ["x", "w"], ["y"])], constants=[raw_tensor("w", [-1])]),
        "initializer 'w'",
    )
    short = constant("w", [1, 2, 3], "float32")
    short.dims[0] = 1 << 40
    refusals.refuses(
        make_model([node("Add", ["x", "w"], ["y"])], constants=[short]), "'w'"
    )
    refusals.refuses(
        make_model([node("Relu", ["x"], ["y"])], [value("x", [huge, 3])]),
        "the input is larger than any memory",
        UNSUPPORTED,
    )
    # Sizes whose bytes are a small number again once they overflow.
    refusals.refuses(
        make_model(
            [node("OneHot", ["i", "d", "v"], ["y"], "hot")],
            constants=[
                constant("i", [0]),
                constant("d", huge),
                constant("v", [0, 1], "float32"),
            ],
        ),
        "a tensor of type 'tensor<1x4611686018427387904xf32>' fits no memory",
        UNSUPPORTED,
    )
    refusals.refuses(
        make_model(
            [node("Expand", ["x", "s"], ["y"], "expand")],
            constants=[constant("s", [huge, 2, 3])],
        ),
        "fits no memory",
        UNSUPPORTED,
    )
    for operator in ("ConstantOfShape", "RandomUniformLike"):
        shapes = [constant("s", [-5])]
        model = make_model([node(operator, ["s"], ["y"], "op")], constants=shapes)
        refusals.refuses(model, "op", INVALID)
    # The number that types take for a size that is not known.
    lowest = -(1 << 63)
    image, weight = value("x", [1, 1, 4, 4]), constant("w", [[[[1, 1], [1, 1]]]], "float32")
    for operator, inputs, attribute in (
        ("Conv", ["x", "w"], "kernel_shape"),
        ("MaxPool", ["x"], "kernel_shape"),
        ("ConvTranspose", ["x", "w"], "kernel_shape"),
        ("ConvTranspose", ["x", "w"], "output_shape"),
    ):
        model = make_model([node(operator, inputs, ["y"], "op", **{attribute: [2, lowest]})],
                           [image], constants=[weight])
        refusals.refuses(model, f"a size in '{attribute}' is {lowest}", INVALID)
    for operator, inputs in (
        ("ConstantOfShape", ["s"]),
        ("Expand", ["x", "s"]),
        ("Reshape", ["x", "s"]),
        ("Resize", ["x", "", "", "s"]),
        ("Tile", ["x", "s"]),
    ):
        shape = [constant("s", [1, 1, lowest, 4])]
        model = make_model([node(operator, inputs, ["y"], "op")], [image], constants=shape)
        refusals.refuses(model, "negative", INVALID)
    for operator, inputs, attributes in (
        ("CenterCropPad", ["x", "s"], {}),
        ("MaxUnpool", ["x", "p", "s"], {"kernel_shape": [2, 2]}),
    ):
        model = make_model([node(operator, inputs, ["y"], "op", **attributes)],
                           [image, value("p", [1, 1, 4, 4], TensorProto.INT64)],
                           constants=[constant("s", [1, 1, lowest, 4])], opset=18)
        refusals.refuses(model, f"negative size {lowest}", INVALID)
    # Axes that come with a run, more than the compiler could write down.
    many = (1 << 31) - 2
    inputs = [value("x", [2, 3])] + [
        value(name, [count], TensorProto.INT64)
        for name, count in (("many", many), ("half", many // 2))
    ]
    for operator, names, message in (
        ("ReduceSum", ["x", "many"], "more axes than dimensions"),
        ("Slice", ["x", "many", "many"], "more bounds than dimensions"),
        ("Pad", ["x", "many", "", "half"], "more axes than dimensions"),
        ("Reshape", ["x", "many"], "the limit is 64"),
    ):
        model = make_model([node(operator, names, ["y"])], inputs, opset=18)
        code = UNSUPPORTED if operator == "Reshape" else INVALID
        refusals.refuses(model, message, code)
    # A large constant is computed by the artifact, if ever, not by the compiler.
    refusals.compiles(
        make_model(
            [node("ConstantOfShape", ["s"], ["k"]), node("ReduceSum", ["k"], ["y"])],
            constants=[constant("s", [1 << 40])],
        )
    )


def check_attributes(refusals):
    weights = [constant("w", [[[[1] * 3] * 3] * 3] * 4, "float32")]

    def conv(**attributes):
        nodes = [node("Conv", ["x", "w"], ["y"], "conv", **attributes)]
        return make_model(nodes, IMAGE, weights)

    refusals.refuses(conv(strides="ab"), "'strides' is a string, expected ints")
    refusals.refuses(conv(strides=[1.5, 2.0]), "'strides' is floats, expected ints")
    refusals.refuses(conv(strides=[0, 1]), "strides and dilations must be positive")
    refusals.refuses(conv(strides=[1 << 62] * 2), "is out of range", UNSUPPORTED)
    refusals.refuses(conv(pads=[1]), "do not fit 2 spatial dimensions")
    refusals.refuses(conv(pads=[1 << 62] * 4), "is out of range", UNSUPPORTED)
    refusals.refuses(conv(group=0), "the number of groups is 0")
    refusals.refuses(conv(group=-(1 << 62)), "the number of groups is -46116860184")
    refusals.refuses(conv(auto_pad="MAYBE"), "unknown auto_pad 'MAYBE'")
    for operator, attributes, part in (
        ("Softmax", {"axis": 2}, "axis 2 is outside a tensor of rank 2"),
        ("Softmax", {"axis": -(1 << 63)}, "is outside a tensor of rank 2"),
        ("Softmax", {"axis": "x"}, "'axis' is a string, expected an int"),
        ("Transpose", {"perm": [0, 0]}, "axis 0 is named twice"),
        ("Transpose", {"perm": [0]}, "not a permutation of 2 dimensions"),
        ("Cast", {}, "'to' is missing"),
        ("MaxPool", {"kernel_shape": [0, 0]}, "rank"),
        ("LeakyRelu", {"alpha": 1}, "'alpha' is an int, expected a float"),
    ):
        nodes = [node(operator, ["x"], ["y"], "node", **attributes)]
        if operator == "MaxPool":
            refusals.refuses(make_model(nodes, IMAGE), "a size in 'kernel_shape' is 0")
        else:
            refusals.refuses(make_model(nodes), part)
    parts = [node("Split", ["x"], ["y", "z"], "split", axis=1, num_outputs=1 << 62)]
    refusals.refuses(make_model(parts, opset=18), "but there are 2 outputs")
    sizes = [node("Split", ["x", "s"], ["y", "z"], "split", axis=1)]
    refusals.refuses(
        make_model(sizes, constants=[constant("s", [1, 1])]), "do not fit the dimension"
    )
    regions = [value("r", [1, 4])]
    first = [constant("i", [0])]
    for ratio, code in ((-1, INVALID), ((1 << 63) - 1, UNSUPPORTED)):
        nodes = [node("RoiAlign", ["x", "r", "i"], ["y"], sampling_ratio=ratio)]
        refusals.refuses(
            make_model(nodes, IMAGE + regions, first), f"sampling_ratio is {ratio}", code
        )
    twice = make_model([node("Softmax", ["x"], ["y"], axis=1)])
    twice.graph.node[0].attribute.append(twice.graph.node[0].attribute[0])
    refusals.refuses(twice, "attribute 'axis' is there twice")


def check_ranks(refusals):
    """A rank that only a run tells is legal, and all nodes are listed."""
    inputs = [
        value("x", [2, 3]),
        value("s", ["n"], TensorProto.INT64),
        value("i", [2, "k"], TensorProto.INT64),
    ]
    nodes = [
        node("Reshape", ["x", "s"], ["a"], "reshape"),
        node("Expand", ["x", "s"], ["b"], "expand"),
        node("ConstantOfShape", ["s"], ["c"], "fill"),
        node("GatherND", ["x", "i"], ["d"], "gather"),
        node("Squeeze", ["i"], ["e"], "squeeze"),
    ]
    outputs = [value(name, None) for name in "abcde"]
    for name in ("reshape", "expand", "fill", "gather", "squeeze"):
        refusals.refuses(
            make_model(nodes, inputs, outputs=outputs), f"  {name}: ", UNSUPPORTED
        )
    # A declared rank is enough.
    ranks = {"a": 2, "b": 3, "c": 1, "d": 1, "e": 2}
    outputs = [value(name, [None] * rank) for name, rank in ranks.items()]
    for output in outputs[2:]:
        output.type.tensor_type.elem_type = TensorProto.INT64
    for output in outputs[2:4]:
        output.type.tensor_type.elem_type = TensorProto.FLOAT
    refusals.compiles(make_model(nodes, inputs, outputs=outputs))
    # One that no sizes can have is not.
    for rank in (0, 3):
        declared = [value("e", [None] * rank, TensorProto.INT64)]
        refusals.refuses(
            make_model(nodes[4:], inputs, outputs=declared), "fits no sizes of the input"
        )


def check_all(refusals):
    """Nodes that are broken do not hide others, broken or not supported."""
    nodes = [
        node("Softmax", ["x"], ["a"], "first", axis=7),
        node("Relu", ["a"], ["b"], "between"),
        node("Transpose", ["x"], ["c"], "second", perm=[0, 0]),
        node("SequenceConstruct", ["x"], ["y"], "third"),
    ]
    outputs = [value(name, None) for name in "bcy"]
    model = make_model(nodes, outputs=outputs).SerializeToString()
    path = refusals.folder / "all.onnx"
    path.write_bytes(model)
    for options in (["--check"], ["-o", refusals.out / "net.so"]):
        result = subprocess.run(
            ["sluicec", path, *options], capture_output=True, text=True, timeout=120
        )
        assert result.returncode == INVALID, result
        assert result.stderr.splitlines() == [
            "error: 2 nodes break the rules of ONNX:",
            "  node 'first' (Softmax): axis 7 is outside a tensor of rank 2",
            "  node 'second' (Transpose): axis 0 is named twice",
            "1 node cannot be compiled:",
            "  third: SequenceConstruct (opset 17) on (tensor<2x3xf32>): "
            "operator is not supported",
            "",
        ], result.stderr
    refusals.count += 1


def check_shapes(refusals):
    refusals.refuses(
        make_model(
            [node("MatMul", ["x", "w"], ["y"], "product")],
            constants=[constant("w", [[1, 2], [3, 4]], "float32")],
        ),
        "node 'product' (MatMul)",
    )
    refusals.refuses(
        make_model(
            [node("Add", ["x", "w"], ["y"], "sum")],
            constants=[constant("w", [1, 2], "float32")],
        ),
        "node 'sum' (Add): operand shapes do not broadcast",
    )
    refusals.refuses(
        make_model(
            [node("Reshape", ["x", "s"], ["y"], "view")], constants=[constant("s", [5])]
        ),
        "node 'view' (Reshape): cannot reshape",
    )


def check_element_types(refusals):
    def refuses(op, kinds, part, code=INVALID, **attributes):
        names = [f"x{index}" for index in range(len(kinds))]
        inputs = [value(name, [1, 2, 4, 4], kind) for name, kind in zip(names, kinds)]
        refusals.refuses(
            make_model([node(op, names, ["y"], "n", **attributes)], inputs),
            f"node 'n' ({op}): {part}" if code == INVALID else part,
            code,
        )

    real, integer, boolean = TensorProto.FLOAT, TensorProto.INT32, TensorProto.BOOL
    no_float = "takes floating-point elements, not 'i32'"
    refuses("Sin", [integer], no_float)
    refuses("Softmax", [integer], no_float)
    refuses("Det", [integer], no_float)
    refuses("AveragePool", [integer], no_float, kernel_shape=[2, 2])
    refuses("LpPool", [integer], no_float, kernel_shape=[2, 2])
    refuses("Neg", [boolean], "takes numbers, not 'i1'")
    refuses("MatMul", [boolean, boolean], "takes numbers, not 'i1'")
    refuses("Conv", [boolean, boolean], "takes numbers, not 'i1'")
    refuses("MaxPool", [boolean], "takes numbers, not 'i1'", kernel_shape=[2, 2])
    refuses("And", [real, real], "takes integers or booleans, not 'f32'")
    refuses("Add", [real, integer], "the operands have different element types")
    refuses("Where", [integer, real, real], "the condition must be a boolean")
    # Legal, and not compiled.
    refuses("Erf", [integer], no_float, UNSUPPORTED)


def nested(levels):
    """An If in an If in an If ..."""
    if levels == 0:
        nodes = [node("Relu", ["x"], ["t0"])]
    else:
        other = helper.make_graph([node("Neg", ["x"], ["e"])], "e", [], [value("e", None)])
        nodes = [
            node("If", ["c"], [f"t{levels}"], then_branch=nested(levels - 1), else_branch=other)
        ]
    return helper.make_graph(nodes, f"g{levels}", [], [value(f"t{levels}", None)])


def check_depth(refusals):
    inputs = [value("x", [2, 3]), value("c", [], TensorProto.BOOL)]

    def model(levels):
        branches = {"then_branch": nested(levels), "else_branch": nested(0)}
        return make_model([node("If", ["c"], ["y"], **branches)], inputs)

    refusals.compiles(model(20))
    length = 5000
    names = ["x", *(f"v{index}" for index in range(length - 1)), "y"]
    chain = [
        node("Neg" if index % 2 else "Relu", [names[index]], [names[index + 1]])
        for index in range(length)
    ]
    refusals.compiles(make_model(chain))


def main():
    refusals = Refusals(sys.argv[1])
    check_structure(refusals)
    check_sizes(refusals)
    check_attributes(refusals)
    check_ranks(refusals)
    check_all(refusals)
    check_shapes(refusals)
    check_element_types(refusals)
    check_depth(refusals)
    print(f"{refusals.count} graphs")


if __name__ == "__main__":
    main()
