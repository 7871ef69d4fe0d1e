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

struct feature {
  const char *name;
  uint32_t leaf;
  uint8_t subleaf;
  uint8_t reg; /* cpuid_register */
  uint8_t bit;
  uint32_t state;
};

static const struct feature features[] = {
    {"cx8", 1, 0, edx, 8, no_state},
    {"cmov", 1, 0, edx, 15, no_state},
    {"mmx", 1, 0, edx, 23, no_state},
    {"fxsr", 1, 0, edx, 24, no_state},
    {"sse", 1, 0, edx, 25, no_state},
    {"sse2", 1, 0, edx, 26, no_state},
    {"sse3", 1, 0, ecx, 0, no_state},
    {"pclmul", 1, 0, ecx, 1, no_state},
    {"ssse3", 1, 0, ecx, 9, no_state},
    {"fma", 1, 0, ecx, 12, avx_state},
    {"cx16", 1, 0, ecx, 13, no_state},
    {"sse4.1", 1, 0, ecx, 19, no_state},
    {"sse4.2", 1, 0, ecx, 20, no_state},
    {"crc32", 1, 0, ecx, 20, no_state},
    {"movbe", 1, 0, ecx, 22, no_state},
    {"popcnt", 1, 0, ecx, 23, no_state},
    {"aes", 1, 0, ecx, 25, no_state},
    {"xsave", 1, 0, ecx, 27, no_state},
    {"avx", 1, 0, ecx, 28, avx_state},
    {"f16c", 1, 0, ecx, 29, avx_state},
    {"rdrnd", 1, 0, ecx, 30, no_state},
    {"fsgsbase", 7, 0, ebx, 0, no_state},
    {"bmi", 7, 0, ebx, 3, no_state},
    {"avx2", 7, 0, ebx, 5, avx_state},
    {"bmi2", 7, 0, ebx, 8, no_state},
    {"invpcid", 7, 0, ebx, 10, no_state},
    {"avx512f", 7, 0, ebx, 16, avx512_state},
    {"evex512", 7, 0, ebx, 16, avx512_state},
    {"avx512dq", 7, 0, ebx, 17, avx512_state},
    {"rdseed", 7, 0, ebx, 18, no_state},
    {"adx", 7, 0, ebx, 19, no_state},
    {"avx512ifma", 7, 0, ebx, 21, avx512_state},
    {"clflushopt", 7, 0, ebx, 23, no_state},
    {"clwb", 7, 0, ebx, 24, no_state},
    {"avx512cd", 7, 0, ebx, 28, avx512_state},
    {"sha", 7, 0, ebx, 29, no_state},
    {"avx512bw", 7, 0, ebx, 30, avx512_state},
    {"avx512vl", 7, 0, ebx, 31, avx512_state},
    {"prefetchwt1", 7, 0, ecx, 0, no_state},
    {"avx512vbmi", 7, 0, ecx, 1, avx512_state},
    {"pku", 7, 0, ecx, 4, no_state},
    {"waitpkg", 7, 0, ecx, 5, no_state},
    {"avx512vbmi2", 7, 0, ecx, 6, avx512_state},
    {"shstk", 7, 0, ecx, 7, no_state},
    {"gfni", 7, 0, ecx, 8, no_state},
    {"vaes", 7, 0, ecx, 9, avx_state},
    {"vpclmulqdq", 7, 0, ecx, 10, avx_state},
    {"avx512vnni", 7, 0, ecx, 11, avx512_state},
    {"avx512bitalg", 7, 0, ecx, 12, avx512_state},
    {"avx512vpopcntdq", 7, 0, ecx, 14, avx512_state},
    {"rdpid", 7, 0, ecx, 22, no_state},
    {"cldemote", 7, 0, ecx, 25, no_state},
    {"movdiri", 7, 0, ecx, 27, no_state},
    {"movdir64b", 7, 0, ecx, 28, no_state},
    {"enqcmd", 7, 0, ecx, 29, no_state},
    {"uintr", 7, 0, edx, 5, no_state},
    {"avx512vp2intersect", 7, 0, edx, 8, avx512_state},
    {"serialize", 7, 0, edx, 14, no_state},
    {"tsxldtrk", 7, 0, edx, 16, no_state},
    {"amx-bf16", 7, 0, edx, 22, amx_state},
    {"avx512fp16", 7, 0, edx, 23, avx512_state},
    {"amx-tile", 7, 0, edx, 24, amx_state},
    {"amx-int8", 7, 0, edx, 25, amx_state},
    {"avxvnni", 7, 1, eax, 4, avx_state},
    {"avx512bf16", 7, 1, eax, 5, avx512_state},
    {"amx-fp16", 7, 1, eax, 21, amx_state},
    {"avxifma", 7, 1, eax, 23, avx_state},
    {"avxvnniint8", 7, 1, edx, 4, avx_state},
    {"avxneconvert", 7, 1, edx, 5, avx_state},
    {"amx-complex", 7, 1, edx, 8, amx_state},
    {"avxvnniint16", 7, 1, edx, 10, avx_state},
    {"prefetchi", 7, 1, edx, 14, no_state},
    {"xsaveopt", 13, 1, eax, 0, no_state},
    {"xsavec", 13, 1, eax, 1, no_state},
    {"xsaves", 13, 1, eax, 3, no_state},
    {"ptwrite", 20, 0, ebx, 4, no_state},
    {"sahf", 0x80000001, 0, ecx, 0, no_state},
    {"lzcnt", 0x80000001, 0, ecx, 5, no_state},
    {"sse4a", 0x80000001, 0, ecx, 6, no_state},
    {"prfchw", 0x80000001, 0, ecx, 8, no_state},
    {"xop", 0x80000001, 0, ecx, 11, avx_state},
    {"lwp", 0x80000001, 0, ecx, 15, no_state},
    {"fma4", 0x80000001, 0, ecx, 16, avx_state},
    {"tbm", 0x80000001, 0, ecx, 21, no_state},
    {"mwaitx", 0x80000001, 0, ecx, 29, no_state},
    {"64bit", 0x80000001, 0, edx, 29, no_state},
    {"clzero", 0x80000008, 0, ebx, 0, no_state},
    {"rdpru", 0x80000008, 0, ebx, 4, no_state},
    {"wbnoinvd", 0x80000008, 0, ebx, 9, no_state}};

/* The register sets that the operating system saves and restores. */
static uint64_t saved_state(void) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 27))
    return 0;
  __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  return (uint64_t)d << 32 | a;
}

/* AMX tiles must be asked for once per process. Harmless to repeat. */
static bool request_tiles(void) {
  enum { request_permission = 0x1023, tile_data = 18 };
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

enum sluice_feature_state sluice_cpu_feature(const char *name, size_t length) {
  for (size_t i = 0; i < sizeof features / sizeof *features; ++i) {
    const struct feature *feature = &features[i];
    if (strlen(feature->name) != length ||
        memcmp(feature->name, name, length) != 0)
      continue;
    uint32_t reg[4] = {0, 0, 0, 0};
    if (!__get_cpuid_count(feature->leaf, feature->subleaf, &reg[eax],
                           &reg[ebx], &reg[ecx], &reg[edx]) ||
        !(reg[feature->reg] & 1u << feature->bit) ||
        (saved_state() & feature->state) != feature->state ||
        (feature->state == amx_state && !request_tiles()))
      return SLUICE_FEATURE_MISSING;
    return SLUICE_FEATURE_PRESENT;
  }
  return SLUICE_FEATURE_UNKNOWN;
}

#endif
