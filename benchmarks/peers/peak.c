/*===- peak.c - How many f32 multiply-adds this machine does
 * -----------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 *   peak THREADS MILLISECONDS
 *
 * Prints the GFLOP/s of multiply-adds on registers, at the compiler's widest
 * vectors (build with -march=native), summed over the threads.
 *
 *===----------------------------------------------------------------------===*/
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
enum { VECTOR_BYTES = 64, ACCUMULATORS = 24 };
#elif defined(__AVX__)
enum { VECTOR_BYTES = 32, ACCUMULATORS = 12 };
#else
enum { VECTOR_BYTES = 16, ACCUMULATORS = 12 };
#endif

typedef float vector __attribute__((vector_size(VECTOR_BYTES)));

static double milliseconds;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec * 1e-6;
}

static void *work(void *result) {
  vector sums[ACCUMULATORS];
  vector factor = {0}, term = {0};
  for (int lane = 0; lane < (int)(VECTOR_BYTES / sizeof(float)); ++lane) {
    factor[lane] = 0.999f;
    term[lane] = 0.001f;
  }
  for (int i = 0; i < ACCUMULATORS; ++i)
    sums[i] = term * (float)i;
  double begin = now(), elapsed = 0, operations = 0;
  const long rounds = 20000;
  while (elapsed < milliseconds) {
    for (long round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
      for (int i = 0; i < ACCUMULATORS; ++i)
        sums[i] = sums[i] * factor + term;
    }
    operations += 2.0 * rounds * ACCUMULATORS * (VECTOR_BYTES / sizeof(float));
    elapsed = now() - begin;
  }
  volatile float keep = 0;
  for (int i = 0; i < ACCUMULATORS; ++i)
    keep += sums[i][0];
  *(double *)result = operations / elapsed * 1e-6;
  return NULL;
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  milliseconds = argc > 2 ? atof(argv[2]) : 100;
  if (threads < 1 || threads > 64)
    return 1;
  pthread_t workers[64];
  double results[64], total = 0;
  for (int i = 0; i < threads; ++i)
    if (pthread_create(&workers[i], NULL, work, &results[i]))
      return 1;
  for (int i = 0; i < threads; ++i) {
    pthread_join(workers[i], NULL);
    total += results[i];
  }
  printf("%.2f\n", total);
  return 0;
}
