//===- ScoreTransforms.cpp - What classifiers make of scores --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ScoreTransforms.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace sluice;

llvm::Expected<PostTransform> sluice::readPostTransform(NodeContext &node) {
  SLUICE_TRY(name, node.node.getString("post_transform", "NONE"));
  auto transform = llvm::StringSwitch<std::optional<PostTransform>>(name)
                       .Case("NONE", PostTransform::None)
                       .Case("SOFTMAX", PostTransform::Softmax)
                       .Case("LOGISTIC", PostTransform::Logistic)
                       .Case("SOFTMAX_ZERO", PostTransform::SoftmaxZero)
                       .Case("PROBIT", PostTransform::Probit)
                       .Default(std::nullopt);
  if (!transform)
    return node.invalid("there is no post_transform '" + name + "'");
  return *transform;
}

ExpectedValue sluice::readRows(NodeContext &node, size_t index,
                               bool keepDouble) {
  Value rows = node.input(index);
  Type elementType = elementTypeOf(rows);
  if (!(keepDouble && elementType.isF64())) {
    SLUICE_TRY(real, node.cast(rows, node.builder.getF32Type()));
    rows = real;
  }
  int64_t rank = node.rank(rows);
  if (rank == 1)
    return node.unsqueeze(rows, 0);
  if (rank != 2)
    return node.invalid("the input must be a matrix of rows, not of rank " +
                        Twine(rank));
  return rows;
}

template <typename Number>
static Value makeNumbers(NodeContext &node, Type elementType,
                         ArrayRef<Number> values, ArrayRef<int64_t> dims) {
  std::string bytes;
  auto append = [&](auto number) {
    bytes.append(reinterpret_cast<const char *>(&number), sizeof(number));
  };
  bool isDouble = elementType.isF64();
  for (Number value : values) {
    if (isDouble)
      append(static_cast<double>(value));
    else
      append(static_cast<float>(value));
  }
  return llvm::cantFail(node.constant(makeOwnedTensor(
      node.node.name,
      isDouble ? OnnxElementType::Double : OnnxElementType::Float, dims.vec(),
      std::move(bytes))));
}

Value sluice::constantNumbers(NodeContext &node, Type elementType,
                              ArrayRef<double> values, ArrayRef<int64_t> dims) {
  return makeNumbers(node, elementType, values, dims);
}
Value sluice::constantNumbers(NodeContext &node, Type elementType,
                              ArrayRef<float> values, ArrayRef<int64_t> dims) {
  return makeNumbers(node, elementType, values, dims);
}

/// sqrt(2) * erfinv(2 x - 1), with the approximation of S. Winitzki, "A handy
/// approximation for the error function and its inverse" (2008), which is what
/// this transform means to others.
static Value probit(Composition &ops, Value x) {
  auto number = [&](double value) { return ops.number(x, value); };
  constexpr double a = 0.147, pi = 3.14159265358979323846;
  Value one = number(1);
  Value y = ops.sub(ops.mul(x, number(2)), one);
  Value isNegative = ops.make<LessOp>({y, number(0)});
  Value log = ops.make<LogOp>(ops.mul(ops.sub(one, y), ops.add(one, y)));
  Value half = ops.add(number(2 / (pi * a)), ops.mul(log, number(0.5)));
  Value root = ops.make<SqrtOp>(
      ops.sub(ops.mul(half, half), ops.mul(log, number(1 / a))));
  Value size = ops.make<SqrtOp>(ops.sub(root, half));
  Value result = ops.select(isNegative, ops.make<NegOp>(size), size);
  return ops.mul(result, number(1.41421356237309504880));
}

/// Softmax in which scores of (about) zero stay so.
static Value softmaxZero(Composition &ops, Value x) {
  Value most = ops.reduce(x, ReductionKind::Max, 1);
  Value isOther = ops.make<GreaterOp>(
      {ops.make<AbsOp>(x), ops.number(x, static_cast<double>(0.0000001f))});
  Value power = ops.make<ExpOp>(ops.sub(x, most));
  Value counted = ops.select(isOther, power, ops.number(x, 0));
  Value sum = ops.reduce(counted, ReductionKind::Sum, 1);
  Value rest = ops.mul(x, ops.make<ExpOp>(ops.make<NegOp>(most)));
  return ops.div(ops.select(isOther, power, rest), sum);
}

Value sluice::transformScores(Composition &ops, Value scores,
                              PostTransform transform) {
  if (ops.failed())
    return nullptr;
  bool isSingle = shapeOf(scores)[1] == 1;
  if (isSingle && transform != PostTransform::Probit)
    return scores;
  switch (transform) {
  case PostTransform::None:
    return scores;
  case PostTransform::Softmax:
    return ops.make<SoftmaxOp>(scores, ops.node.integer("axis", 1));
  case PostTransform::Logistic:
    return ops.make<SigmoidOp>(scores);
  case PostTransform::SoftmaxZero:
    return softmaxZero(ops, scores);
  case PostTransform::Probit:
    return probit(ops, scores);
  }
  return scores;
}

llvm::Expected<ClassLabels> sluice::readClassLabels(NodeContext &node,
                                                    StringRef stringsName,
                                                    StringRef numbersName) {
  ClassLabels labels;
  size_t strings = 0;
  if (node.node.hasAttribute(stringsName)) {
    SLUICE_TRY(names, node.node.getStrings(stringsName));
    strings = names.size();
  }
  SLUICE_TRY(numbers, node.node.getInts(numbersName, {}));
  labels.areStrings = strings > 0;
  labels.count = strings > 0 ? strings : numbers.size();
  if (labels.count == 0)
    return node.invalid("there are no class labels");
  if (strings > 0 && !numbers.empty())
    return node.invalid("there are labels of two kinds");
  if (labels.areStrings && node.isUsed(0))
    return node.unsupported("the labels are strings, and output '" +
                            node.node.outputs[0] + "' is used");
  labels.numbers = std::move(numbers);
  return labels;
}

Value sluice::labelOf(Composition &ops, const ClassLabels &labels,
                      Value places) {
  if (labels.areStrings || ops.failed())
    return nullptr;
  bool isPlace = true;
  for (int64_t i = 0; i < labels.count; ++i)
    isPlace &= labels.numbers[i] == i;
  if (isPlace)
    return places;
  return ops.make<GatherOp>({ops.node.constantVector(labels.numbers), places},
                            ops.node.integer("axis", 0));
}

Value sluice::chooseLabel(Composition &ops, const ClassLabels &labels,
                          Value condition, int64_t onTrue, int64_t onFalse) {
  if (labels.areStrings || ops.failed())
    return nullptr;
  if (shapeOf(condition).size() == 2)
    condition = ops.squeeze(condition, 1);
  // Numbers of 64 bits, which no double holds.
  auto label = [&](int64_t number) {
    return ops.reshape(ops.node.constantVector(number), {});
  };
  return ops.select(condition, label(onTrue), label(onFalse));
}

Value sluice::bestClass(Composition &ops, Value scores) {
  return ops.make<ArgMaxOp>(scores, ops.node.integer("axis", 1));
}
