/*===- peak.c - How many f32 multiply-adds this machine does
 * -----------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 *   peak
 *
 * For every line "THREADS MILLISECONDS" on the standard input, prints the
 * GFLOP/s of multiply-adds on registers, summed over the threads. A process
 * that waits measures right beside what its peak is compared with.
 *
 * Vectors have the full width of the instruction set: build with -march=native
 * and, on x86-64, -mprefer-vector-width=512. Each thread's rate is the median
 * of slices of some 0.1 ms, so that an interruption does not count.
 *
 *===----------------------------------------------------------------------===*/
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* More chains than latency times units, fewer than registers. */
#if defined(__AVX512F__)
enum { VECTOR_BYTES = 64, ACCUMULATORS = 16 };
#elif defined(__AVX__)
enum { VECTOR_BYTES = 32, ACCUMULATORS = 12 };
#else
enum { VECTOR_BYTES = 16, ACCUMULATORS = 12 };
#endif
enum { LANES = VECTOR_BYTES / sizeof(float), MAX_THREADS = 64 };
enum { ROUNDS = 20000, MAX_SLICES = 20000 };

typedef float vector __attribute__((vector_size(VECTOR_BYTES)));

struct work {
  double milliseconds;
  double gigaflops;
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec * 1e-6;
}

static int compare(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

static void *run(void *pointer) {
  struct work *work = pointer;
  static _Thread_local double slices[MAX_SLICES];
  vector sums[ACCUMULATORS];
  vector factor = {0}, term = {0};
  for (int lane = 0; lane < LANES; ++lane) {
    factor[lane] = 0.999f;
    term[lane] = 0.001f;
  }
  for (int i = 0; i < ACCUMULATORS; ++i)
    sums[i] = term * (float)i;
  int count = 0;
  for (double begin = now(), last = begin;
       count < MAX_SLICES && (count == 0 || last - begin < work->milliseconds);
       ++count) {
#pragma clang loop unroll_count(4)
    for (long round = 0; round < ROUNDS; ++round) {
#pragma clang loop unroll(full)
      for (int i = 0; i < ACCUMULATORS; ++i)
        sums[i] = sums[i] * factor + term;
    }
    double end = now();
    slices[count] = end - last;
    last = end;
  }
  volatile float keep = 0;
  for (int i = 0; i < ACCUMULATORS; ++i)
    keep += sums[i][0];
  qsort(slices, (size_t)count, sizeof *slices, compare);
  work->gigaflops = 2e-6 * ROUNDS * ACCUMULATORS * LANES / slices[count / 2];
  return NULL;
}

int main(void) {
  int threads;
  double milliseconds;
  while (scanf("%d %lf", &threads, &milliseconds) == 2) {
    if (threads < 1 || threads > MAX_THREADS)
      return 1;
    pthread_t workers[MAX_THREADS];
    struct work works[MAX_THREADS];
    double total = 0;
    for (int i = 0; i < threads; ++i) {
      works[i].milliseconds = milliseconds;
      if (pthread_create(&workers[i], NULL, run, &works[i]))
        return 1;
    }
    for (int i = 0; i < threads; ++i) {
      pthread_join(workers[i], NULL);
      total += works[i].gigaflops;
    }
    printf("%.2f\n", total);
    fflush(stdout);
  }
  return 0;
}
