//===- TensorTest.cpp - Tests of constant tensors -------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "TestModels.h"

using namespace sluice;
using namespace sluice::test;
using onnx::TensorProto;

/// The only initializer of a model with `tensor` in it.
static llvm::Expected<OnnxTensor> readTensor(const TensorProto &tensor) {
  onnx::ModelProto proto = makeReluModel();
  *proto.mutable_graph()->add_initializer() = tensor;
  llvm::Expected<OnnxModel> model = read(proto);
  if (!model)
    return model.takeError();
  return model->graph.initializers.front();
}

static TensorProto makeTensor(int elementType,
                              const std::vector<int64_t> &dims) {
  TensorProto tensor;
  tensor.set_name("w");
  tensor.set_data_type(elementType);
  for (int64_t dim : dims)
    tensor.add_dims(dim);
  return tensor;
}

static std::string bytesOf(const OnnxTensor &tensor) {
  return {tensor.bytes.begin(), tensor.bytes.end()};
}

template <typename Element>
static std::string rawBytes(std::initializer_list<Element> elements) {
  return {reinterpret_cast<const char *>(elements.begin()),
          elements.size() * sizeof(Element)};
}

TEST(OnnxTensor, SizesOfTypesAndShapes) {
  EXPECT_EQ(valueOf(byteSize(OnnxElementType::Float, {2, 3})), 24u);
  EXPECT_EQ(valueOf(byteSize(OnnxElementType::Complex128, {})), 16u);
  EXPECT_EQ(valueOf(byteSize(OnnxElementType::Int4, {3})), 2u);
  EXPECT_EQ(valueOf(byteSize(OnnxElementType::UInt2, {5})), 2u);
  EXPECT_EQ(valueOf(byteSize(OnnxElementType::Float6E2M3, {5})), 4u);
  EXPECT_EQ(valueOf(byteSize(OnnxElementType::Float, {INT64_MAX, 0})), 0u);
  EXPECT_EQ(valueOf(byteSize(OnnxElementType::Int8, {INT64_MAX})),
            static_cast<uint64_t>(INT64_MAX));
  EXPECT_EQ(valueOf(byteSize(OnnxElementType::Int4, {INT64_MAX})), uint64_t(1)
                                                                       << 62);
  expectError(byteSize(OnnxElementType::Float, {-1}), "is negative");
  expectError(byteSize(OnnxElementType::Float, {0, -1}), "is negative");
  expectError(byteSize(OnnxElementType::Int8, {INT64_MAX, 3}), "overflows");
  expectError(byteSize(OnnxElementType::Double, {INT64_MAX}), "overflows");
  expectError(byteSize(OnnxElementType::String, {1}), "no fixed size");
  expectError(byteSize(static_cast<OnnxElementType>(99), {1}), "type 99");
  expectError(byteSize(static_cast<OnnxElementType>(-7), {1}), "type -7");
}

TEST(OnnxTensor, ReferencesRawDataInTheFile) {
  onnx::ModelProto proto = makeReluModel();
  std::string weights(5000, 'w');
  addInitializer(proto.mutable_graph(), "w", TensorProto::UINT8, {5000},
                 weights);
  auto owner = std::make_shared<const std::string>(proto.SerializeAsString());
  OnnxModel model = valueOf(
      readOnnxModel(llvm::MemoryBufferRef(*owner, "test.onnx"), owner, "", {}));
  OnnxTensor tensor = model.graph.initializers[0];
  EXPECT_GE(tensor.bytes.data(), owner->data());
  EXPECT_LT(tensor.bytes.data(), owner->data() + owner->size());
  // The bytes live as long as the tensor, without the model.
  model = OnnxModel();
  owner.reset();
  EXPECT_EQ(bytesOf(tensor), weights);
}

TEST(OnnxTensor, DecodesTypedData) {
  TensorProto floats = makeTensor(TensorProto::FLOAT, {2});
  floats.add_float_data(1.5f);
  floats.add_float_data(-2);
  EXPECT_EQ(valueOf(valueOf(readTensor(floats)).asDoubles()),
            (std::vector<double>{1.5, -2}));

  TensorProto doubles = makeTensor(TensorProto::DOUBLE, {1});
  doubles.add_double_data(0.1);
  EXPECT_EQ(valueOf(valueOf(readTensor(doubles)).asDoubles()),
            std::vector<double>{0.1});

  TensorProto longs = makeTensor(TensorProto::INT64, {2});
  longs.add_int64_data(INT64_MIN);
  longs.add_int64_data(7);
  EXPECT_EQ(valueOf(valueOf(readTensor(longs)).asInts()),
            (std::vector<int64_t>{INT64_MIN, 7}));

  for (auto type : {TensorProto::UINT32, TensorProto::UINT64}) {
    TensorProto unsigneds = makeTensor(type, {2});
    unsigneds.add_uint64_data(4000000000u);
    unsigneds.add_uint64_data(1);
    EXPECT_EQ(valueOf(valueOf(readTensor(unsigneds)).asInts()),
              (std::vector<int64_t>{4000000000, 1}));
  }
}

TEST(OnnxTensor, DecodesInt32DataOfNarrowTypes) {
  struct Case {
    int type;
    int32_t value;
    std::string bytes;
  };
  const Case cases[] = {
      {TensorProto::INT32, -5, rawBytes<int32_t>({-5})},
      {TensorProto::INT16, -5, rawBytes<int16_t>({-5})},
      {TensorProto::UINT16, 65535, rawBytes<uint16_t>({65535})},
      {TensorProto::INT8, -128, "\x80"},
      {TensorProto::UINT8, 255, "\xff"},
      {TensorProto::BOOL, 1, "\1"},
      {TensorProto::FLOAT16, 0x3c00, rawBytes<uint16_t>({0x3c00})},
      {TensorProto::BFLOAT16, 0x3f80, rawBytes<uint16_t>({0x3f80})},
      {/*FLOAT8E4M3FN*/ 17, 0x38, "\x38"},
      {/*INT4*/ 22, 0x7, "\x07"},
  };
  for (const Case &testCase : cases) {
    TensorProto tensor = makeTensor(testCase.type, {1});
    tensor.add_int32_data(testCase.value);
    EXPECT_EQ(bytesOf(valueOf(readTensor(tensor))), testCase.bytes)
        << "type " << testCase.type;
  }
}

TEST(OnnxTensor, PacksSixBitFloats) {
  TensorProto tensor = makeTensor(/*FLOAT6E2M3*/ 27, {5});
  for (int value : {1, 2, 3, 63, 5})
    tensor.add_int32_data(value);
  // Four elements in three bytes, the first in the lowest bits.
  EXPECT_EQ(bytesOf(valueOf(readTensor(tensor))), "\x81\x30\xfc\x05");
}

TEST(OnnxTensor, WidensPackedIntegers) {
  TensorProto nibbles = makeTensor(/*INT4*/ 22, {3});
  nibbles.set_raw_data("\x8f\x07");
  EXPECT_EQ(valueOf(valueOf(readTensor(nibbles)).asInts()),
            (std::vector<int64_t>{-1, -8, 7}));
  nibbles.set_data_type(/*UINT4*/ 21);
  EXPECT_EQ(valueOf(valueOf(readTensor(nibbles)).asInts()),
            (std::vector<int64_t>{15, 8, 7}));
  TensorProto crumbs = makeTensor(/*INT2*/ 26, {5});
  crumbs.set_raw_data("\xe4\x03");
  EXPECT_EQ(valueOf(valueOf(readTensor(crumbs)).asInts()),
            (std::vector<int64_t>{0, 1, -2, -1, -1}));
}

TEST(OnnxTensor, WidensHalfPrecision) {
  TensorProto half = makeTensor(TensorProto::FLOAT16, {3});
  half.set_raw_data(rawBytes<uint16_t>({0x3c00, 0xc000, 0x0001}));
  EXPECT_EQ(valueOf(valueOf(readTensor(half)).asDoubles()),
            (std::vector<double>{1, -2, 0x1p-24}));
  half.set_data_type(TensorProto::BFLOAT16);
  half.set_raw_data(rawBytes<uint16_t>({0x3f80, 0xc000, 0x4049}));
  EXPECT_EQ(valueOf(valueOf(readTensor(half)).asDoubles()),
            (std::vector<double>{1, -2, 3.140625}));
}

TEST(OnnxTensor, FailsToWidenOtherTypes) {
  TensorProto floats = makeTensor(TensorProto::FLOAT, {1});
  floats.add_float_data(1);
  expectError(valueOf(readTensor(floats)).asInts(),
              "tensor 'w' holds FLOAT, expected integers");
  TensorProto ints = makeTensor(TensorProto::INT8, {1});
  ints.add_int32_data(1);
  expectError(valueOf(readTensor(ints)).asDoubles(),
              "tensor 'w' holds INT8, expected floating-point numbers");
  OnnxTensor handMade;
  handMade.name = "h";
  handMade.elementType = OnnxElementType::Float;
  handMade.dims = {1000};
  expectError(handMade.asDoubles(), "does not have the bytes of its shape");
}

TEST(OnnxTensor, ReadsStrings) {
  TensorProto tensor = makeTensor(TensorProto::STRING, {2});
  tensor.add_string_data("one");
  expectError(readTensor(tensor), "has 1 strings, but STRING[2] needs 2");
  tensor.add_string_data("two");
  EXPECT_EQ(valueOf(readTensor(tensor)).strings, (Names{"one", "two"}));
}

TEST(OnnxTensor, NormalisesBools) {
  TensorProto tensor = makeTensor(TensorProto::BOOL, {3});
  tensor.set_raw_data(std::string("\0\x7f\1", 3));
  EXPECT_EQ(bytesOf(valueOf(readTensor(tensor))), std::string("\0\1\1", 3));
}

TEST(OnnxTensor, ReadsEmptyTensorsWithoutData) {
  EXPECT_EQ(valueOf(readTensor(makeTensor(TensorProto::FLOAT, {0, 4}))).rank(),
            2);
  EXPECT_TRUE(valueOf(readTensor(makeTensor(TensorProto::STRING, {0})))
                  .strings.empty());
}

TEST(OnnxTensor, FailsOnDataThatDoesNotFit) {
  TensorProto tensor = makeTensor(TensorProto::FLOAT, {2, 3});
  expectError(readTensor(tensor), "initializer 'w': has no data");
  tensor.set_raw_data("12345");
  expectError(readTensor(tensor), "initializer 'w': raw_data does not have "
                                  "the 24 bytes that FLOAT[2,3] needs");
  tensor.add_float_data(1);
  expectError(readTensor(tensor), "has data in both");
  tensor.clear_raw_data();
  expectError(readTensor(tensor), "float_data does not have the 24 bytes");
  tensor.clear_float_data();
  tensor.add_double_data(1);
  expectError(readTensor(tensor), "has its FLOAT elements in double_data");
  tensor.set_data_type(TensorProto::UNDEFINED);
  expectError(readTensor(tensor), "unknown element UNDEFINED");
  tensor.set_data_type(1000);
  expectError(readTensor(tensor), "unknown element type 1000");
}

TEST(OnnxTensor, FailsOnTypedValuesOutOfRange) {
  TensorProto tensor = makeTensor(TensorProto::INT8, {1});
  tensor.add_int32_data(300);
  expectError(readTensor(tensor),
              "int32_data has the value 300, which is no INT8");
  tensor.set_data_type(TensorProto::FLOAT16);
  tensor.set_int32_data(0, 70000);
  expectError(readTensor(tensor), "has the value 70000, which is no FLOAT16");
}

TEST(OnnxTensor, FailsOnHostileShapes) {
  TensorProto tensor = makeTensor(TensorProto::FLOAT, {-4});
  tensor.set_raw_data("1234");
  expectError(readTensor(tensor), "FLOAT[-4]: dimension -4 is negative");
  tensor.set_dims(0, INT64_MAX);
  tensor.add_dims(INT64_MAX);
  expectError(readTensor(tensor), "the number of elements overflows");
  tensor = makeTensor(TensorProto::FLOAT, {INT64_MAX / 2});
  tensor.set_raw_data("1234");
  expectError(readTensor(tensor), "the size in bytes overflows");
  tensor = makeTensor(TensorProto::FLOAT, {int64_t(1) << 40});
  tensor.set_raw_data("1234");
  expectError(readTensor(tensor), "raw_data does not have");
}

TEST(OnnxTensor, FailsOnSegments) {
  TensorProto tensor = makeTensor(TensorProto::FLOAT, {1});
  tensor.mutable_segment()->set_begin(0);
  expectError(readTensor(tensor), "is split in segments");
}

static onnx::SparseTensorProto makeSparse() {
  onnx::SparseTensorProto sparse;
  *sparse.mutable_values() = makeTensor(TensorProto::INT8, {2});
  sparse.mutable_values()->set_raw_data("ab");
  *sparse.mutable_indices() = makeTensor(TensorProto::INT64, {2, 2});
  for (int64_t index : {0, 1, 1, 2})
    sparse.mutable_indices()->add_int64_data(index);
  sparse.add_dims(2);
  sparse.add_dims(3);
  return sparse;
}

static llvm::Expected<OnnxTensor>
readSparse(const onnx::SparseTensorProto &sparse,
           const OnnxReadOptions &options = {}) {
  onnx::ModelProto proto = makeReluModel();
  *proto.mutable_graph()->add_sparse_initializer() = sparse;
  llvm::Expected<OnnxModel> model =
      readBytes(proto.SerializeAsString(), options);
  if (!model)
    return model.takeError();
  return model->graph.initializers.front();
}

TEST(OnnxSparseTensor, IsMadeDense) {
  OnnxTensor dense = valueOf(readSparse(makeSparse()));
  EXPECT_EQ(dense.name, "w");
  EXPECT_EQ(dense.dims, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(bytesOf(dense), std::string("\0a\0\0\0b", 6));

  onnx::SparseTensorProto linear = makeSparse();
  *linear.mutable_indices() = makeTensor(TensorProto::INT64, {2});
  linear.mutable_indices()->add_int64_data(1);
  linear.mutable_indices()->add_int64_data(5);
  EXPECT_EQ(bytesOf(valueOf(readSparse(linear))), std::string("\0a\0\0\0b", 6));
}

TEST(OnnxSparseTensor, HasEveryElementOnceAndADimension) {
  onnx::SparseTensorProto twice = makeSparse();
  twice.mutable_indices()->set_int64_data(2, 0);
  twice.mutable_indices()->set_int64_data(3, 1);
  expectError(readSparse(twice), "element 1 is there twice");

  onnx::SparseTensorProto scalar = makeSparse();
  *scalar.mutable_indices() = makeTensor(TensorProto::INT64, {2});
  for (int64_t index : {0, 0})
    scalar.mutable_indices()->add_int64_data(index);
  scalar.clear_dims();
  expectError(readSparse(scalar), "has at least one dimension");
}

TEST(OnnxSparseTensor, IsMadeDenseInAttributes) {
  onnx::ModelProto proto = makeReluModel();
  onnx::NodeProto *node =
      addNode(proto.mutable_graph(), "Constant", {}, {"c"}, "constant");
  onnx::AttributeProto *attribute = node->add_attribute();
  attribute->set_name("sparse_value");
  attribute->set_type(onnx::AttributeProto::SPARSE_TENSOR);
  *attribute->mutable_sparse_tensor() = makeSparse();
  OnnxModel model = readValid(proto);
  EXPECT_EQ(bytesOf(*valueOf(model.graph.nodes[1].getTensor("sparse_value"))),
            std::string("\0a\0\0\0b", 6));
}

TEST(OnnxSparseTensor, SharesOneLimitWithTheOthers) {
  onnx::ModelProto proto = makeReluModel();
  for (const char *name : {"w", "v"}) {
    onnx::SparseTensorProto *sparse =
        proto.mutable_graph()->add_sparse_initializer();
    *sparse = makeSparse();
    sparse->mutable_values()->set_name(name);
  }
  OnnxReadOptions options;
  options.denseLimit = 12;
  std::string bytes = proto.SerializeAsString();
  EXPECT_EQ(valueOf(readBytes(bytes, options)).graph.initializers.size(), 2u);
  options.denseLimit = 11;
  expectError(readBytes(bytes, options),
              "sparse initializer 'v': made dense, it would take 6 bytes; 5 "
              "are left for all sparse tensors");
}

TEST(OnnxSparseTensor, FailsOnHostileContents) {
  onnx::SparseTensorProto sparse = makeSparse();
  sparse.mutable_indices()->set_int64_data(3, 3);
  expectError(readSparse(sparse),
              "sparse initializer 'w': index 3 is out of range on axis 1");
  sparse.mutable_indices()->set_int64_data(3, -1);
  expectError(readSparse(sparse), "index -1 is out of range");
  sparse = makeSparse();
  sparse.add_dims(4);
  expectError(readSparse(sparse), "the shape of the indices does not fit");
  sparse = makeSparse();
  sparse.set_dims(0, int64_t(1) << 50);
  expectError(readSparse(sparse), "made dense, it would take");
  sparse = makeSparse();
  sparse.mutable_indices()->set_data_type(TensorProto::INT32);
  expectError(readSparse(sparse), "indices: has its INT32 elements");
  sparse = makeSparse();
  sparse.mutable_values()->add_dims(1);
  expectError(readSparse(sparse), "the values have rank 2, expected 1");
}

TEST(OnnxTensorFile, IsReadAlone) {
  TemporaryFolder folder;
  TensorProto tensor = makeTensor(TensorProto::INT64, {1});
  tensor.add_int64_data(42);
  std::string path = folder.write("input_0.pb", tensor.SerializeAsString());
  EXPECT_EQ(valueOf(valueOf(readOnnxTensor(path, {})).asInts()),
            std::vector<int64_t>{42});
  expectError(readOnnxTensor(folder.path("none.pb"), {}), "No such file");
}
