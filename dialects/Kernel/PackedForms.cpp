//===- PackedForms.cpp - What ops become with packed constants ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/PackedForms.h"
#include "dialects/Sluice/Sluice.h"

using namespace mlir;
using namespace sluice;
using namespace sluice::kernel;

#include "dialects/Kernel/PackableInterface.cpp.inc"

using Packings = ArrayRef<PackingAttrInterface>;

Value kernel::skipWidening(Value value, Type weights) {
  auto cast = value.getDefiningOp<CastOp>();
  if (!cast || !elementTypeOf(value).isSignlessInteger(32) ||
      !isNarrowInteger(weights) ||
      !isNarrowInteger(elementTypeOf(cast->getOperand(0))))
    return value;
  return cast->getOperand(0);
}

namespace {

struct MatmulForm final
    : PackableOpInterface::ExternalModel<MatmulForm, MatmulOp> {
  Operation *buildPacked(Operation *op, OpBuilder &builder, ValueRange operands,
                         Packings) const {
    auto matmul = cast<MatmulOp>(op);
    ArrayRef<int64_t> rhs = shapeOf(matmul.getRhs());
    int64_t columns =
        matmul.getTransposeRhs() ? rhs[rhs.size() - 2] : rhs.back();
    return PackedMatmulOp::create(
        builder, op->getLoc(), matmul.getType(),
        skipWidening(operands[0], elementTypeOf(operands[1])), operands[1],
        columns);
  }
};

struct GroupedMatmulForm final
    : PackableOpInterface::ExternalModel<GroupedMatmulForm, GroupedMatmulOp> {
  Operation *buildPacked(Operation *op, OpBuilder &builder, ValueRange operands,
                         Packings) const {
    auto product = cast<GroupedMatmulOp>(op);
    auto find = [&](MutableOperandRange optional) -> Value {
      return optional.empty() ? Value()
                              : operands[optional[0].getOperandNumber()];
    };
    return PackedGroupedMatmulOp::create(
        builder, op->getLoc(), product.getType(), operands[0], operands[1],
        operands[2], find(product.getRowsMutable()),
        find(product.getPlacesMutable()), find(product.getBiasMutable()),
        product.getGroups(), product.getColumns(), product.getRepeat());
  }
};

struct ConvForm final : PackableOpInterface::ExternalModel<ConvForm, ConvOp> {
  Operation *buildPacked(Operation *op, OpBuilder &builder, ValueRange operands,
                         Packings) const {
    auto conv = cast<ConvOp>(op);
    ArrayRef<int64_t> weight = shapeOf(conv.getWeight());
    Value input = skipWidening(operands[0], elementTypeOf(operands[1]));
    return PackedConvOp::create(builder, op->getLoc(), conv.getType(), input,
                                operands[1], weight.drop_front(2),
                                conv.getStrides(), conv.getDilations(),
                                conv.getPads(), conv.getGroups(), weight[0]);
  }
};

struct ConvTransposeForm final
    : PackableOpInterface::ExternalModel<ConvTransposeForm, ConvTransposeOp> {
  Operation *buildPacked(Operation *op, OpBuilder &builder, ValueRange operands,
                         Packings) const {
    auto conv = cast<ConvTransposeOp>(op);
    ArrayRef<int64_t> weight = shapeOf(conv.getWeight());
    Value input = skipWidening(operands[0], elementTypeOf(operands[1]));
    return PackedConvTransposeOp::create(
        builder, op->getLoc(), conv.getType(), input, operands[1],
        weight.drop_front(2), conv.getStrides(), conv.getDilations(),
        conv.getPads(), conv.getGroups(), weight[1] * conv.getGroups(),
        conv.getOutputPadding());
  }
};

struct GatherForm final
    : PackableOpInterface::ExternalModel<GatherForm, GatherOp> {
  Operation *buildPacked(Operation *op, OpBuilder &builder, ValueRange operands,
                         Packings packing) const {
    auto gather = cast<GatherOp>(op);
    ArrayRef<int64_t> table = shapeOf(gather.getOperand());
    return PackedGatherOp::create(builder, op->getLoc(), gather.getType(),
                                  operands[0], operands[1], table[1], table[0],
                                  cast<PanelsAttr>(packing[0]).getWidth());
  }
};

struct RecurrenceForm final
    : PackableOpInterface::ExternalModel<RecurrenceForm, RecurrenceOp> {
  Operation *buildPacked(Operation *op, OpBuilder &builder, ValueRange operands,
                         Packings) const {
    SmallVector<NamedAttribute> attributes(op->getAttrs());
    attributes.push_back(builder.getNamedAttr(
        "units", builder.getI64IntegerAttr(cast<RecurrenceOp>(op).getUnits())));
    return PackedRecurrenceOp::create(
        builder, op->getLoc(), op->getResultTypes(), operands, attributes);
  }
};

} // namespace

void kernel::registerPackedForms(DialectRegistry &registry) {
  registry.addExtension(
      +[](MLIRContext *context, KernelDialect *, SluiceDialect *) {
        MatmulOp::attachInterface<MatmulForm>(*context);
        GroupedMatmulOp::attachInterface<GroupedMatmulForm>(*context);
        ConvOp::attachInterface<ConvForm>(*context);
        ConvTransposeOp::attachInterface<ConvTransposeForm>(*context);
        GatherOp::attachInterface<GatherForm>(*context);
        RecurrenceOp::attachInterface<RecurrenceForm>(*context);
      });
}
