//===- OnnxSchema.h - The official protobuf schema ---------------*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
//
// Debian's copy of the schema is that of ONNX 1.12. Fields that came later are
// unknown to it, but protobuf keeps them: `LaterField` has their numbers, and
// the functions here read them, whether the installed schema knows them or not.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_ONNX_ONNXSCHEMA_H
#define SLUICE_LIB_IMPORT_ONNX_ONNXSCHEMA_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-parameter"
#include <onnx/onnx_pb.h>
#pragma clang diagnostic pop

#include <string>

namespace sluice::onnx_detail {

namespace LaterField {
constexpr int nodeOverload = 8;            // NodeProto, ONNX 1.16
constexpr int functionAttributeProto = 11; // FunctionProto, ONNX 1.13
constexpr int functionValueInfo = 12;      // FunctionProto, ONNX 1.16
constexpr int functionOverload = 13;       // FunctionProto, ONNX 1.16
} // namespace LaterField

/// The last value of a later string field; empty if there is none.
std::string laterString(const google::protobuf::Message &message, int field);

/// Calls `visit` with the contents of each string or message `field`.
llvm::Error
forEachLater(const google::protobuf::Message &message, int field,
             llvm::function_ref<llvm::Error(llvm::StringRef)> visit);

} // namespace sluice::onnx_detail

#endif // SLUICE_LIB_IMPORT_ONNX_ONNXSCHEMA_H
