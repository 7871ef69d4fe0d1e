//===- TestMachines.h - Machines to choose tiles for ------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TEST_UNIT_ANALYSIS_TESTMACHINES_H
#define SLUICE_TEST_UNIT_ANALYSIS_TESTMACHINES_H

#include "sluice/Analysis/MachineModel.h"
#include "gtest/gtest.h"

namespace sluice::test {

inline MachineModel machine(llvm::StringRef triple, llvm::StringRef cpu) {
  auto model = getMachineModel(triple, cpu);
  if (model)
    return *model;
  ADD_FAILURE() << llvm::toString(model.takeError());
  return {};
}

inline MachineModel avx2() {
  return machine("x86_64-unknown-linux-gnu", "x86-64-v3");
}

/// One of every width of vectors and number of registers.
inline std::vector<MachineModel> machines() {
  return {avx2(), machine("x86_64-unknown-linux-gnu", "x86-64"),
          machine("x86_64-unknown-linux-gnu", "sapphirerapids"),
          machine("aarch64-unknown-linux-gnu", "neoverse-n1")};
}

template <typename Spec, typename Tiling> struct Choice {
  MachineModel machine;
  Spec spec;
  Tiling tiling;
};

/// What `choose` chooses for every spec on every machine.
template <typename Spec, typename Choose>
auto makeChoices(const std::vector<Spec> &specs, Choose choose) {
  using Tiling = decltype(choose(specs[0], machines()[0]));
  std::vector<Choice<Spec, Tiling>> choices;
  for (const MachineModel &machine : machines())
    for (const Spec &spec : specs)
      choices.push_back({machine, spec, choose(spec, machine)});
  return choices;
}

} // namespace sluice::test

#endif // SLUICE_TEST_UNIT_ANALYSIS_TESTMACHINES_H
