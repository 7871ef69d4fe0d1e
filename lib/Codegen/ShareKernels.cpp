//===- ShareKernels.cpp - One function for kernels that differ in numbers -===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "sluice/Codegen/Passes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/BLAKE3.h"
#include <map>

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_SHAREKERNELSPASS
#include "sluice/Codegen/Passes.h.inc"

namespace {

/// Is other code made of an op, or may it move less, where its operands are
/// not constant? So it is with divisors, dimensions, bounds of loops and sizes
/// of memory.
bool wantsConstants(Operation *op) {
  if (isa<arith::RemSIOp, arith::RemUIOp, LoopLikeOpInterface>(op))
    return true;
  if (isa<ConditionallySpeculatable>(op) &&
      !op->hasTrait<OpTrait::AlwaysSpeculatableImplTrait>())
    return true;
  return hasEffect<MemoryEffects::Allocate>(op);
}

/// The number of a constant that can be an argument as well.
TypedAttr getNumber(Operation *op) {
  auto constant = dyn_cast<arith::ConstantOp>(op);
  if (!constant)
    return {};
  Type type = constant.getType();
  bool isNumber = type.isIntOrIndex() || type.isF32() || type.isF64();
  return isNumber && llvm::none_of(constant->getUsers(), wantsConstants)
             ? constant.getValue()
             : TypedAttr();
}

/// What a kernel is but for its numbers.
class Structure {
public:
  /// In the order of the ops.
  std::vector<TypedAttr> numbers;

  explicit Structure(kernel::FuncOp kernel) {
    // What it was made of does not matter any more.
    StringAttr others[] = {kernel.getSymNameAttrName(),
                           kernel.getAnchorAttrName(),
                           kernel.getConfigAttrName()};
    for (NamedAttribute attribute : kernel->getAttrs())
      if (!llvm::is_contained(others, attribute.getName())) {
        add(attribute.getName().getAsOpaquePointer());
        add(attribute.getValue().getAsOpaquePointer());
      }
    kernel->walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op != kernel)
        addOperation(op);
    });
  }

  /// A fingerprint that equal ones share, and no others do.
  using Key = llvm::BLAKE3Result<>;
  Key getKey() const {
    llvm::BLAKE3 hasher;
    hasher.update(ArrayRef(reinterpret_cast<const uint8_t *>(words.data()),
                           words.size() * sizeof(uintptr_t)));
    return hasher.final();
  }

private:
  void add(const void *uniqued) {
    words.push_back(reinterpret_cast<uintptr_t>(uniqued));
  }
  void add(uintptr_t number) { words.push_back(number); }

  void addOperation(Operation *op) {
    add(op->getName().getAsOpaquePointer());
    add(getPlace(op->getBlock()));
    if (TypedAttr number = getNumber(op))
      numbers.push_back(number);
    else
      add(op->getAttrDictionary().getAsOpaquePointer());
    add(uintptr_t(op->getNumOperands()));
    for (Value operand : op->getOperands())
      add(getPlace(operand.getAsOpaquePointer()));
    define(op->getResults());
    for (Block *successor : op->getSuccessors())
      add(getPlace(successor));
    add(uintptr_t(op->getNumRegions()));
    for (Region &region : op->getRegions()) {
      add(uintptr_t(region.getBlocks().size()));
      for (Block &block : region) {
        add(getPlace(&block));
        define(block.getArguments());
      }
    }
  }

  void define(ValueRange values) {
    add(uintptr_t(values.size()));
    for (Value value : values) {
      add(value.getType().getAsOpaquePointer());
      (void)getPlace(value.getAsOpaquePointer());
    }
  }

  /// Blocks and values by the order in which they appear.
  uintptr_t getPlace(const void *thing) {
    return places.try_emplace(thing, places.size()).first->second;
  }

  std::vector<uintptr_t> words;
  DenseMap<const void *, uintptr_t> places;
};

/// Kernels of one structure.
struct Family {
  SmallVector<kernel::FuncOp> kernels;
  std::vector<std::vector<TypedAttr>> numbers;
};

/// Where the numbers of a family go: for each of its constants the parameter
/// that it becomes, if it differs, and for each parameter one such constant.
struct Parameters {
  SmallVector<std::optional<unsigned>> ofConstant;
  SmallVector<unsigned> constants;

  explicit Parameters(const Family &family) {
    using Column = std::vector<const void *>;
    std::map<Column, unsigned> known;
    for (size_t i = 0, e = family.numbers[0].size(); i < e; ++i) {
      Column column;
      for (const std::vector<TypedAttr> &numbers : family.numbers)
        column.push_back(numbers[i].getAsOpaquePointer());
      if (llvm::all_equal(column)) {
        ofConstant.push_back(std::nullopt);
        continue;
      }
      auto [place, isNew] =
          known.try_emplace(std::move(column), constants.size());
      if (isNew)
        constants.push_back(i);
      ofConstant.push_back(place->second);
    }
  }
};

/// Takes what differs between the kernels as arguments behind all others.
void takeParameters(kernel::FuncOp kernel, const Family &family,
                    const Parameters &parameters) {
  SmallVector<Operation *> constants;
  kernel->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (getNumber(op))
      constants.push_back(op);
  });
  unsigned first = kernel.getNumArguments();
  for (unsigned constant : parameters.constants)
    (void)kernel.insertArgument(kernel.getNumArguments(),
                                family.numbers[0][constant].getType(), {},
                                kernel.getLoc());
  for (auto [op, parameter] : llvm::zip_equal(constants, parameters.ofConstant))
    if (parameter) {
      op->replaceAllUsesWith(
          ValueRange(kernel.getArgument(first + *parameter)));
      op->erase();
    }
}

class ShareKernelsPass final
    : public impl::ShareKernelsPassBase<ShareKernelsPass> {
public:
  using ShareKernelsPassBase::ShareKernelsPassBase;

  void runOnOperation() final {
    llvm::StringMap<SmallVector<kernel::CallOp>> calls;
    getOperation().walk(
        [&](kernel::CallOp call) { calls[call.getCallee()].push_back(call); });
    if (calls.size() < minimumKernels)
      return;
    for (Family &family : findFamilies(calls))
      if (family.kernels.size() >= minimumKernels)
        share(family, calls);
  }

private:
  using Calls = llvm::StringMap<SmallVector<kernel::CallOp>>;

  std::vector<Family> findFamilies(const Calls &calls) {
    std::vector<Family> families;
    std::map<Structure::Key, size_t> known;
    for (auto kernel : getOperation().getOps<kernel::FuncOp>()) {
      if (!kernel.isEmitted() || !calls.contains(kernel.getName()))
        continue;
      Structure structure(kernel);
      auto [place, isNew] =
          known.try_emplace(structure.getKey(), families.size());
      if (isNew)
        families.emplace_back();
      Family &family = families[place->second];
      family.kernels.push_back(kernel);
      family.numbers.push_back(std::move(structure.numbers));
    }
    return families;
  }

  void share(Family &family, Calls &calls) {
    Parameters parameters(family);
    if (parameters.constants.size() > maximumParameters)
      return;
    kernel::FuncOp first = family.kernels.front();
    takeParameters(first, family, parameters);
    auto name = FlatSymbolRefAttr::get(first.getSymNameAttr());
    for (auto [kernel, numbers] : llvm::zip(family.kernels, family.numbers)) {
      for (kernel::CallOp call : calls[kernel.getName()]) {
        OpBuilder builder(call);
        for (unsigned constant : parameters.constants)
          call.getParametersMutable().append(
              {arith::ConstantOp::create(builder, call.getLoc(),
                                         numbers[constant])
                   .getResult()});
        call.setCalleeAttr(name);
      }
      if (kernel != first)
        kernel.erase();
    }
  }
};

} // namespace
} // namespace sluice
