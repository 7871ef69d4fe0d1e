//===- sluicec.cpp - Compiles ONNX models ---------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "CommandLine.h"
#include "OutOfMemory.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Signals.h"
#include <csignal>
#include <cstring>
#include <new>
#include <unistd.h>

using sluice::CompileStatus;

/// Ends the process without running anything else; safe in signal handlers and
/// when there is no memory left.
[[noreturn]] static void endWith(CompileStatus status, const char *text) {
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, text, strlen(text));
  _exit(static_cast<int>(status));
}

/// For Ctrl-C and its like. LLVM has removed the temporary files before.
static void onInterrupt() {
  endWith(CompileStatus::Interrupted, "error: interrupted\n");
}

/// For mapped files that turn out shorter than they were, and for mapped output
/// that finds no room on the disk after all.
static void onBusError(int) {
  llvm::sys::RunInterruptHandlers();
  endWith(CompileStatus::CannotWrite,
          "error: a file was cut while it was read, or the disk is full\n");
}

/// For what LLVM cannot go on from.
static void onFatalError(void *, const char *reason, bool) {
  llvm::sys::RunInterruptHandlers();
  llvm::errs() << "error: LLVM failed: " << reason << "\n";
  endWith(CompileStatus::CompileFailed, "");
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::sys::SetInterruptFunction(onInterrupt);
  llvm::install_fatal_error_handler(onFatalError);
  // LLVM's own allocations, and all others.
  sluice::endWhenOutOfMemory(static_cast<int>(CompileStatus::CompileFailed),
                             llvm::sys::RunInterruptHandlers);
  llvm::install_bad_alloc_error_handler(
      [](void *, const char *, bool) { std::get_new_handler()(); });
  // A file over the limit of its size is an error to report, not a signal.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGBUS, onBusError);
  int exitCode = 0;
  auto options = sluice::parseCommandLine(argc, argv, exitCode);
  if (!options)
    return exitCode;
  CompileStatus status = sluice::compile(*options, llvm::errs());
  // Messages that cannot be shown do not change how it ended.
  llvm::errs().clear_error();
  return static_cast<int>(status);
}
