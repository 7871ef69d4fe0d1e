//===- TaskStack.h - What a task may keep on the stack ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_TASKSTACK_H
#define SLUICE_CODEGEN_CPU_TASKSTACK_H

#include <cstdint>

namespace sluice {

/// Of what a task keeps: stacks of threads may be small.
inline constexpr int64_t mostStackBytes = 224 << 10;

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_TASKSTACK_H
