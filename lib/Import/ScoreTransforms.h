//===- ScoreTransforms.h - What classifiers make of scores ------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// What the operators of ai.onnx.ml have in common: rows of numbers come in,
// scores of classes or targets go through a `post_transform`, and the best
// class gives its label. Where the specification is silent, and on cases that
// it contradicts itself about, they do what ONNX Runtime does.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_SCORETRANSFORMS_H
#define SLUICE_LIB_IMPORT_SCORETRANSFORMS_H

#include "Composition.h"

namespace sluice {

enum class PostTransform { None, Softmax, Logistic, SoftmaxZero, Probit };

/// The attribute `post_transform`, which is a name.
llvm::Expected<PostTransform> readPostTransform(NodeContext &node);

/// An input as a matrix of rows; a vector is one row. Integers and f16 become
/// f32; f64 does too unless `keepDouble` is set.
ExpectedValue readRows(NodeContext &node, size_t index, bool keepDouble);

/// Transforms [rows, scores]. Rows of a single score know `Probit` alone.
mlir::Value transformScores(Composition &ops, mlir::Value scores,
                            PostTransform transform);

/// A vector (or, with `dims`, a tensor) of numbers as a constant of element
/// type f32, or f64 if that is `like`'s element type.
mlir::Value constantNumbers(NodeContext &node, mlir::Type elementType,
                            llvm::ArrayRef<double> values,
                            llvm::ArrayRef<int64_t> dims);
mlir::Value constantNumbers(NodeContext &node, mlir::Type elementType,
                            llvm::ArrayRef<float> values,
                            llvm::ArrayRef<int64_t> dims);

/// The labels of a classifier's classes.
struct ClassLabels {
  /// Empty where labels are strings.
  std::vector<int64_t> numbers;
  int64_t count = 0;
  bool areStrings = false;

  /// The number that stands for a class: its label, or its place.
  int64_t label(int64_t which) const {
    return areStrings ? which : numbers[which];
  }
};

/// Reads the labels from the attribute of strings or that of numbers. Strings
/// are refused where something reads the output `labels`.
llvm::Expected<ClassLabels> readClassLabels(NodeContext &node,
                                            llvm::StringRef stringsName,
                                            llvm::StringRef numbersName);

/// i64 labels from places of classes, [rows]. Null for strings.
mlir::Value labelOf(Composition &ops, const ClassLabels &labels,
                    mlir::Value places);
/// condition ? onTrue : onFalse for [rows, 1] or [rows], as [rows] in i64.
/// Null for strings.
mlir::Value chooseLabel(Composition &ops, const ClassLabels &labels,
                        mlir::Value condition, int64_t onTrue, int64_t onFalse);
/// The place of the first largest score of each row.
mlir::Value bestClass(Composition &ops, mlir::Value scores);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_SCORETRANSFORMS_H
