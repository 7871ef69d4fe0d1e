//===- NodeContext.cpp - What the translation of one node sees ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "NodeContext.h"
#include "Composition.h"
#include "GraphImporter.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/TensorExtent.h"
#include "dialects/Sluice/Unsupported.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"
#include <cmath>

using namespace mlir;
using namespace sluice;

char UnsupportedError::ID;

std::optional<int64_t> NodeContext::declaredRank(size_t output) const {
  if (!node.hasOutput(output))
    return std::nullopt;
  const OnnxType *type = graph.declaredType(node.outputs[output]);
  if (!type || !type->isTensor() || !type->shape ||
      type->shape->size() > maxRank)
    return std::nullopt;
  return type->shape->size();
}

std::optional<int64_t> NodeContext::declaredSize(size_t output,
                                                 size_t dimension) const {
  auto rank = declaredRank(output);
  if (!rank || dimension >= static_cast<size_t>(*rank))
    return std::nullopt;
  const OnnxDim &size =
      (*graph.declaredType(node.outputs[output])->shape)[dimension];
  return size.isFixed() ? std::optional(size.value) : std::nullopt;
}

bool NodeContext::isUsed(size_t output) const {
  return node.hasOutput(output) && graph.isUsed(node.outputs[output]);
}

std::optional<SmallVector<int64_t>>
NodeContext::constantInts(size_t index) const {
  if (!hasInput(index) || !isa<IntegerType>(elementTypeOf(input(index))))
    return std::nullopt;
  return evaluateConstantElements(input(index));
}

llvm::Expected<SmallVector<int64_t>>
NodeContext::requireConstantInts(size_t index, StringRef what) const {
  auto values = constantInts(index);
  if (!values)
    return unsupported("'" + what + "' is not known at compile time");
  return *values;
}

std::optional<double> NodeContext::constantFloat(size_t index) const {
  Attribute value;
  if (!hasInput(index) || !matchPattern(input(index), m_Constant(&value)))
    return std::nullopt;
  auto dense = dyn_cast<DenseFPElementsAttr>(value);
  if (!dense || dense.getNumElements() != 1)
    return std::nullopt;
  APFloat number = *dense.value_begin<APFloat>();
  bool lossy;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lossy);
  return number.convertToDouble();
}

llvm::Expected<int64_t> NodeContext::normaliseAxis(int64_t axis,
                                                   int64_t rank) const {
  if (axis < -rank || axis >= rank)
    return invalid("axis " + Twine(axis) + " is outside a tensor of rank " +
                   Twine(rank));
  return axis < 0 ? axis + rank : axis;
}

llvm::Expected<SmallVector<int64_t>>
NodeContext::normaliseAxes(ArrayRef<int64_t> axes, int64_t rank) const {
  SmallVector<int64_t> result;
  for (int64_t axis : axes) {
    SLUICE_TRY(normalised, normaliseAxis(axis, rank));
    if (llvm::is_contained(result, normalised))
      return invalid("axis " + Twine(axis) + " is named twice");
    result.push_back(normalised);
  }
  return result;
}

llvm::Error NodeContext::unsupported(const Twine &reason) const {
  return llvm::make_error<UnsupportedError>(reason.str());
}

llvm::Error NodeContext::invalid(const Twine &reason) const {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), "%s: %s",
                                 node.describe().c_str(), reason.str().c_str());
}

llvm::Expected<Operation *> NodeContext::finishCreate(
    StringRef name, ValueRange operands, ArrayRef<NamedAttribute> attributes,
    llvm::function_ref<LogicalResult(SmallVectorImpl<Type> &)> infer) {
  // The first error is the one to tell.
  std::string message;
  bool isLegal = false;
  ScopedDiagnosticHandler handler(builder.getContext(), [&](Diagnostic &diag) {
    if (message.empty()) {
      // The node's name says more than the op's.
      std::string text = diag.str();
      StringRef reason = text;
      if (reason.consume_front(("'" + name + "' op ").str()))
        reason = reason.ltrim();
      message = reason.str();
      isLegal = isUnsupported(diag);
    }
    return success();
  });
  auto refuse = [&](StringRef otherwise) {
    if (isLegal)
      return unsupported(message);
    return invalid(message.empty() ? otherwise : message);
  };
  SmallVector<Type> types;
  if (failed(infer(types)) || llvm::any_of(types, [&](Type type) {
        return failed(verifyExtent(loc, type));
      }))
    return refuse("types do not fit");
  OperationState state(loc, name);
  state.addOperands(operands);
  state.addAttributes(attributes);
  state.addTypes(types);
  Operation *op = builder.create(state);
  if (failed(verify(op))) {
    op->erase();
    return refuse("the operator's rules are broken");
  }
  return op;
}

Value NodeContext::constantVector(ArrayRef<int64_t> values) {
  return createShapeConstant(builder, loc, values);
}

Value NodeContext::scalar(Type elementType, double value) {
  return createScalar(builder, loc, elementType, value);
}

llvm::Expected<Value> NodeContext::reshape(Value value,
                                           ArrayRef<int64_t> sizes) {
  Composition ops(*this);
  return ops.finishValue(ops.reshape(value, sizes));
}

llvm::Expected<Value> NodeContext::transpose(Value value,
                                             ArrayRef<int64_t> permutation) {
  Composition ops(*this);
  return ops.finishValue(ops.transpose(value, permutation));
}

llvm::Expected<Value> NodeContext::cast(Value value, Type elementType) {
  Composition ops(*this);
  return ops.finishValue(ops.cast(value, elementType));
}

llvm::Expected<Value> NodeContext::unsqueeze(Value value,
                                             ArrayRef<int64_t> axes) {
  Composition ops(*this);
  return ops.finishValue(ops.unsqueeze(value, axes));
}

llvm::Expected<Value> NodeContext::squeeze(Value value,
                                           ArrayRef<int64_t> axes) {
  Composition ops(*this);
  return ops.finishValue(ops.squeeze(value, axes));
}

llvm::Expected<Value> NodeContext::shapeVector(Value value) {
  return create<ShapeOp>(value,
                         {integer("start", 0), integer("end", rank(value))});
}

Type NodeContext::elementType(int64_t onnxType) const {
  return graph.convertElementType(static_cast<OnnxElementType>(onnxType));
}

llvm::Expected<Value> NodeContext::constant(const OnnxTensor &tensor) {
  return graph.importConstant(tensor, builder, loc);
}

llvm::Expected<Values> NodeContext::subgraph(const OnnxGraph &body,
                                             ValueRange arguments) {
  if (arguments.size() != body.inputs.size())
    return invalid("the subgraph takes " + Twine(body.inputs.size()) +
                   " inputs, not " + Twine(arguments.size()));
  GraphImporter importer(graph.state, &graph);
  for (auto [info, value] : llvm::zip(body.inputs, arguments))
    importer.bind(info.name, value);
  return importer.importGraph(body, builder);
}
