//===- KernelProvider.cpp - Who makes the code of kernels -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/Providers/KernelProvider.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace sluice;

mlir::Value KernelGroup::getSource(mlir::Value operand) const {
  auto argument = llvm::dyn_cast<mlir::BlockArgument>(operand);
  return argument && argument.getArgNumber() < inputs.size()
             ? inputs[argument.getArgNumber()]
             : operand;
}

const KernelProvider *ProviderRegistry::lookup(llvm::StringRef name) const {
  for (const auto &provider : providers)
    if (provider->getName() == name)
      return provider.get();
  return nullptr;
}

std::string ProviderRegistry::listNames() const {
  return llvm::join(
      llvm::map_range(providers,
                      [](const auto &provider) { return provider->getName(); }),
      ", ");
}

const KernelProvider *sluice::findProvider(const ProviderRegistry &registry,
                                           mlir::Operation *op,
                                           llvm::StringRef name) {
  const KernelProvider *provider = registry.lookup(name);
  if (!provider)
    op->emitError("there is no kernel provider '")
        << name << "'; there are: " << registry.listNames();
  return provider;
}
