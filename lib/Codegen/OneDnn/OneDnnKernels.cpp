//===- OneDnnKernels.cpp - Kernels that call oneDNN -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The code of such a kernel is one call of `sluice_onednn_run` with a constant
// that describes it.
//
//===----------------------------------------------------------------------===//

#include "OneDnnKernel.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"

using namespace mlir;
using namespace sluice;

/// All fields have 64 bits, so the description is an array of such numbers.
static SmallVector<int64_t> toNumbers(const sluice_onednn_kernel &description) {
  constexpr size_t count = sizeof description / sizeof(int64_t);
  static_assert(count * sizeof(int64_t) == sizeof description);
  SmallVector<int64_t> numbers(count);
  std::memcpy(numbers.data(), &description, sizeof description);
  return numbers;
}

LogicalResult sluice::emitOneDnnKernel(KernelBuilder &kernel) {
  auto anchor = llvm::find_if(kernel.region, [](Operation &op) {
    return isa<MatmulOp, kernel::PackedMatmulOp, kernel::PackedConvOp>(op);
  });
  Operation *yield = kernel.region.getTerminator();
  if (anchor == kernel.region.end() || yield->getNumOperands() != 1)
    return yield->emitError("oneDNN has no kernel like this");
  auto isOutside = [&](Value value) { return isa<BlockArgument>(value); };
  auto computed =
      describeOneDnnKernel({&*anchor, yield->getOperand(0), isOutside});
  if (!computed)
    return anchor->emitError("oneDNN cannot compute this kernel: ")
           << llvm::toString(computed.takeError());
  SmallVector<Value> buffers;
  for (Value operand : computed->operands)
    buffers.push_back(kernel.buffer(operand));
  int64_t bytes = computed->report.scratch_size;
  kernel::LibraryCallOp::create(kernel.builder, kernel.loc,
                                CpuLoops::of(kernel).frame, "sluice_onednn_run",
                                toNumbers(computed->description), buffers,
                                bytes ? kernel.scratch(bytes) : Value(), bytes);
  return success();
}
