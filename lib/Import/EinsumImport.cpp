//===- EinsumImport.cpp - Einsum ------------------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Operands join from left to right. What two of them have in common and
// nothing else needs is the depth of a matrix product; what only one has and
// nothing else needs is summed up before.
//
//===----------------------------------------------------------------------===//

#include "ImportRegistry.h"
#include "SizeVectors.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace sluice;

namespace {
/// A dimension's name: a letter, or a negative number for a dimension of the
/// ellipsis, counted from its end.
using Labels = SmallVector<int>;

/// A tensor whose dimensions have names.
struct Term {
  Value value;
  Labels labels;
};

/// The two sides of an equation.
struct Equation {
  SmallVector<std::string> inputs;
  std::optional<std::string> output;
};

class Einsum {
public:
  explicit Einsum(NodeContext &node) : node(node) {}
  ExpectedValue import();

private:
  llvm::Expected<Equation> parse(StringRef text);
  /// The labels of a tensor of `rank` dimensions; `what` is its subscript.
  llvm::Expected<Labels> expand(StringRef subscript, int64_t rank);
  llvm::Error takeDiagonals(Term &term);
  llvm::Error sumOut(Term &term, const Labels &needed);
  llvm::Error arrange(Term &term, const Labels &order);
  llvm::Expected<Term> join(Term lhs, Term rhs, const Labels &needed);
  llvm::Expected<Term> multiply(Term lhs, Term rhs);

  NodeContext &node;
};
} // namespace

static bool contains(ArrayRef<int> labels, int label) {
  return llvm::is_contained(labels, label);
}

llvm::Expected<Equation> Einsum::parse(StringRef text) {
  std::string dense;
  for (char c : text)
    if (!llvm::isSpace(c))
      dense.push_back(c);
  Equation equation;
  StringRef left = dense;
  size_t arrow = left.find("->");
  if (arrow != StringRef::npos) {
    equation.output = left.drop_front(arrow + 2).str();
    left = left.take_front(arrow);
  }
  SmallVector<StringRef> parts;
  left.split(parts, ',');
  for (StringRef part : parts)
    equation.inputs.push_back(part.str());
  if (equation.inputs.size() != node.inputCount())
    return node.invalid("the equation is for " + Twine(equation.inputs.size()) +
                        " operands");
  return equation;
}

llvm::Expected<Labels> Einsum::expand(StringRef subscript, int64_t rank) {
  size_t dots = subscript.find("...");
  int64_t letters = subscript.size() - (dots == StringRef::npos ? 0 : 3);
  int64_t hidden = rank - letters;
  if (hidden < 0 || (dots == StringRef::npos && hidden != 0))
    return node.invalid("subscript '" + subscript + "' does not fit rank " +
                        Twine(rank));
  Labels labels;
  for (size_t i = 0; i < subscript.size(); ++i) {
    if (i == dots) {
      for (int64_t j = hidden; j > 0; --j)
        labels.push_back(-j);
      i += 2;
    } else if (llvm::isAlpha(subscript[i])) {
      labels.push_back(subscript[i]);
    } else {
      return node.invalid("subscript '" + subscript + "' is malformed");
    }
  }
  return labels;
}

llvm::Error Einsum::arrange(Term &term, const Labels &order) {
  SmallVector<int64_t> permutation;
  for (int label : order)
    permutation.push_back(llvm::find(term.labels, label) - term.labels.begin());
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return llvm::Error::success();
  SLUICE_TRY(moved, node.transpose(term.value, permutation));
  term = {moved, order};
  return llvm::Error::success();
}

/// A label that comes twice stands for a diagonal: of the two dimensions as
/// one, every (size + 1)-th element.
llvm::Error Einsum::takeDiagonals(Term &term) {
  for (size_t i = 0; i < term.labels.size(); ++i)
    for (size_t j = i + 1; j < term.labels.size(); ++j) {
      if (term.labels[i] != term.labels[j])
        continue;
      int64_t rank = term.labels.size();
      SmallVector<int64_t> permutation;
      Labels labels;
      SmallVector<Value> sizes;
      for (int64_t k = 0; k < rank; ++k) {
        if (k == int64_t(i) || k == int64_t(j))
          continue;
        permutation.push_back(k);
        labels.push_back(term.labels[k]);
        SLUICE_TRY(size, sizeVector(node, term.value, k));
        sizes.push_back(size);
      }
      permutation.push_back(i);
      permutation.push_back(j);
      labels.push_back(term.labels[i]);
      SLUICE_TRY(side, sizeVector(node, term.value, i));
      SLUICE_TRY(moved, node.transpose(term.value, permutation));
      SLUICE_TRY(square, node.create<MulOp>({side, side}));
      sizes.push_back(square);
      SLUICE_TRY(flat, reshapeTo(node, moved, sizes));
      SLUICE_TRY(step, node.create<AddOp>({side, node.constantVector(1)}));
      int64_t kept = rank - 1;
      SmallVector<Value> steps(kept - 1, node.constantVector(1));
      steps.push_back(step);
      SLUICE_TRY(allSteps, joinVectors(node, steps));
      Value starts = node.constantVector(SmallVector<int64_t>(kept, 0));
      Value ends = node.constantVector(SmallVector<int64_t>(kept, INT64_MAX));
      SLUICE_TRY(diagonal, node.create<SliceOp>({flat, starts, ends, allSteps},
                                                {node.ints("starts", {}),
                                                 node.ints("ends", {}),
                                                 node.ints("steps", {})}));
      term = {diagonal, labels};
      return takeDiagonals(term);
    }
  return llvm::Error::success();
}

llvm::Error Einsum::sumOut(Term &term, const Labels &needed) {
  SmallVector<int64_t> axes;
  Labels kept;
  for (auto [i, label] : llvm::enumerate(term.labels)) {
    if (contains(needed, label))
      kept.push_back(label);
    else
      axes.push_back(i);
  }
  if (axes.empty())
    return llvm::Error::success();
  SLUICE_TRY(sum, node.create<ReduceOp>(
                      term.value,
                      {node.attribute("kind", ReductionKindAttr::get(
                                                  node.builder.getContext(),
                                                  ReductionKind::Sum)),
                       node.ints("axes", axes)}));
  term = {sum, kept};
  return llvm::Error::success();
}

/// Without a sum, a product of elements: both get all dimensions.
llvm::Expected<Term> Einsum::multiply(Term lhs, Term rhs) {
  Labels all = lhs.labels;
  for (int label : rhs.labels)
    if (!contains(all, label))
      all.push_back(label);
  for (Term *term : {&lhs, &rhs}) {
    Labels order;
    SmallVector<int64_t> missing;
    for (auto [i, label] : llvm::enumerate(all)) {
      if (contains(term->labels, label))
        order.push_back(label);
      else
        missing.push_back(i);
    }
    if (llvm::Error error = arrange(*term, order))
      return error;
    SLUICE_TRY(lifted, node.unsqueeze(term->value, missing));
    term->value = lifted;
  }
  SLUICE_TRY(product, node.create<MulOp>({lhs.value, rhs.value}));
  return Term{product, all};
}

llvm::Expected<Term> Einsum::join(Term lhs, Term rhs, const Labels &needed) {
  for (auto [term, other] : {std::pair(&lhs, &rhs), std::pair(&rhs, &lhs)}) {
    Labels keep = needed;
    llvm::append_range(keep, other->labels);
    if (llvm::Error error = sumOut(*term, keep))
      return error;
  }
  Labels batch, depth, rows, columns;
  for (int label : lhs.labels)
    (!contains(rhs.labels, label) ? rows
     : contains(needed, label)    ? batch
                                  : depth)
        .push_back(label);
  for (int label : rhs.labels)
    if (!contains(lhs.labels, label))
      columns.push_back(label);
  if (depth.empty())
    return multiply(std::move(lhs), std::move(rhs));

  // [batch..., rows, depth] times [batch..., depth, columns].
  SmallVector<Value> rowSizes, columnSizes;
  auto flattenGroups = [&](Term &term, const Labels &first,
                           const Labels &second, SmallVector<Value> *outerSizes,
                           bool firstIsOuter) -> llvm::Error {
    Labels order = batch;
    llvm::append_range(order, first);
    llvm::append_range(order, second);
    if (llvm::Error error = arrange(term, order))
      return error;
    int64_t begin = batch.size(), middle = begin + first.size(),
            end = order.size();
    SmallVector<Value> sizes;
    for (int64_t i = 0; i < begin; ++i) {
      SLUICE_TRY(size, sizeVector(node, term.value, i));
      sizes.push_back(size);
    }
    SLUICE_TRY(firstSize, sizeProduct(node, term.value, begin, middle));
    SLUICE_TRY(secondSize, sizeProduct(node, term.value, middle, end));
    sizes.push_back(firstSize);
    sizes.push_back(secondSize);
    for (int64_t i = firstIsOuter ? begin : middle,
                 last = firstIsOuter ? middle : end;
         i < last; ++i) {
      SLUICE_TRY(size, sizeVector(node, term.value, i));
      outerSizes->push_back(size);
    }
    SLUICE_TRY(flat, reshapeTo(node, term.value, sizes));
    term.value = flat;
    return llvm::Error::success();
  };
  if (llvm::Error error = flattenGroups(lhs, rows, depth, &rowSizes, true))
    return error;
  if (llvm::Error error =
          flattenGroups(rhs, depth, columns, &columnSizes, false))
    return error;
  SLUICE_TRY(product, node.create<MatmulOp>({lhs.value, rhs.value}));
  SmallVector<Value> sizes;
  for (size_t i = 0; i < batch.size(); ++i) {
    SLUICE_TRY(size, sizeVector(node, product, i));
    sizes.push_back(size);
  }
  llvm::append_range(sizes, rowSizes);
  llvm::append_range(sizes, columnSizes);
  SLUICE_TRY(result, reshapeTo(node, product, sizes));
  Labels labels = batch;
  llvm::append_range(labels, rows);
  llvm::append_range(labels, columns);
  return Term{result, labels};
}

ExpectedValue Einsum::import() {
  SLUICE_TRY(text, node.node.getString("equation"));
  SLUICE_TRY(equation, parse(text));
  SmallVector<Term> terms;
  int64_t hidden = 0;
  SmallVector<int> letters;
  for (auto [i, subscript] : llvm::enumerate(equation.inputs)) {
    if (!node.hasInput(i))
      return node.invalid("operand " + Twine(i) + " is missing");
    Term term{node.input(i), {}};
    SLUICE_TRY(labels, expand(subscript, node.rank(term.value)));
    term.labels = labels;
    for (int label : labels) {
      if (label < 0)
        hidden = std::max<int64_t>(hidden, -label);
      else
        letters.push_back(label);
    }
    if (llvm::Error error = takeDiagonals(term))
      return error;
    terms.push_back(std::move(term));
  }
  Labels output;
  if (equation.output) {
    StringRef subscript = *equation.output;
    bool hasDots = subscript.contains("...");
    SLUICE_TRY(labels, expand(subscript,
                              subscript.size() + (hasDots ? hidden - 3 : 0)));
    output = labels;
  } else {
    // Letters that come once, in alphabetical order, after the ellipsis.
    for (int64_t i = hidden; i > 0; --i)
      output.push_back(-i);
    llvm::sort(letters);
    for (int letter : letters)
      if (llvm::count(letters, letter) == 1)
        output.push_back(letter);
  }
  for (size_t i = 0; i < output.size(); ++i) {
    int label = output[i];
    bool isKnown = llvm::any_of(
        terms, [&](const Term &term) { return contains(term.labels, label); });
    if (!isKnown || contains(ArrayRef<int>(output).take_front(i), label))
      return node.invalid("the equation's result is malformed");
  }
  Term result = terms[0];
  for (size_t i = 1; i < terms.size(); ++i) {
    Labels needed = output;
    for (const Term &later : ArrayRef(terms).drop_front(i + 1))
      llvm::append_range(needed, later.labels);
    SLUICE_TRY(joined, join(std::move(result), terms[i], needed));
    result = std::move(joined);
  }
  if (llvm::Error error = sumOut(result, output))
    return error;
  if (llvm::Error error = arrange(result, output))
    return error;
  return result.value;
}

static llvm::Expected<Values> importEinsum(NodeContext &node) {
  SLUICE_TRY(result, Einsum(node).import());
  return Values{result};
}

void sluice::registerEinsumImports(ImportRegistry &registry) {
  registry.add("Einsum", {1, variadic}, importEinsum);
}
