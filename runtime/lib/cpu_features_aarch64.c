/*===- cpu_features_aarch64.c - Hardware capabilities -------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "cpu_features.h"

#if defined(__aarch64__)

#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

struct feature {
  const char *name;
  int word; /* AT_HWCAP or AT_HWCAP2 */
  uint8_t bit;
};

/* Bit numbers of the kernel's user interface, written out because the headers
 * of older systems lack the newer ones. */
static const struct feature features[] = {
    {"fp-armv8", AT_HWCAP, 0},  {"neon", AT_HWCAP, 1},
    {"aes", AT_HWCAP, 3},       {"sha2", AT_HWCAP, 6},
    {"crc", AT_HWCAP, 7},       {"lse", AT_HWCAP, 8},
    {"fullfp16", AT_HWCAP, 10}, {"rdm", AT_HWCAP, 12},
    {"jsconv", AT_HWCAP, 13},   {"complxnum", AT_HWCAP, 14},
    {"rcpc", AT_HWCAP, 15},     {"ccpp", AT_HWCAP, 16},
    {"sha3", AT_HWCAP, 17},     {"sm4", AT_HWCAP, 19},
    {"dotprod", AT_HWCAP, 20},  {"sve", AT_HWCAP, 22},
    {"fp16fml", AT_HWCAP, 23},  {"dit", AT_HWCAP, 24},
    {"lse2", AT_HWCAP, 25},     {"rcpc-immo", AT_HWCAP, 26},
    {"flagm", AT_HWCAP, 27},    {"ssbs", AT_HWCAP, 28},
    {"sb", AT_HWCAP, 29},       {"pauth", AT_HWCAP, 30},
    {"ccdp", AT_HWCAP2, 0},     {"sve2", AT_HWCAP2, 1},
    {"sve-aes", AT_HWCAP2, 2},  {"sve-bitperm", AT_HWCAP2, 4},
    {"sve-sha3", AT_HWCAP2, 5}, {"sve-sm4", AT_HWCAP2, 6},
    {"altnzcv", AT_HWCAP2, 7},  {"fptoint", AT_HWCAP2, 8},
    {"f32mm", AT_HWCAP2, 10},   {"f64mm", AT_HWCAP2, 11},
    {"i8mm", AT_HWCAP2, 13},    {"bf16", AT_HWCAP2, 14},
    {"rand", AT_HWCAP2, 16},    {"bti", AT_HWCAP2, 17},
    {"sme", AT_HWCAP2, 23}};

enum sluice_feature_state sluice_cpu_feature(struct sluice_cpu_answers *answers,
                                             const char *name, size_t length) {
  (void)answers; /* The kernel's words cost nothing to read. */
  for (size_t i = 0; i < sizeof features / sizeof *features; ++i) {
    const struct feature *feature = &features[i];
    if (strlen(feature->name) != length ||
        memcmp(feature->name, name, length) != 0)
      continue;
    unsigned long word = getauxval((unsigned long)feature->word);
    return word >> feature->bit & 1 ? SLUICE_FEATURE_PRESENT
                                    : SLUICE_FEATURE_MISSING;
  }
  return SLUICE_FEATURE_UNKNOWN;
}

#endif
