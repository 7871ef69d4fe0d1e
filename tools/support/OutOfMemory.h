//===- OutOfMemory.h - End a tool that gets no memory -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TOOLS_SUPPORT_OUTOFMEMORY_H
#define SLUICE_TOOLS_SUPPORT_OUTOFMEMORY_H

namespace sluice {

/// From now on the process ends with one line on the standard error and this
/// exit code where `new` finds no memory, or a library goes on without what it
/// asked for. `cleanUp`, unless it is null, runs before; it must not allocate.
void endWhenOutOfMemory(int exitCode, void (*cleanUp)() = nullptr);

} // namespace sluice

#endif // SLUICE_TOOLS_SUPPORT_OUTOFMEMORY_H
