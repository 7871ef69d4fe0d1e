//===- ModelSignature.cpp - What callers of a model see -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Artifact/ModelSignature.h"

std::string sluice::makeModelName(const std::string &text) {
  std::string name;
  for (char character : text) {
    bool isDigit = character >= '0' && character <= '9';
    bool isLetter = (character >= 'a' && character <= 'z') ||
                    (character >= 'A' && character <= 'Z');
    if (isDigit && name.empty())
      name = "model_";
    name += isDigit || isLetter ? character : '_';
  }
  return name.empty() ? "model" : name;
}
