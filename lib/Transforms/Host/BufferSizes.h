//===- BufferSizes.h - The bytes of the host's buffers ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_HOST_BUFFERSIZES_H
#define SLUICE_LIB_TRANSFORMS_HOST_BUFFERSIZES_H

#include "dialects/Kernel/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include <map>
#include <optional>
#include <vector>

namespace sluice {

/// No machine has memory for more.
inline constexpr int64_t largestBuffer = int64_t(1) << 46;

/// A number that is known now or in the run: a constant or an index.
using KnownOrValue = mlir::OpFoldResult;

/// The sizes in bytes that buffers have whose dimensions are known or follow
/// from the inputs' sizes: each once, however many buffers have it. All are
/// rounded up to whole cache lines.
class BufferSizes {
public:
  /// The same factors in any order are one size.
  struct Size {
    int64_t fixed = 0; ///< bytes, before rounding, over those of the factors
    llvm::SmallVector<mlir::Value> factors;
    mlir::Location loc;
  };

  explicit BufferSizes(mlir::func::FuncOp function);

  /// Do all dimensions follow from the inputs' sizes alone?
  bool follows(kernel::AllocateOp op) const;
  /// The number of a buffer's size, or none where it is above `largestBuffer`
  /// whatever the inputs' sizes are.
  std::optional<unsigned> number(kernel::AllocateOp op);

  llvm::ArrayRef<Size> all() const { return sizes; }
  /// Are there sizes that are only known in the run?
  bool areDynamic() const { return hasDynamic; }

  /// The bytes of all sizes, each from 1 to `most`, for inputs whose dynamic
  /// dimensions have the sizes that `sizeOf` tells.
  std::vector<int64_t>
  sample(llvm::function_ref<int64_t(kernel::InputSizeOp)> sizeOf,
         int64_t most) const;
  /// How many ops `sample` looks at.
  size_t numOps() const { return following.size(); }
  /// The inputs' dynamic dimensions, in order.
  llvm::ArrayRef<kernel::InputSizeOp> inputSizes() const { return inputs; }

private:
  using Key = std::pair<int64_t, std::vector<unsigned>>;

  /// What follows from the inputs' sizes, in order, and where it is there.
  std::vector<mlir::Operation *> following;
  llvm::DenseMap<mlir::Value, unsigned> place;
  std::vector<kernel::InputSizeOp> inputs;
  std::map<Key, unsigned> numbers;
  std::vector<Size> sizes;
  bool hasDynamic = false;
};

/// Computes, in one function, the bytes of buffers from the inputs' sizes.
class ByteCounts {
public:
  struct Options {
    /// Bytes above it cannot be counted.
    int64_t most = largestBuffer;
    /// Does the function have to tell whether all could be counted?
    bool isChecked = false;
    /// Functions of the module, one for each number of factors, do it: many
    /// sizes are a lot of code otherwise.
    bool callsFunctions = false;
  };

  /// `frame` is the function's; `of` that of the sizes that are asked about.
  ByteCounts(mlir::OpBuilder &builder, mlir::Value of, mlir::Value frame,
             const Options &options)
      : builder(builder), options(options) {
    mapping.map(of, frame);
  }

  /// The bytes, in whole cache lines.
  KnownOrValue bytes(const BufferSizes::Size &size);
  /// Could everything so far be counted? Null where nothing had to be checked.
  mlir::Value makeCountable();

private:
  mlir::Value constant(int64_t value);
  mlir::Value toWide(mlir::Value index);
  void demand(mlir::arith::CmpIPredicate predicate, mlir::Value lhs,
              int64_t rhs);
  /// Bytes (i64) times a size in this function.
  mlir::Value multiply(mlir::Value bytes, mlir::Value size, bool isInput);
  /// An index, rounded up.
  mlir::Value toLines(mlir::Value bytes);
  mlir::Value call(const BufferSizes::Size &size);
  /// (bytes, size, ...) -> bytes in whole lines, or -1.
  mlir::func::FuncOp getFunction(size_t numFactors);
  /// The size at the builder's position, with what it is computed from.
  mlir::Value cloneSize(mlir::Value size);

  mlir::OpBuilder &builder;
  mlir::Location loc = builder.getUnknownLoc();
  Options options;
  mlir::Value countable;
  /// The disjunction of all that functions returned: negative if one is.
  mlir::Value returned;
  llvm::DenseMap<size_t, mlir::func::FuncOp> functions;
  mlir::IRMapping mapping;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_HOST_BUFFERSIZES_H
