#!/usr/bin/env python3
"""Ensembles of decision trees against onnxruntime, in turns.

    trees.py                          all ensembles, 1 to 10,000 rows, 1 and 2 threads
    trees.py boosted                  ensembles with this in their name
    trees.py --rows=1,100             only so many rows
    trees.py --cpu=x86-64-v3          Sluice's code for another CPU than this one

Thresholds and features are random. A figure is the median over the blocks of
Sluice's time by onnxruntime's in the same block, which cancels what else runs on the
machine. Writes benchmarks/results/NAME.{md,json}.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "test"), str(HERE.parent / "test" / "models")]

import numpy as np
from onnx import TensorProto, helper

from comparison import Comparison, common_options, write_results


@dataclass
class Ensemble:
    name: str
    trees: int
    depth: int
    features: int
    classes: int = 0  # 0: a regressor
    # Leaves at half of the places above the greatest depth, as unpruned trees have.
    ragged: bool = False


ENSEMBLES = (
    Ensemble("boosted", 100, 8, 50),
    Ensemble("boosted-large", 1000, 6, 100),
    Ensemble("boosted-classes", 100, 6, 50, classes=5),
    Ensemble("forest", 100, 12, 30, classes=3, ragged=True),
)


class TreeWriter:
    """The attributes of random trees."""

    NAMES = ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids",
             "falsenodeids")

    def __init__(self, ensemble):
        self.ensemble = ensemble
        self.random = np.random.default_rng(0)
        self.nodes, self.weights = [], []
        for tree in range(ensemble.trees):
            self.count = 0
            self.add(tree, ensemble.depth)

    def add(self, tree, depth):
        number, row = self.count, len(self.nodes)
        self.count += 1
        self.nodes.append(None)
        early = self.ensemble.ragged and depth < self.ensemble.depth - 3
        if depth == 0 or (early and self.random.random() < 0.25):
            self.nodes[row] = (tree, number, 0, "LEAF", 0.0, 0, 0)
            self.add_leaf(tree, number)
            return number
        children = self.add(tree, depth - 1), self.add(tree, depth - 1)
        feature = int(self.random.integers(self.ensemble.features))
        threshold = float(np.float32(0.7 * self.random.standard_normal()))
        self.nodes[row] = (tree, number, feature, "BRANCH_LEQ", threshold, *children)
        return number

    def add_leaf(self, tree, number):
        """Boosting has trees for one class each, a forest all classes in a leaf."""
        classes = self.ensemble.classes
        targets = range(classes) if self.ensemble.ragged else [tree % max(classes, 1)]
        for target in targets:
            weight = float(np.float32(self.random.random() / self.ensemble.trees))
            self.weights.append((tree, number, target, weight))

    def node(self):
        prefix = "class" if self.ensemble.classes else "target"
        attributes = {
            f"nodes_{name}": list(column) for name, column in zip(self.NAMES, zip(*self.nodes))
        }
        for name, column in zip(("treeids", "nodeids", "ids", "weights"), zip(*self.weights)):
            attributes[f"{prefix}_{name}"] = list(column)
        if self.ensemble.classes:
            attributes["classlabels_int64s"] = list(range(self.ensemble.classes))
            return helper.make_node("TreeEnsembleClassifier", ["x"], ["label", "y"],
                                    domain="ai.onnx.ml", **attributes)
        return helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml",
                                n_targets=1, **attributes)


def save_model(path, ensemble):
    """One ensemble with any number of rows."""
    value = helper.make_tensor_value_info
    outputs = [value("y", TensorProto.FLOAT, ["rows", max(ensemble.classes, 1)])]
    if ensemble.classes:
        outputs.insert(0, value("label", TensorProto.INT64, ["rows"]))
    inputs = [value("x", TensorProto.FLOAT, ["rows", ensemble.features])]
    graph = helper.make_graph([TreeWriter(ensemble).node()], "trees", inputs, outputs)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    path.write_bytes(model.SerializeToString())


def results_of(comparison, ensemble):
    """A result per number of rows and threads."""
    save_model(comparison.model, ensemble)
    comparison.compile()
    for rows in comparison.options.rows:
        x = np.random.default_rng(1).standard_normal((rows, ensemble.features))
        for found in comparison.results(x.astype(np.float32)):
            yield {"name": ensemble.name, "rows": rows, **found}
    comparison.remove_files()


HEADING = (
    "| ensemble | rows | threads | µs | ns a row and tree | onnxruntime µs | ratio |\n"
    "|---|---|---|---|---|---|---|"
)


def table_row(row):
    trees = next(e.trees for e in ENSEMBLES if e.name == row["name"])
    each = row["sluice"] / row["rows"] / trees * 1e9
    return (
        f"| {row['name']} | {row['rows']} | {row['threads']} | {row['sluice'] * 1e6:.1f} |"
        f" {each:.1f} | {row['onnxruntime'] * 1e6:.1f} | {row['ratio']:.2f} |"
    )


def parse_options():
    parser = common_options(__doc__, "trees", [1, 10, 100, 10000])
    parser.add_argument("names", nargs="*")
    return parser.parse_args()


def main():
    options = parse_options()
    comparison = Comparison(options)
    print(HEADING, flush=True)
    rows = []
    for ensemble in ENSEMBLES:
        if options.names and not any(name in ensemble.name for name in options.names):
            continue
        for row in results_of(comparison, ensemble):
            rows.append(row)
            print(table_row(row), flush=True)
    data = {"ensembles": [vars(ensemble) for ensemble in ENSEMBLES], "results": rows}
    write_results(options, "Decision trees", [HEADING, *map(table_row, rows)], data)


if __name__ == "__main__":
    main()
