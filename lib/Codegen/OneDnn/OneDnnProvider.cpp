//===- OneDnnProvider.cpp - Kernels that oneDNN computes ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "OneDnnKernel.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/OneDnn/OneDnn.h"
#include "sluice/Codegen/Providers/KernelProvider.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace sluice;

namespace {

/// The file name of the archive that artifacts with such kernels contain.
constexpr StringLiteral archiveName = "libsluice_onednn.a";

class OneDnnProvider final : public KernelProvider {
public:
  StringRef getName() const final { return "onednn"; }
  StringRef getTitle() const final { return "oneDNN"; }
  StringRef getDescription() const final {
    return "a library that the artifact then needs (libdnnl); what that cannot "
           "do stays builtin";
  }

  Error checkMachine(const MachineModel &machine) const final {
    if (getOneDnnLibrary().empty())
      return createStringError("this sluicec was built without oneDNN "
                               "(libdnnl), so it has builtin kernels only");
    Triple target(machine.triple), host(sys::getDefaultTargetTriple());
    if (target.getArch() != host.getArch())
      return createStringError("oneDNN kernels can only be compiled for " +
                               host.getArchName() + ", not for " +
                               target.getArchName());
    return Error::success();
  }

  bool knows(mlir::Operation *anchor) const final {
    return isOneDnnAnchor(anchor);
  }

  Expected<KernelMatch> match(const KernelGroup &group,
                              const MachineModel &) const final {
    auto kernel = describeOneDnnKernel(group);
    if (!kernel)
      return kernel.takeError();
    KernelMatch match{std::string(kernel->report.implementation)};
    match.packing = packOneDnnWeights(group, match.unpacked);
    return match;
  }

  LogicalResult emit(KernelBuilder &kernel) const final {
    return emitOneDnnKernel(kernel);
  }

  LinkRequirements getLinkRequirements() const final {
    LinkRequirements requirements;
    requirements.archives = {archiveName.str()};
    requirements.libraries = {getOneDnnLibrary().str()};
    requirements.metadata = {
        {"sluice.libraries", sys::path::filename(getOneDnnLibrary()).str()}};
    requirements.releaseWeights = "sluice_onednn_release_weights";
    return requirements;
  }
};

} // namespace

std::unique_ptr<KernelProvider> sluice::createOneDnnProvider() {
  return std::make_unique<OneDnnProvider>();
}
