//===- FormLinearAttention.cpp - Scans that are attention -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A scan whose state S [heads..., D, V], or [heads..., V, D], becomes a S + k u
// in a step, with the sum over D of q S as its output, becomes the op that
// takes many tokens at once. Sums of products are compared, however the step
// spells them.
//
//===----------------------------------------------------------------------===//

#include "StepFormula.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "dialects/Sluice/LinearAttention.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/TypeRefinement.h"
#include "sluice/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_FORMLINEARATTENTIONPASS
#include "sluice/Transforms/Passes.h.inc"

using PlaceOf = ScanPlaces::Place;
using PlaceSymbol = ScanPlaces::Index;

namespace {

/// A number times elements, each of which some sequence or invariant has.
struct Product {
  double coefficient = 1;
  SmallVector<StepFactor> factors;
};

class LinearAttentionMatcher {
public:
  LinearAttentionMatcher(ScanOp scan, const MachineModel &machine)
      : scan(scan), machine(machine), builder(scan),
        steps(builder, scan.getLoc()), state(scan.getBody().getArgument(0)) {}

  /// Is the scan linear attention?
  bool match();
  /// Replaces the scan, or says why it stays.
  llvm::Error replace();

private:
  llvm::Error checkGain();
  bool matchOutput();
  bool matchState();
  bool matchTerms(const StepFormula &terms);
  bool splitAdded(const StepTerm &added, const StepTerm *correction);
  bool matchCorrection(const StepTerm &correction, ArrayRef<StepFactor> ofKey);

  bool isSequence(Value value);
  bool isLiftable(Value value);
  bool areLiftable(ArrayRef<StepFactor> factors);
  Value lift(Value value);
  Value liftOnce(Value value);
  Value lift(const Product &product, ArrayRef<PlaceSymbol> dimensions);
  Value arrange(Value tensor, ArrayRef<PlaceSymbol> from,
                ArrayRef<PlaceSymbol> to);
  LinearAttentionOp makeOp();
  Value swapState(Value tensor);
  void replaceResult(unsigned number, Value value);
  bool isSwapped() const { return valueDimension < depthDimension; }
  SmallVector<PlaceSymbol> withHeads(ArrayRef<PlaceSymbol> last) const {
    SmallVector<PlaceSymbol> result(heads);
    llvm::append_range(result, last);
    return result;
  }

  ScanOp scan;
  const MachineModel &machine;
  OpBuilder builder;
  GraphBuilder steps;
  /// Of outputs and states: sums of one are not those of the other.
  StepExpander expander;
  Value state;
  /// The dimensions of the state that a sum runs along, and that outputs have.
  int64_t depthDimension = 0, valueDimension = 0;
  PlaceOf place, outputPlace;
  SmallVector<PlaceSymbol> heads;
  PlaceSymbol ofDepth = nullptr, ofValue = nullptr, ofGroup = nullptr;
  Product query, key, value, decay, rate;
  bool decays = false, corrects = false;
  /// What steps compute, for all tokens at once.
  DenseMap<Value, Value> lifted;
};

} // namespace

static llvm::Error refuse(const Twine &reason) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), reason);
}

static PlaceOf identity(Value value, uintptr_t first) {
  PlaceOf place;
  for (int64_t size : shapeOf(value)) {
    place.push_back(size == 1 ? nullptr : reinterpret_cast<PlaceSymbol>(first));
    ++first;
  }
  return place;
}

static bool dependOn(ArrayRef<StepFactor> factors, PlaceSymbol index) {
  return llvm::any_of(factors, [&](const StepFactor &factor) {
    return factor.dependsOn(index);
  });
}

/// Removes each of `parts` from `factors`; fails where one is not there.
static bool removeFactors(SmallVector<StepFactor> &factors,
                          ArrayRef<StepFactor> parts) {
  for (const StepFactor &part : parts) {
    auto *found = llvm::find(factors, part);
    if (found == factors.end())
      return false;
    factors.erase(found);
  }
  return true;
}

static SmallVector<StepFactor> take(SmallVector<StepFactor> &factors,
                                    PlaceSymbol index) {
  SmallVector<StepFactor> taken;
  llvm::erase_if(factors, [&](const StepFactor &factor) {
    if (!factor.dependsOn(index))
      return false;
    taken.push_back(factor);
    return true;
  });
  return taken;
}

/// A value of the body and what it is computed from.
static SetVector<Value> findSources(Value value) {
  SetVector<Value> sources;
  sources.insert(value);
  for (size_t i = 0; i < sources.size(); ++i)
    if (Operation *op = sources[i].getDefiningOp())
      sources.insert(op->operand_begin(), op->operand_end());
  return sources;
}

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

/// A sum of the next state along a dimension, times what has nothing to do with
/// its other one.
bool LinearAttentionMatcher::matchOutput() {
  auto yielded = scan.getBody().front().getTerminator()->getOperands();
  Value next = yielded[0], output = yielded[1];
  outputPlace = identity(output, uintptr_t(1) << 16);
  auto formula = expander.expand(output, outputPlace, next);
  if (!formula || formula->size() != 1 || !formula->front().sum)
    return false;
  StepTerm &term = formula->front();
  auto isState = [&](const StepFactor &factor) { return factor.value == next; };
  if (llvm::count_if(term.sum->factors, isState) != 1 ||
      llvm::any_of(term.factors, isState))
    return false;
  place = llvm::find_if(term.sum->factors, isState)->place;
  ofDepth = term.sum->index;
  llvm::erase_if(term.sum->factors, isState);
  query.coefficient = term.coefficient;
  query.factors = term.factors;
  llvm::append_range(query.factors, term.sum->factors);
  if (llvm::count(place, ofDepth) != 1)
    return false;
  int64_t rank = place.size();
  depthDimension = llvm::find(place, ofDepth) - place.begin();
  if (depthDimension < rank - 2)
    return false;
  valueDimension = depthDimension == rank - 1 ? rank - 2 : rank - 1;
  ofValue = place[valueDimension];
  heads.assign(place.begin(), place.end() - 2);
  if (!ofValue || dependOn(query.factors, ofValue))
    return false;
  // What the output has besides is queries that share a key.
  for (PlaceSymbol index : outputPlace) {
    if (!index || llvm::is_contained(place, index))
      continue;
    if (ofGroup)
      return false;
    ofGroup = index;
  }
  return llvm::all_of(place, [&](PlaceSymbol index) {
    return !index || index == ofDepth || llvm::count(outputPlace, index) == 1;
  });
}

/// Of a delta rule: - rate key (sum over the depth of key decay S).
bool LinearAttentionMatcher::matchCorrection(const StepTerm &correction,
                                             ArrayRef<StepFactor> ofKey) {
  PlaceSymbol index = correction.sum->index;
  SmallVector<StepFactor> known = correction.sum->factors, rest;
  for (StepFactor &factor : known)
    llvm::replace(factor.place, index, ofDepth);
  rest = correction.factors;
  if (!removeFactors(known, {{state, place}}) || !removeFactors(known, ofKey) ||
      !removeFactors(rest, ofKey))
    return false;
  // Decays of whole states are in front of the sum.
  for (const StepFactor &factor : decay.factors)
    if (!removeFactors(factor.dependsOn(ofDepth) ? known : rest, {factor}))
      return false;
  if (!known.empty() || dependOn(rest, ofDepth) || dependOn(rest, ofValue) ||
      decay.coefficient == 0)
    return false;
  corrects = true;
  rate.coefficient = -correction.coefficient / decay.coefficient;
  rate.factors = rest;
  return rate.coefficient != 0;
}

/// rate key value.
bool LinearAttentionMatcher::splitAdded(const StepTerm &added,
                                        const StepTerm *correction) {
  SmallVector<StepFactor> rest = added.factors;
  key.factors = take(rest, ofDepth);
  if (key.factors.empty() || dependOn(key.factors, ofValue))
    return false;
  if (correction && !matchCorrection(*correction, key.factors))
    return false;
  if (!removeFactors(rest, rate.factors))
    return false;
  value.coefficient = added.coefficient / rate.coefficient;
  value.factors = rest;
  return dependOn(rest, ofValue);
}

bool LinearAttentionMatcher::matchTerms(const StepFormula &terms) {
  const StepTerm *kept = nullptr, *added = nullptr, *correction = nullptr;
  auto reads = [&](ArrayRef<StepFactor> factors) {
    return llvm::any_of(factors, [&](const StepFactor &factor) {
      return factor.value == state;
    });
  };
  for (const StepTerm &term : terms) {
    const StepTerm *&slot = term.sum              ? correction
                            : reads(term.factors) ? kept
                                                  : added;
    if (slot || (term.sum && reads(term.factors)))
      return false;
    slot = &term;
  }
  if (!kept || !added)
    return false;
  decay.coefficient = kept->coefficient;
  decay.factors = kept->factors;
  if (!removeFactors(decay.factors, {{state, place}}) || reads(decay.factors) ||
      dependOn(decay.factors, ofValue))
    return false;
  decays = decay.coefficient != 1 || !decay.factors.empty();
  return splitAdded(*added, correction);
}

bool LinearAttentionMatcher::matchState() {
  Value next = scan.getBody().front().getTerminator()->getOperand(0);
  auto formula = expander.expand(next, place, /*stop=*/nullptr);
  if (!formula || !matchTerms(*formula))
    return false;
  for (const Product *product : {&query, &key, &value, &decay, &rate})
    if (!areLiftable(product->factors))
      return false;
  // Keys, values and queries are of a token each.
  for (const Product *product : {&query, &key, &value})
    if (llvm::none_of(product->factors, [&](const StepFactor &factor) {
          return llvm::any_of(findSources(factor.value),
                              [&](Value source) { return isSequence(source); });
        }))
      return false;
  return dependOn(query.factors, ofDepth) &&
         (!ofGroup || dependOn(query.factors, ofGroup));
}

//===----------------------------------------------------------------------===//
// Sequences
//===----------------------------------------------------------------------===//

bool LinearAttentionMatcher::isSequence(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && argument.getArgNumber() > 0 &&
         argument.getArgNumber() <= scan.getSequences().size();
}

/// Can it be computed for all tokens at once?
bool LinearAttentionMatcher::isLiftable(Value value) {
  return llvm::all_of(findSources(value), [&](Value source) {
    if (isa<BlockArgument>(source))
      return source != state;
    Operation *op = source.getDefiningOp();
    return isa<ConstantOp, ElementwiseOpInterface, UnsqueezeOp, SqueezeOp>(
               op) &&
           op->getNumResults() == 1;
  });
}

bool LinearAttentionMatcher::areLiftable(ArrayRef<StepFactor> factors) {
  return llvm::all_of(factors, [&](const StepFactor &factor) {
    SmallVector<PlaceSymbol> seen;
    for (PlaceSymbol index : factor.place)
      if (index && (llvm::is_contained(seen, index) ||
                    !(llvm::is_contained(place, index) || index == ofGroup)))
        return false;
      else
        seen.push_back(index);
    return isLiftable(factor.value);
  });
}

/// A value of the body with a new first dimension: tokens, or of size one.
Value LinearAttentionMatcher::lift(Value value) {
  auto known = lifted.find(value);
  if (known != lifted.end())
    return known->second;
  Value result = liftOnce(value);
  lifted[value] = result;
  return result;
}

Value LinearAttentionMatcher::liftOnce(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Value operand = scan.getOperand(argument.getArgNumber());
    return isSequence(argument) ? operand : steps.unsqueeze(operand, {0});
  }
  Operation *op = value.getDefiningOp();
  if (auto unsqueeze = dyn_cast<UnsqueezeOp>(op)) {
    SmallVector<int64_t> axes(unsqueeze.getAxes());
    for (int64_t &axis : axes)
      ++axis;
    return steps.unsqueeze(lift(op->getOperand(0)), axes);
  }
  if (auto squeeze = dyn_cast<SqueezeOp>(op)) {
    SmallVector<int64_t> axes(squeeze.getAxes());
    for (int64_t &axis : axes)
      ++axis;
    return steps.squeeze(lift(op->getOperand(0)), axes);
  }
  if (isa<ConstantOp>(op))
    return steps.unsqueeze(builder.clone(*op)->getResult(0), {0});
  // Operands of lower rank broadcast along what is behind the tokens.
  int64_t rank = shapeOf(value).size();
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    SmallVector<int64_t> axes;
    for (int64_t i = shapeOf(operand).size(); i < rank; ++i)
      axes.push_back(axes.size() + 1);
    Value lifted = lift(operand);
    operands.push_back(axes.empty() ? lifted : steps.unsqueeze(lifted, axes));
  }
  return cloneWithOperands(builder, op, operands);
}

/// [tokens, from...] as [tokens, to...], where null is a dimension of size one.
Value LinearAttentionMatcher::arrange(Value tensor, ArrayRef<PlaceSymbol> from,
                                      ArrayRef<PlaceSymbol> to) {
  SmallVector<int64_t> dropped, order{0}, inserted;
  SmallVector<PlaceSymbol> own;
  for (auto [i, index] : llvm::enumerate(from))
    if (index)
      own.push_back(index);
    else
      dropped.push_back(i + 1);
  for (auto [i, index] : llvm::enumerate(to)) {
    auto *found = index ? llvm::find(own, index) : own.end();
    if (found == own.end())
      inserted.push_back(i + 1);
    else
      order.push_back(found - own.begin() + 1);
  }
  bool isOrdered = llvm::is_sorted(order);
  // Units that are where they belong stay there.
  if (isOrdered && dropped == inserted)
    return tensor;
  if (!dropped.empty())
    tensor = steps.squeeze(tensor, dropped);
  if (!isOrdered)
    tensor = steps.transpose(tensor, order);
  return inserted.empty() ? tensor : steps.unsqueeze(tensor, inserted);
}

/// A product as [tokens, dimensions...], of size one where it has none.
Value LinearAttentionMatcher::lift(const Product &product,
                                   ArrayRef<PlaceSymbol> dimensions) {
  Value result;
  for (const StepFactor &factor : product.factors) {
    Value tensor = lift(factor.value);
    if (!tensor)
      return nullptr;
    tensor = arrange(tensor, factor.place, dimensions);
    result = result ? steps.mul(result, tensor) : tensor;
  }
  if (!result) {
    SmallVector<int64_t> ones(dimensions.size() + 1, 1);
    auto type = RankedTensorType::get(ones, builder.getF32Type());
    return steps.make<ConstantOp>(
        DenseElementsAttr::get(type, static_cast<float>(product.coefficient)));
  }
  if (product.coefficient != 1)
    result = steps.mul(result, steps.number(result, product.coefficient));
  return result;
}

/// The tensor that was cast to f32: kernels do that themselves.
static Value withoutCast(Value value) {
  auto cast = value.getDefiningOp<CastOp>();
  if (!cast || !elementTypeOf(value).isF32())
    return value;
  Type from = elementTypeOf(cast.getOperand());
  return from.isF16() || from.isBF16() ? cast.getOperand() : value;
}

/// In front of the scan, for which nothing reads it yet. Null where there is no
/// kernel for it.
LinearAttentionOp LinearAttentionMatcher::makeOp() {
  double scale = std::exchange(query.coefficient, 1);
  Value initial = scan.getInitial().front();
  if (isSwapped())
    initial = swapState(initial);
  Value queries = lift(query, withHeads({ofGroup, ofDepth})),
        keys = lift(key, withHeads({ofDepth})),
        values = lift(value, withHeads({ofValue})), factors, rates;
  if (decays)
    factors = lift(decay, withHeads({ofDepth}));
  if (corrects)
    rates = lift(rate, withHeads({nullptr}));
  if (!queries || !keys || !values || (decays && !factors) ||
      (corrects && !rates))
    return nullptr;
  auto op = LinearAttentionOp::create(
      builder, scan.getLoc(), initial, withoutCast(queries), withoutCast(keys),
      withoutCast(values), factors, rates, builder.getF64FloatAttr(scale));
  return cpuEmitters().serves(op) ? op : nullptr;
}

/// [.., D, V] as [.., V, D] and back.
Value LinearAttentionMatcher::swapState(Value tensor) {
  SmallVector<int64_t> order;
  for (size_t i = 0; i < place.size(); ++i)
    order.push_back(i);
  std::swap(order[depthDimension], order[valueDimension]);
  return steps.transpose(tensor, order);
}

bool LinearAttentionMatcher::match() {
  return scan.getInitial().size() == 1 && scan.getNumResults() == 2 &&
         !llvm::is_contained(scan.getBackwards(), true) &&
         shapeOf(scan.getInitial().front()).size() >= 2 && matchOutput() &&
         matchState();
}

/// A scan has a few columns of a state in the first-level cache, and reads and
/// writes all of them in each step. While a state takes at most half of that
/// cache, this costs no more than what chunks multiply besides: scores of
/// queries and keys, and keys and queries times products of decays.
llvm::Error LinearAttentionMatcher::checkGain() {
  Value initial = scan.getInitial().front();
  if (!elementTypeOf(initial).isF32())
    return refuse("its state is not f32");
  int64_t depth = shapeOf(initial)[depthDimension],
          width = shapeOf(initial)[valueDimension];
  if (ShapedType::isDynamic(depth) || ShapedType::isDynamic(width))
    return refuse("the sizes of a head are not known");
  int64_t bytes = depth * width * sizeof(float);
  if (bytes <= machine.l1Bytes / 2)
    return refuse("the " + Twine(bytes) +
                  " bytes of a head's state stay in the first-level cache");
  return llvm::Error::success();
}

/// The op may know more or less of the sizes than the scan does.
void LinearAttentionMatcher::replaceResult(unsigned number, Value value) {
  Value result = scan.getResult(number);
  if (value.getType() != result.getType())
    value =
        tensor::CastOp::create(builder, scan.getLoc(), result.getType(), value);
  result.replaceAllUsesWith(value);
}

llvm::Error LinearAttentionMatcher::replace() {
  if (llvm::Error error = checkGain())
    return error;
  Operation *before = scan->getPrevNode();
  LinearAttentionOp op = makeOp();
  if (!op) {
    while (scan->getPrevNode() != before)
      scan->getPrevNode()->erase();
    return refuse("no kernel takes many tokens of such heads at once");
  }
  Value last = op.getLast();
  replaceResult(0, isSwapped() ? swapState(last) : last);
  replaceResult(
      1, arrange(op.getOutput(), withHeads({ofGroup, ofValue}), outputPlace));
  llvm::SmallSetVector<Operation *, 4> casts;
  for (Value operand : scan->getOperands())
    if (auto cast = operand.getDefiningOp<CastOp>())
      casts.insert(cast);
  scan.erase();
  for (Operation *cast : casts)
    if (cast->use_empty())
      cast->erase();
  remarks::applied(op, remarks::attention)
      << "linear attention takes many tokens at once";
  return llvm::Error::success();
}

namespace {
class FormLinearAttentionPass final
    : public impl::FormLinearAttentionPassBase<FormLinearAttentionPass> {
public:
  using FormLinearAttentionPassBase::FormLinearAttentionPassBase;

  void runOnOperation() final {
    const MachineModel *machine =
        getMachine(getAnalysisManager(), getOperation());
    if (!machine)
      return signalPassFailure();
    SmallVector<ScanOp> scans;
    getOperation().walk([&](ScanOp scan) { scans.push_back(scan); });
    for (ScanOp scan : scans) {
      LinearAttentionMatcher matcher(scan, *machine);
      if (!matcher.match())
        continue;
      if (llvm::Error error = matcher.replace())
        remarks::missed(scan, remarks::attention)
            << "linear attention takes one token after another: "
            << llvm::toString(std::move(error));
    }
  }
};
} // namespace
} // namespace sluice
