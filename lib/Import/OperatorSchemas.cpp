//===- OperatorSchemas.cpp - What operators are declared to have ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "OperatorSchemas.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

using namespace sluice;

static constexpr OperatorSchema schemas[] = {
#include "OperatorSchemas.inc"
};

const OperatorSchema *sluice::findOperatorSchema(llvm::StringRef name) {
  const OperatorSchema *found = llvm::lower_bound(
      schemas, name, [](const OperatorSchema &schema, llvm::StringRef wanted) {
        return schema.name < wanted;
      });
  return found != std::end(schemas) && found->name == name ? found : nullptr;
}

/// Is an opset version within `first-last`, either of which may be missing?
static bool isWithin(llvm::StringRef versions, int64_t version) {
  auto [first, last] = versions.split('-');
  int64_t bound;
  return (first.getAsInteger(10, bound) || version >= bound) &&
         (last.getAsInteger(10, bound) || version <= bound);
}

/// Empty where no name is a few letters away.
static llvm::StringRef findSimilar(llvm::StringRef name,
                                   llvm::ArrayRef<llvm::StringRef> known) {
  llvm::StringRef nearest;
  unsigned least = name.size() / 3 + 2;
  for (llvm::StringRef candidate : known)
    if (unsigned distance = name.edit_distance(candidate); distance < least) {
      least = distance;
      nearest = candidate;
    }
  return nearest;
}

llvm::Error sluice::checkAttributes(const OnnxNode &node,
                                    const OperatorSchema &schema) {
  if (node.attributes.empty())
    return llvm::Error::success();
  llvm::SmallVector<llvm::StringRef> entries, known;
  schema.attributes.split(entries, ' ', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (llvm::StringRef entry : entries)
    if (auto [name, versions] = entry.split(':');
        isWithin(versions, node.opsetVersion))
      known.push_back(name);
  for (const OnnxAttribute &attribute : node.attributes) {
    llvm::StringRef name = attribute.name;
    // Such names are anyone's, ONNX says.
    if (name.starts_with("__") || llvm::is_contained(known, name))
      continue;
    std::string text = node.describe() + ": the operator has no attribute '" +
                       attribute.name + "' in opset version " +
                       std::to_string(node.opsetVersion);
    llvm::StringRef similar = findSimilar(name, known);
    if (!similar.empty())
      text += "; did you mean '" + similar.str() + "'?";
    return llvm::createStringError(llvm::inconvertibleErrorCode(), text);
  }
  return llvm::Error::success();
}
