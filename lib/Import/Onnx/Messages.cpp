//===- Messages.cpp - How the ONNX layer words its errors -----------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "Messages.h"

#include "llvm/ADT/StringExtras.h"

using namespace sluice;

llvm::Error onnx_detail::addContext(const llvm::Twine &context,
                                    llvm::Error error) {
  return makeError(context + ": " + llvm::toString(std::move(error)));
}

std::string onnx_detail::escape(llvm::StringRef name) {
  constexpr size_t longestShown = 200;
  std::string result;
  for (unsigned char character : name.take_front(longestShown)) {
    // Bytes from 0x80 on belong to UTF-8 sequences.
    if (character >= 0x20 && character != 0x7f) {
      result += static_cast<char>(character);
      continue;
    }
    result += "\\x";
    result += llvm::hexdigit(character >> 4, /*LowerCase=*/true);
    result += llvm::hexdigit(character & 0xf, /*LowerCase=*/true);
  }
  if (name.size() > longestShown)
    result += "...";
  return result;
}

std::string onnx_detail::quote(llvm::StringRef name) {
  return "'" + escape(name) + "'";
}
