//===- RandomOps.td - Pseudo-random numbers -------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_RANDOM_OPS_TD
#define SLUICE_RANDOM_OPS_TD

include "dialects/Sluice/SluiceBase.td"

// The only op of the graph with an effect: it moves a run's state on, so that
// no two keys of a run are the same, in loops neither.
def RandomKeyOp : Op<Sluice_Dialect, "random_key",
    [NoSizeConditions, MemoryEffects<[MemRead, MemWrite]>,
     DeclareOpInterfaceMethods<InferTypeOpInterface>,
     DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                               ["reifyResultShapes"]>]> {
  let summary = "what a sequence of random numbers starts from";
  let description = [{
    Two 64-bit numbers: the seed, which is the context's where the attribute
    does not give one, and how many keys the context has drawn before.
  }];
  let arguments = (ins OptionalAttr<I64Attr>:$seed);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
  let hasCanonicalizeMethod = 1;
}

def RandomUniform : I32EnumAttrCase<"Uniform", 0, "uniform">;
def RandomNormal : I32EnumAttrCase<"Normal", 1, "normal">;
def RandomDistribution : I32EnumAttr<"RandomDistribution",
    "how random numbers are distributed", [RandomUniform, RandomNormal]> {
  let cppNamespace = "::sluice";
  let genSpecializedAttr = 0;
}
def RandomDistributionAttr
    : EnumAttr<Sluice_Dialect, RandomDistribution, "distribution"> {
  let assemblyFormat = "`<` $value `>`";
}

def RandomOp : Sluice_Op<"random", [HasSizeConditions]> {
  let summary = "random numbers of a distribution";
  let description = [{
    `offset + scale * x`, where x is uniform in [0, 1) or has the standard
    normal distribution. The result has the sizes in `shape`; element i of it
    depends on `key`, i and nothing else: the 32 bits behind it are word
    (i / 16) % 4 of the Philox 4x32-10 block number 16 * (i / 64) + i % 16 of
    the key.
  }];
  let arguments = (ins AnyRankedTensor:$key, AnyRankedTensor:$shape,
                       RandomDistributionAttr:$distribution, F64Attr:$offset,
                       F64Attr:$scale, TypeAttr:$element_type);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

#endif // SLUICE_RANDOM_OPS_TD
