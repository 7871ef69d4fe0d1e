//===- CutHost.cpp - Long host functions as several functions -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// What is one function is lowered, optimised and held in memory as a whole. The
// pieces are functions (frame, state); the function that was cut calls them in
// their order, and its stack has the state: 64-bit words for what one piece
// computes and a later one reads. A word serves other values once nothing reads
// the first. What costs no more than a load is computed again instead.
//
//===----------------------------------------------------------------------===//

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "sluice/Codegen/CPU/FrameLayout.h"
#include "sluice/Conversion/KernelToLLVM/KernelToLLVM.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_CUTHOSTPASS
#include "sluice/Conversion/KernelToLLVM/Passes.h.inc"

namespace {

int64_t countOps(Operation *op) {
  int64_t count = 0;
  op->walk([&](Operation *) { ++count; });
  return count;
}

/// Is an op as cheap as a load, and made of no buffer and of the frame at most,
/// or a buffer whose place is known?
bool isComputedAgain(Operation *op) {
  if (op->getNumResults() != 1 || op->getNumRegions() != 0 || !isPure(op))
    return false;
  auto isFrame = [](Value value) { return isa<BlockArgument>(value); };
  auto isBuffer = [](Type type) { return isa<BaseMemRefType>(type); };
  if (isBuffer(op->getResult(0).getType()))
    return llvm::none_of(op->getOperandTypes(), isBuffer);
  return llvm::all_of(op->getOperands(), isFrame);
}

/// The 64-bit words that a value takes in the state; 0 if it cannot lie there.
int64_t wordsOf(Type type) {
  if (type.isIndex() || isa<LLVM::LLVMPointerType>(type))
    return 1;
  if (type.isIntOrFloat())
    return type.getIntOrFloatBitWidth() <= 64 ? 1 : 0;
  auto buffer = dyn_cast<MemRefType>(type);
  // Two addresses, an offset, sizes and strides.
  return buffer ? 3 + 2 * buffer.getRank() : 0;
}

class HostCutter {
public:
  HostCutter(func::FuncOp function, int64_t pieceOps)
      : function(function), block(function.getBody().front()),
        pieceOps(pieceOps), builder(function.getContext()),
        converter(function.getContext()),
        pointer(LLVM::LLVMPointerType::get(function.getContext())) {}

  void run() {
    assignPieces();
    if (!findUses())
      return;
    placeValues();
    movePieces();
  }

private:
  void assignPieces();
  /// Finds what is read in other pieces than its own, and where last. False if
  /// some of it cannot lie in the state.
  bool findUses();
  bool use(Value value, int64_t piece);
  /// Gives what is in `lastUses` places in the state.
  void placeValues();
  void movePieces();
  /// Makes the function of the current piece.
  func::FuncOp startPiece();
  /// Reads what `op` needs from other pieces, in front of it.
  void localise(Operation *op);
  Value getLocal(Value value);
  /// The piece of a value of the function's own block.
  std::optional<int64_t> findPiece(Value value) const {
    auto it = pieceOf.find(value.getDefiningOp());
    return it == pieceOf.end() ? std::nullopt : std::optional(it->second);
  }
  Value addressOf(int64_t word) {
    return LLVM::GEPOp::create(
        builder, loc, pointer, builder.getI64Type(), state,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(word)});
  }
  void store(Value value);
  Value load(Value value);

  func::FuncOp function;
  Block &block;
  int64_t pieceOps;
  OpBuilder builder;
  LLVMTypeConverter converter;
  Type pointer;
  Location loc = function.getLoc();
  int64_t numPieces = 0, words = 0;
  /// The terminator has the number behind the last piece.
  DenseMap<Operation *, int64_t> pieceOf;
  llvm::MapVector<Value, int64_t> lastUses;
  /// What is computed again elsewhere, and of what in the uncut function.
  DenseMap<Operation *, SmallVector<Value>> recipes;
  DenseMap<Value, int64_t> places;
  /// What each piece leaves in the state.
  std::vector<SmallVector<Value>> stored;
  /// The piece that is being made, its arguments, and what it has of others.
  int64_t current = 0;
  Value frame, state;
  DenseMap<Value, Value> locals;
};

} // namespace

void HostCutter::assignPieces() {
  int64_t size = 0;
  for (Operation &op : block.without_terminator()) {
    if (size >= pieceOps) {
      ++numPieces;
      size = 0;
    }
    pieceOf[&op] = numPieces;
    size += countOps(&op);
  }
  ++numPieces;
  pieceOf[block.getTerminator()] = numPieces;
}

bool HostCutter::use(Value value, int64_t piece) {
  std::optional<int64_t> own = findPiece(value);
  if (!own || *own == piece)
    return true;
  if (Operation *op = value.getDefiningOp(); isComputedAgain(op)) {
    recipes.try_emplace(op, op->getOperands());
    return llvm::all_of(op->getOperands(),
                        [&](Value operand) { return use(operand, piece); });
  }
  lastUses[value] = piece;
  return wordsOf(value.getType()) > 0;
}

bool HostCutter::findUses() {
  for (Operation &op : block) {
    int64_t piece = pieceOf[&op];
    bool ends = op.walk([&](Operation *inner) {
                    for (Value operand : inner->getOperands())
                      if (!use(operand, piece))
                        return WalkResult::interrupt();
                    return WalkResult::advance();
                  }).wasInterrupted();
    if (ends)
      return false;
  }
  return true;
}

void HostCutter::placeValues() {
  stored.resize(numPieces);
  std::vector<SmallVector<Value>> released(numPieces + 1);
  for (auto [value, piece] : lastUses) {
    stored[*findPiece(value)].push_back(value);
    released[piece].push_back(value);
  }
  DenseMap<int64_t, SmallVector<int64_t>> unused;
  for (int64_t piece = 0; piece < numPieces; ++piece) {
    // A piece reads before it stores.
    for (Value value : released[piece])
      unused[wordsOf(value.getType())].push_back(places[value]);
    for (Value value : stored[piece]) {
      int64_t size = wordsOf(value.getType());
      SmallVector<int64_t> &free = unused[size];
      if (free.empty()) {
        places[value] = words;
        words += size;
      } else {
        places[value] = free.pop_back_val();
      }
    }
  }
}

void HostCutter::store(Value value) {
  Type type = value.getType();
  Value address = addressOf(places.lookup(value));
  if (type.isIndex())
    value =
        arith::IndexCastOp::create(builder, loc, builder.getI64Type(), value);
  else if (isa<MemRefType>(type))
    value = UnrealizedConversionCastOp::create(
                builder, loc, converter.convertType(type), value)
                .getResult(0);
  LLVM::StoreOp::create(builder, loc, value, address);
}

Value HostCutter::load(Value value) {
  Type type = value.getType();
  Value address = addressOf(places.lookup(value));
  Value loaded =
      LLVM::LoadOp::create(builder, loc, converter.convertType(type), address);
  if (type.isIndex())
    return arith::IndexCastOp::create(builder, loc, type, loaded);
  if (isa<MemRefType>(type))
    return UnrealizedConversionCastOp::create(builder, loc, type, loaded)
        .getResult(0);
  return loaded;
}

Value HostCutter::getLocal(Value value) {
  if (value == function.getArgument(0))
    return frame;
  std::optional<int64_t> piece = findPiece(value);
  if (!piece || *piece == current)
    return value;
  if (Value known = locals.lookup(value))
    return known;
  Value local;
  Operation *op = value.getDefiningOp();
  if (auto it = recipes.find(op); it != recipes.end()) {
    SmallVector<Value> operands;
    for (Value operand : it->second)
      operands.push_back(getLocal(operand));
    Operation *copy = op->clone();
    copy->setOperands(operands);
    local = builder.insert(copy)->getResult(0);
  } else {
    local = load(value);
  }
  locals[value] = local;
  return local;
}

void HostCutter::localise(Operation *op) {
  builder.setInsertionPoint(op);
  loc = op->getLoc();
  op->walk([&](Operation *inner) {
    for (OpOperand &operand : inner->getOpOperands())
      operand.set(getLocal(operand.get()));
  });
}

func::FuncOp HostCutter::startPiece() {
  builder.setInsertionPoint(function);
  auto piece =
      func::FuncOp::create(builder, function.getLoc(),
                           (function.getName() + "_" + Twine(current)).str(),
                           builder.getFunctionType({pointer, pointer}, {}));
  piece.setPrivate();
  piece->setAttr(hostAttributeName, builder.getUnitAttr());
  piece->setAttr(longHostAttributeName, builder.getUnitAttr());
  piece->setAttr(llvmAttributesName,
                 builder.getStrArrayAttr({"noinline", "optsize"}));
  builder.setInsertionPointToStart(piece.addEntryBlock());
  func::ReturnOp::create(builder, function.getLoc());
  frame = piece.getArgument(0);
  state = piece.getArgument(1);
  locals.clear();
  return piece;
}

void HostCutter::movePieces() {
  Operation *end = block.getTerminator();
  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  builder.setInsertionPointToStart(&block);
  Value size = LLVM::ConstantOp::create(
      builder, loc, builder.getI64IntegerAttr(std::max<int64_t>(1, words)));
  Value ownState = LLVM::AllocaOp::create(
      builder, loc, pointer, builder.getI64Type(), size, /*alignment=*/8);
  auto next = ops.begin();
  for (current = 0; current < numPieces; ++current) {
    func::FuncOp piece = startPiece();
    Operation *leave = piece.getBody().front().getTerminator();
    for (; next != ops.end() && pieceOf.lookup(*next) == current; ++next) {
      (*next)->moveBefore(leave);
      localise(*next);
    }
    builder.setInsertionPoint(leave);
    for (Value value : stored[current])
      store(value);
    builder.setInsertionPoint(end);
    func::CallOp::create(builder, function.getLoc(), piece,
                         ValueRange{function.getArgument(0), ownState});
  }
  frame = function.getArgument(0);
  state = ownState;
  locals.clear();
  localise(end);
}

namespace {
class CutHostPass final : public impl::CutHostPassBase<CutHostPass> {
public:
  using CutHostPassBase::CutHostPassBase;

  void runOnOperation() final {
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    for (StringRef name : {hostFunctionName, planFunctionName}) {
      auto function = getOperation().lookupSymbol<func::FuncOp>(name);
      if (!function || !function.getBody().hasOneBlock() ||
          !llvm::equal(function.getArgumentTypes(), TypeRange(pointer)) ||
          countOps(function) <= longHost || reservesStack(function))
        continue;
      HostCutter(function, pieceOps).run();
    }
  }

private:
  /// Memory on the stack would end with the piece that reserves it.
  static bool reservesStack(func::FuncOp function) {
    auto isOnStack = [](const MemoryEffects::EffectInstance &effect) {
      return isa<MemoryEffects::Allocate>(effect.getEffect()) &&
             isa<SideEffects::AutomaticAllocationScopeResource>(
                 effect.getResource());
    };
    return llvm::any_of(function.getBody().front(), [&](Operation &op) {
      SmallVector<MemoryEffects::EffectInstance> effects;
      if (auto memory = dyn_cast<MemoryEffectOpInterface>(op))
        memory.getEffects(effects);
      return isa<LLVM::AllocaOp>(op) || llvm::any_of(effects, isOnStack);
    });
  }
};

} // namespace
} // namespace sluice
