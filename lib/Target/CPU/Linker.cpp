//===- Linker.cpp - Calls of LLD in this process --------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Linker.h"
#include "sluice/Target/CPU/SharedLinker.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace sluice {

char LinkError::ID;

Error Linker::run(ArrayRef<std::string> commandLine) {
  std::lock_guard<std::mutex> lock(mutex);
  if (isBroken)
    return make_error<LinkError>(
        "linking failed: the linker broke down before in this process");
  std::vector<const char *> pointers;
  for (const std::string &argument : commandLine)
    pointers.push_back(argument.c_str());
  std::string text;
  raw_string_ostream stream(text);
  lld::Result result =
      lld::lldMain(pointers, stream, stream, {{lld::Gnu, driver}});
  isBroken = !result.canRunAgain;
  if (result.retCode == 0 && result.canRunAgain)
    return Error::success();
  StringRef printed = StringRef(text).trim();
  return make_error<LinkError>(
      ("linking failed: " +
       (printed.empty() ? StringRef("the linker broke down") : printed))
          .str());
}

} // namespace sluice
