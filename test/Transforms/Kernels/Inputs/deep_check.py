"""deep_check.py N: a loop whose steps check a condition of N ops."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import sys

count = int(sys.argv[1])
sums = "\n".join(f"    %d{i + 1} = arith.addi %d{i}, %one : index" for i in range(count))
print(f"""
func.func @deep(%s0: tensor<4xf32>, %a: tensor<5x4xf32>) -> tensor<4xf32> {{
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 5 : index
  %0 = scf.for %i = %zero to %n step %one iter_args(%s = %s0) -> (tensor<4xf32>) {{
    %ai = sluice.element %a, %i : (tensor<5x4xf32>, index) -> tensor<4xf32>
    %d0 = tensor.dim %ai, %zero : tensor<4xf32>
{sums}
    %holds = arith.cmpi sgt, %d{count}, %one : index
    cf.assert %holds, "deep"
    %next = sluice.mul %s, %ai : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    scf.yield %next : tensor<4xf32>
  }}
  return %0 : tensor<4xf32>
}}""")
