"""Ensembles of random decision trees, against onnxruntime."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np
from onnx import helper, numpy_helper

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")


class Forest:
    """Random trees; thresholds are quarters, so that features can equal them."""

    def __init__(self, seed, trees, depth, features, modes=MODES[:1], missing=False,
                 full=True, chain=False):
        self.random = np.random.default_rng(seed)
        self.features, self.modes, self.missing = features, modes, missing
        self.full, self.chain = full, chain
        self.nodes, self.leaves = [], []
        for tree in range(trees):
            self.count = 0
            self.add(tree, depth)

    def add(self, tree, depth):
        """Adds a node with all below it and returns its number."""
        number, row = self.count, len(self.nodes)
        self.count += 1
        self.nodes.append(None)
        if depth == 0 or (not self.full and number and self.random.random() < 0.3):
            self.nodes[row] = (tree, number, 0, "LEAF", 0.0, 0, 0, 0)
            self.leaves.append((tree, number))
            return number
        # In a chain, one of the two children is a leaf.
        below = [depth - 1, 0 if self.chain else depth - 1]
        if self.chain and self.random.random() < 0.5:
            below.reverse()
        yes, no = self.add(tree, below[0]), self.add(tree, below[1])
        self.nodes[row] = (
            tree, number, int(self.random.integers(self.features)),
            str(self.random.choice(self.modes)), float(self.random.integers(-4, 5)) / 4,
            yes, no, int(self.missing and self.random.random() < 0.5),
        )
        return number

    def attributes(self, prefix, weights, real=False):
        """`weights` are pairs of a target and a weight for each leaf."""
        names = ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids",
                 "falsenodeids", "missing_value_tracks_true")
        result = {f"nodes_{name}": list(column) for name, column in zip(names, zip(*self.nodes))}
        rows = [(*leaf, target, weight)
                for leaf, pairs in zip(self.leaves, weights) for target, weight in pairs]
        for name, column in zip(("treeids", "nodeids", "ids", "weights"), zip(*rows)):
            result[f"{prefix}_{name}"] = list(column)
        if real:
            for name in ("nodes_values", f"{prefix}_weights"):
                result[f"{name}_as_tensor"] = numpy_helper.from_array(
                    np.array(result.pop(name), np.float64), name)
        return result

    def weights(self, targets, choose=None, low=-1.0):
        """For each leaf weights of the targets that `choose` names; of all by default."""
        choose = choose or (lambda leaf: range(targets))
        return [[(target, float(np.float32(self.random.uniform(low, 1))))
                 for target in choose(leaf)] for leaf in range(len(self.leaves))]

    def rows(self, count, type=np.float32, nans=False):
        x = self.random.integers(-6, 7, (count, self.features)) / 4
        if np.issubdtype(type, np.integer):
            x = np.round(x)
        elif nans:
            x[self.random.random(x.shape) < 0.2] = np.nan
            x[0, 0], x[1, 0], x[2, 0] = np.inf, -np.inf, -0.0
        return x.astype(type)


def _regressors(make):
    def case(name, forest, weights, rows=19, type=np.float32, real=False, nans=False, atol=1e-5,
             **more):
        targets = 1 + max(target for leaf in weights for target, _ in leaf)
        attributes = {"n_targets": targets, **forest.attributes("target", weights, real), **more}
        return make(f"trees_{name}", "TreeEnsembleRegressor", [forest.rows(rows, type, nans)],
                    attributes=attributes, domain="ai.onnx.ml", domain_opset=3, atol=atol)

    forest = Forest(1, 21, 5, 7)
    for rows in (1, 8, 9, 300):
        yield case(f"rows{rows}", forest, forest.weights(1), rows=rows)
    for mode in MODES:
        forest = Forest(2, 6, 4, 5, [mode], missing=True, full=False)
        yield case(mode.lower(), forest, forest.weights(1), nans=True)
        forest = Forest(3, 6, 4, 5, [mode])
        yield case(f"{mode.lower()}_false", forest, forest.weights(1), nans=True)
    mixed = Forest(4, 30, 6, 9, MODES, missing=True, full=False)
    yield case("mixed", mixed, mixed.weights(1), rows=70, nans=True)
    yield case("mixed_f64", mixed, mixed.weights(1), rows=70, type=np.float64, real=True,
               nans=True)
    wide = Forest(5, 4, 3, 3000)
    yield case("wide", wide, wide.weights(1), rows=20)
    stumps = Forest(6, 5, 0, 2)
    yield case("leaves_only", stumps, stumps.weights(1))
    deep = Forest(7, 3, 40, 4, chain=True)
    yield case("deep", deep, deep.weights(1), rows=33)
    for name in ("SUM", "AVERAGE", "MIN", "MAX"):
        some = Forest(8, 12, 4, 6)
        more = {"aggregate_function": name}
        yield case(f"{name.lower()}_one", some, some.weights(1), base_values=[0.5], **more)
        yield case(f"{name.lower()}_three", some, some.weights(3),
                   base_values=[0.5, -1.0, 2.0], **more)
        yield case(f"{name.lower()}_sparse", some,
                   some.weights(4, lambda leaf: [leaf % 3] if leaf % 5 else [3]), **more)
        # One class a tree, as boosting has it.
        boosted = Forest(9, 12, 3, 6)
        yield case(f"{name.lower()}_boosted", boosted,
                   boosted.weights(3, lambda leaf: [leaf // 8 % 3]), **more)
    for transform in ("SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"):
        some = Forest(10, 5, 3, 4)
        for targets in (1, 3):
            weights = [[(target, 0.19 * abs(weight)) for target, weight in leaf]
                       for leaf in some.weights(targets)]
            yield case(f"{transform.lower()}_{targets}", some, weights,
                       post_transform=transform, atol=1e-4)


def _classifiers(make):
    def case(name, forest, weights, labels, type=np.float32, **more):
        attributes = {"classlabels_int64s": labels, **forest.attributes("class", weights), **more}
        return make(f"trees_class_{name}", "TreeEnsembleClassifier", [forest.rows(40, type)],
                    attributes=attributes, outputs=2, domain="ai.onnx.ml", domain_opset=3)

    forest = Forest(20, 9, 4, 5)
    few = Forest(21, 2, 2, 3)
    choices = {
        "first": lambda leaf: [0],
        "second": lambda leaf: [1],
        "both": lambda leaf: [0, 1],
        "either": lambda leaf: [leaf % 2],
    }
    for type in (np.float32, np.float64, np.int64, np.int32):
        yield case(np.dtype(type).name, forest, forest.weights(3), [4, 7, 9], type=type)
    for name, choose in choices.items():
        trees = few if name == "either" else forest
        for low in (-0.1, 0.0):
            weights = [[(target, weight / 9) for target, weight in leaf]
                       for leaf in trees.weights(2, choose, low)]
            sign = "mixed" if low < 0 else "positive"
            for transform in ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"):
                yield case(f"{name}_{sign}_{transform.lower()}", trees, weights, [10, 20],
                           post_transform=transform)
            yield case(f"{name}_{sign}_base2", trees, weights, [0, 1], base_values=[0.1, 0.05])
            if name != "either":  # which onnxruntime leaves half unwritten
                yield case(f"{name}_{sign}_base1", trees, weights, [0, 1], base_values=[0.1])
    yield case("one", forest, forest.weights(1), [7])
    for transform in ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"):
        yield case(f"four_{transform.lower()}", forest, forest.weights(4), [0, 1, 2, 3],
                   post_transform=transform, base_values=[0.1, 0.2, -0.3, 0.4])
        yield case(f"sparse_{transform.lower()}", few,
                   few.weights(3, lambda leaf: [leaf % 3]), [5, 6, 7], post_transform=transform)


class ListedTrees:
    """TreeEnsemble's form, where trees are lists of inner nodes and of leaves."""

    HOLDS = (np.less_equal, np.less, np.greater_equal, np.greater, np.equal, np.not_equal)
    MEMBER = 6

    def __init__(self, seed, trees, depth, modes, missing=False):
        self.random = np.random.default_rng(seed)
        self.modes, self.missing = list(modes), missing
        self.nodes, self.leaves, self.sets = [], [], {}
        self.roots = [self.add(depth) for _ in range(trees)]

    def add(self, depth):
        number = len(self.nodes)
        node = {
            "modes": int(self.random.choice(self.modes)),
            "splits": float(self.random.integers(-4, 5)) / 4,
            "featureids": int(self.random.integers(5)),
            "missing_value_tracks_true": int(self.missing and self.random.random() < 0.5),
        }
        self.nodes.append(node)
        if node["modes"] == self.MEMBER:
            size = int(self.random.integers(1, 6))
            self.sets[number] = self.random.integers(-6, 7, size) / 4
        for side in ("true", "false"):
            is_leaf = depth == 1 or self.random.random() < 0.2
            node[f"{side}leafs"] = int(is_leaf)
            if is_leaf:
                weight = float(np.float32(self.random.uniform(-1, 1)))
                self.leaves.append((int(self.random.integers(2)), weight))
            node[f"{side}nodeids"] = len(self.leaves) - 1 if is_leaf else self.add(depth - 1)
        return number

    def attributes(self, type):
        tensor = lambda values, kind: numpy_helper.from_array(np.array(values, kind), "t")
        result = {f"nodes_{key}": [node[key] for node in self.nodes] for key in self.nodes[0]}
        result["nodes_splits"] = tensor(result["nodes_splits"], type)
        result["nodes_modes"] = tensor(result["nodes_modes"], np.uint8)
        targets, weights = zip(*self.leaves)
        result |= {"tree_roots": self.roots, "n_targets": 2, "leaf_targetids": list(targets),
                   "leaf_weights": tensor(weights, type)}
        if self.sets:
            members = [[*self.sets[number], np.nan] for number in sorted(self.sets)]
            result["membership_values"] = tensor(np.concatenate(members), type)
        return result

    def leaf(self, number, row):
        """The leaf that a row reaches from a node on."""
        while True:
            node = self.nodes[number]
            value = row[node["featureids"]]
            if np.isnan(value) and node["missing_value_tracks_true"]:
                holds = True
            elif node["modes"] == self.MEMBER:
                holds = value in self.sets[number]
            else:
                holds = self.HOLDS[node["modes"]](value, node["splits"])
            side = "true" if holds else "false"
            number = node[f"{side}nodeids"]
            if node[f"{side}leafs"]:
                return self.leaves[number]

    def evaluate(self, rows, aggregate):
        joined = np.zeros((len(rows), 2))
        for place, row in enumerate(rows):
            for target in range(2):
                weights = [weight for which, weight in (self.leaf(root, row) for root in self.roots)
                           if which == target]
                if weights:
                    joined[place, target] = {0: lambda w: sum(w) / len(self.roots), 1: sum,
                                             2: min, 3: max}[aggregate](weights)
        return joined


def _softmax(x):
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _ensembles(make):
    # onnxruntime takes the numbers of the first two for each other's.
    transforms = {0: lambda x: x, 1: _softmax, 2: lambda x: 1 / (1 + np.exp(-x))}

    def case(name, trees, type=np.float32, aggregate=1, transform=0):
        x = trees.random.integers(-6, 7, (50, 5)) / 4
        x[trees.random.random(x.shape) < 0.1] = np.nan
        expected = transforms[transform](trees.evaluate(x, aggregate)).astype(type)
        attributes = {**trees.attributes(type), "aggregate_function": aggregate,
                      "post_transform": transform}
        return make(f"trees_listed_{name}", "TreeEnsemble", [x.astype(type)],
                    attributes=attributes, domain="ai.onnx.ml", domain_opset=5,
                    expected=(expected,))

    yield case("leq", ListedTrees(30, 5, 4, [0]))
    for type in (np.float32, np.float64):
        mixed = ListedTrees(31, 9, 5, range(6), missing=True)
        yield case(f"mixed_{np.dtype(type).name}", mixed, type)
    yield case("members", ListedTrees(32, 6, 4, [0, 6, 6]))
    yield case("members_missing", ListedTrees(33, 6, 4, [3, 6, 6], missing=True))
    for aggregate in range(4):
        yield case(f"aggregate{aggregate}", ListedTrees(34, 9, 3, [0]), aggregate=aggregate)
    for transform in (1, 2):
        yield case(f"transform{transform}", ListedTrees(35, 4, 3, [0]), transform=transform)


def cases(make):
    yield from _regressors(make)
    yield from _classifiers(make)
    yield from _ensembles(make)
