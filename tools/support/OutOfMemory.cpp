//===- OutOfMemory.cpp - End a tool that gets no memory -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "OutOfMemory.h"
#include <atomic>
#include <csignal>
#include <new>
#include <sys/mman.h>
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

struct sigaction actionBefore;

/// MLIR writes to what `malloc` returns, also where that is null. Where there
/// is no memory to be had this is why, and elsewhere it is another's matter.
void onBadAccess(int signal, siginfo_t *, void *) {
  constexpr size_t probe = 1 << 20;
  void *memory = mmap(nullptr, probe, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    onOutOfMemory();
  munmap(memory, probe);
  // The access is tried again.
  sigaction(signal, &actionBefore, nullptr);
}

} // namespace

void sluice::endWhenOutOfMemory(int exitCode, void (*cleanUp)()) {
  exitCodeWithoutMemory = exitCode;
  cleanUpWithoutMemory = cleanUp;
  std::set_new_handler(onOutOfMemory);
  struct sigaction action = {};
  action.sa_sigaction = onBadAccess;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, &actionBefore);
}
