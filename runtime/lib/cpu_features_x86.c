/*===- cpu_features_x86.c - CPUID ---------------------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "cpu_features.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum cpuid_register { eax, ebx, ecx, edx };

/* The registers that the operating system must save for a feature to be of
 * use: bits of XCR0. */
enum {
  no_state = 0,
  avx_state = 0x6,
  avx512_state = 0xe6,
  amx_state = 0x60000
};

/* Leaves of CPUID, with their subleaves. */
enum question {
  leaf_1,
  leaf_7,
  leaf_7_1,
  leaf_13_1,
  leaf_20,
  leaf_80000001,
  leaf_80000008
};
static const struct leaf {
  uint32_t number;
  uint32_t subleaf;
} leaves[SLUICE_CPU_QUESTIONS] = {[leaf_1] = {1, 0},
                                  [leaf_7] = {7, 0},
                                  [leaf_7_1] = {7, 1},
                                  [leaf_13_1] = {13, 1},
                                  [leaf_20] = {20, 0},
                                  [leaf_80000001] = {0x80000001, 0},
                                  [leaf_80000008] = {0x80000008, 0}};

struct feature {
  const char *name;
  uint8_t question;
  uint8_t reg; /* cpuid_register */
  uint8_t bit;
  uint32_t state;
};

static const struct feature features[] = {
    {"cx8", leaf_1, edx, 8, no_state},
    {"cmov", leaf_1, edx, 15, no_state},
    {"mmx", leaf_1, edx, 23, no_state},
    {"fxsr", leaf_1, edx, 24, no_state},
    {"sse", leaf_1, edx, 25, no_state},
    {"sse2", leaf_1, edx, 26, no_state},
    {"sse3", leaf_1, ecx, 0, no_state},
    {"pclmul", leaf_1, ecx, 1, no_state},
    {"ssse3", leaf_1, ecx, 9, no_state},
    {"fma", leaf_1, ecx, 12, avx_state},
    {"cx16", leaf_1, ecx, 13, no_state},
    {"sse4.1", leaf_1, ecx, 19, no_state},
    {"sse4.2", leaf_1, ecx, 20, no_state},
    {"crc32", leaf_1, ecx, 20, no_state},
    {"movbe", leaf_1, ecx, 22, no_state},
    {"popcnt", leaf_1, ecx, 23, no_state},
    {"aes", leaf_1, ecx, 25, no_state},
    {"xsave", leaf_1, ecx, 27, no_state},
    {"avx", leaf_1, ecx, 28, avx_state},
    {"f16c", leaf_1, ecx, 29, avx_state},
    {"rdrnd", leaf_1, ecx, 30, no_state},
    {"fsgsbase", leaf_7, ebx, 0, no_state},
    {"bmi", leaf_7, ebx, 3, no_state},
    {"avx2", leaf_7, ebx, 5, avx_state},
    {"bmi2", leaf_7, ebx, 8, no_state},
    {"invpcid", leaf_7, ebx, 10, no_state},
    {"avx512f", leaf_7, ebx, 16, avx512_state},
    {"evex512", leaf_7, ebx, 16, avx512_state},
    {"avx512dq", leaf_7, ebx, 17, avx512_state},
    {"rdseed", leaf_7, ebx, 18, no_state},
    {"adx", leaf_7, ebx, 19, no_state},
    {"avx512ifma", leaf_7, ebx, 21, avx512_state},
    {"clflushopt", leaf_7, ebx, 23, no_state},
    {"clwb", leaf_7, ebx, 24, no_state},
    {"avx512cd", leaf_7, ebx, 28, avx512_state},
    {"sha", leaf_7, ebx, 29, no_state},
    {"avx512bw", leaf_7, ebx, 30, avx512_state},
    {"avx512vl", leaf_7, ebx, 31, avx512_state},
    {"prefetchwt1", leaf_7, ecx, 0, no_state},
    {"avx512vbmi", leaf_7, ecx, 1, avx512_state},
    {"pku", leaf_7, ecx, 4, no_state},
    {"waitpkg", leaf_7, ecx, 5, no_state},
    {"avx512vbmi2", leaf_7, ecx, 6, avx512_state},
    {"shstk", leaf_7, ecx, 7, no_state},
    {"gfni", leaf_7, ecx, 8, no_state},
    {"vaes", leaf_7, ecx, 9, avx_state},
    {"vpclmulqdq", leaf_7, ecx, 10, avx_state},
    {"avx512vnni", leaf_7, ecx, 11, avx512_state},
    {"avx512bitalg", leaf_7, ecx, 12, avx512_state},
    {"avx512vpopcntdq", leaf_7, ecx, 14, avx512_state},
    {"rdpid", leaf_7, ecx, 22, no_state},
    {"cldemote", leaf_7, ecx, 25, no_state},
    {"movdiri", leaf_7, ecx, 27, no_state},
    {"movdir64b", leaf_7, ecx, 28, no_state},
    {"enqcmd", leaf_7, ecx, 29, no_state},
    {"uintr", leaf_7, edx, 5, no_state},
    {"avx512vp2intersect", leaf_7, edx, 8, avx512_state},
    {"serialize", leaf_7, edx, 14, no_state},
    {"tsxldtrk", leaf_7, edx, 16, no_state},
    {"amx-bf16", leaf_7, edx, 22, amx_state},
    {"avx512fp16", leaf_7, edx, 23, avx512_state},
    {"amx-tile", leaf_7, edx, 24, amx_state},
    {"amx-int8", leaf_7, edx, 25, amx_state},
    {"avxvnni", leaf_7_1, eax, 4, avx_state},
    {"avx512bf16", leaf_7_1, eax, 5, avx512_state},
    {"amx-fp16", leaf_7_1, eax, 21, amx_state},
    {"avxifma", leaf_7_1, eax, 23, avx_state},
    {"avxvnniint8", leaf_7_1, edx, 4, avx_state},
    {"avxneconvert", leaf_7_1, edx, 5, avx_state},
    {"amx-complex", leaf_7_1, edx, 8, amx_state},
    {"avxvnniint16", leaf_7_1, edx, 10, avx_state},
    {"prefetchi", leaf_7_1, edx, 14, no_state},
    {"xsaveopt", leaf_13_1, eax, 0, no_state},
    {"xsavec", leaf_13_1, eax, 1, no_state},
    {"xsaves", leaf_13_1, eax, 3, no_state},
    {"ptwrite", leaf_20, ebx, 4, no_state},
    {"sahf", leaf_80000001, ecx, 0, no_state},
    {"lzcnt", leaf_80000001, ecx, 5, no_state},
    {"sse4a", leaf_80000001, ecx, 6, no_state},
    {"prfchw", leaf_80000001, ecx, 8, no_state},
    {"xop", leaf_80000001, ecx, 11, avx_state},
    {"lwp", leaf_80000001, ecx, 15, no_state},
    {"fma4", leaf_80000001, ecx, 16, avx_state},
    {"tbm", leaf_80000001, ecx, 21, no_state},
    {"mwaitx", leaf_80000001, ecx, 29, no_state},
    {"64bit", leaf_80000001, edx, 29, no_state},
    {"clzero", leaf_80000008, ebx, 0, no_state},
    {"rdpru", leaf_80000008, ebx, 4, no_state},
    {"wbnoinvd", leaf_80000008, ebx, 9, no_state}};

/* The four registers of a leaf; zeros where there is no such leaf. */
static const uint32_t *ask(struct sluice_cpu_answers *answers,
                           enum question question) {
  uint32_t *reg = answers->registers[question];
  if (!answers->known[question]) {
    const struct leaf *leaf = &leaves[question];
    if (!__get_cpuid_count(leaf->number, leaf->subleaf, &reg[eax], &reg[ebx],
                           &reg[ecx], &reg[edx]))
      memset(reg, 0, sizeof answers->registers[question]);
    answers->known[question] = true;
  }
  return reg;
}

/* The register sets that the operating system saves and restores. */
static uint64_t saved_state(struct sluice_cpu_answers *answers) {
  if (!answers->state_known) {
    uint32_t a = 0, d = 0;
    if (ask(answers, leaf_1)[ecx] & 1u << 27)
      __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    answers->saved_state = (uint64_t)d << 32 | a;
    answers->state_known = true;
  }
  return answers->saved_state;
}

/* AMX tiles must be asked for once per process. Harmless to repeat. */
static bool request_tiles(void) {
  enum { request_permission = 0x1023, tile_data = 18 };
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

enum sluice_feature_state sluice_cpu_feature(struct sluice_cpu_answers *answers,
                                             const char *name, size_t length) {
  for (size_t i = 0; i < sizeof features / sizeof *features; ++i) {
    const struct feature *feature = &features[i];
    if (strlen(feature->name) != length ||
        memcmp(feature->name, name, length) != 0)
      continue;
    const uint32_t *reg = ask(answers, feature->question);
    if (!(reg[feature->reg] & 1u << feature->bit) ||
        (saved_state(answers) & feature->state) != feature->state ||
        (feature->state == amx_state && !request_tiles()))
      return SLUICE_FEATURE_MISSING;
    return SLUICE_FEATURE_PRESENT;
  }
  return SLUICE_FEATURE_UNKNOWN;
}

#endif
