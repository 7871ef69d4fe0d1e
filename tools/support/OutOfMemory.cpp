//===- OutOfMemory.cpp - End a tool that gets no memory -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "OutOfMemory.h"
#include <atomic>
#include <new>
#include <unistd.h>

namespace {

// A handler has no arguments.
std::atomic<int> exitCodeWithoutMemory{1};
std::atomic<void (*)()> cleanUpWithoutMemory{nullptr};

void onOutOfMemory() {
  if (void (*cleanUp)() = cleanUpWithoutMemory.exchange(nullptr))
    cleanUp();
  static const char message[] = "error: out of memory\n";
  ssize_t written = write(STDERR_FILENO, message, sizeof(message) - 1);
  static_cast<void>(written);
  _exit(exitCodeWithoutMemory);
}

} // namespace

void sluice::endWhenOutOfMemory(int exitCode, void (*cleanUp)()) {
  exitCodeWithoutMemory = exitCode;
  cleanUpWithoutMemory = cleanUp;
  std::set_new_handler(onOutOfMemory);
}
