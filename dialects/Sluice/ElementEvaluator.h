//===- ElementEvaluator.h - Elements of shape arithmetic --------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Follows one element of a tensor through the ops that it comes from. Each of
// them says by ElementsOpInterface how its elements follow from its operands'.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_ELEMENTEVALUATOR_H
#define SLUICE_DIALECTS_SLUICE_ELEMENTEVALUATOR_H

#include "dialects/Sluice/ElementPlace.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/DenseMap.h"

namespace sluice {

/// Is a number one of an element type? Arithmetic on constants that leaves the
/// type wraps or rounds, which is left to the code of the run.
bool isElement(int64_t number, mlir::Type type);

/// Elements are attributes where they are known and index values elsewhere;
/// null where they depend on run-time data. Without a builder only attributes
/// come out.
class ElementEvaluator {
public:
  ElementEvaluator(mlir::OpBuilder *builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  /// The element if it is a whole number, of an integer or a float tensor.
  mlir::OpFoldResult element(mlir::Value tensor, int64_t index);
  mlir::OpFoldResult element(std::optional<ElementPlace> place);
  /// The same if it is known.
  std::optional<int64_t> knownElement(mlir::Value tensor, int64_t index);
  std::optional<int64_t> knownElement(std::optional<ElementPlace> place);
  /// Where an element comes from, through ops that only move elements.
  ElementPlace follow(ElementPlace place);
  /// An element of an f32 or f64 tensor that is known.
  std::optional<double> number(mlir::Value tensor, int64_t index);

  //===--------------------------------------------------------------------===//
  // For elementwise ops: what their operands' elements make element `index`
  //===--------------------------------------------------------------------===//

  using Fold = llvm::function_ref<std::optional<int64_t>(int64_t, int64_t)>;
  using Make = llvm::function_ref<mlir::OpFoldResult(
      mlir::OpBuilder &, mlir::Location, mlir::OpFoldResult,
      mlir::OpFoldResult)>;

  /// Two that are known by `fold`; others by an op that `make` builds, if it
  /// does.
  mlir::OpFoldResult combine(mlir::Operation *op, int64_t index, Fold fold,
                             Make make);
  /// Two that are known.
  mlir::OpFoldResult combineKnown(mlir::Operation *op, int64_t index,
                                  Fold fold);
  /// The same of one operand.
  mlir::OpFoldResult
  map(mlir::Operation *op, int64_t index,
      llvm::function_ref<std::optional<int64_t>(int64_t)> fold,
      llvm::function_ref<mlir::OpFoldResult(mlir::OpBuilder &, mlir::Location,
                                            mlir::OpFoldResult)>
          make);
  /// One that is known.
  mlir::OpFoldResult
  mapKnown(mlir::Operation *op, int64_t index,
           llvm::function_ref<std::optional<int64_t>(int64_t)> fold);
  /// Numbers of f32 or f64; the result is rounded as the run would.
  std::optional<double> combineNumbers(mlir::Operation *op, int64_t index,
                                       double (*fold)(double, double));
  std::optional<double> mapNumber(mlir::Operation *op, int64_t index,
                                  double (*fold)(double));

  mlir::OpFoldResult constant(int64_t number);
  mlir::OpBuilder *getBuilder() { return builder; }
  mlir::Location getLoc() { return loc; }

private:
  mlir::OpFoldResult computeElement(mlir::Value tensor, int64_t index);
  mlir::OpFoldResult constantElement(mlir::Attribute value, int64_t index);
  /// Where an op that only moves elements takes this one from.
  std::optional<ElementPlace> findSource(mlir::Operation *op, int64_t index);

  mlir::OpBuilder *builder;
  mlir::Location loc;
  /// What has been evaluated: an element that is used twice is computed once.
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::OpFoldResult> known;
  /// Chains of shape arithmetic are short; the bounds stop hostile graphs from
  /// recursing without end or looking at very many elements.
  unsigned depth = 0;
  unsigned budget = 20000;
  static constexpr unsigned maxDepth = 200;
};

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_ELEMENTEVALUATOR_H
