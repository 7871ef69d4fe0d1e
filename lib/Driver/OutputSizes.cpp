//===- OutputSizes.cpp - How outputs' sizes follow from inputs' -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "OutputSizes.h"
#include "dialects/Kernel/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sluice {

namespace {

/// Reads formulas off the ops of a block, each of which is looked at once.
class FormulaReader {
public:
  explicit FormulaReader(const std::vector<TensorSignature> &inputs)
      : inputs(inputs) {
    for (auto [index, input] : llvm::enumerate(inputs))
      for (auto [dimension, name] : llvm::enumerate(input.dimNames))
        if (!name.empty())
          firstOfName.try_emplace(name, index, dimension);
  }

  void visit(Operation &op) {
    if (op.getNumResults() != 1 || !op.getResult(0).getType().isIntOrIndex())
      return;
    SizeFormula formula = read(op);
    if (formula.isKnown())
      formulas[op.getResult(0)] = std::move(formula);
  }
  SizeFormula of(Value value) const {
    if (auto number = getConstantIntValue(value))
      return SizeFormula::number(*number);
    return formulas.lookup(value);
  }

private:
  SizeFormula read(Operation &op) const;
  SizeFormula readSize(int64_t input, int64_t dimension) const;
  SizeFormula readDivision(Operation &op) const;
  SizeFormula readSelect(arith::SelectOp op) const;

  const std::vector<TensorSignature> &inputs;
  /// By the name of dimensions: an input and its dimension.
  llvm::StringMap<std::pair<unsigned, unsigned>> firstOfName;
  DenseMap<Value, SizeFormula> formulas;
};

} // namespace

/// Dimensions of one name are one size, which is told by the first of them.
SizeFormula FormulaReader::readSize(int64_t input, int64_t dimension) const {
  const TensorSignature &tensor = inputs[input];
  if (tensor.dims[dimension] >= 0)
    return SizeFormula::number(tensor.dims[dimension]);
  const std::string &name = tensor.dimNames[dimension];
  if (auto first = firstOfName.find(name); first != firstOfName.end())
    return SizeFormula::inputSize(first->second.first, first->second.second);
  return SizeFormula::inputSize(input, dimension);
}

SizeFormula FormulaReader::readDivision(Operation &op) const {
  SizeFormula lhs = of(op.getOperand(0)), rhs = of(op.getOperand(1));
  // Rounding and signs only differ below zero.
  if (!isa<arith::DivSIOp, arith::RemSIOp>(op) && !lhs.isAtLeast(0))
    return {};
  if (isa<arith::RemSIOp, arith::RemUIOp>(op))
    return SizeFormula::remainder(lhs, rhs);
  if (isa<arith::CeilDivSIOp, arith::CeilDivUIOp>(op))
    lhs = SizeFormula::add(lhs, SizeFormula::add(rhs, SizeFormula::number(-1)));
  return SizeFormula::divide(lhs, rhs);
}

SizeFormula FormulaReader::readSelect(arith::SelectOp op) const {
  auto condition = op.getCondition().getDefiningOp<arith::CmpIOp>();
  if (!condition)
    return {};
  SizeFormula lhs = of(condition.getLhs()), rhs = of(condition.getRhs()),
              onTrue = of(op.getTrueValue()), onFalse = of(op.getFalseValue());
  using Comparison = SizeFormula::Comparison;
  switch (condition.getPredicate()) {
  case arith::CmpIPredicate::eq:
    return SizeFormula::select(Comparison::Equal, lhs, rhs, onTrue, onFalse);
  case arith::CmpIPredicate::ne:
    return SizeFormula::select(Comparison::NotEqual, lhs, rhs, onTrue, onFalse);
  case arith::CmpIPredicate::slt:
    return SizeFormula::select(Comparison::Less, lhs, rhs, onTrue, onFalse);
  case arith::CmpIPredicate::sle:
    return SizeFormula::select(Comparison::LessEqual, lhs, rhs, onTrue,
                               onFalse);
  case arith::CmpIPredicate::sgt:
    return SizeFormula::select(Comparison::Less, rhs, lhs, onTrue, onFalse);
  case arith::CmpIPredicate::sge:
    return SizeFormula::select(Comparison::LessEqual, rhs, lhs, onTrue,
                               onFalse);
  default:
    return {};
  }
}

SizeFormula FormulaReader::read(Operation &op) const {
  auto operand = [&](unsigned index) { return of(op.getOperand(index)); };
  return llvm::TypeSwitch<Operation *, SizeFormula>(&op)
      .Case([&](kernel::InputSizeOp size) {
        return readSize(size.getIndex(), size.getDimension());
      })
      .Case<arith::IndexCastOp, arith::ExtSIOp>(
          [&](auto) { return operand(0); })
      .Case([&](arith::AddIOp) {
        return SizeFormula::add(operand(0), operand(1));
      })
      .Case([&](arith::SubIOp) {
        return SizeFormula::add(
            operand(0),
            SizeFormula::multiply(operand(1), SizeFormula::number(-1)));
      })
      .Case([&](arith::MulIOp) {
        return SizeFormula::multiply(operand(0), operand(1));
      })
      .Case<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp,
            arith::CeilDivSIOp, arith::CeilDivUIOp, arith::RemSIOp,
            arith::RemUIOp>([&](auto) { return readDivision(op); })
      .Case([&](arith::MaxSIOp) {
        return SizeFormula::maximum(operand(0), operand(1));
      })
      .Case([&](arith::MinSIOp) {
        return SizeFormula::minimum(operand(0), operand(1));
      })
      .Case([&](arith::SelectOp select) { return readSelect(select); })
      .Default([](Operation *) { return SizeFormula(); });
}

/// What a dimension of an input is called in formulas: names that could be
/// taken for formulas themselves are quoted.
static std::string nameInFormula(const TensorSignature &tensor,
                                 unsigned dimension) {
  const std::string &name = tensor.dimNames[dimension];
  if (name.empty())
    return tensor.name + "[" + std::to_string(dimension) + "]";
  bool isPlain = llvm::all_of(name, [](char letter) {
    return llvm::isAlnum(letter) || letter == '_' || letter == '.';
  });
  return isPlain ? name : "'" + name + "'";
}

/// The file's word for what nothing else is known about; the runtime holds runs
/// to it.
static void adoptDeclaredSizes(DictionaryAttr attributes,
                               TensorSignature &output) {
  auto declared = attributes.getAs<DenseI64ArrayAttr>("sluice.declared");
  for (size_t dim = 0; declared && dim < output.dims.size(); ++dim)
    if (output.dims[dim] < 0 && !output.formulas[dim].isKnown() &&
        declared[dim] >= 0)
      output.dims[dim] = declared[dim];
}

void describeOutputSizes(func::FuncOp host, ModelSignature &signature) {
  SizeFormula::Spelling spelling;
  spelling.inputSize = [&](unsigned input, unsigned dimension) {
    return nameInFormula(signature.inputs[input], dimension);
  };
  spelling.isSpaced = false;
  FormulaReader reader(signature.inputs);
  for (TensorSignature &output : signature.outputs)
    output.formulas.resize(output.dims.size());
  for (Operation &op : host.getBody().front()) {
    reader.visit(op);
    auto made = dyn_cast<kernel::OutputOp>(op);
    if (!made)
      continue;
    TensorSignature &output = signature.outputs[made.getIndex()];
    auto type = cast<MemRefType>(made.getResult().getType());
    auto sizes = made.getSizes().begin();
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (!type.isDynamicDim(dim))
        continue;
      SizeFormula formula = reader.of(*sizes++);
      if (!formula.isKnown())
        continue;
      output.dimNames[dim] = formula.print(spelling);
      output.formulas[dim] = std::move(formula);
    }
  }
  auto attributes = host->getAttrOfType<ArrayAttr>("sluice.outputs");
  for (size_t i = 0; attributes && i < attributes.size(); ++i)
    adoptDeclaredSizes(cast<DictionaryAttr>(attributes[i]),
                       signature.outputs[i]);
}

} // namespace sluice
