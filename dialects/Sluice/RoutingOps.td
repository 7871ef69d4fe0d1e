//===- RoutingOps.td - Which experts a token goes to ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ROUTING_OPS_TD
#define SLUICE_ROUTING_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def RouteActivation : I32EnumAttr<"RouteActivation",
    "what makes probabilities of scores", [
  I32EnumAttrCase<"None", 0, "none">,
  I32EnumAttrCase<"Softmax", 1, "softmax">,
  I32EnumAttrCase<"Sigmoid", 2, "sigmoid">]> {
  let cppNamespace = "::sluice";
}

def RouteNormalization : I32EnumAttr<"RouteNormalization",
    "how the weights of the chosen experts are made to fit each other", [
  I32EnumAttrCase<"None", 0, "none">,
  I32EnumAttrCase<"Sum", 1, "sum">,
  I32EnumAttrCase<"Softmax", 2, "softmax">]> {
  let cppNamespace = "::sluice";
}

def RouteGroupScore : I32EnumAttr<"RouteGroupScore",
    "what a group of experts is chosen by", [
  I32EnumAttrCase<"Max", 0, "max">,
  I32EnumAttrCase<"SumOfTwo", 1, "sum_of_two">]> {
  let cppNamespace = "::sluice";
}

def RouteOp : Sluice_Op<"route", [HasSizeConditions, Decomposable]> {
  let summary = "for each token the k experts of the highest scores";
  let description = [{
    `scores` is [tokens, experts]. What `activation` makes of a row is what
    experts are chosen by, after `selection_bias` [experts] has been added; it
    is the weight of the chosen ones without that, too. `normalization`
    divides the weights of a token by their sum plus `epsilon`, or is a softmax
    over them; they are multiplied with `scale` last.

    Experts lie in `groups` of the same size, one behind the other. Those of the
    `group_limit` best groups count, by the maximum of what is chosen by, or the
    sum of the largest two; for the others it is -inf.

    NaN is larger than every number, and of equal ones the first comes first, so
    that `experts` are numbers of experts whatever the scores. The results are
    `weights` and `experts`, [tokens, k], best first. f16 and bf16 compute in
    f32.
  }];
  let arguments = (ins AnyRankedTensor:$scores,
      Optional<AnyRankedTensor>:$selection_bias, I64Attr:$k,
      DefaultValuedAttr<RouteActivation, "RouteActivation::None">:$activation,
      DefaultValuedAttr<RouteNormalization,
                        "RouteNormalization::None">:$normalization,
      DefaultValuedAttr<F64Attr, "::llvm::APFloat(0.0)">:$epsilon,
      DefaultValuedAttr<F64Attr, "::llvm::APFloat(1.0)">:$scale,
      DefaultValuedAttr<I64Attr, "1">:$groups,
      DefaultValuedAttr<I64Attr, "1">:$group_limit,
      DefaultValuedAttr<RouteGroupScore, "RouteGroupScore::Max">:$group_score);
  let results = (outs AnyRankedTensor:$weights, AnyRankedTensor:$experts);
  let assemblyFormat = [{
    $scores (`bias` $selection_bias^)? (`activation` $activation^)?
    (`normalization` $normalization^)? (`group_score` $group_score^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // SLUICE_ROUTING_OPS_TD
