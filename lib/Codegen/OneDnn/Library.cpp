//===- Library.cpp - Whether there is oneDNN, and what it says ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Description.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/OneDnn/OneDnn.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

StringRef sluice::getOneDnnLibrary() {
#ifdef SLUICE_ONEDNN_LIBRARY
  return SLUICE_ONEDNN_LIBRARY;
#else
  return "";
#endif
}

Error sluice::checkOneDnn(const MachineModel &machine) {
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

Error sluice::inspectOneDnnKernel(const sluice_onednn_kernel &description,
                                  sluice_onednn_report &report) {
#ifdef SLUICE_ONEDNN_LIBRARY
  constexpr int32_t allThreads = 0;
  if (sluice_onednn_inspect(&description, allThreads, &report) != 0)
    return createStringError("oneDNN has no implementation of it");
  if (report.is_reference)
    return createStringError(
        "oneDNN has only its slow reference implementation of it");
  return Error::success();
#else
  return createStringError("there is no oneDNN");
#endif
}
