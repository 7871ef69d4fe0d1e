//===- StructureExtractor.cpp - A model file without its weights ----------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "StructureExtractor.h"

#include "Messages.h"
#include "WireCursor.h"

using namespace sluice;
using namespace sluice::onnx_detail;

namespace {

/// What becomes of a field.
enum class Action : uint8_t {
  Copy,      ///< verbatim
  Descend,   ///< a message that is rewritten in turn
  Reference, ///< tensor data: stays in the file
  Drop,
};

struct FieldRule {
  MessageKind parent;
  uint32_t number;
  Action action;
  MessageKind child = MessageKind::Entry;
};

// The field numbers are those of the ONNX schema, IR version 14.
constexpr FieldRule fieldRules[] = {
    {MessageKind::Model, 6, Action::Drop},  // doc_string
    {MessageKind::Model, 20, Action::Drop}, // training_info
    {MessageKind::Model, 26, Action::Drop}, // configuration
    {MessageKind::Model, 7, Action::Descend, MessageKind::Graph},
    {MessageKind::Model, 8, Action::Descend, MessageKind::Entry},
    {MessageKind::Model, 14, Action::Descend, MessageKind::Entry},
    {MessageKind::Model, 25, Action::Descend, MessageKind::Function},

    {MessageKind::Graph, 10, Action::Drop}, // doc_string
    {MessageKind::Graph, 14, Action::Drop}, // quantization_annotation
    {MessageKind::Graph, 16, Action::Drop}, // metadata_props
    {MessageKind::Graph, 1, Action::Descend, MessageKind::Node},
    {MessageKind::Graph, 5, Action::Descend, MessageKind::Tensor},
    {MessageKind::Graph, 11, Action::Descend, MessageKind::ValueInfo},
    {MessageKind::Graph, 12, Action::Descend, MessageKind::ValueInfo},
    {MessageKind::Graph, 13, Action::Descend, MessageKind::ValueInfo},
    {MessageKind::Graph, 15, Action::Descend, MessageKind::SparseTensor},

    {MessageKind::Node, 6, Action::Drop},  // doc_string
    {MessageKind::Node, 9, Action::Drop},  // metadata_props
    {MessageKind::Node, 10, Action::Drop}, // device_configurations
    {MessageKind::Node, 5, Action::Descend, MessageKind::Attribute},

    {MessageKind::Attribute, 13, Action::Drop}, // doc_string
    {MessageKind::Attribute, 5, Action::Descend, MessageKind::Tensor},
    {MessageKind::Attribute, 6, Action::Descend, MessageKind::Graph},
    {MessageKind::Attribute, 10, Action::Descend, MessageKind::Tensor},
    {MessageKind::Attribute, 11, Action::Descend, MessageKind::Graph},
    {MessageKind::Attribute, 14, Action::Descend, MessageKind::Type},
    {MessageKind::Attribute, 15, Action::Descend, MessageKind::Type},
    {MessageKind::Attribute, 22, Action::Descend, MessageKind::SparseTensor},
    {MessageKind::Attribute, 23, Action::Descend, MessageKind::SparseTensor},

    {MessageKind::Tensor, 12, Action::Drop},      // doc_string
    {MessageKind::Tensor, 16, Action::Drop},      // metadata_props
    {MessageKind::Tensor, 4, Action::Reference},  // float_data
    {MessageKind::Tensor, 5, Action::Reference},  // int32_data
    {MessageKind::Tensor, 7, Action::Reference},  // int64_data
    {MessageKind::Tensor, 9, Action::Reference},  // raw_data
    {MessageKind::Tensor, 10, Action::Reference}, // double_data
    {MessageKind::Tensor, 11, Action::Reference}, // uint64_data
    {MessageKind::Tensor, 3, Action::Descend, MessageKind::Entry},
    {MessageKind::Tensor, 13, Action::Descend, MessageKind::Entry},
    {MessageKind::Tensor, dataReferenceField, Action::Drop},

    {MessageKind::SparseTensor, 1, Action::Descend, MessageKind::Tensor},
    {MessageKind::SparseTensor, 2, Action::Descend, MessageKind::Tensor},

    {MessageKind::Function, 8, Action::Drop},  // doc_string
    {MessageKind::Function, 14, Action::Drop}, // metadata_props
    {MessageKind::Function, 7, Action::Descend, MessageKind::Node},
    {MessageKind::Function, 9, Action::Descend, MessageKind::Entry},
    {MessageKind::Function, 11, Action::Descend, MessageKind::Attribute},
    {MessageKind::Function, 12, Action::Descend, MessageKind::ValueInfo},

    {MessageKind::ValueInfo, 3, Action::Drop}, // doc_string
    {MessageKind::ValueInfo, 4, Action::Drop}, // metadata_props
    {MessageKind::ValueInfo, 2, Action::Descend, MessageKind::Type},

    {MessageKind::Type, 1, Action::Descend, MessageKind::TensorType},
    {MessageKind::Type, 4, Action::Descend, MessageKind::ElementType},
    {MessageKind::Type, 5, Action::Descend, MessageKind::MapType},
    {MessageKind::Type, 8, Action::Descend, MessageKind::TensorType},
    {MessageKind::Type, 9, Action::Descend, MessageKind::ElementType},
    {MessageKind::TensorType, 2, Action::Descend, MessageKind::Shape},
    {MessageKind::ElementType, 1, Action::Descend, MessageKind::Type},
    {MessageKind::MapType, 2, Action::Descend, MessageKind::Type},
    {MessageKind::Shape, 1, Action::Descend, MessageKind::Dimension},
};

} // namespace

static FieldRule findRule(MessageKind parent, const WireField &field) {
  // All fields with a rule are length-delimited (or packed); anything else,
  // unpacked numbers among them, is for protobuf to make sense of.
  if (field.type == WireType::LengthDelimited ||
      field.number == dataReferenceField)
    for (const FieldRule &rule : fieldRules)
      if (rule.parent == parent && rule.number == field.number)
        return rule;
  return {parent, field.number, Action::Copy};
}

static llvm::StringRef messageName(MessageKind kind) {
  switch (kind) {
  case MessageKind::Model:
    return "the model";
  case MessageKind::Graph:
    return "a graph";
  case MessageKind::Node:
    return "a node";
  case MessageKind::Attribute:
    return "an attribute";
  case MessageKind::Tensor:
    return "a tensor";
  case MessageKind::SparseTensor:
    return "a sparse tensor";
  case MessageKind::Function:
    return "a function";
  case MessageKind::ValueInfo:
    return "the declaration of a value";
  case MessageKind::Type:
  case MessageKind::TensorType:
  case MessageKind::ElementType:
  case MessageKind::MapType:
    return "a type";
  case MessageKind::Shape:
  case MessageKind::Dimension:
    return "a shape";
  case MessageKind::Entry:
    return "an entry";
  }
  return "a message";
}

namespace {

class Extractor {
public:
  Extractor(llvm::StringRef file, const OnnxReadOptions &options)
      : file(file), options(options) {}

  /// Appends the rewritten `message` to `output`.
  llvm::Error rewrite(llvm::StringRef message, MessageKind kind, unsigned depth,
                      std::string &output);

  std::vector<TensorDataReference> data;

private:
  /// `rest` is what is left of the file, from the error on.
  llvm::Error fail(MessageKind kind, llvm::StringRef rest,
                   const llvm::Twine &message) const {
    return makeError("at byte " + llvm::Twine(rest.data() - file.data()) +
                     ", in " + messageName(kind) + ": " + message);
  }

  /// Counts one more thing that takes memory.
  llvm::Error count(MessageKind kind, llvm::StringRef rest) {
    if (++messages <= options.messageLimit)
      return llvm::Error::success();
    return fail(kind, rest,
                "the model has more than " + llvm::Twine(options.messageLimit) +
                    " parts");
  }

  llvm::StringRef file;
  const OnnxReadOptions &options;
  uint64_t messages = 0;
  uint64_t copiedBytes = 0;
};

} // namespace

llvm::Error Extractor::rewrite(llvm::StringRef message, MessageKind kind,
                               unsigned depth, std::string &output) {
  if (depth > options.nestingLimit)
    return fail(kind, message,
                "messages are nested more than " +
                    llvm::Twine(options.nestingLimit) + " deep");
  if (llvm::Error error = count(kind, message))
    return error;
  WireCursor cursor(message);
  while (!cursor.atEnd()) {
    llvm::StringRef rest = cursor.remaining();
    llvm::Expected<WireField> field = cursor.next();
    if (!field)
      return fail(kind, rest, llvm::toString(field.takeError()));
    FieldRule rule = findRule(kind, *field);
    switch (rule.action) {
    case Action::Drop:
      break;
    case Action::Reference:
      if (llvm::Error error = count(kind, rest))
        return error;
      appendVarintField(output, dataReferenceField, data.size());
      data.push_back({field->number, field->contents});
      break;
    case Action::Descend: {
      std::string child;
      if (llvm::Error error =
              rewrite(field->contents, rule.child, depth + 1, child))
        return error;
      appendLengthDelimited(output, field->number, child);
      break;
    }
    case Action::Copy:
      copiedBytes += field->encoded.size();
      if (copiedBytes > options.structureLimit)
        return fail(kind, rest,
                    "the model has more than " +
                        llvm::Twine(options.structureLimit) +
                        " bytes besides its tensor data");
      output += field->encoded;
      break;
    }
  }
  return llvm::Error::success();
}

llvm::Expected<ExtractedStructure>
sluice::onnx_detail::extractStructure(llvm::StringRef bytes, MessageKind root,
                                      const OnnxReadOptions &options) {
  Extractor extractor(bytes, options);
  ExtractedStructure result;
  if (llvm::Error error =
          extractor.rewrite(bytes, root, /*depth=*/1, result.serialized))
    return error;
  result.data = std::move(extractor.data);
  return result;
}
