"""Operators of ai.onnx.ml other than trees, against onnxruntime."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import numpy as np
from onnx import numpy_helper

TYPES = (np.float32, np.float64, np.int64, np.int32)
LINEAR = {"kernel_type": "LINEAR", "kernel_params": [0.0, 0.0, 0.0]}
TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")


def _features(make, numbers):
    def case(name, operator, inputs, opset=1, **attributes):
        more = {key: attributes.pop(key) for key in ("expected", "known", "constant")
                if key in attributes}
        return make(f"ml_{name}", operator, inputs, attributes=attributes, domain="ai.onnx.ml",
                    domain_opset=opset, **more)

    x = numbers(7, 5)
    for type in TYPES:
        rows = (4 * x).astype(type)
        text = np.dtype(type).name
        yield case(f"scaler_{text}", "Scaler", [rows], offset=[0.5, 1, -2, 0, 3],
                   scale=[2.0, -1, 0.25, 1, 0])
        for norm in ("MAX", "L1", "L2"):
            yield case(f"normalizer_{norm.lower()}_{text}", "Normalizer", [rows], norm=norm)
    yield case("scaler_one", "Scaler", [x], offset=[0.5], scale=[3.0])
    zeros = np.concatenate([x, np.zeros((2, 5), np.float32)])
    for norm in ("MAX", "L1", "L2"):
        yield case(f"normalizer_{norm.lower()}_zeros", "Normalizer", [zeros], norm=norm)
        yield case(f"normalizer_{norm.lower()}_vector", "Normalizer", [x[0]], norm=norm)
    for type in TYPES:
        rows = (4 * x).astype(type)
        yield case(f"binarizer_{np.dtype(type).name}", "Binarizer", [rows], threshold=0.25,
                   expected=((rows > 0.25).astype(type),))
    missing = x.copy()
    missing[2, 3] = missing[4, 0] = np.nan
    yield case("imputer_nan", "Imputer", [missing], imputed_value_floats=[1.0, 2, 3, 4, 5],
               replaced_value_float=float("nan"))
    yield case("imputer_one", "Imputer", [np.round(x)], imputed_value_floats=[9.0])
    integers = np.round(2 * x).astype(np.int64)
    yield case("imputer_int64", "Imputer", [integers], imputed_value_int64s=[1, 2, 3, 4, 5],
               replaced_value_int64=-1)
    yield case("extractor", "ArrayFeatureExtractor", [x, np.array([3, 0, 3])])
    yield case("extractor_row", "ArrayFeatureExtractor", [x, np.array([[4, 1]])])
    yield case("extractor_vector", "ArrayFeatureExtractor", [x[0], np.array([2])])
    yield case("extractor_int64", "ArrayFeatureExtractor", [integers, np.array([1, 2])])
    for type in TYPES:
        rows = (2 * x).astype(type)
        categories = [-2, 0, 1, 3, 7]
        expected = np.equal(rows.astype(np.int64)[..., None], categories).astype(np.float32)
        yield case(f"onehot_{np.dtype(type).name}", "OneHotEncoder", [rows],
                   cats_int64s=categories, expected=(expected,))
    known = np.array([[3, 1], [2, 3]])
    yield case("onehot_strict", "OneHotEncoder", [known], cats_int64s=[1, 2, 3], zeros=0)
    for type in TYPES:
        yield case(f"vectorizer_{np.dtype(type).name}", "FeatureVectorizer",
                   [(3 * x).astype(type), (3 * numbers(7, 2)).astype(type)],
                   inputdimensions=[5, 2])
    padded = np.concatenate([x[:, :3], numbers(7, 2), np.zeros((7, 2), np.float32)], axis=1)
    yield case("vectorizer_widths", "FeatureVectorizer", [x, numbers(7, 2)],
               inputdimensions=[3, 4], expected=(padded,))


def _label_encoders(make, numbers):
    def case(name, x, opset=2, **attributes):
        return make(f"ml_labels_{name}", "LabelEncoder", [x], attributes=attributes,
                    domain="ai.onnx.ml", domain_opset=opset)

    rng = np.random.default_rng(5)
    for count in (1, 2, 7, 64, 100):
        keys = rng.choice(200, count, replace=False) - 100
        x = rng.integers(-110, 110, (6, 11))
        x.flat[:count] = keys[: x.size]
        values = [float(number) for number in rng.standard_normal(count).astype(np.float32)]
        yield case(f"int64_float_{count}", x, keys_int64s=keys.tolist(), values_floats=values,
                   default_float=0.5)
        yield case(f"int64_int64_{count}", x, keys_int64s=keys.tolist(),
                   values_int64s=(keys * 3).tolist())
        yield case(f"float_int64_{count}", x.astype(np.float32), keys_floats=keys / 1.0,
                   values_int64s=(keys * 3).tolist(), default_int64=77)
    ends = np.array([-(2**63), 2**63 - 1, 0, 5])
    yield case("ends", ends, keys_int64s=[2**63 - 1, -(2**63)], values_int64s=[1, 2])
    odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 2.0], np.float32)
    yield case("nan", odd, keys_floats=[float("nan"), float("inf"), 0.0],
               values_floats=[1.0, 2.0, 3.0], default_float=9.0)
    tensor = lambda array: numpy_helper.from_array(np.array(array), "t")
    yield case("tensors", np.array([[1.5, 2.5, 3.0]]), opset=4,
               keys_tensor=tensor([1.5, 2.5]), values_tensor=tensor([10.0, 20.0]),
               default_tensor=tensor([-3.0]))


def _probit(x):
    """S. Winitzki, "A handy approximation for the error function and its inverse"."""
    log = np.log(4 * x * (1 - x))
    middle = 2 / (np.pi * 0.147) + log / 2
    inverse = np.sqrt(np.sqrt(middle**2 - log / 0.147) - middle)
    return np.sqrt(2) * np.copysign(inverse, x - 0.5)


def _linear(make, numbers):
    def case(name, operator, x, outputs, **attributes):
        return make(f"ml_{name}", operator, [x], attributes=attributes, outputs=outputs,
                    domain="ai.onnx.ml", rtol=2e-4, atol=2e-5)

    def spread(*shape, seed):
        return [float(number) for number in (0.1 * numbers(*shape, seed=seed)).ravel()]

    x = numbers(9, 6)
    positive = np.abs(x)
    for type in TYPES:
        text = np.dtype(type).name
        rows = (4 * x).astype(type)
        yield case(f"linear_class_{text}", "LinearClassifier", rows, 2, classlabels_ints=[3, 5, 9],
                   coefficients=spread(3, 6, seed=1), intercepts=[0.1, -0.2, 0.3])
        yield case(f"svm_class_{text}", "SVMClassifier", rows, 2, classlabels_ints=[3, 5, 9],
                   coefficients=spread(3, 6, seed=1), rho=[0.1], **LINEAR)
    for transform in TRANSFORMS:
        text = transform.lower()
        # Probabilities, for the sake of PROBIT.
        inside = {"coefficients": [0.02 * (i % 5 + 1) for i in range(18)],
                  "intercepts": [0.1, 0.2, 0.3]}
        yield case(f"linear_{text}", "LinearRegressor", positive, 1, targets=3,
                   post_transform=transform, **inside)
        yield case(f"linear_class_{text}", "LinearClassifier", positive, 2,
                   classlabels_ints=[3, 5, 9], post_transform=transform, **inside)
        if transform != "PROBIT":
            yield case(f"linear_class_two_{text}", "LinearClassifier", x, 2,
                       classlabels_ints=[3, 5], post_transform=transform,
                       coefficients=spread(6, seed=2), intercepts=[0.02])
    # onnxruntime puts PROBIT's scores side by side and leaves the rest unwritten.
    weights = {"coefficients": [0.02 * (i + 1) for i in range(6)], "intercepts": [0.1]}
    for rows in (positive, positive[:1]):
        chances = rows.astype(np.float64) @ weights["coefficients"] + 0.1
        scores = np.zeros(2 * len(rows), np.float32)
        scores[:len(rows)] = _probit(chances)
        yield make(f"ml_linear_class_two_probit_{len(rows)}", "LinearClassifier", [rows],
                   attributes={"classlabels_ints": [3, 5], "post_transform": "PROBIT", **weights},
                   outputs=2, domain="ai.onnx.ml", rtol=1e-3, atol=1e-4,
                   expected=(np.full(len(rows), 5), scores.reshape(-1, 2)))
    yield case("linear_one", "LinearRegressor", x, 1, coefficients=spread(6, seed=3),
               intercepts=[0.5])
    yield case("linear_no_intercept", "LinearRegressor", x, 1, coefficients=spread(6, seed=3))


def _vector_machines(make, numbers):
    def case(name, operator, x, outputs, **attributes):
        return make(f"ml_{name}", operator, [x], attributes=attributes, outputs=outputs,
                    domain="ai.onnx.ml", rtol=1e-3, atol=1e-4)

    def flat(array):
        return [float(number) for number in array.ravel()]

    x = numbers(12, 5)
    kernels = {"LINEAR": [0.3, 0.1, 2.0], "POLY": [0.3, 0.1, 3.0], "RBF": [0.4, 0.0, 0.0],
               "SIGMOID": [0.2, 0.1, 0.0]}
    for kind, parameters in kernels.items():
        common = {"kernel_type": kind, "kernel_params": parameters}
        for one_class in (0, 1):
            yield case(f"svm_regressor_{kind.lower()}_{one_class}", "SVMRegressor", x, 1,
                       coefficients=flat(numbers(7, seed=1)), rho=[0.3], n_supports=7,
                       support_vectors=flat(numbers(7, 5, seed=2)), one_class=one_class, **common)
        for classes in (2, 3, 5):
            pairs = classes * (classes - 1) // 2
            counts = [2 + i % 3 for i in range(classes)]
            total = sum(counts)
            more = {
                "classlabels_ints": [3 * i + 1 for i in range(classes)],
                "vectors_per_class": counts,
                "support_vectors": flat(numbers(total, 5, seed=3)),
                "coefficients": flat(numbers(classes - 1, total, seed=4)),
                "rho": flat(0.1 * numbers(pairs, seed=5)), **common,
            }
            name = f"svm_{kind.lower()}_{classes}"
            yield case(name, "SVMClassifier", x, 2, **more)
            chances = {"prob_a": flat(-1 - 0.1 * np.abs(numbers(pairs, seed=6))),
                       "prob_b": flat(0.1 * numbers(pairs, seed=7))}
            yield case(f"{name}_chances", "SVMClassifier", x, 2, **more, **chances)
            if kind == "RBF":
                for transform in ("SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"):
                    yield case(f"{name}_{transform.lower()}", "SVMClassifier", x, 2,
                               post_transform=transform, **more)
    far = 100 + x
    yield case("svm_regressor_far", "SVMRegressor", far, 1, kernel_type="RBF",
               kernel_params=[0.4, 0.0, 0.0], coefficients=flat(numbers(7, seed=1)), rho=[0.3],
               n_supports=7, support_vectors=flat(100 + numbers(7, 5, seed=2)))
    for name, coefficients in (("mixed", 0.2 * numbers(2, 5, seed=8)),
                               ("positive", np.abs(0.2 * numbers(2, 5, seed=8)))):
        yield case(f"svm_linear_two_{name}", "SVMClassifier", x, 2, classlabels_ints=[4, 8],
                   coefficients=flat(coefficients), rho=[0.1], **LINEAR)
    yield case("svm_regressor_no_vectors", "SVMRegressor", x, 1,
               coefficients=flat(numbers(5, seed=9)), rho=[0.2], **LINEAR)


def cases(make, numbers):
    """`make` builds a case, `numbers` makes random tensors of a shape."""
    for group in (_features, _label_encoders, _linear, _vector_machines):
        yield from group(make, numbers)
