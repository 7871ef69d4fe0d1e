//===- StateDialect.cpp - What one run leaves for the next one ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeBuilder.h"
#include "dialects/State/State.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sluice;

#include "dialects/State/StateDialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/State/StateAttributes.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/State/StateOps.cpp.inc"

void StateDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/State/StateAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/State/StateOps.cpp.inc"
      >();
}

StateAttr sluice::getState(func::FuncOp main, unsigned argument) {
  return main.getArgAttrOfType<StateAttr>(argument, stateAttributeName);
}

LogicalResult StateAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                int64_t output, std::optional<int64_t> axis,
                                int64_t capacity, bool inPlace) {
  if (output < 0 || (axis && *axis < 0) || capacity < 0)
    return emitError() << "a state has no negative numbers";
  if (!axis && capacity > 0)
    return emitError() << "a state without an axis has no capacity";
  if (axis && inPlace)
    return emitError() << "a state that grows is not replaced in place";
  return success();
}

LogicalResult GrowStateOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  Value state = adaptor.getState(), added = adaptor.getAdded();
  auto axis = static_cast<int64_t>(adaptor.getAxis());
  int64_t rank = shapeOf(state).size();
  if (axis < 0 || axis >= rank)
    return emitOptionalError(location, "axis ", axis, " is not within rank ",
                             rank);
  if (static_cast<int64_t>(shapeOf(added).size()) != rank ||
      elementTypeOf(state) != elementTypeOf(added))
    return emitOptionalError(location, "what is added does not fit the state: ",
                             state.getType(), " and ", added.getType());
  SmallVector<int64_t> shape(shapeOf(state));
  for (auto [i, size, known] : llvm::enumerate(shape, shapeOf(added))) {
    if (static_cast<int64_t>(i) == axis) {
      if (ShapedType::isDynamic(size) || ShapedType::isDynamic(known))
        size = ShapedType::kDynamic;
      else if (__builtin_add_overflow(size, known, &size))
        return emitOptionalError(location, "the size overflows");
    } else if (ShapedType::isDynamic(size)) {
      size = known;
    } else if (!ShapedType::isDynamic(known) && known != size) {
      return emitOptionalError(
          location, "what is added does not fit the state: ", state.getType(),
          " and ", added.getType());
    }
  }
  types.push_back(RankedTensorType::get(shape, elementTypeOf(state)));
  return success();
}

LogicalResult
GrowStateOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  auto axis = static_cast<int64_t>(getAxis());
  shapes.push_back(size.ofType(getType(), [&](int64_t i) {
    OpFoldResult own = size.of(getState(), i);
    return i == axis ? size.add(own, size.of(getAdded(), i)) : own;
  }));
  return success();
}
