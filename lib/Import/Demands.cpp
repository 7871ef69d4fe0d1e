//===- Demands.cpp - What translations demand of sizes --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Demands.h"
#include "ControlFlow.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/SizeBuilder.h"

using namespace mlir;
using namespace sluice;

void sluice::demand(Composition &ops, arith::CmpIPredicate predicate, Value lhs,
                    Value rhs, const Twine &message) {
  if (ops.failed())
    return;
  NodeContext &node = ops.node;
  auto left = evaluateConstantElement(lhs, 0),
       right = evaluateConstantElement(rhs, 0);
  if (left && right) {
    if (!arith::applyCmpPredicate(predicate, APInt(64, *left, true),
                                  APInt(64, *right, true)))
      ops.fail(node.invalid(message));
    return;
  }
  SizeBuilder size{node.builder, node.loc};
  auto read = [&](Value vector) {
    return size.value(readElement(node.builder, node.loc, vector, 0));
  };
  require(node,
          arith::CmpIOp::create(node.builder, node.loc, predicate, read(lhs),
                                read(rhs)),
          message.str());
}

static std::string printSizes(ArrayRef<int64_t> sizes) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << '[';
  llvm::interleaveComma(sizes, stream, [&](int64_t size) {
    if (ShapedType::isDynamic(size))
      stream << '?';
    else
      stream << size;
  });
  stream << ']';
  return text;
}

void sluice::demandShape(Composition &ops, Value tensor, ArrayRef<Value> sizes,
                         StringRef name) {
  if (ops.failed() || !tensor)
    return;
  NodeContext &node = ops.node;
  ArrayRef<int64_t> given = shapeOf(tensor);
  SmallVector<int64_t> wanted;
  for (Value size : sizes)
    wanted.push_back(
        evaluateConstantElement(size, 0).value_or(ShapedType::kDynamic));
  if (failed(verifyCompatibleShape(given, wanted))) {
    ops.fail(node.invalid(Twine(name) + " is " + printSizes(given) +
                          " and must be " + printSizes(wanted)));
    return;
  }
  for (auto [i, size] : llvm::enumerate(sizes))
    demand(ops, arith::CmpIPredicate::eq, ops.size(tensor, i), size,
           Twine(name) + " has a wrong size in dimension " + Twine(i));
}

Value sluice::withShape(Composition &ops, Value tensor, ArrayRef<Value> sizes,
                        StringRef name) {
  demandShape(ops, tensor, sizes, name);
  if (ops.failed() || !tensor)
    return nullptr;
  auto isKnown = [](Value size) {
    return evaluateConstantElement(size, 0).has_value();
  };
  if (!ShapedType::isDynamicShape(shapeOf(tensor)) &&
      llvm::all_of(sizes, isKnown))
    return tensor;
  return ops.reshapeTo(tensor, sizes);
}
