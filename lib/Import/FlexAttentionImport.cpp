//===- FlexAttentionImport.cpp - FlexAttention ----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionComposition.h"
#include "ImportRegistry.h"

using namespace mlir;
using namespace sluice;

/// A graph that maps scores or weights to such of the same shape; null for
/// none.
static llvm::Expected<Value> applyModifier(NodeContext &node, const char *name,
                                           Value scores) {
  if (!node.node.hasAttribute(name))
    return scores;
  SLUICE_TRY(graph, node.node.getGraph(name));
  if (graph->outputs.size() != 1)
    return node.invalid("'" + Twine(name) + "' must have one output");
  SLUICE_TRY(results, node.subgraph(*graph, scores));
  Value result = results.front();
  if (!result)
    return result;
  if (node.rank(result) != 4 || elementTypeOf(result) != elementTypeOf(scores))
    return node.invalid("'" + Twine(name) +
                        "' must not change the shape or the type");
  return result;
}

/// Without modifiers it is attention; with them, the steps of it.
static llvm::Expected<Values> importFlexAttention(NodeContext &node) {
  Composition ops(node);
  AttentionParts parts;
  parts.query = node.input(0);
  parts.key = node.input(1);
  parts.value = node.input(2);
  if (node.node.hasAttribute("scale")) {
    SLUICE_TRY(scale, node.node.getFloat("scale"));
    parts.scale = scale;
  }
  bool isPlain = !node.node.hasAttribute("score_mod") &&
                 !node.node.hasAttribute("prob_mod");
  if (isPlain)
    return ops.finish({makeAttention(ops, parts)});
  Type type = elementTypeOf(parts.query);
  Type computed = type.isF64() ? type : node.builder.getF32Type();
  SLUICE_TRY(precision, node.node.getInt("softmax_precision", 0));
  if (precision != 0)
    computed = node.elementType(precision);
  if (!isa_and_present<FloatType>(computed))
    return node.unsupported("this softmax_precision");
  AttentionStages stages = makeAttentionStages(ops, parts);
  if (ops.failed())
    return ops.finish({});
  SLUICE_TRY(scores, applyModifier(node, "score_mod",
                                   ops.cast(stages.product, computed)));
  if (!scores)
    return Values(1);
  Value weights = ops.make<SoftmaxOp>(scores, node.integer("axis", 3));
  if (ops.failed())
    return ops.finish({});
  SLUICE_TRY(modified, applyModifier(node, "prob_mod", weights));
  if (!modified)
    return Values(1);
  Value result = ops.make<MatmulOp>(
      {ops.cast(modified, elementTypeOf(stages.value)), stages.value});
  return ops.finish({ops.cast(result, type)});
}

void sluice::registerFlexAttentionImports(ImportRegistry &registry) {
  registry.add("ai.onnx.preview.FlexAttention", 3, importFlexAttention, 1);
}
