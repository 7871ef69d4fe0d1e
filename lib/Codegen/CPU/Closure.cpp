//===- Closure.cpp - What outlined code uses of its surroundings ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Closure.h"
#include "dialects/Kernel/Kernel.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace sluice;

func::FuncOp sluice::createOutlinedFunction(OpBuilder &builder,
                                            SymbolTable &symbols,
                                            func::FuncOp origin,
                                            StringRef suffix,
                                            TypeRange arguments) {
  builder.setInsertionPointAfter(origin);
  auto function = func::FuncOp::create(builder, origin.getLoc(),
                                       (origin.getName() + suffix).str(),
                                       builder.getFunctionType(arguments, {}));
  function.setPrivate();
  function->setAttr("llvm.linkage",
                    LLVM::LinkageAttr::get(builder.getContext(),
                                           LLVM::linkage::Linkage::Internal));
  if (auto target = kernel::getOwnTarget(origin))
    function->setAttr(kernel::targetAttributeName, target);
  symbols.insert(function);
  builder.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

UsedValues sluice::findUsedValues(Region &region, ValueRange others) {
  llvm::SetVector<Value> values;
  getUsedValuesDefinedAbove(region, values);
  values.insert(others.begin(), others.end());
  UsedValues used;
  for (Value value : values)
    (matchPattern(value, m_Constant()) ? used.constants : used.captures)
        .push_back(value);
  return used;
}

static bool isPointerOnly(Type type) {
  auto buffer = dyn_cast<MemRefType>(type);
  SmallVector<int64_t> strides;
  int64_t offset;
  return buffer && buffer.hasStaticShape() &&
         succeeded(buffer.getStridesAndOffset(strides, offset)) &&
         !ShapedType::isDynamic(offset) &&
         llvm::none_of(strides, ShapedType::isDynamic);
}

static Value cast(OpBuilder &builder, Location loc, Value value, Type target) {
  if (value.getType() == target)
    return value;
  return UnrealizedConversionCastOp::create(builder, loc, target, value)
      .getResult(0);
}

Closure::Closure(LLVMTypeConverter &converter, UsedValues used)
    : converter(converter), used(std::move(used)) {
  SmallVector<Type> fields;
  for (Value value : this->used.captures)
    fields.push_back(fieldType(value.getType()));
  type = LLVM::LLVMStructType::getLiteral(&converter.getContext(), fields);
}

Value Closure::allocate(OpBuilder &builder, Location loc,
                        func::FuncOp function) {
  OpBuilder::InsertionGuard restore(builder);
  builder.setInsertionPointToStart(&function.getBody().front());
  Value one =
      LLVM::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(1));
  return LLVM::AllocaOp::create(
      builder, loc, LLVM::LLVMPointerType::get(builder.getContext()), type,
      one);
}

void Closure::store(OpBuilder &builder, Location loc, Value closure) {
  for (auto [position, value] : llvm::enumerate(used.captures))
    LLVM::StoreOp::create(builder, loc, toField(builder, loc, value),
                          address(builder, loc, closure, position));
}

void Closure::load(OpBuilder &builder, Location loc, Value closure,
                   IRMapping &mapping) {
  for (Value constant : used.constants)
    builder.clone(*constant.getDefiningOp(), mapping);
  for (auto [position, value] : llvm::enumerate(used.captures)) {
    Value field =
        LLVM::LoadOp::create(builder, loc, type.getBody()[position],
                             address(builder, loc, closure, position));
    mapping.map(value, fromField(builder, loc, field, value.getType()));
  }
}

Type Closure::fieldType(Type type) const {
  if (isPointerOnly(type))
    return LLVM::LLVMPointerType::get(type.getContext());
  return converter.convertType(type);
}

Value Closure::address(OpBuilder &builder, Location loc, Value closure,
                       unsigned position) {
  return LLVM::GEPOp::create(
      builder, loc, closure.getType(), type, closure,
      ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(position)});
}

Value Closure::toField(OpBuilder &builder, Location loc, Value value) {
  Type original = value.getType();
  Value field = cast(builder, loc, value, converter.convertType(original));
  if (!isPointerOnly(original))
    return field;
  return MemRefDescriptor(field).alignedPtr(builder, loc);
}

Value Closure::fromField(OpBuilder &builder, Location loc, Value field,
                         Type original) {
  if (isPointerOnly(original))
    field = MemRefDescriptor::fromStaticShape(
        builder, loc, converter, llvm::cast<MemRefType>(original), field);
  return cast(builder, loc, field, original);
}
