//===- TypedHeader.h - A C header with a typed call per model ---*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ARTIFACT_TYPEDHEADER_H
#define SLUICE_ARTIFACT_TYPEDHEADER_H

#include "sluice/Artifact/ModelSignature.h"

namespace sluice {

/// The C11 (and C++) header that applications include to call a linked model:
/// its descriptor, the indices of its tensors, `<name>_model`, `<name>_context`
/// and `<name>_run` with one typed parameter per tensor. See
/// docs/embedding.md.
std::string emitTypedHeader(const ModelSignature &signature);

} // namespace sluice

#endif // SLUICE_ARTIFACT_TYPEDHEADER_H
