"""bad_trees.py FOLDER: models of ai.onnx.ml whose trees are none."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import sys

import numpy as np
from onnx import helper, numpy_helper
from refuse import INVALID, UNSUPPORTED, Refusals, make_model


def model(operator, version, attributes):
    node = helper.make_node(operator, ["x"], ["y"], "trees", domain="ai.onnx.ml", **attributes)
    made = make_model([node])
    made.opset_import.append(helper.make_opsetid("ai.onnx.ml", version))
    return made


def regressor(rows, weights=((0, 1, 0, 1.0), (0, 2, 0, 2.0)), **changes):
    """`rows` are tree, node, feature, mode, children; `weights` tree, node, target, weight."""
    names = ("treeids", "nodeids", "featureids", "modes", "truenodeids", "falsenodeids")
    attributes = {f"nodes_{name}": list(column) for name, column in zip(names, zip(*rows))}
    attributes["nodes_values"] = [0.5] * len(rows)
    for name, column in zip(("treeids", "nodeids", "ids", "weights"), zip(*weights)):
        attributes[f"target_{name}"] = list(column)
    attributes |= {"n_targets": 1, **changes}
    return model("TreeEnsembleRegressor", 3, attributes)


def inner(node, yes, no, feature=0, tree=0, mode="BRANCH_LEQ"):
    return (tree, node, feature, mode, yes, no)


def leaf(node, tree=0):
    return (tree, node, 0, "LEAF", 0, 0)


GOOD = [inner(0, 1, 2), leaf(1), leaf(2)]


def check_numbered(refusals):
    refuses = refusals.refuses
    refuses(regressor([inner(0, 1, 0), leaf(1), leaf(2)]), "node 0 of tree 0 cannot be reached")
    cycle = [inner(0, 1, 2), leaf(1), leaf(2), inner(3, 4, 3), leaf(4)]
    refuses(regressor(cycle), "node 3 of tree 0 cannot be reached from a root")
    refuses(regressor([inner(0, 1, 9), leaf(1)]), "the child 9 of node 0 of tree 0 is missing")
    refuses(regressor([*GOOD, leaf(3)]), "tree 0 has several roots, node 0 of tree 0 and node 3")
    refuses(regressor([*GOOD, leaf(2)]), "node 2 of tree 0 is there twice")
    twice = [inner(0, 1, 2), inner(1, 3, 4), leaf(2), leaf(4), inner(3, 2, 5), leaf(5)]
    refuses(regressor(twice), "node 2 of tree 0 is the child of two nodes")
    # The input has three columns.
    refuses(regressor([inner(0, 1, 2, 3), leaf(1), leaf(2)]),
            "the trees look at 4 features, but a row has 3")
    refuses(regressor([inner(0, 1, 2, -1), leaf(1), leaf(2)]), "there is no feature -1")
    refuses(regressor([inner(0, 1, 2, 2**40), leaf(1), leaf(2)]), "there is no feature")
    refuses(regressor([inner(0, 1, 2, mode="BRANCH_MAYBE"), leaf(1), leaf(2)]),
            "there is no mode 'BRANCH_MAYBE'")
    refuses(regressor(GOOD, nodes_values=[0.5]), "'nodes_values' has 1 elements, not 3")
    refuses(regressor(GOOD, nodes_treeids=[0, 0]), "'nodes_treeids' has 2 elements, not 3")
    refuses(regressor(GOOD, target_ids=[0]), "'target_ids' has 1 elements, not 2")
    refuses(regressor(GOOD, target_ids=[0, 1]), "'target_ids' names 1, but there are 1")
    refuses(regressor(GOOD, weights=[(0, 7, 0, 1.0)]), "a weight for node 7 of tree 0")
    refuses(regressor(GOOD, base_values=[1.0, 2.0]), "2 base values for 1 targets")
    refuses(regressor(GOOD, aggregate_function="MEDIAN"), "no aggregate_function 'MEDIAN'")
    refuses(regressor(GOOD, post_transform="LOG"), "there is no post_transform 'LOG'")
    refuses(regressor(GOOD, n_targets=-1), "there are -1 targets")
    refuses(regressor(GOOD, n_targets=2**40), "1099511627776 targets", UNSUPPORTED)


def check_chain(refusals):
    """A chain of 100,000 nodes is a tree, and one that ends in its root a cycle."""
    count = 100_000
    rows = []
    for place in range(count):
        rows += [inner(2 * place, 2 * place + 1, 2 * place + 2), leaf(2 * place + 1)]
    weights = [(0, 1, 0, 1.0)]
    refusals.compiles(regressor([*rows, leaf(2 * count)], weights))
    last = inner(2 * count, 2 * count + 1, 0)
    refusals.refuses(regressor([*rows, last, leaf(2 * count + 1)], weights), "cannot be reached")



def listed(**changes):
    tensor = lambda values, kind: numpy_helper.from_array(np.array(values, kind), "t")
    attributes = {
        "nodes_modes": tensor([0, 0], np.uint8), "nodes_splits": tensor([0.5, 1], np.float32),
        "nodes_featureids": [0, 1], "nodes_truenodeids": [1, 1], "nodes_falsenodeids": [0, 2],
        "nodes_trueleafs": [0, 1], "nodes_falseleafs": [1, 1], "tree_roots": [0],
        "leaf_targetids": [0, 0, 0], "leaf_weights": tensor([1, 2, 3], np.float32),
        "n_targets": 1,
    }
    return model("TreeEnsemble", 5, {**attributes, **changes})


def check_listed(refusals):
    tensor = lambda values, kind: numpy_helper.from_array(np.array(values, kind), "t")
    refusals.compiles(listed())
    refuses = refusals.refuses
    refuses(listed(nodes_truenodeids=[0, 1]), "node 0 is the child of two nodes, or in a cycle")
    refuses(listed(nodes_truenodeids=[5, 1]), "there is no node 5")
    refuses(listed(nodes_falsenodeids=[3, 2]), "there is no leaf 3")
    refuses(listed(tree_roots=[-1]), "there is no node -1")
    refuses(listed(tree_roots=[0, 0]), "node 0 is the child of two nodes")
    refuses(listed(nodes_modes=tensor([0, 7], np.uint8)), "there is no mode 7")
    refuses(listed(nodes_modes=tensor([0, 6], np.uint8)), "'membership_values' has fewer sets")
    refuses(listed(membership_values=tensor([1, np.nan], np.float32)), "has more sets")
    refuses(listed(leaf_targetids=[0, 0, 4]), "a leaf is for target 4, but there are 1")
    refuses(listed(leaf_targetids=[0, 0]), "2 targets and 3 weights")
    refuses(listed(nodes_featureids=[0]), "the attributes of nodes differ in length")
    refuses(listed(post_transform=9), "there is no post_transform 9")


def check_others(refusals):
    def refuses(operator, text, status=INVALID, **attributes):
        refusals.refuses(model(operator, 1, attributes), text, status)

    refuses("Scaler", "'scale' has 2 numbers for 3 features", offset=[1.0], scale=[1.0, 2.0])
    refuses("Normalizer", "there is no norm 'L3'", norm="L3")
    refuses("Imputer", "'imputed_value_floats' is missing")
    refuses("LinearRegressor", "4 coefficients are not those of 1 scores",
            coefficients=[1.0, 2.0, 3.0, 4.0])
    refuses("LinearClassifier", "there are no class labels", coefficients=[1.0, 2.0, 3.0])
    refuses("SVMRegressor", "5 numbers are not 2 support vectors", coefficients=[1.0, 2.0],
            rho=[0.0], n_supports=2, support_vectors=[1.0] * 5)
    refuses("SVMRegressor", "there is no kernel_type 'CUBE'", kernel_type="CUBE",
            coefficients=[1.0], rho=[0.0])
    refuses("SVMClassifier", "'vectors_per_class' is not for each of 3 classes",
            classlabels_ints=[0, 1, 2], coefficients=[1.0] * 4, rho=[0.0],
            vectors_per_class=[1, 1], support_vectors=[1.0] * 6)
    refuses("SVMClassifier", "no sensible count", classlabels_ints=[0, 1], rho=[0.0],
            coefficients=[1.0], vectors_per_class=[-1, 2])
    refuses("ZipMap", "there are 2 labels for 3 columns", classlabels_int64s=[0, 1])
    refuses("OneHotEncoder", "'cats_int64s' is missing")
    refuses("FeatureVectorizer", "2 numbers for 1 inputs", inputdimensions=[1, 2])


def main():
    refusals = Refusals(sys.argv[1])
    for check in (check_numbered, check_chain, check_listed, check_others):
        check(refusals)
    print(f"{refusals.count} graphs")


if __name__ == "__main__":
    main()
