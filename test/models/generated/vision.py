"""ResNet-50, MobileNetV2 and ViT, with the layer sizes of torchvision."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np

from .attention import self_attention
from .builder import GraphBuilder


def _convolution(graph, value, inputs, outputs, kernel, name, stride=1, groups=1,
                 bias=False):
    fan_in = inputs // groups * kernel * kernel
    weight = graph.random_weight(
        f"{name}.weight", (outputs, inputs // groups, kernel, kernel),
        np.sqrt(2.0 / fan_in),
    )
    operands = [value, weight]
    if bias:
        operands.append(graph.random_weight(f"{name}.bias", (outputs,), 0.05))
    return graph.node(
        "Conv", operands, dilations=[1, 1], group=groups,
        kernel_shape=[kernel, kernel], pads=[kernel // 2] * 4,
        strides=[stride, stride],
    )


def _batch_norm(graph, value, channels, name, gain=1.0):
    draw = graph.random.standard_normal
    scale = gain * (1 + 0.1 * draw(channels, dtype=np.float32))
    variance = np.exp(0.2 * draw(channels, dtype=np.float32))
    operands = [
        value,
        graph.weight(f"{name}.weight", scale.astype(np.float32)),
        graph.random_weight(f"{name}.bias", (channels,), 0.1),
        graph.random_weight(f"{name}.running_mean", (channels,), 0.1),
        graph.weight(f"{name}.running_var", variance),
    ]
    return graph.node("BatchNormalization", operands, epsilon=1e-5, momentum=0.9)


def _conv_bn(graph, value, inputs, outputs, kernel, name, fold, gain=1.0, **options):
    """Convolution and batch normalisation; exporters fold the second in eval
    mode and keep it in training mode."""
    value = _convolution(
        graph, value, inputs, outputs, kernel, f"{name}.conv", bias=fold, **options
    )
    if not fold:
        value = _batch_norm(graph, value, outputs, f"{name}.bn", gain)
    return value


def resnet(path, blocks=(3, 4, 6, 3), width=64, image=224, classes=1000, fold=False,
           batch="batch"):
    """Bottleneck ResNet; (3, 4, 6, 3) and 64 are ResNet-50."""
    graph = GraphBuilder("resnet", opset=17, seed=50)
    value = graph.input("input", [batch, 3, image, image])
    value = _conv_bn(graph, value, 3, width, 7, "stem", fold, stride=2)
    value = graph.node("Relu", [value])
    value = graph.node(
        "MaxPool", [value], ceil_mode=0, kernel_shape=[3, 3], pads=[1, 1, 1, 1],
        strides=[2, 2],
    )
    channels = width
    for stage, count in enumerate(blocks):
        inner, outer = width << stage, width << stage << 2
        for block in range(count):
            graph.scope = f"layer{stage + 1}.{block}"
            stride = 2 if stage and not block else 1
            shortcut = value
            inside = _conv_bn(graph, value, channels, inner, 1, "1", fold)
            inside = graph.node("Relu", [inside])
            inside = _conv_bn(graph, inside, inner, inner, 3, "2", fold, stride=stride)
            inside = graph.node("Relu", [inside])
            # A small gain on the last one keeps the sum from growing.
            inside = _conv_bn(graph, inside, inner, outer, 1, "3", fold, gain=0.3)
            if not block:
                shortcut = _conv_bn(
                    graph, value, channels, outer, 1, "downsample", fold, stride=stride
                )
            value = graph.node("Relu", [graph.node("Add", [inside, shortcut])])
            channels = outer
    graph.scope = ""
    value = graph.node("GlobalAveragePool", [value])
    value = graph.node("Flatten", [value], axis=1)
    value = graph.gemm(value, channels, classes, "fc")
    graph.output(value, "logits", [batch, classes])
    graph.save(path)


# (expansion, channels, repeats, stride), as in the paper's table 2.
MOBILENET_V2 = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
    (6, 160, 3, 2), (6, 320, 1, 1),
)


def mobilenet_v2(path, stages=MOBILENET_V2, head=1280, image=224, classes=1000,
                 batch="batch"):
    graph = GraphBuilder("mobilenet_v2", opset=17, seed=2)

    def relu6(value):
        return graph.node("Clip", [value, graph.constant(0.0), graph.constant(6.0)])

    value = graph.input("input", [batch, 3, image, image])
    value = relu6(_conv_bn(graph, value, 3, 32, 3, "stem", True, stride=2))
    channels, number = 32, 0
    for expansion, outputs, repeats, first_stride in stages:
        for repeat in range(repeats):
            number += 1
            graph.scope = f"features.{number}"
            stride = 1 if repeat else first_stride
            inside, hidden = value, channels * expansion
            if expansion != 1:
                inside = relu6(
                    _conv_bn(graph, inside, channels, hidden, 1, "expand", True)
                )
            inside = relu6(
                _conv_bn(graph, inside, hidden, hidden, 3, "depthwise", True,
                         stride=stride, groups=hidden)
            )
            inside = _conv_bn(graph, inside, hidden, outputs, 1, "project", True)
            if stride == 1 and channels == outputs:
                inside = graph.node("Add", [value, inside])
            value, channels = inside, outputs
    graph.scope = ""
    value = relu6(_conv_bn(graph, value, channels, head, 1, "head", True))
    value = graph.node("ReduceMean", [value], axes=[2, 3], keepdims=0)
    value = graph.gemm(value, head, classes, "classifier")
    graph.output(value, "logits", [batch, classes])
    graph.save(path)


def vit(path, layers=12, width=768, heads=12, patch=16, image=224, classes=1000,
        batch="batch"):
    """Vision transformer; the defaults are ViT-B/16."""
    graph = GraphBuilder("vit", opset=17, seed=16)
    pixels = graph.input("input", [batch, 3, image, image])
    weight = graph.random_weight("patch.weight", (width, 3, patch, patch), 0.03)
    bias = graph.random_weight("patch.bias", (width,), 0.02)
    value = graph.node(
        "Conv", [pixels, weight, bias], dilations=[1, 1], group=1,
        kernel_shape=[patch, patch], pads=[0] * 4, strides=[patch, patch],
    )
    tokens = (image // patch) ** 2
    value = graph.reshape(value, [(pixels, 0), width, tokens])
    value = graph.transpose(value, 0, 2, 1)
    # The class token, repeated for every image of the batch.
    axes = graph.constant([0], np.int64)
    sizes = [
        graph.node("Unsqueeze", [graph.size(pixels, 0), axes]),
        graph.constant([-1], np.int64),
        graph.constant([-1], np.int64),
    ]
    target = graph.node("Concat", sizes, axis=0)
    minus_ones = graph.constant([-1, -1, -1], np.int64)
    ones = graph.constant([1, 1, 1], np.int64)
    target = graph.node(
        "Where", [graph.node("Equal", [target, minus_ones]), ones, target]
    )
    class_token = graph.random_weight("class_token", (1, 1, width), 0.02)
    class_token = graph.node("Expand", [class_token, target])
    value = graph.node("Concat", [class_token, value], axis=1)
    position = graph.random_weight("position", (1, tokens + 1, width), 0.02)
    value = graph.node("Add", [value, position])
    for layer in range(layers):
        graph.scope = f"encoder.{layer}"
        inside = graph.layer_norm(value, width, "ln_1", 1e-6)
        inside = self_attention(graph, inside, width, heads)
        value = graph.node("Add", [inside, value])
        inside = graph.layer_norm(value, width, "ln_2", 1e-6)
        inside = graph.linear(inside, width, 4 * width, "mlp.0")
        inside = graph.linear(graph.erf_gelu(inside), 4 * width, width, "mlp.3")
        value = graph.node("Add", [value, inside])
    graph.scope = ""
    value = graph.layer_norm(value, width, "ln", 1e-6)
    first = graph.constant(0, np.int64)
    value = graph.node("Gather", [value, first], axis=1)
    value = graph.gemm(value, width, classes, "head")
    graph.output(value, "logits", [batch, classes])
    graph.save(path)
