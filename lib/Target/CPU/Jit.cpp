//===- Jit.cpp - Machine code in this process -----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Target/CPU/Jit.h"
#include "sluice/Support/CpuFeatures.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;

namespace sluice {

Jit::Jit(std::unique_ptr<orc::LLJIT> engine) : engine(std::move(engine)) {}
Jit::~Jit() = default;

Expected<std::unique_ptr<Jit>> Jit::create() {
  // Registers LLVM's back ends, which the engine needs.
  auto target = lookupTarget(sys::getDefaultTargetTriple());
  if (!target)
    return target.takeError();
  // Objects have no initialisers to run, so no platform support is loaded.
  auto engine =
      orc::LLJITBuilder().setPlatformSetUp(orc::setUpInactivePlatform).create();
  if (!engine)
    return engine.takeError();
  return std::unique_ptr<Jit>(new Jit(std::move(*engine)));
}

Error Jit::addObject(ArrayRef<char> object) {
  return engine->addObjectFile(MemoryBuffer::getMemBufferCopy(
      StringRef(object.data(), object.size()), "sluice-object"));
}

Expected<void *> Jit::lookup(StringRef name) {
  auto address = engine->lookup(name);
  if (!address)
    return address.takeError();
  return address->toPtr<void *>();
}

} // namespace sluice
