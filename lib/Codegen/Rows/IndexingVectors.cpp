//===- IndexingVectors.cpp - Vectors of one-hot elements ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/Elements/FlatAccess.h"
#include "sluice/Codegen/Rows/ElementVectors.h"
#include "sluice/Codegen/Rows/RowFamilies.h"

using namespace mlir;
using namespace sluice;
using Predicate = arith::CmpIPredicate;

static Value oneHotElements(KernelBuilder &kernel, OpResult result,
                            const VectorPlace &place) {
  auto op = cast<OneHotOp>(result.getOwner());
  OpBuilder &builder = kernel.builder;
  BodyBuilder body{builder, kernel.loc};
  int64_t axis = op.getAxis();
  auto splat = [&](Value x) { return splatLanes(kernel, x, place.lanes); };
  Value depth = kernel.size(result, axis);
  VectorPlace marked = place;
  marked.indices.erase(marked.indices.begin() + axis);
  Value isHere;
  if (axis == place.inner) {
    // The lane that is marked, or none. Of as many bits as lanes have places.
    Value index = wrapNegative(
        kernel, loadIndex(kernel, op.getIndices(), marked.indices), depth);
    Value lane = kernel.sub(index, place.indices[axis]);
    Value isInside =
        compare(kernel, Predicate::ult, lane, kernel.index(place.lanes));
    lane = select(kernel, isInside, lane, kernel.index(place.lanes));
    Value all = kernel.rows.laneNumbers(
        kernel, kernel.rows.laneType(builder.getI32Type(), place.lanes));
    isHere =
        body.compare(Predicate::eq, all,
                     splat(arith::IndexCastOp::create(
                         builder, kernel.loc, builder.getI32Type(), lane)));
  } else {
    marked.inner -= axis < place.inner;
    Type type = elementTypeOf(op.getIndices());
    Value index = loadElements(kernel, op.getIndices(), marked);
    Value size = splat(kernel.fromIndex(depth, type));
    if (!isUnsignedType(type))
      index = body.select(body.compare(Predicate::slt, index, body.zero(index)),
                          body.make<arith::AddIOp>(index, size), index);
    isHere = body.compare(Predicate::eq, index,
                          splat(kernel.fromIndex(place.indices[axis], type)));
  }
  return body.select(isHere,
                     splat(kernel.load(op.getValues(), kernel.index(1))),
                     splat(kernel.load(op.getValues(), kernel.index(0))));
}

void sluice::registerIndexingVectors(EmitterRegistry &registry) {
  registry.addVector<OneHotOp>(oneHotElements);
}
