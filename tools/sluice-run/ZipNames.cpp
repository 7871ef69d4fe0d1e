//===- ZipNames.cpp - Names in zip archives ------------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "ZipNames.h"

#include <algorithm>

using namespace sluice::run;

namespace {

/// Code page 437 from 0x80 on.
constexpr uint16_t codePage437[] = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea,
    0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6,
    0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc,
    0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa,
    0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc,
    0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561,
    0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b,
    0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
    0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568,
    0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518,
    0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393,
    0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4,
    0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320,
    0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2,
    0x25a0, 0x00a0,
};

bool isAscii(const std::string &text) {
  return std::all_of(text.begin(), text.end(),
                     [](char byte) { return uint8_t(byte) < 0x80; });
}

/// How many bytes a character has that begins like this; 0 if none does.
size_t lengthOf(uint8_t first) {
  if (first < 0x80)
    return 1;
  if (first >= 0xc2 && first <= 0xdf)
    return 2;
  if (first >= 0xe0 && first <= 0xef)
    return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

bool isUtf8(const std::string &text) {
  for (size_t at = 0; at < text.size();) {
    auto byte = [&](size_t i) { return uint8_t(text[at + i]); };
    size_t length = lengthOf(byte(0));
    if (length == 0 || length > text.size() - at)
      return false;
    for (size_t i = 1; i < length; ++i)
      if ((byte(i) & 0xc0) != 0x80)
        return false;
    // Characters have their shortest form, are no surrogates and end at
    // U+10FFFF.
    if ((byte(0) == 0xe0 && byte(1) < 0xa0) ||
        (byte(0) == 0xed && byte(1) > 0x9f) ||
        (byte(0) == 0xf0 && byte(1) < 0x90) ||
        (byte(0) == 0xf4 && byte(1) > 0x8f))
      return false;
    at += length;
  }
  return true;
}

/// Appends a character below U+10000.
void appendUtf8(std::string &text, uint16_t character) {
  if (character < 0x80) {
    text += char(character);
    return;
  }
  if (character < 0x800) {
    text += char(0xc0 | character >> 6);
  } else {
    text += char(0xe0 | character >> 12);
    text += char(0x80 | (character >> 6 & 0x3f));
  }
  text += char(0x80 | (character & 0x3f));
}

} // namespace

uint16_t sluice::run::zipNameFlags(const std::string &name) {
  return !isAscii(name) && isUtf8(name) ? zipNameIsUtf8 : 0;
}

std::string sluice::run::decodeZipName(const std::string &name) {
  if (isUtf8(name))
    return name;
  std::string decoded;
  for (char letter : name) {
    auto byte = uint8_t(letter);
    appendUtf8(decoded, byte < 0x80 ? byte : codePage437[byte - 0x80]);
  }
  return decoded;
}
