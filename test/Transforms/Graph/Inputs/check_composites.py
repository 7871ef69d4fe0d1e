"""check_composites.py SOURCE RESULT... compares what functions of constants
returned with numpy's formulas in f64."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import json
import re
import sys

import numpy as np

TOLERANCE = {"f16": 2e-3, "f32": 2e-6, "f64": 1e-14}
CONSTANT = re.compile(r"(%\w+) = sluice\.constant dense<(.*)> : "
                      r"tensor<([0-9x]+)x(f\d+)>")


def softmax(x, axis):
    power = np.exp(x - x.max(axis, keepdims=True))
    return power / power.sum(axis, keepdims=True)


def normalise(x, axes):
    return x / np.sqrt((x * x).mean(axes, keepdims=True) + 1e-2)


def layer_norm(x, scale, bias):
    axes = (1, 2)
    return normalise(x - x.mean(axes, keepdims=True), axes) * scale + bias


def batch_norm(x, scale, bias, mean, variance):
    scale, bias, mean, variance = (
        v.reshape(-1, 1) for v in (scale, bias, mean, variance))
    return (x - mean) / np.sqrt(variance + 1e-2) * scale + bias


FORMULAS = {
    "softmax": lambda x: softmax(x, 1),
    "softmax_columns": lambda x: softmax(x, 0),
    "log_softmax": lambda x: x - x.max(1, keepdims=True) - np.log(
        np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True)),
    "layer_norm": layer_norm,
    "rms_norm": lambda x, scale: normalise(x, 1) * scale,
    "batch_norm": batch_norm,
}


def read_functions(path):
    """The constants of each function in order, and the one it returns."""
    functions = {}
    for part in open(path).read().split("func.func @")[1:]:
        values = {
            name: (np.array(json.loads(text), dtype=np.float64).reshape(
                [int(size) for size in shape.split("x")]), kind)
            for name, text, shape, kind in CONSTANT.findall(part)
        }
        result = re.search(r"return (%\w+)", part).group(1)
        functions[part.split("(")[0]] = (values, values.get(result))
    return functions


def main():
    source = read_functions(sys.argv[1])
    assert source.keys() == FORMULAS.keys()
    for path in sys.argv[2:]:
        results = read_functions(path)
        for name, formula in FORMULAS.items():
            wanted = formula(*(value for value, _ in source[name][0].values()))
            if results[name][1] is None:
                sys.exit(f"{path}: {name} was not evaluated")
            value, kind = results[name][1]
            error = np.max(np.abs(value - wanted) / (1 + np.abs(wanted)))
            print(f"{path}: {name}: {error:.2g}")
            if not error <= TOLERANCE[kind]:
                sys.exit(f"{name} is wrong: {value} instead of {wanted}")


main()
