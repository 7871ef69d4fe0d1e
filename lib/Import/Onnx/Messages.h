//===- Messages.h - How the ONNX layer words its errors ----------*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_ONNX_MESSAGES_H
#define SLUICE_LIB_IMPORT_ONNX_MESSAGES_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <string>

namespace sluice::onnx_detail {

inline llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

/// "context: message", so that what failed deep inside says where that was.
llvm::Error addContext(const llvm::Twine &context, llvm::Error error);

/// A name out of a file made safe to print: control characters escaped,
/// shortened when absurdly long.
std::string escape(llvm::StringRef name);

/// The same between quotes.
std::string quote(llvm::StringRef name);

} // namespace sluice::onnx_detail

#endif // SLUICE_LIB_IMPORT_ONNX_MESSAGES_H
