//===- OnnxSchema.cpp - The official protobuf schema ----------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "OnnxSchema.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/unknown_field_set.h>

using namespace sluice;
namespace pb = google::protobuf;

using FieldVisitor = llvm::function_ref<llvm::Error(llvm::StringRef)>;

/// For a field that the installed schema knows.
static llvm::Error visitKnown(const pb::Message &message,
                              const pb::FieldDescriptor &field,
                              FieldVisitor visit) {
  const pb::Reflection &access = *message.GetReflection();
  bool isMessage = field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE;
  if (!field.is_repeated()) {
    if (!access.HasField(message, &field))
      return llvm::Error::success();
    return visit(isMessage
                     ? access.GetMessage(message, &field).SerializeAsString()
                     : access.GetString(message, &field));
  }
  for (int index = 0; index < access.FieldSize(message, &field); ++index)
    if (llvm::Error error =
            visit(isMessage ? access.GetRepeatedMessage(message, &field, index)
                                  .SerializeAsString()
                            : access.GetRepeatedString(message, &field, index)))
      return error;
  return llvm::Error::success();
}

llvm::Error onnx_detail::forEachLater(const pb::Message &message, int number,
                                      FieldVisitor visit) {
  if (const pb::FieldDescriptor *field =
          message.GetDescriptor()->FindFieldByNumber(number))
    return visitKnown(message, *field, visit);
  const pb::UnknownFieldSet &fields =
      message.GetReflection()->GetUnknownFields(message);
  for (int index = 0; index < fields.field_count(); ++index) {
    const pb::UnknownField &field = fields.field(index);
    if (field.number() != number ||
        field.type() != pb::UnknownField::TYPE_LENGTH_DELIMITED)
      continue;
    if (llvm::Error error = visit(field.length_delimited()))
      return error;
  }
  return llvm::Error::success();
}

std::string onnx_detail::laterString(const pb::Message &message, int number) {
  std::string result;
  llvm::cantFail(forEachLater(message, number, [&](llvm::StringRef contents) {
    result = contents.str();
    return llvm::Error::success();
  }));
  return result;
}
