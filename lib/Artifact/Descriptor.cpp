//===- Descriptor.cpp - The model descriptor of an artifact ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Artifact/Descriptor.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "sluice/Conversion/KernelToLLVM/KernelToLLVM.h"
#include <cassert>
#include <map>

using namespace mlir;
using namespace sluice;

namespace {

/// Builds constant data as globals with initializer regions.
class DataBuilder {
public:
  explicit DataBuilder(ModuleOp module)
      : module(module), builder(module.getContext()), loc(module.getLoc()),
        pointer(LLVM::LLVMPointerType::get(module.getContext())) {}

  /// A field of a struct or element of an array: a number, an address in the
  /// strings, or that of a global (none for null).
  struct Field {
    Type type;
    Attribute number;
    Operation *target = nullptr;
    std::optional<size_t> place = std::nullopt;
  };

  Field integer(int64_t value, unsigned bits) {
    auto type = builder.getIntegerType(bits);
    return {type, IntegerAttr::get(type, APInt(bits, value, /*isSigned=*/false,
                                               /*implicitTrunc=*/true))};
  }
  Field real(double value) {
    return {builder.getF64Type(), builder.getF64FloatAttr(value)};
  }
  Field address(Operation *target) { return {pointer, nullptr, target}; }
  Field null() { return {pointer, nullptr, nullptr}; }
  /// Equal strings have one place.
  Field string(StringRef text);
  Field stringOrNull(StringRef text) {
    return text.empty() ? null() : string(text);
  }
  /// A struct, or null if there are no fields.
  LLVM::GlobalOp record(StringRef name, ArrayRef<Field> fields,
                        LLVM::Linkage linkage);
  /// Equal arrays have one place, too.
  Field array(ArrayRef<Field> elements);
  Field arrayOfRecords(ArrayRef<SmallVector<Field>> records);

  LLVM::LLVMFuncOp externalFunction(StringRef name, ArrayRef<Type> operands) {
    builder.setInsertionPointToEnd(module.getBody());
    Type result = LLVM::LLVMVoidType::get(module.getContext());
    return LLVM::LLVMFuncOp::create(
        builder, loc, name, LLVM::LLVMFunctionType::get(result, operands));
  }
  LLVM::GlobalOp external(StringRef name) {
    builder.setInsertionPointToEnd(module.getBody());
    auto global = LLVM::GlobalOp::create(
        builder, loc, builder.getI8Type(), /*isConstant=*/true,
        LLVM::Linkage::External, name, Attribute());
    global.setVisibility_(LLVM::Visibility::Hidden);
    return global;
  }

  /// Defines what the strings are in: a global for each takes far more memory.
  void defineStrings();

private:
  Value materialize(const Field &field);
  Type recordType(ArrayRef<Field> fields) {
    SmallVector<Type> types;
    for (const Field &field : fields)
      types.push_back(field.type);
    return LLVM::LLVMStructType::getLiteral(builder.getContext(), types);
  }
  Value buildRecord(Type type, ArrayRef<Field> fields);
  Value buildLongArray(Type type, llvm::function_ref<Value(size_t)> element);
  LLVM::GlobalOp define(StringRef name, Type type, LLVM::Linkage linkage,
                        llvm::function_ref<Value()> value);
  std::string freshName() { return "sluice.data." + std::to_string(next++); }

  ModuleOp module;
  OpBuilder builder;
  Location loc;
  Type pointer;
  int next = 0;
  llvm::StringMap<size_t> places;
  std::string strings;
  using Content = std::tuple<const void *, Operation *, std::optional<size_t>>;
  std::map<std::vector<Content>, LLVM::GlobalOp> arrays;
};

constexpr StringRef stringsName = "sluice.strings";

} // namespace

Value DataBuilder::materialize(const Field &field) {
  if (field.number)
    return LLVM::ConstantOp::create(builder, loc, field.type,
                                    cast<TypedAttr>(field.number));
  if (field.place) {
    Value strings =
        LLVM::AddressOfOp::create(builder, loc, pointer, stringsName);
    Value place = LLVM::ConstantOp::create(
        builder, loc, builder.getI64IntegerAttr(*field.place));
    return LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(),
                               strings, ValueRange{place});
  }
  if (!field.target)
    return LLVM::ZeroOp::create(builder, loc, pointer);
  StringRef name =
      cast<SymbolOpInterface>(field.target).getNameAttr().getValue();
  return LLVM::AddressOfOp::create(builder, loc, pointer, name);
}

Value DataBuilder::buildRecord(Type type, ArrayRef<Field> fields) {
  Value value = LLVM::PoisonOp::create(builder, loc, type);
  for (auto [i, field] : llvm::enumerate(fields))
    value = LLVM::InsertValueOp::create(builder, loc, value, materialize(field),
                                        static_cast<int64_t>(i));
  return value;
}

/// Elements that one constant is made of directly.
constexpr size_t shortArray = 256;

/// Elements side by side. LLVM makes a new constant for each insertion, which
/// takes time in proportion to what it inserts into: so long arrays are records
/// of short ones, which lie in memory in the same way.
static Type longArrayType(Type element, size_t count) {
  if (count <= shortArray)
    return LLVM::LLVMArrayType::get(element, count);
  SmallVector<Type> parts(count / shortArray,
                          LLVM::LLVMArrayType::get(element, shortArray));
  if (size_t rest = count % shortArray)
    parts.push_back(LLVM::LLVMArrayType::get(element, rest));
  return LLVM::LLVMStructType::getLiteral(element.getContext(), parts);
}

Value DataBuilder::buildLongArray(Type type,
                                  llvm::function_ref<Value(size_t)> element) {
  auto build = [&](Type part, size_t first) {
    Value value = LLVM::PoisonOp::create(builder, loc, part);
    size_t count = cast<LLVM::LLVMArrayType>(part).getNumElements();
    for (size_t i = 0; i < count; ++i)
      value = LLVM::InsertValueOp::create(
          builder, loc, value, element(first + i), static_cast<int64_t>(i));
    return value;
  };
  auto parts = dyn_cast<LLVM::LLVMStructType>(type);
  if (!parts)
    return build(type, 0);
  Value value = LLVM::PoisonOp::create(builder, loc, type);
  for (auto [i, part] : llvm::enumerate(parts.getBody()))
    value = LLVM::InsertValueOp::create(builder, loc, value,
                                        build(part, i * shortArray),
                                        static_cast<int64_t>(i));
  return value;
}

LLVM::GlobalOp DataBuilder::define(StringRef name, Type type,
                                   LLVM::Linkage linkage,
                                   llvm::function_ref<Value()> value) {
  builder.setInsertionPointToEnd(module.getBody());
  auto global = LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true,
                                       linkage, name, Attribute());
  Block *block = builder.createBlock(&global.getInitializerRegion());
  builder.setInsertionPointToStart(block);
  LLVM::ReturnOp::create(builder, loc, value());
  return global;
}

DataBuilder::Field DataBuilder::string(StringRef text) {
  auto [known, isNew] = places.try_emplace(text, strings.size());
  if (isNew)
    strings.append(text.data(), text.size()).push_back('\0');
  return {pointer, nullptr, nullptr, known->second};
}

void DataBuilder::defineStrings() {
  builder.setInsertionPointToEnd(module.getBody());
  LLVM::GlobalOp::create(
      builder, loc,
      LLVM::LLVMArrayType::get(builder.getI8Type(), strings.size()),
      /*isConstant=*/true, LLVM::Linkage::Private, stringsName,
      builder.getStringAttr(strings));
}

LLVM::GlobalOp DataBuilder::record(StringRef name, ArrayRef<Field> fields,
                                   LLVM::Linkage linkage) {
  Type type = recordType(fields);
  return define(name, type, linkage, [&] { return buildRecord(type, fields); });
}

DataBuilder::Field DataBuilder::array(ArrayRef<Field> elements) {
  if (elements.empty())
    return null();
  std::vector<Content> contents;
  for (const Field &field : elements)
    contents.emplace_back(field.number.getAsOpaquePointer(), field.target,
                          field.place);
  LLVM::GlobalOp &known = arrays[contents];
  if (!known) {
    Type type = longArrayType(elements[0].type, elements.size());
    known = define(freshName(), type, LLVM::Linkage::Private, [&] {
      return buildLongArray(type,
                            [&](size_t i) { return materialize(elements[i]); });
    });
  }
  return address(known);
}

DataBuilder::Field
DataBuilder::arrayOfRecords(ArrayRef<SmallVector<Field>> records) {
  if (records.empty())
    return null();
  Type element = recordType(records[0]);
  Type type = longArrayType(element, records.size());
  return address(define(freshName(), type, LLVM::Linkage::Private, [&] {
    return buildLongArray(
        type, [&](size_t i) { return buildRecord(element, records[i]); });
  }));
}

static DataBuilder::Field
makeTensors(DataBuilder &data, const std::vector<TensorSignature> &tensors) {
  SmallVector<SmallVector<DataBuilder::Field>> records;
  for (const TensorSignature &tensor : tensors) {
    SmallVector<DataBuilder::Field> dims, names;
    for (int64_t dim : tensor.dims)
      dims.push_back(data.integer(dim, 64));
    for (const std::string &name : tensor.dimNames)
      names.push_back(data.stringOrNull(name));
    records.push_back({data.string(tensor.name), data.integer(tensor.dtype, 32),
                       data.integer(tensor.dims.size(), 32), data.array(dims),
                       data.array(names)});
  }
  return data.arrayOfRecords(records);
}

/// Those of the inputs, and how many there are.
static std::pair<DataBuilder::Field, int64_t>
makeDefaults(DataBuilder &data, const std::vector<TensorSignature> &inputs) {
  SmallVector<SmallVector<DataBuilder::Field>> records;
  for (auto [index, input] : llvm::enumerate(inputs)) {
    if (!input.defaultValue)
      continue;
    SmallVector<DataBuilder::Field> dims;
    for (int64_t dim : input.defaultValue->dims)
      dims.push_back(data.integer(dim, 64));
    records.push_back({data.integer(static_cast<int64_t>(index), 64),
                       data.array(dims),
                       data.integer(input.defaultValue->offset, 64)});
  }
  return {data.arrayOfRecords(records), records.size()};
}

static DataBuilder::Field
makeStates(DataBuilder &data, const std::vector<StateSignature> &states) {
  SmallVector<SmallVector<DataBuilder::Field>> records;
  for (const StateSignature &state : states)
    records.push_back(
        {data.integer(state.output, 32), data.integer(state.input, 32),
         data.integer(state.axis.value_or(-1), 32),
         data.integer(state.isInPlace, 32), data.integer(state.capacity, 64)});
  return data.arrayOfRecords(records);
}

/// Defines `symbol` at the start of the weights' section, which occupies no
/// space in object files. No global can ask for that.
static void reserveWeights(ModuleOp module, StringRef symbol,
                           const DescriptorContents &contents) {
  bool isAArch64 =
      contents.machine.architecture == MachineModel::Architecture::AArch64;
  std::string bytes = std::to_string(contents.weightsBytes);
  std::string lines[] = {(".section " + weightsSectionName + ",\"" +
                          (isAArch64 ? "a" : "al") + "\",@nobits")
                             .str(),
                         (".globl " + symbol).str(),
                         (".hidden " + symbol).str(),
                         (".type " + symbol + ",@object").str(),
                         (".size " + symbol + "," + bytes).str(),
                         ".p2align 6",
                         (symbol + ":").str(),
                         ".zero " + bytes,
                         ".text"};
  SmallVector<StringRef> text(std::begin(lines), std::end(lines));
  module->setAttr(LLVM::LLVMDialect::getModuleLevelAsmAttrName(),
                  Builder(module.getContext()).getStrArrayAttr(text));
}

std::string sluice::descriptorSymbol(const ModelSignature &signature) {
  return "sluice_descriptor_" + signature.name;
}

std::vector<std::string>
sluice::descriptorSymbols(const ModelSignature &signature) {
  return {descriptorSymbol(signature), SLUICE_DESCRIPTOR_SYMBOL};
}

/// The bytes of a struct of 32-bit numbers, in pairs, and fields of 64 bits.
[[maybe_unused]] static size_t bytesOf(ArrayRef<DataBuilder::Field> fields) {
  size_t bytes = 0;
  for (const DataBuilder::Field &field : fields)
    bytes += field.type.isInteger(32) ? 4 : 8;
  return bytes;
}

void sluice::addDescriptor(ModuleOp module, const DescriptorContents &contents,
                           bool shared) {
  module.walk([](LLVM::LLVMFuncOp function) {
    if (!function.isExternal() &&
        function.getLinkage() == LLVM::Linkage::External)
      function.setLinkage(LLVM::Linkage::Internal);
  });
  DataBuilder data(module);
  const ModelSignature &signature = contents.signature;
  SmallVector<DataBuilder::Field> metadata;
  for (const auto &[key, value] : signature.metadata) {
    metadata.push_back(data.string(key));
    metadata.push_back(data.string(value));
  }
  SmallVector<SmallVector<DataBuilder::Field>> kernels;
  for (const KernelInfo &kernel : contents.kernels)
    kernels.push_back({data.string(kernel.name), data.string(kernel.kind),
                       data.string(kernel.nodes), data.real(kernel.flops),
                       data.real(kernel.bytes)});
  auto function = [&](StringRef name) {
    return data.address(module.lookupSymbol(name));
  };
  DataBuilder::Field weights = data.null();
  if (contents.weightsBytes > 0 && contents.weightsFile.empty()) {
    std::string symbol = "sluice_model_weights_" + signature.name;
    weights = data.address(data.external(symbol));
    reserveWeights(module, symbol, contents);
  }

  DataBuilder::Field releaseWeights = data.null();
  if (const std::string &hook = contents.requirements.releaseWeights;
      !hook.empty())
    releaseWeights = data.address(data.externalFunction(
        hook, {weights.type, IntegerType::get(module.getContext(), 64)}));

  auto [defaults, defaultCount] = makeDefaults(data, signature.inputs);
  // The order of sluice_model_descriptor.
  SmallVector<DataBuilder::Field> fields = {
      data.integer(SLUICE_ABI_MAGIC, 32),
      data.integer(SLUICE_ABI_VERSION, 32),
      data.integer(sizeof(sluice_model_descriptor), 64),
      data.string(signature.name),
      data.string("sluice " SLUICE_VERSION),
      data.string(contents.machine.triple),
      data.string(contents.machine.cpu),
      data.string(contents.machine.isaString()),
      data.integer(signature.inputs.size(), 32),
      data.integer(signature.outputs.size(), 32),
      makeTensors(data, signature.inputs),
      makeTensors(data, signature.outputs),
      data.integer(signature.metadata.size(), 32),
      data.integer(contents.kernels.size(), 32),
      data.array(metadata),
      data.arrayOfRecords(kernels),
      weights,
      data.stringOrNull(contents.weightsFile),
      data.integer(contents.weightsBytes, 64),
      data.integer(0, 64), // the weights' checksum
      data.integer(contents.workspaceBytes, 64),
      data.integer(contents.livenessBound, 64),
      function(workspaceFunctionName),
      function(runFunctionName),
      data.integer(shared ? SLUICE_DESCRIPTOR_HAS_TRAILER : 0, 64),
      releaseWeights,
      data.integer(defaultCount, 64),
      defaults,
      data.integer(sizeof(sluice_frame), 64),
      data.integer(signature.states.size(), 64),
      makeStates(data, signature.states)};
  assert(bytesOf(fields) == sizeof(sluice_model_descriptor) &&
         "the runtime reads what is written here");
  data.record(descriptorSymbol(signature), fields, LLVM::Linkage::External);
  if (shared)
    data.record(SLUICE_DESCRIPTOR_SYMBOL, fields, LLVM::Linkage::External);
  data.defineStrings();
}
