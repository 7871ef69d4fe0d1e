//===- NodeContext.h - What the translation of one node sees ----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// An operator's translation is a function
//
//   llvm::Expected<Values> importFoo(NodeContext &node);
//
// that reads inputs and attributes from `node`, makes ops with
// `node.create<FooOp>(operands, attributes)` and returns one value per output.
// Nothing in it may assert on what the model says: `create` checks types, the
// attribute getters check kinds, and `node.unsupported(reason)` refuses.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_NODECONTEXT_H
#define SLUICE_LIB_IMPORT_NODECONTEXT_H

#include "dialects/Sluice/Sluice.h"
#include "mlir/IR/Builders.h"
#include "sluice/Import/Onnx/OnnxModel.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

namespace sluice {

using Values = llvm::SmallVector<mlir::Value>;

/// A node that is legal ONNX but not supported.
class UnsupportedError : public llvm::ErrorInfo<UnsupportedError> {
public:
  static char ID;
  explicit UnsupportedError(std::string reason) : reason(std::move(reason)) {}
  void log(llvm::raw_ostream &os) const override { os << reason; }
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }
  std::string reason;
};

class GraphImporter;

class NodeContext {
public:
  NodeContext(GraphImporter &graph, const OnnxNode &node,
              mlir::OpBuilder &builder, mlir::Location loc, Values inputs)
      : node(node), builder(builder), loc(loc), graph(graph),
        inputs(std::move(inputs)) {}

  const OnnxNode &node;
  mlir::OpBuilder &builder;
  mlir::Location loc;

  int64_t opset() const { return node.opsetVersion; }
  size_t inputCount() const { return inputs.size(); }
  bool hasInput(size_t index) const {
    return index < inputs.size() && inputs[index];
  }
  /// The value of an input, null where it is not given.
  mlir::Value optionalInput(size_t index) const {
    return hasInput(index) ? inputs[index] : mlir::Value();
  }
  /// The value of an input; the node's arity was checked against the
  /// operator's minimum before, so required inputs are there.
  mlir::Value input(size_t index) const { return inputs[index]; }
  /// The same node with another value for an input.
  NodeContext withInput(size_t index, mlir::Value value) const {
    NodeContext result = *this;
    result.inputs[index] = value;
    return result;
  }
  mlir::RankedTensorType inputType(size_t index) const {
    return llvm::cast<mlir::RankedTensorType>(inputs[index].getType());
  }
  int64_t rank(mlir::Value value) const { return shapeOf(value).size(); }
  /// The rank that the model declares an output to have; none where it says
  /// nothing. It is a hint: what relies on it has to be checked in the run.
  std::optional<int64_t> declaredRank(size_t output) const;
  /// The size that the model declares a dimension of an output to have; none
  /// where it says nothing. It is a hint, too.
  std::optional<int64_t> declaredSize(size_t output, size_t dimension) const;
  /// Does anything read an output? A translation may leave out what is not.
  bool isUsed(size_t output) const;

  /// The elements of an integer input, if known at compile time.
  std::optional<llvm::SmallVector<int64_t>> constantInts(size_t index) const;
  /// The same, refusing the node where they are not known. `what` names the
  /// input in the message.
  llvm::Expected<llvm::SmallVector<int64_t>>
  requireConstantInts(size_t index, llvm::StringRef what) const;
  /// The only element of a float input, if known at compile time.
  std::optional<double> constantFloat(size_t index) const;

  /// An axis in [0, rank); negative axes count from the end.
  llvm::Expected<int64_t> normaliseAxis(int64_t axis, int64_t rank) const;
  llvm::Expected<llvm::SmallVector<int64_t>>
  normaliseAxes(llvm::ArrayRef<int64_t> axes, int64_t rank) const;

  /// Makes an op after checking that its types can be inferred; returns its
  /// first result through `Expected`.
  template <typename OpTy>
  llvm::Expected<mlir::Value>
  create(mlir::ValueRange operands,
         llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
    auto op = createOp<OpTy>(operands, attributes);
    if (!op)
      return op.takeError();
    return (*op)->getResult(0);
  }
  /// The same for ops with several results.
  template <typename OpTy>
  llvm::Expected<mlir::Operation *>
  createOp(mlir::ValueRange operands,
           llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
    typename OpTy::Properties properties{};
    auto dictionary = builder.getDictionaryAttr(attributes);
    return finishCreate(
        OpTy::getOperationName(), operands, attributes,
        [&](llvm::SmallVectorImpl<mlir::Type> &types) {
          if constexpr (!std::is_same_v<typename OpTy::Properties,
                                        mlir::EmptyProperties>)
            if (mlir::failed(
                    OpTy::setPropertiesFromAttr(properties, dictionary, [&] {
                      return mlir::emitError(loc);
                    })))
              return mlir::failure();
          return OpTy::inferReturnTypes(loc.getContext(), loc, operands,
                                        dictionary, &properties, {}, types);
        });
  }

  mlir::NamedAttribute attribute(llvm::StringRef name,
                                 mlir::Attribute value) const {
    return builder.getNamedAttr(name, value);
  }
  mlir::NamedAttribute ints(llvm::StringRef name,
                            llvm::ArrayRef<int64_t> values) const {
    return attribute(name, builder.getDenseI64ArrayAttr(values));
  }
  mlir::NamedAttribute integer(llvm::StringRef name, int64_t value) const {
    return attribute(name, builder.getI64IntegerAttr(value));
  }
  mlir::NamedAttribute real(llvm::StringRef name, double value) const {
    return attribute(name, builder.getF64FloatAttr(value));
  }
  mlir::NamedAttribute flag(llvm::StringRef name) const {
    return attribute(name, builder.getUnitAttr());
  }

  /// A 1-D i64 constant.
  mlir::Value constantVector(llvm::ArrayRef<int64_t> values);
  /// A scalar (rank 0) constant of any element type.
  mlir::Value scalar(mlir::Type elementType, double value);

  // Often needed compositions.
  llvm::Expected<mlir::Value> reshape(mlir::Value value,
                                      llvm::ArrayRef<int64_t> sizes);
  llvm::Expected<mlir::Value> transpose(mlir::Value value,
                                        llvm::ArrayRef<int64_t> permutation);
  llvm::Expected<mlir::Value> cast(mlir::Value value, mlir::Type elementType);
  /// Inserts dimensions of size one; `axes` are places in the result.
  llvm::Expected<mlir::Value> unsqueeze(mlir::Value value,
                                        llvm::ArrayRef<int64_t> axes);
  /// Drops dimensions (of size one).
  llvm::Expected<mlir::Value> squeeze(mlir::Value value,
                                      llvm::ArrayRef<int64_t> axes);
  /// The sizes of `value` as an i64 vector.
  llvm::Expected<mlir::Value> shapeVector(mlir::Value value);

  /// Refuses the node: legal, but not compiled.
  llvm::Error unsupported(const llvm::Twine &reason) const;
  /// The model breaks the operator's rules.
  llvm::Error invalid(const llvm::Twine &reason) const;

  /// The element type of an ONNX type number; null where not supported.
  mlir::Type elementType(int64_t onnxType) const;
  /// A constant for a tensor of the model, without copying its bytes.
  llvm::Expected<mlir::Value> constant(const OnnxTensor &tensor);
  /// Translates a subgraph (of If, Loop, Scan) at the builder's position; the
  /// values around it are visible. `arguments` are its inputs.
  llvm::Expected<Values> subgraph(const OnnxGraph &body,
                                  mlir::ValueRange arguments);

private:
  llvm::Expected<mlir::Operation *>
  finishCreate(llvm::StringRef name, mlir::ValueRange operands,
               llvm::ArrayRef<mlir::NamedAttribute> attributes,
               llvm::function_ref<
                   llvm::LogicalResult(llvm::SmallVectorImpl<mlir::Type> &)>
                   infer);

  GraphImporter &graph;
  Values inputs;
};

/// Unwraps an `Expected` or returns its error from the current function.
#define SLUICE_TRY(variable, expression)                                       \
  auto variable##OrError = (expression);                                       \
  if (!variable##OrError)                                                      \
    return variable##OrError.takeError();                                      \
  auto variable = std::move(*variable##OrError)

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_NODECONTEXT_H
