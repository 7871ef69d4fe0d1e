//===- HeaderNames.cpp - The identifiers of a typed header ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "HeaderNames.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;
using namespace sluice;

/// Longer names are cut: compilers need not tell longer identifiers apart, and
/// nobody reads them.
static constexpr size_t maxStemLength = 120;

std::string sluice::headerPrefix(StringRef modelName) {
  if (modelName.starts_with("_"))
    return ("model" + modelName).str();
  bool isOurs = modelName.equals_insensitive("sluice") ||
                modelName.starts_with_insensitive("sluice_");
  if (isOurs || modelName.empty() || !isAlpha(modelName.front()))
    return ("model_" + modelName).str();
  return modelName.str();
}

/// The part of a name that can be in an identifier; empty if there is none.
/// Without `_` at its ends and `__` in it, which C++ reserves.
static std::string cleanStem(StringRef name) {
  std::string stem;
  for (char letter : name) {
    if (stem.size() >= maxStemLength)
      break;
    if (isAlnum(letter))
      stem += letter;
    else if (!stem.empty() && stem.back() != '_')
      stem += '_';
  }
  return StringRef(stem).rtrim('_').str();
}

std::vector<std::string> sluice::makeStems(ArrayRef<std::string> names,
                                           LetterCase letterCase,
                                           StringRef taken) {
  auto keyOf = [&](StringRef stem) {
    return letterCase == LetterCase::Ignored ? stem.lower() : stem.str();
  };
  std::vector<std::string> stems;
  for (auto [index, name] : enumerate(names)) {
    std::string stem = cleanStem(name);
    stems.push_back(stem.empty() ? std::to_string(index) : stem);
  }
  StringSet<> used;
  used.insert(keyOf(taken));
  std::vector<bool> isSettled(names.size());
  for (auto [index, name] : enumerate(names))
    isSettled[index] = stems[index] == name && used.insert(keyOf(name)).second;
  // The next number to try, so that many names of one stem take no longer.
  StringMap<unsigned> numbers;
  for (auto [index, stem] : enumerate(stems)) {
    if (isSettled[index])
      continue;
    std::string unique = stem;
    unsigned &number = numbers.try_emplace(keyOf(stem), 2).first->second;
    while (!used.insert(keyOf(unique)).second)
      unique = stem + "_" + std::to_string(number++);
    stem = unique;
  }
  return stems;
}
