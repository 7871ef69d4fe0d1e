//===- LinearAttention.h - Attention as a recurrence ------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_LINEARATTENTION_H
#define SLUICE_DIALECTS_SLUICE_LINEARATTENTION_H

#include "dialects/Sluice/Sluice.h"

#define GET_OP_CLASSES
#include "dialects/Sluice/LinearAttentionOps.h.inc"

#endif // SLUICE_DIALECTS_SLUICE_LINEARATTENTION_H
