//===- ModelMutator.h - Random changes of protobuf messages ------*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TEST_FUZZ_MODELMUTATOR_H
#define SLUICE_TEST_FUZZ_MODELMUTATOR_H

#include <google/protobuf/message.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

namespace sluice::fuzz {

/// Changes messages in ways that keep them well-formed on the wire, so that a
/// fuzzer gets to the checks behind the parser: fields removed, repeated,
/// swapped, and given values that stand elsewhere in the message.
class ModelMutator {
public:
  using MutateBytes = std::function<void(std::string &)>;

  ModelMutator(unsigned seed, MutateBytes mutateBytes)
      : random(seed), mutateBytes(std::move(mutateBytes)) {}

  /// Makes one change somewhere in `root`.
  void mutate(google::protobuf::Message &root);

private:
  void collect(google::protobuf::Message &message);
  void mutateField(google::protobuf::Message &message,
                   const google::protobuf::FieldDescriptor &field);
  void mutateRepeated(google::protobuf::Message &message,
                      const google::protobuf::FieldDescriptor &field);
  /// Sets the field, or element `index` of it when it is repeated.
  void setValue(google::protobuf::Message &message,
                const google::protobuf::FieldDescriptor &field, int index);
  int64_t pickInteger();
  std::string pickString();
  size_t pick(size_t count) { return random() % count; }

  std::minstd_rand random;
  MutateBytes mutateBytes;
  std::vector<google::protobuf::Message *> messages;
  std::vector<std::string> strings;
};

} // namespace sluice::fuzz

#endif // SLUICE_TEST_FUZZ_MODELMUTATOR_H
