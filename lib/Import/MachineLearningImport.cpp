//===- MachineLearningImport.cpp - Features of ai.onnx.ml -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Operators that prepare what classifiers and regressors read.
//
//===----------------------------------------------------------------------===//

#include "ImportRegistry.h"
#include "ScoreTransforms.h"
#include "sluice/Support/Remarks.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace sluice;

/// The size of the last dimension; dynamic where unknown, 1 for a scalar.
static int64_t lastSize(Value value) {
  ArrayRef<int64_t> shape = shapeOf(value);
  return shape.empty() ? 1 : shape.back();
}

/// Does an attribute have one number, or one for each feature of `x`?
static llvm::Error checkPerFeature(NodeContext &node, Value x, size_t count,
                                   StringRef what) {
  int64_t features = lastSize(x), numbers = count;
  if (numbers == 1 || ShapedType::isDynamic(features) || numbers == features)
    return llvm::Error::success();
  return node.invalid("'" + what + "' has " + Twine(numbers) + " numbers for " +
                      Twine(features) + " features");
}

//===----------------------------------------------------------------------===//
// Numbers of one feature at a time
//===----------------------------------------------------------------------===//

static llvm::Expected<Values> importScaler(NodeContext &node) {
  SLUICE_TRY(offset, node.node.getFloats("offset", {0.0f}));
  SLUICE_TRY(scale, node.node.getFloats("scale", {1.0f}));
  Composition ops(node);
  Value x = node.input(0);
  Type real = node.builder.getF32Type();
  if (!elementTypeOf(x).isF64())
    x = ops.cast(x, real);
  if (ops.failed())
    return ops.finish({});
  if (llvm::Error error = checkPerFeature(node, x, offset.size(), "offset"))
    return error;
  if (llvm::Error error = checkPerFeature(node, x, scale.size(), "scale"))
    return error;
  auto constant = [&](const std::vector<float> &numbers) {
    return constantNumbers(node, elementTypeOf(x), numbers,
                           static_cast<int64_t>(numbers.size()));
  };
  Value scaled = ops.mul(ops.sub(x, constant(offset)), constant(scale));
  return ops.finish({ops.cast(scaled, real)});
}

static llvm::Expected<Values> importNormalizer(NodeContext &node) {
  SLUICE_TRY(norm, node.node.getString("norm", "MAX"));
  int64_t rank = node.rank(node.input(0));
  if (rank == 0)
    return node.invalid("the input is a scalar");
  SLUICE_TRY(x, node.cast(node.input(0), node.builder.getF32Type()));
  int64_t axis = rank == 1 ? 0 : 1;
  Composition ops(node);
  Value size;
  if (norm == "MAX")
    size = ops.reduce(x, ReductionKind::Max, axis);
  else if (norm == "L1")
    size = ops.reduce(x, ReductionKind::L1, axis);
  else if (norm == "L2")
    size = ops.reduce(x, ReductionKind::L2, axis);
  else
    return node.invalid("there is no norm '" + norm + "'");
  // Rows of zeros stay as they are.
  Value isZero = ops.make<EqualOp>({size, ops.number(x, 0)});
  return ops.finish({ops.div(x, ops.select(isZero, ops.number(x, 1), size))});
}

static llvm::Expected<Values> importImputer(NodeContext &node) {
  Value x = node.input(0);
  Type elementType = elementTypeOf(x);
  Composition ops(node);
  Value imputed, isReplaced;
  if (isa<FloatType>(elementType)) {
    SLUICE_TRY(values, node.node.getFloats("imputed_value_floats", {}));
    SLUICE_TRY(replaced, node.node.getFloat("replaced_value_float", 0.0f));
    if (values.empty())
      return node.invalid("'imputed_value_floats' is missing");
    if (llvm::Error error =
            checkPerFeature(node, x, values.size(), "imputed_value_floats"))
      return error;
    imputed = ops.cast(constantNumbers(node, node.builder.getF64Type(), values,
                                       static_cast<int64_t>(values.size())),
                       elementType);
    isReplaced = std::isnan(replaced)
                     ? ops.make<IsNanOp>(x)
                     : ops.make<EqualOp>({x, ops.number(x, replaced)});
  } else {
    SLUICE_TRY(values, node.node.getInts("imputed_value_int64s", {}));
    SLUICE_TRY(replaced, node.node.getInt("replaced_value_int64", 0));
    if (values.empty())
      return node.invalid("'imputed_value_int64s' is missing");
    if (llvm::Error error =
            checkPerFeature(node, x, values.size(), "imputed_value_int64s"))
      return error;
    imputed = ops.cast(node.constantVector(values), elementType);
    // Compared as it is written: no number of a narrower type may equal it by
    // wrapping.
    Value wide = ops.cast(x, node.builder.getI64Type());
    isReplaced = ops.make<EqualOp>({wide, node.constantVector(replaced)});
  }
  return ops.finish({ops.select(isReplaced, imputed, x)});
}

static llvm::Expected<Values> importBinarizer(NodeContext &node) {
  SLUICE_TRY(threshold, node.node.getFloat("threshold", 0.0f));
  Value x = node.input(0);
  Composition ops(node);
  // An integer is compared with the threshold itself, not with what is left of
  // it in the integer's type.
  Value compared = isa<FloatType>(elementTypeOf(x))
                       ? x
                       : ops.cast(x, node.builder.getF64Type());
  Value isAbove =
      ops.make<GreaterOp>({compared, ops.number(compared, threshold)});
  return ops.finish({ops.cast(isAbove, elementTypeOf(x))});
}

//===----------------------------------------------------------------------===//
// Numbers chosen and put together
//===----------------------------------------------------------------------===//

static llvm::Expected<Values> importArrayFeatureExtractor(NodeContext &node) {
  Value x = node.input(0);
  int64_t rank = node.rank(x);
  if (rank == 0)
    return node.invalid("the input is a scalar");
  SLUICE_TRY(places, flatten(node, node.input(1)));
  Composition ops(node);
  Value chosen =
      ops.make<GatherOp>({x, places}, node.integer("axis", rank - 1));
  if (rank == 1)
    chosen = ops.unsqueeze(chosen, 0);
  return ops.finish({chosen});
}

/// Cuts a matrix to `width` columns, or fills it up with zeros.
static Value fitColumns(Composition &ops, Value matrix, int64_t width) {
  NodeContext &node = ops.node;
  int64_t columns = shapeOf(matrix)[1];
  if (columns == width)
    return matrix;
  if (ShapedType::isDynamic(columns) || columns < width) {
    int64_t missing = ShapedType::isDynamic(columns) ? width : width - columns;
    matrix = ops.unwrap(padEnd(node, matrix, ops.number(matrix, 0),
                               node.constantVector({0, missing})));
  }
  return ops.slice(matrix, 1, 0, width);
}

static llvm::Expected<Values> importFeatureVectorizer(NodeContext &node) {
  SLUICE_TRY(widths, node.node.getInts("inputdimensions", {}));
  if (!widths.empty() && widths.size() != node.inputCount())
    return node.invalid("'inputdimensions' has " + Twine(widths.size()) +
                        " numbers for " + Twine(node.inputCount()) + " inputs");
  Composition ops(node);
  Values parts;
  for (size_t i = 0; i < node.inputCount(); ++i) {
    if (!node.hasInput(i))
      return node.invalid("input " + Twine(i) + " is missing");
    SLUICE_TRY(rows, readRows(node, i, /*keepDouble=*/false));
    if (!widths.empty()) {
      if (widths[i] < 1 || widths[i] > INT32_MAX)
        return node.invalid(
            "'inputdimensions' has no sensible width in place " + Twine(i));
      rows = fitColumns(ops, rows, widths[i]);
    }
    if (ops.failed())
      return ops.finish({});
    parts.push_back(rows);
  }
  return ops.finish({ops.concat(parts, 1)});
}

static llvm::Expected<Values> importOneHotEncoder(NodeContext &node) {
  SLUICE_TRY(zeros, node.node.getInt("zeros", 1));
  SLUICE_TRY(categories, node.node.getInts("cats_int64s", {}));
  if (categories.empty()) {
    if (node.node.hasAttribute("cats_strings"))
      return node.unsupported("the categories are strings");
    return node.invalid("'cats_int64s' is missing");
  }
  int64_t count = categories.size();
  Composition ops(node);
  Value x = ops.cast(node.input(0), node.builder.getI64Type());
  if (ops.failed())
    return ops.finish({});
  Value wanted = ops.unsqueeze(x, node.rank(x));
  Value isSame = ops.make<EqualOp>({wanted, node.constantVector(categories)});
  if (ops.failed())
    return ops.finish({});
  int64_t axis = node.rank(isSame) - 1;
  if (!zeros) {
    // The place of each category, behind all of them for an unknown one, which
    // is an index that ends the run.
    SmallVector<int64_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), 0);
    Value places = node.constantVector(numbers);
    Value behind = ops.select(isSame, places, node.constantVector(count));
    Value place = ops.reduce(behind, ReductionKind::Min, axis);
    Value known = ops.make<GatherOp>({places, place}, node.integer("axis", 0));
    isSame = ops.make<EqualOp>({known, places});
  }
  return ops.finish({ops.cast(isSame, node.builder.getF32Type())});
}

static llvm::Expected<Values> importZipMap(NodeContext &node) {
  size_t labels = 0;
  if (node.node.hasAttribute("classlabels_strings")) {
    SLUICE_TRY(strings, node.node.getStrings("classlabels_strings"));
    labels = strings.size();
  }
  SLUICE_TRY(numbers, node.node.getInts("classlabels_int64s", {}));
  if (labels == 0)
    labels = numbers.size();
  Value scores = node.input(0);
  int64_t columns = lastSize(scores);
  if (labels == 0)
    return node.invalid("there are no class labels");
  if (!ShapedType::isDynamic(columns) &&
      columns != static_cast<int64_t>(labels))
    return node.invalid("there are " + Twine(labels) + " labels for " +
                        Twine(columns) + " columns of scores");
  if (Operation *producer = scores.getDefiningOp())
    remarks::missed(producer, remarks::constants)
        << "ZipMap makes a map of each row of scores; '"
        << (node.node.outputs.empty() ? "" : node.node.outputs[0])
        << "' is the tensor of scores instead, with a column for each label";
  return Values{scores};
}

void sluice::registerMachineLearningImports(ImportRegistry &registry) {
  auto add = [&](const char *name, Arity arity,
                 ImportEntry::Function function) {
    registry.add(std::string("ai.onnx.ml.") + name, arity, function,
                 /*minOpset=*/1);
  };
  add("ArrayFeatureExtractor", 2, importArrayFeatureExtractor);
  add("Binarizer", 1, importBinarizer);
  add("FeatureVectorizer", {1, variadic}, importFeatureVectorizer);
  add("Imputer", 1, importImputer);
  add("Normalizer", 1, importNormalizer);
  add("OneHotEncoder", 1, importOneHotEncoder);
  add("Scaler", 1, importScaler);
  add("ZipMap", 1, importZipMap);
}
