"""many_sizes.py COUNT: a host function with buffers of so many different sizes."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import sys

lines = ["func.func @sluice_host(%frame: !llvm.ptr) {"]
for i in range(int(sys.argv[1])):
    lines += [
        f"  %rows{i} = kernel.input_size %frame {i}, 0",
        f"  %columns{i} = kernel.input_size %frame {i}, 1",
        f"  %in{i} = kernel.input %frame {i} : memref<?x?xf32>",
        f"  %to{i} = kernel.allocate %frame(%rows{i}, %columns{i}) : memref<?x?xf32>",
        f"  kernel.launch @kernel[{i}] (%frame) ins(%in{i} : memref<?x?xf32>)"
        f" outs(%to{i} : memref<?x?xf32>)",
    ]
print("\n".join(lines + ["  return", "}"]))
