//===- AttentionLimits.h - What an attention may take -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_ATTENTION_ATTENTIONLIMITS_H
#define SLUICE_LIB_CODEGEN_CPU_ATTENTION_ATTENTIONLIMITS_H

#include "dialects/Kernel/Kernel.h"
#include "dialects/Sluice/Sluice.h"
#include "sluice/Codegen/CPU/TaskStack.h"

namespace sluice {

/// Elements of queries and values that there are kernels for.
inline constexpr int64_t mostAttentionDepth = 1024;

/// Can keys and values be multiplied where they lie?
bool readsInPlace(AttentionOp op);
/// Are values read where they lie, in whole vectors, one after the other?
bool readsValuesInPlace(AttentionOp op, int64_t lanes);

/// Bytes of the stack that a task takes.
int64_t getStackBytes(AttentionOp op, kernel::CpuAttentionAttr config);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_ATTENTION_ATTENTIONLIMITS_H
