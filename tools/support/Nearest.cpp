//===- Nearest.cpp - What somebody may have meant ------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Nearest.h"

#include <algorithm>
#include <numeric>

/// How many letters have to be put in, taken out or replaced.
static size_t editDistance(const std::string &left, const std::string &right) {
  std::vector<size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), size_t(0));
  for (size_t i = 0; i < left.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < right.size(); ++j) {
      size_t replaced = diagonal + (left[i] != right[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row.back();
}

std::string sluice::tools::nearest(const std::string &word,
                                   const std::vector<std::string> &known) {
  std::string best;
  size_t least = std::max<size_t>(word.size() / 3, 1) + 1;
  for (const std::string &candidate : known) {
    size_t distance = editDistance(word, candidate);
    if (distance >= least)
      continue;
    least = distance;
    best = candidate;
  }
  return best;
}

std::string sluice::tools::didYouMean(const std::string &word,
                                      const std::vector<std::string> &known) {
  std::string best = nearest(word, known);
  return best.empty() ? best : "; did you mean '" + best + "'?";
}
