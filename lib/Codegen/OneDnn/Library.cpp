//===- Library.cpp - Whether there is oneDNN, and what it says ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Description.h"

using namespace llvm;

StringRef sluice::getOneDnnLibrary() {
#ifdef SLUICE_ONEDNN_LIBRARY
  return SLUICE_ONEDNN_LIBRARY;
#else
  return "";
#endif
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
