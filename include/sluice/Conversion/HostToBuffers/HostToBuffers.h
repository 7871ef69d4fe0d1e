//===- HostToBuffers.h - The host function on buffers -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CONVERSION_HOSTTOBUFFERS_HOSTTOBUFFERS_H
#define SLUICE_CONVERSION_HOSTTOBUFFERS_HOSTTOBUFFERS_H

#include "mlir/Pass/Pass.h"

namespace sluice {

#define GEN_PASS_DECL
#include "sluice/Conversion/HostToBuffers/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "sluice/Conversion/HostToBuffers/Passes.h.inc"

} // namespace sluice

#endif // SLUICE_CONVERSION_HOSTTOBUFFERS_HOSTTOBUFFERS_H
