//===- RandomKernels.cpp - Pseudo-random numbers --------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Philox 4x32-10 (J. Salmon et al., "Parallel random numbers: as easy as 1, 2,
// 3", SC 2011): a block of four words is a function of its number and the key,
// so any thread can make any part of the sequence. 64 elements in a row are
// made of 16 blocks, whatever the width of vectors is.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Math/IR/Math.h"
#include "sluice/Codegen/Elements/FlatAccess.h"
#include "sluice/Codegen/Rows/RowBuffer.h"
#include "sluice/Codegen/Rows/RowFamilies.h"

using namespace mlir;
using namespace sluice;

namespace {

class RandomEmitter {
public:
  RandomEmitter(KernelBuilder &kernel, RandomOp op)
      : kernel(kernel), op(op), body{kernel.builder, kernel.loc},
        result(kernel, op.getResult()),
        words(kernel.rows.laneType(kernel.builder.getI64Type(),
                                   result.lanes())) {}

  void emit();

private:
  static constexpr int64_t blocksInRow = 16, wordsOfBlock = 4;
  static constexpr int64_t chunk = blocksInRow * wordsOfBlock;

  /// A number in every lane of a vector of words.
  Value word(uint64_t number) {
    return kernel.rows.constant(
        kernel, kernel.builder.getI64IntegerAttr(static_cast<int64_t>(number)),
        words);
  }
  Value splat(Value scalar) { return kernel.rows.splat(kernel, scalar, words); }
  /// Words are 32 bits in 64, whose products are exact.
  Value low(Value x) { return body.make<arith::AndIOp>(x, word(0xffffffffu)); }
  Value high(Value x) { return body.make<arith::ShRUIOp>(x, word(32)); }
  Value exclusiveOr(Value a, Value b) { return body.make<arith::XOrIOp>(a, b); }

  SmallVector<Value> philox(Value block);
  Value fraction(Value bits, bool includesOne);
  SmallVector<Value> distribute(ArrayRef<Value> bits);
  void emitChunk(Value number, Value count, bool isWhole);

  KernelBuilder &kernel;
  RandomOp op;
  BodyBuilder body;
  RowBuffer result;
  Type words;
  Value seed, draw;
};

} // namespace

/// The four words of the blocks with these 64-bit numbers, one per lane.
SmallVector<Value> RandomEmitter::philox(Value block) {
  Value c0 = low(block), c1 = high(block), c2 = low(splat(draw)),
        c3 = high(splat(draw));
  Value k0 = low(splat(seed)), k1 = high(splat(seed));
  constexpr int rounds = 10;
  for (int round = 0; round < rounds; ++round) {
    Value first = body.mul(c0, word(0xD2511F53u));
    Value second = body.mul(c2, word(0xCD9E8D57u));
    Value next0 = exclusiveOr(exclusiveOr(high(second), c1), k0);
    Value next2 = exclusiveOr(exclusiveOr(high(first), c3), k1);
    c1 = low(second);
    c3 = low(first);
    c0 = next0;
    c2 = next2;
    k0 = low(body.add(k0, word(0x9E3779B9u)));
    k1 = low(body.add(k1, word(0xBB67AE85u)));
  }
  return {c0, c1, c2, c3};
}

/// Words as numbers in [0, 1), or (0, 1]: as many of their high bits as the
/// type holds exactly.
Value RandomEmitter::fraction(Value bits, bool includesOne) {
  int64_t kept = result.computeType().isF64() ? 32 : 24;
  Value whole = body.make<arith::ShRUIOp>(bits, word(32 - kept));
  if (includesOne)
    whole = body.add(whole, word(1));
  Value number =
      arith::SIToFPOp::create(kernel.builder, kernel.loc, result.type(), whole);
  return body.mul(
      number,
      body.constant(number, 1.0 / static_cast<double>(uint64_t(1) << kept)));
}

SmallVector<Value> RandomEmitter::distribute(ArrayRef<Value> bits) {
  SmallVector<Value> numbers;
  if (op.getDistribution() == RandomDistribution::Uniform) {
    for (Value word : bits)
      numbers.push_back(fraction(word, /*includesOne=*/false));
  } else {
    // G. Box and M. Muller, "A note on the generation of random normal
    // deviates", 1958: two words give two numbers.
    for (size_t i = 0; i < bits.size(); i += 2) {
      Value uniform = fraction(bits[i], /*includesOne=*/true);
      Value turn = fraction(bits[i + 1], /*includesOne=*/false);
      Value logarithm = body.make<math::LogOp>(uniform);
      Value radius = body.make<math::SqrtOp>(
          body.mul(logarithm, body.constant(logarithm, -2)));
      Value angle = body.mul(turn, body.constant(turn, 2 * M_PI));
      numbers.push_back(body.mul(radius, body.make<math::CosOp>(angle)));
      numbers.push_back(body.mul(radius, body.make<math::SinOp>(angle)));
    }
  }
  double offset = op.getOffset().convertToDouble();
  double scale = op.getScale().convertToDouble();
  for (Value &number : numbers)
    number = body.add(body.mul(number, body.constant(number, scale)),
                      body.constant(number, offset));
  return numbers;
}

void RandomEmitter::emitChunk(Value number, Value count, bool isWhole) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  int64_t lanes = result.lanes();
  Value lane = kernel.rows.laneNumbers(kernel, words);
  for (int64_t first = 0; first < blocksInRow; first += lanes) {
    Value block = kernel.add(kernel.mul(number, kernel.index(blocksInRow)),
                             kernel.index(first));
    Value wide =
        arith::IndexCastOp::create(builder, loc, builder.getI64Type(), block);
    SmallVector<Value> numbers =
        distribute(philox(body.add(splat(wide), lane)));
    for (auto [row, vector] : llvm::enumerate(numbers)) {
      int64_t place = static_cast<int64_t>(row) * blocksInRow + first;
      Value begin = kernel.add(kernel.mul(number, kernel.index(chunk)),
                               kernel.index(place));
      Piece piece{begin, nullptr};
      if (!isWhole)
        piece.mask =
            kernel.rows.firstLanes(kernel, kernel.sub(count, begin), lanes);
      result.store(vector, kernel.index(0), piece);
    }
  }
}

void RandomEmitter::emit() {
  auto readKey = [&](int64_t place) {
    return kernel.load(op.getKey(), kernel.index(place));
  };
  seed = readKey(0);
  draw = readKey(1);
  Value count = kernel.product(kernel.sizes(op.getResult()));
  // Many chunks a task, so that the loop itself costs nothing.
  constexpr int64_t chunksOfTask = 64;
  Value whole = kernel.div(count, kernel.index(chunk));
  Value tasks = kernel.div(kernel.add(whole, kernel.index(chunksOfTask)),
                           kernel.index(chunksOfTask));
  Cost each = kernel.cost({20, 0}) * chunk * chunksOfTask;
  kernel.parallel(tasks, each, [&](Value task) {
    Value begin = kernel.mul(task, kernel.index(chunksOfTask));
    Value mine = arith::MinSIOp::create(kernel.builder, kernel.loc,
                                        kernel.sub(whole, begin),
                                        kernel.index(chunksOfTask));
    kernel.forEach({mine}, [&](ValueRange at) {
      emitChunk(kernel.add(begin, at[0]), count, /*isWhole=*/true);
    });
    // The last task has less than it could and does what is left.
    when(kernel,
         compare(kernel, arith::CmpIPredicate::slt, mine,
                 kernel.index(chunksOfTask)),
         [&] { emitChunk(whole, count, /*isWhole=*/false); });
  });
}

static LogicalResult emitRandom(KernelBuilder &kernel, Operation *anchor) {
  if (!isAlone(kernel, anchor))
    return anchor->emitOpError("takes no other ops into its kernel");
  RandomEmitter(kernel, cast<RandomOp>(anchor)).emit();
  return success();
}

void sluice::registerRandomEmitters(EmitterRegistry &registry) {
  registry.addKernel<RandomOp>(emitRandom);
}
