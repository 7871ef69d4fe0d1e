//===- DotUnit.cpp - The instructions of a dot unit -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "Units.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "sluice/Codegen/Elements/IndexBuilder.h"

using namespace mlir;
using namespace sluice;

std::optional<NumberKind> sluice::getNumberKind(Type type) {
  if (type.isF16())
    return NumberKind::F16;
  if (type.isBF16())
    return NumberKind::BF16;
  if (type.isF32())
    return NumberKind::F32;
  if (type.isF64())
    return NumberKind::F64;
  if (type.isInteger(8))
    return NumberKind::I8;
  if (type.isInteger(16))
    return NumberKind::I16;
  if (type.isInteger(32))
    return NumberKind::I32;
  if (type.isInteger(64))
    return NumberKind::I64;
  return std::nullopt;
}

Type sluice::getNumberType(MLIRContext *context, NumberKind kind) {
  switch (kind) {
  case NumberKind::F16:
    return Float16Type::get(context);
  case NumberKind::BF16:
    return BFloat16Type::get(context);
  case NumberKind::F32:
    return Float32Type::get(context);
  case NumberKind::F64:
    return Float64Type::get(context);
  case NumberKind::I8:
    return IntegerType::get(context, 8);
  case NumberKind::I16:
    return IntegerType::get(context, 16);
  case NumberKind::I32:
    return IntegerType::get(context, 32);
  case NumberKind::I64:
    return IntegerType::get(context, 64);
  }
  return {};
}

Value sluice::convertElements(OpBuilder &builder, Location loc, Value value,
                              Type element) {
  Type from = getElementTypeOrSelf(value.getType());
  if (from == element)
    return value;
  Type type = element;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(element);
  bool isWider = from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth();
  if (!isa<FloatType>(from))
    return isWider
               ? arith::ExtSIOp::create(builder, loc, type, value).getResult()
               : arith::TruncIOp::create(builder, loc, type, value);
  if (isWider)
    return arith::ExtFOp::create(builder, loc, type, value);
  return arith::TruncFOp::create(builder, loc, type, value);
}

Value sluice::addSums(OpBuilder &builder, Location loc, Value lhs, Value rhs) {
  if (isa<FloatType>(getElementTypeOrSelf(lhs.getType())))
    return arith::AddFOp::create(builder, loc, lhs, rhs);
  return arith::AddIOp::create(builder, loc, lhs, rhs);
}

DotUnit::DotUnit(const DotUnitModel &model, Type sumType)
    : vectorType(VectorType::get({model.lanes}, sumType)),
      operandType(
          VectorType::get({model.lanes * model.depthStep},
                          getNumberType(sumType.getContext(), model.operand))),
      depthStep(model.depthStep) {}

DotUnit::~DotUnit() = default;

Value DotUnit::loadLhs(OpBuilder &builder, Location loc, Value buffer,
                       Value position) const {
  Type element = operandType.getElementType();
  if (depthStep == 1) {
    Value scalar =
        memref::LoadOp::create(builder, loc, buffer, ValueRange{position});
    scalar = convertElements(builder, loc, scalar, element);
    return vector::BroadcastOp::create(builder, loc, operandType, scalar);
  }
  // As one number of all bits, which goes to every lane at once.
  auto group = VectorType::get({depthStep}, element);
  assert(cast<MemRefType>(buffer.getType()).getElementType() == element &&
         "neighbours are read as they lie");
  Value elements =
      vector::LoadOp::create(builder, loc, group, buffer, ValueRange{position});
  Type bits =
      builder.getIntegerType(depthStep * group.getElementTypeBitWidth());
  Value number = vector::BitCastOp::create(
      builder, loc, VectorType::get({1}, bits), elements);
  number = vector::ExtractOp::create(builder, loc, number, 0);
  int64_t lanes = vectorType.getNumElements();
  Value all = vector::BroadcastOp::create(
      builder, loc, VectorType::get({lanes}, bits), number);
  return vector::BitCastOp::create(builder, loc, operandType, all);
}

Value DotUnit::loadVector(OpBuilder &builder, Location loc, Value buffer,
                          OpFoldResult start, Value mask) const {
  Type stored = cast<MemRefType>(buffer.getType()).getElementType();
  auto type = VectorType::get(operandType.getShape(), stored);
  IndexBuilder index(builder, loc);
  Value position = index.value(start);
  Value loaded;
  if (mask) {
    Value zero =
        arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
    loaded = vector::MaskedLoadOp::create(builder, loc, type, buffer,
                                          ValueRange{position}, mask, zero);
  } else {
    loaded = vector::LoadOp::create(builder, loc, type, buffer,
                                    ValueRange{position});
  }
  return convertElements(builder, loc, loaded, operandType.getElementType());
}

std::unique_ptr<DotUnit> sluice::createDotUnit(const DotUnitModel &model,
                                               Type sumType) {
  if (model.emulated)
    return createEmulatedUnit(model, sumType);
  switch (model.kind) {
  case DotUnitModel::Kind::Integer:
    return createIntegerUnit(model, sumType);
  case DotUnitModel::Kind::IntegerPairs:
    return createPairUnit(model, sumType);
  case DotUnitModel::Kind::Float:
    break;
  }
  return createFloatUnit(model, sumType);
}
