//===- GeneratorImport.cpp - Tensors made from sizes and positions --------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ImportRegistry.h"
#include "SizeVectors.h"
#include "dialects/Sluice/ShapeEvaluation.h"

using namespace mlir;
using namespace sluice;

static llvm::Expected<Values> importConstantOfShape(NodeContext &node) {
  Value fill;
  if (node.node.hasAttribute("value")) {
    SLUICE_TRY(tensor, node.node.getTensor("value"));
    if (tensor->elementCount() != 1)
      return node.invalid("the value must be one element");
    SLUICE_TRY(constant, node.constant(*tensor));
    SLUICE_TRY(element, node.reshape(constant, {}));
    fill = element;
  } else {
    fill = node.scalar(node.builder.getF32Type(), 0);
  }
  SLUICE_TRY(sizes, resultSizes(node, 0));
  SLUICE_TRY(result, node.create<BroadcastOp>({fill, sizes}));
  return Values{result};
}

static llvm::Expected<Values> importRange(NodeContext &node) {
  SLUICE_TRY(result, node.create<RangeOp>(
                         {node.input(0), node.input(1), node.input(2)}));
  return Values{result};
}

static llvm::Expected<Values> importSize(NodeContext &node) {
  SLUICE_TRY(flat, flatten(node, node.input(0)));
  SLUICE_TRY(size, sizeVector(node, flat, 0));
  SLUICE_TRY(result, node.squeeze(size, 0));
  return Values{result};
}

/// For the last two dimensions: column - row, as a matrix.
static ExpectedValue diagonalNumbers(NodeContext &node, Value matrix) {
  int64_t rank = node.rank(matrix);
  SLUICE_TRY(rows, positions(node, matrix, rank - 2));
  SLUICE_TRY(columns, positions(node, matrix, rank - 1));
  return node.create<SubOp>({columns, rows});
}

static llvm::Expected<Values> importTrilu(NodeContext &node) {
  Value data = node.input(0);
  if (node.rank(data) < 2)
    return node.invalid("the input must be a matrix");
  SLUICE_TRY(upper, node.node.getInt("upper", 1));
  Value k = node.scalar(node.builder.getI64Type(), 0);
  if (node.hasInput(1)) {
    SLUICE_TRY(vector, toVector(node, node.input(1)));
    SLUICE_TRY(scalar, node.reshape(vector, {}));
    k = scalar;
  }
  SLUICE_TRY(diagonals, diagonalNumbers(node, data));
  auto mask = upper ? node.create<GreaterEqualOp>({diagonals, k})
                    : node.create<LessEqualOp>({diagonals, k});
  if (!mask)
    return mask.takeError();
  SLUICE_TRY(result, node.create<SelectOp>(
                         {*mask, data, node.scalar(elementTypeOf(data), 0)}));
  return Values{result};
}

static llvm::Expected<Values> importEyeLike(NodeContext &node) {
  Value data = node.input(0);
  if (node.rank(data) != 2)
    return node.invalid("the input must be a matrix");
  SLUICE_TRY(k, node.node.getInt("k", 0));
  Type type = elementTypeOf(data);
  if (node.node.hasAttribute("dtype")) {
    SLUICE_TRY(number, node.node.getInt("dtype"));
    type = node.elementType(number);
    if (!type)
      return node.unsupported("the element type");
  }
  SLUICE_TRY(diagonals, diagonalNumbers(node, data));
  SLUICE_TRY(isOne,
             node.create<EqualOp>(
                 {diagonals, node.scalar(node.builder.getI64Type(), k)}));
  SLUICE_TRY(result, node.cast(isOne, type));
  return Values{result};
}

static llvm::Expected<Values> importOneHot(NodeContext &node) {
  SLUICE_TRY(attribute, node.node.getInt("axis", -1));
  SLUICE_TRY(axis, node.normaliseAxis(attribute, node.rank(node.input(0)) + 1));
  Type wide = node.builder.getI64Type();
  Value places = node.input(0);
  // What only unsigned numbers hold is outside of any depth, and not negative.
  if (Type type = elementTypeOf(places); type.isUnsignedInteger(64)) {
    SLUICE_TRY(within,
               node.create<MinOp>(
                   {places, node.scalar(type, double(int64_t(1) << 62))}));
    places = within;
  }
  SLUICE_TRY(indices, node.cast(places, wide));
  SLUICE_TRY(depth, node.cast(node.input(1), wide));
  Value values = node.input(2);
  if (node.rank(values) == 1 && ShapedType::isDynamic(shapeOf(values)[0])) {
    SLUICE_TRY(two, node.reshape(values, 2));
    values = two;
  }
  if (node.rank(depth) == 1 && ShapedType::isDynamic(shapeOf(depth)[0])) {
    SLUICE_TRY(one, node.reshape(depth, 1));
    depth = one;
  }
  SLUICE_TRY(result, node.create<OneHotOp>({indices, depth, values},
                                           node.integer("axis", axis)));
  return Values{result};
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// sum of coefficients[i] * cos(i * 2 pi n / size), alternating in sign.
static llvm::Expected<Values> importWindow(NodeContext &node,
                                           ArrayRef<double> coefficients) {
  SLUICE_TRY(periodic, node.node.getInt("periodic", 1));
  SLUICE_TRY(dataType, node.node.getInt("output_datatype", 1));
  Type type = node.elementType(dataType);
  if (!type)
    return node.unsupported("the element type");
  Type wide = node.builder.getI64Type();
  Type real = type.isF64() ? type : node.builder.getF32Type();
  SLUICE_TRY(sizeVector, toVector(node, node.input(0), 1));
  SLUICE_TRY(size, node.reshape(sizeVector, {}));
  SLUICE_TRY(numbers, node.create<RangeOp>(
                          {node.scalar(wide, 0), size, node.scalar(wide, 1)}));
  Value period = size;
  if (!periodic) {
    SLUICE_TRY(last, node.create<SubOp>({size, node.scalar(wide, 1)}));
    period = last;
  }
  SLUICE_TRY(n, node.cast(numbers, real));
  SLUICE_TRY(divisor, node.cast(period, real));
  Value result = node.scalar(real, coefficients[0]);
  for (size_t i = 1; i < coefficients.size(); ++i) {
    SLUICE_TRY(scaled,
               node.create<MulOp>({n, node.scalar(real, 2 * M_PI * i)}));
    SLUICE_TRY(angle, node.create<DivOp>({scaled, divisor}));
    SLUICE_TRY(cosine, node.create<CosOp>(angle));
    double sign = i % 2 ? -1 : 1;
    SLUICE_TRY(term, node.create<MulOp>(
                         {cosine, node.scalar(real, sign * coefficients[i])}));
    SLUICE_TRY(sum, node.create<AddOp>({term, result}));
    result = sum;
  }
  SLUICE_TRY(converted, node.cast(result, type));
  return Values{converted};
}

static llvm::Expected<Values> importHannWindow(NodeContext &node) {
  return importWindow(node, {0.5, 0.5});
}
static llvm::Expected<Values> importHammingWindow(NodeContext &node) {
  return importWindow(node, {25.0 / 46.0, 21.0 / 46.0});
}
static llvm::Expected<Values> importBlackmanWindow(NodeContext &node) {
  return importWindow(node, {0.42, 0.5, 0.08});
}

void sluice::registerGeneratorImports(ImportRegistry &registry) {
  registry.add("BlackmanWindow", 1, importBlackmanWindow);
  registry.add("ConstantOfShape", 1, importConstantOfShape);
  registry.add("EyeLike", 1, importEyeLike);
  registry.add("HammingWindow", 1, importHammingWindow);
  registry.add("HannWindow", 1, importHannWindow);
  registry.add("OneHot", 3, importOneHot);
  registry.add("Range", 3, importRange);
  registry.add("Size", 1, importSize);
  registry.add("Trilu", {1, 2}, importTrilu);
  registry.add("com.microsoft.Trilu", {1, 2}, importTrilu, 1);
}
