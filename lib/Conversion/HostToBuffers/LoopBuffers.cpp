//===- LoopBuffers.cpp - The tensors that a loop carries ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "LoopBuffers.h"
#include "dialects/Kernel/Ties.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace sluice;

LoopBuffers::LoopBuffers(Translator &translator, Block &body,
                         ValueRange initial, ArrayRef<Value> arguments,
                         ValueRange next, ArrayRef<Value> results)
    : translator(translator), body(body) {
  for (auto [start, argument, following, result] :
       llvm::zip(initial, arguments, next, results)) {
    Carried carried;
    carried.initial = start;
    carried.argument = argument;
    carried.next = following;
    carried.result = result;
    positions.push_back(carried);
  }
  classify();
}

//===----------------------------------------------------------------------===//
// How each value is carried
//===----------------------------------------------------------------------===//

unsigned LoopBuffers::positionOf(Value argument) const {
  for (auto [i, carried] : llvm::enumerate(positions))
    if (argument && carried.argument == argument)
      return i;
  return positions.size();
}

/// The input that a call wrote a tensor over; null for other tensors.
static Value findTiedInput(Value tensor) {
  auto call = tensor.getDefiningOp<kernel::CallOp>();
  if (!call)
    return {};
  auto tie = call.findTie(cast<OpResult>(tensor).getResultNumber());
  return tie ? call.getInputs()[*tie] : Value();
}

kernel::CallOp LoopBuffers::makerOf(Value value) {
  Value made = kernel::withoutViews(value);
  auto call = made.getDefiningOp<kernel::CallOp>();
  return call && isInBody(call) && !findTiedInput(made) ? call
                                                        : kernel::CallOp();
}

/// Is this a list without elements?
static bool isEmptyList(Value value) {
  while (auto cast = value.getDefiningOp<tensor::CastOp>())
    value = cast.getSource();
  auto type = cast<RankedTensorType>(value.getType());
  return type.getRank() > 0 && type.getDimSize(0) == 0;
}

/// Does nothing but this op read the value, but for its sizes?
static bool isOnlyReader(Operation *reader, Value value) {
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    return user == reader || isa<tensor::DimOp>(user);
  });
}

/// Does a call write over the tensor?
static bool isWrittenOver(Value tensor) {
  return llvm::any_of(tensor.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    if (kernel::isView(user))
      return isWrittenOver(user->getResult(0));
    auto call = dyn_cast<kernel::CallOp>(user);
    return call &&
           llvm::is_contained(call.getTies(),
                              static_cast<int64_t>(use.getOperandNumber()));
  });
}

/// Is a tensor another one after calls that wrote over it?
static bool isUpdateOf(Value tensor, Value origin) {
  for (tensor = kernel::withoutViews(tensor); tensor && tensor != origin;) {
    Value updated = findTiedInput(tensor);
    tensor = updated ? kernel::withoutViews(updated) : Value();
  }
  return tensor == origin;
}

LoopBuffers::Kind LoopBuffers::classifyTensor(Carried &carried) {
  if (!isa<RankedTensorType>(carried.initial.getType()))
    return Kind::Scalar;
  Value argument = carried.argument;
  if (argument && carried.next == argument)
    return Kind::Kept;
  if (argument && isWrittenOver(argument))
    return isUpdateOf(carried.next, argument) ? Kind::Placed : Kind::Owned;
  Value filled = carried.next;
  Operation *reader = body.getTerminator();
  while (isOnlyReader(reader, filled) &&
         filled.getDefiningOp<tensor::CastOp>()) {
    reader = filled.getDefiningOp();
    filled = reader->getOperand(0);
  }
  Operation *filler = filled.getDefiningOp();
  if (argument && isInBody(filler) && isOnlyReader(filler, argument) &&
      isOnlyReader(reader, filled)) {
    carried.filler = filler;
    auto set = dyn_cast<SetElementOp>(filler);
    if (set && set.getList() == argument)
      return Kind::Placed;
    auto append = dyn_cast<AppendOp>(filler);
    if (append && append.getList() == argument &&
        cast<RankedTensorType>(argument.getType()).isDynamicDim(0) &&
        isEmptyList(carried.initial))
      return Kind::Listed;
    carried.filler = nullptr;
  }
  return Kind::Stable;
}

bool LoopBuffers::isStable(Value value) {
  value = kernel::withoutViews(value);
  unsigned position = positionOf(value);
  if (position < positions.size()) {
    Kind kind = positions[position].kind;
    return kind == Kind::Kept || kind == Kind::Stable;
  }
  if (kernel::CallOp call = makerOf(value))
    return translator.destinations.contains(value);
  Operation *op = value.getDefiningOp();
  Block *block = op ? op->getBlock() : value.getParentBlock();
  return block != &body &&
         !body.getParentOp()->isProperAncestor(block->getParentOp());
}

bool LoopBuffers::keepsSizes(const Carried &carried) {
  return carried.kind == Kind::Owned &&
         llvm::all_of(positions, [&](const Carried &other) {
           return other.kind != Kind::Owned ||
                  other.initial.getType() != carried.initial.getType() ||
                  (translator.sizes.haveSameSizes(other.initial,
                                                  carried.initial) &&
                   translator.sizes.haveSameSizes(other.next, carried.initial));
         });
}

void LoopBuffers::classify() {
  for (Carried &carried : positions) {
    carried.kind = classifyTensor(carried);
    if (carried.kind == Kind::Placed && carried.filler)
      sendToElement(carried);
    else if (carried.kind == Kind::Listed)
      sendToList(carried);
  }
  // A state that takes over one whose memory changes needs its own.
  for (bool changed = true; changed;) {
    changed = false;
    for (Carried &carried : positions)
      if (carried.kind == Kind::Stable && !isStable(carried.next)) {
        carried.kind = Kind::Owned;
        changed = true;
      }
  }
  for (Carried &carried : positions)
    carried.keepsSizes = keepsSizes(carried);
  unsigned next = 0;
  for (Carried &carried : positions) {
    carried.first = next;
    switch (carried.kind) {
    case Kind::Kept:
    case Kind::Placed:
      break;
    case Kind::Scalar:
    case Kind::Stable:
      next += 1;
      break;
    case Kind::Owned:
      sendToSpare(carried);
      next += 2;
      break;
    case Kind::Listed:
      next += 2;
      break;
    }
  }
}

//===----------------------------------------------------------------------===//
// Where kernels write
//===----------------------------------------------------------------------===//

void LoopBuffers::sendToElement(Carried &carried) {
  auto set = cast<SetElementOp>(carried.filler);
  translator.inPlace.insert(set);
  kernel::CallOp call = makerOf(set.getElement());
  Value made = kernel::withoutViews(set.getElement());
  if (!call || translator.destinations.contains(made))
    return;
  // The kernel may run before the element's place is known.
  Operation *index = set.getIndex().getDefiningOp();
  if (isInBody(index) && !index->isBeforeInBlock(call))
    return;
  translator.destinations[made] = [this, set, &carried](MemRefType type,
                                                        ValueRange sizes,
                                                        Location loc) mutable {
    return translator.elementBuffer(carried.buffer,
                                    translator.mapping.lookup(set.getIndex()),
                                    type, sizes, loc);
  };
  translator.written.insert(set);
}

void LoopBuffers::sendToList(Carried &carried) {
  auto append = cast<AppendOp>(carried.filler);
  kernel::CallOp call = makerOf(append.getElement());
  Value made = append.getElement();
  // The sizes of the kernel's result must be those of the element.
  if (!call || made.getDefiningOp() != call ||
      translator.destinations.contains(made))
    return;
  translator.destinations[made] =
      [this, append](MemRefType type, ValueRange sizes, Location loc) {
        return translator.growList(append, type, sizes, loc);
      };
  translator.written.insert(append);
}

void LoopBuffers::sendBranchesToSpare(Carried &carried, scf::IfOp branch) {
  Value made = carried.next;
  auto type = cast<RankedTensorType>(made.getType());
  if (!type.hasStaticShape() || type != carried.initial.getType() ||
      translator.branched.contains(made))
    return;
  carried.isBranched = true;
  translator.branched[made] = [this, &carried] {
    return std::array<Value, 2>{seen[carried.first], seen[carried.first + 1]};
  };
  unsigned number = cast<OpResult>(made).getResultNumber();
  for (Region *region : branch.getRegions()) {
    Value yielded = region->front().getTerminator()->getOperand(number);
    auto call = yielded.getDefiningOp<kernel::CallOp>();
    if (call && call->getParentRegion() == region && !findTiedInput(yielded) &&
        yielded.getType() == type && !translator.destinations.contains(yielded))
      translator.destinations[yielded] =
          [this, &carried](MemRefType, ValueRange, Location) {
            return seen[carried.first + 1];
          };
  }
}

void LoopBuffers::sendToSpare(Carried &carried) {
  if (auto branch = carried.next.getDefiningOp<scf::IfOp>();
      branch && isInBody(branch))
    return sendBranchesToSpare(carried, branch);
  kernel::CallOp call = makerOf(carried.next);
  Value made = kernel::withoutViews(carried.next);
  if (!call || translator.destinations.contains(made))
    return;
  auto type = translator.convert(cast<RankedTensorType>(made.getType()));
  auto wanted =
      translator.convert(cast<RankedTensorType>(carried.initial.getType()));
  bool isStatic = type.hasStaticShape() && wanted.hasStaticShape();
  if (!isStatic && type.getRank() != wanted.getRank())
    return;
  for (Value value = carried.next; !isStatic && value != made;
       value = value.getDefiningOp()->getOperand(0))
    if (!value.getDefiningOp<tensor::CastOp>())
      return;
  carried.isWritten = true;
  translator.destinations[made] = [this, &carried,
                                   wanted](MemRefType type, ValueRange sizes,
                                           Location loc) -> Value {
    OpBuilder &builder = translator.builder;
    Value spare = seen[carried.first + 1];
    if (type.hasStaticShape() && wanted.hasStaticShape()) {
      if (type == wanted)
        return spare;
      return kernel::ViewOp::create(builder, loc, type, spare, ValueRange());
    }
    SmallVector<Value> all;
    for (int64_t size : type.getShape()) {
      if (ShapedType::isDynamic(size)) {
        all.push_back(sizes.front());
        sizes = sizes.drop_front();
      } else {
        all.push_back(arith::ConstantIndexOp::create(builder, loc, size));
      }
    }
    return translator.castTo(makeRoom(carried, all, loc), type, loc);
  };
}

Value LoopBuffers::makeRoom(const Carried &carried, ValueRange sizes,
                            Location loc) {
  OpBuilder &builder = translator.builder;
  Value spare = seen[carried.first + 1];
  if (carried.keepsSizes)
    return spare;
  auto type = cast<MemRefType>(spare.getType());
  Value fits;
  SmallVector<Value> dynamic;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (!type.isDynamicDim(i))
      continue;
    dynamic.push_back(sizes[i]);
    Value own = memref::DimOp::create(builder, loc, spare, i);
    Value same = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                       own, sizes[i]);
    fits = fits ? arith::AndIOp::create(builder, loc, fits, same) : same;
  }
  if (!fits)
    return spare;
  auto choice = scf::IfOp::create(builder, loc, type, fits, /*else=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(builder, loc, spare);
  builder.setInsertionPointToStart(choice.elseBlock());
  Value fresh = translator.allocateFresh(type, dynamic, loc);
  scf::YieldOp::create(builder, loc, fresh);
  return choice.getResult(0);
}

//===----------------------------------------------------------------------===//
// The loop on buffers
//===----------------------------------------------------------------------===//

SmallVector<Value> LoopBuffers::makeInitial(Location loc) {
  OpBuilder &builder = translator.builder;
  SmallVector<Value> initial;
  for (Carried &carried : positions) {
    Value start = translator.mapping.lookup(carried.initial);
    switch (carried.kind) {
    case Kind::Kept:
      carried.buffer = start;
      break;
    case Kind::Placed: {
      auto empty = carried.initial.getDefiningOp<tensor::EmptyOp>();
      carried.buffer = translator.allocateFor(
          carried.result,
          empty ? translator.lookup(empty.getDynamicSizes())
                : translator.dynamicSizes(start, loc),
          loc);
      if (!empty)
        kernel::CopyOp::create(builder, loc, start, carried.buffer);
      break;
    }
    case Kind::Scalar:
    case Kind::Stable:
      initial.push_back(start);
      break;
    case Kind::Listed:
      initial.append({start, start});
      break;
    case Kind::Owned:
      for (bool isSpare : {false, true}) {
        Value buffer = kernel::AllocateOp::create(
            builder, loc, start.getType(), translator.frame,
            translator.knownSizes(carried.initial, loc));
        if (!isSpare)
          kernel::CopyOp::create(builder, loc, start, buffer);
        initial.push_back(buffer);
      }
      break;
    }
  }
  return initial;
}

void LoopBuffers::bind(unsigned position, Value value, ValueRange carried) {
  const Carried &known = positions[position];
  bool isOutside = known.kind == Kind::Kept || known.kind == Kind::Placed;
  Value buffer = isOutside ? known.buffer : carried[known.first];
  translator.mapping.map(value, buffer);
  if (known.kind == Kind::Listed)
    translator.storages[buffer] = carried[known.first + 1];
}

void LoopBuffers::enterBody(ValueRange carried) {
  seen = llvm::to_vector(carried);
  for (auto [i, known] : llvm::enumerate(positions))
    if (known.argument)
      bind(i, known.argument, carried);
}

SmallVector<Value> LoopBuffers::makeNext(Location loc) {
  OpBuilder &builder = translator.builder;
  SmallVector<Value> next(seen.size());
  DenseSet<Value> taken;
  // Which of the two it is after branches only the run knows.
  for (const Carried &carried : positions)
    if (carried.isBranched)
      taken.insert_range(ArrayRef<Value>(seen).slice(carried.first, 2));
  // The buffers that hold the next states.
  for (const Carried &carried : positions) {
    if (carried.kind == Kind::Kept || carried.kind == Kind::Placed)
      continue;
    if (carried.kind == Kind::Listed) {
      auto [list, memory] = translator.grown.lookup(carried.filler);
      next[carried.first] = list;
      next[carried.first + 1] = memory;
      continue;
    }
    Value value = translator.mapping.lookup(carried.next);
    next[carried.first] = value;
    if (carried.isBranched)
      next[carried.first + 1] = translator.leftOver.lookup(carried.next);
    if (carried.kind != Kind::Owned || carried.isBranched)
      continue;
    auto type = cast<MemRefType>(seen[carried.first].getType());
    if (carried.isWritten) {
      // The buffer itself, whatever shape it was seen in.
      next[carried.first] = type.hasStaticShape()
                                ? seen[carried.first + 1]
                                : translator.castTo(value, type, loc);
      taken.insert(seen[carried.first + 1]);
      continue;
    }
    unsigned source = positionOf(carried.next);
    bool isMoved = source < positions.size() &&
                   positions[source].kind == Kind::Owned &&
                   value.getType() == type && taken.insert(value).second;
    if (isMoved)
      continue;
    SmallVector<Value> sizes;
    for (int64_t i = 0; i < type.getRank(); ++i)
      sizes.push_back(memref::DimOp::create(builder, loc, value, i));
    Value target = makeRoom(carried, sizes, loc);
    kernel::CopyOp::create(builder, loc, value, target);
    next[carried.first] = target;
    taken.insert(seen[carried.first + 1]);
  }
  // What is left over is spare in the next step.
  for (const Carried &carried : positions) {
    if (carried.kind != Kind::Owned)
      continue;
    Type type = seen[carried.first].getType();
    for (unsigned own = 0; own < 2 && !next[carried.first + 1]; ++own)
      if (taken.insert(seen[carried.first + own]).second)
        next[carried.first + 1] = seen[carried.first + own];
    for (const Carried &other : positions)
      for (unsigned i = 0; i < 2; ++i)
        if (!next[carried.first + 1] && other.kind == Kind::Owned &&
            seen[other.first + i].getType() == type &&
            taken.insert(seen[other.first + i]).second)
          next[carried.first + 1] = seen[other.first + i];
  }
  return next;
}
