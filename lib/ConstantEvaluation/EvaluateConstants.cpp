//===- EvaluateConstants.cpp - Compute what depends on constants alone ----===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Kernel.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "sluice/ConstantEvaluation/ConstantEvaluation.h"
#include "sluice/Support/ConstantBytes.h"
#include "sluice/Support/Remarks.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_EVALUATECONSTANTSPASS
#include "sluice/ConstantEvaluation/Passes.h.inc"

namespace {

int64_t bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getNumElements() * ((tensor.getElementTypeBitWidth() + 7) / 8);
}

/// The ops to compute, and what of them is needed.
class ConstantGraph {
public:
  explicit ConstantGraph(ModuleOp module);

  ArrayRef<Operation *> getOps() const { return ops; }
  /// Results that other ops read.
  SmallVector<OpResult> findResults() const;

private:
  /// Does the op depend on constants alone?
  bool isConstant(Operation *op) const;
  /// Why the value of such an op is left to the run; empty if it is not.
  StringRef whyLeft(Operation *op);
  bool isTooLarge(Operation *op);
  /// The bytes of the constants an op's value is made of.
  static int64_t sourceBytes(Operation *op);

  SmallVector<Operation *> ops;
  /// The same, and the ops that are constant but left to the run.
  DenseSet<Operation *> members, left;
  /// What ops that were looked at are made of at least, in bytes of constants.
  DenseMap<Operation *, int64_t> leastSources;
};

} // namespace

ConstantGraph::ConstantGraph(ModuleOp module) {
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (!isConstant(op))
      return;
    if (StringRef reason = whyLeft(op); !reason.empty()) {
      remarks::missed(op, remarks::constants)
          << "constant, but computed in every run: " << reason;
      left.insert(op);
      return;
    }
    ops.push_back(op);
    members.insert(op);
  });
}

bool ConstantGraph::isConstant(Operation *op) const {
  if (!isa<SluiceDialect>(op->getDialect()) || op->getNumOperands() == 0)
    return false;
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    Operation *producer = operand.getDefiningOp();
    return producer && (isa<ConstantOp>(producer) ||
                        members.contains(producer) || left.contains(producer));
  });
}

StringRef ConstantGraph::whyLeft(Operation *op) {
  if (llvm::any_of(op->getOperands(), [&](Value operand) {
        return left.contains(operand.getDefiningOp());
      }))
    return "it is made of another that is";
  if (!llvm::all_of(op->getResultTypes(), [](Type type) {
        return cast<RankedTensorType>(type).hasStaticShape();
      }))
    return "how large the result is depends on the values";
  if (isTooLarge(op))
    return "the result is much larger than what it is made of";
  return "";
}

int64_t ConstantGraph::sourceBytes(Operation *op) {
  int64_t bytes = 0;
  SmallVector<Operation *> pending{op};
  DenseSet<Operation *> seen{op};
  while (!pending.empty()) {
    Operation *next = pending.pop_back_val();
    if (auto constant = dyn_cast<ConstantOp>(next))
      bytes += getStoredBytes(constant.getValue());
    for (Value operand : next->getOperands())
      if (Operation *source = operand.getDefiningOp();
          seen.insert(source).second)
        pending.push_back(source);
  }
  return bytes;
}

bool ConstantGraph::isTooLarge(Operation *op) {
  int64_t bytes = 0;
  for (Type type : op->getResultTypes())
    bytes += bytesOf(type);
  // An op is made of all that any one of its operands is made of. Where that is
  // enough, nobody has to walk to the start of a long chain.
  int64_t &least = leastSources[op];
  for (Value operand : op->getOperands()) {
    Operation *source = operand.getDefiningOp();
    auto constant = dyn_cast<ConstantOp>(source);
    least = std::max(least, constant ? getStoredBytes(constant.getValue())
                                     : leastSources.lookup(source));
  }
  // Looking at the sources of all small ops would take long.
  if (isWorthStoring(bytes, least))
    return false;
  least = sourceBytes(op);
  return !isWorthStoring(bytes, least);
}

SmallVector<OpResult> ConstantGraph::findResults() const {
  SmallVector<OpResult> results;
  for (Operation *op : ops)
    for (OpResult result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) {
            return !members.contains(user);
          }))
        results.push_back(result);
  return results;
}

namespace {

class EvaluateConstantsPass final
    : public impl::EvaluateConstantsPassBase<EvaluateConstantsPass> {
public:
  explicit EvaluateConstantsPass(ModuleCompiler compiler)
      : compiler(std::move(compiler)) {}

  void getDependentDialects(DialectRegistry &registry) const final {
    compiler.registerDialects(registry);
  }
  void runOnOperation() final;

private:
  llvm::Expected<SmallVector<ElementsAttr>>
  evaluate(const ConstantGraph &graph, ArrayRef<OpResult> results);

  ModuleCompiler compiler;
};

/// Should compiled code hold the constant itself, rather than read it from
/// where it is? Ops look into small ones, for shapes and positions.
bool belongsInCode(ElementsAttr value) {
  auto dense = dyn_cast<DenseElementsAttr>(value);
  return dense && (dense.isSplat() || bytesOf(dense.getType()) <= 1024);
}

} // namespace

llvm::Expected<SmallVector<ElementsAttr>>
EvaluateConstantsPass::evaluate(const ConstantGraph &graph,
                                ArrayRef<OpResult> results) {
  llvm::MapVector<ElementsAttr, unsigned> inputs;
  SmallVector<Type> inputTypes;
  for (Operation *op : graph.getOps())
    for (Value operand : op->getOperands())
      if (auto constant = operand.getDefiningOp<ConstantOp>())
        if (!belongsInCode(constant.getValue()) &&
            inputs.try_emplace(constant.getValue(), inputTypes.size()).second)
          inputTypes.push_back(constant.getType());

  OpBuilder builder(&getContext());
  Location loc = UnknownLoc::get(&getContext());
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  builder.setInsertionPointToEnd(module->getBody());
  SmallVector<RankedTensorType> types;
  for (OpResult result : results)
    types.push_back(cast<RankedTensorType>(result.getType()));
  SmallVector<Type> resultTypes(types.begin(), types.end());
  auto function = func::FuncOp::create(
      builder, loc, "main", builder.getFunctionType(inputTypes, resultTypes));
  builder.setInsertionPointToStart(function.addEntryBlock());
  IRMapping mapping;
  for (Operation *op : graph.getOps()) {
    for (Value operand : op->getOperands()) {
      auto constant = operand.getDefiningOp<ConstantOp>();
      if (!constant || mapping.contains(operand))
        continue;
      auto input = inputs.find(constant.getValue());
      if (input != inputs.end())
        mapping.map(operand, function.getArgument(input->second));
      else
        builder.clone(*constant, mapping);
    }
    Operation *copy = builder.clone(*op, mapping);
    copy->setLoc(loc);
    // Other code than the model's, for this machine.
    kernel::removeKernelAttributes(copy);
  }
  SmallVector<Value> returned;
  for (OpResult result : results)
    returned.push_back(mapping.lookup(result));
  func::ReturnOp::create(builder, loc, returned);

  auto compiled = compiler.compile(*module);
  if (!compiled)
    return compiled.takeError();
  SmallVector<ElementsAttr> values;
  for (auto &input : inputs)
    values.push_back(input.first);
  return runOnConstants(*compiled, values, types);
}

void EvaluateConstantsPass::runOnOperation() {
  ConstantGraph graph(getOperation());
  SmallVector<OpResult> results = graph.findResults();
  if (results.empty())
    return;
  std::string messages;
  std::optional<llvm::Expected<SmallVector<ElementsAttr>>> values;
  {
    // What fails here is left to the run, which is not the user's problem.
    ScopedDiagnosticHandler handler(&getContext(), [&](Diagnostic &diagnostic) {
      messages += diagnostic.str() + "; ";
      return success();
    });
    values.emplace(evaluate(graph, results));
  }
  if (!*values) {
    messages += llvm::toString(values->takeError());
    for (OpResult result : results)
      remarks::missed(result.getOwner(), remarks::constants)
          << "constant, but computed in every run: " << messages;
    return;
  }
  for (auto [result, value] : llvm::zip(results, **values)) {
    OpBuilder builder(result.getOwner());
    Value constant = ConstantOp::create(builder, result.getLoc(), value);
    remarks::applied(result.getOwner(), remarks::constants)
        << "computed at compile time";
    result.replaceAllUsesWith(constant);
  }
  for (Operation *op : llvm::reverse(graph.getOps()))
    op->erase();
}

std::unique_ptr<Pass> createEvaluateConstantsPass(ModuleCompiler compiler) {
  return std::make_unique<EvaluateConstantsPass>(std::move(compiler));
}

} // namespace sluice
