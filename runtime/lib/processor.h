/*===- processor.h - Instructions C has no words for --------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_PROCESSOR_H
#define SLUICE_LIB_PROCESSOR_H

#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

/* Tells the core that this is a waiting loop. */
static inline void sluice_pause(void) {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

/* The floating-point control word: rounding and denormals. Workers take over
 * the calling thread's, or results would depend on who computed them. */
static inline uint64_t sluice_get_float_control(void) {
#if defined(__x86_64__)
  return _mm_getcsr() & ~0x3fu; /* without the sticky exception flags */
#elif defined(__aarch64__)
  uint64_t value;
  __asm__ volatile("mrs %0, fpcr" : "=r"(value));
  return value;
#else
  return 0;
#endif
}

static inline void sluice_set_float_control(uint64_t value) {
#if defined(__x86_64__)
  _mm_setcsr((unsigned)value);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" ::"r"(value));
#else
  (void)value;
#endif
}

#endif
