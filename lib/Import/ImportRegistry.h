//===- ImportRegistry.h - Which operators can be translated -----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_IMPORTREGISTRY_H
#define SLUICE_LIB_IMPORT_IMPORTREGISTRY_H

#include "NodeContext.h"
#include "OperatorSchemas.h"
#include "llvm/ADT/StringMap.h"

namespace sluice {

/// As many inputs or outputs as a node likes.
inline constexpr unsigned variadic = UINT_MAX;

/// How many inputs and outputs an operator has, in any version.
struct Arity {
  /// Exactly that many inputs, and one output.
  Arity(unsigned inputs) : minInputs(inputs), maxInputs(inputs) {}
  Arity(unsigned minInputs, unsigned maxInputs, unsigned maxOutputs = 1)
      : minInputs(minInputs), maxInputs(maxInputs), maxOutputs(maxOutputs) {}

  /// Inputs that must be given.
  unsigned minInputs;
  unsigned maxInputs;
  unsigned maxOutputs = 1;
};

struct ImportEntry {
  using Function = llvm::Expected<Values> (*)(NodeContext &);
  Function function = nullptr;
  Arity arity = 0;
  /// The oldest opset version whose definition the function understands.
  int64_t minOpset = 7;
  /// Null where nobody declares the operator.
  const OperatorSchema *schema = nullptr;
};

/// Operators by name; of the standard domain as "Conv", others as
/// "com.microsoft.Gelu".
class ImportRegistry {
public:
  void add(llvm::StringRef name, Arity arity, ImportEntry::Function function,
           int64_t minOpset = 7) {
    const OperatorSchema *schema = findOperatorSchema(name);
    if (schema)
      minOpset = std::max(minOpset, schema->since);
    entries[name] = {function, arity, minOpset, schema};
  }
  const ImportEntry *find(llvm::StringRef name) const {
    auto it = entries.find(name);
    return it == entries.end() ? nullptr : &it->second;
  }
  const llvm::StringMap<ImportEntry> &all() const { return entries; }

private:
  llvm::StringMap<ImportEntry> entries;
};

// One function per operator family, in the file of the same name.
void registerAttentionImports(ImportRegistry &registry);
void registerClassifierImports(ImportRegistry &registry);
void registerColumnsImports(ImportRegistry &registry);
void registerContractionImports(ImportRegistry &registry);
void registerContribAttentionImports(ImportRegistry &registry);
void registerContribImports(ImportRegistry &registry);
void registerControlImports(ImportRegistry &registry);
void registerConvolutionImports(ImportRegistry &registry);
void registerEinsumImports(ImportRegistry &registry);
void registerElementwiseImports(ImportRegistry &registry);
void registerExpertsImports(ImportRegistry &registry);
void registerFlexAttentionImports(ImportRegistry &registry);
void registerGeneratorImports(ImportRegistry &registry);
void registerGroupQueryAttentionImports(ImportRegistry &registry);
void registerIndexingImports(ImportRegistry &registry);
void registerLabelEncoderImports(ImportRegistry &registry);
void registerLinearAlgebraImports(ImportRegistry &registry);
void registerLinearAttentionImports(ImportRegistry &registry);
void registerMovementImports(ImportRegistry &registry);
void registerNormalizationImports(ImportRegistry &registry);
void registerPoolingImports(ImportRegistry &registry);
void registerReductionImports(ImportRegistry &registry);
void registerLossImports(ImportRegistry &registry);
void registerMachineLearningImports(ImportRegistry &registry);
void registerQuantizationImports(ImportRegistry &registry);
void registerRandomImports(ImportRegistry &registry);
void registerRecurrentImports(ImportRegistry &registry);
void registerResamplingImports(ImportRegistry &registry);
void registerRotaryEmbeddingImports(ImportRegistry &registry);
void registerSpectralImports(ImportRegistry &registry);
void registerTensorImports(ImportRegistry &registry);
void registerTreeImports(ImportRegistry &registry);

/// The registry with all families.
const ImportRegistry &importRegistry();

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_IMPORTREGISTRY_H
