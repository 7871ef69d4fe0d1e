/*===- peer.c - Load a model, say when the first output is there, run blocks
 * -===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 *   peer MODEL INPUTS THREADS
 *
 * Prints `ready NANOSECONDS`, the monotonic time at which the first outputs
 * were there, then obeys lines of standard input:
 *
 *   block MS RUNS   runs for MS milliseconds, at least RUNS times, after one
 *                   run to warm up; prints the time of each in nanoseconds
 *   profile RUNS    prints a line per kernel, then `end`
 *   memory          prints the peak resident set in bytes
 *
 * INPUTS is what benchmarks/measure.py writes: per tensor a line
 * `NAME-LENGTH DTYPE RANK BYTES DIM...`, the name, a newline, the data.
 *
 *===----------------------------------------------------------------------===*/
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_RUNS = 100000 };

_Noreturn void peer_die(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int read_inputs(const char *path, struct peer_tensor *tensors) {
  FILE *file = fopen(path, "rb");
  if (!file)
    peer_die(path, "cannot open");
  int count = 0, length;
  struct peer_tensor tensor;
  while (fscanf(file, "%d %d %d %ld", &length, &tensor.dtype, &tensor.rank,
                &tensor.bytes) == 4) {
    if (tensor.rank > PEER_MAX_RANK || count == PEER_MAX_TENSORS)
      peer_die(path, "too many tensors or dimensions");
    for (int axis = 0; axis < tensor.rank; ++axis)
      if (fscanf(file, "%ld", &tensor.dims[axis]) != 1)
        peer_die(path, "bad sizes");
    fgetc(file);
    tensor.name = calloc(length + 1, 1);
    size_t padded = ((size_t)tensor.bytes + 127) / 64 * 64;
    tensor.data = aligned_alloc(64, padded);
    if (!tensor.name || !tensor.data ||
        fread(tensor.name, 1, length, file) != (size_t)length ||
        fgetc(file) != '\n' ||
        fread(tensor.data, 1, tensor.bytes, file) != (size_t)tensor.bytes)
      peer_die(path, "truncated");
    tensors[count++] = tensor;
  }
  fclose(file);
  return count;
}

static void run_block(int64_t milliseconds, int least) {
  static int64_t times[MAX_RUNS];
  int runs = 0;
  engine_run();
  int64_t begin = now(), end = begin + milliseconds * 1000000, before = begin;
  while (runs < MAX_RUNS && (before < end || runs < least)) {
    engine_run();
    int64_t after = now();
    times[runs++] = after - before;
    before = after;
  }
  for (int run = 0; run < runs; ++run)
    printf("%ld%c", times[run], run + 1 == runs ? '\n' : ' ');
}

/* Not getrusage, which counts the memory of the process that started this one.
 */
static void print_memory(void) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[128];
  long kilobytes = 0;
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "VmHWM: %ld", &kilobytes) == 1)
      break;
  if (file)
    fclose(file);
  printf("%ld\n", kilobytes * 1024);
}

int main(int argc, char **argv) {
  if (argc != 4)
    peer_die("usage", "peer MODEL INPUTS THREADS");
  struct peer_tensor inputs[PEER_MAX_TENSORS];
  int count = read_inputs(argv[2], inputs);
  engine_load(argv[1], atoi(argv[3]), inputs, count);
  engine_run();
  int touched = engine_touch();
  printf("ready %ld %d\n", now(), touched);
  fflush(stdout);

  char line[64];
  long first, second;
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "block %ld %ld", &first, &second) == 2)
      run_block(first, (int)second);
    else if (sscanf(line, "profile %ld", &first) == 1)
      engine_profile((int)first);
    else if (strcmp(line, "memory\n") == 0)
      print_memory();
    else
      peer_die("no such command", line);
    fflush(stdout);
  }
  return 0;
}
