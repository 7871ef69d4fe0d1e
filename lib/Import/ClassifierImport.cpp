//===- ClassifierImport.cpp - Linear and support vector machines ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Linear models and support vector machines are matrix products with what is
// computed element by element in front of them and behind.
//
//===----------------------------------------------------------------------===//

#include "ImportRegistry.h"
#include "ScoreTransforms.h"

using namespace mlir;
using namespace sluice;

/// x W^T + bias, for [rows, columns] weights; `bias` is one number or `rows`.
static Value affine(Composition &ops, Value x, ArrayRef<float> weights,
                    int64_t rows, ArrayRef<float> bias) {
  if (ops.failed())
    return nullptr;
  NodeContext &node = ops.node;
  int64_t columns = weights.size() / rows;
  Type real = elementTypeOf(x);
  Value product = ops.make<MatmulOp>(
      {x, constantNumbers(node, real, weights, {rows, columns})},
      node.flag("transpose_rhs"));
  if (bias.empty())
    return product;
  return ops.add(product, constantNumbers(node, real, bias,
                                          static_cast<int64_t>(bias.size())));
}

//===----------------------------------------------------------------------===//
// Linear models
//===----------------------------------------------------------------------===//

/// Checks that the coefficients are those of `rows` scores.
static llvm::Error checkCoefficients(NodeContext &node, Value x, size_t count,
                                     int64_t rows) {
  int64_t features = shapeOf(x)[1], numbers = count;
  if (numbers == 0 || rows < 1 || numbers % rows != 0 ||
      (!ShapedType::isDynamic(features) && numbers / rows != features))
    return node.invalid(Twine(numbers) + " coefficients are not those of " +
                        Twine(rows) + " scores of a row of " +
                        (ShapedType::isDynamic(features)
                             ? "features"
                             : Twine(features) + " features"));
  return llvm::Error::success();
}

static llvm::Expected<Values> importLinearRegressor(NodeContext &node) {
  SLUICE_TRY(x, readRows(node, 0, /*keepDouble=*/false));
  SLUICE_TRY(coefficients, node.node.getFloats("coefficients", {}));
  SLUICE_TRY(intercepts, node.node.getFloats("intercepts", {}));
  SLUICE_TRY(targets, node.node.getInt("targets", 1));
  SLUICE_TRY(transform, readPostTransform(node));
  if (llvm::Error error =
          checkCoefficients(node, x, coefficients.size(), targets))
    return error;
  if (!intercepts.empty() && static_cast<int64_t>(intercepts.size()) != targets)
    return node.invalid("there are " + Twine(intercepts.size()) +
                        " intercepts for " + Twine(targets) + " targets");
  Composition ops(node);
  Value scores = affine(ops, x, coefficients, targets, intercepts);
  return ops.finish({transformScores(ops, scores, transform)});
}

/// [lhs, rhs], each [rows, 1].
static Value twoScores(Composition &ops, Value lhs, Value rhs) {
  if (ops.failed())
    return nullptr;
  return ops.concat({lhs, rhs}, 1);
}

/// The scores of two classes from that of the second one: the two add up to
/// `sum`, and only `Logistic` transforms them.
static Value oppositeScores(Composition &ops, Value score,
                            PostTransform transform, double sum) {
  if (transform == PostTransform::Logistic) {
    Value both = twoScores(ops, ops.make<NegOp>(score), score);
    return transformScores(ops, both, transform);
  }
  return twoScores(ops, ops.sub(ops.number(score, sum), score), score);
}

/// The scores [rows, 1] one after the other in front of a result [rows, 2]. The
/// places behind them belong to nobody.
static Value inFront(Composition &ops, Value scores) {
  if (ops.failed())
    return nullptr;
  Value nothing =
      ops.make<BroadcastOp>({ops.number(scores, 0), ops.shape(scores)});
  return ops.reshape(ops.concat({scores, nothing}, 0), {-1, 2});
}

static llvm::Expected<Values> importLinearClassifier(NodeContext &node) {
  SLUICE_TRY(x, readRows(node, 0, /*keepDouble=*/false));
  SLUICE_TRY(coefficients, node.node.getFloats("coefficients"));
  SLUICE_TRY(intercepts, node.node.getFloats("intercepts", {}));
  SLUICE_TRY(transform, readPostTransform(node));
  SLUICE_TRY(labels,
             readClassLabels(node, "classlabels_strings", "classlabels_ints"));
  // Two classes may share one score.
  int64_t features = shapeOf(x)[1];
  int64_t rows = intercepts.size();
  if (rows == 0)
    rows = ShapedType::isDynamic(features) || features == 0
               ? labels.count
               : coefficients.size() / features;
  if (llvm::Error error = checkCoefficients(node, x, coefficients.size(), rows))
    return error;
  if (rows != labels.count && rows != 1)
    return node.invalid("there are " + Twine(rows) + " scores for " +
                        Twine(labels.count) + " labels");
  Composition ops(node);
  Value scores = affine(ops, x, coefficients, rows, intercepts);
  if (rows > 1) {
    Value label = labelOf(ops, labels, bestClass(ops, scores));
    return ops.finish({label, transformScores(ops, scores, transform)});
  }
  Value isPositive = ops.make<GreaterOp>({scores, ops.number(scores, 0)});
  bool isBinary = labels.count == 2;
  Value label =
      chooseLabel(ops, labels, isPositive, isBinary ? labels.label(1) : 1,
                  isBinary ? labels.label(0) : 0);
  if (transform == PostTransform::Probit) {
    scores = transformScores(ops, scores, transform);
    if (isBinary)
      scores = inFront(ops, scores);
  } else if (isBinary)
    scores = oppositeScores(ops, scores, transform, /*sum=*/1);
  return ops.finish({label, scores});
}

//===----------------------------------------------------------------------===//
// Support vector machines
//===----------------------------------------------------------------------===//

namespace {
/// What compares a row with a support vector.
struct VectorKernel {
  enum class Kind { Linear, Poly, Rbf, Sigmoid };
  Kind kind = Kind::Linear;
  float gamma = 0, offset = 0, degree = 0;
};
} // namespace

static llvm::Expected<VectorKernel> readKernel(NodeContext &node) {
  VectorKernel kernel;
  SLUICE_TRY(name, node.node.getString("kernel_type", "LINEAR"));
  SLUICE_TRY(parameters, node.node.getFloats("kernel_params", {}));
  if (name == "LINEAR")
    kernel.kind = VectorKernel::Kind::Linear;
  else if (name == "POLY")
    kernel.kind = VectorKernel::Kind::Poly;
  else if (name == "RBF")
    kernel.kind = VectorKernel::Kind::Rbf;
  else if (name == "SIGMOID")
    kernel.kind = VectorKernel::Kind::Sigmoid;
  else
    return node.invalid("there is no kernel_type '" + name + "'");
  if (parameters.empty())
    return kernel;
  if (parameters.size() != 3)
    return node.invalid("'kernel_params' must be gamma, coef0 and degree");
  kernel.gamma = parameters[0];
  kernel.offset = parameters[1];
  kernel.degree = parameters[2];
  return kernel;
}

/// exp(-gamma |x - v|^2). The squared distance is |x|^2 + |v|^2 - 2 x v, which
/// loses digits far from zero; so both are taken from the vectors' mean first.
static Value radialBasis(Composition &ops, Value x, ArrayRef<float> vectors,
                         int64_t count, float gamma) {
  NodeContext &node = ops.node;
  int64_t features = vectors.size() / count;
  std::vector<double> mean(features, 0.0);
  for (size_t i = 0; i < vectors.size(); ++i)
    mean[i % features] += static_cast<double>(vectors[i]) / count;
  std::vector<float> centre(mean.begin(), mean.end()), moved(vectors.size());
  std::vector<double> squares(count, 0.0);
  for (size_t i = 0; i < vectors.size(); ++i) {
    moved[i] = vectors[i] - centre[i % features];
    squares[i / features] += static_cast<double>(moved[i]) * moved[i];
  }
  Type real = elementTypeOf(x);
  Value from = ops.sub(x, constantNumbers(node, real, centre, features));
  Value own = ops.reduce(from, ReductionKind::SumSquare, 1);
  for (float &number : moved)
    number *= -2;
  Value mixed = affine(ops, from, moved, count, {});
  Value sum =
      ops.add(ops.add(mixed, constantNumbers(node, real, squares, count)), own);
  Value distance = ops.make<MaxOp>({sum, ops.number(x, 0)});
  return ops.make<ExpOp>(ops.mul(distance, ops.number(x, -gamma)));
}

/// The kernel's value for each row and support vector.
static Value applyKernel(Composition &ops, const VectorKernel &kernel, Value x,
                         ArrayRef<float> vectors, int64_t count) {
  if (ops.failed())
    return nullptr;
  if (kernel.kind == VectorKernel::Kind::Rbf)
    return radialBasis(ops, x, vectors, count, kernel.gamma);
  Value product = affine(ops, x, vectors, count, {});
  if (kernel.kind == VectorKernel::Kind::Linear)
    return product;
  Value moved = ops.add(ops.mul(product, ops.number(x, kernel.gamma)),
                        ops.number(x, kernel.offset));
  if (kernel.kind == VectorKernel::Kind::Sigmoid)
    return ops.make<TanhOp>(moved);
  return ops.make<PowOp>({moved, ops.number(x, kernel.degree)});
}

/// Checks that there are `count` support vectors of a row's length.
static llvm::Error checkVectors(NodeContext &node, Value x, size_t numbers,
                                int64_t count) {
  int64_t features = shapeOf(x)[1], size = numbers;
  if (size % count != 0 || size == 0 ||
      (!ShapedType::isDynamic(features) && size / count != features))
    return node.invalid(Twine(size) + " numbers are not " + Twine(count) +
                        " support vectors of rows as the input has");
  return llvm::Error::success();
}

static llvm::Expected<Values> importSvmRegressor(NodeContext &node) {
  SLUICE_TRY(x, readRows(node, 0, /*keepDouble=*/false));
  SLUICE_TRY(kernel, readKernel(node));
  SLUICE_TRY(coefficients, node.node.getFloats("coefficients"));
  SLUICE_TRY(rho, node.node.getFloats("rho"));
  SLUICE_TRY(vectors, node.node.getFloats("support_vectors", {}));
  SLUICE_TRY(count, node.node.getInt("n_supports", 0));
  SLUICE_TRY(oneClass, node.node.getInt("one_class", 0));
  SLUICE_TRY(transform, readPostTransform(node));
  if (transform != PostTransform::None)
    return node.unsupported("a post_transform");
  if (rho.empty() || count < 0)
    return node.invalid("'rho' is empty or 'n_supports' negative");
  rho.resize(1);
  Composition ops(node);
  Value compared = x;
  if (count > 0) {
    if (llvm::Error error = checkVectors(node, x, vectors.size(), count))
      return error;
    if (static_cast<int64_t>(coefficients.size()) != count)
      return node.invalid("there must be a coefficient for each of " +
                          Twine(count) + " support vectors");
    compared = applyKernel(ops, kernel, x, vectors, count);
  } else if (llvm::Error error =
                 checkCoefficients(node, x, coefficients.size(), 1)) {
    return error;
  }
  Value result = affine(ops, compared, coefficients, 1, rho);
  if (oneClass) {
    Value isInside = ops.make<GreaterOp>({result, ops.number(x, 0)});
    result = ops.select(isInside, ops.number(x, 1), ops.number(x, -1));
  }
  return ops.finish({result});
}

namespace {

class SvmClassifierImporter {
public:
  explicit SvmClassifierImporter(NodeContext &node) : node(node), ops(node) {}

  llvm::Expected<Values> import();

private:
  llvm::Error read();
  llvm::Error checkPairs();
  llvm::Expected<Values> importLinear();
  llvm::Expected<Values> importPairs();
  /// The decision values of all pairs of classes, [rows, pairs].
  Value decide(Value kernels);
  /// How many pairs each class wins, [rows, classes].
  Value countVotes(Value decisions);
  Value probabilities(Value decisions);
  int64_t pairs() const { return labels.count * (labels.count - 1) / 2; }

  NodeContext &node;
  Composition ops;
  Value x;
  VectorKernel kernel;
  ClassLabels labels;
  std::vector<float> coefficients, rho, vectors, probA, probB;
  std::vector<int64_t> vectorsPerClass;
  PostTransform transform = PostTransform::None;
  int64_t vectorCount = 0;
};

} // namespace

llvm::Error SvmClassifierImporter::read() {
  if (llvm::Error error = readRows(node, 0, /*keepDouble=*/false).moveInto(x))
    return error;
  if (llvm::Error error = readKernel(node).moveInto(kernel))
    return error;
  if (llvm::Error error = readPostTransform(node).moveInto(transform))
    return error;
  if (llvm::Error error =
          readClassLabels(node, "classlabels_strings", "classlabels_ints")
              .moveInto(labels))
    return error;
  if (llvm::Error error =
          node.node.getInts("vectors_per_class", {}).moveInto(vectorsPerClass))
    return error;
  using List = std::pair<const char *, std::vector<float> *>;
  for (auto [name, result] :
       {List{"coefficients", &coefficients}, List{"rho", &rho},
        List{"support_vectors", &vectors}, List{"prob_a", &probA},
        List{"prob_b", &probB}})
    if (llvm::Error error = node.node.getFloats(name, {}).moveInto(*result))
      return error;
  for (int64_t count : vectorsPerClass) {
    if (count < 0 || count > INT32_MAX)
      return node.invalid("'vectors_per_class' has no sensible count");
    vectorCount += count;
  }
  if (coefficients.empty() || rho.empty())
    return node.invalid("there are no coefficients or no rho");
  return llvm::Error::success();
}

llvm::Error SvmClassifierImporter::checkPairs() {
  int64_t classes = labels.count;
  if (static_cast<int64_t>(vectorsPerClass.size()) != classes || classes < 2)
    return node.invalid("'vectors_per_class' is not for each of " +
                        Twine(classes) + " classes, or there is only one");
  if (llvm::Error error = checkVectors(node, x, vectors.size(), vectorCount))
    return error;
  if (static_cast<int64_t>(coefficients.size()) != (classes - 1) * vectorCount)
    return node.invalid("there must be " + Twine(classes - 1) +
                        " coefficients for each of " + Twine(vectorCount) +
                        " support vectors");
  constexpr int64_t mostWeights = int64_t(1) << 26;
  if (pairs() > mostWeights / vectorCount)
    return node.unsupported("as many classes as " + Twine(classes));
  auto fits = [&](const std::vector<float> &numbers) {
    return static_cast<int64_t>(numbers.size()) >= pairs();
  };
  if (!fits(rho) || probA.size() != probB.size() ||
      (!probA.empty() && !fits(probA)))
    return node.invalid("'rho', 'prob_a' and 'prob_b' must have a number for "
                        "each pair of classes");
  rho.resize(pairs());
  if (!probA.empty()) {
    probA.resize(pairs());
    probB.resize(pairs());
  }
  return llvm::Error::success();
}

Value SvmClassifierImporter::decide(Value kernels) {
  int64_t classes = labels.count;
  SmallVector<int64_t> first(classes + 1, 0);
  for (int64_t i = 0; i < classes; ++i)
    first[i + 1] = first[i] + vectorsPerClass[i];
  // For the pair (i, j): of the vectors of class i the coefficients in row
  // j - 1, of those of class j the ones in row i.
  std::vector<float> weights(pairs() * vectorCount, 0.0f);
  int64_t pair = 0;
  for (int64_t i = 0; i < classes; ++i)
    for (int64_t j = i + 1; j < classes; ++j, ++pair) {
      float *row = weights.data() + pair * vectorCount;
      auto copy = [&](int64_t which, int64_t from) {
        const float *source = coefficients.data() + from * vectorCount;
        std::copy(source + first[which], source + first[which + 1],
                  row + first[which]);
      };
      copy(i, j - 1);
      copy(j, i);
    }
  return affine(ops, kernels, weights, pairs(), rho);
}

Value SvmClassifierImporter::countVotes(Value decisions) {
  if (ops.failed())
    return nullptr;
  // A pair gives its second class a vote, or takes it away and gives it to the
  // first.
  int64_t classes = labels.count, pair = 0;
  std::vector<float> changes(classes * pairs(), 0.0f), seconds(classes, 0.0f);
  for (int64_t i = 0; i < classes; ++i)
    for (int64_t j = i + 1; j < classes; ++j, ++pair) {
      changes[i * pairs() + pair] = 1;
      changes[j * pairs() + pair] = -1;
      seconds[j] += 1;
    }
  Value isFirst = ops.make<GreaterOp>({decisions, ops.number(decisions, 0)});
  Value wins = ops.cast(isFirst, node.builder.getF32Type());
  return affine(ops, wins, changes, classes, seconds);
}

Value SvmClassifierImporter::probabilities(Value decisions) {
  if (ops.failed())
    return nullptr;
  Type real = elementTypeOf(decisions);
  Value slope = constantNumbers(node, real, probA, pairs());
  Value offset = constantNumbers(node, real, probB, pairs());
  Value value = ops.add(ops.mul(decisions, slope), offset);
  Value chance = ops.make<SigmoidOp>(ops.make<NegOp>(value));
  chance = ops.make<ClipOp>(
      {chance, ops.number(chance, 1e-7), ops.number(chance, 1 - 1e-7)});
  return ops.make<PairwiseCouplingOp>(chance,
                                      node.integer("classes", labels.count));
}

llvm::Expected<Values> SvmClassifierImporter::importPairs() {
  if (llvm::Error error = checkPairs())
    return error;
  Value decisions = decide(applyKernel(ops, kernel, x, vectors, vectorCount));
  Value label = labelOf(ops, labels, bestClass(ops, countVotes(decisions)));
  if (!probA.empty())
    return ops.finish(
        {label, transformScores(ops, probabilities(decisions), transform)});
  if (labels.count > 2)
    return ops.finish({label, transformScores(ops, decisions, transform)});
  if (transform == PostTransform::Probit) {
    // The second place belongs to nobody.
    Value score = transformScores(ops, decisions, transform);
    Value nothing = ops.mul(decisions, ops.number(decisions, 0));
    return ops.finish({label, twoScores(ops, score, nothing)});
  }
  double sum = transform == PostTransform::None ? 0 : 1;
  return ops.finish({label, oppositeScores(ops, decisions, transform, sum)});
}

llvm::Expected<Values> SvmClassifierImporter::importLinear() {
  int64_t classes = labels.count;
  if (llvm::Error error =
          checkCoefficients(node, x, coefficients.size(), classes))
    return error;
  Value scores = affine(ops, x, coefficients, classes, rho[0]);
  Value best = bestClass(ops, scores);
  Value label = labelOf(ops, labels, best);
  if (classes == 2 && probA.empty() && label) {
    bool allPositive =
        llvm::all_of(coefficients, [](float number) { return number >= 0; });
    Value most = ops.reduce(scores, ReductionKind::Max, 1, /*keepDims=*/false);
    Value isSecond =
        allPositive ? ops.make<GreaterEqualOp>({most, ops.number(scores, 0.5)})
                    : ops.make<GreaterOp>({most, ops.number(scores, 0)});
    Value second = ops.reshape(node.constantVector(labels.label(1)), {});
    label = ops.select(isSecond, second, label);
  }
  return ops.finish({label, transformScores(ops, scores, transform)});
}

llvm::Expected<Values> SvmClassifierImporter::import() {
  if (llvm::Error error = read())
    return error;
  return vectorCount > 0 ? importPairs() : importLinear();
}

static llvm::Expected<Values> importSvmClassifier(NodeContext &node) {
  return SvmClassifierImporter(node).import();
}

void sluice::registerClassifierImports(ImportRegistry &registry) {
  auto add = [&](const char *name, unsigned outputs,
                 ImportEntry::Function function) {
    registry.add(std::string("ai.onnx.ml.") + name, {1, 1, outputs}, function,
                 /*minOpset=*/1);
  };
  add("LinearClassifier", 2, importLinearClassifier);
  add("LinearRegressor", 1, importLinearRegressor);
  add("SVMClassifier", 2, importSvmClassifier);
  add("SVMRegressor", 1, importSvmRegressor);
}
