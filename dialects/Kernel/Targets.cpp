//===- Targets.cpp - What code is made for --------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Kernel.h"
#include "dialects/Kernel/Limits.h"
#include "sluice/Support/CpuFeatures.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace sluice;
using namespace sluice::kernel;

StringRef CpuTargetAttr::getKind() const { return "cpu"; }

StringRef CpuTargetAttr::getMachineName() const { return getCpu(); }

bool CpuTargetAttr::isCompatibleWith(TargetAttrInterface other) const {
  return isa<CpuTargetAttr>(other) &&
         llvm::Triple::normalize(getTriple()) ==
             llvm::Triple::normalize(other.getTriple());
}

static std::vector<std::string> listNames(ArrayAttr features) {
  std::vector<std::string> names;
  for (auto name : features.getAsRange<StringAttr>())
    names.push_back(name.str());
  return names;
}

std::optional<std::vector<std::string>> CpuTargetAttr::getFeatureNames() const {
  if (!getFeatures())
    return std::nullopt;
  return listNames(getFeatures());
}

LogicalResult CpuTargetAttr::verify(
    function_ref<InFlightDiagnostic()> emitError, StringRef tripleName,
    StringRef cpu, ArrayAttr features, std::optional<int64_t> l1Bytes,
    std::optional<int64_t> l2Bytes, std::optional<int64_t> l3Bytes) {
  auto triple = parseTriple(tripleName);
  if (!triple)
    return emitError() << llvm::toString(triple.takeError());
  auto known = getCpuFeatures(*triple, cpu);
  if (!known)
    return emitError() << llvm::toString(known.takeError());
  if (features) {
    if (!llvm::all_of(features, llvm::IsaPred<StringAttr>))
      return emitError() << "features must be names";
    if (llvm::Error error = checkFeatures(*triple, listNames(features)))
      return emitError() << llvm::toString(std::move(error));
  }
  constexpr int64_t leastBytes = 1 << 10, mostBytes = int64_t(1) << 40;
  return verifyLimits(emitError,
                      {{"l1_bytes", l1Bytes, leastBytes, mostBytes},
                       {"l2_bytes", l2Bytes, leastBytes, mostBytes},
                       {"l3_bytes", l3Bytes, leastBytes, mostBytes}});
}
