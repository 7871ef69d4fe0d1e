//===- ModelMutator.cpp - Random changes of protobuf messages -------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "ModelMutator.h"

#include <google/protobuf/descriptor.h>

#include <cstdint>

using namespace sluice::fuzz;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void ModelMutator::collect(Message &message) {
  messages.push_back(&message);
  const Reflection &access = *message.GetReflection();
  std::vector<const FieldDescriptor *> fields;
  access.ListFields(message, &fields);
  for (const FieldDescriptor *field : fields) {
    bool isString = field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    bool isMessage = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!isString && !isMessage)
      continue;
    int count = field->is_repeated() ? access.FieldSize(message, field) : 1;
    for (int index = 0; index < count; ++index) {
      if (isMessage)
        collect(field->is_repeated()
                    ? *access.MutableRepeatedMessage(&message, field, index)
                    : *access.MutableMessage(&message, field));
      else
        strings.push_back(field->is_repeated()
                              ? access.GetRepeatedString(message, field, index)
                              : access.GetString(message, field));
    }
  }
}

int64_t ModelMutator::pickInteger() {
  constexpr int64_t interesting[] = {0,  1,  -1,        2,         3,        8,
                                     16, 17, INT32_MAX, INT64_MAX, INT64_MIN};
  if (pick(3) == 0)
    return static_cast<int64_t>(pick(40));
  return interesting[pick(std::size(interesting))];
}

std::string ModelMutator::pickString() {
  std::string value = strings.empty() ? "" : strings[pick(strings.size())];
  if (pick(4) == 0)
    mutateBytes(value);
  return value;
}

void ModelMutator::setValue(Message &message, const FieldDescriptor &field,
                            int index) {
  const Reflection &access = *message.GetReflection();
  // Calls the setter that fits the field.
  auto set = [&](auto single, auto repeated, auto value) {
    if (field.is_repeated())
      (access.*repeated)(&message, &field, index, value);
    else
      (access.*single)(&message, &field, value);
  };
  switch (field.cpp_type()) {
  case FieldDescriptor::CPPTYPE_INT32:
    return set(&Reflection::SetInt32, &Reflection::SetRepeatedInt32,
               static_cast<int32_t>(pickInteger()));
  case FieldDescriptor::CPPTYPE_INT64:
    return set(&Reflection::SetInt64, &Reflection::SetRepeatedInt64,
               pickInteger());
  case FieldDescriptor::CPPTYPE_UINT64:
    return set(&Reflection::SetUInt64, &Reflection::SetRepeatedUInt64,
               static_cast<uint64_t>(pickInteger()));
  case FieldDescriptor::CPPTYPE_FLOAT:
    return set(&Reflection::SetFloat, &Reflection::SetRepeatedFloat,
               static_cast<float>(pickInteger()));
  case FieldDescriptor::CPPTYPE_DOUBLE:
    return set(&Reflection::SetDouble, &Reflection::SetRepeatedDouble,
               static_cast<double>(pickInteger()));
  case FieldDescriptor::CPPTYPE_ENUM: {
    int count = field.enum_type()->value_count();
    const auto *value = field.enum_type()->value(static_cast<int>(pick(count)));
    return set(&Reflection::SetEnumValue, &Reflection::SetRepeatedEnumValue,
               value->number());
  }
  case FieldDescriptor::CPPTYPE_STRING:
    return set(&Reflection::SetString, &Reflection::SetRepeatedString,
               pickString());
  case FieldDescriptor::CPPTYPE_MESSAGE: {
    // A copy of a message of this kind that is somewhere else.
    std::vector<const Message *> others;
    for (const Message *other : messages)
      if (other->GetDescriptor() == field.message_type())
        others.push_back(other);
    if (others.empty())
      return;
    std::unique_ptr<Message> copy(others.front()->New());
    copy->CopyFrom(*others[pick(others.size())]);
    Message *target =
        field.is_repeated()
            ? access.MutableRepeatedMessage(&message, &field, index)
            : access.MutableMessage(&message, &field);
    return target->CopyFrom(*copy);
  }
  default:
    return;
  }
}

void ModelMutator::mutateRepeated(Message &message,
                                  const FieldDescriptor &field) {
  const Reflection &access = *message.GetReflection();
  int count = access.FieldSize(message, &field);
  if (count == 0) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
      access.AddMessage(&message, &field);
    else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING)
      access.AddString(&message, &field, pickString());
    else if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT64)
      access.AddInt64(&message, &field, pickInteger());
    if (access.FieldSize(message, &field) != 0)
      setValue(message, field, 0);
    return;
  }
  int index = static_cast<int>(pick(count));
  switch (pick(4)) {
  case 0:
    return access.SwapElements(&message, &field, index, count - 1);
  case 1:
    return access.RemoveLast(&message, &field);
  case 2:
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
      access.AddMessage(&message, &field);
    else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING)
      access.AddString(&message, &field, pickString());
    return setValue(message, field, access.FieldSize(message, &field) - 1);
  default:
    return setValue(message, field, index);
  }
}

void ModelMutator::mutateField(Message &message, const FieldDescriptor &field) {
  if (field.is_repeated())
    return mutateRepeated(message, field);
  if (pick(5) == 0)
    return message.GetReflection()->ClearField(&message, &field);
  setValue(message, field, 0);
}

void ModelMutator::mutate(Message &root) {
  messages.clear();
  strings.clear();
  collect(root);
  Message &message = *messages[pick(messages.size())];
  const google::protobuf::Descriptor &kind = *message.GetDescriptor();
  // Half of the time a field that is there, half of the time any.
  std::vector<const FieldDescriptor *> present;
  message.GetReflection()->ListFields(message, &present);
  if (!present.empty() && pick(2) == 0)
    return mutateField(message, *present[pick(present.size())]);
  if (kind.field_count() != 0)
    mutateField(message,
                *kind.field(static_cast<int>(pick(kind.field_count()))));
}
