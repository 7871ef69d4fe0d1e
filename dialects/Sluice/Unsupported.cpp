//===- Unsupported.cpp - What is legal but not compiled -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/Unsupported.h"

using namespace mlir;
using namespace sluice;

static constexpr StringLiteral mark = "unsupported";

InFlightDiagnostic sluice::emitUnsupported(Location location) {
  InFlightDiagnostic diagnostic = emitError(location);
  // Nothing holds it while diagnostics are off.
  if (Diagnostic *held = diagnostic.getUnderlyingDiagnostic())
    held->getMetadata().push_back(DiagnosticArgument(mark));
  return diagnostic;
}

bool sluice::isUnsupported(Diagnostic &diagnostic) {
  return llvm::any_of(
      diagnostic.getMetadata(), [](const DiagnosticArgument &argument) {
        return argument.getKind() ==
                   DiagnosticArgument::DiagnosticArgumentKind::String &&
               argument.getAsString() == mark;
      });
}
