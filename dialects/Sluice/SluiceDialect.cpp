//===- SluiceDialect.cpp - The sluice dialect -----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/LinearAttention.h"
#include "dialects/Sluice/Routing.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sluice;

#include "dialects/Sluice/SluiceDialect.cpp.inc"
#include "dialects/Sluice/SluiceEnums.cpp.inc"
#include "dialects/Sluice/SluiceInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Sluice/SluiceAttributes.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/Sluice/SluiceOps.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/Sluice/LinearAttentionOps.cpp.inc"
#include "dialects/Sluice/RoutingEnums.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/Sluice/RoutingOps.cpp.inc"

namespace {
/// Ops say what they demand of sizes, or that it is nothing.
template <typename OpTy> struct SaysSizeConditions {
  static_assert(OpTy::template hasTrait<SizeConditionsOpInterface::Trait>() !=
                    OpTy::template hasTrait<trait::NoSizeConditions>(),
                "an op has HasSizeConditions or NoSizeConditions");
  static constexpr bool value = true;
};
template <typename... OpTys>
constexpr bool sayConditions = (SaysSizeConditions<OpTys>::value && ...);
static_assert(sayConditions<
#define GET_OP_LIST
#include "dialects/Sluice/SluiceOps.cpp.inc"
              >);
static_assert(sayConditions<
#define GET_OP_LIST
#include "dialects/Sluice/LinearAttentionOps.cpp.inc"
              >);
static_assert(sayConditions<
#define GET_OP_LIST
#include "dialects/Sluice/RoutingOps.cpp.inc"
              >);
} // namespace

void SluiceDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Sluice/SluiceAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Sluice/SluiceOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Sluice/LinearAttentionOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Sluice/RoutingOps.cpp.inc"
      >();
}

Operation *SluiceDialect::materializeConstant(OpBuilder &builder,
                                              Attribute value, Type type,
                                              Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getShapedType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, elements);
}
