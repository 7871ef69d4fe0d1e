//===- DiagnosticPrinter.cpp - Messages of passes for the user ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "DiagnosticPrinter.h"
#include "sluice/Support/NodeNames.h"

using namespace mlir;

static StringRef nameOf(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Error:
    return "error: ";
  case DiagnosticSeverity::Warning:
    return "warning: ";
  case DiagnosticSeverity::Note:
    return "note: ";
  case DiagnosticSeverity::Remark:
    return "remark: ";
  }
  return "";
}

void sluice::printDiagnostic(const Diagnostic &diagnostic,
                             llvm::raw_ostream &os) {
  os << nameOf(diagnostic.getSeverity());
  SmallVector<StringRef> nodes = findNodeNames(diagnostic.getLocation());
  if (!nodes.empty())
    os << "at '" << nodes.front() << "': ";
  os << diagnostic << "\n";
  for (const Diagnostic &note : diagnostic.getNotes())
    printDiagnostic(note, os);
}
