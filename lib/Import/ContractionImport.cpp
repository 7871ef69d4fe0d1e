//===- ContractionImport.cpp - MatMul and Gemm ----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ImportRegistry.h"

using namespace mlir;
using namespace sluice;

// MatMul: vectors become matrices of one row or column, which is dropped from
// the result again.
static llvm::Expected<Values> importMatMul(NodeContext &node) {
  Value lhs = node.input(0), rhs = node.input(1);
  bool lhsVector = node.rank(lhs) == 1, rhsVector = node.rank(rhs) == 1;
  if (node.rank(lhs) == 0 || node.rank(rhs) == 0)
    return node.invalid("operands must not be scalars");
  if (lhsVector) {
    SLUICE_TRY(matrix, node.unsqueeze(lhs, {0}));
    lhs = matrix;
  }
  if (rhsVector) {
    SLUICE_TRY(matrix, node.unsqueeze(rhs, {1}));
    rhs = matrix;
  }
  SLUICE_TRY(product, node.create<MatmulOp>({lhs, rhs}));
  int64_t rank = node.rank(product);
  SmallVector<int64_t> dropped;
  if (lhsVector)
    dropped.push_back(rank - 2);
  if (rhsVector)
    dropped.push_back(rank - 1);
  if (!dropped.empty()) {
    SLUICE_TRY(squeezed, node.squeeze(product, dropped));
    product = squeezed;
  }
  return Values{product};
}

// Gemm: alpha * op(A) op(B) + beta * C.
static llvm::Expected<Values> importGemm(NodeContext &node) {
  SLUICE_TRY(alpha, node.node.getFloat("alpha", 1.0f));
  SLUICE_TRY(beta, node.node.getFloat("beta", 1.0f));
  SLUICE_TRY(transposeA, node.node.getInt("transA", 0));
  SLUICE_TRY(transposeB, node.node.getInt("transB", 0));
  SmallVector<NamedAttribute> attributes;
  if (transposeA)
    attributes.push_back(node.flag("transpose_lhs"));
  if (transposeB)
    attributes.push_back(node.flag("transpose_rhs"));
  SLUICE_TRY(product,
             node.create<MatmulOp>({node.input(0), node.input(1)}, attributes));
  Type elementType = elementTypeOf(product);
  if (alpha != 1.0f) {
    SLUICE_TRY(scaled,
               node.create<MulOp>({product, node.scalar(elementType, alpha)}));
    product = scaled;
  }
  if (!node.hasInput(2) || beta == 0.0f)
    return Values{product};
  Value addend = node.input(2);
  if (beta != 1.0f) {
    SLUICE_TRY(scaled,
               node.create<MulOp>({addend, node.scalar(elementType, beta)}));
    addend = scaled;
  }
  SLUICE_TRY(sum, node.create<AddOp>({product, addend}));
  return Values{sum};
}

void sluice::registerContractionImports(ImportRegistry &registry) {
  registry.add("MatMul", 2, importMatMul);
  registry.add("Gemm", {2, 3}, importGemm);
}
