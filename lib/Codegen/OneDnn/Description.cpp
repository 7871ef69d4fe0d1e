//===- Description.cpp - What oneDNN is asked to compute ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Description.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/Weights.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sluice;

static llvm::Error refuse(const llvm::Twine &reason) {
  return llvm::createStringError(reason);
}

/// Every tensor must be f32, of static shape, not empty and of a rank that the
/// description has room for.
static llvm::Error checkTensors(Operation *anchor) {
  auto check = [](Value tensor) -> llvm::Error {
    auto type = cast<RankedTensorType>(tensor.getType());
    if (!type.getElementType().isF32())
      return refuse("its elements are not f32");
    if (!type.hasStaticShape())
      return refuse("a size is only known during the run");
    if (type.getNumElements() == 0)
      return refuse("a tensor is empty");
    if (type.getRank() > SLUICE_ONEDNN_MAX_RANK)
      return refuse("a tensor has too many dimensions");
    return llvm::Error::success();
  };
  for (Value operand : anchor->getOperands())
    if (llvm::Error error = check(operand))
      return error;
  return check(anchor->getResult(0));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Sizes and strides of a dense operand as `rank` dimensions, its matrices
/// swapped where they are stored transposed.
static void describeMatrices(ArrayRef<int64_t> shape, bool transposed,
                             int64_t rank, int64_t *sizes, int64_t *strides) {
  int64_t missing = rank - static_cast<int64_t>(shape.size()), stride = 1;
  for (int64_t i = rank; i-- > 0;) {
    sizes[i] = i < missing ? 1 : shape[i - missing];
    strides[i] = stride;
    stride *= sizes[i];
  }
  if (transposed) {
    std::swap(sizes[rank - 1], sizes[rank - 2]);
    std::swap(strides[rank - 1], strides[rank - 2]);
  }
}

static void describeMatmul(MatmulOp op, OneDnnKernel &kernel) {
  sluice_onednn_kernel &description = kernel.description;
  description.kind = SLUICE_ONEDNN_MATMUL;
  description.rank = shapeOf(op.getResult()).size();
  describeMatrices(shapeOf(op.getLhs()), op.getTransposeLhs(), description.rank,
                   description.source, description.source_strides);
  describeMatrices(shapeOf(op.getRhs()), op.getTransposeRhs(), description.rank,
                   description.weights, description.weights_strides);
  llvm::copy(shapeOf(op.getResult()), description.destination);
}

/// One matrix of weights serves all rows, whatever their dimensions.
static void describeRows(ArrayRef<int64_t> lhs, int64_t columns,
                         OneDnnKernel &kernel) {
  sluice_onednn_kernel &description = kernel.description;
  int64_t depth = lhs.back();
  int64_t rows = llvm::product_of(lhs.drop_back());
  description.kind = SLUICE_ONEDNN_MATMUL;
  description.rank = 2;
  describeMatrices({rows, depth}, false, 2, description.source,
                   description.source_strides);
  describeMatrices({depth, columns}, false, 2, description.weights,
                   description.weights_strides);
  description.destination[0] = rows;
  description.destination[1] = columns;
  description.constant_weights = true;
}

/// Can the weights of an op be packed as the library takes them?
static bool isPackable(WeightsOpInterface op, const KernelGroup &group) {
  return arePackable(op, group.getSource(op.getWeightsOperand().get()));
}

static bool isPackable(MatmulOp op, const KernelGroup &group) {
  return !op.getTransposeLhs() &&
         isPackable(cast<WeightsOpInterface>(op.getOperation()), group);
}

static int64_t getColumns(MatmulOp op) {
  return shapeOf(op.getResult()).back();
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// [n, spatial..., channels] as [n, channels, spatial...].
static void describeImage(ArrayRef<int64_t> shape, int64_t *sizes) {
  sizes[0] = shape.front();
  sizes[1] = shape.back();
  llvm::copy(shape.drop_front().drop_back(), sizes + 2);
}

template <typename OpTy>
static llvm::Error describeConvolution(OpTy op, ArrayRef<int64_t> kernelSizes,
                                       Value weights, OneDnnKernel &kernel) {
  sluice_onednn_kernel &description = kernel.description;
  ArrayRef<int64_t> input = shapeOf(op.getInput()),
                    result = shapeOf(op.getResult());
  int64_t spatial = kernelSizes.size(), groups = op.getGroups();
  if (spatial < 1 || spatial > SLUICE_ONEDNN_MAX_SPATIAL)
    return refuse("it has no or more than three spatial dimensions");
  if (llvm::any_of(op.getPads(), [](int64_t pad) { return pad < 0; }))
    return refuse("its negative padding crops the image");
  description.kind = SLUICE_ONEDNN_CONVOLUTION;
  description.rank = input.size();
  description.groups = groups;
  describeImage(input, description.source);
  describeImage(result, description.destination);
  SmallVector<int64_t> sizes;
  if (groups > 1)
    sizes.push_back(groups);
  sizes.append({result.back() / groups, input.back() / groups});
  llvm::append_range(sizes, kernelSizes);
  llvm::copy(sizes, description.weights);
  llvm::copy(op.getStrides(), description.strides);
  llvm::copy(op.getDilations(), description.dilations);
  llvm::copy(op.getPads().take_front(spatial), description.pads_begin);
  llvm::copy(op.getPads().drop_front(spatial), description.pads_end);
  description.constant_weights = true;
  kernel.operands = {op.getInput(), weights};
  return llvm::Error::success();
}

static llvm::Error describeAnchor(const KernelGroup &group,
                                  OneDnnKernel &kernel) {
  return llvm::TypeSwitch<Operation *, llvm::Error>(group.anchor)
      .Case([&](MatmulOp op) {
        if (isPackable(op, group))
          describeRows(shapeOf(op.getLhs()), getColumns(op), kernel);
        else
          describeMatmul(op, kernel);
        kernel.operands = {op.getLhs(), op.getRhs()};
        return llvm::Error::success();
      })
      .Case([&](kernel::PackedMatmulOp op) {
        describeRows(shapeOf(op.getLhs()), op.getColumns(), kernel);
        kernel.operands = {op.getLhs(), op.getWeights()};
        return llvm::Error::success();
      })
      .Case([&](kernel::PackedConvOp op) {
        return describeConvolution(op, op.getKernel(), op.getWeights(), kernel);
      })
      .Case([&](ConvOp op) {
        if (!op.getChannelsLast())
          return refuse("its channels are not last");
        if (!isPackable(op, group))
          return refuse("its weights are not constant");
        return describeConvolution(op, shapeOf(op.getWeight()).drop_front(2),
                                   op.getWeight(), kernel);
      })
      .Default([](Operation *) {
        return refuse("it is neither a product nor a convolution");
      });
}

bool sluice::isOneDnnAnchor(Operation *op) {
  return isa<MatmulOp, ConvOp, ConvTransposeOp>(op);
}

SmallVector<OperandPacking, 1>
sluice::packOneDnnWeights(const KernelGroup &group, std::string &unpacked) {
  MLIRContext *context = group.anchor->getContext();
  auto keep = [&](Attribute packing) {
    return SmallVector<OperandPacking, 1>{
        {1, cast<kernel::PackingAttrInterface>(packing)}};
  };
  auto matmul = dyn_cast<MatmulOp>(group.anchor);
  if (!matmul)
    return keep(kernel::PlainAttr::get(context));
  if (!isPackable(matmul, group)) {
    if (matmul.getTransposeLhs())
      unpacked = "the provider takes no transposed operand";
    return {};
  }
  // One panel of all columns has the order of the matrix.
  if (matmul.getTransposeRhs())
    return keep(kernel::PanelsAttr::get(context, getColumns(matmul), true));
  return keep(kernel::PlainAttr::get(context));
}

llvm::Expected<OneDnnKernel>
sluice::describeOneDnnKernel(const KernelGroup &group) {
  OneDnnKernel kernel = {};
  if (llvm::Error error = checkTensors(group.anchor))
    return error;
  if (llvm::Error error = describeAnchor(group, kernel))
    return error;
  kernel.operands.push_back(group.result);
  if (llvm::Error error = describePostOps(
          group.anchor->getResult(0), group.result, group.isOutside, kernel))
    return error;
  if (llvm::Error error =
          inspectOneDnnKernel(kernel.description, kernel.report))
    return error;
  return kernel;
}
