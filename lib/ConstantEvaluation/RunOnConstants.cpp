//===- RunOnConstants.cpp - One run of compiled code in this process ------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "sluice/ConstantEvaluation/ConstantEvaluation.h"
#include "sluice/Conversion/KernelToLLVM/KernelToLLVM.h"
#include "sluice/Support/ConstantBytes.h"
#include "sluice/Target/CPU/Jit.h"
#include "sluice/artifact_abi.h"
#include <cstring>

using namespace mlir;

namespace sluice {

namespace {

constexpr size_t alignment = 64;

/// Results up to this size become attributes that can be looked into.
constexpr size_t maxInlineBytes = 512;

AsmResourceBlob allocateBlob(size_t bytes) {
  return HeapAsmResourceBlob::allocate(std::max<size_t>(bytes, 1), alignment);
}
char *dataOf(AsmResourceBlob &blob) { return blob.getMutableData().data(); }

/// What the runtime provides to generated code, on one thread.
class Frame : public sluice_frame {
public:
  Frame(ArrayRef<RankedTensorType> resultTypes,
        const std::function<void()> &dropReadPages)
      : sluice_frame(), resultTypes(resultTypes), results(resultTypes.size()),
        dropReadPages(dropReadPages) {
    version = SLUICE_FRAME_VERSION;
    size = sizeof(sluice_frame);
    output = &Frame::provideOutput;
    parallel_for = &Frame::runLoop;
    allocate = &Frame::provideMemory;
    fail = &Frame::recordFailure;
  }

  ArrayRef<RankedTensorType> resultTypes;
  std::vector<std::optional<AsmResourceBlob>> results;
  std::vector<AsmResourceBlob> scratch;
  std::string message;

private:
  const std::function<void()> &dropReadPages;
  double workSinceDrop = 0;

  /// What a finished loop has read is seldom read again: now and then, pages of
  /// the model's files leave memory.
  void countWork(double nanoseconds) {
    constexpr double dropInterval = 1e6; // in which a core reads some 10 MB
    workSinceDrop += nanoseconds;
    if (workSinceDrop < dropInterval || !dropReadPages)
      return;
    workSinceDrop = 0;
    dropReadPages();
  }

  static void *provideOutput(sluice_frame *base, int32_t index, int32_t rank,
                             const int64_t *dims) {
    auto *frame = static_cast<Frame *>(base);
    RankedTensorType type = frame->resultTypes[index];
    if (type.getShape() != ArrayRef<int64_t>(dims, rank)) {
      recordFailure(base, SLUICE_INTERNAL, nullptr,
                    "a result has another shape than inferred");
      return nullptr;
    }
    auto &result = frame->results[index];
    size_t bytes =
        type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8);
    result.emplace(allocateBlob(bytes));
    return dataOf(*result);
  }
  static void runLoop(sluice_frame *base, sluice_loop_body body, void *closure,
                      int64_t count, double cost) {
    body(closure, 0, count);
    static_cast<Frame *>(base)->countWork(static_cast<double>(count) * cost);
  }
  static void *provideMemory(sluice_frame *base, int64_t size) {
    auto *frame = static_cast<Frame *>(base);
    frame->scratch.push_back(allocateBlob(size));
    return dataOf(frame->scratch.back());
  }
  static void recordFailure(sluice_frame *base, int32_t status, const char *,
                            const char *text) {
    auto *frame = static_cast<Frame *>(base);
    if (frame->status == 0) {
      frame->status = status;
      frame->message = text ? text : "";
    }
  }
};

/// Input data in storage types. Mapped files may hold it at any address, but
/// generated code wants elements aligned.
struct InputData {
  std::vector<char> copy;
  std::optional<AsmResourceBlob> aligned;
  void *data = nullptr;
};

llvm::Error prepareInput(ElementsAttr value, InputData &input) {
  auto bytes = getConstantBytes(value, input.copy);
  if (!bytes)
    return bytes.takeError();
  size_t width =
      (cast<ShapedType>(value.getType()).getElementTypeBitWidth() + 7) / 8;
  if (reinterpret_cast<uintptr_t>(bytes->data()) % width != 0) {
    input.aligned.emplace(allocateBlob(bytes->size()));
    std::memcpy(dataOf(*input.aligned), bytes->data(), bytes->size());
    input.data = dataOf(*input.aligned);
  } else {
    // Generated code does not write to inputs.
    input.data = const_cast<char *>(bytes->data());
  }
  return llvm::Error::success();
}

/// Are all elements the same?
bool isSplat(ArrayRef<char> bytes, size_t width) {
  return bytes.size() > width && std::memcmp(bytes.data(), bytes.data() + width,
                                             bytes.size() - width) == 0;
}

ElementsAttr makeAttribute(RankedTensorType type, AsmResourceBlob blob) {
  size_t width = (type.getElementTypeBitWidth() + 7) / 8;
  size_t size = type.getNumElements() * width;
  ArrayRef<char> bytes = blob.getData().take_front(size);
  bool splat = isSplat(bytes, width);
  if (size == 0)
    return DenseElementsAttr::get(type, ArrayRef<Attribute>());
  if (type.getElementType().isInteger(1)) {
    SmallVector<bool> elements;
    for (char byte : splat ? bytes.take_front(1) : bytes)
      elements.push_back(byte != 0);
    return DenseElementsAttr::get(type, elements);
  }
  if (splat || size <= maxInlineBytes)
    return DenseElementsAttr::getFromRawBuffer(
        type, splat ? bytes.take_front(width) : bytes);
  return DenseResourceElementsAttr::get(type, "evaluated", std::move(blob));
}

} // namespace

llvm::Expected<SmallVector<ElementsAttr>>
runOnConstants(const CompiledModule &compiled, ArrayRef<ElementsAttr> inputs,
               ArrayRef<RankedTensorType> results) {
  auto jit = Jit::create();
  if (!jit)
    return jit.takeError();
  if (llvm::Error error = (*jit)->addObject(compiled.object))
    return error;
  auto run = (*jit)->lookupFunction<int32_t(sluice_frame *)>(runFunctionName);
  if (!run)
    return run.takeError();

  AsmResourceBlob weights = allocateBlob(compiled.weights.bytes);
  char *end = dataOf(weights);
  if (llvm::Error error = streamWeights(
          compiled.weights, [&](ArrayRef<char> bytes) -> llvm::Error {
            std::memcpy(end, bytes.data(), bytes.size());
            end += bytes.size();
            return llvm::Error::success();
          }))
    return error;
  AsmResourceBlob workspace = allocateBlob(compiled.workspaceBytes);

  std::vector<InputData> data(inputs.size());
  std::vector<sluice_frame_tensor> tensors;
  for (auto [value, input] : llvm::zip(inputs, data)) {
    if (llvm::Error error = prepareInput(value, input))
      return error;
    sluice_frame_tensor tensor = {};
    tensor.data = input.data;
    tensor.dims = cast<ShapedType>(value.getType()).getShape().data();
    tensor.axis = -1;
    tensors.push_back(tensor);
  }

  Frame frame(results, compiled.weights.dropReadPages);
  frame.inputs = tensors.data();
  frame.workspace = reinterpret_cast<uint8_t *>(dataOf(workspace));
  frame.weights = reinterpret_cast<uint8_t *>(dataOf(weights));
  if (int32_t status = (*run)(&frame))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "status %d: %s", status,
                                   frame.message.c_str());
  SmallVector<ElementsAttr> values;
  for (auto [type, blob] : llvm::zip(results, frame.results)) {
    if (!blob)
      return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                     "a result has not been computed");
    values.push_back(makeAttribute(type, std::move(*blob)));
  }
  return values;
}

} // namespace sluice
