//===- LowerVectors.cpp - Bring vector operations to one dimension --------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "sluice/Conversion/LowerToLLVM/LowerToLLVM.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_LOWERVECTORSPASS
#include "sluice/Conversion/LowerToLLVM/Passes.h.inc"

namespace {

class LowerVectorsPass final
    : public impl::LowerVectorsPassBase<LowerVectorsPass> {
public:
  using LowerVectorsPassBase::LowerVectorsPassBase;

  void runOnOperation() final {
    if (failed(lowerStructured()) || failed(lowerTransfers()) ||
        failed(lowerLayout()))
      signalPassFailure();
  }

private:
  /// Contractions and reductions, which create transposes and shape casts.
  LogicalResult lowerStructured() {
    RewritePatternSet patterns(&getContext());
    vector::populateVectorContractLoweringPatterns(
        patterns, vector::VectorContractLowering::OuterProduct);
    vector::populateVectorOuterProductLoweringPatterns(patterns);
    vector::populateVectorMultiReductionLoweringPatterns(
        patterns, vector::VectorMultiReductionLowering::InnerParallel);
    vector::populateVectorMaskLoweringPatternsForSideEffectingOps(patterns);
    return apply(std::move(patterns));
  }

  /// Transfers, down to one-dimensional loads and stores.
  LogicalResult lowerTransfers() {
    RewritePatternSet patterns(&getContext());
    VectorTransferToSCFOptions options;
    options.enableFullUnroll().setTargetRank(1);
    populateVectorToSCFConversionPatterns(patterns, options);
    vector::populateVectorTransferPermutationMapLoweringPatterns(patterns);
    vector::populateVectorTransferLoweringPatterns(patterns,
                                                   /*maxTransferRank=*/1);
    return apply(std::move(patterns));
  }

  LogicalResult lowerLayout() {
    RewritePatternSet patterns(&getContext());
    vector::populateVectorTransposeLoweringPatterns(
        patterns, vector::VectorTransposeLowering::Shuffle1D);
    vector::populateVectorShapeCastLoweringPatterns(patterns);
    vector::populateVectorBroadcastLoweringPatterns(patterns);
    vector::populateVectorMaskOpLoweringPatterns(patterns);
    vector::populateVectorGatherLoweringPatterns(patterns);
    vector::populateVectorInterleaveLoweringPatterns(patterns);
    vector::populateVectorBitCastLoweringPatterns(patterns);
    vector::populateVectorInsertExtractStridedSliceDecompositionPatterns(
        patterns);
    return apply(std::move(patterns));
  }

  LogicalResult apply(RewritePatternSet &&patterns) {
    return applyPatternsGreedily(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace sluice
