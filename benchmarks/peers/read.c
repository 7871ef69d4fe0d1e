/*===- read.c - How long it takes to read memory --------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 *   read BYTES
 *
 * For every line "MILLISECONDS" on the standard input, prints the median
 * nanoseconds of reading a buffer of so many bytes, again and again for so
 * long: loads of whole vectors, added up in registers. What a kernel that
 * streams its operands is compared with; the buffer stays in the cache that it
 * fits. Build with -march=native.
 *
 *===----------------------------------------------------------------------===*/
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LANES = 16, SUMS = 8, MAX_PASSES = 100000 };
typedef float vector __attribute__((vector_size(LANES * sizeof(float))));

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static int compare(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

static float add_up(const vector *memory, size_t count) {
  vector sums[SUMS] = {{0}};
  for (size_t i = 0; i + SUMS <= count; i += SUMS)
    for (int j = 0; j < SUMS; ++j)
      sums[j] += memory[i + j];
  float total = 0;
  for (int j = 0; j < SUMS; ++j)
    for (int lane = 0; lane < LANES; ++lane)
      total += sums[j][lane];
  return total;
}

int main(int argc, char **argv) {
  size_t bytes = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
  size_t count = bytes / sizeof(vector);
  vector *memory = aligned_alloc(sizeof(vector), count * sizeof(vector));
  static int64_t times[MAX_PASSES];
  double milliseconds;
  volatile float kept;
  if (!memory || count == 0)
    return 1;
  memset(memory, 0, count * sizeof(vector));
  while (scanf("%lf", &milliseconds) == 1) {
    int passes = 0;
    int64_t begin = now(), last = begin;
    while (passes < MAX_PASSES &&
           (passes == 0 || last - begin < milliseconds * 1e6)) {
      kept = add_up(memory, count);
      int64_t end = now();
      times[passes++] = end - last;
      last = end;
    }
    (void)kept;
    qsort(times, passes, sizeof *times, compare);
    printf("%lld\n", (long long)times[passes / 2]);
    fflush(stdout);
  }
  free(memory);
  return 0;
}
