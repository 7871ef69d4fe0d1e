#!/usr/bin/env python3
"""Tests of the test support itself: a runner that cannot fail proves nothing."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "conformance"), str(TESTS / "differential")]
sys.path += [str(TESTS.parent / "benchmarks"), str(TESTS / "models")]

import ml_dtypes
import numpy as np
import onnx

from support.compare import difference
from support.compiler import measured_run
from support.isolated import CallFailed, Isolated
from support.object_digest import section_digests


def crash():
    os.abort()


def hang():
    time.sleep(60)


def add(left, right):
    return left + right


def refuse():
    raise ValueError("no")


class CompareTest(unittest.TestCase):
    def test_equal(self):
        for dtype in (np.float32, np.int8, np.bool_, ml_dtypes.bfloat16):
            array = np.ones((2, 3), dtype)
            self.assertIsNone(difference(array, array.copy(), 1e-3, 1e-5))

    def test_values(self):
        expected = np.array([1.0, 100.0], np.float32)
        self.assertIsNone(difference(expected * 1.0005, expected, 1e-3, 0))
        self.assertIn("2 of 2", difference(expected * 1.01, expected, 1e-3, 0))

    def test_integers_have_no_tolerance(self):
        expected = np.array([1000], np.int32)
        self.assertIsNotNone(difference(expected + 1, expected, 1e-1, 10))

    def test_special_values(self):
        special = np.array([np.nan, np.inf, -np.inf], np.float32)
        self.assertIsNone(difference(special, special.copy(), 1e-3, 1e-5))
        for wrong in (np.array([0, np.inf, -np.inf]), np.array([np.nan, 1e30, -np.inf]),
                      np.array([np.nan, -np.inf, -np.inf])):
            self.assertIsNotNone(
                difference(wrong.astype(np.float32), special, 1e-3, 1e-5)
            )
        finite = np.zeros(3, np.float32)
        self.assertIsNotNone(difference(special, finite, 1e-3, 1e-5))

    def test_shape_and_type(self):
        ones = np.ones((2, 1), np.float32)
        self.assertIn("shape", difference(ones[:, 0], ones, 1, 1))
        self.assertIn("type", difference(ones.astype(np.float64), ones, 1, 1))
        self.assertIsNone(difference(ones[:0], ones[:0], 1, 1))


class IsolatedTest(unittest.TestCase):
    def test_survives_what_goes_wrong(self):
        with Isolated() as child:
            self.assertEqual(child.call(add, 1, 2), 3)
            with self.assertRaisesRegex(CallFailed, "SIGABRT"):
                child.call(crash)
            with self.assertRaisesRegex(CallFailed, "ValueError: no"):
                child.call(refuse)
            with self.assertRaisesRegex(CallFailed, "timed out"):
                child.call(hang, timeout=1)
            self.assertEqual(child.call(add, 2, 2), 4)


class MeasuredRunTest(unittest.TestCase):
    def test_status_and_messages(self):
        outcome = measured_run(["/bin/sh", "-c", "echo out; echo bad: error >&2; exit 3"], 5)
        self.assertEqual((outcome.status, outcome.output), (3, "out\n"))
        self.assertEqual(outcome.first_message(), "bad: error")
        # Not this program's, which has numpy loaded.
        self.assertLess(0, outcome.peak_bytes)
        self.assertLess(outcome.peak_bytes, 20 << 20)

    def test_timeout(self):
        outcome = measured_run(["/bin/sleep", "60"], 0.2)
        self.assertTrue(outcome.timed_out)
        self.assertIn("timed out", outcome.first_message())


class ObjectDigestTest(unittest.TestCase):
    def digests(self, source):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "code.o"
            subprocess.run(
                ["clang-22", "-x", "c", "-O2", "-ffunction-sections", "-c", "-o", path, "-"],
                input=source, text=True, check=True,
            )
            return section_digests(path.read_bytes())

    CALLER = "int add(int); int caller(int x) { return add(x) * 3; }"
    OTHER = "int other(int x) { return x / 7; }"

    def test_order_of_functions_does_not_matter(self):
        one, two = self.digests(self.CALLER + self.OTHER), self.digests(
            self.OTHER + self.CALLER)
        for name in (".text.caller", ".text.other"):
            self.assertEqual(one[name], two[name])

    def test_names_the_function_that_changed(self):
        one = self.digests(self.CALLER + self.OTHER)
        for changed, place in ((self.CALLER.replace("* 3", "* 5"), ".text.caller"),
                               (self.CALLER.replace("add", "sub"), ".text.caller")):
            two = self.digests(changed + self.OTHER)
            different = {name for name in one if one[name] != two[name]}
            self.assertEqual(different & {".text.caller", ".text.other"}, {place})


class FormsTest(unittest.TestCase):
    def setUp(self):
        self.model = onnx.parser.parse_model(
            """<ir_version: 8, opset_import: ["" : 17]>
            g (float[2,3] x, int64[1] shape) => (float[6] y) {
              y = Reshape(x, shape)
            }"""
        )

    def test_dynamic(self):
        import forms

        x, shape = forms.dynamic(self.model).graph.input
        dims = x.type.tensor_type.shape.dim
        self.assertEqual([dim.dim_param for dim in dims], ["x_0", "x_1"])
        # Its length is the rank of the result.
        self.assertEqual(shape.type.tensor_type.shape.dim[0].dim_value, 1)

    def test_constant(self):
        import forms

        values = [np.zeros((2, 3), np.float32), np.array([6])]
        model = forms.constant(self.model, values)
        self.assertEqual(len(model.graph.input), 0)
        self.assertEqual([t.name for t in model.graph.initializer], ["x", "shape"])
        onnx.checker.check_model(model)


class GeneratorTest(unittest.TestCase):
    def test_same_seed_same_graph(self):
        from generator import generate

        for seed in range(20):
            first, inputs = generate(seed)
            second, _ = generate(seed)
            self.assertEqual(first.SerializeToString(), second.SerializeToString())
            onnx.checker.check_model(first, full_check=True)
            self.assertEqual(
                {value.name for value in first.graph.input}, set(inputs)
            )


class GoalsTest(unittest.TestCase):
    """Nothing is reached by a peak that a kernel exceeds."""

    @staticmethod
    def state(*shares):
        import goals

        rows = [
            {"kernel": str(i), "group": "matmul", "peak_share": share}
            for i, share in enumerate(shares)
        ]
        ((_, value, _, reached, _),) = goals.check([], rows)
        return value, reached, goals.table(goals.check([], rows))[-1]

    def test_shares_of_the_peak(self):
        value, reached, line = self.state(0.9, 1.04, 0.85)
        self.assertEqual((value, reached), (0.85, True))
        self.assertIn("| reached |", line)
        value, reached, line = self.state(0.9, 0.7)
        self.assertEqual((value, reached), (0.7, False))
        self.assertIn("| **missed** |", line)

    def test_impossible_shares(self):
        value, _, line = self.state(0.9, 3.99)
        self.assertEqual(value, 0.9)
        self.assertIn("| **the probe is wrong** |", line)
        import kernels

        row = {"kernel": "a", "group": "matmul", "peak_share": 3.99, "flops": 1e9,
               "peak_gflops": 100, "sluice kernel": 0.01}
        self.assertIn("399 %: the probe is wrong", kernels.table_row(row))
        row["peak_share"] = 1.0
        self.assertNotIn("wrong", kernels.table_row(row))


class DifferentialTest(unittest.TestCase):
    def unsure(self, *shapes):
        """What makes onnxruntime's product of tensors of these shapes no reference."""
        from trial import Tester

        infos = [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
            for name, shape in zip("ab", shapes)
        ]
        result = onnx.helper.make_empty_tensor_value_info("c")
        node = onnx.helper.make_node("MatMul", ["a", "b"], ["c"])
        graph = onnx.helper.make_graph([node], "product", infos, [result])
        model = onnx.helper.make_model(
            graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
        )
        feeds = {name: np.ones(shape, np.float32) for name, shape in zip("ab", shapes)}
        tester = Tester(Path("unused"), 0)
        try:
            return tester.reference(model, feeds)[1]
        finally:
            tester.close()

    def test_results_that_were_never_computed(self):
        self.assertIsNone(self.unsure((4, 3), (3,)))
        # onnxruntime leaves such a product as its memory was.
        self.assertIn("c: 3 of 4", self.unsure((4, 0), (0,)))


if __name__ == "__main__":
    unittest.main()
