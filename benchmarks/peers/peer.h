/*===- peer.h - One engine that runs one model, for benchmarks
 * ---------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * peer.c is the program; one other file implements these functions for one
 * engine. Every engine is timed by the very same code, in a process of its own.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_BENCHMARKS_PEER_H
#define SLUICE_BENCHMARKS_PEER_H

#include <stdint.h>

enum { PEER_MAX_RANK = 8, PEER_MAX_TENSORS = 64 };

struct peer_tensor {
  char *name;
  int32_t dtype; /* ONNX's TensorProto.DataType */
  int32_t rank;
  int64_t dims[PEER_MAX_RANK];
  int64_t bytes;
  void *data; /* 64-byte aligned */
};

/* These end the process with a message when something fails. */
void engine_load(const char *model, int threads,
                 const struct peer_tensor *inputs, int count);
void engine_run(void);
/* Reads the first byte of every output, so that they must have been made. */
int engine_touch(void);
/* Prints a line per kernel: runs, median nanoseconds, flops, kind, name. */
void engine_profile(int runs);

_Noreturn void peer_die(const char *what, const char *why);

#endif
