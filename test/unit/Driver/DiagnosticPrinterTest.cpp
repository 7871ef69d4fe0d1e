//===- DiagnosticPrinterTest.cpp - Tests of printed messages --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "lib/Driver/DiagnosticPrinter.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace mlir;

namespace {

TEST(DiagnosticPrinter, ShowsNotesWithTheirNodes) {
  MLIRContext context;
  std::string text;
  llvm::raw_string_ostream os(text);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    sluice::printDiagnostic(diagnostic, os);
    return success();
  });
  auto node = [&](StringRef name) {
    return NameLoc::get(StringAttr::get(&context, name));
  };
  InFlightDiagnostic error = emitError(node("sum")) << "sizes do not fit";
  error.attachNote(node("left")) << "one has 3 rows";
  error.attachNote(UnknownLoc::get(&context)) << "the other has 4";
  error.report();
  emitWarning(UnknownLoc::get(&context)) << "odd";
  EXPECT_EQ(text, "error: at 'sum': sizes do not fit\n"
                  "note: at 'left': one has 3 rows\n"
                  "note: the other has 4\n"
                  "warning: odd\n");
}

} // namespace
