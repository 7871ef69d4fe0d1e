//===- Providers.cpp - The providers of kernels there are -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Pipeline/Providers.h"
#include "sluice/Codegen/OneDnn/OneDnn.h"

using namespace sluice;

Providers sluice::createProviders() {
  auto registry = std::make_shared<ProviderRegistry>();
  registry->add(createBuiltinProvider());
  registry->add(createOneDnnProvider());
  return registry;
}
