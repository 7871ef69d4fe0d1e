//===- HostCpus.h - CPUs whose code runs where the tests do -----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TEST_UNIT_CODEGEN_HOSTCPUS_H
#define SLUICE_TEST_UNIT_CODEGEN_HOSTCPUS_H

#include "sluice/Analysis/MachineModel.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <string>

namespace sluice::testing {

/// What tests that take the name of a CPU are run with.
inline auto hostCpus() {
  return ::testing::Values("native", "x86-64-v3", "x86-64");
}

inline std::string
nameOfTest(const ::testing::TestParamInfo<const char *> &cpu) {
  std::string name = cpu.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

inline MachineModel hostMachine(llvm::StringRef cpu) {
  return llvm::cantFail(getMachineModel("", cpu));
}

} // namespace sluice::testing

#endif // SLUICE_TEST_UNIT_CODEGEN_HOSTCPUS_H
