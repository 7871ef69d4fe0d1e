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

  /// The patterns are made once and serve all functions.
  LogicalResult initialize(MLIRContext *context) final {
    steps = {structured(context), transfers(context), layout(context)};
    return success();
  }

  void runOnOperation() final {
    // The host function has none, and is as long as the graph.
    bool hasVectors = getOperation()
                          ->walk([](Operation *op) {
                            return isa<vector::VectorDialect>(op->getDialect())
                                       ? WalkResult::interrupt()
                                       : WalkResult::advance();
                          })
                          .wasInterrupted();
    if (!hasVectors)
      return;
    for (const FrozenRewritePatternSet &patterns : steps)
      if (failed(applyPatternsGreedily(getOperation(), patterns)))
        return signalPassFailure();
  }

private:
  /// Contractions and reductions, which create transposes and shape casts.
  static FrozenRewritePatternSet structured(MLIRContext *context) {
    RewritePatternSet patterns(context);
    vector::populateVectorContractLoweringPatterns(
        patterns, vector::VectorContractLowering::OuterProduct);
    vector::populateVectorOuterProductLoweringPatterns(patterns);
    vector::populateVectorMultiReductionLoweringPatterns(
        patterns, vector::VectorMultiReductionLowering::InnerParallel);
    vector::populateVectorMaskLoweringPatternsForSideEffectingOps(patterns);
    return patterns;
  }

  /// Transfers, down to one-dimensional loads and stores.
  static FrozenRewritePatternSet transfers(MLIRContext *context) {
    RewritePatternSet patterns(context);
    VectorTransferToSCFOptions options;
    options.enableFullUnroll().setTargetRank(1);
    populateVectorToSCFConversionPatterns(patterns, options);
    vector::populateVectorTransferPermutationMapLoweringPatterns(patterns);
    vector::populateVectorTransferLoweringPatterns(patterns,
                                                   /*maxTransferRank=*/1);
    return patterns;
  }

  static FrozenRewritePatternSet layout(MLIRContext *context) {
    RewritePatternSet patterns(context);
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
    return patterns;
  }

  SmallVector<FrozenRewritePatternSet, 3> steps;
};

} // namespace
} // namespace sluice
