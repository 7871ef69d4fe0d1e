//===- Weights.cpp - The constants of a model as bytes --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Artifact/Weights.h"
#include "dialects/Kernel/Kernel.h"
#include "mlir/IR/BuiltinTypes.h"
#include "sluice/Support/ConstantBytes.h"

using namespace mlir;
using namespace sluice;

WeightsLayout sluice::getWeightsLayout(ModuleOp module) {
  WeightsLayout layout;
  auto bytes = module->getAttrOfType<IntegerAttr>("sluice.weights_bytes");
  if (!bytes)
    return layout;
  for (auto constant : module.getOps<kernel::ConstantOp>())
    layout.constants.push_back({constant.getValue(), constant.getPackingAttr(),
                                static_cast<int64_t>(constant.getOffset())});
  layout.bytes = bytes.getInt();
  return layout;
}

/// Pieces of this size go to the sink: what has been read of a mapped file may
/// leave memory after each.
static constexpr size_t pieceSize = size_t(16) << 20;

namespace {

/// Cuts a stream into pieces and counts its bytes.
class PieceWriter {
public:
  PieceWriter(const WeightsLayout &layout, WeightsSink sink)
      : layout(layout), sink(sink) {}

  llvm::Error write(ArrayRef<char> bytes) {
    while (!bytes.empty()) {
      ArrayRef<char> piece = bytes.take_front(pieceSize);
      if (llvm::Error error = sink(piece))
        return error;
      written += piece.size();
      noteRead(piece.size());
      bytes = bytes.drop_front(piece.size());
    }
    return llvm::Error::success();
  }

  llvm::Error padTo(int64_t offset) {
    static const char zeros[64] = {};
    while (written < offset) {
      size_t count = std::min<int64_t>(sizeof(zeros), offset - written);
      if (llvm::Error error = write(ArrayRef<char>(zeros, count)))
        return error;
    }
    return llvm::Error::success();
  }

  /// Lets go of the pages of mapped files every few pieces.
  void noteRead(size_t bytes) {
    read += bytes;
    if (read < 2 * pieceSize)
      return;
    read = 0;
    if (layout.dropReadPages)
      layout.dropReadPages();
  }

private:
  const WeightsLayout &layout;
  WeightsSink sink;
  int64_t written = 0;
  size_t read = 0;
};

} // namespace

llvm::Error sluice::streamWeights(const WeightsLayout &layout,
                                  WeightsSink sink) {
  PieceWriter writer(layout, sink);
  std::vector<char> scratch;
  for (auto [value, packing, offset] : layout.constants) {
    if (llvm::Error error = writer.padTo(offset))
      return error;
    auto bytes = getConstantBytes(value, scratch);
    if (!bytes)
      return bytes.takeError();
    llvm::Error error = packing ? packing.pack(value.getShapedType(), *bytes,
                                               [&](ArrayRef<char> packed) {
                                                 return writer.write(packed);
                                               })
                                : writer.write(*bytes);
    if (error)
      return error;
  }
  return writer.padTo(layout.bytes);
}
