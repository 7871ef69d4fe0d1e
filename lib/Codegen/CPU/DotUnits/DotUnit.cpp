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

DotUnit::~DotUnit() = default;

Value DotUnit::loadLhs(OpBuilder &builder, Location loc, Value buffer,
                       Value position) const {
  Value scalar =
      memref::LoadOp::create(builder, loc, buffer, ValueRange{position});
  scalar = convertElements(builder, loc, scalar, getSumType());
  return vector::BroadcastOp::create(builder, loc, vectorType, scalar);
}

Value DotUnit::loadVector(OpBuilder &builder, Location loc, Value buffer,
                          OpFoldResult start, Value mask) const {
  Type stored = cast<MemRefType>(buffer.getType()).getElementType();
  auto type = VectorType::get(vectorType.getShape(), stored);
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
  return convertElements(builder, loc, loaded, getSumType());
}

std::unique_ptr<DotUnit> sluice::createDotUnit(const DotUnitModel &model,
                                               Type sumType) {
  if (model.emulated)
    return createEmulatedUnit(model, sumType);
  if (model.kind == DotUnitModel::Kind::Integer)
    return createIntegerUnit(model, sumType);
  return createFloatUnit(model, sumType);
}
